"""What other hooks made of a body: told by its bytes, through whatever they were compressed with."""

import gzip
import hashlib
import zlib
from io import BytesIO

import brotli
import pytest
from flask import Response
from flask_compress.compat import compression

from viraljs.rewriting import OPENING, Made, Outcome, decode, judge_body, read_again, read_file_again, without_tail

BUNDLE = b"bundle();\n" * 9
DIGEST = hashlib.sha256(BUNDLE).hexdigest()
TICKET = b"digest~me~seeder.time.signature"
ADDITION = b"\n;" + OPENING + f' code }})({{"digest":"{DIGEST}"}});\n'.encode()
MINIFIED = f'bundle();(function(e){{code}})({{"digest":"{DIGEST}"}})'.encode()
THIN = OPENING + b' code })({"ticket":"' + TICKET + b'"});\n'
OTHER = OPENING + b' code })({"ticket":"digest~another.time.signature"});\n'

PLAIN = Made(read_again([BUNDLE]))
FULL = Made(read_again([BUNDLE, ADDITION]), bundle=DIGEST, tail=ADDITION)
RECIPIENT = Made(read_again([THIN]), own=TICKET, bundle=DIGEST)
START = Made(read_again([OPENING + b"start"]), replaces=True)

CODERS = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": compression.zstd.compress,
}


@pytest.mark.parametrize("encoding", CODERS)
@pytest.mark.parametrize("made", [PLAIN, FULL, RECIPIENT, START], ids=["plain", "full", "thin", "start"])
def test_the_same_bytes_are_kept_however_they_were_compressed(made, encoding):
    response = Response(CODERS[encoding](made.read()), headers={"Content-Encoding": encoding})
    assert judge_body(response, made) is Outcome.KEPT


@pytest.mark.parametrize(
    ("made", "found", "outcome"),
    [
        pytest.param(PLAIN, BUNDLE.upper(), Outcome.REPLACED, id="another bundle"),
        pytest.param(PLAIN, THIN, Outcome.REPLAYED, id="a thin one for plain"),
        pytest.param(PLAIN, BUNDLE + ADDITION, Outcome.REPLAYED, id="a full one for plain"),
        pytest.param(FULL, b"/* ours */" + BUNDLE + ADDITION, Outcome.REWRITTEN, id="full with a banner"),
        pytest.param(FULL, MINIFIED, Outcome.REWRITTEN, id="full, minified"),
        pytest.param(FULL, THIN, Outcome.REPLAYED, id="a thin one for full"),
        pytest.param(FULL, BUNDLE + ADDITION.replace(DIGEST.encode(), b"def"), Outcome.REPLAYED, id="another full one"),
        pytest.param(FULL, b"alert('no')", Outcome.REPLACED, id="none of ours for full"),
        pytest.param(FULL, BUNDLE, Outcome.REPLAYED, id="the plain bundle for full"),
        pytest.param(RECIPIENT, BUNDLE, Outcome.REPLAYED, id="the plain bundle for thin"),
        pytest.param(RECIPIENT, THIN.replace(b" code ", b"code"), Outcome.REWRITTEN, id="thin, minified"),
        pytest.param(RECIPIENT, OTHER, Outcome.REPLAYED, id="another's thin one"),
        pytest.param(RECIPIENT, BUNDLE + ADDITION, Outcome.REPLAYED, id="a full one for thin"),
        pytest.param(RECIPIENT, b"alert('no')", Outcome.REPLACED, id="none of ours for thin"),
        pytest.param(START, OPENING + b"st", Outcome.REWRITTEN, id="a start, cut"),
    ],
)
def test_other_bytes_are_told_by_what_is_in_them(made, found, outcome):
    assert judge_body(Response(found), made) is outcome
    assert judge_body(Response(gzip.compress(found), headers={"Content-Encoding": "gzip"}), made) is outcome


def test_what_a_hook_made_of_the_bundle_alone_is_told_where_the_addition_is_whole():
    assert without_tail(Response(BUNDLE.upper() + ADDITION), FULL) == BUNDLE.upper()
    packed = Response(gzip.compress(BUNDLE.upper() + ADDITION), headers={"Content-Encoding": "gzip"})
    assert without_tail(packed, FULL) == BUNDLE.upper()
    assert without_tail(Response((BUNDLE + ADDITION).upper()), FULL) is None
    assert without_tail(Response(BUNDLE), PLAIN) is None


def test_a_stream_is_not_looked_into():
    assert judge_body(Response(iter([b"x"])), PLAIN) is Outcome.KEPT


@pytest.mark.parametrize("encoding", ["compress", "gzip", "deflate", "br", "zstd", "gzip, br"])
def test_what_cannot_be_read_is_not_trusted(encoding):
    assert decode(BUNDLE, encoding) is None
    assert judge_body(Response(BUNDLE, headers={"Content-Encoding": encoding}), PLAIN) is Outcome.REWRITTEN


def test_a_body_in_memory_is_read_once_more():
    assert read_again(["text, ", b"bytes"])() == b"text, bytes"


def test_a_file_is_read_once_more_from_where_the_body_begins_and_left_there():
    file = BytesIO(b"before the bundle")
    file.read()
    read = read_file_again(file, 7, b", after")
    assert (read(), read(), file.tell()) == (b"the bundle, after",) * 2 + (7,)
