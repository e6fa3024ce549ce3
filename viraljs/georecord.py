"""What a record of a geographic database says, whoever made the database. Pure.

Two layouts are in use. MaxMind's is nested (GeoLite2 and GeoIP2: ASN, ISP, Country, City, Enterprise; DB-IP's are the
same), IPinfo's is flat, and so are most that people make for themselves. Whatever is missing, ill-typed or absurd is no
fact: a record never raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from .nearness import NO_FACTS, Facts

CONTINENTS = frozenset({"AF", "AN", "AS", "EU", "NA", "OC", "SA"})
NO_COUNTRIES = frozenset({"AP", "EU", "XX", "ZZ"})
"""Written where a country is not known: two regions of old registries, and two codes that ISO 3166 leaves to users."""
MOST_ASN = (1 << 32) - 2
"""The highest number of an autonomous system (RFC 7300); 0 is none either (RFC 7607)."""
MOST_NORTH = 90
MOST_EAST = 180

_ASN = re.compile(r"(?:AS)?([0-9]{1,10})", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Za-z]{2}")
_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,20})?")

FactT = TypeVar("FactT")


def read_record(record: object) -> Facts:
    """Read what one record says."""
    latitude, longitude = _first(
        _coordinates,
        (_at(record, "location", "latitude"), _at(record, "location", "longitude")),
        (_at(record, "latitude"), _at(record, "longitude")),
        (_at(record, "lat"), _at(record, "lng")),
        (_at(record, "lat"), _at(record, "lon")),
    ) or (None, None)
    return Facts(
        _first(
            _asn,
            _at(record, "autonomous_system_number"),
            _at(record, "traits", "autonomous_system_number"),
            _at(record, "asn"),
        ),
        # Not `registered_country`: it is where a network's owner is at home, not where the network is.
        _first(_country, _at(record, "country", "iso_code"), _at(record, "country_code"), _at(record, "country")) or "",
        _first(_continent, _at(record, "continent", "code"), _at(record, "continent_code"), _at(record, "continent"))
        or "",
        latitude,
        longitude,
    )


def merge(known: Facts, more: Facts) -> Facts:
    """Add what `known` lacks; coordinates are one fact."""
    if more == NO_FACTS:
        return known
    by = known if known.latitude is not None else more
    return Facts(
        more.asn if known.asn is None else known.asn,
        known.country or more.country,
        known.continent or more.continent,
        by.latitude,
        by.longitude,
    )


def _at(record: object, *names: str) -> object:
    """Follow names inwards; None where one of them leads nowhere."""
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _first(read: Callable[[object], FactT | None], *values: object) -> FactT | None:
    return next((fact for value in values if (fact := read(value)) is not None), None)


def _asn(value: object) -> int | None:
    if isinstance(value, str):
        written = _ASN.fullmatch(value)
        value = int(written[1]) if written else None
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 1 <= value <= MOST_ASN else None


def _country(value: object) -> str | None:
    if not isinstance(value, str) or not _COUNTRY.fullmatch(value) or value.upper() in NO_COUNTRIES:
        return None
    return value.upper()


def _continent(value: object) -> str | None:
    return value.upper() if isinstance(value, str) and value.upper() in CONTINENTS else None


def _coordinates(pair: object) -> tuple[float, float] | None:
    north, east = map(_number, pair) if isinstance(pair, tuple) else (None, None)
    if north is None or east is None or not (abs(north) <= MOST_NORTH and abs(east) <= MOST_EAST):
        return None
    # Where both are nought there is only sea: it is how some say that they don't know.
    return (float(north), float(east)) if north or east else None


def _number(value: object) -> float | None:
    if isinstance(value, str):
        return float(value) if _DEGREES.fullmatch(value) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
