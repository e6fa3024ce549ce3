"""A small site with bundles, served from this process, that keeps count of what it sent and what ViralJS signalled."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Any

from flask import Flask, Request, Response, abort, g, render_template_string, request, send_file

from tests.support.servers import HOST, serve_here
from tests.support.until import until
from viraljs import ViralJS, signals
from viraljs.nearness import NOWHERE
from viraljs.peers import Candidate
from viraljs.state import State

FAR_OFF_MS = 30_000
"""A deadline for tests in which peers deliver: a busy machine must not make the server step in."""
MOST_PEERS = 64
DETOUR = re.compile(r"^/viraljs/direct/[^/]+")
PART_BYTES = 16_384
"""A bundle goes out in such parts where something is to come between them."""
NONCE = "bm9uY2U"
SIGNALS = ("response_decided", "seeder_joined", "seeder_left", "delivery_reported", "peer_rejected")

PROBE = """
window.events = [];
window.errors = [];
window.shows = [];
for (const name of ["delivered", "seeding", "fallback"]) {
  addEventListener(`viraljs:${name}`, ({ detail }) => events.push({ name, ...JSON.parse(JSON.stringify(detail)) }));
}
addEventListener("error", ({ message }) => errors.push(message));
addEventListener("unhandledrejection", ({ reason }) => errors.push(String(reason)));
addEventListener("pageshow", ({ persisted }) => shows.push(persisted));
window.visits = sessionStorage.visits = Number(sessionStorage.visits ?? 0) + 1;
"""
"""What a page remembers for the tests: events of ViralJS, errors, `pageshow`, and how often this tab loaded a page."""

SHELL = """<!doctype html>
<html>
<head>
<meta charset="utf-8">
<title>A site under test</title>
<link rel="icon" href="data:,">
<script src="/probe.js" nonce="{{ g.csp_nonce }}"></script>
"""
TAG = "{{ viral_script(url_for('bundle', name='app.js')) }}"


def plotly_path() -> Path:
    """Find the bundle that PyPI's plotly carries, 4.8 MB of it; to import plotly would take a second."""
    spec = find_spec("plotly")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "package_data" / "plotly.min.js"


def bundle(size: int = 100_000, answer: int = 42, code: str = "", *, dense: bool = False) -> bytes:
    """Make a script of so many bytes that counts its runs and sets `answer`, in a page, a module or a worker alike.

    It shrinks to about half its size, or, if it is `dense`, not at all.
    """
    start = f"globalThis.runs = (globalThis.runs || 0) + 1;\nglobalThis.answer = {answer};\n{code}\n/*".encode()
    end = b"*/\n"
    rest = size - len(start) - len(end)
    chance = Random(f"{size} {answer}")
    if dense:
        return start + chance.randbytes(rest).replace(b"*", b"+") + end
    return start + chance.randbytes(rest // 2 + 1).hex().encode()[:rest] + end


@dataclass
class Served:
    """One request, what ViralJS made of its response, and the bytes of body that went out."""

    method: str
    path: str
    query: str
    status: int = 0
    kind: str | None = None
    sent: int = 0


@dataclass
class Page:
    """What the site shows at one path."""

    body: str
    headers: Mapping[str, str] = field(default_factory=dict)


def policy_by_script(policy: str, nonce: str = "") -> str:
    """Write what gives a page a policy of which the server can't read."""
    return f"""<script nonce="{nonce}">
    document.head.append(Object.assign(document.createElement("meta"), {{
      httpEquiv: "Content-Security-Policy", content: "{policy}",
    }}));
    </script>"""


class Site:
    """The app, its server, and the books that it keeps.

    Args:
        settings: `VIRALJS_*` keys without their prefix, in lower case.
    """

    def __init__(self, **settings: Any) -> None:
        self.app = Flask("site")
        # By turns: whoever finds no seeder gets a full response, however soon it comes after another; and nobody has
        # kept a bundle from the visit before.
        apart = {"crowd_seconds": 0, "stream_size": 1 << 40, "client_cache": 0}
        defaults = {"ice_servers": [], "deadline": FAR_OFF_MS, **apart}
        config = {f"VIRALJS_{name.upper()}": value for name, value in {**defaults, **settings}.items()}
        self.app.config.update(config, SECRET_KEY="a secret of the tests")
        self.viral = ViralJS(self.app)
        self.pages: dict[str, Page] = {}
        self.bundles: dict[str, bytes] = {"app.js": bundle()}
        self.bundle_headers: dict[str, str] = {}
        self.before: Callable[[Request], Any] | None = None
        """Called with each request; what it returns is the response, as with Flask's own `before_request`."""
        self.valve: Callable[[Served], Any] | None = None
        """Called before each part of a bundle goes out, with what went out before it; it may wait."""
        self._held: dict[str, threading.Event] = {}
        self.served: list[Served] = []
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.show("", TAG)
        self.show("elsewhere", "another page")
        self._add_routes()
        self._wsgi = self.app.wsgi_app
        self.app.wsgi_app = self._count  # type: ignore[method-assign]

    def _add_routes(self) -> None:
        @self.app.before_request
        def before() -> Any:
            g.csp_nonce = NONCE
            return self.before(request._get_current_object()) if self.before else None  # type: ignore[attr-defined]

        @self.app.get("/probe.js")
        def probe() -> Response:
            return Response(PROBE, mimetype="text/javascript")

        @self.app.get("/b/<name>")
        @self.viral.bundle
        def bundle(name: str) -> Response:
            return Response(self.bundles[name], mimetype="text/javascript", headers=self.bundle_headers)

        @self.app.get("/plotly.js")
        @self.viral.bundle
        def plotly() -> Response:
            return send_file(plotly_path())

        @self.app.get("/", defaults={"name": ""})
        @self.app.get("/<path:name>")
        def page(name: str) -> Response:
            if name in self._held:
                self._held[name].wait()
            shown = self.pages.get(name) or abort(404)
            return Response(render_template_string(SHELL + shown.body), mimetype="text/html", headers=shown.headers)

    def show(self, name: str, body: str, **headers: str) -> None:
        """Put a page at a path; headers as `Content_Security_Policy=…`. The body begins inside `<head>`."""
        self.pages[name] = Page(body, {name.replace("_", "-"): value for name, value in headers.items()})

    @contextmanager
    def running(self, host: str = HOST) -> Iterator[Site]:
        """Serve on a free port of this machine, from threads."""
        with self.listening(), serve_here(self.app, host) as address:
            self.port = address.rsplit(":", 1)[1]
            yield self

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Write down what ViralJS signals."""
        with ExitStack() as stack:
            for name in SIGNALS:
                stack.enter_context(getattr(signals, name).connected_to(self._note(name), sender=self.app))
            yield

    @contextmanager
    def held(self, path: str) -> Iterator[Callable[[], None]]:
        """Answer requests for a path only when the function that this yields is called, or the block ends."""
        released = self._held[path] = threading.Event()
        try:
            yield released.set
        finally:
            released.set()

    @contextmanager
    def dammed(self, after: int, status: int = 200) -> Iterator[Callable[[], None]]:
        """Hold bundles back once so many bytes of a response are out, until the yielded function is called.

        Args:
            after: bytes; the last part before may take it a little further.
            status: of the responses to hold back: 200 is a whole bundle, 206 are ranges of one.
        """
        released = threading.Event()
        self.valve = lambda one: released.wait() if one.status == status and one.sent >= after else None
        try:
            yield released.set
        finally:
            released.set()
            self.valve = None

    def url(self, path: str = "", host: str = HOST) -> str:
        """Give the address of a page."""
        return f"http://{host}:{self.port}/{path}"

    @property
    def state(self) -> State:
        """What ViralJS keeps for the app."""
        state = self.app.extensions["viraljs"]
        assert isinstance(state, State)
        return state

    # The books

    def _count(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Count what goes out, in a WSGI wrapper, which no hook of the app can come after."""
        # Plain bytes count as the bundle's, whichever of their two addresses was asked for.
        path, detours = DETOUR.subn("", environ["PATH_INFO"])
        query = "&".join(filter(None, (environ["QUERY_STRING"], "viraljs=direct" * detours)))
        entry = Served(environ["REQUEST_METHOD"], path, query)

        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            entry.status = int(status.split(maxsplit=1)[0])
            entry.kind = dict(headers).get("ViralJS-Delivery")
            return start_response(status, headers, *args)

        self.served.append(entry)
        body = self._wsgi(environ, start)
        return _Counted(body, entry, self._valve_of(entry))

    def _valve_of(self, entry: Served) -> Callable[[Served], Any] | None:
        return self.valve if entry.path.startswith("/b/") and entry.kind != "thin" else None

    def _note(self, name: str) -> Callable[..., None]:
        def note(_sender: object, **fields: Any) -> None:
            self.events.append((name, fields))

        return note

    def signalled(self, name: str) -> list[dict[str, Any]]:
        """List the signals of one name, the first first."""
        return [fields for signal, fields in self.events if signal == name]

    def sent(self, path: str, query: str | None = None) -> list[Served]:
        """List the requests for a path, and for one query string if it is given."""
        return [one for one in self.served if one.path == path and query in (None, one.query)]

    def kinds(self, path: str = "/b/app.js") -> list[str | None]:
        """List what was decided for a path."""
        return [one.kind for one in self.sent(path)]

    def direct_bytes(self, name: str = "app.js") -> int:
        """Sum up what thin clients took of a bundle from the server."""
        return sum(one.sent for one in self.sent(f"/b/{name}", "viraljs=direct"))

    def progress(self, name: str = "app.js") -> dict[str, int]:
        """Give how many percent of a bundle each peer has announced, those that are receiving included."""
        return {one.peer: one.progress for one in self._swarm(name)}

    def uploads(self, name: str = "app.js") -> dict[str, int]:
        """Give how many upload slots of each peer of a bundle are in use."""
        return {one.peer: one.uploads for one in self._swarm(name)}

    def _swarm(self, name: str) -> list[Candidate]:
        digest = sha256(self.bundles[name]).hexdigest()
        return self.state.registry.candidates(digest, NOWHERE, MOST_PEERS, slots=MOST_PEERS)

    @property
    def seeders(self) -> list[str]:
        """List the peers that seed now, in the order in which they joined."""
        peers: dict[str, None] = {}
        for name, fields in list(self.events):
            if name == "seeder_joined":
                peers[fields["peer"]] = None
            elif name == "seeder_left":
                peers.pop(fields["peer"], None)
        return list(peers)

    def wait_for_seeders(self, count: int) -> list[str]:
        """Wait until so many peers seed, no more and no fewer, and give them."""
        until(lambda: len(self.seeders) == count, f"{count} seeders")
        return self.seeders

    def wait_for_joins(self, count: int) -> None:
        """Wait until so many seeders have come, those that left again included."""
        until(lambda: len(self.signalled("seeder_joined")) >= count, f"{count} seeders to have come")

    def wait_for_reports(self, count: int = 1) -> list[Any]:
        """Wait for the recipients' reports."""
        until(lambda: len(self.signalled("delivery_reported")) >= count, f"{count} reports")
        return [one["report"] for one in self.signalled("delivery_reported")]


class _Counted:
    """A response's body that counts each part before it is sent, and lets a valve come before it."""

    def __init__(self, body: Iterable[bytes], entry: Served, valve: Callable[[Served], Any] | None) -> None:
        self._body = body
        self._entry = entry
        self._valve = valve

    def __iter__(self) -> Iterator[bytes]:
        for part in self._body if self._valve is None else self._parts(self._valve):
            self._entry.sent += len(part)
            yield part

    def _parts(self, valve: Callable[[Served], Any]) -> Iterator[bytes]:
        for whole in self._body:
            for at in range(0, len(whole), PART_BYTES):
                valve(self._entry)
                yield whole[at : at + PART_BYTES]

    def close(self) -> None:
        getattr(self._body, "close", lambda: None)()
