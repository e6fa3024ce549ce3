"""Visitors without a browser: the headers that a real one sends, an app to visit, and what is in the answers."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse
from werkzeug.wrappers import Response

from viraljs import ViralJS
from viraljs.delivery import HEADER
from viraljs.nearness import locate
from viraljs.state import State

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
SCRIPT = {
    "User-Agent": CHROME,
    "Sec-Fetch-Dest": "script",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Site": "same-origin",
}
"""What Chrome sends for `<script src>` of the same origin, on https and on localhost."""
PAGE = {"User-Agent": CHROME, "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "none"}
"""What it sends for a page whose address is typed in."""
CRAWLER = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
JAVASCRIPT = "text/javascript; charset=utf-8"
BUNDLE = b"globalThis.ran = (globalThis.ran ?? 0) + 1; /* " + b"padding " * 40 + b"*/\n"
"""A small bundle; the apps below set VIRALJS_MIN_SIZE to 1."""


BY_TURNS = {"CROWD_SECONDS": 0, "STREAM_SIZE": 1 << 40}
"""Settings for tests that look at one visitor after another: whoever finds no seeder gets a full response."""


def new_app(viral: ViralJS | None = None, /, **config: Any) -> Flask:
    """Make an app with ViralJS that takes bundles of any size, by turns; keys of `config` come without `VIRALJS_`."""
    app = Flask("tested", static_folder=None)
    app.testing = True
    app.secret_key = "for tests"
    app.config.update({f"VIRALJS_{key}": value for key, value in {"MIN_SIZE": 1, **BY_TURNS, **config}.items()})
    (viral or ViralJS()).init_app(app)
    return app


def serve_bundle(app: Flask, view: Any, url: str = "/app.js", **options: Any) -> None:
    """Add a decorated view to an app made by `new_app`."""
    app.add_url_rule(url, url.strip("/"), ViralJS().bundle(**options)(view))


def state_of(app: Flask) -> State:
    state: State = app.extensions["viraljs"]
    return state


def digest_of(data: bytes) -> str:
    return sha256(data).hexdigest()


def add_seeder(app: Flask, data: bytes, peer: str = "seeder", address: str = "127.0.0.1") -> None:
    """Make the app believe that a peer at this address seeds these bytes."""
    state_of(app).registry.announce(peer, locate(address), digest_of(data))


def visit(app: Flask, url: str = "/app.js", headers: dict[str, str] | None = None, **options: Any) -> TestResponse:
    """Ask as Chrome would for a script element; a header given as "" is left out."""
    sent = {name: value for name, value in {**SCRIPT, **(headers or {})}.items() if value}
    options = {"method": "GET", "headers": sent, "buffered": True, **options}
    return app.test_client(use_cookies=False).open(url, **options)


def delivery_of(response: Response) -> str:
    return response.headers[HEADER]


def island_of(script: bytes) -> dict[str, Any]:
    """Give the settings island of an addition or a thin client: the argument of its last call."""
    found = re.search(rb'\}\)\((\{"url":.*\})\);\n$', script, re.DOTALL)
    assert found, script[-200:]
    island: dict[str, Any] = json.loads(found[1])
    return island
