"""The signaling blueprint: HTTP views for recipients, and the WebSocket of seeders."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, request
from flask_sock import Sock
from werkzeug.routing import BaseConverter

from . import signals
from .advice import FOREIGN_MODULES, comes_plainly
from .errors import ExpiredError, MessageError, TokenError
from .facts import canonical_path, own_url, request_facts, visitor_place
from .hub import Outbox
from .learning import BLOCKING, FOREIGN, Lessons, ban_tag, clamp, find_bans, learn
from .messages import (
    BAD_MESSAGE,
    COMPLETE,
    CORRUPT_SEEDER,
    FORBIDDEN,
    FULL,
    OUT_OF_ORDER,
    TOO_LARGE,
    Candidates,
    Gone,
    Offer,
    Report,
    Signal,
    as_object,
    encode,
    parse_candidates,
    parse_offers,
    parse_report,
)
from .nearness import Place
from .servers import gives_socket
from .session import Blocking, Close, Effect, Forward, Freed, Joined, Left, Named, SeederSession, Send
from .state import WHOLE, State, current_state, most_sockets
from .tickets import Ticket, name_swarm

SLOT_SECONDS = 120.0
"""After it an upload slot falls free by itself: the seeder or the server has lost track of the delivery."""
LAST_WORDS_SECONDS = 1.0
"""How long a peer may take to close its side when we have closed ours (RFC 6455, 7.1.1)."""
CLIENT_SECONDS = 31_536_000
REPORT_SECONDS = 3_600
"""How long after its ticket was issued a recipient may report, and nothing may be claimed twice."""
STRIKES = 3
"""Reports of wrong bytes after which a seeder is put out."""

HOST = "viraljs_host"
"""The converter for rules of apps that match hosts or subdomains, and the variable in these rules."""
STATIC_FOLDER = Path(__file__).parent / "static"
SCRIPTS = frozenset({"receive.js", "run.js", "module.js", "seeder.js", "sha256.js", "dependents.js"})
"""What browsers may ask for by itself; the thin client and the addition need settings to go with them."""


class AnyHost(BaseConverter):
    """Matches whatever host, or subdomain, a request names; none at all, too."""

    regex = "[^/]*"
    part_isolating = True


def register(app: Flask, url_prefix: str) -> None:
    """Build the blueprint and register it.

    Its routes hold for each host on which the app may have bundles and pages: what the client asks, it asks of the
    origin that its bundle came from.

    Args:
        app: the app.
        url_prefix: where it lives, such as `"/viraljs"`.
    """
    blueprint = Blueprint("viraljs", __name__, url_prefix=url_prefix)
    where: dict[str, Any] = {}
    if app.url_map.host_matching or app.subdomain_matching:
        app.url_map.converters[HOST] = AnyHost
        where = {"host" if app.url_map.host_matching else "subdomain": f"<{HOST}:{HOST}>"}
        blueprint.url_value_preprocessor(lambda _, values: values.pop(HOST, None) if values else None)
    blueprint.before_request(_check_origin)
    blueprint.before_request(_check_socket)
    blueprint.after_request(_keep_whole)
    blueprint.register_error_handler(MessageError, _refuse_message)
    blueprint.register_error_handler(TokenError, _refuse_token)
    blueprint.post("/offers", endpoint="offers", **where)(_offers)
    blueprint.post("/candidates", endpoint="candidates", **where)(_candidates)
    blueprint.post("/report", endpoint="report", **where)(_report)
    blueprint.get("/stats.json", endpoint="stats", **where)(_stats)
    blueprint.get("/client/<version>/<name>", endpoint="client", **where)(_client)
    Sock().route("/socket", bp=blueprint, endpoint="socket", **where)(_socket)
    app.register_blueprint(blueprint)


def _check_origin() -> None:
    """Let only the app's own pages signal (RFC 6455, 10.2): browsers always say whose page is asking."""
    if request.method != "POST" and request.endpoint != "viraljs.socket":
        return
    expected = f"{request.scheme}://{request.host}"
    origin = request.headers.get("Origin")
    if origin != expected and origin not in current_state().settings.origins:
        current_app.logger.warning(
            "ViralJS refused a request from origin %r: this app is %r. Behind a proxy, use werkzeug's ProxyFix, or add"
            " the origin to VIRALJS_ORIGINS.",
            origin,
            expected,
        )
        abort(403)


def _check_socket() -> tuple[str, int] | None:
    """Refuse a seeder's handshake where there is no socket to talk on."""
    if request.endpoint != "viraljs.socket" or gives_socket(request.environ):
        return None
    return "this server does not hand its sockets to the app", 503


def _keep_whole(response: Response) -> Response:
    """Run before the app's own hooks: some put into one answer what they have of an earlier one to the same URL."""
    if WHOLE not in g and response.is_sequence:
        parts, data = response.response, response.get_data()

        def put_back(late: Response) -> None:
            if late.response is not parts:
                late.headers.pop("Content-Encoding", None)
                late.set_data(data)

        setattr(g, WHOLE, put_back)
    return response


def _refuse_message(error: MessageError) -> tuple[Response, int]:
    if error.code == BAD_MESSAGE:
        current_state().warn_once(
            "malformed",
            f"refuses what a browser says at {request.path}: {error.reason}. Some script of the page may have changed"
            " what JSON.stringify writes, as old releases of Prototype do; its visitors get bundles from this server.",
        )
    # Close codes 4400 to 4599 are HTTP's status codes plus 4000.
    return jsonify(error=error.reason), error.code - 4000


def _refuse_token(error: TokenError) -> tuple[Response, int]:
    return jsonify(error=str(error)), 403


def _body(state: State) -> bytes:
    longest = state.settings.max_message
    data = request.stream.read(longest + 1)
    if len(data) > longest:
        raise MessageError(f"a signaling message must not exceed {longest} bytes", TOO_LARGE)
    return data


def _exchange(ticket: Ticket, seeder: str) -> str:
    """Name what goes on between two matched peers, and refuse it to all others."""
    if seeder not in ticket.seeders:
        raise MessageError("the ticket does not name this seeder", FORBIDDEN)
    return ticket.exchange(seeder)


def _as_response(heard: list[Signal]) -> Response:
    response = jsonify(signals=[as_object(signal) for signal in heard])
    response.headers["Cache-Control"] = "no-store"
    return response


def _offers() -> Response:
    """Relay a recipient's offers to their seeders, and answer with what these say."""
    state = current_state()
    post = parse_offers(_body(state))
    try:
        ticket = state.tickets.read(post.ticket)
    except ExpiredError:
        _warn_of_replay(state, state.tickets.recall(post.ticket), "too late")
        raise
    exchanges = [_exchange(ticket, offer.seeder) for offer in post.offers]
    for exchange, offer in zip(exchanges, post.offers, strict=True):
        if not state.registry.claim(f"offer:{exchange}", REPORT_SECONDS):
            _warn_of_replay(state, ticket, "twice")
            raise MessageError("this ticket has been used for an offer to this seeder", OUT_OF_ORDER)
        state.hub.open_mailbox(exchange)
        message = Offer(exchange, ticket.digest, offer.sdp, offer.ranges, state.fresh_ice(offer.seeder))
        if not _relay_offer(state, offer.seeder, message):
            state.hub.deliver(Gone(exchange))
    return _as_response(state.hub.collect(exchanges, state.settings.answer_timeout))


def _warn_of_replay(state: State, ticket: Ticket, how: str) -> None:
    """Say what stands between browsers and this app, as far as can be told; the recipient asks the server at once."""
    url = state.url_of(ticket.digest) or f"the bundle {ticket.digest}"
    state.warn_once(
        f"ticket {ticket.digest}",
        f"a ticket for {url} was used {how}. A cache before this app seems to replay its answers, though they say"
        " no-store; have it follow Cache-Control on this URL, and keep nothing of it. Until then the visitors whom it"
        " answers are served without peers.",
    )


def _relay_offer(state: State, seeder: str, offer: Offer) -> bool:
    if not state.registry.reserve(seeder, offer.exchange, state.settings.upload_slots, SLOT_SECONDS):
        return False
    if not state.hub.send(seeder, offer):
        state.registry.release(seeder, offer.exchange)
        return False
    return True


def _candidates() -> Response:
    """Relay a recipient's late candidates, and answer with the seeder's as soon as there are any."""
    state = current_state()
    post = parse_candidates(_body(state))
    exchange = _exchange(state.tickets.read(post.ticket), post.seeder)
    if post.candidates:
        state.hub.send(post.seeder, Candidates(exchange, post.candidates))
    return _as_response(state.hub.collect([exchange], state.settings.answer_timeout))


def _report() -> tuple[str, int]:
    """Take a recipient's report; its ticket counts once."""
    state = current_state()
    report = parse_report(_body(state))
    ticket = state.tickets.recall(report.ticket, REPORT_SECONDS)
    report = clamp(report, ticket.size)
    for upload in report.uploads:
        _exchange(ticket, upload.seeder)
    if not state.registry.claim(f"report:{ticket.recipient}", REPORT_SECONDS):
        raise MessageError("this delivery has been reported", OUT_OF_ORDER)
    here = visitor_place(state.locate, state.warn_once)
    _note(state, learn(report, here, _places(state, ticket), state.registry.is_troubled))
    _note_bans(state, report, ticket, here)
    signals.delivery_reported.send(_app(), report=report, recipient=ticket.recipient, digest=ticket.digest)
    return "", 204


def _note_bans(state: State, report: Report, ticket: Ticket, here: Place) -> None:
    """Leave alone what the report shows to be nothing for peers."""
    facts = request_facts()
    page = canonical_path(report.page) if report.page and report.page.startswith("/") else None
    # Of other origins' pages the server knows no more than a path, which may be one of its own, too.
    known = replace(
        report,
        page=page if facts.origin is None else None,
        url=own_url(report.url, request.host) if report.url else None,
    )
    shown_as = known.url or f"the bundle {ticket.digest}"
    for ban in find_bans(known, request.host, ticket.digest, facts.page):
        state.forbid(ban, here.network, kind=f"{report.reason} {shown_as}")
    if report.reason == FOREIGN:
        subject = f"foreign modules {ticket.digest}"
        state.warn_once(subject, f"{shown_as} runs from its own URL on {page or 'a page'}: {FOREIGN_MODULES}")
    elif report.reason and (text := comes_plainly(shown_as, report.reason, page)):
        state.warn_once(f"reported {report.reason} {ticket.digest}", text)


def _places(state: State, ticket: Ticket) -> dict[str, Place]:
    found = {seeder: state.registry.place_of(seeder) for seeder in ticket.seeders}
    return {seeder: place for seeder, place in found.items() if place is not None}


def _note(state: State, lessons: Lessons) -> None:
    """Remember what a report teaches, for the next visitors."""
    for seeder, outcome in lessons.outcomes.items():
        state.registry.note_outcome(seeder, outcome)
    for border, failed in lessons.passages.items():
        state.registry.note_passage(border, failed=failed)
    for seeder in lessons.corrupt:
        if state.registry.strike(seeder) >= STRIKES:
            state.registry.withdraw(seeder)
            state.hub.cut(seeder, CORRUPT_SEEDER, "recipients received wrong bytes")


def _stats() -> Response:
    state = current_state()
    if state.settings.stats is None or not state.settings.stats():
        abort(404)
    return jsonify(state.metrics.snapshot())


def _client(version: str, name: str) -> Response:
    """Serve a script of the built client, under a URL that changes with it.

    A page may have been answered before a deploy, and import after it. It gets what there is today, which its own part
    of the client can use: what these scripts export, with its arguments, only ever grows.
    """
    if name not in SCRIPTS:
        abort(404)
    today = current_state().renderer.version
    response = Response(_read(name), mimetype="text/javascript")
    response.vary.add("Accept-Encoding")
    if version == today:
        response.headers["Cache-Control"] = f"public, max-age={CLIENT_SECONDS}, immutable"
    else:
        response.headers["Cache-Control"] = "no-cache"
    zipped = bool(request.accept_encodings["gzip"])

    def send_whole(response: Response) -> None:
        response.set_data(_compressed(name) if zipped else _read(name))
        response.set_etag(f"{today}-{zipped:d}")
        response.headers.pop("Content-Encoding", None)
        if zipped:
            response.content_encoding = "gzip"
        response.make_conditional(request)

    # Last of all: hooks that rewrite scripts can't read compressed ones, and would break what they can read.
    setattr(g, WHOLE, send_whole)
    return response


@cache
def _read(name: str) -> bytes:
    return (STATIC_FOLDER / name).read_bytes()


@cache
def _compressed(name: str) -> bytes:
    return gzip.compress(_read(name))


def _app() -> Any:
    return current_app._get_current_object()  # type: ignore[attr-defined]


# The seeder's socket ---------------------------------------------------------------------------------


def _socket(ws: Any) -> None:
    """Serve one seeder until its socket closes."""
    state = current_state()
    ws.sock = _WholeWrites(ws.sock, ws.event.set)
    ws.max_message_size = state.settings.max_message
    try:
        if state.hub.connected() >= (most := most_sockets(state)):
            state.warn_once(
                "sockets",
                f"all {most} sockets for seeders are taken, and who comes now does not seed; VIRALJS_MAX_SOCKETS says"
                " how many there may be (see deployment/server in the docs)",
            )
            ws.close(FULL, "this server has as many seeders as it can hold; try later")
        else:
            _Connection(ws, state, _peer_id(state), visitor_place(state.locate, state.warn_once)).run()
    finally:
        # Werkzeug's server would write an HTTP response behind our close frame, and the browser see a broken line
        # in place of the code.
        with suppress(OSError):
            ws.sock.shutdown(socket.SHUT_WR)
        # A peer that leaves its side open would hold simple-websocket's thread for ever, and gunicorn's loop for 2 s.
        ws.thread.join(LAST_WORDS_SECONDS)
        with suppress(OSError):
            ws.sock.shutdown(socket.SHUT_RDWR)


def _peer_id(state: State) -> str:
    """Let a recipient seed under the name that its ticket gave it, so that reports can tell who got it from whom."""
    try:
        return state.tickets.recall(request.args.get("ticket", "")).recipient
    except TokenError:
        return state.new_peer_id()


class _WholeWrites:
    """A socket whose `send` sends everything, one caller at a time.

    simple-websocket sends pongs and closes from its reading thread while ours sends messages, and takes it that
    `send` never falls short; under gevent it does. And it does not say when it closes the socket after a message that
    was too long: `closed` is called then.
    """

    def __init__(self, sock: Any, closed: Callable[[], None]) -> None:
        self._sock = sock
        self._closed = closed
        self._lock = threading.Lock()

    def send(self, data: bytes) -> int:
        with self._lock:
            self._sock.sendall(data)
        return len(data)

    def close(self) -> None:
        self._sock.close()
        self._closed()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class _Connection:
    """Carries a session's effects out. Everything but `Outbox.put` happens in the socket's own thread."""

    def __init__(self, ws: Any, state: State, peer: str, place: Place) -> None:
        self._ws = ws
        self._state = state
        self._peer = peer
        self._place = place
        self._app = _app()
        self._heard = time.monotonic()
        settings = state.settings
        # The event is the one that simple-websocket sets for a message or a close: one thing to wait for.
        self._outbox = Outbox(ws.event.set)
        self._session = SeederSession(
            peer,
            state.tickets.check_proof,
            state.tickets.recipient_of,
            settings.max_message,
            settings.heartbeat,
            settings.upload_slots,
        )

    def run(self) -> None:
        self._state.hub.attach(self._peer, self._outbox)
        try:
            self._perform(self._session.opened())
            while self._ws.connected:
                self._wait()
                self._read()
                self._write()
        except OSError:
            current_app.logger.debug("ViralJS: the socket of seeder %s broke", self._peer)
        finally:
            if self._state.hub.detach(self._peer, self._outbox):
                self._perform(self._session.closed())
                self._state.registry.withdraw(self._peer)

    def _wait(self) -> None:
        """Sleep until something happens; after a heartbeat of silence ask for a sign of life."""
        heard_until = self._heard + self._state.settings.heartbeat
        if self._ws.event.wait(max(0.0, heard_until - time.monotonic())):
            self._ws.event.clear()
        else:
            self._heard = time.monotonic()
            self._perform(self._session.silent())

    def _read(self) -> None:
        while self._ws.input_buffer:
            self._heard = time.monotonic()
            self._state.registry.touch(self._peer)
            self._perform(self._session.received(self._ws.input_buffer.pop(0)))

    def _write(self) -> None:
        while self._ws.connected and (message := self._outbox.take()) is not None:
            self._perform(self._session.relayed(message))
        if self._ws.connected and self._outbox.cut_off:
            self._ws.close(*self._outbox.cut_off)

    def _perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    self._ws.send(encode(message))
                case Close(code, reason):
                    signals.peer_rejected.send(self._app, peer=self._peer, code=code, reason=reason)
                    self._ws.close(code, reason)
                case Forward(signal):
                    self._state.hub.deliver(signal)
                case _:
                    self._note(effect)

    def _note(self, effect: Effect) -> None:
        """Remember what an effect says of this seeder, or of its page."""
        match effect:
            case Joined(digest, progress, group):
                self._state.registry.announce(self._peer, self._place, name_swarm(digest, group), progress)
                if progress == COMPLETE:
                    signals.seeder_joined.send(self._app, peer=self._peer, digest=digest)
            case Left(digest, complete, group):
                self._state.registry.withdraw(self._peer, name_swarm(digest, group))
                if complete:
                    signals.seeder_left.send(self._app, peer=self._peer, digest=digest)
            case Named(alias):
                if self._state.hub.attach_alias(alias, self._outbox):
                    self._state.registry.merge(alias, self._peer, self._place)
            case Blocking(page, url):
                self._note_blocking(page, url)
            case Freed(exchange):
                self._state.registry.release(self._peer, exchange)

    def _note_blocking(self, page: str, url: str) -> None:
        # Of a page of another origin requests don't tell the path.
        known = canonical_path(page) if request_facts().origin is None else None
        bundle = own_url(f"http://{request.host}{url}", request.host)
        for ban in ban_tag(request.host, {known}, bundle) if bundle is not None else ():
            self._state.forbid(ban, self._place.network, kind=f"{BLOCKING} {bundle}")
