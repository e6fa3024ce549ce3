"""Late events, order and policies: a bundle runs as its own script element would have run it, however it came."""

import pytest

from tests.browser.stage import LINGER
from tests.support.chromium import LAN_HOST
from tests.support.site import NONCE, TAG, bundle


@pytest.fixture(scope="module")
def pair(lasting_browsers):
    return lasting_browsers(), lasting_browsers()


# What a bundle sees


CURRENT = (
    "const { src, dataset, type, defer } = document.currentScript; var current = [src, { ...dataset }, type, defer];"
)


def test_a_bundle_that_peers_deliver_on_plain_http_does_not_see_the_mark(stage):
    stage.show("{{ viral_script(url_for('bundle', name='app.js', v=1)) }}", {"app.js": CURRENT})
    url = stage.site.url(host=LAN_HOST)
    stage.seeder.visit(url).seeding()
    assert stage.visitor.visit(url).delivery()["source"] == "peers"
    assert stage.visitor.js("current[0]") == stage.site.url("b/app.js?v=1", LAN_HOST)
    assert [one.query for one in stage.site.sent("/b/app.js")] == ["v=1&viraljs=script"] * 2


# Events that pass while a bundle is on its way


LISTENERS = """
globalThis.heard = [];
const note = (name) => function (event) { heard.push(`${name} ${event.type} ${this === event.currentTarget}`); };
for (const type of ["DOMContentLoaded", "readystatechange"]) document.addEventListener(type, note("document"));
for (const type of ["DOMContentLoaded", "load", "pageshow"]) window.addEventListener(type, note("window"));
window.addEventListener("load", { handleEvent: ({ type }) => heard.push(`object ${type}`) }, { once: true });
window.onload = note("onload");
window.onpageshow = note("onpageshow");
document.onreadystatechange = note("onreadystatechange");
"""
HEARD = [
    "document DOMContentLoaded true",
    "document readystatechange true",
    "object load",
    "onload load true",
    "onpageshow pageshow true",
    "onreadystatechange readystatechange true",
    "window DOMContentLoaded true",
    "window load true",
    "window pageshow true",
]


def test_listeners_of_a_bundle_that_ran_before_the_page_had_loaded_hear_of_it_once(stage, browsers):
    stage.show(f"{TAG}<img src='/image'>", {"app.js": LISTENERS})
    visitor = browsers(page_load_strategy="none")
    stage.seed()
    with stage.site.held("image") as release:
        visitor.visit(stage.site.url())
        assert visitor.delivery()["source"] == "peers"
        assert visitor.js("document.readyState") == "interactive"
        assert visitor.js("heard.sort()") == [one for one in HEARD if "DOMContentLoaded" in one]
        release()
    visitor.wait_for(f"heard.length >= {len(HEARD)}")
    visitor.js(LINGER)
    assert visitor.js("heard.sort()") == HEARD


def test_listeners_see_the_event_that_they_would_have_seen(stage):
    code = """
    globalThis.heard = [];
    for (const type of ["DOMContentLoaded", "load", "pageshow"]) {
      addEventListener(type, ({ target, currentTarget, persisted }) => {
        heard.push([type, target === document, currentTarget === window, persisted ?? "no such property"]);
      });
    }
    """
    heard = [
        ["DOMContentLoaded", True, True, "no such property"],
        ["load", True, True, "no such property"],
        ["pageshow", True, True, False],
    ]
    assert stage.show(bundles={"app.js": code}).each("heard", "heard.length >= 3") == [heard] * 3


def test_listeners_that_a_bundle_adds_twice_or_takes_back_are_called_as_ever(stage):
    code = """
    globalThis.heard = [];
    const twice = () => heard.push("twice"), never = () => heard.push("never"), last = () => heard.push("last");
    addEventListener("load", twice);
    addEventListener("load", twice);
    addEventListener("load", never);
    removeEventListener("load", never);
    addEventListener("load", last);
    """
    assert stage.show(bundles={"app.js": code}).each("heard", "heard.includes('last')") == [["twice", "last"]] * 3


# Bundles that need each other


PUSH = "(globalThis.ran ??= []).push"


@pytest.mark.parametrize("sizes", [(2_000_000, 300), (300, 2_000_000)], ids=["the larger first", "the smaller first"])
def test_bundles_run_in_the_order_of_their_tags(sizes, stage):
    stage.show(
        "{{ viral_script('/b/one.js') }}{{ viral_script('/b/two.js') }}",
        {
            name: bundle(size, code=f'{PUSH}("{name}");').decode()
            for name, size in zip(("one.js", "two.js"), sizes, strict=True)
        },
    )
    assert stage.each("[ran, runs]", "ran.length >= 2") == [[["one.js", "two.js"], 2]] * 3


def test_a_script_behind_a_bundle_that_is_not_there_says_so_once_in_its_turn(stage):
    """Browsers say so as soon as they know, and the script is asked for again."""
    stage.show(
        "<script>var missed = [];</script>{{ viral_script('/b/app.js') }}"
        '<script defer src="/gone.js" onerror="missed.push(window.runs)"></script>',
        {"app.js": bundle().decode()},
    )
    stage.seed()
    assert stage.look(stage.deliver(), "missed", "missed.length") == [1]


# Policies


NONCED = f"script-src 'nonce-{NONCE}'"


@pytest.mark.parametrize(
    "policy",
    [
        f"default-src 'none'; connect-src 'self'; img-src data:; {NONCED}",
        f"{NONCED} 'strict-dynamic'; object-src 'none'; base-uri 'none'",
        f"{NONCED}; require-trusted-types-for 'script'; trusted-types viraljs",
    ],
    ids=["nonce", "nonce and strict-dynamic", "Trusted Types"],
)
def test_peers_deliver_under_a_policy(policy, stage):
    watch = """
    window.broken = [];
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => broken.push(effectiveDirective));
    """
    stage.show(
        f'<script nonce="{NONCE}">{watch}</script>{TAG}', {"app.js": bundle().decode()}, Content_Security_Policy=policy
    )
    assert stage.each("[runs, answer, errors, broken]") == [[1, 42, [], []]] * 3
