"""Bytes under way: deliveries, the flows that feed them, and what a moment adds to each. Bytes and seconds."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..nearness import Distance
from .links import Floats, Ids, Links, fill
from .table import Table

ORIGIN = len(Distance)
"""The kind of a flow from the server; kinds below are the `Distance` of its seeder."""
KINDS = ORIGIN + 1
COMPLETE_SOURCE = -1
"""In place of the delivery that feeds a seeder: it has everything already."""
GLANCE_SECONDS = 0.1
ROUNDING = 1.0
"""Bytes that a sum of floats may be off."""


class Deliveries(Table):
    """Visitors that wait for their app."""

    COLUMNS: ClassVar = {
        "visitor": np.int64,
        "begun": np.float64,
        "have": np.float64,
        "inflow": np.float64,
        "check": np.float64,
        "told": np.int64,
        "early": np.bool_,
    }
    visitor: Ids
    begun: Floats
    """When it asked."""
    have: Floats
    inflow: Floats
    """Bytes a second, in the last moment."""
    check: Floats
    """When it looks whether to ask the server, too."""
    told: Ids
    """Quarters of the bundle that it has told the server of."""
    early: NDArray[np.bool_]
    """It tells from the first quarter on."""


class Flows(Table):
    """From a seeder, or the server, to a recipient."""

    COLUMNS: ClassVar = {
        "recipient": np.int64,
        "source": np.int64,
        "give": np.int64,
        "take": np.int64,
        "kind": np.int64,
        "most": np.float64,
        "starts": np.float64,
        "given": np.float64,
        "trial": np.float64,
    }
    recipient: Ids
    """Row of its delivery."""
    source: Ids
    """Row of the delivery that feeds its seeder, or `COMPLETE_SOURCE`."""
    give: Ids
    take: Ids
    """Rows of links."""
    kind: Ids
    most: Floats
    """Bytes a second that the connection can carry."""
    starts: Floats
    given: Floats
    trial: Floats
    """Bytes after which the recipient looks how it did; infinite where it is no trial."""


@dataclass
class Moment:
    """What happened in one step of the clock."""

    end: float
    done: list[int]
    """Rows of deliveries that are complete."""
    times: list[float]
    """When each of them was."""
    tried: list[int]
    """Rows of flows whose trial is over."""
    check: float
    """When the first recipient wanted to look whether to ask the server."""


class Transfers:
    """All that is under way, and sums of what was.

    Args:
        size: the bundle's.
        piece: of one piece.
        shortest, longest: bounds of a step.
    """

    def __init__(self, size: int, piece: float, shortest: float, longest: float) -> None:
        """Start with nothing under way."""
        self.size = float(size)
        self.deliveries = Deliveries()
        self.flows = Flows()
        self.links = Links()
        self.moved = np.zeros(KINDS)
        """Bytes by kind."""
        self.origin_seconds: Floats = np.zeros(64)
        """Bytes from the server in each second."""
        self._piece = piece
        self._shortest = shortest
        self._longest = longest
        self._spread = 0.0
        """Bytes of the bundle of which there is at least one copy outside its first sources."""
        self._growth = 0.0

    def open(
        self, recipient: int, kind: int, give: tuple[str, int, float], take: tuple[str, int, float], starts: float,
        source: int = COMPLETE_SOURCE, trial: float = inf, most: float = inf,
    ) -> int:  # fmt: skip
        """Begin a flow; give its row. A link is named by a letter and a number, and has a capacity."""
        flows = self.flows
        row = flows.add()
        flows.recipient[row] = recipient
        flows.kind[row] = kind
        flows.source[row] = source
        flows.give[row] = self.links.acquire(give[:2], give[2])
        flows.take[row] = self.links.acquire(take[:2], take[2])
        flows.most[row] = most
        flows.starts[row] = starts
        flows.given[row] = 0.0
        flows.trial[row] = trial
        return row

    def close(self, row: int) -> float:
        """End a flow; give the bytes that it brought."""
        self.links.release(int(self.flows.give[row]))
        self.links.release(int(self.flows.take[row]))
        self.flows.drop(row)
        return float(self.flows.given[row])

    def end(self, recipient: int) -> None:
        """End a delivery; its flows must be closed by now."""
        self.deliveries.have[recipient] = self.deliveries.inflow[recipient] = 0.0
        self.deliveries.check[recipient] = inf
        self.deliveries.drop(recipient)

    def shortest(self) -> float:
        """Give the shortest step: of many flows none changes much in a moment, and each step costs more."""
        return max(self._shortest, self.flows.count * 4e-5)

    def step(self, now: float, until: float) -> Moment:
        """Let a moment pass: to the next thing that happens, and no further than `until`, but the shortest step."""
        flows, deliveries = self.flows, self.deliveries
        shortest = self.shortest()
        starts = flows.starts[: flows.high]
        alive = flows.alive[: flows.high]
        begun = alive & (starts < now + shortest)
        rows = begun.nonzero()[0]
        recipients = flows.recipient[rows]
        partial = bool((flows.source[rows] >= 0).any())
        rates = self._rates(rows, recipients)
        inflow = np.bincount(recipients, rates, deliveries.high).astype(np.float64, copy=False)
        left = self.size - deliveries.have[: deliveries.high]
        waiting = starts[alive & ~begun]
        check = float(np.minimum.reduce(deliveries.check[: deliveries.high], initial=inf))
        soonest = min(
            float(np.minimum.reduce(left / np.maximum(inflow, 1e-9), initial=inf)),
            float(np.minimum.reduce(waiting, initial=inf)) - now,
            check - now,
            until - now,
            self._glance() if partial else self._longest,
        )
        moment = self._advance(now, now + max(soonest, shortest), rows, rates, inflow)
        moment.check = check
        return moment

    def _glance(self) -> float:
        """Give the longest step while seeders are under way: what they have changes what they can give."""
        return max(GLANCE_SECONDS, self.shortest())

    def _rates(self, rows: Ids, recipients: Ids) -> Floats:
        flows, deliveries, links = self.flows, self.deliveries, self.links
        source = flows.source[rows]
        limits = flows.most[rows]
        partial = source >= 0
        if partial.any():
            # Pieces are passed on when they are whole. A seeder that is behind its recipient gives what it gets.
            source = source[partial]
            usable = deliveries.have[source] - self._piece
            ahead = np.maximum(usable - deliveries.have[recipients[partial]], 0.0)
            fresh = np.where(usable < 0.0, 0.0, deliveries.inflow[source] + ahead / self._glance())
            limits[partial] = np.minimum(limits[partial], fresh)
        rates = fill(flows.give[rows], flows.take[rows], limits, links.capacity[: links.high])
        if self._spread < self.size:
            self._curb(rates, partial, recipients)
            self._growth = float(rates[~partial].sum())  # in a crowd each asks the sources for other pieces
        return rates

    def _curb(self, rates: Floats, partial: NDArray[np.bool_], recipients: Ids) -> None:
        """Let nobody get from those under way, together, what none of them has yet."""
        at_front = partial & (self.deliveries.have[recipients] >= self._spread - ROUNDING)
        if at_front.any():
            sums = np.bincount(recipients[at_front], rates[at_front], self.deliveries.high)
            rates[at_front] *= np.minimum(1.0, self._growth / np.maximum(sums[recipients[at_front]], 1e-9))

    def _advance(self, now: float, end: float, rows: Ids, rates: Floats, inflow: Floats) -> Moment:
        flows, deliveries = self.flows, self.deliveries
        recipients = flows.recipient[rows]
        moved = rates * (end - np.maximum(flows.starts[rows], now))
        gain = np.bincount(recipients, moved, deliveries.high)
        have = deliveries.have[: deliveries.high]
        have += gain
        over = np.maximum(have - self.size, 0.0)
        done = (deliveries.alive[: deliveries.high] & (have >= self.size - ROUNDING)).nonzero()[0]
        times = end - over[done] / np.maximum(inflow[done], 1e-9)
        if len(done):
            moved *= (1.0 - over / np.maximum(gain, 1e-9))[recipients]
        deliveries.inflow[: deliveries.high] = inflow
        given = flows.given[rows] + moved
        flows.given[rows] = given
        self._count(now, end, flows.kind[rows], moved)
        self._spread = min(self.size, max(self._spread + self._growth * (end - now), float(have.max(initial=0.0))))
        tried = rows[given >= flows.trial[rows]]
        return Moment(end, done.tolist(), times.tolist(), tried.tolist(), inf)

    def _count(self, now: float, end: float, kinds: Ids, moved: Floats) -> None:
        sums = np.bincount(kinds, moved, KINDS)
        self.moved += sums
        if sums[ORIGIN]:
            self._count_origin(now, end, float(sums[ORIGIN]))

    def _count_origin(self, now: float, end: float, moved: float) -> None:
        """Spread bytes over the seconds in which they left the server."""
        first, last = int(now), int(end)
        while last >= len(self.origin_seconds):
            self.origin_seconds = np.concatenate((self.origin_seconds, np.zeros_like(self.origin_seconds)))
        rate = moved / (end - now)
        if first == last:
            self.origin_seconds[first] += moved
            return
        self.origin_seconds[first] += rate * (first + 1 - now)
        self.origin_seconds[first + 1 : last] += rate
        self.origin_seconds[last] += rate * (end - last)
