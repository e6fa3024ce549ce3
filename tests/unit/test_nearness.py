"""Addresses, the areas around them, and how far two visitors are apart."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.nearness import NO_FACTS, NOWHERE, Distance, Facts, Place, distance, kilometres, locate

OSLO = Facts(64500, "NO", "EU", 59.9139, 10.7522)
BERGEN = Facts(64500, "NO", "EU", 60.3913, 5.3221)
PERTH = Facts(64500, "AU", "OC", -31.9523, 115.8613)
ISTANBUL = Facts(64501, "TR", "AS", 41.0082, 28.9784)
ATHENS = Facts(64502, "GR", "EU", 37.9838, 23.7275)


def place_of(facts, address="203.0.113.9", **options):
    return locate(address, lambda _: facts, **options)


def apart(one, other):
    """Measure between two places of the same facts' kind, whose addresses have nothing in common."""
    return distance(place_of(one, "203.0.113.9"), place_of(other, "198.51.100.1"))


# Areas ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "own", "network"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:DB8:1:2:0::3", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:2::3%eth0", "2001:db8:1:2::/64", "2001:db8:1::/48"),
    ],
)
def test_a_public_address_names_itself_and_the_network_around_it(address, own, network):
    assert locate(address) == Place(own, network)
    assert not locate(address).is_local


@pytest.mark.parametrize(
    "address",
    [
        "::ffff:203.0.113.9",
        "::FFFF:cb00:7109",
        "64:ff9b::203.0.113.9",
        "2002:cb00:7109:1::5",
        "2001:0:4136:e378:8000:63bf:34ff:8ef6",
    ],
    ids=["mapped", "mapped, in hex", "NAT64", "6to4", "Teredo"],
)
def test_an_ipv4_address_inside_one_of_ipv6_is_meant(address):
    assert locate(address, {"203.0.113.9": OSLO}.__getitem__) == place_of(OSLO)


@pytest.mark.parametrize(
    ("address", "own", "network", "system"),
    [
        ("127.0.0.1", "127.0.0.1", "loopback", "private"),
        ("::1", "::/64", "loopback", "private"),
        ("169.254.7.1", "169.254.7.1", "169.254.0.0/16", "private"),
        ("fe80::1", "fe80::1", "fe80::/10", "private"),
        ("fe80::1%eth0", "fe80::1", "fe80::/10", "private"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.0/24", "private"),
        ("172.16.0.1", "172.16.0.1", "172.16.0.0/24", "private"),
        ("172.31.255.255", "172.31.255.255", "172.31.255.0/24", "private"),
        ("192.168.1.2", "192.168.1.2", "192.168.1.0/24", "private"),
        ("::ffff:192.168.1.2", "192.168.1.2", "192.168.1.0/24", "private"),
        ("fd12:3456:789a:1::1", "fd12:3456:789a:1::/64", "fd12:3456:789a::/48", "private"),
        ("100.64.0.1", "100.64.0.1", "100.64.0.0/24", "carrier"),
        ("100.127.255.255", "100.127.255.255", "100.127.255.0/24", "carrier"),
    ],
)
def test_a_special_range_is_known_without_a_database(address, own, network, system):
    place = locate(address, lambda _: pytest.fail("a database was asked"))

    assert place == Place(own, network, system)
    assert place.is_local


@pytest.mark.parametrize(
    "address", ["172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "169.253.0.1", "fec0::1", "9.9.9.9"]
)
def test_what_lies_beside_a_special_range_is_public(address):
    assert locate(address, lambda _: OSLO).system == "AS64500 NO"


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "unix:",
        "localhost",
        "203.0.113.9:80",
        "[2001:db8::1]",
        "1.2.3",
        "01.2.3.4",
        "2001:db8::1::",
        "%eth0",
        "0.0.0.0",
        "::",
        "::ffff:0.0.0.0",
        "224.0.0.1",
        "239.255.255.255",
        "ff02::1",
        "::ffff:224.0.0.1",
    ],
)
def test_what_is_no_visitors_address_is_nowhere(address):
    assert locate(address, lambda _: pytest.fail("a database was asked")) == NOWHERE


@pytest.mark.parametrize(
    ("address", "ipv4_bits", "ipv6_bits", "network"),
    [
        ("203.0.113.9", 8, 48, "203.0.0.0/8"),
        ("203.0.113.9", 20, 48, "203.0.112.0/20"),
        ("203.0.113.9", 32, 48, "203.0.113.9/32"),
        ("10.1.2.3", 16, 48, "10.1.0.0/16"),
        ("::ffff:203.0.113.9", 16, 48, "203.0.0.0/16"),
        ("2001:db8:1:2::3", 24, 16, "2001::/16"),
        ("2001:db8:1:2::3", 24, 56, "2001:db8:1::/56"),
        ("2001:db8:1:2::3", 24, 64, "2001:db8:1:2::/64"),
    ],
)
def test_the_length_of_a_networks_prefix_can_be_set(address, ipv4_bits, ipv6_bits, network):
    assert locate(address, ipv4_bits=ipv4_bits, ipv6_bits=ipv6_bits).network == network


def test_what_a_database_knows_is_part_of_the_place():
    assert place_of(OSLO) == Place(
        "203.0.113.9", "203.0.113.0/24", "AS64500 NO", "NO", "EU", OSLO.latitude, OSLO.longitude
    )
    assert place_of(NO_FACTS) == Place("203.0.113.9", "203.0.113.0/24")


@given(st.ip_addresses(), st.integers(8, 32), st.integers(16, 64))
def test_the_network_of_a_public_address_is_the_one_that_python_knows(address, ipv4_bits, ipv6_bits):
    place = locate(str(address), ipv4_bits=ipv4_bits, ipv6_bits=ipv6_bits)
    if place == NOWHERE or place.is_local:
        return

    network = ip_network(place.network)
    assert ip_address(place.address.split("/")[0]) in network
    assert network.prefixlen == (ipv4_bits if network.version == 4 else ipv6_bits)
    assert str(network) == place.network


@given(st.text() | st.from_regex(r"[0-9a-f.:%\[\]/]{1,40}", fullmatch=True))
def test_any_text_has_a_place(text):
    assert isinstance(locate(text), Place)


# Distance ---------------------------------------------------------------------------------------------


def test_a_setting_names_distances_from_near_to_far():
    assert Distance.names() == ("address", "network", "asn", "country", "continent", "any")
    assert [Distance[name.upper()] for name in Distance.names()] == sorted(Distance)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("203.0.113.9", "203.0.113.9", Distance.ADDRESS),
        ("::ffff:203.0.113.9", "203.0.113.9", Distance.ADDRESS),
        ("203.0.113.9", "203.0.113.200", Distance.NETWORK),
        ("203.0.113.9", "203.0.114.9", Distance.ANY),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", Distance.ADDRESS),
        ("2001:db8:1:2::3", "2001:db8:1:ffff::3", Distance.NETWORK),
        ("2001:db8:1:2::3", "2001:db8:2:2::3", Distance.ANY),
        ("203.0.113.9", "2001:db8::1", Distance.ANY),
        ("127.0.0.1", "::1", Distance.NETWORK),
        ("127.0.0.1", "127.0.0.2", Distance.NETWORK),
        ("169.254.1.1", "169.254.200.1", Distance.NETWORK),
        ("fe80::1%eth0", "fe80::1%wlan0", Distance.ADDRESS),
        ("fe80::1", "fe80::2", Distance.NETWORK),
        ("192.168.1.2", "192.168.1.3", Distance.NETWORK),
        ("192.168.1.2", "192.168.2.3", Distance.ASN),
        ("192.168.1.2", "10.0.0.1", Distance.ASN),
        ("192.168.1.2", "fd00::1", Distance.ASN),
        ("127.0.0.1", "10.0.0.1", Distance.ASN),
        ("100.64.0.1", "100.100.0.1", Distance.ASN),
        ("100.64.0.1", "10.0.0.1", Distance.ANY),
        ("192.168.1.2", "203.0.113.9", Distance.ANY),
        ("64:ff9b::203.0.113.9", "64:ff9b::198.51.100.1", Distance.ANY),
        (None, "203.0.113.9", Distance.ANY),
        (None, None, Distance.ANY),
        ("0.0.0.0", "0.0.0.0", Distance.ANY),
    ],
)
def test_the_distance_of_two_addresses_without_databases(one, other, expected):
    assert distance(locate(one), locate(other)) is expected
    assert distance(locate(other), locate(one)) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (OSLO, BERGEN, Distance.ASN),
        (Facts(64500), Facts(64500), Distance.ASN),
        (OSLO, PERTH, Distance.ANY),
        (Facts(64500, "NO", "EU"), Facts(64500, "SE", "EU"), Distance.CONTINENT),
        (Facts(64500, "NO"), Facts(64501, "NO"), Distance.COUNTRY),
        (Facts(None, "NO"), Facts(None, "NO"), Distance.COUNTRY),
        (Facts(None, "NO", "EU"), Facts(None, "SE", "EU"), Distance.CONTINENT),
        (Facts(None, "NO", "EU"), Facts(None, "US", "NA"), Distance.ANY),
        (ISTANBUL, ATHENS, Distance.CONTINENT),
        (ISTANBUL, OSLO, Distance.ANY),
        (NO_FACTS, NO_FACTS, Distance.ANY),
        (NO_FACTS, OSLO, Distance.ANY),
    ],
    ids=[
        "one system",
        "one system, countries unknown",
        "one system around the world",
        "one system over a border",
        "one country, two systems",
        "one country",
        "one continent",
        "two continents",
        "close, over a border of continents",
        "far, over a border of continents",
        "nothing known",
        "one known",
    ],
)
def test_the_distance_by_what_databases_know(one, other, expected):
    assert apart(one, other) is expected
    assert apart(other, one) is expected


def test_a_nearer_step_counts_before_a_farther_one():
    assert distance(place_of(OSLO), place_of(PERTH)) is Distance.ADDRESS
    assert distance(place_of(OSLO), place_of(PERTH, "203.0.113.10")) is Distance.NETWORK


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (OSLO, BERGEN, 305),
        (ISTANBUL, ATHENS, 562),
        (Facts(latitude=51.5074, longitude=-0.1278), Facts(latitude=48.8566, longitude=2.3522), 344),
        (Facts(latitude=40.7128, longitude=-74.0060), Facts(latitude=34.0522, longitude=-118.2437), 3_936),
        (Facts(latitude=-33.8688, longitude=151.2093), Facts(latitude=-36.8509, longitude=174.7645), 2_156),
        (Facts(latitude=35.6762, longitude=139.6503), Facts(latitude=37.7749, longitude=-122.4194), 8_270),
        (Facts(latitude=-16.5, longitude=179.9), Facts(latitude=-16.5, longitude=-179.9), 21.3),
        (Facts(latitude=90.0, longitude=0.0), Facts(latitude=-90.0, longitude=120.0), 20_015),
        (OSLO, OSLO, 0),
    ],
    ids=[
        "Oslo-Bergen",
        "Istanbul-Athens",
        "London-Paris",
        "NY-LA",
        "Sydney-Auckland",
        "Tokyo-SF",
        "dateline",
        "poles",
        "none",
    ],
)
def test_kilometres_between_known_places(one, other, expected):
    assert kilometres(place_of(one), place_of(other)) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("one", "other"), [(OSLO, NO_FACTS), (NO_FACTS, OSLO), (OSLO, Facts(latitude=1.0)), (Facts(longitude=1.0), OSLO)]
)
def test_without_coordinates_of_both_there_are_no_kilometres(one, other):
    assert kilometres(place_of(one), place_of(other)) is None


FACTS = st.builds(
    Facts,
    st.none() | st.integers(64500, 64502),
    st.sampled_from(["", "NO", "SE", "AU"]),
    st.sampled_from(["", "EU", "OC"]),
    st.none() | st.floats(-90, 90),
    st.none() | st.floats(-180, 180),
)
NEAR_OR_FAR = st.sampled_from(["203.0.113.9", "203.0.113.10", "10.0.0.1", "10.0.0.2", "2001:db8::1", "fe80::1", "::"])
PLACES = st.builds(place_of, FACTS, NEAR_OR_FAR | st.ip_addresses().map(str))


@given(PLACES, PLACES)
def test_distance_is_the_same_from_both_ends(one, other):
    assert distance(one, other) is distance(other, one)
    assert kilometres(one, other) == pytest.approx(kilometres(other, one))


@given(PLACES)
def test_a_place_is_at_its_own_address_unless_it_is_nowhere(place):
    assert distance(place, place) is (Distance.ANY if place == NOWHERE else Distance.ADDRESS)
