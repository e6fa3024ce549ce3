"""Two homes, each behind a router that translates addresses, and a public network between them with a TURN server.

Each place is a network namespace that only this process knows: nothing in the machine's own network is touched, and
the kernel takes all of it away when the process ends, however it ends. What is started inside a namespace lives there.

       left                                                          right
    192.168.1.2 -- router 203.0.113.2 -- middle -- 198.51.100.2 router -- 192.168.1.2
                                        192.0.2.1
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.support.chromium import Chromium
from tests.support.servers import stop
from tests.support.until import until

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
"""unshare(2), setns(2)."""
TOOLS = ("ip", "iptables", "turnserver")

PUBLIC = "192.0.2.1"
"""The address of whoever serves in the middle. This and those of the routers are for documentation (RFC 5737)."""
ROUTERS = ("203.0.113.2", "198.51.100.2")
GATEWAYS = ("203.0.113.1", "198.51.100.1")
HOME = "192.168.1.2"
HOME_ROUTER = "192.168.1.1"
TURN_PORT = 3_478
TURN_SECRET = "known to the TURN server and to the site"
BINDING_REQUEST = bytes.fromhex("000100002112a442") + b"twelve bytes"
"""A STUN message without attributes (RFC 8489, 5)."""
ANSWER_SECONDS = 0.2


def missing_tools() -> list[str]:
    """List what this machine lacks for such a network."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]


class Place:
    """A network namespace with nothing but a loopback.

    Args:
        stack: closes it; the namespace ends when the last process in it does.

    Raises:
        OSError: we may not make one.
    """

    def __init__(self, stack: ExitStack) -> None:
        with _homecoming():
            _checked(LIBC.unshare(CLONE_NEWNET))
            self._file = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
            stack.callback(os.close, self._file)
            do("ip link set lo up")

    @property
    def path(self) -> str:
        """A file that other processes, too, know it by."""
        return f"/proc/{os.getpid()}/fd/{self._file}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Be there until the block ends: this thread, and the threads and processes that it starts inside."""
        with _homecoming():
            _checked(LIBC.setns(self._file, CLONE_NEWNET))
            yield


@contextmanager
def _homecoming() -> Iterator[None]:
    """Go back, when the block ends, to the namespace in which this thread is now."""
    with Path("/proc/thread-self/ns/net").open("rb") as home:
        try:
            yield
        finally:
            _checked(LIBC.setns(home.fileno(), CLONE_NEWNET))


def _checked(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def do(command: str) -> None:
    """Run a command; what it complains of is in the error."""
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


class Internet:
    """The network.

    Args:
        stack: takes it down.
        symmetric: the routers give each destination a port of its own, by chance (`symmetric` in RFC 3489), so that
            what a STUN server sees says nothing of what another browser will see.
        udp: the routers let UDP through.

    Raises:
        OSError: we may not make networks, though we be root: a container's root mostly may not.
    """

    def __init__(self, stack: ExitStack, *, symmetric: bool = False, udp: bool = True) -> None:
        self.middle = Place(stack)
        with self.middle.entered():
            do(f"ip address add {PUBLIC}/32 dev lo")
            _forward()
        self.left, self.right = (self._home(stack, side, symmetric, udp) for side in (0, 1))

    def _home(self, stack: ExitStack, side: int, symmetric: bool, udp: bool) -> Place:
        router, home = Place(stack), Place(stack)
        with self.middle.entered():
            do(f"ip link add home{side} type veth peer name wan netns {router.path}")
            do(f"ip address add {GATEWAYS[side]}/30 dev home{side}")
            do(f"ip link set home{side} up")
        with router.entered():
            do(f"ip address add {ROUTERS[side]}/30 dev wan")
            do("ip link set wan up")
            do(f"ip route add default via {GATEWAYS[side]}")
            do(f"ip link add lan type veth peer name lan netns {home.path}")
            do(f"ip address add {HOME_ROUTER}/24 dev lan")
            do("ip link set lan up")
            _translate(symmetric)
            if not udp:
                do("iptables -A FORWARD -i lan -p udp -j DROP")
            _forward()
        with home.entered():
            do(f"ip address add {HOME}/24 dev lan")
            do("ip link set lan up")
            do(f"ip route add default via {HOME_ROUTER}")
            # There are no names here; who asks for one, as a browser does when it starts, need not wait for an answer.
            do("iptables -A OUTPUT ! -o lo -p udp --dport 53 -j REJECT")
        return home


def _forward() -> None:
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _translate(symmetric: bool) -> None:
    """Be the router of a home: let nothing in that was not asked for, and hide who asks."""
    do(f"iptables -t nat -A POSTROUTING -o wan -j MASQUERADE {'--random-fully' if symmetric else ''}")
    do("iptables -A FORWARD -i wan -m conntrack --ctstate NEW,INVALID -j DROP")
    # An answer of its own, "nobody listens here", would take the port from who is about to knock from inside.
    do("iptables -A INPUT -i wan -j DROP")


class TurnServer:
    """Debian's coturn, in the middle of an internet.

    Args:
        stack: ends it.
        internet: where to run it.
        folder: an empty one, for its files.
    """

    url = f"turn:{PUBLIC}:{TURN_PORT}"
    stun: dict[str, Any] = {"urls": f"stun:{PUBLIC}:{TURN_PORT}"}  # noqa: RUF012 - never changed

    def __init__(self, stack: ExitStack, internet: Internet, folder: Path) -> None:
        self._log = folder / "coturn.log"
        with internet.middle.entered(), self._log.open("wb") as log:
            process = subprocess.Popen(
                [
                    *("turnserver", "-n", "--verbose", "--log-file=stdout", "--no-cli", "--no-tls", "--no-dtls"),
                    *("--use-auth-secret", f"--static-auth-secret={TURN_SECRET}", "--realm=viral.test"),
                    *(f"--listening-ip={PUBLIC}", f"--listening-port={TURN_PORT}", f"--relay-ip={PUBLIC}"),
                    *(f"--pidfile={folder}/coturn.pid", f"--userdb={folder}/coturn.db"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            stack.callback(stop, process)
            until(lambda: process.poll() is not None or _answers(), "an answer of coturn")
        assert process.poll() is None, self._log.read_text()

    def said(self, words: str) -> bool:
        """Say whether its log has these words."""
        return words in self._log.read_text(errors="replace")


def _answers() -> bool:
    """Ask the STUN server something."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(ANSWER_SECONDS)
        with suppress(OSError):
            asking.sendto(BINDING_REQUEST, (PUBLIC, TURN_PORT))
            return bool(asking.recv(1_500))
    return False


class ChromiumAt(Chromium):
    """A visitor at some place: browser and driver live there, and whoever speaks to the driver goes there for it."""

    def __init__(self, place: Place, profile: Path, patches: Sequence[str] = ()) -> None:
        self._place = place
        with place.entered():
            super().__init__(profile, patches)
        execute = self.driver.execute

        def execute_there(*args: Any, **kwargs: Any) -> Any:
            with place.entered():
                return execute(*args, **kwargs)

        self.driver.execute = execute_there  # type: ignore[method-assign]

    def quit(self) -> None:
        """Close the browser."""
        with self._place.entered():
            super().quit()
