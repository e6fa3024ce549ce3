"""What recipients report, added up so that it fades."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.experience import (
    HALF_LIFE_SECONDS,
    HIGHEST_RATE,
    LONGEST_TRIP,
    LOWEST_RATE,
    OPEN,
    SHORTEST_TRIP,
    TELLING_BYTES,
    UNKNOWN,
    Outcome,
    Patience,
)

FAILURE, SUCCESS = Outcome(failed=True), Outcome(failed=False, rate=1e6, round_trip=0.1)


def test_a_failure_counts_half_after_its_half_life():
    failed = UNKNOWN.after(FAILURE, 100.0).after(FAILURE, 100.0)

    assert failed.failing(100.0) == 2
    assert failed.failing(100.0 + HALF_LIFE_SECONDS) == 1
    assert failed.after(FAILURE, 100.0 + HALF_LIFE_SECONDS).failing(100.0 + HALF_LIFE_SECONDS) == 2


def test_a_success_makes_up_for_half_of_the_failures():
    assert UNKNOWN.after(FAILURE, 0).after(FAILURE, 0).after(SUCCESS, 0).failing(0) == 1


def test_rate_and_round_trip_follow_what_is_reported():
    known = UNKNOWN.after(SUCCESS, 0)
    assert (known.rate, known.round_trip) == (1e6, 0.1)

    later = known.after(Outcome(False, 2e6, 0.2), 0)
    assert later.rate == pytest.approx(1.3e6)
    assert later.round_trip == pytest.approx(0.13)
    assert (later.after(FAILURE, 0).rate, later.after(FAILURE, 0).round_trip) == (later.rate, later.round_trip)


def test_a_few_bytes_tell_no_rate():
    assert Outcome.of(False, TELLING_BYTES - 1, 1.0, None).rate is None
    assert Outcome.of(False, TELLING_BYTES, 1.0, None).rate == TELLING_BYTES


@given(st.integers(0, 2**53), st.floats(0, 1e12), st.none() | st.floats(0, 1e12), st.booleans())
def test_absurd_claims_are_clamped(size, seconds, round_trip, failed):
    outcome = Outcome.of(failed, size, seconds, round_trip)

    assert outcome.rate is None or LOWEST_RATE <= outcome.rate <= HIGHEST_RATE
    assert outcome.round_trip is None or SHORTEST_TRIP <= outcome.round_trip <= LONGEST_TRIP


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1e4)), max_size=50))
def test_failures_never_exceed_those_reported(steps):
    known, now = UNKNOWN, 0.0
    for failed, wait in steps:
        now += wait
        known = known.after(Outcome(failed), now)

    assert 0 <= known.failing(now) <= sum(failed for failed, _ in steps)


def test_so_many_failures_in_a_row_close_a_border_for_so_long():
    patience = Patience(failures=2, seconds=10.0)
    once = OPEN.after(failed=True, now=0.0)
    twice = once.after(failed=True, now=5.0)

    assert not once.closed(5.0, patience)
    assert twice.closed(5.0, patience)
    assert twice.closed(14.9, patience)
    assert not twice.closed(15.0, patience)


def test_one_delivery_that_got_through_makes_up_for_all():
    failed = OPEN.after(failed=True, now=0.0).after(failed=True, now=0.0)

    assert failed.after(failed=False, now=1.0) is OPEN
