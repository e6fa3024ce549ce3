"""Bundles that look like applications: script text that compresses as such does, and that the browser has to parse."""

from __future__ import annotations

from functools import lru_cache
from random import Random

WORDS = 6_000
FUNCTIONS_A_MODULE = 40
END = "];\nwindow.ranAt = performance.now();\n"
"""`ranAt`: milliseconds from navigation to the running app."""


def application(size: int, name: str) -> bytes:
    """Make a script of so many bytes; scripts of one size differ in a comment that holds the name."""
    start = f"/* {name} */\nconst modules = [\n".encode()
    room = size - len(start) - len(END)
    code = _modules(size)
    whole = code.rindex(b"}},\n", 0, room) + len(b"}},\n")
    return start + code[:whole] + b" " * (room - whole) + END.encode()


@lru_cache(maxsize=1)
def _modules(size: int) -> bytes:
    """Write at least so many bytes of functions that nobody calls."""
    random = Random(size)
    words = [random.randbytes(random.randint(2, 6)).hex().translate(LETTERS) for _ in range(WORDS)]
    modules: list[str] = []
    length = 0
    while length < size:
        modules.append(_module(random, words))
        length += len(modules[-1])
    return "".join(modules).encode()


LETTERS = str.maketrans("0123456789", "ghijklmnop")


def _module(random: Random, words: list[str]) -> str:
    picked = iter(random.choices(words, k=5 * FUNCTIONS_A_MODULE))
    lines = (
        f'function {name}(e,t){{return t.{one}?e.{other}({random.getrandbits(10)}):this.{third}("{fourth}",e)}}\n'
        for name, one, other, third, fourth in zip(picked, picked, picked, picked, picked, strict=True)
    )
    return "function(e,t,n){{\n" + "".join(lines) + "}},\n"
