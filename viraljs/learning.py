"""What one recipient's report teaches: about its seeders, and about what stands between networks. Pure.

A report was signed for by its ticket and counts once, but what it claims is the word of a browser: it is clamped to
what can be, and moves means a little at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .experience import Outcome
from .messages import Report, Upload
from .nearness import Distance, Place, distance, inside

UNREACHABLE = "unreachable"
"""The seeder answered, and yet no path was found between the two in good time."""
CORRUPT = "corrupt"
BLAMELESS = frozenset({"busy", "signaling", "client"})
"""Failures that say nothing of the seeder."""
LONGEST_MILLISECONDS = 3_600_000


@dataclass(frozen=True)
class Lessons:
    """What to note."""

    outcomes: Mapping[str, Outcome]
    """By seeder."""
    passages: Mapping[str, bool]
    """Border to whether all failed that was to go through it."""
    corrupt: tuple[str, ...]
    """Seeders of which a byte was proven wrong."""


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
    near, far = _part(telling, here, places)
    return Lessons(
        {upload.seeder: _outcome(upload) for upload in telling},
        {**_judge(inside(here), near, {}, troubled), **_judge(here.network, far, places, troubled)},
        tuple(upload.seeder for upload in telling if upload.failure == CORRUPT),
    )


def _part(uploads: list[Upload], here: Place, places: Mapping[str, Place]) -> tuple[list[Upload], list[Upload]]:
    """Tell those inside the network from those outside; of whom the place is not known is neither."""
    known = [(distance(here, places[upload.seeder]), upload) for upload in uploads if upload.seeder in places]
    near = [upload for step, upload in known if step <= Distance.NETWORK]
    return near, [upload for step, upload in known if step > Distance.NETWORK]


def _judge(
    own: str, uploads: list[Upload], places: Mapping[str, Place], troubled: Callable[[str], bool]
) -> dict[str, bool]:
    """Say of borders whether all failed: of the reporter's own, and of those of its seeders' networks.

    Where nobody got through, it may be either side. A border that had trouble before is taken to be the cause, so that
    one closed network does not speak against all that its visitors ask.
    """
    reached = [upload for upload in uploads if upload.bytes]
    missed = [upload for upload in uploads if upload.failure == UNREACHABLE and not upload.bytes]
    verdict = {}
    if reached or missed:
        verdict[own] = not reached
    if reached or not troubled(own):
        verdict |= {places[one.seeder].network: True for one in missed if one.seeder in places}
    verdict |= {places[one.seeder].network: False for one in reached if one.seeder in places}
    return {border: failed for border, failed in verdict.items() if border}


def _outcome(upload: Upload) -> Outcome:
    trip = None if upload.round_trip is None else upload.round_trip / 1000
    return Outcome.of(upload.failure is not None, upload.bytes, upload.milliseconds / 1000, trip)
