"""The client of the last release, built, in place of today's: in a bundle's response, or under its own URL."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Response

from tests.support.site import Site
from viraljs.rendering import VERSION_CHARACTERS

FOLDER = Path(__file__).parents[1] / "last_release"
TODAY = Path(__file__).parents[2] / "viraljs" / "static"
VERSION = sha256(b"".join(file.read_bytes() for file in sorted(FOLDER.glob("*.js")))).hexdigest()[:VERSION_CHARACTERS]
"""What its clients call it, in the URLs that they ask."""

Answer = Literal["its own", "today's", "none"]


class LastRelease:
    """A site, some of whose bundles come with the last release's client, as from caches or from before a deployment.

    Args:
        site: running.
        paths: of the bundles that do.
        answer: what the server has under the URLs of that client's further scripts.
    """

    def __init__(self, site: Site, paths: Iterable[str], answer: Answer) -> None:
        self.paths = set(paths)
        self.answer = answer
        self.asked: list[str] = []
        """Scripts of that client that pages have asked for."""
        self._today = f"client/{site.state.renderer.version}"
        self._app = site.app.wsgi_app
        site.app.wsgi_app = self  # type: ignore[method-assign]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request, as WSGI has it."""
        path = environ["PATH_INFO"]
        if path in self.paths:
            return self._exchanged(environ)(environ, start_response)
        if f"client/{VERSION}/" in path:
            return self._script(path)(environ, start_response)
        return self._app(environ, start_response)

    def _script(self, path: str) -> Response:
        name = path.rsplit("/", 1)[1]
        self.asked.append(name)
        if self.answer == "none":
            return Response("no such version", 404)
        folder = TODAY if self.answer == "today's" else FOLDER
        return Response((folder / name).read_bytes(), mimetype="text/javascript")

    def _exchanged(self, environ: dict[str, Any]) -> Response:
        """Answer with the last release's client where today's is; the island says what it said then."""
        body, status, headers = run_wsgi_app(self._app, environ)
        data = b"".join(body)
        for name in ("thin.js", "addition.js", "start.js"):
            # In this form the templates of both have them.
            today, then = (b"{ " + (folder / name).read_bytes().strip() + b" })(" for folder in (TODAY, FOLDER))
            before, found, island = data.rpartition(today)
            if found:
                data = before + then + island.replace(self._today.encode(), f"client/{VERSION}".encode())
                headers.set("Content-Length", len(data))
        return Response(data, status, headers)
