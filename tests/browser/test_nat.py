"""Getting through: two visitors at home, each behind a router that translates addresses, and Debian's coturn between.

Needs root; `tests/support/nat.py` has the network. The site is plain http beyond localhost, as a public address is.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple

import pytest

from tests.browser.patches import PATHS
from tests.support.nat import PUBLIC, TURN_SECRET, ChromiumAt, Internet, Place, TurnServer, missing_tools
from tests.support.site import Site, bundle

SIZE = 500_000
SOON_MS = 3_000
"""A deadline where peers can't deliver. Where they can, they need a second of a busy machine."""
THROUGH = {"srflx", "prflx"}
"""Types of candidates (RFC 8445, 5.1.1): an address that a router's other side sees, as STUN or the peer told it."""
ASKED_TO_RELAY, RELAYS = "processed", "ALLOCATE processed, success"
"""What coturn's log says of any message of TURN, be it refused, and of one that got a relayed address."""
WITH_TURN: dict[str, Any] = {"turn_urls": [TurnServer.url], "turn_secret": TURN_SECRET}


class Visit(NamedTuple):
    """What became of the second visitor."""

    site: Site
    turn: TurnServer
    seeder: ChromiumAt
    recipient: ChromiumAt
    record: dict[str, Any]

    def chosen(self) -> list[list[str]]:
        """Give the types of the candidates, its own and the other's, that each end uses at last."""
        return [_chosen(self.seeder), _chosen(self.recipient)]

    def assert_from_peers(self) -> None:
        """Check that the bundle came from the first visitor, all of it, and runs."""
        assert (self.record["source"], self.record["bytesFromPeers"]) == ("peers", SIZE), self.record
        assert self.site.direct_bytes() == 0
        assert self.recipient.js("[runs, answer, errors]") == [1, 42, []]

    def assert_from_the_server(self) -> None:
        """Check that the bundle came all the same, after a try that found no path, and runs."""
        assert self.site.kinds()[-2:] == ["thin", "untouched; reason=direct"]
        assert (self.record["source"], self.record["bytesFromServer"]) == ("server", SIZE), self.record
        assert self.recipient.js("[runs, answer, errors]") == [1, 42, []]
        assert self.seeder.js("paths") == [[]], "one offer came, and nothing of it"
        assert self.recipient.js("paths") == [[]]


def _chosen(browser: ChromiumAt) -> list[str]:
    browser.wait_for("paths.length === 1 && paths[0].length")
    types: list[str] = browser.js("paths[0].at(-1)")
    return types


VisitFromHome = Callable[..., Visit]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    if os.getuid():
        pytest.skip("only root may make networks")
    if lacking := missing_tools():
        # What CI skips, nobody misses.
        give_up = pytest.fail if os.environ.get("CI") else pytest.skip
        give_up(f"this machine lacks {', '.join(lacking)}; .ci/setup-system nat installs them")
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def visit_from_home(stack, tmp_path_factory) -> VisitFromHome:
    """Let one visitor seed, and then the other, in another home, ask for the bundle."""

    def visit(*, symmetric: bool = False, udp: bool = True, **settings: Any) -> Visit:
        try:
            internet = Internet(stack, symmetric=symmetric, udp=udp)
        except OSError as error:
            pytest.skip(f"this root may not make networks: {error}")
        turn = TurnServer(stack, internet, tmp_path_factory.mktemp("turn"))
        with internet.middle.entered():
            site = stack.enter_context(Site(**settings).running(PUBLIC))
        site.bundles["app.js"] = bundle(SIZE, dense=True)
        seeder, recipient = browser_at(internet.left), browser_at(internet.right)
        seeder.visit(site.url(host=PUBLIC)).seeding()
        record = recipient.visit(site.url(host=PUBLIC)).delivery()
        return Visit(site, turn, seeder, recipient, record)

    def browser_at(home: Place) -> ChromiumAt:
        browser = ChromiumAt(home, tmp_path_factory.mktemp("profile"), [PATHS])
        stack.callback(browser.quit)
        return browser

    return visit


def test_with_stun_two_homes_reach_each_other_through_both_routers(visit_from_home):
    visit = visit_from_home(ice_servers=[TurnServer.stun])

    visit.assert_from_peers()
    for types in visit.chosen():
        assert set(types) <= THROUGH


def test_without_stun_they_do_not_and_the_app_comes_from_the_server(visit_from_home):
    visit_from_home(ice_servers=[], deadline=SOON_MS).assert_from_the_server()


def test_where_no_path_leads_through_both_routers_a_relay_helps_if_it_is_allowed(visit_from_home):
    visit = visit_from_home(symmetric=True, relay=True, **WITH_TURN)

    visit.assert_from_peers()
    for types in visit.chosen():
        assert "relay" in types
    assert visit.turn.said(RELAYS)


def test_a_relay_that_is_reached_by_tcp_helps_where_udp_is_blocked(visit_from_home):
    url = f"{TurnServer.url}?transport=tcp"
    visit = visit_from_home(udp=False, relay=True, ice_servers=[], turn_urls=[url], turn_secret=TURN_SECRET)

    visit.assert_from_peers()
    for types in visit.chosen():
        assert "relay" in types
    assert visit.turn.said(RELAYS)


def test_unless_it_is_allowed_a_turn_server_relays_nothing(visit_from_home):
    visit = visit_from_home(symmetric=True, deadline=SOON_MS, **WITH_TURN)

    visit.assert_from_the_server()
    assert not visit.turn.said(ASKED_TO_RELAY)


def test_a_turn_server_that_may_not_relay_still_shows_the_way(visit_from_home):
    visit = visit_from_home(ice_servers=[], **WITH_TURN)

    visit.assert_from_peers()
    for types in visit.chosen():
        assert set(types) <= THROUGH
    assert not visit.turn.said(ASKED_TO_RELAY)


def test_a_relay_is_the_last_resort(visit_from_home):
    visit = visit_from_home(ice_servers=[], relay=True, **WITH_TURN)

    visit.assert_from_peers()
    for types in visit.chosen():
        assert set(types) <= THROUGH
    assert visit.turn.said(RELAYS)
