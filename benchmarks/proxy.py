"""A line between browsers and a server: a TCP proxy in a process of its own that has a rate and a length.

with Proxy(5000, bits_per_second=20_000_000, delay_seconds=0.01) as line: visit(f"http://127.0.0.1:{line.port}/")

All connections share the rate, in turns; it counts bytes of TCP payload from the server to the clients, and the other
way is not limited. The delay lies on each way, and on the handshake of each connection. There is no loss and no slow
start, which flatters plain HTTP a little.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

from .child import Child, serve

HOST = "127.0.0.1"
TURN_SECONDS = 0.002
"""How long one connection has the line before it is another's turn."""
BUSY_SECONDS = 0.002
"""A line that was left less than this ago had no pause."""
CATCH_UP_SECONDS = 0.1
"""A real line does not sleep. If this process overslept while the line was busy, it makes up for so much."""
SMALLEST_TURN, LARGEST_TURN = 1_460, 65_536
READ_AHEAD = 65_536
"""Bytes that may wait between server and line: what a server has sent should mostly have gone over the line."""
UNDER_WAY = 1_024
"""Chunks of one connection that may be on their way at a time, in each direction."""


class Proxy:
    """A line to a server on this machine, as a context manager; inside, `port` is where to knock.

    Args:
        upstream_port: the server's.
        bits_per_second: of all connections together, from the server; None for no limit.
        delay_seconds: one way, so half of the round trip.
    """

    def __init__(self, upstream_port: int, bits_per_second: float | None = None, delay_seconds: float = 0.0) -> None:
        self._child = Child("proxy", upstream_port, bits_per_second or 0, delay_seconds)

    def __enter__(self) -> Proxy:
        self.port = int(self._child.__enter__().hear())
        return self

    def __exit__(self, *error: Any) -> None:
        self._child.__exit__(*error)

    def carried(self) -> int:
        """Give the bytes that the line has carried from the server so far, headers and sockets included."""
        return int(self._child.ask())


class _Line:
    """What the connections share: when the line is free again, and whose turn it is."""

    def __init__(self, bytes_per_second: float) -> None:
        self._bytes_per_second = bytes_per_second
        self._turns = asyncio.Lock()  # wakes in the order of asking
        self._free_at = 0.0
        self._left_at = 0.0
        self.carried = 0

    @property
    def turn(self) -> int:
        """Bytes that may be carried at a time."""
        if not self._bytes_per_second:
            return LARGEST_TURN
        return max(SMALLEST_TURN, min(LARGEST_TURN, int(self._bytes_per_second * TURN_SECONDS)))

    async def carry(self, size: int) -> None:
        """Return when so many bytes have gone over the line."""
        if self._bytes_per_second:
            async with self._turns:
                await self._take_turn(size)
        self.carried += size

    async def _take_turn(self, size: int) -> None:
        now = asyncio.get_running_loop().time
        slack = CATCH_UP_SECONDS if now() - self._left_at < BUSY_SECONDS else 0.0
        self._free_at = max(self._free_at, now() - slack) + size / self._bytes_per_second
        await asyncio.sleep(self._free_at - now())
        self._left_at = now()


class _Server:
    """Takes connections and passes on what they say."""

    def __init__(self, upstream_port: int, line: _Line, delay_seconds: float) -> None:
        self._upstream_port = upstream_port
        self._line = line
        self._delay = delay_seconds

    async def take(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serve one connection until both ends have closed, or one is gone."""
        opened_at = asyncio.get_running_loop().time() + 2 * self._delay
        writers = [to_client]
        try:
            server, to_server = await self._connect()
            writers.append(to_server)
            await _all_or_none(
                self._pass_on(client, to_server, _free, opened_at), self._pass_on(server, to_client, self._line.carry)
            )
        except OSError:
            pass  # one end is gone, and the other will learn it
        finally:
            for writer in writers:
                writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        upstream = socket.socket()
        upstream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, READ_AHEAD)
        upstream.setblocking(False)
        await asyncio.get_running_loop().sock_connect(upstream, (HOST, self._upstream_port))
        return await asyncio.open_connection(sock=upstream, limit=READ_AHEAD)

    async def _pass_on(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        carry: Callable[[int], Coroutine[Any, Any, None]],
        not_before: float = 0.0,
    ) -> None:
        """Take from one end, and give to the other a delay later."""
        now = asyncio.get_running_loop().time
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(UNDER_WAY)

        async def take() -> None:
            chunk = b"-"
            while chunk:
                chunk = await source.read(self._line.turn)
                await carry(len(chunk))
                await under_way.put((max(now(), not_before) + self._delay, chunk))

        async def give() -> None:
            while True:
                due, chunk = await under_way.get()
                if due > now():
                    await asyncio.sleep(due - now())
                if not chunk:
                    return target.write_eof()
                target.write(chunk)
                await target.drain()

        await _all_or_none(take(), give())


async def _free(_size: int) -> None:
    """Carry towards the server, where nothing is limited or counted."""


async def _all_or_none(*jobs: Coroutine[Any, Any, None]) -> None:
    """Run jobs side by side; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _main(upstream_port: int, bits_per_second: float, delay_seconds: float) -> None:
    line = _Line(bits_per_second / 8)
    await serve(
        await asyncio.start_server(_Server(upstream_port, line, delay_seconds).take, HOST, 0), lambda: line.carried
    )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(int(sys.argv[1]), *map(float, sys.argv[2:])))
