"""Records of databases: two layouts understood, and nonsense taken for nothing."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.georecord import CONTINENTS, MOST_ASN, merge, read_record
from viraljs.nearness import NO_FACTS, Facts

OSLO = Facts(None, "NO", "EU", 59.91, 10.75)


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        ({"autonomous_system_number": 64500, "autonomous_system_organization": "Example"}, Facts(64500)),
        ({"autonomous_system_number": 64500, "isp": "Example", "organization": "Example"}, Facts(64500)),
        ({"continent": {"code": "EU", "geoname_id": 1}, "country": {"iso_code": "NO"}}, Facts(None, "NO", "EU")),
        (
            {
                "continent": {"code": "EU"},
                "country": {"iso_code": "NO", "names": {"en": "Norway"}},
                "location": {"latitude": 59.91, "longitude": 10.75, "time_zone": "Europe/Oslo"},
            },
            OSLO,
        ),
        (
            {"country": {"iso_code": "NO"}, "traits": {"autonomous_system_number": 64500, "isp": "Example"}},
            Facts(64500, "NO"),
        ),
    ],
    ids=["ASN", "ISP", "Country", "City", "Enterprise"],
)
def test_the_layout_of_maxmind_is_understood(record, facts):
    assert read_record(record) == facts


@pytest.mark.parametrize(
    ("record", "facts"),
    [
        (
            {"asn": "AS64500", "as_name": "E", "country": "NO", "country_name": "Norway", "continent": "EU"},
            Facts(64500, "NO", "EU"),
        ),
        (
            {
                "asn": "AS64500",
                "country": "Norway",
                "country_code": "NO",
                "continent": "Europe",
                "continent_code": "EU",
            },
            Facts(64500, "NO", "EU"),
        ),
        ({"city": "Oslo", "country": "NO", "lat": "59.91", "lng": "10.75"}, Facts(None, "NO", "", 59.91, 10.75)),
        ({"country_code": "no", "latitude": 59.91, "longitude": 10.75}, Facts(None, "NO", "", 59.91, 10.75)),
        ({"lat": 59.91, "lon": 10.75}, Facts(None, "", "", 59.91, 10.75)),
        ({"asn": 64500}, Facts(64500)),
        ({"asn": "64500"}, Facts(64500)),
    ],
    ids=["IPinfo country_asn", "IPinfo lite", "IPinfo location", "ip-location-db", "lon", "number", "digits"],
)
def test_a_flat_layout_is_understood(record, facts):
    assert read_record(record) == facts


@pytest.mark.parametrize(
    "record",
    [
        None,
        "NO",
        [],
        {},
        {"country": None, "location": [], "continent": 3, "traits": "none"},
        {"registered_country": {"iso_code": "NO"}, "represented_country": {"iso_code": "US"}},
        *({"asn": asn} for asn in (0, -1, True, 64500.0, MOST_ASN + 1, "", "AS", "64500 Example", "AS٣", "9" * 5_000)),
        *({"country_code": code} for code in ("", "N", "NOR", "N1", "ÆØ", "ZZ", "eu", 47, ["NO"])),
        *({"continent_code": code} for code in ("", "XX", "Europe", 1, None)),
        *(
            {"latitude": north, "longitude": east}
            for north, east in (
                (90.1, 0),
                (0, -180.1),
                (math.nan, 1),
                (1, math.inf),
                (1, None),
                (True, 1),
                ("1e1", "1"),
                ("", ""),
                (10**400, 1),
                (0, 0),
                ("0.0", 0.0),
            )
        ),
    ],
    ids=lambda record: repr(record)[:60],
)
def test_what_is_missing_ill_typed_or_absurd_is_no_fact(record):
    assert read_record(record) == NO_FACTS


def test_nonsense_in_one_field_does_not_spoil_the_others():
    record = {"asn": "none", "country": {"iso_code": 47}, "country_code": "NO", "continent": ["EU"], "latitude": 1}

    assert read_record(record) == Facts(None, "NO")


def test_the_poles_and_the_date_line_are_places():
    assert read_record({"latitude": -90, "longitude": 180}) == Facts(None, "", "", -90.0, 180.0)


def test_what_is_known_first_stands():
    assert merge(Facts(1, "NO"), Facts(2, "SE", "EU", 59.3, 18.1)) == Facts(1, "NO", "EU", 59.3, 18.1)
    assert merge(OSLO, Facts(2, "SE", "EU", 59.3, 18.1)) == Facts(2, "NO", "EU", 59.91, 10.75)
    assert merge(OSLO, NO_FACTS) == merge(NO_FACTS, OSLO) == OSLO


# Anything at all --------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        "asn",
        "autonomous_system_number",
        "traits",
        "country",
        "country_code",
        "iso_code",
        "continent",
        "continent_code",
        "code",
        "location",
        "latitude",
        "longitude",
        "lat",
        "lng",
        "lon",
    ]
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES | st.text(), inner, max_size=6),
)


@given(st.dictionaries(NAMES, JUNK) | JUNK)
def test_any_record_gives_facts_in_their_bounds(record):
    facts = read_record(record)

    assert facts.asn is None or 1 <= facts.asn <= MOST_ASN
    assert facts.country == "" or (len(facts.country) == 2 and facts.country.isupper())
    assert facts.continent == "" or facts.continent in CONTINENTS
    assert (facts.latitude is None) == (facts.longitude is None)
    if facts.latitude is not None and facts.longitude is not None:
        assert abs(facts.latitude) <= 90
        assert abs(facts.longitude) <= 180
