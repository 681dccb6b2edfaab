"""The bench that checks work on: fresh emulators, the inputs, and the trace to compare with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator
from copain.joypad import FrameInput, InputLog, Joypad
from copain.savestate import Savestate
from copain.testing.inputs import random_inputs
from copain.testing.trace import Trace, record


class Wrong(Exception):
    """A rule of the interface is broken; the message says which and what was found."""


def require(condition: bool, message: str) -> None:
    """Raise Wrong with `message` unless `condition`."""
    if not condition:
        raise Wrong(message)


def frame_input(row: npt.NDArray[np.uint16]) -> FrameInput:
    """One row of an input log, ``uint16 (ports,)``, as a FrameInput."""
    return FrameInput(tuple(Joypad.from_bits(int(bits)) for bits in row))


class Bench:
    """Fresh emulators of one factory, and what one of them did with the inputs of one seed."""

    def __init__(self, factory: Callable[[], Emulator], frames: int, seed: int) -> None:
        """A bench with `frames` random inputs from `seed`."""
        self.frames = frames
        self.seed = seed
        self._factory = factory
        self._open: list[Emulator] = []

    def fresh(self) -> Emulator:
        """A new emulator; the bench closes it."""
        emulator = self._factory()
        self._open.append(emulator)
        return emulator

    @cached_property
    def inputs(self) -> InputLog:
        """The inputs, ``uint16 (frames, ports)``."""
        return random_inputs(self.fresh().system, self.frames, self.seed)

    @cached_property
    def other_inputs(self) -> InputLog:
        """Other inputs, of another seed, for emulators that shall have another history."""
        return random_inputs(self.fresh().system, self.frames, self.seed + 1_000_003)

    @cached_property
    def reference(self) -> Trace:
        """What a fresh emulator shows when it plays the inputs and nothing else is done to it."""
        return record(self.fresh(), self.inputs)

    @cached_property
    def checkpoints(self) -> dict[int, Savestate]:
        """Savestates as bytes, from before six frames spread over the inputs."""
        emulator = self.fresh()
        wanted = {self.frames * part // 8 for part in range(6)}
        taken: dict[int, Savestate] = {}

        def before(frame: int) -> None:
            if frame in wanted:
                taken[frame] = Savestate.from_bytes(emulator.save_state().to_bytes())

        record(emulator, self.inputs, before)
        return taken

    def close_all(self) -> None:
        """Close the emulators that checks took."""
        while self._open:
            self._open.pop().close()

    close = close_all
