"""The same words under each server that ViralJS promises to run on: `flask run`, gunicorn with threads, with gevent."""

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.background import Background
from tests.support.one_bundle import DATA, TEXT
from tests.support.servers import KINDS, serve
from tests.support.signaling import CANDIDATE, SDP, ScriptedSeeder, get, get_island, offer_to, post
from tests.support.until import until
from tests.support.visits import digest_of
from viraljs.servers import SOCKETS_IN_THREADS

APP = Path(__file__).parents[1] / "support" / "one_bundle.py"


@pytest.fixture(scope="module", params=KINDS)
def server(request, tmp_path_factory):
    """A server's kind, address and log; the log must tell of no error when all is over."""
    log = tmp_path_factory.mktemp(request.param) / "server.log"
    with serve(request.param, APP, log=log) as url:
        yield request.param, url
    assert "Traceback" not in log.read_text()


@pytest.fixture
def url(server):
    return server[1]


@pytest.fixture
def connect(url):
    """Connects seeders, and waits at the end until the server has noticed that they are gone."""
    with ExitStack() as stack:

        def connect():
            seeder = stack.enter_context(ScriptedSeeder(url))
            seeder.welcome()
            return seeder

        yield connect
    until(lambda: {kind_of(f"{url}/{name}") for name in ("text.js", "file.js")} == {"full"}, "the end of all seeders")


def kind_of(url):
    return get(url)[1]["ViralJS-Delivery"]


def joined(url, connect, name):
    """Connect a seeder of a bundle, and wait until it is one."""
    _, island = get_island(f"{url}/{name}")
    seeder = connect()
    seeder.announce(island["digest"], island["proof"])
    until(lambda: kind_of(f"{url}/{name}") == "thin", "a thin response")
    return seeder


@pytest.mark.parametrize(("name", "data"), [("text.js", TEXT), ("file.js", DATA)])
def test_a_whole_introduction(url, connect, name, data):
    body, headers = get(f"{url}/{name}")
    assert headers["ViralJS-Delivery"] == "full"
    assert body.startswith(data + b"\n;")
    assert int(headers["Content-Length"]) == len(body)

    seeder = joined(url, connect, name)
    kind, island = get_island(f"{url}/{name}")
    assert (kind, island["digest"]) == ("thin", digest_of(data))

    reply = Background(post, f"{url}/viraljs/offers", {"ticket": island["ticket"], "offers": offer_to(seeder.name)})
    offer = seeder.hear()
    seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)
    assert reply.result() == (200, {"signals": [{"type": "answer", "exchange": offer["exchange"], "sdp": SDP}]})

    message = {"ticket": island["ticket"], "seeder": seeder.name, "candidates": [CANDIDATE]}
    late = Background(post, f"{url}/viraljs/candidates", message)
    words = {"type": "candidates", "exchange": offer["exchange"], "candidates": [CANDIDATE]}
    assert seeder.hear() == words
    seeder.say(**words)
    assert late.result() == (200, {"signals": [words]})

    seeder.say(type="done", exchange=offer["exchange"])
    report = {
        "ticket": island["ticket"],
        "source": "peers",
        "bytesFromPeers": len(data),
        "bytesFromServer": 0,
        "bytesFromCache": 0,
        "milliseconds": 5,
        "uploads": [{"seeder": seeder.name, "bytes": len(data), "milliseconds": 5, "failure": None}],
    }
    assert post(f"{url}/viraljs/report", report)[0] == 204
    figures = json.loads(get(f"{url}/viraljs/stats.json")[0])["bundles"][digest_of(data)]
    assert figures["delivered_bytes_from_peers"] == len(data)


def test_a_part_of_a_file(url):
    body, headers = get(f"{url}/file.js?viraljs=direct", {"Range": "bytes=8-23"})

    assert body == b"file();\nfile();\n"
    assert headers["Content-Range"] == f"bytes 8-23/{len(DATA)}"


def test_plain_bytes_at_their_own_path(url):
    _, island = get_island(f"{url}/file.js")
    body, headers = get(url + island["direct"], {"Range": "bytes=8-23"})

    assert body == b"file();\nfile();\n"
    assert headers["Content-Range"] == f"bytes 8-23/{len(DATA)}"


@pytest.mark.parametrize(
    ("message", "code", "said"),
    [
        ("{", 4400, "message must be JSON"),
        (b"\x00", 4400, "a signaling message must be text, not binary"),
        (json.dumps({"type": "done", "exchange": "r.s"}), 4403, "this exchange is not one of yours"),
        (" " * 65_537, 1009, "Message is too big"),
    ],
    ids=["malformed", "binary", "foreign", "oversized"],
)
def test_the_close_code_and_the_reason_reach_a_bad_peer_and_the_others_go_on(url, connect, message, code, said):
    good, bad = joined(url, connect, "text.js"), connect()
    bad.say_raw(message)

    assert bad.closing() == (code, said)
    _, island = get_island(f"{url}/text.js")
    reply = Background(post, f"{url}/viraljs/offers", {"ticket": island["ticket"], "offers": offer_to(good.name)})
    good.say(type="refuse", exchange=good.hear()["exchange"], reason="busy")
    assert reply.result()[0] == 200


@pytest.mark.parametrize("how", ["close", "break off"])
def test_a_seeder_that_leaves_is_gone(url, connect, how):
    seeder = joined(url, connect, "text.js")
    _, island = get_island(f"{url}/text.js")
    if how == "close":
        seeder.__exit__()
    else:
        seeder.break_off()
    until(lambda: kind_of(f"{url}/text.js") == "full", "a full response")

    status, answer = post(f"{url}/viraljs/offers", {"ticket": island["ticket"], "offers": offer_to(seeder.name)})

    assert (status, [signal["type"] for signal in answer["signals"]]) == (200, ["gone"])


def test_idle_seeders_do_not_keep_a_page_from_its_bytes(server, connect):
    kind, url = server
    for _ in range(SOCKETS_IN_THREADS):
        connect()

    if kind == "gthread":
        with ScriptedSeeder(url) as late:
            assert late.closing()[0] == 4503
    else:
        connect()
    assert get(f"{url}/text.js")[0].startswith(TEXT)


def test_a_foreign_page_is_refused(url):
    assert post(f"{url}/viraljs/offers", {}, origin="https://evil.example")[0] == 403
