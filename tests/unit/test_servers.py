"""What a WSGI environment tells of the server's sockets."""

import sys
from io import BytesIO
from types import SimpleNamespace

import pytest
from flask import Flask, request
from werkzeug.test import EnvironBuilder

from viraljs.servers import (
    SOCKETS_ELSEWHERE,
    SOCKETS_IN_THREADS,
    find_lack,
    gives_socket,
    is_test_client,
    most_sockets,
)

WERKZEUG = {"SERVER_SOFTWARE": "Werkzeug/3.1", "werkzeug.socket": object(), "wsgi.multithread": True}
GTHREAD = {"SERVER_SOFTWARE": "gunicorn/27", "gunicorn.socket": object(), "wsgi.multithread": True}
ONE_BY_ONE = {"SERVER_SOFTWARE": "gunicorn/27", "gunicorn.socket": object(), "wsgi.multithread": False}
WAITRESS = {"SERVER_SOFTWARE": "waitress", "wsgi.multithread": True}
UVICORN = {"wsgi.multithread": True, "wsgi.input": BytesIO()}
RAW = SimpleNamespace(raw=object())


def patch(monkeypatch, name, function, *, patched):
    module = SimpleNamespace(**{function: lambda _: patched})
    monkeypatch.setitem(sys.modules, name, module)


@pytest.fixture(autouse=True)
def _unpatched(monkeypatch):
    patch(monkeypatch, "gevent.monkey", "is_module_patched", patched=False)


@pytest.mark.parametrize(
    ("environ", "patched", "expected"),
    [
        (WERKZEUG, False, SOCKETS_ELSEWHERE),
        (GTHREAD, False, SOCKETS_IN_THREADS),
        (GTHREAD, True, SOCKETS_ELSEWHERE),
        (ONE_BY_ONE, True, SOCKETS_ELSEWHERE),
        (ONE_BY_ONE, False, 0),
    ],
    ids=["flask run", "gthread", "gevent", "gevent says no threads", "sync"],
)
def test_how_many_sockets_a_process_takes_depends_on_what_one_costs_there(monkeypatch, environ, patched, expected):
    patch(monkeypatch, "gevent.monkey", "is_module_patched", patched=patched)

    assert most_sockets(environ) == expected


def test_eventlet_is_as_good_as_gevent(monkeypatch):
    patch(monkeypatch, "eventlet.patcher", "is_monkey_patched", patched=True)

    assert find_lack({"eventlet.input": object(), "wsgi.multithread": False}) is None


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (WERKZEUG, True),
        (GTHREAD, True),
        ({"eventlet.input": object()}, True),
        ({"SERVER_SOFTWARE": "gevent/26.9", "wsgi.input": RAW}, True),
        ({"SERVER_SOFTWARE": "gevent/26.9", "wsgi.input": SimpleNamespace(rfile=RAW)}, True),
        ({"SERVER_SOFTWARE": "gevent/26.9", "wsgi.input": BytesIO()}, False),
        ({"SERVER_SOFTWARE": "gevent/26.9"}, False),
        ({"SERVER_SOFTWARE": "another", "wsgi.input": RAW}, False),
        ({"gunicorn.socket": None}, False),
        (WAITRESS, False),
        (UVICORN, False),
        ({}, False),
    ],
)
def test_a_socket_is_there_where_simple_websocket_finds_it(environ, expected):
    assert gives_socket(environ) == expected


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        (WAITRESS, ["waitress", "gunicorn", "gevent", "threads"]),
        (UVICORN, ["this server", "gunicorn", "gevent"]),
        (ONE_BY_ONE, ["one request at a time", "gevent", "threads"]),
    ],
)
def test_what_a_server_lacks_is_said_with_what_to_run_instead(environ, words):
    lack = find_lack(environ)

    assert lack is not None
    assert all(word in lack for word in words)


@pytest.mark.parametrize("environ", [WERKZEUG, GTHREAD, EnvironBuilder().get_environ()])
def test_a_server_that_lacks_nothing_and_the_test_client_are_let_be(environ):
    assert find_lack(environ) is None


def test_the_test_client_is_known_whatever_it_asks():
    seen = []
    app = Flask("tested")

    @app.post("/")
    def view():
        seen.append(is_test_client(request.environ))
        return ""

    app.test_client().post("/", json={}, headers={"User-Agent": "Chrome/156"}, environ_base={"REMOTE_ADDR": "::1"})
    with app.test_client() as client:
        client.post("/", data={"file": (BytesIO(b"x"), "x.js")})
    assert seen == [True, True]
    assert not any(map(is_test_client, (WERKZEUG, GTHREAD, WAITRESS, UVICORN)))
