"""Chromium as a visitor: a process and a profile of its own each, and words for what tests wait for.

A start costs more than a second of a core, so a browser whose test is over becomes the next one's, see `Chromiums`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service

from tests.support.until import until

BINARY = "/usr/bin/chromium"
DRIVER = "/usr/bin/chromedriver"
LAN_HOST = "viral.test"
"""A name that leads to this machine but is, for a browser, as any host of a LAN: not localhost."""

Record = dict[str, Any]


class Chromium:
    """One visitor.

    Args:
        profile: an empty folder, on disk, so that the HTTP cache is the one that visitors have.
        patches: scripts to run in every page before its own, over the DevTools protocol.
        page_load_strategy: as WebDriver has it; with `"none"`, `visit` does not wait for the page to load.
        arguments: more of them for the command line.
        log: keep what it says over the DevTools protocol, for `told`, and in its console, for `console`.
    """

    def __init__(
        self,
        profile: Path,
        patches: Sequence[str] = (),
        page_load_strategy: str = "normal",
        arguments: Sequence[str] = (),
        *,
        log: bool = False,
    ) -> None:
        self.page_load_strategy = page_load_strategy
        self._profile = profile
        self._closed = False
        self._signalled = False
        self._patches: list[str] = []
        self._origins: set[str] = set()
        options = webdriver.ChromeOptions()
        options.page_load_strategy = page_load_strategy
        options.binary_location = BINARY
        if log:
            options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        for argument in (
            "--headless=new",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-dev-shm-usage",
            "--no-first-run",
            f"--user-data-dir={profile}",
            f"--host-resolver-rules=MAP {LAN_HOST} 127.0.0.1",
            *(["--no-sandbox"] if os.getuid() == 0 else []),
            *arguments,
        ):
            options.add_argument(argument)
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        self.pid = int(self.driver.capabilities["goog:processID"])
        self.patch(patches)

    def patch(self, patches: Sequence[str]) -> None:
        """Run scripts in every page before its own."""
        for patch in patches:
            # A block, so that what a patch declares does not meet what a bundle declares.
            added = self.cdp("Page.addScriptToEvaluateOnNewDocument", source=f"{{{patch}}}")
            self._patches.append(added["identifier"])

    def renew(self) -> bool:
        """Forget all pages and what they left behind; whether it is as good as a new one then."""
        if self._closed or self._signalled:
            return False
        try:
            first, *others = self.driver.window_handles
            for other in others:
                self.driver.switch_to.window(other)
                self.driver.close()
            self.driver.switch_to.window(first)
            self.leave()
            for patch in self._patches:
                self.cdp("Page.removeScriptToEvaluateOnNewDocument", identifier=patch)
            # Pages that it keeps for its back button are of its history.
            self.cdp("Page.resetNavigationHistory")
            self.cdp("Emulation.setUserAgentOverride", userAgent="")
            self.cdp("Network.clearBrowserCache")
            for origin in self._origins:
                self.cdp("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        except WebDriverException:
            return False
        self._patches.clear()
        self._origins.clear()
        return True

    def cdp(self, command: str, **parameters: Any) -> Any:
        """Say something over the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def told(self, event: str) -> list[Any]:
        """List what it has said by a name over the DevTools protocol since this was asked last."""
        entries = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [entry["params"] for entry in entries if entry["method"] == event]

    def console(self) -> list[str]:
        """List the errors and warnings in its console since this was asked last, its own and those of pages."""
        entries = self.driver.get_log("browser")
        return [f"{one['level']} {one['message']}" for one in entries if one["level"] in ("SEVERE", "WARNING")]

    def be(self, user_agent: str) -> Chromium:
        """Call itself otherwise from now on."""
        self.cdp("Emulation.setUserAgentOverride", userAgent=user_agent)
        return self

    def visit(self, url: str) -> Chromium:
        """Open a page, and return when it has loaded."""
        self._origins.add("{0.scheme}://{0.netloc}".format(urlsplit(url)))
        self.driver.get(url)
        return self

    def leave(self) -> None:
        """Close the page, and forget cookies: they know no ports, so that the next site would get this one's."""
        self.driver.get("about:blank")
        self.cdp("Network.clearBrowserCookies")

    def js(self, expression: str) -> Any:
        """Evaluate an expression in the page; a promise is awaited."""
        return self.driver.execute_script(f"return {expression}")

    def wait_for(self, expression: str) -> Any:
        """Wait until an expression is true in the page, and give it."""
        try:
            return until(lambda: self.js(expression), expression)
        except (AssertionError, WebDriverException) as error:
            raise AssertionError(f"waited for {expression}, but {self.story()}") from error

    def story(self) -> Any:
        """Tell what the page saw, for the message of a test that fails."""
        return self.js("JSON.stringify([location.href, window.ViralJS?.deliveries, window.events, window.errors])")

    def deliveries(self, count: int) -> list[Record]:
        """Wait for so many deliveries, and give their records."""
        self.wait_for(f"window.ViralJS?.deliveries.length >= {count}")
        records: list[Record] = self.js("ViralJS.deliveries")
        return records

    def delivery(self) -> Record:
        """Wait for the one delivery of the page, and give its record."""
        records = self.deliveries(1)
        assert len(records) == 1, records
        return records[0]

    def seeding(self) -> Chromium:
        """Wait until the page has told the server that it seeds."""
        self.wait_for('window.events?.some(({ name }) => name === "seeding")')
        return self

    def seen(self, name: str) -> list[Record]:
        """List the details of the events `viraljs:<name>` so far."""
        events: list[Record] = self.js(f'events.filter((event) => event.name === "{name}")')
        return events

    def freeze(self) -> None:
        """Stop all processes of the browser where they stand: no socket closes, and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End all processes of the browser without a word to anyone."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        self._signalled = True
        family = [self.pid]
        for pid in family:  # grows on the way
            with suppress(OSError):
                family += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def quit(self) -> None:
        """Close the browser, whatever state it is in, and throw its profile away; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        self.thaw()
        self.driver.quit()
        shutil.rmtree(self._profile, ignore_errors=True)


class Chromiums:
    """Browsers for one test after the other: those that a test is through with are renewed for the next.

    Args:
        make_folder: makes an empty folder.
    """

    SPARE = 8
    """So many wait for a test that needs them."""

    def __init__(self, make_folder: Callable[[], Path]) -> None:
        self._make_folder = make_folder
        self._spare: list[Chromium] = []

    def take(self, patches: Sequence[str] = (), page_load_strategy: str = "normal") -> Chromium:
        """Give a browser that nobody else has; the longest unused one comes first."""
        for browser in self._spare:
            if browser.page_load_strategy == page_load_strategy:
                self._spare.remove(browser)
                browser.patch(patches)
                return browser
        return Chromium(self._make_folder(), patches, page_load_strategy)

    def put_back(self, browser: Chromium) -> None:
        """Take a browser back from a test that is over."""
        if browser.renew():
            self._spare.append(browser)
        else:
            browser.quit()
        if len(self._spare) > self.SPARE:
            self._spare.pop(0).quit()

    def quit(self) -> None:
        """Close all that nobody has."""
        for browser in self._spare:
            browser.quit()
        self._spare.clear()
