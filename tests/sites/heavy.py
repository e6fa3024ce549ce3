"""The sites of this suite that are whole programs of others."""

from __future__ import annotations

from dataclasses import replace

from tests.sites.site import Site

MODULE = r"\S+ comes untouched \(reason=module\): .*viral_script"
BLOCKING = r"the parser of the page \S+ waits for the tag of \S+"


def beneath(selector: str) -> str:
    """Write an expression that finds an element also where it is in the shadow of others."""
    return f"""(function find(root) {{
      return root.querySelector({selector!r})
        ?? [...root.querySelectorAll("*")].map((one) => one.shadowRoot && find(one.shadowRoot)).find(Boolean);
    }})(document)"""


DASH = Site(
    "Plotly Dash",
    "dash_app.py",
    ready="document.querySelector('#graph .bars path') && document.querySelector('#table td[data-dash-column]')",
    act="document.querySelector('#again').click();",
    answered="document.querySelector('#told').textContent === 'clicked 1'",
    reasons=frozenset({"blocking"}),
    log=(BLOCKING,),
    firefox=True,
)
BOKEH = Site(
    "Bokeh",
    "bokeh_app.py",
    ready=f"Bokeh.documents[0].is_idle && {beneath('canvas')}",
    act=f"{beneath('button')}.click();",
    answered="Bokeh.documents[0].roots()[0].children[2].text === 'clicked'",
    peers=False,
    reasons=frozenset({"blocking"}),
    log=(BLOCKING,),
)
MLFLOW = Site(
    "MLflow",
    "mlflow_app.py",
    path="/#/experiments",
    ready="document.querySelector('a[href*=\"experiments/0\"]')",
    act="document.querySelector('a[href*=\"experiments/0\"]').click();",
    answered="document.body.innerText.includes('Latency')",
    server="gthread",
    env={
        "_MLFLOW_SERVER_FILE_STORE": "sqlite:///{folder}/mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "{folder}/artifacts",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    },
    firefox=True,
)
LOCUST = Site(
    "Locust",
    "locust_app.py",
    ready="document.querySelector('#root form')",
    act="[...document.querySelectorAll('button')].find((one) => /advanced/i.test(one.textContent)).click();",
    answered="document.querySelector('[aria-expanded=true]')",
    server=("{python}", "-m", "locust", "-f", "{app}", "--web-host", "{host}", "--web-port", "{port}"),
    peers=False,
    reasons=frozenset({"module"}),
    log=(MODULE,),
)
APPBUILDER = Site(
    "Flask-AppBuilder",
    "appbuilder_app.py",
    path="/swagger/v1",
    ready="document.querySelector('.opblock-summary-control')",
    act="document.querySelector('.opblock-summary-control').click();",
    answered="document.querySelector('.opblock.is-open')",
    peers=False,
    reasons=frozenset({"blocking"}),
    log=(BLOCKING,),
)
ADMIN = Site(
    "Flask-Admin",
    "admin_app.py",
    path="/admin/",
    ready="window.jQuery && document.querySelector('.dropdown-toggle')",
    act="document.querySelector('.dropdown-toggle').click();",
    answered="document.querySelector('.dropdown-menu.show')",
    peers=False,
    reasons=frozenset({"blocking"}),
    log=(BLOCKING,),
)
REACT = Site(
    "React, built by Vite",
    "react_app.py",
    ready="document.querySelector('main h1')",
    act="document.querySelector('main button').click();",
    answered="document.querySelector('main output').textContent === 'drawn'",
    peers=False,
    reasons=frozenset({"module"}),
    log=(MODULE,),
)

REACT_WRITTEN = replace(
    REACT,
    name="React, its tag by viral_script",
    app="react_written_app.py",
    peers=True,
    reasons=frozenset(),
    log=(),
    firefox=True,
)
BOKEH_WRITTEN = replace(
    BOKEH,
    name="Bokeh, its tags by viral_script",
    app="bokeh_written_app.py",
    base="bokeh_app.py",
    path="/written",
    peers=True,
    reasons=frozenset(),
    log=(),
    firefox=True,
)

HEAVY = (DASH, BOKEH, BOKEH_WRITTEN, MLFLOW, LOCUST, APPBUILDER, ADMIN, REACT, REACT_WRITTEN)
