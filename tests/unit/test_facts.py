"""What is read from a Flask request and response."""

import pytest
from flask import Flask, Response, session

from tests.support.visits import SCRIPT
from viraljs.facts import bundle_url, personal_reason, request_facts, response_facts


@pytest.fixture
def app():
    app = Flask("tested", static_folder=None)
    app.secret_key = "for tests"
    return app


def visiting(app, url="/app.js", **options):
    return app.test_request_context(url, **{"headers": SCRIPT, **options})


# The URL ---------------------------------------------------------------------------------------------


def name_value(value):
    """Give a test's parameter a name that is the same in each process, be it a set."""
    return str(sorted(value) if isinstance(value, set) else value)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/app.js", "/app.js"),
        ("/app.js?v=1", "/app.js?v=1"),
        ("/app.js?viraljs=direct", "/app.js"),
        ("/app.js?v=1&viraljs=direct", "/app.js?v=1"),
        ("/app.js?viraljs=script&v=1", "/app.js?v=1"),
        ("/app.js?v=1&viraljs=direct&w=2", "/app.js?v=1&w=2"),
        ("/app.js?v=a%2Fb+c%20d", "/app.js?v=a%2Fb+c%20d"),
        ("/app.js?viraljsx=1", "/app.js?viraljsx=1"),
        ("/app.js?", "/app.js"),
        ("/h%C3%A9%20llo.js", "/h%C3%A9%20llo.js"),
        ("/a%3Fb%23c%25.js", "/a%3Fb%23c%25.js"),
    ],
)
def test_the_url_of_a_bundle_is_the_one_asked_for_without_our_parameter(app, asked, expected):
    with visiting(app, asked):
        assert bundle_url() == expected


def test_the_url_begins_where_the_app_is_mounted(app):
    with visiting(app, "/app.js", base_url="http://localhost/mounted"):
        assert bundle_url() == "/mounted/app.js"


# The request -----------------------------------------------------------------------------------------


def test_a_script_element_of_chrome(app):
    with visiting(app):
        facts = request_facts()

    assert (facts.method, facts.fetch_dest, facts.fetch_mode, facts.fetch_site) == (
        "GET",
        "script",
        "no-cors",
        "same-origin",
    )
    assert (facts.direct, facts.marked, facts.has_range, facts.save_data, facts.authorized) == (False,) * 5
    assert (facts.origin, facts.from_cache) == (None, False)
    assert (facts.plain_http, facts.purpose, facts.failures, facts.consent, facts.kept) == (False, None, 0, None, ())


@pytest.mark.parametrize(
    ("headers", "fact", "value"),
    [
        ({"Range": "bytes=0-"}, "has_range", True),
        ({"Sec-Purpose": "prefetch"}, "purpose", "prefetch"),
        ({"Cookie": "viraljs_worker=passes"}, "worker", "passes"),
        ({"Purpose": "prefetch"}, "purpose", "prefetch"),
        ({"X-Moz": "prefetch"}, "purpose", "prefetch"),
        ({"Save-Data": "On"}, "save_data", True),
        ({"Save-Data": "off"}, "save_data", False),
        ({"Origin": "http://localhost"}, "origin", None),
        ({"Origin": "http://localhost:5001"}, "origin", "http://localhost:5001"),
        ({"Origin": "null"}, "origin", "null"),
        ({"Accept": "application/vnd.viraljs.cached"}, "from_cache", True),
        ({"Accept": "*/*"}, "from_cache", False),
        ({"Authorization": "Basic eDp5"}, "authorized", True),
        ({"Cookie": "viraljs_failures=2"}, "failures", 2),
        ({"Cookie": "viraljs_failures=many"}, "failures", 0),
        ({"Cookie": "viraljs_failures=-1"}, "failures", 0),
        ({"Cookie": "viraljs_failures=\u0663"}, "failures", 0),
        ({"Cookie": "viraljs_failures=" + "9" * 5_000}, "failures", 0),
        ({"Cookie": "viraljs_consent=1"}, "consent", True),
        ({"Cookie": "viraljs_consent=0"}, "consent", False),
        ({"Cookie": "viraljs_consent=yes"}, "consent", False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_request_says(app, headers, fact, value):
    with visiting(app, headers=headers):
        assert getattr(request_facts(), fact) == value


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://localhost/shop/?item=1#top", "/shop/"),
        ("http://localhost/gr%C3%BC%C3%9Fe", "/gr%C3%BC%C3%9Fe"),
        ("http://localhost/", "/"),
        ("http://elsewhere/shop", None),
        ("http://localhost:81/shop", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_the_page_that_asks_is_known_by_its_path_if_it_is_of_this_host(app, referer, page):
    with visiting(app, headers={"Referer": referer} if referer else {}):
        assert request_facts().page == page


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        ("0123abcd", ["0123abcd"]),
        (".".join(["0123abcd"] * 32), ["0123abcd"] * 32),
        (".".join(["0123abcd"] * 33), ()),
        ("", ()),
        ("0123abcd.", ()),
        ("0123ABCD", ()),
        ("0123abcd.0123abc", ()),
        ("0123abcd0123abcd", ()),
        ("\u0660123abcd", ()),
        ("a" * 5_000, ()),
    ],
    ids=["one", "32", "33", "none", "a dot too many", "capitals", "too short", "no dot", "odd digits", "too long"],
)
def test_what_a_browser_says_to_have_kept(app, cookie, kept):
    with visiting(app, headers={"Cookie": f"viraljs_kept={cookie}"}):
        assert request_facts().kept == kept


@pytest.mark.parametrize(
    ("url", "direct", "marked"),
    [("/?viraljs=direct", True, False), ("/?viraljs=script", False, True), ("/?viraljs=x", False, False)],
)
def test_our_parameter(app, url, direct, marked):
    with visiting(app, url):
        assert (request_facts().direct, request_facts().marked) == (direct, marked)


@pytest.mark.parametrize(
    ("base", "plain"), [("http://192.168.1.4:5000", True), ("https://192.168.1.4", False), ("http://[::1]:80", False)]
)
def test_plain_http_is_what_browsers_do_not_trust(app, base, plain):
    with visiting(app, base_url=base):
        assert request_facts().plain_http is plain


# The response ----------------------------------------------------------------------------------------


def test_a_response_of_its_own(app):
    with visiting(app):
        facts = response_facts(Response("x", mimetype="text/javascript"))

    assert (facts.status, facts.media_type, facts.charset) == (200, "text/javascript", "utf-8")
    assert (facts.encoded, facts.private, facts.no_store, facts.sets_cookie) == (False,) * 4
    assert set(facts.vary) == set()


@pytest.mark.parametrize(
    ("headers", "fact", "value"),
    [
        ({"Content-Encoding": "gzip"}, "encoded", True),
        ({"Content-Encoding": "identity"}, "encoded", False),
        ({"Cache-Control": "private, max-age=60"}, "private", True),
        ({"Cache-Control": 'private="x-user"'}, "private", True),
        ({"Cache-Control": "no-store"}, "no_store", True),
        ({"Cache-Control": "public, max-age=60"}, "private", False),
        ({"Set-Cookie": "a=b"}, "sets_cookie", True),
        ({"Vary": "Cookie, Accept-Encoding"}, "vary", {"cookie", "accept-encoding"}),
        ({"Vary": "*"}, "vary", {"*"}),
        ({"Content-Type": "text/javascript; charset=UTF-16"}, "charset", "UTF-16"),
    ],
    ids=lambda value: name_value(value)[:40],
)
def test_what_a_response_says(app, headers, fact, value):
    with visiting(app):
        assert getattr(response_facts(Response("x", headers=headers)), fact) == value


@pytest.mark.parametrize(
    ("lines", "fact", "value"),
    [
        ([("Cache-Control", "public"), ("cache-control", "private")], "private", True),
        ([("Cache-Control", "public"), ("Cache-Control", "no-store")], "no_store", True),
        ([("Cache-Control", "Private")], "private", True),
        ([("Cache-Control", "NO-STORE")], "no_store", True),
        ([("Vary", "Accept-Encoding"), ("vary", "Cookie")], "vary", {"accept-encoding", "cookie"}),
        ([("Content-Encoding", "identity"), ("Content-Encoding", "gzip")], "encoded", True),
    ],
    ids=name_value,
)
def test_what_makes_a_response_personal_is_seen_in_every_line_and_in_any_case(app, lines, fact, value):
    with visiting(app):
        assert getattr(response_facts(Response("x", headers=lines)), fact) == value


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([], None),
        ([("Vary", "Accept-Encoding, Origin")], None),
        ([("Vary", "Accept-Encoding"), ("Vary", "cookie")], "vary"),
        ([("Vary", "*")], "vary"),
        ([("Vary", "Authorization")], "vary"),
        ([("Set-Cookie", "a=b"), ("Vary", "Cookie")], "set-cookie"),
    ],
    ids=str,
)
def test_what_became_of_a_response_in_the_end(app, lines, reason):
    with visiting(app):
        assert personal_reason(Response("x", headers=lines)) == reason


def test_the_session_counts_in_the_end_too(app):
    response = Response("x")
    with visiting(app):
        assert personal_reason(response) is None
        session.get("user")
        assert personal_reason(response) == "vary"
        session["user"] = 1
        assert personal_reason(response) == "set-cookie"


# The session -----------------------------------------------------------------------------------------


def test_looking_at_the_facts_does_not_touch_the_session(app):
    with visiting(app):
        response_facts(Response("x"))
        facts = response_facts(Response("x"))

    assert (facts.sets_cookie, set(facts.vary)) == (False, set())


def test_a_session_that_was_read_varies_by_cookie(app):
    with visiting(app):
        session.get("user")
        facts = response_facts(Response("x"))

    assert (facts.sets_cookie, set(facts.vary)) == (False, {"cookie"})


def test_the_session_does_not_count_where_the_bytes_are_the_same_for_everybody(app):
    with visiting(app):
        session["user"] = session.get("user", 1)
        facts = response_facts(Response("x", headers={"Vary": "Origin"}), public=True)

    assert (facts.sets_cookie, set(facts.vary)) == (False, {"origin"})


def test_a_session_that_was_changed_sets_a_cookie(app):
    with visiting(app):
        session["user"] = 1

        assert response_facts(Response("x")).sets_cookie


def test_a_session_that_was_emptied_deletes_a_cookie(app):
    with visiting(app):
        session["user"] = 1
        session.clear()

        assert response_facts(Response("x")).sets_cookie


def test_without_a_secret_there_is_no_session_to_worry_about(app):
    app.secret_key = None
    with visiting(app):
        assert not response_facts(Response("x")).sets_cookie
