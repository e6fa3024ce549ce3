"""Waiting for what happens in another process or thread, without sleeping longer than it takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.02
"""The first pause. Each question to a browser costs it a hundredth of a second, so the next ones are longer."""
LONGEST_POLL_SECONDS = 0.2
GROWTH = 1.3


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """Give the first true value of a condition; fail with what was waited for."""
    give_up = time.monotonic() + seconds
    pause, poll = Event(), POLL_SECONDS
    while not (value := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}; it is {value!r}")
        pause.wait(poll)
        poll = min(poll * GROWTH, LONGEST_POLL_SECONDS)
    return value
