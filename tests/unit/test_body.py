"""Bodies of responses, looked at with as little reading as can be."""

import gzip
import io
import os
import tempfile
from hashlib import sha256

import pytest
from flask import Response
from werkzeug.wsgi import FileWrapper

from viraljs.body import Body
from viraljs.bundle import READ_BYTES

DATA = b"0123456789" * 100


class CountingStream:
    """A generator's stand-in that knows how far it was run and whether it was closed."""

    def __init__(self, *parts):
        self.parts = list(parts)
        self.closed = False

    def __iter__(self):
        return self

    def __next__(self):
        if not self.parts:
            raise StopIteration
        return self.parts.pop(0)

    def close(self):
        self.closed = True


class GunicornsWrapper:
    """As gunicorn's `FileWrapper` looks."""

    def __init__(self, filelike):
        self.filelike = filelike
        self.close = filelike.close

    def __iter__(self):
        return iter(lambda: self.filelike.read(READ_BYTES), b"")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "app.js"
    path.write_bytes(DATA)
    return path


@pytest.fixture(params=[FileWrapper, GunicornsWrapper])
def file_response(request, path):
    with path.open("rb") as file:
        yield Response(request.param(file), direct_passthrough=True)


def test_bytes_are_known(path):
    body = Body.of(Response(DATA))

    assert (body.size, body.data, body.file) == (len(DATA), DATA, None)
    assert b"".join(body.chunks()) == DATA
    assert b"".join(body.followed_by(b"!")) == DATA + b"!"


def test_a_short_body_goes_out_with_its_tail_in_one_part_and_a_long_one_is_not_copied():
    short, long = Body.of(Response(bytes(READ_BYTES))), Body.of(Response(bytes(READ_BYTES + 1)))

    assert [len(part) for part in short.followed_by(b"!")] == [READ_BYTES + 1]
    parts = list(long.followed_by(b"!"))
    assert [len(part) for part in parts] == [READ_BYTES + 1, 1]
    assert parts[0] is long.data


def test_the_digest_of_bytes_is_known():
    assert Body.of(Response(DATA)).digest() == sha256(DATA).hexdigest()
    assert Body.of(Response(b"")).digest() == sha256(b"").hexdigest()


def test_a_list_of_parts_is_known_as_a_whole():
    assert Body.of(Response([b"ab", b"cd"])).data == b"abcd"


def test_the_size_of_a_file_is_known_without_reading_it(file_response):
    body = Body.of(file_response)

    assert body.size == body.known_size == len(DATA)
    assert body.data is None
    assert body.file is not None
    assert body.file.tell() == 0


def test_a_file_is_left_where_it_stood_after_hashing(file_response):
    body = Body.of(file_response)

    assert b"".join(body.chunks()) == DATA
    assert b"".join(body.followed_by(b"!")) == DATA + b"!"


def test_a_file_is_left_where_it_stood_by_who_stops_early(file_response):
    body = Body.of(file_response)
    chunks = body.chunks()
    next(chunks)
    chunks.close()

    assert b"".join(body.followed_by(b"")) == DATA


def test_closing_what_follows_a_file_closes_the_file(file_response):
    body = Body.of(file_response)
    body.followed_by(b"!").close()  # type: ignore[attr-defined]

    assert body.file is not None
    assert body.file.closed


def test_a_file_that_was_read_in_part_is_its_rest(path):
    with path.open("rb") as file:
        file.seek(990)
        body = Body.of(Response(FileWrapper(file), direct_passthrough=True))

        assert body.size == 10
        assert b"".join(body.chunks()) == b"0123456789"
        assert file.tell() == 990


def test_a_file_is_known_by_path_time_and_size(path):
    def identity():
        with path.open("rb") as file:
            return Body.of(Response(FileWrapper(file), direct_passthrough=True)).identity()

    before = identity()
    assert identity() == before

    os.utime(path, ns=(1, 1))
    touched = identity()
    assert touched != before

    path.write_bytes(DATA + b"!")
    os.utime(path, ns=(1, 1))
    assert identity() != touched


def test_bytes_are_known_by_their_strong_tag_or_else_by_their_digest():
    tagged, weak, other = Response(DATA), Response(DATA), Response(DATA + b"!")
    tagged.set_etag("tag")
    weak.set_etag("tag", weak=True)

    assert Body.of(tagged).identity() == ("etag", "tag", len(DATA))
    assert Body.of(weak).identity() == Body.of(Response(DATA)).identity()
    assert Body.of(weak).identity() != Body.of(other).identity()


@pytest.mark.parametrize(
    "wrap", [io.BytesIO, lambda data: io.BufferedReader(io.BytesIO(data))], ids=["raw", "buffered"]
)
def test_what_is_no_file_on_disk_is_a_stream(wrap):
    assert Body.of(Response(FileWrapper(wrap(DATA)), direct_passthrough=True)).size is None


def test_a_file_without_a_name_is_a_stream():
    with tempfile.TemporaryFile() as file:
        assert Body.of(Response(FileWrapper(file), direct_passthrough=True)).size is None


def test_a_file_that_reads_otherwise_than_its_bytes_on_disk_is_a_stream(tmp_path):
    path = tmp_path / "app.js.gz"
    with gzip.open(path, "wb") as file:
        file.write(DATA)

    with gzip.open(path) as file:
        body = Body.of(Response(FileWrapper(file), direct_passthrough=True))  # type: ignore[arg-type]

        assert body.size is None
        assert body.collect(10_000).data == DATA


def test_a_stream_is_not_run_by_looking_at_it():
    stream = CountingStream(b"ab", b"cd")
    body = Body.of(Response(stream))

    assert body.size is None
    assert stream.parts == [b"ab", b"cd"]


def test_a_stream_is_collected_and_closed():
    stream = CountingStream(b"ab", b"cd")
    response = Response(stream)
    body = Body.of(response).collect(4)

    assert (body.size, body.data) == (4, b"abcd")
    assert stream.closed
    assert response.get_data() == b"abcd"
    assert response.content_length == 4


def test_text_in_a_stream_is_encoded():
    assert Body.of(Response(iter(["h\u00e9", "llo"]))).collect(100).data == "h\u00e9llo".encode()


def test_a_stream_that_is_too_long_is_left_as_it_was():
    stream = CountingStream(b"ab", b"cd", b"ef")
    response = Response(stream)
    body = Body.of(response).collect(3)

    assert body.size is None
    assert stream.parts == [b"ef"], "no more is run than it takes to know"
    assert b"".join(response.response) == b"abcdef"  # type: ignore[arg-type]
    response.close()
    assert stream.closed


def test_a_passthrough_stream_that_is_too_long_is_left_as_it_was():
    response = Response(CountingStream(b"ab", b"cd"), direct_passthrough=True)

    assert Body.of(response).collect(1).size is None
    assert response.direct_passthrough
    assert b"".join(response.response) == b"abcd"  # type: ignore[arg-type]


def test_a_stream_that_fails_fails_for_whoever_runs_it():
    def failing():
        yield b"ab"
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        Body.of(Response(failing())).collect(100)
