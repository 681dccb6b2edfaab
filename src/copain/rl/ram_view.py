"""RamView: a game's RAM as a vector that a network can learn from.

Of the named variables and object tables, in the order of ``ram.toml``, each scaled by its kind and
range; then how far everything that has a position moved, so that velocities show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from copain.errors import GameError, InputError
from copain.games import Game, Table
from copain.games.game import Flags, Numbers
from copain.memory import Bytes, Variable

Features = npt.NDArray[np.float32]
"""``float32 (batch, size)``."""

_NEAR = 64.0
"""Pixels that make 1.0 of a distance to what a position is counted from."""
_MOVED = 8.0
"""Pixels that make 1.0 of a movement."""
_JUMP = 32
"""Pixels; what moves farther from one RAM to the next jumped, or is something new: no movement."""
_MOST_NAMES = {"state": 24, "table": 24, "flag": 24, "counter": 8}
"""Values up to which a number of this kind is one feature for each: it names, it does not count."""
_PERIODS = np.array([256, 1024, 4096, 16384])
"""Of a long position, such as a scroll position, the sine and cosine for each of these."""
_LONG = 255
"""Numbers that span more than this are told by their logarithm, and positions by their sines."""


@dataclass(frozen=True, slots=True)
class _Number:
    """A number of RAM: where it comes from, and what it is counted from (its place, or -1)."""

    name: str
    variable: Variable
    origin: int

    @property
    def moves(self) -> bool:
        return self.origin >= 0 or self.variable.kind == "position"


class RamView:
    """Turns batches of RAM into vectors, the same for one environment and for many.

    Not told are random numbers and what never changes. Small numbers that name a state are one
    feature for each value. A position that the game counts from another (`Game.relative_to`, such
    as an enemy's from the ship) is a distance in steps of 64 pixels. Of a table come the rows that
    `Game.rows` chooses, in its order; a row that is not there is all zeros.
    """

    def __init__(self, game: Game, frames: int = 2) -> None:
        """For `game`, from its last `frames` RAMs. Raises InputError for less than one, and
        GameError where nothing in the game's RAM can be told.
        """
        if frames < 1:
            raise InputError(f"RamView(frames={frames}): at least 1 is needed")
        self.game, self.frames = game, frames
        self._origins = sorted(set(game.relative_to.values()))
        plain = [v for v in game.variables.values() if _tells(v)]
        self._bytes = [v for v in plain if _is_byte(v)]
        self._wider = [v for v in plain if not _is_byte(v)]
        self._addresses = np.array([v.address for v in self._bytes], np.int64)
        self._tables = [_Rows(game, table) for table in game.ram_map.tables.values()]
        self._tables = [each for each in self._tables if each.rows and each.fields]
        self._build()
        if not self.names:
            raise GameError(f"{game.name}: nothing in its RAM map can be told to an agent")

    @property
    def size(self) -> int:
        """Features of one observation."""
        return len(self.names)

    def __call__(self, ram: Bytes) -> Features:
        """``uint8 (batch, frames, ram_size)``, the newest last, to ``float32 (batch, size)``."""
        if ram.ndim != 3 or ram.shape[1] != self.frames:
            raise InputError(
                f"RamView: RAM of shape {ram.shape}; (batch, {self.frames}, ram_size) is needed"
            )
        numbers, there = self._numbers(ram)
        now = numbers[:, -1]
        origins = np.zeros((len(ram), len(self._origins) + 1), np.int64)
        for at, name in enumerate(self._origins):
            origins[:, at] = self.game.value(ram[:, -1], name)
        value = (now - origins[:, self._origin])[:, self._index] - self._low
        told = np.where(self._equals, value == 0, value * self._scale) * there[:, self._index]
        log = np.log1p(np.maximum(now[:, self._long] - self._long_low, 0)) * self._long_scale
        phases = now[:, self._waves, None] * (2 * np.pi / _PERIODS)
        waves = np.concatenate([np.sin(phases), np.cos(phases)], axis=-1).reshape(len(ram), -1)
        parts = [told, log, waves]
        for before in range(self.frames - 1):
            moved = (now - numbers[:, before])[:, self._moving]
            real = (np.abs(moved) <= _JUMP) & there[:, self._moving]
            parts.append(np.where(real, moved, 0) / _MOVED)
        return np.concatenate(parts, axis=1, dtype=np.float32, casting="same_kind")

    def encode(self, observations: Sequence[Bytes]) -> tuple[Features, Flags]:
        """What a `DqnAgent` wants of its runners' observations, each ``uint8 (frames, ram_size)``:
        the features, and the actions that are allowed, ``bool (batch, actions)``.
        """
        ram = np.stack(observations)
        return self(ram), self.game.allowed(ram[:, -1])

    def _numbers(self, ram: Bytes) -> tuple[Numbers, Flags]:
        """All numbers, ``int64 (batch, frames, n)``, and which of them are there."""
        parts = [ram[..., self._addresses].astype(np.int64)]
        parts += [each.decode(ram)[..., None] for each in self._wider]
        there = [np.ones((len(ram), len(self._bytes) + len(self._wider)), np.bool_)]
        for table in self._tables:
            numbers, flags = table.numbers(ram)
            parts.append(numbers)
            there.append(flags)
        return np.concatenate(parts, axis=2), np.concatenate(there, axis=1)

    def _build(self) -> None:
        """What becomes of each number."""
        plain = (*self._bytes, *self._wider)
        variables = [(each.name, each.name, each) for each in plain]
        for table in self._tables:
            variables += table.named()
        place = {name: at for at, name in enumerate(self._origins)}
        nowhere = len(self._origins)
        numbers = [
            _Number(name, variable, place.get(self.game.relative_to.get(field, ""), -1))
            for name, field, variable in variables
        ]
        self._origin = np.array([n.origin if n.origin >= 0 else nowhere for n in numbers], np.int64)
        lines: list[tuple[str, int, int, float, bool]] = []
        long: list[int] = []
        waves: list[int] = []
        for at, number in enumerate(numbers):
            low, high = number.variable.range or number.variable.limits
            span = high - low
            if number.origin >= 0:
                lines.append((number.name, at, 0, 1 / _NEAR, False))
            elif 1 < span < _MOST_NAMES.get(number.variable.kind, 0):
                lines += [
                    (f"{number.name}={value}", at, value, 1.0, True)
                    for value in range(low, high + 1)
                ]
            elif span <= _LONG:
                lines.append((number.name, at, low, 1 / span, False))
            else:
                (waves if number.variable.kind == "position" else long).append(at)
        self._index = np.array([line[1] for line in lines], np.int64)
        self._low = np.array([line[2] for line in lines], np.int64)
        self._scale = np.array([line[3] for line in lines], np.float64)
        self._equals = np.array([line[4] for line in lines], np.bool_)
        self._long, self._waves = np.array(long, np.int64), np.array(waves, np.int64)
        limits = [numbers[at].variable.range or numbers[at].variable.limits for at in long]
        self._long_low = np.array([low for low, _ in limits], np.int64)
        self._long_scale = np.array([1 / np.log1p(high - low) for low, high in limits])
        moving = [at for at, n in enumerate(numbers) if n.moves]
        self._moving = np.array(moving, np.int64)
        self.names: tuple[str, ...] = (
            *(line[0] for line in lines),
            *(numbers[at].name for at in long),
            *(f"{numbers[at].name} {wave} {period}"
              for at in waves for wave in ("sin", "cos") for period in _PERIODS),
            *(f"{numbers[at].name} moved in {self.frames - 1 - before}"
              for before in range(self.frames - 1) for at in moving),
        )  # fmt: skip
        """What each feature is, such as ``mode=3``, ``enemies[0].x`` or ``ship_y moved in 1``."""


class _Rows:
    """The rows of a table that an agent sees."""

    def __init__(self, game: Game, table: Table) -> None:
        self._game, self._table = game, table
        self.fields = {name: first for name, (first, _) in table.fields.items() if _tells(first)}
        size = max(
            first.addresses.stop + (table.count - 1) * stride
            for first, stride in table.fields.values()
        )
        sizes = [size, *(each.addresses.stop for each in game.variables.values())]
        for other in game.ram_map.tables.values():
            sizes += [f.addresses.stop + (other.count - 1) * s for f, s in other.fields.values()]
        self.rows = game.rows(np.zeros((1, max(sizes)), np.uint8), table.name).shape[-1]
        self._in_bytes = all(_is_byte(first) for first in self.fields.values())
        self._first = np.array([first.address for first in self.fields.values()], np.int64)
        self._strides = np.array([table.fields[name][1] for name in self.fields], np.int64)

    def named(self) -> list[tuple[str, str, Variable]]:
        """Its numbers: their names, the names of their fields, and the variable of row 0."""
        return [
            (f"{self._table.name}[{row}].{field}", field, first)
            for field, first in self.fields.items()
            for row in range(self.rows)
        ]

    def numbers(self, ram: Bytes) -> tuple[Numbers, Flags]:
        """``int64 (batch, frames, fields * rows)``, and which of them are there."""
        rows = self._game.rows(ram[:, -1], self._table.name)
        there = np.tile(rows >= 0, len(self.fields))
        rows = np.maximum(rows, 0)
        if self._in_bytes:
            at = self._first[:, None] + self._strides[:, None] * rows[:, None]
            at = at.reshape(len(ram), 1, -1)
            return np.take_along_axis(ram, at, axis=2).astype(np.int64), there
        fields = [
            np.take_along_axis(self._table.decode(ram, name), rows[:, None], axis=2)
            for name in self.fields
        ]
        return np.concatenate(fields, axis=2), there


def _tells(variable: Variable) -> bool:
    low, high = variable.range or variable.limits
    return low < high and variable.kind != "random"


def _is_byte(variable: Variable) -> bool:
    return variable.type == "u8" and not variable.swapped and variable.mask is None
