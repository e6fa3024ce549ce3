"""The figures as a picture: what the server sends over time, how long visitors wait, how far bytes go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SimulationError
from ..nearness import Distance
from .requirements import require
from .results import Results
from .units import MEGABIT

if TYPE_CHECKING:
    from .bound import Bound
    from .scenario import Scenario

ENDINGS = (".png", ".svg")
MOST_POINTS = 600
"""Of a curve; more can't be seen."""
SHADES = ("#1b7837", "#5aae61", "#a6dba0", "#d9f0d3", "#e7d4e8", "#c2a5cf", "#762a83")
"""By kind: from one address, in dark green, to the server, in purple."""
COLOURS = ("#1b7837", "#e08214", "#762a83")
KINDS = (*(step.name.lower() for step in Distance), "server")


def check_ending(path: Path) -> None:
    """Raise `SimulationError` unless the name of a file says what kind of picture it is to be."""
    if path.suffix.lower() not in ENDINGS:
        raise SimulationError(f"the name of a plot must end with {' or '.join(ENDINGS)}, not {path.name!r}")


def plot(results: Sequence[Results], bound: Bound, scenario: Scenario, path: Path) -> None:
    """Draw the figures into a PNG or SVG file."""
    check_ending(path)
    require("matplotlib")
    from matplotlib import rc_context  # here, because it is optional and slow to import
    from matplotlib.figure import Figure

    # The same figures give the same file.
    with rc_context({"svg.hashsalt": "viraljs", "font.size": 9}):
        figure = Figure(figsize=(12, 4), layout="constrained")
        left, middle, right = figure.subplots(1, 3)
        _draw_origin(left, results, scenario)
        _draw_times(middle, results, bound)
        _draw_shares(right, results)
        figure.suptitle(f"{scenario.name}: {len(results[0].times):,} visitors, {scenario.bundle / 1e6:g} MB")
        metadata: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {}
        figure.savefig(path, metadata=metadata)


def _draw_origin(axes: Any, results: Sequence[Results], scenario: Scenario) -> None:
    last = max(len(np.trim_zeros(one.origin_seconds, "b")) for one in results) + 1
    width = -(-last // MOST_POINTS)
    for one, colour in zip(results, COLOURS, strict=False):
        seconds = np.pad(one.origin_seconds[:last], (0, max(0, last - len(one.origin_seconds)) + -last % width))
        peaks = seconds.reshape(-1, width).max(axis=1)
        axes.plot(np.arange(len(peaks)) * width, peaks / MEGABIT, label=one.choice, color=colour, linewidth=1)
    axes.axhline(scenario.origin / MEGABIT, color="grey", linestyle=":", label="uplink")
    axes.set(title="From the server", xlabel="seconds", ylabel="Mbit/s, busiest second", ylim=(0, None))
    axes.legend()


def _draw_times(axes: Any, results: Sequence[Results], bound: Bound) -> None:
    curves = [(one.choice, one.times, colour, "-") for one, colour in zip(results, COLOURS, strict=False)]
    for name, times, colour, style in [*curves, ("own line (bound)", bound.times, "grey", ":")]:
        percent = np.linspace(0, 100, 201)
        axes.plot(np.percentile(times, percent), percent, label=name, color=colour, linestyle=style)
    axes.set(title="Time to app", xlabel="seconds", ylabel="percent of visitors", xscale="log", ylim=(0, 100))
    axes.legend()


def _draw_shares(axes: Any, results: Sequence[Results]) -> None:
    base = np.zeros(len(results))
    for kind, (name, shade) in enumerate(zip(KINDS, SHADES, strict=True)):
        shares = np.array([100 * one.moved[kind] / one.total for one in results])
        axes.bar([one.choice for one in results], shares, bottom=base, color=shade, label=name)
        base += shares
    axes.set(title="Bytes from", ylabel="percent", ylim=(0, 100))
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
