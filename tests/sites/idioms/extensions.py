"""Apps with the extensions that most Flask sites have, alone and by twos and threes, and one page of each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cachelib import SimpleCache
from flask import Blueprint, Flask, Request, Response, render_template_string, send_file, session, url_for
from flask_caching import Cache
from flask_compress import Compress
from flask_cors import CORS
from flask_login import LoginManager, UserMixin, login_user
from flask_minify import Minify
from flask_session import Session
from flask_talisman import Talisman
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from whitenoise import WhiteNoise

from tests.sites.idioms.idiom import BUNDLE_BYTES, LIB, STARTS, Idiom, page
from tests.sites.idioms.site import MAX_AGE_SECONDS, add_common_routes, new_app, padded, plain_tag
from viraljs import ViralJS

NAME = "app.js"
NONCE = ' nonce="{{ csp_nonce() }}"'
"""Where Flask-Talisman is; elsewhere `csp_nonce()` gives nothing."""
HTML = page(
    f'<script{NONCE}>document.addEventListener("DOMContentLoaded", () => {STARTS});</script>'
    "{{ viral_script(bundle_url) }}",
    f'<script{NONCE}>addEventListener("load", () => say("load"));</script>',
).replace("/recorder.js", "{{ url_for('recorder') }}")
LOG = ("lib (interactive)", "start (interactive)", "load (complete)")

View = Callable[[], Any]


@dataclass
class Building:
    """An app on its way.

    Args:
        app: the app.
        parts: names of what it is built with.
        host: its own, with the port.
        folder: where its static files are.
    """

    app: Flask
    parts: tuple[str, ...]
    host: str
    folder: Path
    route: dict[str, Any] = field(default_factory=dict)
    """Options of each route."""
    decorators: list[Callable[[View], View]] = field(default_factory=list)
    """Of the bundle's view, below `viral.bundle`."""
    outer: list[Callable[[View], View]] = field(default_factory=list)
    """Above it."""
    visits: list[Callable[[], None]] = field(default_factory=list)
    """What the page's view does."""


class User(UserMixin):  # type: ignore[misc]
    """Who logs in."""

    id = "1"


def _compress(building: Building) -> None:
    Compress(building.app)


def _compress_with_cache(building: Building) -> None:
    compress = Compress()
    compress.init_app(building.app)
    compress.cache = SimpleCache()

    def key(request: Request) -> str:
        return request.path

    compress.cache_key = key


def _talisman(building: Building) -> None:
    Talisman(
        building.app,
        force_https=False,
        session_cookie_secure=False,
        content_security_policy={"default-src": "'self'", "img-src": "'self' data:", "script-src": "'self'"},
        content_security_policy_nonce_in=["script-src"],
    )


def _login(building: Building) -> None:
    LoginManager(building.app).user_loader(lambda _: User())


def _logged_in(building: Building) -> None:
    _login(building)
    building.visits.append(lambda: login_user(User(), remember=True) and None)


def _session(building: Building) -> None:
    building.app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache())
    Session(building.app)
    building.visits.append(lambda: session.setdefault("seen", "yes") and None)


def _cookie_session(building: Building) -> None:
    """Flask's own, permanent, and so refreshed with each response."""

    def visit() -> None:
        session.permanent = True
        session["seen"] = "yes"

    building.visits.append(visit)


def _cors(building: Building) -> None:
    CORS(building.app, origins=["https://partner.example", f"http://{building.host}"], supports_credentials=True)


def _cached_below(building: Building) -> None:
    building.decorators.append(Cache(building.app, config={"CACHE_TYPE": "SimpleCache"}).cached(timeout=60))


def _cached_above(building: Building) -> None:
    building.outer.append(Cache(building.app, config={"CACHE_TYPE": "SimpleCache"}).cached(timeout=60))


def _minify(building: Building) -> None:
    Minify(app=building.app)


def _minify_others(building: Building) -> None:
    Minify(app=building.app, bypass=["bundles.app_js", "static"])


def _whitenoise(building: Building) -> None:
    building.app.wsgi_app = WhiteNoise(building.app.wsgi_app, root=building.folder, prefix="static/")  # type: ignore[method-assign]


def _mounted(building: Building) -> None:
    building.app.wsgi_app = DispatcherMiddleware(NotFound(), {"/mounted": building.app.wsgi_app})  # type: ignore[method-assign]


def _host_matching(building: Building) -> None:
    building.route["host"] = building.host


def _subdomain(building: Building) -> None:
    building.app.config["SERVER_NAME"] = building.host


def _subdomain_with_origins(building: Building) -> None:
    _subdomain(building)
    building.app.config["VIRALJS_ORIGINS"] = [f"http://{building.host}"]


def _static(building: Building) -> None:
    building.app.config["VIRALJS_STATIC"] = ["*.js"]


PARTS: Mapping[str, Callable[[Building], None]] = {
    "Flask-Compress": _compress,
    "Flask-Compress, response cache": _compress_with_cache,
    "Flask-Talisman": _talisman,
    "Flask-Login": _login,
    "Flask-Login, logged in": _logged_in,
    "Flask-Session": _session,
    "permanent session": _cookie_session,
    "Flask-CORS": _cors,
    "cache.cached below": _cached_below,
    "cache.cached above": _cached_above,
    "Flask-Minify": _minify,
    "Flask-Minify, bypass": _minify_others,
    "WhiteNoise": _whitenoise,
    "mounted below a prefix": _mounted,
    "host_matching": _host_matching,
    "subdomain": _subdomain,
    "subdomain, VIRALJS_ORIGINS": _subdomain_with_origins,
    "VIRALJS_STATIC": _static,
}
PUBLIC = frozenset({"Flask-Login", "Flask-Login, logged in", "Flask-Session", "permanent session"})
"""With these the author writes `@viral.bundle(public=True)`."""
EARLY = frozenset({"subdomain", "subdomain, VIRALJS_ORIGINS", "VIRALJS_STATIC", "host_matching"})
"""Settings, which an app has before its extensions."""


@dataclass(frozen=True)
class Combination:
    """Extensions that meet in one app.

    Args:
        parts: names in `PARTS`, in the order of their set-up.
        peers: whether peers must deliver to the second visitor; where not, the log must say why.
        viral_last: whether ViralJS is set up after them, and not before.
        public: whether the author says that the bundle is public, where an extension makes responses personal.
    """

    parts: tuple[str, ...]
    peers: bool = True
    viral_last: bool = False
    public: bool = True

    @property
    def name(self) -> str:
        """For the table."""
        notes = ("ViralJS last",) * self.viral_last + ("not public",) * (not self.public)
        return " + ".join((*self.parts, *notes))

    def has(self, start: str) -> bool:
        """Say whether a part's name begins so."""
        return any(part.startswith(start) for part in self.parts)

    @property
    def decorated(self) -> str:
        """Where the bundle is, on its host."""
        if self.has("VIRALJS_STATIC"):
            return "/static/b/"
        return "/mounted/b/" if self.has("mounted") else "/b/"

    @property
    def path(self) -> str:
        """Where the page is."""
        return "/mounted/" if self.has("mounted") else "/"

    @property
    def idiom(self) -> Idiom:
        """What the page does."""
        # WhiteNoise answers before the app is asked.
        untold = (NAME,) if "WhiteNoise" in self.parts else ()
        return Idiom(self.name, HTML, LOG, peers=(NAME,) if self.peers else (), untold=untold)

    def build(self, host: str, folder: Path, *, with_viral: bool) -> Flask:
        """Make the app, or the same without ViralJS."""
        app = new_app(with_viral, static_folder=str(folder), static_url_path="/static", **self._options(host))
        building = Building(app, self.parts, host, folder)
        app.jinja_env.globals.setdefault("csp_nonce", lambda: "")
        for part in self.parts:
            if part in EARLY:
                PARTS[part](building)
        if with_viral and self._is_public and self.has("VIRALJS_STATIC"):
            app.config["VIRALJS_PUBLIC"] = ["/static/*"]
        viral = ViralJS(app) if with_viral and not self.viral_last else None
        for part in self.parts:
            if part not in EARLY:
                PARTS[part](building)
        if with_viral and not viral:
            viral = ViralJS(app)
        if not with_viral:
            app.add_template_global(plain_tag, "viral_script")
        self._add_routes(building, viral)
        return app

    @property
    def _is_public(self) -> bool:
        return self.public and not PUBLIC.isdisjoint(self.parts)

    def _options(self, host: str) -> dict[str, Any]:
        if self.has("host_matching"):
            return {"host_matching": True, "static_host": host}
        return {"subdomain_matching": True} if self.has("subdomain") else {}

    def _view(self, building: Building) -> View:
        path = building.folder / "b" / NAME
        if building.decorators or building.outer:  # what holds an open file can't be kept

            def text() -> Response:
                headers = {"Cache-Control": f"max-age={MAX_AGE_SECONDS}"}
                return Response(path.read_bytes(), mimetype="text/javascript", headers=headers)

            return text
        return lambda: send_file(path, mimetype="text/javascript", max_age=MAX_AGE_SECONDS)

    def _add_routes(self, building: Building, viral: ViralJS | None) -> None:
        app = building.app
        view = self._view(building)
        for decorate in building.decorators:
            view = decorate(view)
        if viral:
            view = viral.bundle(public=True)(view) if self._is_public else viral.bundle(view)
        for decorate in building.outer:
            view = decorate(view)
        bundles = Blueprint("bundles", __name__, subdomain="static" if self.has("subdomain") else None)
        bundles.add_url_rule(f"/b/{NAME}", "app_js", view, **building.route)
        app.register_blueprint(bundles)
        add_common_routes(app, **building.route)

        @app.get("/", **building.route)
        def page() -> str:
            for visit in building.visits:
                visit()
            return render_template_string(HTML, bundle_url=self._bundle_url())

    def _bundle_url(self) -> str:
        return url_for("static", filename=f"b/{NAME}") if self.has("VIRALJS_STATIC") else url_for("bundles.app_js")


def write_bundle(folder: Path) -> None:
    """Put the bundle, and a file beside it, where static files are."""
    (folder / "b").mkdir()
    # In a string, which those that minify can't leave out.
    padding = padded("", BUNDLE_BYTES).decode().strip("\n/* ")
    (folder / "b" / NAME).write_text(f'{LIB}\nvar padding = "{padding}";\n')
    (folder / "site.css").write_text("p { color: green }")


ALONE = tuple(
    Combination((part,), peers=part not in ("cache.cached above", "subdomain", "Flask-Minify"))
    for part in PARTS
    if part != "Flask-Compress, response cache"
)
TOGETHER = (
    Combination(("Flask-Compress, response cache",), peers=False),
    Combination(("Flask-Login",), public=False, peers=False),
    Combination(("Flask-Login, logged in",), public=False, peers=False),
    Combination(("Flask-Session",), public=False, peers=False),
    Combination(("WhiteNoise", "VIRALJS_STATIC"), peers=False),
    # Not the other way round: Flask-Minify would be given compressed bytes, and fail without ViralJS, too.
    Combination(("Flask-Compress", "Flask-Minify"), peers=False),
    Combination(("Flask-Compress", "VIRALJS_STATIC"), viral_last=True),
    Combination(("Flask-Compress", "Flask-Talisman"), viral_last=True),
    Combination(("Flask-Compress", "Flask-Minify, bypass"), viral_last=True),
    Combination(("Flask-Minify, bypass", "Flask-Talisman", "mounted below a prefix")),
    Combination(("Flask-Minify, bypass", "cache.cached below")),
    Combination(("Flask-Login, logged in", "Flask-Session", "Flask-Talisman"), viral_last=True),
    Combination(("Flask-Login, logged in", "Flask-CORS", "Flask-Compress")),
    Combination(("Flask-CORS", "Flask-Session", "mounted below a prefix"), viral_last=True),
    Combination(("Flask-CORS", "Flask-Minify, bypass", "VIRALJS_STATIC")),
    Combination(("cache.cached below", "Flask-Compress", "Flask-Login"), viral_last=True),
    Combination(("cache.cached above", "Flask-Compress", "Flask-Talisman"), peers=False),
    Combination(("cache.cached above", "Flask-Login, logged in"), viral_last=True, peers=False),
    Combination(("WhiteNoise", "Flask-Compress", "mounted below a prefix")),
    Combination(("WhiteNoise", "Flask-Login", "Flask-CORS")),
    Combination(("host_matching", "Flask-Login", "Flask-Compress"), viral_last=True),
    Combination(("host_matching", "Flask-Talisman")),
    Combination(("host_matching", "VIRALJS_STATIC", "Flask-CORS")),
    Combination(("subdomain, VIRALJS_ORIGINS", "Flask-CORS")),
    Combination(("subdomain, VIRALJS_ORIGINS", "Flask-Compress", "Flask-Login"), viral_last=True),
    Combination(("permanent session", "Flask-Talisman", "VIRALJS_STATIC")),
)
COMBINATIONS = (*ALONE, *TOGETHER)
