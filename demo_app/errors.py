"""What keeps the demo from running, and is told in one line."""


class DemoError(Exception):
    """The demo can't go on; the message says why, and what would help."""
