"""What is known of an app's bundles where a page is made: its modules, their routes, and what may come from peers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from .body import read_whole
from .bundle import Manifest
from .errors import BundleError
from .facts import asks_for_plain_bytes, own_url, page_path, request_facts, write_url
from .graph import Part
from .learning import ban_pinned, name_page, name_tag
from .markup import pinned_scripts
from .modules import ModuleFacts, is_path, read_module
from .nearness import Distance
from .negotiation import judge_page
from .rendering import KEPT_CHARACTERS
from .rewriting import decode
from .state import State
from .tickets import name_swarm
from .visitors import Asking, find_out, judge_tag

APPLIES = "_viraljs_applies"
"""An attribute of each decorated view: a function that says by the view's arguments whether to deliver at all."""

MOST_PAGE_BYTES = 1 << 20
"""Longer pages are not looked at."""

DECIDED = "viraljs_modules"
ASKING = "viraljs_asking"
"""Attributes of `g`: what was decided for the page that is being made, and what is known of who asks for it."""

IsPart = Callable[[str], bool]
"""Says whether a path, with its query, leads to a decorated view."""


def is_part() -> IsPart:
    """Make the function for the app and the host of the current request; it works when the request is over, too."""
    routes = current_app.create_url_adapter(request)
    views, root = current_app.view_functions, request.root_path

    def leads_to_a_bundle(url: str) -> bool:
        path, inside = unquote(urlsplit(url).path), root.rstrip("/") + "/"
        if routes is None or not path.startswith(inside):
            return False
        try:
            endpoint, arguments = routes.match(path.removeprefix(root.rstrip("/")), method="GET")
        except (HTTPException, RequestRedirect):
            return False
        applies: Callable[[Mapping[str, Any]], bool] | None = getattr(views.get(endpoint), APPLIES, None)
        return applies is not None and applies(arguments)

    return leads_to_a_bundle


def look_at(
    state: State,
    manifest: Manifest,
    read: Callable[[], bytes],
    leads: IsPart,
    host: str,
    *,
    shared: bool,
    nearby: Distance,
) -> ModuleFacts | str:
    """Read a module and remember what it imports; give the reason where it can't be run from a `blob:` URL.

    Args:
        state: the app's.
        manifest: the module's.
        read: gives its bytes; called where they have not been read before.
        leads: says what is a bundle of this app (`is_part`).
        host: this app's, as in the `Host` header.
        shared: peers may deliver it.
        nearby: how far they may be.

    Raises:
        BundleError: its bytes can't be read.
    """
    found: ModuleFacts | str = "module-syntax"
    part = Part(manifest.digest, manifest.size, shared, nearby, "module-syntax")
    try:
        facts = state.modules.get(manifest.digest, lambda: read_module(read(), lambda: time.sleep(0)))
        if facts is not None:
            imports, offers, alone = _find_imports(facts, manifest.url, leads, host)
            part = replace(part, reason="imports" if alone else None, imports=imports, offers=offers)
            found = part.reason or facts
    except BundleError:
        raise
    except Exception as error:  # noqa: BLE001 - the parser's, or the app's own URL converters'; the response must go out
        state.warn(f"can't understand the module {manifest.url}, and leaves it alone: {error!r}")
    state.graph.note(manifest.url, part)
    return found


def _find_imports(
    facts: ModuleFacts, url: str, leads: IsPart, host: str
) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Give the paths that a module imports, those that it may import, and whether it names what can't be linked."""
    imports = _resolve(url, (one.specifier for one in facts.declarations if one.is_part))
    offers = _resolve(url, (text for text in facts.literals if is_path(text)))
    whole = [*(one.specifier for one in facts.declarations), *facts.literals]
    alone = not all(map(leads, (*imports, *offers))) or any(
        one.startswith("//") or urlsplit(one).netloc == host for one in whole
    )
    return imports, offers, alone


def _resolve(url: str, specifiers: Iterable[str]) -> tuple[str, ...]:
    """Make paths of them, as `bundle_url` writes them."""
    found: dict[str, None] = {}
    for specifier in specifiers:
        target = urlsplit(urljoin(url, specifier))
        found[write_url(unquote(target.path), target.query.encode())] = None
    return tuple(found)


def read_page(response: Response) -> bytes:
    """Return the markup of a page; none of one that is streamed, or large, or of a content coding not known here."""
    encoding = response.headers.get("Content-Encoding", "identity")
    return decode(read_whole(response, MOST_PAGE_BYTES), encoding) or b""


def note_pinned_scripts(state: State, html: bytes) -> None:
    """Look for bundles in a page whose tags have an `integrity` attribute: there, they must come untouched."""
    for src in pinned_scripts(html):
        # Relative to the page, or on its own host.
        address = urljoin(request.base_url, src)
        url = own_url(address, request.host)
        if url is not None and is_part()(url) and not asks_for_plain_bytes(address):
            state.forbid(ban_pinned(request.host, page_path(), url), None, kind=f"pinned {request.endpoint}")


def note_deferred(state: State, src: str) -> None:
    """Let peers deliver a bundle to a page again whose tag has been mended: for a deferred one no parser waits.

    This is done once: where a script takes the tag to another place, a parser may wait for it all the same.

    Args:
        state: the app's.
        src: the bundle's URL, as the template wrote it.
    """
    if not is_path(src):
        return
    url = as_bundle_url(src)

    def allow() -> bool:
        for page in (page_path(), None):
            state.registry.allow(name_tag(request.host, page, url))
        return True

    state.deferred.get(name_tag(request.host, page_path(), url), allow)


def by_peers(state: State, src: str) -> bool:
    """Say whether a module of the page that is being made is to come from peers; the first one decides for the others.

    A module that ran both from its own URL and from a `blob:` URL would be there twice, so a page has all of one kind,
    but for one that turns out only now to be unfit: the next page will know of it.

    Args:
        state: the app's.
        src: the module's URL, as the template wrote it.
    """
    if not state.policy.modules or not is_path(src) or not is_part()(src):
        return False
    url = as_bundle_url(src)
    entries = state.note_entry(name_page(request.host, page_path()), url)
    if DECIDED not in g:
        setattr(g, DECIDED, not any(map(state.graph.is_unfit, entries)) and _decide(state, url))
    return getattr(g, DECIDED) and not state.graph.is_unfit(url)


def _decide(state: State, url: str) -> bool:
    needed = state.graph.closure(url)
    heaviest = max((part for part in needed or () if part.shared), key=lambda part: part.size, default=None)
    return heaviest is not None and _is_at_hand(state, heaviest.digest, heaviest.nearby)


def comes_thin(state: State, src: str) -> bool:
    """Say whether a classic bundle would come by a thin client to the visitor of the page that is being made.

    Args:
        state: the app's.
        src: its URL, as the template wrote it.
    """
    url = as_bundle_url(src)
    seen, asking = state.bundles.get(url), _asking(state)
    if seen is None or asking is None or judge_tag(state, asking, url, seen.digest):
        return False
    return seen.size >= state.settings.stream_size or _is_at_hand(state, seen.digest, seen.nearby)


def as_bundle_url(src: str) -> str:
    """Write the URL of a tag of the page that is being made, one of this app, as `bundle_url` does."""
    target = urlsplit(src)
    return write_url(unquote(target.path), target.query.encode())


def _is_at_hand(state: State, digest: str, nearby: Distance) -> bool:
    """Say whether the visitor may take part, and somebody could give it or the browser has kept it."""
    asking = _asking(state)
    if asking is None:
        return False
    settings = state.settings
    if settings.client_cache > 0 and digest[:KEPT_CHARACTERS] in asking.facts.kept:
        return True
    swarm = name_swarm(digest, asking.group)
    found = state.registry.candidates(swarm, asking.place, 1, slots=settings.upload_slots, nearby=asking.within(nearby))
    return bool(found)


def _asking(state: State) -> Asking | None:
    """Look at the visitor of the page that is being made, once; None if it may not take part."""
    if ASKING not in g:
        # The page is the one that is asked for, and not the one from which its visitor comes.
        facts = replace(request_facts(), page=page_path())
        against = judge_page(facts, state.policy) or not may_share(state, facts.consent)
        asking = None if against else find_out(state, facts)
        setattr(g, ASKING, asking if isinstance(asking, Asking) else None)
    found: Asking | None = getattr(g, ASKING)
    return found


def may_share(state: State, consent: bool | None) -> bool:
    """Say whether a visitor has agreed, where that is asked for.

    Args:
        state: the app's.
        consent: what the visitor's cookie says.
    """
    return not state.settings.consent if consent is None else consent
