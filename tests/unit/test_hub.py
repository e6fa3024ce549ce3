"""Outboxes of seeders, mailboxes of exchanges."""

import threading
from collections.abc import Callable

import pytest

from tests.support.clocks import Clock
from tests.support.signaling import CANDIDATE, SDP
from viraljs.hub import GRACE_SECONDS, MAILBOX_LIMIT, MAILBOX_SECONDS, MOST_ASKS, OUTBOX_LIMIT, LocalHub, Outbox
from viraljs.messages import Answer, Candidates, Gone, Offer, Refuse

OFFER = Offer("r.s", "ab" * 32, SDP, ())


class ScriptedWaits:
    """Stands in for the hub's condition: each wait runs the next step, or else lets its time pass on the clock."""

    def __init__(self, clock: Clock, *steps: Callable[[], object]) -> None:
        self.clock = clock
        self.steps = list(steps)
        self.waits: list[float] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def notify_all(self):
        pass

    def wait(self, seconds):
        self.waits.append(seconds)
        if self.steps:
            self.steps.pop(0)()
        else:
            self.clock.advance(seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def hub(clock):
    return LocalHub(clock)


def outbox(wakes=None):
    return Outbox(lambda: wakes.append(1) if wakes is not None else None)


# Outboxes --------------------------------------------------------------------------------------------


def test_messages_leave_an_outbox_in_order_and_each_wakes_its_socket():
    wakes: list[int] = []
    box = outbox(wakes)
    second = Candidates("r.s", (CANDIDATE,))

    assert box.put(OFFER)
    assert box.put(second)
    assert [box.take(), box.take(), box.take()] == [OFFER, second, None]
    assert len(wakes) == 2


def test_an_outbox_that_is_not_emptied_takes_no_more():
    box = outbox()

    assert [box.put(OFFER) for _ in range(OUTBOX_LIMIT + 1)] == [True] * OUTBOX_LIMIT + [False]
    box.take()
    assert box.put(OFFER)


def test_an_outbox_that_is_cut_off_takes_nothing_and_wakes_its_socket():
    wakes: list[int] = []
    box = outbox(wakes)
    box.cut(4410, "wrong bytes")

    assert box.cut_off == (4410, "wrong bytes")
    assert not box.put(OFFER)
    assert len(wakes) == 1


def test_a_message_for_a_seeder_lands_in_its_outbox(hub):
    mine, other = outbox(), outbox()
    hub.attach("s", mine)
    hub.attach("t", other)

    assert hub.send("s", OFFER)
    assert mine.take() == OFFER
    assert other.take() is None


def test_a_message_for_nobody_is_refused(hub):
    assert not hub.send("nobody", OFFER)
    hub.cut("nobody", 4410, "wrong bytes")


def test_a_second_socket_of_a_peer_replaces_the_first(hub):
    first, second = outbox(), outbox()
    hub.attach("s", first)
    hub.attach("s", second)

    assert first.cut_off == (4409, "the same peer has opened another socket")
    assert hub.send("s", OFFER)
    assert second.take() == OFFER
    assert hub.connected() == 1


def test_the_replaced_socket_does_not_take_its_successor_along(hub):
    first, second = outbox(), outbox()
    hub.attach("s", first)
    hub.attach("s", second)

    assert not hub.detach("s", first)
    assert hub.send("s", OFFER)
    assert hub.detach("s", second)
    assert not hub.send("s", OFFER)
    assert hub.connected() == 0


def test_a_seeder_can_be_cut_off(hub):
    box = outbox()
    hub.attach("s", box)
    hub.cut("s", 4410, "wrong bytes")

    assert box.cut_off == (4410, "wrong bytes")


# Expected peers --------------------------------------------------------------------------------------


def test_messages_for_a_peer_that_is_expected_wait_for_its_socket_in_order(hub):
    second = Candidates("r.s", (CANDIDATE,))
    hub.expect("s", 10)
    assert hub.send("s", OFFER)
    assert hub.send("s", second)
    assert (hub.connected(), hub.expected()) == (0, 1)

    wakes: list[int] = []
    box = outbox(wakes)
    hub.attach("s", box)

    assert [box.take(), box.take(), box.take()] == [OFFER, second, None]
    assert wakes
    assert (hub.connected(), hub.expected()) == (1, 0)


def test_a_peer_is_expected_once(hub):
    hub.expect("s", 10)
    box = outbox()
    hub.attach("s", box)
    hub.detach("s", box)

    assert not hub.send("s", OFFER)


def test_nobody_is_expected_for_longer_than_was_said(hub, clock):
    hub.expect("s", 10)
    assert hub.send("s", OFFER)
    clock.advance(10)
    assert hub.send("s", OFFER)
    clock.advance(0.1)

    assert not hub.send("s", OFFER)
    assert hub.expected() == 0
    late = outbox()
    hub.attach("s", late)
    assert late.take() is None


def test_who_is_late_hears_nothing_even_if_nobody_looked_meanwhile(hub, clock):
    hub.expect("s", 10)
    hub.send("s", OFFER)
    clock.advance(10.1)
    late = outbox()
    hub.attach("s", late)

    assert late.take() is None


def test_no_more_than_an_outbox_holds_waits_for_who_is_expected(hub):
    hub.expect("s", 10)

    assert [hub.send("s", OFFER) for _ in range(OUTBOX_LIMIT + 1)] == [True] * OUTBOX_LIMIT + [False]


def test_who_is_forgotten_is_not_expected(hub):
    hub.expect("s", 10)
    hub.send("s", OFFER)
    assert hub.forget("s") == [OFFER]
    assert hub.forget("s") is None
    assert hub.forget("nobody") is None

    assert not hub.send("s", OFFER)


def test_no_message_is_lost_while_a_peer_connects(clock):
    for _ in range(20):
        hub, box, start = LocalHub(clock), outbox(), threading.Barrier(2)
        hub.expect("s", 10)

        def send(hub=hub, start=start):
            start.wait(10)
            for _ in range(50):
                assert hub.send("s", OFFER)

        sender = threading.Thread(target=send)
        sender.start()
        start.wait(10)
        hub.attach("s", box)
        sender.join(10)

        assert sum(box.take() is not None for _ in range(51)) == 50


# Other names -----------------------------------------------------------------------------------------


def test_what_waits_for_another_name_of_a_peer_goes_to_its_socket_and_so_does_what_follows(hub):
    hub.expect("also", 10)
    assert hub.send("also", OFFER)
    box = outbox()
    hub.attach("s", box)

    assert hub.attach_alias("also", box)

    assert box.take() == OFFER
    assert hub.send("also", OFFER)
    assert box.take() == OFFER
    assert (hub.connected(), hub.expected()) == (1, 0)


def test_other_names_go_with_their_socket(hub):
    box = outbox()
    hub.attach("s", box)
    hub.attach_alias("also", box)

    assert hub.detach("s", box)
    assert not hub.send("also", OFFER)


def test_the_replaced_socket_does_not_take_the_names_of_its_successor_along(hub):
    first, second = outbox(), outbox()
    hub.attach("s", first)
    for name in ("one", "two"):
        hub.attach_alias(name, first)
    hub.attach("s", second)
    hub.attach_alias("one", second)

    assert not hub.detach("s", first)
    assert hub.send("one", OFFER)
    assert second.take() == OFFER
    assert not hub.send("two", OFFER)


def test_a_peer_with_a_socket_of_its_own_is_nobody_elses_other_name(hub):
    mine, other = outbox(), outbox()
    hub.attach("s", mine)
    hub.attach("t", other)

    assert not hub.attach_alias("t", mine)
    assert hub.send("t", OFFER)
    assert other.take() == OFFER


def test_a_name_that_gets_a_socket_of_its_own_has_that_and_cuts_nobody_off(hub):
    mine, other = outbox(), outbox()
    hub.attach("s", mine)
    hub.attach_alias("t", mine)
    hub.attach("t", other)

    assert hub.send("t", OFFER)
    assert (other.take(), mine.take(), mine.cut_off) == (OFFER, None, None)


def test_who_is_cut_off_by_another_name_is_cut_off(hub):
    box = outbox()
    hub.attach("s", box)
    hub.attach_alias("also", box)
    hub.cut("also", 4410, "wrong bytes")

    assert box.cut_off == (4410, "wrong bytes")


# Mailboxes -------------------------------------------------------------------------------------------


def test_signals_of_an_exchange_are_collected_once(hub):
    hub.open_mailbox("r.s")
    hub.deliver(Answer("r.s", SDP))
    hub.deliver(Candidates("r.s", (CANDIDATE,)))

    assert hub.collect(["r.s"], 1) == [Answer("r.s", SDP), Candidates("r.s", (CANDIDATE,))]
    assert hub.collect(["r.s"], 0) == []


def test_signals_of_another_exchange_are_left_alone(hub):
    hub.open_mailbox("r.s")
    hub.open_mailbox("q.s")
    hub.deliver(Gone("q.s"))

    assert hub.collect(["r.s"], 0) == []
    assert hub.collect(["q.s"], 1) == [Gone("q.s")]


def test_a_signal_for_an_exchange_that_nobody_began_is_dropped(hub):
    hub.deliver(Gone("r.s"))
    hub.open_mailbox("r.s")

    assert hub.collect(["r.s"], 0) == []


def test_a_mailbox_takes_no_more_than_its_limit(hub):
    hub.open_mailbox("r.s")
    for _ in range(MAILBOX_LIMIT + 5):
        hub.deliver(Candidates("r.s", ()))

    assert len(hub.collect(["r.s"], 1)) == MAILBOX_LIMIT


def test_an_old_mailbox_is_gone_when_the_next_opens(hub, clock):
    hub.open_mailbox("old.s")
    clock.advance(MAILBOX_SECONDS)
    hub.open_mailbox("young.s")
    hub.deliver(Gone("old.s"))
    assert hub.collect(["old.s"], 1) == [Gone("old.s")], "its time is not over yet"

    clock.advance(0.1)
    hub.open_mailbox("new.s")
    hub.deliver(Gone("old.s"))
    hub.deliver(Gone("young.s"))

    assert hub.collect(["old.s", "young.s"], 0) == [Gone("young.s")]


def test_who_hears_nothing_waits_no_longer_than_the_timeout(hub, clock):
    waits = hub._changed = ScriptedWaits(clock)
    hub.open_mailbox("r.s")
    began = clock()

    assert hub.collect(["r.s"], 2.0) == []
    assert clock() - began == pytest.approx(2.0)
    assert waits.waits == [2.0]


def test_where_nothing_can_come_nobody_waits(hub, clock):
    waits = hub._changed = ScriptedWaits(clock)

    assert hub.collect(["never.opened"], 2.0) == []
    assert waits.waits == []


def test_who_has_waited_for_one_exchange_often_enough_waits_no_more(hub, clock):
    waits = hub._changed = ScriptedWaits(clock)
    hub.open_mailbox("r.s")
    for _ in range(MOST_ASKS + 2):
        hub.collect(["r.s"], 2.0)

    assert waits.waits == [2.0] * MOST_ASKS
    hub.deliver(Gone("r.s"))
    assert hub.collect(["r.s"], 2.0) == [Gone("r.s")], "what is there is given all the same"


def test_when_all_have_answered_nobody_waits(hub, clock):
    waits = hub._changed = ScriptedWaits(clock)
    for exchange in ("r.s", "r.t"):
        hub.open_mailbox(exchange)
        hub.deliver(Gone(exchange))

    assert hub.collect(["r.s", "r.t"], 2.0) == [Gone("r.s"), Gone("r.t")]
    assert waits.waits == []


def test_when_one_has_answered_the_others_get_a_grace(hub, clock):
    def one_answers_after_half_a_second():
        clock.advance(0.5)
        hub.deliver(Answer("r.s", SDP))

    hub._changed = ScriptedWaits(clock, one_answers_after_half_a_second)
    hub.open_mailbox("r.s")
    hub.open_mailbox("r.t")
    began = clock()

    assert hub.collect(["r.s", "r.t"], 2.0) == [Answer("r.s", SDP)]
    assert clock() - began == pytest.approx(0.5 + GRACE_SECONDS)


def test_the_grace_does_not_begin_anew_with_every_signal(hub, clock):
    def another_candidate():
        clock.advance(GRACE_SECONDS * 0.6)
        hub.deliver(Candidates("r.s", (CANDIDATE,)))

    hub._changed = ScriptedWaits(clock, another_candidate, another_candidate, another_candidate, another_candidate)
    hub.open_mailbox("r.s")
    hub.open_mailbox("r.t")
    hub.deliver(Answer("r.s", SDP))
    began = clock()

    hub.collect(["r.s", "r.t"], 2.0)

    assert clock() - began < GRACE_SECONDS * 1.3


def test_the_grace_does_not_outlast_the_timeout(hub, clock):
    hub._changed = ScriptedWaits(clock)
    hub.open_mailbox("r.s")
    hub.deliver(Refuse("r.s", "busy"))
    hub.open_mailbox("r.t")
    began = clock()

    assert hub.collect(["r.s", "r.t"], GRACE_SECONDS / 2) == [Refuse("r.s", "busy")]
    assert clock() - began == pytest.approx(GRACE_SECONDS / 2)


def test_an_answer_wakes_the_thread_that_waits_for_it(clock):
    hub = LocalHub(clock)
    hub.open_mailbox("r.s")
    heard: list[object] = []
    waiter = threading.Thread(target=lambda: heard.extend(hub.collect(["r.s"], 60)))
    waiter.start()

    hub.deliver(Answer("r.s", SDP))
    waiter.join(10)

    assert heard == [Answer("r.s", SDP)]
