"""Where a visitor is, as far as an address and an operator's databases tell, and how far two are apart. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from math import asin, cos, radians, sin, sqrt

IPV4_NETWORK_BITS = 24
IPV6_NETWORK_BITS = 48
IPV6_LAN_BITS = 64
"""A subnet (RFC 4291, 2.5.4). Devices behind one router share it, as they share one public address of IPv4."""
EARTH_RADIUS_KILOMETRES = 6_371.0
CONTINENT_KILOMETRES = 1_000.0
"""Two places this close count as one continent, though a border of continents may lie between them."""


class Distance(IntEnum):
    """Steps from near to far; the names in lower case are what `VIRALJS_NEARBY` takes."""

    ADDRESS = 0
    """Behind one public address; in IPv6, in one /64."""
    NETWORK = 1
    """In one network by prefix (`VIRALJS_IPV4_NETWORK_BITS`, `VIRALJS_IPV6_NETWORK_BITS`)."""
    ASN = 2
    """In one autonomous system (RFC 1930) of one country; or both in private ranges, hence in one organisation."""
    COUNTRY = 3
    CONTINENT = 4
    """On one continent, or within `CONTINENT_KILOMETRES`."""
    ANY = 5

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Give the words that a setting may use, nearest first."""
        return tuple(step.name.lower() for step in cls)


@dataclass(frozen=True)
class Facts:
    """What a database knows of an address; empty or None where it does not."""

    asn: int | None = None
    """Number of the autonomous system."""
    country: str = ""
    """ISO 3166-1 alpha-2, upper case."""
    continent: str = ""
    """Two letters, as MaxMind has them: AF AN AS EU NA OC SA."""
    latitude: float | None = None
    """Degrees north."""
    longitude: float | None = None
    """Degrees east."""


NO_FACTS = Facts()


@dataclass(frozen=True)
class Place:
    """Names of the areas around a visitor, from small to large; one that is not known is empty."""

    address: str = ""
    network: str = ""
    system: str = ""
    """Autonomous system and country; so a network that spans the world does not make Oslo a neighbour of Perth."""
    country: str = ""
    continent: str = ""
    latitude: float | None = None
    longitude: float | None = None

    @property
    def areas(self) -> tuple[str, str, str, str, str]:
        """The names, in the order of `Distance`."""
        return self.address, self.network, self.system, self.country, self.continent

    @property
    def is_local(self) -> bool:
        """Whether the address is of a range that the Internet does not route: a LAN's or a carrier's own."""
        return self.system in (_PRIVATE, _CARRIER)


_NAT64 = ip_network("64:ff9b::/96")
_PRIVATE = "private"
_CARRIER = "carrier"

NOWHERE = Place()

# (range, the network that all of it is, or None where prefixes tell, and the system that it belongs to)
_SPECIAL: tuple[tuple[IPv4Network | IPv6Network, str | None, str], ...] = tuple(
    (ip_network(text), network, system)
    for text, network, system in (
        ("127.0.0.0/8", "loopback", _PRIVATE),
        ("::1/128", "loopback", _PRIVATE),
        ("169.254.0.0/16", "169.254.0.0/16", _PRIVATE),  # link-local, RFC 3927
        ("fe80::/10", "fe80::/10", _PRIVATE),
        ("10.0.0.0/8", None, _PRIVATE),  # RFC 1918
        ("172.16.0.0/12", None, _PRIVATE),
        ("192.168.0.0/16", None, _PRIVATE),
        ("fc00::/7", None, _PRIVATE),  # RFC 4193
        ("100.64.0.0/10", None, _CARRIER),  # a carrier's own side of its NAT, RFC 6598
    )
)


def locate(
    address: str | None,
    lookup: Callable[[str], Facts] = lambda _: NO_FACTS,
    *,
    ipv4_bits: int = IPV4_NETWORK_BITS,
    ipv6_bits: int = IPV6_NETWORK_BITS,
) -> Place:
    """Say where an address is.

    Args:
        address: an IPv4 or IPv6 address, as in `request.remote_addr`. One of IPv6 that stands for one of IPv4 counts
            as that, and a zone id (RFC 4007) is dropped.
        lookup: what databases know of a public address.
        ipv4_bits: length of the prefix that names a network.
        ipv6_bits: the same for IPv6.

    Returns:
        the place, or `NOWHERE` where the address is missing, does not parse, or can't be a visitor's.
    """
    parsed = _parse(address or "")
    if parsed is None:
        return NOWHERE
    four = isinstance(parsed, IPv4Address)
    own = str(parsed) if four or parsed.is_link_local else _prefix(parsed, IPV6_LAN_BITS)
    network = _prefix(parsed, ipv4_bits if four else ipv6_bits)
    for span, name, system in _SPECIAL:
        if parsed in span:
            return Place(own, name or network, system)
    facts = lookup(str(parsed))
    return Place(
        own,
        network,
        "" if facts.asn is None else f"AS{facts.asn} {facts.country}",
        facts.country,
        facts.continent,
        facts.latitude,
        facts.longitude,
    )


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed: IPv4Address | IPv6Address = ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = _carried(parsed) or parsed
    return None if parsed.is_unspecified or parsed.is_multicast else parsed


def _carried(address: IPv6Address) -> IPv4Address | None:
    """Give the IPv4 address inside one that is mapped (RFC 4291, 2.5.5.2), of NAT64 (RFC 6052), 6to4 or Teredo.

    The /64 would be the gateway's or the relay's: strangers would seem to sit behind one router.
    """
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo:  # RFC 4380
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour  # RFC 3056


def _prefix(address: IPv4Address | IPv6Address, bits: int) -> str:
    first = type(address)(int(address) & -1 << address.max_prefixlen - bits)
    return f"{first}/{bits}"


def distance(one: Place, other: Place) -> Distance:
    """Measure how far two places are apart; an unknown place is far from everything."""
    # Written out: this runs for each candidate of each request.
    if one.address and one.address == other.address:
        return Distance.ADDRESS
    if one.network and one.network == other.network:
        return Distance.NETWORK
    if one.system and one.system == other.system:
        return Distance.ASN
    if one.country and one.country == other.country:
        return Distance.COUNTRY
    if one.continent and one.continent == other.continent:
        return Distance.CONTINENT
    apart = kilometres(one, other)
    return Distance.CONTINENT if apart is not None and apart <= CONTINENT_KILOMETRES else Distance.ANY


def inside(place: Place) -> str:
    """Name what stands between two machines of one network: a wireless network may keep its clients apart."""
    return place.network and f"inside {place.network}"


def kilometres(one: Place, other: Place) -> float | None:
    """Measure along the great circle; None where either's coordinates are not known."""
    if one.latitude is None or one.longitude is None or other.latitude is None or other.longitude is None:
        return None
    x, y, z = _point(one.latitude, one.longitude)
    other_x, other_y, other_z = _point(other.latitude, other.longitude)
    chord = sqrt((x - other_x) ** 2 + (y - other_y) ** 2 + (z - other_z) ** 2)
    return 2 * EARTH_RADIUS_KILOMETRES * asin(min(1.0, chord / 2))


@lru_cache(maxsize=16_384)
def _point(latitude: float, longitude: float) -> tuple[float, float, float]:
    """Give a place on the unit sphere. Databases know some thousands of places, and each comes up again and again."""
    north, east = radians(latitude), radians(longitude)
    return cos(north) * cos(east), cos(north) * sin(east), sin(north)
