"""STUN and TURN servers: no relay unless it is allowed, and credentials that coturn takes."""

import hmac
from base64 import b64decode

import pytest

from viraljs.ice import fresh_servers, lasting_servers, needs_credentials

STUN = {"urls": "stun:stun.example.org:3478"}
TURN = {"urls": ["turn:turn.example.org:3478"], "username": "me", "credential": "c"}


def unrelayed(*servers, turn_urls=()):
    return lasting_servers(servers, turn_urls, relay=False)


@pytest.mark.parametrize(
    ("urls", "needed"),
    [("stun:a", False), (["stun:a", "stuns:a"], False), ("turn:a", True), (["stun:a", "turns:a"], True)],
)
def test_turn_needs_credentials(urls, needed):
    assert needs_credentials({"urls": urls}) is needed


def test_what_is_no_relay_stays_as_it_is():
    assert unrelayed(STUN, {"urls": ["stuns:a", "stun:b"]}) == [STUN, {"urls": ["stuns:a", "stun:b"]}]


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("turn:a", ["stun:a"]),
        ("turn:a:3478", ["stun:a:3478"]),
        ("turn:[2001:db8::1]:3478?transport=udp", ["stun:[2001:db8::1]:3478"]),
        ("turn:a?transport=tcp", []),
        ("turns:a:443", []),
        ("turns:a:443?transport=udp", []),
    ],
)
def test_without_relays_a_turn_server_is_a_stun_server_if_it_can_be_asked_by_udp(url, left):
    expected = [{"urls": left}] if left else []

    assert unrelayed({**TURN, "urls": url}) == expected
    assert unrelayed(turn_urls=[url]) == expected


def test_without_relays_what_opens_them_is_not_told():
    mixed = {"urls": ["turn:a", "stun:b", "turn:a?transport=tcp", "turns:a"], "username": "me", "credential": "c"}

    assert unrelayed(mixed) == [{"urls": ["stun:a", "stun:b"]}]


def test_a_server_is_named_once():
    assert unrelayed({"urls": "stun:a"}, turn_urls=["turn:a", "turn:a?transport=udp", "turn:b"]) == [
        {"urls": "stun:a"},
        {"urls": ["stun:b"]},
    ]


def test_where_relays_are_allowed_lasting_credentials_are_told_and_others_are_not_needed_for_stun():
    assert lasting_servers([STUN, TURN], ["turn:a"], relay=True) == [STUN, TURN, {"urls": ["stun:a"]}]


def test_fresh_credentials_are_those_of_the_scheme_that_coturn_uses():
    """By hand: `echo -n 1700003600:peer | openssl dgst -sha1 -hmac north -binary | base64`."""
    *others, turn = fresh_servers([STUN, TURN], ["turn:a", "turns:a"], "north", 3_600, "peer", 1_700_000_000.9)

    assert others == [STUN, TURN]
    assert (turn["urls"], turn["username"]) == (["turn:a", "turns:a"], "1700003600:peer")
    assert b64decode(turn["credential"]) == hmac.digest(b"north", b"1700003600:peer", "sha1")
    assert turn["credential"] == "tZxtQi1OIHXrplVgy5ets8RxlPo="
