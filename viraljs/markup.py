"""What the tags of a page say of its scripts, before a browser reads them. Pure (W3C SRI, CSP3).

It reads tags wherever they stand, in comments, too: a page that is left alone for nothing still works.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

SCRIPT = re.compile(rb"<script(?=[\s/>])", re.IGNORECASE)
META = re.compile(rb"<meta(?=[\s/])", re.IGNORECASE)
POLICY = "content-security-policy"
MOST_TAG_BYTES = 4096
"""A longer start tag is not read, so that the time for a page grows with its length only."""


def pinned_scripts(html: bytes) -> Iterator[str]:
    """Yield the addresses, as written, of scripts whose tags have an `integrity` attribute.

    Args:
        html: a page; its charset is one in which ASCII reads as itself.
    """
    for found in _tags(html, SCRIPT, "integrity"):
        src = found.get("src")
        if src and found.get("integrity"):
            yield src


def policies(html: bytes) -> Iterator[str]:
    """Yield the Content Security Policies that a page has in `<meta>` tags. For the argument see `pinned_scripts`."""
    for found in _tags(html, META, POLICY):
        if (found.get("http-equiv") or "").strip().lower() == POLICY:
            yield found.get("content") or ""


def _tags(html: bytes, opening: re.Pattern[bytes], word: str) -> Iterator[Mapping[str, str | None]]:
    """Yield the attributes of start tags in which a word stands. Most pages have none, and cost next to nothing."""
    if word.encode() not in html.lower():
        return
    for at in opening.finditer(html):
        text = html[at.start() : at.start() + MOST_TAG_BYTES]
        if word.encode() in text.lower():
            yield _attributes(text.decode("utf-8", "replace"))


def _attributes(text: str) -> Mapping[str, str | None]:
    """Read the first start tag; of attributes with one name the first counts, as in browsers."""
    tag = _Tag()
    try:
        tag.feed(text)
    except _Read:
        return tag.found
    return {}


class _Read(Exception):
    """The first tag has been read, and what follows does not matter."""


class _Tag(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str | None] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.found.setdefault(name, value)
        raise _Read
