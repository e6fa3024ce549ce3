"""What is simulated: sites and their lines, visitors and their habits. Named ones, of which options change parts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import SimulationError
from .units import HOUR, MEGABIT


@dataclass(frozen=True)
class Lines:
    """Access lines of sites: bytes a second, spread evenly on a logarithmic scale; a fast one is fast both ways."""

    down: tuple[float, float]
    up: tuple[float, float]


def mbit(down: tuple[float, float], up: tuple[float, float]) -> Lines:
    """Make `Lines` of megabits a second."""
    return Lines((down[0] * MEGABIT, down[1] * MEGABIT), (up[0] * MEGABIT, up[1] * MEGABIT))


@dataclass(frozen=True)
class Scenario:
    """A site on the web and who visits it. Bytes, seconds, bytes a second."""

    name: str
    visitors: int
    bundle: int
    span: float
    """From the first arrival to the last."""
    curve: str
    """A name in `arrivals.CURVES`."""
    stay: float
    """Mean seconds on the page once the app runs, exponentially distributed; in them a visitor seeds."""
    site_size: float
    """Mean visitors that ever come from one site: a household, an office, a school; 1: each has its own."""
    sites_per_network: int
    """Sites in one /24."""
    systems: int
    """Providers in each country; the first has twice as many customers as the second, and so on."""
    worldwide: bool
    """In many countries, or in one."""
    lines: Lines
    port: float = 300 * MEGABIT
    """Of one machine in its LAN, each way."""
    origin: float = 1000 * MEGABIT
    """Uplink of the server."""
    nat_failure: float = 0.08
    """Share of pairs in different sites that can't connect, whatever they try."""
    seeds: int = 0
    """Seeders with the whole bundle that are there at the beginning and stay; each on a site of its own."""
    seed_line: float | None = None
    """Their uplink; None: any."""

    def __post_init__(self) -> None:
        """Refuse what can't be."""
        for name, low, high in (
            ("visitors", 1, 100_000_000),
            ("bundle", 1, 1 << 40),
            ("span", 0, 1e9),
            ("stay", 0, 1e9),
            ("origin", 1, 1e12),
            ("nat_failure", 0, 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise SimulationError(f"{name} must be from {low:,} to {high:,}, not {value}")


HOMES = mbit((30, 1000), (8, 300))
SCENARIOS: dict[str, Scenario] = {
    one.name: one
    for one in (
        Scenario(
            "school", 5_000, 5_000_000, 6 * HOUR, "lessons", 1_800, 1_000, 1, 3, worldwide=False,
            lines=mbit((300, 1000), (50, 500)), port=100 * MEGABIT,
        ),
        Scenario(
            "office", 5_000, 5_000_000, 2 * HOUR, "bell", 1_200, 150, 4, 5, worldwide=False,
            lines=mbit((100, 1000), (50, 1000)), port=600 * MEGABIT,
        ),
        Scenario("city", 20_000, 5_000_000, 24 * HOUR, "day", 600, 1.5, 200, 5, worldwide=False, lines=HOMES),
        Scenario("world", 50_000, 5_000_000, 24 * HOUR, "day", 600, 1.5, 200, 8, worldwide=True, lines=HOMES),
        Scenario(
            "flash", 1_000, 5_000_000, 1.0, "steady", 300, 1, 4, 5, worldwide=False,
            lines=mbit((50, 500), (5, 50)), origin=100 * MEGABIT, seeds=1, seed_line=10 * MEGABIT,
        ),
    )
}  # fmt: skip


def change(name: str, **parts: object) -> Scenario:
    """Take a named scenario, and change the parts that are not None."""
    if name not in SCENARIOS:
        raise SimulationError(f"no scenario {name!r}; there are {', '.join(SCENARIOS)}")
    given = {key: value for key, value in parts.items() if value is not None}
    return replace(SCENARIOS[name], **given)  # type: ignore[arg-type]
