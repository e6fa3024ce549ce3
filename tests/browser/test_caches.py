"""Behind a cache that hands one visitor's answers to all, every visitor's app runs, and the log tells of the cache."""

import logging

import pytest
from flask_caching import Cache
from flask_compress import Compress
from flask_compress.flask_compress import DictCache
from flask_minify import Minify

from tests.support.nginx import caching
from tests.support.site import bundle

SIZE = 300_000
KEYS = {"without the query": "$uri", "with the query": "$uri$is_args$args"}


@pytest.fixture(params=KEYS)
def cached(request, make_site, tmp_path):
    """A site, and the address at which a cache before it answers."""
    site = make_site()
    site.bundles["app.js"] = bundle(SIZE)
    with caching(site.port, KEYS[request.param], tmp_path) as address:
        yield site, f"{address}/"


def replays(caplog):
    return [one.getMessage() for one in caplog.records if "A cache before this app" in one.getMessage()]


def assert_runs_once(visitor, address):
    record = visitor.visit(address).delivery()
    assert visitor.js("[runs, answer, errors]") == [1, 42, []]
    return record


def test_a_thin_client_of_another_visitor_leads_to_plain_bytes_at_once(cached, browsers, caplog):
    site, address = cached
    caplog.set_level(logging.WARNING)
    browsers().visit(site.url())  # not through the cache, which so comes to keep a thin client
    site.wait_for_seeders(1)

    second = browsers()
    assert assert_runs_once(second, address)["source"] == "peers"
    assert replays(caplog) == []

    third = browsers()
    for visitor in (third, second, third):
        record = assert_runs_once(visitor, address)
        # The deadline is longer than the patience of this test.
        assert (record["source"], record["reason"]) == ("server", "signaling")
    assert site.kinds().count("thin") == 1, "the cache answered all later ones"
    direct = [one.kind for one in site.sent("/b/app.js", "viraljs=direct")]
    assert direct == ["untouched; reason=direct"], "the cache keeps the plain bytes under their own name"
    [line] = replays(caplog)
    assert "a ticket for /b/app.js was used twice" in line


def test_a_full_response_that_all_visitors_get_makes_seeders_of_them_and_no_harm(cached, browsers, caplog):
    site, address = cached
    caplog.set_level(logging.WARNING)
    first, second = browsers(), browsers()
    for visitor in (first, second, first):
        assert assert_runs_once(visitor, address)["source"] in ("server", "cache")
    assert site.kinds() == ["full"]
    assert replays(caplog) == []


# Inside the app --------------------------------------------------------------------------------------


def keep_compressed(app):
    app.config.update(COMPRESS_CACHE_BACKEND=DictCache, COMPRESS_CACHE_KEY=lambda request: request.path)
    Compress(app)


def keep_above(app):
    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    app.view_functions["bundle"] = cache.cached()(app.view_functions["bundle"])


@pytest.mark.parametrize(
    ("extend", "later"),
    [(Minify, "untouched; reason=rewritten"), (keep_above, "untouched; reason=replayed"), (keep_compressed, "thin")],
    ids=["Flask-Minify", "Flask-Caching above the decorator", "Flask-Compress with a cache"],
)
def test_extensions_that_change_or_keep_answers_break_no_page(make_site, browsers, extend, later):
    site = make_site(min_size=1)
    site.bundles["app.js"] = bundle(20_000)  # Flask-Minify takes a second for a megabyte
    extend(site.app)
    first, second = browsers(), browsers()
    for visitor in (first, second, second):
        visitor.visit(site.url()).wait_for("window.runs")
        if later == "thin":
            visitor.seeding()
        assert visitor.js("[runs, answer, errors]") == [1, 42, []]
    assert site.kinds()[-1] == later
