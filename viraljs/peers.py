"""What the registry tells the matching about one peer. A type only, so that neither imports the other."""

from __future__ import annotations

from dataclasses import dataclass

from .nearness import Place


@dataclass(frozen=True)
class Candidate:
    """A live peer with one bundle, or with a part of it, as the registry knows it now."""

    peer: str
    place: Place
    uploads: int
    """Upload slots in use."""
    failures: int
    """Deliveries in a row that recipients reported as failed."""
    progress: int
    """Percent of the bundle that it holds, as it last said."""
