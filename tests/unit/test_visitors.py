"""Who asks: place, borders and group, and the reasons for keeping a visitor out."""

import pytest
from flask import Flask, Request, session

from tests.support.visits import new_app
from viraljs.facts import request_facts
from viraljs.nearness import inside, locate
from viraljs.state import PeerGroup, State
from viraljs.tickets import name_group
from viraljs.visitors import Asking, find_out

ADDRESS = "203.0.113.9"
HERE = locate(ADDRESS)


@pytest.fixture
def app():
    return new_app()


def asks(app: Flask, hook: PeerGroup | None = None) -> Asking | str:
    state = app.extensions["viraljs"]
    assert isinstance(state, State)
    state.peer_group = lambda: hook
    with app.test_request_context("/app.js", environ_base={"REMOTE_ADDR": ADDRESS}, headers={"X-Tenant": "red"}):
        return find_out(state, request_facts())


def close(app, border):
    for _ in range(3):
        app.extensions["viraljs"].registry.note_passage(border, failed=True)


def test_without_a_hook_all_are_of_one_group(app):
    found = asks(app)

    assert isinstance(found, Asking)
    assert (found.place, found.group, found.enclosed, found.isolated) == (HERE, "", False, False)


def test_the_hook_names_the_group_of_a_request(app):
    def tenant(request: Request) -> str:
        return request.headers["X-Tenant"]

    found = asks(app, tenant)

    assert isinstance(found, Asking)
    assert found.group == name_group("red")


def test_a_hook_may_be_asynchronous(app):
    async def tenant(_request: Request) -> str:
        return "red"

    found = asks(app, tenant)

    assert isinstance(found, Asking)
    assert found.group == name_group("red")


def test_none_keeps_a_visitor_out(app):
    assert asks(app, lambda _: None) == "group"


def test_a_hook_that_raises_keeps_its_visitor_out_and_is_logged(app, caplog):
    assert asks(app, lambda _: 1 / 0) == "group-error"

    assert "peer_group raised" in caplog.text
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("given", ["", 7, b"red", ["red"]])
def test_what_is_no_name_is_logged_with_what_would_be(app, caplog, given):
    assert asks(app, lambda _: given) == "group-error"

    assert f"must give a string that is not empty, or None, not {given!r}" in caplog.text


def test_a_hook_may_read_the_session(app):
    app.secret_key = "for tests"
    found = asks(app, lambda _: session.get("tenant", "none"))

    assert isinstance(found, Asking)


def test_networks_that_let_nothing_through_are_told(app):
    close(app, HERE.network)
    found = asks(app)
    assert isinstance(found, Asking)
    assert (found.enclosed, found.isolated) == (True, False)

    close(app, inside(HERE))
    assert asks(app) == "network"
