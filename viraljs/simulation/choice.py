"""Who serves a visitor: as ViralJS chooses, by lot, or nobody but the server. Each over the real registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from random import Random

from ..config import Settings
from ..experience import Outcome, Patience
from ..learning import judge
from ..matching import MOST_PER_SOURCE, SAMPLE, Plan, Terms, Visitor, make_plan
from ..nearness import NOWHERE, Distance, Place
from ..peers import Candidate
from ..registry import MemoryRegistry
from ..tickets import name_exchange

SWARM = "bundle"
SOMEWHERE = Place("somewhere")
"""To who is blind all are in one place."""
SLOT_SECONDS = 120.0
"""As in `viraljs.blueprint`, which the simulator must not import."""


@dataclass(frozen=True)
class Rules:
    """What the app's settings say about matching. Bytes and seconds."""

    nearby: Distance
    peers: int
    slots: int
    stream_size: int
    crowd_seconds: float
    deadline: float
    patience: Patience
    most_per_source: float = MOST_PER_SOURCE
    """See `matching.Terms`."""

    @classmethod
    def of(cls, settings: Settings) -> Rules:
        """Take them from an app's settings."""
        return cls(
            settings.nearby,
            settings.peers,
            settings.upload_slots,
            settings.stream_size,
            settings.crowd_seconds,
            settings.deadline / 1000,
            Patience(settings.breaker_failures, settings.breaker_seconds),
        )

    @property
    def terms(self) -> Terms:
        """The part that the matching wants."""
        return Terms(self.nearby, self.peers, self.slots, self.stream_size, self.most_per_source)


class Nearest:
    """As ViralJS chooses; the server's part of a visit, as `viraljs.delivery` and `viraljs.blueprint` play it."""

    name = "nearest"

    def __init__(self, rules: Rules, size: int, now: Callable[[], float], rng: Random) -> None:
        """Start without a seeder.

        Args:
            rules: settings.
            size: the bundle's, in bytes.
            now: the virtual clock, in seconds.
            rng: chance.
        """
        self._rules = rules
        self._terms = rules.terms
        self._size = size
        self._rng = rng
        # Sockets of visitors that are there answer every heartbeat: nobody falls silent.
        self._registry = MemoryRegistry(now, rng, inf, rules.patience)

    def plan(self, visitor: int, place: Place) -> Plan | None:
        """Decide how a visitor gets the bundle, and take what that takes."""
        registry, rules, recipient = self._registry, self._rules, str(visitor)
        place = self._seen(place)
        plan = make_plan(
            self._candidates(place),
            self._size,
            Visitor(place, kept=False, can_connect=True),
            self._terms,
            self._rng,
            reserve=lambda seeder: registry.reserve(
                seeder, name_exchange(recipient, seeder), rules.slots, SLOT_SECONDS
            ),
            claim=lambda: not rules.crowd_seconds or registry.claim(f"full:{SWARM}", rules.crowd_seconds),
            pressure=lambda: registry.pressure(SWARM),
        )
        if plan is not None and plan.early:
            registry.begin(recipient, place, SWARM, inf, streams=plan.stream is not None)
        return plan

    def announce(self, visitor: int, place: Place, progress: int) -> None:
        """Hear that a visitor has so many percent."""
        self._registry.announce(str(visitor), self._seen(place), SWARM, progress)

    def leave(self, visitor: int) -> None:
        """See a visitor's socket close."""
        self._registry.withdraw(str(visitor))

    def release(self, visitor: int, seeder: int) -> None:
        """Hear that a delivery is over."""
        self._registry.release(str(seeder), name_exchange(str(visitor), str(seeder)))

    def report(self, seeder: int, outcome: Outcome, borders: Sequence[str]) -> None:
        """Take a recipient's word about a seeder, and about the networks whose borders are between the two."""
        self._registry.note_outcome(str(seeder), outcome)
        if borders:
            own, beyond = borders[0], borders[1:]
            reached, missed = ((), beyond) if outcome.failed else (beyond, ())
            for border, failed in judge(own, reached, missed, self._registry.is_troubled).items():
                self._registry.note_passage(border, failed=failed)

    def _candidates(self, place: Place) -> list[Candidate]:
        nearby = self._rules.nearby
        if nearby > Distance.NETWORK and place.network and self._registry.is_closed(place.network):
            nearby = Distance.NETWORK
        return self._registry.candidates(SWARM, place, SAMPLE, slots=self._rules.slots, nearby=nearby)

    def _seen(self, place: Place) -> Place:
        """Give what is to be known of a place."""
        return place


class Blind(Nearest):
    """By lot among all that have a free slot: the same, but blind to place, load and experience."""

    name = "random"

    def __init__(self, rules: Rules, size: int, now: Callable[[], float], rng: Random) -> None:
        """See `Nearest`."""
        super().__init__(replace(rules, nearby=Distance.ANY), size, now, rng)

    def report(self, seeder: int, outcome: Outcome, borders: Sequence[str]) -> None:
        """Learn nothing."""

    def _candidates(self, place: Place) -> list[Candidate]:
        found = self._registry.candidates(SWARM, NOWHERE, SAMPLE, slots=self._rules.slots)
        return [Candidate(one.peer, SOMEWHERE, 0, one.progress) for one in found]

    def _seen(self, place: Place) -> Place:
        return SOMEWHERE


class Nobody(Nearest):
    """No peers at all: every visitor gets the bundle from the server."""

    name = "no P2P"

    def plan(self, visitor: int, place: Place) -> Plan | None:
        """Always a full response."""
        return None

    def announce(self, visitor: int, place: Place, progress: int) -> None:
        """Nobody is told."""

    def leave(self, visitor: int) -> None:
        """Nobody is there to miss it."""


CHOICES: dict[str, type[Nearest]] = {one.name: one for one in (Nearest, Blind, Nobody)}
