"""Start to running app on loopback: a delivery from one seeder beside plain HTTP, each in a fresh browser, by turns.

Loopback flatters HTTP: there the server's line is as fast as the peers'. What it shows is the cost of an introduction
and of the data channel, with no line to hide behind.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from tests.support.chromium import Chromium
from tests.support.site import Site, bundle, plotly_path

RUNS = 10
BUNDLES = {"1 MB": 1_000_000, "5 MB": 5_000_000, "20 MB": 20_000_000}
PLOTLY = "plotly.min.js"
TIMED = ", onload='window.ranAt = performance.now()'"
"""The element's own `load` event comes when the bundle has run, whichever way it came."""


@contextmanager
def visitor(patches: Sequence[str] = (), arguments: Sequence[str] = ()) -> Iterator[Chromium]:
    """Open a browser with a profile of its own, on disk; patches and arguments as `Chromium` takes them."""
    browser = Chromium(Path(tempfile.mkdtemp(prefix="viraljs-bench-")), patches, arguments=arguments)
    try:
        yield browser
    finally:
        browser.quit()


def new_site() -> Site:
    """Build a site with two pages a bundle: one that delivers by peers, and one that asks for the direct URL."""
    site = Site()
    for name, size in BUNDLES.items():
        site.bundles[name] = bundle(size)
    for name in (*BUNDLES, PLOTLY):
        url = "url_for('plotly')" if name == PLOTLY else f"url_for('bundle', name='{name}')"
        site.show(f"viral/{name}", f"{{{{ viral_script({url}{TIMED}) }}}}")
        site.show(f"plain/{name}", f"{{{{ viral_script({url} ~ '?viraljs=direct'{TIMED}) }}}}")
    return site


def measure(site: Site, name: str) -> str:
    """Time one bundle both ways, and give a row of the table."""
    viral: list[float] = []
    plain: list[float] = []
    client: list[float] = []
    with visitor() as seeder:
        seeder.visit(site.url(f"viral/{name}")).seeding()
        for _ in range(RUNS):
            with visitor() as browser:
                record = browser.visit(site.url(f"viral/{name}")).delivery()
                if record["source"] != "peers":
                    raise RuntimeError(f"{name} came from {record['source']}: {record['reason']}")
                viral.append(browser.wait_for("window.ranAt"))
                client.append(record["milliseconds"])
            with visitor() as browser:
                plain.append(browser.visit(site.url(f"plain/{name}")).wait_for("window.ranAt"))
    ratio = median(one / other for one, other in zip(viral, plain, strict=True))
    return (
        f"{name:>14} {median(client):>10.0f} {median(viral):>10.0f} {max(viral):>10.0f}"
        f" {median(plain):>10.0f} {max(plain):>10.0f} {ratio:>8.2f}"
    )


def bytes_of_three(site: Site) -> str:
    """Let three visitors load plotly, one after another, and give what the origin sent."""
    site.served.clear()
    with visitor() as first, visitor() as second, visitor() as third:
        for browser in (first, second, third):
            browser.visit(site.url(f"viral/{PLOTLY}")).seeding()
    sent = [one.sent for one in site.sent("/plotly.js")]
    rest = sum(one.sent for one in site.served if one.path.startswith("/viraljs/"))
    return (
        f"three visitors of {PLOTLY}: full {sent[0]:,} bytes, thin {' and '.join(f'{one:,}' for one in sent[1:])},"
        f" signaling and seeding script {rest:,}; without ViralJS {3 * plotly_path().stat().st_size:,}"
    )


def run(say: Callable[[str], None]) -> None:
    """Measure everything."""
    with new_site().running() as site:
        say(bytes_of_three(site))
        say("")
        say(f"milliseconds, median of {RUNS}; client: thin client's start to app run; page: navigation to app run")
        say(f"{'':>14} {'client':>10} {'page':>10} {'worst':>10} {'HTTP':>10} {'worst':>10} {'ratio':>8}")
        for name in (*BUNDLES, PLOTLY):
            say(measure(site, name))
