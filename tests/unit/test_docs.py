"""What the code has is what the docs name."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
UNTOLD = {"untouched"}
"""The client's word for what it says nothing of."""


def client_reasons():
    """List why the client refuses to deliver by peers, as its source has the words."""
    source = (ROOT / "viraljs" / "client" / "deliver.js").read_text()
    refusals = "".join(re.findall(r"new Refusal\((.*?)\);", source)) + source.split("const refuse =")[1]
    return sorted(set(re.findall(r'"([a-z-]+)"', refusals)) - UNTOLD)


def test_the_words_are_found():
    assert {"again", "blocked", "blocking", "breaker", "client", "native", "no-timing", "no-webrtc", "silent"} <= set(
        client_reasons()
    )


@pytest.mark.parametrize("reason", client_reasons())
def test_each_reason_of_the_client_stands_in_the_docs(reason):
    assert f"``{reason}``" in (DOCS / "browser.rst").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "viraljs").glob("*.py")), ids=lambda path: path.stem)
def test_each_module_stands_on_the_map(path):
    if not path.stem.startswith("_"):
        assert f"``{path.stem}``" in (DOCS / "contributing.rst").read_text()


@pytest.mark.parametrize("path", sorted((ROOT / "viraljs" / "static").glob("*.js")), ids=lambda path: path.name)
def test_each_built_script_stands_there_too(path):
    assert f"``{path.name}``" in (DOCS / "contributing.rst").read_text()
