"""What one visitor gets, and from whom. Pure: who there is comes in, who is chosen comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

from .messages import COMPLETE
from .nearness import Distance, Place, distance
from .peers import Candidate

SAMPLE = 16
"""Candidates to look at for one choice; more would cost time and hardly better it."""
ONE_SEEDER_BYTES = 1 << 20
"""Up to this size a second seeder would not make it faster, only busier."""
QUARTERS = 4
"""Steps in which progress counts: finer ones would send everybody to the same peer."""


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


@dataclass(frozen=True)
class Visitor:
    """Who asks for a bundle."""

    place: Place
    kept: bool
    """The browser says that it has this bundle in Cache Storage."""
    can_connect: bool
    """There is room for its socket now, so that it can pass pieces on while it receives."""


@dataclass(frozen=True)
class Plan:
    """How a recipient is to get a bundle."""

    seeders: tuple[str, ...]
    """Peer ids, the best first."""
    stream: int | None
    """The piece from which it fetches from the server at once; None where seeders are to give all."""
    early: bool
    """It is needed as a seeder while it still receives."""


def rank(candidates: Sequence[Candidate], place: Place, terms: Terms, rng: Random) -> list[Candidate]:
    """Sort out who is near enough and has a free slot, the best first.

    The nearest come first; among equals those that did not fail of late, then who has more of the bundle, then the
    least busy, then chance, so that no seeder becomes a hot spot.

    Args:
        candidates: what `Registry.candidates` found.
        place: where the recipient is.
        terms: what is asked of them.
        rng: chance.
    """

    def order(candidate: Candidate) -> tuple[Distance, int, int, int, float]:
        quarters = candidate.progress * QUARTERS // COMPLETE
        far = distance(place, candidate.place)
        return far, candidate.failures, -quarters, candidate.uploads, rng.random()

    fit = [one for one in candidates if one.uploads < terms.slots and distance(place, one.place) <= terms.nearby]
    return sorted(fit, key=order)


def make_plan(
    candidates: Sequence[Candidate],
    size: int,
    visitor: Visitor,
    terms: Terms,
    rng: Random,
    *,
    reserve: Callable[[str], bool],
    claim: Callable[[], bool],
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
    """
    ranked = rank(candidates, visitor.place, terms, rng)
    wanted = 1 if ranked and _is_enough(ranked[0], size, visitor.place) else terms.peers
    chosen = list(islice((one for one in ranked if reserve(one.peer)), wanted))
    if chosen:
        early = visitor.can_connect and _is_crowded(chosen, terms.slots)
        return Plan(tuple(one.peer for one in chosen), None, early)
    # Who can't pass anything on would only lose the HTTP cache by streaming.
    if visitor.kept or (visitor.can_connect and (size >= terms.stream_size or not claim())):
        return Plan((), 0, visitor.can_connect)
    return None


def _is_enough(best: Candidate, size: int, place: Place) -> bool:
    return (
        size <= ONE_SEEDER_BYTES
        and best.progress >= COMPLETE
        and best.failures == 0
        and distance(place, best.place) <= Distance.NETWORK
    )


def _is_crowded(chosen: Sequence[Candidate], slots: int) -> bool:
    """Say whether the next visitors will need this one as a seeder while it still receives."""
    return any(one.progress < COMPLETE for one in chosen) or min(one.uploads for one in chosen) >= slots // 2
