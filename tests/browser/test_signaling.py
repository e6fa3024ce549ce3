"""The seeder's line to the server: when it opens, closes and comes back, and late candidates over it."""

import pytest

from tests.browser.patches import HASTY, LATE_CANDIDATES, NO_CANDIDATES, WATCHED_SOCKETS
from tests.support.until import until
from viraljs.nearness import NOWHERE

RESTART = 1012
CORRUPT_SEEDER = 4410


def test_the_socket_opens_only_after_the_app_has_run(site, browsers):
    first = browsers(WATCHED_SOCKETS).visit(site.url())
    site.wait_for_seeders(1)
    second = browsers(WATCHED_SOCKETS).visit(site.url())
    site.wait_for_seeders(2)
    assert second.delivery()["source"] == "peers"
    for browser in (first, second):
        assert browser.js("sockets") == [{"runs": 1, "readyState": "complete", "code": None}]


def test_the_socket_waits_for_a_page_that_is_slow_to_load(site, browsers):
    site.show("", f"{site.pages[''].body}<img src='/slow'>")
    with site.held("slow") as release:
        browser = browsers(WATCHED_SOCKETS, page_load_strategy="none").visit(site.url())
        browser.delivery()
        assert browser.js("[document.readyState, sockets.length]") == ["interactive", 0]
        release()
    site.wait_for_seeders(1)


def test_a_visitor_who_leaves_the_page_is_no_longer_a_seeder(site, browsers):
    browser = browsers().visit(site.url())
    [peer] = site.wait_for_seeders(1)
    browser.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    [joined] = site.signalled("seeder_joined")
    assert site.state.registry.population(joined["digest"]) == 0
    assert site.signalled("seeder_left") == [{"peer": peer, "digest": joined["digest"]}]


def test_a_page_out_of_the_back_forward_cache_seeds_again(site, browsers):
    browser = browsers(WATCHED_SOCKETS).visit(site.url())
    site.wait_for_seeders(1)
    browser.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    browser.driver.back()
    site.wait_for_seeders(1)
    # The same page, not a new one: what it had counted is still there.
    assert browser.js("[shows, runs, sockets.length]") == [[False, True], 1, 2]
    assert browsers().visit(site.url()).delivery()["source"] == "peers"


def test_a_socket_that_broke_is_opened_anew_and_one_that_was_put_out_is_not(site, browsers):
    broken = browsers(WATCHED_SOCKETS, HASTY).visit(site.url())
    [one] = site.wait_for_seeders(1)
    rejected = browsers(WATCHED_SOCKETS, HASTY).visit(site.url())
    [_, other] = site.wait_for_seeders(2)

    site.state.hub.cut(other, CORRUPT_SEEDER, "a test")
    site.wait_for_seeders(1)
    # Two retries of the one take longer than the other would need for its first.
    for count in (2, 3):
        site.state.hub.cut(one, RESTART, "a test")
        broken.wait_for(f"sockets.length === {count}")
        site.wait_for_joins(count + 1)
        [one] = site.wait_for_seeders(1)
    assert broken.js("sockets.map(({ code }) => code)") == [RESTART, RESTART, None]
    assert rejected.js("sockets.map(({ code }) => code)") == [CORRUPT_SEEDER]
    assert browsers().visit(site.url()).delivery()["source"] == "peers"


def test_a_seeder_that_gives_no_sign_of_life_is_passed_over_until_it_does(make_site, browsers):
    site = make_site(heartbeat=1.0)
    browser = browsers().visit(site.url())
    site.wait_for_seeders(1)
    [joined] = site.signalled("seeder_joined")

    def found():
        return site.state.registry.candidates(joined["digest"], NOWHERE, 1, slots=1)

    assert found()
    browser.freeze()
    until(lambda: not found(), "the seeder to be passed over")
    assert browsers().visit(site.url()).delivery()["source"] == "server"
    browser.thaw()
    site.wait_for_seeders(2)
    assert browser.js("runs") == 1


def test_a_page_stops_seeding_and_begins_again_as_it_is_told(site, browsers):
    browser = browsers().visit(site.url())
    site.wait_for_seeders(1)
    browser.js("ViralJS.pause()")
    site.wait_for_seeders(0)
    assert browsers().visit(site.url()).delivery()["source"] == "server"
    site.wait_for_seeders(1)
    browser.js("ViralJS.resume()")
    site.wait_for_seeders(2)
    assert site.kinds() == ["full", "full"]


def test_a_page_that_is_paused_before_it_seeds_does_not_begin(site, browsers):
    site.show("", f"{site.pages[''].body}<script>addEventListener('viraljs:delivered', () => ViralJS.pause())</script>")
    browser = browsers(WATCHED_SOCKETS).visit(site.url())
    until(lambda: any(one.path.endswith("seeder.js") for one in site.served), "the seeder's code")
    browser.js("new Promise((resolve) => setTimeout(resolve, 100))")
    assert browser.js("sockets") == []
    browser.js("ViralJS.resume()")
    site.wait_for_seeders(1)


def test_nothing_is_shared_before_consent(make_site, browsers):
    site = make_site(consent=True)
    first = browsers(WATCHED_SOCKETS).visit(site.url())
    assert first.delivery()["source"] == "server"
    assert first.js("sockets") == []
    first.js("ViralJS.consent(true)")
    site.wait_for_seeders(1)

    second = browsers().visit(site.url())
    assert second.delivery()["source"] == "server"
    second.js("ViralJS.consent(true)")
    site.wait_for_seeders(2)
    second.cdp("Network.clearBrowserCache")
    # Else the server might name this page's own, whose end it has yet to hear of.
    second.visit(site.url("elsewhere"))
    site.wait_for_seeders(1)
    assert second.visit(site.url()).delivery()["source"] == "peers"
    site.wait_for_seeders(2)

    second.js("ViralJS.consent(false)")
    site.wait_for_seeders(1)
    assert second.visit(site.url()).delivery()["source"] == "server"
    assert site.kinds() == ["full", "full", "thin", "full"]
    second.js("ViralJS.consent(true)")
    site.wait_for_seeders(2)


@pytest.mark.parametrize(
    ("seeder", "recipient"),
    [(NO_CANDIDATES, LATE_CANDIDATES), (LATE_CANDIDATES, NO_CANDIDATES), (LATE_CANDIDATES, LATE_CANDIDATES)],
    ids=["of the recipient", "of the seeder", "of both"],
)
def test_candidates_that_come_late_open_the_path(seeder, recipient, site, browsers):
    browsers(seeder).visit(site.url())
    site.wait_for_seeders(1)
    record = browsers(recipient).visit(site.url()).delivery()
    assert (record["source"], record["reason"]) == ("peers", None)
    until(lambda: site.sent("/viraljs/candidates"), "candidates")
