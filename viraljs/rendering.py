"""The addition and the thin client: the built client and an island of settings, placed by templates."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from .bundle import Manifest
from .config import Settings

BREAKER_COOKIE = "viraljs_failures"
CONSENT_COOKIE = "viraljs_consent"
PARAMETER = "viraljs"
DIRECT = "direct"
MARKED = "script"
VERSION_CHARACTERS = 8

_package = files("viraljs")


class Renderer:
    """Reads the built client once and fills it in per response."""

    def __init__(self) -> None:
        """Read `static/` and `templates/`; a missing file is an error at start, not at a visitor's."""
        environment = Environment(autoescape=False, undefined=StrictUndefined, keep_trailing_newline=True)  # noqa: S701 - JavaScript, not HTML
        self._shells = {
            name: environment.from_string(_read("templates", f"{name}.js.j2")) for name in ("addition", "thin")
        }
        scripts = sorted((_package / "static").iterdir(), key=lambda file: file.name)
        self.version = sha256(b"".join(file.read_bytes() for file in scripts)).hexdigest()[:VERSION_CHARACTERS]
        """Names the built client in URLs, so that what browsers keep of it can't be an older one."""
        self._clients = {name: _read("static", f"{name}.js").strip() for name in ("addition", "thin")}

    def addition(self, manifest: Manifest, settings: Settings, base: str, proof: str) -> bytes:
        """Render what follows a bundle in a full response. Pure ASCII, so that any charset reads it alike.

        Args:
            manifest: the bundle's.
            settings: the app's.
            base: the path of the signaling blueprint, with the app's mount point.
            proof: that the digest was served (`Tickets.prove`).
        """
        return self._render("addition", {**self._seeding(manifest, settings, base), "proof": proof})

    def thin(self, manifest: Manifest, settings: Settings, base: str, ticket: str) -> bytes:
        """Render what stands in place of a bundle in a thin response.

        Args:
            manifest: the bundle's.
            settings: the app's.
            base: as for `addition`.
            ticket: names the recipient and the seeders that it may ask, the best first (`Tickets.issue`).
        """
        receiving = {
            "pieces": b64encode(manifest.pieces).decode(),
            "ticket": ticket,
            "deadline": settings.deadline,
            "breaker": [BREAKER_COOKIE, settings.breaker_seconds],
        }
        return self._render("thin", {**self._seeding(manifest, settings, base), **receiving})

    def _seeding(self, manifest: Manifest, settings: Settings, base: str) -> dict[str, Any]:
        return {
            "url": manifest.url,
            "digest": manifest.digest,
            "size": manifest.size,
            "pieceLength": manifest.piece_length,
            "mediaType": manifest.media_type,
            "base": base,
            "client": f"client/{self.version}",
            "ice": list(settings.ice_servers),
            "consent": settings.consent,
            "consentCookie": CONSENT_COOKIE,
        }

    def _render(self, name: str, island: Mapping[str, Any]) -> bytes:
        text = self._shells[name].render(client=self._clients[name], island=json.dumps(island, separators=(",", ":")))
        return text.encode("ascii")


def _read(folder: str, name: str) -> str:
    return (_package / folder / name).read_text("ascii")
