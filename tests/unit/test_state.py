"""What is kept for one app."""

import sys
import time
from typing import Any

import pytest
from flask import Flask

from tests.support.visits import new_app, state_of
from viraljs.config import read_settings
from viraljs.errors import InitialisationError
from viraljs.hub import Outbox
from viraljs.state import SOCKETS_ELSEWHERE, SOCKETS_IN_THREADS, State, current_state, has_room, most_sockets
from viraljs.tickets import Ticket, Tickets

TICKET = Ticket("recipient", "ab" * 32, ("seeder",))


def tickets_of(*secrets):
    return Tickets([secret.encode() for secret in secrets], 120, time.time)


def test_the_state_of_the_current_app_is_found():
    app = new_app()

    with app.app_context():
        assert current_state() is state_of(app)


def test_an_app_without_viraljs_is_told_what_to_call():
    with Flask("bare").app_context(), pytest.raises(InitialisationError, match=r"'bare'.*call viral\.init_app\(app\)"):
        current_state()


def test_tickets_are_signed_with_the_secret_of_the_app():
    app = new_app()
    app.secret_key = "a secret"

    assert tickets_of("a secret").read(state_of(app).tickets.issue(TICKET)) == TICKET


def test_a_secret_of_bytes_is_the_same_secret():
    app = new_app()
    app.secret_key = b"a secret"

    assert tickets_of("a secret").read(state_of(app).tickets.issue(TICKET)) == TICKET


def test_a_secret_set_after_init_app_counts():
    app = new_app()
    app.config["SECRET_KEY"] = "set later"

    assert tickets_of("set later").read(state_of(app).tickets.issue(TICKET)) == TICKET


def test_retired_secrets_still_verify_but_do_not_sign():
    app = new_app()
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old", "older"])
    tickets = state_of(app).tickets

    assert tickets.read(tickets_of("old").issue(TICKET)) == TICKET
    assert tickets.read(tickets_of("older").issue(TICKET)) == TICKET
    assert tickets_of("new").read(tickets.issue(TICKET)) == TICKET


def test_two_apps_without_a_secret_do_not_share_one():
    settings = read_settings({})
    one, other = State(Flask("one"), settings), State(Flask("other"), settings)

    assert one.tickets.read(one.tickets.issue(TICKET)) == TICKET
    assert other.tickets.prove(TICKET.digest) != one.tickets.prove(TICKET.digest)


def test_peer_ids_do_not_repeat():
    assert len({State.new_peer_id() for _ in range(1_000)}) == 1_000


TURN: dict[str, Any] = {"TURN_URLS": ["turn:turn.example.org"], "TURN_SECRET": "hush", "TURN_LIFETIME": 60}


def test_each_peer_gets_credentials_of_its_own_that_pass(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_000.5)
    state = state_of(new_app(RELAY=True, ICE_SERVERS=[{"urls": "stun:a"}], **TURN))

    (stun, turn), (_, other) = state.fresh_ice("me") or (), state.fresh_ice("you") or ()

    assert stun == {"urls": "stun:a"}
    assert (turn["urls"], turn["username"]) == (["turn:turn.example.org"], "1060:me")
    assert turn["credential"] != other["credential"]


@pytest.mark.parametrize("config", [{}, TURN, {"RELAY": True}], ids=["no relay", "not allowed", "nothing to allow"])
def test_without_a_relay_nobody_gets_any(config):
    assert state_of(new_app(**config)).fresh_ice("me") is None


# Sockets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "patched", "expected"),
    [
        ({"werkzeug.socket": None, "wsgi.multithread": True}, False, SOCKETS_ELSEWHERE),
        ({"gunicorn.socket": None, "wsgi.multithread": True}, False, SOCKETS_IN_THREADS),
        ({"gunicorn.socket": None, "wsgi.multithread": True}, True, SOCKETS_ELSEWHERE),
        ({"gunicorn.socket": None, "wsgi.multithread": False}, True, SOCKETS_ELSEWHERE),
        ({"gunicorn.socket": None, "wsgi.multithread": False}, False, 0),
    ],
    ids=["flask run", "gthread", "gevent", "gevent says no threads", "sync"],
)
def test_how_many_sockets_a_process_takes_depends_on_what_one_costs_there(monkeypatch, environ, patched, expected):
    app = new_app()

    class Monkey:
        @staticmethod
        def is_module_patched(_):
            return patched

    monkeypatch.setitem(sys.modules, "gevent.monkey", Monkey)
    with app.test_request_context(environ_overrides=environ):
        assert most_sockets(state_of(app)) == expected


def test_the_setting_stands_over_that():
    app = new_app(MAX_SOCKETS=7)
    with app.test_request_context():
        assert most_sockets(state_of(app)) == 7


def test_who_is_expected_takes_room_as_who_is_connected_does():
    app = new_app(MAX_SOCKETS=2)
    hub = state_of(app).hub
    with app.test_request_context():
        hub.attach("a", Outbox(lambda: None))
        assert has_room(state_of(app))
        hub.expect("b", 60)
        assert not has_room(state_of(app))
        hub.forget("b")
        assert has_room(state_of(app))
