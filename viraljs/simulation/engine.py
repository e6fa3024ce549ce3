"""The virtual clock, and what visitors do when it strikes: come, connect, wait, turn to the server, seed, leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from random import Random

import numpy as np

from ..experience import Outcome
from ..matching import SETUP_ROUND_TRIPS, Plan
from ..messages import COMPLETE
from ..nearness import Distance, Place, distance
from .choice import Nearest, Rules
from .results import Results
from .scenario import Scenario
from .transfers import COMPLETE_SOURCE, ORIGIN, Transfers
from .world import World

ROUND_TRIPS = (0.002, 0.010, 0.015, 0.025, 0.040, 0.150)
"""Seconds, by `Distance`."""
ORIGIN_ROUND_TRIP = 0.030
WINDOW_BYTES = 66_000.0
"""What a data channel has under way at most: 27 Mbit/s at 20 ms and 10 Mbit/s at 50 ms were measured (docs/limits)."""
INTRODUCTION_ROUND_TRIPS = 2
"""To the server, after the first response: an offer goes to it and on to the seeder, the answer comes back."""
STREAM_ROUND_TRIPS = 1

FIRST_BYTE_FACTOR = 8
SECONDS_PER_BYTE = 0.05e-6
"""The client's deadline: what the setting says, eight times the first byte's time, and 50 ms for each MB."""
CROWD_FIRST, CROWD_DEADLINES = 2.0, (1.0, 4.0)
"""In a crowd the first piece may take two deadlines; then each looks after one to four of them, by chance."""
CROWD_SHARE, CROWD_BYTES = 8, float(1 << 20)
"""There the server is asked for an eighth of the bundle at a time, at most 1 MiB."""
JOIN_SECONDS = 2.0
"""A delivery that lasts longer can be joined."""
QUARTERS = 4
PIECE_BYTES = (65_536, 524_288)
PIECES = 16

ANNOUNCE_SECONDS = 0.05
"""Between looks at who has another quarter."""
PROGRESS_STEPS = 400
SHORTEST_STEP = (0.01, 0.4)
STEP_PER_VISITOR = 4e-7
"""Seconds: a million visitors get steps of 0.4 s at least; what ends within a step is timed to its moment."""
LONGEST_STEP = 0.5


@dataclass
class _Visit:
    """What a delivery under way remembers of its visitor."""

    visitor: int
    place: Place
    asked: dict[int, int | None] = field(default_factory=dict)
    """Seeder to the row of its flow; None where no connection came about."""
    seeders: dict[int, tuple[Distance, Place]] = field(default_factory=dict)
    """Where each is, and how far; also of those that are gone."""
    origin: int | None = None
    """Row of the flow from the server."""


class Engine:
    """One run: a world, and a way to choose."""

    def __init__(
        self, world: World, scenario: Scenario, rules: Rules, choice: type[Nearest], seed: int,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:  # fmt: skip
        """Prepare a run.

        Args:
            world: who comes.
            scenario: sizes and lines.
            rules: the app's settings.
            choice: how seeders are chosen.
            seed: of chance.
            progress: hears of so many more visitors that have their app.
        """
        self._world, self._scenario, self._rules = world, scenario, rules
        self._rng = Random(seed)  # noqa: S311 - chance that can be repeated; it keeps no secret
        self._now = 0.0
        self._choice = choice(rules, scenario.bundle, lambda: self._now, Random(seed + 1))  # noqa: S311 - as above
        self._name = choice.name
        self._progress = progress
        low, high = SHORTEST_STEP
        shortest = min(max(low, STEP_PER_VISITOR * world.visitors), high)
        self._piece = float(min(max(scenario.bundle / PIECES, PIECE_BYTES[0]), PIECE_BYTES[1], scenario.bundle))
        self._transfers = Transfers(scenario.bundle, self._piece, shortest, LONGEST_STEP)
        self._visits: dict[int, _Visit] = {}
        """By row of their delivery."""
        self._rows: dict[int, int] = {}
        """Of those whose delivery is under way: visitor to row."""
        self._serving: dict[int, set[int]] = {}
        """Seeder to rows of flows."""
        self._places: dict[int, Place] = {}
        """Of those that are there."""
        self._announced = 0.0
        self._leaves: list[tuple[float, int]] = []
        self._times = np.full(world.visitors, np.nan)
        self._plans = {"full": 0, "stream": 0, "peers": 0}
        self._done = self._told = 0
        megabytes_wait = SECONDS_PER_BYTE * scenario.bundle
        self._deadline = rules.deadline + FIRST_BYTE_FACTOR * ORIGIN_ROUND_TRIP + megabytes_wait
        # Python's own lists: one number of an array costs ten times as much.
        self._arrivals: list[float] = world.arrivals.tolist()
        self._stays: list[float] = world.stays.tolist()
        self._sites: list[int] = world.sites.tolist()

    def run(self) -> Results:
        """Let everybody come and get their app."""
        started = time.monotonic()
        for seed in range(self._world.visitors, len(self._arrivals)):
            self._places[seed] = self._world.place(seed)
            self._choice.announce(seed, self._places[seed], COMPLETE)
        coming, moment = 0, 0.0
        while coming < self._world.visitors or self._visits:
            if not self._visits:
                moment = max(moment, self._arrivals[coming])
            coming = self._people(coming, moment + self._transfers.shortest())
            upcoming = self._arrivals[coming] if coming < self._world.visitors else inf
            moment = self._pass(moment, upcoming)
            self._tell_progress()
        return Results(
            self._name,
            self._times,
            self._transfers.moved,
            self._transfers.origin_seconds,
            self._plans,
            time.monotonic() - started,
        )

    def _tell_progress(self) -> None:
        if self._done - self._told >= self._world.visitors / PROGRESS_STEPS or not self._visits:
            self._progress(self._done - self._told)
            self._told = self._done

    # Coming and going --------------------------------------------------------------------------------

    def _people(self, coming: int, until: float) -> int:
        """Let those come and go whose time comes before `until`; give the next that comes."""
        arrivals, leaves = self._arrivals, self._leaves
        while coming < self._world.visitors and arrivals[coming] < until:
            while leaves and leaves[0][0] <= arrivals[coming]:
                self._leave(*heappop(leaves))
            self._arrive(coming)
            coming += 1
        while leaves and leaves[0][0] < until:
            self._leave(*heappop(leaves))
        return coming

    def _arrive(self, visitor: int) -> None:
        self._now = max(self._now, self._arrivals[visitor])
        place = self._places[visitor] = self._world.place(visitor)
        plan = self._choice.plan(visitor, place)
        row = self._begin(visitor, place, plan)
        first = self._arrivals[visitor] + ORIGIN_ROUND_TRIP
        if plan is None:
            self._plans["full"] += 1
            self._ask_origin(row, first)
        elif plan.stream is not None:
            self._plans["stream"] += 1
            self._ask_origin(row, first + STREAM_ROUND_TRIPS * ORIGIN_ROUND_TRIP)
        else:
            self._plans["peers"] += 1
        if plan is not None and plan.seeders:
            self._ask_seeders(row, plan, first + INTRODUCTION_ROUND_TRIPS * ORIGIN_ROUND_TRIP)

    def _begin(self, visitor: int, place: Place, plan: Plan | None) -> int:
        deliveries = self._transfers.deliveries
        row = deliveries.add()
        deliveries.visitor[row] = visitor
        deliveries.begun[row] = self._arrivals[visitor]
        deliveries.have[row] = deliveries.inflow[row] = 0.0
        deliveries.told[row] = QUARTERS if plan is None else 0  # of a full response nobody hears before it is whole
        deliveries.early[row] = plan is not None and plan.early
        deliveries.check[row] = inf
        self._visits[row] = _Visit(visitor, place)
        self._rows[visitor] = row
        return row

    def _ask_seeders(self, row: int, plan: Plan, introduced: float) -> None:
        visit = self._visits[row]
        for seeder in map(int, plan.seeders):
            there = self._places[seeder]
            step = distance(visit.place, there)
            visit.seeders[seeder] = step, there
            local = self._sites[seeder] == self._sites[visit.visitor]
            if not local and self._rng.random() < self._scenario.nat_failure:
                visit.asked[seeder] = None
                continue
            starts = introduced + SETUP_ROUND_TRIPS * ROUND_TRIPS[step]
            flow = self._connect(row, visit.visitor, seeder, step, starts, local=local)
            visit.asked[seeder] = flow
            self._serving.setdefault(seeder, set()).add(flow)
        factor = CROWD_FIRST if plan.early else 1.0
        self._transfers.deliveries.check[row] = self._now + ORIGIN_ROUND_TRIP + factor * self._deadline

    def _connect(self, row: int, visitor: int, seeder: int, step: Distance, starts: float, *, local: bool) -> int:
        if local:
            give, take = ("p", seeder, self._scenario.port), ("q", visitor, self._scenario.port)
        else:
            here, there = self._sites[visitor], self._sites[seeder]
            give = ("u", there, float(self._world.up[there]))
            take = ("d", here, float(self._world.down[here]))
        source = self._rows.get(seeder, COMPLETE_SOURCE)
        most = min(WINDOW_BYTES / ROUND_TRIPS[step], self._scenario.port)
        return self._transfers.open(row, step, give, take, starts, source, most=most)

    def _ask_origin(self, row: int, starts: float, trial: float = inf) -> None:
        visit = self._visits[row]
        site = self._sites[visit.visitor]
        give, take = ("o", 0, self._scenario.origin), ("d", site, float(self._world.down[site]))
        visit.origin = self._transfers.open(row, ORIGIN, give, take, starts, trial=trial, most=self._scenario.port)

    def _leave(self, when: float, seeder: int) -> None:
        self._now = max(self._now, when)
        self._choice.leave(seeder)
        del self._places[seeder]
        for flow in sorted(self._serving.pop(seeder, ())):
            row = int(self._transfers.flows.recipient[flow])
            visit = self._visits[row]
            self._transfers.close(flow)
            del visit.asked[seeder]
            if visit.origin is None and not any(one is not None for one in visit.asked.values()):
                self._ask_origin(row, self._now + ORIGIN_ROUND_TRIP)

    # What a moment brings ----------------------------------------------------------------------------

    def _pass(self, now: float, until: float) -> float:
        if not self._visits:
            return now
        moment = self._transfers.step(now, until)
        self._now = max(self._now, moment.end)
        for flow in moment.tried:
            self._judge_trial(flow)
        for row, when in zip(moment.done, moment.times, strict=True):
            self._finish(row, max(when, now))
        if moment.end >= self._announced + ANNOUNCE_SECONDS:
            self._announced = moment.end
            self._announce_quarters()
        if moment.end >= moment.check:
            self._look_around()
        return moment.end

    def _finish(self, row: int, when: float) -> None:
        """Give a visitor its app: it reports, and becomes a seeder."""
        visit = self._visits.pop(row)
        del self._rows[visit.visitor]
        begun = self._arrivals[visit.visitor]
        for seeder, flow in visit.asked.items():
            self._part(visit, seeder, flow, when - begun)
        if visit.origin is not None:
            self._transfers.close(visit.origin)
        for flow in self._serving.get(visit.visitor, ()):
            self._transfers.flows.source[flow] = COMPLETE_SOURCE
        self._transfers.end(row)
        self._times[visit.visitor] = when - begun
        self._done += 1
        self._choice.announce(visit.visitor, visit.place, COMPLETE)
        heappush(self._leaves, (when + self._stays[visit.visitor], visit.visitor))

    def _part(self, visit: _Visit, seeder: int, flow: int | None, seconds: float) -> None:
        """End what was between a visitor and a seeder."""
        brought, began = 0.0, 0.0
        step, there = visit.seeders[seeder]
        if flow is not None:
            flows = self._transfers.flows
            began = float(flows.starts[flow]) - self._arrivals[visit.visitor]
            brought = self._transfers.close(flow)
            self._serving[seeder].discard(flow)
        self._choice.release(visit.visitor, seeder)
        outcome = Outcome.of(flow is None, int(brought), seconds - began, None if flow is None else ROUND_TRIPS[step])
        borders = (visit.place.network, there.network) if step > Distance.NETWORK else ()
        self._choice.report(seeder, outcome, borders)

    def _announce_quarters(self) -> None:
        deliveries = self._transfers.deliveries
        high = deliveries.high
        quarters = (deliveries.have[:high] * (QUARTERS / self._transfers.size)).astype(np.int64)
        open_to_join = deliveries.early[:high] | (deliveries.begun[:high] < self._now - JOIN_SECONDS)
        due = deliveries.alive[:high] & (quarters > deliveries.told[:high]) & open_to_join
        for row in due.nonzero()[0].tolist():
            visit = self._visits[row]
            deliveries.told[row] = quarters[row]
            self._choice.announce(visit.visitor, visit.place, int(quarters[row]) * COMPLETE // QUARTERS)

    # When to turn to the server ----------------------------------------------------------------------

    def _look_around(self) -> None:
        deliveries = self._transfers.deliveries
        high = deliveries.high
        due = deliveries.alive[:high] & (deliveries.check[:high] <= self._now)
        for row in due.nonzero()[0].tolist():
            self._reconsider(row)

    def _reconsider(self, row: int) -> None:
        """Ask the server where peers bring nothing, and try it where they are slow."""
        deliveries, visit = self._transfers.deliveries, self._visits[row]
        deliveries.check[row] = inf
        if visit.origin is not None:
            return
        crowded = bool(deliveries.early[row]) and any(flow is not None for flow in visit.asked.values())
        nothing = deliveries.have[row] < ROUNDED_NOTHING
        if nothing and not crowded:
            self._ask_origin(row, self._now + ORIGIN_ROUND_TRIP)
        elif self._transfers.size - deliveries.have[row] > deliveries.inflow[row] * self._deadline:
            part = min(self._transfers.size / CROWD_SHARE, CROWD_BYTES) if crowded else self._piece
            self._ask_origin(row, self._now + ORIGIN_ROUND_TRIP, part)
        else:
            deliveries.check[row] = self._now + self._deadline

    def _judge_trial(self, flow: int) -> None:
        """Keep the server where it brought its piece faster than peers have brought theirs."""
        flows, deliveries = self._transfers.flows, self._transfers.deliveries
        row = int(flows.recipient[flow])
        visit = self._visits[row]
        brought = float(flows.given[flow])
        rate = brought / max(self._now - float(flows.starts[flow]), 1e-6)
        so_far = self._now - self._arrivals[visit.visitor]
        wait = so_far
        if deliveries.early[row]:
            wait = self._rng.uniform(*CROWD_DEADLINES) * self._deadline
        elif rate > (float(deliveries.have[row]) - brought) / so_far:
            flows.trial[flow] = inf
            return
        self._transfers.close(flow)
        visit.origin = None
        deliveries.check[row] = self._now + wait
        if not any(one is not None for one in visit.asked.values()):
            self._ask_origin(row, self._now)


ROUNDED_NOTHING = 1.0
"""Bytes."""
