"""The programs of a few bytes, on the cores that they are for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import copain
from conftest import core
from copain.system import GBA
from copain.testing.small_games import write_small_games

CORES = {
    "joypad-gb.gb": ("gambatte", 0x2000),
    "joypad-gba.gba": ("mgba", 0x40000),
    "joypad-snes.sfc": ("snes9x", 0x20000),
    "joypad-pce.pce": ("mednafen_pce_fast", 0x8000),
}
"""For each the core, and the bytes of work RAM that it has."""


@pytest.mark.parametrize("name", list(CORES))
def test_each_button_reaches_ram_and_the_screen_follows(name: str, tmp_path: Path) -> None:
    write_small_games(tmp_path)
    core_name, size = CORES[name]
    with copain.open(tmp_path / name, core=core(core_name)) as machine:
        assert len(machine.ram) == size
        machine.advance(frames=10)
        where = slice(2, 4) if machine.system is GBA else slice(1, 3)  # what was read
        seen = {machine.ram[where].tobytes()}
        pictures: set[bytes] = set()
        for button in machine.system.buttons:
            machine.advance(copain.Joypad.from_bits(int(button)), frames=3)
            seen.add(machine.ram[where].tobytes())
            pictures.add(machine.screen.tobytes())
        assert len(seen) == len(machine.system.buttons) + 1, "two buttons are one"
        assert len(pictures) > 2


@pytest.mark.parametrize(("at_0x143", "size"), [(0, 0x2000), (0xC0, 0x8000)])
def test_mgba_gives_a_game_boys_own_ram_and_no_more(
    at_0x143: int, size: int, tmp_path: Path
) -> None:
    path = write_small_games(tmp_path)[0]
    rom = bytearray(path.read_bytes())
    rom[0x143] = at_0x143
    path = path.with_suffix(".gbc" if at_0x143 else ".gb")
    path.write_bytes(rom)
    with copain.open(path, core=core("mgba")) as machine:
        assert len(machine.ram) == size
        machine.advance(frames=30)
        assert machine.ram[1:3].tolist() != [0, 0]
        machine.ram[size - 1] = 0x5A
        assert machine.ram.read_all()[-1] == 0x5A
        assert machine.rollout(machine.save_state(), np.zeros((2, 1), int)).ram.shape == (size,)
