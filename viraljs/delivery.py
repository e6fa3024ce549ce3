"""The decorator of bundles: turns a view's response into a full, a thin or an untouched one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial, wraps
from hashlib import sha256
from itertools import chain
from typing import Any, BinaryIO
from urllib.parse import quote

from flask import Response, current_app, g, request, url_for
from flask.globals import request_ctx
from werkzeug.wrappers import Response as BaseResponse

from . import signals
from .bundle import READ_BYTES, Manifest, build_manifest
from .config import check_value
from .errors import BundleError
from .matching import SAMPLE, choose
from .nearness import Distance, locate
from .negotiation import (
    RequestFacts,
    ResponseFacts,
    is_trustworthy,
    judge_request,
    judge_response,
)
from .rendering import (
    BREAKER_COOKIE,
    CONSENT_COOKIE,
    DIRECT,
    MARKED,
    PARAMETER,
)
from .state import State, current_state
from .tickets import Ticket

HEADER = "ViralJS-Delivery"
JAVASCRIPT = "text/javascript; charset=utf-8"
ETAG_CHARACTERS = 32
SHARED_CACHE_HEADERS = ("CDN-Cache-Control", "Cloudflare-CDN-Cache-Control", "Surrogate-Control", "Surrogate-Key")
DIGEST_HEADERS = ("Content-MD5", "Digest", "Content-Digest", "Repr-Digest")
BODY_HEADERS = ("ETag", "Last-Modified", "Expires", "Content-Disposition", "SourceMap", "Accept-Ranges")
FETCH_METADATA = frozenset({"sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site", "sec-fetch-user"})

View = Callable[..., Any]


@dataclass(frozen=True)
class Options:
    """What the decorator was told; None leaves a setting to the app."""

    min_size: int | None = None
    nearby: Distance | None = None
    peers: int | None = None

    @classmethod
    def checked(cls, min_size: int | None, nearby: str | None, peers: int | None) -> Options:
        """Check what a user wrote; raise `ConfigurationError` where it can't be meant."""

        def check(key: str, value: Any) -> Any:
            return None if value is None else check_value(key, value, f"@viral.bundle({key.lower()}=…)")

        return cls(check("MIN_SIZE", min_size), check("NEARBY", nearby), check("PEERS", peers))


@dataclass
class _Decision:
    """What was made of a response, kept on `g` until all other hooks have had their say."""

    kind: str
    reason: str | None
    url: str
    digest: str | None = None
    undo: _Original | None = None


@dataclass
class _Original:
    """The view's response, to go back to."""

    body: Any
    passthrough: bool
    headers: list[tuple[str, str]]
    replaced_by: Any = field(default=None)


def wrap(view: View, options: Options, applies: Callable[[Mapping[str, Any]], bool] | None = None) -> View:
    """Make a view deliver its response by way of other visitors.

    Args:
        view: any Flask view; async ones work as Flask lets them.
        options: what the decorator was told.
        applies: says by the view's arguments whether to deliver at all.
    """

    @wraps(view)
    def deliver(*args: Any, **kwargs: Any) -> Any:
        state = current_state()
        value = current_app.ensure_sync(view)(*args, **kwargs)
        if applies is not None and not applies(kwargs):
            return value
        return respond(state, as_bundle(value), options)

    return deliver


def as_bundle(value: Any) -> Response:
    """Make a response of what a view returned. Text without a type is JavaScript here, not HTML."""
    response = current_app.make_response(value)
    headers = value[-1] if isinstance(value, tuple) and not isinstance(value[-1], int | str) else {}
    bare = value[0] if isinstance(value, tuple) else value
    named = {str(name).lower() for name in dict(headers or {})}
    if not isinstance(bare, BaseResponse | Mapping | list) and "content-type" not in named:
        response.headers["Content-Type"] = JAVASCRIPT
    return response


def respond(state: State, response: Response, options: Options) -> Response:
    """Decide and carry out: the way of one visit, steps 1 to 3."""
    url = _bundle_url()
    visitor = _request_facts()
    reason = judge_response(_response_facts(response), state.policy)
    if reason:
        return _untouched(response, "direct" if visitor.direct and reason == "status" else reason, url)
    try:
        body = _Body.of(response)
        # A generator is not run for a visitor who would get its bytes unchanged.
        reason = judge_request(visitor, state.policy)
        if body.size is None and (reason is None or visitor.direct):
            body = body.collect(state.settings.max_buffer)
        smallest = state.settings.min_size if options.min_size is None else options.min_size
        if body.size is None:
            return _untouched(response, reason or "buffer", url)
        if not visitor.direct and body.size < smallest:
            return _untouched(response, "small" if body.size else "empty", url)
        if reason:
            return _conditional(_untouched(response, reason, url), body, shared=visitor.direct)
        manifest = state.manifests.get(
            (url, response.content_type, body.identity()),
            lambda: build_manifest(url, response.content_type or JAVASCRIPT, body.known_size, body.chunks()),
        )
    except BundleError as error:
        current_app.logger.warning("ViralJS left a response alone: %s", error)
        return _untouched(response, "unreadable", url)
    return _by_peers(state, response, body, manifest, options, visitor)


# Reading request and response ------------------------------------------------------------------------


def _bundle_url() -> str:
    """Give path and query of the bundle, without our own parameter."""
    pairs = [pair for pair in request.query_string.decode("latin-1").split("&") if pair]
    query = "&".join(pair for pair in pairs if pair.split("=", 1)[0] != PARAMETER)
    return quote(request.root_path + request.path, safe="/!$&'()*+,;=:@~") + ("?" + query if query else "")


def _request_facts() -> RequestFacts:
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
        failures=int(failures) if failures.isascii() and failures.isdigit() else 0,
        consent=None if consent is None else consent == "1",
    )


def _response_facts(response: Response) -> ResponseFacts:
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
    # Not `flask.session`: to look at that one is to read it, and Flask then adds `Vary: Cookie`.
    return getattr(request_ctx, "_session", None)


def _session_was_read() -> bool:
    return bool(getattr(_session(), "accessed", False))


def _session_sets_cookie() -> bool:
    session = _session()
    if session is None or current_app.session_interface.is_null_session(session):
        return False
    if not session and session.modified:
        return True  # Flask deletes the cookie of a session that was emptied
    return bool(session) and current_app.session_interface.should_set_cookie(current_app, session)


@dataclass
class _Body:
    """A response's body: an open file, bytes, or a stream not yet run (then `size` is None)."""

    response: Response
    size: int | None
    file: BinaryIO | None = None
    data: bytes | None = None

    @classmethod
    def of(cls, response: Response) -> _Body:
        """Look at a body without reading it."""
        file = _underlying_file(response.response)
        if file is not None:
            return cls(response, os.fstat(file.fileno()).st_size - file.tell(), file=file)
        if response.is_sequence and not response.direct_passthrough:
            data = response.get_data()
            return cls(response, len(data), data=data)
        return cls(response, None)

    @property
    def known_size(self) -> int:
        """The size, of a body that is not a stream."""
        assert self.size is not None  # noqa: S101 - `respond` collects streams first
        return self.size

    def collect(self, most: int) -> _Body:
        """Run a stream up to `most` bytes. A longer one is left as it was, with what was read put back in front."""
        parts: list[bytes] = []
        total = 0
        source: Any = self.response.response
        stream: Iterator[bytes] = iter(source if self.response.direct_passthrough else self.response.iter_encoded())
        for part in stream:
            parts.append(part)
            total += len(part)
            if total > most:
                self.response.response = _Chain(chain(parts, stream), source)
                return self
        if hasattr(source, "close"):
            source.close()
        self.response.direct_passthrough = False
        self.response.set_data(b"".join(parts))
        return _Body(self.response, total, data=self.response.get_data())

    def identity(self) -> tuple[object, ...]:
        """Give what tells these bytes from others, without reading a file."""
        if self.file is not None:
            status = os.fstat(self.file.fileno())
            return ("file", self.file.name, status.st_mtime_ns, status.st_size)
        etag, weak = self.response.get_etag()
        if etag and not weak:
            return ("etag", etag, self.size)
        return ("digest", sha256(self.data or b"").digest())

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes; a file is left where it stood."""
        if self.file is None:
            yield self.data or b""
            return
        start = self.file.tell()
        while part := self.file.read(READ_BYTES):
            yield part
        self.file.seek(start)

    def followed_by(self, tail: bytes) -> Iterable[bytes]:
        """Give a body of these bytes and then the tail."""
        if self.file is None:
            return [self.data or b"", tail]
        return _Chain(chain(iter(partial(self.file.read, READ_BYTES), b""), [tail]), self.file)


class _Chain:
    """An iterable that closes the source behind it."""

    def __init__(self, parts: Iterator[bytes], source: Any) -> None:
        self._parts = parts
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        return self._parts

    def close(self) -> None:
        if hasattr(self._source, "close"):
            self._source.close()


def _underlying_file(body: Any) -> BinaryIO | None:
    """Find the file on disk behind a server's file wrapper: `file` in Werkzeug's, `filelike` in gunicorn's."""
    for name in ("file", "filelike"):
        file = getattr(body, name, None)
        if file is not None and isinstance(getattr(file, "name", None), str) and hasattr(file, "fileno"):
            return file  # type: ignore[no-any-return]
    return None


# Untouched -------------------------------------------------------------------------------------------


def _untouched(response: Response, reason: str, url: str) -> Response:
    response.headers[HEADER] = f"untouched; reason={reason}"
    g.viraljs_decision = _Decision("untouched", reason, url)
    return response


def _conditional(response: Response, body: _Body, *, shared: bool) -> Response:
    """Answer conditions and ranges for a bundle that could have been delivered by peers.

    Args:
        response: the view's.
        body: its body.
        shared: the URL gives the same to everybody, so that shared caches may keep it. Elsewhere they may not: they
            would hand one visitor's kind of response to another.
    """
    if not shared:
        _forbid_sharing(response)
    if body.file is None and "ETag" not in response.headers:
        response.set_etag(sha256(body.data or b"").hexdigest()[:ETAG_CHARACTERS])
    response.make_conditional(request.environ, accept_ranges=True, complete_length=body.size)
    return response


def _forbid_sharing(response: Response) -> None:
    control = response.cache_control
    control.private = True
    # Not assigned None: that would leave the directive there, without a value.
    for name in ("public", "s-maxage", "proxy-revalidate"):
        control.pop(name, None)
    for name in SHARED_CACHE_HEADERS:
        response.headers.pop(name, None)


# Full and thin ---------------------------------------------------------------------------------------


def _by_peers(
    state: State, response: Response, body: _Body, manifest: Manifest, options: Options, visitor: RequestFacts
) -> Response:
    base = url_for("viraljs.offers").rsplit("/", 1)[0]
    tail = state.renderer.addition(manifest, state.settings, base, state.tickets.prove(manifest.digest))
    full_etag = f"{manifest.digest[:ETAG_CHARACTERS]}-viral-{sha256(tail).hexdigest()[:8]}"
    if known := _known_etag(response, manifest, full_etag):
        return _not_modified(response, known, manifest.url)
    undo = _Original(response.response, response.direct_passthrough, list(response.headers))
    seeders = _seeders(state, manifest, options) if visitor.consent or not state.settings.consent else ()
    if seeders:
        ticket = state.tickets.issue(Ticket(state.new_peer_id(), manifest.digest, seeders))
        _make_thin(response, state.renderer.thin(manifest, state.settings, base, ticket))
    else:
        _make_full(response, body, tail, full_etag)
    undo.replaced_by = response.response
    kind = "thin" if seeders else "full"
    response.headers[HEADER] = kind
    g.viraljs_decision = _Decision(kind, None, manifest.url, manifest.digest, undo)
    return response


def _seeders(state: State, manifest: Manifest, options: Options) -> tuple[str, ...]:
    place = locate(request.remote_addr)
    return choose(
        state.registry.candidates(manifest.digest, place, SAMPLE),
        place,
        nearby=state.settings.nearby if options.nearby is None else options.nearby,
        peers=options.peers or state.settings.peers,
        slots=state.settings.upload_slots,
        rng=state.rng,
    )


def _known_etag(response: Response, manifest: Manifest, full_etag: str) -> str | None:
    """Give the entity tag by which the browser has these bytes already, be it with the addition or without."""
    own, _ = response.get_etag()
    for etag in (full_etag, own, manifest.digest[:ETAG_CHARACTERS]):
        if etag and request.if_none_match.contains_weak(etag):
            return etag
    return None


def _not_modified(response: Response, etag: str, url: str) -> Response:
    response.set_etag(etag)
    _forbid_sharing(response)
    response.status_code = 304
    response.call_on_close(getattr(response.response, "close", lambda: None))
    response.direct_passthrough = False
    response.response = []
    for name in ("Content-Length", "Content-Type", *DIGEST_HEADERS):
        response.headers.pop(name, None)
    return _untouched(response, "not-modified", url)


def _make_full(response: Response, body: _Body, tail: bytes, etag: str) -> None:
    response.response = body.followed_by(tail)
    response.headers["Content-Length"] = str(body.known_size + len(tail))
    response.set_etag(etag)
    response.headers["Accept-Ranges"] = "none"
    _forbid_sharing(response)
    # The seeder finds these bytes in its cache with a request whose fetch metadata differ from the script's own.
    kept = [name for name in response.vary if name.lower() not in FETCH_METADATA]
    if len(kept) < len(response.vary):
        response.headers["Vary"] = ", ".join(kept)
    for name in DIGEST_HEADERS:
        response.headers.pop(name, None)


def _make_thin(response: Response, script: bytes) -> None:
    # The body of the view is kept open for `finish`, which may have to go back to it.
    response.call_on_close(getattr(response.response, "close", lambda: None))
    response.direct_passthrough = False
    response.response = [script]
    response.headers["Content-Length"] = str(len(script))
    response.headers["Content-Type"] = JAVASCRIPT
    response.headers["Cache-Control"] = "no-store"
    for name in (*BODY_HEADERS, *DIGEST_HEADERS, *SHARED_CACHE_HEADERS):
        response.headers.pop(name, None)


# After all other hooks -------------------------------------------------------------------------------


def finish(response: Response) -> Response:
    """Run after every other `after_request` hook: one of them may have made the response personal."""
    decision: _Decision | None = g.pop("viraljs_decision", None)
    if decision is None:
        return response
    if decision.undo is not None and response.response is decision.undo.replaced_by:
        facts = _response_facts(response)
        if facts.sets_cookie or "cookie" in facts.vary:
            _go_back(response, decision.undo)
            decision.kind, decision.reason = "untouched", "set-cookie" if facts.sets_cookie else "vary"
    signals.response_decided.send(
        current_app._get_current_object(),  # type: ignore[attr-defined]
        url=decision.url,
        digest=decision.digest,
        kind=decision.kind,
        reason=decision.reason,
        size=_sent_size(response),
    )
    return response


def _go_back(response: Response, original: _Original) -> None:
    """Restore the view's body and headers, with what hooks added since."""
    since = [(name, value) for name, value in response.headers if name in ("Set-Cookie", "Vary")]
    response.response = original.body
    response.direct_passthrough = original.passthrough
    response.headers.clear()
    for name, value in original.headers:
        response.headers.add(name, value)
    for name, value in since:
        if (name, value) not in original.headers:
            response.headers.add(name, value)
    response.headers[HEADER] = "untouched; reason=set-cookie"


def _sent_size(response: Response) -> int | None:
    if request.method == "HEAD" or response.status_code in (204, 304):
        return 0
    return response.content_length
