"""What Chromium's network panel shows as failed: nothing, where nothing had to be cut off."""

import json

import pytest

from tests.support.site import bundle
from tests.support.until import until
from viraljs.config import KEYS

LARGE = 3_000_000


def failures(visitor, site):
    """List what the panel shows in red of a site: what the browser asks of others is its own affair."""
    entries = [json.loads(entry["message"])["message"] for entry in visitor.driver.get_log("performance")]
    urls = {
        entry["params"]["requestId"]: entry["params"]["request"]["url"]
        for entry in entries
        if entry["method"] == "Network.requestWillBeSent"
    }
    assert site.url("b/app.js") in urls.values()
    failed = [entry["params"] for entry in entries if entry["method"] == "Network.loadingFailed"]
    told = [(urls.get(one["requestId"], ""), one["errorText"]) for one in failed]
    return [(url, text) for url, text in told if url.startswith(site.url())]


@pytest.fixture
def streaming(make_site):
    """A site with a bundle large enough to be streamed by the first visitor, with the settings that apps have."""
    site = make_site(stream_size=KEYS["STREAM_SIZE"].default, crowd_seconds=KEYS["CROWD_SECONDS"].default)
    site.bundles["app.js"] = bundle(LARGE)
    return site


def test_a_streamed_first_visit_shows_no_failure(streaming, browsers):
    visitor = browsers(log=True).visit(streaming.url())

    assert visitor.delivery()["bytesFromServer"] == LARGE
    assert streaming.kinds()[0] == "thin"
    visitor.seeding()
    assert failures(visitor, streaming) == []


def test_a_delivery_by_peers_shows_no_failure(streaming, browsers):
    browsers().visit(streaming.url()).seeding()
    visitor = browsers(log=True).visit(streaming.url())

    assert visitor.delivery()["source"] == "peers"
    visitor.seeding()
    assert failures(visitor, streaming) == []


@pytest.mark.parametrize(
    "patch",
    ["RTCDataChannel.prototype.send = () => {};", "RTCPeerConnection.prototype.setRemoteDescription = async () => {};"],
    ids=["silent", "unreachable"],
)
def test_a_visitor_whose_peers_are_useless_shows_no_failure(make_site, browsers, patch):
    site = make_site(deadline=300)
    site.bundles["app.js"] = bundle(LARGE)
    browsers(patch).visit(site.url()).seeding()
    visitor = browsers(log=True).visit(site.url())

    assert visitor.delivery()["bytesFromServer"] == LARGE
    until(lambda: len(site.seeders) == 2, "it to seed")
    assert failures(visitor, site) == []
