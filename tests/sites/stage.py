"""Shows a site to a first visitor, to a second browser and to this one again, with and without ViralJS."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.sites.site import Site, log_of
from tests.sites.visit import Browser, Visit, holds, pay_visit, watch
from tests.support.chromium import Chromium
from tests.support.firefox import Firefox
from tests.support.until import until

SECOND, RETURN = "second browser", "return visit"
VISITS = ("first visitor", SECOND, RETURN)
SCREENSHOTS = "SITES_SCREENSHOTS"
"""An environment variable: the folder for pictures of what the second visitor sees."""
WINDOW = "--window-size=1200,900"
"""As people see these pages."""
LINE = re.compile(r"ViralJS: .*")

SEEDED = """ViralJS.deliveries.length && ViralJS.deliveries.every(({ url, reason }) =>
  reason || seenBySuite.seeding.includes(url))"""
KEPT = """ViralJS.deliveries.every(({ digest, source, reason }) =>
  reason || source === "cache" || document.cookie.includes(digest.slice(0, 8)))"""


@dataclass
class Outcome:
    """What the visits came to, by name, and what ViralJS wrote into the app's log."""

    plain: dict[str, Visit] = field(default_factory=dict)
    viral: dict[str, Visit] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    tracebacks: int = 0

    def works(self, name: str) -> str:
        """Say how one visit went, for the table."""
        if name not in self.viral:
            return "?"
        return "works" if self.viral[name].works else "broken"

    @property
    def by_peers(self) -> str:
        """Say how much of its JavaScript the second visitor got from the first, for the table."""
        # Firefox does not tell; the first visitor's browser does.
        of = self.plain[VISITS[0]].script_bytes if self.plain else 0
        got = self.viral[SECOND].came("Peers") if SECOND in self.viral else 0
        return f"{got / 1e6:.1f} of {of / 1e6:.1f} MB" if got else "none"

    @property
    def reasons(self) -> set[str]:
        """Why the rest came from the server."""
        return self.viral[SECOND].reasons if SECOND in self.viral else set()


class Stage:
    """A site and its visitors, each in a browser of its own.

    Args:
        site: to show.
        folder: an empty one.
        visitor: the browser of the second visitor; the first one's is Chromium.
    """

    def __init__(self, site: Site, folder: Path, visitor: type[Browser] = Chromium) -> None:
        self.site = site
        self.outcome = Outcome()
        self._folder = folder
        self._visitor = visitor

    def show(self) -> Outcome:
        """Pay all visits."""
        self._show(self.outcome.plain, with_viraljs=False)
        self._show(self.outcome.viral, with_viraljs=True)
        return self.outcome

    def _show(self, visits: dict[str, Visit], *, with_viraljs: bool) -> None:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        with self.site.running(folder, with_viraljs=with_viraljs) as url, self._browsers() as (first, second):
            for name, browser in zip(VISITS, (first, second, second), strict=True):
                visits[name] = pay_visit(self.site, browser, url, self._picture(name, with_viraljs=with_viraljs))
                if with_viraljs:
                    self._wait_for_what_comes_after(browser, first)
                if browser is second:
                    browser.visit("about:blank")
            if with_viraljs:
                self._read_log(log_of(folder))

    @contextmanager
    def _browsers(self) -> Iterator[tuple[Chromium, Browser]]:
        with ExitStack() as stack:

            def opened(kind: Callable[[Path], Browser]) -> Browser:
                browser = kind(Path(tempfile.mkdtemp(dir=self._folder)))
                stack.callback(browser.quit)
                return browser

            chromium = partial(Chromium, patches=(watch(self.site),), arguments=(WINDOW,), log=True)
            first = opened(chromium)
            assert isinstance(first, Chromium)
            second = opened(Firefox if self._visitor is Firefox else chromium)
            yield first, second

    def _picture(self, name: str, *, with_viraljs: bool) -> Path | None:
        folder = os.environ.get(SCREENSHOTS)
        if not folder or not with_viraljs or name != SECOND:
            return None
        Path(folder).mkdir(parents=True, exist_ok=True)
        return Path(folder) / f"{self.site.name.lower().replace(' ', '-')}.png"

    def _wait_for_what_comes_after(self, browser: Browser, first: Browser) -> None:
        """Let the first page seed, and the second keep what it got; where they fail to, the next visit shows it."""
        if not self.site.peers:
            return
        condition, what = (KEPT, "keep its bundles") if browser is not first else (SEEDED, "seed")
        try:
            until(lambda: holds(browser, condition), f"the page to {what}")
        except AssertionError as error:
            self.outcome.log.append(
                f"(the suite: {error}; {browser.js('JSON.stringify(window.ViralJS?.deliveries ?? null)')})"
            )

    def _read_log(self, file: Path) -> None:
        def missing() -> list[str]:
            text = file.read_text()
            return [pattern for pattern in self.site.log if not re.search(pattern, text)]

        with suppress(AssertionError):  # `_faults_of_log` will tell
            until(lambda: not missing(), "lines in the log", 5)
        text = file.read_text()
        self.outcome.log += LINE.findall(text)
        self.outcome.tracebacks = text.count("Traceback (most recent call last)")

    # What is wrong

    def faults(self) -> list[str]:
        """Tell in words what is not as it should be."""
        outcome = self.outcome
        found = [f"without ViralJS, {name}: {visit.trouble}" for name, visit in outcome.plain.items() if visit.trouble]
        for name, visit in outcome.viral.items():
            found += [f"{name}: {fault}" for fault in compare(visit, outcome.plain[name])]
        return found + self._faults_of_delivery() + self._faults_of_log()

    def _faults_of_delivery(self) -> list[str]:
        found = []
        if SECOND not in self.outcome.viral:
            return ["there was no second visit"]
        second = self.outcome.viral[SECOND]
        if bool(second.came("Peers")) != self.site.peers:
            found.append(f"peers delivered {second.came('Peers')} bytes: {second.answers}, {second.deliveries}")
        if self._visitor is Chromium and second.reasons != self.site.reasons:
            found.append(f"reasons are {sorted(second.reasons)}, not {sorted(self.site.reasons)}: {second.answers}")
        return found

    def _faults_of_log(self) -> list[str]:
        outcome = self.outcome
        silent = [pattern for pattern in self.site.log if not any(re.search(pattern, line) for line in outcome.log)]
        found = [f"the log does not say {pattern!r}" for pattern in silent]
        if again := {line for line in outcome.log if outcome.log.count(line) > 1}:
            found.append(f"the log says more than once: {sorted(again)}")
        others = [line for line in outcome.log if not any(re.search(pattern, line) for pattern in self.site.log)]
        if others:
            found.append(f"the log says, too: {others}")
        if outcome.tracebacks:
            found.append(f"the log has {outcome.tracebacks} tracebacks")
        return found


def compare(visit: Visit, plain: Visit) -> list[str]:
    """Tell what of a visit is not as in one without ViralJS."""
    found = [visit.trouble] if visit.trouble else []
    if visit.console != plain.console:
        found.append(f"the console has {visit.console}, not {plain.console}")
    if new := [failure for failure in visit.failures if failure not in plain.failures]:
        found.append(f"these requests failed: {new}")
    return found
