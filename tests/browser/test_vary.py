"""Modules are seeded whatever hooks put into `Vary`, for other origins for instance, and no console complains."""

import pytest
from flask import request
from flask_cors import CORS

from tests.support.site import bundle
from tests.support.until import until

TAG = "{{ viral_script(url_for('bundle', name='app.js'), type='module') }}"
SIZE = 100_000
FROM_PEERS = ("peers", None, SIZE)


def hand_made(app):
    @app.after_request
    def vary(response):
        if "Origin" in request.headers:
            response.vary.add("Origin")
        return response


def flask_cors(app):
    CORS(app, origins=["http://friend.example", r"http://localhost:\d+", r"http://127\.0\.0\.1:\d+"])


def by_fetch_metadata(app):
    @app.after_request
    def isolate(response):
        response.headers.add("Vary", "Sec-Fetch-Dest, Sec-Fetch-Mode")
        response.headers.add("Vary", "Sec-Fetch-Site")
        return response


@pytest.mark.parametrize("first", ["Chromium", "Firefox"])
@pytest.mark.parametrize("setup", [hand_made, flask_cors, by_fetch_metadata])
def test_a_full_response_is_found_in_the_cache_of_who_got_it(site, browsers, at_home, setup, first):
    setup(site.app)
    site.bundles["app.js"] = bundle(SIZE)
    site.show("", TAG)
    chromium = browsers(log=True)
    seeder, visitor = (chromium, at_home) if first == "Chromium" else (at_home, chromium)

    seeder.visit(site.url())
    site.wait_for_seeders(1)
    record = visitor.visit(site.url()).delivery()
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == FROM_PEERS
    site.wait_for_seeders(2)
    visitor.visit("about:blank")
    site.wait_for_seeders(1)

    # The same visitor again: its browser has the response, or asks whether it still holds.
    seeder.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    seeder.visit(site.url())
    site.wait_for_seeders(1)
    until(lambda: seeder.js("globalThis.runs") == 1, "the bundle to run")
    assert seeder.js("errors.length") == 0
    assert site.kinds()[-1] in ("full", "thin", "untouched; reason=not-modified")
    assert "net::ERR_CACHE_MISS" not in [one["errorText"] for one in chromium.told("Network.loadingFailed")]


def test_a_page_of_another_origin_does_not_get_what_was_stored_for_the_apps_own(make_site, browsers):
    """Flask-CORS allows it, so it must work: with what the cache holds for the app's own pages it would not."""
    site = make_site()
    flask_cors(site.app)
    site.bundles["app.js"] = bundle(SIZE)
    site.bundle_headers = {"Cache-Control": "max-age=3600"}
    site.show("", TAG)
    site.show("foreign", f'<script type="module" src="{site.url("b/app.js", "127.0.0.1")}"></script>')
    chromium = browsers()

    chromium.visit(site.url("", "127.0.0.1")).wait_for("globalThis.runs === 1")
    site.wait_for_seeders(1)
    chromium.visit(site.url("foreign", "localhost")).wait_for("globalThis.runs === 1")

    assert len(site.kinds()) == 2
    assert chromium.js("errors") == []
