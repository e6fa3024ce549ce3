"""One simulation from beginning to end: a world, the runs over it, and the bound that they stand beside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .bound import Bound, bound
from .choice import CHOICES, Rules
from .results import Results
from .runs import run_all
from .scenario import Scenario
from .trace import read_trace, world_of
from .world import World, build


@dataclass(frozen=True)
class Simulation:
    """What was simulated, and what came of it."""

    scenario: Scenario
    world: World
    results: list[Results]
    bound: Bound


def prepare(scenario: Scenario, seed: int, trace: Path | None = None) -> tuple[Scenario, World]:
    """Make the world: of the scenario, or of a trace, which then says who comes; lines are the scenario's."""
    if trace is None:
        return scenario, build(scenario, seed)
    visits = read_trace(trace)
    return replace(scenario, name=trace.name, visitors=len(visits), seeds=0), world_of(visits, scenario, seed)


def simulate(
    scenario: Scenario, world: World, rules: Rules, seed: int,
    progress: Callable[[int], None] = lambda _: None, choices: Sequence[str] = tuple(CHOICES),
) -> Simulation:  # fmt: skip
    """Run all choices over a world; `progress` hears of each visitor once a choice."""
    return Simulation(scenario, world, run_all(world, scenario, rules, choices, seed, progress), bound(world, scenario))
