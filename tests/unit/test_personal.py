"""The session, looked at without a trace and set aside. `tests/integration/test_flasks.py` runs this on old Flasks."""

import pytest
from flask import Flask, Response, session
from flask.globals import request_ctx
from flask.sessions import NullSession, SecureCookieSession, SecureCookieSessionInterface
from flask_session.base import ServerSideSession

from viraljs.personal import (
    run_and_note_writes,
    session_sets_cookie,
    session_unread,
    session_was_changed,
    session_was_read,
    set_session_aside,
)


@pytest.fixture
def app():
    app = Flask("tested", static_folder=None)
    app.secret_key = "for tests"
    return app


class Opening(SecureCookieSessionInterface):
    """Opens the session that a test has made."""

    def __init__(self, opened):
        self.opened = opened

    def open_session(self, app, request):
        return self.opened


def visiting(app, opened=None):
    if opened is not None:
        app.session_interface = Opening(opened)
    return app.test_request_context("/app.js")


def saved(app):
    """Give the headers that Flask adds for the session's sake, at the end of the request."""
    return dict(app.process_response(Response("x")).headers)


KINDS = {"of Flask": SecureCookieSession, "of Flask-Session": lambda data: ServerSideSession(data, sid="1")}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("permanent", [False, True])
def test_looking_at_a_session_leaves_no_trace(app, kind, permanent):
    opened = KINDS[kind]({"user": 1, "_permanent": permanent})
    with visiting(app, opened):
        before = dict(opened), opened.accessed, opened.modified

        looked = session_sets_cookie(), session_was_read(), session_was_changed()

        assert looked == (permanent, False, False)
        assert (dict(opened), opened.accessed, opened.modified) == before


def test_flask_says_nothing_of_a_session_that_only_we_have_looked_at(app):
    with visiting(app, SecureCookieSession({"user": 1})):
        assert not session_sets_cookie()
        assert "Vary" not in saved(app)


def test_what_others_did_to_a_session_is_seen(app):
    with visiting(app):
        session.get("user")
        assert (session_was_read(), session_was_changed(), session_sets_cookie()) == (True, False, False)
        session["user"] = 1
        assert (session_was_read(), session_was_changed(), session_sets_cookie()) == (True, True, True)
        session.clear()
        assert session_sets_cookie()
        assert session_was_read()


def test_a_null_session_is_no_session(app):
    app.secret_key = None
    with visiting(app):
        session.get("user")
        assert "user" not in session
        assert (session_was_read(), session_was_changed(), session_sets_cookie()) == (False, False, False)
        assert "Vary" not in saved(app)


def test_a_hook_of_ours_may_read_the_session_unseen(app):
    with visiting(app):
        with session_unread():
            session.get("user")
        assert not session_was_read()
        session.get("user")
        with session_unread():
            session.get("user")
        assert session_was_read()


@pytest.mark.parametrize("earlier", [False, True])
def test_what_the_view_wrote_is_told_from_what_hooks_wrote_before(app, earlier):
    with visiting(app):
        if earlier:
            session["hook"] = 1

        assert run_and_note_writes(lambda: session.get("user", "nobody")) == ("nobody", False)
        assert session_was_changed() is earlier
        assert run_and_note_writes(lambda: session.update(user=1)) == (None, True)
        assert session_was_changed()


def test_a_view_that_raises_takes_nothing_back_of_what_hooks_wrote(app):
    with visiting(app):
        session["hook"] = 1
        with pytest.raises(ZeroDivisionError):
            run_and_note_writes(lambda: 1 // 0)
        assert session_was_changed()


@pytest.mark.parametrize("kind", KINDS)
def test_a_session_that_is_set_aside_can_be_used_but_is_not_saved(app, kind):
    with visiting(app, KINDS[kind]({"user": 1, "_permanent": True, "old": 1})):
        session["seen"] = True

        assert set_session_aside()
        assert (session_was_read(), session_was_changed(), session_sets_cookie()) == (False, False, False)
        assert dict(session) == {"user": 1, "_permanent": True, "old": 1, "seen": True}
        session["later"] = 1
        session.setdefault("more", 2)
        session.update(most=3)
        del session["old"]
        assert session.pop("seen")
        assert dict(session) == {"user": 1, "_permanent": True, "later": 1, "more": 2, "most": 3}
        assert getattr(session, "sid", None) == ("1" if kind == "of Flask-Session" else None)
        assert {"Vary", "Set-Cookie"}.isdisjoint(saved(app))


def test_an_interface_with_a_null_session_of_its_own_gets_that_one(app):
    class Nothing(NullSession):
        pass

    with visiting(app, SecureCookieSession({"user": 1})):
        app.session_interface.null_session_class = Nothing
        session["seen"] = True

        assert set_session_aside()
        assert type(request_ctx.session) is Nothing
        assert {"Vary", "Set-Cookie"}.isdisjoint(saved(app))


def test_an_interface_that_saves_whatever_it_gets_keeps_its_session(app):
    with visiting(app, SecureCookieSession({"user": 1})):
        app.session_interface.is_null_session = lambda _: False
        session["seen"] = True

        assert not set_session_aside()
        assert "Set-Cookie" in saved(app)
