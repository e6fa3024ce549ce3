"""The next visit: a verified bundle is kept, runs without a peer, and makes room when its time has come."""

import pytest

from tests.browser.patches import FULL_QUOTA, NO_CACHE_STORAGE, REFUSED_CACHE_STORAGE
from tests.support.site import TAG, bundle

SIZE = 300_000
BUDGET = 100_000_000
KEPT = "caches.keys().then((names) => names.includes('viraljs') ? caches.open('viraljs') : { keys: () => [] })"
PATHS = f"""{KEPT}.then((cache) => cache.keys())
    .then((keys) => keys.map(({{ url }}) => new URL(url).searchParams.get('src')))"""
COOKIE = "(document.cookie.match(/viraljs_kept=([0-9a-f.]*)/)?.[1] ?? '').split('.').filter(Boolean)"


@pytest.fixture
def site(make_site):
    """A site whose visitors keep bundles, and whose first visitor streams them."""
    site = make_site(client_cache=BUDGET, stream_size=1)
    site.bundles["app.js"] = bundle(SIZE)
    return site


def assert_ran_once(browser, answer=42):
    assert browser.js("[runs, answer, errors]") == [1, answer, []]


def shares(record):
    return record["source"], record["bytesFromPeers"], record["bytesFromServer"], record["bytesFromCache"]


def keeps(browser, count=1):
    """Wait until a page keeps so many bundles, and the server will know of them."""
    browser.wait_for(f"{COOKIE}.length === {count}")
    return browser


def names(browser):
    """List the bundles that are kept, the oldest first."""
    return [path.rsplit("/", 1)[1] for path in browser.js(PATHS)]


def test_the_next_visit_takes_a_bundle_from_the_visit_before(make_site, browsers):
    site = make_site(client_cache=BUDGET)
    site.bundles["app.js"] = bundle(SIZE)
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers().visit(site.url())
    assert shares(visitor.delivery()) == ("peers", SIZE, 0, 0)
    keeps(visitor)
    offers = len(site.sent("/viraljs/offers"))
    record = visitor.visit(site.url()).delivery()
    assert shares(record) == ("cache", 0, 0, SIZE)
    assert (record["uploads"], record["peers"], record["reason"]) == ([], 0, None)
    assert_ran_once(visitor)
    assert len(site.sent("/viraljs/offers")) == offers == 1
    assert site.kinds() == ["full", "thin", "thin"]
    assert len([one for one in site.served if one.path.endswith("/receive.js")]) == 1
    reports = site.wait_for_reports(2)
    assert [report.source for report in reports] == ["peers", "cache"]


def test_a_kept_bundle_needs_no_seeder_and_no_copy(make_site, browsers):
    site = make_site(client_cache=BUDGET)
    site.bundles["app.js"] = bundle(SIZE)
    first = browsers().visit(site.url())
    site.wait_for_seeders(1)
    visitor = keeps(browsers().visit(site.url()))
    first.quit()
    visitor.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    assert shares(visitor.visit(site.url()).delivery()) == ("cache", 0, 0, SIZE)
    assert_ran_once(visitor)
    assert site.kinds() == ["full", "thin", "thin"]
    assert site.direct_bytes() == 0
    # And it is a seeder again.
    site.wait_for_seeders(1)
    assert browsers().visit(site.url()).delivery()["source"] == "peers"


def test_a_bundle_that_was_streamed_is_kept_too(site, browsers):
    visitor = keeps(browsers().visit(site.url()))
    assert shares(visitor.visit(site.url()).delivery()) == ("cache", 0, 0, SIZE)
    assert site.direct_bytes() == SIZE


def test_a_new_version_takes_the_place_of_the_old_one(site, browsers):
    visitor = keeps(browsers().visit(site.url()))
    [old] = visitor.js(COOKIE)
    site.bundles["app.js"] = bundle(SIZE, answer=43)
    assert shares(visitor.visit(site.url()).delivery()) == ("server", 0, SIZE, 0)
    assert_ran_once(visitor, answer=43)
    visitor.wait_for(f"{COOKIE}.length === 1 && {COOKIE}[0] !== '{old}'")
    assert names(visitor) == ["app.js"]
    assert shares(visitor.visit(site.url()).delivery()) == ("cache", 0, 0, SIZE)
    assert_ran_once(visitor, answer=43)


def show(site, *bundles):
    """Put a page at the name of each bundle that has only it."""
    for answer, name in enumerate(bundles):
        site.bundles[f"{name}.js"] = bundle(SIZE, answer)
        site.show(name, TAG.replace("app", name))


def test_the_oldest_bundles_make_room_for_new_ones(make_site, browsers):
    site = make_site(client_cache=2 * SIZE, stream_size=1)
    show(site, "one", "two", "three")
    visitor = browsers()
    for name in ("one", "two", "three"):
        visitor.visit(site.url(name)).delivery()
        visitor.wait_for(f"{PATHS}.then((paths) => paths.at(-1)?.includes('{name}'))")
    visitor.wait_for(f"{PATHS}.then((paths) => paths.length === 2)")
    assert names(visitor) == ["two.js", "three.js"]
    keeps(visitor, 2)
    assert visitor.visit(site.url("two")).delivery()["source"] == "cache"
    assert visitor.visit(site.url("one")).delivery()["source"] == "server"


def test_a_new_version_takes_no_other_bundles_place(make_site, browsers):
    site = make_site(client_cache=2 * SIZE, stream_size=1)
    show(site, "one", "two")
    visitor = browsers()
    for count, name in enumerate(("one", "two"), 1):
        keeps(visitor.visit(site.url(name)), count)
    before = visitor.js(COOKIE)
    site.bundles["two.js"] = bundle(SIZE, answer=43)
    visitor.visit(site.url("two")).delivery()
    visitor.wait_for(f"{COOKIE}.length && {COOKIE}.join() !== '{','.join(before)}'")
    assert names(visitor) == ["one.js", "two.js"]


def test_a_bundle_larger_than_the_budget_is_not_kept_and_takes_no_place(make_site, browsers):
    site = make_site(client_cache=SIZE, stream_size=1)
    show(site, "small", "large")
    site.bundles["large.js"] = bundle(SIZE + 1)
    visitor = keeps(browsers().visit(site.url("small")))
    visitor.visit(site.url("large")).seeding()
    assert visitor.visit(site.url("small")).delivery()["source"] == "cache"
    assert names(visitor) == ["small.js"]


def test_two_bundles_of_a_page_are_both_kept(site, browsers):
    show(site, "one", "two")
    site.show("", "{{ viral_script('/b/one.js') }}{{ viral_script('/b/two.js') }}")
    visitor = browsers().visit(site.url())
    visitor.deliveries(2)
    keeps(visitor, 2)
    assert sorted(names(visitor)) == ["one.js", "two.js"]
    records = visitor.visit(site.url()).deliveries(2)
    assert [record["source"] for record in records] == ["cache", "cache"]


def test_a_kept_bundle_that_was_spoiled_does_not_run_and_is_replaced(site, browsers):
    seeder = browsers().visit(site.url())
    site.wait_for_seeders(1)
    visitor = keeps(browsers().visit(site.url()))
    spoil = f"""{KEPT}.then(async (cache) => {{
        const [key] = await cache.keys();
        await cache.put(key, new Response("globalThis.answer = 66;".padEnd({SIZE})));
    }})"""
    visitor.js(spoil)
    visitor.visit(site.url("elsewhere"))
    site.wait_for_seeders(1)
    assert shares(visitor.visit(site.url()).delivery()) == ("peers", SIZE, 0, 0)
    assert_ran_once(visitor)
    visitor.wait_for(
        f"{KEPT}.then(async (cache) => (await (await cache.match((await cache.keys())[0])).text()).includes('runs'))"
    )
    # Without a seeder, the server makes good for it.
    seeder.quit()
    visitor.js(spoil)
    visitor.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    assert shares(visitor.visit(site.url()).delivery()) == ("server", 0, SIZE, 0)
    assert_ran_once(visitor)


@pytest.mark.parametrize(
    "patch",
    [FULL_QUOTA, NO_CACHE_STORAGE, REFUSED_CACHE_STORAGE],
    ids=["the quota is full", "there is no storage", "storage is refused"],
)
def test_where_nothing_can_be_kept_the_next_visit_is_as_the_first(patch, site, browsers):
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers(patch)
    for count in (2, 3):
        assert shares(visitor.visit(site.url()).delivery()) == ("peers", SIZE, 0, 0)
        assert_ran_once(visitor)
        site.wait_for_joins(count)
        assert visitor.js(COOKIE) == []
        visitor.visit(site.url("elsewhere"))
        site.wait_for_seeders(1)


def test_where_the_quota_is_full_by_now_the_server_is_not_told_of_what_left(make_site, browsers):
    site = make_site(client_cache=SIZE, stream_size=1)
    show(site, "one", "two")
    visitor = keeps(browsers().visit(site.url("one")))
    visitor.cdp("Page.addScriptToEvaluateOnNewDocument", source=FULL_QUOTA)
    visitor.visit(site.url("two")).wait_for("window.refused")
    visitor.wait_for(f"{PATHS}.then((paths) => paths.length === {COOKIE}.length)")


def test_a_budget_of_nothing_keeps_nothing(make_site, browsers):
    site = make_site(client_cache=0, stream_size=1)
    visitor = browsers().visit(site.url()).seeding()
    assert visitor.js(COOKIE) == []
    assert names(visitor) == []


def test_on_plain_http_beyond_localhost_nothing_is_kept(site, browsers):
    url = site.url(host="viral.test")
    browsers().visit(url)
    site.wait_for_seeders(1)
    visitor = browsers().visit(url).seeding()
    assert visitor.js("[typeof caches, document.cookie, errors]") == ["undefined", "", []]
    visitor.visit(site.url("elsewhere", host="viral.test"))
    site.wait_for_seeders(1)
    assert visitor.visit(url).delivery()["source"] == "peers"
