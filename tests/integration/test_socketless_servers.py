"""Servers on which nobody can seed: a site goes on as without ViralJS, and the log says what to run instead."""

import re
from pathlib import Path

import pytest
from websocket import WebSocketBadStatusException, create_connection

from tests.support.servers import SOCKETLESS, serve
from tests.support.signaling import get, post
from tests.support.visits import PAGE

APP = """
from flask import Flask, render_template_string
from viraljs import ViralJS

app = Flask("socketless")
app.secret_key = "for tests"
viral = ViralJS(app)
BUNDLE = b"//" + b"x" * 3_000_000


@app.get("/app.js")
@viral.bundle
def bundle():
    return BUNDLE


@app.get("/second.js")
@viral.bundle
def second():
    return BUNDLE


@app.get("/")
def page():
    return render_template_string("{{ viral_script('/app.js') }}{{ viral_script('/second.js') }}")
"""


@pytest.fixture(scope="module", params=SOCKETLESS)
def server(request, tmp_path_factory):
    """The address of a server, and its log; the log must tell of no error when all is over."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "socketless.py").write_text(APP)
    log = folder / "server.log"
    root = str(Path(__file__).parents[2])
    with serve(request.param, folder / "socketless.py", {"PYTHONPATH": root}, log) as url:
        yield request.param, url, log
    assert "Traceback" not in log.read_text()


def test_each_visitor_gets_the_plain_bundle_and_the_log_says_once_what_to_run_instead(server):
    kind, url, log = server
    for _ in range(3):
        tags = get(f"{url}/", PAGE)[0].decode()
        assert re.findall(r'src="([^"]*)"', tags) == ["/app.js", "/second.js"]
        for path in ("/app.js", "/second.js", "/second.js?viraljs=behind"):
            body, headers = get(url + path)
            assert {name.lower(): value for name, value in headers.items()}[
                "viraljs-delivery"
            ] == "untouched; reason=no-sockets"
            assert body == b"//" + b"x" * 3_000_000

    (line,) = [line for line in log.read_text().splitlines() if "gunicorn's gevent worker" in line]
    assert {"waitress": "waitress does not", "uvicorn": "does not hand", "sync": "one request at a time"}[kind] in line


def test_a_handshake_is_refused_without_a_trace_in_the_log(server):
    kind, url, _ = server
    if kind == "sync":
        pytest.skip("gunicorn hands its socket over, and the seeder is told that there is no room")

    with pytest.raises(WebSocketBadStatusException):
        create_connection(f"{url.replace('http', 'ws')}/viraljs/socket", origin=url)


def test_reports_and_offers_of_tickets_that_never_were_are_refused(server):
    _, url, _ = server

    assert post(f"{url}/viraljs/offers", {"ticket": "t", "offers": []})[0] == 400
