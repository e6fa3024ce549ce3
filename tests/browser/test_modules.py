"""Modules: an app of several files runs the same from peers as natively, in Chromium and in Firefox."""

import pytest

from tests.support.firefox import Firefox
from tests.support.site import NONCE
from tests.support.until import until

TAG = "{{ viral_script(url_for('bundle', name='entry.js'), type='module') }}"
FILLER = "\n/*" + "chunk of an app " * 6_000 + "*/"
"""Above the smallest size that peers deliver."""

ENTRY = """import { shared, count, add } from "./shared.js";
import * as everything from "./shared.js"; export { shared as passedOn } from "./shared.js";
globalThis.runs = (globalThis.runs ?? 0) + 1;
export const entry = { name: "entry" };
export let live = 1;
add();
live = 2;
globalThis.said = {
  shared, count, keys: Object.keys(everything), url: import.meta.url, resolved: import.meta.resolve("./x.css"),
  asset: new URL("./logo.png", import.meta.url).href, meta: Object.keys(import.meta).sort(),
  current: document.currentScript,
  place: new Error("here").stack.match(/entry\\.js:\\d+:\\d+/)?.[0],
};
import("./lazy.js").then(async (lazy) => {
  globalThis.done = { lazy: lazy.told(), same: lazy.entry === entry, again: (await import("./lazy.js")) === lazy,
    live: lazy.seen() };
});
"""
SHARED = """export let count = 0;
export const add = () => { count++; };
export const shared = "shared";
globalThis.sharedRuns = (globalThis.sharedRuns ?? 0) + 1;
"""
LAZY = """import { entry, live } from "./entry.js";
import { count, add } from './shared.js';
globalThis.lazyRuns = (globalThis.lazyRuns ?? 0) + 1;
export { entry };
export const seen = () => live;
export function told() { const before = count; add(); return [before, count, import.meta.url]; }
"""
NAMES = ("entry.js", "shared.js", "lazy.js")
SEEN = "[runs, sharedRuns, lazyRuns, said, done, errors]"


def modular(site, **bundles):
    """Give a site an app of modules, each large enough."""
    site.bundles = {name: (code + FILLER).encode() for name, code in (bundles or APP).items()}
    site.show("", TAG)
    return site


APP = {"entry.js": ENTRY, "shared.js": SHARED, "lazy.js": LAZY}


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    browser = Firefox(tmp_path_factory.mktemp("firefox"))
    yield browser
    browser.quit()


@pytest.fixture(scope="module")
def pair(lasting_browsers):
    return lasting_browsers(), lasting_browsers()


@pytest.fixture(params=["Chromium", "Firefox"])
def visitors(request, pair):
    """A first visitor, in Chromium, and one of either kind who comes later."""
    second = pair[1] if request.param == "Chromium" else request.getfixturevalue("firefox")
    yield pair[0], second
    for browser in (pair[0], second):
        browser.visit("about:blank")


def seen(browser, when="window.done !== undefined"):
    until(lambda: browser.js(when), when)
    return browser.js(f"JSON.parse(JSON.stringify({SEEN}))")


def records(browser, count):
    until(lambda: browser.js("window.ViralJS?.deliveries.length") >= count, f"{count} deliveries")
    return browser.js("JSON.parse(JSON.stringify(ViralJS.deliveries))")


def seed(site, browser, digests=3):
    """Show the app to a first visitor, natively, and wait until it seeds every part."""
    browser.visit(site.url())
    value = seen(browser)
    until(lambda: len(site.signalled("seeder_joined")) >= digests, f"{digests} seeds")
    return value


def test_every_module_comes_from_peers_and_runs_as_natively(site, visitors):
    first, second = visitors
    modular(site)
    natively = seed(site, first)
    assert {name: site.kinds(f"/b/{name}") for name in NAMES} == dict.fromkeys(NAMES, ["full"])

    before = len(site.served)
    assert seen(second.visit(site.url())) == natively
    for record in records(second, 3):
        assert (record["source"], record["reason"], record["bytesFromServer"]) == ("peers", None, 0), record
    asked = [(one.path, one.query, one.kind) for one in site.served[before:] if one.path.startswith("/b/")]
    assert sorted(asked) == [
        ("/b/entry.js", "viraljs=module", "thin"),
        ("/b/lazy.js", "viraljs=part", "thin"),
        ("/b/shared.js", "viraljs=part", "thin"),
    ]
    assert natively[:3] == [1, 1, 1]
    assert natively[4]["same"] is True
    assert natively[5] == []
