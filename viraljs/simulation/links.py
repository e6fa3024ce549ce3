"""Lines that flows share, and how: each gets its share of its narrowest line, and what others leave."""

from __future__ import annotations

from collections.abc import Hashable
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from .table import Table

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

ROUNDS = 4
"""Of filling. Each gives away what the one before left; more would change little."""


class Links(Table):
    """Lines in use: only these have a row, however many there are."""

    COLUMNS: ClassVar = {"capacity": np.float64}
    capacity: Floats

    def __init__(self) -> None:
        """Start without a line."""
        super().__init__()
        self._rows: dict[Hashable, int] = {}
        self._users: dict[int, int] = {}
        self._names: dict[int, Hashable] = {}

    def acquire(self, name: Hashable, capacity: float) -> int:
        """Use a line, of so many bytes a second; give its row."""
        row = self._rows.get(name)
        if row is None:
            row = self._rows[name] = self.add()
            self.capacity[row] = capacity
            self._names[row] = name
            self._users[row] = 0
        self._users[row] += 1
        return row

    def release(self, row: int) -> None:
        """Use it no more."""
        self._users[row] -= 1
        if not self._users[row]:
            del self._users[row], self._rows[self._names.pop(row)]
            self.drop(row)


def fill(gives: Ids, takes: Ids, limits: Floats, capacity: Floats) -> Floats:
    """Share lines among flows: an approximation of max-min fairness that never overfills a line.

    Args:
        gives: of each flow, the row of the line that it leaves by.
        takes: of each flow, the row of the line that it comes in by.
        limits: bytes a second that a flow can't exceed.
        capacity: of each line, bytes a second.

    Returns:
        bytes a second of each flow.
    """
    count = len(capacity)
    rates = np.zeros(len(gives))
    free = capacity.astype(np.float64, copy=True)
    growing = limits > 0
    for _ in range(ROUNDS):
        users = np.bincount(gives, growing, count) + np.bincount(takes, growing, count)
        share = free / np.maximum(users, 1.0)
        more = np.where(growing, np.minimum(np.minimum(share[gives], share[takes]), limits - rates), 0.0)
        rates += more
        free -= np.bincount(gives, more, count) + np.bincount(takes, more, count)
        np.maximum(free, 0.0, out=free)
        full = free <= capacity * 1e-6
        growing &= ~(full[gives] | full[takes] | (rates >= limits * (1 - 1e-9)))
        if not growing.any():
            break
    return rates
