"""Who got the bundle, from whom, and what it took from the origin: put together from ViralJS's signals.

A page is known by a cookie that its own view has set, so that the signals of one visit (the response, the report, the
seeder's socket) can be told to belong together. Where there is no cookie, a visit is taken to be the latest one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask, has_request_context, request

from viraljs import signals
from viraljs.messages import Report

PAGE_COOKIE = "viraljs_demo_page"


@dataclass
class Visitor:
    """One visit of the page, and how the bundle came to it."""

    kind: str
    """Of the response: `full`, `thin`, or the reason why it was untouched."""
    origin_bytes: int = 0
    """All that the bundle's route has sent to this visitor: bundle, additions, thin client, fallbacks."""
    number: int = 0
    """From 1 in the order of arrival; 0 as long as the bundle is on its way."""
    milliseconds: int | None = None
    from_server: int = 0
    """Bytes of the bundle itself, as are the next two."""
    from_cache: int = 0
    from_peers: dict[int, int] = field(default_factory=dict)
    """By the number of the visitor that gave them."""
    seeds: bool = False
    left: bool = False

    def as_json(self) -> dict[str, Any]:
        """Give what the page draws."""
        return {
            "number": self.number,
            "kind": self.kind,
            "milliseconds": self.milliseconds,
            "originBytes": self.origin_bytes,
            "fromServer": self.from_server,
            "fromCache": self.from_cache,
            "fromPeers": [{"visitor": number, "bytes": count} for number, count in sorted(self.from_peers.items())],
            "state": "seeding" if self.seeds else "left" if self.left else "here",
        }


class Swarm:
    """Listens to the signals of one app, which has one bundle.

    Args:
        size: bytes of the bundle.
        on_delivery: called with each visitor when all is known about its delivery.
    """

    def __init__(self, size: int, on_delivery: Callable[[Visitor], None] = lambda _: None) -> None:
        """Start without a visitor."""
        self.size = size
        self.sent = 0
        self._on_delivery = on_delivery
        self._changed = threading.Condition()
        self._visitors: list[Visitor] = []
        self._by_page: dict[str | None, Visitor] = {}
        self._by_peer: dict[str, Visitor] = {}

    def listen(self, app: Flask) -> None:
        """Connect to the signals of this app, and of no other."""
        signals.response_decided.connect(self._on_response, sender=app)
        signals.delivery_reported.connect(self._on_report, sender=app)
        signals.seeder_joined.connect(self._on_joined, sender=app)
        signals.seeder_left.connect(self._on_left, sender=app)

    def visitors(self) -> list[Visitor]:
        """Give all that have the bundle, in the order of their arrival."""
        with self._changed:
            return list(self._visitors)

    def snapshot(self, page: str | None = None) -> dict[str, Any]:
        """Give what the page draws.

        Args:
            page: the asking page, which gets to know which visitor it is.
        """
        with self._changed:
            you = self._by_page.get(page) if page else None
            copies = [visitor for visitor in self._visitors if not visitor.from_cache]
            return {
                "size": self.size,
                "you": you.number if you and you.number else None,
                "sent": self.sent,
                "plain": self.size * len(copies),
                # What the addition to a full response costs is subtracted by itself.
                "saved": sum(self.size - visitor.origin_bytes for visitor in copies),
                "visitors": [visitor.as_json() for visitor in self._visitors],
            }

    def wait_for(self, number: int, seconds: float) -> Visitor | None:
        """Wait until this visitor has the bundle and seeds it; give None where that takes longer."""

        def ready() -> bool:
            if len(self._visitors) < number:
                return False
            visitor = self._visitors[number - 1]
            return visitor.seeds and visitor.milliseconds is not None

        with self._changed:
            return self._visitors[number - 1] if self._changed.wait_for(ready, seconds) else None

    def told(self, page: str | None, milliseconds: int) -> None:
        """Take a page's word for how long its delivery took; of one by peers there is a report that says it."""
        with self._changed:
            visitor = self._by_page.get(page)
            if visitor is None or visitor.kind == "thin" or visitor.milliseconds is not None:
                return
            visitor.milliseconds = milliseconds
            self._arrived(visitor)
        self._on_delivery(visitor)

    # Signals -----------------------------------------------------------------------------------------

    def _on_response(self, _app: object, *, kind: str, reason: str | None, size: int | None, **_: Any) -> None:
        page = _page()
        with self._changed:
            visitor = self._by_page.get(page)
            # Whatever else a page asks of the route belongs to its visit: the fallback of a thin client.
            if visitor is None or kind != "untouched":
                visitor = self._by_page[page] = Visitor(reason or kind)
                visitor.from_server = self.size if kind == "full" or (size or 0) >= self.size else 0
                visitor.from_cache = self.size if reason == "not-modified" else 0
            visitor.origin_bytes += size or 0
            self.sent += size or 0
            self._changed.notify_all()

    def _on_report(self, _app: object, *, report: Report, recipient: str, **_: Any) -> None:
        with self._changed:
            visitor = self._by_page.get(_page())
            if visitor is None:
                return
            self._by_peer[recipient] = visitor
            visitor.milliseconds = report.milliseconds
            visitor.from_server = report.bytes_from_server
            visitor.from_cache = report.bytes_from_cache
            for upload in report.uploads:
                seeder = self._by_peer.get(upload.seeder)
                if seeder is not None and upload.bytes:
                    visitor.from_peers[seeder.number] = visitor.from_peers.get(seeder.number, 0) + upload.bytes
            self._arrived(visitor)
        self._on_delivery(visitor)

    def _on_joined(self, _app: object, *, peer: str, **_: Any) -> None:
        with self._changed:
            visitor = self._by_peer.get(peer) or self._by_page.get(_page())
            if visitor is None:
                return
            self._by_peer[peer] = visitor
            visitor.seeds, visitor.left = True, False
            self._arrived(visitor)

    def _on_left(self, _app: object, *, peer: str, **_: Any) -> None:
        with self._changed:
            visitor = self._by_peer.get(peer)
            if visitor is not None:
                visitor.seeds, visitor.left = False, True
                self._changed.notify_all()

    def _arrived(self, visitor: Visitor) -> None:
        if not visitor.number:
            self._visitors.append(visitor)
            visitor.number = len(self._visitors)
        self._changed.notify_all()


def _page() -> str | None:
    return request.cookies.get(PAGE_COOKIE) if has_request_context() else None
