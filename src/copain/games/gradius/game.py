"""What the RAM of Gradius (USA) means. Where each address is from stands in ``ram.toml``."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from copain.games import ram_map_of
from copain.games.game import Action, Flags, Game, Numbers
from copain.joypad import IDLE, FrameInput, Joypad
from copain.memory import Bytes

DEMO: Final = 2
PLAY: Final = 5
ALIVE, DYING = 1, 2
STAGES: Final = 7
ITEM, FIRST_ENEMY = 1, 3

# https://github.com/Fabulu/Mixup starts its measured runs so: play begins at frame 310.
TITLE_FRAMES: Final = 200
START_FRAMES: Final = 10
CARD_FRAMES: Final = 190

SPEED, MISSILE, DOUBLE, LASER, OPTION, SHIELD = range(1, 7)
LASER_SHOT, DOUBLE_SHOT = 1, 2
MOST_SPEED, MOST_OPTIONS = 2, 2

_HOME_X, _HOME_Y = 64, 104
"""Where there is time to see what comes, and room to go up and down."""

_METER_WORTH = np.array([0.0, 3.0, 7.0, 5.0, 16.0, 20.0, 24.0])
"""What it is worth that the meter shows a power: less than the power, or nobody took it, and more
than the one before, or nobody waited for it; double is not waited for.
"""

Liking = npt.NDArray[np.float64]


def game() -> Game:
    """The game definition of Gradius."""
    return Gradius()


def _press(*names: str) -> Action:
    return Action("+".join(names) or "idle", FrameInput((Joypad.of(*names),)) if names else IDLE)


_DIRECTIONS = (
    (), ("up",), ("down",), ("left",), ("right",),
    ("up", "left"), ("up", "right"), ("down", "left"), ("down", "right"),
)  # fmt: skip


class Gradius(Game):
    """The Vic Viper against the Bacterians, US version.

    The action table: idle, fire with each direction or none, and fire with B, which takes the
    power that the meter shows. A held A fires by itself.
    """

    name = "gradius"
    actions = (
        _press(),
        *(_press(*direction, "a") for direction in _DIRECTIONS),
        _press("a", "b"),
    )
    start = (
        (IDLE, TITLE_FRAMES),
        (FrameInput((Joypad(start=True),)), START_FRAMES),
        (IDLE, CARD_FRAMES),
    )

    def __init__(self) -> None:
        self.ram_map = ram_map_of(self.name)

    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the ship was lost between the two frames, or the game has ended."""
        lost = (self.value(ram, "ship") == DYING) & (self.value(prev, "ship") != DYING)
        return lost | (self.ended(ram) & ~self.ended(prev))

    def won(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether all seven stages are cleared: the game then goes round again, harder."""
        return self.value(ram, "loop") > self.value(prev, "loop")

    def ended(self, ram: Bytes) -> Flags:
        """Whether no ship is left, or the title or its demo is shown."""
        shown = (self.value(ram, "mode") <= DEMO) | (self.value(ram, "demo") == 1)
        return shown | (self.value(ram, "lives") < 0)

    def over(self, ram: Bytes) -> Flags:
        """Whether no ship is left, or nobody plays."""
        playing = (self.value(ram, "mode") == PLAY) & (self.value(ram, "demo") == 0)
        return ~playing | (self.value(ram, "lives") < 0)

    def score(self, ram: Bytes) -> Numbers:
        """The points, as the screen shows them."""
        return self.value(ram, "score") * 10

    def stage(self, ram: Bytes) -> Numbers:
        """The stage, from 0; those of the second round follow those of the first."""
        return self.value(ram, "loop") * STAGES + self.value(ram, "stage")

    def progress(self, ram: Bytes) -> Numbers:
        """Stage and position in it, in one number that grows."""
        return (self.stage(ram) << 16) + self.value(ram, "scroll")

    def preference(self, ram: Bytes) -> Liking:
        """Points, powers, capsules, a line of fire; near the left, in the middle; away from enemies
        and bullets. 100 points are worth 1.
        """
        x, y = self.value(ram, "ship_x"), self.value(ram, "ship_y")
        off_place = np.abs(x - _HOME_X) / 32 + np.abs(y - _HOME_Y) / 32
        liking = self.score(ram) / 100 + self._powers(ram) - off_place
        return liking + self._targets(ram, x, y) - self._danger(ram, x, y)

    def cell(self, ram: Bytes) -> Numbers:
        """Stage, position in steps of 32 pixels, and the ship's place in squares of 16."""
        place = self.value(ram, "ship_y") // 16 * 16 + self.value(ram, "ship_x") // 16
        steps = self.value(ram, "scroll") // 32
        return ((self.stage(ram) << 12) + steps << 8) + place

    def place(self, ram: Bytes) -> Numbers:
        """Where in the stage the ship is, in pixels."""
        x = self.value(ram, "scroll") + self.value(ram, "ship_x")
        return np.stack([x, self.value(ram, "ship_y")], axis=-1)

    def allowed(self, ram: Bytes) -> Flags:
        """While the ship does not fly only idle; B only where it takes something."""
        flying = (self.value(ram, "ship") == ALIVE) & ~self.over(ram)
        flying &= self.value(ram, "paused") == 0
        flags = np.repeat(flying[..., None], len(self.actions), axis=-1)
        flags[..., 0] = True
        flags[..., -1] &= self.takes(ram)
        return flags

    def takes(self, ram: Bytes) -> Flags:
        """Whether B would take a power that is missing and wanted: the third speed-up is not."""
        shown = self.value(ram, "power")
        weapon = self.value(ram, "weapon")
        missing = (
            (shown == SPEED) & (self.value(ram, "speed") < MOST_SPEED),
            (shown == MISSILE) & (self.value(ram, "missile") == 0),
            (shown == DOUBLE) & (weapon != DOUBLE_SHOT),
            (shown == LASER) & (weapon != LASER_SHOT),
            (shown == OPTION) & (self.value(ram, "options") < MOST_OPTIONS),
            (shown == SHIELD) & (self.value(ram, "shield") == 0),
        )
        return np.logical_or.reduce(missing)

    def _powers(self, ram: Bytes) -> Liking:
        """What the powers are worth, and where the meter stands."""
        worth = _METER_WORTH[np.clip(self.value(ram, "power"), 0, SHIELD)]
        worth = worth + 8.0 * np.minimum(self.value(ram, "speed"), MOST_SPEED)
        worth = worth + 20.0 * (self.value(ram, "weapon") == LASER_SHOT)
        worth = worth + 8.0 * (self.value(ram, "weapon") == DOUBLE_SHOT)
        for name, each in (("missile", 8.0), ("options", 26.0), ("shield", 6.0)):
            worth = worth + each * self.value(ram, name)
        return worth

    def _targets(self, ram: Bytes, x: Numbers, y: Numbers) -> Liking:
        """How near capsules are, and the line of fire to an enemy."""
        kind, dx, dy = self._enemies(ram, x, y)
        aim = np.where((kind >= FIRST_ENEMY) & (dx > 24), 0.6 - np.abs(dy) / 64, 0.0)
        item = np.where(kind == ITEM, 4.5 - np.hypot(dx, dy) / 36, 0.0)
        return np.maximum(aim, 0).max(axis=-1) + np.maximum(item, 0).sum(axis=-1)

    def _danger(self, ram: Bytes, x: Numbers, y: Numbers) -> Liking:
        """How near enemies and bullets are."""
        kind, *enemies = self._enemies(ram, x, y)
        table = self.ram_map.tables["bullets"]
        bullets = [table.decode(ram, "x") - x[..., None], table.decode(ram, "y") - y[..., None]]
        danger = np.zeros(x.shape)
        for there, (dx, dy) in (
            (kind >= FIRST_ENEMY, enemies),
            (table.decode(ram, "kind") > 0, bullets),
        ):
            near = np.maximum(0, 6 - 6 * np.hypot(dx / 40, dy / 28))
            danger += np.where(there, near, 0).sum(axis=-1)
        return danger

    def _enemies(self, ram: Bytes, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Kinds of the enemies, and how far right and below the ship they are."""
        table = self.ram_map.tables["enemies"]
        dx, dy = table.decode(ram, "x") - x[..., None], table.decode(ram, "y") - y[..., None]
        return table.decode(ram, "kind") & 0x7F, dx, dy
