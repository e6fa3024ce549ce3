"""Nothing unverified ever runs: what seeders forge is found out, named, and replaced."""

import pytest

from tests.browser.patches import FORGER, LIAR, UNHURRIED_MS, trickles
from tests.support.chromium import LAN_HOST
from tests.support.site import bundle
from tests.support.until import until

ONE_PIECE = 65_536


@pytest.mark.parametrize("lie", [LIAR, FORGER], ids=["other code", "a wrong bit"])
def test_what_a_seeder_forges_does_not_run(lie, site, browsers):
    site.bundles["app.js"] = bundle(ONE_PIECE)
    browsers(lie).visit(site.url())
    [liar] = site.wait_for_seeders(1)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()

    assert visitor.js("[runs, answer, errors]") == [1, 42, []]
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("server", "corrupt", 0)
    assert [event["reason"] for event in visitor.seen("fallback")] == ["corrupt"]
    [report] = site.wait_for_reports()
    assert [(upload.seeder, upload.bytes, upload.failure) for upload in report.uploads] == [(liar, 0, "corrupt")]


def test_an_honest_seeder_makes_good_for_a_liar(site, browsers):
    site.bundles["app.js"] = bundle(2_000_000)
    browsers(FORGER).visit(site.url())
    [liar] = site.wait_for_seeders(1)
    # Slow enough for the liar to get its word in.
    browsers(trickles(UNHURRIED_MS)).visit(site.url())
    [_, honest] = site.wait_for_seeders(2)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()

    assert visitor.js("[runs, answer]") == [1, 42]
    assert (record["source"], record["bytesFromPeers"]) == ("peers", 2_000_000)
    uploads = {upload["seeder"]: (upload["bytes"], upload["failure"]) for upload in record["uploads"]}
    assert uploads == {liar: (0, "corrupt"), honest: (2_000_000, None)}


def test_a_liar_that_three_visitors_report_is_put_out(make_site, browsers):
    site = make_site(breaker_failures=100)
    browsers(FORGER).visit(site.url())
    [liar] = site.wait_for_seeders(1)
    visitor = browsers()
    for count in (1, 2, 3):
        assert liar in site.seeders
        visitor.visit(site.url()).delivery()
        site.wait_for_reports(count)
        site.wait_for_joins(1 + count)
        visitor.visit(site.url("elsewhere"))
        until(lambda: set(site.seeders) <= {liar}, "the visitor to leave")
    site.wait_for_seeders(0)
    assert visitor.visit(site.url()).delivery()["source"] == "server"
    assert site.kinds()[-1] == "full"


def test_plain_http_beyond_localhost_delivers_to_marked_tags(site, browsers):
    url = site.url(host=LAN_HOST)
    first = browsers().visit(url)
    assert first.js("[isSecureContext, typeof crypto.subtle]") == [False, "undefined"]
    assert first.delivery()["source"] == "server"
    site.wait_for_seeders(1)
    second = browsers().visit(url)
    record = second.delivery()

    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, 100_000)
    assert record["url"] == site.url("b/app.js", LAN_HOST)
    assert second.js("[runs, answer]") == [1, 42]
    assert any(one.path.endswith("/sha256.js") for one in site.served)
    assert [(one.kind, one.query) for one in site.sent("/b/app.js")] == [
        ("full", "viraljs=script"),
        ("thin", "viraljs=script"),
    ]
    site.wait_for_seeders(2)


def test_plain_http_beyond_localhost_verifies_too(site, browsers):
    url = site.url(host=LAN_HOST)
    browsers(LIAR).visit(url)
    site.wait_for_seeders(1)
    visitor = browsers().visit(url)
    record = visitor.delivery()
    assert (record["reason"], record["uploads"][0]["failure"]) == ("corrupt", "corrupt")
    assert record["bytesFromPeers"] < record["bytesFromServer"] + record["bytesFromPeers"] == 100_000
    assert visitor.js("[runs, answer]") == [1, 42]


def test_plain_http_beyond_localhost_leaves_tags_alone_that_are_not_marked(site, browsers):
    site.show("by-hand", '<script defer src="/b/app.js"></script>')
    visitor = browsers().visit(site.url("by-hand", LAN_HOST))
    assert visitor.js("[runs, answer, typeof ViralJS]") == [1, 42, "undefined"]
    assert site.kinds() == ["untouched; reason=plain-http"]
