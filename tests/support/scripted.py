"""A seeder without a browser: it announces a bundle as it should, and then does what a test tells it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from websocket import WebSocketConnectionClosedException, create_connection

from tests.support.site import Site

React = Callable[[dict[str, Any]], dict[str, Any] | None]

NOT_SDP = "v=0\r\nm=application \r\na=ice-ufrag:\r\na=fingerprint:\r\n"
"""What the server takes for SDP, and no browser does."""


class ScriptedSeeder:
    """One seeder on its own socket.

    Args:
        site: where it seeds.
        react: is given each offer, and gives the message to answer with, if any.
    """

    def __init__(self, site: Site, react: React, name: str = "app.js") -> None:
        self._react = react
        self._socket = create_connection(
            site.url("viraljs/socket").replace("http", "ws"), origin=site.url().rstrip("/"), timeout=30
        )
        self.offers: list[dict[str, Any]] = []
        digest = sha256(site.bundles[name]).hexdigest()
        self._say({"type": "announce", "digest": digest, "proof": site.state.tickets.prove(digest)})
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _say(self, message: dict[str, Any]) -> None:
        self._socket.send(json.dumps(message))

    def _run(self) -> None:
        try:
            while data := self._socket.recv():
                message = json.loads(data)
                if message["type"] == "offer":
                    self.offers.append(message)
                    if answer := self._react(message):
                        self._say({"exchange": message["exchange"], **answer})
        except (OSError, ValueError, WebSocketConnectionClosedException):
            pass  # closed, by this test or by the server

    def close(self) -> None:
        """Leave."""
        self._socket.close()
