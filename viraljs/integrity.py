"""Finds script tags with `integrity` in a page: only the untouched bundle has their digest (W3C SRI). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

OPENING = re.compile(rb"<script(?=[\s/>])", re.IGNORECASE)
MOST_TAG_BYTES = 4096
"""A longer start tag is not read, so that the time for a page grows with its length only."""


def pinned_scripts(html: bytes) -> Iterator[str]:
    """Yield the addresses, as written, of scripts whose tags have an `integrity` attribute.

    Args:
        html: a page; its charset is one in which ASCII reads as itself.
    """
    for opening in OPENING.finditer(html):
        text = html[opening.start() : opening.start() + MOST_TAG_BYTES]
        if b"integrity" not in text.lower():
            continue
        parser = _Tag()
        parser.feed(text.decode("utf-8", "replace"))
        src = parser.found.get("src")
        if src and parser.found.get("integrity"):
            yield src


class _Tag(HTMLParser):
    """Reads the attributes of the first start tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str | None] = {}
        self._is_first = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the first of attributes with one name, as browsers do."""
        for name, value in attrs if self._is_first else ():
            self.found.setdefault(name, value)
        self._is_first = False
