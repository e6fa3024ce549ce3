"""Pages that are unusual as documents: SVG, XHTML, frames, a base, names that hide others, modules and their maps."""

from __future__ import annotations

from tests.sites.idioms.idiom import LIB, QUIET, STARTS, Idiom, page

TAG = '{{ viral_script("/b/app.js") }}'
HAND = '<script defer src="/b/app.js"></script>'
LOAD = '<script>addEventListener("load", () => say("load"));</script>'
DEFERRED = ("lib (interactive)", "load (complete)")
PEERS = ("app.js",)
DOCUMENT_NAMES = (
    "cookie",
    "currentScript",
    "scripts",
    "head",
    "body",
    "readyState",
    "createElement",
    "querySelector",
    "querySelectorAll",
    "addEventListener",
    "implementation",
    "visibilityState",
    "baseURI",
)
GLOBAL_NAMES = ("ViralJS", "viraljs", "viraljsNative", "viraljs_failures", "deliveries", "events", "module", "define")
SVG = '<svg xmlns="http://www.w3.org/2000/svg"{}><script {}="/b/app.js"></script></svg>'
MODULES = {
    "lib.js": 'say("lib"); export const start = () => say("start"); export default function other() {}',
    "main.js": 'import { start } from "./lib.js"; say("main"); start();',
}
AS_MODULES = ("lib (interactive)", "main (interactive)", "start (interactive)", "load (complete)")

PARSED = '<script>document.addEventListener("DOMContentLoaded", () => say("parsed"));</script>'
WRITES_ANEW = (
    'addEventListener("load", () => setTimeout(() => {'
    " document.open();"
    " document.write(`<!doctype html><title>Anew</title>TAGS`);"
    ' document.addEventListener("DOMContentLoaded", () => say("parsed"));'
    " document.close(); }));"
)

SHAPES = (
    Idiom(
        "a document that a script writes anew, blocking tag",
        page(
            body="<script>"
            + WRITES_ANEW.replace(
                "TAGS", HAND.replace("defer ", "").replace("</", "<\\/") + "<script>lib.start()<\\/script>"
            )
            + "</script>"
        ),
        ("lib (loading)", "start (loading)", "parsed (interactive)"),
        firefox=True,
    ),
    Idiom(
        "all objects have a get",
        page(LOAD + PARSED + '<script>Object.prototype.get = function () { return "got"; };</script>' + TAG),
        ("lib (interactive)", "parsed (interactive)", "load (complete)"),
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "all objects have a get, blocking tag",
        page(
            LOAD
            + PARSED
            + '<script>Object.prototype.get = function () { return "got"; };</script>'
            + HAND.replace("defer ", "")
            + "<script>lib.start()</script>"
        ),
        ("lib (loading)", "start (loading)", "parsed (interactive)", "load (complete)"),
    ),
    Idiom(
        "a page that keeps its cookies to itself",
        page(
            LOAD
            + PARSED
            + '<script>Object.defineProperty(document, "cookie", { get() { throw new Error("no"); } });</script>'
            + HAND
            + "<script defer src=/own/start.js></script>"
        ),
        ("lib (interactive)", "start (interactive)", "parsed (interactive)", "load (complete)"),
        scripts={"start.js": STARTS},
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "a library has a class of its own under Event",
        page(LOAD + PARSED + "<script>window.Event = class { constructor() { this.kept = []; } };</script>" + TAG),
        ("lib (interactive)", "parsed (interactive)", "load (complete)"),
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "script in inline SVG, href",
        page(LOAD, SVG.format("", "href")),
        ("lib (loading)", "load (complete)"),
        firefox=True,
    ),
    Idiom(
        "script in inline SVG, xlink:href",
        page(LOAD, SVG.format(' xmlns:xlink="http://www.w3.org/1999/xlink"', "xlink:href")),
        ("lib (loading)", "load (complete)"),
    ),
    Idiom(
        "form with the id ViralJS",
        page(LOAD, f'<form id="ViralJS"><input name="deliveries"></form>{TAG}'),
        DEFERRED,
        firefox=True,
    ),
    Idiom("form with the id viraljsNative", page(LOAD, f'<form id="viraljsNative"></form>{TAG}'), DEFERRED),
    Idiom(
        "elements with many ids of globals",
        page(LOAD, "".join(f'<a id="{name}"></a>' for name in GLOBAL_NAMES) + TAG),
        DEFERRED,
    ),
    Idiom(
        "elements whose names hide the document's properties",
        page(LOAD, "".join(f'<img name="{name}" alt="">' for name in DOCUMENT_NAMES) + TAG),
        DEFERRED,
        untold=("app.js",),
        firefox=True,
    ),
    Idiom(
        "form around the tag, whose fields hide its properties",
        page(LOAD, f'<form>{HAND}<input name="parentNode"><input name="children"><input name="insertBefore"></form>'),
        DEFERRED,
    ),
    Idiom(
        "page in an iframe",
        page("", '<iframe src="/inner"></iframe>'),
        ("lib (interactive)", "start (interactive)", "load (complete)"),
        pages={"/inner": page(LOAD + TAG + f'<script>addEventListener("DOMContentLoaded", () => {STARTS})</script>')},
        window="frames[0]",
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "page in a sandboxed iframe",
        page(
            """<script>addEventListener("message", ({ data }) => log.push(data));</script>""",
            '<iframe sandbox="allow-scripts" src="/inner"></iframe>',
        ),
        ("lib", "load with object"),
        {"app.js": 'parent.postMessage("lib", "*"); var lib = {};'},
        pages={
            "/inner": "<!doctype html><title>Inner</title>"
            '<script>addEventListener("load", () => parent.postMessage(`load with ${typeof lib}`, "*"));</script>' + TAG
        },
    ),
    Idiom(
        "srcdoc frame with a blocking tag",
        page(
            "",
            "<iframe srcdoc='<!doctype html><script>var say = (what) => parent.log.push(what);</script>"
            f'<script src="/b/app.js"></script><script>{STARTS}</script>\'></iframe>',
        ),
        ("lib", "start"),
        {"app.js": 'say("lib"); var lib = { start: () => say("start") };'},
    ),
    Idiom(
        "base href of a folder, relative src",
        page(f'<base href="/b/">{LOAD}<script defer src="app.js"></script>'),
        DEFERRED,
        peers=PEERS,
        firefox=True,
    ),
    Idiom(
        "base href of elsewhere, viral_script",
        page(
            f'<base href="/somewhere/else/">{LOAD}{TAG}',
            "<script>document.querySelector('base').href = '/x/';</script>",
        ),
        DEFERRED,
        peers=PEERS,
    ),
    Idiom(
        "base href of the whole origin, blocking tag",
        page(
            '<base href="{{ request.host_url }}" target="_top">' + LOAD + '<script src="b/app.js"></script>'
            f"<script>{STARTS}</script>"
        ),
        ("lib (loading)", "start (loading)", "load (complete)"),
    ),
    Idiom(
        "XHTML, deferred",
        '<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><head>'
        '<title>XHTML</title><link rel="icon" href="data:,"/><script src="/recorder.js"></script>'
        f'<script>addEventListener("load", function () {{ {STARTS}; }});</script>'
        '<script defer="defer" src="/b/app.js"></script></head><body><p>One.</p></body></html>',
        ("lib", "start"),
        QUIET,
        media_type="application/xhtml+xml",
        firefox=True,
    ),
    Idiom(
        "XHTML, blocking tag and inline script",
        '<?xml version="1.0" encoding="UTF-8"?>\n<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en"><head>'
        '<title>XHTML</title><link rel="icon" href="data:,"/><script src="/recorder.js"></script>'
        '<script src="/b/app.js"></script></head><body><p>One.</p>'
        f"<script>//<![CDATA[\n{STARTS}\n//]]></script></body></html>",
        ("lib (loading)", "start (loading)"),
        media_type="application/xhtml+xml",
    ),
    Idiom(
        "SVG document",
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:h="http://www.w3.org/1999/xhtml">'
        '<script href="/recorder.js"/><script href="/b/app.js"/><circle r="5"/>'
        f"<script>{STARTS}</script></svg>",
        ("lib (loading)", "start (loading)"),
        media_type="image/svg+xml",
    ),
    Idiom(
        "bundle that removes its own element and asks for its data",
        page(LOAD + '{{ viral_script("/b/app.js", data_site="abc", id="app") }}'),
        ("lib for abc, app, /b/app.js (interactive)", "load (complete)"),
        {
            "app.js": """
            const own = document.currentScript;
            say(`lib for ${own.dataset.site}, ${own.id}, ${new URL(own.src).pathname}`);
            own.remove();
            """
        },
        peers=PEERS,
        probe="document.scripts.length",
    ),
    Idiom(
        "preload and prefetch of the bundle",
        page(f'<link rel="preload" as="script" href="/b/app.js">{LOAD}{HAND}'),
        DEFERRED,
    ),
    Idiom(
        "import map of a bundle",
        page(
            '<script type="importmap">{"imports": {"lib": "/b/lib.js"}}</script>' + LOAD,
            '<script type="module">import { start } from "lib"; say("main"); start();</script>',
        ),
        AS_MODULES,
        {"lib.js": MODULES["lib.js"]},
        firefox=True,
    ),
    Idiom(
        "modulepreload, module by hand",
        page(
            '<link rel="modulepreload" href="/b/lib.js"><link rel="modulepreload" href="/b/main.js">'
            f'{LOAD}<script type="module" src="/b/main.js"></script>'
        ),
        AS_MODULES,
        MODULES,
        firefox=True,
    ),
    Idiom(
        "module of viral_script, inline module behind",
        page(
            f'{LOAD}{{{{ viral_script("/b/main.js", type="module") }}}}'
            '<script type="module">import { start } from "/b/lib.js"; start();</script>'
        ),
        ("lib (interactive)", "main (interactive)", "start (interactive)", "start (interactive)", "load (complete)"),
        MODULES,
        firefox=True,
        untold=("lib.js",),  # of the page's modules, the log names the one with the tag
    ),
    Idiom(
        "module and nomodule beside each other",
        page(f'{LOAD}<script type="module" src="/b/main.js"></script><script nomodule defer src="/b/app.js"></script>'),
        AS_MODULES,
        {**MODULES, "app.js": LIB},
    ),
    Idiom(
        "dynamic import of a bundle by an inline script",
        page(
            """<script>
            addEventListener("load", () => import("/b/main.js").then((main) => say(Object.keys(main).join()), say));
            </script>"""
        ),
        ("lib (complete)", "main (complete)", "start (complete)", " (complete)"),
        MODULES,
    ),
)
