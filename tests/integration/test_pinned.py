"""A hand-written tag with `integrity`: the page of the app says so, and the bundle comes untouched there."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response, send_file

from tests.support.visits import BUNDLE, add_seeder, delivery_of, new_app, serve_bundle, visit

TAG = '<!doctype html><script defer src="app.js" integrity="sha256-x"></script>'


def paged_app(page: Any, path: str = "/shop/") -> Flask:
    app = new_app()
    serve_bundle(app, lambda: BUNDLE, "/shop/app.js")
    app.add_url_rule(path, "page", lambda: page() if callable(page) else page)
    return app


def ask(app: Flask, page: str | None = "/shop/") -> str | None:
    referer = {} if page is None else {"Referer": f"http://localhost{page}"}
    return delivery_of(visit(app, "/shop/app.js", headers=referer))


@pytest.mark.parametrize("known", [True, False], ids=["named by its browser", "not named"])
def test_a_pinned_bundle_comes_untouched_to_its_page_from_the_first_visit_on(known, caplog):
    app = paged_app(TAG)
    app.test_client().get("/shop/")

    assert ask(app, "/shop/" if known else None) == "untouched; reason=integrity"
    add_seeder(app, BUNDLE)
    assert ask(app, "/shop/" if known else None) == "untouched; reason=integrity"
    assert caplog.text.count("has an integrity attribute") == 1


def test_a_page_that_is_a_file_is_read_too_and_sent_whole(tmp_path):
    (tmp_path / "index.html").write_text(TAG)
    app = paged_app(lambda: send_file(tmp_path / "index.html"))
    with app.test_client().get("/shop/") as page:
        assert page.get_data(as_text=True) == TAG

    assert ask(app) == "untouched; reason=integrity"


def test_a_tag_is_read_whole_whatever_stands_in_its_attributes():
    app = paged_app('<!doctype html><script data-if="a>b<c" src="app.js" integrity="sha256-x"></script>')
    app.test_client().get("/shop/")

    assert ask(app) == "untouched; reason=integrity"


def test_a_tag_that_asks_for_the_plain_bytes_by_itself_stands_in_nobodys_way(caplog):
    app = paged_app('<script defer src="app.js?v=1&amp;viraljs=direct" integrity="sha256-x"></script>')
    app.test_client().get("/shop/")

    assert ask(app) == "full"
    assert "integrity" not in caplog.text


def test_other_pages_and_other_tags_go_on():
    app = paged_app(TAG.replace("app.js", "other.js"))
    app.test_client().get("/shop/")

    assert ask(app) == "full"
    assert ask(app, "/elsewhere") == "full"


def test_a_page_that_is_streamed_is_left_as_it_is():
    app = paged_app(lambda: Response((part for part in [TAG]), mimetype="text/html"))

    assert app.test_client().get("/shop/").text == TAG
    assert ask(app) == "full"
