"""What comes between a page and the server: a service worker of the site's own, and making it before it is wanted."""

import pytest
from flask import Response

from tests.support.site import TAG, bundle
from tests.support.until import until

RELAY = "event.respondWith(fetch(event.request));"
KEEP = """event.respondWith((async () => {
  const cache = await caches.open("the site's");
  const known = await cache.match(event.request);
  if (known) return known;
  const response = await fetch(event.request);
  if (event.request.url.includes("/b/")) await cache.put(event.request, response.clone());
  return response;
})());"""
WORKER = """
self.addEventListener("install", () => skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(clients.claim()));
self.addEventListener("fetch", (event) => { %s });
"""
CONTROLLED = """new Promise((resolve) => {
  navigator.serviceWorker.register("/sw.js");
  if (navigator.serviceWorker.controller) resolve(true);
  else navigator.serviceWorker.addEventListener("controllerchange", () => resolve(true), { once: true });
})"""


def deploy(site, seeder, *others):
    """Put a new version of the bundle on the site, of which no browser's cache has heard, and have it seeded."""
    for visitor in others:
        visitor.visit(site.url("elsewhere"))
    site.wait_for_seeders(1)
    site.bundles["app.js"] = bundle(answer=43)
    joins = len(site.signalled("seeder_joined"))
    seeder.visit(site.url())
    site.wait_for_joins(joins + 1)


STORED = """caches.open("the site's").then(async (cache) => {
  const found = [];
  for (const request of await cache.keys()) {
    found.push((await cache.match(request)).headers.get("ViralJS-Delivery"));
  }
  return found;
})"""


def with_worker(site, code):
    """Let the site have a service worker."""
    script = Response(WORKER % code, mimetype="text/javascript")
    site.before = lambda asked: script if asked.path == "/sw.js" else None


def has_cookie(visitor, word):
    until(lambda: visitor.js(f"document.cookie.includes('viraljs_worker={word}')"), f"the word {word}")


def control(visitor, site):
    """Have the worker control a browser's pages, without a bundle in them yet."""
    visitor.visit(site.url("elsewhere"))
    assert visitor.js(CONTROLLED)


def test_under_a_worker_that_passes_on_bundles_come_by_peers_and_kept_ones_are_used_again(make_site, browsers):
    site = make_site(client_cache=1 << 24)
    with_worker(site, RELAY)
    seeder, visitor = browsers(), browsers()
    seeder.visit(site.url())
    site.wait_for_seeders(1)
    control(visitor, site)
    visitor.visit(site.url())
    has_cookie(visitor, "passes")
    assert site.kinds() == ["full", "full"]
    deploy(site, seeder, visitor)
    site.served.clear()

    for source in ("peers", "cache"):
        visitor.visit(site.url())
        assert visitor.delivery()["source"] == source
        assert visitor.js("[runs, answer, errors.length]") == [1, 43, 0]
        until(lambda: visitor.js("document.cookie.includes('viraljs_kept')"), "a kept bundle")

    assert site.kinds() == ["thin", "thin"]


def test_a_worker_that_keeps_bundles_is_never_given_a_thin_client(make_site, browsers):
    site = make_site()
    with_worker(site, KEEP)
    seeder, visitor = browsers(), browsers()
    seeder.visit(site.url())
    site.wait_for_seeders(1)
    control(visitor, site)
    for _ in range(2):
        visitor.visit(site.url())
        has_cookie(visitor, "keeps")
        assert visitor.js("[runs, answer, errors.length]") == [1, 42, 0]
        assert visitor.js(STORED) == ["full"]
    assert set(site.kinds()) == {"full"}


def test_a_worker_that_begins_to_keep_is_noticed_and_loses_the_thin_client_that_it_stored(make_site, browsers):
    site = make_site()
    with_worker(site, RELAY)
    seeder, visitor = browsers(), browsers()
    seeder.visit(site.url())
    site.wait_for_seeders(1)
    control(visitor, site)
    visitor.visit(site.url())
    has_cookie(visitor, "passes")
    visitor.visit(site.url("elsewhere"))
    with_worker(site, KEEP)
    renewed = "navigator.serviceWorker.addEventListener('controllerchange', () => resolve(true), { once: true })"
    assert visitor.js(
        f"new Promise((resolve) => {{ {renewed};"
        " navigator.serviceWorker.getRegistration().then((one) => one.update()); })"
    )
    deploy(site, seeder, visitor)

    visitor.visit(site.url())
    assert visitor.delivery()["source"] == "peers"
    has_cookie(visitor, "keeps")
    assert visitor.js(STORED) == []
    visitor.visit(site.url())
    until(lambda: visitor.js("window.runs === 1 && answer === 43"), "the bundle to run")
    assert visitor.js(STORED) == ["full"]


COUNTED = """
window.opened = [];
for (const name of ["WebSocket", "RTCPeerConnection"]) {
  window[name] = new Proxy(window[name], {
    construct(target, given) {
      opened.push([name, document.prerendering]);
      return new target(...given);
    },
  });
}
"""


@pytest.mark.parametrize("seeded", [False, True])
def test_a_page_that_was_prerendered_seeds_once_it_is_looked_at(site, browsers, seeded):
    if seeded:
        browsers().visit(site.url())
        site.wait_for_seeders(1)
    before = len(site.seeders)
    rules = '{"prerender": [{"source": "list", "urls": ["/shop"], "eagerness": "immediate"}]}'
    site.show("shop", f"<script>{COUNTED}</script>{TAG}")
    site.show("door", f'<script type="speculationrules">{rules}</script><a id="in" href="/shop">in</a>')
    visitor = browsers().visit(site.url("door"))
    until(lambda: site.sent("/b/app.js")[before:], "the bundle of the prerendered page")
    visitor.js("document.getElementById('in').click()")
    until(lambda: visitor.js("location.pathname === '/shop' && window.runs === 1"), "the page")

    assert visitor.js("performance.getEntriesByType('navigation')[0].activationStart") > 0
    site.wait_for_seeders(before + 1)
    assert visitor.js("opened.some(([name]) => name === 'WebSocket') && !opened.some(([, early]) => early)")
    assert site.kinds()[before:] == ["full"]
