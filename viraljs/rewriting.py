"""What other hooks made of a body of ours: the same bytes, compressed at most, or others. Pure.

Extensions that compress answers, or rewrite them, do so after the view. What they compressed is fine. What they
rewrote no longer fits the hashes that peers check it against; and some keep what they made for the next visitor, who
must get another answer.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, BinaryIO

from werkzeug.wrappers import Response

BROTLI = ("brotlicffi", "brotli")
ZSTANDARD = ("compression.zstd", "backports.zstd", "zstandard")
"""Modules with a `decompress` of their own. Who compressed with one has imported it; nobody else needs it."""


OPENING = b"(function(__VIRALJS__){"
"""With it begins whatever ViralJS writes in place of a bundle, or behind one, in all versions."""


class Outcome(Enum):
    """What became of a body."""

    KEPT = "kept"
    """The same bytes, or a stream that can't be looked into."""
    REWRITTEN = "rewritten"
    """Ours, with changes."""
    REPLAYED = "replayed"
    """What this visitor's answer was not to be: one that ViralJS made for another visitor, or the plain bundle."""
    REPLACED = "replaced"
    """Something else altogether."""


@dataclass(frozen=True)
class Made:
    """A body as it left us."""

    read: Callable[[], bytes]
    own: bytes = b""
    """A part of it that no other visitor's has, and that no rewriting changes: the ticket of a thin response."""
    bundle: str = ""
    """SHA-256 of the bundle that it is or stands for, in hex."""
    tail: bytes = b""
    """Of a full response: the addition, in which the digest stands, too."""
    replaces: bool = False
    """It stands in place of a bundle, though it is neither of these."""


def read_again(parts: Iterable[Any]) -> Callable[[], bytes]:
    """Make the function that gives a body in memory once more."""
    return lambda: b"".join(part.encode() if isinstance(part, str) else part for part in parts)


def read_file_again(file: BinaryIO, start: int, tail: bytes) -> Callable[[], bytes]:
    """Make the function that gives a body from a file once more, and leaves the file where the body begins.

    Args:
        file: on disk; somebody may have read it meanwhile.
        start: where the body begins.
        tail: what follows the file.
    """

    def read() -> bytes:
        file.seek(start)
        data = file.read()
        file.seek(start)
        return data + tail

    return read


def judge_body(response: Response, made: Made) -> Outcome:
    """Say what became of a body that is not the object that it was.

    Args:
        response: after the other hooks.
        made: what we gave.
    """
    if not response.is_sequence:
        return Outcome.KEPT
    found = decode(response.get_data(), response.headers.get("Content-Encoding", "identity"))
    if found is None:  # what can't be read can't be trusted
        return Outcome.REWRITTEN
    try:
        ours = made.read()
    except ValueError:  # a hook has closed the file
        return Outcome.REPLACED
    if found == ours:
        return Outcome.KEPT
    if made.own and made.own in found:
        return Outcome.REWRITTEN
    if found.startswith(OPENING):
        return Outcome.REWRITTEN if made.replaces else Outcome.REPLAYED
    if made.tail and made.bundle.encode() in found:
        return Outcome.REWRITTEN
    is_plain = bool(made.bundle) and hashlib.sha256(found).hexdigest() == made.bundle
    return Outcome.REPLAYED if is_plain or b"\n;" + OPENING in found else Outcome.REPLACED


def without_tail(response: Response, made: Made) -> bytes | None:
    """Return what a hook made of the bundle in a full response, if it left the addition as it was.

    Args:
        response: rewritten.
        made: what we gave.
    """
    found = decode(response.get_data(), response.headers.get("Content-Encoding", "identity"))
    return found.removesuffix(made.tail) if made.tail and found and found.endswith(made.tail) else None


def decode(data: bytes, encoding: str) -> bytes | None:
    """Undo a content coding (RFC 9110, 8.4.1); None for one that is not known here, or for what it did not make."""
    decoders: dict[str, Callable[[bytes], bytes] | None] = {
        "identity": bytes,
        "gzip": gzip.decompress,
        "x-gzip": gzip.decompress,
        "deflate": zlib.decompress,
        "br": _imported(BROTLI),
        "zstd": _imported(ZSTANDARD),
    }
    decoder = decoders.get(encoding.strip().lower())
    try:
        return None if decoder is None else decoder(data)
    except Exception:  # noqa: BLE001 - each library has errors of its own
        return None


def _imported(names: tuple[str, ...]) -> Any:
    found = next((sys.modules[name] for name in names if name in sys.modules), None)
    return getattr(found, "decompress", None)
