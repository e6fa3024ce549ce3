"""The app that is measured, for a server in a process of its own: a page for each bundle that lies in a folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask import Flask, Response, render_template_string, send_from_directory

from viraljs import ViralJS

BUNDLES = Path(os.environ["BENCH_BUNDLES"])
PAGE = """<!doctype html>
<meta charset="utf-8">
<title>An app to measure</title>
<link rel="icon" href="data:,">
<script>addEventListener("viraljs:seeding", () => (window.seeds = true));</script>
{{ viral_script(url_for("bundle", name=name)) }}
"""

app = Flask("measured", static_folder=None)
app.config.update(json.loads(os.environ["BENCH_SETTINGS"]))
app.secret_key = os.urandom(32)
viral = ViralJS(app)


@app.get("/<name>.js")
@viral.bundle
def bundle(name: str) -> Response:
    """Give a bundle."""
    return send_from_directory(BUNDLES, f"{name}.js")


@app.get("/<name>")
def page(name: str) -> str:
    """Show the page that runs a bundle."""
    return render_template_string(PAGE, name=name)
