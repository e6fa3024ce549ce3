"""The simulator at its full size, beside its aims: a million visitors of a city, and a school's day from a trace."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from viraljs.config import read_settings
from viraljs.nearness import Distance
from viraljs.simulation.choice import Rules
from viraljs.simulation.report import tell
from viraljs.simulation.scenario import Scenario, change
from viraljs.simulation.simulate import Simulation, prepare, simulate

VISITORS = 1_000_000
MOST_SECONDS = 300.0
LEAST_RATIO = 2.0
LEAST_FROM_PEERS = 0.95
SEED = 1

PUPILS, ROOMS = 1_000, 40
LESSONS, LESSON_SECONDS = 6, 3_600.0
LATE_SECONDS = 45.0
SCHOOL_ADDRESS = "192.0.2.1"


def run(say: Callable[[str], None]) -> None:
    """Simulate both, and say what came of each beside the aims."""
    _run_city(say)
    _run_school(say)


def write_school(path: Path) -> None:
    """Write the trace of a school: in each lesson some rooms open the app, each pupil within a minute or so."""
    chance = Random(SEED)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["arrival_seconds", "stay_seconds", "address", "asn", "country", "continent"])
        for lesson in range(LESSONS):
            rooms = set(chance.sample(range(ROOMS), ROOMS // 2))
            for pupil in range(PUPILS):
                if pupil % ROOMS in rooms:
                    arrival = lesson * LESSON_SECONDS + min(chance.expovariate(1 / LATE_SECONDS), LESSON_SECONDS / 2)
                    stay = chance.uniform(0.5, 0.75) * LESSON_SECONDS
                    table.writerow([f"{arrival:.2f}", f"{stay:.0f}", SCHOOL_ADDRESS, 64500, "NO", "EU"])


def _simulate(say: Callable[[str], None], scenario: Scenario, trace: Path | None = None) -> tuple[Simulation, float]:
    started = time.monotonic()
    scenario, world = prepare(scenario, SEED, trace)
    done = simulate(scenario, world, Rules.of(read_settings({})), SEED)
    elapsed = time.monotonic() - started
    for line in tell(done.world, done.scenario, done.results, done.bound):
        say(line)
    return done, elapsed


def _run_city(say: Callable[[str], None]) -> None:
    done, elapsed = _simulate(say, change("city", visitors=VISITORS))
    nearest, by_lot, _ = done.results
    ratio = nearest.kept(Distance.NETWORK) / max(by_lot.kept(Distance.NETWORK), 1.0)
    say("")
    say(f"elapsed, three choices: {elapsed:.0f} s; aim: under {MOST_SECONDS:g} s: {_met(elapsed < MOST_SECONDS)}")
    say("  " + ", ".join(f"{one.choice}: {one.elapsed:.0f} s" for one in done.results) + "; in two processes")
    met = _met(ratio >= LEAST_RATIO)
    say(f"bytes that stay in the network, nearest to random: {ratio:.1f}; aim: {LEAST_RATIO:g}: {met}")
    say("")


def _run_school(say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="viraljs-bench-") as folder:
        path = Path(folder) / "school.csv"
        write_school(path)
        done, elapsed = _simulate(say, change("school"), path)
    share = done.results[0].offload
    met = _met(share > LEAST_FROM_PEERS)
    say("")
    say(f"share from peers: {share:.2%}; aim: above {LEAST_FROM_PEERS:.0%}: {met}; elapsed: {elapsed:.1f} s")


def _met(yes: bool) -> str:
    return "met" if yes else "MISSED"
