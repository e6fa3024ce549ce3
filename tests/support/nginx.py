"""A real nginx between visitors and an app, as a cache that heeds nothing of what the app says."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.servers import HOST, POLL_SECONDS, START_SECONDS, free_port, stop

BINARY = shutil.which("nginx") or "/usr/sbin/nginx"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    {temporary}
    proxy_cache_path {folder}/cache keys_zone=everything:1m;
    map $http_upgrade $hop {{ default upgrade; "" ""; }}
    server {{
        listen {host}:{port};
        location / {{
            proxy_pass http://{host}:{app};
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $hop;
            proxy_cache everything;
            proxy_cache_key {key};
            proxy_cache_valid 200 1h;
            proxy_ignore_headers Cache-Control Vary;
        }}
    }}
}}
"""


@contextmanager
def caching(app: str, key: str, folder: Path) -> Iterator[str]:
    """Keep every answer of an app for an hour, until the block ends.

    Args:
        app: the port of the app.
        key: what tells answers apart, in nginx's words.
        folder: an empty one, for all that nginx writes.

    Yields:
        the address without a slash at the end; nginx listens by then.
    """
    port = free_port()
    temporary = "\n    ".join(f"{name}_temp_path {folder}/{name};" for name in TEMPORARY)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, temporary=temporary, host=HOST, port=port, app=app, key=key)
    )
    log = folder / "error.log"
    process = subprocess.Popen([BINARY, "-e", log, "-p", folder, "-c", configuration], stderr=subprocess.DEVNULL)
    try:
        _wait_for_pid(process, folder / "nginx.pid", log)
        yield f"http://{HOST}:{port}"
    finally:
        stop(process)


def _wait_for_pid(process: subprocess.Popen[bytes], pid: Path, log: Path) -> None:
    """Wait until nginx has written its number, which it does when it listens."""
    until = time.monotonic() + START_SECONDS
    while not pid.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"nginx did not start:\n{log.read_text() if log.exists() else ''}")
        time.sleep(POLL_SECONDS)
