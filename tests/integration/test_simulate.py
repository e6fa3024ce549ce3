"""`flask viraljs simulate`, as an operator calls it."""

import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup

from tests.support.visits import new_app
from viraljs.simulation import requirements

SMALL = ("--visitors", "40", "--span", "40", "--bundle-size", "1MB")


def simulate(*args, **settings):
    """Run the command over an app; give what it printed, and its exit code."""
    group = FlaskGroup(create_app=lambda: new_app(**settings))
    result = CliRunner().invoke(group, ["viraljs", "simulate", *args])
    return click.unstyle(result.output), result.exit_code


def figures(printed, row):
    """Read the columns of a row."""
    (line,) = [line for line in printed.splitlines() if line.startswith(row)]
    return re.split(r"\s{2,}", line.strip())[1:]


@pytest.mark.parametrize("scenario", ["school", "office", "city", "world", "flash"])
def test_each_scenario_prints_its_figures(scenario):
    printed, code = simulate("--scenario", scenario, *SMALL)
    assert code == 0, printed
    assert f"{scenario}: 40 visitors from " in printed
    assert figures(printed, "offload")[2] == "0.00%"
    assert len(figures(printed, "time to app, p95")) == 4


def test_a_seed_makes_the_output_repeatable():
    one, same, other = (simulate(*SMALL, "--seed", seed)[0] for seed in ("1", "1", "2"))
    assert one == same
    assert one != other


def test_the_settings_of_the_app_count_and_options_come_before_them():
    strict = simulate(*SMALL, NEARBY="address")[0]
    assert figures(strict, "offload")[0] == figures(strict, "stay behind one address")[0]
    open_again = simulate(*SMALL, "--nearby", "any", NEARBY="address")[0]
    assert figures(open_again, "offload")[0] != figures(open_again, "stay behind one address")[0]


def test_a_trace_takes_the_place_of_the_model(tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text("arrival_seconds,stay_seconds,address\n0,60,192.0.2.1\n10,60,192.0.2.1\n")
    printed, code = simulate("--trace", str(path))
    assert code == 0, printed
    assert "visits.csv: 2 visitors from 1 sites" in printed
    assert figures(printed, "stay behind one address") == ["50.00%", "50.00%", "0.00%"]


@pytest.mark.parametrize("name", ["plot.png", "plot.svg"])
def test_the_figures_are_plotted(tmp_path, name):
    printed, code = simulate(*SMALL, "--plot", str(tmp_path / name))
    assert code == 0, printed
    assert (tmp_path / name).stat().st_size > 10_000


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--bundle-size", "large"), "a size is written 5MB"),
        (("--visitors", "0"), "visitors must be from 1 to 100,000,000, not 0"),
        (("--nat-failure", "1.5"), "nat_failure must be from 0 to 1, not 1.5"),
        (("--peers", "99"), "--peers must be an integer from 1 to 8, not 99"),
        (("--deadline", "1"), "--deadline must be"),
        (("--most-per-source", "-1"), "--most-per-source must be 0 or more"),
        (("--plot", "figures.gif"), "must end with .png or .svg"),
        (("--trace", "nonesuch.csv"), "the trace nonesuch.csv can't be read"),
        (("--scenario", "mars"), "'mars' is not one of"),
    ],
)
def test_what_cannot_be_simulated_is_an_error_that_says_what_could(args, said):
    printed, code = simulate(*args)
    assert code != 0
    assert said in printed
    assert "Traceback" not in printed


def test_without_numpy_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(requirements, "find_spec", lambda name: None)
    printed, code = simulate(*SMALL)
    assert code == 1
    assert 'the simulator needs numpy: pip install "viraljs[simulate]"' in printed


def test_a_progress_bar_counts_to_the_end(monkeypatch):
    bars = []
    real = click.progressbar

    def watched(**options):
        bar = real(**options)
        bars.append(bar)
        return bar

    monkeypatch.setattr(click, "progressbar", watched)
    simulate(*SMALL)
    (bar,) = bars
    assert bar.length == bar.pos == 3 * 40
    assert bar.finished


def test_other_commands_work_without_numpy():
    """The command line is imported by Flask for every `flask …`; it must neither need numpy nor wait for it."""
    code = "import sys, viraljs.cli; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
