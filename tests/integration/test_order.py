"""Bundles behind others in a page: the tag says what a thin client can know of its turn, and the answer keeps to it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, render_template_string

from tests.support.visits import (
    BUNDLE,
    CRAWLER,
    PAGE,
    add_seeder,
    delivery_of,
    digest_of,
    island_of,
    new_app,
    serve_bundle,
    state_of,
    visit,
)
from viraljs.learning import name_bundle
from viraljs.messages import Gone, Offer

BEHIND = "/app.js?viraljs=behind"
ALONE = "/app.js?viraljs=alone"
STREAM = {"STREAM_SIZE": len(BUNDLE), "MAX_SOCKETS": 100}


def paged_app(template="{{ viral_script('/first.js') }}{{ viral_script('/app.js') }}", **config: Any) -> Flask:
    app = new_app(**config)
    serve_bundle(app, lambda: BUNDLE + b"/* first */", "/first.js")
    serve_bundle(app, lambda: BUNDLE)
    app.add_url_rule("/", "page", lambda: render_template_string(template))
    return app


def page(app: Flask, headers: dict[str, str] | None = None) -> str:
    return app.test_client(use_cookies=False).get("/", headers={**PAGE, **(headers or {})}).text


def tag(src: str) -> str:
    return f'<script defer src="{src}" data-viraljs></script>'


def seeders_of(response: Any) -> list[str]:
    seeders: list[str] = island_of(response.data)["ticket"].split(".")[0].split("~")[2:]
    return seeders


# The tag ---------------------------------------------------------------------------------------------


def test_a_bundle_that_peers_have_is_marked_where_it_is_behind_another_one():
    app = paged_app()
    for path in ("/first.js", "/app.js"):
        visit(app, path)
    add_seeder(app, BUNDLE + b"/* first */")
    add_seeder(app, BUNDLE)

    assert page(app) == tag("/first.js") + tag(BEHIND)


def test_so_is_one_that_its_first_visitor_would_stream():
    app = paged_app(**STREAM)
    visit(app, "/app.js")

    assert tag(BEHIND) in page(app)


@pytest.mark.parametrize("seeds", [True, False])
def test_one_that_the_server_has_not_read_yet_is_not_marked(seeds):
    app = paged_app(**STREAM)
    if seeds:
        add_seeder(app, BUNDLE)

    assert tag("/app.js") in page(app)


def test_one_that_nobody_has_is_not_marked():
    app = paged_app()
    visit(app, "/app.js")

    assert tag("/app.js") in page(app)


@pytest.mark.parametrize(
    "headers", [{"User-Agent": CRAWLER}, {"Save-Data": "on"}, {"Cookie": "viraljs_consent=0"}], ids=str
)
def test_visitors_who_take_no_part_get_no_mark(headers):
    app = paged_app(**STREAM)
    visit(app, "/app.js")
    add_seeder(app, BUNDLE)

    assert tag("/app.js") in page(app, headers)


def test_one_that_the_browser_has_kept_is_marked():
    app = paged_app(CLIENT_CACHE=10**9)
    visit(app, "/app.js")

    assert tag(BEHIND) in page(app, {"Cookie": f"viraljs_kept={digest_of(BUNDLE)[:8]}"})
    assert tag("/app.js") in page(app, {"Cookie": "viraljs_kept=00000000"})


def test_another_query_is_another_bundle():
    app = paged_app("{{ viral_script('/first.js') }}{{ viral_script('/app.js?v=2') }}")
    visit(app, "/app.js")
    add_seeder(app, BUNDLE)
    assert tag("/app.js?v=2") in page(app)

    visit(app, "/app.js?v=2")

    assert tag("/app.js?v=2&amp;viraljs=behind") in page(app)


# The answer ------------------------------------------------------------------------------------------


def test_behind_another_it_comes_by_a_thin_client_even_to_the_first_visitor():
    app = paged_app()

    response = visit(app, BEHIND)

    assert delivery_of(response) == "thin"
    island = island_of(response.data)
    assert (seeders_of(response), island["stream"], island["early"]) == ([], 0, False)


def test_behind_another_it_comes_from_peers():
    app = paged_app()
    add_seeder(app, BUNDLE, "seeder")

    response = visit(app, BEHIND)

    assert (delivery_of(response), seeders_of(response)) == ("thin", ["seeder"])


@pytest.mark.parametrize("url", [BEHIND, ALONE])
def test_who_takes_no_part_gets_the_plain_bytes_all_the_same(url):
    response = visit(paged_app(), url, {"Save-Data": "on"})

    assert (delivery_of(response), response.data) == ("untouched; reason=save-data", BUNDLE)


@pytest.mark.parametrize("url", [BEHIND, ALONE])
@pytest.mark.parametrize(
    ("config", "headers", "reason"),
    [
        ({"MIN_SIZE": len(BUNDLE) + 1}, {}, "small"),
        ({}, {"Vary": "Cookie"}, "vary"),
        ({}, {"Cache-Control": "private"}, "private"),
    ],
)
def test_one_that_is_not_for_peers_after_all_waits_for_its_turn(url, config, headers, reason):
    app = paged_app(**config)
    serve_bundle(app, lambda: (BUNDLE, headers), "/other.js")

    response = visit(app, url.replace("app", "other"))

    assert delivery_of(response) == f"untouched; reason={reason}"
    island = island_of(response.data)
    assert (island["url"], "ticket" in island, "pieces" in island) == ("/other.js", False, False)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Server-Timing"] == "viraljs;desc=thin"


def test_what_a_later_hook_makes_personal_waits_too():
    app = paged_app()

    @app.after_request
    def personalise(response):
        response.set_cookie("who", "me")
        return response

    response = visit(app, BEHIND)

    assert delivery_of(response) == "untouched; reason=set-cookie"
    assert "ticket" not in island_of(response.data)
    assert (response.headers["Cache-Control"], response.content_length) == ("no-store", len(response.data))


def test_errors_are_the_views_own():
    app = paged_app()
    serve_bundle(app, lambda: ("gone", 404), "/gone.js")

    response = visit(app, "/gone.js?viraljs=behind")

    assert (response.status_code, response.data) == (404, b"gone")


def test_one_that_turned_out_not_to_be_for_peers_is_not_marked_again():
    app = paged_app("{{ viral_script('/first.js') }}{{ viral_script('/other.js') }}", **STREAM)
    headers: dict[str, str] = {}
    serve_bundle(app, lambda: (BUNDLE, headers), "/other.js")
    visit(app, "/other.js")
    assert tag("/other.js?viraljs=behind") in page(app)
    headers["Vary"] = "Cookie"

    visit(app, "/other.js?viraljs=behind")

    assert tag("/other.js") in page(app)


def test_one_that_writes_into_the_document_is_not_marked():
    app = paged_app(**STREAM)
    visit(app, "/app.js")
    state_of(app).registry.forbid(name_bundle(digest_of(BUNDLE)), 60, None)

    assert tag("/app.js") in page(app)


def test_how_far_seeders_may_be_is_the_routes_own_word():
    app = paged_app("{{ viral_script('/first.js') }}{{ viral_script('/other.js') }}")
    serve_bundle(app, lambda: BUNDLE, "/other.js", nearby="network")
    add_seeder(app, BUNDLE, address="203.0.113.9")
    visit(app, "/other.js")
    assert tag("/other.js") in page(app)

    add_seeder(app, BUNDLE, "near")

    assert tag("/other.js?viraljs=behind") in page(app)


def test_the_mark_needs_no_parser_of_modules(monkeypatch):
    monkeypatch.setattr("viraljs.state.is_available", lambda: False)
    app = paged_app(**STREAM)
    visit(app, "/app.js")

    assert tag(BEHIND) in page(app)


def test_what_is_known_of_a_visitor_ends_with_its_request():
    app = paged_app(**STREAM)
    visit(app, "/app.js")

    with app.app_context():
        assert tag("/app.js") in page(app, {"User-Agent": CRAWLER})
        assert tag(BEHIND) in page(app)


def test_a_page_that_lost_its_answer_is_not_told_to_wait_for_itself():
    app = paged_app(**STREAM, CROWD_SECONDS=10)
    first = visit(app, "/app.js")
    assert island_of(first.data)["early"], "others would wait for it"
    assert seeders_of(visit(app, "/app.js")), "as anybody else's is"

    response = visit(app, ALONE)

    island = island_of(response.data)
    assert (delivery_of(response), seeders_of(response), island["stream"], island["early"]) == ("thin", [], 0, False)


def test_a_page_that_lost_its_answer_says_whom_that_named_and_nobody_is_sent_there():
    app = paged_app(**STREAM, CROWD_SECONDS=10)
    first = visit(app, "/app.js")
    recipient = island_of(first.data)["ticket"].split(".")[0].split("~")[1]
    assert first.headers["Server-Timing"] == f"viraljs;desc=alone~{recipient}"
    offered = visit(app, "/app.js")
    assert seeders_of(offered) == [recipient]
    hub, registry = state_of(app).hub, state_of(app).registry
    hub.open_mailbox("r.s")
    hub.send(recipient, Offer("r.s", digest_of(BUNDLE), "", ()))

    again = visit(app, f"/app.js?viraljs=alone~{recipient}")

    assert island_of(again.data)["stream"] == 0
    assert again.headers["Server-Timing"] == "viraljs;desc=thin"
    assert registry.place_of(recipient) is None
    assert hub.collect(["r.s"], 0) == [Gone("r.s")], "who asked it hears so"


@pytest.mark.parametrize("name", ["seeder", "nobody", ""])
def test_who_has_a_socket_or_was_never_named_is_not_given_up_on_a_pages_word(name):
    app = paged_app(**STREAM)
    add_seeder(app, BUNDLE)

    visit(app, f"/app.js?viraljs=alone~{name}")

    assert seeders_of(visit(app, "/app.js")) == ["seeder"]


def test_what_was_last_seen_at_a_url_counts():
    app = paged_app()
    visit(app, "/app.js")

    assert state_of(app).bundles["/app.js"].digest == digest_of(BUNDLE)
