"""What is worked out once and kept for later requests, within bounds. Safe among threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from hashlib import sha256
from typing import Generic, TypeVar

MOST_DIGESTED_BYTES = 32 * 1024 * 1024

ValueT = TypeVar("ValueT")


class Cache(Generic[ValueT]):
    """Values by key; each is built once, however many threads ask at the same moment.

    Args:
        limit: how many to keep; the least recently used goes first.
    """

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self._limit = limit
        self._kept: OrderedDict[Hashable, ValueT] = OrderedDict()
        self._building: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, build: Callable[[], ValueT]) -> ValueT:
        """Return the value under `key`, building it if it is not there."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            gate = self._building.setdefault(key, threading.Lock())
        with gate:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                value = build()
            except BaseException:
                with self._lock:
                    self._building.pop(key, None)
                raise
            with self._lock:
                self._building.pop(key, None)
                self._kept[key] = value
                while len(self._kept) > self._limit:
                    self._kept.popitem(last=False)
            return value


class Digests:
    """SHA-256 of bodies in memory, which most apps serve again and again.

    They are known by their bytes, not by where these lie: a lookup costs Python's hash of them, which an object keeps
    once it is known, and a comparison, which the same object is spared. Both together take less than SHA-256.

    Args:
        limit: bytes of bodies to keep; the least recently used goes first, and a longer one is not kept at all.
    """

    def __init__(self, limit: int = MOST_DIGESTED_BYTES) -> None:
        """Start empty."""
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, data: bytes) -> str:
        """Give the digest in hex."""
        if len(data) > self._limit:
            return sha256(data).hexdigest()
        with self._lock:
            if data in self._kept:
                self._kept.move_to_end(data)
                return self._kept[data]
        digest = sha256(data).hexdigest()  # without the lock: long bodies let other threads run
        with self._lock:
            if data not in self._kept:
                self._kept[data] = digest
                self._size += len(data)
            while self._size > self._limit:
                self._size -= len(self._kept.popitem(last=False)[0])
        return digest
