"""Time that passes when a test says so."""


class Clock:
    """A clock in seconds: call it for the time, `advance` it to let time pass."""

    def __init__(self, now: float = 1_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
