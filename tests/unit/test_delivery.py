"""The decorator's own parts; what it makes of a visit is tried in `integration/`."""

import asyncio

import pytest
from flask import Response

from tests.support.visits import BUNDLE, JAVASCRIPT, delivery_of, new_app, state_of, visit
from viraljs.delivery import Options, as_bundle, respond, wrap
from viraljs.errors import ConfigurationError
from viraljs.nearness import Distance


@pytest.fixture
def app():
    return new_app()


# Options ---------------------------------------------------------------------------------------------


def test_options_left_out_are_left_to_the_app():
    assert Options.checked(None, None, None) == Options(None, None, None)


def test_options_are_checked_as_settings_are():
    assert Options.checked(1, "network", 8) == Options(1, Distance.NETWORK, 8)
    with pytest.raises(ConfigurationError, match=r"@viral\.bundle\(nearby=…\) must be one of"):
        Options.checked(None, "galaxy", None)


# What a view returned --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["x", b"x", ("x", 200), ("x", {"X-Mine": "1"}), iter(["x"])],
    ids=["text", "bytes", "status", "headers", "iterator"],
)
def test_text_without_a_type_is_javascript(app, value):
    with app.test_request_context():
        assert as_bundle(value).headers["Content-Type"] == JAVASCRIPT


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (("x", {"Content-Type": "text/css"}), "text/css"),
        (("x", 200, [("content-type", "text/css")]), "text/css"),
        (Response("x", mimetype="text/css"), "text/css; charset=utf-8"),
        ({"a": 1}, "application/json"),
        ([1], "application/json"),
    ],
    ids=["headers", "list of headers", "response", "dict", "list"],
)
def test_what_has_a_type_keeps_it(app, value, expected):
    with app.test_request_context():
        assert as_bundle(value).headers["Content-Type"] == expected


@pytest.mark.parametrize("value", [None, (), object(), ("x", 200, {}, "more")], ids=["None", "()", "object", "four"])
def test_what_flask_takes_for_no_response_is_none_here_either(app, value):
    with app.test_request_context(), pytest.raises((TypeError, IndexError)):
        as_bundle(value)


# Wrapping --------------------------------------------------------------------------------------------


def test_a_view_that_it_does_not_apply_to_is_left_as_it_was(app):
    returned = object()
    wrapped = wrap(lambda **_: returned, Options(), lambda arguments: arguments["name"] == "mine")

    with app.test_request_context():
        assert wrapped(name="other") is returned


def test_arguments_reach_the_view(app):
    wrapped = wrap(lambda *args, **kwargs: f"{args}{kwargs}", Options())

    with app.test_request_context():
        assert wrapped(1, name="x").get_data(as_text=True) == "(1,){'name': 'x'}"


def test_a_wrapped_coroutine_is_a_plain_view():
    async def view():
        return BUNDLE

    assert not asyncio.iscoroutinefunction(wrap(view, Options()))


def test_responding_says_what_was_decided(app):
    with app.test_request_context("/app.js"):
        response = respond(state_of(app), Response("<p>"), Options())

    assert delivery_of(response) == "untouched; reason=media-type"


# The signal ------------------------------------------------------------------------------------------


def test_a_response_that_never_was_a_bundle_is_not_told(app):
    app.add_url_rule("/page", "page", lambda: "<p>")

    visit(app, "/page")

    assert state_of(app).metrics.snapshot()["total"] == {}


def test_a_hook_that_replaces_the_body_is_counted_with_what_it_sent(app):
    app.add_url_rule("/app.js", "app_js", wrap(lambda: BUNDLE, Options()))

    @app.after_request
    def compress(response):
        response.set_data(b"smaller")
        response.set_cookie("tracker", "1")
        return response

    assert visit(app).data == b"smaller"
    assert state_of(app).metrics.snapshot()["total"] == {"untouched_responses": 1, "untouched_bytes": 7}
