"""The visitor's session, as far as it makes a response personal: looked at without a trace, and set aside.

Flask adds `Vary: Cookie` to a response whose session was read, and a cookie where it was changed or is permanent. It
does so after all hooks (`Flask.process_response`), so it has to be foreseen here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from flask import current_app
from flask.globals import request_ctx
from flask.sessions import NullSession

T = TypeVar("T")


def session_was_read() -> bool:
    """Return whether Flask will add `Vary: Cookie`. A null session, which is nobody's, does not count."""
    session = _session()
    return bool(getattr(session, "accessed", False)) and not _is_null(session)


def session_was_changed() -> bool:
    """Return whether a hook or the view wrote to the session."""
    session = _session()
    return bool(getattr(session, "modified", False)) and not _is_null(session)


def session_sets_cookie() -> bool:
    """Return whether Flask will send the session's cookie, or delete it."""
    session = _session()
    if _is_null(session):
        return False
    accessed = getattr(session, "accessed", None)
    try:
        if not session:
            return bool(session.modified)  # Flask deletes the cookie of a session that was emptied
        return bool(current_app.session_interface.should_set_cookie(current_app, session))
    except AttributeError:
        # Flask itself asks nothing of a session, and an app's own interface may give what is none of its kind.
        return True
    finally:
        # It reads `session.permanent`, which marks the session as read: up to Flask 3.1.2, and in Flask-Session.
        _restore(session, accessed)


@contextmanager
def session_unread() -> Iterator[None]:
    """Let a hook of ours read the session without making the response one that varies by cookie."""
    accessed = getattr(_session(), "accessed", None)
    try:
        yield
    finally:
        _restore(_session(), accessed)


def run_and_note_writes(run: Callable[[], T]) -> tuple[T, bool]:
    """Run a view.

    Args:
        run: calls it.

    Returns:
        What the view returned, and whether it wrote to the session; what hooks wrote before does not count.
    """
    session = _session()
    modified = getattr(session, "modified", False)
    if modified:
        session.modified = False
    try:
        value = run()
        return value, bool(getattr(session, "modified", False)) and not _is_null(session)
    finally:
        if modified:
            session.modified = modified


def set_session_aside() -> bool:
    """Keep Flask from saving the session of this request, and from telling of it in the response's headers.

    Flask saves no null session. The one that takes the session's place has its contents, for what runs after this.

    Returns:
        Whether it could be done. An app's own session interface may save null sessions, too.
    """
    session, interface = _session(), current_app.session_interface
    if _is_null(session):
        return True
    substitute: NullSession = _SetAside(session)
    if not interface.is_null_session(substitute):
        substitute = interface.make_null_session(current_app)
    if not interface.is_null_session(substitute):
        return False
    context = request_ctx._get_current_object()  # type: ignore[attr-defined]
    setattr(context, _attribute(context), substitute)
    return True


class _SetAside(NullSession):
    """A copy of a session, to be read and written but not to be saved."""

    def __init__(self, session: Any) -> None:
        super().__init__(dict(session))
        vars(self).update(getattr(session, "__dict__", {}))  # such as the `sid` of Flask-Session's


for _method in ("__setitem__", "__delitem__", "clear", "pop", "popitem", "update", "setdefault"):
    setattr(_SetAside, _method, getattr(dict, _method))  # a null session refuses to be written to


def _session() -> Any:
    # Not `flask.session`: to look at that one is to read it, and Flask then adds `Vary: Cookie`.
    context = request_ctx._get_current_object()  # type: ignore[attr-defined]
    return vars(context)[_attribute(context)]


def _attribute(context: Any) -> str:
    # It got its underscore with Flask 3.1.3; to find neither is an error, lest something personal be shared.
    return "_session" if "_session" in vars(context) else "session"


def _is_null(session: Any) -> bool:
    return session is None or current_app.session_interface.is_null_session(session)


def _restore(session: Any, accessed: Any) -> None:
    if getattr(session, "accessed", None) != accessed:
        session.accessed = accessed
