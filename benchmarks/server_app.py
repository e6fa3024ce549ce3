"""The app that `benchmarks.server` puts load on: the same bundles behind decorated views and bare ones.

The file `seeded…` of each pair has seeders, who exist in the registry only, so that its responses are thin.
"""

from __future__ import annotations

import os
import threading
import time
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path

from flask import Flask, Response, send_file

from viraljs import ViralJS
from viraljs.nearness import locate

FOLDER = Path(os.environ["BENCHMARK_FOLDER"])
SEEDERS = 200
SECONDS_TO_LIVE = 1.0
"""Thin responses may keep seeders' slots for some time: each seeder is replaced by a new one before all are taken."""

app = Flask("benchmarks.server_app", static_folder=None)
app.config.update(
    SECRET_KEY="for a benchmark",  # noqa: S106 - nobody's
    VIRALJS_ICE_SERVERS=[],
    VIRALJS_UPLOAD_SLOTS=64,
    VIRALJS_HEARTBEAT=300,
    VIRALJS_STREAM_SIZE=1 << 40,
    VIRALJS_CROWD_SECONDS=0,
)
viral = ViralJS(app)


@cache
def text_of(name: str) -> bytes:
    """Read a small bundle, once."""
    return (FOLDER / name).read_bytes()


def file_response(name: str) -> Response:
    """Answer as most apps do."""
    return send_file(FOLDER / name)


def text_response(name: str) -> Response:
    """Answer as apps do that make their bundle themselves."""
    return Response(text_of(name), mimetype="text/javascript")


app.add_url_rule("/file/bare/<name>", "bare_file", file_response)
app.add_url_rule("/text/bare/<name>", "bare_text", text_response)
app.add_url_rule("/file/viral/<name>", "viral_file", viral.bundle(file_response))
app.add_url_rule("/text/viral/<name>", "viral_text", viral.bundle(text_response))


@app.get("/cpu")
def cpu() -> str:
    """Tell how long this process has kept a core busy, in seconds."""
    return str(time.process_time())


def keep_seeded() -> None:
    """Let seeders come and go."""
    registry = app.extensions["viraljs"].registry
    place = locate("127.0.0.1")
    digests = [sha256(file.read_bytes()).hexdigest() for file in FOLDER.glob("seeded*")]
    for number in count():
        for digest in digests:
            registry.announce(f"seeder-{number}", place, digest)
        registry.withdraw(f"seeder-{number - SEEDERS}")
        if number > SEEDERS:
            time.sleep(SECONDS_TO_LIVE / SEEDERS)


threading.Thread(target=keep_seeded, daemon=True).start()
