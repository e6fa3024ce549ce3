"""The figures as a table of text, one column a choice, and the bound beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..nearness import Distance
from .bound import Bound
from .results import Results
from .scenario import Scenario
from .units import show_rate, show_seconds, show_size
from .world import World

LABEL_WIDTH, COLUMN_WIDTH = 34, 15

Row = tuple[str, Callable[[Results], str], str]


def tell(world: World, scenario: Scenario, results: Sequence[Results], bound: Bound) -> list[str]:
    """Write the lines of the report."""
    rows: list[Row] = [
        ("offload", lambda one: f"{one.offload:.2%}", f"{bound.offload:.2%}"),
        ("bytes from the server", lambda one: show_size(one.total * (1 - one.offload)), _least(world, scenario, bound)),
        ("peak of the server, 1 s", lambda one: show_rate(one.origin_peak), ""),
        ("time to app, p50", lambda one: show_seconds(one.percentile(50)), _bounded(bound, 50)),
        ("time to app, p95", lambda one: show_seconds(one.percentile(95)), _bounded(bound, 95)),
        ("time to app, last", lambda one: show_seconds(one.last), _bounded(bound, 100)),
        *_shares(),
        ("responses: full", lambda one: f"{one.plans['full']:,}", ""),
        ("responses: thin, streamed", lambda one: f"{one.plans['stream']:,}", ""),
        ("responses: thin, from peers", lambda one: f"{one.plans['peers']:,}", ""),
    ]
    heads = ["", *(one.choice for one in results), "bound"]
    return [
        _headline(world, scenario),
        f"Uplink of the server: {show_rate(scenario.origin)}. If all came at once and shared all lines at best,"
        f" all would have it after {show_seconds(bound.last)}.",
        "",
        _line(heads),
        *(_line([label, *(show(one) for one in results), least]) for label, show, least in rows),
    ]


def _shares() -> list[Row]:
    """Give a row for each step: the share of all bytes that came from peers no farther."""
    words = {
        Distance.ADDRESS: "stay behind one address",
        Distance.NETWORK: "stay in the network",
        Distance.ASN: "stay with the provider",
        Distance.COUNTRY: "stay in the country",
        Distance.CONTINENT: "stay on the continent",
    }

    def show(step: Distance) -> Callable[[Results], str]:
        return lambda one: f"{one.within(step):.2%}"

    return [(word, show(step), "") for step, word in words.items()]


def _headline(world: World, scenario: Scenario) -> str:
    sites = len(np.unique(world.sites))
    return (
        f"{scenario.name}: {world.visitors:,} visitors from {sites:,} sites in"
        f" {show_seconds(float(world.arrivals.max()))}, {show_size(scenario.bundle)} each"
    )


def _least(world: World, scenario: Scenario, bound: Bound) -> str:
    return show_size(world.visitors * scenario.bundle * (1 - bound.offload))


def _bounded(bound: Bound, percent: float) -> str:
    return show_seconds(float(np.percentile(bound.times, percent)))


def _line(cells: Sequence[str]) -> str:
    return (f"{cells[0]:<{LABEL_WIDTH}}" + "".join(f"{cell:>{COLUMN_WIDTH}}" for cell in cells[1:])).rstrip()
