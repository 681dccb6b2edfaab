"""The audit of determinism, ``copain audit ROM --on ...``: does an emulator do the same again?"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from copain.cli.apart import run_apart, wide_console
from copain.cli.targets import find_targets, opens, read_rom, targets_for
from copain.cli.verify import open_named
from copain.errors import CopainError, InputError
from copain.testing.determinism import (
    AUDIT_CHECKS,
    FRESH_PROCESS,
    Determinism,
    Moment,
    audit_determinism,
    follow_moment,
    with_fresh_process,
)
from copain.testing.report import Finding, Outcome

TIME_LIMIT = 900.0
"""Seconds that one emulator and game may take."""

MARKS = {"exact": "exact", "absent": "-", "heals": "heals", "diverges": "**diverges**",
         "wrong": "**wrong**"}  # fmt: skip
STYLES = {"exact": "green", "absent": "dim", "heals": "yellow"}


@dataclass(frozen=True, slots=True)
class Task:
    """An emulator by name and a game; `moment` is to be followed, None for all other checks."""

    emulator: str
    game: str
    rom: Path
    frames: int
    seed: int
    moment: Moment | None = None


def audit_targets(
    roms: list[Path], on: list[str], frames: int, seed: int, jobs: int, *, quiet: bool
) -> list[Determinism]:
    """Audit each ROM on each emulator named, or on all that are here, each in its own process."""
    games = [(path.stem, path) for path in roms] or list(
        dict.fromkeys((target.game, target.rom) for target in find_targets())
    )
    tasks = [
        Task(name, game, path, frames, seed)
        for game, path in games
        for name in (on or emulators_for(path))
    ]
    if not tasks:
        raise InputError("copain audit: no emulator here plays this; see copain cores")
    found: dict[tuple[str, Path], Determinism] = {}
    console = Console(stderr=True)
    console.quiet = quiet or not console.is_terminal
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("auditing", total=len(tasks))
        for task, result, error in run_apart(audit_here, tasks, jobs, TIME_LIMIT):
            if isinstance(result, tuple):
                found[task.emulator, task.rom] = _in_fresh_process(task, *result)
            else:
                found[task.emulator, task.rom] = Determinism(
                    task.emulator, "", task.game, {}, result or error
                )
            progress.advance(bar)
    return [found[task.emulator, task.rom] for task in tasks]


def audit_here(task: Task) -> tuple[Determinism, Moment] | str:
    """Audit one emulator in this process; the error's text where it did not open."""
    os.nice(5)
    try:
        rom = read_rom(task.rom)
        return audit_determinism(
            lambda: open_named(rom, task.emulator), task.game, task.frames, task.seed
        )
    except CopainError as error:
        return str(error)


def follow_here(task: Task) -> Finding:
    """Follow the task's moment in this process."""
    assert task.moment is not None
    rom = read_rom(task.rom)
    return follow_moment(lambda: open_named(rom, task.emulator), task.moment)


def _in_fresh_process(task: Task, found: Determinism, moment: Moment) -> Determinism:
    again = Task(task.emulator, task.game, task.rom, task.frames, task.seed, moment)
    ((_, finding, error),) = run_apart(follow_here, [again], 1, TIME_LIMIT)
    return with_fresh_process(found, finding or Finding(Outcome.WRONG, detail=error))


def emulators_for(path: Path) -> list[str]:
    """The emulators here that open the game at `path`, as ``--on`` names them."""
    return [
        target.name
        for target in targets_for(path)
        if not target.core or opens(path, target.emulator, target.core)
    ]


def print_determinism(results: list[Determinism], *, as_json: bool) -> None:
    """Print the results as a table with what is not exact below it, or as JSON."""
    if as_json:
        print(json.dumps([asdict(result) for result in results]))
        return
    table = Table(box=None)
    for heading in ("game", "emulator", *AUDIT_CHECKS):
        table.add_column(heading)
    for result in results:
        cells = [str(result.findings[name].outcome) if name in result.findings else "?"
                 for name in AUDIT_CHECKS]  # fmt: skip
        marks = [f"[{STYLES.get(cell, 'red')}]{cell}[/]" for cell in cells]
        table.add_row(escape(result.game), escape(result.emulator), *marks)
    console = wide_console()
    console.print(table)
    for line in notes(results):
        console.print(escape(line), highlight=False, soft_wrap=True)


def notes(results: list[Determinism]) -> list[str]:
    """What was not exact, with the first difference."""
    lines = [f"{one.emulator}, {one.game}: {one.error}" for one in results if one.error]
    return lines + [
        f"{one.emulator}, {one.game}, {name}: {finding}"
        for one in results
        for name, finding in one.findings.items()
        if finding.outcome not in (Outcome.EXACT, Outcome.ABSENT)
    ]


def determinism_markdown(results: list[Determinism], frames: int, seed: int) -> str:
    """The page for documents."""
    lines = [
        "# Determinism",
        "",
        "Does an emulator do the same again? Written by `copain audit --markdown "
        "docs/reference/determinism.md`: random inputs of "
        f"seed {seed}, {frames:,} frames for the long run; compared is all of RAM after every "
        "frame. What is not exact stands below with its first difference.",
        "",
        "- **twice**: fresh instances, the same inputs. **power on**: after a play, as at first.",
        "- **save/load**: before every frame. **fresh**: a savestate in a fresh instance. "
        f"**{FRESH_PROCESS}**: in a process that has played nothing.",
        "- **history**: a savestate leads to the same, whatever the instance has played before.",
        "- **soft reset**: the button does the same on each instance. **long run**: twice.",
        "",
        "A difference **heals** when RAM is equal again for long, up to the end; else it "
        "**diverges**. The games called joypad-gb and the like, and pacman, are [programs of a few "
        "bytes](../../src/copain/testing/small_games.py) of our own, for systems without a free "
        "game at hand.",
        "",
        "| game | emulator | version | " + " | ".join(AUDIT_CHECKS) + " |",
        "|---|---|---|" + "---|" * len(AUDIT_CHECKS),
    ]
    for one in results:
        cells = [MARKS[str(one.findings[name].outcome)] if name in one.findings else "**wrong**"
                 for name in AUDIT_CHECKS]  # fmt: skip
        lines.append(f"| {one.game} | {one.emulator} | {one.version} | " + " | ".join(cells) + " |")
    lines += ["", *(f"- {line.partition(chr(10))[0]}" for line in notes(results))]
    return "\n".join(lines).rstrip() + "\n"
