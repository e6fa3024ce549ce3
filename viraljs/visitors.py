"""Who asks for a bundle: from where, for which group, and what stands between it and its peers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from .facts import visitor_place, write_url
from .learning import (
    BLOCKED,
    BLOCKING,
    DOCUMENT_WRITE,
    INTEGRITY,
    UNKNOWN_PAGE,
    name_bundle,
    name_page,
    name_pinned,
    name_tag,
)
from .nearness import Distance, Place, inside
from .negotiation import RequestFacts
from .personal import session_unread
from .state import EXTENSION, PeerGroup, State, lacks_sockets
from .tickets import name_group

CLIENT = f"{EXTENSION}.client"
"""The endpoint of the client's own files."""
NO_SOCKETS = "no-sockets"
"""No seeder can connect to the server that runs the app."""


@dataclass(frozen=True)
class Asking:
    """A visitor that may take part."""

    facts: RequestFacts
    place: Place
    enclosed: bool
    """Nobody in its network got through to peers outside of late."""
    isolated: bool
    """Nobody in its network got through to peers inside of late."""
    group: str
    """As `viraljs.tickets.name_group` gives it."""

    def within(self, nearby: Distance) -> Distance:
        """Say how far its seeders may be, where others' may be so far."""
        return min(nearby, Distance.NETWORK) if self.enclosed else nearby


def base_path(state: State) -> str:
    """Give the path of the signaling blueprint, on whatever host: the client asks the origin of its bundle."""
    return write_url(request.root_path.rstrip("/") + state.settings.url_prefix, b"")


def has_routes(state: State) -> bool:
    """Say whether the paths below `base_path` lead to us on this host: a rule of the app's may stand before them."""

    def leads_to_us() -> bool:
        adapter = current_app.create_url_adapter(request)
        path = f"{state.settings.url_prefix}/client/{state.renderer.version}/seeder.js"
        try:
            return adapter is not None and adapter.match(path, method="GET")[0] == CLIENT
        except (HTTPException, RequestRedirect):
            return False

    found = state.routes.get((request.host, request.root_path), leads_to_us)
    if not found:
        state.warn_once(
            f"routes {request.host}",
            f"{request.host}{base_path(state)} does not lead to ViralJS, so that every bundle of this host comes"
            " untouched; a rule of the app that takes all paths, or all of this host, stands before it: set"
            " VIRALJS_URL_PREFIX to a path that the rule leaves out, or set the app up for host_matching before"
            " ViralJS",
        )
    return found


def find_out(state: State, facts: RequestFacts) -> Asking | str:
    """Look at the surroundings of the visitor who asks; give the reason where they keep it from taking part."""
    if lacks_sockets(state):
        return NO_SOCKETS
    if not has_routes(state):
        return "no-route"
    place = visitor_place(state.locate, state.warn_once)
    if _is_blocked(state, facts, place):
        return BLOCKED
    enclosed, isolated = state.registry.is_closed(place.network), state.registry.is_closed(inside(place))
    if enclosed and isolated:
        return "network"
    group, reason = _find_group(state.peer_group())
    return reason or Asking(facts, place, enclosed, isolated, name_group(group))


def _is_blocked(state: State, facts: RequestFacts, place: Place) -> bool:
    """Whether the visitor's page forbids what peers give: by its policy, or as browsers have reported."""
    if facts.page is None:
        # It may be any page of this site that forbids it, unless it is one of another origin.
        is_own = facts.origin is None and "Referer" not in request.headers
        return is_own and state.policies.forbid(name_page(request.host, UNKNOWN_PAGE))
    page = name_page(request.host, facts.page)
    return state.policies.forbid(page) or state.registry.is_forbidden(page, place.network)


def judge_tag(state: State, asking: Asking, url: str, digest: str) -> str | None:
    """Say why a visitor gets this bundle untouched on this page, as others have reported.

    Args:
        state: the app's.
        asking: the visitor.
        url: path and query of the bundle.
        digest: its own.
    """
    network, page = asking.place.network, asking.facts.page
    if state.registry.is_forbidden(name_pinned(request.host, url), network):
        return INTEGRITY
    if asking.facts.is_import:
        return None  # which is where it runs
    if state.registry.is_forbidden(name_bundle(digest), network):
        return DOCUMENT_WRITE
    return BLOCKING if state.registry.is_forbidden(name_tag(request.host, page, url), network) else None


def _find_group(hook: PeerGroup | None) -> tuple[str, str | None]:
    """Ask the app; give the name of the group, or the reason for keeping the visitor out."""
    if hook is None:
        return "", None
    try:
        with session_unread():
            group = current_app.ensure_sync(hook)(request)
    except Exception:
        current_app.logger.exception("ViralJS keeps a visitor out: peer_group raised")
        return "", "group-error"
    if group is None:
        return "", "group"
    if not isinstance(group, str) or not group:
        current_app.logger.error(
            "ViralJS keeps a visitor out: peer_group must give a string that is not empty, or None, not %r", group
        )
        return "", "group-error"
    return group, None
