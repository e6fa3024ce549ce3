"""What browsers report is what the next visitors get."""

from __future__ import annotations

import pytest

from tests.support.scripted import ScriptedSeeder
from tests.support.until import until
from viraljs.nearness import Distance, inside, locate

HERE = locate("127.0.0.1")
UNREACHABLE_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:0123456789abcdef01234567\r\na=fingerprint:sha-256 " + ":".join(["00"] * 32) + "\r\n"
    "a=setup:active\r\na=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n"
    # Nobody listens there: TEST-NET-1, RFC 5737.
    "a=candidate:1 1 udp 2113937151 192.0.2.1 50000 typ host\r\n"
)


def unreachable(offer):
    return {"type": "answer", "sdp": UNREACHABLE_SDP}


def test_rate_and_round_trip_of_a_seeder_are_known_after_a_delivery(site, browsers):
    browsers().visit(site.url())
    (seeder,) = site.wait_for_seeders(1)
    visitor = browsers().visit(site.url())
    record = visitor.delivery()
    site.wait_for_reports(1)

    def known():
        found = site.state.registry.candidates(record["digest"], HERE, 16, slots=99, nearby=Distance.ANY)
        return next(one for one in found if one.peer == seeder)

    assert record["source"] == "peers"
    until(lambda: known().rate is not None, "the rate to be known")
    assert known().rate > 0
    assert 0 < known().round_trip < 10
    assert known().failures == 0


def test_a_network_in_which_nobody_gets_through_gets_full_responses_at_once(make_site, browsers):
    site = make_site(deadline=300, breaker_failures=2)
    seeder = ScriptedSeeder(site, unreachable)
    try:
        site.wait_for_seeders(1)
        for number in range(2):
            visitor = browsers()
            record = visitor.visit(site.url()).delivery()
            assert (record["source"], record["reason"]) == ("server", "deadline")
            assert [upload["failure"] for upload in record["uploads"]] == ["unreachable"]
            site.wait_for_reports(number + 1)
            visitor.visit(site.url("elsewhere"))
            site.wait_for_seeders(1)
        assert site.state.registry.is_closed(inside(HERE))

        last = browsers().visit(site.url())

        assert last.js("[runs, answer]") == [1, 42]
        assert site.kinds()[-1] == "full"
        assert len(seeder.offers) == 2
    finally:
        seeder.close()


@pytest.mark.parametrize("nearby", ["address", "any"])
def test_how_far_a_seeder_may_be_is_asked_for_each_visitor(nearby, make_site, browsers):
    site = make_site(nearby=nearby)
    site.app.wsgi_app = elsewhere_by_name(site.app.wsgi_app)
    browsers().visit(site.url(host="one.localhost"))
    site.wait_for_seeders(1)
    visitor = browsers().visit(site.url(host="two.localhost"))
    if nearby == "any":
        assert visitor.delivery()["source"] == "peers"
    else:
        assert visitor.js("[runs, answer]") == [1, 42]
        assert site.kinds() == ["full", "full"]


def elsewhere_by_name(app):
    """Let each name of the host stand for a network of its own."""
    places = {"one": "203.0.113.1", "two": "198.51.100.1"}

    def wsgi(environ, start_response):
        name = environ["HTTP_HOST"].split(".", 1)[0]
        return app({**environ, "REMOTE_ADDR": places.get(name, "127.0.0.1")}, start_response)

    return wsgi
