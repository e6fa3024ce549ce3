"""The addition and the thin client: the built client and an island of settings, placed by templates."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from .bundle import Manifest
from .config import Settings
from .ice import IceServer, lasting_servers
from .modules import ModuleFacts

BREAKER_COOKIE = "viraljs_failures"
CONSENT_COOKIE = "viraljs_consent"
KEPT_COOKIE = "viraljs_kept"
"""Tells what a browser has in Cache Storage: the beginnings of digests, joined by dots."""
WORKER_COOKIE = "viraljs_worker"
"""Tells what the site's own service worker does with bundles (`viraljs.negotiation.PASSES`)."""
KEPT_CHARACTERS = 8
MOST_KEPT = 32
PARAMETER = "viraljs"
DIRECT = "direct"
MARKED = "script"
BEHIND = "behind"
ALONE = "alone"
OF_RECIPIENT = "~"
"""Between that word and the recipient whom the answer named that came to nothing."""
MODULE = "module"
PART = "part"
FROM_CACHE = "application/vnd.viraljs.cached"
"""What the client says that it accepts where it wants what the browser's cache has, and nothing of the server."""
VERSION_CHARACTERS = 8

ISLAND = "\0island\0"
"""Where the settings go, in a shell that is rendered once."""

_package = files("viraljs")


class Renderer:
    """Reads the built client once and fills it in; what is the same for everybody is apart from what is a visitor's."""

    def __init__(self) -> None:
        """Read `static/` and `templates/`; a missing file is an error at start, not at a visitor's."""
        environment = Environment(autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - JavaScript, not HTML
        scripts = sorted((_package / "static").iterdir(), key=lambda file: file.name)
        self.version = sha256(b"".join(file.read_bytes() for file in scripts)).hexdigest()[:VERSION_CHARACTERS]
        """Names the built client in URLs, so that what browsers keep of it can't be an older one."""
        self._shells = {name: _render(environment, name) for name in ("addition", "start", "thin")}

    def addition(
        self, manifest: Manifest, settings: Settings, base: str, proof: str, direct: str | None = None
    ) -> bytes:
        """Render what follows a bundle in a full response. Pure ASCII, so that any charset reads it alike.

        Args:
            manifest: the bundle's.
            settings: the app's.
            base: the path of the signaling blueprint, with the app's mount point.
            proof: that the digest was served (`Tickets.prove`).
            direct: path and query of the plain bytes (`direct_path`).
        """
        before, after = self._shells["addition"]
        island = {**self._seeding(manifest, settings, base, direct), **_lasting_ice(settings), "proof": proof}
        return before + _dump(island) + after

    def thin_beginning(
        self,
        manifest: Manifest,
        settings: Settings,
        base: str,
        module: ModuleFacts | None = None,
        direct: str | None = None,
    ) -> bytes:
        """Render what all thin responses of a bundle begin with, to be kept.

        Args:
            manifest: as for `addition`, like the next two.
            settings: the app's.
            base: the path of the signaling blueprint.
            module: where the bundle is a module that the client is to link.
            direct: as for `addition`.
        """
        receiving = {
            **self._seeding(manifest, settings, base, direct),
            **({} if module is None else {"module": module.as_island()}),
            **({} if settings.credentials_pass else _lasting_ice(settings)),
            "pieces": b64encode(manifest.pieces).decode(),
            "deadline": settings.deadline,
            "breaker": [BREAKER_COOKIE, settings.breaker_seconds, settings.breaker_failures],
            "cache": settings.client_cache,
            "keptCookie": KEPT_COOKIE,
        }
        return self._shells["thin"][0] + _dump(receiving).removesuffix(b"}") + b","

    def thin(
        self,
        beginning: bytes,
        ticket: str,
        *,
        stream: int | None = None,
        early: bool = False,
        ice: Sequence[IceServer] | None = None,
    ) -> bytes:
        """Render what stands in place of a bundle in a thin response.

        Args:
            beginning: as `thin_beginning` gave it.
            ticket: names the recipient and the seeders that it may ask, the best first (`Tickets.issue`).
            stream: the piece from which the client begins at once to fetch from the server, if it is to do so.
            early: whether it announces what it has while it still receives.
            ice: this visitor's own STUN and TURN servers, where `Settings.credentials_pass`.
        """
        own: dict[str, Any] = {"ticket": ticket, "early": early}
        if ice is not None:
            own["ice"] = ice
        if stream is not None:
            own["stream"] = stream
        return beginning + _dump(own).removeprefix(b"{") + self._shells["thin"][1]

    def part(self, beginning: bytes, ticket: str, **own: Any) -> bytes:
        """Give the island of a thin response by itself, as JSON; the arguments are those of `thin`."""
        before, after = self._shells["thin"]
        return self.thin(beginning, ticket, **own).removeprefix(before).removesuffix(after)

    def unshared(self, manifest: Manifest, settings: Settings, base: str, module: ModuleFacts, *, alone: bool) -> bytes:
        """Render what runs a module that peers don't deliver, beside others that they do.

        Args:
            manifest: as for `addition`, like the next two.
            settings: the app's.
            base: the path of the signaling blueprint.
            module: how to link it.
            alone: the island by itself, as JSON, in place of a thin response.
        """
        island = _dump({**self._seeding(manifest, settings, base), "module": module.as_island()})
        before, after = self._shells["thin"]
        return island if alone else before + island + after

    def waiting(self, url: str, settings: Settings, base: str, direct: str | None = None) -> bytes:
        """Render what runs a classic bundle of the server when those before it have run.

        Args:
            url: path and query of the bundle.
            settings: the app's.
            base: the path of the signaling blueprint.
            direct: as for `addition`.
        """
        before, after = self._shells["thin"]
        return before + _dump({"url": url, "digest": "", **self._page(settings, base, direct)}) + after

    def start(self, url: str) -> bytes:
        """Render a script that starts a module as if ViralJS were not there.

        Args:
            url: path and query of the module.
        """
        before, after = self._shells["start"]
        return before + _dump({"url": url}) + after

    def _seeding(self, manifest: Manifest, settings: Settings, base: str, direct: str | None = None) -> dict[str, Any]:
        island: dict[str, Any] = {
            "url": manifest.url,
            "digest": manifest.digest,
            "size": manifest.size,
            "pieceLength": manifest.piece_length,
            "mediaType": manifest.media_type,
            **self._page(settings, base, direct),
        }
        if settings.upload_limit is not None:
            island["limit"] = settings.upload_limit
        return island

    def _page(self, settings: Settings, base: str, direct: str | None) -> dict[str, Any]:
        return {
            "base": base,
            **({} if direct is None else {"direct": direct}),
            "client": f"client/{self.version}",
            "consent": settings.consent,
            "consentCookie": CONSENT_COOKIE,
            "workerCookie": WORKER_COOKIE,
        }


def _lasting_ice(settings: Settings) -> dict[str, Any]:
    return {"ice": lasting_servers(settings.ice_servers, settings.turn_urls, relay=settings.relay)}


def _render(environment: Environment, name: str) -> tuple[bytes, bytes]:
    """Place the built client in its template; give what comes before and what after the island."""
    shell = environment.from_string(_read("templates", f"{name}.js.j2"))
    before, after = shell.render(client=_read("static", f"{name}.js").strip(), island=ISLAND).split(ISLAND)
    return before.encode("ascii"), after.encode("ascii")


def _dump(island: Mapping[str, Any]) -> bytes:
    return json.dumps(island, separators=(",", ":")).encode("ascii")


def _read(folder: str, name: str) -> str:
    return (_package / folder / name).read_text("ascii")
