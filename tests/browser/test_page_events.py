"""What a page waits for, it gets: the events of its start come after a deferred bundle, however the bundle comes."""

import pytest

from tests.browser.stage import LINGER
from tests.support.site import TAG

START = (
    "<script>window.log = []; const note = (text) => log.push(`${text} ${window.lib} ${document.readyState}`);</script>"
)
APP = {"app.js": "window.lib = 'lib'; note('app');"}
DONE = "log.some((line) => line.startsWith('last'))"
LAST = "<script>addEventListener('load', () => setTimeout(() => note('last')));</script>"


def page(*parts: str) -> str:
    return "".join([START, *parts, LAST])


LISTENERS = """<script>
document.addEventListener("DOMContentLoaded", () => note("document"));
document.addEventListener("DOMContentLoaded", () => note("once"), { once: true });
document.addEventListener("DOMContentLoaded", () => note("capturing"), true);
addEventListener("DOMContentLoaded", () => note("window"));
addEventListener("load", () => note("load"));
window.onload = () => note("onload");
addEventListener("pageshow", () => note("pageshow"));
document.addEventListener("readystatechange", () => note("readystatechange"));
</script>"""


@pytest.mark.parametrize("form", [LISTENERS + TAG, TAG + LISTENERS], ids=["above the tag", "below the tag"])
def test_listeners_of_the_page_run_after_the_bundle_once_and_in_their_order(form, stage):
    log = stage.show(page(form), APP).same("log", DONE)
    names = [line.split()[0] for line in log]
    assert names.index("app") < names.index("capturing") < names.index("document") < names.index("once")
    assert names.index("once") < names.index("window") < names.index("load")
    assert len(set(names)) == len(names) - 1, "readystatechange comes twice, for interactive and complete"


def test_the_handler_of_the_body_runs_after_the_bundle(stage):
    body = f"{START}{TAG}</head><body onload=\"note('body')\"><p>text</p>{LAST}"
    assert "body lib complete" in stage.show(body, APP).same("log", DONE)


def test_a_poll_of_the_ready_state_finds_the_bundle_there(stage):
    poll = """<script>
    const timer = setInterval(() => document.readyState === "complete" && (clearInterval(timer), note("poll")), 1);
    </script>"""
    assert "poll lib complete" in stage.show(page(poll, TAG), APP).same("log.filter((l) => !l.includes('last'))", DONE)


def test_listeners_of_another_bundle_run_after_all_bundles(stage):
    code = {
        "one.js": "document.addEventListener('DOMContentLoaded', () => note('one')); note('one.js');",
        "two.js": "window.lib = 'lib'; note('two.js');",
    }
    tags = "".join(f"{{{{ viral_script('/b/{name}') }}}}" for name in code)
    log = stage.show(page(tags), code).same("log", DONE)
    assert log[:3] == ["one.js undefined interactive", "two.js lib interactive", "one lib interactive"]


def test_the_page_may_send_an_event_of_that_name_itself(stage):
    own = """<script>
    document.addEventListener("DOMContentLoaded", ({ detail }) => note(`heard ${detail ?? "the browser's"}`));
    document.dispatchEvent(new CustomEvent("DOMContentLoaded", { detail: "own" }));
    </script>"""
    log = stage.show(page(own, TAG), APP).same("log", DONE)
    assert [line for line in log if line.startswith("heard")] == [
        "heard own undefined loading",
        "heard the browser's lib interactive",
    ]


# What stands behind a hand-written tag


HAND = '<script defer src="/b/app.js"></script>'


@pytest.mark.parametrize(
    "behind",
    [
        '<script type="module">note("inline");</script>',
        '<script defer src="/second.js"></script>',
        '<script type="module" src="/second.js"></script>',
        '<script type="module">note("one");</script><script defer src="/second.js"></script>'
        '<script type="module">note("two");</script>',
        '<script type="module">import "/second.js"; note("imported");</script>',
    ],
    ids=["inline module", "deferred script", "module", "all kinds", "inline module with an import"],
)
def test_scripts_behind_a_hand_written_tag_wait_for_the_bundle(behind, stage):
    stage.site.show("second.js", "")

    @stage.site.app.before_request
    def second():
        from flask import Response, request

        return Response("note('second');", mimetype="text/javascript") if request.path == "/second.js" else None

    log = stage.show(page(HAND, behind), APP).same("log", DONE)
    assert log[0] == "app lib interactive"
    assert len(log) > 2


def test_an_app_that_is_one_hand_written_deferred_tag_comes_by_peers(stage):
    stage.show(page(HAND), APP)
    stage.seed()
    stage.deliver()


# The element


def test_tags_look_as_they_do_without_us(stage):
    code = {name: f"window.{name[0]} = 1; /* {name} */" + " " * 300 for name in ("one.js", "two.js")}
    tags = "".join(f"{{{{ viral_script('/b/{name}', data_turbo_track='reload') }}}}" for name in code)
    html = stage.show(page(tags), code).same(
        "[...document.querySelectorAll('script[src]')].map((s) => s.outerHTML)", DONE
    )
    assert len(html) == 3, "two bundles and the probe"
    assert stage.visitor.js(f"({LINGER})")
