"""Headers and bodies of full, thin and unmodified responses: what HTTP asks of each (RFC 9110, RFC 9111)."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wrappers import Response

from .body import Body
from .bundle import Manifest

JAVASCRIPT = "text/javascript; charset=utf-8"
ETAG_CHARACTERS = 32
SHARED_CACHE_HEADERS = ("CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "Surrogate-Key")
DIGEST_HEADERS = ("Content-MD5", "Digest", "Content-Digest", "Repr-Digest")
BODY_HEADERS = ("ETag", "Last-Modified", "Expires", "Content-Disposition", "SourceMap", "Accept-Ranges")
FETCH_METADATA = frozenset({"sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user"})


def plain_etag(digest: str) -> str:
    """Give the entity tag of untouched bytes whose view gave none.

    Args:
        digest: SHA-256 in hex.
    """
    return digest[:ETAG_CHARACTERS]


def full_etag(manifest: Manifest, tail: bytes) -> str:
    """Give the entity tag of a bundle with its addition; it changes with either."""
    return f"{plain_etag(manifest.digest)}-viral-{sha256(tail).hexdigest()[:8]}"


def make_conditional(response: Response, body: Body, environ: Mapping[str, Any], *, shared: bool) -> None:
    """Answer conditions and ranges for a bundle that could have been delivered by peers.

    Args:
        response: the view's.
        body: its body.
        environ: the request's WSGI environment.
        shared: the URL gives the same to everybody, so that shared caches may keep it. Elsewhere they may not: they
            would hand one visitor's kind of response to another.

    Raises:
        RequestedRangeNotSatisfiable: the range lies beyond the end; Werkzeug makes a 416 of it.
    """
    if not shared:
        forbid_sharing(response)
    if body.file is None and "ETag" not in response.headers:
        response.set_etag(plain_etag(sha256(body.data or b"").hexdigest()))
    try:
        response.make_conditional(dict(environ), accept_ranges=True, complete_length=body.size)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise


def forbid_sharing(response: Response) -> None:
    """Keep shared caches from storing a response (RFC 9111, 5.2.2.7); the visitor's own may."""
    control = response.cache_control
    control.private = True
    # Not assigned None: that would leave the directive there, without a value.
    for name in ("public", "s-maxage", "proxy-revalidate"):
        control.pop(name, None)
    for name in SHARED_CACHE_HEADERS:
        response.headers.pop(name, None)


def make_unmodified(response: Response, etag: str) -> None:
    """Turn a response into 304, for a browser that has it under this entity tag."""
    response.set_etag(etag)
    forbid_sharing(response)
    response.status_code = 304
    response.call_on_close(getattr(response.response, "close", lambda: None))
    response.direct_passthrough = False
    response.response = []
    for name in ("Content-Length", "Content-Type", *DIGEST_HEADERS):
        response.headers.pop(name, None)


def make_full(response: Response, body: Body, tail: bytes, etag: str) -> None:
    """Put the addition behind the bundle. The view's caching is kept, but for shared caches."""
    response.response = body.followed_by(tail)
    response.headers["Content-Length"] = str(body.known_size + len(tail))
    response.set_etag(etag)
    response.headers["Accept-Ranges"] = "none"
    forbid_sharing(response)
    # The seeder finds these bytes in its cache with a request whose fetch metadata differ from the script's own.
    kept = [name for name in response.vary if name.lower() not in FETCH_METADATA]
    if len(kept) < len(response.vary):
        response.headers.pop("Vary")
        response.vary.update(kept)
    for name in DIGEST_HEADERS:
        response.headers.pop(name, None)


def make_thin(response: Response, script: bytes) -> None:
    """Put the thin client in place of the bundle; nobody may keep it."""
    # The body of the view is kept open: a later hook may make it necessary to go back to it.
    response.call_on_close(getattr(response.response, "close", lambda: None))
    response.direct_passthrough = False
    response.response = [script]
    response.headers["Content-Length"] = str(len(script))
    response.headers["Content-Type"] = JAVASCRIPT
    response.headers["Cache-Control"] = "no-store"
    for name in (*BODY_HEADERS, *DIGEST_HEADERS, *SHARED_CACHE_HEADERS):
        response.headers.pop(name, None)
