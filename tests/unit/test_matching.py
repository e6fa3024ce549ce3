"""The choice of seeders, and what a visitor gets."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.matching import (
    HOPELESS_FAILURES,
    MOST_PER_SOURCE,
    ONE_SEEDER_BYTES,
    SHUNNED_FAILURES,
    Plan,
    Terms,
    Visitor,
    make_plan,
    rank,
)
from viraljs.nearness import NOWHERE, Distance, Place, locate
from viraljs.peers import Candidate

HERE = locate("203.0.113.9")
NEIGHBOUR = locate("203.0.113.10")
ABROAD = locate("198.51.100.1")
BIG = ONE_SEEDER_BYTES + 1


def peer(name, place=HERE, *, uploads=0, progress=100, **known):
    return Candidate(name, place, uploads, progress, **known)


def terms(*, nearby=Distance.ANY, peers=3, slots=6, stream_size=1 << 21):
    return Terms(nearby, peers, slots, stream_size)


def ranked(*candidates, seed=0, **changes):
    return "".join(one.peer for one in rank(candidates, Visitor(HERE, False, True), terms(**changes), Random(seed)))


class Books:
    """Keeps what a plan reserved and claimed; those in `busy` have no slot any more."""

    def __init__(self, *, busy="", crowd=False):
        self.busy = busy
        self.crowd = crowd
        self.reserved: list[str] = []
        self.claims = 0

    def reserve(self, name):
        if name in self.busy:
            return False
        self.reserved.append(name)
        return True

    def claim(self):
        self.claims += 1
        return not self.crowd


def plan(*candidates, size=BIG, kept=False, can_connect=True, books=None, pressure=0.0, **changes):
    books = books or Books()
    visitor = Visitor(HERE, kept, can_connect)
    return make_plan(
        candidates,
        size,
        visitor,
        terms(**changes),
        Random(0),
        reserve=books.reserve,
        claim=books.claim,
        pressure=lambda: pressure,
    )


# Ranks -----------------------------------------------------------------------------------------------


def test_nobody_is_chosen_from_nobody():
    assert ranked() == ""


def first(*candidates, runs=400, **changes):
    """Say how often each comes first."""
    return Counter(ranked(*candidates, seed=seed, **changes)[0] for seed in range(runs))


def test_the_nearest_come_first():
    candidates = peer("f", ABROAD), peer("n", NEIGHBOUR, uploads=5, failures=1), peer("s", uploads=5, progress=0)

    assert ranked(*candidates) == "snf"


def test_of_those_far_away_the_nearer_come_first():
    vienna = Place("a", country="AT", continent="EU", latitude=48.2, longitude=16.4)
    graz = Place("b", country="AT", continent="EU", latitude=47.1, longitude=15.4)
    feldkirch = Place("c", country="AT", continent="EU", latitude=47.2, longitude=9.6)
    somewhere = Place("d", country="AT", continent="EU")

    candidates = [peer("s", somewhere), peer("f", feldkirch), peer("g", graz)]
    order = [one.peer for one in rank(candidates, Visitor(vienna, False, True), terms(), Random(0))]

    assert order == ["g", "f", "s"]


def test_those_that_keep_failing_come_last_however_near():
    candidates = peer("f", failures=SHUNNED_FAILURES), peer("b", ABROAD, uploads=5, progress=10)

    assert ranked(*candidates) == "bf"


def test_who_failed_again_and_again_is_not_chosen():
    assert ranked(peer("f", failures=HOPELESS_FAILURES), peer("b", ABROAD)) == "b"


def test_who_nobody_outside_gets_through_to_is_for_its_own_network():
    assert (
        ranked(peer("s", enclosed=True), peer("n", NEIGHBOUR, enclosed=True), peer("f", ABROAD, enclosed=True)) == "sn"
    )


def test_then_complete_ones_come_before_partial_ones_and_those_with_more_before_those_with_less():
    candidates = [peer(name, progress=progress) for name, progress in (("d", 10), ("b", 99), ("a", 100), ("c", 50))]

    assert ranked(*candidates) == "abcd"


def test_a_little_more_progress_does_not_count():
    chosen = first(peer("a", progress=74), peer("b", progress=50))

    assert min(chosen.values()) > 100


def test_among_equals_chance_decides_so_that_none_becomes_a_hot_spot():
    chosen = first(*map(peer, "abcd"))

    assert set(chosen) == set("abcd")
    assert max(chosen.values()) < 150


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (peer("b"), peer("w", uploads=3)),
        (peer("b", rate=2e6), peer("w", rate=5e5)),
        (peer("b", rate=1e6), peer("w", rate=1e6, round_trip=1.0)),
        (peer("b", rate=4e6), peer("w")),
        (peer("b"), peer("w", rate=2e5)),
        (peer("b"), peer("w", failures=1.4)),
    ],
    ids=["idle", "fast", "close", "known to be fast", "known to be slow", "without a failure"],
)
def test_who_is_expected_to_deliver_more_is_chosen_more_often_but_not_always(better, worse):
    chosen = first(better, worse)

    assert chosen["b"] > 2 * chosen["w"] > 0


def test_a_seeder_without_a_free_slot_is_passed_over():
    assert ranked(peer("f", uploads=2), peer("g", uploads=1), slots=2) == "g"


@pytest.mark.parametrize(
    ("nearby", "chosen"), [(Distance.ADDRESS, "s"), (Distance.NETWORK, "sn"), (Distance.ANY, "snf")]
)
def test_nobody_from_farther_than_nearby_is_chosen(nearby, chosen):
    assert ranked(peer("s"), peer("n", NEIGHBOUR), peer("f", ABROAD), nearby=nearby) == chosen


def test_who_gets_through_to_nobody_outside_asks_inside_only_and_the_other_way_round():
    candidates = peer("s"), peer("n", NEIGHBOUR), peer("f", ABROAD)

    def of(**visitor):
        return "".join(one.peer for one in rank(candidates, Visitor(HERE, False, True, **visitor), terms(), Random(0)))

    assert of(enclosed=True) == "sn"
    assert of(isolated=True) == "f"


def test_who_is_nowhere_is_near_to_nobody():
    assert ranked(peer("a", NOWHERE), nearby=Distance.CONTINENT) == ""


# Plans with seeders ----------------------------------------------------------------------------------


def test_with_seeders_there_is_no_need_of_the_server():
    books = Books()

    assert plan(peer("a"), books=books) == Plan(("a",), None, early=False)
    assert (books.reserved, books.claims) == (["a"], 0)


def test_no_more_than_peers_are_chosen_and_slots_are_taken_of_these_only():
    books = Books()

    chosen = plan(*map(peer, "abcde"), peers=2, books=books)

    assert chosen is not None
    assert len(chosen.seeders) == 2
    assert books.reserved == list(chosen.seeders)


def test_whose_last_slot_is_gone_by_now_is_left_out_and_the_next_takes_its_place():
    chosen = plan(peer("a"), peer("b"), peer("c"), peers=2, books=Books(busy="a"))

    assert chosen is not None
    assert set(chosen.seeders) == {"b", "c"}


def test_when_nobody_has_a_slot_any_more_it_is_as_if_nobody_were_there():
    assert plan(peer("a"), books=Books(busy="a")) is None
    assert plan(peer("a"), books=Books(busy="a", crowd=True)) == Plan((), 0, early=True)


@pytest.mark.parametrize("best", [peer("a"), peer("a", NEIGHBOUR)], ids=["same address", "same network"])
def test_a_small_bundle_needs_one_good_seeder_near_by(best):
    assert plan(best, peer("c", ABROAD), size=ONE_SEEDER_BYTES) == Plan(("a",), None, early=False)


@pytest.mark.parametrize(
    "best", [peer("a", progress=99), peer("a", failures=1), peer("a", ABROAD)], ids=["partial", "failed", "far"]
)
def test_one_that_is_not_as_good_is_not_alone(best):
    chosen = plan(best, peer("b", ABROAD), size=ONE_SEEDER_BYTES)

    assert chosen is not None
    assert set(chosen.seeders) == {"a", "b"}


def test_a_large_bundle_comes_from_several():
    chosen = plan(*map(peer, "abc"))

    assert chosen is not None
    assert len(chosen.seeders) == 3


@pytest.mark.parametrize(
    ("candidates", "early"),
    [
        ([peer("a", uploads=3), peer("b", uploads=2)], False),
        ([peer("a", uploads=3), peer("b", uploads=4)], True),
        ([peer("a"), peer("b", progress=99)], True),
    ],
    ids=["one is at leisure", "all are busy", "one is partial"],
)
def test_a_recipient_is_needed_early_where_seeders_are_partial_or_busy(candidates, early):
    chosen = plan(*candidates)

    assert chosen is not None
    assert chosen.early is early


def test_who_can_not_connect_is_not_needed_early():
    assert plan(peer("a", progress=50), can_connect=False) == Plan(("a",), None, early=False)


def test_where_many_wait_for_each_source_the_next_from_afar_is_one_more():
    chosen = plan(peer("a", ABROAD), peer("b", ABROAD, progress=50), pressure=MOST_PER_SOURCE + 1)

    assert chosen is not None
    assert (chosen.stream, chosen.early) == (0, True)
    assert set(chosen.seeders) == {"a", "b"}


@pytest.mark.parametrize(
    "case",
    [
        {"place": ABROAD, "pressure": MOST_PER_SOURCE},
        {"place": NEIGHBOUR, "pressure": 1_000},
        {"place": ABROAD, "pressure": 1_000, "can_connect": False},
    ],
    ids=["few wait", "all in one network", "who can't pass it on"],
)
def test_elsewhere_seeders_are_left_to_give_all(case):
    place = case.pop("place")

    chosen = plan(peer("a", place), **case)

    assert chosen is not None
    assert chosen.stream is None


def test_where_many_wait_and_nobody_has_a_slot_the_next_streams():
    assert plan(pressure=MOST_PER_SOURCE + 1) == Plan((), 0, early=True)
    assert plan(pressure=MOST_PER_SOURCE + 1, can_connect=False) is None


# Plans without ---------------------------------------------------------------------------------------


def test_the_first_of_all_gets_a_full_response_and_claims_it():
    books = Books()

    assert plan(books=books) is None
    assert books.claims == 1


def test_the_rest_of_a_crowd_streams():
    assert plan(books=Books(crowd=True)) == Plan((), 0, early=True)


def test_from_the_stream_size_on_the_first_streams_too_and_claims_nothing():
    books = Books()

    assert plan(size=999, stream_size=1_000, books=books) is None
    assert plan(size=1_000, stream_size=1_000, books=books) == Plan((), 0, early=True)
    assert books.claims == 1


def test_who_has_kept_the_bundle_gets_no_copy():
    books = Books()

    assert plan(kept=True, books=books) == Plan((), 0, early=True)
    assert plan(kept=True, can_connect=False, books=books) == Plan((), 0, early=False)
    assert books.claims == 0


def test_who_can_not_connect_gets_a_copy_that_its_http_cache_keeps():
    assert plan(size=1 << 30, can_connect=False) is None
    assert plan(books=Books(crowd=True), can_connect=False) is None


PLACES, COUNTS = st.sampled_from([HERE, NEIGHBOUR, ABROAD]), st.integers(0, 8)
RATES = st.none() | st.floats(1e3, 1e8)
CANDIDATES = st.lists(
    st.builds(
        Candidate,
        st.uuids().map(str),
        PLACES,
        COUNTS,
        st.integers(0, 100),
        st.floats(0, 10),
        RATES,
        st.none() | st.floats(1e-4, 10),
        st.booleans(),
    )
)


@given(CANDIDATES, st.integers(1, 8), st.integers(1, 1 << 22), st.booleans(), st.booleans(), st.booleans())
def test_whoever_there_is_a_plan_holds_together(candidates, peers, size, kept, can_connect, crowd):
    books = Books(crowd=crowd)

    made = plan(*candidates, size=size, kept=kept, can_connect=can_connect, books=books, peers=peers)

    chosen = made.seeders if made else ()
    assert books.reserved == list(chosen)
    assert len(chosen) == len(set(chosen)) <= peers
    assert set(chosen) <= {candidate.peer for candidate in candidates}
    assert made is None or (made.stream is None) == bool(chosen)
    assert made is None or can_connect or not made.early
