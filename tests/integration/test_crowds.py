"""Many visitors at once: who gets a copy, who streams, and who is named to whom, with the settings as they come."""

from collections import Counter
from contextlib import ExitStack, suppress
from functools import partial
from random import Random
from threading import Barrier, BrokenBarrierError
from unittest.mock import Mock

import pytest

from tests.support.background import Background
from tests.support.clocks import Clock
from tests.support.servers import serve_here
from tests.support.signaling import SDP, ScriptedSeeder, get_island, offer_to, post
from tests.support.until import until
from tests.support.visits import (
    BUNDLE,
    add_seeder,
    delivery_of,
    digest_of,
    island_of,
    new_app,
    serve_bundle,
    state_of,
    visit,
)
from viraljs.config import KEYS
from viraljs.delivery import EXPECT_SECONDS, TICKET_SLOT_SECONDS
from viraljs.experience import Patience
from viraljs.hub import LocalHub
from viraljs.matching import MOST_PER_SOURCE
from viraljs.nearness import locate
from viraljs.registry import MemoryRegistry

DIGEST = digest_of(BUNDLE)
LARGE = b"/*" + b"x" * KEYS["STREAM_SIZE"].default + b"*/"
HERE = locate("127.0.0.1")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def start(clock):
    """Make an app with the defaults that `new_app` sets otherwise, whose registry and hub go by the test's clock."""

    def start(**config):
        defaults = {name: KEYS[name].default for name in ("CROWD_SECONDS", "STREAM_SIZE")}
        app = new_app(**{**defaults, "MAX_SOCKETS": 100, **config})
        state_of(app).registry = MemoryRegistry(clock, Random(0), 75.0, Patience(3, 600.0))
        state_of(app).hub = LocalHub(clock)
        serve_bundle(app, lambda: BUNDLE)
        serve_bundle(app, lambda: LARGE, "/large.js")
        return app

    return start


@pytest.fixture
def app(start):
    return start()


def thin(app, url="/app.js", **options):
    """Visit, and give the island of the thin response, with recipient and seeders out of its ticket."""
    response = visit(app, url, **options)
    assert delivery_of(response) == "thin"
    island = island_of(response.data)
    _, recipient, *seeders = island["ticket"].split(".")[0].split("~")
    return {**island, "recipient": recipient, "seeders": seeders}


def uploads(app, peer, digest=DIGEST):
    found = state_of(app).registry.candidates(digest, HERE, 16, slots=99)
    return next(one.uploads for one in found if one.peer == peer)


# Who gets a copy -------------------------------------------------------------------------------------


def test_of_a_crowd_one_gets_a_copy_one_streams_and_the_rest_get_it_from_each_other(app):
    assert delivery_of(visit(app)) == "full"
    second, third, fourth = (thin(app) for _ in range(3))

    assert (second["seeders"], second["stream"], second["early"]) == ([], 0, True)
    assert (third["seeders"], third.get("stream"), third["early"]) == ([second["recipient"]], None, True)
    assert set(fourth["seeders"]) == {second["recipient"], third["recipient"]}


def test_of_two_who_come_at_the_same_moment_one_streams_and_the_other_gets_it_from_that_one(start, monkeypatch):
    app = start()
    candidates = state_of(app).registry.candidates
    both = Barrier(2)

    def find(*given, **terms):
        found = candidates(*given, **terms)
        with suppress(BrokenBarrierError):
            both.wait(0.3)  # in vain, where one is not looking before the other is found
        return found

    monkeypatch.setattr(state_of(app).registry, "candidates", find)
    arriving = [Background(thin, app, "/large.js") for _ in range(2)]
    first, second = sorted((one.result() for one in arriving), key=lambda one: len(one["seeders"]))

    assert (first["seeders"], first["stream"]) == ([], 0)
    assert (second["seeders"], second.get("stream")) == ([first["recipient"]], None)


def test_a_crowd_is_over_after_its_seconds(app, clock):
    visit(app)
    clock.advance(KEYS["CROWD_SECONDS"].default)

    assert delivery_of(visit(app)) == "full"


def test_a_flash_crowd_on_one_seeder_gets_a_mix_and_overloads_nobody(start):
    app = start(MAX_SOCKETS=1_000)
    state_of(app).registry.announce("first", locate("203.0.113.9"), digest_of(LARGE))
    visits = [
        thin(app, "/large.js", environ_base={"REMOTE_ADDR": f"198.51.{number % 200}.{number // 200 + 1}"})
        for number in range(300)
    ]

    served = Counter(seeder for one in visits for seeder in one["seeders"])
    slots = KEYS["UPLOAD_SLOTS"].default
    assert served["first"] == slots
    assert max(served.values()) <= slots
    streaming = [one for one in visits if one.get("stream") is not None]
    assert all(one["seeders"] for one in visits), "whoever streams has seeders as well"
    assert 300 / (MOST_PER_SOURCE + 1) - 3 < len(streaming) < 300 / MOST_PER_SOURCE + 3


def test_a_flash_crowd_inside_one_network_spares_its_line(start):
    app = start(MAX_SOCKETS=1_000)
    state_of(app).registry.announce("first", locate("203.0.113.9"), digest_of(LARGE))

    visits = [thin(app, "/large.js", environ_base={"REMOTE_ADDR": "203.0.113.9"}) for _ in range(100)]

    assert not [one for one in visits if one.get("stream") is not None]


def test_without_crowds_whoever_finds_nobody_gets_a_copy(start):
    app = start(CROWD_SECONDS=0)

    assert [delivery_of(visit(app)) for _ in range(3)] == ["full"] * 3


def test_crowds_of_two_bundles_are_two(app):
    serve_bundle(app, lambda: b"other();", "/other.js")

    assert [delivery_of(visit(app, url)) for url in ("/app.js", "/other.js")] == ["full", "full"]


def test_of_a_large_bundle_the_first_streams_too(app):
    first, second = thin(app, "/large.js"), thin(app, "/large.js")

    assert (first["seeders"], first["stream"], first["early"]) == ([], 0, True)
    assert (second["seeders"], second.get("stream")) == ([first["recipient"]], None)


def test_who_has_kept_the_bundle_gets_no_copy(app):
    other = {"Cookie": "viraljs_kept=00000000"}
    mine = {"Cookie": f"viraljs_kept=00000000.{DIGEST[:8]}"}

    assert thin(app, headers=mine)["stream"] == 0
    state_of(app).registry.withdraw(thin(app, headers=mine)["recipient"])
    assert thin(app, headers=other)["seeders"], "the one that has kept it is under way"


@pytest.mark.parametrize(
    ("config", "cookie"), [({}, "00000000"), ({"CLIENT_CACHE": 0}, DIGEST[:8])], ids=["another", "no cache"]
)
def test_a_cookie_that_says_nothing_of_this_bundle_changes_nothing(start, config, cookie):
    assert delivery_of(visit(start(**config), headers={"Cookie": f"viraljs_kept={cookie}"})) == "full"


def test_who_did_not_consent_gets_a_copy_and_begins_no_crowd(app):
    refused = {"Cookie": "viraljs_consent=0"}

    assert [delivery_of(visit(app, headers=refused)) for _ in range(2)] == ["full", "full"]
    assert delivery_of(visit(app)) == "full"


@pytest.mark.parametrize("url", ["/app.js", "/large.js"])
def test_where_nobody_can_connect_everybody_gets_a_plain_copy(start, url):
    app = start(MAX_SOCKETS=0)

    assert [delivery_of(visit(app, url)) for _ in range(2)] == ["untouched; reason=no-sockets"] * 2


def test_no_more_are_expected_than_can_connect(start):
    app = start(MAX_SOCKETS=2)
    state = state_of(app)
    islands = [thin(app, "/large.js") for _ in range(4)]

    assert [island["early"] for island in islands] == [True, True, False, False]
    assert state.hub.expected() == state.registry.population(digest_of(LARGE)) == 2


def test_a_condition_is_answered_before_a_crowd_is_thought_of(app):
    etag = visit(app).headers["ETag"]

    assert visit(app, headers={"If-None-Match": etag}).status_code == 304
    assert state_of(app).hub.expected() == 0


# Seeders at leisure, busy, and gone ------------------------------------------------------------------


def test_who_gets_it_from_seeders_at_leisure_is_not_needed_early(app):
    add_seeder(app, BUNDLE)
    island = thin(app)

    assert (island["seeders"], island["early"], "stream" in island) == (["seeder"], False, False)
    assert state_of(app).registry.population(DIGEST) == 1
    assert state_of(app).hub.expected() == 0


def test_who_gets_it_from_a_busy_seeder_is(app):
    add_seeder(app, BUNDLE)
    early = [thin(app)["early"] for _ in range(4)]

    assert early == [False, False, False, True]
    assert state_of(app).registry.population(DIGEST) == 2


def test_a_seeders_slot_is_kept_from_the_ticket_on_but_not_for_long(app, clock):
    add_seeder(app, BUNDLE)
    thin(app)
    assert uploads(app, "seeder") == 1

    clock.advance(TICKET_SLOT_SECONDS)
    assert uploads(app, "seeder") == 0


def test_a_recipient_that_never_connects_vanishes(app, clock):
    first = thin(app, "/large.js")
    clock.advance(EXPECT_SECONDS)
    assert thin(app, "/large.js")["seeders"] == [first["recipient"]]

    clock.advance(EXPECT_SECONDS + 0.1)
    assert thin(app, "/large.js")["seeders"] == []
    assert state_of(app).hub.expected() == 1


def test_what_a_later_hook_makes_personal_leaves_nothing_behind(app):
    add_seeder(app, BUNDLE)

    @app.after_request
    def personal(response):
        response.set_cookie("tracker", "1")
        return response

    for url in ("/app.js", "/large.js"):
        assert delivery_of(visit(app, url)) == "untouched; reason=set-cookie"
    assert uploads(app, "seeder") == 0
    assert state_of(app).registry.population(digest_of(LARGE)) == 0
    assert state_of(app).hub.expected() == 0


# The cost of a thin response -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "rendered"), [({}, 0), ({"If-None-Match": '"another"'}, 1)], ids=["no condition", "a condition"]
)
def test_a_thin_response_does_not_render_the_addition_for_nothing(app, monkeypatch, headers, rendered):
    add_seeder(app, BUNDLE)
    addition = Mock(wraps=state_of(app).renderer.addition)
    monkeypatch.setattr(state_of(app).renderer, "addition", addition)

    thin(app, headers=headers)

    assert addition.call_count == rendered


# Over real sockets -----------------------------------------------------------------------------------


@pytest.fixture
def live(start):
    with ExitStack() as stack:
        app = start(ANSWER_TIMEOUT=10)
        app.testing = False
        yield app, stack.enter_context(serve_here(app)), stack


def test_an_offer_waits_for_a_recipient_that_has_yet_to_connect_and_progress_is_told(live):
    app, url, stack = live
    registry = state_of(app).registry
    _, first = get_island(f"{url}/large.js")
    _, second = get_island(f"{url}/large.js")
    name = second["ticket"].split(".")[0].split("~")[2]

    reply = Background(post, f"{url}/viraljs/offers", {"ticket": second["ticket"], "offers": offer_to(name)})
    until(lambda: state_of(app).hub._expected[name].messages, "the offer to wait")  # type: ignore[attr-defined]
    seeder = stack.enter_context(ScriptedSeeder(url, ticket=first["ticket"]))
    assert seeder.welcome() == name
    offer = seeder.hear()
    seeder.say(type="answer", exchange=offer["exchange"], sdp=SDP)
    assert reply.result()[1]["signals"] == [{"type": "answer", "exchange": offer["exchange"], "sdp": SDP}]

    def has(percent):
        return any(
            (one.peer, one.progress) == (name, percent)
            for one in registry.candidates(digest_of(LARGE), HERE, 16, slots=6)
        )

    for percent in (50, 100):
        seeder.say(type="announce", digest=first["digest"], proof=first["ticket"], progress=percent)
        until(partial(has, percent), f"{percent} percent")


def test_who_streamed_reports_without_a_seeder(live):
    app, url, _ = live
    _, island = get_island(f"{url}/large.js")
    report = {"source": "server", "bytesFromPeers": 0, "bytesFromServer": len(LARGE), "bytesFromCache": 0}

    assert post(f"{url}/viraljs/report", {"ticket": island["ticket"], "milliseconds": 9, "uploads": [], **report}) == (
        204,
        None,
    )
    assert state_of(app).metrics.snapshot()["total"]["delivered_bytes_from_server"] == len(LARGE)


def test_who_had_kept_it_reports_so(live):
    app, url, _ = live
    _, island = get_island(f"{url}/large.js")
    report = {"source": "cache", "bytesFromPeers": 0, "bytesFromServer": 0, "bytesFromCache": len(LARGE)}

    post(f"{url}/viraljs/report", {"ticket": island["ticket"], "milliseconds": 9, "uploads": [], **report})

    assert state_of(app).metrics.snapshot()["total"]["delivered_bytes_from_cache"] == len(LARGE)
