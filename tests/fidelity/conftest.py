"""Browsers that last for the whole suite, and the table at its end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fidelity.stage import WAYS, Visitor
from tests.support.chromium import Chromium
from tests.support.firefox import Firefox
from tests.support.table import print_table

HERE = Path(__file__).parent
TABLE = pytest.StashKey[list[tuple[str, ...]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TABLE] = []


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
    headings = "package", "browser", "MB", *WAYS
    print_table(terminalreporter, "packages by way of delivery", headings, config.stash[TABLE])
