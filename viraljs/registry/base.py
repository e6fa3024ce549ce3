"""What every registry can do. It stores and finds; it does not choose (`viraljs.matching` does)."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..nearness import Place
from ..peers import Candidate


class Registry(ABC):
    """Swarms, upload slots and one-time claims, shared by all that serve an app. Safe to call from any thread."""

    @abstractmethod
    def announce(self, peer: str, place: Place, digest: str) -> None:
        """Add a peer to the swarm of a digest."""

    @abstractmethod
    def withdraw(self, peer: str, digest: str | None = None) -> None:
        """Take a peer out of one swarm, or, without a digest, out of all, and forget it."""

    @abstractmethod
    def touch(self, peer: str) -> None:
        """Note a sign of life; a peer without one for the registry's lifetime is no candidate."""

    @abstractmethod
    def candidates(self, digest: str, place: Place, limit: int) -> list[Candidate]:
        """Find up to `limit` live seeders: those at the same address first, then the same network, then any."""

    @abstractmethod
    def population(self, digest: str) -> int:
        """Count the peers in a swarm, silent ones included."""

    @abstractmethod
    def reserve(self, peer: str, exchange: str, slots: int, seconds: float) -> bool:
        """Take one of a peer's `slots` for an exchange; False where none is free or the peer is gone.

        The slot falls free by itself after `seconds`, should nobody release it.
        """

    @abstractmethod
    def release(self, peer: str, exchange: str) -> None:
        """Free the slot of an exchange; nothing happens where there is none."""

    @abstractmethod
    def claim(self, name: str, seconds: float) -> bool:
        """Say True to the first that asks for a name, and False to all others for that many seconds."""

    @abstractmethod
    def note_outcome(self, peer: str, *, failed: bool) -> None:
        """Count a delivery of this peer: a failure adds to its failures in a row, a success forgets them."""

    @abstractmethod
    def strike(self, peer: str) -> int:
        """Count a proven wrong byte of this peer, and give the count."""
