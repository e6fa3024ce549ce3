"""Which modules an app has and what they import, as far as their bytes have gone by. Pure, and safe among threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from .nearness import Distance


@dataclass(frozen=True)
class Part:
    """One module of an app."""

    digest: str
    """SHA-256 in hex."""
    size: int
    """Bytes."""
    shared: bool
    """Peers may deliver it."""
    nearby: Distance
    """How far they may be."""
    reason: str | None
    """Why it can't be run from a `blob:` URL; None where it can."""
    imports: tuple[str, ...] = ()
    """What it imports statically: paths, with their queries."""
    offers: tuple[str, ...] = ()
    """What it may import later, as far as that is written out."""


class _UnfitError(Exception):
    """The modules can't be linked."""


class Graph:
    """The modules of one app by path.

    Args:
        limit: how many to keep; the one that was noted longest ago goes first.
    """

    def __init__(self, limit: int) -> None:
        """Start empty."""
        self._limit = limit
        self._parts: OrderedDict[str, Part] = OrderedDict()
        self._answers: dict[tuple[str, bool], tuple[Part, ...] | None] = {}
        self._lock = threading.Lock()

    def note(self, url: str, part: Part) -> None:
        """Remember what is at a path now."""
        with self._lock:
            same = self._parts.get(url) == part
            self._parts[url] = part
            self._parts.move_to_end(url)
            if same:
                return
            if len(self._parts) > self._limit:
                self._parts.popitem(last=False)
            self._answers.clear()

    def find(self, url: str) -> Part | None:
        """Give what was last seen at a path."""
        with self._lock:
            return self._parts.get(url)

    def closure(self, url: str) -> tuple[Part, ...] | None:
        """Give a module and all that it imports statically; None where these can't be linked.

        Each must be known and fit, and none may import itself in a circle. Of what may be imported later, what is known
        must be so, too: when that is asked for, there is no way back.
        """
        return self._answer(url, strict=True)

    def is_unfit(self, url: str) -> bool:
        """Say whether it is known that a module and what it imports can't be linked, whatever is yet to be learned."""
        with self._lock:
            known = url in self._parts
        return known and self._answer(url, strict=False) is None

    def _answer(self, url: str, *, strict: bool) -> tuple[Part, ...] | None:
        with self._lock:
            if url not in self._parts:
                return None
            if (url, strict) not in self._answers:
                try:
                    self._answers[url, strict] = self._walk(url, strict=strict)
                except _UnfitError:
                    self._answers[url, strict] = None
            return self._answers[url, strict]

    def _walk(self, url: str, *, strict: bool) -> tuple[Part, ...]:
        order: list[str] = []
        self._visit([url], order, strict=strict)
        needed = tuple(self._parts[one] for one in order)
        for one in order:  # grows on the way
            self._visit((offer for offer in self._parts[one].offers if offer in self._parts), order, strict=False)
        return needed

    def _visit(self, roots: Iterable[str], order: list[str], *, strict: bool) -> None:
        """Go through static imports, depth first; `order` has those that are done, and gets the new ones."""
        done, open_ = set(order), set[str]()
        stack = [(root, False) for root in roots]
        while stack:
            url, left = stack.pop()
            if left:
                open_.discard(url)
                done.add(url)
                order.append(url)
            elif url in open_:
                raise _UnfitError
            elif url not in done and self._is_known(url, strict=strict):
                open_.add(url)
                stack.append((url, True))
                stack.extend((one, False) for one in self._parts[url].imports)

    def _is_known(self, url: str, *, strict: bool) -> bool:
        part = self._parts.get(url)
        if (part is None and strict) or (part is not None and part.reason):
            raise _UnfitError
        return part is not None
