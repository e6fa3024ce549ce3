"""Groups: visitors of different groups never meet; whoever can't be put into one is served like anybody elsewhere."""

import pytest
from flask import session

from tests.support.background import Background
from tests.support.servers import serve_here
from tests.support.signaling import CANDIDATE, SDP, ScriptedSeeder, get_island, post
from tests.support.until import until
from tests.support.visits import (
    BUNDLE,
    delivery_of,
    digest_of,
    island_of,
    new_app,
    serve_bundle,
    state_of,
    visit,
)
from viraljs import ViralJS
from viraljs.errors import InitialisationError
from viraljs.nearness import locate
from viraljs.tickets import name_group, name_swarm

DIGEST = digest_of(BUNDLE)


def tenant(asked):
    return asked.headers.get("X-Tenant")


@pytest.fixture
def viral():
    return ViralJS()


@pytest.fixture
def app(viral):
    viral.peer_group(tenant)
    app = new_app(viral)
    serve_bundle(app, lambda: BUNDLE)
    return app


def ask(app, group, **options):
    return visit(app, headers={"X-Tenant": group}, **options)


def add_seeder(app, group):
    swarm = name_swarm(DIGEST, name_group(group))
    state_of(app).registry.announce(f"of {group}", locate("127.0.0.1"), swarm)


def test_a_visitor_is_introduced_to_its_own_group_only(app):
    add_seeder(app, "red")

    assert delivery_of(ask(app, "blue")) == "full"
    red = ask(app, "red")
    assert delivery_of(red) == "thin"
    assert "of red" in island_of(red.data)["ticket"]


def test_a_crowd_is_one_of_its_group(viral):
    viral.peer_group(tenant)
    app = new_app(viral, CROWD_SECONDS=10, MAX_SOCKETS=100)
    serve_bundle(app, lambda: BUNDLE)

    assert [delivery_of(ask(app, group)) for group in ("red", "red", "blue")] == ["full", "thin", "full"]


def test_who_has_no_group_gets_the_plain_bytes(app):
    add_seeder(app, "")

    response = visit(app)

    assert (delivery_of(response), response.data) == ("untouched; reason=group", BUNDLE)
    assert "private" in response.headers["Cache-Control"]
    again = visit(app, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_who_makes_the_hook_raise_gets_the_plain_bytes(viral, caplog):
    @viral.peer_group
    def group(asked):
        return asked.args["tenant"]

    app = new_app(viral)
    serve_bundle(app, lambda: BUNDLE)

    response = visit(app)

    assert (delivery_of(response), response.data) == ("untouched; reason=group-error", BUNDLE)
    assert "peer_group raised" in caplog.text
    assert delivery_of(visit(app, "/app.js?tenant=red")) == "full"


def test_a_hook_that_reads_the_session_does_not_make_the_bundle_personal(viral):
    viral.peer_group(lambda _: session.get("tenant", "everybody"))
    app = new_app(viral)
    serve_bundle(app, lambda: BUNDLE)

    response = visit(app)

    assert delivery_of(response) == "full"
    assert "Cookie" not in response.headers.get("Vary", "")


def test_a_view_that_reads_the_session_still_does(viral):
    viral.peer_group(lambda _: session.get("tenant", "everybody"))
    app = new_app(viral)

    def view():
        session.get("tenant")
        return BUNDLE

    serve_bundle(app, view)

    assert delivery_of(visit(app)) == "untouched; reason=vary"


def test_a_full_response_is_of_its_group_and_the_browser_asks_whether_it_still_holds(app):
    red, blue = ask(app, "red"), ask(app, "blue")

    assert red.headers["ETag"] != blue.headers["ETag"]
    assert "no-cache" in red.headers["Cache-Control"]
    same = visit(app, headers={"X-Tenant": "red", "If-None-Match": red.headers["ETag"]})
    other = visit(app, headers={"X-Tenant": "blue", "If-None-Match": red.headers["ETag"]})
    assert (same.status_code, other.status_code, delivery_of(other)) == (304, 200, "full")


def test_without_groups_a_full_response_may_be_kept_as_the_view_says():
    app = new_app()
    serve_bundle(app, lambda: (BUNDLE, {"Cache-Control": "max-age=60"}))

    assert "no-cache" not in visit(app).headers["Cache-Control"]


def test_there_is_one_hook(viral):
    viral.peer_group(tenant)

    with pytest.raises(InitialisationError, match="one function must name all groups"):
        viral.peer_group(tenant)


def test_the_hook_may_come_after_the_app_was_set_up(viral):
    app = new_app(viral)
    serve_bundle(app, lambda: BUNDLE)
    assert delivery_of(visit(app)) == "full"

    viral.peer_group(lambda _: None)

    assert delivery_of(visit(app)) == "untouched; reason=group"


def test_the_whole_way_of_two_groups_on_real_sockets(app):
    state = state_of(app)
    with serve_here(app) as url:

        def island(group):
            return get_island(f"{url}/app.js", X_Tenant=group)

        seeders = {}
        for group in ("red", "blue"):
            kind, full = island(group)
            assert kind == "full"
            seeders[group] = ScriptedSeeder(url)
            seeders[group].welcome()
            seeders[group].announce(DIGEST, full["proof"])
            swarm = name_swarm(DIGEST, name_group(group))
            until(lambda swarm=swarm: state.registry.population(swarm) == 1, "joining")  # type: ignore[misc]

        for group, seeder in seeders.items():
            kind, thin = island(group)
            _, _, *named = thin["ticket"].split(".")[0].split("~")
            assert (kind, named) == ("thin", [seeder.name])
            offer = {"ticket": thin["ticket"], "offers": [{"seeder": seeder.name, "sdp": SDP, "ranges": []}]}
            reply = Background(post, f"{url}/viraljs/offers", offer)
            exchange = seeder.hear()["exchange"]
            seeder.say(type="answer", exchange=exchange, sdp=SDP)
            assert reply.result()[0] == 200
            # A recipient seeds in the group of its ticket.
            with ScriptedSeeder(url, ticket=thin["ticket"]) as recipient:
                recipient.welcome()
                recipient.announce(DIGEST, thin["ticket"])
                swarm = name_swarm(DIGEST, name_group(group))
                until(lambda swarm=swarm: state.registry.population(swarm) == 2, "joining")  # type: ignore[misc]
        stranger = {"ticket": thin["ticket"], "seeder": seeders["red"].name, "candidates": [CANDIDATE]}
        assert post(f"{url}/viraljs/candidates", stranger)[0] == 400 + 3
        for seeder in seeders.values():
            seeder.__exit__()
