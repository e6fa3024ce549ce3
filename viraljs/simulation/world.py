"""Who comes, when, from where, over which line: made from a scenario and a seed. A trace makes such a thing, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..nearness import Place
from .arrivals import Times, arrive
from .countries import COUNTRIES, HOME, Country
from .scenario import Lines, Scenario

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class World:
    """Visitors, sorted by arrival; behind them, seeders that are there at the beginning (`seeds` of them)."""

    arrivals: Times
    stays: Times
    sites: Ids
    """Of each visitor: an index of `down` and `up`. Who shares a site shares a LAN and an access line."""
    down: Times
    up: Times
    """Access lines of sites, bytes a second."""
    place: Callable[[int], Place]
    """Of a visitor."""
    seeds: int = 0

    @property
    def visitors(self) -> int:
        """Count those that come."""
        return len(self.arrivals) - self.seeds


@dataclass(frozen=True)
class Map:
    """Places of generated sites, made when they are asked for: a million of them would fill the memory."""

    sites: Ids
    networks: Ids
    """Of each site; so are the others."""
    systems: Ids
    countries: Ids
    worldwide: bool
    """Within one country kilometres are not known, so that only providers tell near from far."""

    def __call__(self, visitor: int) -> Place:
        """Say where a visitor is."""
        site = int(self.sites[visitor])
        network, system, country = int(self.networks[site]), int(self.systems[site]), COUNTRIES[self.countries[site]]
        return Place(
            f"s{site}",
            f"n{network}",
            f"AS{system} {country.code}",
            country.code,
            country.continent,
            country.latitude if self.worldwide else None,
            country.longitude if self.worldwide else None,
        )


def build(scenario: Scenario, seed: int) -> World:
    """Make a world; the same scenario and seed make the same one."""
    rng = np.random.default_rng(seed)
    people = scenario.visitors + scenario.seeds
    arrivals = arrive(scenario.curve, rng, scenario.visitors, scenario.span)
    stays = rng.exponential(scenario.stay, people)
    count = max(1, round(scenario.visitors / scenario.site_size)) + scenario.seeds
    own = scenario.site_size == 1
    sites = np.arange(people) if own else rng.integers(0, count - scenario.seeds, people)
    sites[scenario.visitors :] = np.arange(count - scenario.seeds, count)
    down, up = draw_lines(scenario.lines, rng, count)
    if scenario.seed_line is not None:
        up[count - scenario.seeds :] = scenario.seed_line
    stays[scenario.visitors :] = np.inf
    begin = np.concatenate((arrivals, np.zeros(scenario.seeds)))
    return World(begin, stays, sites, down, up, _draw_map(scenario, rng, sites, count), scenario.seeds)


def draw_lines(lines: Lines, rng: Generator, count: int) -> tuple[Times, Times]:
    """Draw access lines, down and up."""
    speed = rng.random(count)
    down, up = (low * (high / low) ** speed for low, high in (lines.down, lines.up))
    return down, up


def _draw_map(scenario: Scenario, rng: Generator, sites: Ids, count: int) -> Map:
    """Put sites into networks, networks into the systems of a country."""
    networks = np.arange(count) // scenario.sites_per_network
    some = int(networks[-1]) + 1
    choice: tuple[Country, ...] = COUNTRIES if scenario.worldwide else (HOME,)
    shares = np.array([country.share for country in choice])
    countries = rng.choice([COUNTRIES.index(one) for one in choice], some, p=shares / shares.sum())
    ranks = 0.5 ** np.arange(scenario.systems)
    systems = countries * scenario.systems + rng.choice(scenario.systems, some, p=ranks / ranks.sum())
    return Map(sites, networks, systems[networks], countries[networks], scenario.worldwide)
