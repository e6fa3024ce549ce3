"""`python -m demo_app`: serves the demo, prints a line for each delivery, and opens headless visitors if asked to."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from . import create_app, plotly_file
from .browsers import save_picture, visitors
from .errors import DemoError
from .swarm import Swarm, Visitor
from .wording import delivery_line, summary

HOST = "127.0.0.1"
MOST_BROWSERS = 50
HIGHEST_PORT = 65_535
TOUR_DEADLINE_MS = 10_000
"""Browsers that all start on one machine take its processors from each other: no seeder is gone that is late then."""


class _Quiet(WSGIRequestHandler):
    """Logs no request: the terminal is for deliveries."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Drop a message of the server."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo and give its exit code: 1 where it could not run or a delivery failed, 130 for half a tour."""
    options = _parse(arguments)
    # So that browsers are closed, and their profiles removed, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        swarm = Swarm(plotly_file().stat().st_size, _announce)
        settings = {"VIRALJS_DEADLINE": TOUR_DEADLINE_MS} if options.browsers else {}
        with _serving(create_app(swarm, **settings), options.port) as url:
            if options.browsers:
                _tour(url, swarm, options.browsers, options.screenshot)
            else:
                _say("Open it, then again in another browser or a private window, and watch. Ctrl-C ends the demo.")
                threading.Event().wait()
    except DemoError as error:
        print(f"demo: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        _say("\nThe demo has ended.")
        return 128 + signal.SIGINT if options.browsers else 0
    return 0


def _tour(url: str, swarm: Swarm, count: int, screenshot: Path | None) -> None:
    """Let headless visitors come one after another, and sum up."""
    with visitors(url, swarm, count) as browsers:
        if screenshot:
            save_picture(browsers[-1], screenshot, count)
        _say("\n" + summary(swarm))


@contextmanager
def _serving(app: Flask, port: int) -> Iterator[str]:
    """Serve the app in a thread, and give its address."""
    server = make_server(HOST, port, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="demo-server", daemon=True)
    thread.start()
    url = f"http://{HOST}:{server.server_port}/"
    _say(f"ViralJS demo: {url}")
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


def _announce(visitor: Visitor) -> None:
    _say(delivery_line(visitor))


def _say(text: str) -> None:
    print(text, flush=True)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo_app", description="A page whose visitors deliver it.")
    parser.add_argument("--port", type=_number(0, HIGHEST_PORT), default=0, help="where to serve; a free port if 0")
    parser.add_argument(
        "--browsers",
        type=_number(1, MOST_BROWSERS),
        metavar="N",
        help="open the page in N headless Chromium processes, print the deliveries and a summary, and end",
    )
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE", help="save the last browser's page as a PNG (with --browsers)"
    )
    options = parser.parse_args(arguments)
    if options.screenshot and not options.browsers:
        parser.error("--screenshot needs --browsers")
    return options


def _number(low: int, high: int) -> Any:
    def parse(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"must be a number from {low} to {high}, not {text!r}")
        return int(text)

    return parse


if __name__ == "__main__":
    sys.exit(main())
