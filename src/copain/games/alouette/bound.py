"""The most that a run of Alouette can still score.

`PointsAhead.bound` is the proof of ``MAXIMUM.md`` at any moment: at power-on it is the maximum,
at the end it is the score, and on the way it falls by what was lost, in the frame in which it was.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from copain.games.alouette.script import FIRST_TARGET, Script
from copain.games.game import Flags, Numbers, RamMap
from copain.memory import Bytes

WAVES: Final = 32
"""Numbers of waves in a stage, 0 for none."""
_LONGEST: Final = 2048
"""More than the scroll at which a stage's last row comes."""
_TITLE, _CARD, _READY, _PLAY, _CLEARED, _GAME_OVER, _ENDING = 0, 1, 2, 3, 5, 6, 7
_FIGHT: Final = 2
_RED, _WAVE_BITS = 0x80, 0x1F


class PointsAhead:
    """What the stages still hold, as a function of RAM; made once for a game."""

    def __init__(self, ram_map: RamMap, script: Script) -> None:
        self.ram_map, self.script = ram_map, script
        self._enemies, self._waves = ram_map.tables["enemies"], ram_map.tables["waves"]
        stages = script.stages
        self._first_target = script.number(FIRST_TARGET)
        self._burst, self._capsule = script.number("burst"), script.number("capsule")
        self._points = np.array(script.points, np.int64)
        self._young_points = np.array(script.young_points, np.int64)
        # By stage and scroll: what the rows give that have not come, and how many are in a wave.
        self._to_come = np.zeros((len(stages), _LONGEST), np.int64)
        self._members_to_come = np.zeros((len(stages), _LONGEST, WAVES), np.int64)
        self._sizes = np.zeros((len(stages), WAVES), np.int64)
        self._wave_points = np.zeros((len(stages), WAVES), np.int64)
        for number, stage in enumerate(stages):
            for row in stage.rows:
                self._to_come[number, : row.at] += script.row_points(row)
                self._members_to_come[number, : row.at, row.wave] += 1
            for wave, what in enumerate(stage.waves):
                self._sizes[number, wave] = what.size
                self._wave_points[number, wave] = script.wave_points(what)
        self._boss = np.array([stage.boss_points for stage in stages], np.int64)
        wholes = np.array([script.stage_points(stage) for stage in stages], np.int64)
        self._whole = wholes
        self._later = wholes.sum() - np.cumsum(wholes)

    @property
    def maximum(self) -> int:
        """The most that the whole game gives."""
        return int(self._whole.sum())

    def value(self, ram: Bytes, name: str) -> Numbers:
        """The variable called `name`."""
        return self.ram_map.variables[name].decode(ram)

    def bound(self, ram: Bytes) -> Numbers:
        """The most that the score can still become, if no life is lost from here on.

        A lost life brings back what was lost since the checkpoint, and the score from there.
        """
        mode, stage = self.value(ram, "mode"), self.value(ram, "stage")
        # Before the console has cleared its RAM anything may be in it.
        stage = np.clip(stage, 0, len(self._whole) - 1)
        score = self.value(ram, "score")
        built = (mode == _CARD) | (mode == _READY)
        in_stage = np.where(built, self._whole[stage], self.in_stage(ram, stage))
        ahead = score + in_stage + self._later[stage]
        ahead = np.where(mode == _TITLE, self.maximum, ahead)
        return np.where((mode == _GAME_OVER) | (mode == _ENDING), score, ahead)

    def in_stage(self, ram: Bytes, stage: Numbers) -> Numbers:
        """What the stage in play still gives: what is to come, is there, and is owed."""
        scroll = np.clip(self.value(ram, "scroll"), 0, _LONGEST - 1)
        kind, flags = self._enemies.decode(ram, "kind"), self._enemies.decode(ram, "flags")
        # What is in RAM before the console has cleared it is no kind.
        kind = np.minimum(kind, len(self._points) - 1)
        target = kind >= self._first_target
        there = self._points[kind] + self._young_points[kind] * self._enemies.decode(ram, "variant")
        there += self.script.capsule_points * self._leaves_capsule(kind, flags)
        whole = self.whole_waves(ram, stage, scroll, np.where(target, flags & _WAVE_BITS, 0))
        return self._to_come[stage, scroll] + there.sum(axis=-1) + whole + self._of_boss(ram, stage)

    def _leaves_capsule(self, kind: Numbers, flags: Numbers) -> Flags:
        """Which slots hold a capsule, or what will leave one."""
        red = (flags & _RED) != 0
        holds = (kind == self._burst) | (kind >= self._first_target)
        return (kind == self._capsule) | (red & holds)

    def whole_waves(self, ram: Bytes, stage: Numbers, scroll: Numbers, wave: Numbers) -> Numbers:
        """What the waves give that can still be destroyed whole, besides their members.

        `wave` says of each slot to which wave what lives in it belongs, 0 for none.
        """
        rows = wave.reshape(-1, wave.shape[-1])
        numbers = rows + WAVES * np.arange(len(rows))[:, None]
        alive = np.bincount(numbers.ravel(), minlength=WAVES * len(rows))
        alive = alive.reshape(*wave.shape[:-1], WAVES)
        kills, size = self._waves.decode(ram, "kills"), self._sizes[stage]
        reach = kills + alive + self._members_to_come[stage, scroll]
        open_ = (kills < size) & (reach == size)
        return np.where(open_, self._wave_points[stage], 0).sum(axis=-1)

    def _of_boss(self, ram: Bytes, stage: Numbers) -> Numbers:
        """The bonus for its boss: the largest before the fight, then what the clock leaves."""
        state = self.value(ram, "boss_state")
        spent = np.clip(self.value(ram, "boss_clock") >> 8, 0, self._boss.shape[1] - 1)
        now = np.where(state == _FIGHT, self._boss[stage, spent], 0)
        before = (state < _FIGHT) & (self.value(ram, "mode") < _CLEARED)
        return np.where(before, self._boss[stage].max(axis=-1), now)
