"""Which routes lead to modules, and what is remembered of them."""

from functools import wraps

import pytest
from flask import Flask

from tests.support.visits import new_app, state_of
from viraljs import ViralJS
from viraljs.bundle import build_manifest
from viraljs.errors import BundleError
from viraljs.modules import ModuleFacts
from viraljs.nearness import Distance
from viraljs.parts import is_part, look_at, may_share


def app_with(view=lambda **_: "", rule="/m/<name>", **options):
    app = new_app(**options)
    app.add_url_rule(rule, "module", ViralJS().bundle(view))
    app.add_url_rule("/plain/<name>", "plain", lambda name: name)
    app.add_url_rule("/post/<name>", "post", ViralJS().bundle(lambda **_: ""), methods=["POST"])
    return app


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/m/a.js", True),
        ("/m/a.js?v=1", True),
        ("/m/a%20b.js", True),
        ("/plain/a.js", False),
        ("/post/a.js", False),
        ("/nowhere.js", False),
        ("/m/", False),
        ("", False),
    ],
)
def test_a_decorated_route_leads_to_a_part(url, expected):
    with app_with().test_request_context("/"):
        assert is_part()(url) is expected


def test_other_decorators_above_ours_hide_nothing():
    def above(view):
        return wraps(view)(lambda **arguments: str(view(**arguments)))

    app = new_app()
    app.add_url_rule("/m/<name>", "module", above(ViralJS().bundle(lambda name: name)))
    with app.test_request_context("/"):
        assert is_part()("/m/a.js")


def test_a_mounted_app_knows_its_own():
    with app_with().test_request_context("/", environ_overrides={"SCRIPT_NAME": "/mounted"}):
        assert is_part()("/mounted/m/a.js")
        assert not is_part()("/m/a.js")


def test_the_answer_can_be_asked_for_when_the_request_is_over():
    with app_with().test_request_context("/"):
        leads = is_part()
    assert leads("/m/a.js")


def look(app: Flask, code: bytes, url="/m/a/entry.js", leads=lambda _: True, *, shared=True):
    manifest = build_manifest(url, "text/javascript", len(code), [code])
    return look_at(state_of(app), manifest, lambda: code, leads, "localhost", shared=shared, nearby=Distance.ANY)


def test_what_a_module_imports_is_remembered_as_paths():
    app = app_with()
    code = (
        b'import "./b.js"; import "../c.js?v=1"; export * from "/d%20e.js"; import "./b.js#x"; import "react";'
        b'import x from "./x.json" with { type: "json" }; import("./lazy.js"); import("react"); import(y);'
    )

    assert isinstance(look(app, code), ModuleFacts)

    part = state_of(app).graph.find("/m/a/entry.js")
    assert part is not None
    assert (part.imports, part.offers) == (("/m/a/b.js", "/m/c.js?v=1", "/d%20e.js"), ("/m/a/lazy.js",))
    assert (part.size, part.shared, part.reason) == (len(code), True, None)


def test_bytes_are_read_once():
    app = app_with()
    code = b'import "./b.js";'
    look(app, code)
    manifest = build_manifest("/m/other.js", "text/javascript", len(code), [code])

    def never():
        raise AssertionError

    assert isinstance(
        look_at(state_of(app), manifest, never, lambda _: True, "localhost", shared=True, nearby=Distance.ANY),
        ModuleFacts,
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (b"import {", "module-syntax"),
        (b'import "./b.js"', "imports"),
        (b'import("./b.js")', "imports"),
        (b'import "http://localhost/m/b.js"', "imports"),
        (b'import("//localhost/m/b.js")', "imports"),
        (b'import "//cdn.example/m/b.js"', "imports"),
        (b'import "http://["', "module-syntax"),
    ],
)
def test_what_can_t_be_linked_is_remembered_with_its_reason(code, reason):
    app = app_with()
    assert look(app, code, leads=lambda _: False) == reason
    part = state_of(app).graph.find("/m/a/entry.js")
    assert part is not None
    assert part.reason == reason


def test_what_the_apps_own_code_throws_is_told_to_the_log_and_nobody_else(caplog):
    def leads(_):
        raise RuntimeError("no database here")

    app = app_with()
    assert look(app, b'import "./b.js"', leads=leads) == "module-syntax"
    assert "can't understand the module /m/a/entry.js" in caplog.text
    assert "no database here" in caplog.text


def test_bytes_that_cannot_be_read_are_no_matter_of_its_syntax():
    app = app_with()
    manifest = build_manifest("/m/a.js", "text/javascript", 1, [b";"])

    def read():
        raise BundleError("gone")

    with pytest.raises(BundleError):
        look_at(state_of(app), manifest, read, lambda _: True, "localhost", shared=True, nearby=Distance.ANY)
    assert state_of(app).graph.find("/m/a.js") is None


@pytest.mark.parametrize(
    ("asked_for", "said", "expected"),
    [(False, None, True), (False, False, False), (True, None, False), (True, True, True), (True, False, False)],
)
def test_a_visitor_shares_who_was_not_asked_or_said_yes(asked_for, said, expected):
    assert may_share(state_of(new_app(CONSENT=asked_for)), said) is expected
