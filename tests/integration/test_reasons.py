"""Who gets what, through HTTP: each reason for an untouched response, with what the visitor gets then."""

import io
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Response, after_this_request, request, send_file, session

from tests.support.visits import (
    BUNDLE,
    CRAWLER,
    JAVASCRIPT,
    SCRIPT,
    add_seeder,
    delivery_of,
    digest_of,
    island_of,
    new_app,
    serve_bundle,
    visit,
)
from viraljs.learning import BLOCKED, BLOCKING, DOCUMENT_WRITE
from viraljs.visitors import NO_SOCKETS

ROOT = Path(__file__).parents[2]
LAN = "http://192.168.1.4:5000"
PLAIN = {"Sec-Fetch-Dest": "", "Sec-Fetch-Mode": "", "Sec-Fetch-Site": ""}


@dataclass(frozen=True)
class Case:
    """An app with one bundle and a seeder for it, and a visit."""

    reason: str
    config: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    body: bytes = BUNDLE
    response: dict[str, str] = field(default_factory=dict)
    request: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    url: str = "/app.js"


RESPONSES = [
    Case("disabled", {"ENABLED": False}),
    Case("status", status=404),
    Case("status", status=201),
    Case("status", status=500),
    Case("media-type", response={"Content-Type": "text/css"}),
    Case("media-type", response={"Content-Type": "application/json"}),
    Case("charset", response={"Content-Type": "text/javascript; charset=utf-16"}),
    Case("charset", body=b"\xff\xfe" + BUNDLE.decode().encode("utf-16-le")),
    Case("charset", body=b"\xfe\xff" + BUNDLE.decode().encode("utf-16-be")),
    Case("encoded", response={"Content-Encoding": "gzip"}),
    Case("encoded", response={"Content-Encoding": "br"}),
    Case("set-cookie", response={"Set-Cookie": "user=1"}),
    Case("private", response={"Cache-Control": "private, max-age=60"}),
    Case("no-store", response={"Cache-Control": "no-store"}),
    Case("vary", response={"Vary": "Cookie"}),
    Case("vary", response={"Vary": "Accept, authorization"}),
    Case("vary", response={"Vary": "*"}),
    Case("small", {"MIN_SIZE": len(BUNDLE) + 1}),
    Case("empty", body=b""),
]
REQUESTS = [
    Case("direct", url="/app.js?viraljs=direct"),
    Case("direct", url="/app.js?v=1&viraljs=direct"),
    Case("method", options={"method": "HEAD"}, body=BUNDLE),
    Case("method", options={"method": "POST"}),
    Case("authorization", request={"Authorization": "Bearer x"}),
    Case("range", request={"Range": "bytes=0-"}),
    Case("prefetch", request={"Sec-Purpose": "prefetch"}),
    Case("prefetch", request={"Purpose": "prefetch"}),
    Case("prefetch", request={"X-Moz": "prefetch"}),
    Case("crawler", request={"User-Agent": CRAWLER}),
    Case("in-app", request={"User-Agent": f"{SCRIPT['User-Agent']} [FBAN/FBIOS]"}),
    Case("save-data", request={"Save-Data": "on"}),
    Case("fetch", request={"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}),
    Case("worker", request={"Sec-Fetch-Dest": "worker", "Sec-Fetch-Mode": "same-origin"}),
    Case("worker", request={"Sec-Fetch-Dest": "sharedworker", "Sec-Fetch-Mode": "same-origin"}),
    Case("worker", request={"Sec-Fetch-Dest": "serviceworker", "Sec-Fetch-Mode": "same-origin"}),
    Case("destination", request={"Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}),
    Case("destination", request={"Sec-Fetch-Dest": "paintworklet", "Sec-Fetch-Mode": "cors"}),
    Case("module", request={"Sec-Fetch-Mode": "navigate"}),
    Case("cross-origin", request={"Sec-Fetch-Site": "cross-site"}),
    Case("cross-origin", request={"Sec-Fetch-Site": "same-site"}),
    Case("old-browser", request=PLAIN),
    Case("old-browser", request={**PLAIN, "User-Agent": "curl/8.5.0"}),
    Case("plain-http", request=PLAIN, options={"base_url": LAN}),
    Case("plain-http", {"PLAIN_HTTP": "never"}, request=PLAIN, options={"base_url": LAN}, url="/app.js?viraljs=script"),
    Case(
        "old-browser",
        {"PLAIN_HTTP": "always"},
        request={**PLAIN, "User-Agent": "curl/8.5.0"},
        options={"base_url": LAN},
    ),
    Case("breaker", request={"Cookie": "viraljs_failures=3"}),
    Case("breaker", {"BREAKER_FAILURES": 1}, request={"Cookie": "viraljs_failures=1"}),
]


def named(*cases):
    """Give cases as parameters with names that tell them apart."""
    return [pytest.param(case, id=f"{case.reason}{number}") for number, case in enumerate(cases)]


def visit_of(case):
    """Make the app, and the visit."""

    def view():
        headers = {"Content-Type": JAVASCRIPT, "Cache-Control": "public, max-age=60", **case.response}
        return Response(case.body, case.status, headers)

    app = new_app(**case.config)
    view.methods = ["GET", "POST"]  # type: ignore[attr-defined]
    view.provide_automatic_options = True  # type: ignore[attr-defined]
    serve_bundle(app, view)
    add_seeder(app, case.body)
    return visit(app, case.url, case.request, **case.options)


@pytest.mark.parametrize("case", named(*RESPONSES))
def test_a_response_that_is_nobody_elses_business_is_left_alone(case):
    response = visit_of(case)

    assert delivery_of(response) == f"untouched; reason={case.reason}"
    assert (response.status_code, response.data) == (case.status, case.body)
    expected = {"Cache-Control": "public, max-age=60", **case.response}
    assert {name: response.headers[name] for name in expected} == expected


@pytest.mark.parametrize("case", named(*REQUESTS))
def test_a_visitor_who_has_no_use_for_it_gets_the_plain_bytes(case):
    response = visit_of(case)

    assert delivery_of(response) == f"untouched; reason={case.reason}"
    assert response.data == (b"" if case.options.get("method") == "HEAD" else BUNDLE)
    assert response.headers["Content-Type"] == JAVASCRIPT
    assert response.content_length == len(BUNDLE)


@pytest.mark.parametrize("case", named(*REQUESTS))
def test_no_shared_cache_hands_the_plain_bytes_to_the_next_visitor(case):
    control = visit_of(case).headers["Cache-Control"]

    assert ("public" in control) is (case.reason == "direct")
    assert ("private" in control) is (case.reason != "direct")
    assert "max-age=60" in control


@pytest.mark.parametrize(
    "case",
    named(
        Case(""),
        Case("", request={"Cookie": "viraljs_failures=2"}),
        Case("", request={"Cookie": "other=1"}),
        Case("", request={"Save-Data": "off"}),
        Case("", {"PLAIN_HTTP": "always"}, request=PLAIN, options={"base_url": LAN}),
        Case("", request=PLAIN, options={"base_url": LAN}, url="/app.js?viraljs=script"),
        Case("", options={"base_url": "https://www.example.org"}),
        Case("", response={"Vary": "Accept-Encoding"}),
        Case("", response={"Content-Encoding": "identity"}),
        Case("", response={"Content-Type": "application/javascript"}),
        Case("", {"MIN_SIZE": len(BUNDLE)}),
    ),
)
def test_everybody_else_gets_the_thin_client(case):
    response = visit_of(case)

    assert delivery_of(response) == "thin"
    assert island_of(response.data)["digest"] == digest_of(BUNDLE)


@pytest.mark.parametrize(
    ("setting", "cookie", "kind"),
    [(False, None, "thin"), (False, "1", "thin"), (False, "0", "full"), (True, None, "full"), (True, "1", "thin")],
)
def test_nobody_is_introduced_who_did_not_consent(setting, cookie, kind):
    app = new_app(CONSENT=setting)
    serve_bundle(app, lambda: BUNDLE)
    add_seeder(app, BUNDLE)

    response = visit(app, headers={"Cookie": f"viraljs_consent={cookie}"} if cookie else {})

    assert delivery_of(response) == kind
    assert island_of(response.data)["consent"] is setting


def test_buffer_a_generator_is_too_long():
    app = new_app(MAX_BUFFER=10)
    serve_bundle(app, lambda: (part for part in (BUNDLE[:20], BUNDLE[20:])))

    response = visit(app)

    assert (delivery_of(response), response.data) == ("untouched; reason=buffer", BUNDLE)


def test_not_modified_the_browser_has_it():
    app = new_app()
    serve_bundle(app, lambda: BUNDLE)

    response = visit(app, headers={"If-None-Match": visit(app).headers["ETag"]})

    assert (response.status_code, delivery_of(response)) == (304, "untouched; reason=not-modified")


def test_unreadable_a_file_changed_while_it_was_read(tmp_path, monkeypatch, caplog):
    class Shrinking(io.BufferedReader):
        def read(self, size=-1, /):
            return super().read(size)[:-1]

    monkeypatch.setattr("werkzeug.utils.open", lambda path, _: Shrinking(io.FileIO(path)), raising=False)
    (tmp_path / "app.js").write_bytes(BUNDLE)
    app = new_app()
    serve_bundle(app, lambda: send_file(tmp_path / "app.js", max_age=60))

    response = visit(app)

    assert delivery_of(response) == "untouched; reason=unreadable"
    assert response.data == BUNDLE[:-1]
    assert "public" not in response.headers["Cache-Control"]
    assert f"/app.js should have {len(BUNDLE)} bytes, but {len(BUNDLE) - 1} were read" in caplog.text


def test_every_reason_that_can_be_given_is_tried_here_and_documented():
    sources = "".join((ROOT / "viraljs" / f"{name}.py").read_text() for name in ("negotiation", "delivery", "visitors"))
    given = set(re.findall(r'\("([a-z-]+)", ', sources)) | set(re.findall(r'return (?:"", )?"([a-z-]+)"', sources))
    given |= set(re.findall(r'_untouched\(response, "([a-z-]+)"', sources)) | {"worker", "destination", "empty"}
    given |= {"small", "buffer", "breaker", "imports", BLOCKED, DOCUMENT_WRITE}
    elsewhere = {"not-cached", "buffer", "imports", "not-modified", "unreadable", "network", "group", "group-error"}
    given |= {BLOCKING, NO_SOCKETS}
    elsewhere |= {BLOCKED, BLOCKING, DOCUMENT_WRITE}  # test_learning.py
    elsewhere |= {NO_SOCKETS, "no-route"}  # test_socketless_servers.py, test_hosts.py
    given = given - {"thin"} | {"module-syntax", "consent"}
    elsewhere |= {"module-syntax", "consent"}  # test_modules.py
    tried = {case.reason for case in RESPONSES + REQUESTS} | elsewhere
    documented = set(re.findall(r"\* - ``([a-z-]+)``", (ROOT / "docs" / "reasons.rst").read_text()))

    given.discard("untouched")

    assert given - {"direct"} == tried - {"direct"}
    assert tried <= documented


# What is personal ------------------------------------------------------------------------------------


def personal_app(view, *, cookie=False):
    app = new_app()
    serve_bundle(app, view)
    add_seeder(app, BUNDLE)
    client = app.test_client()
    if cookie:
        with client.session_transaction() as stored:
            stored["user"] = 1
    return app, client


def reading():
    session.get("user")
    return BUNDLE


def looking():
    assert "nobody" not in session
    return BUNDLE


def writing():
    session["user"] = 1
    return BUNDLE


def clearing():
    session.clear()
    return BUNDLE


def permanent():
    session.permanent = True
    return BUNDLE


@pytest.mark.parametrize(
    ("view", "cookie", "reason"),
    [
        (reading, False, "vary"),
        (reading, True, "vary"),
        (looking, True, "vary"),
        (writing, False, "set-cookie"),
        (clearing, True, "set-cookie"),
        (permanent, True, "set-cookie"),
    ],
)
def test_a_bundle_whose_view_touched_the_session_is_left_alone(view, cookie, reason):
    _, client = personal_app(view, cookie=cookie)

    with client.get("/app.js", headers=SCRIPT) as response:
        assert (delivery_of(response), response.data) == (f"untouched; reason={reason}", BUNDLE)
        assert "Cookie" in response.headers["Vary"]
        assert ("Set-Cookie" in response.headers) is (reason == "set-cookie")


def test_a_session_that_the_view_left_alone_stands_against_nothing():
    _, client = personal_app(lambda: BUNDLE, cookie=True)

    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "thin"
        assert "Vary" not in response.headers
        assert "Set-Cookie" not in response.headers


def test_a_permanent_session_is_refreshed_with_every_response_and_stands_against_it():
    _, client = personal_app(lambda: BUNDLE)
    with client.session_transaction() as stored:
        stored.permanent = True
        stored["user"] = 1

    with client.get("/app.js", headers=SCRIPT) as response:
        assert delivery_of(response) == "untouched; reason=set-cookie"
        assert "Set-Cookie" in response.headers


# What a hook makes personal after the fact -------------------------------------------------------------


def set_cookie(response):
    response.set_cookie("tracker", "1")
    return response


def write_session(response):
    session["seen"] = True
    return response


def read_session(response):
    session.get("seen")
    return response


def vary_cookie(response):
    response.vary.add("Cookie")
    return response


HOOKS = {
    "set_cookie": (set_cookie, "set-cookie"),
    "write_session": (write_session, "set-cookie"),
    "read_session": (read_session, "vary"),
    "vary_cookie": (vary_cookie, "vary"),
}


def text():
    return Response(BUNDLE, mimetype="text/javascript", headers={"Cache-Control": "public, max-age=60", "X-Mine": "1"})


@pytest.fixture(params=["text", "file"])
def view(request, tmp_path):
    if request.param == "text":
        return text
    path = tmp_path / "app.js"
    path.write_bytes(BUNDLE)
    return lambda: send_file(path, max_age=60)


@pytest.mark.parametrize("seeded", [False, True], ids=["full", "thin"])
@pytest.mark.parametrize("registered", ["before", "after"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_makes_a_response_personal_gives_the_view_its_bytes_back(view, hook, registered, seeded):
    app = new_app()
    undecorated = new_app()
    undecorated.add_url_rule("/app.js", "app_js", view)
    function, reason = HOOKS[hook]
    serve_bundle(app, view)
    for one in (app, undecorated):
        hooks = one.after_request_funcs.setdefault(None, [])
        hooks.insert(1 if registered == "before" else len(hooks), function)
    if seeded:
        add_seeder(app, BUNDLE)

    response, expected = visit(app), visit(undecorated)

    assert delivery_of(response) == f"untouched; reason={reason}"
    assert response.data == expected.data == BUNDLE
    of_the_hour = ("Date", "Expires")
    # Flask signs a session with the second in which it does so.
    ours, theirs = (
        {
            name: value.split(".")[0] if name == "Set-Cookie" else value
            for name, value in one.headers
            if name not in ("ViralJS-Delivery", *of_the_hour)
        }
        for one in (response, expected)
    )
    assert ours == theirs


def test_hooks_of_a_blueprint_and_of_this_request_count_too():
    def view():
        after_this_request(set_cookie)
        return BUNDLE

    app = new_app()
    serve_bundle(app, view)
    add_seeder(app, BUNDLE)

    response = visit(app)

    assert (delivery_of(response), response.data) == ("untouched; reason=set-cookie", BUNDLE)


def test_what_hooks_add_besides_is_kept():
    app = new_app()
    serve_bundle(app, text)
    add_seeder(app, BUNDLE)

    @app.after_request
    def secure(response):
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return set_cookie(response) if request.args.get("cookie") else response

    for url, kind in (("/app.js", "thin"), ("/app.js?cookie=1", "untouched; reason=set-cookie")):
        response = visit(app, url)
        assert delivery_of(response) == kind
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'self'"


def test_a_hook_that_answers_by_itself_is_not_overruled():
    app = new_app()
    serve_bundle(app, text)

    @app.after_request
    def replace(_):
        return set_cookie(Response("closed for maintenance", 503))

    response = visit(app)

    assert (response.status_code, response.data) == (503, b"closed for maintenance")


@pytest.mark.parametrize("code", [b'import("./chunk.js");\n', b"import(/* webpackIgnore: true */ path);\n"])
def test_imports_a_bundle_imports_a_module_by_its_path(code):
    app = new_app()
    bundle = BUNDLE + code
    serve_bundle(app, lambda: bundle)
    add_seeder(app, bundle)

    response = visit(app)

    assert (delivery_of(response), response.data) == ("untouched; reason=imports", bundle)


def test_imports_a_file_that_is_looked_into_no_further_than_to_its_import_is_sent_whole(tmp_path):
    app = new_app()
    path = tmp_path / "app.js"
    path.write_bytes(b'import("./chunk.js");\n' + BUNDLE * 200)
    serve_bundle(app, lambda: send_file(path, mimetype="text/javascript"))

    for _ in range(2):
        response = visit(app)
        assert delivery_of(response) == "untouched; reason=imports"
        assert response.data == path.read_bytes()


@pytest.mark.parametrize("code", [b"// import('./x')\n", b'"import(1)";\n', b'a.import("./x");\n'])
def test_a_bundle_that_only_speaks_of_imports_is_delivered(code):
    app = new_app()
    bundle = BUNDLE + code
    serve_bundle(app, lambda: bundle)
    add_seeder(app, bundle)

    assert delivery_of(visit(app)) == "thin"


@pytest.mark.parametrize(("destination", "told"), [("style", 0), ("image", 0), ("script", 1)])
def test_media_type_what_is_to_be_no_script_is_none_of_the_logs_business(destination, told, caplog):
    """A decorated view of all static files gives style sheets and pictures, too."""
    app = new_app()
    serve_bundle(app, lambda: Response(b"a { }", mimetype="text/css"), "/site.css")

    answer = visit(app, "/site.css", {"Sec-Fetch-Dest": destination})

    assert delivery_of(answer) == "untouched; reason=media-type"
    assert caplog.text.count("its Content-Type is not JavaScript") == told
