"""Flask-AppBuilder with the page that describes its interface, which is Swagger's; all visitors may read it."""

from flask import Flask
from flask_appbuilder import AppBuilder
from flask_appbuilder.utils.legacy import get_sqla_class

from tests.sites.switch import WITH_VIRALJS, prepare

app = Flask(__name__)
app.config.update(
    SECRET_KEY="change me",
    SQLALCHEMY_DATABASE_URI="sqlite://",
    FAB_API_SWAGGER_UI=True,
    AUTH_ROLE_PUBLIC="Admin",
)
prepare(app)
database = get_sqla_class()()
database.init_app(app)
with app.app_context():
    AppBuilder(app, database.session)

if WITH_VIRALJS:
    from viraljs import ViralJS

    viral = ViralJS(app)
    app.view_functions["appbuilder.static"] = viral.bundle(public=True)(app.view_functions["appbuilder.static"])
