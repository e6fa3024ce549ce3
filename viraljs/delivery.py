"""The decorator of bundles: turns a view's response into a full, a thin or an untouched one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from copy import copy
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import wraps
from inspect import signature
from typing import Any

from flask import Response, current_app, g, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from . import signals
from .advice import HOOK_FORBIDS, UNMARKED, advise, comes_natively, comes_untouched
from .body import Body, underlying_file
from .bundle import Manifest, build_manifest
from .config import check_value
from .csp import forbids_peers
from .diagnosis import MARKS
from .direct import direct_path, not_a_bundle
from .errors import BundleError, ConfigurationError
from .facts import (
    DIRECT_MARK,
    bundle_url,
    page_path,
    personal_reason,
    request_facts,
    response_facts,
    unkept_reason,
)
from .learning import BLOCKED, INTEGRITY, UNKNOWN_PAGE, ban_page, name_page
from .markup import policies
from .matching import SAMPLE, Plan, Terms, Visitor, make_plan
from .messages import Gone, Offer
from .modules import ModuleFacts
from .nearness import Distance
from .negotiation import RequestFacts, judge_request, judge_response
from .parts import APPLIES, ASKING, DECIDED, is_part, look_at, may_share, note_pinned_scripts, read_page
from .personal import run_and_note_writes, set_session_aside
from .rendering import KEPT_CHARACTERS
from .rewriting import Made, Outcome, judge_body, read_again, read_file_again, without_tail
from .scanning import imports_by_path
from .shaping import (
    BODY_HEADERS,
    DIGEST_HEADERS,
    JAVASCRIPT,
    TIMING,
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
from .state import EXTENSION, WHOLE, Seen, State, current_state, has_room, lacks_sockets, plain_tag
from .tickets import Ticket, name_exchange, name_swarm
from .visitors import CLIENT, Asking, base_path, find_out, has_routes, judge_tag

HEADER = "ViralJS-Delivery"
ENCODING_SUFFIX = re.compile(r"[:;-](gzip|br|zstd|deflate)$")
"""What those that compress put behind an entity tag: Flask-Compress a colon, Apache a hyphen."""
TICKET_SLOT_SECONDS = 5.0
"""How long an upload slot is kept for the offer of a recipient that was just told of the seeder."""
ALONE = Plan((), 0, early=False)
"""From the server, by a thin client: where a full response would run too early, or beside modules that are linked."""
SMALL = "small"
CACHED_HEADERS = (
    "Content-Length",
    "Content-Type",
    "Content-Encoding",
    "Content-Range",
    "Cache-Control",
    "Server-Timing",
)
"""Headers that a response kept by a cache above the decorator had already when it was kept."""
REWRITTEN, REPLAYED = "rewritten", "replayed"
UNREADABLE = frozenset({"disabled", "media-type", "charset", "encoded", REWRITTEN, REPLAYED})
"""Reasons of the response for which a module can't be run from anywhere but its own URL."""
PERSONAL_BY_ITSELF = frozenset({"disabled", "media-type", "set-cookie", "private", "no-store", "vary"})
"""Reasons for which a view's response goes out with all that hooks do to it, whatever was promised."""
BUNDLE_STATUSES = frozenset({200, 204, 206, 304})
"""Those of all that is sent of a bundle."""
DOCUMENTS = frozenset({"text/html", "application/xhtml+xml", "image/svg+xml"})
"""Media types of what may have scripts, which run under a policy of its own."""
MOST_PATH_CHARACTERS = 512
"""Of a page whose policy is remembered; what a longer one forbids, the client finds out."""
BENEATH = "_viraljs_beneath"
"""An attribute of each decorated view: the view itself, its options, and the arguments that the URL does not give."""
TAGS = "viraljs_tags"
"""The attribute of `g` that says of a response that it is a page with tags of ours."""
EXPECT_SECONDS = 10.0
"""How long a recipient that is to pass pieces on may take to open its socket."""

View = Callable[..., Any]


@dataclass(frozen=True)
class Options:
    """What the decorator was told; None leaves a setting to the app."""

    min_size: int | None = None
    nearby: Distance | None = None
    peers: int | None = None
    public: bool | None = None

    @classmethod
    def checked(
        cls, min_size: int | None, nearby: str | None, peers: int | None, public: bool | None = None
    ) -> Options:
        """Check what a user wrote; raise `ConfigurationError` where it can't be meant."""

        def check(key: str, value: Any) -> Any:
            return None if value is None else check_value(key, value, f"@viral.bundle({key.lower()}=…)")

        if public is not None and not isinstance(public, bool):
            raise ConfigurationError(f"@viral.bundle(public=…) must be True or False, not {public!r}")
        return cls(check("MIN_SIZE", min_size), check("NEARBY", nearby), check("PEERS", peers), public)


@dataclass
class _Decision:
    """What was made of a response, kept on `g` until all other hooks have had their say."""

    kind: str
    reason: str | None
    url: str
    digest: str | None = None
    undo: _Original | None = None
    ticket: Ticket | None = None
    public: bool = False
    """What hooks did for one visitor is not to be sent."""
    shareable: bool = False
    """Peers may deliver the bundle, be it to others than this visitor."""
    tail: bytes = b""
    """What follows the bundle in a full response."""
    own: bytes = b""
    """The ticket as it stands in a thin response."""
    made: Made | None = None
    sent: _Original | None = None
    """The response as it left us, with what tells it from what hooks made of it."""


@dataclass
class _Original:
    """The view's response, to go back to."""

    body: Any
    passthrough: bool
    headers: list[tuple[str, str]]
    instead: Callable[[], bytes] | None = None
    """What to go back to in its place: the module client can't use the view's body."""
    headers_then: list[tuple[str, str]] = field(default_factory=list)
    """What became of the headers, to tell what hooks made of them since."""
    start: int = 0
    """Where a file begins."""


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
        if not hasattr(current_app.view_functions.get(request.endpoint or ""), BENEATH):
            state.hidden[request.endpoint or ""] = (view, options, args)
        run = current_app.ensure_sync(view)
        public, wrote = _is_public(state, options), False
        if public:
            value, wrote = run_and_note_writes(lambda: run(*args, **kwargs))
        else:
            value = run(*args, **kwargs)
        if applies is not None and not applies(kwargs):
            return value
        public = public and not wrote
        if public != bool(options.public):
            return respond(state, as_bundle(value), replace(options, public=public))
        return respond(state, as_bundle(value), options)

    setattr(deliver, APPLIES, applies or (lambda _: True))
    # A decorator above this one takes it over (functools.wraps).
    setattr(deliver, BENEATH, (view, options, ()))
    return deliver


def _is_public(state: State, options: Options) -> bool:
    """Return whether the author promised that the bytes of the current URL are the same for everybody."""
    if options.public is not None:
        return options.public
    return any(fnmatchcase(request.path, pattern) for pattern in state.settings.public)


def as_bundle(value: Any) -> Response:
    """Make a response of what a view returned. Text without a type is JavaScript here, not HTML."""
    response = current_app.make_response(value)
    headers = value[-1] if isinstance(value, tuple) and not isinstance(value[-1], int | str) else {}
    bare = value[0] if isinstance(value, tuple) else value
    named = {str(name).lower() for name in dict(headers or {})}
    typed = isinstance(bare, BaseResponse | Mapping | list) or callable(bare)  # the last: a WSGI app, or an HTTP error
    if not typed and "content-type" not in named:
        response.headers["Content-Type"] = JAVASCRIPT
    return _copy(response) if isinstance(bare, BaseResponse) else response


def _copy(response: Response) -> Response:
    """Leave a view its own response as it is: it may return the same one to every visitor."""
    copied = copy(response)
    copied.headers = Headers(response.headers)
    copied._on_close = [*response._on_close]  # noqa: SLF001 - else each visitor's would be called for all who come later
    return copied


def respond(state: State, response: Response, options: Options, against: str | None = None) -> Response:
    """Decide and carry out: the way of one visit, steps 1 to 3.

    Args:
        state: the app's.
        response: the view's.
        options: what the decorator was told.
        against: a reason to leave the response alone that neither it nor the request shows.
    """
    file = underlying_file(response.response)
    start = file.tell() if file else 0
    against = against or (REWRITTEN if state.is_rewritten(bundle_url()) else None)
    response = _respond(state, response, options, against)
    decision: _Decision = g.viraljs_decision
    by_itself = decision.reason in PERSONAL_BY_ITSELF or "Set-Cookie" in response.headers
    decision.public = bool(options.public) and not by_itself
    decision.sent = _Original(response.response, response.direct_passthrough, list(response.headers))
    if response.is_sequence:
        decision.made = _describe(response, decision, read_again(response.response))
    elif file:
        decision.made = _describe(response, decision, read_file_again(file, start, decision.tail))
    return response


def _describe(response: Response, decision: _Decision, read: Callable[[], bytes]) -> Made:
    replaces = _is_made(response) and not decision.own
    return Made(read, decision.own, decision.digest or "", decision.tail, replaces=replaces)


def _is_made(response: Response) -> bool:
    """Whether a body was put in place of a bundle, by `make_thin`."""
    return any(TIMING in line for line in response.headers.getlist("Server-Timing"))


def _respond(state: State, response: Response, options: Options, against: str | None) -> Response:
    url = bundle_url()
    visitor = request_facts()
    if visitor.from_cache:
        make_empty(response)
        return _untouched(response, "not-cached", url)
    if visitor.starts or visitor.part:
        return _respond_to_linker(state, response, options, visitor, against)
    response = _decide(state, response, options, visitor, against)
    if visitor.behind and g.viraljs_decision.kind == "untouched" and response.status_code == 200:  # noqa: PLR2004 - OK
        return _wait(state, response, visitor)
    return response


def _wait(state: State, response: Response, visitor: RequestFacts) -> Response:
    """Keep the place of a bundle that turned out not to be for peers: its tag has promised a client that waits."""
    if judge_request(visitor, state.policy) is not None:
        return response
    state.bundles.pop(bundle_url(), None)
    if not lacks_sockets(state) and has_routes(state):
        make_thin(response, _waiting(state, bundle_url()))
    return response


def _waiting(state: State, url: str) -> bytes:
    return state.renderer.waiting(url, state.settings, base_path(state), direct_path(state, url))


def _decide(state: State, response: Response, options: Options, visitor: RequestFacts, against: str | None) -> Response:
    url = bundle_url()
    reason = judge_response(response_facts(response, public=bool(options.public)), state.policy) or against
    if reason:
        if reason == against:
            forbid_sharing(response)
        if response.status_code in (206, 304) and not visitor.direct:
            forbid_sharing(response)  # the view's own answer to a condition or a range, about a bundle all the same
        return _untouched(response, "direct" if visitor.direct and reason == "status" else reason, url)
    try:
        return _respond_with_bundle(state, response, options, visitor)
    except BundleError as error:
        current_app.logger.warning("ViralJS left a response alone: %s", error)
        forbid_sharing(response)
        return _untouched(response, "unreadable", url)


def _respond_with_bundle(state: State, response: Response, options: Options, visitor: RequestFacts) -> Response:
    url = bundle_url()
    body = Body.of(response)
    # A generator is not run for a visitor who would get its bytes unchanged.
    reason = judge_request(visitor, state.policy)
    if body.size is None and (reason is None or visitor.direct):
        body = body.collect(state.settings.max_buffer)
    if body.size is None:
        if reason and not visitor.direct:
            forbid_sharing(response)
        return _untouched(response, reason or "buffer", url)
    small = body.size < _smallest(state, options)
    if visitor.is_import and body.size and not reason:
        _note_module(state, response, body, options, shared=not small)
    if small and not visitor.direct:
        return _untouched(response, SMALL if body.size else "empty", url)
    if visitor.is_import and not reason:
        reason = _why_native(state, url)
    if reason:
        return _plain(state, response, body, reason)
    manifest = _manifest(state, response, body)
    asking = _find_asking(state, manifest, body, visitor)
    if isinstance(asking, str):
        return _plain(state, response, body, asking)
    if visitor.is_import:
        _tell_of_native(state, manifest, asking.within(_nearby(state, options)), asking)
    return _by_peers(state, response, body, manifest, options, asking)


def _why_native(state: State, url: str) -> str | None:
    """Say why nobody is going to take a module from this visitor: seeding would cost a socket, and be for nothing."""
    part = state.graph.find(url)
    return (part.reason if part else None) or (None if state.writes_modules else "module")


def _tell_of_native(state: State, manifest: Manifest, nearby: Distance, asking: Asking) -> None:
    """Have the log say once that a browser loads for itself what peers could have brought."""
    swarm, slots = name_swarm(manifest.digest, asking.group), state.settings.upload_slots
    subject, page = f"native {request.endpoint}", asking.facts.page
    # What a module imports names that module in place of a page.
    if page is None or state.has_entries(name_page(request.host, page)) or state.graph.find(page):
        return
    if state.has_warned(subject) or not state.registry.candidates(swarm, asking.place, 1, slots=slots, nearby=nearby):
        return
    state.warn_once(
        subject, f"{manifest.url} comes from this server though peers have it: {comes_natively(manifest.url)}"
    )


def _plain(state: State, response: Response, body: Body, reason: str) -> Response:
    if reason == "module" and not state.policy.modules:
        state.warn_once(reason, 'modules are left alone; `pip install "viraljs[modules]"` has them delivered, too')
    elif reason == "module" and request_facts().origin is not None:
        state.warn_once(f"unmarked {request.endpoint}", comes_untouched(bundle_url(), reason, UNMARKED))
    elif reason == "module" and not state.writes_modules and state.graph.find(bundle_url()):
        # Before it has been read nobody knows whether another tag would help.
        state.warn_once(
            f"native {request.endpoint}", comes_untouched(bundle_url(), reason, comes_natively(bundle_url()))
        )
    make_conditional(response, body, request.environ, shared=reason in ("direct", "charset"))
    _untouched(response, reason, bundle_url())
    g.viraljs_decision.shareable = True
    return response


def _smallest(state: State, options: Options) -> int:
    return state.settings.min_size if options.min_size is None else options.min_size


def _manifest(state: State, response: Response, body: Body) -> Manifest:
    url = bundle_url()
    return state.manifests.get(
        (url, response.content_type, body.identity()),
        lambda: build_manifest(url, response.content_type or JAVASCRIPT, body.known_size, body.chunks()),
    )


def _find_asking(state: State, manifest: Manifest, body: Body, visitor: RequestFacts) -> Asking | str:
    """Look at who asks for a classic bundle; give the reason where that one gets it untouched."""
    if manifest.wide:
        return "charset"
    # An import runs from its own URL, whatever is in it.
    if not visitor.is_import and manifest.suspect and state.scans.get(manifest.digest, lambda: _imports_by_path(body)):
        return "imports"
    asking = find_out(state, visitor)
    if isinstance(asking, str):
        return asking
    return judge_tag(state, asking, manifest.url, manifest.digest) or asking


def _imports_by_path(body: Body) -> bool:
    with closing(body.chunks()) as chunks:
        return imports_by_path(chunks)


def _tell(state: State, decision: _Decision) -> None:
    """Have the log say once what keeps peers from delivering a bundle, and the line that mends it."""
    # What the page showed of its tags was told when the page was made.
    asks = request_facts()
    if decision.reason == BLOCKED:
        text = state.policies.tell(name_page(request.host, asks.page or UNKNOWN_PAGE))
        if text:
            state.warn_once(f"ban {_subject(decision)}", text)
    is_module = asks.starts or asks.part or asks.is_import
    text = None if decision.reason in (None, INTEGRITY) else advise(decision.url, decision.reason, module=is_module)
    # Tools that fetch are no pages; and a view of all static files gives style sheets, too, for which nothing is wrong.
    # On plain http browsers don't say what asks.
    is_browser = asks.fetch_site is not None or (asks.plain_http and asks.user_agent.startswith("Mozilla/"))
    has_been_told = decision.reason == "cross-origin" and state.has_warned(plain_tag(request.host))
    if text and is_browser and (asks.fetch_dest == "script" or decision.reason != "media-type") and not has_been_told:
        state.warn_once(_subject(decision), text)


def _subject(decision: _Decision) -> str:
    """Return what the log is to hear of once: a reason of one route, or of one file where a route has many."""
    endpoint = request.endpoint or ""
    is_static = endpoint.rpartition(".")[2] == "static"
    return f"{decision.reason} {decision.url if is_static else endpoint}"


def _untouched(response: Response, reason: str, url: str) -> Response:
    response.headers[HEADER] = f"untouched; reason={reason}"
    g.viraljs_decision = _Decision("untouched", reason, url)
    return response


# Full and thin ---------------------------------------------------------------------------------------


def _by_peers(
    state: State, response: Response, body: Body, manifest: Manifest, options: Options, asking: Asking
) -> Response:
    base = base_path(state)
    if request.if_none_match and (
        known := _known_etag(response, manifest, _tail(state, manifest, base, asking.group)[1])
    ):
        make_unmodified(response, known)
        return _untouched(response, "not-modified", manifest.url)
    behind, alone = asking.facts.behind, asking.facts.alone
    start = 0 if body.file is None else body.file.tell()
    undo = _Original(response.response, response.direct_passthrough, list(response.headers), start=start)
    if behind:
        undo.instead = lambda: _waiting(state, manifest.url)
    # Who did not consent gets the addition all the same, which seeds nothing but can be told otherwise. An import must
    # have the exports that it asks for.
    # Those of another origin's page come without the cookie: their client looks itself.
    consent = may_share(state, asking.facts.consent) or (
        asking.facts.consent is None and asking.facts.origin is not None
    )
    wants_thin = consent and not asking.facts.never_thin
    recipient = state.new_peer_id()
    plan = _plan(state, manifest, options, asking, recipient, never_full=behind) if wants_thin and not alone else None
    if plan is None and wants_thin and behind:
        plan = ALONE
    if alone:
        _give_up(state, asking.facts.lost)
        state.warn_once(
            f"alone {request.endpoint}",
            f"{manifest.url} stands behind another bundle of a page, and was asked for twice to keep their order, the"
            " second time without peers; have viral_script write both tags, unless it did, and this process had only"
            " not served the bundle before",
        )
    if not asking.facts.is_import:
        state.note_bundle(manifest.url, Seen(manifest.digest, manifest.size, _nearby(state, options)))
    ticket, tail, token = None, b"", ""
    if plan is None:
        # A browser that kept a full response would go on seeding for a group that it may have left.
        tail, etag = _tail(state, manifest, base, asking.group)
        make_full(response, body, tail, etag, ask_again=bool(asking.group))
    else:
        ticket = Ticket(recipient, manifest.digest, plan.seeders, manifest.size, asking.group)
        token = state.tickets.issue(ticket)
        ice = state.fresh_ice(recipient)
        beginning = _beginning(state, manifest, base)
        script = state.renderer.thin(beginning, token, stream=plan.stream, early=plan.early, ice=ice)
        make_thin(response, script, recipient if plan.early else None)
    kind = "full" if plan is None else "thin"
    response.headers[HEADER] = kind
    undo.headers_then = list(response.headers)
    g.viraljs_decision = _Decision(
        kind, None, manifest.url, manifest.digest, undo, ticket, shareable=True, tail=tail, own=token.encode()
    )
    return response


def _beginning(state: State, manifest: Manifest, base: str, module: ModuleFacts | None = None) -> bytes:
    direct = direct_path(state, manifest.url)
    return state.beginnings.get(
        (manifest, base, module is None, direct),
        lambda: state.renderer.thin_beginning(manifest, state.settings, base, module, direct),
    )


def _tail(state: State, manifest: Manifest, base: str, group: str) -> tuple[bytes, str]:
    """Give the addition, and the entity tag of the full response."""
    direct = direct_path(state, manifest.url)

    def render() -> tuple[bytes, str]:
        proof = state.tickets.prove(manifest.digest, group)
        tail = state.renderer.addition(manifest, state.settings, base, proof, direct)
        return tail, full_etag(manifest, tail)

    return state.tails.get((manifest, base, group, direct), render)


def _plan(
    state: State, manifest: Manifest, options: Options, asking: Asking, recipient: str, *, never_full: bool = False
) -> Plan | None:
    """Choose seeders and take a slot of each; where the visitor is to be one soon, make the server expect it."""
    digest, settings, registry = manifest.digest, state.settings, state.registry
    swarm, place, terms = name_swarm(digest, asking.group), asking.place, _terms(state, options)
    kept = settings.client_cache > 0 and digest[:KEPT_CHARACTERS] in asking.facts.kept
    with state.planning:
        plan = make_plan(
            registry.candidates(swarm, place, SAMPLE, slots=settings.upload_slots, nearby=asking.within(terms.nearby)),
            manifest.size,
            Visitor(place, kept, has_room(state), asking.enclosed, asking.isolated),
            terms,
            state.rng,
            reserve=lambda seeder: registry.reserve(
                seeder, name_exchange(recipient, seeder), settings.upload_slots, TICKET_SLOT_SECONDS
            ),
            pressure=lambda: registry.pressure(swarm),
            claim=lambda: (
                not never_full
                and (not settings.crowd_seconds or registry.claim(f"full:{swarm}", settings.crowd_seconds))
            ),
        )
        if plan is not None and plan.early:
            registry.begin(recipient, place, swarm, EXPECT_SECONDS, streams=plan.stream is not None)
            state.hub.expect(recipient, EXPECT_SECONDS)
    return plan


def _terms(state: State, options: Options) -> Terms:
    settings = state.settings
    return Terms(
        nearby=_nearby(state, options),
        peers=options.peers or settings.peers,
        slots=settings.upload_slots,
        stream_size=settings.stream_size,
    )


def _nearby(state: State, options: Options) -> Distance:
    return state.settings.nearby if options.nearby is None else options.nearby


def _take_back(state: State, ticket: Ticket) -> None:
    """Undo what `_plan` did for a recipient that will not hear of it."""
    for seeder in ticket.seeders:
        state.registry.release(seeder, ticket.exchange(seeder))
    _give_up(state, ticket.recipient)


def _give_up(state: State, recipient: str) -> None:
    """Have nobody wait for a peer whose socket was to open; who has made it an offer hears so at once."""
    messages = state.hub.forget(recipient)
    if messages is None:
        return
    state.registry.withdraw(recipient)
    for message in messages:
        if isinstance(message, Offer):
            state.hub.deliver(Gone(message.exchange))


def _known_etag(response: Response, manifest: Manifest, full: str) -> str | None:
    """Give the entity tag by which the browser has these bytes already, be it with the addition or without."""
    own, _ = response.get_etag()
    if request.if_none_match.star_tag:
        return own or plain_etag(manifest.digest)
    known = {re.sub(ENCODING_SUFFIX, "", etag) for etag in request.if_none_match.as_set(include_weak=True)}
    return next((etag for etag in (full, own, plain_etag(manifest.digest)) if etag and etag in known), None)


# Modules ---------------------------------------------------------------------------------------------


def _note_module(state: State, response: Response, body: Body, options: Options, *, shared: bool) -> None:
    """Read a module that a browser imports by itself, once its response is out: later ones may come from peers."""
    manifest = _manifest(state, response, body)
    known = state.graph.find(manifest.url)
    if known is not None and (known.digest, known.shared) == (manifest.digest, shared):
        return
    data, leads, host = b"".join(body.chunks()), is_part(), request.host
    response.direct_passthrough = False  # else Werkzeug hands the file to the server, and never hears that it is out
    nearby = _nearby(state, options)
    response.call_on_close(lambda: look_at(state, manifest, lambda: data, leads, host, shared=shared, nearby=nearby))


def _respond_to_linker(
    state: State, response: Response, options: Options, visitor: RequestFacts, against: str | None
) -> Response:
    """Answer the module client, or the tag that begins with it: how to run a module, and from whom to get it."""
    if response.status_code != 200:  # noqa: PLR2004 - OK
        return _untouched(response, "status", bundle_url())
    against = judge_response(response_facts(response, public=bool(options.public)), state.policy) or against
    found = _read(state, response, options, against)
    if isinstance(found, str):
        return _unlinked(state, response, visitor, found)
    manifest, module = found
    against = against or _judge_linker(state, visitor) or _judge_size(state, manifest, options)
    asking = against or find_out(state, visitor)
    if not isinstance(asking, str):
        return _link_by_peers(state, response, manifest, options, asking, module)
    if visitor.starts and asking != SMALL:
        return _unlinked(state, response, visitor, asking)
    # Beside modules that peers deliver it must run as they do.
    unshared = state.renderer.unshared(manifest, state.settings, base_path(state), module, alone=visitor.part)
    return _replaced(response, visitor, unshared, asking)


def _read(
    state: State, response: Response, options: Options, against: str | None
) -> tuple[Manifest, ModuleFacts] | str:
    """Look at the module of a response; give the reason where it can't be linked.

    Args:
        state: the app's.
        response: the view's.
        options: what the decorator was told.
        against: why peers may not deliver it.
    """
    if against in UNREADABLE or not state.policy.modules:
        return against if against in UNREADABLE else "module"
    try:
        body = Body.of(response)
        if body.size is None:
            body = body.collect(state.settings.max_buffer)
        if not body.size:
            return "buffer" if body.size is None else "empty"
        manifest = _manifest(state, response, body)
        shared = against is None and _judge_size(state, manifest, options) is None
        module = look_at(
            state,
            manifest,
            lambda: b"".join(body.chunks()),
            is_part(),
            request.host,
            shared=shared,
            nearby=_nearby(state, options),
        )
    except BundleError as error:
        current_app.logger.warning("ViralJS left a response alone: %s", error)
        return "unreadable"
    return module if isinstance(module, str) else (manifest, module)


def _judge_linker(state: State, visitor: RequestFacts) -> str | None:
    return judge_request(visitor, state.policy) or (None if may_share(state, visitor.consent) else "consent")


def _judge_size(state: State, manifest: Manifest, options: Options) -> str | None:
    return SMALL if manifest.size < _smallest(state, options) else None


def _link_by_peers(
    state: State, response: Response, manifest: Manifest, options: Options, asking: Asking, module: ModuleFacts
) -> Response:
    visitor, base, recipient = asking.facts, base_path(state), state.new_peer_id()

    def unlinked() -> bytes:
        if visitor.part:
            return state.renderer.unshared(manifest, state.settings, base, module, alone=True)
        return state.renderer.start(manifest.url)

    undo = _Original(None, passthrough=False, headers=[], instead=unlinked)
    plan = _plan(state, manifest, options, asking, recipient, never_full=True) or ALONE
    ticket = Ticket(recipient, manifest.digest, plan.seeders, manifest.size, asking.group)
    token = state.tickets.issue(ticket)
    body = (state.renderer.part if visitor.part else state.renderer.thin)(
        _beginning(state, manifest, base, module),
        token,
        stream=plan.stream,
        early=plan.early,
        ice=state.fresh_ice(recipient),
    )
    _put(response, visitor, body)
    response.headers[HEADER] = "thin"
    g.viraljs_decision = _Decision(
        "thin", None, manifest.url, manifest.digest, undo, ticket, shareable=True, own=token.encode()
    )
    return response


def _unlinked(state: State, response: Response, visitor: RequestFacts, reason: str) -> Response:
    """Say that a module is not to be linked: its tag starts it by its own URL, and the client learns that it can't."""
    return _replaced(response, visitor, state.renderer.start(bundle_url()) if visitor.starts else b"{}", reason)


def _replaced(response: Response, visitor: RequestFacts, body: bytes, reason: str) -> Response:
    _put(response, visitor, body)
    return _untouched(response, reason, bundle_url())


def _put(response: Response, visitor: RequestFacts, body: bytes) -> None:
    make_thin(response, body)
    if visitor.part:
        response.content_type = "application/json"


# After all other hooks -------------------------------------------------------------------------------


def finish(response: Response) -> Response:
    """Run after every other `after_request` hook: one of them may have made the response personal."""
    tagged = g.pop(TAGS, False)
    if tagged or response.mimetype in DOCUMENTS:
        _look_at_page(current_state(), response, tagged=tagged)
    # An open app context would keep them for the next request.
    for name in (DECIDED, ASKING):
        g.pop(name, None)
    whole = g.pop(WHOLE, None)
    if whole is not None and response.status_code == 200:  # noqa: PLR2004 - OK
        whole(response)
    decision: _Decision | None = g.pop("viraljs_decision", None)
    if decision is None and HEADER in response.headers and (own := _undo_replay(current_state(), response)):
        response = own
        decision = g.pop("viraljs_decision")
    is_ours = decision is not None or HEADER in response.headers
    _let_in(response, ours=is_ours)
    if decision is None:
        # The mark says that this URL was a bundle's once.
        is_other = DIRECT_MARK in request.environ and response.status_code == 200 and not is_ours  # noqa: PLR2004 - OK
        return not_a_bundle(response) if is_other else response
    _finish_bundle(current_state(), response, decision)
    signals.response_decided.send(
        current_app._get_current_object(),  # type: ignore[attr-defined]
        url=decision.url,
        digest=decision.digest,
        kind=decision.kind,
        reason=decision.reason,
        size=_sent_size(response),
    )
    return response


def _look_at_page(state: State, response: Response, *, tagged: bool) -> None:
    """See what a page forbids of what peers give, and for which bundles it has a digest.

    Args:
        state: the app's.
        response: the page.
        tagged: it has tags by `viral_script`.
    """
    state.look_around()
    try:
        html = read_page(response)
        note_pinned_scripts(state, html)
        if tagged or _is_document(response):
            headers = response.headers.getlist("Content-Security-Policy")
            _note_policy(state, forbids_peers([*headers, *policies(html)], request.host), tagged=tagged)
    except Exception as error:  # noqa: BLE001 - a malformed address, or the app's own URL converters; the page must go out
        state.warn_once(f"page {request.endpoint}", f"can't look for bundles in the page {page_path()}: {error!r}")


def _is_document(response: Response) -> bool:
    """Whether a visitor sees this as a page: no picture, no part of another page, and nothing in place of a page."""
    is_shown = request.method == "GET" and request_facts().fetch_mode in (None, "navigate")
    return is_shown and request.url_rule is not None and response.status_code == 200  # noqa: PLR2004 - OK


def _note_policy(state: State, forbids: bool, *, tagged: bool) -> None:
    """Leave a page alone, or no longer. So are those that requests do not name, since they may be such a page.

    Args:
        state: the app's.
        forbids: what peers give.
        tagged: it has tags by `viral_script`. Of others the log hears when they ask for a bundle.
    """
    path = page_path()
    page = name_page(request.host, path)
    if not forbids:
        state.policies.lift(page)
    elif len(path) <= MOST_PATH_CHARACTERS:
        text = ban_page(request.host, path, "it says so itself").text
        if tagged:
            state.warn_once(f"ban {request.endpoint}", text)
        for one in (page, name_page(request.host, UNKNOWN_PAGE)):
            state.policies.note(one, None if tagged else text)


def _finish_bundle(state: State, response: Response, decision: _Decision) -> None:
    """See to what hooks have made of a bundle's response since."""
    if decision.public and response.status_code in BUNDLE_STATUSES and set_session_aside():
        make_impersonal(response)
    is_late = decision.reason is None
    if decision.sent is not None and response.response is not decision.sent.body:
        _undo_rewriting(state, response, decision)
    delivered = decision.kind != "untouched" and response.status_code == 200  # noqa: PLR2004 - OK
    if delivered and (reason := personal_reason(response) or _unkept_reason(response, decision)):
        _leave(response, decision, reason)
        if reason not in MARKS:
            state.warn_once(_subject(decision), comes_untouched(decision.url, reason, HOOK_FORBIDS))
    if decision.kind != "untouched" and response.status_code == 200:  # noqa: PLR2004 - OK
        _forbid_keeping(state, response, decision)
    if decision.kind == "full" or decision.reason == "not-modified":
        make_findable(response, request.environ)
    elif decision.reason in MARKS:
        state.diagnosis.explain(response, decision.reason, late=is_late)
    elif decision.kind == "untouched":
        _tell(state, decision)


def _unkept_reason(response: Response, decision: _Decision) -> str | None:
    """Return what hooks have put into `Cache-Control` that forbids sharing; what we put there does not count."""
    return unkept_reason(response) if _said_before(response, decision) is not None else None


def _said_before(response: Response, decision: _Decision) -> list[str] | None:
    """Return the lines of `Cache-Control` with which a response left us; None if hooks have let them stand."""
    if decision.sent is None:
        return None
    then = Headers(decision.sent.headers).getlist("Cache-Control")
    return None if response.headers.getlist("Cache-Control") == then else then


def _forbid_keeping(state: State, response: Response, decision: _Decision) -> None:
    """Have no cache keep for others what was made for one visitor, whatever hooks have said since."""
    then = _said_before(response, decision)
    if then is None or (decision.kind == "full" and response.cache_control.private):
        return
    if decision.kind == "full":
        forbid_sharing(response)
    else:
        response.headers.setlist("Cache-Control", then)
    state.warn_once(
        f"kept {request.endpoint}",
        f"a hook puts a Cache-Control of its own on {decision.url}, by which caches would give one visitor's answer to"
        " others; that is put right. Say in the view how long its bundle may be kept, and have the hook pass it over.",
    )


def _leave(response: Response, decision: _Decision, reason: str, *, go_back: bool = True) -> None:
    """Make a response an untouched one after all.

    Args:
        response: a full or a thin one.
        decision: what it was.
        reason: why.
        go_back: to the view's body; else what hooks put in its place stays.
    """
    if go_back and decision.undo is not None:
        _go_back(response, decision.undo)
    if decision.ticket is not None:
        _take_back(current_state(), decision.ticket)
    decision.kind, decision.reason, decision.ticket = "untouched", reason, None
    response.headers[HEADER] = f"untouched; reason={reason}"


# Other hooks' work on bodies


def _undo_rewriting(state: State, response: Response, decision: _Decision) -> None:
    """See to it that nobody is told hashes of other bytes than a URL gives, nor gets another visitor's answer."""
    made, sent = decision.made, decision.sent
    if made is None or sent is None or response.status_code in (206, 304, 416):
        return
    if response.status_code != 200:  # noqa: PLR2004 - OK
        _accept_replacement(response, decision)
        return
    outcome = judge_body(response, made)
    if outcome is Outcome.KEPT:
        return
    if outcome is Outcome.REPLACED and not _same_type(response, sent):
        _accept_replacement(response, decision)
        return
    if outcome is Outcome.REPLAYED:
        state.warn_once(
            f"swapped {request.endpoint}",
            f"a hook puts one visitor's answer of {decision.url} in place of another's, as Flask-Compress does with"
            " COMPRESS_CACHE_BACKEND; leave that out, or let a proxy compress. Such answers are put right.",
        )
        _put_back(response, sent, made)
        return
    if decision.shareable:
        _note_rewriting(state, decision.url)
    if made.replaces:
        _put_back(response, sent, made)
    elif outcome is Outcome.REWRITTEN and decision.kind != "untouched":
        rewritten = without_tail(response, made)
        _leave(response, decision, REWRITTEN)
        if rewritten is not None:
            response.direct_passthrough = False
            response.data = rewritten
    else:
        _accept_replacement(response, decision)


def _note_rewriting(state: State, url: str) -> None:
    state.note_rewritten(url)
    state.warn_once(
        f"rewritten {request.endpoint}",
        f"a hook rewrites {url} after its view, so that peers can't bring what the server would give; it is"
        f" left alone. Have that hook pass the route over (Flask-Minify: bypass=[{request.endpoint!r}]).",
    )


def _accept_replacement(response: Response, decision: _Decision) -> None:
    """Let stand what a hook put in place of a body, which may have been there to keep it from this visitor."""
    if decision.kind != "untouched":
        _leave(response, decision, REWRITTEN, go_back=False)


def _same_type(response: Response, sent: _Original) -> bool:
    return response.headers.get("Content-Type") == Headers(sent.headers).get("Content-Type")


def _put_back(response: Response, sent: _Original, made: Made) -> None:
    """Put back a body of ours, uncompressed. Whoever replaced it may have read it to its end."""
    then = Headers(sent.headers)
    for name in ("Content-Encoding", "Content-Length", "ETag"):
        response.headers.pop(name, None)
        if name in then:
            response.headers[name] = then[name]
    response.direct_passthrough = False
    response.response = [made.read()]


def _undo_replay(state: State, response: Response) -> Response | None:
    """Answer by the view itself where a cache above our decorator has kept what that made; None if there is no need."""
    view, options, args = _find_beneath(state)
    arguments = request.view_args or {}
    if view is None:
        return None
    state.warn_once(
        f"replayed {request.endpoint}",
        f"a cache gives all visitors of {bundle_url()} what @viral.bundle made for one; put @viral.bundle above"
        " @cache.cached (or whatever keeps responses), so that the cache keeps what the view returns.",
    )
    if not _is_for_one(response) or not _takes(view, args, arguments):
        return None
    try:
        value = current_app.ensure_sync(view)(*args, **arguments)
    except HTTPException as error:
        value = error
    except Exception as error:  # noqa: BLE001 - the app's own; without ViralJS the cache would have spared its visitors that
        state.warn(f"can't answer {bundle_url()} by its view, so that the cache's answer goes out: {error!r}")
        return None
    own = respond(state, as_bundle(value), options, REPLAYED)
    response.close()
    _carry_over(response, own)
    g.viraljs_decision.sent = None
    return own


def _find_beneath(state: State) -> tuple[Any, Any, Any]:
    endpoint = request.endpoint or ""
    found = getattr(current_app.view_functions.get(endpoint), BENEATH, None) or state.hidden.get(endpoint)
    return found or (None, None, ())


def _is_for_one(response: Response) -> bool:
    """Whether a response is no good for whoever asks: not the view's bytes as a whole, or not what was asked for."""
    kind, asks = response.headers[HEADER], request_facts()
    asks_for_other = asks.direct or asks.starts or asks.part or asks.behind
    is_part_of_it = response.status_code in (204, 206, 304)
    return asks_for_other or is_part_of_it or _is_made(response) or not kind.startswith("untouched")


def _takes(view: View, args: tuple[Any, ...], arguments: Mapping[str, Any]) -> bool:
    try:
        signature(view).bind(*args, **arguments)
    except (TypeError, ValueError):
        return False
    return True


def _carry_over(replayed: Response, own: Response) -> None:
    """Give the view's response what hooks have added to the one that was replayed."""
    there = {name.lower() for name in (*CACHED_HEADERS, *BODY_HEADERS, *DIGEST_HEADERS, *own.headers.keys())}
    own.headers.extend([(name, value) for name, value in replayed.headers if name.lower() not in there])
    own.vary.update(replayed.vary)


def _let_in(response: Response, *, ours: bool) -> None:
    """Let pages of other origins read what they may, if no other hook has: two words on that are worse than none.

    Args:
        response: of any view of the app.
        ours: the view is decorated.
    """
    if request.endpoint == CLIENT:  # the same for everybody
        response.headers.setdefault("Access-Control-Allow-Origin", "*")
    elif ours or request.blueprint == EXTENSION:
        let_read(response, request.headers.get("Origin"), current_state().policy.origins)


def _go_back(response: Response, original: _Original) -> None:
    """Restore the view's body and headers, with what hooks did to the headers since, but for what describes a body."""
    if original.instead is not None:
        response.headers.pop("Content-Encoding", None)
        response.data = original.instead()
        return
    of_bodies = {"content-length", "content-type", "content-encoding", "vary"}
    of_bodies |= {name.lower() for name in (*BODY_HEADERS, *DIGEST_HEADERS)}
    now, then = [*response.headers], original.headers_then
    since = Headers(pair for pair in now if pair not in then and pair[0].lower() not in of_bodies)

    def stays(pair: tuple[str, str]) -> bool:
        if pair[0].lower() in of_bodies or pair in now:
            return True
        return pair not in then and pair[0] not in since  # it was us who took it away

    vary = [*response.vary]
    response.response = original.body
    if (file := underlying_file(original.body)) is not None:
        file.seek(original.start)  # a hook may have read it
    response.direct_passthrough = original.passthrough
    response.headers = Headers(filter(stays, original.headers))
    response.headers.extend(since)
    response.vary.update(vary)


def _sent_size(response: Response) -> int | None:
    if request.method == "HEAD" or response.status_code in (204, 304):
        return 0
    return response.content_length
