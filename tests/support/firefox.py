"""Firefox as a visitor, over its own protocol, Marionette: a geckodriver is not needed."""

from __future__ import annotations

import gc
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from marionette_driver.errors import MarionetteException
from marionette_driver.marionette import Marionette

from tests.support.chromium import Record
from tests.support.servers import free_port
from tests.support.until import until

BINARY = "/usr/bin/firefox-esr"


class Firefox:
    """One visitor, with the words that a test of `Chromium` knows.

    Args:
        workspace: a folder for its profile and its log.
        page_load_strategy: as WebDriver has it; with `"none"`, `visit` does not wait for the page to load.
    """

    def __init__(self, workspace: Path, page_load_strategy: str = "normal") -> None:
        with warnings.catch_warnings():
            # The library leaves a socket open for each time that it looks whether the browser is there yet.
            warnings.simplefilter("ignore", ResourceWarning)
            self._marionette = Marionette(
                bin=BINARY,
                port=free_port(),
                headless=True,
                workspace=str(workspace),
                gecko_log=str(workspace / "gecko.log"),
            )
        self._marionette.start_session({"pageLoadStrategy": page_load_strategy})
        self._marionette.timeout.script = 30

    def visit(self, url: str) -> Firefox:
        """Open a page."""
        self._marionette.navigate(url)
        return self

    def back(self) -> None:
        """Go back to the page before."""
        self._marionette.go_back()

    def leave(self) -> None:
        """Close the page, and forget cookies: they know no ports, so that the next site would get this one's."""
        self.visit("about:blank")
        with self._marionette.using_context("chrome"):
            self._marionette.execute_script("Services.cookies.removeAll()")

    def js(self, expression: str) -> Any:
        """Evaluate an expression in the page; a promise is awaited."""
        return self._marionette.execute_script(f"return {expression}", new_sandbox=False, sandbox=None)

    def delivery(self) -> Record:
        """Wait for the one delivery of the page, and give its record."""
        until(lambda: self.js("window.ViralJS?.deliveries.length > 0"), "a delivery in Firefox")
        records: list[Record] = self.js("JSON.parse(JSON.stringify(ViralJS.deliveries))")
        assert len(records) == 1, records
        return records[0]

    def quit(self) -> None:
        """Close the browser."""
        with suppress(MarionetteException, OSError):
            self._marionette.quit(in_app=False)
        self._marionette.cleanup()
        # Now, and not when Python ends: the library's profile removes its folder as it is collected.
        del self._marionette
        gc.collect()
