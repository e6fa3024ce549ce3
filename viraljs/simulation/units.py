"""How sizes and rates are written by people, and what they are inside: bytes, and bytes a second."""

from __future__ import annotations

import re

from ..errors import SimulationError

MEGABIT = 125_000.0
"""Bytes."""
HOUR = 3600.0
ROUNDED_SECONDS = 100.0
"""From here on nobody wants tenths."""
THOUSAND = 1000.0
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|[kMG]i?)B?")
POWERS = {"": 0, "k": 1, "M": 2, "G": 3}


def parse_size(text: str) -> int:
    """Read a size: `5MB`, `64 KiB`, `1000000`; give bytes."""
    match = SIZE.fullmatch(text.strip().replace("K", "k"))
    size = 0 if match is None else int(float(match[1]) * (1024 if "i" in match[2] else 1000) ** POWERS[match[2][:1]])
    if size < 1:
        raise SimulationError(f"a size is written 5MB, 512kB, 1.5MiB or 5000000, not {text!r}")
    return size


def show_size(size: float) -> str:
    """Write bytes with a unit, to three digits."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < THOUSAND:
            return f"{size:.3g} {unit}"
        size /= THOUSAND
    return f"{size:,.4g} TB"


def show_seconds(seconds: float) -> str:
    """Write seconds to three digits, of long times hours and minutes."""
    if seconds >= HOUR:
        return f"{seconds / HOUR:.1f} h"
    if seconds >= ROUNDED_SECONDS:
        return f"{seconds:.0f} s"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def show_rate(rate: float) -> str:
    """Write bytes a second as megabits a second."""
    return f"{rate / MEGABIT:,.4g} Mbit/s"
