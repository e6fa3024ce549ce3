"""A Flask page with a Bokeh plot, whose BokehJS files come from the app itself."""

from bokeh.embed import components
from bokeh.layouts import column
from bokeh.models import Button, CustomJS, Div
from bokeh.plotting import figure
from bokeh.resources import Resources
from bokeh.settings import settings
from flask import Flask, Response, render_template_string, send_from_directory

from tests.sites.switch import WITH_VIRALJS, prepare

PAGE = """<!doctype html>
<html>
<head><title>A plot</title><link rel="icon" href="data:,">{{ resources|safe }}</head>
<body>{{ div|safe }}{{ script|safe }}</body>
</html>
"""

app = Flask(__name__, static_folder=None)
prepare(app)


def bokehjs(path: str) -> Response:
    return send_from_directory(settings.bokehjs_path(), path)


if WITH_VIRALJS:
    from viraljs import ViralJS

    app.secret_key = "change me"
    viral = ViralJS(app)
    bokehjs = viral.bundle(bokehjs)

app.add_url_rule("/static/<path:path>", "bokehjs", bokehjs)


def make_plot() -> tuple[str, str]:
    """Give the script and the element of a plot, and of a button that answers."""
    plot = figure(width=400, height=300, title="Squares")
    plot.line([1, 2, 3, 4], [1, 4, 9, 16])
    button, told = Button(label="Again"), Div(text="never")
    button.js_on_click(CustomJS(args={"told": told}, code="told.text = 'clicked'"))
    script, div = components(column(plot, button, told))
    return script, div


@app.get("/")
def page() -> str:
    """Show it with the tags that Bokeh writes."""
    script, div = make_plot()
    resources = Resources(mode="server", root_url="/")
    return render_template_string(PAGE, resources=resources.render(), script=script, div=div)
