"""A long way between browsers: a UDP relay in a process of its own, which stands between them like two NATs.

with Relay(delay_seconds=0.01) as relay: visitor([relay.patch], [RELAYED])

Each candidate of a browser gets a port of the relay, which stands for it: what arrives there goes on to the browser a
delay later, and comes from the port that stands for the sender. The patch writes the relay's ports in place of the
candidates that a page hears of, so that browsers never see each other's addresses. There is no loss and no rate.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import deque
from contextlib import suppress
from typing import Any

from .child import Child, serve

HOST = "127.0.0.1"
LONGEST_DATAGRAM = 65_536
BURST = 64
"""Datagrams read of one port before it is another's turn."""
BUFFER_BYTES = 4 << 20
RELAYED = "--disable-features=WebRtcHideLocalIpsWithMdns"
"""A browser's argument: candidates carry addresses, and not names that only other browsers can look up."""

_PATCH = """
const known = new Map();
function standIn(address, port) {
  const name = `${address}/${port}`;
  if (!known.has(name)) {
    const request = new XMLHttpRequest();
    request.open("GET", `http://127.0.0.1:%d/${name}`, false);
    request.send();
    known.set(name, request.responseText);
  }
  return known.get(name);
}
function relayed(candidate) {
  const words = candidate.split(" ");
  const [, , protocol, , address, port] = words;
  if (protocol.toLowerCase() !== "udp" || address.includes(":")) return "";
  words[5] = standIn(address, port);
  return words.join(" ");
}
const { setRemoteDescription, addIceCandidate } = RTCPeerConnection.prototype;
RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
  return setRemoteDescription.call(this, { type, sdp: sdp.replace(/a=candidate:.*\\r\\n/g, relayed) });
};
RTCPeerConnection.prototype.addIceCandidate = async function ({ candidate, ...rest }) {
  const other = relayed(candidate);
  if (other) await addIceCandidate.call(this, { candidate: other, ...rest });
};
"""

Address = tuple[str, int]


class Relay:
    """The process, as a context manager; inside, `patch` is for the browsers.

    Args:
        delay_seconds: one way, so half of the round trip.
    """

    def __init__(self, delay_seconds: float) -> None:
        self._child = Child("relay", delay_seconds)

    def __enter__(self) -> Relay:
        self.patch = _PATCH % int(self._child.__enter__().hear())
        return self

    def __exit__(self, *error: Any) -> None:
        self._child.__exit__(*error)

    def carried(self) -> int:
        """Give the datagrams that went through so far."""
        return int(self._child.ask())


class _Ports:
    """A port for each browser's candidate, and what is on its way between them."""

    def __init__(self, delay_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay = delay_seconds
        self._ports: dict[Address, socket.socket] = {}
        self._under_way: deque[tuple[float, socket.socket, bytes, Address]] = deque()
        self.carried = 0

    def port_of(self, browser: Address) -> socket.socket:
        """Give the socket that stands for a candidate, on the same address."""
        if browser not in self._ports:
            port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                port.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
            port.setblocking(False)
            port.bind((browser[0], 0))
            self._ports[browser] = port
            self._loop.add_reader(port, self._read, port, browser)
        return self._ports[browser]

    def _read(self, port: socket.socket, browser: Address) -> None:
        due = self._loop.time() + self._delay
        with suppress(BlockingIOError, ConnectionError):
            for _ in range(BURST):
                data, sender = port.recvfrom(LONGEST_DATAGRAM)
                if not self._under_way:
                    self._loop.call_at(due, self._send)
                self._under_way.append((due, self.port_of(sender), data, browser))

    def _send(self) -> None:
        now = self._loop.time()
        while self._under_way and self._under_way[0][0] <= now:
            _, port, data, browser = self._under_way.popleft()
            with suppress(BlockingIOError, ConnectionError):
                port.sendto(data, browser)
                self.carried += 1
        if self._under_way:
            self._loop.call_at(self._under_way[0][0], self._send)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer `GET /address/port` with the port that stands for it."""
        head = await reader.readuntil(b"\r\n\r\n")
        _, address, port = head.split(b" ", 2)[1].decode().split("/")
        number = str(self.port_of((address, int(port))).getsockname()[1])
        writer.write(
            f"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n"
            f"Content-Length: {len(number)}\r\n\r\n{number}".encode()
        )
        await writer.drain()
        writer.close()


async def _main(delay_seconds: float) -> None:
    ports = _Ports(delay_seconds)
    await serve(await asyncio.start_server(ports.answer, HOST, 0), lambda: ports.carried)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(float(sys.argv[1])))
