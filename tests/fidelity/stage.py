"""Shows a package's page in four ways, and notes what can be seen of each."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from flask import Response, abort, send_from_directory

from tests.fidelity.packages import Package
from tests.support.site import Served, Site
from tests.support.until import until

HERE = Path(__file__).parent
SHELVES = {"npm": HERE / "node_modules", "apps": HERE / "built"}
FILES = "/files/"
RECORDER = f"<script>{(HERE / 'recorder.js').read_text()}</script>"
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".css": "text/css"}
"""Not as the machine's own list of types has them."""
ROOM = 1 << 30
"""For bundles in Cache Storage."""
MOST_SLOTS = 64
"""One seeder has all bundles of a page to give at once."""
LARGEST_STREAM = 1 << 40
MOST_FAILURES = 100
"""A browser that fails with one package is not left alone with the next."""
NOT_MODIFIED = 304
NAVIGATION = {
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "none",
    "Sec-Fetch-Mode": "navigate",
    "User-Agent": "Firefox/150",
}

CALM = "calm"
"""Where a page is shown whose bundles throw nothing."""
PLAIN, FULL, THIN, CACHE = WAYS = ("plain", "full", "thin", "cache")
SOURCES = {FULL: "server", THIN: "peers", CACHE: "cache"}

KEPT = """ViralJS.deliveries.every(({ digest, source }) =>
  source === "cache" || document.cookie.includes(digest.slice(0, 8)))"""
SEEDED = "[...new Set(events.filter(({ name }) => name === 'seeding').map(({ url }) => new URL(url).pathname))]"


class Visitor(Protocol):
    """A browser."""

    def visit(self, url: str) -> Any:
        """Open a page."""

    def js(self, expression: str) -> Any:
        """Evaluate an expression in the page; a promise is awaited."""


@dataclass(frozen=True)
class Seen:
    """What one visit came to.

    Args:
        page: what the probe gave, console output, errors and globals.
        requests: paths that were asked for, below the decorated route.
        wrong: what ViralJS did otherwise than it should have, in words.
    """

    page: dict[str, Any]
    requests: list[str]
    wrong: list[str]

    def differences(self, plain: Seen) -> dict[str, Any]:
        """Tell what is not as in the plain page: by its name, what it is and what it should be."""
        found: dict[str, Any] = {
            name: (self.page[name], plain.page[name]) for name in plain.page if self.page[name] != plain.page[name]
        }
        if self.requests != plain.requests:
            found["requests"] = (self.requests, plain.requests)
        if self.wrong:
            found["delivery"] = self.wrong
        return found


class Stage:
    """A site with one package on it, for two visitors.

    Args:
        package: the case.
        seeder: the browser of the first visitor.
        visitor: of the second.
    """

    def __init__(self, package: Package, seeder: Visitor, visitor: Visitor) -> None:
        self.package = package
        self.seeder = seeder
        self.visitor = visitor
        self.megabytes = 0.0
        self.plain = False
        self.site = Site(
            min_size=package.min_size,
            client_cache=ROOM,
            upload_slots=MOST_SLOTS,
            stream_size=LARGEST_STREAM,
            breaker_failures=MOST_FAILURES,
        )
        self._add_routes()
        self.seen: dict[str, Seen] = {}
        for path, head in {"": package.head, CALM: package.calm}.items():
            self.site.show(path, f"{RECORDER}{head}{''.join(map(self._tag, package.tags))}{package.body}")

    def _add_routes(self) -> None:
        @self.site.app.get("/files/<shelf>/<path:name>")
        @self.site.viral.bundle
        def files(shelf: str, name: str) -> Response:
            response = self._file(shelf, name)
            if self.plain or response.mimetype != "text/javascript":
                # Nothing that is not delivered is kept, so that each visit asks for the same.
                response.headers["Cache-Control"] = "no-store"
            return response

    def _file(self, shelf: str, name: str) -> Response:
        path = f"{shelf}/{name}"
        media_type = self.package.types.get(path) or TYPES.get(Path(name).suffix)
        if shelf in SHELVES:
            return send_from_directory(SHELVES[shelf], name, mimetype=media_type)
        if path not in self.package.own:
            abort(404)
        return Response(self.package.own[path], content_type=media_type)

    def _tag(self, path: str) -> str:
        attributes = {"type": "module", **self.package.attributes} if self.package.module else self.package.attributes
        written = "".join(f', {name}="{value}"' for name, value in attributes.items())
        return f'{{{{ viral_script("{FILES}{path}"{written}) }}}}'

    # Visits

    def show(self) -> None:
        """Show the page in each way."""
        self.plain = True
        self._visit(PLAIN, self.visitor)
        self.plain = False
        self._wait_for_seeding(self._visit(FULL, self.seeder))
        self._wait_for_keeping(self._visit(THIN, self.visitor))
        self._visit(CACHE, self.visitor)

    def differences(self) -> dict[str, dict[str, Any]]:
        """Tell by each way of the visits so far what was not as in the plain one."""
        return {way: seen.differences(self.seen[PLAIN]) for way, seen in self.seen.items()}

    def _visit(self, way: str, browser: Visitor) -> list[Served]:
        """Note what is to be seen on the page, and give what was asked for."""
        begin = len(self.site.served)
        browser.visit(self.site.url())
        tags = len(self.package.delivered_tags) if self._counts(way) else 0
        self._wait(browser, f"(window.ViralJS?.deliveries.length ?? 0) >= {tags}", "the bundles with a tag")
        ready = json.dumps(self.package.ready)
        self._wait(browser, f"Boolean(fidelity.evaluate({ready}))", f"the {way} page to be ready")
        page: dict[str, Any] = json.loads(browser.js(f"fidelity.observe({json.dumps(self.package.probe)})"))
        for name in ("globals", "console"):
            page[name] = [self._constant(text) for text in page[name]]
        page["globals"].sort()
        asked = [one for one in self.site.served[begin:] if one.path.startswith(FILES)]
        wrong = self._judge_answers(way, asked) + self._judge_deliveries(way, browser, asked)
        self.seen[way] = Seen(page, sorted({one.path for one in asked}), wrong)
        return asked

    def _counts(self, way: str) -> bool:
        """Say whether ViralJS is to tell of deliveries: in a full response, what throws ends before it can."""
        return way != PLAIN and not (way == FULL and self.package.calm)

    def _constant(self, text: str) -> str:
        return re.sub(self.package.random, "(random)", text) if self.package.random else text

    def _wait(self, browser: Visitor, expression: str, what: str) -> None:
        def state() -> str:
            return str(browser.js("JSON.stringify([window.ViralJS?.deliveries, fidelity.errors, fidelity.lines])"))

        try:
            until(lambda: browser.js(expression), what)
        except AssertionError as error:
            raise AssertionError(f"{error}, in {state()}, served {self._story()}") from None

    def _story(self) -> list[str]:
        return [f"{one.path}?{one.query} {one.status} {one.kind}" for one in self.site.served]

    def _wait_for_seeding(self, asked: list[Served]) -> None:
        self.megabytes = sum(one.sent for one in asked if one.kind == "full") / 1e6
        if self.package.calm:
            self.seeder.visit(self.site.url(CALM))
        if paths := sorted(self._delivered(asked)):
            self._wait(self.seeder, f"{SEEDED}.length >= {len(paths)}", f"{paths} to be seeded")
        if self.package.module and self.package.delivered_tags:
            # The server reads what it has sent, and on a busy machine is not through with it when the browser is.
            until(self._links_modules, "the server to know all modules of the page")

    def _links_modules(self) -> bool:
        page = self.site.app.test_client().get("/", headers=NAVIGATION)
        return "viraljs=module" in page.text

    def _wait_for_keeping(self, asked: list[Served]) -> None:
        if self._delivered(asked):
            self._wait(self.visitor, KEPT, "the bundles to be kept")

    # What ViralJS did

    def _judge_answers(self, way: str, asked: list[Served]) -> list[str]:
        wrong = [
            f"{one.path}?{one.query} was answered {one.status} {one.kind}, not {self._expected(way, one)}"
            for one in asked
            if one.status != NOT_MODIFIED and (one.status, one.kind) != (200, self._expected(way, one))
        ]
        if way == PLAIN:
            return wrong
        counted = Counter(f"{one.path}?{one.query}" for one in asked)
        return wrong + [f"{url} was asked for {count} times" for url, count in counted.items() if count > 1]

    def _judge_deliveries(self, way: str, browser: Visitor, asked: list[Served]) -> list[str]:
        paths = sorted(self._delivered(asked)) if self._counts(way) else []
        self._wait(browser, f"(window.ViralJS?.deliveries.length ?? 0) >= {len(paths)}", f"deliveries of {paths}")
        records = json.loads(browser.js("JSON.stringify(window.ViralJS?.deliveries ?? [])"))
        found = sorted((one["url"].split(self.site.port, 1)[1], one["source"], one["reason"]) for one in records)
        expected = [(path, SOURCES[way], None) for path in paths]
        return [] if found == expected else [f"deliveries are {found}, not {expected}"]

    def _delivered(self, asked: list[Served]) -> set[str]:
        return {one.path for one in asked if one.kind in ("full", "thin") and not self._is_apart(one)}

    def _is_apart(self, one: Served) -> bool:
        return one.path.removeprefix(FILES) in self.package.answers

    def _expected(self, way: str, one: Served) -> str:
        """Say what a request should have been answered."""
        path = one.path.removeprefix(FILES)
        if not path.endswith((".js", ".mjs")):
            return "untouched; reason=media-type"
        if way == PLAIN:
            return "untouched; reason=no-store"
        usual = "full" if way == FULL else "thin"
        return self.package.answers.get(path, usual)
