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
def test_a_small_one_is_untouched(url):
    response = visit(paged_app(MIN_SIZE=len(BUNDLE) + 1), url)

    assert (delivery_of(response), response.data) == ("untouched; reason=small", BUNDLE)


def test_a_page_that_lost_its_answer_is_not_told_to_wait_for_itself():
    app = paged_app(**STREAM, CROWD_SECONDS=10)
    first = visit(app, "/app.js")
    assert island_of(first.data)["early"], "others would wait for it"
    assert seeders_of(visit(app, "/app.js")), "as anybody else's is"

    response = visit(app, ALONE)

    island = island_of(response.data)
    assert (delivery_of(response), seeders_of(response), island["stream"], island["early"]) == ("thin", [], 0, False)


def test_what_was_last_seen_at_a_url_counts():
    app = paged_app()
    visit(app, "/app.js")

    assert state_of(app).bundles["/app.js"].digest == digest_of(BUNDLE)
