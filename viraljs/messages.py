"""The signaling vocabulary: what peers and server say to each other, parsed, validated and serialised. Pure.

Everything is JSON. On a seeder's socket a message is one object with a `type`; a recipient speaks by POST, and what it
posts is one object too. A message that is not understood raises `MessageError`, which carries the close code.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, TypeVar

from .errors import MessageError

BAD_MESSAGE = 4400
FORBIDDEN = 4403
OUT_OF_ORDER = 4409
CORRUPT_SEEDER = 4410
TOO_LARGE = 4413
TOO_MANY = 4429
FULL = 4503
SILENT = 4504

ID_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
LONGEST_ID = 128
LONGEST_TOKEN = 2_048
LONGEST_SDP = 16_384
LONGEST_CANDIDATE = 1_024
LONGEST_REASON = 1_024
LONGEST_PAGE = 8_192
LONGEST_URL = 8_192
MOST_CANDIDATES = 64
MOST_RANGES = 64
MOST_OFFERS = 8
HIGHEST_NUMBER = 2**53 - 1
COMPLETE = 100
"""Progress of who has the whole bundle, in percent."""
REFUSALS = ("busy", "gone")
SOURCES = ("peers", "server", "cache", "mixed")


# What a seeder says on its socket --------------------------------------------------------------------


@dataclass(frozen=True)
class Announce:
    """The sender holds `progress` percent of the bundle with this digest, and proves that the server named it.

    Where the tag that brought it is one that the parser of the page waits for, `page` is the page's path, and `url`
    path and query of the bundle.
    """

    type: ClassVar = "announce"
    digest: str
    proof: str
    progress: int = COMPLETE
    page: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Withdraw:
    """The sender no longer seeds this digest."""

    type: ClassVar = "withdraw"
    digest: str


@dataclass(frozen=True)
class Answer:
    """The sender's answer to an offer."""

    type: ClassVar = "answer"
    exchange: str
    sdp: str


@dataclass(frozen=True)
class Candidates:
    """ICE candidates (RFC 8839) found after the offer or answer was sent; both sides say it."""

    type: ClassVar = "candidates"
    exchange: str
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class Refuse:
    """The sender will not serve this exchange."""

    type: ClassVar = "refuse"
    exchange: str
    reason: str


@dataclass(frozen=True)
class Done:
    """The delivery is over, well or not; its upload slot is free again."""

    type: ClassVar = "done"
    exchange: str


@dataclass(frozen=True)
class Pong:
    """The sender lives: an answer of the page itself, which a frozen tab does not give, to a ping."""

    type: ClassVar = "pong"


# What the server says on it --------------------------------------------------------------------------


@dataclass(frozen=True)
class Welcome:
    """The socket is open.

    It tells the name of the peer behind it, the seconds of silence after which a ping comes, and how many recipients
    it is to serve at a time.
    """

    type: ClassVar = "welcome"
    peer: str
    heartbeat: float
    slots: int


@dataclass(frozen=True)
class Ping:
    """Asks for a sign of life, and gives one."""

    type: ClassVar = "ping"


@dataclass(frozen=True)
class Offer:
    """A recipient's offer, with the pieces that it wants first as [first, count] pairs.

    Where credentials for TURN servers pass, `ice` has the `RTCIceServer` dicts for this connection.
    """

    type: ClassVar = "offer"
    exchange: str
    digest: str
    sdp: str
    ranges: tuple[tuple[int, int], ...]
    ice: tuple[Mapping[str, Any], ...] | None = None


@dataclass(frozen=True)
class Gone:
    """The seeder of an exchange is not there, or has no free slot, or did not answer (said to recipients)."""

    type: ClassVar = "gone"
    exchange: str


# What a recipient posts ------------------------------------------------------------------------------


@dataclass(frozen=True)
class OfferTo:
    """One offer among those of a POST."""

    seeder: str
    sdp: str
    ranges: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class OfferPost:
    """All offers of one recipient."""

    ticket: str
    offers: tuple[OfferTo, ...]


@dataclass(frozen=True)
class CandidatesPost:
    """Late candidates of a recipient for one seeder; may be empty, to ask for the seeder's."""

    ticket: str
    seeder: str
    candidates: tuple[str, ...]


@dataclass(frozen=True)
class Upload:
    """What one seeder did in one delivery: bytes that verified, the time from offer to last piece, what went wrong.

    The round trip is that of a message to the seeder, in milliseconds; None where none came back.
    """

    seeder: str
    bytes: int
    milliseconds: int
    failure: str | None
    round_trip: int | None = None


@dataclass(frozen=True)
class Report:
    """How a delivery went, as the recipient tells it when the bundle has run."""

    ticket: str
    source: str
    bytes_from_peers: int
    bytes_from_server: int
    bytes_from_cache: int
    milliseconds: int
    uploads: tuple[Upload, ...]
    reason: str | None = None
    """Why the server was asked, where peers should have done it."""
    page: str | None = None
    """The path of the page."""
    url: str | None = None
    """The bundle's, as the page wrote it, made absolute."""


SeederMessage = Announce | Withdraw | Answer | Candidates | Refuse | Done | Pong
ServerMessage = Welcome | Ping | Offer | Candidates
Signal = Answer | Candidates | Refuse | Gone
"""What a recipient gets to hear about an exchange."""


def encode(message: SeederMessage | ServerMessage | Signal) -> str:
    """Serialise a message."""
    return json.dumps(as_object(message), separators=(",", ":"))


def as_object(message: SeederMessage | ServerMessage | Signal) -> dict[str, Any]:
    """Give a message as what JSON can hold, without the fields that are None."""
    return {"type": message.type, **{name: value for name, value in asdict(message).items() if value is not None}}


# Parsing ---------------------------------------------------------------------------------------------

Item = TypeVar("Item")


class _Fields:
    """Takes checked values out of a decoded object; knows where it is, for the errors."""

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise MessageError(f"{where} must be a JSON object")
        self._values: Mapping[str, Any] = value
        self._where = where

    def _refuse(self, name: str, expected: str) -> MessageError:
        return MessageError(f"{self._where}: {name} must be {expected}")

    def text(self, name: str, longest: int) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= longest:
            raise self._refuse(name, f"a string of 1 to {longest} characters")
        return value

    def optional_text(self, name: str, longest: int) -> str | None:
        return None if self._values.get(name) is None else self.text(name, longest)

    def path(self, name: str) -> str:
        value = self.text(name, LONGEST_PAGE)
        if not value.startswith("/") or value.startswith("//"):
            raise self._refuse(name, "a path, with a slash before it")
        return value

    def optional_path(self, name: str) -> str | None:
        return None if self._values.get(name) is None else self.path(name)

    def remark(self, name: str) -> str | None:
        """Give what somebody's code has said, as far as it goes: nothing depends on its being whole."""
        value = self._values.get(name) or None
        if value is not None and not isinstance(value, str):
            raise self._refuse(name, "a string or null")
        return None if value is None else value[:LONGEST_REASON]

    def identifier(self, name: str) -> str:
        value = self.text(name, LONGEST_ID)
        if not ID_CHARACTERS.issuperset(value):
            raise self._refuse(name, "an id")
        return value

    def digest(self, name: str) -> str:
        value = self.text(name, 64)
        if len(value) != 64 or not set(value) <= set("0123456789abcdef"):  # noqa: PLR2004 - hex digits of SHA-256
            raise self._refuse(name, "64 lower-case hex digits")
        return value

    def choice(self, name: str, words: tuple[str, ...]) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or value not in words:
            raise self._refuse(name, "one of " + ", ".join(words))
        return value

    def number(self, name: str) -> int:
        return self._count(self._values.get(name), name)

    def progress(self) -> int:
        value = self._values.get("progress", COMPLETE)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= COMPLETE:
            raise self._refuse("progress", f"an integer from 0 to {COMPLETE}")
        return value

    def _count(self, value: Any, name: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= HIGHEST_NUMBER:
            raise self._refuse(name, "an integer that is not negative")
        return value

    def sdp(self, name: str) -> str:
        value = self.text(name, LONGEST_SDP)
        # Not a parser: browsers parse SDP with care. It only has to be a data channel's description (RFC 8841).
        if not value.startswith("v=0") or not all(
            line in value for line in ("\nm=application ", "\na=ice-ufrag:", "\na=fingerprint:")
        ):
            raise self._refuse(name, "the SDP of a data channel")
        return value

    def items(self, name: str, most: int, parse: Callable[[Any], Item]) -> tuple[Item, ...]:
        values = self._values.get(name, [])
        if not isinstance(values, list) or len(values) > most:
            raise self._refuse(name, f"a list of at most {most}")
        return tuple(parse(value) for value in values)

    def candidates(self) -> tuple[str, ...]:
        def candidate(value: Any) -> str:
            if not isinstance(value, str) or len(value) > LONGEST_CANDIDATE or not value.startswith("candidate:"):
                raise self._refuse("candidates", "ICE candidate lines")
            return value

        return self.items("candidates", MOST_CANDIDATES, candidate)

    def ranges(self) -> tuple[tuple[int, int], ...]:
        def pair(value: Any) -> tuple[int, int]:
            if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - a pair
                raise self._refuse("ranges", "pairs of first piece and count")
            return self._count(value[0], "ranges"), self._count(value[1], "ranges")

        return self.items("ranges", MOST_RANGES, pair)


def _decode(data: str | bytes, where: str) -> _Fields:
    try:
        return _Fields(json.loads(data), where)
    except (ValueError, RecursionError) as error:
        raise MessageError(f"{where} must be JSON") from error


def parse_seeder_message(data: str | bytes, longest: int) -> SeederMessage:
    """Understand what a seeder sent.

    Args:
        data: one WebSocket message; it must be text.
        longest: how many characters it may have.

    Raises:
        MessageError: it is binary, too long, not JSON, of an unknown type, or a field is not what it must be.
    """
    if isinstance(data, bytes):
        raise MessageError("a signaling message must be text, not binary")
    if len(data) > longest:
        raise MessageError(f"a signaling message must not exceed {longest} bytes", TOO_LARGE)
    fields = _decode(data, "message")
    parse = _SEEDER_MESSAGES[fields.choice("type", tuple(_SEEDER_MESSAGES))]
    return parse(fields)


def _parse_announce(fields: _Fields) -> Announce:
    page = fields.optional_path("page")
    return Announce(
        fields.digest("digest"),
        fields.text("proof", LONGEST_TOKEN),
        fields.progress(),
        page,
        None if page is None else fields.path("url"),
    )


_SEEDER_MESSAGES: Mapping[str, Callable[[_Fields], SeederMessage]] = {
    Announce.type: _parse_announce,
    Withdraw.type: lambda f: Withdraw(f.digest("digest")),
    Answer.type: lambda f: Answer(f.identifier("exchange"), f.sdp("sdp")),
    Candidates.type: lambda f: Candidates(f.identifier("exchange"), f.candidates()),
    Refuse.type: lambda f: Refuse(f.identifier("exchange"), f.choice("reason", REFUSALS)),
    Done.type: lambda f: Done(f.identifier("exchange")),
    Pong.type: lambda _: Pong(),
}


def parse_offers(data: bytes) -> OfferPost:
    """Understand the body of a recipient's POST of offers; raise `MessageError` where it can't be."""

    def offer(value: Any) -> OfferTo:
        fields = _Fields(value, "offer")
        return OfferTo(fields.identifier("seeder"), fields.sdp("sdp"), fields.ranges())

    fields = _decode(data, "offers")
    ticket = fields.text("ticket", LONGEST_TOKEN)
    offers = fields.items("offers", MOST_OFFERS, offer)
    if not offers:
        raise MessageError("offers must hold one offer or more")
    return OfferPost(ticket, offers)


def parse_candidates(data: bytes) -> CandidatesPost:
    """Understand the body of a recipient's POST of late candidates; raise `MessageError` where it can't be."""
    fields = _decode(data, "candidates")
    return CandidatesPost(fields.text("ticket", LONGEST_TOKEN), fields.identifier("seeder"), fields.candidates())


def parse_report(data: bytes) -> Report:
    """Understand a recipient's report; raise `MessageError` where it can't be."""

    def upload(value: Any) -> Upload:
        fields = _Fields(value, "upload")
        return Upload(
            fields.identifier("seeder"),
            fields.number("bytes"),
            fields.number("milliseconds"),
            fields.optional_text("failure", 32),
            fields.number("roundTrip") if value.get("roundTrip") is not None else None,
        )

    fields = _decode(data, "report")
    uploads = fields.items("uploads", MOST_OFFERS, upload)
    if len({upload.seeder for upload in uploads}) < len(uploads):
        raise MessageError("report: uploads must name each seeder once")
    return Report(
        ticket=fields.text("ticket", LONGEST_TOKEN),
        source=fields.choice("source", SOURCES),
        bytes_from_peers=fields.number("bytesFromPeers"),
        bytes_from_server=fields.number("bytesFromServer"),
        bytes_from_cache=fields.number("bytesFromCache"),
        milliseconds=fields.number("milliseconds"),
        uploads=uploads,
        reason=fields.remark("reason"),
        page=fields.optional_text("page", LONGEST_PAGE),
        url=fields.optional_text("url", LONGEST_URL),
    )
