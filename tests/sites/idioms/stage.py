"""Shows a page without ViralJS, to a first visitor, to a second one, and to both again, and notes what differs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from marionette_driver.errors import MarionetteException
from selenium.common.exceptions import WebDriverException

from tests.sites.idioms.idiom import Idiom
from tests.sites.idioms.site import Site
from tests.support.chromium import Chromium
from tests.support.firefox import Firefox
from tests.support.site import Served
from tests.support.until import until

PLAIN, FIRST, SECOND, RETURN, FIRST_RETURN = WAYS = ("plain", "first", "second", "return", "first's return")
PATIENCE_SECONDS = 8.0
"""For a page that may well be broken."""
SETTLING_SECONDS = 5.0
LINGER = "new Promise((resolve) => setTimeout(() => resolve(true), 120))"
"""Leaves a page the time to do what it should not: anything a second time."""
PEERS = ("peers", "mixed")
DIRECT = re.compile(r"/viraljs/direct/[^/\s]+(?=/)|[?&]viraljs=direct")
DECORATED = "/b/"
OURS = "ViralJS: "
"""So begins what ViralJS writes into an app's log."""
LEVELS = ("SEVERE", "WARNING")
KEPT = """(window.ViralJS?.deliveries ?? []).every(({ digest, source }) =>
  source !== "peers" || document.cookie.includes(digest.slice(0, 8)))"""


class Tab(Protocol):
    """A browser, and what it tells of its page beside what the page knows."""

    def visit(self, url: str) -> Any:
        """Open a page."""

    def js(self, expression: str) -> Any:
        """Evaluate an expression in the page; a promise is awaited."""

    def console(self) -> list[str]:
        """List the errors and warnings that came into the console since this was asked last."""

    def failed(self) -> list[str]:
        """List the requests that the network panel shows as failed since this was asked last."""

    def quit(self) -> None:
        """Close it."""


class ChromiumTab:
    """Chromium, with its console and its network panel."""

    def __init__(self, profile: Path) -> None:
        self._browser = Chromium(profile, log=True)
        self._browser.driver.set_page_load_timeout(20)
        self._urls: dict[str, str] = {}
        self.quit = self._browser.quit
        self.js = self._browser.js

    def visit(self, url: str) -> None:
        """Open a page."""
        self.console()
        self.failed()
        self._urls.clear()
        try:
            self._browser.visit(url)
        except WebDriverException:
            self._browser.js("window.stop()")

    def console(self) -> list[str]:
        """List the errors and warnings that came into the console since this was asked last."""
        entries = self._browser.driver.get_log("browser")
        return [f"{one['level']} {one['message']}" for one in entries if one["level"] in LEVELS]

    def failed(self) -> list[str]:
        """List the requests that failed since this was asked last."""
        failed = []
        for entry in self._browser.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            told = message["params"]
            if message["method"] == "Network.requestWillBeSent":
                self._urls[told["requestId"]] = told["request"]["url"]
            elif message["method"] == "Network.loadingFailed" and told["requestId"] in self._urls:
                failed.append(f"{told['errorText']} {self._urls[told['requestId']]}")
        return failed


class FirefoxTab:
    """Firefox, whose console is what the page's own recorder heard."""

    def __init__(self, workspace: Path) -> None:
        self._browser = Firefox(workspace)
        self.quit = self._browser.quit
        self.js = self._browser.js
        self.visit = self._browser.visit

    def console(self) -> list[str]:
        """Say nothing: the recorder has what pages wrote."""
        return []

    def failed(self) -> list[str]:
        """Say nothing."""
        return []


TABS: Mapping[str, Callable[[Path], Tab]] = {"chromium": ChromiumTab, "firefox": FirefoxTab}


@dataclass
class Seen:
    """What one visit came to.

    Args:
        page: the log, the probe's value, and the console by the page's own recorder.
        asked: the requests.
        deliveries: how each bundle came, by name: a source, or a reason.
        warnings: what the app's log said during the visit.
    """

    page: dict[str, Any]
    asked: list[Served]
    deliveries: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        """Bytes of bodies that came from the server."""
        return sum(one.sent for one in self.asked)


class Stage:
    """A page on two sites, one without ViralJS, for two visitors.

    Args:
        idiom: what is shown; of the page of an extension's case, too.
        make_site: makes the site, with ViralJS or without.
        tabs: the first visitor's browser and the second's.
        prefix: what stands before the paths of bundles, if the app is mounted below a path.
    """

    def __init__(
        self, idiom: Idiom, make_site: Callable[[bool], Site], tabs: tuple[Tab, Tab], decorated: str = DECORATED
    ) -> None:
        self.idiom = idiom
        self._make_site = make_site
        self._tabs = tabs
        self._decorated = decorated
        self.seen: dict[str, Seen] = {}
        self.warnings: list[str] = []

    def show(self) -> None:
        """Show the page in each way."""
        first, second = self._tabs
        try:
            with self._make_site(False).running() as site:
                self._look(PLAIN, second, site)
                second.visit("about:blank")
            with self._make_site(True).running() as site:
                self.warnings = site.warnings
                self._look(FIRST, first, site)
                self._wait_for_seeding(first)
                self._look(SECOND, second, site)
                self._settle(second, KEPT)
                self._look(RETURN, second, site)
                self._look(FIRST_RETURN, first, site)
        finally:
            for tab in self._tabs:
                tab.visit("about:blank")

    # What is seen

    def _look(self, way: str, tab: Tab, site: Site) -> None:
        begin = len(site.served)
        told = len(site.warnings)
        tab.visit(site.url)
        if self.idiom.clicks:
            self._wait_for_lines(tab, self.idiom.before_clicks)
            # A deferred bundle runs before the scripts that listen for `DOMContentLoaded` know what a click is for.
            self._settle(tab, "document.readyState === 'complete'", PATIENCE_SECONDS)
        for selector, done in self.idiom.clicks:
            self._settle(tab, f"(document.querySelector({json.dumps(selector)}).click(), true)")
            self._settle(tab, done, PATIENCE_SECONDS)
        self._wait_for_lines(tab, len(self.idiom.log))
        tab.js(LINGER)
        if way != PLAIN:
            self._settle(tab, f"{self._in('ViralJS?.deliveries?.length ?? 0')} >= {self._thin(site.served[begin:])}")
        asked = site.served[begin:]
        page = self._observe(tab, site)
        records = self._records(tab) if way != PLAIN else []
        self.seen[way] = Seen(page, asked, self._deliveries(asked, records), site.warnings[told:])

    def _wait_for_lines(self, tab: Tab, count: int) -> None:
        self._settle(tab, f"{self._in('log')}.length >= {count}", PATIENCE_SECONDS)

    def _in(self, expression: str) -> str:
        return f"{self.idiom.window}.{expression}"

    def _settle(self, tab: Tab, expression: str, seconds: float = SETTLING_SECONDS) -> bool:
        """Wait for what may never come: what is missing is seen in what is compared."""

        def is_so() -> bool:
            try:
                return bool(tab.js(expression))
            except (WebDriverException, MarionetteException):
                return False  # what it names is not there yet, or the page is just being replaced

        try:
            return until(is_so, expression, seconds)
        except AssertionError:
            return False

    def _observe(self, tab: Tab, site: Site) -> dict[str, Any]:
        expression = (
            f"Promise.resolve({self.idiom.probe}).catch(String)"
            f".then((probe) => JSON.stringify({{ log: {self._in('log')}, probe, lines: {self._in('lines')} }}))"
        )
        try:
            told = tab.js(expression)
        except (WebDriverException, MarionetteException) as error:
            told = json.dumps({"log": f"the page can't be asked: {str(error).splitlines()[0]}"})
        page: dict[str, Any] = json.loads(_local(str(told), site))
        page["console"] = sorted(_local(line, site) for line in tab.console())
        page["failed requests"] = sorted(_local(line, site) for line in tab.failed())
        return page

    def _records(self, tab: Tab) -> list[dict[str, Any]]:
        try:
            told = tab.js(f"JSON.stringify({self._in('ViralJS?.deliveries')} ?? [])")
            records = json.loads(told)
        except (WebDriverException, MarionetteException):
            return []
        return records if isinstance(records, list) else []

    def _thin(self, asked: list[Served]) -> int:
        return len({(one.path, one.query) for one in asked if one.kind == "thin" and self._name(one.path)})

    def _name(self, path: str) -> str | None:
        return path.removeprefix(self._decorated) if path.startswith(self._decorated) else None

    def _deliveries(self, asked: list[Served], records: list[dict[str, Any]]) -> dict[str, str]:
        """Give the source or the reason of each bundle that was asked for or delivered."""
        found: dict[str, str] = {}
        for one in asked:
            name = self._name(one.path)
            if name is not None:
                found[name] = (one.kind or "without asking ViralJS").removeprefix("untouched; reason=")
        for record in records:
            name = self._name(unquote(urlsplit(record["url"]).path))
            if name is not None and found.get(name) not in PEERS:
                found[name] = (
                    record["source"] if record["source"] in (*PEERS, "cache") else _reason(record, name, found)
                )
        return found

    def _wait_for_seeding(self, tab: Tab) -> None:
        names = [name for name, how in self.seen[FIRST].deliveries.items() if how in ("full", "thin")]
        self._settle(tab, f"new Set({self._in('seeded')}).size >= {len(names)}")

    # What is judged

    def faults(self) -> dict[str, Any]:
        """Tell what is not as it must be: what differs by visit, what peers didn't deliver, what the log lacks."""
        plain = self.seen[PLAIN].page
        faults: dict[str, Any] = {}
        if self.idiom.log and plain.get("log") != list(self.idiom.log):
            faults["plain"] = {"log": (plain.get("log"), self.idiom.log)}
        for way in WAYS[1:]:
            page = self.seen[way].page if way in self.seen else {}
            differing = {name: (page.get(name), plain[name]) for name in plain if page.get(name) != plain[name]}
            if differing:
                faults[way] = differing
        deliveries = self.seen[SECOND].deliveries if SECOND in self.seen else {}
        missing = {name: deliveries.get(name) for name in self.idiom.peers if deliveries.get(name) not in PEERS}
        if missing:
            faults["not by peers"] = missing
        untold = {
            name: how
            for name, how in deliveries.items()
            if how not in PEERS and name not in self.idiom.untold and not self._is_told(name, how)
        }
        if untold:
            faults["not in the log"] = {**untold, "the log": self.warnings}
        return faults

    def _is_told(self, name: str, how: str) -> bool:
        """Whether the log names the bundle, or the reason for one like it: it does so once for a route."""
        ours = [line for line in self.warnings if line.startswith(OURS)]
        return any(name in line or f"(reason={how})" in line for line in ours)

    def row(self, browser: str) -> tuple[str, ...]:
        """Give the table's row of this case."""
        faults = self.faults()
        cells = ["ok" if way in self.seen and way not in faults else "broken" for way in WAYS]
        deliveries = self.seen[SECOND].deliveries if SECOND in self.seen else {}
        hows = ", ".join(sorted({"peers" if how in PEERS else how for how in deliveries.values()}))
        return (self.idiom.name, browser, *cells, hows or "nothing asked")


def _reason(record: dict[str, Any], name: str, found: Mapping[str, str]) -> str:
    """Say why no peer delivered: in the record's words, else in the response's."""
    return record["reason"] or f"{found.get(name, '?')}, from the server without a reason"


def _local(text: str, site: Site) -> str:
    """Cut URLs down to paths. Where the page waits for a bundle, errors in it name the path of its plain bytes."""
    return DIRECT.sub("", text.replace(site.origin, "").replace(site.host, ""))
