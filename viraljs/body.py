"""A response's body, looked at with as little reading as can be: an open file, bytes, or a stream not yet run."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BufferedReader, FileIO
from itertools import chain
from typing import Any, BinaryIO

from werkzeug.wrappers import Response

from .bundle import READ_BYTES
from .caching import Digests

_digests = Digests()


@dataclass
class Body:
    """The body of a response; `size` is None for a stream."""

    response: Response
    size: int | None
    file: BinaryIO | None = None
    data: bytes | None = None

    @classmethod
    def of(cls, response: Response) -> Body:
        """Look at a body without reading it."""
        file = underlying_file(response.response)
        if file is not None:
            return cls(response, os.fstat(file.fileno()).st_size - file.tell(), file=file)
        if response.is_sequence and not response.direct_passthrough:
            data = response.get_data()
            return cls(response, len(data), data=data)
        return cls(response, None)

    @property
    def known_size(self) -> int:
        """The size, of a body that is not a stream."""
        assert self.size is not None  # noqa: S101 - `respond` collects streams first
        return self.size

    def collect(self, most: int) -> Body:
        """Run a stream up to `most` bytes. A longer one is left as it was, with what was read put back in front."""
        parts: list[bytes] = []
        total = 0
        source: Any = self.response.response
        stream: Iterator[bytes] = iter(source if self.response.direct_passthrough else self.response.iter_encoded())
        for part in stream:
            parts.append(part)
            total += len(part)
            if total > most:
                self.response.response = _Chain(chain(parts, stream), source)
                return self
        if hasattr(source, "close"):
            source.close()
        self.response.direct_passthrough = False
        self.response.set_data(b"".join(parts))
        return Body(self.response, total, data=self.response.get_data())

    def identity(self) -> tuple[object, ...]:
        """Give what tells these bytes from others, without reading a file."""
        if self.file is not None:
            status = os.fstat(self.file.fileno())
            return ("file", self.file.name, status.st_mtime_ns, status.st_size)
        etag, weak = self.response.get_etag()
        if etag and not weak:
            return ("etag", etag, self.size)
        return ("digest", self.digest())

    def digest(self) -> str:
        """Give the SHA-256 of a body in memory, in hex."""
        return _digests.of(self.data or b"")

    def chunks(self) -> Generator[bytes]:
        """Yield the bytes; a file is left where it stood, also by who stops early and closes the generator."""
        if self.file is None:
            yield self.data or b""
            return
        start = self.file.tell()
        try:
            while part := self.file.read(READ_BYTES):
                yield part
        finally:
            self.file.seek(start)

    def followed_by(self, tail: bytes) -> Iterable[bytes]:
        """Give a body of these bytes and then the tail."""
        if self.file is None:
            data = self.data or b""
            # To copy a short one costs less than to send two parts.
            return [data + tail] if len(data) <= READ_BYTES else [data, tail]
        return _Chain(chain(iter(partial(self.file.read, READ_BYTES), b""), [tail]), self.file)


class _Chain:
    """An iterable that closes the source behind it."""

    def __init__(self, parts: Iterator[bytes], source: Any) -> None:
        self._parts = parts
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        if hasattr(self._source, "close"):
            self._source.close()


def read_whole(response: Response, most: int) -> bytes:
    """Return the bytes of a body that is in memory or in a file, and leave it as it is; none where it is neither.

    Args:
        response: any.
        most: bytes; what is longer is not read.
    """
    file = underlying_file(response.response)
    if file is not None:
        start = file.tell()
        if os.fstat(file.fileno()).st_size - start > most:
            return b""
        data = file.read()
        file.seek(start)
        return data
    if not response.is_sequence or response.direct_passthrough:
        return b""
    data = response.get_data()
    return data if len(data) <= most else b""


def underlying_file(body: Any) -> BinaryIO | None:
    """Find the file on disk behind a server's file wrapper: `file` in Werkzeug's, `filelike` in gunicorn's."""
    file = getattr(body, "file", None) or getattr(body, "filelike", None)
    # Not whatever has a name and a descriptor: a GzipFile has both, and reads other bytes than the file's.
    raw = file.raw if isinstance(file, BufferedReader) else file
    return file if isinstance(raw, FileIO) and isinstance(raw.name, str) else None
