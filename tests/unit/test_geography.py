"""The operator's databases: several read as one, refused at start if they can't serve, reloaded when replaced."""

import gzip
import os
import random
import shutil
import sys
import threading

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from maxminddb.reader import Reader

from tests.support.clocks import Clock
from tests.support.databases import ASN, CITY, COUNTRY, DOMAIN, FLAT, write_database
from viraljs import geography
from viraljs.errors import ConfigurationError
from viraljs.geography import RELOAD_SECONDS, Geography
from viraljs.nearness import NO_FACTS, Distance, Facts, distance, locate

OSLO = "203.0.113.9"
ELSEWHERE = "192.0.2.1"
IN_OSLO = Facts(None, "NO", "EU", 59.91, 10.75)
IN_DENMARK = Facts(None, "DK", "EU")


class Site:
    """Databases in a folder, a clock, and what was written to the log."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = Clock()
        self.warnings = []

    def write(self, name, records, *args, **options):
        return write_database(self.folder / name, records, *args, **options)

    def open(self, *paths):
        return Geography(paths, self.clock, self.warnings.append)

    def replace(self, path, records, *args, **options):
        """Put another file in the place of one, as `geoipupdate` does."""
        os.replace(self.write("new", records, *args, **options), path)  # noqa: PTH105 - as it does

    def later(self):
        self.clock.advance(RELOAD_SECONDS)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


# What they know ---------------------------------------------------------------------------------------


def test_several_databases_are_asked_as_one(site):
    known = site.open(site.write("asn.mmdb", ASN, "GeoLite2-ASN"), site.write("city.mmdb", CITY))

    assert known.lookup(OSLO) == Facts(64500, "NO", "EU", 59.91, 10.75)
    assert known.lookup("2001:db8::1") == Facts(64501, "AU", "OC")


def test_where_two_know_the_same_the_former_counts(site):
    city, country = site.write("city.mmdb", CITY), site.write("country.mmdb", COUNTRY)

    assert site.open(city, country).lookup(OSLO) == IN_OSLO
    assert site.open(country, city).lookup(OSLO) == Facts(None, "DK", "EU", 59.91, 10.75)


def test_a_flat_database_serves_as_well(site):
    assert site.open(site.write("flat.mmdb", FLAT, "ipinfo generic_country_asn.mmdb")).lookup(OSLO) == Facts(
        64502, "FI", "EU"
    )


@pytest.mark.parametrize("address", [ELSEWHERE, "198.51.100.1", "2001:4860::1", "::", "255.255.255.255"])
def test_an_address_that_none_knows_has_no_facts(site, address):
    assert site.open(site.write("city.mmdb", CITY)).lookup(address) == NO_FACTS


@pytest.mark.parametrize("address", ["", "localhost", "203.0.113", "203.0.113.9:80", "2001:db8::1::", "\0", "9" * 999])
def test_what_is_no_address_has_no_facts(site, address):
    assert site.open(site.write("city.mmdb", CITY)).lookup(address) == NO_FACTS
    assert site.warnings == []


def test_a_database_of_ipv4_says_nothing_of_ipv6(site):
    known = site.open(site.write("city.mmdb", CITY, ip_version=4), site.write("asn.mmdb", ASN))

    assert known.lookup(OSLO) == Facts(64500, "NO", "EU", 59.91, 10.75)
    assert known.lookup("2001:db8::1") == Facts(64501)
    assert site.warnings == []


def test_databases_make_places_of_addresses(site):
    known = site.open(site.write("city.mmdb", {**CITY, "198.51.100.0/24": {"country": {"iso_code": "NO"}}}))

    def apart(one, other):
        return distance(locate(one, known.lookup), locate(other, known.lookup))

    assert apart(OSLO, "198.51.100.1") is Distance.COUNTRY
    assert apart(OSLO, "2001:db8::1") is Distance.ANY


def test_an_answer_is_kept(site, monkeypatch):
    known = site.open(site.write("city.mmdb", CITY))
    known.lookup(OSLO)
    monkeypatch.setattr(geography, "read_record", None)

    assert known.lookup(OSLO) == IN_OSLO


# Databases that can't serve ---------------------------------------------------------------------------


def written(content):
    def write(site):
        path = site.folder / "x.mmdb"
        path.write_bytes(content)
        return path

    return write


def cut_short(site):
    path = site.write("x.mmdb", CITY)
    path.write_bytes(path.read_bytes()[:-100])
    return path


def without_middle(site):
    """Keep the end, by which the format is known."""
    path = site.write("x.mmdb", {f"10.{number}.0.0/16": {"asn": number + 1} for number in range(256)})
    data = path.read_bytes()
    path.write_bytes(data[-400:])
    return path


def damaged(site):
    path = site.write("x.mmdb", CITY, "Own")
    data = path.read_bytes()
    start = data.index(bytes(16)) + 16
    path.write_bytes(data[:start] + b"\xff" * 200 + data[start + 200 :])
    return path


def packed(site):
    path = site.folder / "x.mmdb"
    path.write_bytes(gzip.compress(site.write("plain.mmdb", CITY).read_bytes()))
    return path


def folder(site):
    path = site.folder / "x.mmdb"
    path.mkdir()
    return path


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda site: site.folder / "x.mmdb", "does not exist"),
        (lambda site: site.write("file", CITY) / "x.mmdb", "can't be read (Not a directory)"),
        (folder, "is not a regular file"),
        (written(b""), "is not a MaxMind database, or is cut short"),
        (written(b"This is no database.\n" * 100), "is not a MaxMind database, or is cut short"),
        (written(b"\xab\xcd\xefMaxMind.com"), "is not a MaxMind database, or is cut short"),
        (written(b"\xab\xcd\xefMaxMind.com\xe0"), "is not a MaxMind database, or is cut short"),
        (cut_short, "is not a MaxMind database, or is cut short"),
        (without_middle, "is not a MaxMind database, or is cut short"),
        (damaged, "is damaged ("),
        (packed, "is packed by gzip: unpack it"),
        (
            lambda site: site.write("x.mmdb", DOMAIN, "GeoIP2-Domain"),
            "(GeoIP2-Domain) tells neither the autonomous system nor the place",
        ),
        (lambda site: site.write("x.mmdb", {OSLO: "NO"}, "Own"), "(Own) tells neither the autonomous system nor the"),
    ],
    ids=[
        "none",
        "below-a-file",
        "folder",
        "empty",
        "text",
        "marker",
        "marker-and-map",
        "cut",
        "beheaded",
        "damaged",
        "gzip",
        "wrong-kind",
        "junk",
    ],
)
def test_a_file_that_can_not_serve_is_an_error_at_the_start(site, make, said):
    path = make(site)
    with pytest.raises(ConfigurationError) as refusal:
        site.open(site.write("good.mmdb", ASN), path)

    assert str(refusal.value).startswith(f"VIRALJS_GEO_DATABASES: {path} {said}")
    assert str(refusal.value).endswith(
        "; name files in MaxMind's format that tell the autonomous system or the place, such as GeoLite2-ASN.mmdb"
    )


def test_a_file_that_may_not_be_read_is_an_error_at_the_start(site, monkeypatch):
    path = site.write("x.mmdb", CITY)

    def refuse(*_args):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(path), "open", refuse)  # root, who runs tests in containers, may read everything
    with pytest.raises(ConfigurationError, match=r"x\.mmdb can't be read \(Permission denied\);"):
        site.open(path)


def test_without_maxminddb_the_error_says_what_to_install(site, monkeypatch):
    path = site.write("x.mmdb", CITY)
    monkeypatch.setitem(sys.modules, "maxminddb", None)

    with pytest.raises(ConfigurationError, match=r'maxminddb is not installed: pip install "viraljs\[geo\]"$'):
        site.open(path)


def test_an_empty_database_of_a_known_type_is_no_error(site):
    assert site.open(site.write("x.mmdb", {OSLO: {}}, "GeoLite2-ASN")).lookup(OSLO) == NO_FACTS


def test_a_database_of_any_type_serves_if_a_record_does(site):
    junk = {f"198.51.100.{number}": {"note": number} for number in range(200)}
    for record in (CITY[f"{OSLO[:-1]}0/24"], FLAT["203.0.113.0/24"]):
        assert site.open(site.write("x.mmdb", {**junk, OSLO: record}, "Own")).lookup(OSLO) != NO_FACTS


@pytest.mark.parametrize("network", ["::/1", "2000::/3", "2001:db8::/32", "8000::/1"])
def test_a_database_of_ipv6_alone_serves(site, network):
    known = site.open(site.write("x.mmdb", {network: {"country_code": "NO"}}, "Own"))

    assert known.lookup("ff::1" if network == "::/1" else network.split("/")[0]) == Facts(None, "NO")


# Reloading --------------------------------------------------------------------------------------------


def test_a_file_that_is_replaced_is_read_anew(site):
    path = site.write("x.mmdb", CITY)
    known = site.open(path)
    assert known.lookup(OSLO) == IN_OSLO
    site.replace(path, COUNTRY)

    assert known.lookup(OSLO) == IN_OSLO, "not looked at with each lookup"
    site.later()
    assert known.lookup(OSLO) == IN_DENMARK
    assert site.warnings == []


def test_a_file_that_is_overwritten_in_its_place_is_read_anew(site):
    path = site.write("x.mmdb", CITY)
    known = site.open(path)
    shutil.copyfile(site.write("new", COUNTRY), path)
    site.later()

    assert known.lookup(OSLO) == IN_DENMARK


def test_another_copy_of_the_same_time_and_length_is_noticed(site):
    path = site.write("x.mmdb", COUNTRY)
    known, before = site.open(path), path.stat()
    site.replace(path, {"203.0.113.0/24": {"continent": {"code": "EU"}, "country": {"iso_code": "IS"}}})
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    site.later()

    assert path.stat().st_size == before.st_size
    assert known.lookup(OSLO) == Facts(None, "IS", "EU")


def test_the_others_stay_as_they_were(site):
    asn, city = site.write("asn.mmdb", ASN), site.write("city.mmdb", CITY)
    known = site.open(asn, city)
    site.replace(city, COUNTRY)
    asn.unlink()
    site.later()

    assert known.lookup(OSLO) == Facts(64500, "DK", "EU")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path, _site: path.unlink(), "does not exist"),
        (lambda path, _site: path.write_bytes(path.read_bytes()[:50]), "is not a MaxMind database, or is cut short"),
        (lambda path, site: site.replace(path, DOMAIN, "GeoIP2-Domain"), "(GeoIP2-Domain) tells neither"),
    ],
    ids=["vanished", "cut short", "wrong kind"],
)
def test_a_file_that_can_not_be_read_anew_is_warned_of_once_and_the_old_one_stays(site, spoil, said):
    path = site.write("x.mmdb", CITY)
    known = site.open(path)
    spoil(path, site)
    for _ in range(5):
        site.later()
        assert known.lookup(OSLO) == IN_OSLO
        assert known.lookup(ELSEWHERE) == NO_FACTS

    assert len(site.warnings) == 1
    assert site.warnings[0].startswith(f"VIRALJS_GEO_DATABASES: {path} {said}")
    assert site.warnings[0].endswith("; ViralJS goes on with what it read from there before")


def test_a_file_that_comes_back_is_read_and_may_be_warned_of_again(site):
    path = site.write("x.mmdb", CITY)
    known = site.open(path)
    for country in ("SE", "FI"):
        path.unlink()
        site.later()
        known.lookup(OSLO)
        site.write("x.mmdb", {OSLO: {"country_code": country}})
        site.later()
        assert known.lookup(OSLO) == Facts(None, country)

    assert len(site.warnings) == 2


def test_a_file_that_is_still_being_written_is_read_when_it_is_whole(site):
    path = site.write("x.mmdb", CITY)
    known = site.open(path)
    whole = site.write("new", COUNTRY).read_bytes()
    for length in (0, 30, len(whole) // 2):
        path.write_bytes(whole[:length])
        site.later()
        assert known.lookup(OSLO) == IN_OSLO
    path.write_bytes(whole)
    site.later()

    assert known.lookup(OSLO) == IN_DENMARK
    assert len(site.warnings) == 1


def test_a_file_that_is_emptied_in_its_place_does_not_end_the_process(site):
    path = site.write("x.mmdb", {**CITY, ELSEWHERE: {"country_code": "FI"}})
    known = site.open(path)
    path.write_bytes(b"")

    assert known.lookup(ELSEWHERE) == Facts(None, "FI")


def test_a_path_is_meant_from_where_the_process_started(site, monkeypatch):
    monkeypatch.chdir(site.folder)
    path = site.write("x.mmdb", CITY)
    known = site.open("x.mmdb")
    (site.folder / "below").mkdir()
    monkeypatch.chdir(site.folder / "below")
    site.replace(path, COUNTRY)
    site.later()

    assert known.lookup(OSLO) == IN_DENMARK


def test_no_lookup_waits_for_another_threads_reload(site, monkeypatch):
    path = site.write("x.mmdb", CITY)
    known = site.open(path)
    begun, go_on = threading.Event(), threading.Event()
    opened = geography._open

    def slowly(*args):
        begun.set()
        assert go_on.wait(10)
        return opened(*args)

    monkeypatch.setattr(geography, "_open", slowly)
    site.replace(path, COUNTRY)
    site.later()
    reloading = threading.Thread(target=known.lookup, args=(OSLO,))
    reloading.start()
    assert begun.wait(10)
    site.later()
    assert known.lookup(OSLO) == IN_OSLO
    go_on.set()
    reloading.join(10)

    assert known.lookup(OSLO) == IN_DENMARK


# Damage that shows late -------------------------------------------------------------------------------


def test_damage_that_shows_in_a_lookup_is_warned_of_once_and_other_databases_still_tell(site, monkeypatch):
    known = site.open(site.write("city.mmdb", CITY), site.write("asn.mmdb", ASN))
    get = Reader.get

    def fail(reader, address):
        if reader.metadata().database_type == "GeoLite2-City" and address.version == 4:
            raise maxminddb.InvalidDatabaseError(f"bad data at {address}")
        return get(reader, address)

    monkeypatch.setattr(Reader, "get", fail)
    site.replace(site.folder / "asn.mmdb", ASN, "GeoLite2-ASN")
    site.later()

    assert known.lookup(OSLO) == Facts(64500)
    assert known.lookup(ELSEWHERE) == NO_FACTS
    assert known.lookup("2001:db8::1") == Facts(64501, "AU", "OC")
    assert len(site.warnings) == 1
    assert "city.mmdb is damaged" in site.warnings[0]


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_bytes_that_flip_never_raise_anything_but_a_configuration_error(tmp_path_factory, rng, flips):
    site = Site(tmp_path_factory.getbasetemp())
    path = site.write("flipped.mmdb", {**CITY, **ASN})
    data = bytearray(path.read_bytes())
    for _ in range(flips):
        data[rng.randrange(len(data))] = rng.randrange(256)
    path.write_bytes(data)
    try:
        known = site.open(path)
    except ConfigurationError:
        return

    for address in (OSLO, ELSEWHERE, "198.51.100.1", "2001:db8::1", str(random.Random(1).getrandbits(32))):
        assert isinstance(known.lookup(address), Facts)
