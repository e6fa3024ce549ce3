"""Which hook made a bundle personal, as the log says it."""

import functools

import pytest
from flask import Blueprint, Flask, Response, after_this_request, current_app, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from tests.support.visits import BUNDLE, SCRIPT, delivery_of, new_app, serve_bundle, visit
from viraljs import ViralJS

HERE = __name__


def read_in_hook(response=None):
    session.get("user")
    return response


def write_in_hook(response=None):
    session["seen"] = 1
    return response


def set_cookie(response):
    response.set_cookie("tracker", "1")
    return response


def vary_by_cookie(response):
    response.vary.add("Cookie")
    return response


def vary_by_all(response):
    response.headers.add("Vary", "*")
    return response


def harmless(response=None):
    return response


async def asynchronous(response):
    return set_cookie(response)


class Extension:
    def hook(self, response):
        return set_cookie(response)

    def __call__(self, response):
        return set_cookie(response)


@pytest.fixture
def app():
    app = new_app()
    app.before_request(harmless)
    app.after_request(harmless)
    serve_bundle(app, lambda: BUNDLE)
    return app


@pytest.fixture
def told(caplog):
    def messages():
        return [record.getMessage() for record in caplog.records if "is left alone" in record.getMessage()]

    return messages


def nature_of(app):
    """Give what an app could notice of us."""
    return (
        app.ensure_sync,
        vars(app).get("ensure_sync"),
        {name: list(hooks) for name, hooks in app.after_request_funcs.items()},
        {name: list(hooks) for name, hooks in app.before_request_funcs.items()},
        dict(app.view_functions),
    )


READS = "reads the session, so that Flask adds Vary: Cookie"
WRITES = "changes the session, so that Flask sets its cookie"
LATE = [
    (read_in_hook, "read_in_hook", "vary", READS),
    (write_in_hook, "write_in_hook", "set-cookie", WRITES),
    (set_cookie, "set_cookie", "set-cookie", "sets a cookie"),
    (vary_by_cookie, "vary_by_cookie", "vary", "adds Vary: Cookie"),
    (asynchronous, "asynchronous", "set-cookie", "sets a cookie"),
    (Extension().hook, "Extension.hook", "set-cookie", "sets a cookie"),
    (Extension(), "Extension", "set-cookie", "sets a cookie"),
    (functools.partial(set_cookie), "set_cookie", "set-cookie", "sets a cookie"),
]


@pytest.mark.parametrize(
    ("hook", "name", "reason", "deed"), LATE, ids=[f"{type(one[0]).__name__} {one[1]}" for one in LATE]
)
def test_a_hook_after_the_view_is_named_once(app, told, hook, name, reason, deed):
    app.after_request(hook)
    before = nature_of(app)

    for _ in range(4):
        assert delivery_of(visit(app)) == f"untouched; reason={reason}"

    assert told() == [
        f"ViralJS: /app.js is left alone (untouched; reason={reason}): {HERE}.{name} {deed}; if these bytes are the "
        "same for everybody, say so: @viral.bundle(public=True)"
    ]
    assert nature_of(app) == before


@pytest.mark.parametrize(
    ("hook", "reason", "deed"),
    [(read_in_hook, "vary", READS), (write_in_hook, "set-cookie", WRITES)],
    ids=["reads", "writes"],
)
def test_a_hook_before_the_view_is_named(app, told, hook, reason, deed):
    app.before_request(lambda: hook() and None)
    app.before_request(functools.wraps(hook)(lambda: hook() and None))

    for _ in range(3):
        visit(app)

    [message] = told()
    assert f"reason={reason}" in message
    assert deed in message
    assert f"{HERE}.test_a_hook_before_the_view_is_named.<locals>.<lambda> {deed}" in message


def test_a_hook_that_is_alone_is_named_at_the_first_response(told):
    app = new_app()
    app.after_request(set_cookie)
    serve_bundle(app, lambda: BUNDLE)

    visit(app)

    assert f"{HERE}.set_cookie sets a cookie; " in told()[0]


def test_hooks_of_blueprints_and_of_one_request_are_named(told):
    app = new_app()
    pages = Blueprint("pages", "pages")
    pages.after_request(harmless)
    pages.after_request(set_cookie)

    def view():
        after_this_request(harmless)
        return BUNDLE

    def other_view():
        after_this_request(read_in_hook)
        return BUNDLE

    viral = ViralJS()
    pages.add_url_rule("/blue.js", "blue", viral.bundle(view))
    app.register_blueprint(pages)
    app.after_request(harmless)
    serve_bundle(app, other_view, "/own.js")

    for _ in range(2):
        for url in ("/blue.js", "/own.js"):
            visit(app, url)

    assert [f"{HERE}.set_cookie sets a cookie; " in told()[0], f"{HERE}.read_in_hook {READS}; " in told()[1]] == [
        True
    ] * 2


def reads():
    session.get("user")
    return BUNDLE


def writes():
    session["user"] = 1
    return BUNDLE


def speaks():
    return Response(BUNDLE, mimetype="text/javascript", headers={"Vary": "Cookie"})


@pytest.mark.parametrize(
    ("view", "deed", "remedy"),
    [
        (reads, READS, "if these bytes are the same for everybody, say so: @viral.bundle(public=True)"),
        (writes, WRITES, "a bundle that is the same for everybody needs none of that"),
        (speaks, "adds Vary: Cookie", "a bundle that is the same for everybody needs none of that"),
    ],
    ids=["reads", "writes", "says it"],
)
def test_the_view_itself_is_named(told, view, deed, remedy):
    app = new_app()
    app.after_request(harmless)
    serve_bundle(app, view)

    for _ in range(2):
        visit(app)

    [message] = told()
    assert message.endswith(f": the view {HERE}.{view.__name__} {deed}; {remedy}")


def test_a_hook_for_which_public_would_be_no_remedy_is_told_so(app, told):
    app.after_request(vary_by_all)

    for _ in range(2):
        assert delivery_of(visit(app)) == "untouched; reason=vary"

    [message] = told()
    assert f"{HERE}.vary_by_all puts Authorization or * into Vary; a bundle that" in message


def test_what_ran_before_all_hooks_is_told_from_them(app, told):
    class Reading(SecureCookieSessionInterface):
        def open_session(self, app, request):
            opened = SecureCookieSession({"user": 1})
            opened.accessed = True
            return opened

    app.session_interface = Reading()

    for _ in range(2):
        visit(app)

    assert (
        f"something that runs before all hooks, such as a session interface or a URL converter, {READS}; " in told()[0]
    )


def test_a_permanent_session_is_nobodys_deed(app, told):
    client = app.test_client()
    with client.session_transaction() as stored:
        stored.permanent = True
        stored["user"] = 1

    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "untouched; reason=set-cookie"

    [message] = told()
    assert "reason=set-cookie): the session is permanent, so that Flask sends its cookie with each response" in message


def test_static_files_have_their_own_line(tmp_path, told):
    (tmp_path / "app.js").write_bytes(BUNDLE)
    app = Flask("tested", static_folder=tmp_path, static_url_path="/assets")
    app.config.update(SECRET_KEY="for tests", VIRALJS_MIN_SIZE=1, VIRALJS_STATIC=["*.js"])
    ViralJS(app)
    app.after_request(set_cookie)

    visit(app, "/assets/app.js").close()

    assert told()[0].endswith('say so: VIRALJS_PUBLIC = ["/assets/*"]')
    assert told()[0].startswith("ViralJS: /assets/<path:filename> is left alone")


def test_other_requests_are_not_watched_meanwhile(app, told):
    @app.get("/page")
    def page():
        session.get("user")
        return "page"

    app.after_request(set_cookie)
    visit(app)
    assert vars(app)["ensure_sync"] is app.ensure_sync

    assert visit(app, "/page").data == b"page"
    assert app.ensure_sync(harmless)(1) == 1
    visit(app)

    assert "ensure_sync" not in vars(app)
    assert len(told()) == 1


def test_our_own_hook_is_never_named(told):
    viral = ViralJS()
    app = new_app(viral)
    app.after_request(harmless)
    app.after_request(read_in_hook)
    serve_bundle(app, lambda: BUNDLE)

    @viral.peer_group
    def group(_):
        return session.get("group", "all")

    for _ in range(2):
        visit(app)

    assert f"{HERE}.read_in_hook {READS}; " in told()[0]


def test_an_app_that_has_an_ensure_sync_of_its_own_gets_it_back(app, told):
    original = app.ensure_sync
    app.ensure_sync = own = functools.partial(original)
    app.after_request(set_cookie)

    for _ in range(2):
        visit(app)

    assert len(told()) == 1
    assert app.ensure_sync is own


def test_a_hook_that_raises_is_answered_as_ever(app, told):
    app.testing = False
    app.after_request(set_cookie)
    visit(app)

    def fail():
        raise ZeroDivisionError

    app.before_request_funcs[None].append(fail)
    assert visit(app).status_code == 500
    app.before_request_funcs[None].remove(fail)
    visit(app)
    assert len(told()) == 1


def test_views_called_through_ensure_sync_by_decorators_are_the_view(told):
    app = new_app()
    app.after_request(harmless)

    def required(view):
        @functools.wraps(view)
        def checked():
            session.get("user")
            return current_app.ensure_sync(view)()

        return checked

    serve_bundle(app, required(reads))
    for _ in range(2):
        visit(app)

    assert f"the view {HERE}.reads {READS}; " in told()[0]
