"""What a case of this suite is: the page of a published package, of an app that a tool built, or of an oddity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

FULL = "full"
WORKER = "untouched; reason=worker"
IMPORTS = "untouched; reason=imports"
SMALL = "untouched; reason=small"
SMALL_BYTES = 60
"""Below this, where only the larger script of a page is to come from peers."""


@dataclass(frozen=True)
class Package:
    """A page and what to look for on it.

    Args:
        name: for the table, and for `-k`.
        scripts: paths of its bundles, in the order of their tags: `npm/…` is below `node_modules`, `apps/…` below
            `built`, and `own/…` is in `files`.
        probe: an expression that puts the bundles to use; its value, or what its promise gives, is compared.
        app: code of the site itself, which comes as a bundle behind the others.
        head: markup before the tags.
        calm: markup in its place, with which a bundle runs to its end that throws otherwise: only then it is seeded.
        body: markup behind them.
        ready: an expression that is true once the probe can begin.
        files: of the site itself, by path below `own/`.
        types: media types by path, where the usual one will not do.
        answers: what becomes, with ViralJS, of scripts that no peer delivers, by path.
        attributes: of the tag of each script.
        random: a pattern of what the package itself draws by chance, in its globals and console output.
        module: the scripts are modules.
        min_size: bytes; a page of many scripts has more small ones than a cookie names.
    """

    name: str
    scripts: tuple[str, ...]
    probe: str
    app: str = ""
    head: str = ""
    calm: str = ""
    body: str = ""
    ready: str = "true"
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    random: str = ""
    module: bool = False
    min_size: int = 1

    @property
    def tags(self) -> tuple[str, ...]:
        """The paths of all scripts that have a tag."""
        return (*self.scripts, "own/app.js") if self.app else self.scripts

    @property
    def own(self) -> dict[str, bytes]:
        """The site's files by path, as they are sent."""
        texts = {**self.files, **({"app.js": self.app} if self.app else {})}
        return {f"own/{name}": text.encode() if isinstance(text, str) else text for name, text in texts.items()}

    @property
    def delivered_tags(self) -> list[str]:
        """The paths of scripts that have a tag and are delivered."""
        return [path for path in self.tags if path not in self.answers]


def steps(code: str) -> str:
    """Make one expression of statements that may `await` and that `return` what they found."""
    return f"(async () => {{ {code} }})()"
