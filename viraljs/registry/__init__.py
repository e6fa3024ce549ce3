"""The registry: who holds what. One URL picks one of its backends."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ..experience import Patience
from .base import Registry
from .memory import MemoryRegistry

__all__ = ["MemoryRegistry", "Registry", "open_registry"]


def open_registry(
    url: str, now: Callable[[], float], rng: Random, peer_lifetime: float, patience: Patience
) -> Registry:
    """Open the registry that a URL names.

    Args:
        url: the value of `VIRALJS_REGISTRY`, checked before: `memory://` is the one there is.
        now: a clock, in seconds.
        rng: chance, for samples of large swarms.
        peer_lifetime: seconds without a sign of life after which a peer no longer counts.
        patience: with networks that let nothing through.
    """
    assert url == "memory://", url  # noqa: S101 - config.py lets nothing else through
    return MemoryRegistry(now, rng, peer_lifetime, patience)
