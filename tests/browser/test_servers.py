"""The main job, and the end of bad peers, under each server that ViralJS promises to run on."""

import json
from urllib.request import urlopen

import pytest

from tests.support.servers import KINDS, serve
from tests.support.until import until


class Live:
    """A site in another process."""

    def __init__(self, url):
        self.url = f"{url}/"

    def books(self):
        with urlopen(f"{self.url}books") as response:  # noqa: S310 - our own server
            return json.load(response)

    def wait_for_seeders(self, count):
        until(lambda: len(self.books()["seeders"]) == count, f"{count} seeders")


@pytest.fixture(params=KINDS)
def live(request, pytestconfig):
    with serve(request.param, "tests.browser.live_app", {"PYTHONPATH": str(pytestconfig.rootpath)}) as url:
        yield Live(url)


def test_a_bundle_goes_from_visitor_to_visitor(live, browsers):
    first = browsers().visit(live.url)
    assert first.delivery()["source"] == "server"
    live.wait_for_seeders(1)
    second = browsers().visit(live.url)
    assert second.delivery()["source"] == "peers"
    live.wait_for_seeders(2)
    first.quit()
    live.wait_for_seeders(1)
    third = browsers().visit(live.url)
    assert third.delivery()["source"] == "peers"
    assert third.js("[runs, answer]") == [1, 42]
    assert live.books()["kinds"] == ["full", "thin", "thin"]


def test_a_bad_message_ends_its_peer_with_a_code_that_says_why_and_no_other(live, browsers):
    browsers().visit(live.url)
    live.wait_for_seeders(1)
    bad = browsers().visit(f"{live.url}elsewhere")
    closed = bad.js(
        """new Promise((resolve) => {
            const socket = new WebSocket(location.origin.replace("http", "ws") + "/viraljs/socket");
            socket.onopen = () => socket.send("nonsense");
            socket.onclose = ({ code, reason }) => resolve([code, reason]);
        })"""
    )
    assert closed == [4400, "message must be JSON"]
    assert len(live.books()["seeders"]) == 1
    assert browsers().visit(live.url).delivery()["source"] == "peers"
