"""Small worlds for the simulator, in which the answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from viraljs.config import read_settings
from viraljs.nearness import Place
from viraljs.simulation.choice import CHOICES, Rules
from viraljs.simulation.engine import Engine
from viraljs.simulation.results import Results
from viraljs.simulation.scenario import Scenario, change
from viraljs.simulation.world import World

MB = 1_000_000.0


@dataclass(frozen=True)
class Site:
    """Who comes from one site, and its line in bytes a second."""

    arrivals: tuple[float, ...]
    down: float = 10 * MB
    up: float = 1 * MB
    place: Place | None = None


def world(*sites: Site, stay: float = 1_000.0, seeds: int = 0) -> World:
    """Make a world of sites; without a place of their own, each is alone in its network, all in one country."""
    people = sorted((when, number) for number, site in enumerate(sites) for when in site.arrivals)
    if seeds:
        people = [one for one in people if one[1] >= seeds] + [(0.0, number) for number in range(seeds)]
    places = [
        site.place or Place(f"a{number}", f"n{number}", "AS1 NO", "NO", "EU") for number, site in enumerate(sites)
    ]
    return World(
        np.array([when for when, _ in people]),
        np.full(len(people), stay),
        np.array([number for _, number in people]),
        np.array([site.down for site in sites]),
        np.array([site.up for site in sites]),
        lambda visitor: places[people[visitor][1]],
        seeds,
    )


def scenario(**parts: Any) -> Scenario:
    """Make a scenario of 1 MB, an origin of 1 MB/s and no NAT that fails, unless told otherwise."""
    return change("city", **{"visitors": 1, "bundle": 1_000_000, "origin": MB, "nat_failure": 0.0, **parts})


def rules(**parts: Any) -> Rules:
    """Take ViralJS's defaults, with parts changed."""
    return replace(Rules.of(read_settings({})), **parts)


def run(made: World, choice: str = "nearest", seed: int = 1, told: Rules | None = None, **parts: Any) -> Results:
    """Run one choice over a world."""
    return Engine(made, scenario(**parts), told or rules(), CHOICES[choice], seed).run()


def times(results: Results) -> Sequence[float]:
    """Give seconds to the app, sorted."""
    return sorted(results.times.tolist())
