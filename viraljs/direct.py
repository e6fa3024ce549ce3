"""The address of a bundle's plain bytes, `<prefix>/direct/<mark>/<path of the bundle>`, and the way back to its view.

`?viraljs=direct` says the same, but some caches ignore the query, and then answer with what they have of the bundle's
own URL: a thin client, which asks for the plain bytes, and so on without end. The mark is a signature of the bundle's
URL. Without it anybody could reach, by this detour, a path that a proxy or a middleware protects by its name. It stays
the same over time, so that caches and browsers may keep what they got.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import Response, abort, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from .facts import DIRECT_MARK, bundle_url, write_url
from .rendering import DIRECT, PARAMETER
from .state import State, current_state

RAW_URLS = ("REQUEST_URI", "RAW_URI")
"""Where servers tell the URL as it was sent; Werkzeug and gunicorn do."""


def direct_path(state: State, url: str) -> str | None:
    """Return path and query of the plain bytes of a bundle, for the host of the current request.

    None where the app signs with a key that only this process knows: another one would not find the bytes there.

    Args:
        state: the app's.
        url: path and query of the bundle (`bundle_url`).
    """
    if not state.has_secret:
        return None
    mount = write_url(request.root_path, b"").rstrip("/")
    prefix = quote(state.settings.url_prefix)
    return f"{mount}{prefix}/direct/{state.tickets.mark_direct(url, request.host)}{url.removeprefix(mount)}"


def lead_back(request_context: Callable[[dict[str, Any]], Any], url_prefix: str) -> Callable[[dict[str, Any]], Any]:
    """Wrap `Flask.request_context`, so that a request for plain bytes becomes one for the bundle, with its mark noted.

    Not `Flask.wsgi_app`: what wraps that may take a part of the path away, and may have come before or after us.

    Args:
        request_context: the app's.
        url_prefix: that of the blueprint, such as `"/viraljs"`.
    """
    # WSGI has the bytes of a path as Latin-1 (PEP 3333).
    folder = f"{url_prefix}/direct/".encode().decode("latin-1")

    def led_back(environ: dict[str, Any]) -> Any:
        path: str = environ.get("PATH_INFO", "")
        mark, slash, rest = path.removeprefix(folder).partition("/") if path.startswith(folder) else ("", "", "")
        if not slash:
            return request_context(environ)
        detour = f"{folder}{mark}"
        # A copy: those around the app go on seeing what was asked for.
        found = {**environ, "PATH_INFO": slash + rest, DIRECT_MARK: mark}
        for name in RAW_URLS:
            if name in environ:
                found[name] = environ[name].replace(quote(detour, encoding="latin-1"), "", 1)
        return request_context(found)

    return led_back


def check_mark() -> BaseResponse | None:
    """Run before every other `before_request` hook: a request for plain bytes without a mark of ours goes no further.

    The mark of another host or of an older key is sent to the bundle's own URL, and so past whatever guards that. A
    tag with `integrity` has no client that could find the way by itself.
    """
    mark = request.environ.get(DIRECT_MARK)
    if mark is None:
        return None
    url = bundle_url()
    if request.method not in ("GET", "HEAD"):
        abort(404)
    if current_state().tickets.check_direct(mark, url, request.host):
        return None
    return redirect(f"{url}{'&' if '?' in url else '?'}{PARAMETER}={DIRECT}")


def not_a_bundle(response: Response) -> Response:
    """Return what stands in place of a response that a view gave by this detour, though it is not decorated."""
    response.close()
    return Response("Not Found", 404, mimetype="text/plain")
