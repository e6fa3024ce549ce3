"""Clients of two versions meet on a page, by way of a cache or of a deployment: every app runs, and each once.

`tests/last_release/` has the built client of the last release; `docs/contributing.rst` says when it is renewed.
"""

import json

import pytest

from tests.support.last_release import LastRelease
from tests.support.site import Site
from tests.support.until import until

TAGS = "{{ viral_script('/b/a.js') }}{{ viral_script('/b/b.js') }}"
NOTE = '(globalThis.order ??= []).push("{}");'
FILLER = "/*" + "-" * 5_000 + "*/"
# How the two bundles come, and which of them with the last release's client.
MIXTURES = [
    (("full", "thin"), "a"),
    (("full", "thin"), "b"),
    (("thin", "full"), "b"),
    (("thin", "thin"), "a"),
    (("thin", "thin"), "b"),
]


@pytest.fixture
def mix(stage):
    """Show a page with two bundles to a visitor: how they come, which of them with the last release's client."""

    def show(kinds, old, answer) -> LastRelease:
        site: Site = stage.site
        thin = [name for name, kind in zip("ab", kinds, strict=True) if kind == "thin"]
        site.bundles = {f"{name}.js": (NOTE.format(name) + FILLER).encode() for name in "ab"}
        site.show("", TAGS)
        site.show("seeded", "".join(f"{{{{ viral_script('/b/{name}.js') }}}}" for name in thin))
        stage.seeder.visit(site.url("seeded"))
        seeding = "new Set(events.filter(({ name }) => name === 'seeding').map(({ url }) => url)).size"
        until(lambda: stage.seeder.js(seeding) == len(thin), "all bundles to be seeded that are to come thin")
        last_release = LastRelease(site, [f"/b/{name}.js" for name in old], answer)
        stage.visitor.visit(site.url())
        return last_release

    return show


def seen(stage, expression, done="window.ViralJS?.deliveries.length >= 2"):
    return stage.look(stage.visitor, expression, done)


def assert_ran(stage):
    """Both apps run, once, in order, without an error, and both are told of, once."""
    ready = "ViralJS.ready.then((records) => { window.records = records; })"
    until(lambda: stage.visitor.js("window.ViralJS?.deliveries.length >= 2"), "two deliveries")
    stage.visitor.js(ready)
    assert seen(stage, "[order, errors, visits]", "window.records") == [["a", "b"], [], 1]
    urls = [stage.site.url(f"b/{name}.js") for name in "ab"]
    assert sorted(seen(stage, "ViralJS.deliveries.map(({ url }) => url)")) == urls
    assert sorted(seen(stage, "records.map(({ url }) => url)")) == urls
    assert sorted(seen(stage, "events.filter(({ name }) => name === 'delivered').map(({ url }) => url)")) == urls


def assert_seeds(stage, names):
    wanted = json.dumps([stage.site.url(f"b/{name}.js") for name in names])
    sees = f"{wanted}.every((url) => events.some((one) => one.name === 'seeding' && one.url === url))"
    until(lambda: stage.visitor.js(sees), f"{names} to be seeded")
    assert seen(stage, "errors") == []


@pytest.mark.parametrize(("kinds", "old"), MIXTURES, ids="-".join)
def test_a_page_with_clients_of_two_versions_runs_and_seeds_all_and_pauses_all(kinds, old, stage, mix):
    mix(kinds, old, "its own")
    assert_ran(stage)
    sources = dict(seen(stage, "ViralJS.deliveries.map(({ url, source }) => [url.slice(-4), source])"))
    came = {"full": "server", "thin": "peers"}
    assert sources == {f"{name}.js": came[kind] for name, kind in zip("ab", kinds, strict=True)}
    assert_seeds(stage, "ab")
    stage.site.wait_for_seeders(2)
    stage.visitor.js("ViralJS.pause()")
    stage.site.wait_for_seeders(1)


def test_older_clients_whose_further_scripts_are_answered_with_todays_deliver_and_seed(stage, mix):
    last_release = mix(("thin", "thin"), "ab", "today's")
    assert_ran(stage)
    assert {one["source"] for one in seen(stage, "ViralJS.deliveries")} == {"peers"}
    assert_seeds(stage, "ab")
    assert "receive.js" in last_release.asked


@pytest.mark.parametrize("old", ["a", "b"], ids=["older-first", "newer-first"])
def test_an_older_client_whose_further_scripts_are_gone_gets_its_bundle_from_the_server(old, stage, mix):
    last_release = mix(("thin", "thin"), old, "none")
    assert_ran(stage)
    told = seen(stage, "ViralJS.deliveries.map(({ url, source, reason }) => [url.slice(-4), source, reason])")
    assert sorted(told) == [
        [f"{name}.js", *(("server", "client") if name in old else ("peers", None))] for name in "ab"
    ]
    assert "receive.js" in last_release.asked
    assert_seeds(stage, [name for name in "ab" if name not in old])
