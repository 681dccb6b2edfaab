"""``copain accuracy``: what public test ROMs say of an emulator."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from copain.cli.apart import run_apart, wide_console
from copain.cli.verify import open_named
from copain.emulator import Emulator
from copain.errors import CopainError, InputError
from copain.rom import Rom
from copain.system import NES
from copain.testing.test_roms import (
    RomResult,
    RomStatus,
    count,
    find_test_roms,
    not_run,
    plan_of,
    refused,
    run_test_rom,
)

TIME_LIMIT = 600.0
"""Seconds that one ROM may take on one emulator."""

_STYLES = {
    RomStatus.PASSED: "green", RomStatus.FAILED: "red", RomStatus.SILENT: "yellow",
    RomStatus.REFUSED: "bold red", RomStatus.BY_EYE: "dim",
}  # fmt: skip

_GOOD = (RomStatus.PASSED, RomStatus.BY_EYE)

# How a PAL console is asked for.
_PAL = {
    "colibri": {"region": "pal"},
    "fceux": {"region": "pal"},
    "fceumm": {"options": {"fceumm_region": "PAL"}},
    "nestopia": {"options": {"nestopia_favored_system": "pal"}},
}


@dataclass(frozen=True, slots=True)
class Task:
    """One ROM on one emulator."""

    name: str
    path: Path
    emulator: str


def accuracy(
    folder: Annotated[Path, typer.Argument(help="The folder with the ROMs, and those below it.")],
    emulator: Annotated[
        list[str] | None,
        typer.Option(
            help="An emulator or core: colibri, fceumm, nestopia, fceux. May be repeated."
        ),
    ] = None,
    match: Annotated[
        str, typer.Option(help="Only ROMs whose path matches this pattern, such as '*apu*'.")
    ] = "*",
    jobs: Annotated[int, typer.Option(min=1, help="ROMs at a time.")] = 2,
    failures: Annotated[bool, typer.Option(help="Show only what did not pass.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the tables to this file, for documents.")
    ] = None,
) -> None:
    """Run test ROMs, and show what they say of emulators.

    Exit status 1 when a ROM of the first emulator fails without a known reason.
    """
    names = emulator or ["colibri"]
    roms = [
        (name, path) for name, path in find_test_roms(folder)
        if fnmatchcase(name, match)
    ]  # fmt: skip
    if not roms:
        raise InputError(f"copain accuracy: no .nes file in {folder} matches {match!r}")
    tasks = [Task(name, path, one) for one in names for name, path in roms]
    results: dict[tuple[str, str], RomResult] = {}
    console = Console(stderr=True)
    console.quiet = as_json or not console.is_terminal
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("running", total=len(tasks))
        for task, result, error in run_apart(run_one, tasks, jobs, TIME_LIMIT):
            if result is None:
                result = refused(plan_of(task.name), task.emulator, CopainError(error))
            results[task.emulator, task.name] = result
            progress.advance(bar)
    columns = {one: [results[one, name] for name, _ in roms] for one in names}
    if markdown is not None:
        markdown.write_text(as_markdown(columns), encoding="utf-8")
    if as_json:
        print(json.dumps([asdict(result) for column in columns.values() for result in column]))
    else:
        show(columns, wide_console(), failures=failures)
    if any(not row.fine for result in columns[names[0]] for row in result.rows()):
        raise typer.Exit(1)


def run_one(task: Task) -> RomResult:
    """Run one ROM on one emulator, in this process."""
    os.nice(5)
    plan = plan_of(task.name)
    if plan.by_eye:
        return not_run(plan, task.emulator)
    try:
        with _open(task, plan.region) as emulator:
            return run_test_rom(emulator, plan)
    except CopainError as error:
        return refused(plan, task.emulator, error)


def _open(task: Task, region: str) -> Emulator:
    rom = Rom.read(task.path, system=NES)
    if region == "ntsc":
        return open_named(rom, task.emulator)
    options = _PAL.get(task.emulator)
    if options is None:
        raise InputError(f"{task.emulator}: no way is known to ask it for a PAL console")
    return open_named(rom, task.emulator, **options)


# Tables -----------------------------------------------------------------------------------------


def show(columns: dict[str, list[RomResult]], console: Console, *, failures: bool) -> None:
    """Print a row for each test, a column for each emulator, and the sums."""
    table = Table(box=None)
    table.add_column("test", overflow="fold")
    for name in columns:
        table.add_column(name)
    for row in _rows(columns):
        if failures and all(cell is None or cell.status in _GOOD for cell in row):
            continue
        label = next(cell.name for cell in row if cell is not None)
        cells = [
            "" if cell is None else f"[{_STYLES[cell.status]}]{_cell(cell)}[/]" for cell in row
        ]
        table.add_row(escape(label), *cells)
    console.print(table)
    for row in _rows(columns):
        for cell in row:
            if cell is not None and cell.known:
                console.print(
                    f"{cell.name} on {cell.emulator}: {cell.known}", highlight=False, markup=False
                )
    for name, results in columns.items():
        sums = ", ".join(f"{many} {status}" for status, many in count(results).items() if many)
        console.print(f"{name}: {sums}", highlight=False)


def as_markdown(columns: dict[str, list[RomResult]]) -> str:
    """A table of suites, then one for each suite; reasons of known failures below."""
    names = list(columns)
    suites: dict[str, list[tuple[RomResult | None, ...]]] = defaultdict(list)
    for row in _rows(columns):
        cells = [cell for cell in row if cell is not None]
        if all(cell.status is RomStatus.BY_EYE for cell in cells):
            continue
        suites[_suite(cells[0].name)].append(row)
    head = "| " + " | ".join(["suite", "tests", *names]) + " |\n|---|---|" + "---|" * len(names)
    lines = [head]
    for suite, rows in suites.items():
        passed = [
            sum(cell is not None and cell.status is RomStatus.PASSED for cell in column)
            for column in zip(*rows, strict=True)
        ]
        lines.append(f"| {suite} | {len(rows)} | " + " | ".join(map(str, passed)) + " |")
    for suite, rows in suites.items():
        lines += ["", f"## {suite}", "", "| test | " + " | ".join(names) + " |"]
        lines.append("|---|" + "---|" * len(names))
        for row in rows:
            label = next(cell.name for cell in row if cell is not None)
            cells = ["" if cell is None else _cell(cell) for cell in row]
            lines.append(f"| {_within(label)} | " + " | ".join(cells) + " |")
    reasons = {
        (cell.emulator, cell.name): cell.known
        for rows in suites.values() for row in rows for cell in row
        if cell is not None and cell.known
    }  # fmt: skip
    if reasons:
        lines += ["", "## Failures with a known reason", ""]
        lines += [
            f"- {_within(name)} on {emulator}: {reason}."
            for (emulator, name), reason in reasons.items()
        ]
    return "\n".join(lines) + "\n"


def _rows(columns: dict[str, list[RomResult]]) -> list[tuple[RomResult | None, ...]]:
    """For each test the result of each emulator, None where it has none."""
    by_name: dict[str, dict[str, RomResult]] = {}
    for emulator, results in columns.items():
        for result in results:
            for row in result.rows():
                by_name.setdefault(row.name, {})[emulator] = row
    return [tuple(found.get(emulator) for emulator in columns) for found in by_name.values()]


def _cell(result: RomResult) -> str:
    text = str(result.status)
    if result.status is RomStatus.FAILED and result.code:
        text += f" #{result.code}"
    return text


def _suite(name: str) -> str:
    rom, colon, _ = name.partition(": ")
    folders = rom.split("/")
    parents = [part for part in folders[:-1] if part not in ("rom_singles", "nes-test-roms")]
    return parents[-1] if parents else (folders[-1] if colon else "ROMs")


def _within(name: str) -> str:
    rom, colon, test = name.partition(": ")
    return test if colon else rom.rsplit("/", 1)[-1]
