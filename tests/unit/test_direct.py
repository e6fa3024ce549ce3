"""The address of a bundle's plain bytes: where it leads, from wherever the app is mounted, and whom it lets through."""

import re
from urllib.parse import quote

import pytest
from flask import Flask, Response, abort, request, send_file
from flask.views import MethodView
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from tests.support.visits import (
    BUNDLE,
    JAVASCRIPT,
    SCRIPT,
    add_seeder,
    delivery_of,
    island_of,
    new_app,
    serve_bundle,
    state_of,
    visit,
)
from viraljs import ViralJS
from viraljs.direct import direct_path

TYPED = {"Content-Type": JAVASCRIPT}


@pytest.fixture
def app():
    app = new_app()
    serve_bundle(app, lambda: (BUNDLE, TYPED))
    return app


def address(app, url="/app.js", **options):
    return island_of(visit(app, url, **options).data)["direct"]


def is_plain(response):
    return (response.status_code, delivery_of(response), response.data) == (200, "untouched; reason=direct", BUNDLE)


# Where it leads --------------------------------------------------------------------------------------


def test_it_is_a_path_of_its_own_that_keeps_the_query(app):
    assert re.fullmatch(r"/viraljs/direct/[\w-]{22}/app\.js\?v=1", address(app, "/app.js?v=1"))
    assert is_plain(visit(app, address(app, "/app.js?v=1")))


def test_full_and_thin_responses_name_it_alike_and_always(app):
    full = address(app)
    add_seeder(app, BUNDLE)
    assert (delivery_of(visit(app)), address(app), address(app)) == ("thin", full, full)


def test_it_gives_what_the_query_gives(app):
    app.after_request(lambda response: response.headers.add("X-Hook", request.path) or response)
    for headers in ({}, {"Range": "bytes=3-9"}, {"If-None-Match": visit(app, address(app)).headers["ETag"]}):
        by_path, by_query = (visit(app, url, headers) for url in (address(app), "/app.js?viraljs=direct"))
        assert by_path.status_code in (200, 206, 304)
        assert (by_path.status, by_path.data) == (by_query.status, by_query.data)
        assert {**by_path.headers, "Date": ""} == {**by_query.headers, "Date": ""}
        assert by_path.headers["X-Hook"] == "/app.js"


def test_a_head_request_is_answered_too(app):
    head = visit(app, address(app), method="HEAD")
    assert (head.status_code, head.content_length, head.data) == (200, len(BUNDLE), b"")


@pytest.mark.parametrize("name", ["a b.js", "é日.js", "100%.js", "a%2Fb.js", "q?#;=&+~'.js", "a//b.js", "direct/x.js"])
def test_paths_of_any_letters_are_found_again(name):
    app = new_app()
    serve_bundle(app, lambda name: (BUNDLE, TYPED), "/js/<path:name>")
    app.url_map.merge_slashes = False
    direct = address(app, "/js/" + quote(name) + "?v=%20%C3%A9+b")
    assert direct.endswith("?v=%20%C3%A9+b")
    assert is_plain(visit(app, direct))


@pytest.mark.parametrize("prefix", ["/viraljs", "/a/b c", "/é"])
def test_it_is_below_the_prefix_that_the_app_has_chosen(prefix):
    app = new_app(URL_PREFIX=prefix)
    serve_bundle(app, lambda: (BUNDLE, TYPED))
    assert address(app).startswith(quote(prefix) + "/direct/")
    assert is_plain(visit(app, address(app)))


def test_no_word_of_the_query_makes_anything_else_of_it(app):
    add_seeder(app, BUNDLE)
    for word in ("module", "part", "script", "behind", "alone"):
        assert is_plain(visit(app, f"{address(app)}?viraljs={word}"))


def test_a_method_of_a_class_is_found_too():
    class Bundle(MethodView):
        @ViralJS().bundle
        def get(self):
            return BUNDLE, TYPED

    app = new_app()
    app.add_url_rule("/app.js", view_func=Bundle.as_view("app_js"))
    assert is_plain(visit(app, address(app)))


def test_a_file_of_the_disk_comes_in_ranges(tmp_path):
    (tmp_path / "app.js").write_bytes(BUNDLE)
    app = new_app()
    serve_bundle(app, lambda: send_file(tmp_path / "app.js"))
    part = visit(app, address(app), {"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, BUNDLE[10:20])


# Around the app --------------------------------------------------------------------------------------


def asked(client, url, **headers):
    return client.get(url, headers={**SCRIPT, **headers})


def test_an_app_below_a_prefix_names_it_with_that(app):
    client = Client(DispatcherMiddleware(Response("nothing", 404), {"/shop": app}))
    direct = island_of(asked(client, "/shop/app.js").data)["direct"]
    assert direct.startswith("/shop/viraljs/direct/")
    assert is_plain(asked(client, direct))
    assert asked(client, direct.removeprefix("/shop")).status_code == 404


class Stripping:
    """Takes a prefix away that a proxy leaves on."""

    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"].removeprefix("/shop")
        return self.app({**environ, "SCRIPT_NAME": "/shop", "PATH_INFO": path}, start_response)


@pytest.mark.parametrize("before", [True, False], ids=["before us", "after us"])
@pytest.mark.parametrize(
    ("middleware", "outside", "headers"),
    [(Stripping, "/shop", {}), (lambda app: ProxyFix(app, x_prefix=1), "", {"X-Forwarded-Prefix": "/shop"})],
    ids=["a prefix in the path", "a prefix in a header"],
)
def test_middleware_that_changes_paths_may_come_before_us_or_after(before, middleware, outside, headers):
    app = Flask("tested", static_folder=None)
    app.config.update(SECRET_KEY="for tests", VIRALJS_MIN_SIZE=1, VIRALJS_CROWD_SECONDS=0)
    if before:
        app.wsgi_app = middleware(app.wsgi_app)  # type: ignore[method-assign]
    ViralJS(app)
    if not before:
        app.wsgi_app = middleware(app.wsgi_app)  # type: ignore[method-assign]
    serve_bundle(app, lambda: (BUNDLE, TYPED))
    client = Client(app)
    direct = island_of(asked(client, f"{outside}/app.js", **headers).data)["direct"]
    assert direct.startswith("/shop/viraljs/direct/")
    assert is_plain(asked(client, outside + direct.removeprefix("/shop"), **headers))


def test_the_app_sees_the_url_of_the_bundle_and_those_around_it_what_was_asked_for(app):
    seen = {}

    @app.before_request
    def look():
        seen["inside"] = [request.environ[name] for name in ("PATH_INFO", "REQUEST_URI", "RAW_URI")]

    def outside(environ, start_response):
        environ.update(REQUEST_URI=environ["RAW_URI"], RAW_URI=environ["RAW_URI"])
        answer = app(environ, start_response)
        seen["outside"] = environ["PATH_INFO"]
        return answer

    direct = address(app, "/app.js?v=1")
    environ = {"RAW_URI": direct}
    assert is_plain(Client(outside).get(direct, environ_overrides=environ))
    assert seen["inside"] == ["/app.js", "/app.js?v=1", "/app.js?v=1"]
    assert seen["outside"] == direct.partition("?")[0]


# Whom it lets through --------------------------------------------------------------------------------


def test_without_its_mark_the_way_leads_past_what_guards_the_bundle(app):
    direct = address(app)
    *_, mark, name = direct.split("/")
    for wrong, url in (
        (direct + "?v=1", "/app.js?v=1&viraljs=direct"),
        (direct.replace(mark, "x" * len(mark)), "/app.js?viraljs=direct"),
        (direct.replace(mark, ""), "/app.js?viraljs=direct"),
        (direct.replace(mark, "é"), "/app.js?viraljs=direct"),
        (direct.replace(name, "other.js"), "/other.js?viraljs=direct"),
        (direct.replace(name, "/other.example/app.js"), "/other.example/app.js?viraljs=direct"),  # no other host
    ):
        response = visit(app, wrong)
        assert (response.status_code, response.headers["Location"]) == (302, url)
    of_another_host = visit(app, direct, base_url="http://other.example")
    assert (of_another_host.status_code, of_another_host.headers["Location"]) == (302, "/app.js?viraljs=direct")


def test_what_is_no_address_of_plain_bytes_is_not_found(app):
    direct = address(app)
    name = direct.rpartition("/")[2]
    for wrong in (direct.removesuffix("/" + name), "/viraljs/direct/"):
        assert visit(app, wrong).status_code == 404
    assert visit(app, direct, method="POST").status_code == 404


def test_a_route_that_is_no_bundle_is_not_reached_by_a_mark_either(app):
    app.add_url_rule("/plain.js", "plain", lambda: "plain")
    with app.test_request_context("/plain.js"):
        direct = direct_path(state_of(app), "/plain.js")
    assert direct is not None
    assert visit(app, direct).status_code == 404


def test_what_the_app_refuses_is_refused_here_too(app):
    closed: list[str] = []
    app.before_request(lambda: abort(401) if closed else None)
    direct = address(app)
    closed.append("for today")
    assert visit(app, direct).status_code == 401


def test_an_app_without_a_secret_of_its_own_names_no_path():
    app = new_app()
    app.secret_key = None
    serve_bundle(app, lambda: (BUNDLE, TYPED))
    assert "direct" not in island_of(visit(app).data)
