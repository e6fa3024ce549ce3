"""The table of all sites: as it is printed at the end of a run, and as it stands in the documentation."""

from __future__ import annotations

from dataclasses import dataclass

from tests.sites.site import Site
from tests.sites.stage import VISITS, Outcome

HEADINGS = ("site", "browser", *VISITS, "by peers", "reasons for the rest", "lines", "ms (without)")


@dataclass(frozen=True)
class Row:
    """What became of one site with one kind of second browser."""

    site: Site
    browser: str
    outcome: Outcome

    @property
    def reasons(self) -> str:
        """Why the rest of its JavaScript came from the server."""
        return ", ".join(sorted(self.outcome.reasons)) or "-"

    @property
    def printed(self) -> tuple[str, ...]:
        """Its cells, times included."""
        works = map(self.outcome.works, VISITS)
        lines = str(len(self.site.lines))
        return (
            *(self.site.name, self.browser, *works),
            *(self.outcome.by_peers, self.reasons, lines, self._times()),
        )

    def _times(self) -> str:
        both = ((self.outcome.viral.get(name), self.outcome.plain.get(name)) for name in VISITS)
        return ", ".join(f"{a.milliseconds:.0f} ({b.milliseconds:.0f})" for a, b in both if a and b)
