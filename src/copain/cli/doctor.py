"""``copain doctor``: what is found on this machine, what is missing, and how to get it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

import copain
from copain.backends.cores import find_cores
from copain.backends.fceux_start import find_fceux
from copain.cli.cores import core_row
from copain.errors import EmulatorMissing
from copain.games import GAME_NAMES, rom_path
from copain.system import GRID, SYSTEMS


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked for: whether it was found, what was found, and how to get it."""

    what: str
    found: bool
    detail: str
    how: str = ""


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what copain finds on this machine, what is missing, and how to get it.

    What is missing is no failure: Colibri plays the NES without anything else.
    """
    findings = examine()
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        table = Table(show_header=False, box=None)
        for finding in findings:
            mark = "[green]✓[/]" if finding.found else "[yellow]·[/]"
            detail = finding.detail if finding.found else f"{finding.detail}  [dim]{finding.how}[/]"
            table.add_row(mark, f"[bold]{finding.what}[/]", detail)
        Console().print(table)


def examine() -> list[Finding]:
    """Everything that is looked for, in the order in which it is shown."""
    return [
        Finding("copain", True, copain.__version__),
        Finding("python", True, f"{platform.python_version()} ({sys.executable})"),
        Finding("NES", True, "Colibri, copain's own"),
        *_cores(),
        _fceux(),
        *(_package(*package) for package in _PACKAGES),
        *(_program(*program) for program in _PROGRAMS),
        *(_game(name) for name in GAME_NAMES),
    ]


_PACKAGES = (
    ("render movies", "av", "pip install 'copain[render]'"),
    ("play window", "pygame", "pip install 'copain[play]'"),
    ("cores from PyPI", "stable_retro", "pip install 'copain[cores]'"),
)
_PROGRAMS = (
    ("virtual display", "Xvfb", "apt install xvfb (only for display='xvfb')"),
    ("assembler of our games", "ca65", "apt install cc65 (only to rebuild the ROMs)"),
)


def _cores() -> list[Finding]:
    found = [row for row in map(core_row, find_cores()) if row.error is None]
    findings: list[Finding] = []
    for system in SYSTEMS:
        if system is GRID:
            continue
        names = list(dict.fromkeys(row.core for row in found if system.name in row.systems))
        findings.append(
            Finding(
                f"core for {system.name}",
                bool(names),
                ", ".join(names) or "none",
                "pip install 'copain[cores]', or set COPAIN_CORES to a folder of cores",
            )
        )
    return findings


def _fceux() -> Finding:
    try:
        return Finding("FCEUX", True, find_fceux())
    except EmulatorMissing:
        how = "apt install fceux, or set COPAIN_FCEUX to its program"
        return Finding("FCEUX", False, "no fceux on the PATH or in /usr/games", how)


def _package(what: str, module: str, how: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        return Finding(what, False, f"the package {module} is not installed", how)
    names = importlib.metadata.packages_distributions().get(module, [module])
    return Finding(what, True, f"{names[0]} {importlib.metadata.version(names[0])}")


def _program(what: str, program: str, how: str) -> Finding:
    path = shutil.which(program)
    return Finding(what, path is not None, path or f"no {program} on the PATH", how)


def _game(name: str) -> Finding:
    try:
        return Finding(f"game {name}", True, str(rom_path(name)))
    except copain.GameError as error:
        return Finding(f"game {name}", False, str(error))
