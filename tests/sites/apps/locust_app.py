"""A locustfile: Locust serves its user interface by itself."""

from typing import Any

from locust import HttpUser, events, task

from tests.sites.switch import WITH_VIRALJS, prepare


class Visitor(HttpUser):  # type: ignore[misc]
    """Does nothing; nobody starts it."""

    host = "http://127.0.0.1:9"

    @task
    def rest(self) -> None:
        """Do nothing."""


@events.init.add_listener
def set_up(environment: Any, **_options: Any) -> None:
    app = environment.web_ui.app
    prepare(app)
    if WITH_VIRALJS:
        from viraljs import ViralJS

        app.secret_key = "change me"
        viral = ViralJS(app)
        app.view_functions["locust.send_assets"] = viral.bundle(app.view_functions["locust.send_assets"])
