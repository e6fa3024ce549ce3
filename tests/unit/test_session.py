"""One seeder's signaling, without a socket: a message in, effects out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.signaling import CANDIDATE, SDP
from viraljs import session as session_module
from viraljs.errors import TokenError
from viraljs.messages import Answer, Candidates, Gone, Offer, Ping, Refuse, Welcome
from viraljs.session import (
    MOST_ALIASES,
    MOST_DIGESTS,
    MOST_EXCHANGES,
    Blocking,
    Close,
    Forward,
    Freed,
    Joined,
    Left,
    Named,
    SeederSession,
    Send,
)

DIGEST = "ab" * 32
OFFER = Offer("r.me", DIGEST, SDP, ((0, 1),))
LATE = Candidates("r.me", (CANDIDATE,))


def check_proof(token, digest):
    if token != f"proof of {digest}":
        raise TokenError("the ticket was not issued by this server")
    return ""


def recipient_of(token):
    return None


def text(**message):
    return json.dumps(message)


ANSWER = text(type="answer", exchange="r.me", sdp=SDP)
LATER = text(type="candidates", exchange="r.me", candidates=[CANDIDATE])
REFUSE = text(type="refuse", exchange="r.me", reason="busy")
DONE = text(type="done", exchange="r.me")
PONG = text(type="pong")


def announce(digest=DIGEST, **progress):
    return text(type="announce", digest=digest, proof=f"proof of {digest}", **progress)


@pytest.fixture
def session():
    return SeederSession("me", check_proof, recipient_of, 65_536, heartbeat=25.0, slots=6)


@pytest.fixture
def offered(session):
    session.relayed(OFFER)
    return session


@pytest.fixture
def answered(offered):
    offered.received(ANSWER)
    return offered


def closing(effects):
    (effect,) = effects
    assert isinstance(effect, Close)
    return effect.code, effect.reason


def test_a_seeder_is_greeted_by_name(session):
    assert session.opened() == [Send(Welcome("me", 25.0, 6))]


def test_a_silent_seeder_is_asked_for_a_sign_of_life_once_and_then_let_go(session):
    assert session.silent() == [Send(Ping())]
    assert closing(session.silent()) == (4504, "no sign of life")
    assert session.received(announce()) == []


@pytest.mark.parametrize("message", [PONG, announce()], ids=["pong", "announce"])
def test_any_message_is_a_sign_of_life(session, message):
    session.silent()
    session.received(message)

    assert session.silent() == [Send(Ping())]


def test_a_proven_digest_joins_its_swarm(session):
    assert session.received(announce()) == [Joined(DIGEST, 100)]


def test_announcing_twice_is_joining_once(session):
    session.received(announce())

    assert session.received(announce()) == []


def test_a_part_joins_as_a_part_and_grows(session):
    said = [session.received(announce(progress=progress)) for progress in (0, 25, 25, 10, 100, 50)]

    assert said == [[Joined(DIGEST, 0)], [Joined(DIGEST, 25)], [], [], [Joined(DIGEST, 100)], []]
    assert session.closed() == [Left(DIGEST, complete=True)]


def test_a_seeder_may_say_once_that_the_parser_of_its_page_waits_for_the_tag(session):
    about = {"page": "/shop", "url": "/app.js?v=1"}

    assert session.received(announce(**about)) == [Blocking("/shop", "/app.js?v=1"), Joined(DIGEST, 100)]
    assert session.received(announce(**about)) == []


def test_who_has_no_proof_says_nothing_of_a_page(session):
    message = text(type="announce", digest=DIGEST, proof="forged", page="/shop", url="/app.js")

    assert closing(session.received(message))[0] == 4403


def test_who_leaves_with_a_part_never_was_complete(session):
    session.received(announce(progress=99))

    assert session.received(text(type="withdraw", digest=DIGEST)) == [Left(DIGEST, complete=False)]
    session.received(announce(progress=50))
    assert session.closed() == [Left(DIGEST, complete=False)]


def test_more_of_a_digest_needs_its_proof_again(session):
    session.received(announce(progress=50))
    forged = text(type="announce", digest=DIGEST, proof="proof of another", progress=75)

    assert closing(session.received(forged))[0] == 4403


def test_who_announces_64_digests_may_still_tell_of_more_progress(session):
    for number in range(MOST_DIGESTS):
        session.received(announce(f"{number:064x}", progress=50))

    assert session.received(announce(f"{0:064x}", progress=75)) == [Joined(f"{0:064x}", 75)]


def test_a_digest_without_its_proof_ends_the_session(session):
    forged = text(type="announce", digest=DIGEST, proof="proof of another")

    assert closing(session.received(forged)) == (4403, "the ticket was not issued by this server")


def test_a_peer_joins_as_one_of_the_group_that_its_proof_names_and_stays_in_it():
    session = SeederSession(
        "me", lambda token, _: token.partition(" ")[0], recipient_of, 65_536, heartbeat=25.0, slots=6
    )

    assert session.received(text(type="announce", digest=DIGEST, proof="red proof", progress=5)) == [
        Joined(DIGEST, 5, "red")
    ]
    assert session.received(text(type="announce", digest=DIGEST, proof="blue proof")) == [
        Close(4403, "a peer is in one group")
    ]
    assert session.closed() == [Left(DIGEST, complete=False, group="red")]


# Each thin response of a page has named its recipient; the page has one socket.


@pytest.fixture
def page():
    """A session whose proofs are tickets: the group's place is empty, and what follows is the recipient."""
    return SeederSession("me", lambda *_: "", lambda token: token or None, 65_536, heartbeat=25.0, slots=6)


def announce_with(proof, digest=DIGEST, progress=100):
    return text(type="announce", digest=digest, proof=proof, progress=progress)


def test_a_ticket_of_another_recipient_names_the_seeder_once_before_it_joins(page):
    assert page.received(announce_with("me", progress=1)) == [Joined(DIGEST, 1)]
    assert page.received(announce_with("also me", progress=2)) == [Named("also me"), Joined(DIGEST, 2)]
    assert page.received(announce_with("also me", "cd" * 32)) == [Joined("cd" * 32, 100)]


def test_a_bundle_that_the_page_had_already_names_it_all_the_same(page):
    page.received(announce_with("me"))

    assert page.received(announce_with("also me")) == [Named("also me")]


def test_a_mere_proof_names_nobody(session):
    assert session.received(announce()) == [Joined(DIGEST, 100)]


def test_one_page_has_so_many_names_at_most(page):
    said = [page.received(announce_with(f"r{number}")) for number in range(MOST_ALIASES + 5)]

    named = [effect for effects in said for effect in effects if isinstance(effect, Named)]
    assert len(named) == MOST_ALIASES


def test_a_proof_that_does_not_hold_names_nobody():
    session = SeederSession("me", check_proof, lambda _: "victim", 65_536, heartbeat=25.0, slots=6)

    assert closing(session.received(announce_with("forged")))[0] == 4403


def test_an_offer_to_another_name_is_answered_like_any(page):
    page.received(announce_with("also me"))
    offer = Offer("r.also", DIGEST, SDP, ())

    assert page.relayed(offer) == [Send(offer)]
    assert page.received(text(type="answer", exchange="r.also", sdp=SDP)) == [Forward(Answer("r.also", SDP))]
    assert closing(page.received(text(type="answer", exchange="r.third", sdp=SDP)))[0] == 4403


def test_one_peer_announces_64_digests_at_most(session):
    for number in range(MOST_DIGESTS):
        assert session.received(announce(f"{number:064x}")) == [Joined(f"{number:064x}", 100)]

    assert closing(session.received(announce(f"{MOST_DIGESTS:064x}"))) == (
        4429,
        "one peer may announce 64 digests at most",
    )


def test_a_withdrawn_digest_leaves_its_swarm(session):
    session.received(announce())

    assert session.received(text(type="withdraw", digest=DIGEST)) == [Left(DIGEST, complete=True)]
    assert session.closed() == []


def test_withdrawing_what_was_not_announced_is_out_of_order(session):
    assert closing(session.received(text(type="withdraw", digest=DIGEST))) == (
        4409,
        "withdraw names a digest that was not announced",
    )


def test_the_whole_way_of_an_exchange(session):
    assert session.relayed(OFFER) == [Send(OFFER)]
    assert session.received(ANSWER) == [Forward(Answer("r.me", SDP))]
    assert session.received(LATER) == [Forward(LATE)]
    assert session.relayed(LATE) == [Send(LATE)]
    assert session.received(DONE) == [Freed("r.me")]


def test_a_refused_offer_tells_the_recipient_and_frees_the_slot(offered):
    assert offered.received(REFUSE) == [Forward(Refuse("r.me", "busy")), Freed("r.me")]


@pytest.mark.parametrize("message", [ANSWER, LATER, REFUSE, DONE], ids=["answer", "candidates", "refuse", "done"])
def test_a_seeder_speaks_to_those_only_whom_the_server_sent(session, message):
    assert closing(session.received(message)) == (4403, "this exchange is not one of yours")


@pytest.mark.parametrize(
    ("before", "message", "said"),
    [
        ([], LATER, "the exchange is offered, not answered"),
        ([], DONE, "the exchange is offered, not answered"),
        ([ANSWER], ANSWER, "the exchange is answered, not offered"),
        ([ANSWER], REFUSE, "the exchange is answered, not offered"),
        ([ANSWER, DONE], DONE, "the exchange is over, not answered"),
        ([ANSWER, DONE], ANSWER, "the exchange is over, not offered"),
        ([REFUSE], ANSWER, "the exchange is over, not offered"),
    ],
)
def test_what_is_out_of_order_ends_the_session(offered, before, message, said):
    for earlier in before:
        offered.received(earlier)

    assert closing(offered.received(message)) == (4409, said)


def test_candidates_after_the_end_are_nobodys_business(answered):
    answered.received(DONE)

    assert answered.received(LATER) == []


def test_after_a_bad_message_nothing_more_is_heard(session):
    assert closing(session.received("{")) == (4400, "message must be JSON")
    assert session.received(announce()) == []
    assert session.received("{") == []


def test_a_message_over_the_limit_ends_the_session():
    session = SeederSession("me", check_proof, recipient_of, 100, heartbeat=25.0, slots=6)

    assert closing(session.received(" " * 101)) == (4413, "a signaling message must not exceed 100 bytes")


def test_a_closed_session_leaves_all_its_swarms_once(session):
    session.received(announce("ab" * 32))
    session.received(announce("0a" * 32))

    assert session.closed() == [Left("0a" * 32, complete=True), Left("ab" * 32, complete=True)]
    assert session.closed() == []


def test_a_closed_session_keeps_no_recipient_waiting(session):
    for name in ("asked.me", "answered.me", "refused.me"):
        session.relayed(Offer(name, DIGEST, SDP, ()))
    session.received(text(type="answer", exchange="answered.me", sdp=SDP))
    session.received(text(type="refuse", exchange="refused.me", reason="busy"))

    assert session.closed() == [Forward(Gone("asked.me"))]
    assert session.closed() == []


def test_the_oldest_of_very_many_exchanges_is_forgotten(session, monkeypatch):
    monkeypatch.setattr(session_module, "MOST_EXCHANGES", 2)
    for name in ("1.me", "2.me", "3.me"):
        session.relayed(Offer(name, DIGEST, SDP, ()))

    assert session.received(text(type="answer", exchange="3.me", sdp=SDP)) == [Forward(Answer("3.me", SDP))]
    assert closing(session.received(text(type="answer", exchange="1.me", sdp=SDP)))[0] == 4403
    assert MOST_EXCHANGES == 1_024


@given(
    st.lists(
        st.sampled_from(
            [
                announce(),
                announce(progress=50),
                ANSWER,
                LATER,
                REFUSE,
                DONE,
                text(type="withdraw", digest=DIGEST),
                PONG,
                "?",
            ]
        )
    )
)
def test_whatever_the_order_of_messages_a_slot_is_freed_once_and_a_swarm_left_once(order):
    session = SeederSession("me", check_proof, recipient_of, 65_536, heartbeat=25.0, slots=6)
    session.relayed(OFFER)

    effects = [effect for message in order for effect in session.received(message)] + session.closed()

    assert effects.count(Freed("r.me")) <= 1
    assert sum(isinstance(effect, Close) for effect in effects) <= 1
    assert effects.count(Joined(DIGEST, 100)) == effects.count(Left(DIGEST, complete=True))
    left = sum(isinstance(effect, Left) for effect in effects)
    assert left <= sum(isinstance(effect, Joined) for effect in effects)
