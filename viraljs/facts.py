"""What a Flask request and response say that matters to the negotiation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from flask import Request, Response, request
from werkzeug.datastructures import Headers, ResponseCacheControl
from werkzeug.http import parse_cache_control_header, parse_options_header, parse_set_header

from .nearness import NOWHERE, Place
from .negotiation import PERSONAL_VARY, RequestFacts, ResponseFacts, is_trustworthy
from .personal import session_sets_cookie, session_was_read
from .rendering import (
    ALONE,
    BEHIND,
    BREAKER_COOKIE,
    CONSENT_COOKIE,
    DIRECT,
    FROM_CACHE,
    KEPT_CHARACTERS,
    KEPT_COOKIE,
    MARKED,
    MODULE,
    MOST_KEPT,
    OF_RECIPIENT,
    PARAMETER,
    PART,
    WORKER_COOKIE,
)

QUERY = re.compile(r"[!-~]*")
"""What browsers leave of a query when they have encoded it."""
DIGITS = re.compile(r"[0-9]{1,9}")
FORWARDED_FOR = re.compile(r"\bfor\s*=\s*(\"[^\"]*\"|[^;,\s]*)", re.IGNORECASE)
_BEGINNING = f"[0-9a-f]{{{KEPT_CHARACTERS}}}"
KEPT = re.compile(rf"{_BEGINNING}(\.{_BEGINNING}){{0,{MOST_KEPT - 1}}}")


DIRECT_MARK = "viraljs.direct"
"""Where the WSGI environment has the mark of a request that came by the address of plain bytes."""


def bundle_url() -> str:
    """Give path and query of the bundle, without our own parameter."""
    asked = _request()
    return write_url(asked.root_path + asked.path, asked.query_string)


@lru_cache(maxsize=256)
def write_url(path: str, query: bytes) -> str:
    """Give path and query as a browser asks for them, without our own parameter.

    Args:
        path: decoded.
        query: as sent.
    """
    pairs = [pair for pair in query.decode("latin-1").split("&") if pair]
    rest = "&".join(pair for pair in pairs if pair.split("=", 1)[0] != PARAMETER)
    return quote(path, safe="/!$&'()*+,;=:@~") + ("?" + rest if rest else "")


def page_path() -> str:
    """Give the path of the current request, as a browser tells it of its page."""
    asked = _request()
    return write_url(asked.root_path + asked.path, b"")


def request_facts() -> RequestFacts:
    """Read the current request."""
    asked = _request()
    environ, cookies = asked.environ, asked.cookies
    consent = cookies.get(CONSENT_COOKIE)
    parameter = asked.args.get(PARAMETER) if asked.query_string else None
    parameter, _, lost = (parameter or "").partition(OF_RECIPIENT)
    if DIRECT_MARK in environ:
        parameter = DIRECT
    origin = environ.get("HTTP_ORIGIN")
    failures = cookies.get(BREAKER_COOKIE, "")
    kept = cookies.get(KEPT_COOKIE, "")
    return RequestFacts(
        method=asked.method,
        direct=parameter == DIRECT,
        marked=parameter in (MARKED, BEHIND, ALONE),
        from_cache=environ.get("HTTP_ACCEPT") == FROM_CACHE,
        has_range="HTTP_RANGE" in environ,
        fetch_dest=environ.get("HTTP_SEC_FETCH_DEST"),
        fetch_mode=environ.get("HTTP_SEC_FETCH_MODE"),
        fetch_site=environ.get("HTTP_SEC_FETCH_SITE"),
        origin=None if origin == f"{asked.scheme}://{asked.host}" else origin,
        plain_http=not is_trustworthy(asked.scheme, asked.host),
        purpose=environ.get("HTTP_SEC_PURPOSE") or environ.get("HTTP_PURPOSE") or environ.get("HTTP_X_MOZ"),
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        save_data=environ.get("HTTP_SAVE_DATA", "").lower() == "on",
        authorized="HTTP_AUTHORIZATION" in environ,
        failures=int(failures) if DIGITS.fullmatch(failures) else 0,
        consent=None if consent is None else consent == "1",
        page=_page(environ.get("HTTP_REFERER", ""), asked.host),
        kept=kept.split(".") if KEPT.fullmatch(kept) else (),
        behind=parameter in (BEHIND, ALONE),
        alone=parameter == ALONE,
        lost=lost,
        starts=parameter == MODULE,
        part=parameter == PART,
        worker=cookies.get(WORKER_COOKIE),
    )


def canonical_path(path: str) -> str:
    """Write a path of this server as `page_path` does. Browsers leave some characters as they are that it encodes."""
    return write_url(unquote(path), b"")


def own_url(url: str, host: str) -> str | None:
    """Give path and query of a URL as `bundle_url` writes them; None where it is not one of this host.

    Args:
        url: an absolute one, as a visitor's browser gave it.
        host: this server's, as in the `Host` header.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or parts.netloc != host or not QUERY.fullmatch(parts.query):
        return None
    return write_url(unquote(parts.path), parts.query.encode())


def asks_for_plain_bytes(url: str) -> bool:
    """Whether a URL says `?viraljs=direct`."""
    return f"{PARAMETER}={DIRECT}" in urlsplit(url).query.split("&")


def _page(referer: str, host: str) -> str | None:
    """Give the path of the page that asks, if it is one of this host."""
    found = own_url(referer, host)
    return None if found is None else found.partition("?")[0]


def visitor_place(locate: Callable[[str | None], Place], warn_once: Callable[[str, str], None]) -> Place:
    """Say where the visitor of the current request is.

    An address of a LAN may be that of the app's own reverse proxy. Then it is that of all visitors, who would be taken
    for neighbours: better to know nothing of them.

    Args:
        locate: says where an address is.
        warn_once: takes a subject and a sentence on it for the log, if a proxy's address stands for the visitor's.
    """
    asked = _request()
    place = locate(asked.remote_addr)
    # A public address may have a proxy of its own before it, a company's for instance, which tells the same place.
    if (place.is_local or place == NOWHERE) and _is_proxy(asked.environ, place, locate):
        warn_once(
            "proxy",
            f"requests come with a proxy's address, {asked.remote_addr!r}, in place of the visitor's, so nobody is "
            "near to anybody; use werkzeug's ProxyFix, with x_for as high as there are proxies",
        )
        return NOWHERE
    return place


def _is_proxy(environ: Mapping[str, Any], place: Place, locate: Callable[[str | None], Place]) -> bool:
    original = environ.get("werkzeug.proxy_fix.orig")
    if original is not None and original.get("REMOTE_ADDR") != environ.get("REMOTE_ADDR"):
        return False  # ProxyFix has put the visitor's address there
    origins = list(_origins(environ))
    # Something other than ProxyFix may have put it there; then it is the first of the header.
    return bool(origins) and not any(locate(origin).address == place.address != "" for origin in origins)


def _origins(environ: Mapping[str, Any]) -> Iterator[str]:
    """Give the visitor's address as proxies tell it: the first in X-Forwarded-For, and in Forwarded (RFC 7239)."""
    listed = environ.get("HTTP_X_FORWARDED_FOR", "").partition(",")[0]
    named = FORWARDED_FOR.search(environ.get("HTTP_FORWARDED", ""))
    for text in (listed, named[1] if named else ""):
        host = text.strip().strip('"')
        if host.startswith("["):  # [2001:db8::1]:4711
            yield host[1:].partition("]")[0]
        elif host:
            yield host.partition(":")[0] if host.count(":") == 1 else host  # 192.0.2.1:4711


def _request() -> Request:
    # The request itself: each look through Flask's proxy costs as much as what is looked up.
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    return asked


def response_facts(response: Response, *, public: bool = False) -> ResponseFacts:
    """Read a response of the current request, and what Flask will add to it for the session's sake.

    Args:
        response: the view's.
        public: its author said that it is the same for everybody, so that the session does not count.
    """
    headers = _joined(response.headers)
    media_type, charset = _read_type(headers.get("content-type", ""))
    private, no_store = _read_control(headers.get("cache-control", ""))
    return ResponseFacts(
        status=response.status_code,
        media_type=media_type,
        charset=charset,
        encoded=headers.get("content-encoding", "identity").lower() != "identity",
        private=private,
        no_store=no_store,
        sets_cookie="set-cookie" in headers or (not public and session_sets_cookie()),
        vary=_read_vary(headers.get("vary", "")) if public else _vary(headers),
    )


def unkept_reason(response: Response) -> str | None:
    """Return what forbids shared caches to keep a response by now: `"private"`, `"no-store"`, or nothing."""
    private, no_store = _read_control(_joined(response.headers).get("cache-control", ""))
    return "private" if private else "no-store" if no_store else None


def personal_reason(response: Response) -> str | None:
    """Say what makes a response its visitor's alone by now: `"set-cookie"`, `"vary"`, or nothing."""
    headers = _joined(response.headers)
    if "set-cookie" in headers or session_sets_cookie():
        return "set-cookie"
    return "vary" if PERSONAL_VARY & _vary(headers) else None


def _joined(headers: Headers) -> dict[str, str]:
    """Give headers by lower-case name; what stands in several lines of a name counts as one list (RFC 9110, 5.3)."""
    joined: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        joined[key] = f"{joined[key]}, {value}" if key in joined else value
    return joined


# Views say the same again and again; what visitors say is not kept here.


@lru_cache(maxsize=64)
def _read_type(header: str) -> tuple[str, str]:
    media_type, parameters = parse_options_header(header)
    return media_type, parameters.get("charset", "")


@lru_cache(maxsize=64)
def _read_control(header: str) -> tuple[bool, bool]:
    control = parse_cache_control_header(header.lower(), cls=ResponseCacheControl)
    return bool(control.private), bool(control.no_store)


@lru_cache(maxsize=64)
def _read_vary(header: str) -> frozenset[str]:
    return frozenset(name.lower() for name in parse_set_header(header))


def _vary(headers: Mapping[str, str]) -> frozenset[str]:
    named = _read_vary(headers.get("vary", ""))
    return named | {"cookie"} if session_was_read() else named
