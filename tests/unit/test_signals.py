"""The signals that an app can listen to."""

import pytest
from blinker import NamedSignal

from viraljs import signals

NAMES = [name for name, value in vars(signals).items() if isinstance(value, NamedSignal)]


def test_there_are_five_of_them():
    assert sorted(NAMES) == [
        "delivery_reported",
        "peer_rejected",
        "response_decided",
        "seeder_joined",
        "seeder_left",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_signal_is_named_for_what_it_is_and_described(name):
    assert getattr(signals, name).name == "viraljs-" + name.replace("_", "-")
    assert f"\n{name} " in (signals.__doc__ or "")
