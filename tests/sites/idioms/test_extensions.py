"""A page of an app with other extensions does with ViralJS what it does without, on each visit."""

from __future__ import annotations

import json

import pytest

from tests.sites.idioms.extensions import COMBINATIONS, write_bundle
from tests.sites.idioms.site import Site
from tests.sites.idioms.stage import Stage


@pytest.mark.parametrize("combination", COMBINATIONS, ids=lambda combination: combination.name)
def test_a_page_does_the_same_whatever_extensions_its_app_has(combination, tabs, table, tmp_path):
    write_bundle(tmp_path)

    def make_site(with_viral):
        return Site(lambda host: combination.build(host, tmp_path, with_viral=with_viral), combination.path)

    stage = Stage(combination.idiom, make_site, tabs["chromium"], combination.decorated)
    stage.show()
    table(stage.row("chromium"))
    if faults := stage.faults():
        pytest.fail(f"what it is, and what it should be: {json.dumps(faults, indent=1)}", pytrace=False)
