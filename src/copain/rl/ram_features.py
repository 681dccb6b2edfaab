"""What of a game's RAM an agent sees: the features that its variables and tables become."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from copain.errors import GameError
from copain.games import Game, RamMap
from copain.memory import Variable
from copain.sight import Feature, RamSight

MOST_STATES = 16
"""The most values of a state that each become a feature of their own."""

_WIDTHS = {"u8": 8, "i8": 8, "u16": 16, "i16": 16, "u24": 24, "u32": 32, "i32": 32}


def sight_of(game: Game) -> RamSight:
    """The variables of a game, all of them kept, and its features.

    A state of 3 to `MOST_STATES` values is a feature a value: 1 for the one it is, else -1. Any
    other number lies on the line from the lowest (-1) to the highest value (1) that its range, or
    its type, allows. Random numbers, and what has only one value, are none. Raises GameError for
    a game that names nothing to see.
    """
    kept = list(game.variables.values())
    variables = [*kept, *_fields(game.ram_map)]
    features = [
        feature for index, variable in enumerate(variables) for feature in _of(index, variable)
    ]
    return RamSight(variables, features, len(kept))


def need_features(game: Game, sight: RamSight) -> None:
    """Raise GameError for a game whose RAM map names nothing that varies."""
    if not sight.size:
        raise GameError(
            f"{game.name} names no variables to observe; name some in its ram.toml, or observe "
            "'ram_bytes', 'screen' or 'screen84'"
        )


def _fields(ram_map: RamMap) -> Iterator[Variable]:
    for table in ram_map.tables.values():
        for name, (first, stride) in table.fields.items():
            for row in range(table.count):
                yield replace(
                    first,
                    name=f"{table.name}[{row}].{name}",
                    address=first.address + row * stride,
                )


def _of(index: int, variable: Variable) -> Iterator[Feature]:
    low, high = variable.range or _limits(variable)
    if variable.kind == "random" or low == high:
        return
    if variable.kind == "state" and variable.range and 2 < high - low + 1 <= MOST_STATES:
        for value in range(low, high + 1):
            yield Feature(f"{variable.name} = {value}", index, equals=value)
    else:
        yield Feature(variable.name, index, float(low), float(high))


def _limits(variable: Variable) -> tuple[int, int]:
    if variable.mask is not None:
        return 0, variable.mask
    if variable.type == "bcd":
        return 0, 100**variable.length - 1
    if variable.type == "digits":
        return 0, 10**variable.length - 1
    bits = _WIDTHS[variable.type]
    if variable.type.startswith("i"):
        return -(1 << bits - 1), (1 << bits - 1) - 1
    return 0, (1 << bits) - 1
