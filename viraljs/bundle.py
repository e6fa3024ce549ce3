"""Bundles as bytes: digests, pieces and the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from .errors import BundleError
from .scanning import Suspicion

DIGEST_BYTES = 32
SMALLEST_PIECE = 64 * 1024
LARGEST_USUAL_PIECE = 512 * 1024
USUAL_PIECES = 16
"""Enough to share a bundle out among seeders. Each costs every thin response 32 bytes that no compression shrinks."""
MOST_PIECES = 256
"""Where the usual pieces would be more than this, they grow, so that a huge bundle's manifest stays at 8 KiB."""
UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
READ_BYTES = 256 * 1024


@dataclass(frozen=True)
class Manifest:
    """What a browser must know to fetch a bundle from strangers and trust the result."""

    url: str
    media_type: str
    """As in the `Content-Type` header, charset included."""
    size: int
    digest: str
    """SHA-256 of the bundle, in hex."""
    piece_length: int
    pieces: bytes
    """The SHA-256 digests of the pieces, 32 bytes each, end to end."""
    suspect: bool = False
    """It may import modules as it runs, by paths: `viraljs.scanning` can tell."""
    wide: bool = False
    """Its first bytes make it UTF-16 for browsers, whatever the headers say."""

    @property
    def piece_count(self) -> int:
        """How many pieces there are; the last may be shorter than `piece_length`."""
        return len(self.pieces) // DIGEST_BYTES


def piece_length_for(size: int) -> int:
    """Choose the piece length, in bytes, for a bundle of `size` bytes: a power of two."""
    length = SMALLEST_PIECE
    while size > length * (USUAL_PIECES if length < LARGEST_USUAL_PIECE else MOST_PIECES):
        length *= 2
    return length


def build_manifest(url: str, media_type: str, size: int, chunks: Iterable[bytes]) -> Manifest:
    """Hash a bundle.

    Args:
        url: path and query where the bundle is served.
        media_type: the `Content-Type` it is served with.
        size: its length in bytes.
        chunks: its bytes, in parts of any length.

    Raises:
        BundleError: the bundle is empty, or is not as long as `size` says (it changed while it was read).
    """
    if size < 1:
        raise BundleError(f"an empty bundle can't be delivered by peers: {url}")
    length = piece_length_for(size)
    whole, pieces = sha256(), bytearray()
    seen, suspicion, wide = 0, Suspicion(), False
    for piece in _cut(chunks, length):
        wide = wide or (seen == 0 and piece.startswith(UTF_16_MARKS))
        whole.update(piece)
        pieces += sha256(piece).digest()
        seen += len(piece)
        suspicion.feed(piece)
    if seen != size:
        raise BundleError(f"{url} should have {size} bytes, but {seen} were read; did it change meanwhile?")
    return Manifest(url, media_type, size, whole.hexdigest(), length, bytes(pieces), suspicion.found, wide)


def _cut(chunks: Iterable[bytes], length: int) -> Iterator[bytes]:
    """Yield the same bytes in parts of `length`, the last one shorter."""
    rest = bytearray()
    for chunk in chunks:
        rest += chunk
        while len(rest) >= length:
            yield bytes(rest[:length])
            del rest[:length]
    if rest:
        yield bytes(rest)
