"""Points left behind: what a run of Alouette lost, frame by frame.

The bound falls in the frame in which something gets out of reach; the ledger says what it was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from copain.games import ram_map_of
from copain.games.alouette.bound import PointsAhead
from copain.games.alouette.script import FIRST_TARGET, Script, script
from copain.memory import Bytes

_FIGHT, _FLEES = 2, 4
_RED, _WAVE = 0x80, 0x1F
_SLOTS = 16


@dataclass(frozen=True, slots=True)
class Loss:
    """Points that got out of reach in a frame: `frame` is the row of the trace."""

    frame: int
    stage: int
    """From 1."""
    scroll: int
    points: int
    what: str


def losses(trace: Bytes) -> list[Loss]:
    """What a run lost, in order; `trace` is its RAM after each frame, ``uint8 (frames, size)``.

    The points of all are what its end is short of the maximum, if no life was lost: then the
    bound rises again, and what was lost before that may have been had after all.
    """
    ledger = _Ledger(trace)
    found: list[Loss] = []
    for frame in (np.flatnonzero(np.diff(ledger.bound) < 0) + 1).tolist():
        found += ledger.at(frame)
    return found


class _Ledger:
    def __init__(self, trace: Bytes) -> None:
        self.script: Script = script()
        ram_map = ram_map_of("alouette")
        self.ahead = PointsAhead(ram_map, self.script)
        self.trace = trace
        self.bound = self.ahead.bound(trace)
        enemies = ram_map.tables["enemies"]
        self.fields = {
            name: enemies.decode(trace, name) for name in ("kind", "x", "y", "flags", "variant")
        }
        self.kills = ram_map.tables["waves"].decode(trace, "kills")
        self.values = {
            name: self.ahead.value(trace, name)
            for name in ("stage", "scroll", "boss_state", "boss_clock", "ship_x", "ship_y")
        }

    def at(self, frame: int) -> list[Loss]:
        """The losses of a frame in which the bound fell."""
        parts = [part for slot in range(_SLOTS) for part in self.of_slot(frame, slot)]
        drop = int(self.bound[frame - 1] - self.bound[frame])
        rest = drop - sum(points for points, _ in parts)
        if rest:
            parts.append((rest, self.of_no_slot(frame)))
        stage, scroll = int(self.values["stage"][frame]), int(self.values["scroll"][frame])
        return [Loss(frame, stage + 1, scroll, points, what) for points, what in parts]

    def of_slot(self, frame: int, slot: int) -> list[tuple[int, str]]:
        """What was lost with what lived in a slot until this frame."""
        was, now = (int(self.fields["kind"][f, slot]) for f in (frame - 1, frame))
        flags = int(self.fields["flags"][frame - 1, slot])
        young = int(self.fields["variant"][frame - 1, slot])
        name, burst = self.script.kinds[was], self.script.number("burst")
        lost: list[tuple[int, str]] = []
        if was == now:
            return lost
        if name == "nest" and young:
            points = young * self.script.young_points[was]
            lost.append((points, f"nest gone before it hatched {young} young"))
        if name == "capsule" and now == 0 and not self.in_reach(frame, slot):
            lost.append((self.script.capsule_points, "capsule not caught"))
        by_itself = name == "rocket" and self.not_paid(frame, was)
        if was >= self.script.number(FIRST_TARGET) and (now != burst or by_itself):
            wave = f" of wave {flags & _WAVE}" if flags & _WAVE else ""
            went = "went off by itself" if now == burst else "got away"
            lost.append((self.script.points[was], f"{name}{wave} {went}"))
            if flags & _RED:
                lost.append((self.script.capsule_points, f"capsule of that {name}"))
        return lost

    def in_reach(self, frame: int, slot: int) -> bool:
        """Whether a capsule that is gone was where the lark catches it, a frame's way included."""
        dx, dy = (
            int(self.fields[axis][frame - 1, slot] - self.values[f"ship_{axis}"][frame])
            for axis in ("x", "y")
        )
        return abs(dx) <= 17 and abs(dy) <= 17

    def not_paid(self, frame: int, kind: int) -> bool:
        """Whether the bound fell by a kind's points or more: it was not shot."""
        return int(self.bound[frame - 1] - self.bound[frame]) >= self.script.points[kind]

    def of_no_slot(self, frame: int) -> str:
        """What else was lost: a wave's bonus, or the boss's time."""
        clocks = self.values["boss_clock"][frame - 1 : frame + 1] >> 8
        state = int(self.values["boss_state"][frame])
        if state == _FLEES:
            return "the boss fled"
        if state == _FIGHT and clocks[0] != clocks[1]:
            return f"the boss's {clocks[1] * 256} frames are over"
        return "bonus and capsule of the wave"
