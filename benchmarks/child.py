"""A module of the benchmarks in a process of its own, so that neither disturbs the other; it answers by lines."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, cast

ROOT = Path(__file__).parents[1]


class Child:
    """The process, as a context manager that ends it.

    Args:
        module: its name in this folder; it must do something when it is run.
        arguments: of its command line.
    """

    def __init__(self, module: str, *arguments: object) -> None:
        self._command = (sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments))

    def __enter__(self) -> Child:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def hear(self) -> bytes:
        """Wait for a line that it says."""
        return cast("IO[bytes]", self._process.stdout).readline()

    def ask(self, line: bytes = b"") -> bytes:
        """Say a line, and wait for the answer."""
        questions = cast("IO[bytes]", self._process.stdin)
        questions.write(line + b"\n")
        questions.flush()
        return self.hear()


async def serve(server: asyncio.Server, carried: Callable[[], int]) -> None:
    """Be a child that carries bytes: say the port, then what was carried for each line, and end with the input."""
    with suppress(PermissionError):
        os.nice(-10)  # a line has no other work
    print(server.sockets[0].getsockname()[1], flush=True)
    questions = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    while await questions.readline():
        print(carried(), flush=True)
