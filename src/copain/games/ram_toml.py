"""ram.toml: the names of a game's RAM, in a file.

::

    [game]
    title = "Alouette"
    version = "1.0"
    system = "nes"
    sha1 = "..."                  # of the whole ROM file
    md5 = "..."                   # may be left out, as may these two, of what follows an NES header
    sha1_without_header = "..."
    md5_without_header = "..."

    [variables.lives]
    address = 0x0041
    type = "u8"                   # see copain.memory.Variable
    range = [0, 3]
    kind = "counter"
    about = "Lives left, the one in play included."

    [tables.enemies]
    count = 16
    [tables.enemies.fields.x]
    address = 0x0400
    stride = 1                    # bytes from one row to the next
    type = "u8"
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any, cast

from copain.errors import CopainError, GameError
from copain.games.game import RamMap, Table
from copain.memory import VARIABLE_KINDS, VARIABLE_TYPES, Variable
from copain.system import system_by_name

MOST_ROWS = 65536
"""The most rows that an object table may have."""

_GAME_TEXTS = ("title", "version", "system", "sha1")
_MORE_CHECKSUMS = ("md5", "sha1_without_header", "md5_without_header")
_VARIABLE_KEYS = {"address", "type", "length", "order", "range", "kind", "about"}


def read_ram_map(path: str | os.PathLike[str]) -> RamMap:
    """The RAM map in the file at `path`. Raises GameError that says where it is wrong."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise GameError(f"{path}: cannot be read: {error}") from error
    return parse_ram_map(text, str(path))


def parse_ram_map(text: str, source: str = "ram.toml") -> RamMap:
    """The RAM map in `text`. Raises GameError that begins with `source`."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # a huge integer is a plain ValueError
        raise GameError(f"{source}: {error}") from error
    try:
        game = _table(document.get("game"), "[game]", {*_GAME_TEXTS, *_MORE_CHECKSUMS})
        variables = {
            name: _variable(name, entry, f"[variables.{name}]")
            for name, entry in _table(document.get("variables", {}), "[variables]").items()
        }
        tables = {
            name: _object_table(name, entry)
            for name, entry in _table(document.get("tables", {}), "[tables]").items()
        }
        return RamMap(
            title=_text(game, "title", "[game]"),
            version=_text(game, "version", "[game]"),
            system=system_by_name(_text(game, "system", "[game]")),
            sha1=_text(game, "sha1", "[game]"),
            variables=variables,
            tables=tables,
            **{key: _text(game, key, "[game]") for key in _MORE_CHECKSUMS if key in game},
        )
    except CopainError as error:
        raise GameError(f"{source}: {error}") from error


def _variable(
    name: str, entry: object, where: str, extra: frozenset[str] = frozenset()
) -> Variable:
    fields = _table(entry, where, _VARIABLE_KEYS | extra)
    kind = fields.get("type", "u8")
    if kind not in tuple(VARIABLE_TYPES):  # not the dictionary: a list has no hash
        raise GameError(f"{where} type = {kind!r}; the types are {', '.join(VARIABLE_TYPES)}")
    meaning = fields.get("kind", "state")
    if meaning not in VARIABLE_KINDS:
        raise GameError(f"{where} kind = {meaning!r}; the kinds are {', '.join(VARIABLE_KINDS)}")
    return Variable(
        name=name,
        address=_integer(fields, "address", where),
        type=kind,
        length=_integer(fields, "length", where, VARIABLE_TYPES[kind]),
        order=fields.get("order", "big" if kind == "digits" else "little"),
        range=_limits(fields.get("range"), where),
        kind=meaning,
        about=str(fields.get("about", "")),
    )


def _limits(entry: object, where: str) -> tuple[int, int] | None:
    match entry:
        case None:
            return None
        case [int(low), int(high)]:
            return low, high
        case _:
            raise GameError(f"{where} range = {entry!r}; [lowest, highest] is needed")


def _object_table(name: str, entry: object) -> Table:
    where = f"[tables.{name}]"
    fields = _table(entry, where, {"count", "fields", "about"})
    columns: dict[str, tuple[Variable, int]] = {}
    for column, described in _table(fields.get("fields", {}), f"{where} fields").items():
        at = f"[tables.{name}.fields.{column}]"
        variable = _variable(f"{name}.{column}", described, at, frozenset({"stride"}))
        stride = _integer(_table(described, at), "stride", at, variable.length)
        if stride < 1:
            raise GameError(f"{at} stride = {stride}; 1 or more is needed")
        columns[column] = (variable, stride)
    count = _integer(fields, "count", where)
    if not 1 <= count <= MOST_ROWS:
        raise GameError(f"{where} count = {count}; 1 to {MOST_ROWS} is allowed")
    return Table(name, count, columns)


def _table(entry: object, where: str, allowed: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise GameError(f"{where}: a table is needed, found {entry!r}")
    table = cast(dict[str, Any], entry)
    unknown = [] if allowed is None else sorted(set(table) - allowed)
    if unknown:
        raise GameError(f"{where}: unknown key {unknown[0]!r}; known are {sorted(allowed or ())}")
    return table


def _text(table: dict[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise GameError(f"{where} {key} = {value!r}; a text is needed")
    return value


def _integer(table: dict[str, Any], key: str, where: str, default: int | None = None) -> int:
    value = table.get(key, default)
    if type(value) is not int:
        raise GameError(f"{where} {key} = {value!r}; an integer is needed")
    return value
