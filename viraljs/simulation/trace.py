"""Reads visitors from a CSV file: when each came, how long it stayed, its address, and what is known of that."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TextIO

import numpy as np

from ..errors import SimulationError
from ..nearness import NOWHERE, Facts, Place, locate
from .scenario import Scenario
from .world import World, draw_lines

NEEDED = ("arrival_seconds", "stay_seconds", "address")
OPTIONAL = ("asn", "country", "continent")
PRIVATE = "private"
"""The system that `nearness.locate` gives to private addresses: they are one organisation, behind one access line."""


@dataclass(frozen=True)
class Visit:
    """One line of a trace."""

    arrival: float
    """Seconds from the beginning of the trace."""
    stay: float
    """Seconds on the page once the app runs."""
    place: Place


@dataclass(frozen=True)
class Places:
    """Where visitors are, by number."""

    places: tuple[Place, ...]

    def __call__(self, visitor: int) -> Place:
        """Say where a visitor is."""
        return self.places[visitor]


def read_trace(path: Path) -> list[Visit]:
    """Read a trace; raise `SimulationError`, with the line and what would be right, where it is none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            visits = list(_visits(file, path.name))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SimulationError(f"the trace {path} can't be read: {error}") from error
    if not visits:
        raise SimulationError(f"{path.name} has no visitor: each line below the first is one")
    return sorted(visits, key=lambda visit: visit.arrival)


def world_of(visits: list[Visit], scenario: Scenario, seed: int) -> World:
    """Make a world of a trace; lines of sites come from the scenario.

    Visitors of one public address share a site, as do all with private addresses.
    """
    sites: dict[str, int] = {}
    of = [sites.setdefault(_site(visit.place), len(sites)) for visit in visits]
    down, up = draw_lines(scenario.lines, np.random.default_rng(seed), len(sites))
    return World(
        np.array([visit.arrival for visit in visits]),
        np.array([visit.stay for visit in visits]),
        np.array(of, dtype=np.int64),
        down,
        up,
        Places(tuple(visit.place for visit in visits)),
    )


def _site(place: Place) -> str:
    return PRIVATE if place.system == PRIVATE else place.address


def _visits(file: TextIO, name: str) -> Iterator[Visit]:
    rows = csv.DictReader(file)
    columns = [column.strip() for column in rows.fieldnames or ()]
    missing = [column for column in NEEDED if column not in columns]
    unknown = [column for column in columns if column not in NEEDED + OPTIONAL]
    if missing or unknown:
        raise SimulationError(
            f"{name}, line 1, must name the columns {', '.join(NEEDED)}, and may name {', '.join(OPTIONAL)};"
            f" it has {', '.join(columns) or 'nothing'}"
        )
    rows.fieldnames = columns
    for row in rows:
        yield _visit(row, f"{name}, line {rows.line_num}")


def _visit(row: dict[str, str], where: str) -> Visit:
    if None in row or None in row.values():
        raise SimulationError(f"{where}: must have as many fields as line 1")
    system = row.get("asn") or ""
    if not (system == "" or system.isdecimal()):
        raise SimulationError(f"{where}: asn must be a number such as 64500, or empty, not {system!r}")
    facts = Facts(int(system) if system else None, row.get("country") or "", row.get("continent") or "")
    place = locate(row["address"].strip(), lambda _: facts)
    if place == NOWHERE:
        raise SimulationError(f"{where}: address must be an IPv4 or IPv6 address, not {row['address']!r}")
    return Visit(_seconds(row, "arrival_seconds", where), _seconds(row, "stay_seconds", where), place)


def _seconds(row: dict[str, str], column: str, where: str) -> float:
    try:
        seconds = float(row[column])
    except ValueError:
        seconds = -1.0
    if not (isfinite(seconds) and seconds >= 0):
        raise SimulationError(f"{where}: {column} must be a number of seconds from 0 on, not {row[column]!r}")
    return seconds
