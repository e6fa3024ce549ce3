"""Browsers that last for the whole suite, and the table at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fidelity.stage import WAYS, Visitor
from tests.support.chromium import Chromium
from tests.support.firefox import Firefox
from tests.support.table import Cells, print_table, row_recorder

HERE = Path(__file__).parent
TITLE = "packages by way of delivery"


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
def table(request: pytest.FixtureRequest) -> Callable[[Cells], None]:
    """Take rows for the table at the end."""
    return row_recorder(request, TITLE)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    print_table(terminalreporter, TITLE, ("package", "browser", "MB", *WAYS))
