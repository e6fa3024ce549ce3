"""Where a visitor is, as far as an address tells, and how far two visitors are from each other. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address, ip_address

IPV4_NETWORK_BITS = 24
IPV6_NETWORK_BITS = 48


class Distance(IntEnum):
    """Steps from near to far; the names in lower case are what `VIRALJS_NEARBY` takes."""

    ADDRESS = 0
    NETWORK = 1
    ANY = 2

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Give the words that a setting may use, nearest first."""
        return tuple(step.name.lower() for step in cls)


@dataclass(frozen=True)
class Place:
    """An address and the network around it; both are empty where the address is unknown."""

    address: str
    network: str


NOWHERE = Place("", "")


def locate(address: str | None) -> Place:
    """Say where an address is.

    Args:
        address: an IPv4 or IPv6 address, as in `request.remote_addr`. IPv4-mapped IPv6 (RFC 4291, 2.5.5.2) counts as
            IPv4, and a zone id (RFC 4007) is dropped.

    Returns:
        the place, or `NOWHERE` where the address is missing or does not parse.
    """
    try:
        parsed: IPv4Address | IPv6Address = ip_address((address or "").split("%", 1)[0])
    except ValueError:
        return NOWHERE
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = IPV4_NETWORK_BITS if isinstance(parsed, IPv4Address) else IPV6_NETWORK_BITS
    first = type(parsed)(int(parsed) & -1 << parsed.max_prefixlen - bits)
    return Place(str(parsed), f"{first}/{bits}")


def distance(one: Place, other: Place) -> Distance:
    """Measure how far two places are apart; an unknown place is far from everything."""
    if one.address and one.address == other.address:
        return Distance.ADDRESS
    if one.network and one.network == other.network:
        return Distance.NETWORK
    return Distance.ANY
