"""What recipients report, added up so that it fades: of seeders, and of networks that let nothing through. Pure."""

from __future__ import annotations

from dataclasses import dataclass

HALF_LIFE_SECONDS = 600.0
"""A failure counts half after this long; who failed five times is given a try again within the hour."""
NEWEST = 0.3
"""Weight of the newest figure in a running mean."""
LOWEST_RATE, HIGHEST_RATE = 1_000.0, 125_000_000.0
"""Bytes per second: a modem, and a gigabit."""
SHORTEST_TRIP, LONGEST_TRIP = 0.000_1, 10.0
"""Seconds."""
TELLING_BYTES = 65_536
"""Less than this says nothing of a rate."""


@dataclass(frozen=True)
class Outcome:
    """What one recipient says of one seeder in one delivery. Claims are clamped to what can be."""

    failed: bool
    rate: float | None = None
    """Bytes per second; None where too little came to tell."""
    round_trip: float | None = None
    """Seconds."""

    @classmethod
    def of(cls, failed: bool, size: int, seconds: float, round_trip: float | None) -> Outcome:
        """Make one of what a report says: bytes that verified, and the seconds that they took."""
        rate = None
        if size >= TELLING_BYTES:
            rate = _clamp(size / max(seconds, SHORTEST_TRIP), LOWEST_RATE, HIGHEST_RATE)
        trip = None if round_trip is None else _clamp(round_trip, SHORTEST_TRIP, LONGEST_TRIP)
        return cls(failed, rate, trip)


@dataclass(frozen=True)
class Experience:
    """What is known of a seeder: failures, fading, and running means of what went well."""

    failures: float = 0.0
    """As of `at`; ask `failing`."""
    rate: float | None = None
    round_trip: float | None = None
    at: float = 0.0

    def failing(self, now: float) -> float:
        """Count failures, of which each has faded since."""
        return self.failures and self.failures * 0.5 ** ((now - self.at) / HALF_LIFE_SECONDS)

    def after(self, outcome: Outcome, now: float) -> Experience:
        """Add an outcome: a failure adds one, a success takes half of them away."""
        failing = self.failing(now)
        return Experience(
            failing + 1 if outcome.failed else failing / 2,
            _mean(self.rate, outcome.rate),
            _mean(self.round_trip, outcome.round_trip),
            now,
        )


UNKNOWN = Experience()


@dataclass(frozen=True)
class Patience:
    """How many failures in a row it takes to leave a network alone, and for how long."""

    failures: int
    seconds: float


@dataclass(frozen=True)
class Passage:
    """Whether peers can get through a network's border: failures in a row, and the moment of the last one."""

    failures: int = 0
    at: float = 0.0

    def after(self, *, failed: bool, now: float) -> Passage:
        """Add a delivery; one that got through makes up for all that did not."""
        return Passage(self.failures + 1, now) if failed else OPEN

    def closed(self, now: float, patience: Patience) -> bool:
        """Say whether it is to be left alone. Once the time is over, each further failure closes it again."""
        return self.failures >= patience.failures and now < self.at + patience.seconds


OPEN = Passage()


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


def _mean(known: float | None, newest: float | None) -> float | None:
    if known is None or newest is None:
        return known if newest is None else newest
    return known + NEWEST * (newest - known)
