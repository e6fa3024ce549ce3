"""What a figure was measured on, for the head of each table."""

from __future__ import annotations

import os
import platform
import subprocess


def describe() -> str:
    """Name cores, memory, system, and the versions of what was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    chromium = subprocess.run(["chromium", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return (
        f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, Chromium {chromium}"
    )
