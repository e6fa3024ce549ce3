"""The table at the end of the run."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.sites.table import HEADINGS, WRITE, Row, write
from tests.support.table import print_table, row_recorder

ROWS = pytest.StashKey[list[Row]]()
TITLE = "sites with ViralJS"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture
def rows(request: pytest.FixtureRequest) -> Callable[[Row], None]:
    """Take rows for the table at the end, and for the document."""
    record = row_recorder(request, TITLE)

    def take(row: Row) -> None:
        record(row.printed)
        request.config.stash[ROWS].append(row)

    return take


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get(WRITE) and not session.testsfailed:
        rows: list[Row] = session.config.stash[ROWS]
        write(rows)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_table(terminalreporter, TITLE, HEADINGS)
