"""What visitors report is what the next ones get: through HTTP, with tickets that the app itself issued."""

import json

import pytest

from tests.support.visits import delivery_of, digest_of, island_of, new_app, serve_bundle, state_of, visit
from viraljs.extension import viral_script
from viraljs.nearness import locate

BUNDLE = b"//" + b"x" * 1_200_000
"""Large enough for more than one seeder."""
DIGEST = digest_of(BUNDLE)
HOME, NEXT_DOOR, ABROAD, ELSEWHERE = "203.0.113.9", "203.0.113.10", "198.51.100.1", "192.0.2.1"


@pytest.fixture
def app():
    app = new_app(UPLOAD_SLOTS=64)
    serve_bundle(app, lambda: BUNDLE)
    return app


def add_seeder(app, name, address):
    state_of(app).registry.announce(name, locate(address), DIGEST)


def ask(app, address=HOME):
    return visit(app, environ_base={"REMOTE_ADDR": address})


def seeders_in(response):
    return island_of(response.data)["ticket"].split(".")[0].split("~")[2:]


def upload(seeder, size=0, failure=None, **more):
    return {"seeder": seeder, "bytes": size, "milliseconds": 100, "failure": failure, **more}


def tell(app, ticket, *uploads, address=HOME, origin="http://localhost", **more):
    message = {
        "ticket": ticket,
        "source": "mixed",
        "bytesFromPeers": 2**53 - 1,
        "bytesFromServer": 0,
        "bytesFromCache": 0,
        "milliseconds": 2**53 - 1,
        "uploads": list(uploads),
        **more,
    }
    return app.test_client().post(
        "/viraljs/report",
        data=json.dumps(message),
        headers={"Origin": origin},
        environ_base={"REMOTE_ADDR": address},
    )


def report(app, *uploads, address=HOME):
    """Visit, get a ticket, and report."""
    response = ask(app, address)
    assert tell(app, island_of(response.data)["ticket"], *uploads, address=address).status_code == 204


def candidate(app, name):
    found = state_of(app).registry.candidates(DIGEST, locate(HOME), 16, slots=99)
    return next(one for one in found if one.peer == name)


def test_rate_and_round_trip_of_a_seeder_are_known_to_the_next(app):
    add_seeder(app, "a", NEXT_DOOR)

    report(app, upload("a", 100_000, roundTrip=25))

    known = candidate(app, "a")
    assert (known.rate, known.round_trip, known.failures) == (1_000_000, 0.025, 0)


def test_absurd_figures_are_clamped_in_statistics_and_in_rates(app):
    add_seeder(app, "a", NEXT_DOOR)

    report(app, {**upload("a", 2**53 - 1, roundTrip=2**53 - 1), "milliseconds": 0})

    assert (candidate(app, "a").rate, candidate(app, "a").round_trip) == (125_000_000, 10)
    assert state_of(app).metrics.snapshot()["total"]["delivered_bytes_from_peers"] == len(BUNDLE)


def test_a_forged_report_and_one_told_twice_teach_nothing(app):
    add_seeder(app, "a", NEXT_DOOR)
    ticket = island_of(ask(app).data)["ticket"]

    forged = tell(app, ticket.replace("~a", "~a~b"), upload("a", failure="lost"))
    assert (forged.status_code, candidate(app, "a").failures) == (403, 0)

    assert tell(app, ticket, upload("a")).status_code == 204
    again = tell(app, ticket, upload("a", failure="lost"))
    assert (again.status_code, candidate(app, "a").failures) == (409, 0)

    other = tell(app, island_of(ask(app).data)["ticket"], upload("stranger", failure="lost"))
    assert other.status_code == 403


def test_of_two_the_one_that_fails_comes_last_and_recovers(app):
    for name in ("good", "bad"):
        add_seeder(app, name, NEXT_DOOR)
    for _ in range(2):
        report(app, upload("bad", failure="lost"), upload("good", len(BUNDLE) // 2))

    assert {seeders_in(ask(app))[0] for _ in range(5)} == {"good"}


def test_a_network_that_lets_nothing_out_gets_full_responses_at_once_and_peers_of_its_own(app):
    for name, address in (("a", ABROAD), ("b", ELSEWHERE)):
        add_seeder(app, name, address)
    for _ in range(3):
        assert delivery_of(ask(app)) == "thin"
        report(app, upload("a", failure="unreachable"))

    assert delivery_of(ask(app)) == "full"
    assert delivery_of(ask(app, NEXT_DOOR)) == "full"
    assert delivery_of(ask(app, "100.100.1.1")) == "thin", "another network is none the worse"

    add_seeder(app, "inside", NEXT_DOOR)
    assert seeders_in(ask(app)) == ["inside"]


def test_a_seeder_behind_such_a_border_is_for_its_own_network(app):
    add_seeder(app, "a", ABROAD)
    for address in (HOME, ELSEWHERE, "100.100.1.1"):
        report(app, upload("a", failure="unreachable"), address=address)
    add_seeder(app, "fresh", ABROAD)

    assert delivery_of(ask(app, "8.8.8.8")) == "full"
    assert seeders_in(ask(app, ABROAD)) == ["fresh", "a"], "the one that failed comes last"


def test_visitors_of_a_closed_network_do_not_close_those_of_their_seeders(app):
    add_seeder(app, "a", ABROAD)
    for _ in range(3):
        report(app, upload("a", failure="unreachable"))
    add_seeder(app, "fresh", ABROAD)

    assert delivery_of(ask(app)) == "full"
    assert delivery_of(ask(app, ELSEWHERE)) == "thin"


def test_where_nothing_works_inside_or_out_the_bytes_come_plain(app):
    add_seeder(app, "inside", NEXT_DOOR)
    add_seeder(app, "outside", ABROAD)
    for _ in range(3):
        report(app, upload("inside", failure="unreachable"), upload("outside", failure="unreachable"))

    response = ask(app)

    assert (delivery_of(response), response.data) == ("untouched; reason=network", BUNDLE)
    assert "private" in response.headers["Cache-Control"]


def test_one_delivery_that_gets_through_opens_the_network_again(app):
    add_seeder(app, "a", ABROAD)
    for _ in range(2):
        report(app, upload("a", failure="unreachable"))
    report(app, upload("a", len(BUNDLE)))
    report(app, upload("a", failure="unreachable"))

    assert delivery_of(ask(app)) == "thin"


# What is left alone -----------------------------------------------------------------------------------

PAGE = {"Referer": "http://localhost/shop?item=1"}


def complain(app, headers=None, **more):
    """Visit as from a page, get a ticket, and report what went wrong."""
    ticket = island_of(visit(app, headers=headers).data)["ticket"]
    assert tell(app, ticket, **more).status_code == 204


def test_a_page_that_blocks_what_peers_give_is_left_alone_and_no_other(app):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, reason="blocked", page="/shop")

    assert delivery_of(visit(app, headers=PAGE)) == "untouched; reason=blocked"
    assert delivery_of(visit(app, headers={"Referer": "http://localhost/"})) == "thin"
    assert delivery_of(visit(app)) == "thin"


def test_a_page_of_another_origin_says_nothing_of_the_one_with_its_path_here():
    app = new_app(ORIGINS=["https://www.example"])
    serve_bundle(app, lambda: BUNDLE)
    add_seeder(app, "a", ABROAD)
    ticket = island_of(visit(app, headers=PAGE).data)["ticket"]
    response = tell(app, ticket, origin="https://www.example", reason="blocked", page="/shop")
    assert response.status_code == 204

    assert delivery_of(visit(app, headers=PAGE)) == "thin"


@pytest.mark.parametrize("reason", ["", "x" * 5_000])
def test_what_a_browser_says_of_an_error_may_be_nothing_or_a_story(app, reason):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, reason=reason)


def test_a_bundle_that_writes_into_its_page_is_left_alone(app):
    add_seeder(app, "a", ABROAD)
    complain(app, reason="document-write", page="/shop")

    assert delivery_of(visit(app)) == "untouched; reason=document-write"
    assert visit(app).data == BUNDLE


def test_other_reasons_are_no_ground_to_leave_anything_alone(app):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, reason="Failed to fetch", page="/shop")

    assert delivery_of(visit(app, headers=PAGE)) == "thin"


@pytest.mark.parametrize(
    ("policy", "tags", "delivery"),
    [
        ("script-src 'self'", True, "untouched; reason=blocked"),
        ("script-src 'self'", False, "thin"),
        ("script-src 'self' blob:", True, "thin"),
        (None, True, "thin"),
    ],
)
def test_a_page_whose_own_header_forbids_it_is_never_tried(app, policy, tags, delivery):
    @app.get("/sh%C3%B6p/")
    def shop():
        return str(viral_script("/app.js")) if tags else "", {"Content-Security-Policy": policy} if policy else {}

    add_seeder(app, "a", ABROAD)
    app.test_client().get("/sh%25C3%25B6p/")

    answer = visit(app, headers={"Referer": "http://localhost/sh%25C3%25B6p/?item=1"})
    assert delivery_of(answer) == delivery
