"""The main job: a bundle goes from the server to the first visitor, and from visitor to visitor after that."""

import pytest

from tests.support.site import bundle, plotly_path

THIN_BYTES = 15_300
CLIENT_BYTES = 13_000
"""What a page loads of the client at most: what fetches a bundle, what runs it, and what seeds it."""


@pytest.fixture
def plotly_size(site):
    site.show("", "{{ viral_script('/plotly.js') }}")
    return plotly_path().stat().st_size


def draws(browser):
    return browser.js("Plotly.newPlot(document.createElement('div'), [{ y: [1, 2] }]).then(({ data }) => data[0].y)")


def test_the_first_visitor_gets_plotly_in_full_and_the_second_gets_it_from_the_first(site, browsers, plotly_size):
    first = browsers().visit(site.url())
    assert first.delivery()["source"] == "server"
    site.wait_for_seeders(1)
    second = browsers().visit(site.url())
    record = second.delivery()

    assert (record["source"], record["reason"]) == ("peers", None)
    assert (record["bytesFromPeers"], record["bytesFromServer"], record["bytesFromCache"]) == (plotly_size, 0, 0)
    assert record["url"] == site.url("plotly.js")
    assert site.kinds("/plotly.js") == ["full", "thin"]
    assert draws(first) == draws(second) == [1, 2]


def test_the_second_serves_the_third_when_the_first_is_closed(site, browsers, plotly_size):
    first = browsers().visit(site.url())
    [server] = site.wait_for_seeders(1)
    second = browsers().visit(site.url())
    [_, middle] = site.wait_for_seeders(2)
    first.quit()
    site.wait_for_seeders(1)
    third = browsers().visit(site.url())

    assert second.delivery()["uploads"][0]["seeder"] == server
    record = third.delivery()
    assert (record["source"], record["bytesFromPeers"]) == ("peers", plotly_size)
    assert [upload["seeder"] for upload in record["uploads"]] == [middle]
    assert draws(third) == [1, 2]


def test_three_visitors_cost_the_origin_one_copy_and_two_thin_clients(site, browsers, plotly_size, record_property):
    for count in (1, 2, 3):
        browsers().visit(site.url()).seeding()
        site.wait_for_seeders(count)

    full, *thin = site.sent("/plotly.js")
    assert (full.kind, [one.kind for one in thin]) == ("full", ["thin", "thin"])
    assert plotly_size < full.sent <= plotly_size + THIN_BYTES
    assert all(one.sent <= THIN_BYTES for one in thin)
    client = [one for one in site.served if one.path.startswith("/viraljs/")]
    assert sum(one.sent for one in client if one.method == "GET") <= 3 * CLIENT_BYTES
    everything = sum(one.sent for one in site.served)
    assert everything <= plotly_size + 3 * THIN_BYTES + 3 * CLIENT_BYTES
    record_property("origin bytes: all, full, thin, thin", [everything, full.sent, *(one.sent for one in thin)])


@pytest.mark.parametrize("caching", ["no-cache", "max-age=600", "max-age=600, immutable"])
def test_the_first_seeder_takes_its_bytes_from_its_cache(caching, site, browsers):
    site.bundle_headers = {"Cache-Control": caching}
    browsers().visit(site.url()).seeding()
    site.wait_for_seeders(1)
    assert browsers().visit(site.url()).delivery()["source"] == "peers"
    assert site.kinds() == ["full", "thin"]


def test_a_page_that_comes_again_takes_its_bundle_from_the_cache_and_seeds_it(site, browsers):
    site.bundle_headers = {"Cache-Control": "max-age=600"}
    browser = browsers().visit(site.url()).seeding()
    site.wait_for_seeders(1)
    browser.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    record = browser.visit(site.url()).delivery()
    assert (record["source"], record["bytesFromCache"], record["bytesFromServer"]) == ("cache", 100_000, 0)
    site.wait_for_seeders(1)
    assert site.kinds() == ["full"]


def test_a_bundle_that_has_not_changed_is_asked_about_and_comes_from_the_cache(site, browsers):
    site.bundle_headers = {"Cache-Control": "no-cache"}
    browser = browsers().visit(site.url()).seeding()
    browser.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    record = browser.visit(site.url()).delivery()
    assert [(one.status, one.sent > 0) for one in site.sent("/b/app.js")] == [(200, True), (304, False)]
    assert (record["source"], record["bytesFromCache"], record["bytesFromServer"]) == ("cache", 100_000, 0)


def test_two_seeders_share_a_delivery(site, browsers):
    site.bundles["app.js"] = bundle(5_000_000)
    for count in (1, 2):
        browsers().visit(site.url())
        site.wait_for_seeders(count)
    record = browsers().visit(site.url()).delivery()
    assert (record["source"], record["bytesFromPeers"]) == ("peers", 5_000_000)
    assert {upload["seeder"] for upload in record["uploads"]} == set(site.seeders[:2])
    assert sum(upload["bytes"] for upload in record["uploads"]) == 5_000_000
    assert [upload["failure"] for upload in record["uploads"]] == [None, None]


def test_one_seeder_serves_several_visitors_at_a_time(site, browsers):
    site.bundles["app.js"] = bundle(3_000_000)
    browsers().visit(site.url())
    [seeder] = site.wait_for_seeders(1)
    visitors = [browsers(page_load_strategy="none") for _ in range(3)]
    for visitor in visitors:
        visitor.visit(site.url())
    for visitor in visitors:
        record = visitor.delivery()
        assert (record["source"], record["bytesFromPeers"]) == ("peers", 3_000_000)
        assert seeder in [upload["seeder"] for upload in record["uploads"]]
        assert visitor.js("[runs, answer]") == [1, 42]
    assert site.kinds() == ["full", "thin", "thin", "thin"]


def test_a_page_can_follow_its_deliveries(site, browsers):
    browsers().visit(site.url())
    [seeder] = site.wait_for_seeders(1)
    second = browsers().visit(site.url()).seeding()
    record = second.delivery()
    assert set(record) >= {
        *("url", "digest", "source", "bytesFromPeers", "bytesFromServer", "bytesFromCache"),
        *("milliseconds", "peers", "reason"),
    }
    assert record["peers"] == 1
    assert [event["name"] for event in second.js("events")] == ["delivered", "seeding"]
    assert second.seen("delivered") == [{"name": "delivered", **record}]
    assert second.js("ViralJS.ready.then((records) => records === ViralJS.deliveries)")
    [report] = site.wait_for_reports()
    assert (report.source, report.bytes_from_peers, report.uploads[0].seeder) == ("peers", 100_000, seeder)


def test_two_bundles_of_a_page_are_seeded_and_delivered_side_by_side(site, browsers):
    site.bundles = {"one.js": bundle(300_000, code="var one = 1;"), "two.js": bundle(200_000, code="var two = 2;")}
    site.show("", "{{ viral_script('/b/one.js') }}{{ viral_script('/b/two.js') }}")
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    second = browsers().visit(site.url())
    by_url = {record["url"].rsplit("/", 1)[1]: record for record in second.deliveries(2)}
    assert {name: (record["source"], record["bytesFromPeers"]) for name, record in by_url.items()} == {
        "one.js": ("peers", 300_000),
        "two.js": ("peers", 200_000),
    }
    assert second.js("[runs, one, two]") == [2, 1, 2]
