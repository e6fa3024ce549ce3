"""Bundles of a blueprint on a subdomain, of which the pages are on another one: they run, with and without a word."""

from contextlib import contextmanager
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, render_template_string

from tests.support.servers import serve_here
from tests.support.site import FAR_OFF_MS, PROBE, bundle
from tests.support.until import until
from viraljs import ViralJS

PAGE = """<!doctype html><link rel="icon" href="data:,"><script src="/probe.js"></script>
{{ viral_script(url_for("static_host.app_js", _external=True)) }}"""


class Shop:
    """An app whose page is on one host and whose bundle is on a subdomain of it."""

    def __init__(self):
        self.app = Flask("shop", static_folder=None, subdomain_matching=True)
        self.app.config.update(
            SECRET_KEY="for tests", VIRALJS_DEADLINE=FAR_OFF_MS, VIRALJS_CROWD_SECONDS=0, VIRALJS_STREAM_SIZE=1 << 40
        )
        self.kinds = []

    @contextmanager
    def running(self, origins=()):
        """Serve it; `origins` are hosts on its own port."""
        with serve_here(self.app) as address:
            port = urlsplit(address).port
            self.app.config.update(
                SERVER_NAME=f"localhost:{port}", VIRALJS_ORIGINS=[f"http://{host}:{port}" for host in origins]
            )
            self.viral = ViralJS(self.app)
            self.state = self.app.extensions["viraljs"]
            self._add_routes()
            self.page = f"http://localhost:{port}/"
            yield self

    def _add_routes(self):
        static = Blueprint("static_host", __name__, subdomain="static")
        static.add_url_rule("/app.js", "app_js", self.viral.bundle(lambda: bundle(200_000)))
        self.app.register_blueprint(static)
        self.app.add_url_rule("/", "page", lambda: render_template_string(PAGE))
        self.app.add_url_rule("/probe.js", "probe", lambda: Response(PROBE, mimetype="text/javascript"))

        @self.app.after_request
        def note(response):
            # Ours comes after this one, and has said so already: the decorator did.
            if kind := response.headers.get("ViralJS-Delivery"):
                self.kinds.append(kind)
            return response

    def wait_for_sockets(self, count):
        until(lambda: self.state.hub.connected() == count, f"{count} seeders' sockets")


def wait_for(visitor, expression):
    until(lambda: visitor.js(expression), expression)


def test_without_a_word_the_bundle_runs_natively_on_each_visit_and_the_log_says_what_to_set(pair, caplog):
    with Shop().running() as shop:
        for visitor in (*pair, pair[0]):
            visitor.visit(shop.page)
            wait_for(visitor, "window.runs === 1")
            assert visitor.js("[answer, errors.length]") == [42, 0]
        for visitor in pair:
            visitor.visit("about:blank")

    assert set(shop.kinds) == {"untouched; reason=cross-origin"}
    (text,) = [record.getMessage() for record in caplog.records if "VIRALJS_ORIGINS" in record.getMessage()]
    assert shop.page.rstrip("/") in text


def test_with_a_word_on_origins_it_comes_by_peers(browsers):
    visitors = browsers(), browsers()
    with Shop().running(origins=["localhost"]) as shop:
        sources = []
        for number, visitor in enumerate(visitors, 1):
            visitor.visit(shop.page)
            wait_for(visitor, "window.ViralJS?.deliveries.length === 1")
            sources.append(visitor.js("ViralJS.deliveries[0].source"))
            assert visitor.js("[runs, answer, errors.length]") == [1, 42, 0]
            shop.wait_for_sockets(number)
        for visitor in visitors:
            visitor.visit("about:blank")

    assert sources == ["server", "peers"]
    assert shop.kinds[:2] == ["full", "thin"]
