"""Tickets and proofs: what holds, and what does not."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import Clock
from viraljs.errors import TokenError
from viraljs.tickets import MARK_CHARACTERS, Ticket, Tickets, name_group, name_swarm

DIGEST, OTHER = "ab" * 32, "cd" * 32
TICKET = Ticket("recipient", DIGEST, ("near", "far"))
LIFETIME = 120
FORGERIES: dict[str, Callable[[str], str]] = {
    "another seeder": lambda token: token.replace("near", "mine"),
    "another digest": lambda token: token.replace(DIGEST, OTHER),
    "another signature": lambda token: token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
    "another time": lambda token: ".".join((token.split(".")[0], "AAAA", token.split(".")[2])),
    "no signature": lambda token: token.rsplit(".", 1)[0],
    "nothing": lambda _: "",
    "a word": lambda _: "nonsense",
    "three words": lambda _: "a.b.c",
    "half a surrogate pair": lambda _: "\ud800",
    "not ASCII": lambda _: "é.é.é",
}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def tickets(clock):
    return Tickets([b"secret"], LIFETIME, clock)


def test_a_ticket_comes_back_as_it_was_issued(tickets):
    assert tickets.read(tickets.issue(TICKET)) == TICKET


def test_a_browser_can_read_who_may_be_asked(tickets):
    assert tickets.issue(TICKET).split(".")[0].split("~") == [f"{DIGEST}-0", "recipient", "near", "far"]


def test_a_ticket_holds_for_its_lifetime_and_no_longer(tickets, clock):
    token = tickets.issue(TICKET)

    clock.advance(LIFETIME)
    assert tickets.read(token) == TICKET
    clock.advance(1)
    with pytest.raises(TokenError, match="expired"):
        tickets.read(token)


def test_an_expired_ticket_still_tells_who_it_was_for(tickets, clock):
    token = tickets.issue(TICKET)
    clock.advance(LIFETIME * 100)

    assert tickets.recall(token) == TICKET
    with pytest.raises(TokenError, match="expired"):
        tickets.recall(token, LIFETIME)


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_ticket_is_refused(tickets, forgery):
    token = FORGERIES[forgery](tickets.issue(TICKET))

    for read in (tickets.read, tickets.recall):
        with pytest.raises(TokenError, match="not issued by this server"):
            read(token)


@given(st.text(st.characters()) | st.from_regex(r"[\w~]+\.\w+\.[\w-]+"))
def test_no_text_is_a_ticket_or_a_proof(text):
    tickets = Tickets([b"secret"], LIFETIME, Clock())

    with pytest.raises(TokenError):
        tickets.read(text)
    with pytest.raises(TokenError):
        tickets.check_proof(text, DIGEST)


def test_a_ticket_of_another_app_is_refused(tickets, clock):
    with pytest.raises(TokenError):
        Tickets([b"another secret"], LIFETIME, clock).read(tickets.issue(TICKET))


def test_an_old_secret_still_verifies_and_the_new_one_signs(tickets, clock):
    token = tickets.issue(TICKET)
    rotated = Tickets([b"secret", b"new"], LIFETIME, clock)

    assert rotated.read(token) == TICKET
    rotated.check_proof(tickets.prove(DIGEST), DIGEST)
    with pytest.raises(TokenError):
        tickets.read(rotated.issue(TICKET))


def test_a_proof_holds_for_its_digest_only_and_does_not_age(tickets, clock):
    proof = tickets.prove(DIGEST)
    clock.advance(1e9)

    tickets.check_proof(proof, DIGEST)
    with pytest.raises(TokenError):
        tickets.check_proof(proof, OTHER)
    assert tickets.prove(DIGEST) == proof, "a full response must not change from request to request"


def test_a_ticket_proves_its_digest_too_however_old(tickets, clock):
    token = tickets.issue(TICKET)
    clock.advance(1e9)

    tickets.check_proof(token, DIGEST)
    with pytest.raises(TokenError, match="another digest"):
        tickets.check_proof(token, OTHER)


def test_a_proof_is_no_ticket(tickets):
    with pytest.raises(TokenError):
        tickets.read(tickets.prove(DIGEST))
    with pytest.raises(TokenError):
        tickets.read(f"{DIGEST}.{tickets.prove(DIGEST)}")


def test_an_exchange_is_named_after_both_ends():
    assert Ticket("recipient", "ab" * 32, ("seeder",)).exchange("seeder") == "recipient.seeder"


def test_a_ticket_tells_size_and_group(tickets):
    ticket = Ticket("recipient", DIGEST, ("near",), 1_000, name_group("red"))

    token = tickets.issue(ticket)

    assert tickets.read(token) == ticket
    assert "red" not in token, "browsers need not know what a site calls its groups"
    assert tickets.check_proof(token, DIGEST) == name_group("red")


def test_a_proof_is_for_a_group(tickets):
    red, blue = name_group("red"), name_group("blue")
    proof = tickets.prove(DIGEST, red)

    assert tickets.check_proof(proof, DIGEST) == red
    assert tickets.check_proof(tickets.prove(DIGEST), DIGEST) == ""
    for forged in (
        proof.replace(red, blue),
        proof.split(":")[1],
        f":{proof.split(':')[1]}",
        f"{red}:{tickets.prove(DIGEST)}",
    ):
        with pytest.raises(TokenError):
            tickets.check_proof(forged, DIGEST)
    with pytest.raises(TokenError):
        tickets.check_proof(proof, OTHER)


def test_swarms_of_two_groups_and_of_no_group_have_three_names():
    assert len({name_swarm(DIGEST, name_group(name)) for name in ("red", "blue", "")}) == 3
    assert name_swarm(DIGEST, "") == DIGEST


# Marks of direct addresses ---------------------------------------------------------------------------


def test_a_mark_holds_for_its_url_on_its_host_and_never_ages(tickets, clock):
    mark = tickets.mark_direct("/app.js?v=1", "a.example")
    clock.now += 1e9
    assert mark == tickets.mark_direct("/app.js?v=1", "a.example")
    assert tickets.check_direct(mark, "/app.js?v=1", "a.example")
    for url, host in [("/app.js", "a.example"), ("/app.js?v=2", "a.example"), ("/app.js?v=1", "b.example")]:
        assert not tickets.check_direct(mark, url, host)


@pytest.mark.parametrize("mark", ["", "nonsense", "\ud800", "é" * 22])
def test_a_mark_that_was_made_up_does_not_hold(tickets, mark):
    assert not tickets.check_direct(mark, "/app.js", "a.example")


def test_a_mark_of_an_older_secret_holds(clock):
    older, both = Tickets([b"old"], LIFETIME, clock), Tickets([b"old", b"new"], LIFETIME, clock)
    assert both.check_direct(older.mark_direct("/app.js", "a.example"), "/app.js", "a.example")
    assert both.mark_direct("/app.js", "a.example") != older.mark_direct("/app.js", "a.example")


def test_a_mark_is_short():
    assert len(Tickets([b"secret"], LIFETIME, Clock()).mark_direct("/app.js", "a.example")) == MARK_CHARACTERS


def test_a_ticket_of_any_age_tells_its_recipient_and_a_proof_tells_none(tickets, clock):
    token = tickets.issue(Ticket("me", "ab" * 32, ("a",)))
    clock.now += 1e9
    assert tickets.recipient_of(token) == "me"
    assert tickets.recipient_of(tickets.prove("ab" * 32)) is None
    assert tickets.recipient_of("nonsense") is None
