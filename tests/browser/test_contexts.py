"""Who gets what: the ways to ask for one and the same URL, while there is a seeder for it."""

import pytest

from tests.browser.patches import NO_WEBRTC
from tests.support.site import TAG, bundle
from tests.support.visits import CRAWLER

URL = "/b/app.js"
CODE = """
if (typeof document === "undefined") {
  onmessage = ({ source }) => (source ?? self).postMessage([runs, answer]);
  onconnect = ({ ports: [port] }) => port.postMessage([runs, answer]);
}
"""
"""A worker that is run from the bundle answers with what the bundle did."""

INSTAGRAM = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Version/4.0 Chrome/156.0.0.0 Mobile Safari/537.36 Instagram"
)


@pytest.fixture(scope="module")
def pair(lasting_browsers):
    return lasting_browsers(), lasting_browsers()


@pytest.fixture
def seeded(site, pair):
    """A site with a seeder, and a visitor who has not been there."""
    seeder, visitor = pair
    site.bundles["app.js"] = bundle(code=CODE)
    site.show("blank", "<p>nothing here asks for the bundle</p>")
    seeder.visit(site.url())
    site.wait_for_seeders(1)
    visitor.visit(site.url("blank"))
    yield site, visitor
    for browser in pair:
        browser.visit("about:blank")


UNTOUCHED = {
    "a module script": (
        "module",
        f"""new Promise((resolve) => document.head.append(
            Object.assign(document.createElement("script"), {{ type: "module", src: "{URL}", onload: resolve }})
        )).then(() => [runs, answer])""",
    ),
    "import()": ("module", f'import("{URL}").then(() => [runs, answer])'),
    "modulepreload": (
        "module",
        f"""new Promise((resolve) => document.head.append(
            Object.assign(document.createElement("link"), {{ rel: "modulepreload", href: "{URL}", onload: resolve }})
        )).then(() => import("{URL}")).then(() => [runs, answer])""",
    ),
    "fetch()": ("fetch", f'fetch("{URL}").then((response) => response.text()).then(eval).then(() => [runs, answer])'),
    "XMLHttpRequest": (
        "fetch",
        f"""new Promise((resolve) => {{
            const request = new XMLHttpRequest();
            request.onload = () => resolve(request.responseText);
            request.open("GET", "{URL}");
            request.send();
        }}).then(eval).then(() => [runs, answer])""",
    ),
    "a worker": (
        "worker",
        f"""new Promise((resolve) => {{
            const worker = new Worker("{URL}");
            worker.onmessage = ({{ data }}) => resolve(data);
            worker.postMessage(null);
        }})""",
    ),
    "a module worker": (
        "worker",
        f"""new Promise((resolve) => {{
            const worker = new Worker("{URL}", {{ type: "module" }});
            worker.onmessage = ({{ data }}) => resolve(data);
            worker.postMessage(null);
        }})""",
    ),
    "a shared worker": (
        "worker",
        f'new Promise((resolve) => (new SharedWorker("{URL}").port.onmessage = ({{ data }}) => resolve(data)))',
    ),
    "a service worker": (
        "worker",
        f"""new Promise((resolve) => {{
            navigator.serviceWorker.onmessage = ({{ data }}) => resolve(data);
            navigator.serviceWorker.register("{URL}").then((registration) => {{
                (registration.installing ?? registration.waiting ?? registration.active).postMessage(null);
                registration.unregister();
            }});
        }})""",
    ),
}


@pytest.mark.parametrize("way", UNTOUCHED)
def test_what_is_not_a_classic_script_gets_all_of_the_bundle(way, seeded):
    site, visitor = seeded
    reason, code = UNTOUCHED[way]
    assert visitor.js(code) == [1, 42]
    kinds = site.kinds()
    assert kinds[0] == "full"
    assert kinds[1:]
    if reason == "module":
        # No page here has a module's tag by viral_script, so that nobody would take it from this one.
        assert set(kinds[1:]) <= {"untouched; reason=module", "untouched; reason=not-modified"}
        return
    assert set(kinds[1:]) == {f"untouched; reason={reason}"}
    assert {one.sent for one in site.sent(URL)[1:]} == {100_000}


def test_a_prefetch_gets_the_bundle_untouched(seeded):
    site, visitor = seeded
    visitor.js(
        f"""new Promise((resolve) => document.head.append(
            Object.assign(document.createElement("link"), {{ rel: "prefetch", href: "{URL}", onload: resolve }})
        )).then(() => 1)"""
    )
    assert site.kinds() == ["full", "untouched; reason=prefetch"]


def test_a_preload_is_the_script_that_follows_it(seeded):
    site, visitor = seeded
    site.show("preloaded", f'<link rel="preload" as="script" href="{URL}">{TAG}')
    record = visitor.visit(site.url("preloaded")).delivery()
    assert (record["source"], visitor.js("[runs, answer]")) == ("peers", [1, 42])
    assert site.kinds() == ["full", "thin"]


def test_a_script_element_that_a_script_makes_is_delivered_before_its_load_event(seeded):
    site, visitor = seeded
    ran = visitor.js(
        f"""new Promise((resolve) => document.head.append(
            Object.assign(document.createElement("script"), {{ src: "{URL}", onload: resolve }})
        )).then(() => [runs, answer])"""
    )
    assert ran == [1, 42]
    assert visitor.delivery()["source"] == "peers"
    assert site.kinds() == ["full", "thin"]


@pytest.mark.parametrize("kind", ["full", "thin"])
def test_import_scripts_in_a_worker_has_its_globals_at_once(kind, site, pair):
    seeder, visitor = pair
    if kind == "thin":
        seeder.visit(site.url())
        site.wait_for_seeders(1)
    visitor.visit(site.url("elsewhere"))
    ran = visitor.js(
        f"""new Promise((resolve) => {{
            const code = `importScripts("${{location.origin}}{URL}"); postMessage([runs, answer]);`;
            const worker = new Worker(URL.createObjectURL(new Blob([code])));
            worker.onmessage = ({{ data }}) => resolve(data);
            worker.onerror = ({{ message }}) => resolve(message);
        }})"""
    )
    assert ran == [1, 42]
    assert site.sent(URL, "")[-1].kind == kind
    for browser in pair:
        browser.visit("about:blank")


def test_a_frame_without_an_origin_gets_the_bundle_untouched(seeded):
    site, visitor = seeded
    site.show(
        "framed",
        '<script>addEventListener("message", ({ data }) => (window.told = data))</script>'
        '<iframe sandbox="allow-scripts" src="/frame"></iframe>',
    )
    site.show("frame", f"{TAG}<script defer src='data:,parent.postMessage([runs, answer], \"*\")'></script>")
    visitor.visit(site.url("framed"))
    assert visitor.wait_for("window.told") == [1, 42]
    assert site.kinds() == ["full", "untouched; reason=cross-origin"]


@pytest.mark.parametrize(
    ("user_agent", "reason"), [(CRAWLER, "crawler"), (INSTAGRAM, "in-app")], ids=["crawler", "in-app"]
)
def test_a_crawler_and_an_in_app_browser_get_the_bundle_untouched(user_agent, reason, site, browsers):
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers().be(user_agent).visit(site.url())
    assert visitor.js("[runs, answer, typeof ViralJS]") == [1, 42, "undefined"]
    assert site.kinds() == ["full", f"untouched; reason={reason}"]


def test_a_browser_without_webrtc_gets_the_direct_bundle_at_once(site, browsers):
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    visitor = browsers(NO_WEBRTC).visit(site.url())
    record = visitor.delivery()
    assert (record["source"], record["reason"]) == ("server", "no-webrtc")
    assert record["milliseconds"] < site.state.settings.deadline
    assert visitor.js("[runs, answer]") == [1, 42]
    assert [(one.kind, one.query) for one in site.sent(URL)][1:] == [
        ("thin", ""),
        ("untouched; reason=direct", "viraljs=direct"),
    ]
    assert not site.sent("/viraljs/offers")


def test_a_browser_without_webrtc_does_not_become_a_seeder(site, browsers):
    visitor = browsers(NO_WEBRTC).visit(site.url())
    assert visitor.delivery()["source"] == "server"
    assert visitor.js("runs") == 1
    assert not any(one.path.endswith("seeder.js") for one in site.served)
