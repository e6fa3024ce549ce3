"""Published packages and built apps are with ViralJS what they are without it, however their bundles come."""

import json

import pytest

from tests.fidelity.builds import BUILDS
from tests.fidelity.libraries import LIBRARIES
from tests.fidelity.oddities import ODDITIES
from tests.fidelity.stage import PLAIN, WAYS, Stage

PACKAGES = (*LIBRARIES, *BUILDS, *ODDITIES)


@pytest.mark.parametrize("pair", ["chromium", "firefox"], indirect=True, scope="module")
@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_page_is_the_same_however_its_bundles_come(package, pair, table, request):
    stage = Stage(package, *pair)
    try:
        with stage.site.running():
            stage.show()
            for browser in pair:
                browser.visit("about:blank")
    finally:
        differences = stage.differences()
        cells = [", ".join(differences[way]) or "ok" if way in differences else "?" for way in WAYS]
        table((package.name, request.node.callspec.params["pair"], f"{stage.megabytes:.3f}", *cells))
    assert "the probe failed" not in str(stage.seen[PLAIN].page["probe"])
    if any(differences.values()):
        pytest.fail(f"what it is, and what it should be: {json.dumps(differences, indent=1)}", pytrace=False)
