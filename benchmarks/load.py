"""A load generator in a process of its own: raw sockets, keep-alive, whole bodies, and no more work than that.

    with Load() as load: result = load.put(port, request, seconds=0.5)

As a process it reads one JSON order a line, and answers with one line: how many responses there were, how long they
took, and what their `ViralJS-Delivery` said.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .child import Child

HOST = "127.0.0.1"
CONNECTIONS = 4
READ_BYTES = 1 << 20
TIMEOUT_SECONDS = 10.0
DELIVERY = b"\r\nviraljs-delivery:"


@dataclass
class Result:
    """What came of one round."""

    responses: int = 0
    seconds: float = 0.0
    kinds: dict[str, int] = field(default_factory=dict)
    """Responses by the first word of `ViralJS-Delivery`; empty for those without it."""

    @property
    def rate(self) -> float:
        """Responses a second."""
        return self.responses / self.seconds


class Load:
    """The process, as a context manager."""

    def __init__(self) -> None:
        self._child = Child("load")

    def __enter__(self) -> Load:
        self._child.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._child.__exit__(*error)

    def put(self, port: int, request: str, seconds: float) -> Result:
        """Ask the same again and again over a few connections; those under way at the end are waited for."""
        order = {"port": port, "request": request, "seconds": seconds}
        return Result(**json.loads(self._child.ask(json.dumps(order).encode())))


def request_for(path: str, headers: Mapping[str, str]) -> str:
    """Write a request as it goes over the wire."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""])


class _Connection:
    """One connection: asks, reads to the end, asks again."""

    def __init__(self, port: int, request: bytes) -> None:
        self.socket = socket.create_connection((HOST, port), TIMEOUT_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.kind = ""
        self._request = request
        self._head = b""
        self._missing = 0

    def ask(self) -> None:
        self._head, self._missing = b"", 0
        self.socket.sendall(self._request)

    def take(self, data: memoryview) -> bool:
        """Take what arrived; True where that was the end of a response."""
        if not self._missing:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return False
            self._missing = self._read_head(self._head[:end]) - (len(self._head) - end - 4)
        else:
            self._missing -= len(data)
        return not self._missing

    def _read_head(self, head: bytes) -> int:
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"the server said {head!r}")
        lower = head.lower() + b"\r\n"
        self.kind = _value(lower, DELIVERY).split(";")[0]
        return int(_value(lower, b"\r\ncontent-length:"))


def _value(head: bytes, name: bytes) -> str:
    _, found, rest = head.partition(name)
    return rest.split(b"\r\n", 1)[0].strip().decode() if found else ""


def _round(port: int, request: bytes, seconds: float) -> Result:
    kinds: Counter[str] = Counter()
    buffer = memoryview(bytearray(READ_BYTES))
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            connection = _Connection(port, request)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began = time.perf_counter()
        for key in list(selector.get_map().values()):
            key.data.ask()
        while selector.get_map():
            for key, _events in selector.select(TIMEOUT_SECONDS) or _silence():
                connection = key.data
                count = connection.socket.recv_into(buffer)
                if not count:
                    raise RuntimeError("the server closed a connection")
                if not connection.take(buffer[:count]):
                    continue
                kinds[connection.kind] += 1
                if time.perf_counter() - began < seconds:
                    connection.ask()
                else:
                    selector.unregister(connection.socket)
                    connection.socket.close()
        return Result(kinds.total(), time.perf_counter() - began, dict(kinds))


def _silence() -> list[tuple[selectors.SelectorKey, int]]:
    raise RuntimeError(f"the server said nothing for {TIMEOUT_SECONDS:g} s")


def _main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(asdict(_round(order["port"], order["request"].encode(), order["seconds"]))), flush=True)


if __name__ == "__main__":
    _main()
