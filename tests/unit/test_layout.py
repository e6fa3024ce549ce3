"""The tests are where one looks for them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHOUT_TESTS = {"__init__", "_version"}
"""They only name things; `test_public_face.py` looks at the names."""
MODULES = sorted(path.stem for path in (ROOT / "viraljs").glob("*.py") if path.stem not in WITHOUT_TESTS)


@pytest.mark.parametrize("module", [*MODULES, "registry", "simulation"])
def test_each_module_has_its_unit_tests(module):
    assert (ROOT / "tests" / "unit" / f"test_{module}.py").is_file()
