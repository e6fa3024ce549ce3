"""What one recipient's report teaches."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.learning import (
    BLOCKING_SECONDS,
    FORBIDDEN_SECONDS,
    LONGEST_MILLISECONDS,
    clamp,
    find_bans,
    learn,
    name_bundle,
    name_page,
    name_tag,
)
from viraljs.messages import Report, Upload
from viraljs.nearness import NOWHERE, inside, locate

HERE, NEIGHBOUR, ABROAD = locate("203.0.113.9"), locate("203.0.113.10"), locate("198.51.100.1")
PLACES = {"near": NEIGHBOUR, "far": ABROAD, "other": locate("192.0.2.1")}
COUNTS = st.integers(0, 2**53 - 1)


def upload(seeder, *, size=100_000, failure=None, milliseconds=100, round_trip=20):
    return Upload(seeder, size, milliseconds, failure, round_trip)


def lost(seeder, failure="unreachable"):
    return upload(seeder, size=0, failure=failure, milliseconds=0, round_trip=None)


def report(*uploads, **figures):
    return Report(
        **{
            "ticket": "t",
            "source": "peers",
            "bytes_from_peers": 0,
            "bytes_from_server": 0,
            "bytes_from_cache": 0,
            "milliseconds": 0,
            "uploads": uploads,
            **figures,
        }
    )


def lessons(*uploads, troubled=()):
    return learn(report(*uploads), HERE, PLACES, lambda border: border in troubled)


def test_what_a_seeder_gave_is_its_rate_and_its_round_trip():
    outcome = lessons(upload("near")).outcomes["near"]

    assert (outcome.failed, outcome.rate, outcome.round_trip) == (False, 1_000_000, 0.02)


def test_a_failure_is_one_and_tells_no_rate():
    outcome = lessons(lost("near", "lost")).outcomes["near"]

    assert (outcome.failed, outcome.rate, outcome.round_trip) == (True, None, None)


@pytest.mark.parametrize("failure", ["busy", "signaling", "client"])
def test_what_a_seeder_can_not_help_is_not_held_against_it(failure):
    taught = lessons(lost("near", failure))

    assert not taught.outcomes
    assert not taught.passages


def test_a_seeder_outside_that_could_not_be_reached_speaks_against_both_networks():
    assert lessons(lost("far")).passages == {HERE.network: True, ABROAD.network: True}


def test_where_the_own_network_had_trouble_before_those_of_others_are_not_blamed():
    assert lessons(lost("far"), troubled=[HERE.network]).passages == {HERE.network: True}
    assert lessons(lost("far"), upload("other"), troubled=[HERE.network]).passages[ABROAD.network]


def test_a_seeder_inside_that_could_not_be_reached_speaks_against_the_network_within():
    assert lessons(lost("near")).passages == {inside(HERE): True}


def test_one_that_got_through_shows_that_others_could():
    taught = lessons(lost("far"), upload("other"))

    assert taught.passages == {HERE.network: False, ABROAD.network: True, PLACES["other"].network: False}


@pytest.mark.parametrize("failure", ["lost", "refused", "unanswered", "gone"])
def test_other_failures_say_nothing_of_networks(failure):
    assert not lessons(lost("far", failure)).passages


def test_bytes_got_through_whatever_happened_then():
    assert lessons(upload("far", failure="lost")).passages == {HERE.network: False, ABROAD.network: False}


def test_of_seeders_that_are_gone_and_of_places_unknown_no_network_is_blamed():
    assert not lessons(lost("gone")).passages
    assert not learn(report(lost("far")), NOWHERE, {"far": NOWHERE}, lambda _: False).passages


def test_who_gave_a_wrong_byte_is_named():
    assert lessons(upload("far", failure="corrupt"), upload("near")).corrupt == ("far",)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.integers(1, 10**9))
def test_absurd_figures_are_clamped(peers, server, cache, milliseconds, size, trip, bundle):
    clamped = clamp(
        report(
            upload("near", size=size, milliseconds=milliseconds, round_trip=trip),
            bytes_from_peers=peers,
            bytes_from_server=server,
            bytes_from_cache=cache,
            milliseconds=milliseconds,
        ),
        bundle,
    )

    (one,) = clamped.uploads
    assert max(clamped.bytes_from_peers, clamped.bytes_from_server, clamped.bytes_from_cache, one.bytes) <= bundle
    assert max(clamped.milliseconds, one.milliseconds) <= LONGEST_MILLISECONDS
    learn(clamped, HERE, PLACES, lambda _: False)


def test_figures_that_can_be_are_left_as_they_are():
    told = report(upload("near"), bytes_from_peers=5, milliseconds=7)

    assert clamp(told, 100_000) == told


# What is not to be tried again ------------------------------------------------------------------------


URL = "/app.js?v=1"


def subjects(referring="/shop", **more):
    return {ban.subject for ban in find_bans(report(**more), "www.example", "d1", referring)}


@pytest.mark.parametrize(
    ("reason", "page", "subject"),
    [
        ("blocked", "/shop", name_page("www.example", "/shop")),
        ("blocked", None, None),
        ("document-write", "/shop", name_bundle("d1")),
        ("document-write", None, name_bundle("d1")),
        ("blocking", "/shop", name_tag("www.example", "/shop", URL)),
        ("deadline", "/shop", None),
        ("Error: blocked", "/shop", None),
        (None, "/shop", None),
    ],
)
def test_only_reserved_words_say_what_is_not_to_be_tried_again(reason, page, subject):
    assert subjects(reason=reason, page=page, url=URL) == ({subject} if subject else set())


def test_a_tag_that_the_parser_waits_for_is_remembered_under_every_name_that_requests_give_its_page():
    known, unknown = (name_tag("www.example", page, URL) for page in ("/shop", None))

    assert subjects(referring=None, reason="blocking", page="/shop", url=URL) == {known, unknown}
    assert subjects(referring=None, reason="blocking", page=None, url=URL) == {unknown}
    assert subjects(reason="blocking", page="/shop", url=None) == set()


def test_a_tag_is_remembered_for_longer_than_what_a_deployment_may_mend():
    (tag,) = find_bans(report(reason="blocking", page="/shop", url=URL), "www.example", "d1", "/shop")

    assert tag.seconds == BLOCKING_SECONDS > FORBIDDEN_SECONDS


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("blocked", ["/shop", "Content Security Policy", "nonce", "blob:"]),
        ("blocking", ["/shop", URL, "DOMContentLoaded", "viral_script"]),
        ("document-write", [URL, "document.write"]),
    ],
)
def test_each_ban_says_what_was_found_and_what_mends_it(reason, words):
    (ban,) = find_bans(report(reason=reason, page="/shop", url=URL), "www.example", "d1", "/shop")

    assert all(word in ban.text for word in words)


def test_pages_of_other_hosts_and_bundles_have_other_names():
    tags = {name_tag("a", "/b", "/c"), name_tag("a", None, "/c"), name_tag("b", "/b", "/c"), name_tag("a", "/b", "/d")}
    others = {name_page("a", "/b"), name_page("b", "/b"), name_page("a", "/c"), name_bundle("a/b")}

    assert len(tags | others) == 8
