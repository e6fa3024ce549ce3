"""Apps of several hosts, and of several places on one: what the client asks, it asks of the origin of its bundle."""

from urllib.parse import urljoin, urlsplit

import pytest
from flask import Blueprint, Flask, render_template_string
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.support.visits import (
    BUNDLE,
    BY_TURNS,
    PAGE,
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

SETTINGS = {"VIRALJS_MIN_SIZE": 1, **{f"VIRALJS_{name}": value for name, value in BY_TURNS.items()}}


def make(app: Flask, **config):
    app.config.update(SECRET_KEY="for tests", **SETTINGS, **config)
    return ViralJS(app)


def host_matching(**config):
    app = Flask("tested", host_matching=True, static_host="static.example:5000")
    viral = make(app, **config)
    for host in ("static.example:5000", "www.example", "localhost"):
        app.add_url_rule("/app.js", f"bundle of {host}", viral.bundle(lambda: BUNDLE), host=host)
    return app


def subdomains(**config):
    app = Flask("tested", static_folder=None, subdomain_matching=True)
    viral = make(app, SERVER_NAME="example", **config)
    for subdomain in ("", "www", "static"):
        blueprint = Blueprint(f"part{subdomain}", "tested", subdomain=subdomain or None)
        blueprint.add_url_rule("/app.js", "bundle", viral.bundle(lambda: BUNDLE))
        app.register_blueprint(blueprint)
    return app


def named(**config):
    app = Flask("tested", static_folder=None)
    viral = make(app, SERVER_NAME="example", APPLICATION_ROOT="/root", **config)
    app.add_url_rule("/app.js", "bundle", viral.bundle(lambda: BUNDLE))
    return app


PLACES = [
    (host_matching, "http://static.example:5000"),
    (host_matching, "https://www.example"),
    (host_matching, "http://localhost"),
    (subdomains, "http://example"),
    (subdomains, "https://www.example"),
    (subdomains, "http://static.example"),
    (named, "http://example"),
    (named, "http://www.example"),
    (named, "http://192.0.2.1:8000"),
]


@pytest.mark.parametrize(("build", "origin"), PLACES)
@pytest.mark.parametrize("seeded", [False, True], ids=["full", "thin"])
def test_each_host_is_told_of_paths_of_its_own_and_they_lead_to_us(build, origin, seeded):
    app = build(VIRALJS_PLAIN_HTTP="always")
    if seeded:
        add_seeder(app, BUNDLE)

    answer = visit(app, base_url=origin)

    assert delivery_of(answer) == ("thin" if seeded else "full")
    island = island_of(answer.data)
    assert island["base"] == "/viraljs"
    client = app.test_client()
    for name in ("seeder.js", "receive.js"):
        target = urlsplit(urljoin(origin, f"{island['base']}/{island['client']}/{name}"))
        assert client.get(target.path, base_url=origin, buffered=True).status_code == 200
    answer = client.post("/viraljs/offers", base_url=origin, data="{}", headers={"Origin": origin})
    assert (answer.status_code, answer.json) == (
        400,
        {"error": "offers: ticket must be a string of 1 to 2048 characters"},
    )
    assert client.post("/viraljs/offers", base_url=origin, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize(("build", "origin"), PLACES)
def test_tags_of_dependents_name_the_page_s_own_host(build, origin):
    app = build()
    with app.test_request_context("/", base_url=origin):
        tags = render_template_string("{{ viral_script('/app.js', dependents=True) }}")

    assert f'src="/viraljs/client/{state_of(app).renderer.version}/dependents.js"' in tags


def test_a_rule_that_takes_all_of_a_host_is_noticed_and_bundles_are_left_alone(caplog):
    app = host_matching()
    app.add_url_rule("/<path:path>", "everything", lambda path: path, host="www.example")
    add_seeder(app, BUNDLE)

    for _ in range(2):
        assert delivery_of(visit(app, base_url="https://www.example")) == "untouched; reason=no-route"
    assert delivery_of(visit(app)) == "thin"
    (text,) = [record.getMessage() for record in caplog.records if "lead to ViralJS" in record.getMessage()]
    assert "www.example/viraljs" in text
    assert "VIRALJS_URL_PREFIX" in text


def test_an_app_that_matches_hosts_only_after_it_was_set_up_is_noticed():
    app = new_app()
    serve_bundle(app, lambda: BUNDLE)
    app.url_map.host_matching = True
    app.add_url_rule("/other.js", "other", ViralJS().bundle(lambda: BUNDLE), host="localhost")

    assert delivery_of(visit(app, "/other.js")) == "untouched; reason=no-route"


@pytest.mark.parametrize("place", ["/here", "/th\u00e9re"])
def test_an_app_under_a_prefix_says_so_in_what_browsers_ask(place):
    app = new_app()
    serve_bundle(app, lambda: BUNDLE)
    client = Client(DispatcherMiddleware(new_app(), {place.encode().decode("latin-1"): app}))

    answer = client.get(f"{place}/app.js", headers=SCRIPT, buffered=True)

    island = island_of(answer.data)
    assert island["url"] == island["base"].replace("/viraljs", "/app.js")
    assert island["base"].isascii()
    assert client.get(f"{place}/viraljs/{island['client']}/seeder.js", buffered=True).status_code == 200


def test_a_subdomain_without_a_word_on_origins_gets_a_plain_tag_and_with_one_a_marked_one():
    for origins, written in (
        ([], '<script defer src="http://static.example/app.js" data-viraljs></script>'),
        (
            ["http://example"],
            '<script defer src="http://static.example/app.js?viraljs=script" crossorigin="anonymous" data-viraljs>'
            "</script>",
        ),
    ):
        app = subdomains(VIRALJS_ORIGINS=origins)

        @app.get("/")
        def page():
            return render_template_string("{{ viral_script(url_for('partstatic.bundle', _external=True)) }}")

        assert app.test_client().get("/", base_url="http://example", headers=PAGE).text == written
