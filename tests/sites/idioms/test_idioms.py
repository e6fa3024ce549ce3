"""A page as people write it by hand does with ViralJS what it does without, on each visit."""

from __future__ import annotations

import json

import pytest

from tests.sites.idioms.documents import SHAPES
from tests.sites.idioms.listeners import LISTENERS
from tests.sites.idioms.loaders import CHANGERS, CONSENT, LOADERS
from tests.sites.idioms.site import Site, idiom_app
from tests.sites.idioms.stage import Stage
from tests.sites.idioms.tags import BLOCKING, DEFERRED

IDIOMS = (*BLOCKING, *DEFERRED, *LISTENERS, *LOADERS, *CHANGERS, *CONSENT, *SHAPES)
CASES = [("chromium", idiom) for idiom in IDIOMS] + [("firefox", idiom) for idiom in IDIOMS if idiom.firefox]


@pytest.mark.parametrize(("browser", "idiom"), CASES, ids=[f"{browser}-{idiom.name}" for browser, idiom in CASES])
def test_a_page_does_the_same_on_each_visit(browser, idiom, tabs, table):
    stage = Stage(
        idiom,
        lambda with_viral: Site(lambda _: idiom_app(idiom, with_viral=with_viral)),
        tabs[browser],
    )
    stage.show()
    table(stage.row(browser))
    faults = stage.faults()
    if idiom.known:
        assert faults, "as without ViralJS by now: take `known` away, and the words in docs/limits.rst"
        pytest.xfail(idiom.known)
    if faults:
        pytest.fail(f"what it is, and what it should be: {json.dumps(faults, indent=1)}", pytrace=False)
