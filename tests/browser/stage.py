"""One page, shown to a first visitor, to one who gets thin bundles, and to one without ViralJS."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from tests.support.chromium import Chromium, Record
from tests.support.firefox import Firefox
from tests.support.site import TAG, Site
from tests.support.until import until

KINDS = ["full", "thin", "untouched; reason=no-store"]
UNTOUCHED = {"Cache-Control": "no-store"}
LINGER = "new Promise((resolve) => setTimeout(() => resolve(true), 60))"
"""Leaves a page the time to do what it should not: anything a second time."""

Visitor = Chromium | Firefox


class Stage:
    """A site whose page is shown to a first visitor, to one who gets thin bundles, and to one without ViralJS."""

    def __init__(self, site: Site, seeder: Visitor, visitor: Visitor) -> None:
        self.site = site
        self.seeder, self.visitor = seeder, visitor

    def show(self, body: str = TAG, bundles: dict[str, str] | None = None, **headers: str) -> Stage:
        """Set the page, and its bundles as text by name."""
        self.site.show("", body, **headers)
        self.site.bundles = {name: code.encode() for name, code in (bundles or {}).items()}
        return self

    def look(self, visitor: Visitor, expression: str, done: str = "true") -> Any:
        """Give what an expression says in a page, once another is true there; JSON, as Firefox has its own arrays."""
        until(lambda: visitor.js(f"!!({done})"), done)
        visitor.js(LINGER)
        return json.loads(visitor.js(f"JSON.stringify({expression})"))

    def records(self, visitor: Visitor) -> list[Record]:
        """Wait until all bundles have run, and give their records."""
        records: list[Record] = self.look(
            visitor, "ViralJS.deliveries", f"window.ViralJS?.deliveries.length >= {len(self.site.bundles)}"
        )
        assert len(records) == len(self.site.bundles), records
        return records

    def seed(self) -> Visitor:
        """Show the page to the first visitor, who seeds from then on."""
        self.seeder.visit(self.site.url())
        seeding = "new Set(events.filter(({ name }) => name === 'seeding').map(({ url }) => url)).size"
        until(lambda: self.seeder.js(seeding) == len(self.site.bundles), "all bundles to be seeded")
        return self.seeder

    def deliver(self, path: str = "") -> Visitor:
        """Show a page to a visitor who gets its bundles from the first."""
        self.visitor.visit(self.site.url(path))
        assert {(one["source"], one["reason"]) for one in self.records(self.visitor)} == {("peers", None)}
        return self.visitor

    def leave_alone(self) -> Visitor:
        """Show the page to a visitor who gets its bundles untouched."""
        self.site.bundle_headers = UNTOUCHED
        return self.visitor.visit(self.site.url())

    def each(self, expression: str, done: str = "true") -> list[Any]:
        """Give what an expression says in each page, in the order of `KINDS`, once another is true there."""
        values = [self.look(show(), expression, done) for show in (self.seed, self.deliver, self.leave_alone)]
        for name in self.site.bundles:
            # A second bundle may be asked for twice: what is behind a thin client waits, until it is known to be one.
            assert [kind for kind, _ in groupby(self.site.kinds(f"/b/{name}"))] == KINDS
        return values

    def same(self, expression: str, done: str = "true") -> Any:
        """Give what an expression says, having made sure that it says the same in all three."""
        full, thin, plain = self.each(expression, done)
        assert full == plain, "full is not as untouched"
        assert thin == plain, "thin is not as untouched"
        return plain
