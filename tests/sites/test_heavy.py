"""Programs of others work with ViralJS as without it, and get their JavaScript from peers or say why they do not."""

import json

import pytest

from tests.sites.heavy import HEAVY
from tests.sites.stage import Stage
from tests.sites.table import DOCUMENT, Row, quote
from tests.support.chromium import Chromium
from tests.support.firefox import Firefox

KINDS = {"chromium": Chromium, "firefox": Firefox}
CASES = [
    pytest.param(site, kind, id=f"{site.name}-{kind}")
    for site in HEAVY
    for kind in KINDS
    if site.firefox or kind == "chromium"
]


@pytest.mark.parametrize("site", HEAVY, ids=lambda site: site.name)
def test_the_documentation_quotes_the_lines_of_each_author(site):
    assert site.lines
    assert quote(site) in DOCUMENT.read_text()


@pytest.mark.parametrize(("site", "kind"), CASES)
def test_a_program_works_as_it_does_without_us(site, kind, rows, tmp_path):
    stage = Stage(site, tmp_path, KINDS[kind])
    try:
        stage.show()
    finally:
        row = Row(site, kind, stage.outcome)
        rows(row)
    faults = stage.faults()
    if not row.is_documented:
        faults.append(f"docs/programs.inc lacks this row; make sites WRITE=1 writes it:\n{row.documented}")
    if faults:
        pytest.fail(f"{site.name}: {json.dumps(faults, indent=1)}", pytrace=False)
