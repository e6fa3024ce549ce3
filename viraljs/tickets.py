"""Signed tokens: tickets, which say who may ask whom for what, and proofs, which say what was served.

A ticket is short-lived, and its first part can be read by the browser that holds it. A proof does not age: it only says
that this server once served a digest, and a full response that carries it may rest in a browser's cache for as long as
the view allows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest

from itsdangerous import BadSignature, SignatureExpired, Signer, TimestampSigner

from .errors import ExpiredError, TokenError

SEPARATOR = "~"
"""Between the fields of a ticket; ids and digests don't have it."""
PART = "-"
"""Between the parts of its first field."""
OF_GROUP = ":"
"""Between the group of a proof and its signature."""
GROUP_CHARACTERS = 16
MARK_CHARACTERS = 22
"""132 bits of a signature: enough where a guess costs a request each."""


def name_exchange(recipient: str, seeder: str) -> str:
    """Name what goes on between two matched peers."""
    return f"{recipient}.{seeder}"


def name_group(name: str) -> str:
    """Give what stands for a group in tokens, which browsers can read: hex digits; nothing where there is no group."""
    return sha256(name.encode()).hexdigest()[:GROUP_CHARACTERS] if name else ""


def name_swarm(digest: str, group: str) -> str:
    """Name the peers that hold a bundle (by its hex `digest`) and are in one group (by `name_group`)."""
    return f"{digest}{PART}{group}" if group else digest


@dataclass(frozen=True)
class Ticket:
    """`recipient` (a peer id) may ask `seeders` (peer ids, the best first) for the bundle with this hex `digest`."""

    recipient: str
    digest: str
    seeders: tuple[str, ...]
    size: int = 0
    """The bundle's, in bytes: nobody can have received more of it."""
    group: str = ""
    """As `name_group` gives it."""

    def exchange(self, seeder: str) -> str:
        """Name what goes on between the recipient and one of its seeders."""
        return name_exchange(self.recipient, seeder)


class Tickets:
    """Issues and checks tokens under one secret.

    Args:
        secret: the app's `SECRET_KEY`, and before it the old ones (`SECRET_KEY_FALLBACKS`) that still verify.
        lifetime: how long a ticket may be used, in seconds.
        now: the clock, in seconds since the epoch.
    """

    def __init__(self, secret: Sequence[bytes], lifetime: int, now: Callable[[], float]) -> None:
        """Prepare the signers, with a salt each, so that one kind of token can't stand in for another."""
        self._lifetime = lifetime

        class Clocked(TimestampSigner):
            def get_timestamp(self) -> int:
                return int(now())

        self._timed = Clocked(list(secret), salt="viraljs.ticket", digest_method=sha256)
        self._proofs = Signer(list(secret), salt="viraljs.proof", digest_method=sha256)
        self._direct = [Signer(key, salt="viraljs.direct", digest_method=sha256) for key in secret]

    def issue(self, ticket: Ticket) -> str:
        """Write a ticket as a token: `digest-size[-group]~recipient~seeder~seeder….time.signature`."""
        first = PART.join((ticket.digest, str(ticket.size), *([ticket.group] if ticket.group else ())))
        fields = (first, ticket.recipient, *ticket.seeders)
        return self._timed.sign(SEPARATOR.join(fields)).decode()

    def read(self, token: str) -> Ticket:
        """Read a ticket back; raise `TokenError` where it is forged, expired or not a ticket."""
        return self._read(token, self._lifetime)

    def recall(self, token: str, max_age: int | None = None) -> Ticket:
        """Read a ticket that need not be fresh: what a recipient reports, and its name as a seeder, come later.

        Args:
            token: as `issue` gave it.
            max_age: seconds; None accepts any age.
        """
        return self._read(token, max_age)

    def _read(self, token: str, max_age: int | None) -> Ticket:
        try:
            value = self._timed.unsign(token, max_age=max_age).decode()
        except SignatureExpired as error:
            raise ExpiredError("the ticket has expired; load the script again for a new one") from error
        except (BadSignature, UnicodeEncodeError) as error:  # the second: JSON lets half a surrogate pair through
            raise TokenError("the ticket was not issued by this server") from error
        first, recipient, *seeders = value.split(SEPARATOR)
        digest, size, *group = first.split(PART)
        return Ticket(recipient, digest, tuple(seeders), int(size), "".join(group))

    def prove(self, digest: str, group: str = "") -> str:
        """Write a proof that the bundle with this hex digest was served to a group. The same gives the same proof."""
        signature = self._proofs.get_signature(name_swarm(digest, group)).decode()
        return f"{group}{OF_GROUP}{signature}" if group else signature

    def check_proof(self, token: str, digest: str) -> str:
        """Give the group that a token is a proof for, or a ticket of whatever age.

        Raises:
            TokenError: it is neither, or for another digest.
        """
        group, separator, signature = token.rpartition(OF_GROUP)
        if bool(group) == bool(separator) and self._proofs.verify_signature(name_swarm(digest, group), signature):
            return group
        ticket = self.recall(token)
        if ticket.digest != digest:
            raise TokenError("the ticket is for another digest")
        return ticket.group

    def recipient_of(self, token: str) -> str | None:
        """Return the recipient of a ticket of whatever age; None of a token that is none."""
        try:
            return self.recall(token).recipient
        except TokenError:
            return None

    def mark_direct(self, url: str, host: str) -> str:
        """Return the mark in the address of a bundle's plain bytes. The same gives the same mark.

        Args:
            url: path and query of the bundle.
            host: as in the `Host` header: what one host gives may be protected on another.
        """
        return _mark(self._direct[-1], url, host)

    def check_direct(self, mark: str, url: str, host: str) -> bool:
        """Whether `mark_direct` gave this mark, with the secret of today or an older one."""
        return any(
            compare_digest(mark.encode(errors="replace"), _mark(signer, url, host).encode()) for signer in self._direct
        )


def _mark(signer: Signer, url: str, host: str) -> str:
    return signer.get_signature(f"{url}\0{host}").decode()[:MARK_CHARACTERS]
