"""Flask-Admin with a page of its own, below a menu that opens."""

from typing import Any

from flask import Flask
from flask_admin import Admin, BaseView, expose
from flask_babel import Babel

from tests.sites.switch import WITH_VIRALJS, prepare


class Page(BaseView):  # type: ignore[misc]
    """A page."""

    @expose("/")
    def index(self) -> Any:
        """Show it."""
        return self.render("admin/index.html")


app = Flask(__name__)
app.config.update(SECRET_KEY="change me")
prepare(app)
Babel(app)
Admin(app, name="Shop").add_view(Page(name="Sales", category="More"))

if WITH_VIRALJS:
    from viraljs import ViralJS

    viral = ViralJS(app)
    app.view_functions["admin.static"] = viral.bundle(app.view_functions["admin.static"])
