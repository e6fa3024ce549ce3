"""What a Flask request and response say that matters to the negotiation."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flask import Response, current_app, request
from flask.globals import request_ctx

from .negotiation import RequestFacts, ResponseFacts, is_trustworthy
from .rendering import BREAKER_COOKIE, CONSENT_COOKIE, DIRECT, MARKED, PARAMETER

DIGITS = re.compile(r"[0-9]{1,9}")


def bundle_url() -> str:
    """Give path and query of the bundle, without our own parameter."""
    pairs = [pair for pair in request.query_string.decode("latin-1").split("&") if pair]
    query = "&".join(pair for pair in pairs if pair.split("=", 1)[0] != PARAMETER)
    return quote(request.root_path + request.path, safe="/!$&'()*+,;=:@~") + ("?" + query if query else "")


def request_facts() -> RequestFacts:
    """Read the current request."""
    headers = request.headers
    consent = request.cookies.get(CONSENT_COOKIE)
    parameter = request.args.get(PARAMETER)
    failures = request.cookies.get(BREAKER_COOKIE, "")
    return RequestFacts(
        method=request.method,
        direct=parameter == DIRECT,
        marked=parameter == MARKED,
        has_range="Range" in headers,
        fetch_dest=headers.get("Sec-Fetch-Dest"),
        fetch_mode=headers.get("Sec-Fetch-Mode"),
        fetch_site=headers.get("Sec-Fetch-Site"),
        plain_http=not is_trustworthy(request.scheme, request.host),
        purpose=headers.get("Sec-Purpose") or headers.get("Purpose") or headers.get("X-Moz"),
        user_agent=headers.get("User-Agent", ""),
        save_data=headers.get("Save-Data", "").lower() == "on",
        authorized="Authorization" in headers,
        failures=int(failures) if DIGITS.fullmatch(failures) else 0,
        consent=None if consent is None else consent == "1",
    )


def response_facts(response: Response) -> ResponseFacts:
    """Read a response of the current request, and what Flask will add to it for the session's sake."""
    control = response.cache_control
    return ResponseFacts(
        status=response.status_code,
        media_type=response.mimetype or "",
        charset=response.mimetype_params.get("charset", ""),
        encoded=response.headers.get("Content-Encoding", "identity").lower() != "identity",
        private=bool(control.private),
        no_store=bool(control.no_store),
        sets_cookie="Set-Cookie" in response.headers or _session_sets_cookie(),
        vary={name.lower() for name in response.vary} | ({"cookie"} if _session_was_read() else set()),
    )


def _session() -> Any:
    # Not `flask.session`: to look at that one is to read it, and Flask then adds `Vary: Cookie`. The attribute got its
    # underscore with Flask 3.1.3; to find neither is an error, lest something personal be shared.
    attributes = vars(request_ctx._get_current_object())  # type: ignore[attr-defined]
    return attributes["_session"] if "_session" in attributes else attributes["session"]


def _session_was_read() -> bool:
    return bool(getattr(_session(), "accessed", False))


def _session_sets_cookie() -> bool:
    session = _session()
    if session is None or current_app.session_interface.is_null_session(session):
        return False
    if not session and session.modified:
        return True  # Flask deletes the cookie of a session that was emptied
    return bool(session) and current_app.session_interface.should_set_cookie(current_app, session)
