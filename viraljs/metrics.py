"""Counts and byte sums by bundle, fed by the signals. What `stats.json` shows."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

from . import signals
from .messages import Report

MOST_BUNDLES = 1_000
"""Bundles counted one by one; what comes after them is only in the total."""


class Metrics:
    """Listens for one app and adds up."""

    def __init__(self, app: object) -> None:
        """Connect to the signals of this app, and of no other."""
        self._lock = threading.Lock()
        self._total: Counter[str] = Counter()
        self._bundles: dict[str, Counter[str]] = {}
        signals.response_decided.connect(self._on_response, sender=app)
        signals.delivery_reported.connect(self._on_report, sender=app)

    def snapshot(self) -> dict[str, Any]:
        """Give the figures: `{"total": {...}, "bundles": {digest: {...}}}`, bytes and counts since the start."""
        with self._lock:
            return {
                "total": dict(self._total),
                "bundles": {digest: dict(counts) for digest, counts in self._bundles.items()},
            }

    def _on_response(self, _app: object, *, kind: str, digest: str | None, size: int | None, **_: Any) -> None:
        self._add(digest, {f"{kind}_responses": 1, f"{kind}_bytes": size or 0})

    def _on_report(self, _app: object, *, report: Report, digest: str, **_: Any) -> None:
        self._add(
            digest,
            {
                "deliveries": 1,
                "delivered_bytes_from_peers": report.bytes_from_peers,
                "delivered_bytes_from_server": report.bytes_from_server,
                "delivered_bytes_from_cache": report.bytes_from_cache,
                "failed_uploads": sum(upload.failure is not None for upload in report.uploads),
            },
        )

    def _add(self, digest: str | None, counts: dict[str, int]) -> None:
        with self._lock:
            self._total.update(counts)
            if digest is not None and (digest in self._bundles or len(self._bundles) < MOST_BUNDLES):
                self._bundles.setdefault(digest, Counter()).update(counts)
