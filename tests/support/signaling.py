"""Scripted peers: a seeder on a real WebSocket and a recipient that posts, both with SDP that only looks real."""

from __future__ import annotations

import json
import struct
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import websocket

from tests.support.background import PATIENCE_SECONDS
from tests.support.visits import SCRIPT, island_of

SDP = (
    "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789abcdef01234567\r\na=fingerprint:sha-256 00:11\r\na=setup:actpass\r\na=mid:0\r\n"
    "a=sctp-port:5000\r\n"
)
CANDIDATE = "candidate:1 1 udp 2113937151 127.0.0.1 50000 typ host"


class ScriptedSeeder:
    """A seeder's socket; a context manager that closes it."""

    name = ""
    """As its greeting said, once it was taken."""

    def __init__(
        self,
        url: str,
        *,
        ticket: str = "",
        origin: str | None = None,
        prefix: str = "/viraljs",
        headers: dict[str, str] | None = None,
    ) -> None:
        self._socket = websocket.create_connection(
            f"{url.replace('http', 'ws', 1)}{prefix}/socket?ticket={quote(ticket)}",
            timeout=PATIENCE_SECONDS,
            origin=url if origin is None else origin,
            header=headers,
        )

    def __enter__(self) -> ScriptedSeeder:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close(timeout=1)
        self._socket.shutdown()

    def welcome(self) -> str:
        """Take the greeting, and give the name in it."""
        message = self.hear()
        assert message["type"] == "welcome"
        self.name = message["peer"]
        return self.name

    def say(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def say_raw(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            self._socket.send_binary(data)
        else:
            self._socket.send(data)

    def send_frame(self, frame: bytes) -> None:
        """Send bytes that need not be a WebSocket frame."""
        assert self._socket.sock is not None
        self._socket.sock.sendall(frame)

    def hear(self) -> dict[str, Any]:
        """Wait for the next message."""
        opcode, data = self._socket.recv_data()
        assert opcode == websocket.ABNF.OPCODE_TEXT, f"closed: {data!r}"
        message: dict[str, Any] = json.loads(data)
        return message

    def break_off(self) -> None:
        """Vanish without a word, as a browser does whose network is gone."""
        self._socket.shutdown()

    def closing(self) -> tuple[int, str]:
        """Wait until the server closes, and give its code and reason."""
        while True:
            opcode, data = self._socket.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return struct.unpack("!H", data[:2])[0], data[2:].decode()

    def announce(self, digest: str, proof: str) -> None:
        self.say(type="announce", digest=digest, proof=proof)


def get(url: str, headers: dict[str, str] | None = None) -> tuple[bytes, dict[str, str]]:
    """Get a URL as a script element would, with other headers where given; body and headers come back."""
    with urlopen(Request(url, headers={**SCRIPT, **(headers or {})}), timeout=PATIENCE_SECONDS) as response:  # noqa: S310
        return response.read(), dict(response.headers)


def get_island(url: str, **more: str) -> tuple[str, dict[str, Any]]:
    """Get a bundle, with more headers than a browser's; give the kind of the response, and its island."""
    body, headers = get(url, {name.replace("_", "-"): value for name, value in more.items()})
    return headers["ViralJS-Delivery"], island_of(body)


def post(url: str, message: Any, *, origin: str | None = None) -> tuple[int, Any]:
    """Post a message (or raw bytes) as a page of the same origin would; status and decoded answer come back."""
    scheme, _, host, *_ = url.split("/")
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    headers = {"Origin": f"{scheme}//{host}" if origin is None else origin, "Content-Type": "text/plain"}
    try:
        with urlopen(Request(url, data, headers), timeout=PATIENCE_SECONDS) as response:  # noqa: S310 - our own server
            return response.status, json.loads(response.read() or "null")
    except HTTPError as error:
        with error:
            return error.code, _maybe_json(error.read())


def _maybe_json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


def offer_to(*seeders: str, sdp: str = SDP) -> list[dict[str, Any]]:
    return [{"seeder": seeder, "sdp": sdp, "ranges": [[0, 1]]} for seeder in seeders]
