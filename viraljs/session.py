"""One seeder's signaling as a state machine without I/O: a message comes in, effects come out.

Whoever owns the socket (`viraljs.blueprint`) carries the effects out. The session knows which exchanges the server
gave to its seeder, and so lets it speak to no one else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from .errors import MessageError, TokenError
from .messages import (
    COMPLETE,
    FORBIDDEN,
    OUT_OF_ORDER,
    SILENT,
    TOO_MANY,
    Announce,
    Answer,
    Candidates,
    Done,
    Gone,
    Offer,
    Ping,
    Pong,
    Refuse,
    SeederMessage,
    ServerMessage,
    Signal,
    Welcome,
    Withdraw,
    parse_seeder_message,
)

MOST_DIGESTS = 64
MOST_ALIASES = 64
MOST_EXCHANGES = 1_024
"""Exchanges remembered; by then the oldest is long over."""


@dataclass(frozen=True)
class Send:
    """Send this to the seeder."""

    message: ServerMessage


@dataclass(frozen=True)
class Close:
    """Close the socket with this code and reason."""

    code: int
    reason: str


@dataclass(frozen=True)
class Joined:
    """The seeder holds this digest now, or more of it than before: so many percent. It got it as one of `group`."""

    digest: str
    progress: int
    group: str = ""


@dataclass(frozen=True)
class Left:
    """The seeder holds this digest no longer; it may never have held all of it."""

    digest: str
    complete: bool
    group: str = ""


@dataclass(frozen=True)
class Named:
    """The seeder is the recipient of this name as well: the server gave it one for each thin response of its page."""

    alias: str


@dataclass(frozen=True)
class Blocking:
    """On this page the parser waits for the tag of the bundle at this URL; both are paths, as the seeder wrote them."""

    page: str
    url: str


@dataclass(frozen=True)
class Forward:
    """Hand this to the recipient of the exchange."""

    signal: Signal


@dataclass(frozen=True)
class Freed:
    """The upload slot of this exchange is free."""

    exchange: str


Effect = Send | Close | Joined | Left | Named | Blocking | Forward | Freed


class _Stage(Enum):
    OFFERED = auto()
    ANSWERED = auto()
    OVER = auto()


class SeederSession:
    """The state of one seeder's socket.

    Args:
        peer: the seeder's id.
        check_proof: gives the group that a token proves a digest was served to, or raises `TokenError`
            (`Tickets.check_proof`).
        recipient_of: gives the name that a proof gave to its recipient, if it is a ticket (`Tickets.recipient_of`).
        longest_message: characters of a message, at most.
        heartbeat: seconds of silence after which `silent` is called.
        slots: recipients that the seeder is to serve at a time.
    """

    def __init__(
        self,
        peer: str,
        check_proof: Callable[[str, str], str],
        recipient_of: Callable[[str], str | None],
        longest_message: int,
        heartbeat: float,
        slots: int,
    ) -> None:
        """Start without a digest and without an exchange."""
        self._check_proof = check_proof
        self._recipient_of = recipient_of
        self._names = {peer}
        self._longest = longest_message
        self._welcome = Welcome(peer, heartbeat, slots)
        self._pinged = False
        self._digests: dict[str, Joined] = {}
        """What was announced of each, the last time."""
        self._placed: set[str] = set()
        """Digests whose place in the page was told of."""
        self._exchanges: OrderedDict[str, _Stage] = OrderedDict()
        self._closed = False

    def opened(self) -> list[Effect]:
        """Greet the seeder."""
        return [Send(self._welcome)]

    def relayed(self, message: Offer | Candidates) -> list[Effect]:
        """Take what a recipient has for this seeder; the server matched the two."""
        if isinstance(message, Offer):
            self._exchanges[message.exchange] = _Stage.OFFERED
            while len(self._exchanges) > MOST_EXCHANGES:
                self._exchanges.popitem(last=False)
        return [Send(message)]

    def silent(self) -> list[Effect]:
        """Ask for a sign of life when nothing was heard for a heartbeat; close when that was asked before."""
        if self._pinged:
            self._closed = True
            return [Close(SILENT, "no sign of life")]
        self._pinged = True
        return [Send(Ping())]

    def received(self, data: str | bytes) -> list[Effect]:
        """Take a message of the seeder; a bad one closes the socket, and that is all that it does."""
        if self._closed:
            return []
        self._pinged = False
        try:
            return self._handle(parse_seeder_message(data, self._longest))
        except MessageError as error:
            self._closed = True
            return [Close(error.code, error.reason)]

    def closed(self) -> list[Effect]:
        """Undo what the seeder stood for, when its socket is gone, and keep no recipient waiting for an answer."""
        self._closed = True
        left: list[Effect] = [self._left(digest) for digest in sorted(self._digests)]
        asked = [exchange for exchange, stage in self._exchanges.items() if stage is _Stage.OFFERED]
        self._exchanges.clear()
        return [*left, *(Forward(Gone(exchange)) for exchange in asked)]

    def _handle(self, message: SeederMessage) -> list[Effect]:
        match message:
            case Announce():
                return self._announce(message)
            case Withdraw(digest):
                if digest not in self._digests:
                    raise MessageError("withdraw names a digest that was not announced", OUT_OF_ORDER)
                return [self._left(digest)]
            case Answer(exchange):
                self._advance(exchange, _Stage.OFFERED, _Stage.ANSWERED)
                return [Forward(message)]
            case Candidates(exchange):
                # Gathering may end after the delivery did; then nobody wants to know.
                if self._stage(exchange) is _Stage.OVER:
                    return []
                self._advance(exchange, _Stage.ANSWERED, _Stage.ANSWERED)
                return [Forward(message)]
            case Refuse(exchange):
                self._advance(exchange, _Stage.OFFERED, _Stage.OVER)
                return [Forward(message), Freed(exchange)]
            case Done(exchange):
                self._advance(exchange, _Stage.ANSWERED, _Stage.OVER)
                return [Freed(exchange)]
            case Pong():
                return []

    def _announce(self, message: Announce) -> list[Effect]:
        try:
            group = self._check_proof(message.proof, message.digest)
        except TokenError as error:
            raise MessageError(str(error), FORBIDDEN) from error
        known = self._digests.get(message.digest)
        if known is None and len(self._digests) >= MOST_DIGESTS:
            raise MessageError(f"one peer may announce {MOST_DIGESTS} digests at most", TOO_MANY)
        if known is not None and known.group != group:
            raise MessageError("a peer is in one group", FORBIDDEN)
        named = self._name(message.proof)
        if known is not None and message.progress <= known.progress:
            return [*named]
        joined = self._digests[message.digest] = Joined(message.digest, message.progress, group)
        if message.page is None or message.url is None or message.digest in self._placed:
            return [*named, joined]
        # Once for each bundle, however often it is withdrawn and announced.
        self._placed.add(message.digest)
        # First: once it has joined, others may be sent to it.
        return [*named, Blocking(message.page, message.url), joined]

    def _name(self, proof: str) -> list[Named]:
        alias = self._recipient_of(proof)
        if alias is None or alias in self._names or len(self._names) > MOST_ALIASES:
            return []
        self._names.add(alias)
        return [Named(alias)]

    def _left(self, digest: str) -> Left:
        joined = self._digests.pop(digest)
        return Left(digest, joined.progress == COMPLETE, joined.group)

    def _stage(self, exchange: str) -> _Stage:
        stage = self._exchanges.get(exchange)
        if stage is None:
            raise MessageError("this exchange is not one of yours", FORBIDDEN)
        return stage

    def _advance(self, exchange: str, expected: _Stage, then: _Stage) -> None:
        stage = self._stage(exchange)
        if stage is not expected:
            raise MessageError(f"the exchange is {stage.name.lower()}, not {expected.name.lower()}", OUT_OF_ORDER)
        self._exchanges[exchange] = then
