"""Every VIRALJS_* key: what it takes, what it refuses and how it says so, and that the documentation knows it."""

from dataclasses import fields
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from viraljs.config import KEYS, PREFIX, Settings, check_value, read_settings
from viraljs.errors import ConfigurationError
from viraljs.nearness import Distance

ROOT = Path(__file__).parents[2]
STUN = {"urls": "stun:stun.example.org:3478"}
TURN = {"urls": ["turn:turn.example.org", "turns:turn.example.org"], "username": "me", "credential": "secret"}


def may_read() -> bool:
    return True


def integers(low, high):
    return [low, high], [low - 1, high + 1, "3", 3.0, None, True]


def seconds(low, high):
    return [low, high, float(high)], [low - 0.01, high + 1, "3", None, True, float("nan"), float("inf")]


BOOLEANS = ([True, False], [1, 0, "yes", None])

VALUES = {
    "ENABLED": BOOLEANS,
    "URL_PREFIX": (["/viraljs", "/a/b"], ["viraljs", "/viraljs/", "/", "", None, b"/viraljs"]),
    "STATIC": ([[], ["*.js"], ("js/*.js", "*.mjs")], ["*.js", [""], [1], None, {"*.js"}]),
    "PUBLIC": ([[], ["/static/*"], ("*.js", "/app.js")], ["/static/*", ["static/*"], [""], [1], None, {"/static/*"}]),
    "MIN_SIZE": integers(1, 1 << 40),
    "MAX_BUFFER": integers(0, 1 << 40),
    "NEARBY": (
        ["address", "network", "asn", "country", "continent", "any"],
        ["NETWORK", "planet", "", None, 1, Distance.ANY],
    ),
    "GEO_DATABASES": (
        [[], ["/a.mmdb"], ("a.mmdb", PurePosixPath("/b.mmdb"))],
        ["/a.mmdb", PurePosixPath("/b.mmdb"), None, [""], [b"/a.mmdb"], ["/a\0.mmdb"], [None], {"/a.mmdb"}],
    ),
    "IPV4_NETWORK_BITS": integers(8, 32),
    "IPV6_NETWORK_BITS": integers(16, 64),
    "PEERS": integers(1, 8),
    "UPLOAD_SLOTS": integers(1, 64),
    "DEADLINE": integers(50, 60_000),
    "STREAM_SIZE": integers(1, 1 << 40),
    "CROWD_SECONDS": seconds(0, 3_600),
    "CLIENT_CACHE": integers(0, 1 << 40),
    "UPLOAD_LIMIT": ([None, 1, 1 << 40], [0, (1 << 40) + 1, "fast", 1.5, True]),
    "ICE_SERVERS": (
        [[], [STUN], (STUN, TURN)],
        [
            None,
            "stun:stun.example.org",
            ["stun:stun.example.org"],
            [{}],
            [{"urls": []}],
            [{"urls": "https://stun.example.org"}],
            [{"urls": ["stun:a", 1]}],
            [{"url": "stun:stun.example.org"}],
            [{"urls": "turn:turn.example.org", "credential": b"secret"}],
            [{"urls": "stun://stun.example.org"}],
            [{"urls": "stun:stun.example.org?transport=udp"}],
            [{"urls": "stun:"}],
            [{"urls": "stun:[::1"}],
            [{"urls": "stun:stun.example.org:port"}],
            [{"urls": "turn:me@turn.example.org", "username": "me", "credential": "secret"}],
            [{"urls": "turn:turn.example.org?transport=sctp", "username": "me", "credential": "secret"}],
            STUN,
        ],
    ),
    "TURN_URLS": (
        [
            ["turn:turn.example.org"],
            (
                "turns:turn.example.org:443?transport=tcp",
                "turn:192.0.2.1:3478?transport=udp",
                "turn:[2001:db8::1]:3478",
            ),
        ],
        [None, "turn:turn.example.org", ["stun:stun.example.org"], ["turn:"], ["turn:a?transport=tls"], [STUN], [""]],
    ),
    "TURN_SECRET": (["a secret"], ["", 1, True]),
    "TURN_LIFETIME": integers(60, 86_400),
    "RELAY": BOOLEANS,
    "ORIGINS": (
        [[], ["https://www.example.org"], ("http://localhost:5000", "https://[2001:db8::1]:8443")],
        [
            None,
            "https://www.example.org",
            ["www.example.org"],
            ["https://www.example.org/"],
            ["https://www.example.org/app"],
            ["https://www.example.org?a"],
            ["ftp://www.example.org"],
            ["https://"],
            ["https://["],
            ["*"],
            [None],
        ],
    ),
    "PLAIN_HTTP": (["marked", "always", "never"], ["sometimes", "", None, True]),
    "CONSENT": BOOLEANS,
    "TICKET_LIFETIME": integers(5, 86_400),
    "ANSWER_TIMEOUT": seconds(0.1, 30),
    "MAX_MESSAGE": integers(4_096, 1 << 24),
    "MAX_SOCKETS": ([None, 0, 1_000_000], [-1, 1_000_001, "many", 1.5, True]),
    "HEARTBEAT": seconds(1, 300),
    "BREAKER_FAILURES": integers(1, 100),
    "BREAKER_SECONDS": integers(1, 604_800),
    "REGISTRY": (["memory://"], ["memory", "redis://localhost", "", None]),
    "STATS": ([None, may_read], [True, "yes", 1]),
}
EXPECTATIONS = {
    "ENABLED": "True or False",
    "URL_PREFIX": 'a path that begins with "/" and does not end with one, such as "/viraljs"',
    "STATIC": 'a list of strings, such as ["*.js"]',
    "PUBLIC": 'a list of patterns of URL paths, such as ["/static/*"]',
    "MIN_SIZE": "an integer from 1 to 1099511627776",
    "MAX_BUFFER": "an integer from 0 to 1099511627776",
    "NEARBY": "one of 'address', 'network', 'asn', 'country', 'continent', 'any'",
    "GEO_DATABASES": 'a list of paths of files, such as ["/var/lib/GeoIP/GeoLite2-City.mmdb"]',
    "IPV4_NETWORK_BITS": "an integer from 8 to 32",
    "IPV6_NETWORK_BITS": "an integer from 16 to 64",
    "PEERS": "an integer from 1 to 8",
    "UPLOAD_SLOTS": "an integer from 1 to 64",
    "DEADLINE": "an integer from 50 to 60000",
    "STREAM_SIZE": "an integer from 1 to 1099511627776",
    "CROWD_SECONDS": "a number of seconds from 0 to 3600",
    "CLIENT_CACHE": "an integer from 0 to 1099511627776",
    "UPLOAD_LIMIT": "None or an integer from 1 to 1099511627776",
    "ICE_SERVERS": "a list of RTCIceServer dicts, such as [{",
    "TURN_URLS": 'a list of TURN URLs, such as ["turn:turn.example.org:3478"]',
    "TURN_SECRET": "None or a string that is not empty",
    "TURN_LIFETIME": "an integer from 60 to 86400",
    "RELAY": "True or False",
    "ORIGINS": 'a list of origins, such as ["https://www.example.org"], without a path',
    "PLAIN_HTTP": "one of 'marked', 'always', 'never'",
    "CONSENT": "True or False",
    "TICKET_LIFETIME": "an integer from 5 to 86400",
    "ANSWER_TIMEOUT": "a number of seconds from 0.1 to 30",
    "MAX_MESSAGE": "an integer from 4096 to 16777216",
    "MAX_SOCKETS": "None or an integer from 0 to 1000000",
    "HEARTBEAT": "a number of seconds from 1 to 300",
    "BREAKER_FAILURES": "an integer from 1 to 100",
    "BREAKER_SECONDS": "an integer from 1 to 604800",
    "REGISTRY": '"memory://"',
    "STATS": "None or a function without arguments that says whether the current request may read the statistics",
}
COMPANIONS: dict[str, dict[str, Any]] = {
    "TURN_URLS": {"TURN_SECRET": "a secret"},
    "TURN_SECRET": {"TURN_URLS": ["turn:turn.example.org"]},
}
"""What must be set, too, for a key to mean anything."""


def _name(key, value):
    """Name a case, the same in each process: the text of a function has its address."""
    return f"{key}={getattr(value, '__name__', repr(value))}"[:60]


GOOD = [pytest.param(key, value, id=_name(key, value)) for key, (good, _) in VALUES.items() for value in good]
BAD = [pytest.param(key, value, id=_name(key, value)) for key, (_, bad) in VALUES.items() for value in bad]


def test_every_key_is_tried_here():
    assert set(VALUES) == set(EXPECTATIONS) == set(KEYS)


@pytest.mark.parametrize(("key", "value"), GOOD)
def test_a_good_value_is_taken(key, value):
    settings = read_settings({PREFIX + name: given for name, given in {**COMPANIONS.get(key, {}), key: value}.items()})

    assert getattr(settings, key.lower()) == KEYS[key].check(value)


@pytest.mark.parametrize(("key", "value"), BAD)
def test_a_bad_value_is_refused_with_the_key_the_expectation_and_the_value(key, value):
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({PREFIX + key: value})

    said = str(refusal.value)
    assert said.startswith(f"VIRALJS_{key} must be {EXPECTATIONS[key]}")
    shown = f"what was given ({type(value).__name__})" if KEYS[key].secret else repr(value)
    assert said.endswith(f", not {shown}")


def test_an_error_reads_as_a_sentence():
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"VIRALJS_PEERS": "many"})

    assert str(refusal.value) == "VIRALJS_PEERS must be an integer from 1 to 8, not 'many'"


def test_an_option_of_the_decorator_is_named_as_it_was_written():
    with pytest.raises(ConfigurationError, match=r"^@viral\.bundle\(peers=…\) must be an integer from 1 to 8, not 0$"):
        check_value("PEERS", 0, "@viral.bundle(peers=…)")


@pytest.mark.parametrize(("typo", "meant"), [("PEER", "PEERS"), ("MINSIZE", "MIN_SIZE"), ("URL_PREFX", "URL_PREFIX")])
def test_a_typo_is_answered_with_the_nearest_key(typo, meant):
    with pytest.raises(ConfigurationError, match=f"^VIRALJS_{typo} is not a setting; did you mean VIRALJS_{meant}\\?$"):
        read_settings({f"VIRALJS_{typo}": 1})


def test_a_key_that_is_near_to_none_is_answered_with_all_of_them():
    with pytest.raises(ConfigurationError, match="VIRALJS_XYZZY is not a setting; known are ") as refusal:
        read_settings({"VIRALJS_XYZZY": 1})

    assert all(PREFIX + key in str(refusal.value) for key in KEYS)


def test_keys_of_others_are_not_looked_at():
    assert read_settings({"SECRET_KEY": 1, "VIRAL_PEERS": "many"}) == read_settings({})


def test_the_defaults_are_good_values():
    settings = read_settings({})

    assert settings.min_size == 65_536
    assert settings.nearby is Distance.ANY
    assert settings.geo_databases == ()
    assert (settings.ipv4_network_bits, settings.ipv6_network_bits) == (24, 48)
    assert settings.stats is None


def test_settings_and_keys_are_the_same_list():
    assert [field.name.upper() for field in fields(Settings)] == list(KEYS)


def test_a_turn_server_of_the_list_needs_its_credentials():
    with pytest.raises(
        ConfigurationError, match='dicts, with "username" and "credential" where a URL is turn: or turns'
    ):
        read_settings({"VIRALJS_ICE_SERVERS": [STUN, {"urls": ["stun:a", "turn:a"], "username": "me"}]})


def test_urls_and_secret_of_turn_go_together():
    with pytest.raises(ConfigurationError, match=r"^VIRALJS_TURN_URLS needs VIRALJS_TURN_SECRET"):
        read_settings({"VIRALJS_TURN_URLS": ["turn:turn.example.org"]})
    with pytest.raises(ConfigurationError, match=r"^VIRALJS_TURN_SECRET needs VIRALJS_TURN_URLS") as refusal:
        read_settings({"VIRALJS_TURN_SECRET": "hush"})
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(("relay", "passing"), [(True, True), (False, False)])
def test_credentials_pass_where_a_relay_is_allowed_that_makes_them(relay, passing):
    turn = {"VIRALJS_TURN_URLS": ["turn:turn.example.org"], "VIRALJS_TURN_SECRET": "hush"}

    assert read_settings({**turn, "VIRALJS_RELAY": relay}).credentials_pass is passing
    assert not read_settings({"VIRALJS_RELAY": relay, "VIRALJS_ICE_SERVERS": [TURN]}).credentials_pass


def test_no_error_and_no_repr_tells_a_secret():
    with pytest.raises(ConfigurationError) as refusal:
        read_settings({"VIRALJS_TURN_SECRET": b"hush"})
    settings = read_settings({"VIRALJS_TURN_SECRET": "hush", "VIRALJS_TURN_URLS": ["turn:turn.example.org"]})

    assert str(refusal.value).endswith("must be None or a string that is not empty, not what was given (bytes)")
    assert "hush" not in repr(settings)
    assert settings.turn_secret == "hush"


def test_what_is_read_does_not_change_with_what_was_given():
    patterns, server = ["*.js"], dict(STUN)
    settings = read_settings({"VIRALJS_STATIC": patterns, "VIRALJS_ICE_SERVERS": [server]})
    patterns.append("*.css")
    server["urls"] = "stun:elsewhere"

    assert settings.static == ("*.js",)
    assert settings.ice_servers == (STUN,)


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_documented(key):
    pages = [page for suffix in ("md", "rst") if (page := ROOT / "docs" / f"configuration.{suffix}").is_file()]
    assert pages, "docs/configuration.md is missing"

    assert PREFIX + key in pages[0].read_text()
