"""Two apps in one process, with a prefix, a secret and bundles of their own, and the signals that tell them apart."""

from unittest.mock import Mock

import pytest
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from tests.support.visits import (
    SCRIPT,
    add_seeder,
    delivery_of,
    digest_of,
    island_of,
    new_app,
    serve_bundle,
    state_of,
    visit,
)
from viraljs import ViralJS, signals
from viraljs.errors import TokenError

ONE, OTHER = b"one()\n", b"other()\n"


@pytest.fixture
def apps():
    viral = ViralJS()
    one, other = new_app(viral, URL_PREFIX="/one"), new_app(viral, URL_PREFIX="/other/deep", PEERS=1)
    one.secret_key, other.secret_key = "one secret", "other secret"
    serve_bundle(one, lambda: ONE)
    serve_bundle(other, lambda: OTHER)
    return one, other


def test_each_has_its_bundle_and_its_prefix(apps):
    islands = [island_of(visit(app).data) for app in apps]

    assert [island["base"] for island in islands] == ["/one", "/other/deep"]
    assert [island["digest"] for island in islands] == [digest_of(ONE), digest_of(OTHER)]
    assert apps[0].test_client().post("/one/offers").status_code == 403
    assert apps[0].test_client().post("/other/deep/offers").status_code == 404


def test_seeders_of_one_are_no_seeders_of_the_other(apps):
    one, other = apps
    for data in (ONE, OTHER):
        add_seeder(one, data)

    assert [delivery_of(visit(app)) for app in apps] == ["thin", "full"]
    assert state_of(one).registry is not state_of(other).registry


def test_what_one_has_signed_the_other_does_not_believe(apps):
    one, other = apps
    add_seeder(one, ONE)
    ticket = island_of(visit(one).data)["ticket"]

    assert state_of(one).tickets.read(ticket).digest == digest_of(ONE)
    with pytest.raises(TokenError):
        state_of(other).tickets.read(ticket)


def test_signals_tell_which_app_it_was(apps):
    one, other = apps
    heard: list[tuple[str, dict[str, object]]] = []

    def listen(sender, **what):
        heard.append((sender.secret_key, what))

    with signals.response_decided.connected_to(listen, sender=one):
        full, _ = visit(one), visit(other)
        visit(one, "/app.js?viraljs=direct")

    assert heard == [
        (
            "one secret",
            {"url": "/app.js", "digest": digest_of(ONE), "kind": "full", "reason": None, "size": len(full.data)},
        ),
        (
            "one secret",
            {"url": "/app.js", "digest": None, "kind": "untouched", "reason": "direct", "size": len(ONE)},
        ),
    ]


def test_statistics_do_not_mix(apps):
    one, other = apps
    visit(one)
    visit(one)
    visit(other)

    assert [state_of(app).metrics.snapshot()["total"]["full_responses"] for app in apps] == [2, 1]


def test_mounted_below_a_path_both_know_where_they_are(apps):
    one, other = apps
    client = Client(DispatcherMiddleware(one, {"/mounted": other}))

    island = island_of(client.get("/mounted/app.js", headers=SCRIPT, buffered=True).data)

    assert (island["url"], island["base"]) == ("/mounted/app.js", "/mounted/other/deep")


@pytest.mark.parametrize(
    ("method", "kind", "size"), [("GET", "untouched", len(ONE)), ("HEAD", "untouched", 0)], ids=["get", "head"]
)
def test_what_was_decided_is_told_with_the_bytes_that_were_sent(apps, method, kind, size):
    heard = []

    def listen(_, **what):
        heard.append((what["kind"], what["size"]))

    with signals.response_decided.connected_to(listen, sender=apps[0]):
        visit(apps[0], headers={"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors"}, method=method)

    assert heard == [(kind, size)]


def test_what_was_decided_is_told_once_all_hooks_are_through(apps):
    one, _ = apps
    heard = []

    @one.after_request
    def track(response):
        response.set_cookie("tracker", "1")
        return response

    def listen(_, **what):
        heard.append((what["kind"], what["reason"], what["size"]))

    with signals.response_decided.connected_to(listen, sender=one):
        visit(one)

    assert heard == [("untouched", "set-cookie", len(ONE))]


# What is kept between requests -----------------------------------------------------------------------


def test_the_same_bundle_has_settings_and_proof_of_its_app_however_often_it_is_asked_for():
    apps = [new_app(CONSENT=False, URL_PREFIX="/a"), new_app(UPLOAD_LIMIT=1_000, URL_PREFIX="/b")]
    for number, app in enumerate(apps):
        app.secret_key = f"secret {number}"
        serve_bundle(app, lambda: ONE)

    for _ in range(2):
        islands = [island_of(visit(app).data) for app in apps]
        assert [island["base"] for island in islands] == ["/a", "/b"]
        assert [island.get("limit") for island in islands] == [None, 1_000]
        for app, island in zip(apps, islands, strict=True):
            state_of(app).tickets.check_proof(island["proof"], digest_of(ONE))

    for app in apps:
        add_seeder(app, ONE)
    for _ in range(2):
        islands = [island_of(visit(app).data) for app in apps]
        assert [island["base"] for island in islands] == ["/a", "/b"]
        assert [island.get("limit") for island in islands] == [None, 1_000]
    assert len({island["ticket"] for island in islands}) == 2


def test_every_visitor_of_a_thin_response_has_a_ticket_of_its_own(apps):
    add_seeder(apps[0], ONE)

    assert len({island_of(visit(apps[0]).data)["ticket"] for _ in range(3)}) == 3


def test_what_is_the_same_for_everybody_is_rendered_once(apps, monkeypatch):
    one, _ = apps
    addition = Mock(wraps=state_of(one).renderer.addition)
    beginning = Mock(wraps=state_of(one).renderer.thin_beginning)
    monkeypatch.setattr(state_of(one).renderer, "addition", addition)
    monkeypatch.setattr(state_of(one).renderer, "thin_beginning", beginning)

    full = [visit(one) for _ in range(3)]
    add_seeder(one, ONE)
    thin = [visit(one) for _ in range(3)]

    assert [delivery_of(response) for response in full + thin] == ["full"] * 3 + ["thin"] * 3
    assert (addition.call_count, beginning.call_count) == (1, 1)
    assert len({(response.data, response.headers["ETag"]) for response in full}) == 1


@pytest.mark.parametrize("seeded", [False, True], ids=["full", "thin"])
def test_one_app_mounted_twice_says_each_time_where_it_is(apps, seeded):
    one, other = apps
    if seeded:
        add_seeder(one, ONE)
    client = Client(DispatcherMiddleware(other, {"/here": one, "/there": one}))

    for place in ("/here", "/there", "/here"):
        island = island_of(client.get(f"{place}/app.js", headers=SCRIPT, buffered=True).data)
        assert (island["url"], island["base"]) == (f"{place}/app.js", f"{place}/one")
