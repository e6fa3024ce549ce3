"""A line to the origin that is no faster than a test says, for `Site.valve`."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.support.site import PART_BYTES


class Line:
    """All responses together take so many bytes a second, one part after another.

    Args:
        bytes_per_second: its pace.
    """

    def __init__(self, bytes_per_second: int) -> None:
        self._pace = bytes_per_second
        self._free = time.monotonic()
        self._lock = threading.Lock()

    def __call__(self, served: Any) -> None:
        """Wait until the line has room for one part more."""
        with self._lock:
            now = time.monotonic()
            self._free = max(self._free, now) + PART_BYTES / self._pace
            wait = self._free - now
        threading.Event().wait(wait)
