"""A React app as Vite built it, in a page of Flask's own, which takes the name of the entry from Vite's manifest."""

import json
from pathlib import Path

from flask import Flask, render_template_string

from tests.sites.switch import WITH_VIRALJS, prepare

DIST = Path(__file__).parent.parent / "react" / "dist"
ENTRY = json.loads((DIST / ".vite" / "manifest.json").read_text())["index.html"]["file"]
PAGE = """<!doctype html>
<html lang="en">
<head><title>A React app</title><link rel="icon" href="data:,"></head>
<body><div id="root"></div>TAG</body>
</html>
"""
TAG = '<script type="module" src="/{{ entry }}"></script>'

app = Flask(__name__, static_folder=DIST, static_url_path="")
prepare(app)

if WITH_VIRALJS:
    from viraljs import ViralJS

    app.config.update(SECRET_KEY="change me", VIRALJS_STATIC=["*.js"])
    viral = ViralJS(app)
    TAG = '{{ viral_script("/" + entry, type="module") }}'


@app.get("/")
def page() -> str:
    return render_template_string(PAGE.replace("TAG", TAG), entry=ENTRY)
