"""What one recipient's report teaches: about its seeders, and about what stands between networks. Pure.

A report was signed for by its ticket and counts once, but what it claims is the word of a browser: it is clamped to
what can be, and moves means a little at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .experience import Outcome
from .messages import Report, Upload
from .nearness import Place, borders

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


def learn(report: Report, here: Place, places: Mapping[str, Place]) -> Lessons:
    """Draw the lessons.

    Args:
        report: clamped.
        here: where it comes from.
        places: where its seeders are, of those that are still known.
    """
    telling = [upload for upload in report.uploads if upload.failure not in BLAMELESS]
    passages: dict[str, bool] = {}
    for upload in telling:
        if upload.seeder in places and (upload.bytes or upload.failure == UNREACHABLE):
            for border in borders(here, places[upload.seeder]):
                # One that got through shows that others could have.
                passages[border] = passages.get(border, True) and not upload.bytes
    return Lessons(
        {upload.seeder: _outcome(upload) for upload in telling},
        passages,
        tuple(upload.seeder for upload in telling if upload.failure == CORRUPT),
    )


def _outcome(upload: Upload) -> Outcome:
    trip = None if upload.round_trip is None else upload.round_trip / 1000
    return Outcome.of(upload.failure is not None, upload.bytes, upload.milliseconds / 1000, trip)
