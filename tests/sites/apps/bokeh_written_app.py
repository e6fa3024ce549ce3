"""The page with a Bokeh plot, whose template writes the tags of BokehJS one by one."""

from bokeh.resources import Resources
from flask import render_template_string

from tests.sites.apps.bokeh_app import app, make_plot
from tests.sites.switch import WITH_VIRALJS

TAGS = '{% for file in files %}<script defer src="{{ file }}"></script>{% endfor %}'

if WITH_VIRALJS:
    TAGS = "{% for file in files %}{{ viral_script(file) }}{% endfor %}"

PAGE = f"""<!doctype html>
<html>
<head><title>A plot</title><link rel="icon" href="data:,">{TAGS}</head>
<body>{{{{ div|safe }}}}{{{{ script|safe }}}}</body>
</html>
"""


@app.get("/written")
def written() -> str:
    """Show it."""
    script, div = make_plot()
    return render_template_string(PAGE, files=Resources(mode="server", root_url="/").js_files, script=script, div=div)
