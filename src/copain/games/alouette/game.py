"""What the RAM of Alouette means."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from copain.games import ram_map_of
from copain.games.game import Action, Flags, Game, Numbers
from copain.joypad import IDLE, FrameInput, Joypad
from copain.memory import Bytes

PLAY: Final = 3
DYING: Final = 4
CLEARED: Final = 5
ENDING: Final = 7
CAPSULE: Final = 2
FIRST_TARGET: Final = 3

BOOT_FRAMES: Final = 30
"""Frames to wait for the title before Start; any longer wait leads to the same play."""
START_FRAMES: Final = 2
CARD_FRAMES: Final = 158
"""From letting go of Start to the first frame of play, when nothing else is pressed."""

SPEED, MISSILE, DOUBLE, LASER, OPTION, SHIELD = range(1, 7)
MOST_SPEED, MOST_OPTIONS = 4, 2
BOSS_HITS: Final = 64
"""More than the hits any boss takes."""

_LOOK_AHEAD = 7
"""Columns of terrain, from the lark on, whose narrowest part is steered for."""
_HOME_X = 56


def game() -> Game:
    """The game definition of Alouette."""
    return Alouette()


def _press(*names: str) -> Action:
    return Action("+".join(names) or "idle", FrameInput((Joypad.of(*names),)) if names else IDLE)


_DIRECTIONS = (
    (), ("up",), ("down",), ("left",), ("right",),
    ("up", "left"), ("up", "right"), ("down", "left"), ("down", "right"),
)  # fmt: skip


class Alouette(Game):
    """A lark against the night: a shoot-'em-up in the manner of Gradius.

    The action table: idle, fire with each direction or none, and fire with B, which takes the
    power that the meter shows.
    """

    name = "alouette"
    actions = (
        _press(),
        *(_press(*direction, "a") for direction in _DIRECTIONS),
        _press("a", "b"),
    )
    start = (
        (IDLE, BOOT_FRAMES),
        (FrameInput((Joypad(start=True),)), START_FRAMES),
        (IDLE, CARD_FRAMES),
    )

    def __init__(self) -> None:
        self.ram_map = ram_map_of(self.name)
        self._land = self.ram_map.tables["terrain"]

    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the lark burst between the two frames."""
        return (self.value(ram, "mode") == DYING) & (self.value(prev, "mode") != DYING)

    def won(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the ending has begun."""
        return self.value(ram, "mode") == ENDING

    def score(self, ram: Bytes) -> Numbers:
        """The points."""
        return self.value(ram, "score")

    def stage(self, ram: Bytes) -> Numbers:
        """The stage, from 0."""
        return self.value(ram, "stage")

    def progress(self, ram: Bytes) -> Numbers:
        """Stage, position in it, and hits on its boss, in one number that grows."""
        fighting = self.value(ram, "boss_state") > 0
        hits = np.where(fighting, BOSS_HITS - self.value(ram, "boss_hp"), 0)
        hits = np.where(self.value(ram, "mode") >= CLEARED, BOSS_HITS, hits)
        return (self.value(ram, "stage") << 20) + self.value(ram, "scroll") + (hits << 10)

    def preference(self, ram: Bytes) -> npt.NDArray[np.float64]:
        """Where to be: in the middle of what is free ahead, before the boss's core, off bullets,
        towards capsules; points and powers make any place better."""
        x, y = self.value(ram, "ship_x"), self.value(ram, "ship_y")
        boss = self.value(ram, "boss_state") > 0
        target = np.where(boss, self.value(ram, "boss_y") + 24, self._gap(ram, x))
        liking = -1.0 * np.abs(y - target) - 0.3 * np.abs(x - _HOME_X)
        liking -= self._danger(ram, x, y)
        liking -= self._capsule_distance(ram, x, y)
        liking += 0.05 * self.score(ram) - 10.0 * (boss * self.value(ram, "boss_hp"))
        powers = (
            4.0 * self.value(ram, "speed_level").clip(0, 2)
            + 10.0 * self.value(ram, "missile")
            + 10.0 * self.value(ram, "double")
            + 16.0 * self.value(ram, "laser")
            + 20.0 * self.value(ram, "options")
            + 8.0 * self.value(ram, "shield")
        )
        return liking + powers

    def cell(self, ram: Bytes) -> Numbers:
        """Stage, position in steps of 32 pixels, and the lark's place in squares of 16."""
        place = self.value(ram, "ship_y") // 16 * 16 + self.value(ram, "ship_x") // 16
        steps = self.value(ram, "scroll") // 32
        return ((self.value(ram, "stage") << 12) + steps << 8) + place

    def allowed(self, ram: Bytes) -> Flags:
        """Outside of play only idle; B only where it takes something."""
        playing = (self.value(ram, "mode") == PLAY) & (self.value(ram, "paused") == 0)
        flags = np.repeat(playing[..., None], len(self.actions), axis=-1)
        flags[..., 0] = True
        flags[..., -1] &= self.takes(ram)
        return flags

    def takes(self, ram: Bytes) -> Flags:
        """Whether B would take the power that the meter shows."""
        shown = self.value(ram, "power")
        open_ = (
            (shown == SPEED) & (self.value(ram, "speed_level") < MOST_SPEED),
            (shown == MISSILE) & (self.value(ram, "missile") == 0),
            (shown == DOUBLE) & (self.value(ram, "double") == 0),
            (shown == LASER) & (self.value(ram, "laser") == 0),
            (shown == OPTION) & (self.value(ram, "options") < MOST_OPTIONS),
            (shown == SHIELD) & (self.value(ram, "shield") == 0),
        )
        return np.logical_or.reduce(open_)

    def _gap(self, ram: Bytes, x: Numbers) -> Numbers:
        """Top edge of a lark in the middle of what is free ahead of it."""
        scroll = self.value(ram, "scroll")
        columns = ((scroll + x) // 8)[..., None] + np.arange(_LOOK_AHEAD)
        top, bottom, island_top, island_bottom = (
            np.take_along_axis(self._land.decode(ram, name), columns % 64, axis=-1)
            for name in ("ceiling", "floor", "island_top", "island_bottom")
        )
        island = island_top < 255
        above = island & (island_top - top > bottom - island_bottom)
        bottom = np.where(above, island_top, bottom)
        top = np.where(island & ~above, island_bottom, top)
        high, low = np.maximum(top.max(axis=-1), 32), np.minimum(bottom.min(axis=-1), 232)
        return (high + low) // 2 - 8

    def _danger(self, ram: Bytes, x: Numbers, y: Numbers) -> npt.NDArray[np.float64]:
        """Bullets and enemies near the lark."""
        bullets = self.ram_map.tables["bullets"]
        dx = bullets.decode(ram, "x") - 4 - x[..., None]
        dy = bullets.decode(ram, "y") - y[..., None]
        near = np.maximum(24 - np.hypot(dx, dy), 0) * (bullets.decode(ram, "on") > 0)
        enemies = self.ram_map.tables["enemies"]
        dx = enemies.decode(ram, "x") - x[..., None]
        dy = enemies.decode(ram, "y") - y[..., None]
        close = np.maximum(36 - np.hypot(dx, dy), 0)
        close = close * (enemies.decode(ram, "kind") >= FIRST_TARGET)
        return 0.8 * near.sum(axis=-1) + 0.8 * close.sum(axis=-1)

    def _capsule_distance(self, ram: Bytes, x: Numbers, y: Numbers) -> npt.NDArray[np.float64]:
        """How far the nearest capsule is, as far as it matters."""
        enemies = self.ram_map.tables["enemies"]
        distance = np.hypot(
            enemies.decode(ram, "x") - x[..., None], enemies.decode(ram, "y") - y[..., None]
        )
        capsules = np.where(enemies.decode(ram, "kind") == CAPSULE, distance, 0.0)
        return 0.3 * capsules.max(axis=-1)
