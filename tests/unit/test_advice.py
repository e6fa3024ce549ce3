import re
from pathlib import Path

import pytest

from viraljs.advice import ADVICE, advise

REASONS = Path(__file__).parents[2] / "docs" / "reasons.rst"


@pytest.mark.parametrize("reason", ADVICE)
def test_a_sentence_names_the_bundle_the_reason_and_what_mends_it(reason):
    text = advise("/app.js?v=1", reason)
    assert text is not None
    assert text.startswith(f"/app.js?v=1 comes untouched (reason={reason}): ")
    assert ";" in text


@pytest.mark.parametrize("reason", ["crawler", "not-modified", "direct", "save-data", "", "blocked"])
def test_what_is_a_visitors_own_matter_is_not_told(reason):
    assert advise("/app.js", reason) is None


def test_a_login_in_front_of_a_bundle_is_told_of():
    assert "no login" in (advise("/app.js", "authorization") or "")


def test_every_reason_stands_in_the_docs():
    documented = set(re.findall(r"``([a-z-]+)``", REASONS.read_text()))
    assert set(ADVICE) <= documented


def test_imports_of_a_module_are_mended_otherwise_than_those_of_a_script():
    script, module = (advise("/app.js", "imports", module=module) for module in (False, True))
    assert script is not None
    assert "import()" in script
    assert module is not None
    assert "decorate" in module
