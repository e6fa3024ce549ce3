"""Figures of a list of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil


def percentile(values: Sequence[float], percent: float) -> float:
    """Give the smallest value that so many percent of the values do not exceed; of a few, the 95th is the largest."""
    return sorted(values)[max(0, ceil(len(values) * percent / 100) - 1)]
