"""Choosing seeders for one recipient. Pure: who there is comes in, who is chosen comes out."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from .nearness import Distance, Place, distance
from .peers import Candidate

SAMPLE = 16
"""Candidates to look at for one choice; more would cost time and hardly better it."""


def choose(
    candidates: Sequence[Candidate], place: Place, *, nearby: Distance, peers: int, slots: int, rng: Random
) -> tuple[str, ...]:
    """Choose up to `peers` seeders for a recipient.

    The nearest come first; among equals those that did not fail of late, then the least busy, then chance, so that no
    seeder becomes a hot spot.

    Args:
        candidates: what `Registry.candidates` found.
        place: where the recipient is.
        nearby: how far a seeder may be.
        peers: how many to choose at most.
        slots: upload slots of a seeder; one without a free slot is passed over.
        rng: chance.

    Returns:
        peer ids, the best first; empty where nobody is near and free.
    """
    ranked = [
        (far, candidate.failures, candidate.uploads, rng.random(), candidate.peer)
        for candidate in candidates
        if candidate.uploads < slots and (far := distance(place, candidate.place)) <= nearby
    ]
    return tuple(peer for *_, peer in sorted(ranked)[:peers])
