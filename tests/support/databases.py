"""Small databases in MaxMind's format, written for a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

ASN = {
    "203.0.113.0/24": {"autonomous_system_number": 64500, "autonomous_system_organization": "Example"},
    "2001:db8::/32": {"autonomous_system_number": 64501},
}
CITY = {
    "203.0.113.0/24": {
        "city": {"names": {"en": "Oslo"}},
        "continent": {"code": "EU"},
        "country": {"iso_code": "NO"},
        "location": {"latitude": 59.91, "longitude": 10.75, "accuracy_radius": 20},
        "registered_country": {"iso_code": "SE"},
    },
    "198.51.100.0/24": {"registered_country": {"iso_code": "SE"}},
    "2001:db8::/32": {"continent": {"code": "OC"}, "country": {"iso_code": "AU"}},
}
COUNTRY = {"203.0.113.0/24": {"continent": {"code": "EU"}, "country": {"iso_code": "DK"}}}
FLAT = {"203.0.113.0/24": {"asn": "AS64502", "as_name": "Flat", "country_code": "FI", "continent_code": "EU"}}
DOMAIN = {"203.0.113.0/24": {"domain": "example.org"}}


def write_database(
    path: Path, records: Mapping[str, Any], kind: str = "GeoLite2-City", *, ip_version: int = 6, **options: Any
) -> Path:
    """Write records by network; of IPv4 and IPv6, unless `ip_version` is 4."""
    writer = MMDBWriter(ip_version, kind, ipv4_compatible=ip_version == 6, **options)
    for network, record in records.items():
        if ip_version == 6 or ":" not in network:
            writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path
