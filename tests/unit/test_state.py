"""What is kept for one app."""

import time

import pytest
from flask import Flask

from tests.support.visits import new_app, state_of
from viraljs.config import read_settings
from viraljs.errors import InitialisationError
from viraljs.state import State, current_state
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
