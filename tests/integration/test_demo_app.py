"""The demo: its page answers, its figures add up from ViralJS's signals, and its tour of browsers tells the story."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from flask import Flask

from demo_app import create_app
from demo_app.swarm import PAGE_COOKIE, Swarm
from demo_app.wording import delivery_line, summary
from viraljs import signals
from viraljs.messages import Report, Upload

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "demo_app"]
SIZE = 4_800_000
ADDITION = 3_000
THIN = 11_000
DIGEST = "0" * 64
TOUR_SECONDS = 240
SCRIPT_REQUEST = {"Sec-Fetch-Dest": "script", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Site": "same-origin"}


class Visits:
    """Sends the signals that ViralJS sends, for an app with a swarm."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.swarm = Swarm(SIZE, lambda visitor: self.lines.append(delivery_line(visitor)))
        self.app = Flask(__name__)
        self.swarm.listen(self.app)

    def on(self, page):
        return self.app.test_request_context(headers={"Cookie": f"{PAGE_COOKIE}={page}"})

    def respond(self, page, kind, size, reason=None):
        with self.on(page):
            signals.response_decided.send(self.app, url="/b.js", digest=DIGEST, kind=kind, reason=reason, size=size)

    def report(self, page, recipient, from_server=0, **given):
        uploads = tuple(Upload(seeder, count, 500, None) for seeder, count in given.items())
        peers = sum(given.values())
        with self.on(page):
            signals.delivery_reported.send(
                self.app,
                report=Report("ticket", "peers", peers, from_server, 0, 840, uploads),
                recipient=recipient,
                digest=DIGEST,
            )

    def join(self, page, peer):
        with self.on(page):
            signals.seeder_joined.send(self.app, peer=peer, digest=DIGEST)

    def leave(self, peer):
        signals.seeder_left.send(self.app, peer=peer, digest=DIGEST)

    def first(self, page="p1", peer="A"):
        """Let a first visitor come, get a full response, and seed."""
        self.respond(page, "full", SIZE + ADDITION)
        self.swarm.told(page, 210)
        self.join(page, peer)


@pytest.fixture
def visits():
    return Visits()


def test_three_visitors_add_up(visits):
    visits.first()
    visits.respond("p2", "thin", THIN)
    visits.report("p2", "B", A=SIZE)
    visits.join("p2", "B")
    visits.respond("p3", "thin", THIN)
    visits.report("p3", "C", A=SIZE // 2, B=SIZE // 2)
    visits.join("p3", "C")

    swarm = visits.swarm.snapshot("p3")
    assert (swarm["size"], swarm["you"]) == (SIZE, 3)
    assert swarm["sent"] == SIZE + ADDITION + 2 * THIN
    assert swarm["sent"] + swarm["saved"] == 3 * SIZE
    assert [visitor["fromPeers"] for visitor in swarm["visitors"]] == [
        [],
        [{"visitor": 1, "bytes": SIZE}],
        [{"visitor": 1, "bytes": SIZE // 2}, {"visitor": 2, "bytes": SIZE // 2}],
    ]
    assert [visitor["fromServer"] for visitor in swarm["visitors"]] == [SIZE, 0, 0]
    assert {visitor["state"] for visitor in swarm["visitors"]} == {"seeding"}
    assert [" ".join(line.split()) for line in visits.lines] == [
        "visitor 1 4.80 MB from the server in 0.21 s origin sent 4.80 MB (full)",
        "visitor 2 4.80 MB from 1 peer in 0.84 s origin sent 11.0 kB (thin)",
        "visitor 3 4.80 MB from 2 peers in 0.84 s origin sent 11.0 kB (thin)",
    ]
    text = summary(visits.swarm)
    assert "4.83 MB in all (4,825,000 bytes), where plain HTTP sends 14.40 MB: 9.57 MB saved, 66.5%" in text
    assert re.search(r"visitor 2 +-> visitor 3  2\.40 MB", text)


def test_what_a_thin_client_asks_of_the_server_belongs_to_its_visit(visits):
    visits.first()
    visits.respond("p2", "thin", THIN)
    visits.respond("p2", "untouched", 1_000_000, "direct")
    visits.report("p2", "B", from_server=1_000_000, A=SIZE - 1_000_000)

    assert len(visits.swarm.visitors()) == 2
    assert visits.swarm.snapshot()["visitors"][1]["originBytes"] == THIN + 1_000_000
    assert "3.80 MB from 1 peer, 1.00 MB from the server in 0.84 s" in visits.lines[1]
    assert visits.lines[1].endswith("(thin, then direct)")


def test_a_copy_from_the_browsers_cache_is_not_counted_as_saved(visits):
    visits.first()
    saved = visits.swarm.snapshot()["saved"]
    visits.respond("p2", "untouched", 0, "not-modified")
    visits.swarm.told("p2", 40)

    assert visits.swarm.snapshot()["saved"] == saved
    assert "from its cache in 0.04 s" in visits.lines[1]


def test_a_browser_that_is_left_alone_is_a_visitor_all_the_same(visits):
    visits.respond("p1", "untouched", SIZE, "save-data")
    visits.swarm.told("p1", 300)

    [visitor] = visits.swarm.snapshot()["visitors"]
    assert (visitor["kind"], visitor["fromServer"], visitor["state"]) == ("save-data", SIZE, "here")


def test_who_has_asked_but_not_arrived_is_no_visitor_yet(visits):
    visits.respond("p1", "full", SIZE + ADDITION)
    assert visits.swarm.snapshot("p1") == {
        "size": SIZE,
        "you": None,
        "sent": SIZE + ADDITION,
        "plain": 0,
        "saved": 0,
        "visitors": [],
    }


def test_a_seeder_that_closes_its_page_has_left(visits):
    visits.first()
    visits.leave("A")
    assert visits.swarm.snapshot()["visitors"][0]["state"] == "left"
    visits.join("p1", "another id after a reconnect")
    assert [visitor["state"] for visitor in visits.swarm.snapshot()["visitors"]] == ["seeding"]


def test_another_apps_signals_are_not_heard(visits):
    signals.response_decided.send(Flask("other"), url="/", digest=DIGEST, kind="full", reason=None, size=SIZE)
    assert visits.swarm.sent == 0


def test_the_page_answers_with_its_bundle_and_its_dependents():
    client = create_app().test_client()
    response = client.get("/")
    assert response.status_code == 200
    assert '<script defer src="/plotly.min.js" data-viraljs>' in response.text
    assert "dependents.js" in response.text
    assert PAGE_COOKIE in response.headers["Set-Cookie"]
    with client.get("/plotly.min.js", headers=SCRIPT_REQUEST) as bundle:
        assert bundle.headers["ViralJS-Delivery"] == "full"
    assert client.post("/arrived", json={"milliseconds": 1_200}).status_code == 204
    token = re.search(r"page=([\w-]+)", response.text)
    assert token
    swarm = client.get(f"/swarm.json?page={token[1]}").get_json()
    assert (swarm["you"], swarm["visitors"][0]["milliseconds"]) == (1, 1_200)


@pytest.mark.parametrize("milliseconds", [None, -1, "12", 10**9])
def test_a_time_that_is_none_is_refused(milliseconds):
    assert create_app().test_client().post("/arrived", json={"milliseconds": milliseconds}).status_code == 400


def test_ctrl_c_ends_the_demo_cleanly():
    with subprocess.Popen(DEMO, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout
        assert demo.stdout.readline().startswith("ViralJS demo: http://127.0.0.1:")
        assert "Ctrl-C" in demo.stdout.readline()
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate(timeout=30)
    assert (demo.returncode, errors) == (0, "")


def test_a_missing_browser_is_one_clear_line(tmp_path):
    environment = os.environ | {"PATH": str(tmp_path)}
    done = subprocess.run(
        [*DEMO, "--browsers", "1"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "needs Chromium" in line
    assert "apt-get install chromium" in line


@pytest.mark.browser
def test_three_browsers_take_one_copy_from_the_origin(tmp_path):
    picture = tmp_path / "demo.png"
    command = [*DEMO, "--browsers", "3", "--screenshot", str(picture)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TOUR_SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if re.match(r"visitor \d  ", line)]
    assert len(lines) == 3, done.stdout
    assert "from the server in" in lines[0]
    assert lines[0].endswith("(thin, then direct)"), "the first streams a bundle of this size"
    assert all(re.search(r" from \d peers? ", line) and line.endswith("(thin)") for line in lines[1:]), done.stdout
    assert "3 visitors got 4.8" in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
