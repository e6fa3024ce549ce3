"""What a case of this suite is: a page as people write it by hand, and what it does without ViralJS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

BUNDLE_BYTES = 80_000
"""Above the default of `VIRALJS_MIN_SIZE`."""
LIB = 'say("lib"); var lib = { start: () => say("start") };'
"""The bundle of most pages: what it gives is there at once, and is missed where it is not."""
QUIET = {"app.js": 'log.push("lib"); var lib = { start: () => log.push("start") };'}
"""It says no state of the document, for pages where that is left to chance, or to the browser."""
STARTS = "lib.start()"


@dataclass(frozen=True)
class Idiom:
    """A page and what it logs.

    Args:
        name: for the table, and for `-k`.
        html: the page, a Jinja template, in which `{{ viral_script(…) }}` writes a plain `<script defer>` where there
            is no ViralJS.
        log: what is said on it without ViralJS, in this order: who, and `document.readyState` at that moment.
        bundles: code by name; served decorated, at `/b/<name>`.
        peers: names of the bundles that peers must deliver to the second visitor. Of all others the response or the
            record must give a reason that the log has told.
        scripts: code by name; served without ViralJS, at `/own/<name>`.
        pages: further pages, by path.
        redirects: where to, by path; browsers may keep them.
        clicks: selectors of what is clicked one after another, each with an expression that is true once that is done.
        before_clicks: lines of the log that are there before the first one.
        probe: an expression whose value must be the same, too.
        window: where the page is seen, if not in the window itself.
        media_type: of the page.
        sizes: bytes of a bundle, by name, if it is not to have the usual size.
        untold: names of bundles whose loss nobody can tell: what runs of ours did not get that far.
        known: what is known not to be as without ViralJS, and stands in docs/limits.rst.
        firefox: whether it is worth the time in Firefox, too.
    """

    name: str
    html: str
    log: tuple[str, ...]
    bundles: Mapping[str, str] = field(default_factory=lambda: {"app.js": LIB})
    peers: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    redirects: Mapping[str, str] = field(default_factory=dict)
    clicks: tuple[tuple[str, str], ...] = ()
    before_clicks: int = 0
    probe: str = "null"
    window: str = "window"
    media_type: str = "text/html"
    sizes: Mapping[str, int] = field(default_factory=dict)
    untold: tuple[str, ...] = ()
    known: str = ""
    firefox: bool = False


def page(head: str = "", body: str = "", attributes: str = "") -> str:
    """Write a page around the markup that matters.

    Args:
        head: what stands in its head.
        body: in its body.
        attributes: of the body's tag.
    """
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>An idiom</title>\n'
        '<link rel="icon" href="data:,">\n<script src="/recorder.js"></script>\n'
        f"{head}\n</head>\n<body{attributes}>\n<p>One paragraph.</p>\n{body}\n</body>\n</html>\n"
    )
