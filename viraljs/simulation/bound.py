"""What no way of sending could beat, in a fluid model: bytes flow at once, and every line can be filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .engine import ORIGIN_ROUND_TRIP
from .links import Floats
from .scenario import Scenario
from .world import World


@dataclass(frozen=True)
class Bound:
    """Of a world: no peer-assisted system does better."""

    offload: float
    """All but one copy."""
    times: Floats
    """Seconds for each visitor over its own access line and port, alone on them. Peers in its LAN may beat this."""
    last: float
    """Seconds from the first request until all have the bundle, if all asked at once."""


def distribution_seconds(size: float, source: float, down: Floats, up: Floats) -> float:
    """Give the least time in which one source can bring a bundle to all, who pass it on.

    The bound of Kumar and Ross, "Peer-assisted file distribution: the minimum distribution time" (HOTWEB 2006).

    Args:
        size: bytes.
        source: uplink of all sources together, bytes a second.
        down: lines of the recipients, bytes a second.
        up: likewise.
    """
    return float(max(size / source, size / down.min(), len(down) * size / (source + up.sum())))


def bound(world: World, scenario: Scenario) -> Bound:
    """Compute the bound of a world."""
    count = world.visitors
    sites, seeds = world.sites[:count], world.sites[count:]
    down = np.minimum(world.down[sites], scenario.port)
    # Who shares a line shares its uplink, too: each site counts once.
    up = world.up[np.unique(sites)]
    source = scenario.origin + float(world.up[seeds].sum())
    copies = 0 if world.seeds else 1
    return Bound(
        (count - copies) / count,
        ORIGIN_ROUND_TRIP + scenario.bundle / down,
        distribution_seconds(scenario.bundle, source, down, up),
    )
