"""The command line: one file per command, each with one function of the command's name.

Commands wire things together; what they do lives in the rooms they call.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from copain.cli.accuracy import accuracy
from copain.cli.audit import audit
from copain.cli.conformance import conformance
from copain.cli.cores import cores
from copain.cli.demo import demo
from copain.cli.doctor import doctor
from copain.cli.info import info
from copain.cli.movie import movie
from copain.cli.play import play
from copain.cli.ram import ram
from copain.cli.random import random
from copain.cli.render import render
from copain.cli.search import search
from copain.cli.train import train
from copain.cli.verify import verify
from copain.cli.watch_agent import watch
from copain.errors import CopainError


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"copain {version('copain')}")
        raise typer.Exit


app = typer.Typer(
    name="copain",
    help="Script, search, learn and prove retro games from Python.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Script, search, learn and prove retro games from Python."""


for command in (
    conformance,
    cores,
    demo,
    info,
    doctor,
    play,
    random,
    verify,
    render,
    accuracy,
    audit,
    watch,
):
    app.command()(command)
app.add_typer(search)
app.add_typer(train)
app.add_typer(ram)
app.add_typer(movie)


def main() -> None:
    """Run the command line; a CopainError becomes one message and exit status 2."""
    try:
        app()
    except CopainError as error:
        # Not wrapped: a path that is broken into two lines cannot be copied or searched for.
        Console(stderr=True).print(
            f"[bold red]error:[/] {escape(str(error))}", highlight=False, soft_wrap=True
        )
        sys.exit(2)
