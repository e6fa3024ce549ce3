"""The registry of a single process, in plain dictionaries. Whatever expires does so when it is read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random

from ..messages import COMPLETE
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

    def sample(self, count: int, rng: Random) -> Iterator[str]:
        """Yield up to `count` members, each at most once, in random order; who stops early pays for no more."""
        size = len(self._members)
        if size <= 2 * count:
            yield from rng.sample(self._members, min(count, size))
            return
        seen: set[int] = set()
        while len(seen) < count:
            at = int(rng.random() * size)
            if at not in seen:
                seen.add(at)
                yield self._members[at]


@dataclass
class _Peer:
    place: Place
    until: float
    """The last moment at which it counts, unless it is heard of before."""
    digests: dict[str, int] = field(default_factory=dict)
    """Digest to progress."""
    uploads: dict[str, float] = field(default_factory=dict)
    """Exchange to the moment its slot falls free."""
    failures: int = 0
    strikes: int = 0


@dataclass
class _Rings:
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


@dataclass
class _Swarm:
    # Apart, so that a sample finds the few of one kind among the many of the other.
    complete: _Rings = field(default_factory=_Rings)
    partial: _Rings = field(default_factory=_Rings)

    def __len__(self) -> int:
        return len(self.complete.everyone) + len(self.partial.everyone)

    def put(self, peer: str, place: Place, progress: int) -> None:
        self.discard(peer, place)
        (self.complete if progress >= COMPLETE else self.partial).add(peer, place)

    def discard(self, peer: str, place: Place) -> None:
        self.complete.discard(peer, place)
        self.partial.discard(peer, place)


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
        self._unheard: OrderedDict[str, float] = OrderedDict()
        """Recipients under way that gave no sign of life yet, to the moment at which they are forgotten."""

    def begin(self, peer: str, place: Place, digest: str, seconds: float) -> None:
        """See `Registry.begin`."""
        with self._lock:
            self._forget_unheard()
            if peer not in self._peers:
                self._unheard[peer] = self._now() + seconds
                self._peers[peer] = _Peer(place, self._unheard[peer])
            self._join(peer, digest, 0)

    def announce(self, peer: str, place: Place, digest: str, progress: int = COMPLETE) -> None:
        """See `Registry.announce`."""
        with self._lock:
            if peer not in self._peers:
                self._peers[peer] = _Peer(place, self._now())
            self._hear(peer)
            self._join(peer, digest, progress)

    def withdraw(self, peer: str, digest: str | None = None) -> None:
        """See `Registry.withdraw`."""
        with self._lock:
            if peer not in self._peers:
                return
            if digest is None:
                self._forget(peer)
            else:
                self._leave(peer, digest)

    def touch(self, peer: str) -> None:
        """See `Registry.touch`."""
        with self._lock:
            if peer in self._peers:
                self._hear(peer)

    def candidates(self, digest: str, place: Place, limit: int) -> list[Candidate]:
        """See `Registry.candidates`. The cost grows with `limit`, not with the swarm."""
        with self._lock:
            self._forget_unheard()
            swarm = self._swarms.get(digest)
            if swarm is None:
                return []
            complete = self._live(swarm.complete, place, limit)
            partial = self._live(swarm.partial, place, limit)
            del complete[max(limit - len(partial), (limit + 1) // 2) :]
            return [self._candidate(peer, digest) for peer in (complete + partial)[:limit]]

    def population(self, digest: str) -> int:
        """See `Registry.population`."""
        with self._lock:
            self._forget_unheard()
            return len(self._swarms.get(digest, ()))

    def reserve(self, peer: str, exchange: str, slots: int, seconds: float) -> bool:
        """See `Registry.reserve`."""
        with self._lock:
            known = self._peers.get(peer)
            if known is None or (self._uploads(known) >= slots and exchange not in known.uploads):
                return False
            known.uploads[exchange] = self._now() + seconds
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

    # What follows is called with the lock held.

    def _hear(self, peer: str) -> None:
        self._peers[peer].until = self._now() + self._lifetime
        self._unheard.pop(peer, None)

    def _join(self, peer: str, digest: str, progress: int) -> None:
        known = self._peers[peer]
        progress = max(progress, known.digests.get(digest, 0))
        known.digests[digest] = progress
        self._swarms.setdefault(digest, _Swarm()).put(peer, known.place, progress)

    def _leave(self, peer: str, digest: str) -> None:
        known = self._peers[peer]
        if known.digests.pop(digest, None) is not None:
            swarm = self._swarms[digest]
            swarm.discard(peer, known.place)
            if not swarm:
                del self._swarms[digest]

    def _forget(self, peer: str) -> None:
        for digest in list(self._peers[peer].digests):
            self._leave(peer, digest)
        del self._peers[peer]
        self._unheard.pop(peer, None)

    def _forget_unheard(self) -> None:
        while self._unheard and next(iter(self._unheard.values())) < self._now():
            self._forget(next(iter(self._unheard)))

    def _live(self, rings: _Rings, place: Place, limit: int) -> list[str]:
        now = self._now()
        found: dict[str, None] = {}
        for peer in rings.near(place, limit * OVERSAMPLE, self._rng):
            if now <= self._peers[peer].until:
                found[peer] = None
                if len(found) == limit:
                    break
        return list(found)

    def _candidate(self, peer: str, digest: str) -> Candidate:
        known = self._peers[peer]
        return Candidate(peer, known.place, self._uploads(known), known.failures, known.digests[digest])

    def _uploads(self, known: _Peer) -> int:
        """Count the slots in use, dropping those whose time is over."""
        if not known.uploads:
            return 0
        now = self._now()
        for exchange in [exchange for exchange, until in known.uploads.items() if until <= now]:
            del known.uploads[exchange]
        return len(known.uploads)
