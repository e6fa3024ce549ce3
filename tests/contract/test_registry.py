"""What every registry must do, run over each of them."""

import threading
from random import Random

import pytest

from tests.support.clocks import Clock
from viraljs.experience import Outcome, Patience
from viraljs.nearness import NOWHERE, Distance, Place, locate
from viraljs.peers import Candidate
from viraljs.registry import Registry, open_registry

LIFETIME = 75.0
DIGEST, OTHER = "ab" * 32, "cd" * 32
HERE, NEIGHBOUR, ABROAD = locate("203.0.113.9"), locate("203.0.113.10"), locate("198.51.100.1")
URLS = ["memory://"]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=URLS)
def registry(request, clock) -> Registry:
    return open_registry(request.param, clock, Random(0), LIFETIME, Patience(3, 600.0))


def found(registry, place=HERE, *, digest=DIGEST, limit=16, slots=6, nearby=Distance.ANY):
    return registry.candidates(digest, place, limit, slots=slots, nearby=nearby)


def names(registry, place=HERE, **asked):
    return [candidate.peer for candidate in found(registry, place, **asked)]


def test_what_a_url_opens_is_a_registry(registry):
    assert isinstance(registry, Registry)


# Swarms ----------------------------------------------------------------------------------------------


def test_an_unknown_digest_has_no_candidates(registry):
    assert found(registry) == []
    assert registry.population(DIGEST) == 0


def test_a_peer_that_announced_is_a_candidate_with_its_place(registry):
    registry.announce("a", NEIGHBOUR, DIGEST)

    (candidate,) = found(registry)
    assert candidate == Candidate("a", NEIGHBOUR, uploads=0, progress=100)


def test_announcing_twice_is_being_there_once(registry):
    registry.announce("a", HERE, DIGEST)
    registry.announce("a", HERE, DIGEST)

    assert names(registry) == ["a"]
    assert registry.population(DIGEST) == 1


def test_swarms_of_two_digests_do_not_mix(registry):
    registry.announce("a", HERE, DIGEST)
    registry.announce("b", HERE, OTHER)

    assert names(registry) == ["a"]
    assert names(registry, digest=OTHER) == ["b"]


def test_a_peer_may_seed_several_digests(registry):
    registry.announce("a", HERE, DIGEST)
    registry.announce("a", HERE, OTHER)

    assert names(registry) == names(registry, digest=OTHER) == ["a"]


def test_a_peer_can_leave_one_swarm(registry):
    registry.announce("a", HERE, DIGEST)
    registry.announce("a", HERE, OTHER)
    registry.withdraw("a", DIGEST)

    assert names(registry) == []
    assert names(registry, digest=OTHER) == ["a"]


def test_a_peer_that_withdraws_leaves_all_swarms(registry):
    registry.announce("a", HERE, DIGEST)
    registry.announce("a", HERE, OTHER)
    registry.withdraw("a")

    assert names(registry) == names(registry, digest=OTHER) == []
    assert registry.population(DIGEST) == registry.population(OTHER) == 0


def test_what_was_never_announced_can_be_withdrawn(registry):
    registry.withdraw("nobody")
    registry.withdraw("nobody", DIGEST)
    registry.announce("a", HERE, DIGEST)
    registry.withdraw("a", OTHER)

    assert names(registry) == ["a"]


def test_a_peer_can_come_back_and_starts_afresh(registry):
    registry.announce("a", HERE, DIGEST)
    registry.note_outcome("a", FAILURE)
    registry.withdraw("a")
    registry.announce("a", ABROAD, DIGEST)

    (candidate,) = found(registry)
    assert (candidate.place, candidate.failures) == (ABROAD, 0)


def test_the_same_address_comes_first_then_the_network_then_the_rest(registry):
    registry.announce("abroad", ABROAD, DIGEST)
    registry.announce("neighbour", NEIGHBOUR, DIGEST)
    registry.announce("here", HERE, DIGEST)

    assert names(registry) == ["here", "neighbour", "abroad"]
    assert names(registry, limit=2) == ["here", "neighbour"]


PLACES = {
    "address": Place("1", "n", "s", "c", "k"),
    "network": Place("2", "n", "s", "c", "k"),
    "asn": Place("3", "m", "s", "c", "k"),
    "country": Place("4", "o", "t", "c", "k"),
    "continent": Place("5", "p", "u", "d", "k"),
    "any": Place("6", "q", "v", "e", "l"),
}


def test_areas_are_looked_at_from_small_to_large(registry):
    for name, place in reversed(PLACES.items()):
        registry.announce(name, place, DIGEST)

    assert names(registry, PLACES["address"]) == list(PLACES)


@pytest.mark.parametrize("nearby", Distance)
def test_no_area_larger_than_nearby_is_looked_at(registry, nearby):
    for name, place in PLACES.items():
        registry.announce(name, place, DIGEST)

    assert names(registry, PLACES["address"], nearby=nearby) == list(PLACES)[: nearby + 1]


def test_an_unknown_area_is_no_area(registry):
    registry.announce("a", Place("1", "n"), DIGEST)

    assert names(registry, Place("2", "m"), nearby=Distance.CONTINENT) == []


def test_the_busy_are_passed_over_so_that_the_next_are_found(registry):
    for number in range(20):
        registry.announce(f"busy{number}", HERE, DIGEST)
        registry.reserve(f"busy{number}", "x", 1, 60)
    registry.announce("idle", NEIGHBOUR, DIGEST)

    assert names(registry, slots=1, limit=4) == ["idle"]
    assert len(names(registry, slots=2, limit=4)) == 4


def test_the_nearest_are_found_in_a_swarm_far_larger_than_the_sample(registry):
    for number in range(2_000):
        registry.announce(f"abroad{number}", locate(f"198.51.{number % 256}.{number // 256}"), DIGEST)
    registry.announce("here", HERE, DIGEST)

    found = names(registry, limit=4)

    assert found[0] == "here"
    assert len(set(found)) == 4
    assert registry.population(DIGEST) == 2_001


def test_which_of_many_equals_is_found_is_left_to_chance(registry):
    for number in range(50):
        registry.announce(f"peer{number}", HERE, DIGEST)

    assert len({tuple(names(registry, limit=1)) for _ in range(50)}) > 5


def test_no_more_than_the_limit_and_none_twice(registry):
    for number in range(20):
        registry.announce(f"peer{number}", HERE, DIGEST)

    found = names(registry, limit=7)
    assert len(found) == len(set(found)) == 7
    assert len(names(registry, limit=100)) == 20


def test_peers_at_an_unknown_place_are_found_all_the_same(registry):
    registry.announce("a", NOWHERE, DIGEST)

    assert names(registry) == names(registry, NOWHERE) == ["a"]


# Parts -----------------------------------------------------------------------------------------------


def progress_of(registry, name):
    return next(one.progress for one in found(registry) if one.peer == name)


def test_progress_is_told_and_never_goes_down(registry):
    for said, known in ((25, 25), (75, 75), (50, 75), (100, 100), (0, 100)):
        registry.announce("a", HERE, DIGEST, said)
        assert progress_of(registry, "a") == known
    assert registry.population(DIGEST) == 1


def test_who_comes_back_begins_with_what_it_says_then(registry):
    registry.announce("a", HERE, DIGEST, 75)
    registry.withdraw("a", DIGEST)
    registry.announce("a", HERE, DIGEST, 25)

    assert progress_of(registry, "a") == 25


def test_complete_ones_come_before_partial_ones(registry):
    registry.announce("part here", HERE, DIGEST, 50)
    registry.announce("all abroad", ABROAD, DIGEST)
    registry.announce("all here", HERE, DIGEST)
    registry.announce("part abroad", ABROAD, DIGEST, 50)

    assert names(registry) == ["all here", "all abroad", "part here", "part abroad"]


def test_the_few_of_one_kind_are_found_among_the_many_of_the_other(registry):
    for number in range(2_000):
        registry.announce(f"part{number}", HERE, DIGEST, 50)
        registry.announce(f"all{number}", HERE, OTHER)
    registry.announce("all", ABROAD, DIGEST)
    registry.announce("part", ABROAD, OTHER, 50)

    assert names(registry, limit=4)[0] == "all"
    assert names(registry, digest=OTHER, limit=4)[3] == "part"


def test_where_there_are_many_of_both_kinds_each_gets_half(registry):
    for number in range(50):
        registry.announce(f"part{number}", HERE, DIGEST, 50)
        registry.announce(f"all{number}", HERE, DIGEST)

    assert [name[0] for name in names(registry, limit=4)] == ["a", "a", "p", "p"]
    assert names(registry, limit=1)[0].startswith("all")


# Recipients under way --------------------------------------------------------------------------------


def test_a_recipient_under_way_is_a_candidate_that_has_nothing_yet(registry):
    registry.begin("a", NEIGHBOUR, DIGEST, 10)

    assert found(registry) == [Candidate("a", NEIGHBOUR, 0, 0, 0)]
    assert registry.reserve("a", "x", 1, 60)
    assert found(registry)[0].uploads == 1


def test_one_that_is_never_heard_of_vanishes_by_itself(registry, clock):
    registry.begin("a", HERE, DIGEST, 10)

    clock.advance(10)
    assert names(registry) == ["a"]
    clock.advance(0.1)
    assert names(registry) == []
    assert registry.population(DIGEST) == 0
    assert not registry.reserve("a", "x", 1, 60)


@pytest.mark.parametrize("sign", ["touch", "announce"])
def test_one_that_is_heard_of_is_a_peer_like_others(registry, clock, sign):
    registry.begin("a", HERE, DIGEST, 10)
    clock.advance(5)
    if sign == "touch":
        registry.touch("a")
    else:
        registry.announce("a", HERE, DIGEST, 25)

    clock.advance(LIFETIME)
    registry.begin("b", HERE, OTHER, 10)
    assert names(registry) == ["a"]
    assert progress_of(registry, "a") == (0 if sign == "touch" else 25)
    clock.advance(0.1)
    assert names(registry) == []
    assert registry.population(DIGEST) == 1


def test_to_begin_anew_takes_nothing_from_a_peer(registry, clock):
    registry.announce("a", HERE, DIGEST)
    registry.begin("a", HERE, DIGEST, 10)
    registry.begin("a", HERE, OTHER, 10)
    clock.advance(LIFETIME)

    assert names(registry) == names(registry, digest=OTHER) == ["a"]
    assert progress_of(registry, "a") == 100


# Signs of life ---------------------------------------------------------------------------------------


def test_a_peer_without_a_sign_of_life_is_no_candidate(registry, clock):
    registry.announce("a", HERE, DIGEST)

    clock.advance(LIFETIME)
    assert names(registry) == ["a"]
    clock.advance(0.1)
    assert names(registry) == []
    assert registry.population(DIGEST) == 1, "silent ones included"


@pytest.mark.parametrize("sign", ["touch", "announce"])
def test_a_sign_of_life_keeps_or_makes_it_one(registry, clock, sign):
    registry.announce("a", HERE, DIGEST)
    clock.advance(LIFETIME + 1)

    if sign == "touch":
        registry.touch("a")
    else:
        registry.announce("a", HERE, OTHER)

    assert names(registry) == ["a"]


def test_touching_a_stranger_does_not_make_a_peer(registry):
    registry.touch("nobody")

    assert not registry.reserve("nobody", "x", 1, 60)


def test_silent_peers_do_not_hide_the_live_ones(registry, clock):
    for number in range(10):
        registry.announce(f"silent{number}", HERE, DIGEST)
    clock.advance(LIFETIME + 1)
    registry.announce("live", ABROAD, DIGEST)

    assert names(registry, limit=3) == ["live"]


# Upload slots ----------------------------------------------------------------------------------------


def test_a_slot_is_taken_until_it_is_released(registry):
    registry.announce("a", HERE, DIGEST)

    assert registry.reserve("a", "x", 1, 60)
    assert not registry.reserve("a", "y", 1, 60)
    registry.release("a", "x")
    assert registry.reserve("a", "y", 1, 60)


def test_candidates_tell_how_many_slots_are_in_use(registry):
    registry.announce("a", HERE, DIGEST)
    registry.reserve("a", "x", 3, 60)
    registry.reserve("a", "y", 3, 60)

    assert found(registry)[0].uploads == 2


def test_a_slot_falls_free_by_itself(registry, clock):
    registry.announce("a", HERE, DIGEST)
    registry.reserve("a", "x", 1, 60)

    clock.advance(59.9)
    assert not registry.reserve("a", "y", 1, 60)
    clock.advance(0.1)
    assert found(registry)[0].uploads == 0
    assert registry.reserve("a", "y", 1, 60)


def test_an_exchange_that_has_a_slot_keeps_it_for_longer(registry, clock):
    registry.announce("a", HERE, DIGEST)
    assert registry.reserve("a", "x", 1, 5)
    clock.advance(4)
    assert registry.reserve("a", "x", 1, 60)
    assert found(registry)[0].uploads == 1

    clock.advance(59.9)
    assert not registry.reserve("a", "y", 1, 60)
    clock.advance(0.1)
    assert registry.reserve("a", "y", 1, 60)


def test_a_slot_whose_time_is_over_is_not_kept_before_others(registry, clock):
    registry.announce("a", HERE, DIGEST)
    registry.reserve("a", "x", 1, 5)
    clock.advance(5)
    registry.reserve("a", "y", 1, 60)

    assert not registry.reserve("a", "x", 1, 60)


def test_a_peer_that_is_not_there_has_no_slot(registry):
    assert not registry.reserve("nobody", "x", 6, 60)


def test_releasing_what_was_not_reserved_frees_nothing(registry):
    registry.announce("a", HERE, DIGEST)
    registry.reserve("a", "x", 1, 60)
    registry.release("a", "another")
    registry.release("nobody", "x")

    assert not registry.reserve("a", "y", 1, 60)


def test_threads_that_race_for_slots_get_no_more_than_there_are(registry):
    registry.announce("a", HERE, DIGEST)
    start = threading.Barrier(8)
    taken: list[int] = []

    def race(name):
        start.wait(10)
        taken.extend(number for number in range(20) if registry.reserve("a", f"{name}-{number}", 6, 60))

    threads = [threading.Thread(target=race, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(taken) == 6


# What is left alone --------------------------------------------------------------------------------


def test_what_is_allowed_again_is_allowed_whoever_forbade_it(registry):
    for network in (None, "here", "there"):
        registry.forbid("page", 60, network)
    registry.forbid("another", 60, None)

    registry.allow("page")
    registry.allow("unknown")

    assert not registry.is_forbidden("page", "here")
    assert registry.is_forbidden("another", "here")


def test_what_the_server_knows_is_forbidden_to_everybody_for_its_seconds(registry, clock):
    registry.forbid("page", 60, None)

    assert registry.is_forbidden("page", "here")
    assert registry.is_forbidden("page", "")
    assert not registry.is_forbidden("another", "here")
    clock.advance(59.9)
    assert registry.is_forbidden("page", "here")
    clock.advance(0.1)
    assert not registry.is_forbidden("page", "here")


@pytest.mark.parametrize("network", [None, "here"])
def test_what_is_forbidden_again_is_so_from_then_on(registry, clock, network):
    registry.forbid("page", 60, network)
    clock.advance(30)
    registry.forbid("page", 60, network)
    clock.advance(40)

    assert registry.is_forbidden("page", "here")


@pytest.mark.parametrize("network", ["here", ""])
def test_what_one_network_reports_is_forbidden_there_only_however_often_it_says_so(registry, clock, network):
    for _ in range(5):
        registry.forbid("page", 60, network)

    assert registry.is_forbidden("page", network)
    assert not registry.is_forbidden("page", "there")
    clock.advance(60)
    assert not registry.is_forbidden("page", network)


def test_what_two_networks_report_in_time_is_forbidden_to_everybody_from_then_on(registry, clock):
    registry.forbid("page", 60, "here")
    clock.advance(59)
    registry.forbid("page", 60, "there")

    assert registry.is_forbidden("page", "elsewhere")
    clock.advance(59)
    assert all(registry.is_forbidden("page", network) for network in ("here", "there", "elsewhere", ""))
    clock.advance(1)
    assert not any(registry.is_forbidden("page", network) for network in ("here", "there", "elsewhere", ""))


def test_what_two_networks_report_one_too_late_stays_with_the_second(registry, clock):
    registry.forbid("page", 60, "here")
    clock.advance(60)
    registry.forbid("page", 60, "there")

    assert registry.is_forbidden("page", "there")
    assert not registry.is_forbidden("page", "here")


def test_a_shorter_time_takes_nothing_from_a_longer_one(registry, clock):
    for network in (None, "here"):
        registry.forbid("page", 60, network)
        registry.forbid("page", 10, network)
    clock.advance(59)

    assert registry.is_forbidden("page", "here")
    assert registry.is_forbidden("page", "there")


# Claims ----------------------------------------------------------------------------------------------


def test_only_the_first_has_a_claim(registry):
    assert registry.claim("x", 60)
    assert not registry.claim("x", 60)
    assert registry.claim("y", 60)


def test_a_claim_ends_after_its_seconds(registry, clock):
    registry.claim("x", 60)

    clock.advance(59.9)
    assert not registry.claim("x", 60)
    clock.advance(0.1)
    assert registry.claim("x", 60)
    assert not registry.claim("x", 60)


def test_a_short_claim_ends_behind_a_long_one(registry, clock):
    registry.claim("long", 3_600)
    registry.claim("short", 60)
    clock.advance(60)

    assert registry.claim("short", 60)
    assert not registry.claim("long", 60)


# Pressure --------------------------------------------------------------------------------------------


def test_pressure_counts_who_waits_for_each_source(registry, clock):
    assert registry.pressure(DIGEST) == 0
    for number in range(6):
        registry.begin(f"waits{number}", HERE, DIGEST, 10)
    assert registry.pressure(DIGEST) == 6, "no source counts as one"

    registry.announce("complete", HERE, DIGEST)
    registry.begin("streams", HERE, DIGEST, 10, streams=True)
    assert registry.pressure(DIGEST) == 3
    assert registry.pressure(OTHER) == 0

    registry.announce("streams", HERE, DIGEST, 50)
    assert registry.pressure(DIGEST) == 3
    registry.announce("streams", HERE, DIGEST)
    registry.announce("waits0", HERE, DIGEST)
    assert registry.pressure(DIGEST) == 5 / 3
    registry.withdraw("complete")
    registry.withdraw("streams", DIGEST)
    assert registry.pressure(DIGEST) == 5
    clock.advance(11)
    assert registry.pressure(DIGEST) == 0


def test_one_that_streamed_and_left_is_no_source(registry):
    registry.begin("a", HERE, DIGEST, 10, streams=True)
    registry.begin("b", HERE, DIGEST, 10)
    registry.begin("c", HERE, DIGEST, 10)
    assert registry.pressure(DIGEST) == 2
    registry.withdraw("a")

    assert registry.pressure(DIGEST) == 2
    registry.announce("d", HERE, DIGEST)
    registry.announce("e", HERE, DIGEST)
    assert registry.pressure(DIGEST) == 1


# Experience ------------------------------------------------------------------------------------------

FAILURE = Outcome(failed=True)
SUCCESS = Outcome(failed=False, rate=2e6, round_trip=0.02)


def test_a_candidate_comes_with_what_recipients_found(registry, clock):
    registry.announce("a", HERE, DIGEST)
    registry.note_outcome("a", SUCCESS)
    registry.note_outcome("a", FAILURE)

    (candidate,) = found(registry)
    assert (candidate.failures, candidate.rate, candidate.round_trip) == (1, 2e6, 0.02)
    clock.advance(60)
    registry.touch("a")
    assert 0 < found(registry)[0].failures < 1


def test_an_outcome_of_a_stranger_is_nothing(registry):
    registry.note_outcome("nobody", FAILURE)

    assert registry.population(DIGEST) == 0


def test_strikes_are_counted_and_a_success_does_not_forget_them(registry):
    registry.announce("a", HERE, DIGEST)

    assert registry.strike("a") == 1
    registry.note_outcome("a", SUCCESS)
    assert registry.strike("a") == 2
    assert registry.strike("nobody") == 0


def test_a_border_that_keeps_failing_is_closed_for_a_while(registry, clock):
    for _ in range(2):
        registry.note_passage("x", failed=True)
    assert not registry.is_closed("x")

    registry.note_passage("x", failed=True)

    assert registry.is_closed("x")
    assert not registry.is_closed("y")
    clock.advance(600)
    assert not registry.is_closed("x")


def test_after_the_while_one_more_failure_closes_it_and_one_success_opens_it(registry, clock):
    for _ in range(3):
        registry.note_passage("x", failed=True)
    clock.advance(600)

    registry.note_passage("x", failed=True)
    assert registry.is_closed("x")

    registry.note_passage("x", failed=False)
    assert not registry.is_closed("x")
    registry.note_passage("x", failed=True)
    assert not registry.is_closed("x")


def test_peers_behind_a_closed_border_are_told_from_others(registry):
    registry.announce("a", HERE, DIGEST)
    registry.announce("b", ABROAD, DIGEST)
    for _ in range(3):
        registry.note_passage(ABROAD.network, failed=True)

    assert [(one.peer, one.enclosed) for one in found(registry)] == [("a", False), ("b", True)]


# Two that are one ------------------------------------------------------------------------------------


def test_two_that_are_one_page_are_one_candidate_with_what_both_had(registry):
    registry.begin("first", HERE, DIGEST, 10)
    registry.begin("second", HERE, OTHER, 10)
    registry.announce("second", HERE, OTHER, 40)

    registry.merge("second", "first", HERE)

    assert names(registry) == names(registry, digest=OTHER) == ["first"]
    assert found(registry, digest=OTHER)[0].progress == 40
    assert registry.population(OTHER) == 1


def test_a_page_that_was_not_known_is_known_by_its_other_name(registry):
    registry.begin("second", NEIGHBOUR, DIGEST, 10)

    registry.merge("second", "first", NEIGHBOUR)

    assert names(registry) == ["first"]
    assert registry.place_of("second") == registry.place_of("first") == NEIGHBOUR


def test_their_slots_are_those_of_one(registry):
    for name in ("first", "second"):
        registry.announce(name, HERE, DIGEST)
    assert registry.reserve("first", "a.first", 3, 60)
    assert registry.reserve("second", "b.second", 3, 60)

    registry.merge("second", "first", HERE)

    assert found(registry)[0].uploads == 2
    assert registry.reserve("second", "b.second", 3, 60), "what was promised"
    assert registry.reserve("second", "c.second", 3, 60)
    assert not registry.reserve("first", "d.first", 3, 60)
    registry.release("first", "b.second")
    assert found(registry)[0].uploads == 2


def test_who_streams_goes_on_streaming_under_the_other_name(registry):
    registry.begin("second", HERE, DIGEST, 10, streams=True)
    registry.begin("waits", HERE, DIGEST, 10)
    before = registry.pressure(DIGEST)

    registry.merge("second", "first", HERE)
    registry.announce("first", HERE, DIGEST, 30)

    assert registry.pressure(DIGEST) == before == 1


def test_what_is_told_of_the_one_is_told_of_the_other(registry):
    registry.announce("first", HERE, DIGEST)
    registry.announce("second", HERE, OTHER)
    registry.strike("second")

    registry.merge("second", "first", HERE)

    assert registry.strike("second") == 2
    registry.note_outcome("second", Outcome(failed=True))
    assert found(registry)[0].failures > 0


def test_they_leave_as_one_and_the_other_name_is_nobodys_then(registry):
    registry.announce("first", HERE, DIGEST)
    registry.merge("second", "first", HERE)

    registry.withdraw("first")

    assert names(registry) == []
    assert registry.place_of("second") is None
    assert not registry.reserve("second", "a.second", 6, 60)


def test_to_take_out_the_one_takes_out_the_other(registry):
    registry.announce("first", HERE, DIGEST)
    registry.merge("second", "first", HERE)

    registry.withdraw("second")

    assert names(registry) == []


def test_a_name_that_announces_itself_is_one_of_its_own_again(registry):
    registry.announce("first", HERE, DIGEST)
    registry.merge("second", "first", HERE)

    registry.announce("second", HERE, DIGEST)
    registry.withdraw("first")

    assert names(registry) == ["second"]


def test_a_name_that_changed_hands_stays_with_the_last(registry):
    for name in ("first", "third"):
        registry.announce(name, HERE, DIGEST)
        registry.merge("second", name, HERE)
    registry.withdraw("first")

    assert registry.reserve("second", "a.second", 6, 60)
    assert found(registry)[0].uploads == 1


def test_to_merge_twice_is_to_merge_once(registry):
    registry.begin("second", HERE, DIGEST, 10)
    for _ in range(2):
        registry.merge("second", "first", HERE)

    assert names(registry) == ["first"]
