"""The cores and games that the tests of the native host play, and how they are opened."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt
import pytest

import copain
from copain import _native
from copain.backends.cores import find_core
from copain.errors import EmulatorMissing
from copain.system import ATARI2600, GENESIS, NES, System

RAM = 2
NES_CORES = ("fceumm", "nestopia")
# A, B, Select, Start and the directions. The RetroPad's X and Y are turbo buttons in nestopia,
# whose rhythm is not part of its savestates.
NES_BUTTONS = (8, 0, 2, 3, 4, 5, 6, 7)
START = 1 << 3


def absent(what: str) -> NoReturn:
    """Skip the test by name; in CI everything has to be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")


def library(name: str, system: System = NES) -> str:
    """The path of a core's library."""
    try:
        return str(find_core(name, system).path)
    except EmulatorMissing:
        absent(f"the core {name}")


def nes_rom() -> Path:
    """The NES game that comes with copain."""
    return Path(copain.__file__).parent / "games" / "alouette" / "alouette.nes"


def open_core(name: str, rom: Path | None = None, system: System = NES) -> _native.Core:
    """A core with a game in it, ready for its first frame."""
    game = rom or nes_rom()
    core = _native.Core(library(name, system), "/nonexistent", "/nonexistent")
    core.set_buttons(NES_BUTTONS)
    core.load_game(str(game), game.read_bytes())
    return core


def efp_rom() -> Path:
    """The free NES game of Debian's package efp."""
    for folder in (Path("/usr"), Path(sys.prefix)):
        rom = folder / "share" / "nes" / "efp.nes"
        if rom.is_file():
            return rom
    absent("Debian's package efp")


def other_systems() -> list[tuple[str, System]]:
    """Cores of other systems for which a game is at hand (see `other_rom`)."""
    return [("picodrive", GENESIS), ("genesis_plus_gx", GENESIS), ("stella", ATARI2600)]


def other_rom(system: System) -> Path:
    """Airstriker of stable-retro, or Breakout of ale-py."""
    package, pattern = (
        ("stable_retro", "data/**/Airstriker*/rom.md")
        if system is GENESIS
        else ("ale_py", "roms/breakout.bin")
    )
    for folder in sys.path:
        for rom in Path(folder, package).glob(pattern):
            return rom
    absent(f"the game {pattern} of {package}")


def read_ram(core: _native.Core) -> bytes:
    """All of a core's system RAM."""
    return core.read_memory(RAM, 0, core.memory_size(RAM))


def some_inputs(shape: tuple[int, ...], seed: int = 1) -> npt.NDArray[np.uint16]:
    """Inputs that press buttons at random, each for a while, the last axis being the ports."""
    chance = np.random.default_rng(seed)
    held = chance.integers(0, 256, shape, dtype=np.uint16)
    change = chance.random(shape) < 0.2
    frames = shape[-2]
    for t in range(1, frames):
        held[..., t, :] = np.where(change[..., t, :], held[..., t, :], held[..., t - 1, :])
    return held
