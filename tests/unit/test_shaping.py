"""Headers and bodies of full, thin and unmodified responses."""

import pytest
from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from viraljs.body import Body
from viraljs.bundle import build_manifest
from viraljs.shaping import (
    forbid_sharing,
    full_etag,
    let_read,
    make_conditional,
    make_empty,
    make_findable,
    make_full,
    make_impersonal,
    make_thin,
    make_unmodified,
    plain_etag,
)

DATA = b"bundle"


@pytest.fixture
def response():
    return Response(
        DATA,
        mimetype="text/javascript",
        headers={
            "Cache-Control": "public, max-age=60, s-maxage=600, immutable",
            "CDN-Cache-Control": "max-age=600",
            "Surrogate-Control": "max-age=600",
            "Content-Disposition": "inline",
            "Repr-Digest": "sha-256=:eA==:",
            "Vary": "Accept-Encoding, Sec-Fetch-Dest, sec-fetch-mode",
            "ETag": '"view"',
            "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT",
            "SourceMap": "/app.js.map",
            "X-Mine": "kept",
        },
    )


def manifest():
    return build_manifest("/app.js", "text/javascript", len(DATA), [DATA])


def body_of(response):
    return b"".join(response.iter_encoded())


def directives(response):
    return set(response.headers["Cache-Control"].split(", "))


def test_a_full_response_is_the_bundle_and_the_addition(response):
    make_full(response, Body.of(response), b"\n;tail", "full")

    assert body_of(response) == b"bundle\n;tail"
    assert response.headers["Content-Length"] == "12"
    assert response.headers["ETag"] == '"full"'
    assert response.headers["Accept-Ranges"] == "none"


def test_a_full_response_keeps_the_views_caching_but_for_shared_caches(response):
    make_full(response, Body.of(response), b"", "full")

    assert directives(response) == {"max-age=60", "immutable", "private"}
    assert "CDN-Cache-Control" not in response.headers
    assert "Surrogate-Control" not in response.headers
    assert response.headers["Last-Modified"] == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert response.headers["X-Mine"] == "kept"


def test_a_full_response_is_found_by_the_seeder_in_its_own_cache(response):
    make_full(response, Body.of(response), b"", "full")

    assert response.headers["Vary"] == "Accept-Encoding"


def test_a_vary_of_fetch_metadata_only_is_gone_altogether(response):
    response.headers["Vary"] = "Sec-Fetch-Dest"
    make_full(response, Body.of(response), b"", "full")

    assert "Vary" not in response.headers


OWN_MODULE = {"HTTP_ORIGIN": "http://localhost", "HTTP_SEC_FETCH_SITE": "same-origin"}


@pytest.mark.parametrize(
    ("environ", "lines", "found"),
    [
        (OWN_MODULE, ["Origin"], ["Sec-Fetch-Site"]),
        (OWN_MODULE, ["Accept-Encoding", "ORIGIN, sec-fetch-dest"], ["Accept-Encoding, Sec-Fetch-Site"]),
        (OWN_MODULE, ["X-Original"], ["X-Original"]),
        (OWN_MODULE, ["Sec-Fetch-Mode"], []),
        (OWN_MODULE, [], []),
        ({"HTTP_SEC_FETCH_SITE": "same-origin"}, ["Origin"], ["Origin"]),
        ({"HTTP_ORIGIN": "http://elsewhere", "HTTP_SEC_FETCH_SITE": "cross-site"}, ["Origin"], ["Origin"]),
        ({"HTTP_ORIGIN": "http://a.localhost", "HTTP_SEC_FETCH_SITE": "same-site"}, ["Origin"], ["Origin"]),
        ({"HTTP_ORIGIN": "http://192.168.1.4"}, ["Origin"], ["Origin"]),
    ],
    ids=str,
)
def test_what_hooks_put_into_vary_does_not_hide_a_full_response(response, environ, lines, found):
    response.headers.setlist("Vary", lines)
    make_findable(response, environ)

    assert response.headers.getlist("Vary") == found


@pytest.mark.parametrize(
    ("lines", "left"),
    [(["Cookie"], []), (["Accept-Encoding", "cookie, Origin"], ["Accept-Encoding, Origin"]), (["*"], ["*"]), ([], [])],
    ids=str,
)
def test_what_hooks_did_for_one_visitor_is_taken_back(response, lines, left):
    response.headers.setlist("Vary", lines)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    make_impersonal(response)

    assert response.headers.getlist("Vary") == left
    assert "Set-Cookie" not in response.headers
    assert response.headers["X-Mine"] == "kept"


def test_digests_of_the_bundle_do_not_stand_over_a_longer_body(response):
    make_full(response, Body.of(response), b"\n;tail", "full")

    assert "Repr-Digest" not in response.headers


def test_a_thin_response_is_the_thin_client_and_nobody_may_keep_it(response):
    make_thin(response, b"thin client")

    assert body_of(response) == b"thin client"
    assert response.headers["Content-Length"] == "11"
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Mine"] == "kept"


@pytest.mark.parametrize(
    "name",
    [
        "ETag",
        "Last-Modified",
        "Content-Disposition",
        "SourceMap",
        "Repr-Digest",
        "CDN-Cache-Control",
        "Surrogate-Control",
    ],
)
def test_what_was_said_of_the_bundle_is_not_said_of_the_thin_client(response, name):
    make_thin(response, b"thin client")

    assert name not in response.headers


def test_a_thin_response_closes_the_views_body_when_it_is_over(response):
    closed = []

    class Stream:
        def __iter__(self):
            return iter([DATA])

        def close(self):
            closed.append(1)

    response.response = Stream()
    make_thin(response, b"thin client")
    assert closed == []
    response.close()
    assert closed == [1]


def test_an_unmodified_response_has_no_body_and_stays_private(response):
    make_unmodified(response, "known")

    assert (response.status_code, body_of(response)) == (304, b"")
    assert response.headers["ETag"] == '"known"'
    assert directives(response) == {"max-age=60", "immutable", "private"}
    for name in ("Content-Length", "Repr-Digest"):
        assert name not in response.headers


def test_a_response_that_says_nothing_of_caching_becomes_private():
    response = Response(DATA)
    forbid_sharing(response)

    assert response.headers["Cache-Control"] == "private"


def test_directives_in_several_lines_all_count():
    response = Response(DATA, headers=[("Cache-Control", "Public, max-age=60"), ("Cache-Control", "immutable")])
    forbid_sharing(response)

    assert response.headers.getlist("Cache-Control") == ["max-age=60, immutable, private"]


def test_a_directive_that_is_private_to_some_header_becomes_private_altogether():
    response = Response(DATA, headers={"Cache-Control": 'private="x-user", max-age=60'})
    forbid_sharing(response)

    assert directives(response) == {"private", "max-age=60"}


def test_vary_in_several_lines_loses_nothing_else(response):
    response.headers.add("Vary", "Origin, Sec-Fetch-Site")
    make_full(response, Body.of(response), b"", "full")

    assert response.headers.getlist("Vary") == ["Accept-Encoding, Origin"]


def test_tags_tell_the_full_bundle_from_the_plain_one_and_one_addition_from_another():
    tags = {plain_etag(manifest().digest), full_etag(manifest(), b"one"), full_etag(manifest(), b"two")}

    assert len(tags) == 3


@pytest.mark.parametrize("shared", [True, False])
def test_conditions_are_answered_with_a_tag_of_our_own_where_the_view_has_none(shared):
    response = Response(DATA, headers={"Cache-Control": "public, max-age=60"})
    make_conditional(response, Body.of(response), EnvironBuilder().get_environ(), shared=shared)

    assert response.headers["ETag"] == f'"{plain_etag(manifest().digest)}"'
    assert response.headers["Accept-Ranges"] == "bytes"
    assert ("public" in directives(response)) is shared
    assert ("private" in directives(response)) is not shared


def test_without_a_condition_it_is_as_werkzeug_would_have_it_but_for_the_date(response):
    response.response, others = [b"bun", b"dle"], Response(DATA, headers=response.headers)
    del response.headers["Content-Length"]
    environ = EnvironBuilder().get_environ()
    others.make_conditional(environ, accept_ranges=True, complete_length=len(DATA))

    make_conditional(response, Body.of(response), environ, shared=True)

    del others.headers["Date"]
    assert sorted(response.headers) == sorted(others.headers)
    assert response.status_code == others.status_code


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If-None-Match": '"view"'}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 304),
        ({"Range": "bytes=0-1"}, 206),
        ({"Range": "bytes=0-1", "If-Range": '"other"'}, 200),
    ],
    ids=str,
)
def test_each_condition_is_answered(response, condition, status):
    environ = EnvironBuilder(headers=condition).get_environ()
    with Flask("tested").test_request_context():
        make_conditional(response, Body.of(response), environ, shared=True)

    assert response.status_code == status


def test_other_methods_than_get_are_not_told_of_ranges(response):
    make_conditional(response, Body.of(response), EnvironBuilder(method="POST").get_environ(), shared=True)

    assert "Accept-Ranges" not in response.headers


def test_the_views_own_tag_is_kept(response):
    make_conditional(response, Body.of(response), EnvironBuilder().get_environ(), shared=True)

    assert response.headers["ETag"] == '"view"'


def test_a_part_is_cut_out_of_bytes(response):
    environ = EnvironBuilder(headers=[("Range", "bytes=1-3")]).get_environ()
    with Flask("tested").test_request_context():
        make_conditional(response, Body.of(response), environ, shared=True)

    assert (response.status_code, body_of(response)) == (206, b"und")


# Other origins and empty responses ---------------------------------------------------------------------

WWW = "https://www.example"


def cors_of(response):
    names = ("Access-Control-Allow-Origin", "Timing-Allow-Origin")
    return [response.headers.get(name) for name in names], "origin" in response.vary


@pytest.mark.parametrize(
    ("origin", "origins", "expected"),
    [
        (WWW, {WWW}, ([WWW, WWW], True)),
        ("https://evil.example", {WWW}, ([None, None], True)),
        (None, {WWW}, ([None, None], True)),
        (WWW, set(), ([None, None], False)),
    ],
)
def test_pages_of_the_named_origins_may_read_a_response(origin, origins, expected, response):
    let_read(response, origin, origins)

    assert cors_of(response) == expected


def test_what_the_app_says_of_other_origins_stands(response):
    response.headers["Access-Control-Allow-Origin"] = "*"

    let_read(response, WWW, {WWW})

    assert cors_of(response) == (["*", WWW], True)


def test_an_empty_response_says_nothing_of_the_bundle_and_is_not_kept(response):
    closed: list[bool] = []
    response.response = Closing(closed)

    make_empty(response)
    response.close()

    assert (response.status_code, response.data, closed) == (204, b"", [True])
    assert dict(response.headers) == {"Vary": response.headers["Vary"], "X-Mine": "kept", "Cache-Control": "no-store"}


class Closing(list[bytes]):
    def __init__(self, closed):
        super().__init__([DATA])
        self.close = lambda: closed.append(True)
