"""The table of all programs: as it is printed at the end of a run, and as it stands in the documentation."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.sites.site import ROOT, Site
from tests.sites.stage import VISITS, Outcome

HEADINGS = ("site", "browser", *VISITS, "by peers", "reasons for the rest", "lines", "ms (without)")
DOCUMENT = ROOT / "docs" / "programs.inc"
WRITE = "SITES_WRITE"
"""An environment variable: the document is written anew, by a run of all cases, and not compared."""
PREAMBLE = """.. Written by `make sites WRITE=1`, and compared by `make sites`, but for the numbers of megabytes.

.. list-table::
   :header-rows: 1
   :widths: 26 12 10 10 10 16 16

   * - Program
     - Second browser
     - First visitor
     - Second visitor
     - Return visit
     - JavaScript by peers
     - Why not the rest
"""

LINES = ".. The lines"
"""A comment between the table and what is quoted."""


@dataclass(frozen=True)
class Row:
    """What became of one site with one kind of second browser."""

    site: Site
    browser: str
    outcome: Outcome

    @property
    def printed(self) -> tuple[str, ...]:
        """Its cells, times included."""
        works = map(self.outcome.works, VISITS)
        reasons = ", ".join(sorted(self.outcome.reasons)) or "-"
        lines = str(len(self.site.lines))
        return (self.site.name, self.browser, *works, self.outcome.by_peers, reasons, lines, self._times())

    def _times(self) -> str:
        both = ((self.outcome.viral.get(name), self.outcome.plain.get(name)) for name in VISITS)
        return ", ".join(f"{a.milliseconds:.0f} ({b.milliseconds:.0f})" for a, b in both if a and b and b.milliseconds)

    @property
    def documented(self) -> str:
        """Its lines in the document, without what differs from run to run."""
        works = map(self.outcome.works, VISITS)
        reasons = ", ".join(f"``{reason}``" for reason in sorted(self.site.reasons)) or "none"
        cells = (self.site.name, self.browser.capitalize(), *works, self.outcome.by_peers, reasons)
        return "   * - " + "\n     - ".join(cells) + "\n"

    @property
    def is_documented(self) -> bool:
        """Whether the document has this row; numbers aside, which change with the program's release."""
        return bool(os.environ.get(WRITE)) or mask(self.documented) in mask(DOCUMENT.read_text())


def quote(site: Site) -> str:
    """Write the lines that the author of an app adds, as the document has them."""
    file = site.file.relative_to(ROOT)
    code = "".join(f"   {line}\n" for line in site.lines)
    return f"\n**{site.name}**, in ``{file}``:\n\n.. code-block:: python\n\n{code}"


def write(rows: Sequence[Row], document: Path = DOCUMENT) -> None:
    """Write the document."""
    sites = {row.site.name: row.site for row in rows}
    table, quotes = "".join(row.documented for row in rows), "".join(map(quote, sites.values()))
    document.write_text(f"{PREAMBLE}{table}\n{LINES}\n{quotes}")


def mask(text: str) -> str:
    """Take out megabytes."""
    return re.sub(r"[\d.]+ of [\d.]+ MB", "some", text)
