"""A crowd that arrives at once costs the origin little more than one copy, whatever becomes of those who came first."""

import pytest

from tests.support.line import Line
from tests.support.signaling import get
from tests.support.site import bundle
from tests.support.until import until

CROWD = 5
LINE = 2_500_000
"""20 Mbit/s."""
LARGE = 2_000_000
SMALL = 500_000
UNHURRIED_MS = 8_000
"""A deadline that a busy machine keeps, too."""
SHORT_MS = 2_000
"""One after which the server is asked."""


@pytest.fixture
def arrive(browsers):
    """Open a page of a site in so many browsers, all at once; they are started beforehand."""

    def visit(site, count=CROWD):
        visitors = [browsers(page_load_strategy="none") for _ in range(count)]
        for visitor in visitors:
            visitor.visit(site.url())
        return visitors

    return visit


def assert_all_ran_once(visitors, size):
    for visitor in visitors:
        record = visitor.delivery()
        assert visitor.js("[runs, answer, visits, errors]") == [1, 42, 1, []]
        assert record["bytesFromPeers"] + record["bytesFromServer"] == size


def copies(site, size):
    return sum(one.sent for one in site.sent("/b/app.js") if one.kind != "thin") / size


def test_a_crowd_on_a_slow_line_draws_little_more_than_one_copy(make_site, arrive, record_property):
    site = make_site(stream_size=LARGE, crowd_seconds=10, deadline=UNHURRIED_MS)
    site.bundles["app.js"] = bundle(LARGE)
    site.valve = Line(LINE)
    visitors = arrive(site)
    assert_all_ran_once(visitors, LARGE)
    assert site.kinds().count("thin") == CROWD
    assert copies(site, LARGE) <= 1.5
    record_property("copies", copies(site, LARGE))
    site.wait_for_seeders(CROWD)


def test_a_crowd_for_an_ordinary_bundle_draws_two_copies(make_site, arrive, record_property):
    site = make_site(crowd_seconds=10, deadline=UNHURRIED_MS)
    site.bundles["app.js"] = bundle(SMALL)
    site.valve = Line(LINE)
    visitors = arrive(site)
    assert_all_ran_once(visitors, SMALL)
    assert (site.kinds().count("full"), site.kinds().count("thin")) == (1, CROWD - 1)
    assert copies(site, SMALL) <= 2.5
    record_property("copies", copies(site, SMALL))


def test_who_comes_after_the_crowd_draws_no_copy(make_site, arrive):
    site = make_site(crowd_seconds=10)
    site.bundles["app.js"] = bundle(SMALL)
    arrive(site, 2)
    site.wait_for_seeders(2)
    before = copies(site, SMALL)
    [last] = arrive(site, 1)
    assert last.delivery()["source"] == "peers"
    assert copies(site, SMALL) == before


def test_without_crowds_everybody_who_comes_at_once_draws_a_copy(make_site, arrive):
    site = make_site(crowd_seconds=0)
    with site.dammed(0):
        site.bundles["app.js"] = bundle(SMALL)
        visitors = arrive(site, 3)
        until(lambda: site.kinds() == ["full", "full", "full"], "three full responses")
    for visitor in visitors:
        assert visitor.delivery()["source"] == "server"


def test_a_crowd_whose_first_one_is_gone_draws_less_than_a_copy_each(make_site, browsers, arrive, record_property):
    site = make_site(stream_size=LARGE, crowd_seconds=10, deadline=SHORT_MS)
    site.bundles["app.js"] = bundle(LARGE)
    with site.dammed(LARGE // 2, status=200):
        first = browsers(page_load_strategy="none").visit(site.url())
        until(lambda: max(site.progress().values(), default=0) >= 40, "the first to have half of it")
        others = arrive(site, CROWD - 1)
        until(lambda: len(site.progress()) == CROWD, "all to be there")
        first.kill()
        assert_all_ran_once(others, LARGE)
        record_property("copies", copies(site, LARGE))
        assert copies(site, LARGE) <= 0.5 + (CROWD - 1) * 0.75, "the first one had half a copy"


def test_pages_with_two_bundles_are_one_peer_each_and_who_comes_next_waits_for_nobody(make_site, arrive):
    site = make_site(crowd_seconds=10, deadline=UNHURRIED_MS)
    names = ["one.js", "two.js"]
    code = "globalThis.ran = [...(globalThis.ran ?? []), '%s'];"
    site.bundles = {name: bundle(SMALL, code=code % name) for name in names}
    for name in names:
        get(site.url(f"b/{name}"))  # known from now on; else a page asks twice for its second bundle
    site.show("", "".join(f"{{{{ viral_script(url_for('bundle', name='{name}')) }}}}" for name in names))
    crowd = arrive(site, 3)
    seeding = "new Set(window.events?.filter(({ name }) => name === 'seeding').map(({ url }) => url)).size === 2"
    for visitor in crowd:
        visitor.wait_for(seeding)
    assert [sorted(site.progress(name).values()) for name in names] == [[100, 100, 100]] * 2
    assert set(site.progress("one.js")) == set(site.progress("two.js")), "one peer a page"
    assert site.state.hub.expected() == 0

    [last] = arrive(site, 1)

    assert {(one["source"], one["reason"]) for one in last.deliveries(2)} == {("peers", None)}
    assert last.js("ran") == names
    for visitor in crowd:
        assert visitor.js("ran") == names
        # One that was sent to a page which had to ask again hears so at once, and waits for nobody.
        assert {one["reason"] for one in visitor.deliveries(2)} <= {None, "gone"}
