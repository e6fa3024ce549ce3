"""What the registry tells the matching about one peer. A type only, so that neither imports the other."""

from __future__ import annotations

from typing import NamedTuple

from .nearness import Place


class Candidate(NamedTuple):
    """A live peer with one bundle, or with a part of it, as the registry knows it now."""

    peer: str
    place: Place
    uploads: int
    """Upload slots in use."""
    progress: int
    """Percent of the bundle that it holds, as it last said."""
    failures: float = 0.0
    """Deliveries that recipients reported as failed, each fading with time and success."""
    rate: float | None = None
    """Bytes per second to one recipient, as those before measured it; None while nobody did."""
    round_trip: float | None = None
    """Seconds, likewise."""
    enclosed: bool = False
    """Nobody outside its network got through to it of late."""
