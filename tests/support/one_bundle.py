"""An app with one bundle, as text and as a file, for servers in processes of their own (`tests.support.servers`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flask import Flask, Response, send_file

from viraljs import ViralJS

TEXT = b"text();\n" * 100
DATA = b"file();\n" * 100_000

app = Flask("one_bundle", static_folder=None)
app.config.update(VIRALJS_CROWD_SECONDS=0, VIRALJS_STREAM_SIZE=1 << 40)
app.config.from_prefixed_env()
app.config.update(SECRET_KEY="for tests", VIRALJS_MIN_SIZE=1, VIRALJS_STATS=lambda: True)
viral = ViralJS(app)

_folder = tempfile.TemporaryDirectory()
_path = Path(_folder.name) / "file.js"
_path.write_bytes(DATA)


@app.get("/text.js")
@viral.bundle
def text() -> Response:
    return Response(TEXT, mimetype="text/javascript", headers={"Cache-Control": "max-age=60"})


@app.get("/file.js")
@viral.bundle
def file() -> Response:
    return send_file(_path, max_age=60)
