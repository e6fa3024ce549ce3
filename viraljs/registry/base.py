"""What every registry can do. It stores and finds; it does not choose (`viraljs.matching` does)."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..messages import COMPLETE
from ..nearness import Place
from ..peers import Candidate


class Registry(ABC):
    """Swarms, upload slots and one-time claims, shared by all that serve an app. Safe to call from any thread."""

    @abstractmethod
    def begin(self, peer: str, place: Place, digest: str, seconds: float) -> None:
        """Add a recipient under way, which has nothing yet, to the swarm of a digest.

        It is forgotten after `seconds`, unless a sign of life (`announce`, `touch`) makes it a peer like others.
        """

    @abstractmethod
    def announce(self, peer: str, place: Place, digest: str, progress: int = COMPLETE) -> None:
        """Add a peer that holds `progress` percent of a bundle to its swarm; progress never goes down."""

    @abstractmethod
    def withdraw(self, peer: str, digest: str | None = None) -> None:
        """Take a peer out of one swarm, or, without a digest, out of all, and forget it."""

    @abstractmethod
    def touch(self, peer: str) -> None:
        """Note a sign of life; a peer without one for the registry's lifetime is no candidate."""

    @abstractmethod
    def candidates(self, digest: str, place: Place, limit: int) -> list[Candidate]:
        """Find up to `limit` live peers: complete ones, then partial ones, of each the nearest first.

        Rings around `place` are looked at in this order: the same address, the same network, any. Where there are more
        of both kinds than the limit, each gets half of it.
        """

    @abstractmethod
    def population(self, digest: str) -> int:
        """Count the peers in a swarm, silent ones included."""

    @abstractmethod
    def reserve(self, peer: str, exchange: str, slots: int, seconds: float) -> bool:
        """Take one of a peer's `slots` for an exchange; False where none is free or the peer is gone.

        The slot falls free by itself after `seconds`, should nobody release it. An exchange that has a slot keeps it
        for that long from now.
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
