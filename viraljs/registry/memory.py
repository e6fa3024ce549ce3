"""The registry of a single process, in plain dictionaries. Whatever expires does so when it is read."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf
from random import Random

from ..experience import OPEN, UNKNOWN, Experience, Outcome, Passage, Patience
from ..messages import COMPLETE
from ..nearness import NOWHERE, Distance, Place
from ..peers import Candidate
from .base import TELLING_NETWORKS, Registry

OVERSAMPLE = 3
"""Peers looked at in each area for each one wanted: some of a sample are silent, busy or known already."""
MOST_BORDERS = 100_000
MOST_FORBIDDEN = 10_000


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
        """Yield up to `count` members, each at most once, in random order; who stops early pays for no more.

        Of few members all come, one after another from a random one on: that takes one random number.
        """
        size = len(self._members)
        if size <= 2 * count:
            first = int(rng.random() * size)
            for at in range(first, first + min(count, size)):
                yield self._members[at % size]
            return
        seen: set[int] = set()
        while len(seen) < count:
            at = int(rng.random() * size)
            if at not in seen:
                seen.add(at)
                yield self._members[at]


@dataclass(slots=True)
class _Peer:
    place: Place
    until: float
    """The last moment at which it counts, unless it is heard of before."""
    swarms: dict[str, int] = field(default_factory=dict)
    """Name to progress."""
    uploads: dict[str, float] | None = None
    """Exchange to the moment its slot falls free. Most peers have none at most times."""
    aliases: tuple[str, ...] = ()
    experience: Experience = UNKNOWN
    strikes: int = 0


class Area:
    """Groups of peers by one part of their place. Most have one member, which then needs no set."""

    def __init__(self) -> None:
        """Start empty."""
        self._groups: dict[str, str | SampleSet] = {}

    def add(self, name: str, peer: str) -> None:
        """Add a peer to a group, once."""
        group = self._groups.get(name)
        if group is None:
            self._groups[name] = peer
        elif isinstance(group, SampleSet):
            group.add(peer)
        elif group != peer:
            pair = self._groups[name] = SampleSet()
            pair.add(group)
            pair.add(peer)

    def discard(self, name: str, peer: str) -> None:
        """Remove a peer from a group if it is there."""
        group = self._groups.get(name)
        if isinstance(group, SampleSet):
            group.discard(peer)
            if group:
                return
        elif group != peer:
            return
        del self._groups[name]

    def get(self, name: str) -> str | SampleSet | None:
        """Give the one peer of a group, or all; None where there is no such group."""
        return self._groups.get(name)


class _Rings:
    """Peers that can be found by where they are."""

    def __init__(self) -> None:
        self.everyone = SampleSet()
        self._areas = tuple(Area() for _ in NOWHERE.areas)

    def add(self, peer: str, place: Place) -> None:
        self.everyone.add(peer)
        for area, name in zip(self._areas, place.areas, strict=True):
            if name:
                area.add(name, peer)

    def discard(self, peer: str, place: Place) -> None:
        self.everyone.discard(peer)
        for area, name in zip(self._areas, place.areas, strict=True):
            if name:
                area.discard(name, peer)

    def near(self, place: Place, nearby: Distance) -> Iterator[str | SampleSet]:
        """Yield the groups around a place, the nearest first; a peer may be in several."""
        if not self.everyone:
            return
        for area, name in zip(self._areas[: nearby + 1], place.areas, strict=False):
            group = area.get(name) if name else None
            if group is not None:
                yield group
        if nearby is Distance.ANY:
            yield self.everyone


@dataclass(slots=True)
class _Swarm:
    # Apart, so that a sample finds the few of one kind among the many of the other.
    complete: _Rings = field(default_factory=_Rings)
    partial: _Rings = field(default_factory=_Rings)
    streaming: set[str] = field(default_factory=set)
    """Those of the partial ones that get it from the server."""

    def __len__(self) -> int:
        return len(self.complete.everyone) + len(self.partial.everyone)

    def rings(self, progress: int) -> _Rings:
        return self.complete if progress >= COMPLETE else self.partial


@dataclass(slots=True)
class _Forbidden:
    """For whom a subject is to be left alone, and until when."""

    everybody_until: float = -inf
    networks: dict[str, float] = field(default_factory=dict)
    """Those that have said so, fewer than `TELLING_NETWORKS`, to the moment at which each counts no longer."""

    def add(self, network: str | None, now: float, seconds: float) -> None:
        if network is not None:
            self.networks = {name: until for name, until in self.networks.items() if until > now}
            self.networks[network] = max(self.networks.get(network, now), now + seconds)
        if network is None or len(self.networks) >= TELLING_NETWORKS:
            self.networks = {}
            self.everybody_until = max(self.everybody_until, now + seconds)

    def holds(self, network: str, now: float) -> bool:
        return max(self.everybody_until, self.networks.get(network, now)) > now


class MemoryRegistry(Registry):
    """See `Registry`; and for the arguments, `open_registry`."""

    def __init__(self, now: Callable[[], float], rng: Random, peer_lifetime: float, patience: Patience) -> None:
        """Start without a peer."""
        self._now = now
        self._rng = rng
        self._lifetime = peer_lifetime
        self._patience = patience
        self._lock = threading.Lock()
        self._peers: dict[str, _Peer] = {}
        self._aliases: dict[str, str] = {}
        """Other names of peers that are known."""
        self._swarms: dict[str, _Swarm] = {}
        self._claims: OrderedDict[str, float] = OrderedDict()
        self._unheard: OrderedDict[str, float] = OrderedDict()
        """Recipients under way that gave no sign of life yet, to the moment at which they are forgotten."""
        self._passages: OrderedDict[str, Passage] = OrderedDict()
        self._forbidden: OrderedDict[str, _Forbidden] = OrderedDict()
        self._certain: OrderedDict[str, _Forbidden] = OrderedDict()

    def begin(self, peer: str, place: Place, swarm: str, seconds: float, *, streams: bool = False) -> None:
        """See `Registry.begin`."""
        with self._lock:
            self._forget_unheard()
            if peer not in self._peers:
                self._unheard[peer] = self._now() + seconds
                self._peers[peer] = _Peer(place, self._unheard[peer])
            self._join(peer, swarm, 0)
            if streams and self._peers[peer].swarms[swarm] < COMPLETE:
                self._swarms[swarm].streaming.add(peer)

    def announce(self, peer: str, place: Place, swarm: str, progress: int = COMPLETE) -> None:
        """See `Registry.announce`."""
        with self._lock:
            self._aliases.pop(peer, None)
            if peer not in self._peers:
                self._peers[peer] = _Peer(place, self._now())
            self._hear(peer)
            self._join(peer, swarm, progress)

    def merge(self, alias: str, peer: str, place: Place) -> None:
        """See `Registry.merge`."""
        with self._lock:
            self._aliases.pop(peer, None)
            if peer not in self._peers:
                self._peers[peer] = _Peer(place, self._now())
            self._hear(peer)
            known, other = self._peers[peer], self._peers.get(alias)
            if other is not None:
                streaming = [swarm for swarm in other.swarms if alias in self._swarms[swarm].streaming]
                for swarm, progress in other.swarms.items():
                    self._join(peer, swarm, progress)
                for swarm in streaming:
                    if known.swarms[swarm] < COMPLETE:
                        self._swarms[swarm].streaming.add(peer)
                if other.uploads:
                    known.uploads = {**(known.uploads or {}), **other.uploads}
                known.strikes += other.strikes
                self._forget(alias)
            if self._aliases.get(alias) != peer:
                self._aliases[alias] = peer
                known.aliases += (alias,)

    def withdraw(self, peer: str, swarm: str | None = None) -> None:
        """See `Registry.withdraw`."""
        with self._lock:
            peer = self._aliases.get(peer, peer)
            if peer not in self._peers:
                return
            if swarm is None:
                self._forget(peer)
            else:
                self._leave(peer, swarm)

    def touch(self, peer: str) -> None:
        """See `Registry.touch`."""
        with self._lock:
            if peer in self._peers:
                self._hear(peer)

    def candidates(
        self, swarm: str, place: Place, limit: int, *, slots: int, nearby: Distance = Distance.ANY
    ) -> list[Candidate]:
        """See `Registry.candidates`. The cost grows with `limit`, not with the swarm."""
        with self._lock:
            self._forget_unheard()
            known = self._swarms.get(swarm)
            if known is None:
                return []
            complete = self._free(known.complete.near(place, nearby), limit, slots)
            partial = self._free(known.partial.near(place, nearby), limit, slots)
            del complete[max(limit - len(partial), (limit + 1) // 2) :]
            return [self._candidate(peer, swarm) for peer in (complete + partial)[:limit]]

    def pressure(self, swarm: str) -> float:
        """See `Registry.pressure`."""
        with self._lock:
            self._forget_unheard()
            known = self._swarms.get(swarm)
            if known is None:
                return 0.0
            streaming = len(known.streaming)
            return (len(known.partial.everyone) - streaming) / max(1, len(known.complete.everyone) + streaming)

    def place_of(self, peer: str) -> Place | None:
        """See `Registry.place_of`."""
        with self._lock:
            known = self._known(peer)
            return None if known is None else known.place

    def population(self, swarm: str) -> int:
        """See `Registry.population`."""
        with self._lock:
            self._forget_unheard()
            return len(self._swarms.get(swarm, ()))

    def reserve(self, peer: str, exchange: str, slots: int, seconds: float) -> bool:
        """See `Registry.reserve`."""
        with self._lock:
            known = self._known(peer)
            if known is None or (self._uploads(known) >= slots and exchange not in (known.uploads or ())):
                return False
            known.uploads = known.uploads or {}
            known.uploads[exchange] = self._now() + seconds
            return True

    def release(self, peer: str, exchange: str) -> None:
        """See `Registry.release`."""
        with self._lock:
            known = self._known(peer)
            if known is not None and known.uploads:
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

    def note_outcome(self, peer: str, outcome: Outcome) -> None:
        """See `Registry.note_outcome`."""
        with self._lock:
            known = self._known(peer)
            if known is not None:
                known.experience = known.experience.after(outcome, self._now())

    def note_passage(self, border: str, *, failed: bool) -> None:
        """See `Registry.note_passage`."""
        with self._lock:
            passage = self._passages.pop(border, OPEN).after(failed=failed, now=self._now())
            if passage is not OPEN:
                self._passages[border] = passage
            while len(self._passages) > MOST_BORDERS:
                self._passages.popitem(last=False)

    def is_troubled(self, border: str) -> bool:
        """See `Registry.is_troubled`."""
        return border in self._passages

    def is_closed(self, border: str) -> bool:
        """See `Registry.is_closed`."""
        with self._lock:
            return self._is_closed(border)

    def forbid(self, subject: str, seconds: float, network: str | None) -> None:
        """See `Registry.forbid`."""
        with self._lock:
            # What visitors report never takes the place of what the server knows by itself.
            known = self._certain if network is None else self._forbidden
            known.setdefault(subject, _Forbidden()).add(network, self._now(), seconds)
            known.move_to_end(subject)
            while len(known) > MOST_FORBIDDEN:
                known.popitem(last=False)

    def allow(self, subject: str) -> None:
        """See `Registry.allow`."""
        with self._lock:
            for known in (self._certain, self._forbidden):
                known.pop(subject, None)

    def is_forbidden(self, subject: str, network: str) -> bool:
        """See `Registry.is_forbidden`."""
        with self._lock:
            found = (bans.get(subject) for bans in (self._certain, self._forbidden))
            return any(known is not None and known.holds(network, self._now()) for known in found)

    def strike(self, peer: str) -> int:
        """See `Registry.strike`."""
        with self._lock:
            known = self._known(peer)
            if known is None:
                return 0
            known.strikes += 1
            return known.strikes

    # What follows is called with the lock held.

    def _known(self, peer: str) -> _Peer | None:
        return self._peers.get(self._aliases.get(peer, peer))

    def _hear(self, peer: str) -> None:
        self._peers[peer].until = self._now() + self._lifetime
        self._unheard.pop(peer, None)

    def _join(self, peer: str, swarm: str, progress: int) -> None:
        known = self._peers[peer]
        before = known.swarms.get(swarm)
        progress = max(progress, before or 0)
        known.swarms[swarm] = progress
        swarms = self._swarms.setdefault(swarm, _Swarm())
        old, new = None if before is None else swarms.rings(before), swarms.rings(progress)
        if old is not new:
            if old is not None:
                old.discard(peer, known.place)
            new.add(peer, known.place)
            if progress >= COMPLETE:
                swarms.streaming.discard(peer)

    def _leave(self, peer: str, swarm: str) -> None:
        known = self._peers[peer]
        progress = known.swarms.pop(swarm, None)
        if progress is not None:
            left = self._swarms[swarm]
            left.rings(progress).discard(peer, known.place)
            left.streaming.discard(peer)
            if not left:
                del self._swarms[swarm]

    def _forget(self, peer: str) -> None:
        for swarm in list(self._peers[peer].swarms):
            self._leave(peer, swarm)
        for alias in self._peers.pop(peer).aliases:
            if self._aliases.get(alias) == peer:
                del self._aliases[alias]
        self._unheard.pop(peer, None)

    def _forget_unheard(self) -> None:
        while self._unheard and next(iter(self._unheard.values())) < self._now():
            self._forget(next(iter(self._unheard)))

    def _is_closed(self, border: str) -> bool:
        passage = self._passages.get(border)
        return passage is not None and passage.closed(self._now(), self._patience)

    def _free(self, groups: Iterator[str | SampleSet], limit: int, slots: int) -> list[str]:
        """Take the first that are alive and not busy."""
        now = self._now()
        found: dict[str, None] = {}
        for group in groups:
            for peer in (group,) if isinstance(group, str) else group.sample(limit * OVERSAMPLE, self._rng):
                known = self._peers[peer]
                if now <= known.until and (not known.uploads or self._uploads(known) < slots):
                    found[peer] = None
                    if len(found) == limit:
                        return list(found)
        return list(found)

    def _candidate(self, peer: str, swarm: str) -> Candidate:
        known = self._peers[peer]
        experience = known.experience
        return Candidate(
            peer,
            known.place,
            len(known.uploads) if known.uploads else 0,
            known.swarms[swarm],
            experience.failing(self._now()) if experience.failures else 0.0,
            experience.rate,
            experience.round_trip,
            bool(self._passages) and self._is_closed(known.place.network),
        )

    def _uploads(self, known: _Peer) -> int:
        """Count the slots in use, dropping those whose time is over."""
        if not known.uploads:
            return 0
        now = self._now()
        if min(known.uploads.values()) <= now:
            known.uploads = {exchange: until for exchange, until in known.uploads.items() if until > now}
        return len(known.uploads)
