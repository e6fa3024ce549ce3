"""The table at the end of the run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.sites.table import HEADINGS, WRITE, Row, write

HERE = Path(__file__).parent
ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> list[Row]:
    """Rows for the table at the end."""
    return request.config.stash[ROWS]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get(WRITE) and not session.testsfailed:
        rows: list[Row] = session.config.stash[ROWS]
        write(rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    cells = [row.printed for row in config.stash[ROWS]]
    if not cells:
        return
    cells = [HEADINGS, *cells]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    terminalreporter.section("sites with ViralJS")
    for row in cells:
        terminalreporter.write_line("  ".join(map(str.ljust, row, widths)).rstrip())
