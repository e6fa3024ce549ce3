"""Browsers that last for all idioms, and the table at their end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.sites.idioms.stage import TABS, WAYS, Tab
from tests.support.table import Cells, print_table, row_recorder

TITLE = "idioms by visit"


@pytest.fixture(scope="session")
def tabs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Tab, Tab]]]:
    """Open two browsers of a kind at their first use, for all cases: each site has a host of its own."""
    with ExitStack() as stack:

        class Pairs(dict[str, tuple[Tab, Tab]]):
            def __missing__(self, kind: str) -> tuple[Tab, Tab]:
                first, second = (TABS[kind](tmp_path_factory.mktemp(kind)) for _ in range(2))
                stack.callback(first.quit)
                stack.callback(second.quit)
                self[kind] = first, second
                return self[kind]

        yield Pairs()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Callable[[Cells], None]:
    """Take rows for the table at the end."""
    return row_recorder(request, TITLE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_table(terminalreporter, TITLE, ("page", "browser", *WAYS, "second visitor's bundles"))
