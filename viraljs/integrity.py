"""Finds script tags with `integrity` in a page: only the untouched bundle has their digest (W3C SRI). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

TAG = re.compile(rb"<script\b[^<>]*>", re.IGNORECASE)
"""A start tag. One with a `<` or a `>` in an attribute is not found; to look for these takes time without bound."""


def pinned_scripts(html: bytes) -> Iterator[str]:
    """Yield the addresses, as written, of scripts whose tags have an `integrity` attribute.

    Args:
        html: a page; its charset is one in which ASCII reads as itself.
    """
    for tag in TAG.findall(html):
        if b"integrity" not in tag.lower():
            continue
        parser = _Tag()
        parser.feed(tag.decode("utf-8", "replace"))
        src = parser.found.get("src")
        if src and parser.found.get("integrity"):
            yield src


class _Tag(HTMLParser):
    """Reads the attributes of one start tag."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the first of attributes with one name, as browsers do."""
        for name, value in attrs:
            self.found.setdefault(name, value)
