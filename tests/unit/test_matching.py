"""The choice of seeders."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.matching import choose
from viraljs.nearness import Distance, locate
from viraljs.peers import Candidate

HERE = locate("203.0.113.9")
NEIGHBOUR = locate("203.0.113.10")
ABROAD = locate("198.51.100.1")


def pick(candidates, *, nearby=Distance.ANY, peers=3, slots=6, seed=0):
    return choose(candidates, HERE, nearby=nearby, peers=peers, slots=slots, rng=Random(seed))


def test_nobody_is_chosen_from_nobody():
    assert pick([]) == ()


def test_the_nearest_come_first():
    candidates = [Candidate("far", ABROAD, 0, 0), Candidate("near", NEIGHBOUR, 5, 3), Candidate("same", HERE, 5, 3)]

    assert pick(candidates) == ("same", "near", "far")


def test_among_equally_near_those_that_failed_of_late_come_last():
    candidates = [Candidate("failed", HERE, 0, 1), Candidate("busy", HERE, 5, 0)]

    assert pick(candidates) == ("busy", "failed")


def test_then_the_least_busy_come_first():
    assert pick([Candidate("busy", HERE, 2, 0), Candidate("idle", HERE, 1, 0)]) == ("idle", "busy")


def test_among_equals_chance_decides_so_that_none_becomes_a_hot_spot():
    candidates = [Candidate(name, HERE, 0, 0) for name in "abcd"]

    assert {pick(candidates, peers=1, seed=seed) for seed in range(50)} == {("a",), ("b",), ("c",), ("d",)}


def test_a_seeder_without_a_free_slot_is_passed_over():
    assert pick([Candidate("full", HERE, 2, 0), Candidate("free", HERE, 1, 0)], slots=2) == ("free",)


@pytest.mark.parametrize(
    ("nearby", "chosen"),
    [
        (Distance.ADDRESS, ("same",)),
        (Distance.NETWORK, ("same", "near")),
        (Distance.ANY, ("same", "near", "far")),
    ],
)
def test_nobody_from_farther_than_nearby_is_chosen(nearby, chosen):
    candidates = [Candidate("same", HERE, 0, 0), Candidate("near", NEIGHBOUR, 0, 0), Candidate("far", ABROAD, 0, 0)]

    assert pick(candidates, nearby=nearby) == chosen


PLACES, COUNTS = st.sampled_from([HERE, NEIGHBOUR, ABROAD]), st.integers(0, 8)


@given(st.lists(st.builds(Candidate, st.uuids().map(str), PLACES, COUNTS, COUNTS)), st.integers(1, 8))
def test_no_more_than_peers_are_chosen_and_none_twice(candidates, peers):
    chosen = pick(candidates, peers=peers)

    assert len(chosen) == len(set(chosen)) <= peers
    assert set(chosen) <= {candidate.peer for candidate in candidates}
