"""The addition and the thin client as text."""

import gzip
import json
from base64 import b64decode
from dataclasses import replace

import pytest

from tests.support.visits import island_of
from viraljs.bundle import build_manifest
from viraljs.config import read_settings
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


def test_the_addition_carries_what_seeding_needs(renderer, manifest, settings):
    island = island_of(renderer.addition(manifest, settings, BASE, "a proof"))

    assert island["url"] == "/app.js?v=1&w=2"
    assert (island["digest"], island["size"]) == (manifest.digest, SIZE)
    assert (island["base"], island["proof"]) == (BASE, "a proof")
    assert island["ice"] == [{"urls": "stun:stun.cloudflare.com:3478"}]
    assert island["consent"] is False
    assert "pieces" not in island


def test_the_thin_client_carries_what_receiving_needs(renderer, manifest, settings):
    island = island_of(renderer.thin(manifest, settings, BASE, "a ticket"))

    assert b64decode(island["pieces"]) == manifest.pieces
    assert (island["ticket"], island["deadline"]) == ("a ticket", 700)
    assert island["breaker"] == ["viraljs_failures", 60]
    assert (island["pieceLength"], island["mediaType"]) == (manifest.piece_length, manifest.media_type)
    assert "proof" not in island


def test_the_addition_begins_on_a_line_of_its_own_and_ends_what_was_open(renderer, manifest, settings):
    assert renderer.addition(manifest, settings, BASE, "p").startswith(b"\n;")


def test_the_same_bundle_gives_the_same_addition(renderer, manifest, settings):
    assert renderer.addition(manifest, settings, BASE, "p") == Renderer().addition(manifest, settings, BASE, "p")


@pytest.mark.parametrize("kind", ["addition", "thin"])
def test_whatever_is_in_a_url_it_stays_data(renderer, manifest, settings, kind):
    odd = replace(manifest, url="/é\u2028*/`</script>\"'\\.js", media_type='text/javascript; x="\u2028\'"')

    script = getattr(renderer, kind)(odd, settings, BASE, "t")

    assert script.isascii()
    assert island_of(script)["url"] == odd.url
    assert island_of(script)["mediaType"] == odd.media_type


@pytest.mark.parametrize("kind", ["addition", "thin"])
def test_it_is_small_enough(renderer, manifest, settings, kind):
    script = getattr(renderer, kind)(manifest, settings, BASE, "t" * 200)

    assert len(script) <= 14_000
    assert len(gzip.compress(script)) <= 6_000


def test_the_version_names_the_built_client(renderer):
    assert renderer.version == Renderer().version
    assert int(renderer.version, 16) >= 0
    assert len(renderer.version) == 8


def test_the_island_is_strict_json(renderer, manifest, settings):
    script = renderer.thin(manifest, settings, BASE, "t").decode()

    assert json.loads(script[script.rindex("})({") + 3 : script.rindex(");")])["ticket"] == "t"
