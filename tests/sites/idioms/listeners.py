"""Pages that wait for the document to be ready, and then use what the bundle has brought."""

from __future__ import annotations

from tests.sites.idioms.idiom import LIB, QUIET, STARTS, Idiom, page

TAG = '{{ viral_script("/b/app.js") }}'
JQUERY = '<script src="/npm/jquery/dist/jquery.min.js"></script>'
PARSED = f'<script>document.addEventListener("DOMContentLoaded", () => {STARTS});</script>'
AT_PARSED = ("lib (interactive)", "start (interactive)")
AT_LOAD = ("lib (interactive)", "start (complete)")
ONE_BY_ONE = ("lib", "start")
PEERS = ("app.js",)
CAPTURES = "a listener that captures on the window hears the browser's own event, before the bundle has run"

LISTENERS = (
    Idiom("DOMContentLoaded listener above", page(PARSED + TAG), AT_PARSED, peers=PEERS, firefox=True),
    Idiom("DOMContentLoaded listener below", page(TAG, PARSED), AT_PARSED, peers=PEERS, firefox=True),
    Idiom(
        "DOMContentLoaded listeners, many and once each",
        page(
            """<script>
            const listener = () => say("same");
            document.addEventListener("DOMContentLoaded", listener);
            document.addEventListener("DOMContentLoaded", listener);
            document.addEventListener("DOMContentLoaded", () => say("once"), { once: true });
            document.addEventListener("DOMContentLoaded", { handleEvent: () => say("object") });
            document.addEventListener("DOMContentLoaded", () => say("capturing"), true);
            addEventListener("DOMContentLoaded", ({ eventPhase }) => say(`window ${eventPhase}`));
            const gone = () => say("removed");
            document.addEventListener("DOMContentLoaded", gone);
            document.removeEventListener("DOMContentLoaded", gone);
            </script>"""
            + TAG,
            PARSED,
        ),
        (
            "lib (interactive)",
            "capturing (interactive)",
            "same (interactive)",
            "once (interactive)",
            "object (interactive)",
            "start (interactive)",
            "window 3 (interactive)",
        ),
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "capturing listener on window",
        page(f'<script>addEventListener("DOMContentLoaded", () => {STARTS}, true);</script>{TAG}'),
        AT_PARSED,
        known=CAPTURES,
        peers=PEERS,
    ),
    Idiom(
        "capturing listener on window, below",
        page(TAG, f'<script>addEventListener("DOMContentLoaded", () => {STARTS}, true);</script>'),
        AT_PARSED,
        known=CAPTURES,
        peers=PEERS,
    ),
    Idiom(
        "window.onload above",
        page(f"<script>window.onload = () => {STARTS};</script>{TAG}"),
        AT_LOAD,
        peers=PEERS,
        firefox=True,
    ),
    Idiom("window.onload below", page(TAG, f"<script>window.onload = () => {STARTS};</script>"), AT_LOAD, peers=PEERS),
    Idiom("body onload", page(TAG, "", f' onload="{STARTS}"'), AT_LOAD, peers=PEERS, firefox=True),
    Idiom(
        "load listeners above and below",
        page(
            f'<script>addEventListener("load", () => {STARTS});</script>{TAG}',
            '<script>addEventListener("load", () => say("below"));</script>',
        ),
        (*AT_LOAD, "below (complete)"),
        peers=PEERS,
    ),
    Idiom(
        "onload above that keeps the one before",
        page(
            f"<script>window.onload = () => {STARTS};</script>{TAG}",
            '<script>const first = window.onload; window.onload = (event) => { first(event); say("after"); };</script>',
        ),
        (*AT_LOAD, "after (complete)"),
        peers=PEERS,
    ),
    Idiom(
        "readystatechange handler",
        page(
            "<script>document.onreadystatechange = () => "
            '{ say("change"); if (document.readyState === "complete") lib.start(); };</script>' + TAG
        ),
        ("change (interactive)", "lib (interactive)", "change (complete)", "start (complete)"),
        peers=PEERS,
    ),
    Idiom(
        "readyState polled until complete",
        page(
            """<script>
            const poll = () => (document.readyState === "complete" ? lib.start() : setTimeout(poll, 5));
            poll();
            </script>"""
            + TAG
        ),
        AT_LOAD,
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "ready function by hand, in the bundle and behind it",
        page(
            TAG,
            """<script>
            const ready = (call) => document.readyState === "loading"
              ? document.addEventListener("DOMContentLoaded", call) : call();
            ready(() => lib.start());
            </script>""",
        ),
        ("lib (interactive)", "by itself (interactive)", "start (interactive)"),
        {
            "app.js": LIB
            + """
            if (document.readyState !== "loading") say("by itself");
            else document.addEventListener("DOMContentLoaded", () => say("by itself, later"));
            """
        },
        peers=PEERS,
    ),
    Idiom(
        "jQuery's $(fn) above",
        page(f"{JQUERY}<script>$(() => {STARTS});</script>{TAG}"),
        ONE_BY_ONE,
        QUIET,
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "jQuery's $(document).ready below",
        page(JQUERY + TAG, f"<script>$(document).ready(() => {STARTS});</script>"),
        ONE_BY_ONE,
        QUIET,
        peers=PEERS,
    ),
    Idiom(
        "jQuery's $(window).on(load) below",
        page(JQUERY + TAG, f'<script>$(window).on("load", () => {STARTS});</script>'),
        AT_LOAD,
        peers=PEERS,
    ),
    Idiom(
        "jQuery's $(fn) in a bundle",
        page(JQUERY + '{{ viral_script("/b/two.js") }}' + TAG),
        ("two", *ONE_BY_ONE),
        {**QUIET, "two.js": f'log.push("two"); $(() => {STARTS});'},
        peers=("app.js", "two.js"),
    ),
    Idiom(
        "jQuery's $(window).on(load) in a bundle",
        page(JQUERY + '{{ viral_script("/b/two.js") }}' + TAG),
        ("two (interactive)", *AT_LOAD),
        {"app.js": LIB, "two.js": f'say("two"); $(window).on("load", () => {STARTS});'},
        peers=("app.js", "two.js"),
    ),
    Idiom(
        "DOMContentLoaded listener of an earlier bundle",
        page('{{ viral_script("/b/one.js") }}{{ viral_script("/b/app.js") }}'),
        ("one (interactive)", "lib (interactive)", "start (interactive)", "load (complete)"),
        {
            "one.js": f"""
            say("one");
            document.addEventListener("DOMContentLoaded", () => {STARTS});
            addEventListener("load", () => say("load"));
            """,
            "app.js": LIB,
        },
        peers=("one.js", "app.js"),
        firefox=True,
    ),
    Idiom(
        "DOMContentLoaded listener of a blocking bundle above",
        page(f'<script src="/b/one.js"></script>{TAG}'),
        ("one (loading)", "lib (interactive)", "start (interactive)"),
        {"one.js": f'say("one"); document.addEventListener("DOMContentLoaded", () => {STARTS});', "app.js": LIB},
    ),
    Idiom(
        "listener of the tag itself",
        page(
            '{{ viral_script("/b/app.js", id="app") }}'
            f'<script>document.getElementById("app").addEventListener("load", () => {STARTS});</script>'
        ),
        AT_PARSED,
        peers=PEERS,
    ),
    Idiom(
        "inline module behind viral_script",
        page(f'{TAG}<script type="module">{STARTS}</script>'),
        AT_PARSED,
        peers=PEERS,
    ),
    Idiom(
        "deferred script by hand behind viral_script",
        page(f'{TAG}<script defer src="/own/own.js"></script>'),
        AT_PARSED,
        peers=PEERS,
        scripts={"own.js": STARTS},
    ),
    Idiom(
        "image and frame that load before it",
        page(
            f'<script>addEventListener("load", () => {STARTS});</script>{TAG}',
            """<img src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=" onload="this.title = 'loaded'" alt="">
            <iframe src="about:blank"></iframe>""",
        ),
        AT_LOAD,
        peers=PEERS,
        probe="document.querySelector('img').title",
    ),
)
