"""A table of what a suite has found, at the end of its run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import pytest

Cells = Sequence[str]


def row_recorder(request: pytest.FixtureRequest, title: str) -> Callable[[Cells], None]:
    """Return what gives a test's row to the table of this title, also from a process of its own."""
    return lambda cells: request.node.user_properties.append((title, list(cells)))


def print_table(reporter: pytest.TerminalReporter, title: str, headings: Cells) -> None:
    """Print the rows of all tests below their headings; nothing where there are none."""
    reports = (one for one in chain(*reporter.stats.values()) if isinstance(one, pytest.TestReport))
    tests = (one for one in reports if one.when == "call")
    told: list[tuple[str, Any]] = [one for test in tests for one in test.user_properties]
    rows = sorted(tuple(cells) for name, cells in told if name == title)
    if not rows:
        return
    table = [tuple(headings), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    reporter.section(title)
    for row in table:
        reporter.write_line("  ".join(map(str.ljust, row, widths)).rstrip())
