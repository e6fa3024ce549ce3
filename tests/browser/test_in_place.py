"""A script that the page waits for runs in its place, from the server, and whatever goes wrong, the app runs once."""

import pytest

from tests.browser.stage import LINGER
from tests.support.site import NONCE, bundle
from tests.support.until import until

START = f'<script nonce="{NONCE}">window.log = [];</script>'
LIB = bundle(2000, code="window.lib = { start(where) { log.push(`start ${where}`); } }; log.push('lib');").decode()
END = f"""<script nonce="{NONCE}">addEventListener("load", () => setTimeout(() => log.push("end")));</script>"""
DONE = "log.includes('end')"


def inline(code: str) -> str:
    return f'<script nonce="{NONCE}">{code}</script>'


def tag(name: str = "app.js", more: str = "") -> str:
    return f'<script src="/b/{name}" nonce="{NONCE}" {more}></script>'


def see(stage, body: str, log: list[str], bundles: dict[str, str] | None = None, done: str = DONE, **headers: str):
    """Show the page to a first visitor, to a second one who is answered thinly, and to one without ViralJS."""
    code = bundles or {"app.js": LIB}
    stage.show(START + body + END, code, **headers)
    first = stage.seed()
    assert stage.look(first, "[log, runs, errors]", done) == [log, len(code), []]
    # As if the server did not know the page yet.
    stage.site.state.registry._forbidden.clear()
    stage.visitor.visit(stage.site.url())
    assert stage.look(stage.visitor, "[log, runs, errors]", done) == [log, len(code), []]
    assert "thin" in stage.site.kinds(f"/b/{next(iter(code))}")
    html = stage.look(stage.visitor, "[...document.scripts].map((s) => s.outerHTML)")
    stage.leave_alone()
    assert stage.look(stage.visitor, "[log, runs, errors]", done) == [log, len(code), []]
    assert stage.look(stage.visitor, "[...document.scripts].map((s) => s.outerHTML)") == html


@pytest.mark.parametrize("where", ["head", "body", "end of the body"])
def test_a_tag_that_the_parser_waits_for_is_followed_by_what_needs_it(where, stage):
    before = "" if where == "head" else "</head><body>" + ("<p>text</p>" if where == "body" else "")
    see(stage, before + tag() + inline("lib.start('here');"), ["lib", "start here", "end"])


def test_several_in_a_row_run_in_their_order_with_what_is_between_them(stage):
    code = {f"{n}.js": bundle(2000 * n, code=f"log.push('{n}');").decode() for n in (1, 2, 3)}
    body = tag("1.js") + inline("log.push('a')") + tag("2.js") + tag("3.js") + inline("log.push('b')")
    see(stage, body, ["1", "a", "2", "3", "b", "end"], code)


def test_what_sees_itself_sees_the_tag_that_the_page_wrote(stage):
    code = bundle(2000, code="log.push(document.currentScript.id, document.currentScript.getAttribute('src'));")
    body = tag(more='id="mine" data-x="1" onload="log.push(`load ${this.id}`)"')
    see(stage, body, ["mine", "/b/app.js", "load mine", "end"], {"app.js": code.decode()})


def test_what_looks_for_its_tag_by_its_address_finds_its_neighbours(stage):
    # As Ace does. The last one of that name is the one that was written for it, whose address is that of plain bytes.
    find = (
        "const [mine] = [...document.scripts].map(({ src }) => src).filter((src) => src.endsWith('/app.js')).reverse();"
        "const made = document.createElement('script'); made.src = new URL('next.js?own', mine); made.defer = true;"
        "made.onload = made.onerror = ({ type }) => { log.push(`next ${type}`); made.remove(); };"
        "document.head.append(made);"
    )
    stage.site.app.add_url_rule("/b/next.js", "next", lambda: ("log.push('next')", {"Content-Type": "text/javascript"}))
    code = bundle(2000, code=find).decode()
    see(stage, tag(), ["next", "next load", "end"], {"app.js": code}, done="log.length === 3")


def test_what_writes_into_the_document_writes_behind_its_tag(stage):
    code = bundle(2000, code="document.write('<i id=written></i>'); log.push('wrote');").decode()
    body = "</head><body><b></b>" + tag() + inline("log.push(document.querySelector('b ~ i ~ u') ? '' : 'in place')")
    see(stage, body + "<u></u>", ["wrote", "in place", "end"], {"app.js": code})


@pytest.mark.parametrize(
    "policy",
    [
        f"script-src 'nonce-{NONCE}'",
        f"script-src 'nonce-{NONCE}' 'strict-dynamic'",
        f"script-src 'nonce-{NONCE}'; require-trusted-types-for 'script'; trusted-types viraljs",
    ],
    ids=["nonce", "strict-dynamic", "Trusted Types"],
)
def test_a_policy_of_the_page_lets_it_run_in_place(policy, stage):
    see(
        stage,
        tag() + inline("lib.start('here');"),
        ["lib", "start here", "end"],
        Content_Security_Policy=policy,
    )


def test_scripts_that_a_loader_puts_in_line_keep_their_order(stage):
    load = """
    for (const src of ["/b/app.js", "/b/two.js"]) {
      const script = document.createElement("script");
      Object.assign(script, { src, async: false, onload: () => log.push(`load ${src}`) });
      document.head.append(script);
    }
    """
    code = {"app.js": LIB, "two.js": bundle(2000, code="lib.start('two');").decode()}
    see(
        stage,
        inline(load),
        ["lib", "load /b/app.js", "start two", "load /b/two.js", "end"],
        code,
        f"{DONE} && log.length === 5",
    )


def test_a_script_of_an_svg_runs_in_its_place(stage):
    body = '</head><body><svg><script href="/b/app.js"></script></svg>' + inline("lib.start('behind');")
    stage.show(START + body + END, {"app.js": LIB})
    stage.leave_alone()
    plain = stage.look(stage.visitor, "[log, runs, errors]", DONE)
    stage.site.bundle_headers = {}
    for visitor in (stage.seeder, stage.visitor):
        visitor.visit(stage.site.url())
        assert stage.look(visitor, "[log, runs, errors]", DONE) == plain


# Whatever goes wrong


BROKEN = {
    "a URL of a blob": "URL.createObjectURL = () => { throw new Error('no'); };",
    "the word for a policy": "URL.createObjectURL = () => { throw new Error('blocked'); };",
    "a blocker that makes scripts of blobs data": """
        const { set, get } = Object.getOwnPropertyDescriptor(HTMLScriptElement.prototype, "src");
        Object.defineProperty(HTMLScriptElement.prototype, "src", {
          configurable: true,
          get,
          set(url) { if (`${url}`.startsWith("blob:")) this.type = "x/blocked"; set.call(this, url); },
        });""",
    "no observers of time": """
        performance.getEntriesByName = performance.getEntriesByType = () => { throw new Error('no'); };""",
    "no connections": "RTCPeerConnection = function () { throw new Error('no'); };",
    "no fetch": "fetch = () => { throw new Error('no'); };",
    "a fetch that never ends": "fetch = () => new Promise(() => {});",
    "no beacons": "navigator.sendBeacon = () => { throw new Error('no'); };",
    "no events": "CustomEvent = class { constructor() { throw new Error('no'); } };",
    "a global of our name": "window.ViralJS = 7;",
}


# Some of these cost two deadlines, which tests have at half a minute.
@pytest.mark.parametrize("stage", [{"deadline": 500}], indirect=True, ids=["soon"])
@pytest.mark.parametrize("code", BROKEN.values(), ids=BROKEN)
def test_whatever_the_page_breaks_for_us_the_app_runs_and_once(code, stage):
    stage.show(
        START + "<script>if (new URLSearchParams(location.search).has('broken')) {" + code + "}</script>"
        "<script defer src='/b/app.js'></script>" + END,
        {"app.js": LIB},
    )
    stage.seed()
    stage.visitor.visit(stage.site.url("?broken"))
    until(lambda: stage.visitor.js("log.includes('lib')"), "the app to run")
    stage.visitor.js(LINGER)
    assert stage.visitor.js("runs") == 1
    assert not stage.site.state.registry._forbidden, "a failure is no policy"
