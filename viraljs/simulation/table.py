"""Rows that come and go, in numpy columns: the lowest free row is taken first, so that the used ones stay together."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

FIRST_ROWS = 256


class Table:
    """A base of tables. Columns are attributes, named with their types in `COLUMNS`; look at `[:high]` of them."""

    COLUMNS: ClassVar[dict[str, type]] = {}
    alive: NDArray[np.bool_]

    def __init__(self) -> None:
        """Start without a row."""
        self.high = 0
        self.count = 0
        self._free: list[int] = []
        for name, kind in self._columns().items():
            setattr(self, name, np.zeros(FIRST_ROWS, kind))

    def add(self) -> int:
        """Take a row; what is in its columns is left from before."""
        row = heappop(self._free) if self._free else self.high
        if row >= len(self.alive):
            self._grow()
        self.high = max(self.high, row + 1)
        self.alive[row] = True
        self.count += 1
        return row

    def drop(self, row: int) -> None:
        """Give a row back."""
        self.alive[row] = False
        self.count -= 1
        heappush(self._free, row)
        while self.high and not self.alive[self.high - 1]:
            self.high -= 1

    def _columns(self) -> dict[str, type]:
        return {"alive": np.bool_, **self.COLUMNS}

    def _grow(self) -> None:
        for name in self._columns():
            column = getattr(self, name)
            setattr(self, name, np.concatenate((column, np.zeros_like(column))))
