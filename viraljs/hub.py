"""Live sockets and what is on its way to them: an outbox for each seeder, a mailbox for each exchange.

`Hub` is what the rest may rely on; it says nothing of processes. `LocalHub` is the one for a single process.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from .messages import OUT_OF_ORDER, Candidates, Offer, Signal

OUTBOX_LIMIT = 256
"""Messages that may wait for one seeder; one that reads so slowly is cut off."""
MAILBOX_LIMIT = 32
MOST_ASKS = 8
"""Times that a recipient may wait for one exchange: each holds a request."""
MAILBOX_SECONDS = 60.0
GRACE_SECONDS = 0.1
"""How long a recipient's POST waits for the other seeders when the first has answered."""


class Outbox:
    """What waits to be sent on one seeder's socket. Anyone may put; only the socket's own thread takes."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Start empty.

        Args:
            wake: tells the socket's thread that there is something to take; called from any thread.
        """
        self._wake = wake
        self._messages: deque[Offer | Candidates] = deque()
        self.cut_off: tuple[int, str] | None = None
        """Close code and reason, once the socket is to be closed."""

    def put(self, message: Offer | Candidates) -> bool:
        """Queue a message; False where the outbox is full or cut off."""
        if self.cut_off or len(self._messages) >= OUTBOX_LIMIT:
            return False
        self._messages.append(message)
        self._wake()
        return True

    def take(self) -> Offer | Candidates | None:
        """Give the next message, or None."""
        try:
            return self._messages.popleft()
        except IndexError:
            return None

    def cut(self, code: int, reason: str) -> None:
        """Ask for the socket to be closed."""
        self.cut_off = (code, reason)
        self._wake()


class Hub(ABC):
    """Carries messages between a recipient's requests and seeders' sockets, wherever these are. Thread-safe."""

    @abstractmethod
    def attach(self, peer: str, outbox: Outbox) -> None:
        """Say that a seeder's socket is here. A socket that it had before is cut off."""

    @abstractmethod
    def attach_alias(self, alias: str, outbox: Outbox) -> bool:
        """Say that a socket that is here speaks for another name as well, and so has what waits for that.

        False where that name has a socket of its own.
        """

    @abstractmethod
    def detach(self, peer: str, outbox: Outbox) -> bool:
        """Say that the socket is gone, with its aliases; False where another has taken its place already."""

    @abstractmethod
    def expect(self, peer: str, seconds: float) -> None:
        """Keep messages for a peer whose socket is to be opened within `seconds`; they wait for it, in order."""

    @abstractmethod
    def forget(self, peer: str) -> list[Offer | Candidates] | None:
        """Expect a peer no longer, and return what waited for it; None where it was not expected."""

    @abstractmethod
    def connected(self) -> int:
        """Count the sockets of this process."""

    @abstractmethod
    def expected(self) -> int:
        """Count the sockets that are to be opened."""

    @abstractmethod
    def send(self, peer: str, message: Offer | Candidates) -> bool:
        """Put a message into a seeder's outbox, or keep it for one expected; False where there is no room or nobody."""

    @abstractmethod
    def cut(self, peer: str, code: int, reason: str) -> None:
        """Close a seeder's socket."""

    @abstractmethod
    def deliver(self, signal: Signal) -> None:
        """Put a signal of a seeder into the mailbox of its exchange; dropped where that is not open."""

    @abstractmethod
    def open_mailbox(self, exchange: str) -> None:
        """Make room for signals of an exchange; it closes by itself after `MAILBOX_SECONDS`."""

    @abstractmethod
    def collect(self, exchanges: Collection[str], timeout: float) -> list[Signal]:
        """Wait for signals and take them.

        Returns as soon as each exchange has one, or `GRACE_SECONDS` after the first, or after `timeout` seconds with
        what there is; at once where nothing can come, or after `MOST_ASKS` calls for the same exchange.
        """


@dataclass
class _Mailbox:
    opened: float
    signals: list[Signal] = field(default_factory=list)
    asks: int = 0


@dataclass
class _Expected:
    until: float
    messages: list[Offer | Candidates] = field(default_factory=list)


class LocalHub(Hub):
    """The hub of a single process.

    Args:
        now: a monotonic clock, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Start without sockets."""
        self._now = now
        self._outboxes: dict[str, Outbox] = {}
        self._aliases: dict[str, Outbox] = {}
        """Other names of those, each with the socket that said it last."""
        self._expected: OrderedDict[str, _Expected] = OrderedDict()
        self._mailboxes: OrderedDict[str, _Mailbox] = OrderedDict()
        self._changed = threading.Condition()

    def attach(self, peer: str, outbox: Outbox) -> None:
        """See `Hub.attach`."""
        with self._changed:
            before = self._outboxes.get(peer)
            self._outboxes[peer] = outbox
            self._aliases.pop(peer, None)
            self._hand_over(peer, outbox)
        if before is not None:
            before.cut(OUT_OF_ORDER, "the same peer has opened another socket")

    def attach_alias(self, alias: str, outbox: Outbox) -> bool:
        """See `Hub.attach_alias`."""
        with self._changed:
            if alias in self._outboxes:
                return False
            self._aliases[alias] = outbox
            self._hand_over(alias, outbox)
            return True

    def detach(self, peer: str, outbox: Outbox) -> bool:
        """See `Hub.detach`."""
        with self._changed:
            self._aliases = {alias: one for alias, one in self._aliases.items() if one is not outbox}
            if self._outboxes.get(peer) is not outbox:
                return False
            del self._outboxes[peer]
            return True

    def expect(self, peer: str, seconds: float) -> None:
        """See `Hub.expect`."""
        with self._changed:
            self._forget_late()
            self._expected[peer] = _Expected(self._now() + seconds)

    def forget(self, peer: str) -> list[Offer | Candidates] | None:
        """See `Hub.forget`."""
        with self._changed:
            expected = self._expected.pop(peer, None)
            return None if expected is None else expected.messages

    def connected(self) -> int:
        """See `Hub.connected`."""
        return len(self._outboxes)

    def expected(self) -> int:
        """See `Hub.expected`."""
        with self._changed:
            self._forget_late()
            return len(self._expected)

    def send(self, peer: str, message: Offer | Candidates) -> bool:
        """See `Hub.send`."""
        with self._changed:
            outbox = self._find(peer)
            if outbox is not None:
                return outbox.put(message)
            self._forget_late()
            expected = self._expected.get(peer)
            if expected is None or len(expected.messages) >= OUTBOX_LIMIT:
                return False
            expected.messages.append(message)
            return True

    def cut(self, peer: str, code: int, reason: str) -> None:
        """See `Hub.cut`."""
        outbox = self._find(peer)
        if outbox is not None:
            outbox.cut(code, reason)

    def deliver(self, signal: Signal) -> None:
        """See `Hub.deliver`."""
        with self._changed:
            mailbox = self._mailboxes.get(signal.exchange)
            if mailbox is not None and len(mailbox.signals) < MAILBOX_LIMIT:
                mailbox.signals.append(signal)
                self._changed.notify_all()

    def open_mailbox(self, exchange: str) -> None:
        """See `Hub.open_mailbox`."""
        with self._changed:
            oldest = self._now() - MAILBOX_SECONDS
            while self._mailboxes and next(iter(self._mailboxes.values())).opened < oldest:
                self._mailboxes.popitem(last=False)
            self._mailboxes[exchange] = _Mailbox(self._now())

    def collect(self, exchanges: Collection[str], timeout: float) -> list[Signal]:
        """See `Hub.collect`."""
        until = self._now() + timeout
        with self._changed:
            awaited = [exchange for exchange in exchanges if self._may_ask(exchange)]
            while awaited and (left := until - self._now()) > 0:
                heard = [exchange for exchange in awaited if self._peek(exchange)]
                if len(heard) == len(awaited):
                    break
                if heard:
                    until = min(until, self._now() + GRACE_SECONDS)
                    left = until - self._now()
                self._changed.wait(left)
            return [signal for exchange in exchanges for signal in self._empty(exchange)]

    def _find(self, peer: str) -> Outbox | None:
        return self._outboxes.get(peer) or self._aliases.get(peer)

    def _hand_over(self, peer: str, outbox: Outbox) -> None:
        self._forget_late()
        expected = self._expected.pop(peer, None)
        for message in expected.messages if expected is not None else ():
            outbox.put(message)

    def _forget_late(self) -> None:
        now = self._now()
        while self._expected and next(iter(self._expected.values())).until < now:
            self._expected.popitem(last=False)

    def _may_ask(self, exchange: str) -> bool:
        mailbox = self._mailboxes.get(exchange)
        if mailbox is None or mailbox.asks >= MOST_ASKS:
            return False
        mailbox.asks += 1
        return True

    def _peek(self, exchange: str) -> Sequence[Signal]:
        mailbox = self._mailboxes.get(exchange)
        return mailbox.signals if mailbox is not None else ()

    def _empty(self, exchange: str) -> list[Signal]:
        mailbox = self._mailboxes.get(exchange)
        if mailbox is None:
            return []
        taken, mailbox.signals = mailbox.signals, []
        return taken
