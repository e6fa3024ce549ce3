"""Settings: every `VIRALJS_*` key of `app.config`, checked once and frozen.

`KEYS` is the one list of them; the documentation and `flask viraljs settings` are checked against it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .ice import needs_credentials
from .nearness import IPV4_NETWORK_BITS, IPV6_LAN_BITS, IPV6_NETWORK_BITS, Distance

PREFIX = "VIRALJS_"
PLAIN_HTTP_CHOICES = ("marked", "always", "never")
HOST = r"(?:[^\s:/?#@\[\]]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?"
STUN_URL = re.compile(rf"stuns?:{HOST}")
"""RFC 7064."""
TURN_URL = re.compile(rf"turns?:{HOST}(?:\?transport=(?:udp|tcp))?")
"""RFC 7065."""


@dataclass(frozen=True)
class Settings:
    """What an app decided. Field `x` is the key `VIRALJS_X`; units are in the description of the key in `KEYS`."""

    enabled: bool
    url_prefix: str
    static: tuple[str, ...]
    public: tuple[str, ...]
    min_size: int
    max_buffer: int
    nearby: Distance
    geo_databases: tuple[str, ...]
    ipv4_network_bits: int
    ipv6_network_bits: int
    peers: int
    upload_slots: int
    deadline: int
    stream_size: int
    crowd_seconds: float
    client_cache: int
    upload_limit: int | None
    ice_servers: tuple[Mapping[str, Any], ...]
    turn_urls: tuple[str, ...]
    turn_secret: str | None = field(repr=False)
    turn_lifetime: int
    relay: bool
    origins: tuple[str, ...]
    plain_http: str
    consent: bool
    ticket_lifetime: int
    answer_timeout: float
    max_message: int
    max_sockets: int | None
    heartbeat: float
    breaker_failures: int
    breaker_seconds: int
    registry: str
    stats: Callable[[], bool] | None

    @property
    def credentials_pass(self) -> bool:
        """Whether each browser gets credentials of its own for the TURN servers, which soon expire."""
        return self.relay and self.turn_secret is not None


class _Refused(Exception):
    """A value is not what the key takes; the message says what would be."""


Check = Callable[[Any], Any]


@dataclass(frozen=True)
class Key:
    """One setting: its default, the check that also normalises a value, and what it is for."""

    default: Any
    check: Check
    description: str
    secret: bool = False
    """Its value is never shown."""


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _Refused("True or False")
    return value


def _integer(low: int, high: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _Refused(f"an integer from {low} to {high}")
        return value

    return check


def _seconds(low: float, high: float) -> Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _Refused(f"a number of seconds from {low:g} to {high:g}")
        return float(value)

    return check


def _choice(*words: str) -> Check:
    def check(value: Any) -> str:
        if value not in words:
            raise _Refused("one of " + ", ".join(map(repr, words)))
        return str(value)

    return check


def _optional(check: Check) -> Check:
    def either(value: Any) -> Any:
        if value is None:
            return None
        try:
            return check(value)
        except _Refused as refusal:
            raise _Refused(f"None or {refusal}") from None

    return either


def _strings(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item for item in value):
        raise _Refused('a list of strings, such as ["*.js"]')
    return tuple(value)


def _path_patterns(value: Any) -> tuple[str, ...]:
    # One that begins otherwise would match nothing, silently.
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one[:1] in ("/", "*") for one in value):
        raise _Refused('a list of patterns of URL paths, such as ["/static/*"]')
    return tuple(value)


def _paths(value: Any) -> tuple[str, ...]:
    expected = _Refused('a list of paths of files, such as ["/var/lib/GeoIP/GeoLite2-City.mmdb"]')
    if not isinstance(value, list | tuple) or not all(isinstance(item, str | os.PathLike) for item in value):
        raise expected
    paths: tuple[str | bytes, ...] = tuple(map(os.fspath, value))
    if not all(isinstance(path, str) and path and "\0" not in path for path in paths):
        raise expected
    return paths  # type: ignore[return-value]


def _url_prefix(value: Any) -> str:
    if not isinstance(value, str) or not value.startswith("/") or value.endswith("/"):
        raise _Refused('a path that begins with "/" and does not end with one, such as "/viraljs"')
    return value


def _distance(value: Any) -> Distance:
    if value not in Distance.names():
        raise _Refused("one of " + ", ".join(map(repr, Distance.names())))
    return Distance[value.upper()]


def _origins(value: Any) -> tuple[str, ...]:
    expected = _Refused('a list of origins, such as ["https://www.example.org"], without a path')
    if not isinstance(value, list | tuple):
        raise expected
    for origin in value:
        if not isinstance(origin, str) or not _is_origin(origin):
            raise expected
    return tuple(value)


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}"


def _ice_servers(value: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, list | tuple) or not all(map(_is_ice_server, value)):
        raise _Refused('a list of RTCIceServer dicts, such as [{"urls": "stun:stun.example.org:3478"}]')
    # A browser that is told of a TURN server without them makes no connection at all.
    if any(needs_credentials(server) and not {"username", "credential"} <= server.keys() for server in value):
        raise _Refused('a list of RTCIceServer dicts, with "username" and "credential" where a URL is turn: or turns:')
    return tuple(dict(server) for server in value)


def _is_ice_server(server: Any) -> bool:
    if not isinstance(server, Mapping):
        return False
    urls = server.get("urls")
    return _are_urls([urls] if isinstance(urls, str) else urls or None, STUN_URL, TURN_URL) and all(
        isinstance(text, str) for name, text in server.items() if name != "urls"
    )


def _turn_urls(value: Any) -> tuple[str, ...]:
    if not _are_urls(value, TURN_URL):
        raise _Refused('a list of TURN URLs, such as ["turn:turn.example.org:3478"]')
    return tuple(value)


def _are_urls(value: Any, *kinds: re.Pattern[str]) -> bool:
    return isinstance(value, list | tuple) and all(
        isinstance(url, str) and any(kind.fullmatch(url) for kind in kinds) for url in value
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise _Refused("a string that is not empty")
    return value


def _registry(value: Any) -> str:
    if value != "memory://":
        raise _Refused('"memory://", the only registry there is')
    return str(value)


def _callable(value: Any) -> Callable[[], bool]:
    if not callable(value):
        raise _Refused("a function without arguments that says whether the current request may read the statistics")
    return value  # type: ignore[no-any-return]


KEYS: Mapping[str, Key] = {
    "ENABLED": Key(True, _boolean, "Off, every response is untouched."),
    "URL_PREFIX": Key("/viraljs", _url_prefix, "Where the signaling blueprint lives."),
    "STATIC": Key((), _strings, 'Patterns of the app\'s own static files to deliver, such as `["*.js"]`.'),
    "PUBLIC": Key(
        (),
        _path_patterns,
        'Patterns of URL paths whose bundles are the same for everybody, such as `["/static/*"]`: cookies and sessions '
        "don't count there, and are not sent.",
    ),
    "MIN_SIZE": Key(65_536, _integer(1, 1 << 40), "Bytes; a smaller bundle is not worth an introduction."),
    "MAX_BUFFER": Key(33_554_432, _integer(0, 1 << 40), "Bytes of a generator to collect before giving up on it."),
    "NEARBY": Key(
        "any",
        _distance,
        'How far a seeder may be: `"address"`, `"network"`, `"asn"`, `"country"`, `"continent"` or `"any"`; the three '
        "before the last need `VIRALJS_GEO_DATABASES`.",
    ),
    "GEO_DATABASES": Key(
        (),
        _paths,
        "Files in MaxMind's format (.mmdb) that tell an address's autonomous system or place. Needs `viraljs[geo]`.",
    ),
    "IPV4_NETWORK_BITS": Key(
        IPV4_NETWORK_BITS,
        _integer(8, 32),
        'Bits of an IPv4 address that name its network, for `"network"`.',
    ),
    "IPV6_NETWORK_BITS": Key(IPV6_NETWORK_BITS, _integer(16, IPV6_LAN_BITS), "The same for IPv6."),
    "PEERS": Key(3, _integer(1, 8), "Seeders to introduce to one recipient."),
    "UPLOAD_SLOTS": Key(6, _integer(1, 64), "Recipients that one seeder serves at a time."),
    "DEADLINE": Key(
        500,
        _integer(50, 60_000),
        "Milliseconds granted to an introduction before the server is asked; the client adds eight times the time that "
        "the first byte of the thin response took (1 s at most), and 50 ms for each MB of the bundle.",
    ),
    "STREAM_SIZE": Key(
        2_097_152,
        _integer(1, 1 << 40),
        "Bytes; from this size on the first visitor, too, gets the thin client and streams the bundle from the server, "
        "so that each piece can be passed on while the next is still coming.",
    ),
    "CROWD_SECONDS": Key(
        10.0,
        _seconds(0, 3_600),
        "Seconds after a full response in which others that ask are taken as one crowd: they get the thin client "
        "instead of a copy each. 0: never.",
    ),
    "CLIENT_CACHE": Key(
        104_857_600,
        _integer(0, 1 << 40),
        "Bytes of verified bundles kept in a browser's Cache Storage; 0 keeps none.",
    ),
    "UPLOAD_LIMIT": Key(
        None,
        _optional(_integer(1, 1 << 40)),
        "Bytes per second that one seeder uploads at most; `None`: no limit.",
    ),
    "ICE_SERVERS": Key(
        ({"urls": "stun:stun.cloudflare.com:3478"},),
        _ice_servers,
        "`RTCIceServer` dicts for the browsers. `[]` is enough where all visitors share one network.",
    ),
    "TURN_URLS": Key((), _turn_urls, "TURN servers that make credentials of `TURN_SECRET`, as coturn does."),
    "TURN_SECRET": Key(None, _optional(_text), "What they know as `static-auth-secret`; never shown.", secret=True),
    "TURN_LIFETIME": Key(3_600, _integer(60, 86_400), "Seconds in which such credentials open a TURN server."),
    "RELAY": Key(
        False,
        _boolean,
        "Bundle bytes may travel through TURN servers where two visitors can't reach each other; else TURN servers "
        "serve as STUN servers only.",
    ),
    "ORIGINS": Key((), _origins, "Origins, beside the app's own, whose pages may take part."),
    "PLAIN_HTTP": Key(
        "marked",
        _choice(*PLAIN_HTTP_CHOICES),
        "On http beyond localhost browsers do not say what a request is for: deliver to tags that `viral_script` wrote "
        '(`"marked"`), to every browser (`"always"`), or never.',
    ),
    "CONSENT": Key(False, _boolean, "Share nothing before the page called `ViralJS.consent(true)`."),
    "TICKET_LIFETIME": Key(120, _integer(5, 86_400), "Seconds in which a recipient may use its ticket."),
    "ANSWER_TIMEOUT": Key(2.0, _seconds(0.1, 30), "Seconds that a recipient's POST waits for seeders to answer."),
    "MAX_MESSAGE": Key(65_536, _integer(4_096, 1 << 24), "Bytes of a signaling message, on the socket and by POST."),
    "MAX_SOCKETS": Key(
        None,
        _optional(_integer(0, 1_000_000)),
        "Seeders connected to one process. `None`: 4 under gunicorn's threaded workers, where each holds a thread, "
        "none under its sync workers, else 800.",
    ),
    "HEARTBEAT": Key(25.0, _seconds(1, 300), "Seconds of silence on a seeder's socket before it is pinged."),
    "BREAKER_FAILURES": Key(3, _integer(1, 100), "Failed deliveries in a row after which a browser is left alone."),
    "BREAKER_SECONDS": Key(600, _integer(1, 604_800), "Seconds that it is left alone for."),
    "REGISTRY": Key("memory://", _registry, "Where the swarms are kept."),
    "STATS": Key(None, _optional(_callable), "Says whether a request may read `stats.json`; `None`: nobody may."),
}


def read_settings(config: Mapping[str, Any]) -> Settings:
    """Read and check every `VIRALJS_*` key.

    Args:
        config: `app.config`, or any mapping; other keys are not looked at.

    Raises:
        ConfigurationError: a key is unknown, its value is not what the key takes, or two keys do not go together.
    """
    given = {name[len(PREFIX) :]: value for name, value in config.items() if name.startswith(PREFIX)}
    for name in given:
        if name not in KEYS:
            raise ConfigurationError(_unknown(name))
    values = {name.lower(): check_value(name, given.get(name, key.default)) for name, key in KEYS.items()}
    settings = Settings(**values)
    _agree(settings)
    return settings


def _agree(settings: Settings) -> None:
    if settings.turn_urls and settings.turn_secret is None:
        raise ConfigurationError("VIRALJS_TURN_URLS needs VIRALJS_TURN_SECRET, which these servers must know, too")
    if settings.turn_secret is not None and not settings.turn_urls:
        raise ConfigurationError("VIRALJS_TURN_SECRET needs VIRALJS_TURN_URLS, the servers that know it")


def check_value(name: str, value: Any, shown_as: str | None = None) -> Any:
    """Check and normalise one value, be it of a key or of an option of the decorator.

    Args:
        name: the key without its prefix, such as `"PEERS"`.
        value: what was given.
        shown_as: what to call it in the error; the whole key if left out.
    """
    key = KEYS[name]
    try:
        return key.check(value)
    except _Refused as refusal:
        given = f"what was given ({type(value).__name__})" if key.secret else repr(value)
        raise ConfigurationError(f"{shown_as or PREFIX + name} must be {refusal}, not {given}") from None


def _unknown(name: str) -> str:
    close = get_close_matches(name, KEYS, n=1)
    hint = f"did you mean {PREFIX}{close[0]}?" if close else "known are " + ", ".join(PREFIX + key for key in KEYS)
    return f"{PREFIX}{name} is not a setting; {hint}"
