"""Pages that forbid what peers give, as far as the server has read it in their own policies. Pure."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_PAGES = 1_000
"""The one that was noted longest ago goes first. A page is noted whenever it is made, before it asks for anything."""
SECONDS = 3_600.0
"""For how long a page counts that is not made again."""


@dataclass(slots=True)
class _Noted:
    until: float
    untold: str | None
    """What the log is to hear if the page asks for a bundle."""


class Policies:
    """Remembers such pages, within bounds.

    Args:
        now: gives the time, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """Start without any."""
        self._now = now
        self._noted: OrderedDict[str, _Noted] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, page: str, untold: str | None) -> None:
        """Remember a page.

        Args:
            page: names it.
            untold: what the log is to hear of it, if it asks for a bundle; None where the log has heard already.
        """
        with self._lock:
            self._noted[page] = _Noted(self._now() + SECONDS, untold)
            self._noted.move_to_end(page)
            while len(self._noted) > MOST_PAGES:
                self._noted.popitem(last=False)

    def lift(self, page: str) -> None:
        """Forget a page that has been made without such a policy."""
        with self._lock:
            self._noted.pop(page, None)

    def forbid(self, page: str) -> bool:
        """Whether a page is one of them."""
        noted = self._noted.get(page)
        return noted is not None and noted.until > self._now()

    def tell(self, page: str) -> str | None:
        """Give what the log is to hear of a page, once."""
        noted = self._noted.get(page)
        if noted is None:
            return None
        text, noted.untold = noted.untold, None
        return text
