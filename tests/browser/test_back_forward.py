"""The back button: a page with a bundle of ours is kept as it would be without us, and comes back as a seeder."""

import pytest

from tests.browser.patches import COUNTED_RECEIPTS, UNHURRIED_MS, paces
from tests.support.site import NONCE, TAG, bundle
from tests.support.until import until

SIZE = 1_000_000

MORE_CANDIDATES = """
const { fetch } = window;
const told = ({ exchange, sdp = "" }) => {
  const candidates = [...sdp.matchAll(/a=(candidate:.*)/g)].map(([, candidate]) => candidate.trim());
  return { type: "candidates", exchange, candidates };
};
window.fetch = async (url, ...given) => {
  const response = await fetch(url, ...given);
  if (!url.endsWith("/offers")) return response;
  const { signals } = await response.json();
  return Response.json({ signals: [...signals, ...signals.map(told)] });
};
"""
"""The answer of a seeder comes with candidates beside it, as from a machine with several addresses."""


@pytest.fixture
def kept_site(make_site):
    site = make_site(client_cache=10 * SIZE)
    site.bundles["app.js"] = bundle(SIZE)
    return site


def go_and_come_back(browser, site):
    """Follow a link, go back, and see to it that the page is the same one, and seeds again."""
    [peer] = site.seeders
    seeded = len(browser.seen("seeding"))
    browser.js("void (location.href = '/elsewhere')")
    until(lambda: peer not in site.seeders, "the page to stop seeding")
    browser.wait_for("location.pathname === '/elsewhere' && document.readyState === 'complete'")
    browser.driver.back()
    browser.wait_for("window.shows?.length")
    why = "JSON.stringify(performance.getEntriesByType('navigation')[0].notRestoredReasons)"
    assert browser.js("[shows, runs]") == [[False, True], 1], browser.js(why)
    until(lambda: len(browser.seen("seeding")) == seeded + 1, "the page to seed again")


def assert_gives(site, browsers):
    record = browsers().visit(site.url()).delivery()
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, SIZE)


def test_the_first_visitor(kept_site, browsers):
    visitor = browsers().visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    go_and_come_back(visitor, kept_site)
    assert_gives(kept_site, browsers)


@pytest.mark.parametrize("patch", ["", MORE_CANDIDATES], ids=["one candidate", "more candidates"])
def test_who_got_it_from_a_peer(patch, kept_site, browsers):
    seeder = browsers().visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    visitor = browsers(patch).visit(kept_site.url())
    assert visitor.delivery()["source"] == "peers"
    kept_site.wait_for_seeders(2)
    seeder.quit()
    kept_site.wait_for_seeders(1)
    go_and_come_back(visitor, kept_site)
    assert_gives(kept_site, browsers)


def test_who_had_kept_it(kept_site, browsers):
    seeder = browsers().visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    visitor = browsers().visit(kept_site.url())
    visitor.wait_for("document.cookie.includes('viraljs_kept=')")
    seeder.quit()
    visitor.visit(kept_site.url("elsewhere"))
    kept_site.wait_for_seeders(0)
    assert visitor.visit(kept_site.url()).delivery()["source"] == "cache"
    kept_site.wait_for_seeders(1)
    go_and_come_back(visitor, kept_site)
    assert_gives(kept_site, browsers)


def give_once(site, browsers):
    """Have somebody take the bundle from who seeds it, and leave."""
    taker = browsers().visit(site.url())
    assert taker.delivery()["source"] == "peers"
    site.wait_for_seeders(2)
    taker.quit()
    site.wait_for_seeders(1)


def test_who_is_giving_it_at_that_moment(kept_site, browsers):
    giver = browsers(paces(4 * UNHURRIED_MS)).visit(kept_site.url())
    [peer] = kept_site.wait_for_seeders(1)
    taker = browsers(COUNTED_RECEIPTS, page_load_strategy="none").visit(kept_site.url())
    until(lambda: kept_site.uploads()[peer] == 1, "an upload to begin")
    taker.wait_for("window.received > 0")
    go_and_come_back(giver, kept_site)
    record = taker.delivery()
    assert (record["reason"], taker.js("[runs, answer, errors]")) == ("lost", [1, 42, []])


def test_who_gave_it_before(kept_site, browsers):
    giver = browsers().visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    give_once(kept_site, browsers)
    go_and_come_back(giver, kept_site)
    assert_gives(kept_site, browsers)


def test_chromium_names_no_reason_of_ours_where_it_does_not_keep_a_page(kept_site, browsers):
    kept_site.show("", f"<script nonce='{NONCE}'>addEventListener('unload', () => {{}});</script>{TAG}")
    browsers().visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    visitor = browsers(log=True).visit(kept_site.url())
    assert visitor.delivery()["source"] == "peers"
    kept_site.wait_for_seeders(2)
    visitor.js("void (location.href = '/elsewhere')")
    visitor.wait_for("location.pathname === '/elsewhere' && document.readyState === 'complete'")
    visitor.driver.back()
    visitor.wait_for("location.pathname === '/' && document.readyState === 'complete'")
    [told] = visitor.told("Page.backForwardCacheNotUsed")
    # The others follow from these.
    pages_own = [one["reason"] for one in told["notRestoredExplanations"] if one["type"] == "PageSupportNeeded"]
    assert pages_own == ["UnloadHandlerExistsInMainFrame"]


# Firefox decides when a navigation begins ------------------------------------------------------------------


def follow(firefox, path):
    """Follow a link, after the script that says so has ended: it would end with the page otherwise."""
    firefox.js(f"void setTimeout(() => (location.href = '{path}'))")


def go_and_come_back_in_firefox(firefox, site):
    [peer] = site.seeders
    joins = len(site.signalled("seeder_joined"))
    follow(firefox, "/elsewhere")
    until(lambda: firefox.js("location.pathname") == "/elsewhere", "the other page")
    assert peer not in site.seeders
    firefox.back()
    until(lambda: firefox.js("window.shows?.length"), "the page to come back")
    assert firefox.js("JSON.stringify([shows, runs, errors])") == "[[false,true],1,[]]"
    site.wait_for_joins(joins + 1)


def test_the_first_visitor_in_firefox(kept_site, browsers, at_home):
    at_home.visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    go_and_come_back_in_firefox(at_home, kept_site)
    assert_gives(kept_site, browsers)


def test_who_got_it_from_a_peer_and_gave_it_on_in_firefox(kept_site, browsers, at_home):
    seeder = browsers().visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    assert at_home.visit(kept_site.url()).delivery()["source"] == "peers"
    kept_site.wait_for_seeders(2)
    seeder.quit()
    kept_site.wait_for_seeders(1)
    give_once(kept_site, browsers)
    go_and_come_back_in_firefox(at_home, kept_site)
    assert_gives(kept_site, browsers)


def test_who_goes_back_and_forward_again_in_firefox(kept_site, at_home):
    at_home.visit(kept_site.url("elsewhere"))
    at_home.visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    at_home.back()
    kept_site.wait_for_seeders(0)
    at_home.js("void setTimeout(() => history.forward())")
    kept_site.wait_for_seeders(1)
    assert at_home.js("JSON.stringify([shows, runs, errors])") == "[[false,true],1,[]]"


def test_a_strict_policy_does_not_mind_the_line_in_firefox(kept_site, at_home):
    policy = f"default-src 'none'; script-src 'nonce-{NONCE}'; connect-src 'self'; frame-src 'none'"
    kept_site.show("strict", TAG, Content_Security_Policy=policy)
    at_home.visit(kept_site.url("strict"))
    kept_site.wait_for_seeders(1)
    assert at_home.js("runs") == 1


def test_a_link_that_leads_nowhere_makes_a_pause_in_firefox(kept_site, at_home):
    kept_site.app.add_url_rule("/nothing", "nothing", lambda: ("", 204))
    at_home.visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    follow(at_home, "/nothing")
    kept_site.wait_for_joins(2)
    assert len(kept_site.wait_for_seeders(1)) == 1
    assert at_home.js("JSON.stringify([shows, runs, errors])") == "[[false],1,[]]"


def test_a_page_that_shows_another_state_of_itself_seeds_on_in_firefox(kept_site, at_home):
    at_home.visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    at_home.js("void history.pushState(null, '', '/state')")
    assert len(kept_site.signalled("seeder_left")) == 0
    at_home.js("void navigation.addEventListener('navigate', (event) => event.intercept({ handler: async () => 0 }))")
    follow(at_home, "/other-state")
    kept_site.wait_for_joins(2)
    assert at_home.js("JSON.stringify([location.pathname, shows, runs])") == '["/other-state",[false],1]'


def test_nothing_of_the_line_shows_in_firefox(kept_site, at_home):
    at_home.visit(kept_site.url())
    kept_site.wait_for_seeders(1)
    assert at_home.js("JSON.stringify([length, document.querySelectorAll('iframe').length])") == "[0,0]"
