"""Published packages and built apps are with ViralJS what they are without it, however their bundles come."""

import json

import pytest

from tests.fidelity.builds import BUILDS
from tests.fidelity.libraries import LIBRARIES
from tests.fidelity.oddities import ODDITIES
from tests.fidelity.stage import PLAIN, WAYS, Stage

PACKAGES = (*LIBRARIES, *BUILDS, *ODDITIES)


@pytest.mark.parametrize("pair", ["chromium"], indirect=True, scope="module")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_page_is_the_same_however_its_bundles_come(package, pair, table, request):
    stage = Stage(package, *pair)
    cells = dict.fromkeys(WAYS, "?")
    try:
        with stage.site.running():
            try:
                seen = stage.each()
            finally:
                for browser in pair:
                    browser.visit("about:blank")
        differences = {way: seen[way].differences(seen[PLAIN]) for way in WAYS}
        cells = {way: ", ".join(differences[way]) or "ok" for way in WAYS}
    finally:
        browser = request.node.callspec.params["pair"]
        table.append((package.name, browser, f"{stage.megabytes:.2f}", *(cells[way] for way in WAYS)))
    assert "the probe failed" not in str(seen[PLAIN].page["probe"])
    if any(differences.values()):
        pytest.fail(f"what it is, and what it should be: {json.dumps(differences, indent=1)}", pytrace=False)
