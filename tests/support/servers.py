"""Real servers for tests: an application in a process of its own, under each server that ViralJS promises to run on.

with serve("gevent", Path("app.py"), {"SIZE": "5000000"}, tmp_path / "server.log") as url: ...
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from werkzeug.serving import make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

Seeding = Literal["flask", "gthread", "gevent"]
"""Servers on which browsers can seed."""
KINDS: tuple[Seeding, ...] = get_args(Seeding)
Socketless = Literal["waitress", "uvicorn", "sync"]
"""Servers that keep their sockets to themselves, and one that serves one request at a time."""
SOCKETLESS: tuple[Socketless, ...] = get_args(Socketless)
Kind = Seeding | Socketless

HOST = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 10
POLL_SECONDS = 0.02


@contextmanager
def serve(
    kind: Kind,
    application: Path | str,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    python: str = sys.executable,
    seconds: float = START_SECONDS,
) -> Iterator[str]:
    """Run an application until the block ends.

    Args:
        kind: `flask run`, or gunicorn with threads (16 of them), with gevent or with its sync worker, or another
            server that runs WSGI apps; one process each.
        application: the path of a Python file, or the name of a module, that has an `app`.
        env: environment variables for it, beside those of this process.
        log: where its output goes; a temporary file if left out. An error at the start quotes it.
        python: the interpreter, where it is not this one.
        seconds: how long it may take to start.

    Yields:
        the address without a slash at the end, such as `http://127.0.0.1:40123`; the server answers by then.
    """
    port = free_port()
    with run(_command(kind, application, port, python), port, env, log, seconds) as address:
        yield address


@contextmanager
def run(
    command: Sequence[str],
    port: int,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
    seconds: float = START_SECONDS,
) -> Iterator[str]:
    """Run a server by a command of its own until the block ends; yields its address once it answers.

    Args:
        command: the program and its arguments.
        port: where it is going to listen.
        env: environment variables for it, beside those of this process.
        log: where its output goes; a temporary file if left out.
        seconds: how long it may take to start.
    """
    with tempfile.TemporaryDirectory(prefix="viraljs-server-") as folder:
        log = log or Path(folder) / "server.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_until_it_answers(process, port, log, seconds)
            yield f"http://{HOST}:{port}"
        finally:
            stop(process)


@contextmanager
def serve_here(app: WSGIApplication, host: str = HOST, port: int = 0) -> Iterator[str]:
    """Run an app in threads of this process, so that a test can look into it; yields its address."""
    server = make_server(host, port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": POLL_SECONDS}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(STOP_SECONDS)
        server.server_close()


def free_port() -> int:
    """Give a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _command(kind: Kind, application: Path | str, port: int, python: str) -> list[str]:
    if kind == "flask":
        target = str(application.resolve()) if isinstance(application, Path) else application
        return [
            *(python, "-m", "flask", "--app", f"{target}:app", "run"),
            *("--host", HOST, "--port", str(port), "--no-reload", "--no-debugger"),
        ]
    folder, name = (
        (application.resolve().parent, application.stem) if isinstance(application, Path) else (Path(), application)
    )
    if kind == "waitress":
        code = "import sys, waitress, importlib; sys.path.insert(0, sys.argv[1]);"
        code += "waitress.serve(importlib.import_module(sys.argv[2]).app, host=sys.argv[3], port=int(sys.argv[4]))"
        return [sys.executable, "-c", code, str(folder.resolve()), name, HOST, str(port)]
    if kind == "uvicorn":
        return [
            *(sys.executable, "-m", "uvicorn", "--interface", "wsgi", "--app-dir", str(folder.resolve())),
            *("--host", HOST, "--port", str(port), f"{name}:app"),
        ]
    workers: tuple[str, ...] = {
        "sync": (),
        "gthread": ("--worker-class", "gthread", "--threads", "16"),
        "gevent": ("--worker-class", "gevent"),
    }[kind]
    return [
        *(python, "-m", "gunicorn", "--bind", f"{HOST}:{port}", "--workers", "1", *workers),
        *("--graceful-timeout", "1", "--no-control-socket", "--chdir", str(folder.resolve()), f"{name}:app"),
    ]


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}:\n{log.read_text()}")
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(POLL_SECONDS)
        else:
            return
    raise RuntimeError(f"the server did not answer within {seconds:g} s:\n{log.read_text()}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, by force if it does not go."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
