"""`@viral.bundle(public=True)` and `VIRALJS_PUBLIC`: with hooks and extensions that know their visitor.

`test_flasks.py` runs this on old Flasks.
"""

from importlib.metadata import version

import pytest
from cachelib import SimpleCache
from flask import Flask, Response, after_this_request, redirect, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, login_user
from flask_session import Session

from tests.support.visits import BUNDLE, SCRIPT, add_seeder, delivery_of, new_app, serve_bundle, visit
from viraljs import ConfigurationError, ViralJS
from viraljs.signals import response_decided

RECENT = tuple(map(int, version("flask").split("."))) >= (3, 1, 3)
"""From here on Flask notices `name in session`, too."""


def set_cookie(response):
    response.set_cookie("tracker", "1")
    return response


def write_session(response=None):
    session["seen"] = session.get("seen", 0) + 1
    return response


def read_session(response=None):
    session.get("seen")
    return response


def vary_by_cookie(response):
    response.headers.add("Vary", "Accept-Encoding")
    response.headers.add("Vary", "Cookie")
    return response


HOOKS = [set_cookie, write_session, read_session, vary_by_cookie]


def is_impersonal(response):
    return "Set-Cookie" not in response.headers and "cookie" not in ", ".join(response.headers.getlist("Vary")).lower()


def of_everybody(view=lambda: BUNDLE, hook=None, **options):
    app = new_app()
    if hook is not None:
        app.after_request(hook)
    serve_bundle(app, view, **{"public": True, **options})
    return app


def client_of(app, **stored):
    client = app.test_client()
    with client.session_transaction() as opened:
        opened.update(stored)
    return client


# What does not count -----------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook.__name__)
@pytest.mark.parametrize(
    ("asked", "kind", "status"),
    [
        ({}, "full", 200),
        ({"seeded": True}, "thin", 200),
        ({"url": "/app.js?viraljs=direct"}, "untouched; reason=direct", 200),
        ({"url": "/app.js?viraljs=direct", "headers": {"Range": "bytes=0-9"}}, "untouched; reason=direct", 206),
        ({"headers": {"Save-Data": "on"}}, "untouched; reason=save-data", 200),
        ({"headers": {"If-None-Match": "*"}}, "untouched; reason=not-modified", 304),
        ({"headers": {"Accept": "application/vnd.viraljs.cached"}}, "untouched; reason=not-cached", 204),
    ],
    ids=["full", "thin", "direct", "range", "untouched", "not modified", "not cached"],
)
def test_what_hooks_do_for_one_visitor_is_not_sent(hook, asked, kind, status):
    asked = dict(asked)
    app = of_everybody(hook=hook)
    if asked.pop("seeded", False):
        add_seeder(app, BUNDLE)

    response = visit(app, **asked)

    assert (response.status_code, delivery_of(response)) == (status, kind)
    assert is_impersonal(response)
    assert hook is not vary_by_cookie or "Accept-Encoding" in response.headers["Vary"]


@pytest.mark.parametrize("hook", [write_session, read_session])
def test_hooks_before_the_view_do_not_count_either(hook):
    app = of_everybody()
    app.before_request(hook)

    response = visit(app)

    assert delivery_of(response) == "full"
    assert is_impersonal(response)


def test_a_view_may_read_the_session():
    def view():
        session.get("seen")
        return BUNDLE

    response = visit(of_everybody(view))

    assert delivery_of(response) == "full"
    assert is_impersonal(response)


def test_a_permanent_session_is_refreshed_by_the_next_page():
    app = of_everybody()
    app.add_url_rule("/", "page", lambda: "page")
    client = client_of(app, user=1, _permanent=True)

    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "full"
        assert is_impersonal(response)
    assert "Set-Cookie" in client.get("/").headers


def test_what_runs_later_finds_the_session():
    app = of_everybody()
    client = client_of(app, user=1)
    found = []
    response_decided.connect(lambda *_, **__: found.append(session["user"]), app, weak=False)

    def leave(_):
        session["left"] = True
        found.append(session["user"])

    app.teardown_request_funcs[None] = [leave]
    with client.get("/app.js", headers=SCRIPT):
        pass

    assert found == [1, 1]


def test_without_the_promise_all_is_as_before():
    assert delivery_of(visit(of_everybody(hook=set_cookie, public=False))) == "untouched; reason=set-cookie"


# What counts all the same ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Cache-Control": "private"}, "private"),
        ({"Cache-Control": "no-store"}, "no-store"),
        ({"Vary": "Cookie"}, "vary"),
        ({"Vary": "Authorization"}, "vary"),
        ({"Set-Cookie": "a=b"}, "set-cookie"),
    ],
    ids=str,
)
def test_what_the_view_itself_says_counts_and_then_nothing_is_taken_back(headers, reason):
    app = of_everybody(lambda: Response(BUNDLE, mimetype="text/javascript", headers=headers), set_cookie)

    response = visit(app)

    assert delivery_of(response) == f"untouched; reason={reason}"
    assert "tracker=1; Path=/" in response.headers.getlist("Set-Cookie")
    assert all(value in response.headers[name] for name, value in headers.items())


@pytest.mark.parametrize("hook", [None, write_session, set_cookie])
def test_a_view_that_writes_to_the_session_is_taken_at_its_word(hook):
    def view():
        session["user"] = 2
        return BUNDLE

    app = of_everybody(view)
    if hook is write_session:
        app.before_request(hook)
    elif hook is not None:
        app.after_request(hook)
    client = app.test_client()

    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "untouched; reason=set-cookie"
    with client.session_transaction() as stored:
        assert stored["user"] == 2
        assert ("seen" in stored) is (hook is write_session)


def test_a_request_with_authorization_is_left_alone():
    response = visit(of_everybody(), headers={"Authorization": "Basic eDp5"})

    assert delivery_of(response) == "untouched; reason=authorization"


@pytest.mark.parametrize("status", [302, 403])
def test_an_answer_that_is_no_bundle_keeps_its_cookies(status):
    def view():
        return redirect("/login") if status == 302 else ("No.", 403)

    response = visit(of_everybody(view, set_cookie))

    assert response.status_code == status
    assert "Set-Cookie" in response.headers


def test_an_error_that_a_hook_puts_in_a_bundles_place_keeps_its_cookies():
    response = visit(of_everybody(hook=lambda _: set_cookie(Response("Busy.", 503))))

    assert (response.status_code, response.data) == (503, b"Busy.")
    assert "Set-Cookie" in response.headers


def test_an_app_in_which_viraljs_is_off_is_as_without_it():
    app = new_app(ENABLED=False)
    app.after_request(set_cookie)
    serve_bundle(app, lambda: BUNDLE, public=True)

    response = visit(app)

    assert delivery_of(response) == "untouched; reason=disabled"
    assert "Set-Cookie" in response.headers


def test_a_session_interface_that_saves_null_sessions_makes_the_promise_void():
    class Saving(SecureCookieSessionInterface):
        def is_null_session(self, obj):
            return False

    app = of_everybody()
    app.session_interface = Saving()
    app.before_request(lambda: write_session() and None)

    response = visit(app)

    assert delivery_of(response) == "untouched; reason=set-cookie"
    assert "Set-Cookie" in response.headers


@pytest.mark.parametrize("public", [False, True])
def test_a_session_that_is_a_plain_dict_is_asked_for_nothing_and_breaks_nothing(public):
    class Plain(SecureCookieSessionInterface):
        def open_session(self, app, request):
            return {}

        def save_session(self, app, session, response):
            pass

    app = of_everybody(public=public)
    app.session_interface = Plain()

    response = visit(app)

    assert response.status_code == 200
    assert response.data.startswith(BUNDLE)


def test_vary_by_everything_is_not_taken_back():
    def vary(response):
        response.headers["Vary"] = "*"
        return response

    assert delivery_of(visit(of_everybody(hook=vary))) == "untouched; reason=vary"


# How it is said ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patterns", "public", "kind"),
    [
        ([], None, "untouched; reason=set-cookie"),
        (["/app.js"], None, "full"),
        (["*.js"], None, "full"),
        (["/static/*", "/a*"], None, "full"),
        (["/b*"], None, "untouched; reason=set-cookie"),
        (["*"], False, "untouched; reason=set-cookie"),
        (["/b*"], True, "full"),
    ],
    ids=str,
)
def test_patterns_and_the_decorator(patterns, public, kind):
    app = new_app(PUBLIC=patterns)
    app.after_request(set_cookie)
    serve_bundle(app, lambda: BUNDLE, public=public)

    for environ in ({}, {"SCRIPT_NAME": "/mounted"}):
        assert delivery_of(visit(app, environ_overrides=environ)) == kind


def test_static_files(tmp_path):
    (tmp_path / "app.js").write_bytes(BUNDLE)
    (tmp_path / "app.css").write_bytes(BUNDLE)
    app = Flask("tested", static_folder=tmp_path, static_url_path="/static")
    app.config.update(SECRET_KEY="for tests", VIRALJS_MIN_SIZE=1, VIRALJS_STATIC=["*.js"], VIRALJS_PUBLIC=["/static/*"])
    ViralJS(app)
    app.after_request(set_cookie)

    response = visit(app, "/static/app.js")
    style = visit(app, "/static/app.css")

    assert delivery_of(response) == "full"
    assert is_impersonal(response)
    assert "Set-Cookie" in style.headers, "none of ours"


def test_what_can_not_be_meant_is_an_error():
    with pytest.raises(ConfigurationError, match=r"^@viral\.bundle\(public=…\) must be True or False, not 'yes'$"):
        ViralJS().bundle(public="yes")  # type: ignore[call-overload]


# Extensions ------------------------------------------------------------------------------------------


def logging_in(app):
    class User(UserMixin):  # type: ignore[misc]
        id = "1"

    manager = LoginManager(app)
    manager.user_loader(lambda _: User())
    app.config["REMEMBER_COOKIE_REFRESH_EACH_REQUEST"] = True

    @app.get("/login")
    def login():
        login_user(User(), remember=True)
        return "in"


@pytest.mark.skipif(not RECENT, reason="before 3.1.3 Flask does not notice that Flask-Login looks into the session")
def test_flask_login_is_named_by_the_log_at_once(caplog):
    app = new_app()
    LoginManager(app)
    serve_bundle(app, lambda: BUNDLE)

    assert delivery_of(visit(app)) == "untouched; reason=vary"

    [message] = [record.getMessage() for record in caplog.records if "left alone" in record.getMessage()]
    assert message == (
        "ViralJS: /app.js is left alone (untouched; reason=vary): flask_login.login_manager.LoginManager."
        "_update_remember_cookie reads the session, so that Flask adds Vary: Cookie; if these bytes are the same for "
        "everybody, say so: @viral.bundle(public=True)"
    )


def test_flask_login_without_a_secret_has_a_null_session():
    app = new_app()
    app.secret_key = None
    LoginManager(app)
    serve_bundle(app, lambda: BUNDLE)

    assert delivery_of(visit(app)) == "full"


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
def test_the_remember_cookie_of_flask_login_is_not_sent_on_a_public_bundle():
    app = new_app(PUBLIC=["/app.js"])
    logging_in(app)
    serve_bundle(app, lambda: BUNDLE)
    serve_bundle(app, lambda: BUNDLE, "/own.js")
    client = app.test_client()
    assert "remember_token" in client.get("/login").headers["Set-Cookie"]

    with client.get("/own.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "untouched; reason=set-cookie"
        assert "remember_token" in response.headers["Set-Cookie"]
    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "full"
        assert is_impersonal(response)


def with_sessions(**config):
    app = new_app(**config)
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    Session(app)
    serve_bundle(app, lambda: BUNDLE)
    app.add_url_rule("/in", "in", lambda: str(session.setdefault("user", 1)))
    client = app.test_client()
    client.get("/in")
    return client


def test_the_cookie_of_flask_session_is_not_sent_on_a_public_bundle():
    client = with_sessions(PUBLIC=["*.js"])

    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "full"
        assert is_impersonal(response)


@pytest.mark.parametrize("permanent", [True, False])
def test_a_session_of_flask_session_that_nobody_reads(permanent):
    client = with_sessions()
    client.application.session_interface.permanent = permanent
    client = client.application.test_client()
    client.get("/in")

    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == ("untouched; reason=set-cookie" if permanent else "full")
        assert is_impersonal(response) is not permanent


@pytest.mark.parametrize("decorated", [True, False])
def test_a_session_that_nobody_reads_leaves_no_trace(decorated):
    app = new_app()
    if decorated:
        serve_bundle(app, lambda: BUNDLE)
    else:
        app.add_url_rule("/app.js", "app_js", lambda: BUNDLE)

    with client_of(app, user=1).get("/app.js", headers=SCRIPT) as response:
        assert "Vary" not in response.headers


def test_a_cookie_that_the_view_has_set_later_is_one_of_a_hook():
    def view():
        after_this_request(set_cookie)
        return BUNDLE

    assert is_impersonal(visit(of_everybody(view)))
