"""What ViralJS keeps for one app, as found in `app.extensions["viraljs"]`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping
from functools import cached_property
from random import Random, SystemRandom

from flask import Flask, current_app

from .bundle import ManifestCache
from .config import Settings
from .errors import InitialisationError
from .hub import Hub, LocalHub
from .metrics import Metrics
from .negotiation import Policy
from .registry import Registry, open_registry
from .rendering import Renderer
from .tickets import Tickets

EXTENSION = "viraljs"
SILENT_HEARTBEATS = 3
"""Heartbeats without a sign of life after which a seeder is passed over."""
PEER_ID_BYTES = 12


class State:
    """The parts that serve one app, put together."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        """Build the parts; clocks and chance are chosen here and nowhere else."""
        self.settings = settings
        self.policy = Policy(settings.enabled, settings.plain_http, settings.breaker_failures)
        self.rng: Random = SystemRandom()
        self.registry: Registry = open_registry(
            settings.registry, time.monotonic, self.rng, SILENT_HEARTBEATS * settings.heartbeat
        )
        self.hub: Hub = LocalHub(time.monotonic)
        self.manifests = ManifestCache()
        self.renderer = Renderer()
        self.metrics = Metrics(app)
        self._config: Mapping[str, object] = app.config
        self._random_secret = secrets.token_hex(32)

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
