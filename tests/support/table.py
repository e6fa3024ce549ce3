"""A table of what a suite has found, at the end of its run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest


def print_table(
    reporter: pytest.TerminalReporter, title: str, headings: Sequence[str], rows: list[tuple[str, ...]]
) -> None:
    """Print rows of cells below their headings; nothing where there are none."""
    if not rows:
        return
    cells = [tuple(headings), *rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    reporter.section(title)
    for row in cells:
        reporter.write_line("  ".join(map(str.ljust, row, widths)).rstrip())
