"""Whether an app of this suite runs with ViralJS: below an `if` of this it has the lines that its author would add."""

from __future__ import annotations

import ast
import os
import textwrap
from pathlib import Path
from typing import Any

VARIABLE = "SITES_WITH_VIRALJS"
WITH_VIRALJS = bool(os.environ.get(VARIABLE))
FAR_OFF_MS = 30_000
"""A deadline with which a busy machine does not make the server step in for a peer."""


def prepare(app: Any) -> None:
    """Set what only the tests need: no STUN server out there, and patience."""
    if WITH_VIRALJS:
        app.config.update(VIRALJS_ICE_SERVERS=[], VIRALJS_DEADLINE=FAR_OFF_MS)


def authors_lines(path: Path) -> list[str]:
    """Give the lines that the author of an app added for ViralJS: what stands below `if WITH_VIRALJS:`."""
    text = path.read_text()
    lines: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "WITH_VIRALJS":
            block = text.splitlines()[node.body[0].lineno - 1 : node.body[-1].end_lineno]
            lines += [line for line in textwrap.dedent("\n".join(block)).splitlines() if line]
    return lines
