"""The test ROMs of games-src/tests: built from source, and passed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import copain
from conftest import absent, core
from copain.testing.test_roms import RomStatus, plan_of, run_test_rom

SOURCES = Path(__file__).parents[2] / "games-src" / "tests"
ROMS = sorted((SOURCES / "roms").glob("*.nes"))

# Where other emulators do not do what a console does.
NOT_IN_NESTOPIA = {
    "open_bus": "$4112 is not open bus",
    "oam_dma": "a DMA ends one cycle late; blargg's sprdma_and_dmc_dma fails too",
    "mmc3_irq": "it plays the chip's other revision, which does not count on from 0",
}
NOT_IN_FCEUX = {
    "vblank_race": "it has the flag rise between instructions, and suppresses nothing",
    "open_bus": "the PPU's bus is not in palette reads",
    "oam_dma": "OAM keeps the bits that do not exist",
    "joypad_latch": "it reads the buttons that are held now",
}


def report(rom: Path, **how: object) -> str:
    """What the ROM says on an emulator: nothing when it passes."""
    with copain.open(rom, **how) as nes:
        result = run_test_rom(nes, plan_of(f"games-src/tests/roms/{rom.name}"))
    return "" if result.status is RomStatus.PASSED else f"{result.code}: {result.text}"


def test_roms_are_rebuilt_bit_for_bit() -> None:
    if shutil.which("ca65") is None:
        absent("ca65", "apt install cc65")
    done = subprocess.run(
        [sys.executable, str(SOURCES / "build.py"), "--check"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ROMS)} ROMs agree" in done.stdout
    assert len(ROMS) >= 10


@pytest.mark.parametrize("rom", ROMS, ids=lambda rom: rom.stem)
def test_colibri_passes(rom: Path) -> None:
    assert report(rom, emulator="colibri") == ""


@pytest.mark.parametrize("rom", ROMS, ids=lambda rom: rom.stem)
def test_idle_skip_changes_nothing(rom: Path) -> None:
    assert report(rom, emulator="colibri", idle_skip=False) == ""


@pytest.mark.parametrize(
    "rom", [rom for rom in ROMS if rom.stem not in NOT_IN_NESTOPIA], ids=lambda rom: rom.stem
)
def test_nestopia_passes(rom: Path) -> None:
    assert report(rom, core=core("nestopia")) == ""


@pytest.mark.parametrize(
    "rom", [rom for rom in ROMS if rom.stem not in NOT_IN_FCEUX], ids=lambda rom: rom.stem
)
def test_fceux_passes(rom: Path) -> None:
    try:
        found = report(rom, emulator="fceux")
    except copain.EmulatorMissing as error:
        absent("FCEUX", str(error))
    assert found == ""


def test_a_failure_is_told_with_its_number_and_words() -> None:
    """FCEUX's core has no flag race: the ROM says so, read from $6000."""
    found = report(SOURCES / "roms/vblank_race.nes", core=core("fceumm"))
    assert found.startswith("4: a read one dot before reads 0")
