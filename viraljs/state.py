"""What ViralJS keeps for one app, as found in `app.extensions["viraljs"]`."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from random import Random
from typing import Any, NamedTuple

from flask import Flask, Request, current_app, request

from . import servers
from .bundle import Manifest
from .caching import Cache
from .config import Settings
from .diagnosis import Diagnosis
from .errors import InitialisationError
from .experience import Patience
from .geography import Geography
from .graph import Graph
from .hub import Hub, LocalHub
from .ice import IceServer, fresh_servers
from .learning import Ban
from .metrics import Metrics
from .modules import ModuleFacts, is_available
from .nearness import NO_FACTS, Distance, Facts, Place, locate
from .negotiation import Policy
from .policies import Policies
from .registry import Registry, open_registry
from .rendering import Renderer
from .tickets import Tickets

PeerGroup = Callable[[Request], Any]
"""A hook that names the group of a visitor, as a string; None keeps it out."""

EXTENSION = "viraljs"
SILENT_HEARTBEATS = 3
"""Heartbeats without a sign of life after which a seeder is passed over."""
WHOLE = "viraljs_whole"
"""The attribute of `g` that has what is to be sent, whatever other hooks make of it: a function of the response."""
PEER_ID_BYTES = 12
MOST_MANIFESTS = 512
MOST_TAILS = 64
MOST_BEGINNINGS = 64
"""Tails of full responses and beginnings of thin ones take a few kilobytes each."""
MOST_MODULES = 4_096
"""A large app has a thousand chunks; what is known of each takes about a kilobyte."""
MOST_HOSTS = 64
MOST_ENTRIES = 64
"""Module tags of one page."""
MOST_PLACES = 4_096
"""A visitor's address comes up several times within a visit, and that of a company or a school all day."""
MOST_WARNINGS = 1_024
"""Subjects come from visitors, too, who must not fill the log or the memory."""


class Seen(NamedTuple):
    """What was last seen at the URL of a classic bundle."""

    digest: str
    """SHA-256 in hex."""
    size: int
    """Bytes."""
    nearby: Distance
    """How far its seeders may be."""


def plain_tag(host: str) -> str:
    """Name, for `State.warn_once`, that `viral_script` wrote tags for a host whose bundles peers can't deliver."""
    return f"plain tag {host}"


class State:
    """The parts that serve one app, put together."""

    def __init__(self, app: Flask, settings: Settings, peer_group: Callable[[], PeerGroup | None]) -> None:
        """Build the parts; clocks and chance are chosen here and nowhere else.

        Args:
            app: the app.
            settings: its own.
            peer_group: gives the app's hook, which may come later than this.
        """
        self.peer_group = peer_group
        self.settings = settings
        self._app = app
        self._warned: set[str] = set()
        self._geography = (
            Geography(settings.geo_databases, time.monotonic, self.warn) if settings.geo_databases else None
        )
        self._places = Cache[Place](MOST_PLACES)
        self.policy = Policy(
            settings.enabled,
            settings.plain_http,
            settings.breaker_failures,
            frozenset(settings.origins),
            is_available(),
        )
        # It spreads load and keeps no secret; the system's own would cost more than all the rest of a choice.
        self.rng = Random(secrets.randbits(64))  # noqa: S311
        self.registry: Registry = open_registry(
            settings.registry,
            time.monotonic,
            self.rng,
            SILENT_HEARTBEATS * settings.heartbeat,
            Patience(settings.breaker_failures, settings.breaker_seconds),
        )
        self.hub: Hub = LocalHub(time.monotonic)
        self.planning = threading.Lock()
        """Held while seeders are chosen for a visitor and the visitor is registered as a seeder to be. Without it, two
        visitors who come at the same moment would find nobody, and each would take a copy."""
        self.manifests = Cache[Manifest](MOST_MANIFESTS)
        self.scans = Cache[bool](MOST_MANIFESTS)
        """By digest: whether a suspect imports by a path."""
        self.bundles: dict[str, Seen] = {}
        """Classic bundles by their URL, as last seen."""
        self._rewritten: set[str] = set()
        self.hidden: dict[str, tuple[Any, ...]] = {}
        """Decorated views by endpoint, where another decorator hides them."""
        self._entries: dict[str, tuple[str, ...]] = {}
        self.policies = Policies(time.monotonic)
        self.tails = Cache[tuple[bytes, str]](MOST_TAILS)
        self.beginnings = Cache[bytes](MOST_BEGINNINGS)
        self.writes_modules = False
        """Whether `viral_script` has written tags of modules, the only ones that peers can serve."""
        self.deferred = Cache[bool](MOST_MANIFESTS)
        """Bundles on pages whose tags `viral_script` has written, by their subjects: no parser waits for those."""
        self.modules = Cache[ModuleFacts | None](MOST_MODULES)
        """By digest; None where they can't be linked."""
        self.graph = Graph(MOST_MODULES)
        self.routes = Cache[bool](MOST_HOSTS)
        """Whether our own paths lead to us, by host and mount point."""
        self.renderer = Renderer()
        self.metrics = Metrics(app)
        self.diagnosis = Diagnosis(app, self.warn)
        self._config: Mapping[str, object] = app.config
        self._random_secret = secrets.token_hex(32)

    def locate(self, address: str | None) -> Place:
        """Say where an address is, by this app's settings and databases."""
        if self._geography is None:
            return self._places.get(address, lambda: self._locate(address, lambda _: NO_FACTS))
        return self._locate(address, self._geography.lookup)  # which may be replaced, and keeps what is kept itself

    def _locate(self, address: str | None, lookup: Callable[[str], Facts]) -> Place:
        bits = self.settings.ipv4_network_bits, self.settings.ipv6_network_bits
        return locate(address, lookup, ipv4_bits=bits[0], ipv6_bits=bits[1])

    def note_bundle(self, url: str, seen: Seen) -> None:
        """Remember what was last seen at a URL."""
        if url not in self.bundles and len(self.bundles) >= MOST_MANIFESTS:
            self.bundles.clear()
        self.bundles[url] = seen

    def url_of(self, digest: str) -> str | None:
        """Return the URL at which a classic bundle was last seen, by its hex digest."""
        return next((url for url, seen in [*self.bundles.items()] if seen.digest == digest), None)

    def note_entry(self, page: str, url: str) -> tuple[str, ...]:
        """Remember that a page has a module's tag; give all that it has had, the first one first."""
        known = self._entries.get(page, ())
        if url not in known:
            if len(self._entries) >= MOST_MANIFESTS or len(known) >= MOST_ENTRIES:
                self._entries.clear()
                known = ()
            known = self._entries[page] = (*known, url)
        return known

    def has_entries(self, page: str) -> bool:
        """Whether `viral_script` has written tags of modules into a page."""
        return page in self._entries

    def note_rewritten(self, url: str) -> None:
        """Remember that hooks rewrite what the view of a URL gives."""
        if len(self._rewritten) >= MOST_MANIFESTS:
            self._rewritten.clear()
        self._rewritten.add(url)

    def is_rewritten(self, url: str) -> bool:
        """Whether hooks have been seen to rewrite what the view of a URL gives."""
        return url in self._rewritten

    def warn(self, text: str) -> None:
        """Write a warning to the app's log."""
        self._app.logger.warning("ViralJS: %s", text)

    def has_warned(self, subject: str) -> bool:
        """Whether the log has heard on a subject, and will hear no more."""
        return subject in self._warned or len(self._warned) >= MOST_WARNINGS

    def warn_once(self, subject: str, text: str) -> None:
        """Write a warning, unless this process has written one on that subject before, or more than anybody reads."""
        if not self.has_warned(subject):
            self._warned.add(subject)
            self.warn(text)

    def forbid(self, ban: Ban, network: str | None, *, kind: str | None = None) -> None:
        """Leave a page or a bundle alone, as `Registry.forbid` does, and say so in the log.

        Args:
            ban: what and why.
            network: that of the visitor who reported it; None where the server knows.
            kind: names what has this in common, where the log is not to hear of each.
        """
        self.registry.forbid(ban.subject, ban.seconds, network)
        self.warn_once(ban.subject if kind is None else f"ban {kind}", ban.text)

    @cached_property
    def _misses_static_files(self) -> bool:
        return bool(self.settings.static) and servers.is_behind_whitenoise(self._app.wsgi_app)

    def look_around(self) -> None:
        """Have the log say once what keeps static files from us; by the first page, all that wraps the app is there."""
        if self._misses_static_files:
            self.warn_once(
                "whitenoise",
                "WhiteNoise gives files before Flask is asked, so that peers deliver none of VIRALJS_STATIC that it"
                " has; keep these out of its folders, or decorate a view that serves them at another path",
            )

    @property
    def has_secret(self) -> bool:
        """Whether the app has a secret, which all of its processes share."""
        secret = self._config.get("SECRET_KEY")
        return isinstance(secret, str | bytes) and bool(secret)

    @cached_property
    def tickets(self) -> Tickets:
        """The signer, made at its first use: by then the app has its secret, if it ever gets one."""
        secret = self._config.get("SECRET_KEY")
        if not isinstance(secret, str | bytes) or not secret:
            return self._sign_with([self._random_secret])
        fallbacks = self._config.get("SECRET_KEY_FALLBACKS")
        older = [key for key in fallbacks if isinstance(key, str | bytes)] if isinstance(fallbacks, list) else []
        return self._sign_with([*older, secret])

    def _sign_with(self, secrets_: Iterable[str | bytes]) -> Tickets:
        keys = [key.encode() if isinstance(key, str) else key for key in secrets_]
        return Tickets(keys, self.settings.ticket_lifetime, time.time)

    def fresh_ice(self, peer: str) -> tuple[IceServer, ...] | None:
        """Give a peer STUN and TURN servers with credentials of its own; None where the island says all there is."""
        settings = self.settings
        if not settings.credentials_pass or settings.turn_secret is None:
            return None
        servers, secret, lifetime = settings.ice_servers, settings.turn_secret, settings.turn_lifetime
        return tuple(fresh_servers(servers, settings.turn_urls, secret, lifetime, peer, time.time()))

    @staticmethod
    def new_peer_id() -> str:
        """Make an id that nobody can guess."""
        return secrets.token_urlsafe(PEER_ID_BYTES)


def current_state() -> State:
    """Give the state of the app that serves the current request.

    Raises:
        InitialisationError: the app has none.
    """
    state = current_app.extensions.get(EXTENSION)
    if not isinstance(state, State):
        raise InitialisationError(
            f"a view of {current_app.name!r} is decorated with @viral.bundle, but ViralJS was not set up for this app;"
            " call viral.init_app(app)"
        )
    return state


def most_sockets(state: State) -> int:
    """Give the number of seeders that may be connected to this process."""
    if state.settings.max_sockets is not None:
        return state.settings.max_sockets
    return servers.most_sockets(request.environ)


def lacks_sockets(state: State) -> bool:
    """Say whether no seeder can ever connect to this process, and say in the log what mends that."""
    if state.settings.max_sockets == 0:
        lack: str | None = "VIRALJS_MAX_SOCKETS is 0, so that nobody can seed; leave it out"
    elif state.settings.max_sockets and servers.gives_socket(request.environ):
        lack = None  # who has set a limit knows the server
    else:
        lack = servers.find_lack(request.environ)
    if lack is not None:
        state.warn_once("no-sockets", f"{lack}. Until then every bundle comes untouched")
    return lack is not None


def has_room(state: State) -> bool:
    """Say whether one more peer may be expected to connect to this process."""
    return state.hub.connected() + state.hub.expected() < most_sockets(state)
