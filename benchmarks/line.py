"""The origin's line: the kernel's own where we may have a network of our own, else a proxy's.

with own_network() as own, line(5000, 20_000_000, own=own) as origin: visit(origin.port)

Both limit what the server's TCP connections carry. The kernel's is a queue for all, as a router has it, with loss when
it is full; the proxy's is fair. `BENCH_LINE=proxy` in the environment asks for the proxy.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from .proxy import Proxy

LIBC = ctypes.CDLL(None)
CLONE_NEWNET = 0x40000000
"""unshare(2), setns(2)."""
ADDRESS = "10.77.0.1/24"
PACKET = 1_500
QUEUE_SECONDS = 0.05
"""What waits before the line, at most; a packet that comes then is lost, and TCP slows down."""
NUMBERS = count(1)
"""Of the lines; two at a time have each a rate of its own."""
ETHERNET, IP_AND_TCP = 14, 52
"""Bytes of headers that the kernel counts in each packet; the rate of a line is that of what they carry."""


class Line(Protocol):
    """Where the browsers knock, and what came over so far."""

    @property
    def port(self) -> int:
        """The port of this machine that leads to the server."""

    def carried(self) -> int:
        """Give the bytes from the server so far."""


@contextmanager
def own_network() -> Iterator[bool]:
    """Leave the machine's network for an own one until the block ends; yields whether that was allowed.

    It is this thread's, and that of the threads and processes that it starts inside.
    """
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        entered = _enter(home.fileno())
        try:
            yield entered
        finally:
            if entered:
                LIBC.setns(home.fileno(), CLONE_NEWNET)


def _enter(home: int) -> bool:
    """Go into a new network if we may and can furnish it; say whether we are there."""
    if os.getuid() or os.environ.get("BENCH_LINE") == "proxy" or LIBC.unshare(CLONE_NEWNET):
        return False
    try:
        _furnish()
    except (OSError, subprocess.CalledProcessError):  # no ip, no tc, or a kernel without htb
        LIBC.setns(home, CLONE_NEWNET)
        return False
    return True


def _furnish() -> None:
    """Bring up the loopback, and an interface with an address: browsers know no candidate on a loopback alone."""
    for command in (
        f"ip link set lo up mtu {PACKET} gso_max_size {PACKET}",  # no packet of 64 KB, which no line has
        "tc qdisc add dev lo root handle 1: htb",
        "ip link add lan type veth peer name wall",
        f"ip address add {ADDRESS} dev lan",
        "ip link set lan up",
        "ip link set wall up",
        "ip route add default dev lan",  # Chromium asks which interface leads to the internet
    ):
        _do(command)


def line(
    port: int, bits_per_second: float, delay_seconds: float = 0.0, own: bool = False
) -> AbstractContextManager[Line]:
    """Put a line before a server of this machine; `own` is what `own_network` said. This kernel knows no delay."""
    if own and not delay_seconds:
        return _kernel_line(port, bits_per_second)
    return Proxy(port, bits_per_second, delay_seconds)


class _KernelLine:
    def __init__(self, port: int, number: int) -> None:
        self.port = port
        self._class = f"1:{number:x}"

    def carried(self) -> int:
        """Give the bytes from the server so far, without the headers of packets."""
        sent = _do(f"tc -s class show dev lo classid {self._class}").split("Sent ", 1)[1].split()
        return int(sent[0]) - int(sent[2]) * (ETHERNET + IP_AND_TCP)


@contextmanager
def _kernel_line(port: int, bits_per_second: float) -> Iterator[Line]:
    """Limit what comes from a port over the loopback of the own network."""
    number = next(NUMBERS)
    packets = max(10, int(bits_per_second * QUEUE_SECONDS / 8 / PACKET))
    rate = bits_per_second * (PACKET + ETHERNET) / (PACKET - IP_AND_TCP)
    matching = f"dev lo parent 1: protocol ip prio {number}"
    _do(f"tc class add dev lo parent 1: classid 1:{number:x} htb rate {rate:.0f}bit quantum {PACKET}")
    _do(f"tc qdisc add dev lo parent 1:{number:x} pfifo limit {packets}")
    _do(f"tc filter add {matching} u32 match ip sport {port} 0xffff flowid 1:{number:x}")
    try:
        yield _KernelLine(port, number)
    finally:
        _do(f"tc filter del {matching}")


def _do(command: str) -> str:
    return subprocess.run(command.split(), capture_output=True, text=True, check=True).stdout
