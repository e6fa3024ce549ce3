"""Headers and bodies of full, thin and unmodified responses: what HTTP asks of each (RFC 9110, RFC 9111)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

from werkzeug.datastructures import Headers, ResponseCacheControl
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import dump_header, parse_cache_control_header, parse_set_header, quote_etag
from werkzeug.wrappers import Response

from .body import Body
from .bundle import Manifest
from .rendering import ALONE, OF_RECIPIENT

JAVASCRIPT = "text/javascript; charset=utf-8"
TIMING = "viraljs"
ETAG_CHARACTERS = 32
SHARED_CACHE_HEADERS = ("CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "Surrogate-Key")
DIGEST_HEADERS = ("Content-MD5", "Digest", "Content-Digest", "Repr-Digest")
BODY_HEADERS = ("ETag", "Last-Modified", "Expires", "Content-Disposition", "SourceMap", "Accept-Ranges")
SHARED_DIRECTIVES = frozenset({"public", "s-maxage", "proxy-revalidate"})
CONDITIONS = (
    "HTTP_RANGE",
    "HTTP_IF_MATCH",
    "HTTP_IF_NONE_MATCH",
    "HTTP_IF_MODIFIED_SINCE",
    "HTTP_IF_UNMODIFIED_SINCE",
    "HTTP_IF_RANGE",
)
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
        response.set_etag(plain_etag(body.digest()))
    if environ["REQUEST_METHOD"] in ("GET", "HEAD") and not any(name in environ for name in CONDITIONS):
        # What is left of Werkzeug's work then, but for a date, which is the server's to add.
        response.headers["Accept-Ranges"] = "bytes"
        if body.file is None:
            response.headers.setdefault("Content-Length", str(body.known_size))
        return
    try:
        response.make_conditional(dict(environ), accept_ranges=True, complete_length=body.size)
    except RequestedRangeNotSatisfiable:
        response.close()
        raise


def forbid_sharing(response: Response) -> None:
    """Keep shared caches from storing a response (RFC 9111, 5.2.2.7); the visitor's own may."""
    _amend(response.headers, _private(response.headers), SHARED_CACHE_HEADERS)


def make_unmodified(response: Response, etag: str) -> None:
    """Turn a response into 304, for a browser that has it under this entity tag."""
    response.set_etag(etag)
    forbid_sharing(response)
    response.status_code = 304
    _drop_body(response)
    # The type stays for hooks to read; Werkzeug leaves it out of a 304.
    _amend(response.headers, {}, ("Content-Length", *DIGEST_HEADERS))


def make_empty(response: Response) -> None:
    """Turn a response into 204: there is nothing for who asks."""
    _drop_body(response)
    response.status_code = 204
    dropped = ("Content-Length", "Content-Type", *BODY_HEADERS, *DIGEST_HEADERS, *SHARED_CACHE_HEADERS)
    _amend(response.headers, {"Cache-Control": "no-store"}, dropped)


def make_full(response: Response, body: Body, tail: bytes, etag: str, *, ask_again: bool = False) -> None:
    """Put the addition behind the bundle. The view's caching is kept, but for shared caches.

    Args:
        response: the view's.
        body: its body.
        tail: the addition.
        etag: of both together.
        ask_again: the browser is to ask at each visit whether the response still holds.
    """
    response.response = body.followed_by(tail)
    # The seeder finds these bytes in its cache with a request whose fetch metadata differ from the script's own.
    vary = _without_fetch_metadata(_line(response.headers, "Vary"))
    changes = {
        "Content-Length": str(body.known_size + len(tail)),
        "ETag": quote_etag(etag),
        "Accept-Ranges": "none",
        **({"Vary": vary} if vary else {}),
        **_private(response.headers),
    }
    if ask_again:
        changes["Cache-Control"] += ", no-cache"
    _amend(response.headers, changes, ("Vary", *DIGEST_HEADERS, *SHARED_CACHE_HEADERS))


def make_impersonal(response: Response) -> None:
    """Take back what hooks did for one visitor to a response that is the same for everybody."""
    vary = _line(response.headers, "Vary")
    if "cookie" in vary.lower():
        _set_vary(response.headers, (name for name in parse_set_header(vary) if name.lower() != "cookie"))
    response.headers.remove("Set-Cookie")


def make_findable(response: Response, environ: Mapping[str, Any]) -> None:
    """Let the addition find a full response in the browser's cache, after hooks have had their say on `Vary`.

    The addition asks as `fetch` does, and without `Origin`, which the request of a module has. Where that is the app's
    own, `Sec-Fetch-Site` tells as much: a page of another origin does not find what was stored for the app's pages.

    Args:
        response: full, or 304, which has a browser change the headers that it has stored (RFC 9111, 4.3.4).
        environ: the request's WSGI environment.
    """
    vary = _line(response.headers, "Vary")
    lowered = vary.lower()
    if "origin" in lowered or "sec-fetch-" in lowered:
        by_site = environ.get("HTTP_SEC_FETCH_SITE") == "same-origin" and "HTTP_ORIGIN" in environ
        names = parse_set_header(_without_fetch_metadata(vary))
        _set_vary(response.headers, ("Sec-Fetch-Site" if by_site and one.lower() == "origin" else one for one in names))


def make_thin(response: Response, script: bytes, recipient: str | None = None) -> None:
    """Put the thin client in place of the bundle; nobody may keep it.

    Args:
        response: the view's.
        script: the thin client, with its settings.
        recipient: whom others are sent to from now on, and so must be told of, should this response come to nothing.
    """
    # The body of the view is kept open: a later hook may make it necessary to go back to it.
    _drop_body(response)
    response.response = [script]
    changes = {"Content-Length": str(len(script)), "Content-Type": JAVASCRIPT, "Cache-Control": "no-store"}
    # The page can see this one (W3C server-timing): a script before this one leaves it to wait for its turn by itself.
    described = "thin" if recipient is None else f"{ALONE}{OF_RECIPIENT}{recipient}"
    response.headers.add("Server-Timing", f"{TIMING};desc={described}")
    _amend(response.headers, changes, (*BODY_HEADERS, *DIGEST_HEADERS, *SHARED_CACHE_HEADERS))


def let_read(response: Response, origin: str | None, origins: Collection[str]) -> None:
    """Let pages of some other origins read a response, and see how long it took (Fetch, CORS; Resource Timing).

    Args:
        response: what the app has said on this is left as it is.
        origin: as in the request.
        origins: which ones.
    """
    if not origins:
        return
    # Also where there is no origin: a cache would give that response to who needs the other.
    response.vary.add("Origin")
    if origin is not None and origin in origins:
        for name in ("Access-Control-Allow-Origin", "Timing-Allow-Origin"):
            response.headers.setdefault(name, origin)


def _drop_body(response: Response) -> None:
    # Nothing else is put there: caches can keep no response that holds a function.
    if (close := getattr(response.response, "close", None)) is not None:
        response.call_on_close(close)
    response.direct_passthrough = False
    response.response = []


# Headers ---------------------------------------------------------------------------------------------


def _line(headers: Headers, name: str) -> str:
    """Give all lines of a header as one (RFC 9110, 5.3)."""
    return ", ".join(headers.getlist(name))


def _amend(headers: Headers, changes: Mapping[str, str], without: Collection[str] = ()) -> None:
    """Set some headers and remove others, in one go: each look-up by name goes through all of them."""
    gone = {name.lower() for name in (*changes, *without)}
    headers[:] = [*(pair for pair in headers if pair[0].lower() not in gone), *changes.items()]


def _set_vary(headers: Headers, names: Iterable[str]) -> None:
    line = ", ".join(names)
    _amend(headers, {"Vary": line} if line else {}, ("Vary",))


def _private(headers: Headers) -> dict[str, str]:
    return {"Cache-Control": _make_private(_line(headers, "Cache-Control"))}


@lru_cache(maxsize=64)
def _make_private(header: str) -> str:
    control = parse_cache_control_header(header, cls=ResponseCacheControl)
    control.private = True
    return dump_header({name: value for name, value in control.items() if name.lower() not in SHARED_DIRECTIVES})


@lru_cache(maxsize=64)
def _without_fetch_metadata(header: str) -> str:
    return ", ".join(name for name in parse_set_header(header) if name.lower() not in FETCH_METADATA)
