"""A bundle from a peer can't be told from one that its own script element loaded, in Chromium and in Firefox."""

import json

import pytest

from tests.support.site import TAG, bundle

# Its element


SELF = """{
const own = document.currentScript, all = [...document.scripts];
globalThis.told = {
  src: own.src, attribute: own.getAttribute("src"), html: own.outerHTML, data: { ...own.dataset }, nonce: own.nonce,
  parent: own.parentNode.tagName, next: own.nextElementSibling.id, count: all.length, at: all.indexOf(own),
  last: all.at(-1).src, found: all.filter(({ src }) => /app\\.js/.test(src)).length, same: own === byPage,
  selected: document.querySelectorAll("script[src*='app.js']").length, byId: document.getElementById("app") === own,
};
own.insertAdjacentHTML("afterend", "<i id=beside></i>");
Promise.resolve().then(() => (told.job = document.currentScript === own));
setTimeout(() => { told.later = [document.currentScript, own.isConnected, own.nextElementSibling.id]; });
}"""


def test_a_bundle_finds_its_own_script_element_in_every_way(stage):
    stage.show(
        '<p></p>{{ viral_script("/b/app.js?v=1#part", id="app", data_name="x") }}<b id="after"></b>'
        '<script>const byPage = document.getElementById("app");</script>',
        {"app.js": SELF},
    )
    told = stage.same("told", "window.told?.later")
    assert told["src"] == stage.site.url("b/app.js?v=1#part")
    assert (told["attribute"], told["data"]) == ("/b/app.js?v=1#part", {"viraljs": "", "name": "x"})
    assert (told["next"], told["same"], told["found"], told["selected"]) == ("after", True, 1, 1)
    assert (told["count"], told["byId"]) == (3, True)
    assert told["later"] == [None, True, "beside"]


def test_the_elements_own_handlers_and_those_of_others_are_called_with_it(stage):
    stage.show(
        """<script>
        var heard = [];
        const note = (name) => (event) =>
          heard.push([name, event.type, event.target.id, event.currentTarget === byPage, typeof ran]);
        </script>"""
        + TAG.replace(") }}", ", id='app', onload='note(\"attribute\")(event)') }}")
        + """<script>
        const byPage = document.getElementById("app");
        byPage.addEventListener("load", note("listener"), { once: true });
        byPage.addEventListener("error", note("error"));
        </script>""",
        {"app.js": "var ran = true;"},
    )
    assert sorted(stage.same("heard", "heard.length >= 2")) == [
        ["attribute", "load", "app", True, "boolean"],
        ["listener", "load", "app", True, "boolean"],
    ]


# Its name in errors

WATCH = """<script>
var heard = [];
const ours = (line) => /app\\.js|blob:/.test(line);
const cut = (stack) => String(stack).split("\\n").filter(ours).map((line) => line.trim());
window.onerror = (message, source, line, column, error) =>
  heard.push(["handler", message, source, line, column, `${error}`]);
addEventListener("error", ({ message, filename, lineno, colno, error }) =>
  heard.push(["listener", message, filename, lineno, colno, cut(error.stack)]));
addEventListener("unhandledrejection", ({ reason }) => heard.push(["rejection", `${reason}`, cut(reason.stack)]));
</script>"""
THROWING = """/*! a licence */
globalThis.stack = cut(new Error("here").stack);
setTimeout(() => { throw new Error("later"); }, 20);
Promise.reject(new Error("promised"));
function outer() {   inner(); }
function inner() { throw new TypeError("at once"); }
addEventListener("load", () => setTimeout(() => (globalThis.done = true), 60));
if (globalThis.seedingOnly !== true) outer();
//# sourceMappingURL=app.js.map"""


def test_errors_and_stacks_name_the_url_the_line_and_the_column(stage):
    # The first visitor does not throw at the top: an addition behind it would not run.
    stage.show("<script>var seedingOnly = true;</script>" + WATCH + TAG, {"app.js": THROWING})
    stage.seed()
    stage.site.show("", WATCH + TAG)
    # What comes first of a timer and a rejection is the browser's own affair.
    expression, done = "[heard.toSorted(), stack]", "window.done && heard.length >= 5"
    thin = stage.look(stage.deliver(), expression, done)
    assert thin == stage.look(stage.leave_alone(), expression, done)
    assert {stage.site.url("b/app.js")} == {one[2] for one in thin[0] if one[0] == "handler"}
    assert "blob:" not in json.dumps(thin)


def test_an_error_that_the_page_handles_is_not_reported_twice(stage):
    stage.show(
        "<script>var heard = []; window.onerror = (...told) => heard.push(told.slice(0, 4)) > 0;"
        "addEventListener('error', (event) => heard.push(event.defaultPrevented));</script>" + TAG,
        {"app.js": "setTimeout(() => { throw new Error('handled'); });"},
    )
    assert [type(one) for one in stage.same("heard", "heard.length >= 2")] == [list, bool]


def test_a_name_that_the_bundle_gives_itself_is_kept(stage):
    stage.show(
        "<script>var cut = (stack) => /own-name\\.js/.test(stack);</script>" + TAG,
        {"app.js": "var told = cut(new Error('x').stack);\n//# sourceURL=own-name.js\n"},
    )
    assert stage.same("told", "'told' in window") is True


# Its time

PUSH = "(globalThis.ran ??= []).push"


@pytest.fixture
def ordered(stage):
    """A stage with scripts that are no bundles, too."""

    @stage.site.app.get("/plain/<name>")
    def plain(name):
        code = f"{PUSH}('{name}'); document.addEventListener('DOMContentLoaded', () => {PUSH}('{name} parsed'));"
        return code, {"Content-Type": "text/javascript", "Cache-Control": "max-age=60"}

    return stage


def test_deferred_scripts_run_in_the_order_of_their_tags_be_they_bundles_or_not(ordered):
    names = ["plain/one", "b/large", "plain/two", "b/small", "plain/three"]
    ordered.show(
        "".join(f"{{{{ viral_script('/{name}.js') }}}}" for name in names),
        {
            "large.js": bundle(1_500_000, code=f"{PUSH}('large');").decode(),
            "small.js": f"{PUSH}('small');",
        },
    )
    told = '[true, false].map((parsed) => ran.filter((one) => one.endsWith("parsed") === parsed))'
    assert ordered.same(told, "window.ran?.length >= 8") == [
        ["one.js parsed", "two.js parsed", "three.js parsed"],
        ["one.js", "large", "two.js", "small", "three.js"],
    ]


def test_a_bundle_that_nobody_seeds_waits_for_one_that_is_on_its_way(ordered):
    site = ordered.site
    tags = [f"{{{{ viral_script('/b/{name}.js') }}}}" for name in ("large", "other")]
    ordered.show(tags[0], {"large.js": bundle(1_500_000, code=f"{PUSH}('large');").decode()})
    ordered.seed()
    site.bundles["other.js"] = f"{PUSH}('other');".encode()
    site.show("", "".join(tags))
    ordered.visitor.visit(site.url())
    assert ordered.look(ordered.visitor, "ran", "window.ran?.length >= 2") == ["large", "other"]
    assert (site.kinds("/b/large.js")[1:], site.kinds("/b/other.js")[0]) == (["thin"], "full")
    assert not any(one.sent for one in site.sent("/b/other.js")[1:]), "a cache has it, or a 304 says so"
    # What ran late is heard of, too.
    assert [one["source"] for one in ordered.records(ordered.visitor)] == ["peers", "server"]


def test_what_a_bundle_does_when_the_page_is_parsed_comes_after_the_next_bundle(ordered):
    parsed = f"document.addEventListener('DOMContentLoaded', () => {PUSH}('parsed'));"
    ordered.show(
        "{{ viral_script('/b/large.js') }}{{ viral_script('/b/small.js') }}",
        {
            "large.js": bundle(1_500_000, code=f"{PUSH}('large'); {parsed}").decode(),
            "small.js": f"{PUSH}('small');",
        },
    )
    for show in (ordered.seed, ordered.deliver):
        assert ordered.look(show(), "ran", "window.ran?.length >= 3") == ["large", "small", "parsed"]


def test_a_bundle_that_is_personal_today_waits_for_its_turn_too(ordered):
    site = ordered.site
    tags = [f"{{{{ viral_script('/b/{name}.js') }}}}" for name in ("large", "personal")]
    ordered.show(
        "".join(tags),
        {"large.js": bundle(1_500_000, code=f"{PUSH}('large');").decode(), "personal.js": f"{PUSH}('for all');"},
    )
    ordered.seed()
    personal = site.viral.bundle(lambda: (f"{PUSH}('for me');", {"Vary": "Cookie"}))
    site.before = lambda request: personal() if request.path == "/b/personal.js" else None
    ordered.visitor.visit(site.url())
    assert ordered.look(ordered.visitor, "ran", "window.ran?.length >= 2") == ["large", "for me"]
    asked = [(one.query, one.kind) for one in site.sent("/b/personal.js")[1:]]
    assert asked == [("viraljs=behind", "untouched; reason=vary"), ("viraljs=direct", "untouched; reason=vary")]
    ordered.visitor.visit(site.url())
    assert ordered.look(ordered.visitor, "ran", "window.ran?.length >= 2") == ["large", "for me"]
    assert site.sent("/b/personal.js")[3].query == ""


def test_scripts_that_others_wrote_wait_and_async_ones_wait_for_nothing(ordered):
    site = ordered.site
    ordered.show(
        TAG + '<script defer src="/plain/deferred.js"></script>{{ viral_script("/plain/async.js", async_=True) }}',
        {"app.js": bundle(1_500_000, code=f"{PUSH}('bundle');").decode()},
    )
    ordered.seed()
    ordered.visitor.visit(site.url())
    ran = [one for one in ordered.look(ordered.visitor, "ran", "window.ran?.length >= 3") if "parsed" not in one]
    assert ran.index("bundle") == 1, "behind the async one only"
    assert ran[2].startswith("deferred")


def test_a_script_that_waits_gets_its_events_and_its_place(ordered):
    ordered.show(
        f'<p id="before"></p>{TAG}<script>var heard = [];</script>'
        "{{ viral_script('/plain/two.js', id='two', onload='heard.push(event.target.previousElementSibling.id)') }}"
        '<b id="after"></b>',
        {"app.js": "document.currentScript.id = 'one';"},
    )
    told = "[heard, two.nextElementSibling.id]"
    assert ordered.same(told, "window.heard?.length") == [[""], "after"]


# Scripts that write


def test_what_a_bundle_writes_into_the_document_never_erases_the_page_and_is_told(stage):
    stage.show(
        "<script>var said = []; console.error = (...text) => said.push(text.join(' '));</script>"
        '<script defer src="/b/app.js"></script><p id="kept">kept</p>',
        {"app.js": "var ran = 1; document.write('<b>written</b>');"},
    )
    stage.seed()
    stage.visitor.visit(stage.site.url())
    [record] = stage.records(stage.visitor)
    assert (record["source"], record["reason"]) == ("peers", "document-write")
    told = "[kept.textContent, said]"
    text, said = stage.look(stage.visitor, told)
    assert (text, len(said)) == ("kept", 1)
    assert said[0].endswith("<b>written</b>")
    # From then on it comes from its own URL, to everybody.
    stage.site.wait_for_reports(1)
    stage.seeder.visit(stage.site.url())
    assert stage.look(stage.seeder, "[document.body.textContent.includes('written'), said]") == [False, []]
    assert stage.site.kinds()[-1] == "untouched; reason=document-write"


def test_dependents_hear_of_a_page_that_is_parsed_and_can_not_erase_it(stage):
    stage.show(
        '{{ viral_script("/b/app.js", dependents=True) }}'
        "<script>var heard = [], said = 0; console.error = () => said++;</script>"
        '<script type="text/viral">document.addEventListener("DOMContentLoaded", () => heard.push("parsed"));'
        'addEventListener("load", () => heard.push("loaded")); document.write("gone");</script>'
        '<script type="text/viral" src="/b/second.js"></script><p id="kept">kept</p>',
        {"app.js": "var first = 1;", "second.js": "addEventListener('load', () => heard.push(first + 1));"},
    )
    assert stage.same("[kept.textContent, heard.map(String).sort(), said]", "heard.length >= 3") == [
        "kept",
        ["2", "loaded", "parsed"],
        1,
    ]
