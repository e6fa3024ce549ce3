"""Finds out which hook of an app makes its bundles personal, and has the log say so with the line that mends it.

Where more than one hook may have done it, the first personal response of an endpoint is only noted. In the next one
Flask's calls of hooks and views are watched, at the one place that all of them pass: `Flask.ensure_sync`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, wraps
from itertools import chain
from threading import Lock
from typing import Any, NamedTuple

from flask import Flask, g, has_request_context, request, request_started
from flask.globals import request_ctx
from werkzeug.http import parse_set_header
from werkzeug.wrappers import Response

from .personal import session_sets_cookie, session_was_changed, session_was_read

WATCH = "viraljs_watch"
"""The attribute of `g` that holds what has been seen in a request that is watched."""

COOKIE, CHANGED, VARY_COOKIE, READ, VARY_OTHER = (
    "sets a cookie",
    "changes the session, so that Flask sets its cookie",
    "adds Vary: Cookie",
    "reads the session, so that Flask adds Vary: Cookie",
    "puts Authorization or * into Vary",
)
"""What a hook may do, as the log says it."""
MARKS = {"set-cookie": (COOKIE, CHANGED), "vary": (VARY_COOKIE, READ, VARY_OTHER)}
"""By the reason that comes of it."""
REFRESH = (
    "the session is permanent, so that Flask sends its cookie with each response, unless"
    " SESSION_REFRESH_EACH_REQUEST is False"
)
UNSEEN = "something that runs before all hooks, such as a session interface or a URL converter,"
PLACEHOLDER = re.compile(r"<[^>]*>")


class _Culprit(NamedTuple):
    name: str
    is_view: bool = False


@dataclass
class _Watch:
    """What is seen in one request: who was first to leave each mark."""

    culprits: dict[str, _Culprit] = field(default_factory=dict)
    in_view: bool = False


class Diagnosis:
    """What is known of one app's personal responses."""

    def __init__(self, app: Flask, warn: Callable[[str], None]) -> None:
        """Prepare to find out.

        Args:
            app: the app.
            warn: writes into its log.
        """
        self._app = app
        self._warn = warn
        self._lock = Lock()
        self._told: set[str] = set()
        self._pending: set[str] = set()
        """Endpoints whose next personal response shows who made it one."""
        self._watching: Callable[..., Any] | None = None
        """What stands for `app.ensure_sync` meanwhile."""
        self._original: Any = None

    def explain(self, response: Response, reason: str, *, late: bool) -> None:
        """Look for who made the current response personal, and tell the log once for each endpoint.

        Args:
            response: after all hooks.
            reason: `"set-cookie"` or `"vary"`.
            late: hooks that ran after the view did it.
        """
        endpoint = request.endpoint or ""
        watch: _Watch | None = g.pop(WATCH, None)
        if endpoint in self._told:
            return
        found = self._find(response, reason, watch, late=late)
        with self._lock:
            if found is None:
                self._pending.add(endpoint)
                self._start_watching()
                return
            is_news = endpoint not in self._told
            self._told.add(endpoint)
            self._pending.discard(endpoint)
            if not self._pending:
                self._stop_watching()
        if is_news:
            self._warn(f"{_rule()} is left alone (untouched; reason={reason}): {found}")

    def _find(self, response: Response, reason: str, watch: _Watch | None, *, late: bool) -> str | None:
        """Return what to tell the log, None where another request may show more."""
        marks = _marks(response)
        if reason == "set-cookie" and not marks & {COOKIE, CHANGED} and session_sets_cookie():
            return f"{REFRESH}; {_remedy()}"
        mark = next((mark for mark in MARKS[reason] if mark in marks), None)
        if mark is None:
            return f"a hook that can't be named did it; {_remedy()}"
        if watch is None:
            hooks = self._late_hooks() if late else []
            if len(hooks) != 1:
                return None
            watch = _Watch({mark: _Culprit(_name(hooks[0]))})
        name, is_view = watch.culprits.get(mark, _Culprit("a hook that can't be named"))
        if mark == VARY_OTHER or (is_view and mark != READ):
            return f"{name} {mark}; a bundle that is the same for everybody needs none of that"
        return f"{name} {mark}; {_remedy()}"

    def _late_hooks(self) -> list[Callable[..., Any]]:
        """Return the app's hooks that run after the view of the current request."""
        context: Any = request_ctx._get_current_object()  # type: ignore[attr-defined]
        registered = self._app.after_request_funcs
        hooks = chain(
            getattr(context, "_after_request_functions", ()),
            *(registered.get(name, ()) for name in (*request.blueprints, None)),
        )
        return [hook for hook in hooks if not _name(hook).startswith(f"{__package__}.")]

    # Watching ----------------------------------------------------------------------------------------

    def _start_watching(self) -> None:
        if self._watching is not None:
            return
        run_as_sync = self._app.ensure_sync

        @wraps(run_as_sync)
        def ensure_sync(function: Callable[..., Any]) -> Callable[..., Any]:
            run = run_as_sync(function)

            @wraps(run)
            def watched(*args: Any, **kwargs: Any) -> Any:
                if not has_request_context() or WATCH not in g:
                    return run(*args, **kwargs)
                return self._run(function, partial(run, *args, **kwargs), args[0] if args else None)

            return watched

        self._original = vars(self._app).get("ensure_sync")
        self._watching = ensure_sync
        setattr(self._app, "ensure_sync", ensure_sync)  # noqa: B010 - mypy lets nobody assign to a method
        request_started.connect(self._begin, self._app)

    def _stop_watching(self) -> None:
        if self._watching is None:
            return
        request_started.disconnect(self._begin, self._app)
        # Somebody may have put another one there meanwhile; then ours stays beneath it, and does nothing.
        if vars(self._app).get("ensure_sync") is self._watching:
            del self._app.ensure_sync
            if self._original is not None:
                setattr(self._app, "ensure_sync", self._original)  # noqa: B010 - as above
        self._watching = self._original = None

    def _begin(self, _sender: Flask, **_: Any) -> None:
        g.pop(WATCH, None)  # an open app context keeps that of the last request
        if request.endpoint in self._pending:
            setattr(g, WATCH, _Watch({mark: _Culprit(UNSEEN) for mark in _marks(None)}))

    def _run(self, function: Callable[..., Any], run: Callable[[], Any], argument: Any) -> Any:
        """Run a hook or a view, and note the marks that it left."""
        watch: _Watch = getattr(g, WATCH)
        is_outermost_view = function is self._app.view_functions.get(request.endpoint or "")
        watch.in_view |= is_outermost_view
        before = _marks(argument)
        value = run()
        after = _marks(value if isinstance(value, Response) else argument)
        name = f"the view {_name(function)}" if watch.in_view else _name(function)
        for mark in after - before:
            watch.culprits.setdefault(mark, _Culprit(name, watch.in_view))
        for mark in {READ, CHANGED} - after:
            watch.culprits.pop(mark, None)  # whoever ran it has undone what it did to the session
        watch.in_view &= not is_outermost_view
        return value


def _marks(response: Any) -> set[str]:
    """Return what makes the current response personal by now.

    Args:
        response: of which that may be said; anything else has no headers.
    """
    headers = response.headers if isinstance(response, Response) else None
    lines = headers.getlist("Vary") if headers is not None else []
    named = {name.lower() for name in parse_set_header(", ".join(lines))}
    holds = (
        (READ, session_was_read()),
        (CHANGED, session_was_changed()),
        (COOKIE, headers is not None and "Set-Cookie" in headers),
        (VARY_COOKIE, "cookie" in named),
        (VARY_OTHER, bool({"authorization", "*"} & named)),
    )
    return {mark for mark, is_so in holds if is_so}


def _name(function: Any) -> str:
    """Return the dotted name of a hook: module and function, or the class of an object that is called."""
    while isinstance(function, partial):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return f"{named.__module__}.{named.__qualname__}"


def _rule() -> str:
    return request.url_rule.rule if request.url_rule is not None else request.path


def _remedy() -> str:
    """Return the line that mends it."""
    is_static = (request.endpoint or "").rpartition(".")[2] == "static"
    line = f'VIRALJS_PUBLIC = ["{PLACEHOLDER.sub("*", _rule())}"]' if is_static else "@viral.bundle(public=True)"
    return f"if these bytes are the same for everybody, say so: {line}"
