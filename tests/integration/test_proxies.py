"""Whose address a request comes from: the visitor's, by ProxyFix; nobody's, where a proxy stands unannounced."""

import pytest
from flask import request
from werkzeug.middleware.proxy_fix import ProxyFix

from tests.support.servers import serve_here
from tests.support.signaling import ScriptedSeeder, get
from tests.support.until import until
from tests.support.visits import BUNDLE, add_seeder, delivery_of, digest_of, new_app, serve_bundle, state_of, visit
from viraljs.facts import visitor_place
from viraljs.nearness import NOWHERE

VISITOR = "203.0.113.9"
STRANGER = "198.51.100.1"
PROXY = "127.0.0.1"


class Site:
    """An app behind as many proxies as it is told, that says where it takes its visitors to be."""

    def __init__(self, proxies=0, **config):
        self.app = new_app(**config)
        self.places = []
        serve_bundle(self.app, lambda: BUNDLE)
        self.app.add_url_rule("/place", "place", self.tell)
        if proxies:
            self.app.wsgi_app = ProxyFix(self.app.wsgi_app, x_for=proxies)  # type: ignore[method-assign]

    def tell(self):
        state = state_of(self.app)
        self.places.append(visitor_place(state.locate, state.warn_once))
        return request.remote_addr or ""

    def place(self, address, **headers):
        """Ask from an address; an underscore in a header's name stands for a hyphen."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        visit(self.app, "/place", sent, environ_overrides={"REMOTE_ADDR": address})
        return self.places.pop()

    def locate(self, address):
        return state_of(self.app).locate(address)


def test_without_a_proxy_the_address_is_the_visitors(caplog):
    site = Site()
    for address in (VISITOR, "192.168.1.2", "127.0.0.1", "::1", "100.64.0.1"):
        assert site.place(address) == site.locate(address) != NOWHERE

    assert caplog.messages == []


@pytest.mark.parametrize(
    "proxy", ["127.0.0.1", "::1", "10.0.0.2", "172.17.0.1", "fd00::1", "fe80::1%eth0", "100.64.0.1"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": VISITOR},
        {"X_Forwarded_For": f"192.168.1.2, {VISITOR}"},
        {"X_Forwarded_For": f"{VISITOR}, 127.0.0.1, ::1, 10.0.0.2, fd00::1, fe80::1, 100.64.0.1"},
        {"X_Forwarded_For": "unknown"},
        {"X_Forwarded_For": "192.168.1.2"},
        {"Forwarded": f"for={VISITOR};proto=https"},
        {"Forwarded": 'For="[2001:db8::1]:4711"'},
        {"Forwarded": 'for="_hidden", for=unknown'},
    ],
    ids=repr,
)
def test_a_proxy_that_nobody_told_of_is_not_taken_for_the_visitor(caplog, proxy, headers):
    site = Site()
    for _ in range(3):
        assert site.place(proxy, **headers) == NOWHERE

    assert len(caplog.messages) == 1
    assert proxy in caplog.text
    assert "ProxyFix" in caplog.text


@pytest.mark.parametrize("proxies", [1, 2])
def test_proxyfix_gives_the_visitors_address(caplog, proxies):
    site = Site(proxies)
    chain = ", ".join(["198.51.100.1", VISITOR, "10.0.0.2"][: proxies + 1])

    assert site.place(PROXY, X_Forwarded_For=chain) == site.locate(VISITOR)
    assert site.place(PROXY, X_Forwarded_For=chain.replace(VISITOR, "192.168.1.2")) == site.locate("192.168.1.2")
    assert caplog.messages == []


def test_proxyfix_that_counts_more_proxies_than_there_are_is_noticed(caplog):
    site = Site(proxies=2)

    assert site.place(PROXY, X_Forwarded_For=VISITOR) == NOWHERE
    assert "x_for as high as there are proxies" in caplog.text


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.168.1.2", {"X_Forwarded_For": "192.168.1.2"}),
        ("192.168.1.2", {"X_Forwarded_For": "192.168.1.2:4711, 10.0.0.1"}),
        ("192.168.1.2", {"X_Forwarded_For": "::ffff:192.168.1.2"}),
        ("fd00::1", {"Forwarded": 'by=_me;For="[fd00::1]:4711", for=10.0.0.1'}),
        ("fd00::1", {"X_Forwarded_For": "FD00:0::1"}),
    ],
    ids=repr,
)
def test_an_address_that_the_header_names_is_the_visitors_by_other_means_than_proxyfix(caplog, address, headers):
    site = Site()

    assert site.place(address, **headers) == site.locate(address)
    assert caplog.messages == []


def test_a_public_address_counts_though_the_visitor_has_a_proxy(caplog):
    site = Site()

    assert site.place(VISITOR, X_Forwarded_For="192.168.1.2") == site.locate(VISITOR)
    assert caplog.messages == []


def test_a_socket_of_unix_has_no_address_and_that_is_noticed(caplog):
    site = Site()
    assert site.place("") == NOWHERE
    assert caplog.messages == []
    assert site.place("", X_Forwarded_For=VISITOR) == NOWHERE
    assert "ProxyFix" in caplog.text

    assert Site(proxies=1).place("", X_Forwarded_For=VISITOR) == site.locate(VISITOR)


@pytest.mark.parametrize("header", [",", ", ,", '"', "[", "[]", "[:", "]", ":", "%", "for", "a" * 9_999, "," * 9_999])
def test_a_header_of_nonsense_fails_nothing(header):
    site = Site()

    assert site.place(PROXY, X_Forwarded_For=header, Forwarded=f"for={header}") in (NOWHERE, site.locate(PROXY))


def test_strangers_behind_an_unannounced_proxy_do_not_deliver_to_each_other_as_neighbours():
    plain, fixed = Site(NEARBY="address"), Site(proxies=1, NEARBY="address")

    def behind(site):
        return visit(site.app, headers={"X-Forwarded-For": VISITOR}, environ_overrides={"REMOTE_ADDR": PROXY})

    add_seeder(plain.app, BUNDLE, address=PROXY)
    add_seeder(fixed.app, BUNDLE, address=VISITOR)

    assert delivery_of(behind(plain)) == "full"
    assert delivery_of(behind(fixed)) == "thin"


@pytest.mark.parametrize(("proxies", "near", "far"), [(0, "full", "full"), (1, "thin", "full")])
def test_a_seeders_socket_tells_its_place_as_a_request_does(proxies, near, far):
    site = Site(proxies, NEARBY="address")
    site.app.testing = False
    state, digest = state_of(site.app), digest_of(BUNDLE)
    with serve_here(site.app) as url, ScriptedSeeder(url, headers={"X-Forwarded-For": VISITOR}) as seeder:
        seeder.welcome()
        seeder.announce(digest, state.tickets.prove(digest))
        until(lambda: state.registry.population(digest) == 1, "joining")
        kinds = {
            address: get(f"{url}/app.js", {"X-Forwarded-For": address})[1]["ViralJS-Delivery"]
            for address in (VISITOR, STRANGER)
        }

    assert kinds == {VISITOR: near, STRANGER: far}
