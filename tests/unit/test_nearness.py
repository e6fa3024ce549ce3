"""Addresses, networks, and how far two visitors are apart."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viraljs.nearness import NOWHERE, Distance, Place, distance, locate


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.9", Place("203.0.113.9", "203.0.113.0/24")),
        ("2001:db8:1:2::3", Place("2001:db8:1:2::3", "2001:db8:1::/48")),
        ("2001:DB8:1:2:0::3", Place("2001:db8:1:2::3", "2001:db8:1::/48")),
        ("fe80::1%eth0", Place("fe80::1", "fe80::/48")),
        ("::ffff:203.0.113.9", Place("203.0.113.9", "203.0.113.0/24")),
    ],
)
def test_an_address_gives_itself_and_the_network_around_it(address, place):
    assert locate(address) == place


@pytest.mark.parametrize("address", [None, "", "unix:", "203.0.113.9:80", "localhost", "1.2.3"])
def test_what_is_no_address_is_nowhere(address):
    assert locate(address) == NOWHERE


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("203.0.113.9", "203.0.113.9", Distance.ADDRESS),
        ("203.0.113.9", "203.0.113.200", Distance.NETWORK),
        ("203.0.113.9", "203.0.114.9", Distance.ANY),
        ("2001:db8:1:2::3", "2001:db8:1:ffff::3", Distance.NETWORK),
        ("2001:db8:1:2::3", "2001:db8:2:2::3", Distance.ANY),
        ("::ffff:203.0.113.9", "203.0.113.9", Distance.ADDRESS),
        ("203.0.113.9", "2001:db8::1", Distance.ANY),
        (None, "203.0.113.9", Distance.ANY),
        (None, None, Distance.ANY),
    ],
)
def test_the_distance_of_two_addresses(one, other, expected):
    assert distance(locate(one), locate(other)) is expected


@given(st.ip_addresses(), st.ip_addresses())
def test_distance_is_the_same_from_both_ends(one, other):
    here, there = locate(str(one)), locate(str(other))

    assert distance(here, there) is distance(there, here)
    assert distance(here, here) is Distance.ADDRESS


@given(st.ip_addresses())
def test_the_network_is_the_one_that_python_knows(address):
    place = locate(str(address))

    network = ip_network(place.network)
    assert ip_address(place.address) in network
    assert network.prefixlen == (24 if network.version == 4 else 48)
    assert str(network) == place.network


@given(st.text())
def test_any_text_has_a_place(text):
    assert isinstance(locate(text), Place)


def test_a_setting_names_distances_from_near_to_far():
    assert Distance.names() == ("address", "network", "any")
