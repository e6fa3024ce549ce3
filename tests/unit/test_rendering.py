"""The addition and the thin client as text."""

import gzip
import json
from base64 import b64decode
from dataclasses import replace

import pytest

from tests.support.visits import island_of
from viraljs.bundle import build_manifest
from viraljs.config import read_settings
from viraljs.modules import Declaration, ModuleFacts
from viraljs.rendering import Renderer

BASE = "/viraljs"
SIZE = 5_000_000


@pytest.fixture(scope="module")
def renderer():
    return Renderer()


@pytest.fixture(scope="module")
def manifest():
    return build_manifest("/app.js?v=1&w=2", "text/javascript; charset=utf-8", SIZE, [bytes(SIZE)])


@pytest.fixture(scope="module")
def settings():
    return read_settings({"VIRALJS_DEADLINE": 700, "VIRALJS_BREAKER_SECONDS": 60})


def thin_of(renderer, manifest, settings, ticket, **options):
    return renderer.thin(renderer.thin_beginning(manifest, settings, BASE), ticket, **options)


def addition_of(renderer, manifest, settings, proof):
    return renderer.addition(manifest, settings, BASE, proof)


BOTH = pytest.mark.parametrize("render", [addition_of, thin_of], ids=["addition", "thin"])


def test_the_addition_carries_what_seeding_needs(renderer, manifest, settings):
    island = island_of(renderer.addition(manifest, settings, BASE, "a proof"))

    assert island["url"] == "/app.js?v=1&w=2"
    assert (island["digest"], island["size"]) == (manifest.digest, SIZE)
    assert (island["base"], island["proof"]) == (BASE, "a proof")
    assert island["ice"] == [{"urls": "stun:stun.cloudflare.com:3478"}]
    assert island["consent"] is False
    assert "pieces" not in island


def test_the_thin_client_carries_what_receiving_needs(renderer, manifest, settings):
    island = island_of(thin_of(renderer, manifest, settings, "a ticket"))

    assert b64decode(island["pieces"]) == manifest.pieces
    assert (island["ticket"], island["deadline"]) == ("a ticket", 700)
    assert island["breaker"] == ["viraljs_failures", 60, 3]
    assert (island["pieceLength"], island["mediaType"]) == (manifest.piece_length, manifest.media_type)
    assert "proof" not in island


def test_the_thin_client_is_told_of_its_cache_and_whether_to_announce_early(renderer, manifest, settings):
    island = island_of(thin_of(renderer, manifest, settings, "t"))

    assert (island["cache"], island["keptCookie"], island["early"]) == (104_857_600, "viraljs_kept", False)
    assert "stream" not in island
    assert "keptCookie" not in island_of(renderer.addition(manifest, settings, BASE, "p"))


def test_a_stream_begins_at_a_piece(renderer, manifest, settings):
    island = island_of(thin_of(renderer, manifest, settings, "t", stream=0, early=True))

    assert (island["stream"], island["early"]) == (0, True)


@BOTH
def test_a_limit_is_told_where_there_is_one(renderer, manifest, settings, render):
    limited = read_settings({"VIRALJS_UPLOAD_LIMIT": 125_000})

    assert island_of(render(renderer, manifest, limited, "t"))["limit"] == 125_000
    assert "limit" not in island_of(render(renderer, manifest, settings, "t"))


TURN = {"VIRALJS_TURN_URLS": ["turn:turn.example.org"], "VIRALJS_TURN_SECRET": "hush", "VIRALJS_ICE_SERVERS": []}
OWN = [{"urls": ["turn:turn.example.org"], "username": "1:me", "credential": "c"}]


@BOTH
def test_where_nothing_may_be_relayed_a_turn_server_is_told_of_as_a_stun_server(renderer, manifest, render):
    island = island_of(render(renderer, manifest, read_settings(TURN), "t"))

    assert island["ice"] == [{"urls": ["stun:turn.example.org"]}]


def test_passing_credentials_are_in_what_is_the_visitors_own_and_nowhere_else(renderer, manifest):
    relaying = read_settings({**TURN, "VIRALJS_RELAY": True})
    thin = thin_of(renderer, manifest, relaying, "t", ice=OWN)

    assert island_of(thin)["ice"] == OWN
    assert thin.count(b'"ice":') == 1
    assert island_of(addition_of(renderer, manifest, relaying, "p"))["ice"] == [{"urls": ["stun:turn.example.org"]}]
    assert b"hush" not in thin


def test_the_addition_begins_on_a_line_of_its_own_and_ends_what_was_open(renderer, manifest, settings):
    assert renderer.addition(manifest, settings, BASE, "p").startswith(b"\n;")


def test_the_same_bundle_gives_the_same_addition(renderer, manifest, settings):
    assert renderer.addition(manifest, settings, BASE, "p") == Renderer().addition(manifest, settings, BASE, "p")


@BOTH
def test_whatever_is_in_a_url_it_stays_data(renderer, manifest, settings, render):
    odd = replace(manifest, url="/é\u2028*/`</script>\"'\\.js", media_type='text/javascript; x="\u2028\'"')

    script = render(renderer, odd, settings, "t")

    assert script.isascii()
    assert island_of(script)["url"] == odd.url
    assert island_of(script)["mediaType"] == odd.media_type


@BOTH
def test_it_is_small_enough(renderer, manifest, settings, render):
    script = render(renderer, manifest, settings, "t" * 200)

    assert len(script) <= 15_200
    assert len(gzip.compress(script)) <= 7_000


def test_the_version_names_the_built_client(renderer):
    assert renderer.version == Renderer().version
    assert int(renderer.version, 16) >= 0
    assert len(renderer.version) == 8


def test_the_island_is_strict_json(renderer, manifest, settings):
    script = thin_of(renderer, manifest, settings, "t").decode()

    assert json.loads(script[script.rindex("})({") + 3 : script.rindex(");")])["ticket"] == "t"


def test_thin_responses_of_a_bundle_differ_in_what_is_their_visitors_only(renderer, manifest, settings):
    beginning = renderer.thin_beginning(manifest, settings, BASE)
    one, other = renderer.thin(beginning, "one"), renderer.thin(beginning, "two", stream=3, early=True)

    assert one.startswith(beginning)
    assert other.startswith(beginning)
    assert island_of(other) == {**island_of(one), "ticket": "two", "stream": 3, "early": True}


# Modules ---------------------------------------------------------------------------------------------


FACTS = ModuleFacts((Declaration(0, 14, 7, 6, "./a", typed=False),), (20,), (30,), False, "v____0", "v_________0", ())


def test_a_part_is_the_island_of_a_thin_response_by_itself(renderer, settings, manifest):
    beginning = renderer.thin_beginning(manifest, settings, BASE, FACTS)
    whole = renderer.thin(beginning, "ticket", stream=0)

    part = json.loads(renderer.part(beginning, "ticket", stream=0))

    assert part == island_of(whole)
    assert part["module"] == json.loads(json.dumps(FACTS.as_island()))
    assert (part["ticket"], part["stream"]) == ("ticket", 0)


def test_what_peers_do_not_deliver_has_what_it_takes_to_run_and_no_more(renderer, settings, manifest):
    alone = json.loads(renderer.unshared(manifest, settings, BASE, FACTS, alone=True))

    assert alone == island_of(renderer.unshared(manifest, settings, BASE, FACTS, alone=False))
    assert alone["digest"] == manifest.digest
    assert not {"ticket", "pieces", "proof", "ice", "breaker"} & alone.keys()


def test_a_start_names_the_module_and_is_short(renderer):
    script = renderer.start("/m/a.js?v=1&w=</script>")

    assert b'{"url":"/m/a.js?v=1&w=</script>"}' in script
    assert len(script) < 2000
