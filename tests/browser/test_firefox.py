"""The main job between two kinds of browsers."""

import pytest

from tests.browser.patches import COUNTED_RECEIPTS, COUNTED_SENDINGS
from tests.support.firefox import Firefox
from tests.support.site import bundle
from tests.support.until import until


def test_chromium_seeds_to_firefox(site, browsers, at_home):
    site.bundles["app.js"] = bundle(1_000_000)
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    record = at_home.visit(site.url()).delivery()
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, 1_000_000)
    assert at_home.js("[runs, answer, errors.length]") == [1, 42, 0]
    site.wait_for_seeders(2)
    assert site.kinds() == ["full", "thin"]


def test_firefox_seeds_to_chromium(site, browsers, at_home):
    site.bundles["app.js"] = bundle(1_000_000)
    at_home.visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    assert (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, 1_000_000)
    assert visitor.js("[runs, answer, errors]") == [1, 42, []]
    assert site.kinds() == ["full", "thin"]


@pytest.fixture
def hasty_firefox(tmp_path):
    """One that does not wait for a page's load, which comes after its bundle."""
    browser = Firefox(tmp_path, page_load_strategy="none")
    yield browser
    browser.quit()


@pytest.mark.parametrize("firefox_first", [True, False], ids=["from Firefox", "from Chromium"])
def test_pieces_are_passed_on_packed_while_the_next_are_still_coming(firefox_first, make_site, browsers, hasty_firefox):
    size = 2_097_152
    site = make_site(stream_size=1)
    site.bundles["app.js"] = bundle(size)
    chromium = browsers(COUNTED_RECEIPTS, COUNTED_SENDINGS, page_load_strategy="none")
    first, second = (hasty_firefox, chromium) if firefox_first else (chromium, hasty_firefox)
    with site.dammed(size // 2) as release:
        first.visit(site.url())
        until(lambda: max(site.progress().values(), default=0) >= 40, "the first to have half of it")
        second.visit(site.url())
        until(lambda: len(site.progress()) == 2 and min(site.progress().values()) >= 40, "the second to have that half")
        assert max(site.progress().values()) <= 50
        release()
        assert (first.delivery()["bytesFromPeers"], second.delivery()["bytesFromPeers"]) == (0, size)
    assert site.direct_bytes() == size
    for visitor in (first, second):
        assert visitor.js("[runs, answer, errors.length]") == [1, 42, 0]
    assert size / 3 < chromium.js("received + sent") < 0.7 * size


def test_firefox_takes_the_next_visit_from_what_it_kept(make_site, browsers, at_home):
    site = make_site(client_cache=10_000_000)
    first = browsers().visit(site.url())
    site.wait_for_seeders(1)
    assert at_home.visit(site.url()).delivery()["source"] == "peers"
    until(lambda: "viraljs_kept=" in at_home.js("document.cookie"), "the bundle to be kept")
    first.quit()
    at_home.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    record = at_home.visit(site.url()).delivery()
    assert (record["source"], record["bytesFromCache"], record["bytesFromServer"]) == ("cache", 100_000, 0)
    assert at_home.js("[runs, answer, errors.length]") == [1, 42, 0]
    assert site.kinds() == ["full", "thin", "thin"]
    assert site.direct_bytes() == 0


def test_firefox_seeds_again_when_its_visitor_goes_back(site, at_home):
    # Loaded anew: Firefox does not tell a page that its visitor leaves by the address bar.
    at_home.visit(site.url())
    site.wait_for_seeders(1)
    at_home.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    at_home.back()
    site.wait_for_seeders(1)
    assert at_home.js("runs") == 1


def test_import_scripts_in_a_worker_of_firefox_has_its_globals_at_once(site, browsers, at_home):
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    at_home.visit(site.url("elsewhere"))
    ran = at_home.js(
        """new Promise((resolve) => {
            const code = `importScripts("${location.origin}/b/app.js"); postMessage([runs, answer]);`;
            const worker = new Worker(URL.createObjectURL(new Blob([code])));
            worker.onmessage = ({ data }) => resolve(JSON.stringify(data));
            worker.onerror = ({ message }) => resolve(message);
        })"""
    )
    assert ran == "[1,42]"
    assert site.kinds()[:2] == ["full", "thin"]
