"""What every registry can do. It stores and finds; it does not choose (`viraljs.matching` does).

A swarm is named by the digest of its bundle, and by its group where visitors are parted into groups.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ..experience import Outcome
from ..messages import COMPLETE
from ..nearness import Distance, Place
from ..peers import Candidate

TELLING_NETWORKS = 2
"""Networks from which visitors must have reported a subject before all others are taken to see the same of it."""


class Registry(ABC):
    """Swarms, upload slots and one-time claims, shared by all that serve an app. Safe to call from any thread."""

    @abstractmethod
    def begin(self, peer: str, place: Place, swarm: str, seconds: float, *, streams: bool = False) -> None:
        """Add a recipient under way, which has nothing yet, to a swarm; one that `streams` gets it from the server.

        It is forgotten after `seconds`, unless a sign of life (`announce`, `touch`) makes it a peer like others.
        """

    @abstractmethod
    def announce(self, peer: str, place: Place, swarm: str, progress: int = COMPLETE) -> None:
        """Add a peer that holds `progress` percent of a bundle to its swarm; progress never goes down."""

    @abstractmethod
    def merge(self, alias: str, peer: str, place: Place) -> None:
        """Make one peer of two that turned out to be one page: `alias` is from now on another name of `peer`.

        What the alias has, and its slots in use, become the peer's; it is no candidate any more. Whatever names it
        means the peer, until the peer is forgotten or the alias announces something itself.
        """

    @abstractmethod
    def withdraw(self, peer: str, swarm: str | None = None) -> None:
        """Take a peer out of one swarm, or, without a name, out of all, and forget it."""

    @abstractmethod
    def touch(self, peer: str) -> None:
        """Note a sign of life; a peer without one for the registry's lifetime is no candidate."""

    @abstractmethod
    def candidates(
        self, swarm: str, place: Place, limit: int, *, slots: int, nearby: Distance = Distance.ANY
    ) -> list[Candidate]:
        """Find up to `limit` live peers: complete ones, then partial ones, of each the nearest first.

        The areas around `place` are looked at from small to large, in the order of `Distance`, up to `nearby`. Where
        there are more of both kinds than the limit, each gets half of it. Peers that have all their `slots` in use are
        passed over.
        """

    @abstractmethod
    def pressure(self, swarm: str) -> float:
        """Count the recipients under way for each source: a complete peer, or one that streams from the server."""

    @abstractmethod
    def place_of(self, peer: str) -> Place | None:
        """Say where a peer is; None of one that is not known, or no longer."""

    @abstractmethod
    def population(self, swarm: str) -> int:
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
    def note_outcome(self, peer: str, outcome: Outcome) -> None:
        """Add what a recipient found of a peer."""

    @abstractmethod
    def note_passage(self, border: str, *, failed: bool) -> None:
        """Count a delivery that was to go through a border: of a network, or from machine to machine inside one."""

    @abstractmethod
    def is_troubled(self, border: str) -> bool:
        """Say whether the last delivery that was to go through a border failed."""

    @abstractmethod
    def is_closed(self, border: str) -> bool:
        """Say whether deliveries through a border kept failing of late."""

    @abstractmethod
    def forbid(self, subject: str, seconds: float, network: str | None) -> None:
        """Remember for that many seconds that a page or a bundle is to be left alone.

        A visitor's word counts for the visitor's own `network` only, until `TELLING_NETWORKS` of them have said so:
        then it counts for everybody. An unknown network, `""`, is one of its own. Without a network (None) the server
        knows it by itself, and it counts for everybody at once.
        """

    @abstractmethod
    def allow(self, subject: str) -> None:
        """Forget that it is to be left alone, whoever said so."""

    @abstractmethod
    def is_forbidden(self, subject: str, network: str) -> bool:
        """Say whether it is, for a visitor in this network."""

    @abstractmethod
    def strike(self, peer: str) -> int:
        """Count a proven wrong byte of this peer, and give the count."""
