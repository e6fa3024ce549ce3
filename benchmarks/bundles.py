"""Bundles for measurements: scripts whose bytes no compression shrinks."""

from __future__ import annotations

from random import Random

START = b"globalThis.answer = 42;\n/*"
END = b"*/\n"


def incompressible(size: int, seed: int = 0) -> bytes:
    """Make a script of so many bytes: a comment of random ones, whichever they are, but for the one that ends it."""
    filler = Random(f"{size} {seed}").randbytes(size - len(START) - len(END)).replace(b"*", b"+")
    return START + filler + END
