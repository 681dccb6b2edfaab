"""What the stages of Alouette hold, as ``script.toml`` says: rows, waves, points."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

FIRST_TARGET: Final = "moth"
"""The first kind that can be shot; before it come what is free, bursts and capsules."""


@dataclass(frozen=True, slots=True)
class Row:
    """An enemy of the stage script: the scroll that brings it, and what it is.

    `wave` is the number of its wave, 0 for none; `young` is how many it hatches.
    """

    at: int
    kind: int
    wave: int
    red: bool
    young: int


@dataclass(frozen=True, slots=True)
class Wave:
    """Enemies that give a bonus, and perhaps a capsule, when all of them were destroyed."""

    size: int
    points: int
    capsule: bool


@dataclass(frozen=True, slots=True)
class StageScript:
    """A stage: its rows in order, its waves by number (0 is none), its boss.

    `boss_points` has an entry for each 256 frames that the fight takes.
    """

    rows: tuple[Row, ...]
    waves: tuple[Wave, ...]
    boss_hits: int
    boss_points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """All stages, and the kinds of enemies by their number: names, hits, points."""

    kinds: tuple[str, ...]
    hits: tuple[int, ...]
    points: tuple[int, ...]
    young_points: tuple[int, ...]
    capsule_points: int
    stages: tuple[StageScript, ...]

    def number(self, kind: str) -> int:
        """The number of the kind called so."""
        return self.kinds.index(kind)

    def row_points(self, row: Row) -> int:
        """What a row gives at most: itself, its capsule and its young, but for its wave."""
        young = row.young * self.young_points[row.kind]
        return self.points[row.kind] + row.red * self.capsule_points + young

    def wave_points(self, wave: Wave) -> int:
        """What a whole wave gives besides its members: the bonus and its capsule."""
        return wave.points + wave.capsule * self.capsule_points

    def stage_points(self, stage: StageScript) -> int:
        """The most that a stage gives; `games-src/alouette/maximum.py` counts it another way."""
        rows = sum(self.row_points(row) for row in stage.rows)
        return rows + sum(map(self.wave_points, stage.waves)) + max(stage.boss_points)


@cache
def script() -> Script:
    """The script of the ROM that copain ships."""
    file = resources.files("copain.games") / "alouette" / "script.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    return Script(
        tuple(table["kinds"]),
        tuple(table["hits"]),
        tuple(table["points"]),
        tuple(table["young_points"]),
        table["capsule_points"],
        tuple(map(_stage, table["stages"])),
    )


def _stage(table: dict[str, Any]) -> StageScript:
    waves = zip(table["wave_sizes"], table["wave_points"], table["wave_capsules"], strict=True)
    return StageScript(
        tuple(
            Row(at, kind, wave, bool(red), young) for at, kind, wave, red, young in table["rows"]
        ),
        tuple(Wave(size, points, bool(capsule)) for size, points, capsule in waves),
        table["boss_hits"],
        tuple(table["boss_points"]),
    )
