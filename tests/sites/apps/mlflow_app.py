"""MLflow's user interface, as a WSGI app for gunicorn."""

import os

from mlflow.server import app
from mlflow.server.handlers import initialize_backend_stores

from tests.sites.switch import WITH_VIRALJS, prepare

# As `mlflow server` does before it listens.
initialize_backend_stores(os.environ["_MLFLOW_SERVER_FILE_STORE"])
prepare(app)

if WITH_VIRALJS:
    from viraljs import ViralJS

    app.secret_key = "change me"
    viral = ViralJS(app)
    app.view_functions["serve_static_file"] = viral.bundle(app.view_functions["serve_static_file"])
