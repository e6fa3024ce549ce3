"""What visitors report is what the next ones get: through HTTP, with tickets that the app itself issued."""

import json

import pytest
from flask import redirect, render_template_string

from tests.support.visits import PAGE as NAVIGATION
from tests.support.visits import delivery_of, digest_of, island_of, new_app, serve_bundle, state_of, visit
from viraljs.advice import REPORTED
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


def tell(app, ticket, *uploads, address=HOME, origin="http://localhost", headers=None, **more):
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
        headers={"Origin": origin, **(headers or {})},
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
HERE = "127.0.0.1"


def complain(app, headers=None, address=HERE, **more):
    """Visit as from a page, get a ticket, and report what went wrong; the report names the page as the visit did."""
    ticket = island_of(visit(app, headers=headers, environ_base={"REMOTE_ADDR": address}).data)["ticket"]
    assert tell(app, ticket, address=address, headers=headers, **more).status_code == 204


def from_page(app, address=HERE, headers=None):
    return delivery_of(visit(app, headers=headers or PAGE, environ_base={"REMOTE_ADDR": address}))


def test_a_page_that_blocks_what_peers_give_is_left_alone_in_the_network_that_says_so_and_no_other_page(app):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, HOME, reason="blocked", page="/shop")

    assert from_page(app, HOME) == from_page(app, NEXT_DOOR) == "untouched; reason=blocked"
    assert from_page(app, ELSEWHERE) == "thin"
    assert from_page(app, HOME, {"Referer": "http://localhost/"}) == "thin"
    assert delivery_of(ask(app, HOME)) == "thin"


def test_a_page_that_has_given_itself_another_address_is_left_alone_by_both(app):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, HOME, reason="blocked", page="/made-here")

    for path in ("/shop", "/made-here"):
        assert from_page(app, HOME, {"Referer": f"http://localhost{path}"}) == "untouched; reason=blocked"


def test_what_visitors_of_two_networks_report_of_a_page_holds_for_everybody(app):
    add_seeder(app, "a", ABROAD)
    for address in (HOME, ELSEWHERE):
        complain(app, PAGE, address, reason="blocked", page="/shop")

    assert from_page(app, ABROAD) == "untouched; reason=blocked"


def test_the_log_says_once_what_a_report_turned_off_and_what_mends_it(app, caplog):
    add_seeder(app, "a", ABROAD)
    for address in (HOME, ELSEWHERE):
        complain(app, PAGE, address, reason="blocked", page="/shop")

    (text,) = [record.getMessage() for record in caplog.records if "/shop" in record.getMessage()]
    assert "nonce" in text


def test_a_page_of_another_origin_says_nothing_of_the_one_with_its_path_here():
    app = new_app(ORIGINS=["https://www.example"])
    serve_bundle(app, lambda: BUNDLE)
    add_seeder(app, "a", ABROAD)
    for reason in ("blocked", "blocking"):
        ticket = island_of(visit(app, headers=PAGE).data)["ticket"]
        response = tell(
            app, ticket, origin="https://www.example", address=HERE, reason=reason, page="/shop", url=BUNDLE_URL
        )
        assert response.status_code == 204

        assert from_page(app) == "thin"

    assert delivery_of(visit(app)) == "untouched; reason=blocking"  # as all that don't name a page of ours


BUNDLE_URL = "http://localhost/app.js"
BLOCKING = {"reason": "blocking", "page": "/shop", "url": BUNDLE_URL}


def test_a_tag_that_the_parser_of_a_page_waits_for_gets_plain_bytes_there_and_nowhere_else(app, caplog):
    serve_bundle(app, lambda: BUNDLE, "/other.js")
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, **BLOCKING)

    assert from_page(app) == "untouched; reason=blocking"
    assert visit(app, headers=PAGE).data == BUNDLE
    assert delivery_of(visit(app, "/other.js", headers=PAGE)) == "thin"
    assert delivery_of(visit(app, headers={"Referer": "http://localhost/"})) == "thin"
    assert delivery_of(visit(app)) == "thin"
    assert from_page(app, ELSEWHERE) == "thin"
    complain(app, PAGE, ELSEWHERE, **BLOCKING)
    assert from_page(app, HOME) == "untouched; reason=blocking"
    (text,) = [record.getMessage() for record in caplog.records if "parser" in record.getMessage()]
    assert "/shop" in text
    assert "/app.js" in text
    assert "viral_script" in text
    assert "DOMContentLoaded" in text, "a tag that waits for nobody breaks the scripts behind it"


def ban_tag_of(app, attributes=""):
    """Have a page's blocking tag reported from two networks; from now on `viral_script` writes it."""
    html = "{{ viral_script('/app.js'" + attributes + ") }}"
    app.add_url_rule("/shop", "shop", lambda: render_template_string(html))
    add_seeder(app, "a", ABROAD)
    for address in (HOME, ELSEWHERE):
        complain(app, PAGE, address, **BLOCKING)
    assert from_page(app) == "untouched; reason=blocking"


def test_a_page_whose_tag_viral_script_has_written_since_has_peers_again_until_it_turns_out_wrong(app):
    ban_tag_of(app)

    app.test_client().get("/shop")
    assert from_page(app) == "thin"

    for address in (HOME, ELSEWHERE):
        complain(app, PAGE, address, **BLOCKING)
    app.test_client().get("/shop")
    assert from_page(app) == "untouched; reason=blocking"


def test_a_blocking_tag_mends_nothing_whoever_writes_it(app):
    ban_tag_of(app, ", defer=False")

    app.test_client().get("/shop")

    assert from_page(app) == "untouched; reason=blocking"


def test_a_page_that_requests_do_not_name_is_remembered_by_that(app):
    add_seeder(app, "a", ABROAD)
    complain(app, **BLOCKING)

    assert delivery_of(visit(app)) == "untouched; reason=blocking"
    assert from_page(app) == "untouched; reason=blocking"
    assert delivery_of(visit(app, headers={"Referer": "http://localhost/"})) == "thin"


def test_a_page_is_the_same_however_a_browser_writes_its_path(app):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, **{**BLOCKING, "page": "/a[1]|b"})

    assert delivery_of(visit(app, headers={"Referer": "http://localhost/a[1]%7Cb?x"})) == "untouched; reason=blocking"


@pytest.mark.parametrize(
    "url", ["http://other.example/app.js", "//localhost/app.js", "blob:http://localhost/app.js", "/app.js", "http://["]
)
def test_what_is_no_url_of_this_server_turns_nothing_off(app, url):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, **{**BLOCKING, "url": url})

    assert from_page(app) == "thin"


def test_page_and_url_of_a_report_can_not_forge_a_line_of_the_log(app, caplog):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, **{**BLOCKING, "url": BUNDLE_URL + "?\x1b[31m"})
    complain(app, PAGE, **{**BLOCKING, "url": BUNDLE_URL + "\x85lost"})
    complain(app, PAGE, reason="blocked", page="/shop\nWARNING: all is lost")

    assert all(record.getMessage().isprintable() for record in caplog.records)


def test_a_second_tag_of_a_page_waits_for_nobody_where_its_parser_waits_for_it(app):
    @app.get("/shop")
    def shop():
        return str(viral_script("/first.js") + viral_script("/app.js", defer=False))

    def page():
        return app.test_client().get("/shop", headers=NAVIGATION).text

    add_seeder(app, "a", ABROAD)
    visit(app, headers=PAGE)
    assert "/app.js?viraljs=behind" in page()
    complain(app, PAGE, **BLOCKING)

    assert '"/app.js"' in page()


@pytest.mark.parametrize("reason", ["", "x" * 5_000])
def test_what_a_browser_says_of_an_error_may_be_nothing_or_a_story(app, reason):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, reason=reason)


def test_a_bundle_that_writes_into_its_page_is_left_alone(app):
    add_seeder(app, "a", ABROAD)
    complain(app, reason="document-write", page="/shop")

    assert delivery_of(visit(app)) == "untouched; reason=document-write"
    assert visit(app).data == BUNDLE


@pytest.mark.parametrize("reason", REPORTED)
def test_what_only_a_browser_sees_is_told_of_once_and_turns_nothing_off(app, reason, caplog):
    add_seeder(app, "a", ABROAD)
    for _ in range(2):
        complain(app, PAGE, reason=reason, page="/shop", url="http://localhost/app.js")

    assert delivery_of(visit(app, headers=PAGE)) == "thin"
    [text] = [line for line in caplog.messages if f"says {reason})" in line]
    assert text.startswith("ViralJS: /app.js came from this server on /shop (")
    assert text.endswith(REPORTED[reason])


def test_other_reasons_are_no_ground_to_leave_anything_alone(app):
    add_seeder(app, "a", ABROAD)
    complain(app, PAGE, reason="Failed to fetch", page="/shop")

    assert delivery_of(visit(app, headers=PAGE)) == "thin"


@pytest.mark.parametrize(
    ("policy", "tags", "delivery"),
    [
        ("script-src 'self'", True, "untouched; reason=blocked"),
        ("script-src 'self'", False, "untouched; reason=blocked"),
        ("script-src 'self' blob:", True, "thin"),
        ("script-src 'self' blob:", False, "thin"),
        (None, True, "thin"),
    ],
)
def test_a_page_whose_own_header_forbids_it_is_never_tried(app, policy, tags, delivery, caplog):
    @app.get("/sh%C3%B6p/")
    def shop():
        return str(viral_script("/app.js")) if tags else "", {"Content-Security-Policy": policy} if policy else {}

    add_seeder(app, "a", ABROAD)
    app.test_client().get("/sh%25C3%25B6p/")

    for _ in range(2):
        answer = visit(app, headers={"Referer": "http://localhost/sh%25C3%25B6p/?item=1"})
        assert delivery_of(answer) == delivery
    assert delivery_of(visit(app)) == delivery  # which may be of that page
    assert delivery_of(visit(app, headers={"Referer": "http://localhost/other"})) == "thin"
    told = [line for line in caplog.messages if "forbids what peers give" in line]
    assert len(told) == ("untouched" in delivery)


@pytest.mark.parametrize(
    ("path", "headers", "method"),
    [
        ("/picture", {"Sec-Fetch-Mode": "no-cors"}, "GET"),
        ("/picture", {"Sec-Fetch-Mode": "same-origin"}, "GET"),
        ("/picture", {}, "HEAD"),
        ("/nowhere", {}, "GET"),
        ("/broken", {}, "GET"),
    ],
)
def test_what_no_visitor_sees_as_a_page_says_nothing_of_pages(app, path, headers, method):
    @app.get("/picture")
    def picture():
        return "<svg></svg>", {"Content-Type": "image/svg+xml"}

    @app.get("/broken")
    def broken():
        return "try later", 503

    @app.after_request
    def forbid(response):
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response

    add_seeder(app, "a", ABROAD)
    app.test_client().open(path, method=method, headers=headers)
    assert delivery_of(visit(app)) == "thin"
    assert delivery_of(visit(app, headers={"Referer": f"http://localhost{path}"})) == "thin"


def test_a_page_that_is_made_without_such_a_policy_has_peers_again(app):
    forbidding = True

    @app.get("/shop")
    def shop():
        return "a page", {"Content-Security-Policy": "script-src 'self'"} if forbidding else {}

    add_seeder(app, "a", ABROAD)
    app.test_client().get("/shop")
    assert delivery_of(visit(app, headers=PAGE)) == "untouched; reason=blocked"
    forbidding = False
    app.test_client().get("/shop")
    assert delivery_of(visit(app, headers=PAGE)) == "thin"


def test_a_page_that_nobody_sees_and_one_of_another_origin_have_nothing_to_do_with_it():
    app = new_app(ORIGINS=["https://www.example"])
    serve_bundle(app, lambda: BUNDLE)

    @app.get("/old")
    def old():
        return redirect("/new")

    @app.get("/strict")
    def strict():
        return "a page"

    @app.after_request
    def forbid(response):
        response.headers["Content-Security-Policy"] = "script-src 'self'"
        return response

    add_seeder(app, "a", ABROAD)
    app.test_client().get("/old")
    assert delivery_of(visit(app)) == "thin"
    app.test_client().get("/strict")
    assert delivery_of(visit(app)) == "untouched; reason=blocked"
    elsewhere = {"Origin": "https://www.example", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site"}
    assert delivery_of(visit(app, "/app.js?viraljs=script", elsewhere)) == "thin"


def test_what_browsers_say_and_nobody_understands_is_told_of_once(app, caplog):
    for path in ("report", "offers"):
        answer = app.test_client().post(f"/viraljs/{path}", data="[]", headers={"Origin": "http://localhost"})
        assert answer.status_code == 400

    assert caplog.text.count("ViralJS: refuses what a browser says at /viraljs/report") == 1
    assert caplog.text.count("ViralJS: ") == 1
