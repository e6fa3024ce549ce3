"""Extensions that keep, compress or rewrite answers, beside ViralJS: the page goes on, and the log says what to do."""

import gzip
import logging
import pickle

import brotli
import pytest
from flask import Flask, Response, abort, send_file
from flask.views import MethodView
from flask_caching import Cache
from flask_compress import Compress
from flask_compress.flask_compress import DictCache
from flask_minify import Minify

from tests.support.visits import (
    BUNDLE,
    JAVASCRIPT,
    add_seeder,
    delivery_of,
    island_of,
    new_app,
    state_of,
    visit,
)
from viraljs import ViralJS
from viraljs.direct import direct_path

FETCH = {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}
SPACED = b"var answer  =  42 ;  // spaced\n" + BUNDLE
TYPED = {"Content-Type": JAVASCRIPT}
LEAVES_FILES = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""Flask-Compress and Flask-Minify leave it to Python to close the files whose place they take, with us and without."""


@pytest.fixture
def log(caplog):
    caplog.set_level(logging.WARNING)
    # That a tool asks by fetch is told as well, and is another matter.
    return lambda: [text for record in caplog.records if "reason=fetch" not in (text := record.getMessage())]


# A cache above the decorator, or below it (Flask-Caching) --------------------------------------------


def cached_app(*, above, view=lambda: (BUNDLE, TYPED), url="/app.js"):
    """Make an app whose bundle a cache keeps; `ran` lists the calls of the view."""
    viral = ViralJS()
    app = new_app(viral)
    cache = Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    ran = []

    def app_js(**parts):
        ran.append(parts)
        return view(**parts)

    wrapped = cache.cached()(viral.bundle(app_js)) if above else viral.bundle(cache.cached()(app_js))
    app.add_url_rule(url, "app_js", wrapped)
    return app, ran


def test_below_the_decorator_a_cache_keeps_what_is_the_same_for_all(log):
    app, ran = cached_app(above=False)
    assert delivery_of(visit(app)) == "full"
    add_seeder(app, BUNDLE)
    thin = [visit(app) for _ in range(2)]
    assert [delivery_of(one) for one in thin] == ["thin", "thin"]
    assert island_of(thin[0].data)["ticket"] != island_of(thin[1].data)["ticket"]
    assert visit(app, island_of(thin[0].data)["direct"]).data == BUNDLE
    assert (len(ran), log()) == (1, [])


@pytest.mark.parametrize("first", ["full", "thin", "not-cached", "part", "range"])
def test_above_it_nobody_gets_what_was_made_for_another(log, first):
    app, _ = cached_app(above=True)
    if first == "thin":
        add_seeder(app, BUNDLE)
    asked = {
        "not-cached": {"Accept": "application/vnd.viraljs.cached"},
        "range": {"Range": "bytes=0-9"},
        "part": FETCH,
    }
    visit(app, "/app.js?viraljs=part" if first == "part" else "/app.js", asked.get(first))
    for headers in ({}, FETCH, {"Range": "bytes=0-9"}, {"User-Agent": "curl"}):
        for url in ("/app.js", "/app.js?viraljs=direct"):
            later = visit(app, url, headers)
            assert (later.status_code, delivery_of(later), later.data) == (200, "untouched; reason=replayed", BUNDLE)
            assert "no-store" not in later.headers.get("Cache-Control", "")
            assert later.content_length == len(BUNDLE)
    [line] = log()
    assert "a cache gives all visitors of /app.js what @viral.bundle made for one" in line
    assert "put @viral.bundle above @cache.cached" in line


def test_a_kept_answer_that_is_good_for_all_stays_kept_and_is_told_of(log):
    app, ran = cached_app(above=True)
    visit(app, headers=FETCH)
    assert visit(app).data == BUNDLE
    assert len(ran) == 1
    assert "put @viral.bundle above @cache.cached" in log()[0]


def test_tags_and_module_clients_get_what_they_can_use_in_its_place():
    app, _ = cached_app(above=True)
    visit(app)
    assert visit(app, "/app.js?viraljs=part", FETCH).data == b"{}"
    assert b'"url":"/app.js"' in visit(app, "/app.js?viraljs=module").data
    assert island_of(visit(app, "/app.js?viraljs=behind").data)["digest"] == ""


def test_hooks_have_their_say_on_the_view_s_own_answer(log):
    app, _ = cached_app(above=True)
    app.after_request(lambda response: response.headers.add("X-Hook", "here") or response)
    visit(app)
    assert visit(app).headers.getlist("X-Hook") == ["here"]


def test_the_view_gets_its_arguments_and_may_refuse():
    def view(name):
        return (BUNDLE + name.encode(), TYPED) if name != "none" else abort(404)

    app, ran = cached_app(above=True, view=view, url="/js/<name>")
    visit(app, "/js/one")
    assert visit(app, "/js/one").data == BUNDLE + b"one"
    assert ran[-1] == {"name": "one"}
    assert visit(app, "/js/none").status_code == 404


def test_a_cache_that_hides_the_decorated_view_is_seen_through(log):
    app = new_app()
    kept = {}

    class Bundle(MethodView):
        @ViralJS().bundle
        def get(self):
            return BUNDLE, TYPED

    def hiding(view):
        def cached():
            if "it" not in kept:
                kept["it"] = pickle.dumps(app.make_response(view()))
            return pickle.loads(kept["it"])  # noqa: S301 - our own

        return cached

    app.add_url_rule("/app.js", "app_js", hiding(Bundle.as_view("inner")))
    add_seeder(app, BUNDLE)
    assert delivery_of(visit(app)) == "thin"
    assert visit(app).data == BUNDLE
    assert len(log()) == 1


# What an answer that was kept is not good for ---------------------------------------------------------


@pytest.mark.parametrize("query", ["viraljs=direct", "viraljs=module", "viraljs=part", "viraljs=behind"])
def test_a_kept_plain_answer_is_not_given_to_whom_asks_for_something_else(query):
    app, ran = cached_app(above=True)
    visit(app, headers=FETCH)  # keeps the plain bytes
    kept = visit(app, f"/app.js?{query}")

    assert kept.status_code == 200
    assert len(ran) == 2
    assert (kept.data == BUNDLE) == (query == "viraljs=direct")


def test_plain_bytes_that_a_cache_keeps_are_found_at_their_own_address_by_everybody():
    app, _ = cached_app(above=True)
    with app.test_request_context("/app.js"):
        direct = direct_path(state_of(app), "/app.js")
    assert direct is not None
    visit(app, headers=FETCH)
    for _ in range(2):
        response = visit(app, direct, headers=FETCH)
        assert (response.status_code, response.data) == (200, BUNDLE)


def test_pages_of_other_origins_may_read_what_a_cache_has_kept():
    viral = ViralJS()
    app = new_app(viral, ORIGINS=["https://shop.example"])
    app.add_url_rule(
        "/app.js",
        "app_js",
        Cache(app, config={"CACHE_TYPE": "SimpleCache"}).cached()(viral.bundle(lambda: (BUNDLE, TYPED))),
    )
    visit(app, headers=FETCH)
    kept = visit(app, headers={**FETCH, "Origin": "https://shop.example", "Sec-Fetch-Site": "cross-site"})

    assert kept.headers["Access-Control-Allow-Origin"] == "https://shop.example"


def test_all_lines_of_a_name_that_hooks_added_go_out_with_the_view_s_own_answer():
    app, _ = cached_app(above=True)
    app.after_request(lambda response: (response.set_cookie("one", "1"), response.set_cookie("two", "2"), response)[-1])
    visit(app)
    names = {cookie.partition("=")[0] for cookie in visit(app).headers.getlist("Set-Cookie")}

    assert names == {"one", "two"}


def test_a_view_that_fails_leaves_the_cache_its_answer(log):
    fails: list[bool] = []

    def view():
        if fails:
            raise OSError("the disk is gone")
        return BUNDLE, TYPED

    app, _ = cached_app(above=True, view=view)
    visit(app)
    fails.append(True)
    kept = visit(app)

    assert kept.status_code == 200
    assert BUNDLE in kept.data
    assert [text for text in log() if "the disk is gone" in text]


# What hooks say of keeping ---------------------------------------------------------------------------


@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize(("control", "reason"), [("private, no-store", "private"), ("no-cache, no-store", "no-store")])
def test_a_hook_that_forbids_to_keep_a_bundle_is_obeyed_and_named(log, control, reason, seeded):
    app = new_app(viral := ViralJS())
    app.add_url_rule("/app.js", "app_js", viral.bundle(lambda: (BUNDLE, TYPED)))
    if seeded:
        add_seeder(app, BUNDLE)
    app.after_request(lambda response: (response.headers.set("Cache-Control", control), response)[-1])
    response = visit(app)

    assert (delivery_of(response), response.data) == (f"untouched; reason={reason}", BUNDLE)
    assert response.headers["Cache-Control"] == control
    visit(app)
    assert [text for text in log() if "a hook says so in Cache-Control" in text] == log()
    assert len(log()) == 1


@pytest.mark.parametrize(
    ("seeded", "kind", "expected"), [(False, "full", {"private", "max-age=60"}), (True, "thin", {"no-store"})]
)
def test_a_hook_that_has_scripts_kept_for_long_has_no_visitor_s_answer_given_to_others(log, seeded, kind, expected):
    app = new_app(viral := ViralJS())
    app.add_url_rule("/app.js", "app_js", viral.bundle(lambda: (BUNDLE, TYPED)))
    app.after_request(lambda response: (response.headers.set("Cache-Control", "public, max-age=60"), response)[-1])
    if seeded:
        add_seeder(app, BUNDLE)

    for _ in range(2):
        response = visit(app)
        assert delivery_of(response) == kind
        assert set(response.headers["Cache-Control"].split(", ")) == expected
    assert [text for text in log() if "/app.js" in text and "Cache-Control" in text] == log()
    assert len(log()) == 1


def test_headers_of_the_view_and_of_hooks_stand_side_by_side_in_an_answer_that_is_taken_back():
    app = new_app(viral := ViralJS())
    links = {**TYPED, "Link": "</a.css>; rel=preload"}
    app.add_url_rule("/app.js", "app_js", viral.bundle(lambda: (BUNDLE, links)))

    @app.after_request
    def add(response):
        response.headers.add("Link", "</b.css>; rel=preload")
        response.set_cookie("user", "1")
        return response

    assert visit(app).headers.getlist("Link") == ["</a.css>; rel=preload", "</b.css>; rel=preload"]


# Compression (Flask-Compress) ------------------------------------------------------------------------


def compressed_app(tmp_path=None, **config):
    viral = ViralJS()
    app = new_app(viral)
    app.config.update({f"COMPRESS_{name}": value for name, value in {"MIN_SIZE": 1, **config}.items()})
    Compress(app)
    if tmp_path is not None:
        (tmp_path / "app.js").write_bytes(BUNDLE)
    view = (lambda: (BUNDLE, TYPED)) if tmp_path is None else (lambda: send_file(tmp_path / "app.js"))
    app.add_url_rule("/app.js", "app_js", viral.bundle(view))
    return app


def unpacked(response):
    undo = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}
    return undo[response.headers.get("Content-Encoding")](response.data)


@LEAVES_FILES
@pytest.mark.parametrize("encoding", ["gzip", "br"])
@pytest.mark.parametrize("kind", ["memory", "file", "file that is not streamed"])
def test_what_is_merely_compressed_stays_as_it_is(log, encoding, kind, tmp_path):
    app = compressed_app(tmp_path if kind != "memory" else None, STREAMS=kind != "file that is not streamed")
    headers = {"Accept-Encoding": encoding}
    full = visit(app, headers=headers)
    assert delivery_of(full) == "full"
    assert unpacked(full).startswith(BUNDLE)
    add_seeder(app, BUNDLE)
    thin = visit(app, headers=headers)
    assert (delivery_of(thin), thin.headers["Content-Encoding"]) == ("thin", encoding)
    assert unpacked(visit(app, "/app.js?viraljs=direct", headers)) == BUNDLE
    assert log() == []


def test_what_a_hook_made_personal_after_it_was_compressed_is_taken_back():
    app = compressed_app()
    app.after_request_funcs[None].insert(1, lambda one: one.headers.add("Set-Cookie", "id=1") or one)
    add_seeder(app, BUNDLE)
    mine = visit(app, headers={"Accept-Encoding": "gzip"})
    assert (delivery_of(mine), mine.data) == ("untouched; reason=set-cookie", BUNDLE)
    assert "Content-Encoding" not in mine.headers


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd"])
def test_a_cache_of_compressed_answers_gives_nobody_another_s(log, encoding):
    app = compressed_app(CACHE_BACKEND=DictCache, CACHE_KEY=lambda request: request.path)
    headers = {"Accept-Encoding": encoding}
    assert delivery_of(visit(app, headers=headers)) == "full"
    add_seeder(app, BUNDLE)
    thin = [visit(app, headers=headers) for _ in range(2)]
    assert [delivery_of(one) for one in thin] == ["thin", "thin"]
    assert island_of(thin[0].data)["ticket"] != island_of(thin[1].data)["ticket"]
    assert all(one.content_length == len(one.data) for one in thin)
    assert visit(app, "/app.js", {**FETCH, **headers}).data == BUNDLE
    assert visit(app, island_of(thin[0].data)["direct"], headers).data == BUNDLE
    [line] = log()
    assert "COMPRESS_CACHE_BACKEND; leave that out" in line


def test_the_endpoints_of_viraljs_are_answered_anew_each_time():
    app = new_app(STATS=lambda: True)
    app.config.update(COMPRESS_MIN_SIZE=0, COMPRESS_CACHE_BACKEND=DictCache, COMPRESS_CACHE_KEY=lambda request: "same")
    Compress(app)
    app.add_url_rule("/app.js", "app_js", ViralJS().bundle(lambda: (BUNDLE, TYPED)))
    url, headers = "/viraljs/stats.json", {"Accept-Encoding": "gzip"}
    before = visit(app, url, headers)
    visit(app)
    after = visit(app, url, headers)
    assert [(one.json or {})["total"].get("full_responses", 0) for one in (before, after)] == [0, 1]
    assert [one.content_length for one in (before, after)] == [len(before.data), len(after.data)]


# Rewriting (Flask-Minify) ----------------------------------------------------------------------------


def minified_app(view=lambda: (SPACED, TYPED), **options):
    viral = ViralJS()
    app = new_app(viral)
    Minify(app=app, **options)
    app.add_url_rule("/app.js", "app_js", viral.bundle(view))
    return app


def natively(view):
    app = Flask("plain", static_folder=None)
    Minify(app=app)
    app.add_url_rule("/app.js", "app_js", view)
    return app.test_client().get("/app.js").data


@LEAVES_FILES
@pytest.mark.parametrize("first", ["full", "thin", "fetch", "file"])
def test_a_rewritten_bundle_is_left_alone_as_soon_as_that_is_known(log, first, tmp_path):
    (tmp_path / "app.js").write_bytes(SPACED)
    view = (lambda: send_file(tmp_path / "app.js")) if first == "file" else (lambda: (SPACED, TYPED))
    app = minified_app(view)
    if first == "thin":
        add_seeder(app, SPACED)
    one = visit(app, headers=FETCH if first == "fetch" else {})
    assert one.data == (natively(view) if first == "fetch" else SPACED)
    assert delivery_of(one) == ("untouched; reason=fetch" if first == "fetch" else "untouched; reason=rewritten")
    add_seeder(app, SPACED)
    for url in ("/app.js", "/app.js?viraljs=script"):
        later = visit(app, url)
        assert (delivery_of(later), later.data) == ("untouched; reason=rewritten", natively(view))
        assert later.content_length == len(later.data)
        assert "private" in later.headers["Cache-Control"]
    [line] = log()
    assert "a hook rewrites /app.js after its view" in line
    assert "bypass=['app_js']" in line


def test_the_first_visitor_too_gets_what_a_hook_made_of_the_bundle_alone(log):
    app = new_app(viral := ViralJS())
    app.add_url_rule("/app.js", "app_js", viral.bundle(lambda: (b"start('__API__');" + BUNDLE, TYPED)))

    @app.after_request
    def fill_in(response):
        response.data = response.get_data().replace(b"__API__", b"/v1")
        return response

    for _ in range(2):
        response = visit(app)
        assert (delivery_of(response), response.data) == ("untouched; reason=rewritten", b"start('/v1');" + BUNDLE)
    assert len(log()) == 1


def test_module_clients_and_tags_hear_of_it_in_words_that_no_hook_changes(log):
    app = minified_app()
    visit(app)
    assert visit(app, "/app.js?viraljs=part", FETCH).data == b"{}"
    renderer, settings = state_of(app).renderer, state_of(app).settings
    assert visit(app, "/app.js?viraljs=module").data == renderer.start("/app.js")
    waiting = visit(app, "/app.js?viraljs=behind").data
    assert waiting == renderer.waiting("/app.js", settings, "/viraljs", island_of(waiting)["direct"])


def test_a_route_that_is_passed_over_is_delivered(log):
    app = minified_app(bypass=["app_js"])
    assert delivery_of(visit(app)) == "full"
    add_seeder(app, SPACED)
    assert delivery_of(visit(app)) == "thin"
    assert log() == []


@pytest.mark.parametrize(
    "answer",
    [lambda: Response("no", 403), lambda: Response("no()", mimetype="text/javascript")],
    ids=["a refusal", "another script"],
)
def test_what_a_hook_puts_in_place_of_an_answer_stands(answer):
    viral = ViralJS()
    app = new_app(viral)
    app.after_request(lambda _: answer())
    app.add_url_rule("/app.js", "app_js", viral.bundle(lambda: (BUNDLE, TYPED)))
    add_seeder(app, BUNDLE)
    found = visit(app)
    assert (found.data, delivery_of(found)) == (answer().data, "untouched; reason=rewritten")


@pytest.mark.parametrize(
    "extension",
    [lambda app: Minify(app=app), Compress, lambda _: None],
    ids=["Flask-Minify", "Flask-Compress", "none"],
)
@pytest.mark.parametrize("encoding", ["gzip", "identity", "br"])
def test_the_client_s_own_files_come_whole_through_hooks(extension, encoding):
    app = new_app()
    extension(app)
    version = state_of(app).renderer.version
    for name in ("receive.js", "module.js", "seeder.js", "sha256.js", "dependents.js"):
        url = f"/viraljs/client/{version}/{name}"
        found = visit(app, url, {"Accept-Encoding": encoding})
        assert found.status_code == 200
        assert unpacked(found) == unpacked(visit(new_app(), url, {"Accept-Encoding": "identity"}))
        assert found.content_length == len(found.data)
        assert "immutable" in found.headers["Cache-Control"]
