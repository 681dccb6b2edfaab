"""A result is proven from power-on, or it is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

import copain
from copain import EmulatorError, Savestate
from copain.backends.grid import GridEmulator
from copain.games.grid.game import Grid
from copain.search import BruteForce, Fastest, brute_force, prove


class Forgetful(GridEmulator):
    """An emulator whose savestates do not hold the luck."""

    def load_state(self, state: Savestate) -> None:
        super().load_state(state)
        self.ram["luck"] = 0


def test_savestates_that_forget_are_found_out(grid_rom: copain.Rom) -> None:
    with pytest.raises(EmulatorError, match=r"RAM after frame \d+ is not what the search saw"):
        brute_force(lambda: Forgetful(grid_rom), Fastest(Grid()), BruteForce(frames=2000))


def test_the_first_frame_that_differs_is_named(grid_rom: copain.Rom) -> None:
    found = brute_force(lambda: copain.open(grid_rom), Fastest(Grid()))
    frames = sorted(found.line.hashes)
    wrong = {**found.line.hashes, frames[3]: 1, frames[5]: 1}
    with copain.open(grid_rom) as emulator:
        assert prove(found.line, emulator, found.progress.rerecords) == found.movie
        with pytest.raises(EmulatorError, match=f"RAM after frame {frames[3]} is not"):
            prove(replace(found.line, hashes=wrong), emulator)
        with pytest.raises(EmulatorError, match="was not compared"):
            prove(replace(found.line, hashes={}), emulator)
