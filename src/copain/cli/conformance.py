"""``copain conformance``: the table of emulator x game x check."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from copain.backends import open_emulator
from copain.backends.cores import KNOWN_CORES, find_cores
from copain.errors import CopainError, EmulatorMissing
from copain.games import rom_path
from copain.rom import Rom
from copain.system import GRID
from copain.testing import CHECK_NAMES, Report, check_emulator
from copain.testing.conformance import FRAMES, SEEDS

TIME_LIMIT = 900.0
"""Seconds that one emulator and game may take."""

EXACT_CORES = ("fceumm", "nestopia")
"""The cores of which copain requires exact."""

OUR_OWN = ("grid", "colibri")
"""The emulators of which copain requires exact."""

_STYLES = {
    "exact": "green", "absent": "dim", "heals": "yellow", "diverges": "red", "wrong": "bold red",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """An emulator and a game to check; `core` is empty for an emulator that has no cores."""

    emulator: str
    core: str
    game: str
    rom: Path

    @property
    def name(self) -> str:
        """The emulator as its savestates call it."""
        return f"{self.emulator}:{self.core}" if self.core else self.emulator

    @property
    def must_be_exact(self) -> bool:
        """Whether anything less than exact is a failure."""
        return self.emulator in OUR_OWN or self.core in EXACT_CORES


def find_targets() -> list[Target]:
    """What this machine has: our own games, Debian's efp, and those that packages carry.

    Each game on the cores that are checked with it, if they are found; ROMs in the folders of
    ``COPAIN_ROMS`` too, on every core that plays them.
    """
    found = {core.name for core in find_cores()}
    games: list[tuple[str, Path, tuple[str, ...]]] = [
        ("alouette", _shipped("alouette"), EXACT_CORES),
        ("efp", _efp(), EXACT_CORES),
        ("airstriker", _airstriker(), ("picodrive", "genesis_plus_gx")),
        ("space_invaders", _package("ale_py") / "roms/space_invaders.bin", ("stella",)),
    ]
    for folder in os.environ.get("COPAIN_ROMS", "").split(os.pathsep):
        for path in sorted(Path(folder).expanduser().iterdir()) if folder else ():
            cores = cores_for(path)
            if cores:
                games.append((path.stem, path, cores))
    targets = [Target("grid", "", "grid", _shipped("grid"))]
    targets += [
        Target("colibri", "", game, path)
        for game, path, _ in games
        if path.is_file() and _colibri_plays(path)
    ]
    targets += [
        Target("libretro", core, game, path)
        for game, path, cores in games
        for core in cores
        if path.is_file() and core in found
    ]
    return targets


def conformance(
    emulator: Annotated[
        str | None, typer.Option(help="Only this emulator, such as colibri or libretro.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="Only this libretro core.")] = None,
    rom: Annotated[Path | None, typer.Option(help="This ROM instead of those found.")] = None,
    frames: Annotated[int, typer.Option(min=120, help="Frames of input of each seed.")] = FRAMES,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the inputs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Check what emulators promise: exact, heals or diverges, for each check.

    Without --rom: every emulator and game that is found here, each in a process of its own. Exit
    status 1 unless grid, colibri, fceumm and nestopia are exact.
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
        results = check_apart(targets, frames, seeds)
    else:
        game = Rom.read(rom)
        name = emulator or ("grid" if game.system is GRID else "libretro")
        targets = [
            Target(name, one, rom.stem, rom)
            for one in ([""] if name != "libretro" else [core] if core else cores_for(rom))
        ]
        if emulator is None and core is None and _colibri_plays(rom):
            targets.insert(0, Target("colibri", "", rom.stem, rom))
        results = [check_here(target, frames, seeds).to_dict() for target in targets]
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
    game = Rom.read(target.rom)
    options: dict[str, object] = {"core": target.core} if target.core else {}
    return check_emulator(
        lambda: open_emulator(game, emulator=target.emulator, **options),
        frames=frames,
        seeds=tuple(seeds),
    )


def check_apart(
    targets: list[Target], frames: int, seeds: Iterable[int]
) -> list[dict[str, object]]:
    """Check each target in a process of its own, so that a core that crashes takes none along.

    The reports as dictionaries; one that did not come to its end has ``error`` instead of checks.
    """
    seeds = tuple(seeds)
    with (
        Progress(console=Console(stderr=True), transient=True) as progress,
        ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads,
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


def _print(targets: list[Target], results: list[dict[str, Any]]) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, 13 + 16 * len(targets)))
    table = Table(title="conformance", box=None, title_style="bold", title_justify="left")
    table.add_column("check", no_wrap=True)
    for target in targets:
        heading = f"{target.name.removeprefix('libretro:')}\n{target.game}"
        table.add_column(heading, overflow="fold", min_width=8)
    for name in CHECK_NAMES:
        cells = [outcomes_of(result).get(name, "-") for result in results]
        table.add_row(name, *(f"[{_STYLES.get(cell, 'red')}]{cell}[/]" for cell in cells))
    console.print(table)
    for target, result in zip(targets, results, strict=True):
        where = f"{target.name} {target.game}"
        if "error" in result:
            console.print(f"[bold red]{where}[/] {result['error']}", highlight=False)
        for name, found in result.get("checks", {}).items():
            if found["outcome"] in ("exact", "absent"):
                continue
            text = f"[{_STYLES[found['outcome']]}]{where}, {name}: {found['outcome']}[/]"
            if found["first_frame"] is not None:
                text += f" at frame {found['first_frame']} (seed {found['seed']})"
            if found["addresses"]:
                text += " in ram " + " ".join(hex(address) for address in found["addresses"])
            console.print(text, highlight=False, end="")
            console.print(f" {found['detail']}", markup=False, highlight=False)
    compared = sum(
        found["bytes"] for result in results for found in result.get("checks", {}).values()
    )
    console.print(f"{compared:,} bytes were compared.", highlight=False)


def _colibri_plays(path: Path) -> bool:
    """Whether the file at `path` is a game that Colibri plays."""
    try:
        with open_emulator(path, "colibri"):
            return True
    except CopainError:
        return False


def _efp() -> Path:
    """The free NES game of Debian's package efp, installed or laid into the environment."""
    installed = Path("/usr/share/nes/efp.nes")
    return installed if installed.is_file() else Path(sys.prefix, "share/nes/efp.nes")


def _shipped(game: str) -> Path:
    try:
        return rom_path(game)
    except CopainError:
        return Path(f"{game} is not there")


def cores_for(path: Path) -> tuple[str, ...]:
    """The cores found that play the ROM at `path`; none if it is no ROM."""
    try:
        system = Rom.read(path).system.name
    except CopainError:
        return ()
    found = {core.name for core in find_cores()}
    return tuple(
        name for name, known in KNOWN_CORES.items() if name in found and system in known.systems
    )


def _airstriker() -> Path:
    data = _package("stable_retro") / "data/stable"
    return next(iter(sorted(data.glob("Airstriker-Genesis*/rom.md"))), data)


def _package(name: str) -> Path:
    """The folder of a package, without importing it; a path that is not there if there is none."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else Path(f"{name} is not there")
