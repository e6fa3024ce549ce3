"""Modules: an app of several files runs the same from peers as natively, in Chromium and in Firefox."""

import pytest

from tests.support.chromium import LAN_HOST
from tests.support.site import NONCE, policy_by_script
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
APP = {"entry.js": ENTRY, "shared.js": SHARED, "lazy.js": LAZY}
SEEN = "[runs, sharedRuns, lazyRuns, said, done, errors]"
FROM_PEERS = ("peers", None, 0)


def modular(site, bundles=APP, body=TAG, **headers):
    """Give a site an app of modules, each large enough; `/` has the page, and `/plain` one without ViralJS."""
    site.bundles = {name: (code + FILLER).encode() for name, code in bundles.items()}
    site.show("", body, **headers)
    site.show(
        "plain", body.replace(TAG, f'<script type="module" src="/b/entry.js" nonce="{NONCE}"></script>'), **headers
    )
    return site


@pytest.fixture(scope="module")
def pair(lasting_browsers):
    return lasting_browsers(), lasting_browsers()


@pytest.fixture(params=["Chromium", "Firefox"])
def visitors(request, pair):
    """A first visitor, in Chromium, and one of either kind who comes later."""
    second = pair[1] if request.param == "Chromium" else request.getfixturevalue("firefox")
    yield pair[0], second
    for browser in (pair[0], second):
        # All sites of the tests have one host, and so the same cookies.
        browser.js('location.protocol === "http:" && (document.cookie = "viraljs_failures=0; path=/; max-age=0")')
        browser.visit("about:blank")


def look(browser, expression, when="window.done !== undefined"):
    """Give what an expression says once another is true."""
    until(lambda: browser.js(when), when)
    return browser.js(f"JSON.parse(JSON.stringify({expression}))")


def records(browser, count):
    """Wait for so many deliveries, and give source, reason and bytes of the server by name."""
    until(lambda: browser.js("window.ViralJS?.deliveries.length ?? 0") >= count, f"{count} deliveries")
    found = browser.js("JSON.parse(JSON.stringify(ViralJS.deliveries))")
    assert len(found) == count, found
    return {one["url"].rsplit("/", 1)[1]: (one["source"], one["reason"], one["bytesFromServer"]) for one in found}


def seed(site, browser, path="", when="window.done !== undefined"):
    """Show the app to a first visitor, natively, and wait until it seeds every module that it has."""
    browser.visit(site.url(path))
    until(lambda: browser.js(when), when)
    count = len({one.path for one in site.served if one.kind == "full"})
    until(lambda: len(site.signalled("seeder_joined")) >= count, f"{count} seeds")
    return browser


def asked(site, since):
    """List what was asked of modules since a moment, and how it was answered."""
    return sorted((one.path[3:], one.query, one.kind) for one in site.served[since:] if one.path.startswith("/b/"))


# The whole way -----------------------------------------------------------------------------------------


def test_every_module_comes_from_peers_and_runs_as_natively(site, visitors):
    first, second = visitors
    modular(site)
    natively = look(seed(site, first), SEEN)
    assert [site.kinds(f"/b/{name}") for name in NAMES] == [["full"]] * 3

    before = len(site.served)
    assert look(second.visit(site.url()), SEEN) == natively
    assert records(second, 3) == dict.fromkeys(NAMES, FROM_PEERS)
    assert asked(site, before) == [
        ("entry.js", "viraljs=module", "thin"),
        ("lazy.js", "viraljs=part", "thin"),
        ("shared.js", "viraljs=part", "thin"),
    ]
    assert natively[:3] == [1, 1, 1]
    assert natively[4]["same"] is True
    assert natively[5] == []


def test_firefox_seeds_what_it_ran_natively(site, pair, firefox):
    modular(site)
    natively = look(seed(site, firefox), SEEN)
    assert look(pair[0].visit(site.url()), SEEN) == natively
    assert records(pair[0], 3) == dict.fromkeys(NAMES, FROM_PEERS)
    for browser in (pair[0], firefox):
        browser.visit("about:blank")


def test_who_got_modules_from_peers_seeds_them_too(site, visitors, browsers):
    first, second = visitors
    modular(site)
    seed(site, first)
    look(second.visit(site.url()), "1")
    until(lambda: len(site.signalled("seeder_joined")) >= 6, "all to be seeded twice")
    first.visit("about:blank")
    site.wait_for_seeders(1)
    third = browsers().visit(site.url())
    assert look(third, "done.same") is True
    assert records(third, 3) == dict.fromkeys(NAMES, FROM_PEERS)


def test_where_all_seeders_have_left_meanwhile_the_server_gives_the_bytes(site, visitors):
    first, second = visitors
    modular(site)
    natively = look(seed(site, first), SEEN)
    shown = site.pages[""]
    site.show("", shown.body.replace(TAG, '<script defer data-viraljs src="/b/entry.js?viraljs=module"></script>'))
    first.visit("about:blank")
    site.wait_for_seeders(0)
    assert look(second.visit(site.url()), SEEN) == natively
    assert {source for source, _, _ in records(second, 3).values()} == {"server"}
    site.wait_for_seeders(1)


def test_the_next_visit_takes_modules_from_what_it_kept(make_site, visitors):
    first, second = visitors
    site = modular(make_site(client_cache=10_000_000))
    natively = look(seed(site, first), SEEN)
    look(second.visit(site.url()), "1")
    until(lambda: second.js("document.cookie").count(".") == 2, "three modules to be kept")
    first.visit("about:blank")
    second.visit(site.url("elsewhere"))
    site.wait_for_seeders(0)
    assert look(second.visit(site.url()), SEEN) == natively
    assert records(second, 3) == dict.fromkeys(NAMES, ("cache", None, 0))
    assert sum(one.sent for one in site.served if one.query == "viraljs=direct") == 0


# What modules see --------------------------------------------------------------------------------------


def same(site, visitors, expression, when, deliveries):
    """Compare a page by peers with the same browser's own way, and give what is the same."""
    first, second = visitors
    seed(site, first, when=when)
    by_peers = look(second.visit(site.url()), expression, when)
    assert records(second, deliveries) == dict.fromkeys(list(site.bundles)[:deliveries], FROM_PEERS)
    natively = look(second.visit(site.url("plain")), expression, when)
    assert by_peers == natively
    return natively


HEARD = """<script nonce="bm9uY2U">
addEventListener("error", ({ message, filename, lineno, colno, error }) =>
  (window.heard ??= []).push([message, filename, lineno, colno, /entry.js:\\d+:\\d+/.exec(error?.stack ?? "")?.[0]]));
</script>"""


def test_an_error_is_one_of_the_page_and_names_its_place(site, visitors):
    code = """import { fail } from "./shared.js"; /* é */ import "./other.js"; globalThis.runs = 1; setTimeout(fail);
    setTimeout(() => { null.late; }); setTimeout(() => (window.done = true), 50);"""
    modular(
        site,
        {"entry.js": code, "shared.js": "export const fail = () => { throw new Error('in shared') };", "other.js": ""},
        HEARD + TAG,
    )
    seen = same(site, visitors, "[heard, runs]", "window.done && window.heard?.length >= 2", 3)
    assert [place[1].rsplit("/", 1)[1] for place in seen[0]] == ["shared.js", "entry.js"]


def test_an_import_that_throws_is_rejected_each_time_with_the_same_error(site, visitors):
    code = """const errors = [];
    for (let time = 0; time < 2; time++) await import("./bad.js").catch((error) => errors.push(error));
    await import("./absent.js").catch((error) => errors.push(error));
    window.done = [errors[0] === errors[1], errors[0].message, errors[2].constructor.name, window.badRuns];"""
    modular(
        site,
        {"entry.js": code, "bad.js": "globalThis.badRuns = (globalThis.badRuns ?? 0) + 1; throw new Error('bad');"},
    )
    first, second = visitors
    # What throws does not come to the addition behind it.
    first.visit(site.url())
    assert look(first, "done") == [True, "bad", "TypeError", 1]
    until(lambda: site.signalled("seeder_joined"), "the entry to be seeded")
    assert look(second.visit(site.url()), "done") == [True, "bad", "TypeError", 1]
    assert records(second, 2)["entry.js"] == FROM_PEERS


def test_the_tag_looks_like_the_native_one_and_loads_when_the_module_ran(site, visitors):
    body = f"""{TAG}<script nonce="{NONCE}">
    const script = document.querySelector("script[src*=entry]");
    window.heard = [];
    script.addEventListener("load", ({{ type }}) => heard.push([type, window.ran, script.type, script.src]));
    script.addEventListener("error", ({{ type }}) => heard.push(type));
    setTimeout(() => {{}}, 0);
    </script>"""
    modular(site, {"entry.js": "window.ran = document.readyState; setTimeout(() => (window.done = 1), 50);"}, body)
    first, second = visitors
    seed(site, first)
    seen = look(second.visit(site.url()), "heard")
    assert records(second, 1) == {"entry.js": FROM_PEERS}
    assert len(seen) == 1
    assert seen[0][0] == "load"
    assert seen[0][1] in ("interactive", "complete")
    assert seen[0][2:] == ["module", site.url("b/entry.js")]


def test_modules_and_classic_bundles_run_in_the_order_of_their_tags(site, visitors):
    push = "(globalThis.order ??= []).push"
    modular(
        site,
        {
            "one.js": f"{push}('one')",
            "entry.js": f"import './shared.js'; {push}('entry');",
            "shared.js": f"{push}('shared');",
            "two.js": f"{push}('two'); window.done = 1;",
        },
        "{{ viral_script('/b/one.js') }}" + TAG + "{{ viral_script('/b/two.js') }}",
    )
    first, second = visitors
    expected = ["one", "shared", "entry", "two"]
    assert look(seed(site, first), "order") == expected
    assert look(second.visit(site.url()), "order", "window.order?.length >= 4") == expected
    assert records(second, 4) == dict.fromkeys(site.bundles, FROM_PEERS)


def test_two_entries_share_what_they_both_import(site, visitors):
    modular(
        site,
        {
            "entry.js": "import { add } from './shared.js'; add();",
            "other.js": "import { add, count } from './shared.js'; add(); window.done = [count, sharedRuns];",
            "shared.js": SHARED,
        },
        TAG + "{{ viral_script('/b/other.js', type='module') }}",
    )
    first, second = visitors
    assert look(seed(site, first), "done") == [2, 1]
    assert look(second.visit(site.url()), "done") == [2, 1]
    assert records(second, 3) == dict.fromkeys(site.bundles, FROM_PEERS)


def test_a_worker_of_a_module_is_found_and_imports_as_ever(site, visitors):
    modular(
        site,
        {
            "entry.js": """const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
         worker.onmessage = ({ data }) => (window.done = data);
         worker.onerror = ({ message }) => (window.done = message);""",
            "worker.js": """import { shared } from "./shared.js";
         import("./late.js").then(({ late }) => postMessage([shared, late, import.meta.url]));""",
            "shared.js": SHARED,
            "late.js": "export const late = 'late';",
        },
    )
    first, second = visitors
    expected = ["shared", "late", site.url("b/worker.js")]
    assert look(first.visit(site.url()), "done") == expected
    until(lambda: site.signalled("seeder_joined"), "the entry to be seeded")
    assert look(second.visit(site.url()), "done") == expected
    assert records(second, 1) == {"entry.js": FROM_PEERS}


# Bundlers ----------------------------------------------------------------------------------------------


PRELOADING = """
const preload = (dep) => {
  if (document.querySelector(`link[href="${dep}"]`)) return;
  const isCss = dep.endsWith(".css"), link = document.createElement("link");
  link.rel = isCss ? "stylesheet" : "modulepreload";
  if (!isCss) link.as = "script";
  link.crossOrigin = "";
  link.href = dep;
  document.head.appendChild(link);
  if (isCss) return new Promise((resolve, reject) => { link.onload = resolve; link.onerror = reject; });
};
await Promise.all(["/style.css", "/b/lazy.js", "/b/shared.js"].map(preload));
const { a } = await import("./lazy.js");
window.done = [a, getComputedStyle(document.documentElement).color, document.querySelectorAll("link[href]").length];
"""


def test_what_a_bundler_preloads_is_delivered_by_peers_and_style_sheets_load(site, visitors):
    @site.app.get("/style.css")
    def style():
        return "html { color: rgb(1, 2, 3) }", {"Content-Type": "text/css"}

    modular(
        site,
        {
            "entry.js": PRELOADING,
            "lazy.js": "import { shared } from './shared.js'; export const a = shared;",
            "shared.js": SHARED,
        },
    )
    first, second = visitors
    natively = look(seed(site, first), "done")
    before = len(site.served)
    assert look(second.visit(site.url()), "done") == natively
    assert natively[:2] == ["shared", "rgb(1, 2, 3)"]
    assert records(second, 3) == dict.fromkeys(site.bundles, FROM_PEERS)
    assert [(query, kind) for _, query, kind in asked(site, before)] == [
        ("viraljs=module", "thin"),
        *[("viraljs=part", "thin")] * 2,
    ]


def test_a_chunk_too_small_to_share_runs_beside_the_others(make_site, visitors):
    site = modular(make_site(min_size=90_000))
    site.bundles["lazy.js"] = LAZY.encode()
    first, second = visitors
    natively = look(seed(site, first), SEEN)
    assert look(second.visit(site.url()), SEEN) == natively
    assert records(second, 2) == dict.fromkeys(("entry.js", "shared.js"), FROM_PEERS)
    assert site.kinds("/b/lazy.js")[-2:] == ["untouched; reason=small"] * 2


def test_a_small_entry_is_linked_with_what_it_imports(make_site, visitors):
    site = modular(make_site(min_size=90_000))
    site.bundles["entry.js"] = ENTRY.encode()
    first, second = visitors
    natively = look(seed(site, first), SEEN)
    assert look(second.visit(site.url()), SEEN) == natively
    assert records(second, 2) == dict.fromkeys(("lazy.js", "shared.js"), FROM_PEERS)


# What keeps modules native -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "policy",
    [
        f"default-src 'none'; connect-src 'self'; img-src data:; script-src 'nonce-{NONCE}'",
        f"script-src 'nonce-{NONCE}' 'strict-dynamic'; object-src 'none'; base-uri 'none'",
        f"script-src 'nonce-{NONCE}' 'strict-dynamic'; require-trusted-types-for 'script'; trusted-types viraljs",
        "script-src 'self' blob:; connect-src 'self'",
    ],
    ids=["nonce", "strict-dynamic", "Trusted Types", "blob"],
)
def test_peers_deliver_modules_under_a_policy(policy, site, visitors):
    first, second = visitors
    modular(site, Content_Security_Policy=policy)
    natively = look(seed(site, first), SEEN)
    assert look(second.visit(site.url()), SEEN) == natively
    assert records(second, 3) == dict.fromkeys(NAMES, FROM_PEERS)


def test_a_policy_without_blobs_leaves_the_page_native(site, visitors):
    first, second = visitors
    modular(site, Content_Security_Policy="script-src 'self'; connect-src 'self'")
    natively = look(seed(site, first), SEEN)
    before = len(site.served)
    assert look(second.visit(site.url()), SEEN) == natively
    assert ("entry.js", "viraljs=module", "thin") not in asked(site, before)


def test_a_policy_that_only_the_page_tells_is_found_out_before_anything_runs(site, visitors):
    first, second = visitors
    policy = "script-src 'self' 'unsafe-inline'; connect-src 'self'"
    modular(site, body=policy_by_script(policy) + TAG)
    natively = look(seed(site, first), SEEN)
    assert look(second.visit(site.url()), SEEN) == natively
    # What is imported later may come with the breaker's word, and so without an addition that would tell of it.
    until(lambda: second.js("window.ViralJS?.deliveries.length ?? 0") >= 2, "the deliveries of those that came at once")
    assert second.js("ViralJS.deliveries.find(({ url }) => url.includes('entry')).reason") == "blocked"
    site.wait_for_reports(1)
    before = len(site.served)
    assert look(second.visit(site.url()), SEEN) == natively
    assert ("entry.js", "viraljs=module", "thin") not in asked(site, before)


def test_a_circle_is_run_natively_if_the_page_was_told_otherwise(site, visitors, monkeypatch):
    circle = {
        "entry.js": "import { b } from './b.js'; export function a() { return 'a'; } window.done = [b(), runs];",
        "b.js": "import { a } from './entry.js'; globalThis.runs = (globalThis.runs ?? 0) + 1;"
        "export const b = () => a();",
    }
    first, second = visitors
    modular(site, circle)
    assert look(seed(site, first), "done") == ["a", 1]
    before = len(site.served)
    assert look(second.visit(site.url()), "done") == ["a", 1]
    assert ("entry.js", "viraljs=module", "thin") not in asked(site, before)

    graph = site.state.graph
    monkeypatch.setattr(graph, "closure", lambda url: (graph.find(url),))
    monkeypatch.setattr(graph, "is_unfit", lambda url: False)
    assert look(second.visit(site.url()), "[done, errors]") == [["a", 1], []]
    assert records(second, 2)["entry.js"][1] == "cycle"


def test_a_visitor_who_was_taken_for_another_starts_natively(site, visitors):
    first, second = visitors
    modular(site)
    natively = look(seed(site, first), SEEN)
    tag = '<script defer data-viraljs src="/b/entry.js?viraljs=module"></script>'
    site.show("", tag)
    second.visit(site.url("elsewhere")).js('document.cookie = "viraljs_failures=3; path=/"')
    assert look(second.visit(site.url()), SEEN) == natively
    assert site.sent("/b/entry.js", "viraljs=module")[0].kind == "untouched; reason=breaker"


def test_modules_on_plain_http_stay_native(site, visitors):
    first, _ = visitors
    modular(site)
    first.visit(site.url(host=LAN_HOST))
    assert look(first, "[runs, errors]") == [1, []]
    assert {one.kind for one in site.served if one.path == "/b/entry.js"} == {"untouched; reason=plain-http"}
