"""One class of browsers that opens one app: how they arrive, and what each of them and the origin's line saw."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.support.wait import WebDriverWait

from tests.support.chromium import Chromium

from .origin import Origin

APART_SECONDS = 0.05
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.5
"""The page itself takes the time; to ask more often would cost ten browsers on few cores more than it tells."""

RAN = "window.ranAt && (!window.ViralJS || ViralJS.deliveries.length)"
SEEDS = "window.seeds || (!window.ViralJS && window.ranAt)"
"""Without ViralJS nobody seeds: the next comes when the app runs."""
STORY = "[performance.timeOrigin, ranAt, (window.ViralJS?.deliveries ?? [{}])[0]]"


@dataclass(frozen=True)
class Visit:
    """One visitor; times in milliseconds."""

    navigated: float
    """Since the epoch."""
    ran: float
    """Since then."""
    delivery: Mapping[str, Any]

    @property
    def from_peers(self) -> int:
        """Bytes of the bundle that came from peers."""
        return int(self.delivery.get("bytesFromPeers", 0))


@dataclass(frozen=True)
class Lesson:
    """What one class did, and the bytes that the origin's line carried meanwhile."""

    visits: Sequence[Visit]
    carried: int


@contextmanager
def class_of(size: int) -> Iterator[list[Chromium]]:
    """Open so many browsers, one after another, each with a profile of its own and an empty page."""
    with ExitStack() as stack:
        browsers = []
        for _ in range(size):
            profile = Path(tempfile.mkdtemp(prefix="viraljs-bench-"))
            browsers.append(Chromium(profile, page_load_strategy="none"))
            stack.callback(browsers[-1].quit)
        yield browsers


def at_once(browsers: Sequence[Chromium], url: str) -> None:
    """Send each 50 ms after the one before, and wait for all."""

    def go(browser: Chromium) -> None:
        browser.visit(url)
        wait_for(browser, RAN)

    with ThreadPoolExecutor(len(browsers)) as pool:
        visits = []
        for browser in browsers:
            visits.append(pool.submit(go, browser))
            Event().wait(APART_SECONDS)
        for visit in visits:
            visit.result()


def in_turn(browsers: Sequence[Chromium], url: str) -> None:
    """Send each when the one before seeds."""
    for browser in browsers:
        browser.visit(url)
        wait_for(browser, RAN)
        wait_for(browser, SEEDS)


ARRIVALS: Mapping[str, Callable[[Sequence[Chromium], str], None]] = {"at once": at_once, "in turn": in_turn}


def wait_for(browser: Chromium, condition: str) -> None:
    """Wait for a condition in a page that may not even have begun."""
    waiting = WebDriverWait(browser.driver, PATIENCE_SECONDS, POLL_SECONDS, [WebDriverException])
    waiting.until(lambda _: browser.js(condition), f"{condition} did not come true")


def hold(place: Origin, arrival: str, size: int, visitors: int) -> Lesson:
    """Let a class of fresh browsers open an app that nobody has."""
    url = place.publish(size)
    with class_of(visitors) as browsers:
        before = place.carried()
        ARRIVALS[arrival](browsers, url)
        carried = place.carried() - before
        return Lesson([Visit(*browser.js(STORY)) for browser in browsers], carried)
