"""Plotly Dash with all of its component suites: a graph, a table, and a callback."""

from dash import Dash, Input, Output, callback, dash_table, dcc, html

from tests.sites.switch import WITH_VIRALJS, prepare

dash = Dash(__name__)
app = dash.server
prepare(app)

if WITH_VIRALJS:
    from viraljs import ViralJS

    app.secret_key = "change me"
    viral = ViralJS(app)
    suites = next(name for name in app.view_functions if "_dash-component-suites" in name)
    app.view_functions[suites] = viral.bundle(app.view_functions[suites])

dash.layout = html.Div(
    [
        html.Button("Again", id="again"),
        html.Output("never", id="told"),
        dcc.Graph(id="graph", figure={"data": [{"x": [1, 2, 3], "y": [2, 1, 3], "type": "bar"}]}),
        dash_table.DataTable(id="table", data=[{"name": "a row"}], columns=[{"id": "name", "name": "Name"}]),
    ]
)


@callback(Output("told", "children"), Input("again", "n_clicks"), prevent_initial_call=True)
def tell(clicks: int) -> str:
    return f"clicked {clicks}"
