"""Browsers that last for all idioms, and the table at their end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.sites.idioms.stage import TABS, WAYS, Tab

HERE = Path(__file__).parent
TABLE = pytest.StashKey[list[tuple[str, ...]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


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
def table(request: pytest.FixtureRequest) -> list[tuple[str, ...]]:
    """Rows for the table at the end."""
    return request.config.stash[TABLE]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[TABLE]
    if not rows:
        return
    rows = [("page", "browser", *WAYS, "second visitor's bundles"), *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminalreporter.section("idioms by visit")
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        terminalreporter.write_line("  ".join(cells).rstrip())
