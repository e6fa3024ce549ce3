"""What one recipient's report teaches: about its seeders, and about what stands between networks. Pure.

A report was signed for by its ticket and counts once, but what it claims is the word of a browser: it is clamped to
what can be, and moves means a little at a time. Only that a page or a bundle can't be delivered by peers is believed at
once: to go on would have each visitor pay for it with a delay, and to be wrong costs no more than the peers' share.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from .advice import advise
from .experience import Outcome
from .messages import Report, Upload
from .nearness import Distance, Place, distance, inside

UNREACHABLE = "unreachable"
"""The seeder answered, and yet no path was found between the two in good time."""
CORRUPT = "corrupt"
BLAMELESS = frozenset({"busy", "signaling", "client"})
"""Failures that say nothing of the seeder."""
FORBIDDEN_SECONDS = 3_600
"""How long a page or a bundle is left alone that turned out not to be for delivery by peers."""
LONGEST_MILLISECONDS = 3_600_000
BLOCKED = "blocked"
"""The policy of the page lets nothing run that a peer gave."""
DOCUMENT_WRITE = "document-write"
"""The bundle wrote into the document as it ran, which only a script in its own place can."""
BLOCKING = "blocking"
"""The parser of the page waits for the bundle's tag, and so do the scripts behind it."""
INTEGRITY = "integrity"
"""The tag of the bundle has a digest that only the untouched bundle fits."""
FOREIGN = "native"
"""A module of a page that has others, which run natively."""
BLOCKING_SECONDS = 86_400
"""How long a page gets a bundle untouched for whose tag its parser waits."""
UNKNOWN_PAGE = "?"
"""Stands for all pages that a request does not name, as under `Referrer-Policy: no-referrer`. No path reads so."""


@dataclass(frozen=True)
class Ban:
    """A page, a bundle, or a bundle on a page, that peers can't deliver to."""

    subject: str
    """For `Registry.forbid`."""
    seconds: float
    text: str
    """For the log: what was found, what comes of it, and what mends it."""


@dataclass(frozen=True)
class Lessons:
    """What to note."""

    outcomes: Mapping[str, Outcome]
    """By seeder."""
    passages: Mapping[str, bool]
    """Border to whether all failed that was to go through it."""
    corrupt: tuple[str, ...]
    """Seeders of which a byte was proven wrong."""


def name_page(host: str, path: str) -> str:
    """Name a page as the subject of `Registry.forbid`."""
    return f"page {host}{path}"


def name_bundle(digest: str) -> str:
    """Name a bundle as the subject of `Registry.forbid`."""
    return f"bundle {digest}"


def name_tag(host: str, page: str | None, url: str) -> str:
    """Name a bundle on one page as the subject of `Registry.forbid`; a page that nobody names is `UNKNOWN_PAGE`."""
    return f"tag {host}{page or UNKNOWN_PAGE} {url}"


def ban_pinned(host: str, page: str, url: str) -> Ban:
    """Leave a bundle alone for which a page has a tag with an `integrity` attribute.

    It holds for all pages of the host: requests tell only some of them apart, and such a tag runs nothing else.

    Args:
        host: of the server.
        page: its path.
        url: path and query of the bundle.
    """
    return Ban(name_pinned(host, url), BLOCKING_SECONDS, f"{advise(url, INTEGRITY)} (the page {page})")


def name_pinned(host: str, url: str) -> str:
    """Name a bundle of which a page asks a digest, as the subject of `Registry.forbid`."""
    return f"pinned {host} {url}"


def find_bans(report: Report, host: str, digest: str, referring: str | None) -> tuple[Ban, ...]:
    """Say what is not to be tried again, if the report shows that it can't be. Any other reason is free text.

    Args:
        report: the recipient's; its page and its URL are paths of this server, or None.
        host: of the server.
        digest: of the bundle.
        referring: the path of the page as requests from there name it; None where they don't.
    """
    if report.reason == BLOCKED and report.page:
        # A page that has given itself another address goes by that one in its requests.
        pages = dict.fromkeys(page for page in (report.page, referring) if page)
        return tuple(ban_page(host, page, "as a visitor's browser found") for page in pages)
    if report.reason == DOCUMENT_WRITE:
        return (_ban_bundle(digest, report.url or f"with the digest {digest}"),)
    if report.reason == BLOCKING and report.url:
        return ban_tag(host, {report.page, referring}, report.url)
    return ()


def ban_page(host: str, page: str, source: str) -> Ban:
    """Leave a page alone whose policy lets nothing run that a peer gave.

    Args:
        host: of the server.
        page: its path.
        source: how that is known.
    """
    return Ban(
        name_page(host, page),
        FORBIDDEN_SECONDS,
        f"the Content Security Policy of the page {page} forbids what peers give ({source}), so that its bundles come"
        " untouched; put a nonce into script-src and on its script tags, or add blob: to what script-src lists already,"
        " such as 'self', and viraljs to trusted-types, where it has that; see deployment/csp in the docs",
    )


def ban_tag(host: str, pages: Collection[str | None], url: str) -> tuple[Ban, ...]:
    """Leave a bundle alone on pages whose parser waits for its tag.

    Args:
        host: of the server.
        pages: their paths; None for all that requests don't name.
        url: path and query of the bundle.
    """
    named = "".join(f" {page}" for page in pages if page) or ", which its browser does not name"
    text = (
        f"the parser of the page{named} waits for the tag of {url}, which gets the bundle untouched there for a day,"
        " since from peers it could run too late; write the tag by viral_script, and have the scripts behind it that"
        ' need it wait, for DOMContentLoaded or as type="text/viral" (see the quick start), and peers can deliver it'
    )
    return tuple(Ban(name_tag(host, page, url), BLOCKING_SECONDS, text) for page in pages)


def _ban_bundle(digest: str, shown_as: str) -> Ban:
    return Ban(
        name_bundle(digest),
        FORBIDDEN_SECONDS,
        f"the bundle {shown_as} calls document.write while it runs, which only a script in its own place can, so that"
        " it comes untouched; take the call out of it, or leave the decorator off",
    )


def clamp(report: Report, size: int) -> Report:
    """Bring figures down to what can be.

    Args:
        report: as parsed.
        size: the bundle's, in bytes, as the ticket says.
    """
    return replace(
        report,
        bytes_from_peers=min(report.bytes_from_peers, size),
        bytes_from_server=min(report.bytes_from_server, size),
        bytes_from_cache=min(report.bytes_from_cache, size),
        milliseconds=min(report.milliseconds, LONGEST_MILLISECONDS),
        uploads=tuple(_clamp_upload(upload, size) for upload in report.uploads),
    )


def _clamp_upload(upload: Upload, size: int) -> Upload:
    return replace(upload, bytes=min(upload.bytes, size), milliseconds=min(upload.milliseconds, LONGEST_MILLISECONDS))


def learn(report: Report, here: Place, places: Mapping[str, Place], troubled: Callable[[str], bool]) -> Lessons:
    """Draw the lessons.

    Args:
        report: clamped.
        here: where it comes from.
        places: where its seeders are, of those that are still known.
        troubled: says of a border whether the last delivery through it failed.
    """
    telling = [upload for upload in report.uploads if upload.failure not in BLAMELESS]
    known = [upload for upload in telling if upload.seeder in places]
    passages: dict[str, bool] = {}
    for near, own in ((True, inside(here)), (False, here.network)):
        # What was crossed at the seeder's end: inside a network it is the same border.
        ends = [
            (upload, own if near else places[upload.seeder].network)
            for upload in known
            if near == (distance(here, places[upload.seeder]) <= Distance.NETWORK)
        ]
        reached = {end for upload, end in ends if upload.bytes}
        missed = {end for upload, end in ends if upload.failure == UNREACHABLE}
        passages |= judge(own, reached, missed, troubled)
    return Lessons(
        {upload.seeder: _outcome(upload) for upload in telling},
        passages,
        tuple(upload.seeder for upload in telling if upload.failure == CORRUPT),
    )


def judge(
    own: str, reached: Collection[str], missed: Collection[str], troubled: Callable[[str], bool]
) -> dict[str, bool]:
    """Say of borders whether all failed that was to go through them: a recipient's own, and those at seeders' ends.

    Where nobody got through, it may be either side. A border that had trouble before is taken to be the cause, so that
    one closed network does not speak against all that its visitors ask.
    """
    verdict = {own: not reached} if reached or missed else {}
    if reached or not troubled(own):
        verdict |= dict.fromkeys(missed, True)
    verdict |= dict.fromkeys(reached, False)
    return {border: failed for border, failed in verdict.items() if border}


def _outcome(upload: Upload) -> Outcome:
    trip = None if upload.round_trip is None else upload.round_trip / 1000
    return Outcome.of(upload.failure is not None, upload.bytes, upload.milliseconds / 1000, trip)
