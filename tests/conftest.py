"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

HERE = Path(__file__).parent
WITH_BROWSERS = [HERE / folder for folder in ("browser", "fidelity", "sites")]

# No deadline: a slow moment of a shared machine is no failure.
settings.register_profile("viraljs", max_examples=60, deadline=None)
settings.load_profile("viraljs")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in WITH_BROWSERS):
            item.add_marker(pytest.mark.browser)
