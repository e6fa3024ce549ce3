"""A React app as Vite built it, served from a static folder: index.html has the tags that Vite wrote."""

from pathlib import Path

from flask import Flask, Response

from tests.sites.switch import WITH_VIRALJS, prepare

app = Flask(__name__, static_folder=Path(__file__).parent.parent / "react" / "dist", static_url_path="")
prepare(app)

if WITH_VIRALJS:
    from viraljs import ViralJS

    app.config.update(SECRET_KEY="change me", VIRALJS_STATIC=["*.js"])
    viral = ViralJS(app)


@app.get("/")
def page() -> Response:
    return app.send_static_file("index.html")
