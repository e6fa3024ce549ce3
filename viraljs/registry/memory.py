"""The registry of a single process, in plain dictionaries. Whatever expires does so when it is read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from ..nearness import Place
from ..peers import Candidate
from .base import Registry

OVERSAMPLE = 4
"""Peers looked at for each one wanted: some of a sample are silent or known already."""


class SampleSet:
    """A set that gives a random member at the same cost whatever its size: a list, and where each member is in it."""

    def __init__(self) -> None:
        """Start empty."""
        self._members: list[str] = []
        self._at: dict[str, int] = {}

    def __len__(self) -> int:
        """Count the members."""
        return len(self._members)

    def add(self, member: str) -> None:
        """Add a member, once."""
        if member not in self._at:
            self._at[member] = len(self._members)
            self._members.append(member)

    def discard(self, member: str) -> None:
        """Remove a member if it is there: the last one takes its seat."""
        at = self._at.pop(member, None)
        if at is None:
            return
        last = self._members.pop()
        if last != member:
            self._members[at] = last
            self._at[last] = at

    def sample(self, count: int, rng: Random) -> list[str]:
        """Give up to `count` members, each at most once, in random order."""
        return rng.sample(self._members, min(count, len(self._members)))


@dataclass
class _Peer:
    place: Place
    seen: float
    digests: set[str] = field(default_factory=set)
    uploads: dict[str, float] = field(default_factory=dict)
    """Exchange to the moment its slot falls free."""
    failures: int = 0
    strikes: int = 0


@dataclass
class _Swarm:
    everyone: SampleSet = field(default_factory=SampleSet)
    by_address: dict[str, SampleSet] = field(default_factory=dict)
    by_network: dict[str, SampleSet] = field(default_factory=dict)

    def add(self, peer: str, place: Place) -> None:
        self.everyone.add(peer)
        self.by_address.setdefault(place.address, SampleSet()).add(peer)
        self.by_network.setdefault(place.network, SampleSet()).add(peer)

    def discard(self, peer: str, place: Place) -> None:
        self.everyone.discard(peer)
        for groups, name in ((self.by_address, place.address), (self.by_network, place.network)):
            group = groups.get(name)
            if group is not None:
                group.discard(peer)
                if not group:
                    del groups[name]

    def near(self, place: Place, count: int, rng: Random) -> Iterator[str]:
        """Yield peers in rings, the nearest first; one may come up again in a wider ring."""
        for group in (self.by_address.get(place.address), self.by_network.get(place.network), self.everyone):
            if group is not None:
                yield from group.sample(count, rng)


class MemoryRegistry(Registry):
    """See `Registry`; and for the arguments, `open_registry`."""

    def __init__(self, now: Callable[[], float], rng: Random, peer_lifetime: float) -> None:
        """Start without a peer."""
        self._now = now
        self._rng = rng
        self._lifetime = peer_lifetime
        self._lock = threading.Lock()
        self._peers: dict[str, _Peer] = {}
        self._swarms: dict[str, _Swarm] = {}
        self._claims: OrderedDict[str, float] = OrderedDict()

    def announce(self, peer: str, place: Place, digest: str) -> None:
        """See `Registry.announce`."""
        with self._lock:
            known = self._peers.get(peer)
            if known is None:
                known = self._peers[peer] = _Peer(place, self._now())
            known.seen = self._now()
            known.digests.add(digest)
            self._swarms.setdefault(digest, _Swarm()).add(peer, known.place)

    def withdraw(self, peer: str, digest: str | None = None) -> None:
        """See `Registry.withdraw`."""
        with self._lock:
            known = self._peers.get(peer)
            if known is None:
                return
            for one in [digest] if digest is not None else list(known.digests):
                known.digests.discard(one)
                swarm = self._swarms.get(one)
                if swarm is not None:
                    swarm.discard(peer, known.place)
                    if not swarm.everyone:
                        del self._swarms[one]
            if digest is None:
                del self._peers[peer]

    def touch(self, peer: str) -> None:
        """See `Registry.touch`."""
        with self._lock:
            known = self._peers.get(peer)
            if known is not None:
                known.seen = self._now()

    def candidates(self, digest: str, place: Place, limit: int) -> list[Candidate]:
        """See `Registry.candidates`. The cost grows with `limit`, not with the swarm."""
        found: dict[str, Candidate] = {}
        with self._lock:
            now = self._now()
            swarm = self._swarms.get(digest)
            for peer in swarm.near(place, limit * OVERSAMPLE, self._rng) if swarm else ():
                known = self._peers[peer]
                if peer not in found and now - known.seen <= self._lifetime:
                    found[peer] = Candidate(peer, known.place, self._uploads(known, now), known.failures)
                    if len(found) == limit:
                        break
        return list(found.values())

    def population(self, digest: str) -> int:
        """See `Registry.population`."""
        with self._lock:
            swarm = self._swarms.get(digest)
            return len(swarm.everyone) if swarm else 0

    def reserve(self, peer: str, exchange: str, slots: int, seconds: float) -> bool:
        """See `Registry.reserve`."""
        with self._lock:
            known = self._peers.get(peer)
            now = self._now()
            if known is None or self._uploads(known, now) >= slots:
                return False
            known.uploads[exchange] = now + seconds
            return True

    def release(self, peer: str, exchange: str) -> None:
        """See `Registry.release`."""
        with self._lock:
            known = self._peers.get(peer)
            if known is not None:
                known.uploads.pop(exchange, None)

    def claim(self, name: str, seconds: float) -> bool:
        """See `Registry.claim`."""
        with self._lock:
            now = self._now()
            while self._claims and next(iter(self._claims.values())) <= now:
                self._claims.popitem(last=False)
            if self._claims.get(name, now) > now:
                return False
            self._claims[name] = now + seconds
            self._claims.move_to_end(name)
            return True

    def note_outcome(self, peer: str, *, failed: bool) -> None:
        """See `Registry.note_outcome`."""
        with self._lock:
            known = self._peers.get(peer)
            if known is not None:
                known.failures = known.failures + 1 if failed else 0

    def strike(self, peer: str) -> int:
        """See `Registry.strike`."""
        with self._lock:
            known = self._peers.get(peer)
            if known is None:
                return 0
            known.strikes += 1
            return known.strikes

    @staticmethod
    def _uploads(known: _Peer, now: float) -> int:
        """Count the slots in use, dropping those whose time is over."""
        for exchange in [exchange for exchange, until in known.uploads.items() if until <= now]:
            del known.uploads[exchange]
        return len(known.uploads)
