"""What a place in Alouette promises: how much of the points within reach will likely be had.

A taste, not a proof: it tells places apart that have the same bound. In points.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from copain.games.alouette.script import FIRST_TARGET, Script
from copain.games.game import Numbers, RamMap
from copain.memory import Bytes

Points = npt.NDArray[np.float64]

_SPEED: Final = np.array([0.0, 150.0, 210.0, 220.0, 200.0])
_METER: Final = np.array([0.0, 18.0, 42.0, 48.0, 90.0, 120.0, 60.0])
"""Less than taking the power is worth, and more for what is worth waiting for."""
_POWERS: Final = {"missile": 60.0, "double": 40.0, "laser": 400.0, "options": 450.0, "shield": 20.0}
_BOSS_HIT: Final = 60.0
_AIM: Final = 25.0
_HOME_X: Final = 70
_FIGHT, _CLEARED = 2, 5


class Promise:
    """Made once for a game; called with RAM."""

    def __init__(self, ram_map: RamMap, script: Script) -> None:
        self.ram_map = ram_map
        self._table = ram_map.tables["enemies"]
        self._first_target = script.number(FIRST_TARGET)
        self._kinds = {
            name: script.number(name)
            for name in ("burst", "capsule", "wasp", "crow", "nest", "rocket")
        }
        self._points = np.array(script.points, np.float64)
        self._hits = np.maximum(np.array(script.hits, np.float64), 1)
        self._red = float(script.capsule_points)
        self._boss_hits = np.array([stage.boss_hits for stage in script.stages])
        self._share = np.zeros((len(script.stages), 32))
        for number, stage in enumerate(script.stages):
            for wave, what in enumerate(stage.waves):
                self._share[number, wave] = what.points / max(what.size, 1)

    def value(self, ram: Bytes, name: str) -> Numbers:
        """The variable called `name`."""
        return self.ram_map.variables[name].decode(ram)

    def __call__(self, ram: Bytes) -> Points:
        """Powers, and the way to the boss's end; less what is at risk."""
        return self.powers(ram) + self.at_boss(ram) + self.around(ram)

    def powers(self, ram: Bytes) -> Points:
        """What the powers are worth, and where the meter stands."""
        worth: Points = _METER[np.clip(self.value(ram, "power"), 0, len(_METER) - 1)]
        worth = worth + _SPEED[np.clip(self.value(ram, "speed_level"), 0, len(_SPEED) - 1)]
        for name, each in _POWERS.items():
            worth = worth + each * self.value(ram, name)
        return worth

    def at_boss(self, ram: Bytes) -> Points:
        """Hits on the boss and a place before its heart; until it comes, a place to the left."""
        x, y, state = (self.value(ram, name) for name in ("ship_x", "ship_y", "boss_state"))
        stage = np.clip(self.value(ram, "stage"), 0, len(self._boss_hits) - 1)
        heart = self.value(ram, "boss_y") + self.value(ram, "boss_core") + 3
        near = np.minimum(140, self.value(ram, "boss_x") - 56)
        fight = _BOSS_HIT * self.value(ram, "boss_hp") + np.abs(y - heart) * 0.8
        fight = fight + np.abs(x - near) * 0.2
        before = _BOSS_HIT * self._boss_hits[stage] + np.abs(x - _HOME_X) * 0.08
        to_come = np.where(state == 0, before, fight)
        over = (state > _FIGHT) | (self.value(ram, "mode") >= _CLEARED)
        return np.where(over, 0.0, -to_come)

    def around(self, ram: Bytes) -> Points:
        """A target to aim at; less a part of what enemies and capsules give, the farther left or
        away from the lark the more.
        """
        x, y = self.value(ram, "ship_x"), self.value(ram, "ship_y")
        stage = np.clip(self.value(ram, "stage"), 0, len(self._boss_hits) - 1)
        names = ("kind", "x", "y", "hp", "state", "timer", "flags", "variant")
        kind, at_x, at_y, hp, state, timer, flags, variant = (
            self._table.decode(ram, name) for name in names
        )
        number = self._kinds
        kind = np.minimum(kind, len(self._points) - 1)
        dx, dy = at_x - x[..., None], at_y - y[..., None]
        away = np.hypot(dx, dy)
        red = (flags & 0x80) != 0
        capsule = 20 + np.maximum(0, away - 14) * np.where(dx < -8, 1.6, 1.0)
        capsule = np.where(kind == number["capsule"], capsule, 0)
        capsule = np.where((kind == number["burst"]) & red, 24 + 0.8 * away, capsule)

        target = kind >= self._first_target
        hatching = (kind == number["nest"]) & (variant > 0)
        share = np.take_along_axis(self._share[stage], flags & 0x1F, axis=-1)
        worth = self._points[kind] + np.where(red, self._red, 0.0) + share
        risk = 0.15 + 0.35 * (255 - at_x) / 255
        # Those that do not go on to the left leave when they have done what they came for.
        leaving = state > 0
        turned = np.where(state == 2, 0.5, 0.4)
        risk = np.where((kind == number["wasp"]) & leaving, turned, risk)
        hovering = 0.3 + 0.2 * (80 - timer) / 80 + np.where(state == 2, 0.2, 0.0)
        risk = np.where((kind == number["crow"]) & leaving, hovering, risk)
        risk = risk + np.where((kind == number["rocket"]) & leaving, 0.3, 0.0)
        risk = risk * np.where(kind == number["nest"], 3.0, 1.0)
        risk = risk * (0.3 + 0.7 * hp / self._hits[kind])
        risk = np.where(hatching, 0.05, risk)
        at_risk = np.where(target, worth * risk, 0)

        level = np.maximum(0, 1 - np.abs(dy) / 80) * np.where(dx > 30, 1.0, 0.7)
        aim = np.where(target & ~hatching & (dx > 4), level * (worth / 300 + 0.4), 0)
        aimed = _AIM * np.minimum(aim.max(axis=-1), 2.0)
        return aimed - at_risk.sum(axis=-1) - capsule.sum(axis=-1)
