"""The main job between two kinds of browsers."""

import pytest

from tests.support.firefox import Firefox
from tests.support.site import bundle


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    browser = Firefox(tmp_path_factory.mktemp("firefox"))
    yield browser
    browser.quit()


@pytest.fixture
def at_home(firefox):
    yield firefox
    firefox.visit("about:blank")


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


def test_firefox_seeds_again_when_its_visitor_goes_back(site, at_home):
    # From its back/forward cache or not: Firefox does not keep a page that has a socket when it is left.
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
