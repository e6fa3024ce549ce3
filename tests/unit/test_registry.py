"""The parts of the registries that are theirs alone; what all must do is in `contract/test_registry.py`."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clocks import Clock
from viraljs.experience import Patience
from viraljs.nearness import locate
from viraljs.registry import MemoryRegistry, memory, open_registry
from viraljs.registry.memory import Area, SampleSet

HERE = locate("203.0.113.9")
PATIENCE = Patience(3, 600.0)


def test_a_url_opens_a_registry():
    assert isinstance(open_registry("memory://", Clock(), Random(0), 75.0, PATIENCE), MemoryRegistry)


def test_a_url_that_the_settings_let_through_by_mistake_is_a_bug():
    with pytest.raises(AssertionError):
        open_registry("redis://localhost", Clock(), Random(0), 75.0, PATIENCE)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcdef"))))
def test_a_sample_set_is_a_set(steps):
    ours = SampleSet()
    model: set[str] = set()
    for adds, member in steps:
        (ours.add if adds else ours.discard)(member)
        (model.add if adds else model.discard)(member)

    assert len(ours) == len(model)
    assert sorted(ours.sample(100, Random(0))) == sorted(model)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("xy"), st.sampled_from("abc"))))
def test_an_area_is_a_set_for_each_name_and_forgets_empty_ones(steps):
    ours = Area()
    model: dict[str, set[str]] = {}
    for adds, name, member in steps:
        (ours.add if adds else ours.discard)(name, member)
        members = model.setdefault(name, set())
        (members.add if adds else members.discard)(member)

    for name, members in model.items():
        group = ours.get(name)
        held = list(group.sample(100, Random(0))) if isinstance(group, SampleSet) else [group] if group else []
        assert sorted(held) == sorted(members)
    assert set(ours._groups) == {name for name, members in model.items() if members}


@given(st.sets(st.text(max_size=3)), st.integers(0, 10))
def test_a_sample_holds_no_member_twice(members, count):
    ours = SampleSet()
    for member in members:
        ours.add(member)

    sample = list(ours.sample(count, Random(0)))

    assert len(sample) == len(set(sample)) == min(count, len(members))
    assert set(sample) <= members


def test_memory_forgets_everything_about_those_who_left():
    clock = Clock()
    registry = MemoryRegistry(clock, Random(0), 75.0, PATIENCE)
    for number in range(100):
        registry.announce(f"peer{number}", locate(f"203.0.{number}.1"), "ab" * 32)
        registry.reserve(f"peer{number}", "x", 1, 60)
        registry.claim(f"claim{number}", 60)
    for number in range(100):
        registry.withdraw(f"peer{number}")
    clock.advance(60)
    registry.claim("last", 60)

    assert not registry._peers
    assert not registry._swarms
    assert list(registry._claims) == ["last"]


def test_memory_forgets_empty_rings_around_those_who_stay():
    registry = MemoryRegistry(Clock(), Random(0), 75.0, PATIENCE)
    registry.announce("stays", HERE, "ab" * 32)
    registry.announce("goes", locate("198.51.100.1"), "ab" * 32)
    registry.withdraw("goes", "ab" * 32)

    swarm = registry._swarms["ab" * 32]
    assert [list(area._groups) for area in swarm.complete._areas] == [["203.0.113.9"], ["203.0.113.0/24"], [], [], []]


def test_memory_forgets_recipients_that_were_never_heard_of():
    clock = Clock()
    registry = MemoryRegistry(clock, Random(0), 75.0, PATIENCE)
    for number in range(100):
        registry.begin(f"peer{number}", HERE, "ab" * 32, 10)
    registry.withdraw("peer0")
    registry.touch("peer1")
    clock.advance(10.1)
    registry.begin("last", HERE, "cd" * 32, 10)

    assert list(registry._peers) == ["peer1", "last"]
    assert list(registry._unheard) == ["last"]
    assert len(registry._swarms["ab" * 32]) == 1


def test_memory_of_borders_is_bounded(monkeypatch):
    monkeypatch.setattr(memory, "MOST_BORDERS", 10)
    registry = MemoryRegistry(Clock(), Random(0), 75.0, Patience(1, 600.0))
    for number in range(20):
        registry.note_passage(f"network{number}", failed=True)

    assert [number for number in range(20) if registry.is_closed(f"network{number}")] == list(range(10, 20))


def test_memory_of_a_border_that_lets_through_is_none():
    registry = MemoryRegistry(Clock(), Random(0), 75.0, PATIENCE)
    registry.note_passage("network", failed=True)
    registry.note_passage("network", failed=False)

    assert not registry._passages
