"""What is kept for one app."""

import time
from typing import Any

import pytest
from flask import Flask

from tests.support.databases import ASN, CITY, write_database
from tests.support.visits import new_app, state_of
from viraljs import ViralJS, geography
from viraljs.config import read_settings
from viraljs.errors import ConfigurationError, InitialisationError
from viraljs.hub import Outbox
from viraljs.nearness import Distance, Place
from viraljs.state import MOST_MANIFESTS, Seen, State, current_state, has_room, most_sockets
from viraljs.tickets import Ticket, Tickets

TICKET = Ticket("recipient", "ab" * 32, ("seeder",))


def tickets_of(*secrets):
    return Tickets([secret.encode() for secret in secrets], 120, time.time)


def test_the_state_of_the_current_app_is_found():
    app = new_app()

    with app.app_context():
        assert current_state() is state_of(app)


def test_an_app_without_viraljs_is_told_what_to_call():
    with Flask("bare").app_context(), pytest.raises(InitialisationError, match=r"'bare'.*call viral\.init_app\(app\)"):
        current_state()


def test_tickets_are_signed_with_the_secret_of_the_app():
    app = new_app()
    app.secret_key = "a secret"

    assert tickets_of("a secret").read(state_of(app).tickets.issue(TICKET)) == TICKET


def test_a_secret_of_bytes_is_the_same_secret():
    app = new_app()
    app.secret_key = b"a secret"

    assert tickets_of("a secret").read(state_of(app).tickets.issue(TICKET)) == TICKET


def test_a_secret_set_after_init_app_counts():
    app = new_app()
    app.config["SECRET_KEY"] = "set later"

    assert tickets_of("set later").read(state_of(app).tickets.issue(TICKET)) == TICKET


def test_retired_secrets_still_verify_but_do_not_sign():
    app = new_app()
    app.config.update(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old", "older"])
    tickets = state_of(app).tickets

    assert tickets.read(tickets_of("old").issue(TICKET)) == TICKET
    assert tickets.read(tickets_of("older").issue(TICKET)) == TICKET
    assert tickets_of("new").read(tickets.issue(TICKET)) == TICKET


def test_two_apps_without_a_secret_do_not_share_one():
    settings = read_settings({})
    one, other = (State(Flask(name), settings, lambda: None) for name in ("one", "other"))

    assert one.tickets.read(one.tickets.issue(TICKET)) == TICKET
    assert other.tickets.prove(TICKET.digest) != one.tickets.prove(TICKET.digest)


def test_peer_ids_do_not_repeat():
    assert len({State.new_peer_id() for _ in range(1_000)}) == 1_000


TURN: dict[str, Any] = {"TURN_URLS": ["turn:turn.example.org"], "TURN_SECRET": "hush", "TURN_LIFETIME": 60}


def test_each_peer_gets_credentials_of_its_own_that_pass(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_000.5)
    state = state_of(new_app(RELAY=True, ICE_SERVERS=[{"urls": "stun:a"}], **TURN))

    (stun, turn), (_, other) = state.fresh_ice("me") or (), state.fresh_ice("you") or ()

    assert stun == {"urls": "stun:a"}
    assert (turn["urls"], turn["username"]) == (["turn:turn.example.org"], "1060:me")
    assert turn["credential"] != other["credential"]


@pytest.mark.parametrize("config", [{}, TURN, {"RELAY": True}], ids=["no relay", "not allowed", "nothing to allow"])
def test_without_a_relay_nobody_gets_any(config):
    assert state_of(new_app(**config)).fresh_ice("me") is None


# Sockets ----------------------------------------------------------------------------------------------


def test_the_setting_stands_over_that():
    app = new_app(MAX_SOCKETS=7)
    with app.test_request_context():
        assert most_sockets(state_of(app)) == 7


def test_who_is_expected_takes_room_as_who_is_connected_does():
    app = new_app(MAX_SOCKETS=2)
    hub = state_of(app).hub
    with app.test_request_context():
        hub.attach("a", Outbox(lambda: None))
        assert has_room(state_of(app))
        hub.expect("b", 60)
        assert not has_room(state_of(app))
        hub.forget("b")
        assert has_room(state_of(app))


# Places -----------------------------------------------------------------------------------------------


def test_without_databases_an_address_has_a_network():
    assert state_of(new_app()).locate("203.0.113.9") == Place("203.0.113.9", "203.0.113.0/24")


def test_the_settings_say_how_long_a_networks_prefix_is():
    state = state_of(new_app(IPV4_NETWORK_BITS=16, IPV6_NETWORK_BITS=56))

    assert state.locate("203.0.113.9").network == "203.0.0.0/16"
    assert state.locate("2001:db8:1:2ff::3").network == "2001:db8:1:200::/56"


def test_databases_say_where_an_address_is(tmp_path):
    paths = [write_database(tmp_path / "asn.mmdb", ASN), write_database(tmp_path / "city.mmdb", CITY)]
    state = state_of(new_app(GEO_DATABASES=paths))

    assert state.locate("203.0.113.9") == Place("203.0.113.9", "203.0.113.0/24", "AS64500 NO", "NO", "EU", 59.91, 10.75)
    assert state.locate("nonsense") == state.locate(None) == Place()


def test_a_database_that_can_not_serve_is_an_error_before_anything_is_set_up(tmp_path):
    app = Flask("tested", static_folder=None)
    app.config.update(SECRET_KEY="for tests", VIRALJS_GEO_DATABASES=[str(tmp_path / "none.mmdb")])

    with pytest.raises(ConfigurationError, match=r"^VIRALJS_GEO_DATABASES: .*none\.mmdb does not exist; name files"):
        ViralJS(app)
    assert "viraljs" not in app.extensions
    assert "viraljs" not in app.blueprints


def test_a_database_that_vanishes_is_a_warning_in_the_apps_log(tmp_path, monkeypatch, caplog):
    path = write_database(tmp_path / "city.mmdb", CITY)
    monkeypatch.setattr(geography, "RELOAD_SECONDS", 0)
    state = state_of(new_app(GEO_DATABASES=[path]))
    path.unlink()

    assert state.locate("203.0.113.9").country == "NO"
    assert caplog.messages == [
        f"ViralJS: VIRALJS_GEO_DATABASES: {path} does not exist; ViralJS goes on with what it read from there before"
    ]


def test_a_subject_is_warned_of_once(caplog):
    state = state_of(new_app())
    for text in ("one", "two"):
        state.warn_once("subject", text)
    state.warn_once("other", "three")

    assert caplog.messages == ["ViralJS: one", "ViralJS: three"]


def test_a_secret_that_all_processes_share_is_told_from_one_of_this_process():
    app = new_app()
    assert state_of(app).has_secret
    for secret in (None, "", b""):
        app.config["SECRET_KEY"] = secret
        assert not state_of(app).has_secret


def test_urls_that_hooks_rewrite_are_remembered_within_bounds():
    state = state_of(new_app())
    for number in range(MOST_MANIFESTS):
        state.note_rewritten(f"/{number}.js")
    assert state.is_rewritten("/0.js")
    assert not state.is_rewritten("/other.js")
    state.note_rewritten("/one-more.js")
    assert state.is_rewritten("/one-more.js")
    assert not state.is_rewritten("/0.js")


def test_a_digest_leads_to_the_url_where_it_was_last_seen():
    state = state_of(new_app())
    state.note_bundle("/app.js", Seen("ab" * 32, 9, Distance.NETWORK))
    assert state.url_of("ab" * 32) == "/app.js"
    assert state.url_of("cd" * 32) is None
