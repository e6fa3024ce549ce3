"""`flask viraljs …`."""

import click
import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup

from tests.support.visits import new_app
from viraljs.config import KEYS, PREFIX


def run(*args, **config):
    """Run `flask …` as a terminal would."""
    result = CliRunner().invoke(FlaskGroup(create_app=lambda: new_app(PEERS=5, **config)), args)
    assert result.exit_code == 0, result.output
    return click.unstyle(result.output)


@pytest.fixture
def printed():
    return run("viraljs", "settings")


def test_settings_prints_every_key_with_what_it_is_for(printed):
    assert printed.startswith("Settings of tested:\n")
    for name, key in KEYS.items():
        assert f"{PREFIX}{name} = " in printed
        assert key.description in printed


def test_settings_tells_what_was_set_from_what_is_left_as_it_comes(printed):
    assert "VIRALJS_PEERS = 5\n" in printed
    assert "VIRALJS_DEADLINE = 500 (default)\n" in printed


def test_settings_prints_values_as_they_would_be_written():
    told = run("viraljs", "settings", NEARBY="network", PUBLIC=["*.js"])
    assert "VIRALJS_NEARBY = 'network'\n" in told
    assert "VIRALJS_PUBLIC = ['*.js']\n" in told


def test_settings_keeps_a_secret(printed):
    told = run("viraljs", "settings", TURN_SECRET="hush", TURN_URLS=["turn:turn.example.org"])

    assert "hush" not in told
    assert "VIRALJS_TURN_SECRET = (set, and not shown)\n" in told
    assert "VIRALJS_TURN_SECRET = None (default)\n" in printed


def test_flask_finds_the_commands_by_itself():
    assert "viraljs" in run("--help")
    assert "settings" in run("viraljs", "--help")
