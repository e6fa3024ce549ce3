"""What the operator's own databases know of an address: files in MaxMind's format (.mmdb), reloaded when replaced.

Nothing is fetched and nothing is sent: files come and go as the operator sees fit, for instance by `geoipupdate`.
"""

from __future__ import annotations

import os
import stat
import struct
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from .caching import Cache
from .errors import ConfigurationError
from .georecord import merge, read_record
from .nearness import NO_FACTS, Facts

if TYPE_CHECKING:
    import maxminddb

KEY = "VIRALJS_GEO_DATABASES"
RELOAD_SECONDS = 10.0
"""How long files are taken to be what they were when last looked at."""
MOST_ADDRESSES = 4_096
"""Addresses whose facts are kept; some hundred bytes each."""
MOST_SAMPLES = 1_000
"""Networks to try, of IPv4 and of IPv6, before a database is taken to know nothing of use."""
WANTED = "name files in MaxMind's format that tell the autonomous system or the place, such as GeoLite2-ASN.mmdb"
KINDS = ("ASN", "ISP", "City", "Country", "Enterprise")
"""Ends of the types that MaxMind gives to databases of use; so one that is still empty is no error."""

# What the parser lets through when bytes are not what they should be: its own error is a RuntimeError, as is the one
# for recursion; text that is no UTF-8, keys that are no keys and offsets behind the end raise the others.
_DAMAGE = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, struct.error)
_IPV6 = 6
_GZIP = b"\x1f\x8b"
_FIRST_IPV4 = IPv4Address("0.0.0.0")  # noqa: S104 - where counting begins
_FIRST_IPV6 = IPv6Address("2000::")
"""Global unicast (RFC 4291, 2.4). Below it an IPv6 database has IPv4 again."""

Address = IPv4Address | IPv6Address
Stamp = tuple[int, ...]


class _UnusableError(Exception):
    """A file can't serve; the message goes on from its name: "/a.mmdb does not exist"."""


@dataclass(frozen=True)
class _Database:
    path: Path
    reader: maxminddb.Reader
    ipv6: bool
    seen: Stamp | None
    """Of the file when last looked at; that one need not have been usable. None: there was none."""


@dataclass(frozen=True)
class _Loaded:
    """Databases, and what they said. Replaced as a whole, so that no answer outlives the file that it is from."""

    databases: tuple[_Database, ...]
    answers: Cache[Facts] = field(default_factory=lambda: Cache(MOST_ADDRESSES))


class Geography:
    """Knows of an address what any of several databases knows. Safe among threads.

    Args:
        paths: the files; where two know the same, the former counts.
        now: the time in seconds, from any start.
        warn: takes a sentence for the log.

    Raises:
        ConfigurationError: a file is missing, unreadable, damaged or of another kind, or maxminddb is not installed.
    """

    def __init__(
        self, paths: Iterable[str | os.PathLike[str]], now: Callable[[], float], warn: Callable[[str], None]
    ) -> None:
        """Read all files."""
        self._now = now
        self._warn = warn
        self._said: set[tuple[Path, str]] = set()
        self._saying = threading.Lock()
        self._reloading = threading.Lock()
        self._check_at = now() + RELOAD_SECONDS
        if find_spec("maxminddb") is None:
            raise ConfigurationError(f'{KEY} is set, but maxminddb is not installed: pip install "viraljs[geo]"')
        # Absolute, in case that the process changes its folder later.
        self._loaded = _Loaded(tuple(_load(Path(path).absolute()) for path in paths))

    def lookup(self, address: str) -> Facts:
        """Say what is known of an address: nothing, where it does not parse. Never raises."""
        self._keep_up()
        loaded = self._loaded
        try:
            parsed = ip_address(address)
        except ValueError:
            return NO_FACTS
        return loaded.answers.get(parsed, lambda: self._ask(loaded.databases, parsed))

    def _ask(self, databases: Iterable[_Database], address: Address) -> Facts:
        facts = NO_FACTS
        for database in databases:
            if isinstance(address, IPv6Address) and not database.ipv6:
                continue
            try:
                record = database.reader.get(address)
            except _DAMAGE as error:
                self._warn_once(
                    database.path, "damage", f"is damaged, so it does not tell where some visitors are ({error})"
                )
            else:
                facts = merge(facts, read_record(record))
        return facts

    def _keep_up(self) -> None:
        """Load anew what was replaced. One thread does; the others go on with what there is."""
        if self._now() < self._check_at or not self._reloading.acquire(blocking=False):
            return
        try:
            self._check_at = self._now() + RELOAD_SECONDS
            before = self._loaded.databases
            after = tuple(map(self._renewed, before))
            if after != before:
                self._loaded = _Loaded(after)
        finally:
            self._reloading.release()

    def _renewed(self, database: _Database) -> _Database:
        stamp = _stamp_of(database.path)
        if stamp == database.seen:
            return database
        try:
            renewed = _open(database.path)
        except _UnusableError as error:
            self._warn_once(database.path, str(error), f"{error}; ViralJS goes on with what it read from there before")
            return replace(database, seen=stamp)
        with self._saying:
            self._said = {(path, subject) for path, subject in self._said if path != database.path}
        return renewed

    def _warn_once(self, path: Path, subject: str, text: str) -> None:
        """Warn of a file: of each subject once, until another file takes its place."""
        with self._saying:
            news = (path, subject) not in self._said
            self._said.add((path, subject))
        if news:
            self._warn(f"{KEY}: {path} {text}")


def _load(path: Path) -> _Database:
    try:
        return _open(path)
    except _UnusableError as error:
        raise ConfigurationError(f"{KEY}: {path} {error}; {WANTED}") from None


def _open(path: Path) -> _Database:
    """Read a file, and see whether it is of use."""
    reader, stamp = _read(path)
    metadata = reader.metadata()
    database = _Database(path, reader, metadata.ip_version == _IPV6, stamp)
    try:
        useful = any(read_record(record) != NO_FACTS for record in _samples(database))
    except _DAMAGE as error:
        raise _UnusableError(f"is damaged ({error})") from None
    if not useful and not str(metadata.database_type).endswith(KINDS):
        raise _UnusableError(f"({metadata.database_type}) tells neither the autonomous system nor the place")
    return database


def _read(path: Path) -> tuple[maxminddb.Reader, Stamp]:
    from maxminddb import MODE_FD, open_database

    packed = False
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _UnusableError("is not a regular file")
        with path.open("rb") as file:
            stamp = _as_stamp(os.fstat(file.fileno()))
            packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            # All of it into memory, by MODE_FD. Were it mapped, a file cut short in its place, as by `cp` over it,
            # would end the process by SIGBUS.
            return open_database(file, MODE_FD), stamp
    except FileNotFoundError:
        raise _UnusableError("does not exist") from None
    except OSError as error:
        raise _UnusableError(f"can't be read ({error.strerror or error})") from None
    except _DAMAGE:
        what = "is packed by gzip: unpack it" if packed else "is not a MaxMind database, or is cut short"
        raise _UnusableError(what) from None


def _samples(database: _Database) -> Iterator[object]:
    found = islice(_records(database, _FIRST_IPV4), MOST_SAMPLES)
    return chain(found, islice(_records(database, _FIRST_IPV6), MOST_SAMPLES)) if database.ipv6 else found


def _records(database: _Database, first: Address) -> Iterator[object]:
    """Give what is said of each network from an address on."""
    # Not by the reader's own iteration, which fails where a network such as ::/1 holds all of IPv4.
    number, bits = int(first), first.max_prefixlen
    while number < 1 << bits:
        record, prefix = database.reader.get_with_prefix_len(type(first)(number))
        yield record
        number = (number >> bits - prefix) + 1 << bits - prefix


def _stamp_of(path: Path) -> Stamp | None:
    try:
        return _as_stamp(path.stat())
    except OSError:
        return None


def _as_stamp(status: os.stat_result) -> Stamp:
    # ctime tells of new permissions, and of a copy that kept the time of the original.
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
