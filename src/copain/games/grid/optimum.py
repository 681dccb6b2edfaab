"""The best results of Grid, found by playing every game there is.

Frame by frame, all positions that can be reached are kept once each. A position is the whole of
RAM but the record of the buttons, so nothing is left out: the results are proven, not estimated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from copain.games.grid.rules import (
    HELD,
    MODE,
    PAUSE,
    PLAYING,
    RAM_SIZE,
    SCORE,
    WAIT,
    WON,
    read_level,
    tick,
    title,
)
from copain.joypad import Button, InputLog
from copain.rom import Rom

_INPUTS = tuple(
    int(bits) for bits in (0, Button.UP, Button.DOWN, Button.LEFT, Button.RIGHT, Button.A)
)


@dataclass(frozen=True, slots=True)
class Optimum:
    """A best result: `inputs` from power-on, ``uint16 (frames, 2)``, and what they reach.

    `positions` is how many positions were looked at to prove it.
    """

    frames: int
    score: int
    inputs: InputLog
    positions: int


def fastest_win(rom: Rom, limit: int = 2000) -> Optimum | None:
    """The win with the fewest frames from power-on; None if there is none in `limit` frames."""
    games = _Games(rom)
    for _ in range(limit):
        for ram in games.play_frame():
            if ram[MODE] == WON:
                return games.optimum(ram)
    return None


def highest_score(rom: Rom, frames: int) -> Optimum:
    """The highest score that can be shown after at most `frames` frames from power-on."""
    games = _Games(rom)
    best = games.optimum(games.first)
    for _ in range(frames):
        for ram in games.play_frame():
            if ram[SCORE] | ram[SCORE + 1] << 8 > best.score:
                best = games.optimum(ram)
    return best


class _Games:
    """All games at once, one frame further with each call of `play_frame`."""

    def __init__(self, rom: Rom) -> None:
        self._level = read_level(rom.data)
        ram = bytearray(RAM_SIZE)
        title(self._level, ram)
        self.first = bytes(ram)
        # For each frame, each position and the (position, input) that first led there.
        self._frames: list[dict[bytes, tuple[bytes, int]]] = [{self.first: (b"", 0)}]

    def play_frame(self) -> Iterator[bytes]:
        """Play one more frame in every game; gives each position that is new in this frame."""
        here: dict[bytes, tuple[bytes, int]] = {}
        before = self._frames[-1]
        self._frames.append(here)
        for position in before:
            for bits in self._choices(position):
                ram = bytearray(position)
                tick(self._level, ram, bits)
                ram[HELD] = 0
                after = bytes(ram)
                if after not in here:
                    here[after] = (position, bits)
                    yield after

    def _choices(self, position: bytes) -> tuple[int, ...]:
        """The inputs that can make a difference here."""
        if position[MODE] != PLAYING:
            return () if len(self._frames) > 2 else (int(Button.START),)
        return (0,) if position[WAIT] or position[PAUSE] else _INPUTS

    def optimum(self, ram: bytes) -> Optimum:
        """The way that led to `ram`, a position of the newest frame."""
        log = np.zeros((len(self._frames) - 1, 2), np.uint16)
        position = ram
        for frame in range(len(self._frames) - 1, 0, -1):
            position, log[frame - 1, 0] = self._frames[frame][position]
        return Optimum(
            frames=len(log),
            score=ram[SCORE] | ram[SCORE + 1] << 8,
            inputs=log,
            positions=sum(len(frame) for frame in self._frames),
        )
