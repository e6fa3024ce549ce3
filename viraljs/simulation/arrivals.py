"""When visitors come: curves over a span of time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Times = NDArray[np.float64]

LESSONS = 6
LESSON_SPREAD_SECONDS = 60.0
"""Within about so long a class has opened the page."""
BELL_WIDTH = 1 / 10
"""Standard deviation, of the span."""
DAY_GRID = 1_440
FLASH_MEAN = 1 / 8
"""Mean of the exponential, of the span."""


def steady(rng: Generator, count: int, span: float) -> Times:
    """Come at any moment alike."""
    return rng.random(count) * span


def bell(rng: Generator, count: int, span: float) -> Times:
    """Come around the middle of the span, as at nine o'clock."""
    return rng.normal(span / 2, span * BELL_WIDTH, count)


def day(rng: Generator, count: int, span: float) -> Times:
    """Come as people do in a day: few before dawn, many at noon, most in the evening."""
    hours = np.linspace(0.0, 24.0, DAY_GRID + 1)
    density = 0.15 + np.exp(-(((hours - 12.5) / 3.5) ** 2)) + 1.2 * np.exp(-(((hours - 20.5) / 2.2) ** 2))
    reached = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    moments: Times = np.interp(rng.random(count) * reached[-1], reached, hours) / 24.0 * span
    return moments


def flash(rng: Generator, count: int, span: float) -> Times:
    """Come at once when a link is shared, then ever fewer."""
    return rng.exponential(span * FLASH_MEAN, count)


def lessons(rng: Generator, count: int, span: float) -> Times:
    """Come when a lesson starts: so many times in the span, within a minute or so."""
    spread = min(LESSON_SPREAD_SECONDS, span / LESSONS / 4)
    late: Times = np.abs(rng.normal(0.0, spread / 2, count))
    return late + rng.integers(0, LESSONS, count) * (span / LESSONS)


CURVES: dict[str, Callable[[Generator, int, float], Times]] = {
    "steady": steady,
    "bell": bell,
    "day": day,
    "flash": flash,
    "lessons": lessons,
}


def arrive(curve: str, rng: Generator, count: int, span: float) -> Times:
    """Give the moments of `count` arrivals, sorted, in seconds from 0 to `span`."""
    return np.sort(np.clip(CURVES[curve](rng, count, span), 0.0, span))
