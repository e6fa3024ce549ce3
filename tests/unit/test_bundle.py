"""Digests, pieces and the cache of manifests."""

import threading
from hashlib import sha256
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs import bundle
from viraljs.bundle import Manifest, ManifestCache, build_manifest, piece_length_for
from viraljs.errors import BundleError

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
TYPE = "text/javascript"


def manifest_of(data, *chunks):
    return build_manifest("/app.js", TYPE, len(data), chunks or [data])


def a_manifest(url="/app.js"):
    return Manifest(url, TYPE, 1, "00" * 32, 64 * KIB, b"")


def test_a_manifest_says_what_a_recipient_must_know():
    data = bytes(range(256)) * 512 + b"!"  # two pieces of 64 KiB and one byte

    manifest = manifest_of(data)

    assert (manifest.url, manifest.media_type, manifest.size) == ("/app.js", TYPE, len(data))
    assert manifest.digest == sha256(data).hexdigest()
    assert manifest.piece_count == 3
    expected = [data[: 64 * KIB], data[64 * KIB : 128 * KIB], b"!"]
    assert manifest.pieces == b"".join(sha256(piece).digest() for piece in expected)


@pytest.mark.parametrize("size", [1, 64 * KIB - 1, 64 * KIB, 64 * KIB + 1])
def test_the_last_piece_may_be_short_and_is_never_empty(size):
    manifest = manifest_of(bytes(size))

    assert manifest.piece_count == -(-size // (64 * KIB))


@given(st.binary(min_size=1, max_size=2_000), st.lists(st.integers(0, 700), max_size=6))
def test_how_the_bytes_are_chunked_changes_nothing(data, cuts):
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    chunks = [data[start:end] for start, end in pairwise(edges)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "SMALLEST_PIECE", 64)
        assert manifest_of(data, *chunks) == manifest_of(data)


def test_an_empty_bundle_is_refused_by_name():
    with pytest.raises(BundleError, match=r"empty bundle .*/app\.js"):
        manifest_of(b"")


@pytest.mark.parametrize("chunks", [[b"12"], [b"12", b"34"]])
def test_a_bundle_that_changed_while_it_was_read_is_refused(chunks):
    with pytest.raises(BundleError, match="should have 3 bytes"):
        build_manifest("/app.js", TYPE, 3, chunks)


@pytest.mark.parametrize(
    ("size", "length"),
    [
        (1, 64 * KIB),
        (MIB, 64 * KIB),
        (MIB + 1, 128 * KIB),
        (5 * MIB, 512 * KIB),
        (128 * MIB, 512 * KIB),
        (128 * MIB + 1, MIB),
        (GIB, 4 * MIB),
    ],
)
def test_pieces_are_few_up_to_half_a_mebibyte_each_and_never_more_than_256(size, length):
    assert piece_length_for(size) == length
    assert -(-size // length) <= 256


@pytest.mark.parametrize(
    ("code", "imports"),
    [
        ('import("./chunk.js")', True),
        ("import ( '../chunk.js' )", True),
        ("return import(`/chunk.js`)", True),
        ('import("https://a.example/chunk.js")', False),
        ("import(path)", False),
        ('reimport("./chunk.js")', False),
        ('var a = "import"', False),
    ],
)
@pytest.mark.parametrize("before", [0, 64 * KIB - 10, 64 * KIB - 4])
def test_a_bundle_that_imports_by_path_is_found_out_wherever_pieces_begin(code, imports, before):
    assert manifest_of(b" " * before + code.encode() + b" " * 100).imports is imports


# The cache -------------------------------------------------------------------------------------------


def test_the_cache_builds_once():
    cache, built = ManifestCache(), count()

    def build():
        next(built)
        return a_manifest()

    assert cache.get("key", build) is cache.get("key", build)
    assert next(built) == 1


def test_two_keys_do_not_mix():
    cache = ManifestCache()

    assert cache.get("one", lambda: a_manifest("/1.js")).url == "/1.js"
    assert cache.get("two", lambda: a_manifest("/2.js")).url == "/2.js"


def test_the_least_recently_used_goes_first():
    cache, built = ManifestCache(limit=2), []

    def ask(key):
        def build():
            built.append(key)
            return a_manifest(key)

        cache.get(key, build)

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)

    assert built == ["a", "b", "c", "b"]


def test_a_build_that_fails_is_tried_again():
    cache = ManifestCache()

    def fail():
        raise BundleError("changed")

    with pytest.raises(BundleError):
        cache.get("key", fail)

    assert cache.get("key", a_manifest) == a_manifest()


def test_threads_that_ask_at_the_same_moment_share_one_build():
    cache, built = ManifestCache(), []
    building, go_on = threading.Event(), threading.Event()

    def slowly():
        built.append(threading.get_ident())
        building.set()
        assert go_on.wait(10)
        return a_manifest()

    threads = [threading.Thread(target=cache.get, args=("key", slowly)) for _ in range(4)]
    threads[0].start()
    assert building.wait(10)
    for thread in threads[1:]:
        thread.start()
    assert cache.get("another", a_manifest) == a_manifest(), "a slow build must not hold up another bundle"
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert len(built) == 1
