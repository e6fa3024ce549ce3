"""Requests a second of thin, full and untouched responses beside a bare Flask view of the same bytes, by turns.

One gunicorn worker, with threads and with gevent, and one load generator with a few connections. A thin response stands
beside the bundle that it replaces, the others beside exactly the bytes that they send.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

from tests.support.servers import Kind, serve
from tests.support.visits import SCRIPT

from .bundles import incompressible
from .load import CONNECTIONS, Load, request_for

ROUNDS = 15
ROUND_SECONDS = 0.4
SIZES = {"file": 5_000_000, "text": 100_000}
SERVERS: tuple[Kind, ...] = ("gthread", "gevent")
FETCH = {**SCRIPT, "Sec-Fetch-Dest": "empty"}


@dataclass
class Pair:
    """One comparison: what to ask for, the kind that must come of it, and the bare view of the rival."""

    kind: str
    path: str
    headers: dict[str, str]
    bare: str


def pairs(name: str) -> list[Pair]:
    """List what is compared for one bundle, `file` or `text`."""
    return [
        Pair("untouched", f"/{name}/viral/{name}.js", FETCH, f"/{name}/bare/{name}.js"),
        Pair("full", f"/{name}/viral/{name}.js", SCRIPT, f"/{name}/bare/full-{name}.js"),
        Pair("thin", f"/{name}/viral/seeded-{name}.js", SCRIPT, f"/{name}/bare/seeded-{name}.js"),
    ]


def prepare(folder: Path) -> None:
    """Write the bundles, one with seeders and one without for each size."""
    for name, size in SIZES.items():
        (folder / f"{name}.js").write_bytes(incompressible(size))
        (folder / f"seeded-{name}.js").write_bytes(incompressible(size, seed=1))


def keep_full(address: str, folder: Path) -> None:
    """Write down the full responses, which are the same for everybody, for the bare views to serve."""
    for name in SIZES:
        with urlopen(Request(f"{address}/{name}/viral/{name}.js", headers=SCRIPT)) as response:  # noqa: S310 - ours
            (folder / f"full-{name}.js").write_bytes(response.read())


@dataclass
class Figures:
    """What rounds of one kind gave."""

    rates: list[float] = field(default_factory=list)
    """Requests a second."""
    costs: list[float] = field(default_factory=list)
    """Microseconds of a core in the worker, for each request."""


class Target:
    """A server under load."""

    def __init__(self, address: str, load: Load) -> None:
        self._address = address
        self._port = int(address.rsplit(":", 1)[1])
        self._load = load

    def round(self, path: str, headers: dict[str, str], kind: str, into: Figures | None) -> None:
        """Put load on one path, and require what must come of it."""
        before = self._cpu_seconds()
        result = self._load.put(self._port, request_for(path, headers), ROUND_SECONDS)
        spent = self._cpu_seconds() - before
        if result.kinds != {kind: result.responses}:
            raise RuntimeError(f"{path} should be {kind or 'bare'} always, but was {result.kinds}")
        if into:
            into.rates.append(result.rate)
            into.costs.append(spent / result.responses * 1_000_000)

    def _cpu_seconds(self) -> float:
        with urlopen(f"{self._address}/cpu") as response:  # noqa: S310 - ours
            return float(response.read())


def compare(target: Target, pair: Pair) -> str:
    """Put load on both by turns, and give a row of the table."""
    viral, bare = Figures(), Figures()
    for warm in (False, *[True] * ROUNDS):
        target.round(pair.path, pair.headers, pair.kind, viral if warm else None)
        target.round(pair.bare, pair.headers, "", bare if warm else None)
    ratio = median(one / other for one, other in zip(viral.rates, bare.rates, strict=True))
    return (
        f"{pair.kind:>12} {median(viral.rates):>10.0f} {median(bare.rates):>10.0f} {ratio:>8.2f}"
        f" {median(viral.costs):>12.0f} {median(bare.costs):>10.0f}"
    )


def measure(say: Callable[[str], None], server: Kind) -> None:
    """Run one server, and print its tables."""
    with tempfile.TemporaryDirectory(prefix="viraljs-bench-") as temporary:
        folder = Path(temporary)
        prepare(folder)
        with serve(server, "benchmarks.server_app", {"BENCHMARK_FOLDER": temporary}) as address, Load() as load:
            keep_full(address, folder)
            target = Target(address, load)
            for name, size in SIZES.items():
                say("")
                say(f"{server}, {name} of {size:,} bytes")
                say(f"{'':>12} {'ViralJS':>10} {'bare':>10} {'ratio':>8} {'core µs':>12} {'bare':>10}")
                for pair in pairs(name):
                    say(compare(target, pair))


def run(say: Callable[[str], None]) -> None:
    """Measure everything under each server."""
    say(f"requests/s over {CONNECTIONS} connections, {ROUNDS} rounds of {ROUND_SECONDS:g} s; ratio: to the bare view")
    say("file: send_file; text: bytes in memory. The aims: 0.9 for untouched and full, 1 for a thin one of the file")
    say("core: time of a core that the worker took for each request, the kernel's for its socket included")
    for server in SERVERS:
        measure(say, server)
