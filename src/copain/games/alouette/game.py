"""What the RAM of Alouette means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Final

import numpy as np
import numpy.typing as npt

from copain.errors import GameError
from copain.games import ram_map_of
from copain.games.alouette.bound import PointsAhead
from copain.games.alouette.promise import Promise
from copain.games.alouette.script import script
from copain.games.game import SPLITS, Action, Flags, Game, Numbers, Presses, Start
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
STAGES: Final = 3
BOSS_HITS: Final = 64
"""More than the hits any boss takes."""

_LOOK_AHEAD = 7
"""Columns of terrain, from the lark on, whose narrowest part is steered for."""
_SEEN_AHEAD = 12
"""Columns of terrain that an agent sees, from the lark on."""
_SEEN = {"enemies": ("kind", 10), "shots": ("kind", 4), "bullets": ("on", 6)}
"""How many of each an agent sees, and the field that is 0 where nothing is."""
_NOWHERE = 1 << 12
_HOME_X = 64
_METER_WORTH = np.array([0.0, 3.0, 7.0, 11.0, 16.0, 20.0, 12.0])
"""What it is worth that the meter shows a power: less than the power, or nobody took it, and more
than the one before, or nobody waited for it."""

Liking = npt.NDArray[np.float64]


def game() -> Game:
    """The game definition of Alouette."""
    return Alouette()


def _press(*names: str) -> Action:
    return Action("+".join(names) or "idle", FrameInput((Joypad.of(*names),)) if names else IDLE)


def _read_start(stage: int) -> Iterator[tuple[FrameInput, int]]:
    """The input log from power-on to a later stage's first frame of play.

    A line of the file is a number of frames and the buttons held, joined by a plus sign.
    """
    file = resources.files("copain.games") / "alouette" / "starts" / f"stage{stage}.txt"
    for line in file.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            frames, *buttons = line.replace("+", " ").split()
            yield _press(*buttons).held, int(frames)


_DIRECTIONS = (
    (), ("up",), ("down",), ("left",), ("right",),
    ("up", "left"), ("up", "right"), ("down", "left"), ("down", "right"),
)  # fmt: skip


_FLOWN = tuple(_press(*direction) for direction in _DIRECTIONS)
_FLIGHTS = {"train": (6, 18, 30, 42), "validation": (12, 36), "test": (24, 48)}
"""Frames that each direction is held in, before play begins, of each set of starts."""
_STAGE_NAMES = tuple(f"stage {stage}" for stage in range(1, STAGES + 1))


def _start_of(stage: int) -> Presses:
    """From power-on to a stage's first frame of play."""
    return Alouette.start if stage == 1 else tuple(_read_start(stage))


class Alouette(Game):
    """A lark against the night: a shoot-'em-up in the manner of Gradius, in three stages.

    It is won when `last_stage` (1 to 3) is cleared: of the first two, when the next one's card
    begins; of the third, when the ending does. It starts at `first_stage`, with the powers, lives
    and points of a run that came there; its frames count from power-on. Raises GameError for
    stages that there are not.

    The action table: idle, fire with each direction or none, and fire with B, which takes the
    power that the meter shows.
    """

    name = "alouette"
    actions = (
        _press(),
        *(_press(*direction, "a") for direction in _DIRECTIONS),
        _press("a", "b"),
    )
    start: Presses = (
        (IDLE, BOOT_FRAMES),
        (FrameInput((Joypad(start=True),)), START_FRAMES),
        (IDLE, CARD_FRAMES),
    )
    relative_to: Mapping[str, str] = {
        "x": "ship_x", "boss_x": "ship_x",
        **dict.fromkeys(
            ("y", "boss_y", "ceiling", "floor", "island_top", "island_bottom"), "ship_y"
        ),
    }  # fmt: skip

    def __init__(self, *, first_stage: int = 1, last_stage: int = STAGES) -> None:
        if not 1 <= first_stage <= last_stage <= STAGES:
            raise GameError(
                f"Alouette(first_stage={first_stage}, last_stage={last_stage}): stages are 1 to "
                f"{STAGES}, the first one not after the last"
            )
        self.ram_map = ram_map_of(self.name)
        self.last_stage = last_stage
        self.start = _start_of(first_stage)
        self._land = self.ram_map.tables["terrain"]
        self._ahead = PointsAhead(self.ram_map, script())
        self._promise = Promise(self.ram_map, script())

    @property
    def splits(self) -> tuple[str, ...]:
        """The sets that every game has, and the start of each stage."""
        return (*SPLITS, *_STAGE_NAMES)

    def starts(self, split: str) -> Sequence[Start]:
        """The lark flew in one direction from where `start` leads; each set has other lengths.

        That is a way of play which a longer wait on the title is not: it leads to the same play.
        """
        self.check_split(split)
        if split in _STAGE_NAMES:
            return [Start(split, _start_of(_STAGE_NAMES.index(split) + 1))]
        return [
            Start(f"{flown.name} for {frames} frames", (*self.start, (flown.held, frames)))
            for frames in _FLIGHTS[split]
            for flown in _FLOWN
        ]

    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the lark burst between the two frames."""
        return (self.value(ram, "mode") == DYING) & (self.value(prev, "mode") != DYING)

    def won(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the last stage has been cleared, and what comes after it has begun."""
        return (self.value(ram, "mode") == ENDING) | (self.value(ram, "stage") >= self.last_stage)

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

    def preference(self, ram: Bytes) -> Liking:
        """Points, powers, capsules, a line of fire; the middle of what is free ahead, or near the
        boss before its heart; away from enemies and bullets. 100 points are worth 1.
        """
        x, y = self.value(ram, "ship_x"), self.value(ram, "ship_y")
        heart = self.value(ram, "boss_y") + self.value(ram, "boss_core") + 3
        # A shot at the boss leaves when the one before has hit: from nearer by, sooner.
        near = np.minimum(136, self.value(ram, "boss_x") - 56)
        at_boss = np.abs(y - heart) / 6 + np.abs(x - near) / 32 + 4.0 * self.value(ram, "boss_hp")
        on_the_way = np.abs(y - self._gap(ram, x)) / 24 + np.abs(x - _HOME_X) / 32
        off_place = np.where(self.value(ram, "boss_state") > 0, at_boss, on_the_way)
        liking = self.score(ram) / 100 + self._powers(ram) - off_place
        return liking + self._targets(ram, x, y) - self._danger(ram, x, y)

    def bound(self, ram: Bytes) -> Numbers:
        """The most that the score can still become, if no life is lost from here on."""
        return self._ahead.bound(ram)

    def promise(self, ram: Bytes) -> Liking:
        """Powers, a place to shoot from, and what is at risk, in points."""
        return self._promise(ram)

    def rows(self, ram: Bytes, table: str) -> Numbers:
        """The nearest enemies and bullets, the land from the lark on, no waves."""
        if table == "terrain":
            column = (self.value(ram, "scroll") + self.value(ram, "ship_x")) // 8
            return (column[..., None] + np.arange(_SEEN_AHEAD)) % self._land.count
        if table not in _SEEN:
            return super().rows(ram, table)[..., : 0 if table == "waves" else None]
        field, most = _SEEN[table]
        objects = self.ram_map.tables[table]
        dx = objects.decode(ram, "x") - self.value(ram, "ship_x")[..., None]
        dy = objects.decode(ram, "y") - self.value(ram, "ship_y")[..., None]
        far = np.abs(dx) + np.abs(dy) + _NOWHERE * (objects.decode(ram, field) == 0)
        nearest = np.argsort(far, axis=-1, kind="stable")[..., :most]
        return np.where(np.take_along_axis(far, nearest, axis=-1) < _NOWHERE, nearest, -1)

    def cell(self, ram: Bytes) -> Numbers:
        """Stage, position in steps of 32 pixels, and the lark's place in squares of 16."""
        place = self.value(ram, "ship_y") // 16 * 16 + self.value(ram, "ship_x") // 16
        steps = self.value(ram, "scroll") // 32
        return ((self.value(ram, "stage") << 12) + steps << 8) + place

    def place(self, ram: Bytes) -> Numbers:
        """Where in the stage the lark is, in pixels."""
        x = self.value(ram, "scroll") + self.value(ram, "ship_x")
        return np.stack([x, self.value(ram, "ship_y")], axis=-1)

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

    def _powers(self, ram: Bytes) -> Liking:
        """What the powers are worth, and where the meter stands."""
        worth = _METER_WORTH[np.clip(self.value(ram, "power"), 0, SHIELD)]
        worth = worth + 8.0 * (self.value(ram, "speed_level") > 0)
        for name, each in (("missile", 8.0), ("laser", 24.0), ("options", 26.0), ("shield", 4.0)):
            worth = worth + each * self.value(ram, name)
        return worth

    def _targets(self, ram: Bytes, x: Numbers, y: Numbers) -> Liking:
        """How near capsules are, and the line of fire to an enemy; less than they give when had."""
        kind, dx, dy = self._enemies(ram, x, y)
        aim = np.where((kind >= FIRST_TARGET) & (dx > 40), 0.6 - np.abs(dy) / 64, 0.0)
        capsule = np.where(kind == CAPSULE, 4.5 - np.hypot(dx, dy) / 36, 0.0)
        return np.maximum(aim, 0).max(axis=-1) + np.maximum(capsule, 0).sum(axis=-1)

    def _danger(self, ram: Bytes, x: Numbers, y: Numbers) -> Liking:
        """How near enemies and bullets are."""
        kind, *enemies = self._enemies(ram, x, y)
        table = self.ram_map.tables["bullets"]
        bullets = [table.decode(ram, "x") - 4 - x[..., None], table.decode(ram, "y") - y[..., None]]
        danger = np.zeros(x.shape)
        for there, (dx, dy) in (
            (kind >= FIRST_TARGET, enemies),
            (table.decode(ram, "on") > 0, bullets),
        ):
            near = np.maximum(0, 6 - 6 * np.hypot(dx / 40, dy / 28))
            danger += np.where(there, near, 0).sum(axis=-1)
        return danger

    def _enemies(self, ram: Bytes, x: Numbers, y: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Kinds of the enemies, and how far right and below the lark they are."""
        table = self.ram_map.tables["enemies"]
        dx, dy = table.decode(ram, "x") - x[..., None], table.decode(ram, "y") - y[..., None]
        return table.decode(ram, "kind"), dx, dy
