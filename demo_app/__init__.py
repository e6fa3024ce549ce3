"""The demo: one page that loads plotly by way of its visitors, and draws with it how that went.

Run it with `make demo`, or `python -m demo_app --help`.
"""

from __future__ import annotations

import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, make_response, render_template, request, send_file

from viraljs import ViralJS

from .errors import DemoError
from .swarm import PAGE_COOKIE, Swarm
from .wording import in_bytes

LONGEST_DELIVERY_MS = 3_600_000

viral = ViralJS()


def plotly_file() -> Path:
    """Find the bundle, some 4.8 MB, in PyPI's plotly, without importing that.

    Raises:
        DemoError: plotly is not installed.
    """
    spec = find_spec("plotly")
    for folder in (spec and spec.submodule_search_locations) or []:
        file = Path(folder) / "package_data" / "plotly.min.js"
        if file.is_file():
            return file
    raise DemoError("the demo needs plotly's plotly.min.js: run make demo, or pip install --editable '.[demo]'")


def create_app(swarm: Swarm | None = None, **settings: Any) -> Flask:
    """Build the demo's app.

    Args:
        swarm: where the visits are kept; its own one if left out.
        settings: keys of `app.config` to set besides.

    Raises:
        DemoError: plotly is not installed.
    """
    bundle = plotly_file()
    visits = swarm or Swarm(bundle.stat().st_size)
    app = Flask(__name__)
    # A demo on one machine or network: no host outside has to help its browsers to find each other.
    app.config.update(SECRET_KEY=secrets.token_hex(), VIRALJS_ICE_SERVERS=[], **settings)
    viral.init_app(app)
    visits.listen(app)
    app.extensions["demo_swarm"] = visits

    @app.get("/")
    def page() -> Response:
        token = secrets.token_urlsafe()
        response = make_response(render_template("page.html", page=token, size=in_bytes(visits.size)))
        response.set_cookie(PAGE_COOKIE, token, httponly=True, samesite="Strict")
        # A page that comes back is a new visit.
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/plotly.min.js")
    @viral.bundle
    def plotly_js() -> Response:
        return send_file(bundle, mimetype="text/javascript")

    @app.get("/swarm.json")
    def swarm_json() -> Response:
        response = jsonify(visits.snapshot(request.args.get("page")))
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.post("/arrived")
    def arrived() -> tuple[str, int]:
        milliseconds = request.get_json().get("milliseconds")
        if not isinstance(milliseconds, int) or not 0 <= milliseconds <= LONGEST_DELIVERY_MS:
            return "milliseconds must be an integer, and no more than an hour's", 400
        visits.told(request.cookies.get(PAGE_COOKIE), milliseconds)
        return "", 204

    return app
