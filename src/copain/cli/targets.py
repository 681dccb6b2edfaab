"""What there is to check here: each emulator and core with the games for it."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from copain.backends import open_emulator
from copain.backends.cores import KNOWN_CORES, find_cores
from copain.backends.fceux_start import find_fceux
from copain.backends.mame_start import find_mame
from copain.errors import CopainError, EmulatorMissing
from copain.games import rom_path
from copain.rom import Rom
from copain.system import ARCADE, GRID
from copain.testing.small_games import write_small_games

EXACT_CORES = ("fceumm", "nestopia")
"""The cores of which copain requires exact."""

EXACT = ("grid", "colibri", "fceux", "mame")
"""The emulators of which copain requires exact."""

LUA_EMULATORS: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "fceux": (find_fceux, ("nes",)),
    "mame": (find_mame, ("nes", "genesis", "a2600", "pce", "arcade")),
}
"""Emulators in another process: how each is found, and systems that it plays without a BIOS."""


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
        return self.emulator in EXACT or self.core in EXACT_CORES


def find_targets() -> list[Target]:
    """What this machine has: our own games, Debian's efp, and those that packages carry.

    Each game on the emulators and cores that are checked with it, if they are found; for systems
    without a free game programs of a few bytes; ROMs in the folders of ``COPAIN_ROMS`` too, on
    everything that plays them.
    """
    found = {core.name for core in find_cores()}
    lua = {name: LUA_EMULATORS[name][1] for name in LUA_EMULATORS if _is_here(name)}
    games: list[tuple[str, Path, tuple[str, ...]]] = [
        ("alouette", _shipped("alouette"), EXACT_CORES),
        ("efp", _efp(), EXACT_CORES),
        ("airstriker", _airstriker(), ("picodrive", "genesis_plus_gx")),
        ("space_invaders", _package("ale_py") / "roms/space_invaders.bin", ("stella",)),
        *((path.stem, path, cores_for(path)) for path in _small_games()),
    ]
    targets = [Target("grid", "", "grid", _shipped("grid"))]
    for game, path, cores in games:
        if not path.is_file():
            continue
        system = read_rom(path).system.name
        if opens(path, "colibri"):
            targets.append(Target("colibri", "", game, path))
        targets += [Target("libretro", core, game, path) for core in cores if core in found]
        targets += [
            Target(name, "", game, path) for name in lua if system in LUA_EMULATORS[name][1]
        ]
    for folder in os.environ.get("COPAIN_ROMS", "").split(os.pathsep):
        for path in sorted(Path(folder).expanduser().iterdir()) if folder else ():
            targets += targets_for(path)
    return targets


def targets_for(path: Path) -> list[Target]:
    """The ROM at `path` on every emulator and core here that opens it; none if it is no ROM."""
    try:
        system = read_rom(path).system
    except CopainError:
        return []
    if system is GRID:
        return [Target("grid", "", path.stem, path)]
    alone = ["colibri", *(name for name in LUA_EMULATORS if _is_here(name))]
    targets = [Target("libretro", core, path.stem, path) for core in cores_for(path)]
    targets += [Target(name, "", path.stem, path) for name in alone if opens(path, name)]
    return targets


def read_rom(path: Path) -> Rom:
    """The ROM at `path`; a zip file is an arcade set. Raises RomError."""
    return Rom.read(path, system=ARCADE if path.suffix.lower() == ".zip" else None)


def opens(path: Path, emulator: str, core: str = "") -> bool:
    """Whether the emulator is here and opens the game at `path`."""
    try:
        with open_emulator(path, emulator, **({"core": core} if core else {})):
            return True
    except CopainError:
        return False


def _is_here(name: str) -> bool:
    try:
        LUA_EMULATORS[name][0]()
    except EmulatorMissing:
        return False
    return True


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
        system = read_rom(path).system.name
    except CopainError:
        return ()
    found = {core.name for core in find_cores()}
    return tuple(
        name for name, known in KNOWN_CORES.items() if name in found and system in known.systems
    )


@cache
def _small_games() -> list[Path]:
    """They lie in a folder that is there until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="copain-small-games-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_small_games(folder)


def _airstriker() -> Path:
    data = _package("stable_retro") / "data/stable"
    return next(iter(sorted(data.glob("Airstriker-Genesis*/rom.md"))), data)


def _package(name: str) -> Path:
    """The folder of a package, without importing it; a path that is not there if there is none."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else Path(f"{name} is not there")
