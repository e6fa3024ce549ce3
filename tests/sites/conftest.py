"""The table at the end of the run."""

from __future__ import annotations

import os

import pytest

from tests.sites.table import HEADINGS, WRITE, Row, write
from tests.support.table import print_table

ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> list[Row]:
    """Rows for the table at the end."""
    return request.config.stash[ROWS]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get(WRITE) and not session.testsfailed:
        rows: list[Row] = session.config.stash[ROWS]
        write(rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    print_table(terminalreporter, "sites with ViralJS", HEADINGS, [row.printed for row in config.stash[ROWS]])
