"""`ViralJS(app)`: what it sets up, what it refuses, and the tag that it writes."""

import re

import pytest
from flask import Flask, g, render_template_string, url_for
from markupsafe import Markup

from tests.support.visits import BUNDLE, JAVASCRIPT, delivery_of, island_of, new_app, serve_bundle, state_of, visit
from viraljs import ConfigurationError, InitialisationError, ViralJS
from viraljs.extension import viral_script

LAN = "http://192.168.1.4:5000"


def bare_app(**config):
    app = Flask("tested", static_folder=None)
    app.config.update(SECRET_KEY="for tests", **config)
    return app


def bundle():
    return BUNDLE, {"Content-Type": JAVASCRIPT}


# Setting up ------------------------------------------------------------------------------------------


def test_an_app_can_be_given_at_once():
    app = bare_app()
    ViralJS(app)

    assert state_of(app).settings.url_prefix == "/viraljs"


def test_an_app_can_be_given_later_even_after_its_views_were_decorated():
    viral = ViralJS()
    app = bare_app(VIRALJS_MIN_SIZE=1)
    app.add_url_rule("/app.js", "app_js", viral.bundle(bundle))
    viral.init_app(app)

    assert delivery_of(visit(app)) == "full"


def test_a_second_init_app_is_an_error_that_says_so():
    app = new_app()

    with pytest.raises(
        InitialisationError, match=r"^ViralJS is already set up for 'tested'; call init_app once an app$"
    ):
        ViralJS(app)


def test_one_instance_serves_several_apps():
    viral = ViralJS()
    apps = [new_app(viral), new_app(viral)]
    for app in apps:
        serve_bundle(app, bundle)

    assert [delivery_of(visit(app)) for app in apps] == ["full", "full"]
    assert state_of(apps[0]) is not state_of(apps[1])


@pytest.mark.parametrize("config", [{"VIRALJS_PEERS": "many"}, {"VIRALJS_PEER": 1}, {"VIRALJS_STATIC": ["*.js"]}])
def test_after_a_bad_setting_nothing_is_set_up_and_it_can_be_mended(config):
    app = bare_app(**config)

    with pytest.raises(ConfigurationError):
        ViralJS(app)
    assert not app.extensions
    assert not app.blueprints

    for key in config:
        del app.config[key]
    ViralJS(app)


def test_static_patterns_without_a_static_folder_are_an_error():
    with pytest.raises(ConfigurationError, match="VIRALJS_STATIC is set, but the app has no static folder"):
        ViralJS(bare_app(VIRALJS_STATIC=["*.js"]))


def test_without_a_secret_key_there_is_a_warning_that_says_what_breaks_and_it_works():
    app = Flask("tested", static_folder=None)
    app.config["VIRALJS_MIN_SIZE"] = 1

    with pytest.warns(RuntimeWarning, match=r"SECRET_KEY is not set.*several processes.*restart.*stop seeding"):
        ViralJS(app)

    serve_bundle(app, bundle)
    response = visit(app)
    island = island_of(response.data[len(BUNDLE) :])
    state_of(app).tickets.check_proof(island["proof"], island["digest"])


def test_a_decorated_view_in_an_app_without_viraljs_says_what_to_call():
    app = bare_app(PROPAGATE_EXCEPTIONS=True)
    app.add_url_rule("/app.js", "app_js", ViralJS().bundle(bundle))

    with pytest.raises(InitialisationError, match=r"not set up for this app; call viral\.init_app\(app\)"):
        visit(app)


# The decorator ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"min_size": 0}, r"^@viral\.bundle\(min_size=…\) must be an integer from 1 to \d+, not 0$"),
        ({"min_size": "big"}, r"^@viral\.bundle\(min_size=…\) must be an integer"),
        (
            {"nearby": "planet"},
            r"^@viral\.bundle\(nearby=…\) must be one of 'address', 'network', 'asn', .*, 'any', not 'planet'$",
        ),
        ({"peers": 0}, r"^@viral\.bundle\(peers=…\) must be an integer from 1 to 8, not 0$"),
        ({"peers": 9}, r"^@viral\.bundle\(peers=…\) must be an integer from 1 to 8, not 9$"),
    ],
)
def test_a_bad_option_is_an_error_when_the_view_is_decorated(options, said):
    with pytest.raises(ConfigurationError, match=said):
        ViralJS().bundle(**options)


def test_an_option_that_does_not_exist_is_an_error():
    with pytest.raises(TypeError, match="pears"):
        ViralJS().bundle(pears=3)  # type: ignore[call-overload]


def test_a_decorated_view_keeps_its_name():
    @ViralJS().bundle
    def app_js():
        """Give the app."""

    @ViralJS().bundle()
    def other_js():
        """Give the other."""

    assert (app_js.__name__, app_js.__doc__) == ("app_js", "Give the app.")
    assert other_js.__name__ == "other_js"


# The tag ---------------------------------------------------------------------------------------------


@pytest.fixture
def app():
    app = new_app()
    serve_bundle(app, bundle)
    return app


def tag(app, *args, at="https://www.example.org", **kwargs):
    with app.test_request_context("/", base_url=at):
        return str(viral_script(*args, **kwargs))


def test_the_tag_defers_and_asks_for_the_bundle(app):
    assert tag(app, "/app.js") == '<script defer src="/app.js" data-viraljs></script>'


def test_the_client_knows_the_tag_by_an_attribute(app):
    assert tag(app, "/app.js", id="app").endswith(" data-viraljs></script>")


def test_templates_have_it(app):
    with app.test_request_context("/"):
        written = render_template_string('{{ viral_script(url_for("app.js")) }}')

    assert written == '<script defer src="/app.js" data-viraljs></script>'


def test_it_is_markup_so_that_templates_do_not_escape_it(app):
    with app.test_request_context("/"):
        assert isinstance(viral_script("/app.js"), Markup)


def test_a_nonce_can_be_given(app):
    assert tag(app, "/app.js", nonce="n0nce") == '<script defer src="/app.js" nonce="n0nce" data-viraljs></script>'


def test_a_nonce_on_g_is_found(app):
    with app.test_request_context("/"):
        g.csp_nonce = "n0nce"
        assert ' nonce="n0nce"' in viral_script("/app.js")
        assert " nonce" not in viral_script("/app.js", nonce="")
        assert ' nonce="mine"' in viral_script("/app.js", nonce="mine")


def test_the_nonce_of_talisman_is_found(app):
    app.jinja_env.globals["csp_nonce"] = lambda: "n0nce"

    assert tag(app, "/app.js") == '<script defer src="/app.js" nonce="n0nce" data-viraljs></script>'


@pytest.mark.parametrize("found", ["not a function", lambda: ""])
def test_what_is_no_nonce_is_left_out(app, found):
    app.jinja_env.globals["csp_nonce"] = found

    assert tag(app, "/app.js") == '<script defer src="/app.js" data-viraljs></script>'


def test_attributes_are_written_with_hyphens_and_left_out_when_false(app):
    written = tag(app, "/app.js", id="app", data_x="1", referrerpolicy=True, async_=False, class_="a b")

    assert (
        written == '<script defer src="/app.js" id="app" data-x="1" referrerpolicy class="a b" data-viraljs></script>'
    )


def test_defer_can_be_taken_away(app):
    assert tag(app, "/app.js", defer=False) == '<script src="/app.js" data-viraljs></script>'


def test_everything_is_escaped(app):
    written = tag(app, '/a.js?x="><b>&y', nonce='"><i>', data_x="'\"&")

    assert "<b>" not in written
    assert "<i>" not in written
    assert "&amp;y" in written
    assert 'data-x="&#39;&#34;&amp;"' in written


def test_a_second_tag_runs_the_dependents(app):
    with app.test_request_context("/"):
        runner = url_for("viraljs.client", version=state_of(app).renderer.version, name="dependents.js")

    assert tag(app, "/app.js", dependents=True, nonce="n") == (
        f'<script defer src="/app.js" nonce="n" data-viraljs></script><script defer src="{runner}" nonce="n"></script>'
    )
    with app.test_client().get(runner) as response:
        assert response.status_code == 200


@pytest.mark.parametrize(
    ("src", "marked"),
    [
        ("/app.js", "/app.js?viraljs=script"),
        ("/app.js?v=1", "/app.js?v=1&amp;viraljs=script"),
        ("app.js", "app.js"),
    ],
)
def test_on_plain_http_urls_of_ours_are_marked(app, src, marked):
    assert tag(app, src, at=LAN) == f'<script defer src="{marked}" data-viraljs></script>'


@pytest.mark.parametrize("at", ["https://www.example.org", "http://localhost:5000", "http://127.0.0.1:5000"])
def test_where_browsers_say_what_they_ask_for_nothing_is_marked(app, at):
    assert tag(app, "/app.js", at=at) == '<script defer src="/app.js" data-viraljs></script>'


STATIC = "https://static.example/app.js"


@pytest.mark.parametrize("src", [STATIC, "//static.example/app.js", "https://www.example.org:8443/app.js"])
def test_where_nothing_says_that_another_origin_may_be_read_its_bundle_gets_a_plain_tag(app, src, caplog):
    for _ in range(2):
        assert tag(app, src) == f'<script defer src="{src}" data-viraljs></script>'

    (text,) = [record.getMessage() for record in caplog.records]
    assert src in text
    assert 'VIRALJS_ORIGINS = ["https://www.example.org"]' in text


@pytest.fixture
def known():
    return new_app(ORIGINS=["https://www.example.org"])


@pytest.mark.parametrize("src", [STATIC, "//static.example/app.js", "https://www.example.org:8443/app.js"])
def test_a_bundle_of_another_origin_is_asked_for_in_a_way_that_its_server_can_tell(known, src):
    assert tag(known, src) == f'<script defer src="{src}?viraljs=script" crossorigin="anonymous" data-viraljs></script>'


@pytest.mark.parametrize(
    "src",
    ["https://www.example.org/app.js", "https://www.example.org:443/app.js", "app.js", "//www.example.org/app.js"],
)
def test_one_of_the_own_origin_is_not(app, src):
    assert tag(app, src) == f'<script defer src="{src}" data-viraljs></script>'


def test_the_mark_goes_into_the_query(known):
    assert 'src="https://static.example/a.js?v=1&amp;viraljs=script#x"' in tag(
        known, "https://static.example/a.js?v=1#x"
    )


@pytest.mark.parametrize(
    ("given", "marked", "written"),
    [
        ("anonymous", True, ' crossorigin="anonymous"'),
        ("", True, ' crossorigin=""'),
        (True, True, " crossorigin"),
        ("use-credentials", False, ' crossorigin="use-credentials"'),
        (False, False, ""),
    ],
)
def test_what_the_page_says_of_crossorigin_stands(app, given, marked, written):
    src = STATIC + ("?viraljs=script" if marked else "")
    assert tag(app, STATIC, crossorigin=given) == f'<script defer src="{src}"{written} data-viraljs></script>'


def test_a_module_is_left_as_it_is(app):
    assert tag(app, STATIC, type="module") == f'<script defer src="{STATIC}" type="module" data-viraljs></script>'


def test_a_module_with_integrity_is_an_error_that_says_what_would_be_right(app):
    with pytest.raises(ValueError, match=r"integrity='sha256-x' for the module '/app\.js'.*leave integrity out"):
        tag(app, "/app.js", type="module", integrity="sha256-x")


@pytest.mark.parametrize("at", ["https://www.example.org", LAN])
def test_integrity_holds_for_the_untouched_bytes_only(app, at):
    written = tag(app, "/plain.js?v=1", at=at, integrity="sha256-x")
    assert written == '<script defer src="/plain.js?v=1&amp;viraljs=direct" integrity="sha256-x" data-viraljs></script>'
    written = tag(app, STATIC, at=at, integrity="sha256-x")
    src = f"{STATIC}?viraljs=direct"
    assert written == f'<script defer src="{src}" crossorigin="anonymous" integrity="sha256-x" data-viraljs></script>'


def test_integrity_of_a_bundle_of_this_app_asks_at_a_path_that_no_cache_takes_for_the_bundle(app):
    written = tag(app, "/app.js?v=1#top", at="https://www.example.org", integrity="sha256-x")
    found = re.fullmatch(r'<script defer src="([^"]*)#top" integrity="sha256-x" data-viraljs></script>', written)
    assert found
    answer = visit(app, found[1], base_url="https://www.example.org")
    assert (delivery_of(answer), answer.data) == ("untouched; reason=direct", BUNDLE)
