"""An origin to measure: the app under a production server in a process of its own, behind a line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from tests.support.servers import HOST, START_SECONDS, serve

from .javascript import application
from .line import Line, line

Settings = Mapping[str, Any]
"""`VIRALJS_*` keys."""
OFF: Settings = {"VIRALJS_ENABLED": False}
LAN: Settings = {"VIRALJS_ICE_SERVERS": []}
"""All browsers are on this machine: nobody has to ask for an address."""


class Origin:
    """Where to find it, and what it has sent."""

    def __init__(self, bundles: Path, behind: Line) -> None:
        self._bundles = bundles
        self._line = behind
        self._names = count()

    def publish(self, size: int) -> str:
        """Put up a new bundle of so many bytes, and give the address of its page."""
        name = f"{size}-{next(self._names)}"
        (self._bundles / f"{name}.js").write_bytes(application(size, name))
        return f"http://{HOST}:{self._line.port}/{name}"

    def carried(self) -> int:
        """Give the bytes that its line has carried to the browsers so far."""
        return self._line.carried()


@contextmanager
def origin(
    settings: Settings, bits_per_second: float, delay_seconds: float = 0.0, own_network: bool = False
) -> Iterator[Origin]:
    """Serve with these settings until the block ends; the rest is as in `line`."""
    with TemporaryDirectory(prefix="viraljs-bench-") as folder:
        bundles, log = Path(folder), Path(folder) / "server.log"
        env = {"BENCH_BUNDLES": folder, "BENCH_SETTINGS": json.dumps({**LAN, **settings})}
        with serve("gevent", "benchmarks.origin_app", env, log) as address:
            port = urlsplit(address).port or 0
            _require_app(port, log)
            with line(port, bits_per_second, delay_seconds, own_network) as behind:
                yield Origin(bundles, behind)


def _require_app(port: int, log: Path) -> None:
    """Raise with the server's words if the app does not answer: gunicorn listens before it knows of a wrong setting."""
    knock = HTTPConnection(HOST, port, timeout=START_SECONDS)
    try:
        knock.request("GET", "/any")
        knock.getresponse().read()
    except (OSError, HTTPException) as error:
        raise RuntimeError(f"the app did not start:\n{log.read_text()}") from error
    finally:
        knock.close()
