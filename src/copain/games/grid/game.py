"""What the RAM of Grid means."""

from __future__ import annotations

from collections import deque

import numpy as np

from copain.games import ram_map_of, rom_path
from copain.games.game import Action, Flags, Game, Numbers
from copain.games.grid.rules import (
    DEAD,
    DOOR,
    HEIGHT,
    KEYS,
    MAP,
    MODE,
    PAUSE,
    PIT,
    PLAYING,
    WAIT,
    WALL,
    WIDTH,
    WON,
    read_level,
)
from copain.joypad import IDLE, FrameInput, Joypad
from copain.memory import Bytes


def game() -> Game:
    """The game definition of Grid."""
    return Grid()


def _press(name: str) -> Action:
    return Action(name, FrameInput((Joypad.of(name),)))


class Grid(Game):
    """Walk to the goal; coins and chests on the way are points."""

    name = "grid"
    actions = (Action("idle", IDLE), *(_press(n) for n in ("up", "down", "left", "right", "a")))
    start = ((FrameInput((Joypad(start=True),)), 1), (IDLE, 1))

    def __init__(self) -> None:
        self.ram_map = ram_map_of(self.name)
        self._steps_left = _steps_to_goal(read_level(rom_path(self.name).read_bytes()).tiles)

    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the player met a guard or fell into a pit between the two frames."""
        return (ram[..., MODE] == DEAD) & (prev[..., MODE] != DEAD)

    def won(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the goal is reached."""
        return ram[..., MODE] == WON

    def score(self, ram: Bytes) -> Numbers:
        """The points."""
        return self.value(ram, "score")

    def progress(self, ram: Bytes) -> Numbers:
        """Steps nearer to the goal than the farthest place is; doors count as open."""
        return int(self._steps_left.max()) - self._left(ram)

    def preference(self, ram: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        """Nearer to the goal is better, and a key is worth a walk."""
        return -self._left(ram).astype(np.float64) + 40.0 * (ram[..., KEYS] > 0)

    def cell(self, ram: Bytes) -> Numbers:
        """The place, and how many keys are carried."""
        return self._place(ram) + WIDTH * HEIGHT * ram[..., KEYS].astype(np.int64)

    def allowed(self, ram: Bytes) -> Flags:
        """Idle always; a step where no wall is in the way; nothing while the player waits."""
        ready = (ram[..., MODE] == PLAYING) & (ram[..., WAIT] == 0) & (ram[..., PAUSE] == 0)
        place = self._place(ram)
        free = [np.ones(ready.shape, np.bool_)]
        for offset in (-WIDTH, WIDTH, -1, 1):
            ahead = np.clip(place + offset, 0, WIDTH * HEIGHT - 1)
            tile = np.take_along_axis(ram, MAP + ahead[..., None], axis=-1)[..., 0]
            free.append(ready & (tile != WALL) & ((tile != DOOR) | (ram[..., KEYS] > 0)))
        return np.stack([*free, ready], axis=-1)

    def _place(self, ram: Bytes) -> Numbers:
        place = self.value(ram, "y") * WIDTH + self.value(ram, "x")
        return np.clip(place, 0, WIDTH * HEIGHT - 1)

    def _left(self, ram: Bytes) -> Numbers:
        return self._steps_left[self._place(ram)]


def _steps_to_goal(tiles: bytes) -> Numbers:
    """For each place the steps to the nearest goal, around walls and pits: ``int64 (192,)``."""
    far = WIDTH * HEIGHT
    steps = np.full(far, far, np.int64)
    queue = deque(place for place, tile in enumerate(tiles) if tile == ord("G"))
    steps[list(queue)] = 0
    while queue:
        place = queue.popleft()
        x, y = place % WIDTH, place // WIDTH
        for nx, ny in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)):
            near = ny * WIDTH + nx
            if not (0 <= nx < WIDTH and 0 <= ny < HEIGHT) or tiles[near] in (WALL, PIT):
                continue
            if steps[near] == far:
                steps[near] = steps[place] + 1
                queue.append(near)
    return steps
