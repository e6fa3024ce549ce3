"""Scripts of our own that lean on what is easily lost when a script is run otherwise than from its element."""

from __future__ import annotations

from typing import Any

from tests.fidelity.packages import FULL, IMPORTS, SMALL, SMALL_BYTES, WORKER, Package, steps

HERE = "own/odd/app.js"


def odd(name: str, code: str | bytes, probe: str = "[]", *, content_type: str = "", **others: Any) -> Package:
    """Make a page of one script; the others are those of `Package`."""
    types = {HERE: content_type} if content_type else {}
    return Package(name, (HERE,), probe, files={"odd/app.js": code}, types=types, **others)


SCOPE = (
    odd(
        "declarations that a later script uses",
        """
        let count = 1;
        const fixed = "constant";
        class Box { value = 7; }
        var old = "var";
        function declared() { return count; }
        async function later() { return fixed; }
        """,
        """[used, count, new Box().value, typeof fixed, "count" in window, "old" in window, "Box" in window,
            Object.getOwnPropertyDescriptor(window, "declared").configurable]""",
        app="count += 1; var used = [declared(), fixed, new Box().value, old];",
        ready="typeof used === 'object'",
    ),
    odd(
        "strict mode at the top",
        """"use strict";
        globalThis.inside = (function () { return String(this); })();
        try { undeclared = 1; } catch (error) { globalThis.refused = error.name; }
        """,
        "[inside, refused, leaked]",
        # A directive is for its own script.
        app="leaked = (function () { return this === window; })();",
        ready="window.leaked !== undefined",
    ),
    odd(
        "this at the top",
        "this.own = this === window; (function (root) { root.factory = typeof root; })(this);",
        "[own, factory]",
    ),
    odd(
        "a name that is taken",
        "let same = 1;",
        "typeof same",
        head="<script>const same = 'taken';</script>",
        calm=" ",
        ready="typeof same === 'string'",
    ),
    odd(
        "a syntax error",
        "globalThis.before = 1;\nlet = = 2;\n",
        "typeof before",
        # The addition behind it is not read either, so nobody seeds it.
        answers={HERE: FULL},
    ),
)

TEXT = (
    odd(
        "a licence at the top",
        "/*! Our own code | (c) its authors | free for all */\n!function(){window.licensed=1}();",
        "licensed",
    ),
    odd("HTML-like comments", "<!-- hidden from old browsers\nwindow.shown = 1;\n--> the end", "shown"),
    odd("a hashbang", "#!/usr/bin/env node\nwindow.started = 1;", "started"),
    odd("a source map at the end", "window.mapped = 1;\n//# sourceMappingURL=app.js.map", "mapped"),
    odd("a source map at the end, and a new line", "window.mapped = 1;\n//# sourceMappingURL=app.js.map\n", "mapped"),
    odd("no semicolon at the end", "window.call = function () { return 'not called' }", "call()"),
    odd("an open comment at the end", "window.open_ = 1 // and so on", "open_"),
)

CHARSETS = (
    odd(
        "Latin-1",
        'window.text = "Käse, früh, ©";'.encode("latin-1"),
        "text",
        content_type="text/javascript; charset=iso-8859-1",
    ),
    odd(
        "windows-1251",
        'window.text = "Съешь ещё этих мягких булок";'.encode("windows-1251"),
        "text",
        content_type="text/javascript; charset=windows-1251",
    ),
    odd(
        "Shift_JIS",
        'window.text = "いろはにほへと 表示"; window.regular = /表+/.test(text);'.encode("shift_jis"),
        "[text, regular]",
        content_type="text/javascript; charset=shift_jis",
    ),
    odd(
        "a charset that the tag names",
        'window.text = "Grüße";'.encode("latin-1"),
        "text",
        content_type="text/javascript",
        attributes={"charset": "iso-8859-1"},
    ),
)

WHEREABOUTS = (
    odd(
        "document.currentScript",
        """
        const { src, type, defer, async, id, dataset, parentElement, crossOrigin, text } = document.currentScript;
        window.found = [src, new URL("data.json", src).pathname, type, defer, async, id, { ...dataset },
                        parentElement.tagName, crossOrigin, text];
        """,
        "found",
        attributes={"id": "odd", "data_key": "value"},
    ),
    odd(
        "attributes of document.currentScript",
        """
        const { attributes } = document.currentScript;
        window.found = [...attributes].map(({ name, value }) => `${name}=${value}`).sort();
        """,
        "found",
        attributes={"id": "odd", "data_key": "value"},
    ),
    odd(
        "the last script of the document",
        """
        const scripts = document.getElementsByTagName("script");
        window.found = [scripts[scripts.length - 1].src, scripts.length];
        """,
        "found",
    ),
    odd(
        "scanning for its address",
        r"""
        const found = [...document.scripts].filter(({ src }) => /\bodd\/app\.js$/.test(src));
        window.base = found.map(({ src }) => src.replace(/app\.js$/, ""));
        window.options = [...document.querySelectorAll("script[data-options]")].map(({ dataset }) => dataset.options);
        """,
        "[base, options]",
        attributes={"data_options": "a,b"},
    ),
    odd(
        "the stack of an error",
        r"""
        const where = /https?:[^\s)]*\/|blob:[^\s)]*/.exec(new Error("here").stack);
        window.base = where && where[0];
        """,
        "base",
    ),
    Package(
        "loading beside itself",
        (HERE,),
        "loaded",
        ready="window.loaded",
        files={
            "odd/app.js": """
            const { src } = document.currentScript;
            const script = document.createElement("script");
            script.src = new URL("part.js", src);
            script.onload = ({ type, target }) => (window.loaded = [type, target === script, window.part, script.src]);
            document.head.append(script);
            """,
            "odd/part.js": "window.part = document.currentScript.src;",
        },
    ),
)

BESIDES = (
    Package(
        "a worker beside itself",
        (HERE,),
        steps("""
        const worker = new Worker(workerUrl);
        return [workerUrl, await new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)))];
        """),
        ready="window.workerUrl",
        files={
            "odd/app.js": "window.workerUrl = new URL('worker.js', document.currentScript.src).href;",
            "odd/worker.js": "importScripts('part.js'); postMessage([part, location.href]);",
            "odd/part.js": "self.part = 'a part';",
        },
        answers={"own/odd/worker.js": WORKER, "own/odd/part.js": FULL},
    ),
    Package(
        "import() of a path that is written out",
        (HERE,),
        "imported",
        ready="window.imported",
        files={
            "odd/app.js": "import('./part.js').then(({ part }) => (window.imported = part));",
            "odd/part.js": "export const part = import.meta.url;",
        },
        answers={HERE: IMPORTS, "own/odd/part.js": SMALL},
        min_size=SMALL_BYTES,
    ),
    Package(
        "import() beside itself",
        (HERE,),
        "imported",
        ready="window.imported",
        files={
            "odd/app.js": """
            import(new URL("part.js", document.currentScript.src)).then(({ part }) => (window.imported = part));
            """,
            "odd/part.js": "export const part = import.meta.url;",
        },
        answers={HERE: IMPORTS, "own/odd/part.js": SMALL},
        min_size=SMALL_BYTES,
    ),
)

TROUBLE = (
    odd(
        "an error of a listener",
        """
        addEventListener("click", () => {
          throw new RangeError("on purpose");
        });
        """,
        "document.body.click()",
    ),
    odd("a promise that is rejected", "window.tried = true; Promise.reject(new TypeError('on purpose'));", "tried"),
    odd(
        "an error at the top",
        "window.tried = true;\n\n  if (!window.calm) throw new Error('on purpose');",
        "tried",
        calm="<script>window.calm = true;</script>",
        ready="window.tried",
    ),
    odd(
        "console output",
        """
        console.log("a", 1, { b: [2] });
        console.warn("%s is bold", "this");
        console.group("inside");
        console.info(document.currentScript.src);
        console.groupEnd();
        console.assert(false, "asserted");
        """,
    ),
)

TIMES = (
    odd(
        "events of the page",
        """
        window.heard = [];
        for (const type of ["DOMContentLoaded", "load", "pageshow"]) addEventListener(type, () => heard.push(type));
        document.addEventListener("readystatechange", () => heard.push(document.readyState));
        window.onload = () => heard.push("onload");
        """,
        "heard.toSorted()",
        ready="heard.includes('pageshow')",
    ),
    odd(
        "a parsed document",
        # Not whether it is "interactive" or "complete": peers may deliver before or after it has loaded.
        "window.state = [document.readyState !== 'loading', document.querySelector('#after') !== null];",
        "state",
        body='<div id="after"></div>',
    ),
    odd(
        "globals that are elements",
        "window.named = typeof place === 'object' && place.tagName; var place2 = 1;",
        "[named, place2]",
        body='<div id="place"></div><div id="place2"></div>',
    ),
)

ODDITIES = (*SCOPE, *TEXT, *CHARSETS, *WHEREABOUTS, *BESIDES, *TROUBLE, *TIMES)
