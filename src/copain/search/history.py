"""History independence: what a savestate leads to must not depend on what was played before.

A search loads a savestate into whichever instance is free, so an emulator of which this is not
true finds lines that nobody can play again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from copain.emulator import Emulator
from copain.errors import EmulatorError
from copain.games import Game
from copain.joypad import InputLog
from copain.rollout import rollout

_FRAMES = 96
_WANDERED = 160
_HELD = 8


def check_history_independence(factory: Callable[[], Emulator], game: Game, seed: int = 0) -> None:
    """Play the same inputs from the same savestate in a used and in a fresh instance.

    Raises EmulatorError, naming the emulator, the frame and the address, where RAM differs.
    """
    chance = np.random.default_rng(seed)
    with factory() as used:
        ports = used.system.ports
        start, table = game.start_log(ports), [each.held.bits(ports) for each in game.actions]

        def random_log(frames: int) -> InputLog:
            chosen = chance.integers(len(table), size=-(-frames // _HELD))
            return np.array(table, np.uint16)[np.repeat(chosen, _HELD)[:frames]]

        inputs, elsewhere = random_log(_FRAMES), random_log(_WANDERED)
        every_byte = range(len(used.ram))
        used.power_on()
        begun = rollout(used, used.save_state(), start).savestate
        rollout(used, begun, elsewhere)
        there = rollout(used, begun, inputs, every_byte).watched
        name = f"{used.name} {used.version}"
    with factory() as fresh:
        here = rollout(fresh, begun, inputs, every_byte).watched
    different = np.argwhere(there != here)
    if len(different):
        frame, address = different[0].tolist()
        raise EmulatorError(
            f"search: {name} cannot be searched with: what a savestate leads to depends on what "
            f"was played before. {frame + 1} frames after the same savestate, RAM at "
            f"{address:#06x} is {int(there[frame, address]):#04x} in an instance that was used and "
            f"{int(here[frame, address]):#04x} in a fresh one; choose another emulator or core"
        )
