"""One visit of a page: a browser opens it, uses it, and what can be seen from outside is noted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.sites.site import Site
from tests.support.chromium import Chromium, Record
from tests.support.firefox import Firefox
from tests.support.until import until

Browser = Chromium | Firefox

PATIENCE_SECONDS = 30.0
"""For a page of megabytes on a busy machine; only one that is broken takes so long."""
ERROR_STATUS = 400
HEADER = "viraljs-delivery"

WATCH = """
globalThis.seenBySuite = { seeding: [] };
addEventListener("viraljs:seeding", ({ detail }) => seenBySuite.seeding.push(detail.url));
const watching = setInterval(() => {
  let isReady = false;
  try { isReady = Boolean(READY); } catch {}
  if (!isReady) return;
  seenBySuite.ready = performance.now();
  clearInterval(watching);
}, 10);
"""
"""Notes in each page when it is ready, in its own time, and which bundles it seeds."""


def watch(site: Site) -> str:
    """Write the script that Chromium runs in each page of a site before its own."""
    return WATCH.replace("READY", site.ready)


@dataclass
class Visit:
    """What one visit came to.

    Args:
        trouble: what kept the page from working, in words; empty where it works.
        milliseconds: from the navigation to the page's being ready, by the page's own clock.
        console: its errors and warnings, less what differs by chance.
        failures: requests that failed, and why.
        answers: of scripts, by path: what `ViralJS-Delivery` says; "" without that header.
        script_bytes: of all scripts.
        deliveries: what the client recorded.
    """

    trouble: str = ""
    milliseconds: float = 0.0
    console: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    script_bytes: int = 0
    deliveries: list[Record] = field(default_factory=list)

    @property
    def works(self) -> bool:
        """Whether the page showed what it is for, and answered."""
        return not self.trouble

    def came(self, way: str) -> int:
        """Sum up the bytes that came from `Peers`, the `Server` or the `Cache` by the client's hands."""
        return sum(one[f"bytesFrom{way}"] for one in self.deliveries)

    @property
    def reasons(self) -> set[str]:
        """Why scripts that could have come from peers did not: a small one could not."""
        found = {answer.partition("reason=")[2] for answer in self.answers.values()}
        return found - {"", "small", "empty", "not-modified"}


def pay_visit(site: Site, browser: Browser, url: str, screenshot: Path | None = None) -> Visit:
    """Open the page, wait until it is ready, use it, and wait for its answer."""
    visit = Visit()
    if isinstance(browser, Chromium):
        drain(browser)
    browser.visit(url)
    try:
        until(lambda: holds(browser, site.ready), f"{site.name} to be ready", PATIENCE_SECONDS)
        browser.js(f"(() => {{ {site.act} }})()")
        until(lambda: holds(browser, site.answered), f"{site.name} to answer", PATIENCE_SECONDS)
    except AssertionError as error:
        visit.trouble = str(error)
    until(lambda: browser.js("document.readyState === 'complete'"), "the page to load", PATIENCE_SECONDS)
    visit.deliveries = json.loads(browser.js("JSON.stringify(window.ViralJS?.deliveries ?? [])"))
    if isinstance(browser, Chromium):
        visit.milliseconds = browser.js("seenBySuite.ready ?? 0")
        look_behind(browser, visit)
        if screenshot:
            browser.driver.save_screenshot(str(screenshot))
    return visit


def holds(browser: Browser, expression: str) -> bool:
    """Whether an expression is true in the page; one that throws is not, yet."""
    return bool(browser.js(f"(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()"))


def drain(browser: Chromium) -> None:
    """Forget what the browser said before."""
    browser.console()
    browser.driver.get_log("performance")


def look_behind(browser: Chromium, visit: Visit) -> None:
    """Note what the console and the network panel show."""
    # Not how often: a page asks again for what has failed, once more or less.
    visit.console = sorted(set(map(constant, browser.console())))
    entries = [json.loads(entry["message"])["message"] for entry in browser.driver.get_log("performance")]
    requests: dict[str, dict[str, Any]] = {}
    for entry in entries:
        if handler := HANDLERS.get(entry["method"]):
            handler(requests.setdefault(entry["params"]["requestId"], {}), entry["params"])
    for request in requests.values():
        if failure := request.get("failure"):
            visit.failures.append(f"{constant(request.get('url', '?'))} {failure}")
        if request.get("type") == "Script":
            visit.script_bytes += request.get("bytes", 0)
            visit.answers[constant(request["url"])] = request.get("answer", "")
    visit.failures = sorted(set(visit.failures))


def note_request(request: dict[str, Any], params: dict[str, Any]) -> None:
    request["url"] = params["request"]["url"]


def note_response(request: dict[str, Any], params: dict[str, Any]) -> None:
    response = params["response"]
    headers = {name.lower(): value for name, value in response["headers"].items()}
    request.update(url=response["url"], type=params["type"], answer=headers.get(HEADER, ""))
    if response["status"] >= ERROR_STATUS:
        request["failure"] = response["status"]


def note_data(request: dict[str, Any], params: dict[str, Any]) -> None:
    request["bytes"] = request.get("bytes", 0) + params["dataLength"]


def note_failure(request: dict[str, Any], params: dict[str, Any]) -> None:
    request["failure"] = params["errorText"] or params.get("blockedReason", "failed")


HANDLERS: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "Network.requestWillBeSent": note_request,
    "Network.responseReceived": note_response,
    "Network.dataReceived": note_data,
    "Network.loadingFailed": note_failure,
}


def constant(text: str) -> str:
    """Take out what is another at each run: ports, and the names of blobs."""
    text = re.sub(r"http://127\.0\.0\.1:\d+", "", text)
    return re.sub(r"blob:[\w/.:-]+", "blob:", text)
