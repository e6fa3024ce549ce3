"""What peers that fail cost a visitor: time from navigation to running app beside plain HTTP, by turns.

Every visit is that of a fresh browser to a bundle that nobody else asked for but its seeder; line and round trip are
those of a proxy. The margin is what a site may promise. To choose what is measured:

BENCH_NEVER_WORSE='{"failures": ["dead"], "megabytes": [1], "runs": 2}' make bench ARGS=never_worse
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from tests.support.chromium import Chromium

from .failures import FAILURES, Failure
from .figures import percentile
from .loopback import visitor
from .origin import OFF, Origin, Settings, origin

MEGABYTE = 1_000_000
RAN = "window.ranAt && (!window.ViralJS || ViralJS.deliveries.length) && ranAt"
SOURCE = "ViralJS.deliveries[0].source"


@dataclass(frozen=True)
class Choice:
    """What to measure: every combination."""

    failures: Sequence[str] = tuple(FAILURES)
    megabytes: Sequence[float] = (1, 5)
    runs: int = 10
    seeders: int = 1
    settings: Settings = field(default_factory=dict)
    line_mbit: float = 20.0
    round_trip_ms: float = 20.0


@dataclass
class Times:
    """Milliseconds of all runs, and where the bundles of the viral ones came from."""

    viral: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)


def visit_viral(site: Origin, size: int, seeders: int, failure: Failure, times: Times) -> None:
    """Let seeders announce a new bundle and fail, and time the visitor who comes then."""
    url = site.publish(size)
    with ExitStack() as stack:
        for _ in range(seeders):
            seeder = stack.enter_context(visitor(failure.seeder))
            seeder.visit(url).wait_for("window.seeds")
            if failure.frozen:
                seeder.freeze()
        browser = stack.enter_context(visitor(failure.visitor))
        times.viral.append(_time(browser, url))
        times.sources.append(browser.js(SOURCE))


def visit_plain(site: Origin, size: int, times: Times) -> None:
    """Time a visitor of a site without ViralJS."""
    url = site.publish(size)
    with visitor() as browser:
        times.plain.append(_time(browser, url))


def _time(browser: Chromium, url: str) -> float:
    milliseconds: float = browser.visit(url).wait_for(RAN)
    return milliseconds


def row(times: Times) -> str:
    """Compare medians and 95th percentiles."""
    figures = [f"{median(times.viral):>8.0f} {median(times.plain):>8.0f}"]
    figures += [f"{median(times.viral) - median(times.plain):>+8.0f}"]
    worst = [percentile(one, 95) for one in (times.viral, times.plain)]
    figures += [f"{worst[0]:>8.0f} {worst[1]:>8.0f} {worst[0] - worst[1]:>+8.0f}"]
    counted = ", ".join(f"{times.sources.count(source)} {source}" for source in dict.fromkeys(times.sources))
    return " ".join(figures) + f"  {counted}"


def measure(choice: Choice, say: Callable[[str], None]) -> None:
    """Measure each failure at each size."""
    speed = (choice.line_mbit * 1e6, choice.round_trip_ms / 2000)
    with origin(choice.settings, *speed) as viral, origin(OFF, *speed) as plain:
        for name in choice.failures:
            for megabytes in choice.megabytes:
                times = Times()
                size = int(megabytes * MEGABYTE)
                for _ in range(choice.runs):
                    visit_viral(viral, size, choice.seeders, FAILURES[name], times)
                    visit_plain(plain, size, times)
                say(f"{name:>12} {megabytes:>4g} MB {row(times)}")


def run(say: Callable[[str], None]) -> None:
    """Measure what the environment asks for, or everything."""
    choice = Choice(**json.loads(os.environ.get("BENCH_NEVER_WORSE", "{}")))
    say(f"origin line of {choice.line_mbit:g} Mbit/s and {choice.round_trip_ms:g} ms, a proxy's; {choice.runs} runs")
    say(f"seeders of each visit, all of them failing: {choice.seeders}; settings: {choice.settings or 'the defaults'}")
    say("milliseconds from navigation to running app; margin: ViralJS - HTTP")
    columns = f"{'median':>8} {'HTTP':>8} {'margin':>8} {'p95':>8} {'HTTP':>8} {'margin':>8}"
    say(f"{'peers':>12} {'bundle':>7} {columns}  from")
    measure(choice, say)
