"""Digests, pieces and the manifest."""

from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs import bundle
from viraljs.bundle import build_manifest, piece_length_for
from viraljs.errors import BundleError

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
TYPE = "text/javascript"


def manifest_of(data, *chunks):
    return build_manifest("/app.js", TYPE, len(data), chunks or [data])


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
    ("code", "suspect"),
    [
        ('import("./chunk.js")', True),
        ("import ( path )", True),
        ('import/* x */("./chunk.js")', True),
        ('var a = "import"', False),
        ("import.meta", False),
    ],
)
@pytest.mark.parametrize("before", [0, 64 * KIB - 10, 64 * KIB - 7, 64 * KIB - 4])
def test_a_bundle_that_may_import_is_a_suspect_wherever_pieces_begin(code, suspect, before):
    assert manifest_of(b" " * before + code.encode() + b" " * 100).suspect is suspect
