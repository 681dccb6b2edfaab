"""A search refuses an emulator in which a savestate is not all there is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import copain
from copain import Emulator, EmulatorError, Savestate
from copain.backends.grid import GridEmulator
from copain.games.grid.game import Grid
from copain.search import (
    Beam,
    BruteForce,
    Fastest,
    GoExplore,
    RandomSearch,
    beam,
    brute_force,
    go_explore,
    random_search,
)


class Remembering(GridEmulator):
    """Its luck goes on from what was played before a savestate is loaded."""

    name = "remembering"

    def __init__(self, rom: copain.Rom) -> None:
        super().__init__(rom)
        self._loads = 0

    def load_state(self, state: Savestate) -> None:
        super().load_state(state)
        self._loads += 1
        self.ram["luck"] = min(self._loads // 2, 7)


SEARCHES: dict[str, Callable[[Callable[[], Emulator]], object]] = {
    "beam": lambda factory: beam(factory, Fastest(Grid()), Beam(frames=100)),
    "brute-force": lambda factory: brute_force(factory, Fastest(Grid()), BruteForce(frames=100)),
    "go-explore": lambda factory: go_explore(factory, Fastest(Grid()), GoExplore(frames=100)),
    "random": lambda factory: random_search(factory, Fastest(Grid()), RandomSearch(frames=100)),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_an_emulator_that_remembers_is_refused_by_name(grid_rom: copain.Rom, name: str) -> None:
    message = r"remembering 1 cannot be searched with: .* RAM at 0x0006 is 0x0\d .* fresh one"
    with pytest.raises(EmulatorError, match=message):
        SEARCHES[name](lambda: Remembering(grid_rom))
