"""Signaling over real sockets, on a server in this process: who may say what to whom, and what ends whom."""

import json
import threading
from contextlib import ExitStack

import pytest
import websocket
from flask import request

from tests.support.background import Background
from tests.support.clocks import Clock
from tests.support.servers import serve_here
from tests.support.signaling import (
    CANDIDATE,
    SDP,
    ScriptedSeeder,
    get,
    get_island,
    offer_to,
    post,
)
from tests.support.until import until
from tests.support.visits import BUNDLE, digest_of, new_app, serve_bundle, state_of
from viraljs import signals
from viraljs.nearness import NOWHERE
from viraljs.tickets import Ticket, Tickets

DIGEST = digest_of(BUNDLE)


class Site:
    """A live app with one bundle, and the parts of it that tests look into."""

    def __init__(self, stack: ExitStack, **config):
        self.stack = stack
        self.app = new_app(**config)
        serve_bundle(self.app, lambda: BUNDLE)
        serve_bundle(self.app, lambda: "other()", "/other.js")
        self.app.testing = False
        self.state = state_of(self.app)
        self.url = stack.enter_context(serve_here(self.app))
        self.offers, self.candidates, self.report = (
            f"{self.url}/viraljs/{name}" for name in ("offers", "candidates", "report")
        )

    def seeder(self, ticket=""):
        """Connect a seeder and take its greeting; its name is kept on it."""
        seeder = self.stack.enter_context(ScriptedSeeder(self.url, ticket=ticket))
        seeder.welcome()
        return seeder

    def joined(self, ticket=""):
        """Connect a seeder that has joined the swarm of the bundle."""
        seeder = self.seeder(ticket)
        before = self.population()
        seeder.announce(DIGEST, self.state.tickets.prove(DIGEST))
        until(lambda: self.population() > before, "joining")
        return seeder

    def population(self):
        return self.state.registry.population(DIGEST)

    def ticket(self):
        """Visit the bundle, and give the ticket of the thin response."""
        kind, island = get_island(f"{self.url}/app.js")
        assert kind == "thin"
        return island["ticket"]

    def ticket_for(self, *seeders, recipient="recipient"):
        return self.state.tickets.issue(Ticket(recipient, DIGEST, seeders, size=10_000))

    def uploads(self, peer):
        peers = self.state.registry._peers  # type: ignore[attr-defined]
        return len(peers[peer].uploads)


@pytest.fixture
def start():
    with ExitStack() as stack:
        yield lambda **config: Site(stack, **config)


@pytest.fixture
def site(start):
    return start()


def exchange(site, seeder, ticket=None):
    """Take a recipient and a seeder through offer and answer; the name of the exchange comes back."""
    ticket = ticket or site.ticket_for(seeder.name)
    answer = Background(post, site.offers, {"ticket": ticket, "offers": offer_to(seeder.name)})
    offer = seeder.hear()
    seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)
    assert answer.result()[0] == 200
    return offer["exchange"]


def recipient_in(ticket):
    return ticket.split(".")[0].split("~")[1]


def seeders_in(ticket):
    return ticket.split(".")[0].split("~")[2:]


# An introduction -------------------------------------------------------------------------------------


def test_the_whole_way_from_the_first_visit_to_the_end_of_a_delivery(site):
    kind, full = get_island(f"{site.url}/app.js")
    assert kind == "full"
    seeder = site.seeder()
    seeder.announce(full["digest"], full["proof"])
    until(lambda: site.population() == 1, "a swarm of one")

    kind, thin = get_island(f"{site.url}/app.js")
    assert kind == "thin"
    first, recipient, name = thin["ticket"].split(".")[0].split("~")
    assert (first.split("-")[0], name) == (DIGEST, seeder.name)

    reply = Background(post, site.offers, {"ticket": thin["ticket"], "offers": offer_to(name)})
    offer = seeder.hear()
    assert offer == {
        "type": "offer",
        "exchange": f"{recipient}.{name}",
        "digest": DIGEST,
        "sdp": SDP,
        "ranges": [[0, 1]],
    }
    seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)
    answer = {"type": "answer", "exchange": offer["exchange"], "sdp": SDP}
    assert reply.result() == (200, {"signals": [answer]})
    assert site.uploads(name) == 1

    # Late candidates, both ways.
    late = Background(post, site.candidates, {"ticket": thin["ticket"], "seeder": name, "candidates": [CANDIDATE]})
    words = {"type": "candidates", "exchange": offer["exchange"], "candidates": [CANDIDATE]}
    assert seeder.hear() == words
    seeder.say(**words)
    assert late.result() == (200, {"signals": [words]})

    seeder.say(type="done", exchange=offer["exchange"])
    until(lambda: site.uploads(name) == 0, "a free slot")


def test_credentials_for_a_relay_go_to_each_end_by_itself_and_into_no_cache(start):
    turn = {"TURN_URLS": ["turn:turn.example.org"], "TURN_SECRET": "hush", "ICE_SERVERS": []}
    site = start(RELAY=True, **turn)
    _, full = get_island(f"{site.url}/app.js")
    assert full["ice"] == [{"urls": ["stun:turn.example.org"]}]
    seeder = site.joined()
    _, thin = get_island(f"{site.url}/app.js")
    reply = Background(post, site.offers, {"ticket": thin["ticket"], "offers": offer_to(seeder.name)})
    offer = seeder.hear()
    seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)
    assert reply.result()[0] == 200

    for (server,), name in (thin["ice"], recipient_in(thin["ticket"])), (offer["ice"], seeder.name):
        assert server["urls"] == ["turn:turn.example.org"]
        assert server["username"].endswith(f":{name}")


def test_candidates_of_the_seeder_can_be_asked_for_without_having_any(site):
    seeder = site.joined()
    ticket = site.ticket()
    words = {"type": "candidates", "exchange": exchange(site, seeder, ticket), "candidates": [CANDIDATE]}
    seeder.say(**words)

    assert post(site.candidates, {"ticket": ticket, "seeder": seeder.name}) == (200, {"signals": [words]})


def test_an_answer_that_comes_after_the_post_can_be_asked_for(start):
    site = start(ANSWER_TIMEOUT=0.1)
    seeder = site.joined()
    ticket = site.ticket()

    assert post(site.offers, {"ticket": ticket, "offers": offer_to(seeder.name)}) == (200, {"signals": []})
    offer = seeder.hear()
    seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)

    def ask():
        return post(site.candidates, {"ticket": ticket, "seeder": seeder.name})[1]["signals"]

    assert until(ask, "the answer") == [{"type": "answer", "exchange": offer["exchange"], "sdp": SDP}]


def test_one_post_reaches_several_seeders(site):
    seeders = [site.joined(), site.joined()]
    ticket = site.ticket_for(*(seeder.name for seeder in seeders))
    reply = Background(post, site.offers, {"ticket": ticket, "offers": offer_to(*(one.name for one in seeders))})
    for seeder in seeders:
        offer = seeder.hear()
        seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)

    status, answer = reply.result()

    assert status == 200
    assert {signal["exchange"] for signal in answer["signals"]} <= {f"recipient.{seeder.name}" for seeder in seeders}
    assert {signal["type"] for signal in answer["signals"]} == {"answer"}


def test_a_refusal_reaches_the_recipient_and_frees_the_slot(site):
    seeder = site.joined()
    reply = Background(post, site.offers, {"ticket": site.ticket(), "offers": offer_to(seeder.name)})
    offer = seeder.hear()
    seeder.say(type="refuse", exchange=offer["exchange"], reason="busy")

    assert reply.result()[1] == {"signals": [{"type": "refuse", "exchange": offer["exchange"], "reason": "busy"}]}
    until(lambda: site.uploads(seeder.name) == 0, "a free slot")


def test_answers_to_posts_are_kept_by_nobody(site):
    _, headers = get(f"{site.url}/app.js")
    assert "private" in headers["Cache-Control"]
    with site.app.test_client() as client:
        response = client.post(
            "/viraljs/candidates",
            data=json.dumps({"ticket": site.ticket_for("nobody"), "seeder": "nobody"}),
            headers={"Origin": "http://localhost"},
        )
    assert (response.json, response.headers["Cache-Control"]) == ({"signals": []}, "no-store")


# Seeders that are not there ----------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["close", "break off"])
def test_an_offer_for_a_peer_that_has_left_is_answered_with_gone_at_once(site, how):
    seeder = site.joined()
    ticket = site.ticket()
    if how == "close":
        seeder.__exit__()
    else:
        seeder.break_off()
    until(lambda: site.population() == 0, "an empty swarm")

    assert post(site.offers, {"ticket": ticket, "offers": offer_to(seeder.name)}) == (
        200,
        {"signals": [{"type": "gone", "exchange": f"{ticket.split('~')[1]}.{seeder.name}"}]},
    )


def test_a_seeder_that_leaves_before_it_answers_keeps_nobody_waiting(start):
    site = start(ANSWER_TIMEOUT=30)
    seeder = site.joined()
    reply = Background(post, site.offers, {"ticket": site.ticket(), "offers": offer_to(seeder.name)})
    seeder.hear()
    seeder.__exit__()

    assert [signal["type"] for signal in reply.result()[1]["signals"]] == ["gone"]


def test_after_the_last_seeder_has_left_the_next_visitor_gets_the_full_bundle(site):
    seeder = site.joined()
    site.ticket()
    seeder.__exit__()
    until(lambda: site.population() == 0, "an empty swarm")

    assert get_island(f"{site.url}/app.js")[0] == "full"


def test_an_offer_to_a_seeder_whose_slots_are_full_is_answered_with_gone(start):
    site = start(UPLOAD_SLOTS=1)
    seeder = site.joined()
    first, second = site.ticket(), site.ticket_for(seeder.name, recipient="second")

    status, answer = post(site.offers, {"ticket": second, "offers": offer_to(seeder.name)})
    assert (status, [signal["type"] for signal in answer["signals"]]) == (200, ["gone"])
    assert seeders_in(site.ticket()) == [recipient_in(first)], "nobody new is sent to it"

    seeder.say(type="done", exchange=exchange(site, seeder, first))
    until(lambda: site.uploads(seeder.name) == 0, "a free slot")
    assert seeders_in(site.ticket()) == [seeder.name]


def test_a_seeder_that_the_registry_still_knows_but_nobody_can_reach_is_gone(site):
    site.state.registry.announce("ghost", NOWHERE, DIGEST)
    message = {"ticket": site.ticket_for("ghost"), "offers": offer_to("ghost")}

    assert post(site.offers, message) == (200, {"signals": [{"type": "gone", "exchange": "recipient.ghost"}]})
    assert site.uploads("ghost") == 0


def test_gone_for_one_does_not_stand_against_the_answer_of_another(site):
    seeder = site.joined()
    ticket = site.ticket_for("left", seeder.name)
    reply = Background(post, site.offers, {"ticket": ticket, "offers": offer_to("left", seeder.name)})
    offer = seeder.hear()
    seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)

    kinds = {signal["exchange"]: signal["type"] for signal in reply.result()[1]["signals"]}
    assert kinds["recipient.left"] == "gone"


def test_a_seeder_may_withdraw_and_stay(site):
    seeder = site.joined()
    seeder.say(type="withdraw", digest=DIGEST)
    until(lambda: site.population() == 0, "an empty swarm")
    seeder.announce(DIGEST, site.state.tickets.prove(DIGEST))

    until(lambda: site.population() == 1, "a swarm of one")


# One page, several bundles -----------------------------------------------------------------------------


def test_a_page_with_two_bundles_is_one_peer_and_hears_what_was_promised_to_each_of_its_names(start):
    site = start(CROWD_SECONDS=60)
    kind, _ = get_island(f"{site.url}/app.js")
    assert kind == "full"
    get_island(f"{site.url}/other.js")
    islands = [get_island(f"{site.url}/{name}.js")[1] for name in ("app", "other")]
    assert all(island["early"] for island in islands)
    one, other = (recipient_in(island["ticket"]) for island in islands)
    assert one != other
    assert site.state.hub.expected() == 2
    # Somebody comes who is sent to the second name, and asks before the page's socket is there.
    _, late = get_island(f"{site.url}/other.js")
    assert seeders_in(late["ticket"]) == [other]
    reply = Background(post, site.offers, {"ticket": late["ticket"], "offers": offer_to(other)})

    page = site.seeder(islands[0]["ticket"])
    assert page.name == one
    for island, progress in zip(islands, (0, 40), strict=True):
        page.say(type="announce", digest=island["digest"], proof=island["ticket"], progress=progress)

    offer = page.hear()
    assert offer["exchange"] == f"{recipient_in(late['ticket'])}.{other}"
    page.say(type="answer", exchange=offer["exchange"], sdp=SDP)
    assert [signal["type"] for signal in reply.result()[1]["signals"]] == ["answer"]
    assert site.uploads(one) == 1
    digest = islands[1]["digest"]
    until(lambda: one in peers_of(site, digest), "the page to be a peer of its second bundle")
    assert other not in peers_of(site, digest)
    assert one in peers_of(site, DIGEST)
    # The one who came late has yet to open a socket.
    assert site.state.hub.expected() == 1

    page.say(type="done", exchange=offer["exchange"])
    until(lambda: site.uploads(one) == 0, "a free slot")
    page.__exit__()
    until(lambda: one not in peers_of(site, digest), "the page to be gone")
    assert not site.state.registry.reserve(other, "x", 6, 60)


def test_a_bundle_that_the_page_had_already_leaves_nobody_to_wait_for(start):
    site = start(CROWD_SECONDS=60)
    get_island(f"{site.url}/app.js")
    tickets = [get_island(f"{site.url}/app.js")[1]["ticket"] for _ in range(2)]
    assert site.state.hub.expected() == 2
    page = site.seeder()
    page.announce(DIGEST, site.state.tickets.prove(DIGEST))
    for ticket in tickets:
        page.announce(DIGEST, ticket)

    until(lambda: peers_of(site, DIGEST) == {page.name}, "one peer")
    assert site.state.hub.expected() == 0


def test_nobody_takes_the_name_of_a_peer_that_has_a_socket(site):
    ticket = site.ticket_for(recipient="victim")
    victim = site.joined(ticket)
    other = site.seeder()
    other.announce(DIGEST, ticket)
    until(lambda: other.name in peers_of(site, DIGEST), "joining")

    assert peers_of(site, DIGEST) == {victim.name, other.name}
    exchange(site, victim)


def peers_of(site, digest):
    return {one.peer for one in site.state.registry.candidates(digest, NOWHERE, 64, slots=64)}


# Tickets ---------------------------------------------------------------------------------------------


@pytest.fixture
def clocked(start):
    """A site whose tickets go by a clock of the test."""
    site, clock = start(TICKET_LIFETIME=60, ANSWER_TIMEOUT=0.1), Clock()
    site.state.__dict__["tickets"] = Tickets([b"for tests"], 60, clock)
    return site, clock


NO_TICKETS = ["unknown", "a.b.c", "\ud800", f"{DIGEST}~recipient~seeder.AAAA.BBBB"]


@pytest.mark.parametrize("ticket", NO_TICKETS, ids=["word", "three", "half", "forged"])
@pytest.mark.parametrize("name", ["offers", "candidates", "report"])
def test_what_the_server_did_not_sign_is_no_ticket(site, name, ticket):
    seeder = site.joined()
    message = {
        "offers": {"ticket": ticket, "offers": offer_to(seeder.name)},
        "candidates": {"ticket": ticket, "seeder": seeder.name},
        "report": report(ticket, seeder.name),
    }[name]

    assert post(f"{site.url}/viraljs/{name}", message) == (403, {"error": "the ticket was not issued by this server"})


def test_an_expired_ticket_opens_nothing(clocked, caplog):
    site, clock = clocked
    seeder = site.joined()
    ticket = site.ticket()
    clock.advance(61)

    expired = (403, {"error": "the ticket has expired; load the script again for a new one"})
    assert post(site.offers, {"ticket": ticket, "offers": offer_to(seeder.name)}) == expired
    assert post(site.candidates, {"ticket": ticket, "seeder": seeder.name}) == expired
    assert "used too late. A cache before this app seems to replay its answers" in caplog.text


def test_a_ticket_is_good_for_one_offer_to_each_seeder(site):
    seeder = site.joined()
    ticket = site.ticket()
    exchange(site, seeder, ticket)

    assert post(site.offers, {"ticket": ticket, "offers": offer_to(seeder.name)}) == (
        409,
        {"error": "this ticket has been used for an offer to this seeder"},
    )


def test_the_log_says_once_that_a_cache_replays_tickets_and_for_which_url(site, caplog):
    seeder = site.joined()
    get_island(f"{site.url}/app.js")
    ticket = site.ticket()
    exchange(site, seeder, ticket)
    assert "A cache" not in caplog.text

    for _ in range(3):
        assert post(site.offers, {"ticket": ticket, "offers": offer_to(seeder.name)})[0] == 409
    assert caplog.text.count("a ticket for /app.js was used twice. A cache before this app seems to replay") == 1


@pytest.mark.parametrize("name", ["offers", "candidates", "report"])
def test_a_ticket_opens_the_way_to_the_seeders_that_it_names_only(site, name):
    seeder = site.joined()
    ticket = site.ticket_for("another")
    message = {
        "offers": {"ticket": ticket, "offers": offer_to(seeder.name)},
        "candidates": {"ticket": ticket, "seeder": seeder.name, "candidates": [CANDIDATE]},
        "report": report(ticket, seeder.name),
    }[name]

    assert post(f"{site.url}/viraljs/{name}", message) == (403, {"error": "the ticket does not name this seeder"})
    exchange(site, seeder)  # and the seeder heard nothing of it


def test_a_recipient_seeds_under_the_name_that_its_ticket_gave_it(clocked):
    site, clock = clocked
    site.joined()
    ticket = site.ticket()
    clock.advance(10_000)

    assert site.seeder(ticket).name == ticket.split("~")[1]


def test_who_comes_with_a_forged_ticket_seeds_under_a_new_name(site):
    assert site.seeder(site.ticket_for("s", recipient="me") + "x").name != "me"


def test_a_second_socket_of_the_same_name_replaces_the_first(site):
    ticket = site.ticket_for("s", recipient="me")
    first = site.joined(ticket)
    second = site.seeder(ticket)
    assert (first.name, second.name) == ("me", "me")

    assert first.closing() == (4409, "the same peer has opened another socket")
    assert site.population() == 1
    exchange(site, second)


# What ends a peer, and nobody else ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        ("{", 4400, "message must be JSON"),
        ("[]", 4400, "message must be a JSON object"),
        ("null", 4400, "message must be a JSON object"),
        ("[" * 60_000, 4400, "message must be JSON"),
        ('{"type":"hello"}', 4400, "message: type must be one of announce, "),
        ('{"type":"announce"}', 4400, "message: digest must be a string of 1 to 64 characters"),
        ('{"type":"answer","exchange":"r.me","sdp":"hello"}', 4400, "message: sdp must be the SDP of a data channel"),
        (b"\x00\x01\x02", 4400, "a signaling message must be text, not binary"),
        (json.dumps({"type": "announce", "digest": DIGEST, "proof": "made up"}), 4403, "the ticket was not issued by"),
        (json.dumps({"type": "announce", "digest": DIGEST, "proof": "\ud800"}), 4403, "the ticket was not issued by"),
        (json.dumps({"type": "withdraw", "digest": DIGEST}), 4409, "withdraw names a digest that was not announced"),
        (json.dumps({"type": "answer", "exchange": "r.s", "sdp": SDP}), 4403, "this exchange is not one of yours"),
        (json.dumps({"type": "done", "exchange": "r.s"}), 4403, "this exchange is not one of yours"),
    ],
    ids=[
        *("half", "list", "null", "deep", "unknown", "incomplete", "no SDP", "binary", "forged proof", "half a pair"),
        *("early withdraw", "foreign answer", "foreign done"),
    ],
)
def test_a_bad_message_ends_its_peer_with_a_reason_and_no_other(site, message, code, said):
    rejected = []
    good, bad = site.joined(), site.seeder()

    with signals.peer_rejected.connected_to(lambda _, **what: rejected.append(what), sender=site.app):
        bad.say_raw(message)
        assert_closes(bad, code, said)

    assert [(what["peer"], what["code"]) for what in rejected] == [(bad.name, code)]
    until(lambda: site.state.hub.connected() == 1, "the end of the bad peer")
    exchange(site, good)
    assert site.population() == 1


def assert_closes(seeder, code, said):
    closed = seeder.closing()
    assert closed[0] == code
    assert closed[1].startswith(said)


def test_a_bad_message_takes_its_peer_out_of_its_swarms(site):
    bad = site.joined()
    bad.say_raw("{")
    bad.closing()

    until(lambda: site.population() == 0, "an empty swarm")
    assert get_island(f"{site.url}/app.js")[0] == "full"


def test_a_peer_that_leaves_its_side_of_a_closed_line_open_holds_no_thread(site, monkeypatch):
    monkeypatch.setattr("viraljs.blueprint.LAST_WORDS_SECONDS", 0.05)
    bad = site.seeder()
    bad.send_frame(websocket.ABNF.create_frame("{", websocket.ABNF.OPCODE_TEXT).format())

    def threads():
        return [thread for thread in threading.enumerate() if "simple_websocket" in thread.name]

    assert threads()
    until(lambda: not threads(), "the end of its thread")


def test_an_oversized_message_ends_its_peer_at_once_and_no_other(start):
    site = start(MAX_MESSAGE=4_096)
    good, bad = site.joined(), site.joined()

    bad.say_raw(" " * 4_097)

    assert bad.closing()[0] == 1009, "RFC 6455: too big to process"
    until(lambda: site.population() == 1, "leaving the swarm")
    exchange(site, good)


def test_a_message_that_comes_in_many_parts_has_the_same_limit(start):
    site = start(MAX_MESSAGE=4_096)
    good, bad = site.joined(), site.joined()
    frame = websocket.ABNF.create_frame
    bad.send_frame(frame(" " * 4_000, websocket.ABNF.OPCODE_TEXT, fin=0).format())
    bad.send_frame(frame(" " * 4_000, websocket.ABNF.OPCODE_CONT, fin=0).format())

    assert bad.closing()[0] == 1009
    until(lambda: site.population() == 1, "a swarm of one")
    exchange(site, good)


def test_a_long_message_within_the_limit_is_read(site):
    seeder = site.joined()
    ticket = site.ticket()
    long = SDP + "a=x\r\n" * 3_000

    reply = Background(post, site.offers, {"ticket": ticket, "offers": offer_to(seeder.name, sdp=long)})
    offer = seeder.hear()
    assert offer["sdp"] == long
    seeder.say(type="answer", exchange=offer["exchange"], sdp=long)

    assert reply.result()[1]["signals"][0]["sdp"] == long


NOT_FRAMES = {
    "an unmasked frame": b"\x81\x02{}",
    "reserved bits": b"\xf1\x80\x00\x00\x00\x00",
    "an unknown opcode": b"\x83\x80\x00\x00\x00\x00",
    "text that is not UTF-8": b"\x81\x82\x00\x00\x00\x00\xff\xfe",
    "a ping that is too long": b"\x89\xfe\x00\x7e\x00\x00\x00\x00" + bytes(126),
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("what", NOT_FRAMES)
def test_what_is_no_frame_ends_its_peer_and_no_other(site, what):
    good, bad = site.joined(), site.joined()

    bad.send_frame(NOT_FRAMES[what])

    until(lambda: site.population() == 1, "leaving the swarm")
    exchange(site, good)


def test_out_of_order_ends_a_seeder_in_the_middle_of_an_exchange(site):
    good, bad = site.joined(), site.joined()
    name = exchange(site, bad)

    bad.say(type="answer", exchange=name, sdp=SDP)

    assert bad.closing() == (4409, "the exchange is answered, not offered")
    until(lambda: site.population() == 1, "a swarm of one")
    exchange(site, good)


@pytest.mark.parametrize(("page", "kind"), [("/shop", "untouched; reason=blocking"), ("/other", "thin")])
def test_a_seeder_may_say_that_the_parser_of_its_page_waits_for_the_bundle(site, page, kind):
    seeder = site.seeder()
    proof = site.state.tickets.prove(DIGEST)
    seeder.say(type="announce", digest=DIGEST, proof=proof, page="/shop", url="/app.js")
    until(lambda: site.population() == 1, "joining")

    _, headers = get(f"{site.url}/app.js", {"Referer": f"{site.url}{page}"})
    assert headers["ViralJS-Delivery"] == kind


def test_a_digest_that_the_server_never_served_can_not_be_announced(site):
    _, full = get_island(f"{site.url}/app.js")
    never = digest_of(b"never served")
    bad = site.seeder()
    bad.announce(never, full["proof"])

    assert bad.closing() == (4403, "the ticket was not issued by this server")
    assert site.state.registry.population(never) == 0


def test_a_ticket_for_one_digest_does_not_prove_another(site):
    bad = site.seeder()
    bad.announce(digest_of(b"other()"), site.ticket_for("s"))

    assert bad.closing() == (4403, "the ticket is for another digest")


def test_a_seeder_can_not_answer_for_another(site):
    good, bad = site.joined(), site.joined()
    reply = Background(post, site.offers, {"ticket": site.ticket_for(good.name), "offers": offer_to(good.name)})
    offer = good.hear()
    bad.say(type="answer", exchange=offer["exchange"], sdp=SDP.replace("abcd", "evil"))
    assert bad.closing() == (4403, "this exchange is not one of yours")
    good.say(type="answer", exchange=offer["exchange"], sdp=SDP)

    assert [signal["sdp"] for signal in reply.result()[1]["signals"]] == [SDP]


def test_what_a_seeder_does_is_told_to_who_listens(site):
    heard = []
    with (
        signals.seeder_joined.connected_to(lambda _, **what: heard.append(("joined", what)), sender=site.app),
        signals.seeder_left.connected_to(lambda _, **what: heard.append(("left", what)), sender=site.app),
    ):
        seeder = site.joined()
        seeder.__exit__()
        until(lambda: len(heard) == 2, "both signals")

    what = {"peer": seeder.name, "digest": DIGEST}
    assert heard == [("joined", what), ("left", what)]


# Bad posts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["offers", "candidates", "report"])
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff\xfe", b'{"ticket":1}'])
def test_a_bad_post_is_a_400_that_says_why(site, name, data):
    status, answer = post(f"{site.url}/viraljs/{name}", data)

    assert status == 400
    assert answer["error"].startswith(name)


@pytest.mark.parametrize("name", ["offers", "candidates", "report"])
def test_an_oversized_post_is_a_413(start, name):
    site = start(MAX_MESSAGE=4_096)

    assert post(f"{site.url}/viraljs/{name}", b" " * 4_097) == (
        413,
        {"error": "a signaling message must not exceed 4096 bytes"},
    )


def test_sdp_that_is_not_sdp_is_a_400_and_the_seeder_hears_nothing(site):
    seeder = site.joined()
    ticket = site.ticket()

    for sdp in ("hello", "v=0\r\n", SDP.replace("a=fingerprint", "a=x")):
        status, answer = post(site.offers, {"ticket": ticket, "offers": offer_to(seeder.name, sdp=sdp)})
        assert (status, answer) == (400, {"error": "offer: sdp must be the SDP of a data channel"})
    exchange(site, seeder, ticket)


def test_a_ticket_is_not_used_up_by_a_bad_post(site):
    seeder = site.joined()
    ticket = site.ticket()
    post(site.offers, {"ticket": ticket, "offers": offer_to(seeder.name, "someone.else")})

    exchange(site, seeder, ticket)


# Origins ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["offers", "candidates", "report"])
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1", "https://127.0.0.1:1"])
def test_pages_of_other_origins_can_not_post(site, name, origin):
    assert post(f"{site.url}/viraljs/{name}", {}, origin=origin)[0] == 403


def test_a_post_without_an_origin_is_not_of_a_page_of_ours(site):
    with site.app.test_client() as client:
        assert client.post("/viraljs/offers", data="{}").status_code == 403


def test_the_log_says_what_to_do_about_a_refused_origin(site, caplog):
    post(site.offers, {}, origin="https://www.example.org")

    assert f"origin 'https://www.example.org': this app is '{site.url}'" in caplog.text
    assert "ProxyFix" in caplog.text
    assert "VIRALJS_ORIGINS" in caplog.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_pages_of_other_origins_can_not_open_a_socket(site, origin):
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        ScriptedSeeder(site.url, origin=origin)

    assert refusal.value.status_code == 403


def test_who_does_not_say_whose_page_is_asking_can_not_open_a_socket(site):
    with pytest.raises(websocket.WebSocketBadStatusException) as refusal:
        websocket.create_connection(f"{site.url.replace('http', 'ws')}/viraljs/socket", suppress_origin=True)

    assert refusal.value.status_code == 403


def test_origins_of_the_setting_may_do_both(start):
    site = start(ORIGINS=["https://www.example.org"])

    assert post(site.offers, {}, origin="https://www.example.org")[0] == 400
    with ScriptedSeeder(site.url, origin="https://www.example.org") as seeder:
        assert seeder.welcome()
    assert post(site.offers, {}, origin="https://example.org")[0] == 403


def test_pages_of_origins_of_the_setting_may_read_the_answers_and_import_the_client(start):
    site = start(ORIGINS=["https://www.example.org"])
    allowed = "Access-Control-Allow-Origin"
    client = f"/viraljs/client/{state_of(site.app).renderer.version}/receive.js"
    visitor = site.app.test_client()

    def ask(origin):
        return visitor.post("/viraljs/offers", data="{}", headers={"Origin": origin}).headers

    assert ask("https://www.example.org")[allowed] == "https://www.example.org"
    assert allowed not in ask("http://localhost")
    assert allowed not in ask("https://evil.example")
    with visitor.get(client) as response:
        assert response.headers[allowed] == "*"


def test_an_app_that_says_who_may_read_its_responses_is_not_contradicted(start):
    site = start(ORIGINS=["https://www.example.org"])
    allowed = "Access-Control-Allow-Origin"

    @site.app.after_request
    def share(response):
        response.headers.add(allowed, "https://www.example.org")  # as Flask-CORS does
        return response

    visitor, origin = site.app.test_client(), {"Origin": "https://www.example.org"}
    client = f"/viraljs/client/{state_of(site.app).renderer.version}/receive.js"
    for response in (visitor.get(client, headers=origin), visitor.post("/viraljs/offers", data="{}", headers=origin)):
        with response:
            assert response.headers.getlist(allowed) == ["https://www.example.org"]


def test_the_socket_is_no_page_and_a_post_is_no_get(site):
    with site.app.test_client() as client:
        headers = {"Origin": "http://localhost"}
        assert client.get("/viraljs/socket", headers=headers).status_code == 400
        assert client.get("/viraljs/offers", headers=headers).status_code == 405


# Limits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 1])
def test_there_are_no_more_sockets_than_the_setting_says_and_the_log_says_so_once(start, most, caplog):
    site = start(MAX_SOCKETS=most)
    seeders = [site.joined() for _ in range(most)]

    for _ in range(2):
        with ScriptedSeeder(site.url) as late:
            assert late.closing() == (4503, "this server has as many seeders as it can hold; try later")
    assert caplog.text.count(f"all {most} sockets for seeders are taken") == 1
    assert "VIRALJS_MAX_SOCKETS" in caplog.text
    for seeder in seeders:
        exchange(site, seeder)
        seeder.__exit__()
    until(lambda: site.state.hub.connected() == 0, "the end of all sockets")
    if most:
        site.joined()


# Reports ---------------------------------------------------------------------------------------------


def report(ticket, *seeders, failure=None):
    return {
        "ticket": ticket,
        "source": "mixed",
        "bytesFromPeers": 300,
        "bytesFromServer": 70,
        "bytesFromCache": 0,
        "milliseconds": 40,
        "uploads": [{"seeder": seeder, "bytes": 300, "milliseconds": 30, "failure": failure} for seeder in seeders],
    }


def test_a_report_is_taken_told_and_counted(site):
    heard = []
    ticket = site.ticket_for("s")

    with signals.delivery_reported.connected_to(lambda _, **what: heard.append(what), sender=site.app):
        assert post(site.report, report(ticket, "s")) == (204, None)

    (what,) = heard
    assert (what["recipient"], what["digest"]) == ("recipient", DIGEST)
    assert (what["report"].bytes_from_peers, what["report"].uploads[0].seeder) == (300, "s")
    assert site.state.metrics.snapshot()["bundles"][DIGEST]["delivered_bytes_from_peers"] == 300


def test_a_delivery_is_reported_once(site):
    ticket = site.ticket_for("s")
    post(site.report, report(ticket, "s"))

    assert post(site.report, report(ticket)) == (409, {"error": "this delivery has been reported"})
    assert site.state.metrics.snapshot()["total"]["deliveries"] == 1


def test_a_report_may_come_after_the_ticket_has_expired_but_not_for_ever(clocked):
    site, clock = clocked
    late, too_late = site.ticket_for("s", recipient="late"), site.ticket_for("s", recipient="too late")

    clock.advance(3_600)
    assert post(site.report, report(late, "s"))[0] == 204
    clock.advance(1)
    assert post(site.report, report(too_late, "s"))[0] == 403


def test_failures_are_held_against_a_seeder_until_it_succeeds(start):
    site = start(UPLOAD_SLOTS=64)
    bad, good = site.joined(), site.joined()

    def report_on(failure, number):
        ticket = site.ticket_for(bad.name, good.name, recipient=f"recipient{number}")
        message = report(ticket, bad.name, failure=failure)
        assert post(site.report, message)[0] == 204

    report_on("timeout", 1)
    report_on("timeout", 2)
    assert [seeders_in(site.ticket()) for _ in range(10)] == [[good.name]] * 10, "the other is chosen"
    for number in range(3, 6):
        report_on(None, number)
    assert {seeders_in(site.ticket())[0] for _ in range(30)} == {good.name, bad.name}


def test_a_seeder_of_wrong_bytes_is_put_out_on_the_third_report(site):
    good, bad = site.joined(), site.joined()
    for number in range(3):
        assert site.population() == 2
        ticket = site.ticket_for(bad.name, recipient=f"recipient{number}")
        assert post(site.report, report(ticket, bad.name, failure="corrupt"))[0] == 204

    assert bad.closing() == (4410, "recipients received wrong bytes")
    assert site.population() == 1
    exchange(site, good)


def test_one_recipient_can_not_put_a_seeder_out_alone(site):
    seeder = site.joined()
    ticket = site.ticket_for(seeder.name)

    message = report(ticket, *[seeder.name] * 3, failure="corrupt")
    assert post(site.report, message) == (400, {"error": "report: uploads must name each seeder once"})
    for _ in range(3):
        post(site.report, report(ticket, seeder.name, failure="corrupt"))

    exchange(site, seeder)
    assert site.population() == 1


# Statistics and scripts --------------------------------------------------------------------------------


def test_statistics_are_off_unless_the_app_allows_the_caller(start):
    for site in (start(), start(STATS=lambda: False)):
        with site.app.test_client() as client:
            assert client.get("/viraljs/stats.json").status_code == 404


def test_statistics_show_counts_and_sums(start):
    site = start(STATS=lambda: request.args.get("key") == "mine")
    body, _ = get(f"{site.url}/app.js")
    post(site.report, report(site.ticket_for("s"), "s"))

    with site.app.test_client() as client:
        assert client.get("/viraljs/stats.json").status_code == 404
        figures = client.get("/viraljs/stats.json?key=mine").json
    assert figures["bundles"][DIGEST]["full_responses"] == 1
    assert figures["bundles"][DIGEST]["full_bytes"] == len(body)
    assert figures["total"]["delivered_bytes_from_server"] == 70


@pytest.mark.parametrize("name", ["receive.js", "seeder.js", "sha256.js", "dependents.js"])
def test_scripts_of_the_client_are_served_under_its_version_for_ever(site, name):
    url = f"/viraljs/client/{site.state.renderer.version}/{name}"
    with site.app.test_client() as client, client.get(url) as response:
        assert (response.status_code, response.mimetype) == (200, "text/javascript")
        assert "immutable" in response.headers["Cache-Control"]
        assert "max-age=31536000" in response.headers["Cache-Control"]


def test_a_page_from_before_a_deploy_gets_the_client_of_today_and_keeps_it_for_no_other(site):
    name, today = "receive.js", site.state.renderer.version
    with site.app.test_client() as client:
        with client.get(f"/viraljs/client/{today}/{name}") as response:
            current = response.data
        with client.get(f"/viraljs/client/00000000/{name}") as response:
            assert (response.status_code, response.data) == (200, current)
            assert response.headers["Cache-Control"] == "no-cache"
            etag = response.headers["ETag"]
        with client.get(f"/viraljs/client/00000000/{name}", headers={"If-None-Match": etag}) as response:
            assert (response.status_code, response.data) == (304, b"")


@pytest.mark.parametrize("name", ["thin.js", "addition.js", "missing.js", "..%2Fblueprint.py", "../blueprint.py"])
def test_nothing_else_is_served_there(site, name):
    with site.app.test_client() as client:
        assert client.get(f"/viraljs/client/{site.state.renderer.version}/{name}").status_code == 404


def test_a_full_response_says_where_the_scripts_are(site):
    _, island = get_island(f"{site.url}/app.js")

    body, headers = get(f"{site.url}{island['base']}/{island['client']}/seeder.js")
    assert body
    assert headers["Content-Type"].startswith("text/javascript")
