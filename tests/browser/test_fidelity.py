"""A bundle runs the same however it came: each test compares a full, a thin and an untouched response of one page."""

from itertools import groupby

import pytest

from tests.support.site import NONCE, TAG, bundle
from tests.support.visits import CRAWLER

KINDS = ("full", "thin", "untouched; reason=crawler")

LOG = "<script>window.log = [];</script>"


@pytest.fixture(scope="module")
def trio(lasting_browsers):
    return lasting_browsers(), lasting_browsers(), lasting_browsers().be(CRAWLER)


@pytest.fixture
def everywhere(trio):
    """Open a page as the first visitor, as the second and as a crawler, and give what an expression says there."""

    def look(site, expression, when="window.done !== undefined", bundles=1):
        seen = []
        for browser in trio:
            browser.visit(site.url())
            browser.wait_for(when)
            if browser is not trio[2]:
                browser.deliveries(bundles)
            seen.append(browser.js(expression))
            if browser is trio[0]:
                site.wait_for_seeders(1)
        assert trio[1].js("ViralJS.deliveries.map(({ source }) => source)") == ["peers"] * bundles
        for name in site.bundles:
            # A second bundle may be asked for twice: what is behind a thin client waits, until it is known to be one.
            assert [kind for kind, _ in groupby(site.kinds(f"/b/{name}"))] == list(KINDS)
        assert seen[0] == seen[2], "full is not as untouched"
        assert seen[1] == seen[2], "thin is not as untouched"
        return seen[2]

    yield look
    for browser in trio:
        browser.visit("about:blank")


def show(site, code, head="", after="", tag=TAG):
    site.bundles["app.js"] = bundle(code=code)
    site.show("", f"{LOG}{head}{tag}{after}")


# What a bundle sees of its script element -------------------------------------------------------------


def test_current_script_is_the_original_in_all_but_identity(site, everywhere):
    show(
        site,
        """{
            const script = document.currentScript;
            window.done = [script.src, script.id, script.dataset.name, script.type, script.defer, script.async,
                           script.nonce, script.parentElement.tagName];
        }""",
        tag='{{ viral_script("/b/app.js?v=1", id="app", data_name="x", type="text/javascript") }}',
    )
    assert everywhere(site, "done") == [
        *(site.url("b/app.js?v=1"), "app", "x", "text/javascript"),
        *(True, False, NONCE, "HEAD"),
    ]


def test_what_a_bundle_declares_is_there_for_other_scripts(site, everywhere):
    show(
        site,
        "const fixed = 1; let free = 2; var old = 3; function declared() { return 4; } class K {} window.done = true;",
    )
    seen = everywhere(site, "[fixed, free, old, declared(), typeof K, 'old' in window, 'free' in window]")
    assert seen == [1, 2, 3, 4, "function", True, False]


# Events -----------------------------------------------------------------------------------------------


def test_the_load_event_of_the_element_comes_once_after_the_bundle_ran(site, everywhere):
    show(
        site,
        "log.push('ran');",
        after="""<script>
            const script = document.querySelector("script[src*=app]");
            script.addEventListener("load", ({ target, type }) => log.push(type, target === script, runs));
            script.onload = () => setTimeout(() => (window.done = true), 50);
            script.onerror = () => log.push("error");
        </script>""",
    )
    assert everywhere(site, "log") == ["ran", "load", True, 1]


LISTENERS = """
const count = (name) => log.push(name);
document.addEventListener("DOMContentLoaded", () => count("document DOMContentLoaded"));
window.addEventListener("DOMContentLoaded", () => count("window DOMContentLoaded"));
window.addEventListener("load", { handleEvent({ type }) { count(`window ${type}`); } });
window.addEventListener("pageshow", ({ type }) => count(type), { once: true });
window.onload = function () { count(`onload ${this === window}`); setTimeout(() => (window.done = true), 50); };
document.addEventListener("readystatechange", () => document.readyState === "complete" && count("complete"));
document.addEventListener("click", () => count("click"));
"""


def test_listeners_for_the_start_of_the_page_are_called_once(site, everywhere):
    show(site, f"{{ {LISTENERS} }}")
    assert everywhere(site, "[...log].sort()") == [
        *("complete", "document DOMContentLoaded", "onload true", "pageshow"),
        *("window DOMContentLoaded", "window load"),
    ]


def test_listeners_are_called_once_by_a_bundle_that_comes_between_parsing_and_load(site, browsers):
    show(site, f"{{ {LISTENERS} }}", after="<img src='/slow'>")
    browsers().visit(site.url())
    site.wait_for_seeders(1)
    with site.held("slow") as release:
        visitor = browsers(page_load_strategy="none").visit(site.url())
        visitor.delivery()
        assert sorted(visitor.js("log")) == ["document DOMContentLoaded", "window DOMContentLoaded"]
        release()
        visitor.wait_for("window.done")
    assert sorted(visitor.js("log")) == [
        *("complete", "document DOMContentLoaded", "onload true", "pageshow"),
        *("window DOMContentLoaded", "window load"),
    ]


def test_a_listener_that_throws_does_not_keep_others_from_running(site, everywhere):
    show(
        site,
        """window.addEventListener("load", () => { throw new Error("on purpose"); });
        window.addEventListener("load", () => setTimeout(() => (window.done = true), 50));""",
    )
    assert everywhere(site, "errors") == ["Uncaught Error: on purpose"]


def test_a_bundle_that_throws_is_an_error_of_the_page_and_runs_once(site, trio):
    # Without the first visitor: the addition comes after what has thrown, and so seeds nothing.
    show(site, "if (!window.calm) throw new Error('on purpose');", head="<script>window.calm = true;</script>")
    site.show("rough", f"{LOG}{TAG}")
    trio[0].visit(site.url())
    site.wait_for_seeders(1)
    seen = []
    for browser in trio[1:]:
        browser.visit(site.url("rough"))
        browser.wait_for("errors.length")
        seen.append(browser.js("[runs, errors]"))
    assert trio[1].delivery()["source"] == "peers"
    assert seen[0] == seen[1] == [1, ["Uncaught Error: on purpose"]]
    for browser in trio:
        browser.visit("about:blank")


def test_a_bundle_that_imports_by_path_finds_its_chunk(site, trio):
    site.bundles["chunk.js"] = b"export const told = 'by the chunk';"
    show(site, "import('./chunk.js').then(({ told }) => (window.done = told));")
    for browser in trio[:2]:
        browser.visit(site.url())
        assert browser.wait_for("window.done") == "by the chunk"
    assert site.kinds() == ["untouched; reason=imports"] * 2
    for browser in trio:
        browser.visit("about:blank")


# Scripts that need the bundle -------------------------------------------------------------------------

DEPENDENTS = f"""
<script type="text/viral" nonce="{NONCE}">log.push(`inline ${{runs}}`);</script>
<script type="text/viral" src="/dependent.js" nonce="{NONCE}"></script>
<script type="text/viral" nonce="{NONCE}">log.push("last"); window.done = true;</script>
"""


@pytest.fixture
def dependent_site(site):
    @site.app.get("/dependent.js")
    def dependent():
        return "log.push(`from a file ${runs}`);", {"Content-Type": "text/javascript"}

    return site


@pytest.mark.parametrize("policy", ["", f"script-src 'nonce-{NONCE}'"], ids=["free", "nonce"])
def test_dependents_run_in_order_after_the_bundle(policy, dependent_site, everywhere):
    site = dependent_site
    site.bundles["app.js"] = bundle(code="window.log = ['bundle'];")
    site.show(
        "",
        '{{ viral_script("/b/app.js", dependents=True) }}' + DEPENDENTS,
        **({"Content_Security_Policy": policy} if policy else {}),
    )
    assert everywhere(site, "log") == ["bundle", "inline 1", "from a file 1", "last"]


def test_dependents_wait_for_all_bundles_and_bundles_for_each_other(site, everywhere):
    site.bundles = {
        "large.js": bundle(1_500_000, code="log.push('large');"),
        "small.js": bundle(70_000, code="log.push('small');"),
    }
    site.show(
        "",
        f'{LOG}{{{{ viral_script("/b/large.js") }}}}{{{{ viral_script("/b/small.js", dependents=True) }}}}'
        '<script type="text/viral">log.push("dependent"); window.done = true;</script>',
    )
    assert everywhere(site, "log", bundles=2) == ["large", "small", "dependent"]


# Kinds of bundles -------------------------------------------------------------------------------------

FILLER = "/*" + "." * 70_000 + "*/\n"
ENDINGS = {
    "a line comment": "globalThis.done = 'a'; // the end",
    "a source map": "globalThis.done = 'b';\n//# sourceMappingURL=app.js.map",
    "an expression without an end": "globalThis.done = function () { return 'c'; }",
    "a call without an end": "globalThis.done = (() => 'd')()",
    "an object": "globalThis.done = { d: 'e' }",
    "an HTML comment": "globalThis.done = 'f';\n<!-- the end",
    "a regular expression": "globalThis.done = /g/.source",
    "a template": "globalThis.done = `h`",
    "a minus sign's half": "globalThis.done = 1; done\n++\ndone",
    "strict mode": "'use strict'; globalThis.done = (function () { return String(this); })()",
    "white space": "globalThis.done = 'j' \t\r\n\u2028",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_bundle_runs_the_same_that_ends_in(ending, site, everywhere):
    code = ENDINGS[ending]
    # Directives count at the beginning only.
    site.bundles["app.js"] = (code + FILLER if ending == "strict mode" else FILLER + code).encode()
    assert everywhere(site, "[String(done), JSON.stringify(done), errors]")[2] == []


UMLAUTS = "globalThis.done = 'Grüße, 世界 🎉'.length;"


@pytest.mark.parametrize(
    ("content", "content_type", "length"),
    [
        ((FILLER + UMLAUTS).encode(), "text/javascript; charset=utf-8", 12),
        (("\ufeff" + FILLER + UMLAUTS).encode(), "text/javascript; charset=utf-8", 12),
        (("\ufeff" + FILLER + UMLAUTS).encode(), "text/javascript", 12),
        ((FILLER + "globalThis.done = 'Grüße'.length;").encode("latin-1"), "text/javascript; charset=iso-8859-1", 5),
        ((FILLER + UMLAUTS).encode(), "application/javascript", 12),
    ],
    ids=["UTF-8", "UTF-8 with a byte order mark", "a byte order mark alone", "Latin-1", "no charset"],
)
def test_a_bundle_reads_the_same_in(content, content_type, length, site, everywhere):
    site.bundles["app.js"] = content
    site.bundle_headers = {"Content-Type": content_type}
    assert everywhere(site, "[done, errors]") == [length, []]
