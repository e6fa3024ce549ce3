"""`python -m benchmarks [NAME …]`: run benchmarks, print their tables, and keep them under `results/` with the date."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from . import classroom, distance, loopback, machine, matching, never_worse, raw_channel, server, simulation, webtorrent

BENCHMARKS: dict[str, Callable[[Callable[[str], None]], None]] = {
    "loopback": loopback.run,
    "classroom": classroom.run,
    "never_worse": never_worse.run,
    "raw_channel": raw_channel.run,
    "webtorrent": webtorrent.run,
    "server": server.run,
    "distance": distance.run,
    "matching": matching.run,
    "simulation": simulation.run,
}
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line a request would bury the table
    today = datetime.now(timezone.utc).date().isoformat()
    for name in names or BENCHMARKS:
        lines: list[str] = []
        say = partial(_say, lines)
        say(f"{name}, {today}: {machine.describe()}")
        BENCHMARKS[name](say)
        (RESULTS / f"{today}-{name}.txt").write_text("\n".join([*lines, ""]))
    return 0


def _say(lines: list[str], line: str) -> None:
    """Print a line at once, and keep it for the file."""
    print(line, flush=True)
    lines.append(line)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
