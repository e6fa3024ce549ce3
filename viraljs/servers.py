"""What the server and the layers around an app leave to it: sockets and static files. Pure.

A seeder needs a WebSocket that stays open, and WSGI (PEP 3333) knows of none. A request's environment tells: some
servers hand the connection's socket over in a key of their own, which is what simple-websocket looks for; others keep
it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

SOCKETS_IN_THREADS = 4
SOCKETS_ELSEWHERE = 800
"""Below the 1,000 connections that a gevent worker of gunicorn takes by default: pages need some, too."""

GUNICORN = "gunicorn.socket"
SOCKET_KEYS = ("werkzeug.socket", GUNICORN, "eventlet.input")
COOPERATIVE = (
    ("gevent.monkey", "is_module_patched", "threading"),
    ("eventlet.patcher", "is_monkey_patched", "thread"),
)
"""Modules, and the functions in them that say whether threads are light ones, of which a process can have thousands."""

LAYERS = ("application", "app", "wsgi_app")
"""What middleware calls that which it wraps."""
MOST_LAYERS = 32

INSTEAD = "run the app with gunicorn's gevent worker, or with its threads"


def most_sockets(environ: Mapping[str, Any]) -> int:
    """Give the limit: where a socket holds a worker's thread, an idle seeder must not keep a page from its bytes."""
    if not environ.get("wsgi.multithread", True) and not is_cooperative():
        return 0
    return SOCKETS_IN_THREADS if GUNICORN in environ and not is_cooperative() else SOCKETS_ELSEWHERE


def find_lack(environ: Mapping[str, Any]) -> str | None:
    """Say why no seeder can connect here, and what to do about it; None where they can."""
    if is_test_client(environ):
        return None
    if not gives_socket(environ):
        name = environ.get("SERVER_SOFTWARE") or "this server"
        return f"{name} does not hand its sockets to the app, which seeders need; {INSTEAD}"
    if most_sockets(environ) == 0:
        return f"this server's worker handles one request at a time, so that a seeder would hold it; {INSTEAD}"
    return None


def gives_socket(environ: Mapping[str, Any]) -> bool:
    """Say whether simple-websocket would find the request's socket."""
    if any(environ.get(key) is not None for key in SOCKET_KEYS):
        return True
    if not str(environ.get("SERVER_SOFTWARE", "")).startswith("gevent"):
        return False
    body = environ.get("wsgi.input")
    return hasattr(body, "raw") or hasattr(getattr(body, "rfile", None), "raw")


def is_behind_whitenoise(wsgi_app: object) -> bool:
    """Say whether WhiteNoise stands before an app: it gives files without asking the app.

    Args:
        wsgi_app: what a server calls, with all that has been wrapped around the app.
    """
    for _ in range(MOST_LAYERS):
        if type(wsgi_app).__module__.partition(".")[0] == "whitenoise":
            return True
        wsgi_app = next((inner for name in LAYERS if (inner := getattr(wsgi_app, name, None)) is not None), None)
    return False


def is_test_client(environ: Mapping[str, Any]) -> bool:
    """Say whether no server asks but Werkzeug's test client, in which an app is to do what it does in earnest.

    It names both forms of the raw URI, and no server.
    """
    return "SERVER_SOFTWARE" not in environ and "RAW_URI" in environ and "REQUEST_URI" in environ


def is_cooperative() -> bool:
    """Say whether this process runs on gevent or eventlet, and its threads are theirs."""
    return any(
        name in sys.modules and getattr(sys.modules[name], function)(threads) for name, function, threads in COOPERATIVE
    )
