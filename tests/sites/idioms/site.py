"""A site with or without ViralJS, served from this process, that keeps count of what it sent and what its log says."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote

from flask import Flask, Response, abort, redirect, render_template_string, send_from_directory
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from tests.sites.idioms.idiom import BUNDLE_BYTES, Idiom
from tests.support.servers import free_port, serve_here
from tests.support.site import Served
from viraljs import ViralJS

HERE = Path(__file__).parent
PACKAGES = HERE.parent.parent / "fidelity" / "node_modules"
RECORDER = (HERE / "recorder.js").read_text()
JAVASCRIPT = "text/javascript; charset=utf-8"
PATIENT_MS = 3_000
"""A deadline for a busy machine: the server need not step in where peers deliver."""
MAX_AGE_SECONDS = 3_600
NUMBERS = count(1)


@cache
def padded(code: str, size: int) -> bytes:
    """Make a bundle of so many bytes of some code."""
    start = f"{code}\n/* ".encode()
    rest = max(0, size - len(start) - len(b" */\n"))
    return start + Random(code).randbytes(rest // 2 + 1).hex().encode()[:rest] + b" */\n"


class Site:
    """An app under a host name of its own, so that cookies, too, are strangers to those of other sites.

    Args:
        build: makes the app; is given the host with its port, as `host_matching` wants it.
        path: of the page.
    """

    def __init__(self, build: Callable[[str], Flask], path: str = "/") -> None:
        self.port = free_port()
        self.host = f"site{next(NUMBERS)}.localhost:{self.port}"
        self.path = path
        self.app = build(self.host)
        self.served: list[Served] = []
        self.warnings: list[str] = []

    @property
    def origin(self) -> str:
        """The page's."""
        return f"http://{self.host}"

    @property
    def url(self) -> str:
        """The page's address."""
        return self.origin + self.path

    @contextmanager
    def running(self) -> Iterator[Site]:
        """Serve from threads, and listen to the app's log."""
        handler = _Ear(self.warnings)
        self.app.logger.addHandler(handler)
        try:
            with serve_here(self._count, port=self.port):
                yield self
        finally:
            self.app.logger.removeHandler(handler)

    def _count(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        entry = Served(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"])
        entry.path = unquote(environ.get("REQUEST_URI", environ["PATH_INFO"]).split("?")[0])

        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            entry.status = int(status.split(maxsplit=1)[0])
            entry.kind = dict(headers).get("ViralJS-Delivery")
            return start_response(status, headers, *args)

        self.served.append(entry)
        body = self.app(environ, start)
        try:
            for part in body:
                entry.sent += len(part)
                yield part
        finally:
            getattr(body, "close", lambda: None)()


class _Ear(logging.Handler):
    """Keeps what is said at the level of a warning and above."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(record.getMessage())


def plain_tag(src: str, *, nonce: str | None = None, **attributes: str | bool) -> Markup:
    """Write what `viral_script` stands for: a deferred script."""
    given = {"nonce": nonce or False, **attributes}
    written = [
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in ((name.rstrip("_").replace("_", "-"), value) for name, value in given.items())
        if value is not False
    ]
    return Markup('<script defer src="{}"{}></script>').format(src, Markup("").join(written))


def new_app(with_viral: bool, **options: Any) -> Flask:
    """Make an app that has what all pages ask for."""
    app = Flask(f"site{next(NUMBERS)}", **options)
    app.config.update(SECRET_KEY="a secret of the tests")
    if with_viral:
        app.config.update(VIRALJS_ICE_SERVERS=[], VIRALJS_DEADLINE=PATIENT_MS)
    return app


def add_common_routes(app: Flask, **options: Any) -> None:
    """Serve the recorder, and the packages that npm brought."""

    @app.get("/recorder.js", **options)
    def recorder() -> Response:
        return Response(RECORDER, mimetype="text/javascript", headers={"Cache-Control": "max-age=3600"})

    @app.get("/favicon.ico", **options)
    def icon() -> Response:
        return Response(status=204)

    @app.get("/npm/<path:name>", **options)
    def npm(name: str) -> Response:
        return send_from_directory(PACKAGES, name, mimetype="text/javascript", max_age=MAX_AGE_SECONDS)


def idiom_app(idiom: Idiom, *, with_viral: bool) -> Flask:
    """Make the app of an idiom."""
    app = new_app(with_viral, static_folder=None)
    add_common_routes(app)
    bodies = {name: padded(code, idiom.sizes.get(name, BUNDLE_BYTES)) for name, code in idiom.bundles.items()}
    pages = {"/": idiom.html, **idiom.pages}

    def bundle(name: str) -> Response:
        body = bodies.get(name) or bodies.get(f"{name}.js") or abort(404)
        response = Response(body, content_type=JAVASCRIPT, headers={"Cache-Control": f"max-age={MAX_AGE_SECONDS}"})
        response.set_etag(sha256(body).hexdigest())
        return response

    viral = ViralJS(app) if with_viral else None
    app.add_url_rule("/b/<name>", "bundle", viral.bundle(bundle) if viral else bundle)
    if not viral:
        app.add_template_global(plain_tag, "viral_script")

    @app.template_global()
    def integrity(name: str) -> str:
        return f"sha256-{b64encode(sha256(bodies[name]).digest()).decode()}"

    @app.get("/own/<name>")
    def own(name: str) -> Response:
        return Response(idiom.scripts[name], content_type=JAVASCRIPT, headers={"Cache-Control": "max-age=3600"})

    @app.get("/")
    @app.get("/<path:name>")
    def page(name: str = "") -> BaseResponse:
        if f"/{name}" in idiom.redirects:
            leads = redirect(idiom.redirects[f"/{name}"])
            leads.headers["Cache-Control"] = f"max-age={MAX_AGE_SECONDS}"
            return leads
        html = pages.get(f"/{name}") or abort(404)
        return Response(render_template_string(html), mimetype=idiom.media_type)

    return app
