"""``copain conformance``: the table of emulator x game x check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from copain.backends import open_emulator
from copain.cli.apart import cores_on_stderr, wide_console
from copain.cli.targets import Target, cores_for, find_targets, targets_for
from copain.errors import EmulatorMissing
from copain.testing import CHECK_NAMES, Report, check_emulator
from copain.testing.conformance import FRAMES, SEEDS

TIME_LIMIT = 1800.0
"""Seconds that one emulator and game may take."""

_STYLES = {
    "exact": "green", "absent": "dim", "heals": "yellow", "diverges": "red", "wrong": "bold red",
}  # fmt: skip
_MARKS = {"exact": "exact", "absent": "-", "heals": "heals", "diverges": "**diverges**"}


def conformance(
    emulator: Annotated[
        str | None, typer.Option(help="Only this emulator, such as colibri or libretro.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="Only this libretro core.")] = None,
    rom: Annotated[Path | None, typer.Option(help="This ROM instead of those found.")] = None,
    frames: Annotated[int, typer.Option(min=120, help="Frames of input of each seed.")] = FRAMES,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the inputs.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = os.cpu_count() or 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the page for documents.")] = None,
) -> None:
    """Check what emulators promise: exact, heals or diverges, for each check.

    Without --rom: every emulator, core and game that is found here; without --emulator and --core:
    all that play it. Each in a process of its own. Exit status 1 unless grid, colibri, fceux, mame,
    fceumm and nestopia are exact.
    """
    seeds = tuple(seed or SEEDS)
    if rom is None:
        targets = [
            target
            for target in find_targets()
            if emulator in (None, target.emulator) and core in (None, target.core)
        ]
        if not targets:
            raise EmulatorMissing(
                "copain conformance: no emulator like this was found with a game for it; "
                "see copain cores, or give --rom"
            )
    elif emulator is None and core is None:
        targets = targets_for(rom)
        if not targets:
            raise EmulatorMissing(
                f"copain conformance --rom {rom}: no emulator here plays it; see copain cores"
            )
    else:
        named = emulator or "libretro"
        cores = [""] if named != "libretro" else [core] if core else cores_for(rom)
        targets = [Target(named, one, rom.stem, rom) for one in cores]
    if len(targets) == 1:
        with cores_on_stderr():
            results = [check_here(targets[0], frames, seeds).to_dict()]
    else:
        results = check_apart(targets, frames, seeds, jobs)
    if markdown is not None:
        markdown.write_text(conformance_markdown(targets, results, frames, seeds), encoding="utf-8")
    if as_json:
        print(json.dumps(results, indent=2))
    else:
        _print(targets, results)
    failed = [
        target.name
        for target, result in zip(targets, results, strict=True)
        if target.must_be_exact and not is_exact(result)
    ]
    if failed:
        raise typer.Exit(1)


def check_here(target: Target, frames: int, seeds: Iterable[int]) -> Report:
    """Check one target in this process."""
    options: dict[str, object] = {"core": target.core} if target.core else {}
    return check_emulator(
        lambda: open_emulator(target.rom, emulator=target.emulator, **options),
        frames=frames,
        seeds=tuple(seeds),
    )


def check_apart(
    targets: list[Target], frames: int, seeds: Iterable[int], jobs: int = 2
) -> list[dict[str, object]]:
    """Check each target in a process of its own, so that a core that crashes takes none along.

    The reports as dictionaries; one that did not come to its end has ``error`` instead of checks.
    """
    seeds = tuple(seeds)
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ThreadPoolExecutor(max_workers=jobs) as threads,
    ):
        task = progress.add_task("checking", total=len(targets))

        def check(target: Target) -> dict[str, object]:
            result = _apart(target, frames, seeds)
            progress.advance(task)
            return result

        return list(threads.map(check, targets))


def is_exact(result: dict[str, object]) -> bool:
    """Whether a report as a dictionary says exact or absent throughout."""
    outcomes = outcomes_of(result)
    return bool(outcomes) and set(outcomes.values()) <= {"exact", "absent"}


def outcomes_of(result: dict[str, object]) -> dict[str, str]:
    """The outcome of each check in a report as a dictionary; none if it did not end."""
    checks = cast(dict[str, dict[str, str]], result.get("checks", {}))
    return {name: finding["outcome"] for name, finding in checks.items()}


def _apart(target: Target, frames: int, seeds: tuple[int, ...]) -> dict[str, object]:
    command = [
        sys.executable, "-c", "from copain.cli import main; main()", "conformance", "--json",
        "--emulator", target.emulator, "--rom", str(target.rom), "--frames", str(frames),
        *(["--core", target.core] if target.core else []),
        *(part for seed in seeds for part in ("--seed", str(seed))),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        error = f"did not end within {TIME_LIMIT:.0f} s"
    else:
        if done.returncode in (0, 1) and done.stdout.startswith("["):
            (result,) = cast(list[dict[str, object]], json.loads(done.stdout))
            return result | {"game": target.game}
        ended = f"exit status {done.returncode}"
        if done.returncode < 0:
            ended = f"signal {-done.returncode}"
        error = f"ended with {ended}: {done.stderr.strip()[-500:]}"
    return {"emulator": target.name, "game": target.game, "error": error}


def notes_of(targets: list[Target], results: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """What is not exact: the outcome, where it is, and what is known of it."""
    notes: list[tuple[str, str, str]] = []
    for target, result in zip(targets, results, strict=True):
        where = f"{target.name} {target.game}"
        if "error" in result:
            notes.append(("wrong", where, str(result["error"])))
        for name, found in result.get("checks", {}).items():
            if found["outcome"] in ("exact", "absent"):
                continue
            text = ""
            if found["first_frame"] is not None:
                text += f" at frame {found['first_frame']} (seed {found['seed']})"
            if found["addresses"]:
                text += " in ram " + " ".join(hex(address) for address in found["addresses"])
            text += f" {found['detail']}"
            notes.append((found["outcome"], f"{where}, {name}: {found['outcome']}", text.strip()))
    return notes


def conformance_markdown(
    targets: list[Target], results: list[dict[str, Any]], frames: int, seeds: Iterable[int]
) -> str:
    """The page for documents."""
    lines = [
        "# Conformance",
        "",
        "What an emulator promises, check by check, on each game at hand. Written by `copain "
        f"conformance --markdown docs/reference/conformance.md`: {frames:,} frames of random "
        f"inputs of seeds {', '.join(map(str, seeds))}; compared are all of RAM and the "
        "picture after every frame. `copain conformance` checks your machine's.",
        "",
        "A difference **heals** when all is equal again for long, up to the end; else it "
        "**diverges**. A dash: the emulator does not claim this. What each check does: "
        "[moments](../../src/copain/testing/moments.py), "
        "[rollouts](../../src/copain/testing/rollouts.py), "
        "[manners](../../src/copain/testing/manners.py).",
        "",
        "| game | emulator | version | " + " | ".join(CHECK_NAMES) + " |",
        "|---|---|---|" + "---|" * len(CHECK_NAMES),
    ]
    for target, result in zip(targets, results, strict=True):
        outcomes = outcomes_of(result)
        cells = [_MARKS.get(outcomes.get(name, ""), "**wrong**") for name in CHECK_NAMES]
        version = result.get("version", "")
        lines.append(f"| {target.game} | {target.name} | {version} | {' | '.join(cells)} |")
    lines += ["", *(f"- {where} {text}".partition("\n")[0]
                    for _, where, text in notes_of(targets, results))]  # fmt: skip
    return "\n".join(lines).rstrip() + "\n"


def _print(targets: list[Target], results: list[dict[str, Any]]) -> None:
    console = wide_console()
    beside = max(1, (console.width - 13) // 18)
    for first in range(0, len(targets), beside):
        part = slice(first, first + beside)
        table = Table(box=None)
        table.add_column("check", no_wrap=True)
        for target in targets[part]:
            table.add_column(f"{target.name.removeprefix('libretro:')}\n{target.game}", min_width=8)
        for name in CHECK_NAMES:
            cells = [outcomes_of(result).get(name, "-") for result in results[part]]
            table.add_row(name, *(f"[{_STYLES.get(cell, 'red')}]{cell}[/]" for cell in cells))
        console.print(table)
    for outcome, where, text in notes_of(targets, results):
        console.print(f"[{_STYLES[outcome]}]{where}[/]", highlight=False, end=" ")
        console.print(text, markup=False, highlight=False, soft_wrap=True)
    compared = sum(
        found["bytes"] for result in results for found in result.get("checks", {}).values()
    )
    console.print(f"{compared:,} bytes were compared.", highlight=False)
