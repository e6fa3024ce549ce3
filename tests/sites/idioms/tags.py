"""Pages whose bundles have tags of their own: blocking, deferred, written by hand or by `viral_script`."""

from __future__ import annotations

from tests.sites.idioms.idiom import LIB, STARTS, Idiom, page

BLOCKING_TAG = '<script src="/b/app.js"></script>'
DEFERRED_TAG = '<script defer src="/b/app.js"></script>'
INLINE = f"<script>{STARTS}</script>"
PARSED_WITH = '<script>addEventListener("load", () => say("load"));</script>'
IN_PLACE = ("lib (loading)", "start (loading)", "load (complete)")

BLOCKING = (
    Idiom(
        "blocking tag and inline script, in head",
        page(PARSED_WITH + BLOCKING_TAG + INLINE),
        IN_PLACE,
        firefox=True,
    ),
    Idiom("blocking tag and inline script, in body", page(PARSED_WITH, f"{BLOCKING_TAG}<p>Two.</p>{INLINE}"), IN_PLACE),
    Idiom(
        "blocking tag at the end of body",
        page(PARSED_WITH, f'<div id="root"></div>{BLOCKING_TAG}'),
        ("lib with 1 root (loading)", "parsed (interactive)", "load (complete)"),
        {
            "app.js": """
            say(`lib with ${document.querySelectorAll("#root").length} root`);
            document.addEventListener("DOMContentLoaded", () => say("parsed"));
            """
        },
    ),
    Idiom(
        "several blocking tags with inline scripts between",
        page(
            '<script src="/b/one.js"></script><script>one("inline")</script>'
            '<script src="/own/own.js"></script><script src="/b/two.js"></script><script>two("inline")</script>',
            '<script src="/b/three.js"></script><script>three("inline")</script>',
        ),
        (
            "one (loading)",
            "one for inline (loading)",
            "one for own (loading)",
            "two (loading)",
            "one for two (loading)",
            "two for inline (loading)",
            "three (loading)",
            "two for three (loading)",
            "three for inline (loading)",
        ),
        {
            "one.js": 'say("one"); var one = (who) => say(`one for ${who}`);',
            "two.js": 'say("two"); one("two"); var two = (who) => say(`two for ${who}`);',
            "three.js": 'say("three"); two("three"); var three = (who) => say(`three for ${who}`);',
        },
        scripts={"own.js": 'one("own")'},
        firefox=True,
    ),
    Idiom(
        "blocking tag of old, in quirks mode",
        '<html><head><title>Old</title><script src="/recorder.js"></script>'
        '<script type="text/javascript" language="JavaScript" src="/b/app.js"></script></head>'
        f'<body onload="say(document.compatMode)"><center><script language="JavaScript"><!--\n{STARTS}\n'
        "//--></script></center></body></html>",
        ("lib (loading)", "start (loading)", "BackCompat (complete)"),
    ),
    Idiom(
        "tag written by document.write of an inline script",
        page(
            PARSED_WITH + r"""<script>document.write('<script src="/b/app.js"><\/script>')</script>""" + INLINE,
        ),
        IN_PLACE,
        firefox=True,
    ),
    Idiom(
        "fallback from a CDN by document.write",
        page(
            PARSED_WITH
            + '<script src="/own/cdn.js"></script>'
            + r"""<script>window.lib || document.write('<script src="/b/app.js"><\/script>')</script>"""
            + INLINE,
        ),
        ("cdn without lib (loading)", *IN_PLACE),
        scripts={"cdn.js": 'say("cdn without lib")'},
    ),
    Idiom(
        "blocking tag with onload and onerror",
        page(
            PARSED_WITH
            + """<script src="/b/app.js" onload="say('onload'); lib.start()" onerror="say('onerror')"></script>"""
        ),
        ("lib (loading)", "onload (loading)", "start (loading)", "load (complete)"),
    ),
    Idiom(
        "one bundle with two blocking tags",
        page(PARSED_WITH + BLOCKING_TAG + INLINE + BLOCKING_TAG + INLINE),
        ("lib (loading)", "start (loading)", *IN_PLACE),
    ),
)

LISTENER = '<script>document.addEventListener("DOMContentLoaded", () => lib.start())</script>'
DEFERRED = (
    Idiom(
        "names of the browser's taken by the page's own constants and classes",
        page(
            '<script>const URL = "/api"; const performance = { q1: 3 }; class Event {} class Map {}</script>'
            f"{PARSED_WITH}{LISTENER}{{{{ viral_script('/b/app.js') }}}}"
        ),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        peers=("app.js",),
        firefox=True,
    ),
    Idiom(
        "a bundle that takes such names",
        page(f"{PARSED_WITH}{LISTENER}{{{{ viral_script('/b/app.js') }}}}"),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        {"app.js": 'const URL = "/api"; class Event {} ' + LIB},
        peers=("app.js",),
    ),
    Idiom(
        "hand-written defer, inline module behind",
        page(f'{PARSED_WITH}{DEFERRED_TAG}<script type="module">{STARTS}</script>'),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        firefox=True,
    ),
    Idiom(
        "hand-written defer, deferred script behind",
        page(f'{PARSED_WITH}{DEFERRED_TAG}<script defer src="/own/own.js"></script>'),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        scripts={"own.js": STARTS},
        firefox=True,
    ),
    Idiom(
        "hand-written defer, module from a file behind",
        page(f'{PARSED_WITH}{DEFERRED_TAG}<script type="module" src="/own/own.js"></script>'),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        scripts={"own.js": STARTS},
    ),
    Idiom(
        "two bundles with hand-written defer",
        page(f'{PARSED_WITH}{DEFERRED_TAG}<script defer src="/b/two.js"></script>'),
        ("lib (interactive)", "two (interactive)", "start (interactive)", "load (complete)"),
        {"app.js": LIB, "two.js": f'say("two"); {STARTS}'},
    ),
    Idiom(
        "hand-written defer, alone (MLflow's index.html)",
        '<!doctype html><html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>'
        '<link rel="shortcut icon" href="data:,"/><title>An app</title><script src="/recorder.js"></script>'
        '<script defer="defer" src="/b/main.3c1d7d4f.js"></script></head>'
        '<body><noscript>You need JavaScript.</noscript><div id="root" class="root"></div>'
        '<div id="modal"></div></body></html>',
        ("app into root (interactive)", "parsed (interactive)", "load (complete)"),
        {
            "main.3c1d7d4f.js": """
            const root = document.getElementById("root");
            root.innerHTML = "<h1>The app</h1>";
            say(`app into ${root.className}`);
            document.addEventListener("DOMContentLoaded", () => say("parsed"));
            addEventListener("load", () => say("load"));
            """
        },
        peers=("main.3c1d7d4f.js",),
        probe="document.querySelector('#root').innerHTML",
        firefox=True,
    ),
    Idiom(
        "hand-written defer, DOMContentLoaded listener above",
        page(f'<script>document.addEventListener("DOMContentLoaded", () => {STARTS})</script>{DEFERRED_TAG}'),
        ("lib (interactive)", "start (interactive)"),
    ),
    Idiom(
        "hand-written defer, window.onload below",
        page(f"{DEFERRED_TAG}<script>window.onload = () => {STARTS}</script>"),
        ("lib (interactive)", "start (complete)"),
    ),
    Idiom(
        "hand-written defer with onload and onerror",
        page(
            PARSED_WITH
            + """<script defer src="/b/app.js" onload="say('onload'); lib.start()" onerror="say('onerror')"></script>"""
        ),
        ("lib (interactive)", "onload (interactive)", "start (interactive)", "load (complete)"),
    ),
    Idiom(
        "hand-written defer with integrity",
        page(f'{PARSED_WITH}<script defer src="/b/app.js" integrity="{{{{ integrity("app.js") }}}}"></script>'),
        ("lib (interactive)", "load (complete)"),
    ),
    Idiom(
        "blocking tag with integrity",
        page(f'{PARSED_WITH}<script src="/b/app.js" integrity="{{{{ integrity("app.js") }}}}"></script>{INLINE}'),
        IN_PLACE,
    ),
    Idiom(
        "hand-written defer with crossorigin",
        page(f'{PARSED_WITH}<script defer crossorigin src="/b/app.js"></script>'),
        ("lib (interactive)", "load (complete)"),
    ),
    Idiom(
        "one bundle with two deferred tags",
        page(f"{PARSED_WITH}{DEFERRED_TAG}{DEFERRED_TAG}"),
        ("lib (interactive)", "lib (interactive)", "load (complete)"),
    ),
    Idiom(
        "hand-written async",
        page('<script async src="/b/app.js"></script>'),
        ("lib when it comes", "start when it is there"),
        {"app.js": 'log.push("lib when it comes"); log.push("start when it is there");'},
    ),
    Idiom(
        "viral_script, bundle that throws at top level",
        page(f'{PARSED_WITH}{{{{ viral_script("/b/app.js") }}}}'),
        (
            "before (interactive)",
            "Uncaught Error: thrown at /b/app.js:1 (interactive)",
            "load (complete)",
        ),
        {"app.js": 'say("before"); throw new Error("thrown"); say("never");'},
        untold=("app.js",),
    ),
    Idiom(
        "blocking bundle that throws at top level",
        page(PARSED_WITH + BLOCKING_TAG + '<script>say("behind")</script>'),
        (
            "before (loading)",
            "Uncaught Error: thrown at /b/app.js:1 (loading)",
            "behind (loading)",
            "load (complete)",
        ),
        {"app.js": 'say("before"); throw new Error("thrown"); say("never");'},
    ),
    Idiom(
        "viral_script, 3 MB",
        page(f'{PARSED_WITH}{{{{ viral_script("/b/app.js") }}}}'),
        ("lib (interactive)", "load (complete)"),
        peers=("app.js",),
        sizes={"app.js": 3_000_000},
    ),
    Idiom(
        "query strings and a path that is not ASCII",
        page(
            PARSED_WITH
            + '{{ viral_script("/b/größe ä.js?v=1&x=ü") }}<script defer src="/b/größe ä.js?v=2&amp;y=%20#z"></script>'
        ),
        ("lib ?v=1&x=%C3%BC (interactive)", "lib ?v=2&y=%20 (interactive)", "load (complete)"),
        {"größe ä.js": "say(`lib ${new URL(document.currentScript.src).search}`);"},
        peers=("größe ä.js",),
        firefox=True,
    ),
    Idiom(
        "a URL that leads to the bundle's, blocking tag",
        page(PARSED_WITH + '<script src="/latest.js"></script><script>lib.start()</script>'),
        ("lib (loading)", "start (loading)", "load (complete)"),
        redirects={"/latest.js": "/b/app.js"},
        firefox=True,
    ),
    Idiom(
        "a URL that leads to the bundle's, deferred tag",
        page(PARSED_WITH + '<script defer src="/latest.js"></script><script defer src="/own/start.js"></script>'),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        scripts={"start.js": "lib.start()"},
        redirects={"/latest.js": "/b/app.js"},
        # The record has the URL that the page knows.
        untold=("app.js",),
        firefox=True,
    ),
    Idiom(
        "a URL that leads to the bundle's, deferred tag, no WebRTC",
        page(
            PARSED_WITH
            + "<script>if (sessionStorage.here) delete window.RTCPeerConnection; sessionStorage.here = 1;</script>"
            + '<script defer src="/latest.js"></script><script defer src="/own/start.js"></script>'
        ),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        scripts={"start.js": "lib.start()"},
        redirects={"/latest.js": "/b/app.js"},
        untold=("app.js",),
    ),
    Idiom(
        "blocking bundle that looks for its own tag",
        page(PARSED_WITH + BLOCKING_TAG + "<script>lib.start()</script>"),
        ("lib 1 true (loading)", "start (loading)", "load (complete)"),
        {
            "app.js": (
                "const own = document.querySelectorAll('script[src*=\"app.js\"]');"
                "say(`lib ${own.length} ${[...document.scripts].at(-1) === own[0]}`);"
                'var lib = { start: () => say("start") };'
            )
        },
        firefox=True,
    ),
)
