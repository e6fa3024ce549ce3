"""`flask viraljs …`: what an operator asks in a terminal. Found by Flask through the package's entry point."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import AppGroup

from .config import KEYS, PREFIX
from .state import current_state

cli = AppGroup("viraljs", help="ViralJS: what is set, and what it means.")


@cli.command()
def settings() -> None:
    """Print every setting, its value in this app, and what it is for."""
    values = current_state().settings
    click.echo(f"Settings of {current_app.name}:")
    for name, key in KEYS.items():
        given = "" if f"{PREFIX}{name}" in current_app.config else " (default)"
        value = getattr(values, name.lower())
        shown = "(set, and not shown)" if key.secret and value is not None else repr(value)
        click.echo(f"{PREFIX}{name} = {shown}{given}")
        click.echo(f"    {key.description}")
