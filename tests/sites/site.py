"""What a site of this suite is: an app with or without ViralJS, what shows that it works, and what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from tests.sites.switch import VARIABLE, authors_lines
from tests.support.servers import HOST, Kind, free_port, run, serve

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PYTHON = ROOT / ".venv-sites" / "bin" / "python"
"""The heavy software has an environment of its own."""
START_SECONDS = 90.0
"""Some import half of PyPI before they answer."""
PATIENT = f"--timeout {START_SECONDS:.0f}"
"""So long gunicorn waits for a worker, too."""


@dataclass(frozen=True)
class Site:
    """An app, and what to look for on its page.

    Args:
        name: for the table, and for `-k`.
        app: the file of its app, below `apps`, with the lines that its author adds below `if WITH_VIRALJS:`.
        ready: an expression that is true once the page shows what it is for.
        act: a statement that does what a visitor would do.
        answered: an expression that is true once the page has answered it.
        path: of the page.
        server: on which it runs; or a command, in which `{port}`, `{python}` and `{app}` are replaced.
        env: environment variables for it; in their values `{folder}` is an empty folder.
        peers: whether the second visitor gets JavaScript from the first.
        reasons: why the rest of its JavaScript comes from the server, as `ViralJS-Delivery` has it.
        log: patterns of what ViralJS writes into the app's log: a line for each at least, none twice, and no other.
        firefox: it is shown to Firefox, too.
        base: the file of an app that it extends, whose author's lines it has as well.
    """

    name: str
    app: str
    ready: str
    act: str
    answered: str
    path: str = "/"
    server: Kind | tuple[str, ...] = "gevent"
    env: Mapping[str, str] = field(default_factory=dict)
    peers: bool = True
    reasons: frozenset[str] = frozenset()
    log: tuple[str, ...] = ()
    firefox: bool = False
    base: str = ""

    @property
    def file(self) -> Path:
        """The module of the app."""
        return HERE / "apps" / self.app

    @property
    def lines(self) -> list[str]:
        """What its author adds for ViralJS."""
        return [line for name in (self.base, self.app) if name for line in authors_lines(HERE / "apps" / name)]

    @contextmanager
    def running(self, folder: Path, *, with_viraljs: bool) -> Iterator[str]:
        """Serve it until the block ends, from a process of its own; its output goes to `log_of(folder)`.

        Yields:
            the address of its page.
        """
        assert PYTHON.exists(), "run make sites, which sets up the environment of these programs"
        env = {name: value.format(folder=folder) for name, value in self.env.items()}
        env = {"PYTHONPATH": str(ROOT), VARIABLE: "1" if with_viraljs else "", "GUNICORN_CMD_ARGS": PATIENT, **env}
        log = log_of(folder)
        if not isinstance(self.server, tuple):
            serving = serve(self.server, module_of(self.file), env, log, str(PYTHON), START_SECONDS)
        else:
            port = free_port()
            command = [one.format(port=port, python=PYTHON, app=self.file, host=HOST) for one in self.server]
            serving = run(command, port, env, log, START_SECONDS)
        with serving as address:
            # gunicorn listens before its worker has imported the app.
            urlopen(address + self.path.partition("#")[0], timeout=START_SECONDS).close()  # noqa: S310 - our own server
            yield address + self.path


def log_of(folder: Path) -> Path:
    """Name the file with the output of a server."""
    return folder / "server.log"


def module_of(file: Path) -> str:
    """Name the module of a file, from the root of the repository."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)
