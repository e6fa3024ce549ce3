"""The figures of one run. Bytes and seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..nearness import Distance
from .links import Floats
from .transfers import ORIGIN


@dataclass(frozen=True)
class Results:
    """What one way to choose came to."""

    choice: str
    times: Floats
    """From request to app, of each visitor."""
    moved: Floats
    """Bytes by kind: the `Distance` of the seeder, then the server."""
    origin_seconds: Floats
    """Bytes from the server in each second."""
    plans: dict[str, int]
    """Responses: full, streamed, from peers."""
    elapsed: float
    """What the run took, in real time."""

    @property
    def total(self) -> float:
        """Bytes that were delivered."""
        return float(self.moved.sum())

    @property
    def offload(self) -> float:
        """Share of bytes that did not come from the server."""
        return 1.0 - float(self.moved[ORIGIN]) / self.total

    def within(self, step: Distance) -> float:
        """Share of all bytes that came from a peer no farther than this."""
        return float(self.moved[: step + 1].sum()) / self.total

    def kept(self, step: Distance) -> float:
        """Bytes that came from a peer no farther than this."""
        return float(self.moved[: step + 1].sum())

    @property
    def origin_peak(self) -> float:
        """Bytes a second from the server, in its busiest second."""
        return float(self.origin_seconds.max(initial=0.0))

    def percentile(self, percent: float) -> float:
        """Seconds to the app that so many percent of visitors did not exceed."""
        return float(np.percentile(self.times, percent))

    @property
    def last(self) -> float:
        """Seconds to the app of the unluckiest."""
        return float(self.times.max())
