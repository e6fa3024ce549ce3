"""From peers and from a server that are far away: a delivery from 1 to 4 seeders beside plain HTTP, by turns.

Every path is as long: that of HTTP and signaling goes through `benchmarks.proxy`, which also delays the handshake, and
that of the peers through `benchmarks.relay`. Neither has loss or a rate, so HTTP is spared TCP's slow start over the
distance, whereas SCTP's runs from browser to browser. For the server each visitor comes from a network of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from itertools import count
from statistics import median
from typing import Any

from tests.support.chromium import Chromium
from tests.support.site import Site

from .bundles import incompressible
from .loopback import TIMED, visitor
from .proxy import Proxy
from .relay import RELAYED, Relay
from .watch import WATCH, moments

RUNS = 5
ROUND_TRIPS_MS = (20, 50)
BUNDLES = {"1 MB": 1_000_000, "5 MB": 5_000_000}
MOST_SEEDERS = 4
LONGEST_PACKET = 1_500
NETWORK = ".network.localhost"
"""Browsers look such names up themselves, and trust them; the number before it is that of the visitor's network."""


class Road:
    """The site, as seen from far away."""

    def __init__(self, proxy: Proxy, relay: Relay) -> None:
        self._proxy = proxy
        self._relay = relay
        self._networks = count(1)

    def url(self, path: str) -> str:
        """Give the far address of a page, to visit from a network that nobody else is in."""
        return f"http://{next(self._networks)}{NETWORK}:{self._proxy.port}/{path}"

    def new_visitor(self, stack: ExitStack) -> Chromium:
        """Open a browser that knows others by the relay's ports only."""
        return stack.enter_context(visitor([self._relay.patch, WATCH], [RELAYED]))

    def viral(self, name: str) -> tuple[float, float]:
        """Let a fresh browser fetch from peers; milliseconds to verified bytes, and, from navigation, to the app."""
        with ExitStack() as stack:
            browser = self.new_visitor(stack)
            before = self._relay.carried()
            times = moments(browser, self.url(f"viral/{name}"))
            if self._relay.carried() - before < BUNDLES[name] / LONGEST_PACKET:
                raise RuntimeError("the bytes did not go through the relay")
            return times.verified - times.began, browser.wait_for("window.ranAt")

    def plain(self, name: str) -> float:
        """Let a fresh browser fetch from the server; milliseconds from navigation to the running app."""
        with visitor() as browser:
            ran_at: float = browser.visit(self.url(f"plain/{name}")).wait_for("window.ranAt")
            return ran_at


def new_site() -> Site:
    """Build a site with a page for each way."""
    site = Site(peers=MOST_SEEDERS)
    for name, size in BUNDLES.items():
        site.bundles[name] = incompressible(size)
        url = f"url_for('bundle', name='{name}')"
        site.show(f"viral/{name}", f"{{{{ viral_script({url}{TIMED}) }}}}")
        site.show(f"plain/{name}", f"{{{{ viral_script({url} ~ '?viraljs=direct'{TIMED}) }}}}")
    site.app.wsgi_app = place_apart(site.app.wsgi_app)  # type: ignore[method-assign]
    return site


def place_apart(app: Any) -> Any:
    """Wrap a WSGI app, to let each visitor come from the network that the name of the host has."""

    def wsgi(environ: dict[str, Any], start_response: Any) -> Any:
        number = int(environ["HTTP_HOST"].split(".", 1)[0])
        return app({**environ, "REMOTE_ADDR": f"10.{number // 250}.{number % 250}.1"}, start_response)

    return wsgi


def measure(road: Road, name: str, seeders: int) -> str:
    """Time one bundle both ways, and give a row of the table."""
    verified: list[float] = []
    viral: list[float] = []
    plain: list[float] = []
    for _ in range(RUNS):
        took, ran = road.viral(name)
        verified.append(took)
        viral.append(ran)
        plain.append(road.plain(name))
    ratio = median(one / other for one, other in zip(viral, plain, strict=True))
    return (
        f"{name:>8} {seeders:>8} {median(verified):>12.0f} {median(viral):>10.0f} {max(viral):>10.0f}"
        f" {median(plain):>10.0f} {ratio:>8.2f}"
    )


def run(say: Callable[[str], None]) -> None:
    """Measure everything, with seeders that come one after another."""
    say(f"milliseconds, median of {RUNS}; client: thin client's start to verified bytes; page: navigation to app run")
    for round_trip in ROUND_TRIPS_MS:
        say("")
        say(f"round trip of {round_trip} ms")
        say(f"{'':>8} {'seeders':>8} {'client':>12} {'page':>10} {'worst':>10} {'HTTP':>10} {'ratio':>8}")
        for name in BUNDLES:
            delay = round_trip / 2 / 1000
            with (
                new_site().running() as site,
                Proxy(int(site.port), delay_seconds=delay) as proxy,
                Relay(delay) as relay,
                ExitStack() as stack,
            ):
                road = Road(proxy, relay)
                for seeders in range(1, MOST_SEEDERS + 1):
                    road.new_visitor(stack).visit(road.url(f"viral/{name}")).seeding()
                    site.wait_for_seeders(seeders)
                    say(measure(road, name, seeders))
