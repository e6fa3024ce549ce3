"""A seeder's connection on a scripted socket, as bytes go through it; real sockets: `integration/test_signaling.py`."""

import json
import logging
from collections.abc import Callable

import pytest
from simple_websocket import ConnectionClosed

from tests.support.visits import new_app, state_of
from viraljs import signals
from viraljs.blueprint import _Connection, _WholeWrites
from viraljs.messages import Candidates
from viraljs.nearness import NOWHERE

DIGEST = "ab" * 32
PONG = '{"type":"pong"}'


class ScriptedEvent:
    """Stands in for the socket's event: each wait takes the next step, and tells what it gave, or that time is over."""

    def __init__(self, steps):
        self.steps = list(steps)
        self.timeouts: list[float] = []

    def wait(self, timeout):
        self.timeouts.append(timeout)
        step = self.steps.pop(0)
        return step is not None and (step() or True)

    def set(self):
        pass

    def clear(self):
        pass


class FakeWebSocket:
    """What a connection uses of simple-websocket's server; a step is a message, a call, or None for silence."""

    def __init__(self, *steps: str | bytes | Callable[[], object] | None):
        self.event = ScriptedEvent([self._step(step) for step in steps])
        self.input_buffer: list[str | bytes] = []
        self.connected = True
        self.sent: list[dict[str, object]] = []
        self.closed: tuple[int, str] | None = None

    def _step(self, step):
        if isinstance(step, str | bytes):
            return lambda: self.input_buffer.append(step)
        return step

    def send(self, text):
        if not self.connected:
            raise ConnectionClosed
        self.sent.append(json.loads(text))

    def close(self, code, reason):
        self.closed = (code, reason)
        self.connected = False


@pytest.fixture
def app():
    app = new_app(HEARTBEAT=25)
    with app.test_request_context():
        yield app


def run(app, ws):
    _Connection(ws, state_of(app), "me", NOWHERE).run()
    return [message["type"] for message in ws.sent]


def announce(app, **progress):
    proof = state_of(app).tickets.prove(DIGEST)
    return json.dumps({"type": "announce", "digest": DIGEST, "proof": proof, **progress})


# Heartbeats ------------------------------------------------------------------------------------------


def test_a_silent_peer_is_pinged_and_then_dropped(app):
    ws = FakeWebSocket(announce(app), None, None)

    assert run(app, ws) == ["welcome", "ping"]
    assert ws.closed == (4504, "no sign of life")
    assert state_of(app).registry.population(DIGEST) == 0
    assert state_of(app).hub.connected() == 0


def test_a_peer_that_answers_is_kept(app):
    ws = FakeWebSocket(announce(app), None, PONG, None, PONG, None, None)

    assert run(app, ws) == ["welcome", "ping", "ping", "ping"]


def test_silence_is_a_heartbeat_long_from_the_last_word(app, monkeypatch):
    now = 100.0
    monkeypatch.setattr("viraljs.blueprint.time.monotonic", lambda: now)

    def pass_ten_seconds():
        nonlocal now
        now += 10

    ws = FakeWebSocket(pass_ten_seconds, pass_ten_seconds, PONG, None, None)
    run(app, ws)

    assert ws.event.timeouts == [25, 15, 5, 25, 25]


# Carrying effects out --------------------------------------------------------------------------------


def test_what_is_relayed_is_written(app):
    def relay():
        assert state_of(app).hub.send("me", Candidates("r.me", ()))

    ws = FakeWebSocket(relay, None, None)

    assert run(app, ws) == ["welcome", "candidates", "ping"]


def test_what_waited_for_a_peer_comes_behind_its_greeting(app):
    hub = state_of(app).hub
    hub.expect("me", 10)
    hub.send("me", Candidates("r.me", ()))
    ws = FakeWebSocket(PONG, None, None)

    assert run(app, ws) == ["welcome", "candidates", "ping"]


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([], []),
        ([0, 50], []),
        ([50, 100], ["joined", "left"]),
        ([100], ["joined", "left"]),
        ([None], ["joined", "left"]),
    ],
    ids=["nothing", "a part", "a part, then all", "all", "not told, so all"],
)
def test_only_who_had_all_is_told_to_have_joined_and_left(app, steps, told):
    heard: list[str] = []
    words = [announce(app, **({} if progress is None else {"progress": progress})) for progress in steps]
    with (
        signals.seeder_joined.connected_to(lambda *_, **__: heard.append("joined"), sender=app),
        signals.seeder_left.connected_to(lambda *_, **__: heard.append("left"), sender=app),
    ):
        run(app, FakeWebSocket(*words, None, None))

    assert heard == told
    assert state_of(app).registry.population(DIGEST) == 0


def test_the_registry_learns_of_progress(app):
    found: list[int] = []

    def look():
        found.extend(one.progress for one in state_of(app).registry.candidates(DIGEST, NOWHERE, 16, slots=6))

    run(app, FakeWebSocket(announce(app, progress=25), look, announce(app, progress=75), look, None, None))

    assert found == [25, 75]


def test_a_seeder_that_is_cut_off_is_closed_with_the_reason(app):
    ws = FakeWebSocket(announce(app), lambda: state_of(app).hub.cut("me", 4410, "wrong bytes"))
    run(app, ws)

    assert ws.closed == (4410, "wrong bytes")
    assert state_of(app).registry.population(DIGEST) == 0


def test_after_a_bad_message_no_other_of_the_same_moment_is_read(app):
    def burst():
        ws.input_buffer.extend(["{", announce(app)])

    ws = FakeWebSocket(burst)
    run(app, ws)

    assert ws.closed == (4400, "message must be JSON")
    assert state_of(app).registry.population(DIGEST) == 0


def test_a_line_that_breaks_while_we_write_is_no_error(app, caplog):
    def broken(_):
        raise BrokenPipeError

    ws = FakeWebSocket()
    ws.send = broken  # type: ignore[method-assign]
    with caplog.at_level(logging.DEBUG):
        run(app, ws)

    assert "the socket of seeder me broke" in caplog.text
    assert state_of(app).hub.connected() == 0


def test_a_line_that_closes_while_we_write_still_leaves_the_swarm(app):
    def close():
        ws.connected = False
        raise ConnectionClosed

    ws = FakeWebSocket(announce(app), close)
    with pytest.raises(ConnectionClosed):
        run(app, ws)

    assert state_of(app).registry.population(DIGEST) == 0
    assert state_of(app).hub.connected() == 0


# Sockets ---------------------------------------------------------------------------------------------


class FakeSocket:
    def __init__(self):
        self.sent = b""
        self.open = True

    def sendall(self, data):
        self.sent += data

    def recv(self, _):
        return b"received"

    def close(self):
        self.open = False


def test_a_write_is_whole():
    sock = FakeSocket()
    whole = _WholeWrites(sock, lambda: None)

    assert whole.send(b"message") == 7
    assert sock.sent == b"message"
    assert whole.recv(9) == b"received"


def test_a_close_is_told():
    sock, told = FakeSocket(), []
    _WholeWrites(sock, lambda: told.append(sock.open)).close()

    assert told == [False]
