"""The STUN and TURN servers that browsers are told of, and the passing credentials of the latter. Pure.

A browser that is never told of a `turn:` URL can't be relayed. So, unless the app lets bundle bytes travel through
relays, each TURN server is named as what it also is: a STUN server (RFC 8656).
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha1
from typing import Any

IceServer = Mapping[str, Any]
"""An `RTCIceServer` of the W3C's webrtc: `urls`, and perhaps `username` and `credential`."""

TURN_SCHEMES = ("turn:", "turns:")


def needs_credentials(server: IceServer) -> bool:
    """Say whether a browser refuses this server without a user name and a credential."""
    return any(url.startswith(TURN_SCHEMES) for url in urls_of(server))


def urls_of(server: IceServer) -> Sequence[str]:
    """Give the URLs of a server, which may have one that stands alone."""
    urls: str | Sequence[str] = server["urls"]
    return [urls] if isinstance(urls, str) else urls


def lasting_servers(servers: Sequence[IceServer], turn_urls: Sequence[str], *, relay: bool) -> list[IceServer]:
    """List what every browser may be told at any time: it may rest in a cache.

    Args:
        servers: as the app's settings name them; those of TURN have lasting credentials.
        turn_urls: of the TURN servers whose credentials pass, which are not in the list but as STUN servers.
        relay: whether bundle bytes may travel through TURN servers.
    """
    known = list(servers) if relay else list(_unrelayed(servers))
    named = {url for server in known for url in urls_of(server)}
    stun = [url for url in _as_stun(turn_urls) if url not in named]
    return [*known, {"urls": stun}] if stun else known


def fresh_servers(
    servers: Sequence[IceServer], turn_urls: Sequence[str], secret: str, lifetime: int, name: str, now: float
) -> list[IceServer]:
    """List what one browser is told now, where bundle bytes may travel through TURN servers.

    The credentials are those that coturn's `use-auth-secret` takes (draft-uberti-behave-turn-rest-00).

    Args:
        servers: as the app's settings name them.
        turn_urls: of the TURN servers that know the secret.
        secret: their `static-auth-secret`.
        lifetime: how long the credentials are good, in seconds.
        name: of the peer behind the browser; the TURN server sees it.
        now: the time, in seconds since the epoch.
    """
    username = f"{int(now) + lifetime}:{name}"
    digest = hmac.new(secret.encode(), username.encode(), sha1).digest()
    return [*servers, {"urls": list(turn_urls), "username": username, "credential": b64encode(digest).decode()}]


def _unrelayed(servers: Sequence[IceServer]) -> Iterator[IceServer]:
    """Give the same servers without their relays, and without what opens these."""
    for server in servers:
        if not needs_credentials(server):
            yield server
        elif urls := _as_stun(urls_of(server)):
            yield {"urls": urls}


def _as_stun(urls: Sequence[str]) -> list[str]:
    """Name servers as STUN servers, each once.

    Browsers ask these over UDP only, whatever the scheme; so what is reached by TCP or TLS alone is of no use to them.
    """
    named: dict[str, None] = {}
    for url in urls:
        scheme, rest = url.split(":", 1)
        address, _, transport = rest.partition("?")
        if scheme in ("stun", "stuns"):
            named[url] = None
        elif scheme == "turn" and transport in ("", "transport=udp"):
            named[f"stun:{address}"] = None
    return list(named)
