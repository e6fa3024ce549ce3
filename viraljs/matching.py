"""What one visitor gets, and from whom. Pure: who there is comes in, who is chosen comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import frexp, log
from operator import itemgetter
from random import Random

from .messages import COMPLETE
from .nearness import Distance, Place, distance, kilometres
from .peers import Candidate

SAMPLE = 12
"""Candidates to look at for one choice; more would cost time and hardly better it."""
ONE_SEEDER_BYTES = 1 << 20
"""Up to this size a second seeder would not make it faster, only busier."""
QUARTERS = 4
"""Steps in which progress counts: finer ones would send everybody to the same peer."""

SHUNNED_FAILURES = 1.5
"""From here on a seeder comes after all others, however near; half of it is forgotten in ten minutes."""
HOPELESS_FAILURES = 4.5
"""From here on it is not chosen."""
USUAL_RATE = 1_000_000.0
USUAL_ROUND_TRIP = 0.03
"""Bytes per second and seconds, for a seeder of whom nobody has reported yet: a fair one, so that it is tried."""
SETUP_ROUND_TRIPS = 5
"""Until the first byte: ICE, DTLS and SCTP (RFC 8831) take four, the request half of one."""
NEAREST_KILOMETRES = 100.0
"""Differences below it say more of the database than of the network."""
LARGEST_REMOTENESS = 99
MOST_PER_SOURCE = 16.0
"""From the simulator's flash crowd: fewer cost the server more copies, more cost the crowd more time."""


@dataclass(frozen=True)
class Terms:
    """What the app, or the decorator of one bundle, decided about seeders."""

    nearby: Distance
    """How far a seeder may be."""
    peers: int
    """How many to choose at most."""
    slots: int
    """Upload slots of a seeder; one without a free slot is passed over."""
    stream_size: int
    """Bytes from which on even a first visitor passes pieces on while others are coming."""
    most_per_source: float = MOST_PER_SOURCE
    """Recipients under way for each source, above which the next one streams from the server, too."""


@dataclass(frozen=True)
class Visitor:
    """Who asks for a bundle."""

    place: Place
    kept: bool
    """The browser says that it has this bundle in Cache Storage."""
    can_connect: bool
    """There is room for its socket now, so that it can pass pieces on while it receives."""
    enclosed: bool = False
    """Nobody in its network got through to peers outside of late."""
    isolated: bool = False
    """Nobody in its network got through to peers inside of late."""


@dataclass(frozen=True)
class Plan:
    """How a recipient is to get a bundle."""

    seeders: tuple[str, ...]
    """Peer ids, the best first."""
    stream: int | None
    """The piece from which it fetches from the server at once, if alone; None where seeders are to give all."""
    early: bool
    """It is needed as a seeder while it still receives."""


def rank(candidates: Sequence[Candidate], visitor: Visitor, terms: Terms, rng: Random) -> list[Candidate]:
    """Sort out who may serve, the best first.

    Those that keep failing come last, then the nearest come first, then who has more of the bundle. Among equals it is
    a lottery in which a seeder's chance is what it is expected to deliver: a fast and idle one is chosen more often
    than a slow or busy one, and none is chosen always, so that load spreads.

    Args:
        candidates: what `Registry.candidates` found.
        visitor: who asks.
        terms: what is asked of them.
        rng: chance.
    """
    place = visitor.place
    fit = []
    for candidate in candidates:
        far = distance(place, candidate.place)
        if _may_serve(candidate, far, visitor, terms):
            shunned = candidate.failures >= SHUNNED_FAILURES
            remoteness = _remoteness(place, candidate.place) if far > Distance.NETWORK else 0
            quarters = candidate.progress * QUARTERS // COMPLETE
            # The smallest exponential variable falls to each in proportion to its weight (Efraimidis, Spirakis 2006).
            lot = -log(1.0 - rng.random()) * _first_megabyte(candidate)
            fit.append((shunned, far, remoteness, -quarters, lot, candidate))
    fit.sort(key=itemgetter(slice(5)))
    return [one[-1] for one in fit]


def _may_serve(candidate: Candidate, far: Distance, visitor: Visitor, terms: Terms) -> bool:
    near = far <= Distance.NETWORK
    return (
        far <= terms.nearby
        and candidate.uploads < terms.slots
        and candidate.failures < HOPELESS_FAILURES
        and not (visitor.isolated if near else visitor.enclosed or candidate.enclosed)
    )


def _first_megabyte(candidate: Candidate) -> float:
    """Expect so many seconds from it, beside those that it serves already; a failure counts as twice the time."""
    rate = (candidate.rate or USUAL_RATE) / (candidate.uploads + 1)
    seconds = SETUP_ROUND_TRIPS * (candidate.round_trip or USUAL_ROUND_TRIP) + ONE_SEEDER_BYTES / rate
    return float(seconds * 2**candidate.failures)


def _remoteness(one: Place, other: Place) -> int:
    """Count how often the distance doubles; an unknown one is the largest."""
    apart = kilometres(one, other)
    if apart is None:
        return LARGEST_REMOTENESS
    _, doublings = frexp(apart / NEAREST_KILOMETRES)
    return max(0, doublings)


def make_plan(
    candidates: Sequence[Candidate],
    size: int,
    visitor: Visitor,
    terms: Terms,
    rng: Random,
    *,
    reserve: Callable[[str], bool],
    claim: Callable[[], bool],
    pressure: Callable[[], float],
) -> Plan | None:
    """Decide how a visitor gets a bundle; None stands for a full response.

    Args:
        candidates: as for `rank`.
        size: the bundle's, in bytes.
        visitor: who asks.
        terms: what is asked of seeders.
        rng: chance.
        reserve: takes an upload slot of a peer; False where it has none any more.
        claim: takes the right to a full response; False where another has it, and this visitor is one of a crowd.
        pressure: counts the recipients under way for each source (`Registry.pressure`).
    """
    ranked = rank(candidates, visitor, terms, rng)
    wanted = 1 if ranked and _is_enough(ranked[0], size, visitor.place) else terms.peers
    chosen = list(islice((one for one in ranked if reserve(one.peer)), wanted))
    # Inside one network peers are fast, and the line that all of it shares is what must be spared.
    far = not chosen or distance(visitor.place, chosen[0].place) > Distance.NETWORK
    pressed = visitor.can_connect and far and pressure() > terms.most_per_source
    if chosen:
        early = pressed or (visitor.can_connect and _is_crowded(chosen, terms.slots))
        return Plan(tuple(one.peer for one in chosen), 0 if pressed else None, early)
    # Who can't pass anything on would only lose the HTTP cache by streaming.
    if visitor.kept or (visitor.can_connect and (pressed or size >= terms.stream_size or not claim())):
        return Plan((), 0, visitor.can_connect)
    return None


def _is_enough(best: Candidate, size: int, place: Place) -> bool:
    return (
        size <= ONE_SEEDER_BYTES
        and best.progress >= COMPLETE
        and best.failures < 1
        and distance(place, best.place) <= Distance.NETWORK
    )


def _is_crowded(chosen: Sequence[Candidate], slots: int) -> bool:
    """Say whether the next visitors will need this one as a seeder while it still receives."""
    return any(one.progress < COMPLETE for one in chosen) or min(one.uploads for one in chosen) >= slots // 2
