"""``copain audit``: is an emulator deterministic? And, with --against, is it like another?"""

from __future__ import annotations

import json
import os
import tomllib
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from copain.backends.colibri import ColibriEmulator
from copain.cli.apart import run_apart, wide_console
from copain.cli.determinism import audit_targets, determinism_markdown, print_determinism
from copain.cli.verify import open_named
from copain.emulator import Emulator
from copain.errors import CopainError, InputError
from copain.rom import Rom
from copain.system import NES
from copain.testing.audit import (
    Agreement,
    AuditResult,
    PictureResult,
    audit_pictures,
    mapper_of,
)
from copain.testing.audit import audit as audit_rom
from copain.testing.report import Outcome
from copain.testing.test_roms import find_test_roms

TIME_LIMIT = 1800.0
"""Seconds that one ROM may take."""

Row: TypeAlias = AuditResult | PictureResult


@dataclass(frozen=True, slots=True)
class Task:
    """One ROM to audit."""

    name: str
    path: Path
    emulator: str
    reference: str
    frames: int
    seeds: tuple[int, ...]
    pictures: bool
    every: int


def audit(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[ROM]", help="A ROM, or a folder of them; without one, those that are here."
        ),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(help="An emulator to audit (fceux, libretro:nestopia, ...); else all."),
    ] = None,
    emulator: Annotated[str, typer.Option(help="With --against: what to compare.")] = "colibri",
    against: Annotated[
        str | None, typer.Option(help="Compare with this reference, such as fceux.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Frames of each seed.")] = 3000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the random inputs.")] = None,
    pictures: Annotated[
        bool, typer.Option(help="Compare pictures, up to the palette, instead of RAM.")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="Frames from picture to picture.")] = 5,
    jobs: Annotated[int, typer.Option(min=1, help="ROMs at a time.")] = 2,
    reasons: Annotated[
        Path | None, typer.Option(help="A TOML file: \\[reason] with a ROM's name and why.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    markdown: Annotated[
        Path | None, typer.Option(help="Write the table to this file, for documents.")
    ] = None,
) -> None:
    """Audit whether emulators do the same again, or with --against compare two of them.

    Determinism, on every emulator here or those of --on: the same inputs twice, save and load
    before every frame, a savestate in a fresh instance and a fresh process, whatever was played
    before, soft reset, a long run (--frames). Each is exact, heals or diverges, with the first
    difference. Exit status 1 when one diverges.

    With --against or --pictures, for each ROM of a folder: --emulator plays the same random inputs
    as the reference, and every frame is compared: exact, exact outside the stack, heals, diverges.
    Exit status 1 when one diverges, or its pictures differ, without a reason in --reasons.
    """
    if against is None and not pictures:
        chosen = [] if folder is None else _roms_in(folder)
        seeds = seed or [1]
        results = audit_targets(chosen, on or [], frames, seeds[0], jobs, quiet=as_json)
        if markdown is not None:
            markdown.write_text(determinism_markdown(results, frames, seeds[0]), encoding="utf-8")
        print_determinism(results, as_json=as_json)
        if any(one.outcome in (Outcome.DIVERGES, Outcome.WRONG) for one in results):
            raise typer.Exit(1)
        return
    if on or folder is None:
        raise InputError(
            "copain audit: --against compares --emulator over a ROM or a folder; --on is for the "
            "audit without --against"
        )
    known = _read_reasons(reasons)
    reference = against or ("fceumm" if pictures else "fceux")
    roms = [(folder.name, folder)] if folder.is_file() else find_test_roms(folder)
    if not roms:
        raise InputError(f"copain audit: there is no .nes file in {folder}")
    tasks = [
        Task(name, path, emulator, reference, frames, tuple(seed or (1,)), pictures, every)
        for name, path in roms
    ]
    found: dict[str, Row] = {}
    console = Console(stderr=True)
    console.quiet = as_json or not console.is_terminal
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("auditing", total=len(tasks))
        for task, result, error in run_apart(audit_one, tasks, jobs, TIME_LIMIT):
            found[task.name] = _refused(task, error) if result is None else result
            progress.advance(bar)
    rows = [found[name] for name, _ in roms]
    if markdown is not None:
        markdown.write_text(as_markdown(rows, known), encoding="utf-8")
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        show(rows, known, wide_console())
    if any(_bad(row) and not known.get(row.name) for row in rows):
        raise typer.Exit(1)


def _roms_in(folder: Path) -> list[Path]:
    """The ROM itself, or those that lie in a folder."""
    if folder.is_file():
        return [folder]
    found = sorted(path for path in folder.glob("*") if path.is_file() and _is_rom(path))
    if not found:
        raise InputError(f"copain audit: there is no ROM in {folder}")
    return found


def _is_rom(path: Path) -> bool:
    try:
        Rom.read(path)
    except CopainError:
        return False
    return True


def audit_one(task: Task) -> Row:
    """Audit one ROM, in this process."""
    os.nice(5)
    try:
        rom = Rom.read(task.path, system=NES)
        with (
            open_named(rom, task.emulator) as emulator,
            open_named(rom, task.reference, **_region_for(task.reference, emulator)) as reference,
        ):
            if task.pictures:
                return audit_pictures(
                    emulator, reference, task.frames, task.seeds[0], task.every, task.name
                )
            return audit_rom(emulator, reference, task.frames, task.seeds, task.name)
    except CopainError as error:
        return _refused(task, str(error))


def _region_for(reference: str, emulator: Emulator) -> dict[str, object]:
    """FCEUX plays what it is told, whatever region an iNES header names: what Colibri plays."""
    if reference == "fceux" and isinstance(emulator, ColibriEmulator):
        return {"region": emulator.region}
    return {}


def _refused(task: Task, error: str) -> Row:
    if task.pictures:
        return PictureResult(task.name, task.emulator, task.reference, error=error)
    mapper = mapper_of(task.path.read_bytes()[:16].ljust(16, b"\0"))
    return AuditResult(
        task.name, mapper, task.emulator, task.reference, Agreement.REFUSED, error=error
    )


def _bad(row: Row) -> bool:
    if isinstance(row, PictureResult):
        return not row.equal
    return row.agreement in (Agreement.DIVERGES, Agreement.REFUSED)


def _read_reasons(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        return dict(tomllib.loads(path.read_text(encoding="utf-8")).get("reason", {}))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"copain audit --reasons {path}: {error}") from None


# Tables -----------------------------------------------------------------------------------------


def facts_of(row: Row, known: dict[str, str]) -> tuple[str, str, str, str]:
    """A row's verdict, first frame, what differs there, and more in words."""
    why = known.get(row.name, "")
    if isinstance(row, PictureResult):
        if row.error:
            return "refused", "", "", row.error
        if row.equal:
            return "equal", "", "", why
        more = f"{row.pixels:,} pixels in {row.pictures} pictures"
        return "differs", str(row.first), f"lines {_list(row.lines, '{}')}", _join(more, why)
    if row.agreement is Agreement.REFUSED:
        return str(row.agreement), "", "", _join(row.error.partition("\n")[0][:160], why)
    more = f"{row.different:,} of {row.frames:,} frames" if row.different else ""
    if row.better is not None:
        more += f"; boot offset {row.better} would fit better"
    first = "" if row.first is None else str(row.first)
    return str(row.agreement), first, _list(row.addresses, "${:04X}"), _join(more, why)


def show(rows: list[Row], known: dict[str, str], console: Console) -> None:
    """Print the table and its sums."""
    table = Table(box=None)
    for heading in ("ROM", "verdict", "frame", "bytes", ""):
        table.add_column(heading, overflow="fold")
    for row in rows:
        verdict, *rest = facts_of(row, known)
        style = "red" if _bad(row) else "yellow" if verdict == "heals" else "green"
        table.add_row(escape(row.name), f"[{style}]{verdict}[/]", *map(escape, rest))
    console.print(table)
    console.print(_sums(rows), highlight=False)


def as_markdown(rows: list[Row], known: dict[str, str]) -> str:
    """The table for documents: ROMs by name only."""
    lines = [
        _sums(rows), "", "| ROM | mapper | verdict | first frame | bytes | |",
        "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for row in rows:
        mapper = str(row.mapper) if isinstance(row, AuditResult) else ""
        verdict, *rest = facts_of(row, known)
        lines.append(f"| {row.name} | {mapper} | {verdict} | {' | '.join(rest)} |")
    return "\n".join(lines) + "\n"


def _sums(rows: list[Row]) -> str:
    counts = Counter(facts_of(row, {})[0] for row in rows)
    sums = ", ".join(f"{many} {verdict}" for verdict, many in counts.most_common())
    return f"{len(rows)} ROMs, {rows[0].emulator} beside {rows[0].reference}: {sums}"


def _list(values: tuple[int, ...], form: str) -> str:
    return " ".join(form.format(value) for value in values)


def _join(*parts: str) -> str:
    return ". ".join(part for part in parts if part)
