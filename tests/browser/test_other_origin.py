"""A bundle of another origin than its page's: peers deliver it all the same, and nobody downloads it twice."""

from base64 import b64encode
from hashlib import sha256

import pytest

from tests.browser.patches import leaves_after
from tests.support.firefox import Firefox
from tests.support.servers import HOST
from tests.support.site import bundle
from tests.support.until import until

SIZE = 1_000_000
URL = "/b/app.js"
SOME_MORE = 1.05
"""An addition and a thin response or two, in sizes of the bundle."""


class Pair:
    """The site of the pages, and that of their bundle: the same host, but another port, unless `hosts` says more."""

    def __init__(self, make_site, *, hosts=(HOST, HOST), allowed=True, **settings):
        self.www = make_site()
        self.page = self.www.url(host=hosts[0])
        self.static = make_site(origins=[self.page.rstrip("/")] if allowed else [], **settings)
        self.static.bundles["app.js"] = bundle(SIZE)
        self.src = self.static.url(URL[1:], host=hosts[1])
        self.show()

    def show(self, tag=None, head=""):
        """Put a tag on the page, that of `viral_script` unless it is given; `SRC` stands for the URL."""
        # The app of the pages is not told of `VIRALJS_ORIGINS`; the word stands for that.
        written = tag or '{{ viral_script("SRC", crossorigin="anonymous") }}'
        self.www.show("", f"<script>{head}</script>{written.replace('SRC', self.src)}")

    @property
    def asked(self):
        """What was asked of the other origin, without the client's own files."""
        return [(one.method, one.path, one.query) for one in self.static.served if "/client/" not in one.path]

    @property
    def bundles(self):
        """How much was sent of the bundle, in whatever way, in sizes of it."""
        return sum(one.sent for one in self.static.sent(URL)) / SIZE


@pytest.fixture
def pair(make_site):
    return Pair(make_site)


@pytest.fixture
def firefox(tmp_path):
    browser = Firefox(tmp_path)
    yield browser
    browser.quit()


def came_from_peers(record, size=SIZE):
    return (record["source"], record["reason"], record["bytesFromPeers"]) == ("peers", None, size)


# From peers -------------------------------------------------------------------------------------------


def test_each_visitor_gets_it_from_the_one_before_and_the_server_gives_one_copy(pair, browsers):
    before = browsers().visit(pair.page)
    pair.static.wait_for_seeders(1)
    for reports in (1, 2):
        visitor = browsers().visit(pair.page)
        assert came_from_peers(visitor.delivery())
        assert visitor.js("[runs, answer, errors]") == [1, 42, []]
        [last] = pair.static.wait_for_reports(reports)[reports - 1 :]
        assert [upload.bytes for upload in last.uploads] == [SIZE]
        pair.static.wait_for_seeders(2)
        before.quit()
        pair.static.wait_for_seeders(1)
        before = visitor
    assert pair.static.kinds() == ["full", "thin", "thin"]
    assert pair.bundles < SOME_MORE
    assert {method for method, _, _ in pair.asked} == {"GET", "POST"}  # nothing that a browser asks leave for
    assert not [one for one in pair.www.served if one.path.startswith(("/viraljs", "/b/"))]


@pytest.mark.parametrize(
    "hosts", [("www.viral.test", "static.viral.test"), ("www.localhost", "static.localhost")], ids=["http", "trusted"]
)
def test_hosts_of_other_names_are_no_hindrance(hosts, make_site, browsers):
    pair = Pair(make_site, hosts=hosts)
    names = ("--host-resolver-rules=MAP *.viral.test 127.0.0.1",)
    browsers(arguments=names).visit(pair.page)
    pair.static.wait_for_seeders(1)
    visitor = browsers(arguments=names).visit(pair.page)
    record = visitor.delivery()
    assert came_from_peers(record)
    assert record["url"] == pair.src
    assert visitor.js("[runs, answer, errors, isSecureContext]") == [1, 42, [], "localhost" in hosts[0]]
    pair.static.wait_for_seeders(2)
    assert pair.static.kinds() == ["full", "thin"]


@pytest.mark.parametrize("first", ["firefox", "chromium"])
def test_between_firefox_and_chromium(first, pair, browsers, firefox):
    before, after = (firefox, browsers()) if first == "firefox" else (browsers(), firefox)
    before.visit(pair.page)
    pair.static.wait_for_seeders(1)
    assert came_from_peers(after.visit(pair.page).delivery())
    assert after.js("[runs, answer, errors.length]") == [1, 42, 0]
    pair.static.wait_for_seeders(2)
    assert pair.static.kinds() == ["full", "thin"]
    assert pair.bundles < SOME_MORE


def test_firefox_too_asks_without_leave_for_a_range_and_for_what_its_cache_has(pair, firefox):
    firefox.visit(pair.page)
    pair.static.wait_for_seeders(1)
    asked = {"direct": "Range: 'bytes=0-9'", "unknown": "Accept: 'application/vnd.viraljs.cached'"}
    for word, header in asked.items():
        code = f"fetch('{pair.src}?viraljs={word}', {{ cache: 'force-cache', headers: {{ {header} }} }})"
        firefox.js(f"{code}.then((response) => response.text())")
    answers = [(one.method, one.status, one.sent) for one in pair.static.sent(URL)[1:]]
    assert answers == [("GET", 206, 10), ("GET", 204, 0)]


def test_what_a_lost_seeder_owes_comes_from_the_server_by_range(pair, browsers):
    browsers(leaves_after(SIZE // 2)).visit(pair.page)
    pair.static.wait_for_seeders(1)
    visitor = browsers().visit(pair.page)
    record = visitor.delivery()
    assert (record["source"], record["reason"]) == ("mixed", "lost")
    assert visitor.js("[runs, answer, errors]") == [1, 42, []]
    assert {one.status for one in pair.static.sent(URL, "viraljs=direct")} == {206}
    assert {method for method, _, _ in pair.asked} == {"GET", "POST"}
    assert pair.bundles < 1 + record["bytesFromServer"] / SIZE + SOME_MORE - 1


def test_the_next_visit_takes_it_from_what_was_kept(make_site, browsers):
    pair = Pair(make_site, client_cache=10 * SIZE)
    browsers().visit(pair.page)
    pair.static.wait_for_seeders(1)
    visitor = browsers().visit(pair.page)
    assert came_from_peers(visitor.delivery())
    visitor.wait_for("document.cookie.includes('viraljs_kept=')")
    record = visitor.visit(pair.page).delivery()
    assert (record["source"], record["bytesFromCache"]) == ("cache", SIZE)
    assert pair.bundles < SOME_MORE


# As without ViralJS -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["full", "thin"])
def test_the_page_hears_of_errors_as_of_those_of_its_own_scripts(kind, pair, browsers):
    pair.static.bundles["app.js"] = bundle(SIZE, code="setTimeout(() => { throw new Error('on purpose'); });")
    visitor = browsers().visit(pair.page)
    if kind == "thin":
        pair.static.wait_for_seeders(1)
        visitor = browsers().visit(pair.page)
    visitor.wait_for("errors.length")
    assert visitor.js("errors") == ["Uncaught Error: on purpose"]
    assert pair.static.kinds()[-1] == kind


def test_the_script_believes_to_come_from_its_own_url(pair, browsers):
    pair.static.bundles["app.js"] = bundle(SIZE, code="window.told = document.currentScript.src;")
    browsers().visit(pair.page)
    pair.static.wait_for_seeders(1)
    visitor = browsers().visit(pair.page)
    visitor.delivery()
    assert visitor.js("told") == pair.src


def test_a_page_whose_origin_is_not_named_gets_it_untouched(make_site, browsers):
    pair = Pair(make_site, allowed=False)

    @pair.static.app.after_request
    def share(response):
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response

    visitor = browsers().visit(pair.page)
    assert visitor.js("[runs, answer, errors, typeof ViralJS]") == [1, 42, [], "undefined"]
    assert pair.static.kinds() == ["untouched; reason=cross-origin"]


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ('{{ viral_script("SRC", crossorigin=False) }}', "cross-origin"),
        ('<script src="SRC" crossorigin></script>', "module"),
        ('<script type="module" src="SRC"></script>', "module"),
        ('<script>import("SRC")</script>', "module"),
    ],
    ids=["no-cors", "not marked", "module", "import"],
)
def test_what_does_not_say_that_a_classic_script_asks_gets_it_untouched(tag, reason, pair, browsers):
    pair.show(tag)
    visitor = browsers().visit(pair.page)
    visitor.wait_for("window.runs")
    assert visitor.js("[runs, answer, errors, typeof ViralJS]") == [1, 42, [], "undefined"]
    assert pair.static.kinds() == [f"untouched; reason={reason}"]


@pytest.mark.parametrize("whose", ["other", "own"])
def test_a_tag_with_integrity_gets_what_its_author_has_hashed(whose, pair, browsers):
    hashed = "sha256-" + b64encode(sha256(pair.static.bundles["app.js"]).digest()).decode()
    pair.www.bundles = pair.static.bundles
    src = URL if whose == "own" else "SRC"
    pair.show(f'{{{{ viral_script("{src}", integrity="{hashed}") }}}}')
    visitor = browsers().visit(pair.page)
    assert visitor.js("[runs, answer, errors, typeof ViralJS]") == [1, 42, [], "undefined"]
    assert (pair.www if whose == "own" else pair.static).kinds() == ["untouched; reason=direct"]


# What the page knows and the server can't ----------------------------------------------------------------


def test_a_full_response_that_the_cache_has_lost_is_not_sent_again(pair, browsers):
    pair.show('{{ viral_script("SRC", crossorigin="anonymous") }}<img src="/slow">')
    visitor = browsers(page_load_strategy="none")
    with pair.www.held("slow") as release:
        visitor.visit(pair.page).delivery()
        visitor.cdp("Network.clearBrowserCache")
        release()
        until(lambda: len(pair.static.sent(URL)) > 1, "the client to look for the bytes")
        until(lambda: pair.static.sent(URL)[1].kind is not None, "the answer")
    assert [(one.status, one.kind) for one in pair.static.sent(URL)] == [
        (200, "full"),
        (204, "untouched; reason=not-cached"),
    ]
    assert pair.bundles < SOME_MORE
    assert not pair.static.seeders


def test_nothing_is_shared_before_the_visitor_of_the_page_agrees(make_site, browsers):
    pair = Pair(make_site, consent=True)
    first = browsers().visit(pair.page)
    first.delivery()
    assert not pair.static.seeders
    first.js("ViralJS.consent(true)")
    pair.static.wait_for_seeders(1)
    second = browsers().visit(pair.page)
    record = second.delivery()
    assert (record["source"], record["reason"], record["uploads"]) == ("server", "consent", [])
    assert second.js("[runs, answer, errors, document.cookie]") == [1, 42, [], ""]
    assert pair.asked[-2:] == [("GET", URL, "viraljs=direct"), ("POST", "/viraljs/report", "")]
    second.js("ViralJS.consent(true)")
    assert came_from_peers(second.visit(pair.page).delivery())
    pair.static.wait_for_seeders(2)


def test_who_refused_neither_takes_nor_gives_where_others_need_not_be_asked(pair, browsers):
    browsers().visit(pair.page)
    pair.static.wait_for_seeders(1)
    visitor = browsers().visit(pair.www.url("elsewhere"))
    visitor.js("document.cookie = 'viraljs_consent=0; path=/'")
    record = visitor.visit(pair.page).delivery()
    assert (record["source"], record["reason"]) == ("server", "consent")
    assert "/viraljs/offers" not in [path for _, path, _ in pair.asked]
    assert len([path for _, path, _ in pair.asked if path == "/viraljs/socket"]) == 1


def test_the_breaker_holds_in_the_client(pair, browsers):
    browsers().visit(pair.page)
    pair.static.wait_for_seeders(1)
    visitor = browsers().visit(pair.www.url("elsewhere"))
    visitor.js("document.cookie = 'viraljs_failures=3; path=/'")
    record = visitor.visit(pair.page).delivery()
    assert (record["source"], record["reason"]) == ("server", "breaker")
    assert visitor.js("[runs, answer, errors, document.cookie]") == [1, 42, [], "viraljs_failures=3"]
    assert "/viraljs/offers" not in [path for _, path, _ in pair.asked]
