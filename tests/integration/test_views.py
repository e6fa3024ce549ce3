"""Whatever kind of view is decorated, and however often its file is asked for."""

import io
import os
from itertools import count

import pytest
from flask import Blueprint, Response, make_response, render_template_string, send_file, send_from_directory, url_for
from flask.views import MethodView, View
from werkzeug.exceptions import NotFound

from tests.support.visits import (
    BUNDLE,
    JAVASCRIPT,
    add_seeder,
    delivery_of,
    digest_of,
    island_of,
    new_app,
    serve_bundle,
    visit,
)
from viraljs import ViralJS
from viraljs.bundle import build_manifest
from viraljs.rendering import FROM_CACHE

TEXT = BUNDLE.decode()
TYPED = {"Content-Type": JAVASCRIPT}


def parts():
    for start in range(0, len(BUNDLE), 50):
        yield BUNDLE[start : start + 50]


async def asynchronous():
    return TEXT


VIEWS = {
    "text": lambda: TEXT,
    "bytes": lambda: BUNDLE,
    "bytearray": lambda: bytearray(BUNDLE),
    "a response": lambda: Response(BUNDLE, mimetype="text/javascript"),
    "a response of parts": lambda: Response([BUNDLE[:9], BUNDLE[9:]], mimetype="text/javascript"),
    "make_response": lambda: make_response(BUNDLE, TYPED),
    "with a status": lambda: (TEXT, 200),
    "with a status of words": lambda: (TEXT, "200 OK"),
    "with headers": lambda: (TEXT, {"X-Mine": "kept"}),
    "with a list of headers": lambda: (BUNDLE, [("X-Mine", "kept"), ("X-Mine", "twice")]),
    "with both": lambda: (TEXT, 200, {"X-Mine": "kept"}),
    "with a type": lambda: (TEXT, 200, {"content-type": "application/javascript"}),
    "a response with a status": lambda: (Response(BUNDLE, mimetype="text/javascript"), 200),
    "a generator": parts,
    "a generator with headers": lambda: (parts(), {"X-Mine": "kept"}),
    "a response of a generator": lambda: Response(parts(), mimetype="text/javascript"),
    "a template": lambda: render_template_string(TEXT + "\n"),
    "bytes that look like a file": lambda: send_file(io.BytesIO(BUNDLE), mimetype="text/javascript"),
    "async": asynchronous,
}


@pytest.mark.parametrize("kind", VIEWS)
def test_every_kind_of_view_is_a_bundle(kind):
    app = new_app()
    serve_bundle(app, VIEWS[kind])

    full = visit(app)
    add_seeder(app, BUNDLE)
    thin = visit(app)

    assert (full.status_code, delivery_of(full)) == (200, "full")
    assert full.data.startswith(BUNDLE + b"\n;")
    assert full.mimetype in ("text/javascript", "application/javascript")
    assert full.content_length == len(full.data)
    assert (thin.status_code, delivery_of(thin)) == (200, "thin")
    assert island_of(thin.data)["digest"] == digest_of(BUNDLE)
    assert thin.content_length == len(thin.data)


@pytest.mark.parametrize("kind", VIEWS)
def test_every_kind_of_view_gives_its_plain_bytes_on_request(kind):
    app = new_app()
    serve_bundle(app, VIEWS[kind])
    add_seeder(app, BUNDLE)

    response = visit(app, "/app.js?viraljs=direct")

    assert (response.data, delivery_of(response)) == (BUNDLE, "untouched; reason=direct")


def test_headers_of_the_view_are_kept_in_both():
    app = new_app()
    serve_bundle(app, VIEWS["with a list of headers"])
    full = visit(app)
    add_seeder(app, BUNDLE)

    for response in (full, visit(app)):
        assert response.headers.getlist("X-Mine") == ["kept", "twice"]


@pytest.mark.parametrize(
    ("value", "media_type"),
    [
        ({"not": "a bundle"}, "application/json"),
        (["not", "a bundle"], "application/json"),
        (("<p>", {"Content-Type": "text/html"}), "text/html"),
        (Response("<p>"), "text/html"),
    ],
    ids=["dict", "list", "typed", "response"],
)
def test_only_text_without_a_type_is_taken_for_javascript(value, media_type):
    app = new_app()
    serve_bundle(app, lambda: value)

    response = visit(app)

    assert (response.mimetype, delivery_of(response)) == (media_type, "untouched; reason=media-type")


def test_a_view_that_gives_an_http_error_back_instead_of_raising_it_is_no_bundle():
    app = new_app()
    serve_bundle(app, NotFound)

    response = visit(app)

    assert (response.status_code, response.mimetype, delivery_of(response)) == (
        404,
        "text/html",
        "untouched; reason=status",
    )


def test_blueprints():
    app, blueprint = new_app(), Blueprint("assets", "assets", url_prefix="/assets")

    @blueprint.get("/<name>.js")
    @ViralJS().bundle
    def script(name):
        return f"{TEXT} // {name}\n"

    app.register_blueprint(blueprint)

    island = island_of(visit(app, "/assets/one.js").data)
    assert island["url"] == "/assets/one.js"
    assert island["digest"] == digest_of(BUNDLE + b" // one\n")


def test_method_views():
    class App(MethodView):
        @ViralJS().bundle
        def get(self, name):
            return TEXT

        def post(self, name):
            return "posted"

    app = new_app()
    app.add_url_rule("/<name>.js", view_func=App.as_view("app"))

    assert delivery_of(visit(app)) == "full"
    assert visit(app, method="POST").data == b"posted"


def test_views_with_decorators():
    class App(View):
        decorators = [ViralJS().bundle(min_size=1)]  # noqa: RUF012 - as Flask's documentation writes it
        methods = ["GET", "POST"]  # noqa: RUF012

        def dispatch_request(self):
            return TEXT

    app = new_app(MIN_SIZE=1_000_000)
    app.add_url_rule("/app.js", view_func=App.as_view("app"))

    assert delivery_of(visit(app)) == "full"
    assert delivery_of(visit(app, method="POST")) == "untouched; reason=method"


def test_several_bundles_of_an_app_do_not_mix():
    app = new_app()
    serve_bundle(app, lambda: "one()\n", "/one.js")
    serve_bundle(app, lambda: "two()\n", "/two.js")
    add_seeder(app, b"one()\n", "first")
    add_seeder(app, b"two()\n", "second")

    for url, data, seeder in (("/one.js", b"one()\n", "first"), ("/two.js", b"two()\n", "second")):
        island = island_of(visit(app, url).data)
        assert (island["url"], island["digest"]) == (url, digest_of(data))
        assert island["ticket"].split(".")[0].split("~")[2:] == [seeder]


def test_a_url_that_serves_another_bundle_tomorrow_is_another_swarm():
    app, today = new_app(), [TEXT]
    serve_bundle(app, lambda: today[0])
    add_seeder(app, BUNDLE)
    assert delivery_of(visit(app)) == "thin"

    today[0] = TEXT + "tomorrow()\n"

    response = visit(app)
    assert delivery_of(response) == "full"
    assert island_of(response.data)["digest"] == digest_of(today[0].encode())


def test_a_query_is_part_of_the_url_but_not_of_the_swarm():
    app = new_app()
    serve_bundle(app, lambda: TEXT)
    add_seeder(app, BUNDLE)

    island = island_of(visit(app, "/app.js?v=1&viraljs=script").data)

    assert (island["url"], island["digest"]) == ("/app.js?v=1", digest_of(BUNDLE))


def test_options_of_one_view_stand_over_the_settings():
    app = new_app(PEERS=3)
    serve_bundle(app, lambda: TEXT, "/one.js", peers=1)
    serve_bundle(app, lambda: TEXT, "/near.js", nearby="network")
    serve_bundle(app, lambda: TEXT, "/far.js")
    serve_bundle(app, lambda: TEXT, "/big.js", min_size=len(BUNDLE) + 1)
    for number in range(4):
        add_seeder(app, BUNDLE, f"peer{number}", f"198.51.100.{number}")

    def seeders(url):
        return island_of(visit(app, url).data)["ticket"].split(".")[0].split("~")[2:]

    assert len(seeders("/one.js")) == 1
    assert len(seeders("/far.js")) == 3
    assert delivery_of(visit(app, "/near.js")) == "full"
    assert delivery_of(visit(app, "/big.js")) == "untouched; reason=small"


# Views that fail -------------------------------------------------------------------------------------


def test_a_view_that_raises_is_a_500_and_nothing_else_breaks(monkeypatch):
    app = new_app()
    app.testing = False
    monkeypatch.setattr(app.logger, "disabled", True)
    failing = iter([True, False])

    def view():
        if next(failing):
            raise ZeroDivisionError
        return TEXT

    serve_bundle(app, view)

    assert visit(app).status_code == 500
    assert delivery_of(visit(app)) == "full"


@pytest.mark.parametrize("when", ["at once", "half-way"])
def test_a_generator_that_raises_is_a_500(when, monkeypatch):
    app = new_app()
    app.testing = False
    monkeypatch.setattr(app.logger, "disabled", True)

    def failing():
        if when == "half-way":
            yield BUNDLE
        raise ZeroDivisionError

    serve_bundle(app, failing)

    assert visit(app).status_code == 500


# Generators ------------------------------------------------------------------------------------------


@pytest.fixture
def streaming():
    """An app with a generator of ten parts of 100 bytes that counts what was run of it."""
    app, ran = new_app(MAX_BUFFER=500), []

    def stream(most):
        for number in range(most):
            ran.append(number)
            yield b"%099d\n" % number

    @app.get("/<int:most>.js")
    @ViralJS().bundle
    def view(most):
        return Response(stream(most), mimetype="text/javascript", headers={"Cache-Control": "public, max-age=60"})

    return app, ran


WHOLE = b"".join(b"%099d\n" % number for number in range(10))


def test_a_generator_up_to_the_limit_is_collected(streaming):
    app, _ = streaming

    response = visit(app, "/5.js")

    assert delivery_of(response) == "full"
    assert response.data.startswith(WHOLE[:500] + b"\n;")


def test_a_longer_generator_is_left_alone_with_all_its_bytes(streaming):
    app, _ = streaming

    response = visit(app, "/10.js")

    assert (response.data, delivery_of(response)) == (WHOLE, "untouched; reason=buffer")
    assert response.headers["Cache-Control"] == "public, max-age=60", "what is never eligible may be shared"


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Dest": ""}, {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}, {"Save-Data": "on"}]
)
def test_a_generator_is_not_run_ahead_for_who_gets_its_bytes_unchanged(streaming, headers):
    app, ran = streaming

    response = visit(app, "/5.js", headers, buffered=False)

    assert len(ran) <= 1, "a WSGI server takes the first part before it sends the headers"
    assert response.data == WHOLE[:500]
    assert "buffer" not in delivery_of(response)
    assert "public" not in response.headers["Cache-Control"], "another visitor may get a thin response"


def test_a_generator_is_not_run_at_all_for_head(streaming):
    app, ran = streaming

    assert visit(app, "/5.js", method="HEAD").status_code == 200
    assert ran == []


def test_a_limit_of_nothing_leaves_every_generator_alone():
    app = new_app(MAX_BUFFER=0)
    serve_bundle(app, parts)

    assert delivery_of(visit(app)) == "untouched; reason=buffer"


# Files -----------------------------------------------------------------------------------------------


@pytest.fixture
def reads(monkeypatch):
    """Counts the bytes that are read from files which `send_file` opened."""
    counted: list[int] = []

    class CountingReader(io.BufferedReader):
        def read(self, size=-1, /):
            data = super().read(size)
            counted.append(len(data))
            return data

    monkeypatch.setattr("werkzeug.utils.open", lambda path, _: CountingReader(io.FileIO(path)), raising=False)
    return counted


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "app.js"
    path.write_bytes(BUNDLE)
    return path


@pytest.fixture(params=["send_file", "send_from_directory"])
def app_of_file(request, path):
    app = new_app()
    if request.param == "send_file":
        serve_bundle(app, lambda: send_file(path))
    else:
        serve_bundle(app, lambda: send_from_directory(path.parent, path.name))
    return app


def test_a_file_is_a_bundle(app_of_file):
    response = visit(app_of_file)

    assert delivery_of(response) == "full"
    assert response.data.startswith(BUNDLE + b"\n;")
    assert response.content_length == len(response.data)


def test_a_file_is_hashed_once(app_of_file, monkeypatch):
    hashed = count()

    def counting(*args):
        next(hashed)
        return build_manifest(*args)

    monkeypatch.setattr("viraljs.delivery.build_manifest", counting)
    for _ in range(3):
        visit(app_of_file)

    assert next(hashed) == 1


def test_the_first_full_response_reads_a_file_twice_and_the_next_once(app_of_file, reads):
    visit(app_of_file)
    assert sum(reads) == 2 * len(BUNDLE)
    reads.clear()
    visit(app_of_file)
    assert sum(reads) == len(BUNDLE)


def test_a_thin_response_does_not_read_the_file(app_of_file, reads):
    visit(app_of_file)
    add_seeder(app_of_file, BUNDLE)
    reads.clear()

    assert delivery_of(visit(app_of_file)) == "thin"
    assert reads == []


def test_neither_does_an_answer_that_nothing_has_changed(app_of_file, reads):
    etag = visit(app_of_file).headers["ETag"]
    reads.clear()

    assert visit(app_of_file, headers={"If-None-Match": etag}).status_code == 304
    assert reads == []


def test_a_thin_response_closes_the_file(app_of_file, monkeypatch):
    opened = []

    def spy(path, _):
        opened.append(io.BufferedReader(io.FileIO(path)))
        return opened[-1]

    monkeypatch.setattr("werkzeug.utils.open", spy, raising=False)
    add_seeder(app_of_file, BUNDLE)
    visit(app_of_file)
    etag = visit(app_of_file, headers={"If-None-Match": "x"}).headers.get("ETag")

    assert etag is None, "thin"
    assert [file.closed for file in opened] == [True, True]


def test_a_file_that_changed_is_another_bundle(app_of_file, path):
    visit(app_of_file)
    add_seeder(app_of_file, BUNDLE)
    path.write_bytes(BUNDLE[::-1])
    os.utime(path, (1, 1))

    response = visit(app_of_file)

    assert delivery_of(response) == "full"
    assert island_of(response.data)["digest"] == digest_of(BUNDLE[::-1])


def test_a_file_that_is_not_there_is_a_404(tmp_path):
    app = new_app()
    serve_bundle(app, lambda: send_from_directory(tmp_path, "missing.js"))

    assert visit(app).status_code == 404


def test_urls_with_any_letters(tmp_path):
    app = new_app()
    name = "h\u00e9 llo#?.js"
    (tmp_path / name).write_bytes(BUNDLE)
    app.add_url_rule("/<name>", "file", ViralJS().bundle(lambda name: send_from_directory(tmp_path, name)))
    with app.test_request_context():
        url = url_for("file", name=name)

    island = island_of(visit(app, url).data)

    assert island["url"] == url
    assert visit(app, island["url"] + "?viraljs=direct").data == BUNDLE


# What a view gives more than once ----------------------------------------------------------------------

FIRST_REQUESTS = {
    "a condition": {"If-None-Match": "*"},
    "a range": {"Range": "bytes=0-9"},
    "the cache's own": {"Accept": FROM_CACHE},
    "a script": {},
}


@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize("first", FIRST_REQUESTS)
def test_a_view_may_return_the_same_response_to_everybody(first, seeded):
    shared, closed = Response(BUNDLE, mimetype="text/javascript"), []
    shared.call_on_close(lambda: closed.append(1))
    before = (shared.status_code, [*shared.headers], shared.response)
    app = new_app()
    serve_bundle(app, lambda: shared)
    if seeded:
        add_seeder(app, BUNDLE)
    for _ in range(3):
        visit(app, headers=FIRST_REQUESTS[first])

    assert (shared.status_code, [*shared.headers], shared.response) == before
    assert len(closed) == 3, "each visitor's end is one, and does not add to the next one's"
    response = visit(app)
    assert delivery_of(response) == ("thin" if seeded else "full")
    assert visit(app, "/app.js?viraljs=direct").data == BUNDLE
    assert visit(app, headers={"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}).data == BUNDLE
