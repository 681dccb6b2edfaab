"""Read kinds.toml and stages/*.toml: the one source of the ROM's tables and of the maximum.

Positions are pixels of scroll, one a frame. The field is 26 tiles high and begins at line 32.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

HERE = Path(__file__).parent
FIELD_TOP, FIELD_ROWS = 4, 26
PLACES = {"ceiling": 254, "floor": 255}
FIRST_KIND = 1
FIRST_TARGET = "moth"
WAVES_PER_STAGE = 31
BOSS_STEP_FRAMES = 256
SKY_STEPS = 8


class StageError(ValueError):
    """A table that the game cannot play; the message names the stage and the row."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What an enemy is: its number in the game, hits, points, speed (pixels a frame)."""

    number: int
    name: str
    hp: int
    points: int
    speed: float
    timer: int
    sprite: str
    palette: int
    anim: int
    sits: bool
    hatches: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the stage script."""

    at: int
    what: Literal["enemy", "checkpoint", "boss"]
    kind: Kind | None = None
    y: int = 0
    wave: int = 0
    red: bool = False
    variant: int = 0


@dataclass(frozen=True, slots=True)
class Wave:
    """Enemies that give a bonus, and perhaps a capsule, when all of them were destroyed."""

    number: int
    count: int
    points: int
    capsule: bool


@dataclass(frozen=True, slots=True)
class Column:
    """Outline of a column in lines of the screen: free from ceiling to floor, but for an island."""

    ceiling: int
    floor: int
    island_top: int
    island_bottom: int
    tiles: tuple[str, ...]
    """Names of its 26 tiles, from the top."""


@dataclass(frozen=True, slots=True)
class Boss:
    name: str
    hp: int
    tune: str
    points: tuple[int, ...]
    """By the time it took, one entry every 256 frames."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: what the card says, how it looks, what comes."""

    number: int
    name: str
    story: str
    tune: str
    tiles: str
    """The sheet of its terrain, in art/."""
    palettes: tuple[str, ...]
    bands: tuple[tuple[int, int], ...]
    """(first row of the screen, palette from there on)."""
    sky: tuple[int, ...]
    """The sky's colour, one every 256 pixels."""
    storm: bool
    rows: tuple[Row, ...]
    waves: tuple[Wave, ...]
    columns: tuple[Column, ...]
    loop: int
    boss: Boss


@dataclass(frozen=True, slots=True)
class Game:
    version: str
    kinds: tuple[Kind, ...]
    capsule_points: int
    stages: tuple[Stage, ...]

    def kind(self, name: str) -> Kind:
        """Return the kind of that name."""
        for kind in self.kinds:
            if kind.name == name:
                return kind
        names = ", ".join(k.name for k in self.kinds)
        raise StageError(f"no kind {name!r}; there are {names}")


def load_game() -> Game:
    """Read every table of the game."""
    table = tomllib.loads((HERE / "kinds.toml").read_text())
    kinds = tuple(
        Kind(
            number=number,
            name=k["name"],
            hp=k.get("hp", 1),
            points=k.get("points", 0),
            speed=k["speed"],
            timer=k.get("timer", 0),
            sprite=k["sprite"],
            palette=k["palette"],
            anim=k.get("anim", 0),
            sits=k.get("sits", False),
            hatches=k.get("hatches"),
        )
        for number, k in enumerate(table["kinds"], FIRST_KIND)
    )
    game = Game(table["version"], kinds, table["capsule_points"], ())
    paths = sorted((HERE / "stages").glob("stage*.toml"))
    stages = tuple(_read_stage(game, number, path) for number, path in enumerate(paths, 1))
    return Game(game.version, kinds, game.capsule_points, stages)


def _height(y: int | str) -> int:
    if isinstance(y, str):
        if y not in PLACES:
            raise StageError(f"y = {y!r}; a number of pixels, {', '.join(PLACES)} are allowed")
        return PLACES[y]
    return y


def _read_stage(game: Game, number: int, path: Path) -> Stage:
    table = tomllib.loads(path.read_text())
    rows: list[Row] = []
    waves: list[Wave] = []
    for wave_number, wave in enumerate(table["waves"], 1):
        waves.append(
            Wave(wave_number, wave["count"], wave.get("points", 500), wave.get("capsule", False))
        )
        for member in range(wave["count"]):
            rows.append(
                Row(
                    wave["at"] + member * wave["gap"],
                    "enemy",
                    game.kind(wave["kind"]),
                    _height(wave["y"]),
                    wave_number,
                    False,
                    wave.get("variant", 0),
                )
            )
    for row in table["rows"]:
        variant = row.get("hatches", row.get("variant", 1 if row["y"] == "ceiling" else 0))
        y = _height(row["y"])
        kind = game.kind(row["kind"])
        rows.append(Row(row["at"], "enemy", kind, y, 0, row.get("red", False), variant))
    for count, checkpoint in enumerate(table["checkpoints"], 1):
        rows.append(Row(checkpoint["at"], "checkpoint", variant=count))
    boss_at = table["boss"]["at"]
    rows.append(Row(boss_at, "checkpoint", variant=2))
    rows.append(Row(boss_at, "boss"))
    order = {"checkpoint": 0, "boss": 1, "enemy": 2}
    rows.sort(key=lambda row: (row.at, order[row.what]))
    boss = Boss(
        table["boss"]["name"],
        table["boss"]["hp"],
        table["boss"]["tune"],
        tuple(table["boss"]["points"]),
    )
    palettes = tuple(table["palettes"])
    stage = Stage(
        number,
        table["name"],
        table["story"],
        table["tune"],
        table["tiles"],
        palettes,
        tuple((row, palette) for row, palette in table["bands"]),
        _sky(path.stem, table["sky"]),
        table.get("storm", False),
        tuple(rows),
        tuple(waves),
        _terrain(path.stem, table["terrain"]),
        table["terrain"]["loop"],
        boss,
    )
    _check(path.stem, stage)
    return stage


def _sky(name: str, colours: list[str]) -> tuple[int, ...]:
    """The sky's colours; the last one stays."""
    if not 1 <= len(colours) <= SKY_STEPS:
        raise StageError(f"{name}: {len(colours)} colours of the sky, 1 to {SKY_STEPS} are allowed")
    values = [int(colour, 16) for colour in colours]
    return tuple(values + values[-1:] * (SKY_STEPS - len(values)))


def _check(name: str, stage: Stage) -> None:
    """Refuse what would break the game or the proof of the maximum."""
    if len(stage.waves) > WAVES_PER_STAGE:
        raise StageError(f"{name}: {len(stage.waves)} waves, at most {WAVES_PER_STAGE}")
    checkpoints = [row.at for row in stage.rows if row.what == "checkpoint"]
    if checkpoints != sorted(checkpoints) or len(checkpoints) != 2:
        raise StageError(f"{name}: one checkpoint and then the boss, found {checkpoints}")
    if any(at % 8 for at in checkpoints):
        raise StageError(f"{name}: checkpoints stand on a column, multiples of 8: {checkpoints}")
    for wave in stage.waves:
        places = [row.at for row in stage.rows if row.wave == wave.number]
        if any(places[0] <= at <= places[-1] for at in checkpoints):
            raise StageError(f"{name}: wave {wave.number} is cut by a checkpoint")
    for row in stage.rows:
        if row.what == "enemy" and row.at >= checkpoints[-1]:
            raise StageError(f"{name}: an enemy comes at {row.at}, after the boss")
    for row in stage.rows:
        if row.kind is not None and row.kind.sits and not _flat(stage, row.at, row.y):
            near = [at for at in range(row.at - 64, row.at + 65, 8) if _flat(stage, at, row.y)]
            raise StageError(f"{name}: {row.kind.name} at {row.at} sits on a slope; flat: {near}")
    if len(stage.columns) % stage.loop or stage.loop & (stage.loop - 1):
        raise StageError(f"{name}: the loop of {stage.loop} columns must divide the stage")
    if len(stage.columns) > 256:
        raise StageError(f"{name}: {len(stage.columns)} columns, at most 256")


def _flat(stage: Stage, at: int, y: int) -> bool:
    """Whether what comes in at the right edge, 16 pixels wide, stands on level ground."""
    count, loop = len(stage.columns), stage.loop
    under = [
        stage.columns[x if x < count else count - loop + (x - count) % loop]
        for x in range((at + 255) // 8, (at + 255 + 15) // 8 + 1)
    ]
    lines = {column.ceiling if y == PLACES["ceiling"] else column.floor for column in under}
    return len(lines) == 1 and 0 not in lines


def _outline(name: str, points: list[list[int]], columns: int, *, walls: bool) -> list[int]:
    """Join [column, height] points by slopes of one tile a column, or, where there are walls and
    the height differs by more than that, by a wall at the second point.
    """
    heights: list[int] = []
    for (x0, h0), (x1, h1) in pairwise(points):
        if abs(h1 - h0) > x1 - x0:
            if not walls:
                raise StageError(f"{name}: too steep from column {x0} ({h0}) to {x1} ({h1})")
            heights += [h0] * (x1 - x0)
            continue
        for x in range(x0, x1):
            # one step at a time, at the near end: slopes are 45 degrees, then flat
            step = min(x - x0, abs(h1 - h0))
            heights.append(h0 + (step if h1 > h0 else -step))
    if len(heights) != columns:
        raise StageError(f"{name}: the outline has {len(heights)} columns of {columns}")
    return heights


def speckle(*numbers: int) -> int:
    """Return a repeatable hash, 0-255, that scatters textures, plants and stars."""
    value = 0x9E37
    for number in numbers:
        value = ((value ^ number) * 0x9E3B + 0x7F4B) & 0xFFFF
        value ^= value >> 7
    return value & 0xFF


def _terrain(name: str, table: dict[str, Any]) -> tuple[Column, ...]:
    count: int = table["columns"]
    walls: bool = table.get("walls", False)
    floor = _outline(f"{name} floor", table["floor"], count, walls=walls)
    ceiling = _outline(f"{name} ceiling", table["ceiling"], count, walls=walls)
    islands: list[list[int]] = table.get("islands", [])
    sea: int = table.get("sea", 0)
    weather: str = table.get("weather", "sky_star")
    dense: int = table.get("dense", 5)
    windows: bool = table.get("windows", False)
    period: int = table.get("period", 256)
    columns: list[Column] = []
    for x in range(count):
        right = min(x + 1, count - 1)
        left = max(x - 1, 0)
        grain = x % period  # columns that are alike are stored once
        f, c = floor[x], ceiling[x]
        tiles = [
            f"{weather} {speckle(grain, row, 3) & 3}" if speckle(grain, row, 17) < dense else "sky"
            for row in range(FIELD_ROWS)
        ]
        floor_line = FIELD_ROWS - f
        for row in range(floor_line, FIELD_ROWS):
            depth = row - floor_line
            tiles[row] = ("top", "under")[depth] if depth < 2 else "body"
            above = FIELD_ROWS - row  # height of the row, counted as the floor's is
            if windows and depth % 3 == 2 and x & 1 and above > 1:
                tiles[row] = f"window {speckle(grain, row, 7) & 3}"
            if walls and depth > 1 and above > floor[left] < f - 1:
                tiles[row] = "wall_left"
            if walls and depth > 1 and above > floor[right] < f - 1:
                tiles[row] = "wall_right"
        floor_px = (FIELD_TOP + floor_line) * 8 + 2
        rises, falls = floor[right] - f == 1, floor[left] - f == 1
        if f and (rises or falls):
            tiles[floor_line] = "under"
            tiles[floor_line - 1] = "up" if rises else "down"
            floor_px -= 6
        elif 0 < f <= sea:
            tiles[floor_line] = f"crest {x & 3}"
            for row in range(floor_line + 1, FIELD_ROWS):
                tiles[row] = f"sea {speckle(x & 3, row)}"
        elif f and speckle(grain, 5) < 80:
            tiles[floor_line - 1] = f"plant {speckle(grain, 9) % 3}"
        ceiling_px = (FIELD_TOP + c) * 8 - 2 if c else 0
        for row in range(c):
            depth = c - 1 - row
            tiles[row] = ("hang", "under")[depth] if depth < 2 else "body"
            if walls and depth and row >= ceiling[left] and c - ceiling[left] > 1:
                tiles[row] = "wall_left"
            if walls and depth and row >= ceiling[right] and c - ceiling[right] > 1:
                tiles[row] = "wall_right"
        lower, higher = ceiling[right] - c == 1, ceiling[left] - c == 1
        if lower or higher:
            if c:
                tiles[c - 1] = "under"
            tiles[c] = "hang_down" if lower else "hang_up"
            ceiling_px = (FIELD_TOP + c) * 8 + 4
        top_px, bottom_px = 255, 0
        for x0, x1, row0, row1 in islands:
            if not x0 <= x <= x1:
                continue
            if row0 <= c or row1 >= floor_line - 1:
                raise StageError(f"{name}: island at column {x} touches the rock")
            top_px, bottom_px = (FIELD_TOP + row0) * 8 + 2, (FIELD_TOP + row1 + 1) * 8 - 2
            for row in range(row0, row1 + 1):
                tiles[row] = "body"
            tiles[row0], tiles[row1] = "top", "hang"
            if x == x0:
                tiles[row0], tiles[row1] = "up", "hang_down"
            elif x == x1:
                tiles[row0], tiles[row1] = "down", "hang_up"
        named = tuple(
            f"{tile} {speckle(grain, row, 29)}"
            if tile in ("top", "under", "body", "hang")
            else tile
            for row, tile in enumerate(tiles)
        )
        columns.append(Column(ceiling_px, floor_px, top_px, bottom_px, named))
    return tuple(columns)
