"""`flask viraljs …`: what an operator asks in a terminal. Found by Flask through the package's entry point."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import AppGroup

from .config import KEYS, PREFIX, Settings, check_value
from .errors import SimulationError, ViralJSError
from .nearness import Distance
from .simulation.requirements import require
from .simulation.scenario import SCENARIOS, Scenario, change
from .simulation.units import MEGABIT, parse_size
from .state import current_state

if TYPE_CHECKING:
    from .simulation.choice import Rules

cli = AppGroup("viraljs", help="ViralJS: what is set, what it means, and whether it would pay.")


@cli.command()
def settings() -> None:
    """Print every setting, its value in this app, and what it is for."""
    values = current_state().settings
    click.echo(f"Settings of {current_app.name}:")
    for name, key in KEYS.items():
        given = "" if f"{PREFIX}{name}" in current_app.config else " (default)"
        value = getattr(values, name.lower())
        shown = "(set, and not shown)" if key.secret and value is not None else _as_written(value)
        click.echo(f"{PREFIX}{name} = {shown}{given}")
        click.echo(f"    {key.description}")


def _as_written(value: object) -> str:
    return repr(
        value.name.lower() if isinstance(value, Distance) else list(value) if isinstance(value, tuple) else value
    )


@cli.command()
@click.option("--scenario", default="city", show_default=True, type=click.Choice(list(SCENARIOS)), help="Who visits.")
@click.option("--visitors", type=int, help="How many; 1,000,000 take minutes.")
@click.option("--bundle-size", metavar="SIZE", help="Such as 5MB.")
@click.option("--span", type=float, metavar="SECONDS", help="From the first arrival to the last.")
@click.option("--stay", type=float, metavar="SECONDS", help="On the page once the app runs, on average.")
@click.option("--origin", type=float, metavar="MBIT", help="Uplink of the server, Mbit/s.")
@click.option("--nat-failure", type=float, metavar="SHARE", help="Of pairs that can't connect, from 0 to 1.")
@click.option("--trace", type=click.Path(path_type=Path), help="A CSV file that says who comes, in place of a model.")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same figures.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the figures into this .png or .svg, too.")
@click.option("--nearby", type=click.Choice(Distance.names()), help="In place of the app's VIRALJS_NEARBY.")
@click.option("--peers", type=int, help="In place of the app's VIRALJS_PEERS; so are the others.")
@click.option("--upload-slots", type=int)
@click.option("--stream-size", metavar="SIZE")
@click.option("--crowd-seconds", type=float)
@click.option("--deadline", type=int, metavar="MILLISECONDS")
@click.option("--most-per-source", type=float, help="Recipients for each source before the server joins in.")
def simulate(**options: Any) -> None:
    """Simulate visitors, with this app's settings, and print what peers would save and cost.

    The choice of the nearest is shown beside a random one, beside no peers at all, and beside a bound that nothing
    can beat. See "Does it pay?" in the documentation.
    """
    try:
        require("numpy", *(["matplotlib"] if options["plot"] else []))
        _simulate(current_state().settings, options)
    except ViralJSError as error:
        raise click.ClickException(str(error)) from error


def _simulate(settings: Settings, options: dict[str, Any]) -> None:
    # Not above: they import numpy, which not everybody has.
    from .simulation import plot, report, simulate
    from .simulation.choice import CHOICES

    if options["plot"]:
        plot.check_ending(options["plot"])
    rules = _rules(settings, options)
    scenario, world = simulate.prepare(_scenario(options), options["seed"], options["trace"])
    total = len(CHOICES) * world.visitors
    label = "visitors" if sys.stderr.isatty() else None  # all that click would write into a file
    with click.progressbar(length=total, label=label, file=sys.stderr) as bar:
        done = simulate.simulate(scenario, world, rules, options["seed"], bar.update)
    for line in report.tell(done.world, done.scenario, done.results, done.bound):
        click.echo(line)
    if options["plot"]:
        plot.plot(done.results, done.bound, done.scenario, options["plot"])
        click.echo(f"\nPlotted into {options['plot']}.")


def _scenario(options: dict[str, Any]) -> Scenario:
    size, origin = options["bundle_size"], options["origin"]
    return change(
        options["scenario"],
        bundle=None if size is None else parse_size(size),
        origin=None if origin is None else origin * MEGABIT,
        **{name: options[name] for name in ("visitors", "span", "stay", "nat_failure")},
    )


def _rules(settings: Settings, options: dict[str, Any]) -> Rules:
    """Take the app's settings, and in their place what the options say."""
    from .simulation.choice import Rules

    stream_size = options["stream_size"]
    given = {**options, "stream_size": None if stream_size is None else parse_size(stream_size)}
    names = ("nearby", "peers", "upload_slots", "stream_size", "crowd_seconds", "deadline")
    checked = {
        name: check_value(name.upper(), given[name], f"--{name.replace('_', '-')}")
        for name in names
        if given[name] is not None
    }
    most = options["most_per_source"]
    if most is not None and not most >= 0:
        raise SimulationError(f"--most-per-source must be 0 or more, not {most:g}")
    rules = Rules.of(replace(settings, **checked))
    return rules if most is None else replace(rules, most_per_source=most)
