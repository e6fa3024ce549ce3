"""A rough map of who is online: enough to tell near from far. Shares are percent of visitors, places are capitals."""

from __future__ import annotations

from typing import NamedTuple


class Country(NamedTuple):
    """One country of the model."""

    code: str
    continent: str
    share: float
    latitude: float
    longitude: float


COUNTRIES = (
    Country("US", "NA", 20, 38.9, -77.0),
    Country("IN", "AS", 14, 28.6, 77.2),
    Country("BR", "SA", 8, -15.8, -47.9),
    Country("JP", "AS", 7, 35.7, 139.7),
    Country("DE", "EU", 7, 52.5, 13.4),
    Country("GB", "EU", 6, 51.5, -0.1),
    Country("FR", "EU", 5, 48.9, 2.4),
    Country("ID", "AS", 5, -6.2, 106.8),
    Country("MX", "NA", 4, 19.4, -99.1),
    Country("NG", "AF", 4, 9.1, 7.5),
    Country("IT", "EU", 3, 41.9, 12.5),
    Country("ES", "EU", 3, 40.4, -3.7),
    Country("KR", "AS", 3, 37.6, 127.0),
    Country("CA", "NA", 3, 45.4, -75.7),
    Country("PL", "EU", 2, 52.2, 21.0),
    Country("AU", "OC", 2, -35.3, 149.1),
    Country("ZA", "AF", 2, -25.7, 28.2),
    Country("NL", "EU", 1, 52.4, 4.9),
    Country("NO", "EU", 0.5, 59.9, 10.8),
    Country("NZ", "OC", 0.5, -41.3, 174.8),
)
HOME = COUNTRIES[4]
"""Where a scenario of one country is."""
