"""Pages on which other scripts put the bundle's tag: loaders, AMD, Turbo, htmx, consent managers."""

from __future__ import annotations

from tests.sites.idioms.idiom import LIB, QUIET, STARTS, Idiom, page

PARSED_WITH = '<script>addEventListener("load", () => say("load"));</script>'
AMD = """
(function (root, factory) {
  if (typeof define === "function" && define.amd) define([], factory);
  else root.lib = factory();
})(this, function () {
  say("lib");
  return { start: () => say("start") };
});
"""
"""As UMD modules begin."""
REQUIRE = '<script src="/npm/requirejs/require.js"></script>'

LOADERS = (
    Idiom(
        "loader: inserted, async, with onload",
        page(
            """<script>
            const script = document.createElement("script");
            script.src = "/b/app.js";
            script.onload = () => { log.push("onload"); lib.start(); };
            script.onerror = () => log.push("onerror");
            document.head.append(script);
            </script>"""
        ),
        ("lib", "onload", "start"),
        QUIET,
        firefox=True,
    ),
    Idiom(
        "loader: the analytics snippet",
        page(
            """<script>
            (function (d, t) {
              var g = d.createElement(t), s = d.getElementsByTagName(t)[0];
              g.async = 1; g.src = "/b/app.js"; s.parentNode.insertBefore(g, s);
            })(document, "script");
            window.queue = window.queue || []; queue.push("before");
            </script>"""
        ),
        ("lib with before",),
        {"app.js": "log.push(`lib with ${queue.join()}`);"},
    ),
    Idiom(
        "loader: inserted with async = false, in order",
        page(
            """<script>
            for (const name of ["/b/app.js", "/own/own.js", "/b/two.js"]) {
              const script = document.createElement("script");
              script.src = name;
              script.async = false;
              document.head.append(script);
            }
            </script>"""
        ),
        ("lib", "start", "two", "start"),
        {**QUIET, "two.js": f'log.push("two"); {STARTS}'},
        scripts={"own.js": STARTS},
        firefox=True,
    ),
    Idiom(
        "loader: a chain of onload callbacks",
        page(
            """<script>
            const load = (src, then) => {
              const script = document.createElement("script");
              script.onload = script.onreadystatechange = then;
              script.src = src;
              document.body.appendChild(script);
            };
            addEventListener("load", () => load("/b/app.js", () => load("/b/two.js", () => say("end"))));
            </script>"""
        ),
        ("lib (complete)", "two (complete)", "start (complete)", "end (complete)"),
        {"app.js": LIB, "two.js": f'say("two"); {STARTS}'},
    ),
    Idiom(
        "loader: promises, after a click, the tag removed behind it",
        page(
            "",
            """<button>Open</button><script>
            const load = (src) => new Promise((resolve, reject) => {
              const script = Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject });
              document.head.appendChild(script).remove();
            });
            document.querySelector("button").onclick = () =>
              load("/b/app.js").then(() => lib.start(), () => say("failed"));
            </script>""",
        ),
        ("lib (complete)", "start (complete)"),
        clicks=(("button", "log.length >= 2"),),
    ),
    Idiom(
        "loader: jQuery's append and getScript",
        page(
            '<script src="/npm/jquery/dist/jquery.min.js"></script>',
            """<script>
            $(window).on("load", async () => {
              $("body").append('<script src="/b/app.js"></' + "script>");
              const timer = setInterval(() => window.lib && (clearInterval(timer), lib.start(), next()), 5);
              const next = () => $.getScript("/b/two.js").then(() => say("got"), () => say("failed"));
            });
            </script>""",
        ),
        ("lib (complete)", "start (complete)", "two (complete)", "got (complete)"),
        {"app.js": LIB, "two.js": 'say("two");'},
    ),
    Idiom(
        "loader: the text of the bundle by fetch, in an inline script",
        page(
            """<script>
            fetch("/b/app.js").then((answer) => answer.text()).then((text) => {
              document.head.append(Object.assign(document.createElement("script"), { text }));
              log.push("behind");
              lib.start();
            });
            </script>"""
        ),
        ("lib", "behind", "start"),
        QUIET,
    ),
    Idiom(
        "RequireJS: bundles as modules",
        page(
            REQUIRE,
            """<script>
            require.config({ baseUrl: "/b" });
            require(["app", "two"], (app, two) => { app.start(); two(); });
            </script>""",
        ),
        ("lib", "two with lib", "start", "two runs"),
        {
            "app.js": AMD.replace("say(", "log.push("),
            "two.js": """define(["app"], (app) => {
              log.push(`two with ${typeof app.start === "function" ? "lib" : "nothing"}`);
              return () => log.push("two runs");
            });""",
        },
        probe="Object.keys(require.s.contexts._.defined).sort().join()",
        firefox=True,
    ),
    Idiom(
        "RequireJS: data-main is a bundle",
        page('<script data-main="/b/main" src="/npm/requirejs/require.js"></script>'),
        ("main", "lib", "start"),
        {
            "main.js": 'log.push("main"); require(["app"], (app) => app.start());',
            "app.js": AMD.replace("say(", "log.push("),
        },
    ),
    Idiom(
        "RequireJS beside viral_script: an AMD bundle that the page requires",
        page(
            REQUIRE + '<script>define("host", [], () => "host");</script>',
            '{{ viral_script("/b/app.js") }}'
            '<script>addEventListener("load", () => require(["lib"], (lib) => lib.start()));</script>',
        ),
        ("lib (complete)", "start (complete)"),
        {"app.js": AMD.replace("define([]", 'define("lib", []')},
        peers=("app.js",),
    ),
)

TURBO = '<script src="/npm/@hotwired/turbo/dist/turbo.es2017-umd.js" defer></script>'
TRACKED = (
    '{{ viral_script("/b/one.js", data_turbo_track="reload") }}'
    '{{ viral_script("/b/two.js", data_turbo_track="reload") }}'
)
HAND_TRACKED = (
    '<script defer src="/b/one.js" data-turbo-track="reload"></script>'
    '<script defer src="/b/two.js" data-turbo-track="reload"></script>'
)
LINKS = '<nav><a id="to2" href="/2">2</a> <a id="to3" href="/3">3</a> <a id="to4" href="/4">4</a></nav>'
TURBO_BUNDLES = {
    "one.js": """
    say("one");
    var lib = { start: (who) => say(`start for ${who}`) };
    document.addEventListener("turbo:load", () => say(`load of ${location.pathname}`));
    """,
    "two.js": 'say("two"); lib.start("two");',
}


def turbo_pages(tags: str) -> dict[str, str]:
    """Write the pages that links lead to."""
    return {
        f"/{number}": page(TURBO + tags, f"{LINKS}<h1>Page {number}</h1><script>lib.start({number})</script>")
        for number in (2, 3, 4)
    }


TURBO_CLICKS = tuple(
    (f"#to{number}", f"window.log?.some((line) => line.startsWith('load of /{number}'))") for number in (2, 3, 4)
)
TURBO_LOG = (
    "one (interactive)",
    "two (interactive)",
    "start for two (interactive)",
    "load of / (complete)",
    *(line for number in (2, 3, 4) for line in (f"start for {number} (complete)", f"load of /{number} (complete)")),
)
HTMX_LINKS = '<nav><a id="to2" href="/2">2</a> <a id="to3" href="/3">3</a></nav>'


def htmx_page(tag: str, name: str) -> str:
    """Write a page whose links htmx follows, with a bundle in its body."""
    return page(
        f'<script src="/npm/{name}/dist/htmx.min.js"></script>',
        HTMX_LINKS + tag + "<script>log.push(`inline of ${location.pathname}`)</script>",
        ' hx-boost="true" hx-boost:inherited="true"',  # the second is how version 4 has it
    )


def htmx(name: str, package: str, tag: str, peers: tuple[str, ...] = ()) -> Idiom:
    """Make a case of a page that htmx changes twice."""
    html = htmx_page(tag, package)
    return Idiom(
        name,
        html,
        (),
        QUIET,
        peers=peers,
        pages={"/2": html, "/3": html},
        clicks=tuple(
            (
                f"#to{number}",
                f"location.pathname === '/{number}' && log.filter((one) => one === 'lib').length > {number - 1}",
            )
            for number in (2, 3)
        ),
        before_clicks=2,
        probe="[[...log].sort(), document.scripts.length]",
    )


CHANGERS = (
    Idiom(
        "Turbo 8, two tracked bundles, three clicks",
        page(TURBO + TRACKED, LINKS),
        TURBO_LOG,
        TURBO_BUNDLES,
        peers=("one.js", "two.js"),
        pages=turbo_pages(TRACKED),
        clicks=TURBO_CLICKS,
        before_clicks=4,
        probe="[...document.scripts].filter(({ dataset }) => dataset.turboTrack).length",
        firefox=True,
    ),
    Idiom(
        "Turbo 8, two tracked bundles by hand, three clicks",
        page(TURBO + HAND_TRACKED, LINKS),
        TURBO_LOG,
        TURBO_BUNDLES,
        pages=turbo_pages(HAND_TRACKED),
        clicks=TURBO_CLICKS,
        before_clicks=4,
        probe="[...document.scripts].map((script) => script.outerHTML)",
    ),
    Idiom(
        "Turbo 8, a bundle in the body of the next page",
        page(TURBO, LINKS),
        ("lib (complete)", "lib (complete)"),
        {"app.js": 'say("lib");'},
        pages={f"/{number}": page(TURBO, LINKS + '<script src="/b/app.js"></script>') for number in (2, 3, 4)},
        clicks=(("#to2", "log.length >= 1"), ("#to3", "log.length >= 2")),
    ),
    htmx("htmx 2 boosts, blocking tag in body", "htmx-classic", '<script src="/b/app.js"></script>'),
    htmx("htmx 2 boosts, viral_script in body", "htmx-classic", '{{ viral_script("/b/app.js") }}', ("app.js",)),
    htmx("htmx 4 boosts, blocking tag in body", "htmx.org", '<script src="/b/app.js"></script>'),
    htmx("htmx 4 boosts, viral_script in body", "htmx.org", '{{ viral_script("/b/app.js") }}', ("app.js",)),
)

REINSERT = """<script>
const accept = () => {
  for (const old of document.querySelectorAll('script[type="text/plain"][data-category]')) {
    const script = document.createElement("script");
    for (const { name, value } of old.attributes) if (name !== "type") script.setAttribute(name, value);
    script.text = old.text;
    script.addEventListener("load", () => { log.push("loaded"); lib.start(); });
    old.parentNode.replaceChild(script, old);
  }
};
</script>"""
LATER = ("lib", "loaded", "start")

CONSENT = (
    Idiom(
        "consent manager: tag re-inserted after a click",
        page(
            REINSERT,
            '<script type="text/plain" data-category="all" src="/b/app.js"></script><button>Yes</button>'
            '<script>document.querySelector("button").onclick = accept;</script>',
        ),
        LATER,
        QUIET,
        clicks=(("button", "log.length >= 3"),),
        firefox=True,
    ),
    Idiom(
        "consent manager: tag of viral_script re-inserted after a click",
        page(
            REINSERT + '{{ viral_script("/b/app.js", type="text/plain", data_category="all") }}',
            '<button>Yes</button><script>document.querySelector("button").onclick = accept;</script>',
        ),
        LATER,
        QUIET,
        peers=("app.js",),
        clicks=(("button", "log.length >= 3"),),
    ),
    Idiom(
        "consent manager: consent of an earlier visit",
        page(
            REINSERT + '<script>addEventListener("DOMContentLoaded", accept);</script>'
            '<script type="text/plain" data-category="all" data-src="/b/app.js" src="/b/app.js"></script>'
        ),
        LATER,
        QUIET,
    ),
)
