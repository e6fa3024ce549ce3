"""Conditions, ranges and caches: what HTTP asks of a URL that answers in three ways (RFC 9110, RFC 9111)."""

import io
import os
from itertools import pairwise

import pytest
from flask import Response, send_file

from tests.support.visits import BUNDLE, add_seeder, delivery_of, new_app, serve_bundle, visit

PLAIN = {"Sec-Fetch-Dest": "", "Sec-Fetch-Mode": "", "Sec-Fetch-Site": "", "User-Agent": "curl/8.5.0"}
CACHING = "public, max-age=60, s-maxage=600, must-revalidate"
DIRECT = "/app.js?viraljs=direct"
MODIFIED = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "app.js"
    path.write_bytes(BUNDLE)
    os.utime(path, (MODIFIED, MODIFIED))
    return path


def as_file(path):
    response = send_file(path)
    response.headers["Cache-Control"] = CACHING
    response.headers["CDN-Cache-Control"] = "max-age=600"
    return response


def as_file_without_conditions(path):
    response = send_file(path, conditional=False, etag=False)
    response.headers["Cache-Control"] = CACHING
    return response


def as_bytes(path):
    return Response(path.read_bytes(), mimetype="text/javascript", headers={"Cache-Control": CACHING})


def as_tagged_bytes(path):
    response = as_bytes(path)
    response.set_etag("view")
    return response


def as_stream(path):
    return Response(
        iter([path.read_bytes()]), mimetype="text/javascript", headers={"Cache-Control": CACHING, "ETag": '"view"'}
    )


VIEWS = {view.__name__: view for view in (as_file, as_file_without_conditions, as_bytes, as_tagged_bytes, as_stream)}


def app_with(view, path):
    app = new_app()
    serve_bundle(app, lambda: VIEWS[view](path))
    return app


@pytest.fixture(params=VIEWS)
def app(request, path):
    return app_with(request.param, path)


@pytest.fixture(params=sorted(VIEWS.keys() - {"as_file_without_conditions"}))
def tagged_app(request, path):
    """An app whose plain bytes have a tag: to give a file one would be to read it."""
    return app_with(request.param, path)


@pytest.fixture(
    params=[(view, url) for view in VIEWS for url in ("/app.js", DIRECT) if (view, url) != ("as_stream", "/app.js")]
)
def place(request, path):
    """An app and a URL of plain bytes with a length: a stream is not run for who would get it unchanged."""
    view, url = request.param
    return app_with(view, path), url


def directives(response):
    return set(response.headers["Cache-Control"].split(", "))


# Caches ----------------------------------------------------------------------------------------------


def test_a_full_response_keeps_the_views_caching_but_for_shared_caches(app):
    response = visit(app)

    assert delivery_of(response) == "full"
    assert directives(response) == {"private", "max-age=60", "must-revalidate"}
    assert "CDN-Cache-Control" not in response.headers


def test_a_thin_response_is_kept_by_nobody(app):
    add_seeder(app, BUNDLE)

    response = visit(app)

    assert delivery_of(response) == "thin"
    assert response.headers["Cache-Control"] == "no-store"
    for name in ("ETag", "Last-Modified", "CDN-Cache-Control"):
        assert name not in response.headers


@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        PLAIN,
        {"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"},
        {"Range": "bytes=0-9"},
        {"If-Modified-Since": "now"},
        {"Save-Data": "on"},
    ],
    ids=["script", "curl", "fetch", "range", "condition", "save-data"],
)
def test_on_its_own_url_no_answer_about_a_bundle_is_for_shared_caches(app, headers, method, seeded):
    if seeded:
        add_seeder(app, BUNDLE)
    known = (
        {"If-None-Match": visit(app, headers=PLAIN).headers.get("ETag", "x")} if "If-Modified-Since" in headers else {}
    )

    response = visit(app, headers=known or headers, method=method)

    assert directives(response) & {"private", "no-store"}
    assert not directives(response) & {"public", "s-maxage=600"}
    assert "CDN-Cache-Control" not in response.headers


def test_the_direct_url_is_for_every_cache(app):
    response = visit(app, DIRECT)

    assert directives(response) == set(CACHING.split(", "))


def test_fetch_metadata_in_vary_would_hide_a_full_response_from_the_seeders_own_cache(path):
    app = new_app()
    serve_bundle(app, lambda: Response(BUNDLE, mimetype="text/javascript", headers={"Vary": "Sec-Fetch-Dest, Origin"}))

    assert visit(app).headers["Vary"] == "Origin"
    assert visit(app, headers=PLAIN).headers["Vary"] == "Sec-Fetch-Dest, Origin"


# Lengths and tags ------------------------------------------------------------------------------------


def test_lengths_are_right(app):
    responses = [visit(app), visit(app, DIRECT)]
    add_seeder(app, BUNDLE)
    responses.append(visit(app))

    assert [delivery_of(response) for response in responses] == ["full", "untouched; reason=direct", "thin"]
    for response in responses:
        assert int(response.headers["Content-Length"]) == len(response.data)


def test_full_and_untouched_have_different_tags(app):
    full, plain, direct = (visit(app, **kind).headers.get("ETag") for kind in ({}, {"headers": PLAIN}, {"url": DIRECT}))

    assert full
    assert full not in (plain, direct)
    assert plain == direct


def test_a_tag_stays_while_the_bundle_does_and_goes_with_it(app, path):
    before = visit(app).headers["ETag"]
    assert visit(app).headers["ETag"] == before

    path.write_bytes(BUNDLE + b"// new\n")

    if "view" not in visit(app, DIRECT).headers.get("ETag", ""):
        assert visit(app).headers["ETag"] != before


# HEAD ------------------------------------------------------------------------------------------------


def test_head_says_what_get_would_without_a_body(app):
    head, get = visit(app, method="HEAD", headers=PLAIN), visit(app, headers=PLAIN)

    assert (head.status_code, head.data, delivery_of(head)) == (200, b"", "untouched; reason=method")
    assert head.headers.get("ETag") == get.headers.get("ETag")
    assert head.headers["Content-Type"] == get.headers["Content-Type"]
    assert head.headers["Cache-Control"] == get.headers["Cache-Control"]


def test_head_on_the_direct_url_says_how_long_the_bundle_is(app):
    response = visit(app, DIRECT, method="HEAD")

    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == str(len(BUNDLE))


# Conditions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seeded", [False, True])
def test_who_has_the_full_response_is_told_so_and_never_gets_a_thin_one(app, seeded):
    etag = visit(app).headers["ETag"]
    if seeded:
        add_seeder(app, BUNDLE)

    response = visit(app, headers={"If-None-Match": etag})

    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == etag
    assert directives(response) == {"private", "max-age=60", "must-revalidate"}
    assert "Content-Length" not in response.headers


@pytest.mark.parametrize("seeded", [False, True])
@pytest.mark.parametrize("form", ['"{}"', 'W/"{}"', '"other", "{}"', '"{}:gzip"', '"{};br"', 'W/"{}-gzip"'])
def test_the_tag_is_known_in_every_form_that_a_browser_may_have_it_in(app, seeded, form):
    etag = visit(app).headers["ETag"].strip('"')
    if seeded:
        add_seeder(app, BUNDLE)

    assert visit(app, headers={"If-None-Match": form.format(etag)}).status_code == 304


@pytest.mark.parametrize("seeded", [False, True])
def test_who_has_the_plain_bytes_is_told_so_too(tagged_app, seeded):
    etag = visit(tagged_app, headers=PLAIN).headers["ETag"]
    if seeded:
        add_seeder(tagged_app, BUNDLE)

    response = visit(tagged_app, headers={"If-None-Match": etag})

    assert (response.status_code, response.headers["ETag"]) == (304, etag)
    assert "public" not in directives(response)


def test_who_has_another_version_gets_this_one(app):
    response = visit(app, headers={"If-None-Match": '"another"'})

    assert (response.status_code, delivery_of(response)) == (200, "full")
    add_seeder(app, BUNDLE)
    assert delivery_of(visit(app, headers={"If-None-Match": '"another"'})) == "thin"


def test_the_tag_of_the_full_response_means_nothing_to_who_gets_plain_bytes(app):
    etag = visit(app).headers["ETag"]

    for response in (visit(app, headers={**PLAIN, "If-None-Match": etag}), visit(app, DIRECT, {"If-None-Match": etag})):
        assert (response.status_code, response.data) == (200, BUNDLE)


@pytest.mark.parametrize("url", ["/app.js", DIRECT])
def test_plain_bytes_are_revalidated_by_their_own_tag(path, url):
    app = app_with("as_tagged_bytes", path)
    etag = visit(app, url, PLAIN).headers["ETag"]

    response = visit(app, url, {**PLAIN, "If-None-Match": etag})

    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == etag


# Ranges ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, len(BUNDLE)),
        ("bytes=-7", len(BUNDLE) - 7, len(BUNDLE)),
        ("bytes=0-9999", 0, len(BUNDLE)),
    ],
)
def test_a_part_can_be_asked_for(place, asked, start, end):
    app, url = place
    add_seeder(app, BUNDLE)
    response = visit(app, url, {"Range": asked})

    assert (response.status_code, response.data) == (206, BUNDLE[start:end])
    assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{len(BUNDLE)}"
    assert response.headers["Content-Length"] == str(end - start)
    assert delivery_of(response).startswith("untouched; reason=")


@pytest.mark.parametrize("asked", ["bytes=100000-", f"bytes={len(BUNDLE)}-"])
def test_a_part_beyond_the_end_is_refused(place, asked):
    app, url = place
    response = visit(app, url, {"Range": asked})

    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{len(BUNDLE)}"


@pytest.mark.parametrize("asked", ["bytes=9-5", "lines=1-2", "bytes=a-b"])
def test_a_range_that_cannot_be_understood_is_ignored_or_refused(app, asked):
    response = visit(app, DIRECT, {"Range": asked})

    assert response.status_code in (200, 416)
    assert response.status_code == 416 or response.data == BUNDLE


def test_a_part_of_what_has_not_changed_can_be_asked_for(tagged_app):
    known = visit(tagged_app, DIRECT).headers["ETag"]

    response = visit(tagged_app, DIRECT, {"Range": "bytes=0-9", "If-Range": known})

    assert (response.status_code, response.data) == (206, BUNDLE[:10])


def test_a_part_of_what_has_changed_is_the_whole(app):
    response = visit(app, DIRECT, {"Range": "bytes=0-9", "If-Range": '"another"'})

    assert (response.status_code, response.data) == (200, BUNDLE)


def test_ranges_are_offered_where_they_work(app):
    assert visit(app, DIRECT).headers["Accept-Ranges"] == "bytes"
    assert visit(app).headers["Accept-Ranges"] == "none"


def test_a_client_that_fetches_missing_ranges_puts_the_bundle_together(app):
    cuts = [0, 100, 250, len(BUNDLE)]

    fetched = [visit(app, DIRECT, {"Range": f"bytes={start}-{end - 1}"}).data for start, end in pairwise(cuts)]

    assert b"".join(fetched) == BUNDLE


# Odd sizes -------------------------------------------------------------------------------------------


def test_a_bundle_of_one_byte_is_a_bundle():
    app = new_app()
    serve_bundle(app, lambda: b";")

    assert visit(app).data.startswith(b";\n;")


def test_an_empty_bundle_is_no_bundle():
    app = new_app()
    serve_bundle(app, lambda: b"")

    for url, reason in (("/app.js", "empty"), (DIRECT, "direct")):
        response = visit(app, url)
        assert (response.status_code, response.data, delivery_of(response)) == (200, b"", f"untouched; reason={reason}")


def test_a_bundle_of_many_buffers_comes_whole(tmp_path):
    data = os.urandom(700_001)
    (tmp_path / "app.js").write_bytes(data)
    app = new_app()
    serve_bundle(app, lambda: send_file(tmp_path / "app.js"))

    response = visit(app)

    assert response.data.startswith(data + b"\n;")
    assert response.content_length == len(response.data)


def test_an_open_file_is_a_bundle_as_well_as_a_path(path):
    app = new_app()
    serve_bundle(app, lambda: send_file(path.open("rb"), mimetype="text/javascript"))
    serve_bundle(app, lambda: send_file(io.BytesIO(BUNDLE), mimetype="text/javascript"), "/memory.js")

    for url in ("/app.js", "/memory.js"):
        assert visit(app, url).data.startswith(BUNDLE + b"\n;")


# Other origins ---------------------------------------------------------------------------------------

WWW = "https://www.example"
FOREIGN = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "cross-site", "Origin": WWW}
MARKED = "/app.js?viraljs=script"


def readers(response):
    return response.headers.get("Access-Control-Allow-Origin"), "Origin" in response.headers.get("Vary", "")


@pytest.fixture
def shared():
    app = new_app(ORIGINS=[WWW])
    serve_bundle(app, lambda: Response(BUNDLE, mimetype="text/javascript"))
    return app


@pytest.mark.parametrize(
    ("kind", "url", "headers"),
    [
        ("full", MARKED, {}),
        ("untouched; reason=module", "/app.js", {}),
        ("untouched; reason=crawler", MARKED, {"User-Agent": "Googlebot"}),
        ("untouched; reason=direct", DIRECT, {}),
        ("untouched; reason=direct", DIRECT, {"Range": "bytes=0-9"}),
        ("untouched; reason=not-cached", MARKED, {"Accept": "application/vnd.viraljs.cached"}),
    ],
)
def test_a_page_of_a_named_origin_may_read_whatever_it_gets(kind, url, headers, shared):
    response = visit(shared, url, {**FOREIGN, **headers})

    assert (delivery_of(response), readers(response)) == (kind, (WWW, True))


def test_it_may_read_a_thin_response_and_304_too(shared):
    etag = visit(shared, MARKED, FOREIGN).headers["ETag"]
    known = visit(shared, MARKED, {**FOREIGN, "If-None-Match": etag})
    assert (known.status_code, readers(known)) == (304, (WWW, True))
    add_seeder(shared, BUNDLE)
    thin = visit(shared, MARKED, FOREIGN)
    assert (delivery_of(thin), readers(thin)) == ("thin", (WWW, True))


def test_a_page_of_any_other_origin_may_not_and_no_cache_mixes_them_up(shared):
    response = visit(shared, MARKED, {**FOREIGN, "Origin": "https://evil.example"})

    assert (delivery_of(response), readers(response)) == ("untouched; reason=cross-origin", (None, True))
    assert readers(visit(shared)) == (None, True)


def test_what_the_app_says_of_other_origins_stands(shared):
    @shared.after_request
    def share(response):
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    assert visit(shared, MARKED, FOREIGN).headers.getlist("Access-Control-Allow-Origin") == ["*"]


def test_who_names_no_origins_has_no_word_on_them_in_any_response():
    app = new_app()
    serve_bundle(app, lambda: Response(BUNDLE, mimetype="text/javascript"))

    assert readers(visit(app, MARKED, FOREIGN)) == (None, False)


def test_a_page_of_another_origin_decides_on_consent_by_itself():
    app = new_app(ORIGINS=[WWW], CONSENT=True)
    serve_bundle(app, lambda: Response(BUNDLE, mimetype="text/javascript"))
    add_seeder(app, BUNDLE)

    assert delivery_of(visit(app)) == "full"
    assert delivery_of(visit(app, MARKED, FOREIGN)) == "thin"


def test_who_wants_what_its_cache_has_gets_nothing_and_the_view_s_file_is_closed(path):
    app = app_with("as_file", path)

    response = visit(app, headers={"Accept": "application/vnd.viraljs.cached"})

    assert (response.status_code, response.data, delivery_of(response)) == (204, b"", "untouched; reason=not-cached")
    assert response.headers["Cache-Control"] == "no-store"
