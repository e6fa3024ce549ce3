"""A class opens an app behind one line of the origin: the time until each has it running, and what the origin sent.

Visitors come at once, 50 ms apart, or in turn, each when the one before seeds. Beside each strategy stands the fluid
bound (Kumar and Ross, 2006): of the whole class that comes at once, of one visitor of those who come in turn. To choose
what is measured:

BENCH_CLASSROOM='{"visitors": [2], "megabytes": [1], "arrivals": ["at once"],
  "strategies": {"stream": {"VIRALJS_STREAM_SIZE": 1}, "HTTP": {"VIRALJS_ENABLED": false}}}' make bench ARGS=classroom
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from statistics import median

from .figures import percentile
from .lesson import Lesson, hold
from .line import own_network
from .origin import OFF, Settings, origin

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Choice:
    """What to measure: every combination, with each strategy."""

    megabytes: Sequence[float] = (1, 5, 20)
    visitors: Sequence[int] = (2, 5, 10)
    arrivals: Sequence[str] = ("at once", "in turn")
    strategies: Mapping[str, Settings] = field(default_factory=lambda: {"ViralJS": {}, "HTTP": OFF})
    rounds: int = 1
    line_mbit: float = 20.0

    def cases(self) -> Iterator[tuple[int, int, str]]:
        """Give bytes, visitors and arrival of each case."""
        for megabytes, visitors, arrival in product(self.megabytes, self.visitors, self.arrivals):
            yield int(megabytes * MEGABYTE), visitors, arrival


def fluid_bound(size: int, visitors: int, origin_bits: float, helping: bool) -> float:
    """Give the least milliseconds in which all of a class that comes at once can have a bundle.

    max(F/u_s, F/d_min, N*F/(u_s + sum of u_i)), of F bytes, the origin's rate u_s, the slowest visitor's download
    d_min and the visitors' uploads u_i. The LAN counts as unlimited: d_min is infinite, and so are the u_i where
    visitors help; where they don't, they are 0. It knows no handshake, no browser that starts, and no script that is
    parsed.
    """
    copies = 1 if helping else visitors
    return copies * size * 8 / origin_bits * 1000


def row(lessons: Sequence[Lesson], size: int, arrival: str, bound: float) -> str:
    """Sum up the rounds of one case; the share is that of what peers could give at most."""
    times = [visit.ran for lesson in lessons for visit in lesson.visits]
    visitors = len(lessons[0].visits)
    copies = median(lesson.carried / size for lesson in lessons)
    share = median(sum(visit.from_peers for visit in lesson.visits) / (visitors * size) for lesson in lessons)
    last = median(last_of(lesson, arrival) for lesson in lessons)
    sources = [str(visit.delivery.get("source", "HTTP")) for lesson in lessons for visit in lesson.visits]
    counted = ", ".join(f"{sources.count(source)} {source}" for source in dict.fromkeys(sources))
    return (
        f"{median(times):>8.0f} {percentile(times, 95):>8.0f} {last:>8.0f} {bound:>8.0f}"
        f" {copies:>7.2f} {share:>6.0%} {(visitors - 1) / visitors:>6.0%}  {counted}"
    )


def last_of(lesson: Lesson, arrival: str) -> float:
    """Give the time from the first navigation to the last running app; of those in turn, the last one's own time."""
    if arrival == "in turn":
        return lesson.visits[-1].ran
    start = min(visit.navigated for visit in lesson.visits)
    return max(visit.navigated + visit.ran for visit in lesson.visits) - start


def measure(choice: Choice, own: bool, say: Callable[[str], None]) -> None:
    """Measure each combination with each strategy, by turns."""
    bits = choice.line_mbit * 1e6
    with ExitStack() as stack:
        origins = {
            name: stack.enter_context(origin(settings, bits, own_network=own))
            for name, settings in choice.strategies.items()
        }
        for size, visitors, arrival in choice.cases():
            lessons: dict[str, list[Lesson]] = {name: [] for name in origins}
            for name in [*origins] * choice.rounds:
                lessons[name].append(hold(origins[name], arrival, size, visitors))
            for name, settings in choice.strategies.items():
                together = 1 if arrival == "in turn" else visitors
                bound = fluid_bound(size, together, bits, settings.get("VIRALJS_ENABLED", True))
                head = f"{size / MEGABYTE:>4g} MB {visitors:>3} {arrival:>8} {name:>12}"
                say(f"{head} {row(lessons[name], size, arrival, bound)}")


def run(say: Callable[[str], None]) -> None:
    """Measure what the environment asks for, or everything."""
    choice = Choice(**json.loads(os.environ.get("BENCH_CLASSROOM", "{}")))
    with own_network() as own:
        kind = "the kernel's, with a queue of 50 ms" if own else "a fair proxy's"
        say(f"origin line of {choice.line_mbit:g} Mbit/s, {kind}; the LAN without limit; rounds: {choice.rounds}")
        say("milliseconds from navigation to running app; last: from the first navigation, or of the last in turn")
        say("bound: max(F/u_s, F/d_min, N*F/(u_s + sum of u_i)); d_min is infinite, and so is u_i, but 0 for HTTP")
        say("copies: bytes on the origin's line by the bundle's; peers: share of bytes from them; most: (N-1)/N")
        columns = f"{'median':>8} {'p95':>8} {'last':>8} {'bound':>8} {'copies':>7} {'peers':>6} {'most':>6}"
        say(f"{'bundle':>7} {'N':>3} {'arrive':>8} {'strategy':>12} {columns}  from")
        measure(choice, own, say)
