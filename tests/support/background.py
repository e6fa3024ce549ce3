"""Calls that go on while a test does something else."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

PATIENCE_SECONDS = 10.0
"""Only a test that fails waits so long."""


class Background:
    """Calls a function in a thread; its result can be waited for."""

    def __init__(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self._outcome: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._outcome.append(call(*args, **kwargs)), daemon=True)
        self._thread.start()

    def result(self) -> Any:
        self._thread.join(PATIENCE_SECONDS)
        assert self._outcome, "the call did not return"
        return self._outcome[0]
