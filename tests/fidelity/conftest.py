"""Browsers that last for the whole suite, and the table at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fidelity.stage import WAYS, Visitor
from tests.support.chromium import Chromium
from tests.support.firefox import Firefox

HERE = Path(__file__).parent
TABLE = pytest.StashKey[list[tuple[str, ...]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Visitor, Visitor]]:
    """Open two browsers of a kind, to seed and to receive, for all packages: each site has a port of its own."""
    assert (HERE / "built" / ".done").exists(), "run make test, or npm ci and npm run build in tests/fidelity"
    with ExitStack() as stack:

        def open_browser() -> Visitor:
            folder = tmp_path_factory.mktemp(request.param)
            browser = Chromium(folder) if request.param == "chromium" else Firefox(folder)
            stack.callback(browser.quit)
            return browser

        yield open_browser(), open_browser()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> list[tuple[str, ...]]:
    """Rows for the table at the end."""
    return request.config.stash[TABLE]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    rows = config.stash[TABLE]
    if not rows:
        return
    rows = [("package", "browser", "MB", *WAYS), *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    terminalreporter.section("packages by way of delivery")
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        terminalreporter.write_line("  ".join(cells).rstrip())
