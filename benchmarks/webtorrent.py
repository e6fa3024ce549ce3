"""ViralJS beside WebTorrent: from navigation to verified bytes, from one seeder, each in a fresh browser, by turns.

A visitor has neither library, so both are loaded: WebTorrent's `webtorrent.min.js` and the .torrent file come from the
same local server as the thin client, and its tracker runs on the same machine. Running the app is not counted.
"""

from __future__ import annotations

import subprocess
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from flask import Response, send_file

from tests.support.chromium import Chromium
from tests.support.site import Site, plotly_path

from .bundles import incompressible
from .loopback import PLOTLY, visitor
from .watch import WATCH, moments

RUNS = 10
BUNDLES = {"1 MB": 1_000_000, "5 MB": 5_000_000, "20 MB": 20_000_000}
FOLDER = Path(__file__).parent
LIBRARY = FOLDER / "node_modules" / "webtorrent" / "dist" / "webtorrent.min.js"
CLIENT = "new WebTorrent({ tracker: { rtcConfig: { iceServers: [] } } })"

SEED = f"""<script type="module" nonce="{{{{ g.csp_nonce }}}}">
import WebTorrent from "/webtorrent.min.js";
window.seed = async (url, tracker) => {{
  const bytes = await (await fetch(url)).arrayBuffer();
  const torrent = {CLIENT}.seed(new File([bytes], "app.js"), {{ announce: [tracker] }});
  await Promise.all(["seed", "trackerAnnounce"].map((name) => new Promise((resolve) => torrent.once(name, resolve))));
  return btoa(String.fromCharCode(...torrent.torrentFile));
}};
</script>"""

FETCH = f"""<script type="module" nonce="{{{{ g.csp_nonce }}}}">
import WebTorrent from "/webtorrent.min.js";
const torrent = new Uint8Array(await (await fetch("/torrents/%s")).arrayBuffer());
{CLIENT}.add(torrent, (added) => {{
  const done = () => Object.assign(window, {{ doneAt: performance.now(), got: added.downloaded }});
  if (added.done) done();
  else added.once("done", done);
}});
</script>"""


@contextmanager
def tracker() -> Iterator[str]:
    """Run WebTorrent's own tracker, and yield its address."""
    if not LIBRARY.exists():
        raise RuntimeError(f"{LIBRARY} is not there; `make bench` installs it")
    with subprocess.Popen(["node", FOLDER / "tracker.mjs"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def new_site(torrents: dict[str, bytes]) -> Site:
    """Build a site with pages for both ways, and with what WebTorrent loads."""
    site = Site()
    site.bundles.update((name, incompressible(size)) for name, size in BUNDLES.items())
    site.bundles[PLOTLY] = plotly_path().read_bytes()
    site.show("seed", SEED)
    for name in site.bundles:
        site.show(f"viral/{name}", f"{{{{ viral_script(url_for('bundle', name='{name}')) }}}}")
        site.show(f"torrent/{name}", FETCH % name)

    @site.app.get("/webtorrent.min.js")
    def library() -> Response:
        return send_file(LIBRARY)

    @site.app.get("/torrents/<name>")
    def torrent(name: str) -> Response:
        return Response(torrents[name], mimetype="application/x-bittorrent")

    return site


def seed(browser: Chromium, site: Site, name: str, address: str) -> bytes:
    """Let a browser seed a bundle by WebTorrent, and give the .torrent file."""
    browser.visit(site.url("seed")).wait_for("typeof seed === 'function'")
    return b64decode(browser.js(f"seed('/b/{name}?viraljs=direct', '{address}')"))


def torrent_time(browser: Chromium, site: Site, name: str) -> float:
    """Fetch by WebTorrent, which says "done" when every piece is verified."""
    took: float = browser.visit(site.url(f"torrent/{name}")).wait_for("window.doneAt")
    got, size = browser.js("got"), len(site.bundles[name])
    if got < size:
        raise RuntimeError(f"WebTorrent was done with {got} bytes of {size}")
    return took


def measure(site: Site, name: str, torrents: dict[str, bytes], address: str) -> str:
    """Time one bundle both ways, and give a row of the table."""
    viral: list[float] = []
    rival: list[float] = []
    with visitor() as seeder, visitor() as torrent_seeder:
        seeder.visit(site.url(f"viral/{name}")).seeding()
        torrents[name] = seed(torrent_seeder, site, name, address)
        for _ in range(RUNS):
            with visitor([WATCH]) as browser:
                viral.append(moments(browser, site.url(f"viral/{name}")).verified)
            with visitor() as browser:
                rival.append(torrent_time(browser, site, name))
    ratio = median(one / other for one, other in zip(rival, viral, strict=True))
    return (
        f"{name:>14} {median(viral):>10.0f} {max(viral):>10.0f} {median(rival):>12.0f} {max(rival):>10.0f}"
        f" {ratio:>8.2f}"
    )


def run(say: Callable[[str], None]) -> None:
    """Measure everything."""
    torrents: dict[str, bytes] = {}
    with tracker() as address, new_site(torrents).running() as site:
        say(f"milliseconds from navigation to verified bytes, library included, {RUNS} runs; ICE servers: none")
        say("neither counts the run of the bundle: until ViralJS turns to run it, until WebTorrent says done")
        say("ratio: WebTorrent / ViralJS, median over the runs; the aims are 2 at 1 MB, 3 at 5 MB and 4 at 20 MB")
        say(f"{'':>14} {'ViralJS':>10} {'worst':>10} {'WebTorrent':>12} {'worst':>10} {'ratio':>8}")
        for name in (*BUNDLES, PLOTLY):
            say(measure(site, name, torrents, address))
