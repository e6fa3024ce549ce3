"""Never worse than plain HTTP: whatever seeders and server do, the bundle runs, once, on the page that asked for it."""

import pytest

from tests.browser.patches import (
    COUNTED_RECEIPTS,
    NO_DIGESTS,
    STOPPED_TIMERS,
    UNHURRIED_MS,
    leaves_after,
    stalls_after,
    trickles,
)
from tests.support.scripted import NOT_SDP, ScriptedSeeder
from tests.support.site import NONCE, TAG, bundle, policy_by_script
from viraljs.facts import DIRECT_MARK

URL = "/b/app.js"
SHORT_MS = 400
SOON_MS = 15_000
"""Far more than a fallback takes on a busy machine, and far less than `FAR_OFF_MS`."""
SIZE = 2_000_000


@pytest.fixture
def hasty_site(make_site):
    return make_site(deadline=SHORT_MS)


@pytest.fixture
def scripted():
    """Add a scripted seeder to a site."""
    seeders = []

    def add(site, react):
        others = len(site.seeders)
        seeders.append(ScriptedSeeder(site, react))
        site.wait_for_seeders(others + 1)
        return seeders[-1]

    yield add
    for seeder in seeders:
        seeder.close()


def silent(offer):
    return None


def assert_ran_once(browser, site, answer=42):
    """The app runs: once, at its own URL, without a reload and without an error."""
    assert browser.js("[runs, answer, visits, location.href, errors]") == [1, answer, 1, site.url(), []]


def all_from_server(record, size):
    return (record["source"], record["bytesFromPeers"], record["bytesFromServer"]) == ("server", 0, size)


# Seeders that do not deliver --------------------------------------------------------------------------


def test_a_seeder_that_never_answers_costs_no_more_than_the_deadline(hasty_site, browsers, scripted):
    scripted(hasty_site, silent)
    visitor = browsers().visit(hasty_site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, hasty_site)
    assert all_from_server(record, 100_000)
    assert record["reason"] == "deadline"
    assert SHORT_MS <= record["milliseconds"] < SOON_MS
    assert [event["reason"] for event in visitor.seen("fallback")] == ["deadline"]


def test_where_timers_stand_still_a_silent_seeder_keeps_nobody_waiting(hasty_site, browsers, scripted):
    scripted(hasty_site, silent)
    visitor = browsers(STOPPED_TIMERS).visit(hasty_site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, hasty_site)
    assert (record["source"], record["reason"]) == ("server", "client")


def test_where_digests_never_come_peers_deliver_all_the_same(hasty_site, browsers):
    browsers().visit(hasty_site.url())
    hasty_site.wait_for_seeders(1)
    visitor = browsers(NO_DIGESTS).visit(hasty_site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, hasty_site)
    # By our own hash, after some time: the server may have been asked by then.
    assert record["bytesFromPeers"] + record["bytesFromServer"] == 100_000
    assert record["milliseconds"] < SOON_MS


def test_a_frozen_seeder_costs_no_more_than_the_deadline(hasty_site, browsers):
    seeder = browsers().visit(hasty_site.url())
    hasty_site.wait_for_seeders(1)
    seeder.freeze()
    visitor = browsers().visit(hasty_site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, hasty_site)
    assert all_from_server(record, 100_000)
    assert record["reason"] == "deadline"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"type": "refuse", "reason": "busy"}, "busy"),
        ({"type": "refuse", "reason": "gone"}, "gone"),
        ({"type": "answer", "sdp": NOT_SDP}, "answer"),
    ],
    ids=["busy", "gone", "not SDP"],
)
def test_a_seeder_that_says_no_is_not_waited_for(answer, reason, site, browsers, scripted):
    scripted(site, lambda offer: answer)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, site)
    assert all_from_server(record, 100_000)
    assert record["reason"] == reason
    assert record["milliseconds"] < SOON_MS


def test_a_seeder_that_left_after_the_thin_response_is_not_waited_for(site, browsers, scripted):
    seeder = scripted(site, silent)

    def leave(request):
        if request.path == "/viraljs/offers":
            seeder.close()
            site.wait_for_seeders(0)

    site.before = leave
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, site)
    assert all_from_server(record, 100_000)
    assert record["reason"] == "gone"
    assert record["milliseconds"] < SOON_MS


def test_another_seeder_delivers_where_one_never_answers(site, browsers, scripted):
    site.bundles["app.js"] = bundle(SIZE)  # of a smaller one, one seeder is asked
    browsers().visit(site.url())
    [seeder] = site.wait_for_seeders(1)
    scripted(site, silent)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, site)
    assert record["bytesFromPeers"] > 0
    assert seeder in [upload["seeder"] for upload in record["uploads"] if upload["bytes"]]


def test_a_killed_seeder_is_no_seeder(site, browsers):
    seeder = browsers().visit(site.url())
    site.wait_for_seeders(1)
    seeder.kill()
    site.wait_for_seeders(0)
    visitor = browsers().visit(site.url())
    assert visitor.delivery()["source"] == "server"
    assert_ran_once(visitor, site)
    assert site.kinds() == ["full", "full"]


# Seeders that deliver a part --------------------------------------------------------------------------


def test_a_seeder_killed_half_way_is_made_up_for_by_the_server(make_site, browsers):
    site = make_site(deadline=5_000)
    site.bundles["app.js"] = bundle(SIZE)
    seeder = browsers(stalls_after(600_000)).visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers(COUNTED_RECEIPTS).visit(site.url())
    visitor.wait_for("received > 500_000")
    seeder.kill()
    record = visitor.delivery()
    assert_ran_once(visitor, site)
    assert record["bytesFromPeers"] + record["bytesFromServer"] == SIZE
    assert record["source"] == "mixed"
    assert record["reason"] in ("slow", "stalled"), "at the deadline after the first piece, or after the last"
    assert record["milliseconds"] < SOON_MS


def test_what_a_lost_seeder_still_owed_is_asked_of_the_server_and_no_more(site, browsers):
    site.bundles["app.js"] = bundle(SIZE)
    browsers(leaves_after(SIZE // 2)).visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, site)
    assert (record["source"], record["reason"]) == ("mixed", "lost")
    assert record["milliseconds"] < SOON_MS
    assert record["bytesFromPeers"] > 0
    assert record["bytesFromPeers"] + record["bytesFromServer"] == SIZE
    ranges = site.sent(URL, "viraljs=direct")
    assert {one.status for one in ranges} == {206}
    assert sum(one.sent for one in ranges) == record["bytesFromServer"]
    [report] = site.wait_for_reports()
    assert [upload.failure for upload in report.uploads] == ["lost"]


def test_what_a_lost_seeder_still_owed_is_asked_of_another(site, browsers):
    site.bundles["app.js"] = bundle(SIZE)
    browsers(leaves_after(300_000)).visit(site.url())
    [lost] = site.wait_for_seeders(1)
    browsers(trickles(UNHURRIED_MS)).visit(site.url())
    [_, other] = site.wait_for_seeders(2)
    sent_before = len(site.sent(URL))
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, site)
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, SIZE)
    failures = {upload["seeder"]: upload["failure"] for upload in record["uploads"]}
    assert failures == {lost: "lost", other: None}
    assert len(site.sent(URL)) == sent_before + 1


def test_a_slow_seeder_is_helped_by_the_server(hasty_site, browsers):
    hasty_site.bundles["app.js"] = bundle(SIZE)
    browsers(trickles(1_000)).visit(hasty_site.url())
    hasty_site.wait_for_seeders(1)
    visitor = browsers().visit(hasty_site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, hasty_site)
    assert record["reason"] in ("deadline", "stalled")
    assert record["bytesFromPeers"] + record["bytesFromServer"] == SIZE
    assert record["milliseconds"] < SIZE / 65_536 * 1_000 / 2


# A server that does not do its part -------------------------------------------------------------------


def refuse_offers(request):
    return ("no signaling today", 503) if request.path == "/viraljs/offers" else None


def test_without_signaling_the_server_is_asked_at_once(site, browsers, scripted):
    scripted(site, silent)
    site.before = refuse_offers
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert_ran_once(visitor, site)
    assert all_from_server(record, 100_000)
    assert record["reason"] == "signaling"
    assert record["milliseconds"] < SOON_MS


@pytest.mark.parametrize("size", [100_000, 90_000, 400_000], ids=["of the same size", "smaller", "larger"])
def test_a_version_that_came_out_meanwhile_runs_once(size, site, browsers, scripted):
    scripted(site, silent)

    def release(request):
        if request.path == "/viraljs/offers":
            site.bundles["app.js"] = bundle(size, answer=43)
            return "", 503
        return None

    site.before = release
    visitor = browsers().visit(site.url())
    assert visitor.delivery()["source"] == "server"
    assert_ran_once(visitor, site, answer=43)


def test_a_version_that_came_out_half_way_runs_once(site, browsers):
    site.bundles["app.js"] = bundle(SIZE)
    browsers(leaves_after(SIZE // 2)).visit(site.url())
    site.wait_for_seeders(1)

    def release(request):
        if request.path == "/viraljs/offers":
            site.bundles["app.js"] = bundle(SIZE, answer=43)

    site.before = release
    visitor = browsers().visit(site.url())
    visitor.delivery()
    assert_ran_once(visitor, site, answer=43)


def test_a_bundle_that_nobody_has_any_more_is_an_error_of_its_element(site, browsers, scripted):
    scripted(site, silent)
    site.show(
        "",
        f"{TAG}<script>window.failed = 0;document.querySelector('script[src*=app]').onerror = () => failed++;</script>",
    )

    def refuse(request):
        is_direct = "direct" in request.full_path or DIRECT_MARK in request.environ
        return ("", 503) if is_direct or "offers" in request.path else None

    site.before = refuse
    visitor = browsers().visit(site.url())
    visitor.wait_for("window.failed")
    assert visitor.js("[failed, typeof runs, visits]") == [1, "undefined", 1]


# Policies of the page ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "policy",
    [
        f"script-src 'nonce-{NONCE}' 'self'",
        f"script-src 'nonce-{NONCE}' 'strict-dynamic'",
        f"script-src 'nonce-{NONCE}' 'self'; require-trusted-types-for 'script'",
        f"script-src 'nonce-{NONCE}' 'self'; require-trusted-types-for 'script'; trusted-types viraljs",
    ],
    ids=["nonce", "strict-dynamic", "trusted types", "a named trusted type"],
)
def test_under_a_policy_with_a_nonce_peers_deliver(policy, site, browsers):
    site.show("", TAG, Content_Security_Policy=policy)
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert (record["source"], record["reason"]) == ("peers", None)
    assert_ran_once(visitor, site)
    site.wait_for_seeders(2)


def test_a_policy_that_forbids_to_connect_gets_the_direct_bundle(site, browsers, scripted):
    scripted(site, silent)
    site.show("", policy_by_script("connect-src 'none'") + TAG)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert all_from_server(record, 100_000)
    assert record["milliseconds"] < SOON_MS
    assert_ran_once(visitor, site)


# The breaker ------------------------------------------------------------------------------------------


def test_a_browser_whose_deliveries_keep_failing_is_left_alone(make_site, browsers, scripted):
    site = make_site(breaker_failures=2)
    scripted(site, lambda offer: {"type": "refuse", "reason": "busy"})
    visitor = browsers()
    for _ in range(2):
        assert visitor.visit(site.url()).delivery()["reason"] == "busy"
        site.wait_for_seeders(2)
        visitor.visit(site.url("elsewhere"))
        site.wait_for_seeders(1)
    visitor.visit(site.url())
    assert visitor.js("[runs, answer, typeof ViralJS]") == [1, 42, "undefined"]
    assert site.kinds() == [
        *("thin", "untouched; reason=direct"),
        *("thin", "untouched; reason=direct"),
        "untouched; reason=breaker",
    ]


def test_a_success_forgets_the_failures_before_it(make_site, browsers, scripted):
    site = make_site(breaker_failures=2)
    refusing = scripted(site, lambda offer: {"type": "refuse", "reason": "busy"})
    visitor = browsers().visit(site.url())
    assert visitor.delivery()["reason"] == "busy"
    assert visitor.js("document.cookie") == "viraljs_failures=1"
    site.wait_for_seeders(2)
    visitor.visit(site.url("elsewhere"))
    refusing.close()
    site.wait_for_seeders(0)
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    assert visitor.visit(site.url()).delivery()["source"] == "peers"
    assert visitor.js("document.cookie") == ""
