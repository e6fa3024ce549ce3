"""`VIRALJS_STATIC`: the app's own static files, without a decorator."""

import pytest
from flask import Flask

from tests.support.visits import BUNDLE, add_seeder, delivery_of, digest_of, island_of, visit
from viraljs import ViralJS


def app_of(folder):
    app = Flask("tested", static_folder=folder, static_url_path="/static")
    app.secret_key = "for tests"
    app.config.update(VIRALJS_MIN_SIZE=1, VIRALJS_STATIC=["*.js"])
    return app


@pytest.fixture
def app(tmp_path):
    (tmp_path / "js").mkdir()
    for name in ("app.js", "js/deep.js", "app.css", "app.mjs", "app.min.js"):
        (tmp_path / name).write_bytes(BUNDLE)
    return app_of(tmp_path)


def test_files_that_match_are_delivered(app):
    ViralJS(app)

    for url in ("/static/app.js", "/static/js/deep.js"):
        response = visit(app, url)
        assert (response.status_code, delivery_of(response)) == (200, "full")
        assert response.data.startswith(BUNDLE + b"\n;")
        assert island_of(response.data)["url"] == url

    add_seeder(app, BUNDLE)
    response = visit(app, "/static/app.js")
    assert delivery_of(response) == "thin"
    assert island_of(response.data)["digest"] == digest_of(BUNDLE)


@pytest.mark.parametrize("url", ["/static/app.css", "/static/app.mjs", "/static/missing.css"])
def test_files_that_do_not_match_are_none_of_our_business(app, url, tmp_path):
    ViralJS(app)
    before = visit(app_of(tmp_path), url)

    after = visit(app, url)

    assert after.data == before.data
    assert {**after.headers, "Date": ""} == {**before.headers, "Date": ""}
    assert "ViralJS-Delivery" not in after.headers


def test_a_missing_file_that_matches_is_a_404(app):
    ViralJS(app)

    assert visit(app, "/static/missing.js").status_code == 404


@pytest.mark.parametrize(
    ("patterns", "delivered"),
    [
        (["app.js"], {"app.js"}),
        (["js/*.js"], {"js/deep.js"}),
        (["*.min.js", "js/*"], {"app.min.js", "js/deep.js"}),
        (["*.JS"], set()),
        ([], set()),
    ],
)
def test_a_file_is_delivered_when_one_pattern_matches_its_whole_name(app, patterns, delivered):
    app.config["VIRALJS_STATIC"] = patterns
    ViralJS(app)

    names = ("app.js", "js/deep.js", "app.min.js")
    assert {name for name in names if "ViralJS-Delivery" in visit(app, f"/static/{name}").headers} == delivered


def test_static_urls_and_ranges_work_as_before(app):
    ViralJS(app)

    response = visit(app, "/static/app.js?viraljs=direct", {"Range": "bytes=0-9"})

    assert (response.status_code, response.data) == (206, BUNDLE[:10])


def test_the_static_folder_of_one_app_is_not_that_of_another(app, tmp_path):
    other = app_of(tmp_path)
    del other.config["VIRALJS_STATIC"]
    viral = ViralJS(app)
    viral.init_app(other)

    assert delivery_of(visit(app, "/static/app.js")) == "full"
    assert "ViralJS-Delivery" not in visit(other, "/static/app.js").headers


class Middleware:
    """Wraps an app, as most do."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        return self.application(environ, start_response)


class WhiteNoise(Middleware):
    """Stands for the real one, which tests/sites/idioms/test_extensions.py has."""

    __module__ = "whitenoise.base"


@pytest.mark.parametrize(
    ("layers", "static", "told"),
    [
        ([WhiteNoise], ["*.js"], 1),
        ([WhiteNoise, Middleware], ["*.js"], 1),
        ([Middleware], ["*.js"], 0),
        ([], ["*.js"], 0),
        ([WhiteNoise], [], 0),
    ],
)
def test_whitenoise_which_takes_static_files_away_is_noticed_once(app, caplog, layers, static, told):
    app.config["VIRALJS_STATIC"] = static
    ViralJS(app)
    app.add_url_rule("/", "page", lambda: "<!doctype html>")
    for layer in layers:
        app.wsgi_app = layer(app.wsgi_app)

    for _ in range(2):
        assert app.test_client().get("/").status_code == 200

    assert caplog.text.count("ViralJS: WhiteNoise") == told
