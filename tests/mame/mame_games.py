"""What MAME's tests share: MAME itself, the games, and an emulator that is closed at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

import copain
from conftest import absent
from copain.backends.mame import MameEmulator
from copain.backends.mame_start import find_mame
from copain.errors import EmulatorMissing
from copain.testing.small_games import pacman_set, pc_engine

Open = Callable[..., MameEmulator]

__all__ = ["Open", "airstriker", "joypad_pce", "mame", "opened", "pacman", "space_invaders"]


@pytest.fixture(scope="session")
def mame() -> str:
    """MAME's program, which is here."""
    try:
        return find_mame()
    except EmulatorMissing:
        absent("mame", "apt install mame")


@pytest.fixture
def opened(mame: str, alouette: copain.Rom) -> Generator[Open]:
    """Opens a game, Alouette unless said, in MAME; afterwards no process of it is left."""
    emulators: list[MameEmulator] = []

    def open_one(rom: copain.Rom = alouette, **options: object) -> MameEmulator:
        emulators.append(copain.open(rom, "mame", **options))  # type: ignore[call-overload]
        return emulators[-1]

    yield open_one
    pids = [emulator.pid for emulator in emulators]
    for emulator in emulators:
        emulator.close()
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def _of_a_package(package: str, path: str) -> copain.Rom:
    found = [Path(folder) / path for folder in sys.path if (Path(folder) / path).is_file()]
    if found:
        return copain.Rom.read(found[0])
    return absent(Path(path).name, f"pip install {package}")


@pytest.fixture(scope="session")
def airstriker() -> copain.Rom:
    """A game of the Genesis, which stable-retro carries."""
    return _of_a_package("stable-retro", "stable_retro/data/stable/Airstriker-Genesis-v0/rom.md")


@pytest.fixture(scope="session")
def space_invaders() -> copain.Rom:
    """A game of the Atari 2600, which ale-py carries."""
    return _of_a_package("ale-py", "ale_py/roms/space_invaders.bin")


@pytest.fixture(scope="session")
def joypad_pce() -> copain.Rom:
    """A program of our own for the PC Engine."""
    return copain.Rom.from_bytes(pc_engine(), system="pce")


@pytest.fixture
def pacman(tmp_path: Path) -> Path:
    """An arcade set with a program of our own: it copies inputs to RAM."""
    path = tmp_path / "pacman.zip"
    path.write_bytes(pacman_set())
    return path
