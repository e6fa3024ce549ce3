"""What is kept between requests, and within which bounds."""

import threading
from hashlib import sha256
from itertools import count

import pytest

from viraljs import caching
from viraljs.caching import Cache, Digests

# Values ----------------------------------------------------------------------------------------------


def test_the_cache_builds_once():
    cache, built = Cache[str](8), count()

    def build():
        next(built)
        return "value"

    assert cache.get("key", build) is cache.get("key", build)
    assert next(built) == 1


def test_two_keys_do_not_mix():
    cache = Cache[int](8)

    assert cache.get("one", lambda: 1) == 1
    assert cache.get("two", lambda: 2) == 2


def test_the_least_recently_used_goes_first():
    cache, built = Cache[str](2), list[str]()

    def ask(key):
        def build():
            built.append(key)
            return key

        cache.get(key, build)

    for key in ("a", "b", "a", "c", "a", "b"):
        ask(key)

    assert built == ["a", "b", "c", "b"]


def test_a_build_that_fails_is_tried_again():
    cache = Cache[int](8)

    def fail():
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        cache.get("key", fail)

    assert cache.get("key", lambda: 1) == 1


def test_threads_that_ask_at_the_same_moment_share_one_build():
    cache, built = Cache[str](8), []
    building, go_on = threading.Event(), threading.Event()

    def slowly():
        built.append(threading.get_ident())
        building.set()
        assert go_on.wait(10)
        return "value"

    threads = [threading.Thread(target=cache.get, args=("key", slowly)) for _ in range(4)]
    threads[0].start()
    assert building.wait(10)
    for thread in threads[1:]:
        thread.start()
    assert cache.get("another", lambda: "other") == "other", "a slow build must not hold up another key"
    go_on.set()
    for thread in threads:
        thread.join(10)

    assert len(built) == 1


# Digests ---------------------------------------------------------------------------------------------


@pytest.fixture
def hashed(monkeypatch):
    """Lists the bodies that SHA-256 had to read."""
    read: list[bytes] = []

    def counting(data):
        read.append(data)
        return sha256(data)

    monkeypatch.setattr(caching, "sha256", counting)
    return read


def test_a_body_is_hashed_once_wherever_its_bytes_lie(hashed):
    digests, body = Digests(), b"a body"

    for data in (body, body, bytes(bytearray(body))):
        assert digests.of(data) == sha256(body).hexdigest()
    assert hashed == [body]


def test_bodies_of_one_length_are_told_apart():
    digests = Digests()

    assert [digests.of(data) for data in (b"one", b"two", b"one")] == [
        sha256(data).hexdigest() for data in (b"one", b"two", b"one")
    ]


def test_no_more_bytes_are_kept_than_the_limit_and_the_least_recently_used_go_first(hashed):
    digests = Digests(limit=8)

    for data in (b"1234", b"abcd", b"1234", b"ABCD", b"1234", b"abcd"):
        digests.of(data)

    assert hashed == [b"1234", b"abcd", b"ABCD", b"abcd"]


def test_a_body_over_the_limit_is_hashed_each_time_and_drives_nothing_out(hashed):
    digests = Digests(limit=4)

    for data in (b"1234", b"12345", b"12345", b"1234"):
        assert digests.of(data) == sha256(data).hexdigest()

    assert hashed == [b"1234", b"12345", b"12345"]


def test_threads_that_hash_the_same_at_the_same_moment_count_it_once(hashed, monkeypatch):
    digests, meeting = Digests(limit=8), threading.Barrier(4, timeout=10)

    def together(data):
        meeting.wait()
        return sha256(data)

    with monkeypatch.context() as patch:
        patch.setattr(caching, "sha256", together)
        _in_threads(lambda: digests.of(b"1234"))
    digests.of(b"abcd")
    digests.of(b"1234")

    assert hashed == [b"abcd"], "four bytes were counted, not sixteen"


def _in_threads(do):
    threads = [threading.Thread(target=do) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
