"""What choosing seeders for one request costs: with a hundred peers and with a million, in one process's memory.

The choice is all that a thin response needs of it: the candidates, the plan and the slots that it takes. Visitors come
from everywhere, half of them from where peers are. Beside it: choosing at random from a list, which knows nothing.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from resource import getpagesize
from statistics import median

from viraljs.experience import Patience
from viraljs.matching import SAMPLE, Terms, Visitor, make_plan
from viraljs.nearness import Distance, Facts, Place, locate
from viraljs.registry import MemoryRegistry
from viraljs.tickets import name_exchange

POPULATIONS = (100, 10_000, 1_000_000)
CHOICES = 5_000
BATCH = 500
SLOTS = 6
SLOT_SECONDS = 5.0
SWARM = "ab" * 32
SIZE = 5_000_000
COUNTRIES = 40
SYSTEMS = 400
TERMS = Terms(Distance.ANY, peers=3, slots=SLOTS, stream_size=2_097_152)


class World:
    """Addresses spread over systems, countries and continents; some share an address, more a network."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def place(self, spread: int) -> Place:
        """Make a place, of about `spread` that there are."""
        number = self._rng.randrange(spread)
        address = f"{11 + number // 65_536 % 80}.{number // 256 % 256}.{number % 256}.{self._rng.randrange(1, 255)}"
        system = number % SYSTEMS
        country = system % COUNTRIES
        facts = Facts(system, f"C{country}", f"K{country % 6}", country * 4.0 - 80, system * 0.9 - 180)
        return locate(address, lambda _: facts)


def fill(registry: MemoryRegistry, world: World, population: int) -> None:
    """Let so many peers announce that they have the bundle."""
    for number in range(population):
        registry.announce(f"{number:016x}", world.place(population), SWARM)


def resident_bytes() -> int:
    """Say how much memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * getpagesize()


def choose(registry: MemoryRegistry, place: Place, recipient: str, rng: Random) -> int:
    """Do what a request does; the number of seeders chosen comes back."""
    plan = make_plan(
        registry.candidates(SWARM, place, SAMPLE, slots=SLOTS),
        SIZE,
        Visitor(place, kept=False, can_connect=True),
        TERMS,
        rng,
        reserve=lambda seeder: registry.reserve(seeder, name_exchange(recipient, seeder), SLOTS, SLOT_SECONDS),
        claim=lambda: True,
        pressure=lambda: registry.pressure(SWARM),
    )
    return 0 if plan is None else len(plan.seeders)


def measure(population: int) -> str:
    """Fill a registry, choose often, and give a row of the table."""
    rng = Random(population)
    world = World(rng)
    gc.collect()
    before = resident_bytes()
    clock = [0.0]
    registry = MemoryRegistry(lambda: clock[0], rng, 1e9, Patience(3, 600.0))
    fill(registry, world, population)
    held = (resident_bytes() - before) / population
    places = [world.place(population if number % 2 else 1 << 22) for number in range(CHOICES)]
    times: list[float] = []
    seeders = 0
    for first in range(0, CHOICES, BATCH):
        batch = places[first : first + BATCH]
        began = time.perf_counter()
        for at, place in enumerate(batch):
            clock[0] += 0.1
            seeders += choose(registry, place, f"r{first + at}", rng)
        times.append((time.perf_counter() - began) / len(batch))
    mean_seeders = seeders / CHOICES
    return (
        f"{population:>10,} {median(times) * 1e6:>12.0f} {max(times) * 1e6:>10.0f} {held:>14,.0f} {mean_seeders:>10.2f}"
    )


def run(say: Callable[[str], None]) -> None:
    """Measure each population."""
    say(f"microseconds a choice, median and worst of {CHOICES // BATCH} batches of {BATCH}; bytes of memory a peer")
    say(f"{'peers':>10} {'choice':>12} {'worst':>10} {'bytes a peer':>14} {'seeders':>10}")
    for population in POPULATIONS:
        say(measure(population))
