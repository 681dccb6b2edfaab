"""Watch files: names for addresses, as ram.toml, and as FCEUX and BizHawk keep them (``.wch``).

Both emulators write a line a watch. FCEUX (fceux/src/drivers/win/ramwatch.cpp, Save_Watches;
its Qt window puts spaces for the tabs, drivers/Qt/RamWatch.cpp, and shows two bytes the high one
first, whatever the file says)::

    <empty line>
    2                                           how many
    00000<TAB>000A<TAB>b<TAB>u<TAB>0<TAB>lives  number, address, size, shown as, 0, comment

BizHawk (BizHawk.Client.Common/tools/Watch/WatchList/WatchList.cs and Watch.cs)::

    SystemID NES
    00A<TAB>b<TAB>u<TAB>0<TAB>RAM<TAB>lives     address, size, shown as, big endian, domain, notes

Sizes are b, w, d (1, 2, 4 bytes) and S (a separator); shown as u, s, h, b: unsigned, signed,
hexadecimal, binary. A variable that a format does not hold (decimal digits, three bytes, big
endian in FCEUX) is written as one watch for each of its bytes.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from copain.errors import GameError
from copain.games import parse_ram_map
from copain.memory import Variable, VariableType
from copain.rom import Rom
from copain.system import NES, System

Format: TypeAlias = Literal["fceux", "bizhawk"]

# BizHawk's name of each system and of its work RAM. An unknown domain BizHawk takes for its main
# memory (WatchList.cs, LoadFile).
_BIZHAWK = {
    "nes": ("NES", "RAM"),
    "snes": ("SNES", "WRAM"),
    "gb": ("GB", "WRAM"),
    "gbc": ("GBC", "WRAM"),
    "gba": ("GBA", "EWRAM"),
    "genesis": ("GEN", "68K RAM"),
    "a2600": ("A26", "Main RAM"),
    "pce": ("PCE", "Main Memory"),
}
_BUS = "System Bus"
_BUS_RAM_SIZE = {"NES": 0x800}
"""How many addresses from 0 of BizHawk's System Bus are the work RAM."""

_SIZES = {"b": 1, "w": 2, "d": 4, "1": 1, "2": 2, "4": 4}
_SIZE_LETTERS = {1: "b", 2: "w", 4: "d"}
_UNSIGNED: dict[int, VariableType] = {1: "u8", 2: "u16", 4: "u32"}
_SIGNED: dict[int, VariableType] = {1: "i8", 2: "i16", 4: "i32"}

_FCEUX_LINE = re.compile(
    r"\s*[0-9A-Fa-f]+\s+(?:0x)?([0-9A-Fa-f]+)\s+([Sbwd124])\s+([Ssuhb_])\s+\d(?:\s+(.*))?"
)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class WatchFile:
    """What a file of names holds: its variables, and the lines that could not be taken, and why."""

    variables: Mapping[str, Variable]
    left_out: tuple[str, ...] = ()


def read_watches(path: str | os.PathLike[str]) -> WatchFile:
    """The names in a ``ram.toml`` or in a watch file of FCEUX or BizHawk, told by its content.

    Raises GameError for what is none of them, with the line that is wrong.
    """
    path = Path(path)
    text = _read(path)
    if path.suffix.lower() == ".toml":
        return WatchFile(parse_ram_map(text, str(path)).variables)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise GameError(f"{path}: a watch file is needed, this file is empty")
    first = lines[0][1]
    if first.startswith("SystemID"):
        return _collect(_bizhawk_lines(path, first.removeprefix("SystemID").strip(), lines[1:]))
    if first.strip().isdecimal():
        return _collect(_fceux_lines(path, lines[1:]))
    raise GameError(
        f"{path}: this is no watch file: it begins with {first[:20]!r}, FCEUX's with the number of "
        "watches and BizHawk's with SystemID (a ram.toml ends in .toml)"
    )


def write_watches(
    path: str | os.PathLike[str],
    variables: Mapping[str, Variable],
    format: Format = "fceux",
    system: System = NES,
) -> None:
    """Write a watch file for FCEUX or BizHawk, whole or not at all. Raises GameError."""
    path = Path(path)
    if format not in ("fceux", "bizhawk"):
        raise GameError(f"write_watches({format!r}): the formats are fceux and bizhawk")
    if format == "fceux" and system is not NES:
        raise GameError(
            f"{path}: FCEUX has no game of the {system.title}; write it for BizHawk instead"
        )
    parts = [
        part for variable in variables.values() for part in _parts(variable, big=format != "fceux")
    ]
    if format == "fceux":
        rows = [
            f"{number:05d}\t{part.address:04X}\t{_size_and_sign(part)}\t0\t{_comment(part.name)}\n"
            for number, part in enumerate(parts)  # the Qt window reads decimal numbers only
        ]
        text = f"\n{len(rows)}\n" + "".join(rows)
    else:
        name, domain = _BIZHAWK.get(system.name, (system.name.upper(), "RAM"))
        rows = [
            f"{part.address:03X}\t{_size_and_sign(part)}\t{int(part.order == 'big')}\t{domain}\t"
            f"{_comment(part.name)}\n"
            for part in parts
        ]
        text = f"SystemID {name}\n" + "".join(rows)
    _write(path, text)


def save_ram_toml(
    path: str | os.PathLike[str], variables: Mapping[str, Variable], rom: Rom
) -> None:
    """Write a ``ram.toml`` of this ROM, or add the names to the one that is there.

    What is there stays as it is, comments too; a name that is there already must mean the same.
    Raises GameError for a file that is another game's or not a ram.toml, and for a name that
    means something else there; then nothing is written.
    """
    path = Path(path)
    if path.exists():
        text = _read(path)
        there = parse_ram_map(text, str(path))
        if there.sha1 != rom.sha1:
            raise GameError(
                f"{path}: it names the RAM of {there.title} (SHA-1 {there.sha1}), "
                f"this is {rom.name} ({rom.sha1}); give another file"
            )
        for name, variable in variables.items():
            other = there.variables.get(name)
            if other is not None and _meaning(other) != _meaning(variable):
                raise GameError(
                    f"{path}: {name} is there already, a {other.type} at {other.address:#06x}, and "
                    f"not a {variable.type} at {variable.address:#06x}; choose another name, or "
                    "take it out of the file"
                )
        new = [variable for name, variable in variables.items() if name not in there.variables]
        text = text if text.endswith("\n") or not text else text + "\n"
    else:
        new = list(variables.values())
        text = (
            f'[game]\ntitle = {_toml_text(Path(rom.name).stem)}\nversion = ""\n'
            f"system = {_toml_text(rom.system.name)}\nsha1 = {_toml_text(rom.sha1)}\n"
        )
    text += "".join(_toml_variable(variable) for variable in new)
    parse_ram_map(text, str(path))  # what is written can be read
    _write(path, text)


# Reading

_Line: TypeAlias = "tuple[Variable | None, str]"
"""A variable, or None with why there is none (empty: there is nothing to say)."""


def _fceux_lines(path: Path, lines: list[tuple[int, str]]) -> Iterator[_Line]:
    for number, line in lines:
        found = _FCEUX_LINE.fullmatch(line)
        if found is None:
            raise GameError(f"{path}: line {number} is not a watch of FCEUX: {line[:60]!r}")
        address, size, shown, comment = found.groups(default="")
        # FCEUX's file has no byte order that counts; the 6502 is little endian.
        yield _variable(int(address, 16), size, shown, False, comment.replace('\\"', '"').strip())


def _bizhawk_lines(path: Path, system: str, lines: list[tuple[int, str]]) -> Iterator[_Line]:
    main = {domain for name, domain in _BIZHAWK.values() if name == system}
    for number, line in lines:
        fields = line.split("\t", 5)
        if len(fields) != 6 or not re.fullmatch("[0-9A-Fa-f]+", fields[0]) or not fields[1]:
            raise GameError(f"{path}: line {number} is not a watch of BizHawk: {line[:60]!r}")
        address, size, shown, big, domain, notes = fields
        at = int(address, 16)
        on_bus = domain == _BUS and at < _BUS_RAM_SIZE.get(system, 0)
        if size != "S" and main and domain not in main and not on_bus:
            yield None, f"line {number}: {notes or address}: in {domain}, not in the work RAM"
        elif size != "S" and shown not in "suhb":
            yield None, f"line {number}: {notes or address}: fractions are not known"
        else:
            yield _variable(at, size, shown, big != "0", notes.strip())


def _variable(address: int, size: str, shown: str, big: bool, name: str) -> _Line:
    length = _SIZES.get(size)
    if length is None:
        return None, ""  # a separator
    return Variable(
        name=name or f"ram_{address:04x}",
        address=address,
        type=(_SIGNED if shown == "s" else _UNSIGNED)[length],
        length=length,
        order="big" if big and length > 1 else "little",
    ), ""


def _collect(lines: Iterator[_Line]) -> WatchFile:
    variables: dict[str, Variable] = {}
    left_out: list[str] = []
    for variable, why in lines:
        if variable is None:
            left_out += [why] if why else []
            continue
        name, again = variable.name, 2
        while name in variables:
            name, again = f"{variable.name} {again}", again + 1
        variables[name] = replace(variable, name=name)
    return WatchFile(variables, tuple(left_out))


# Writing


def _parts(variable: Variable, *, big: bool) -> list[Variable]:
    """The variable, or its bytes when a watch file cannot hold it."""
    whole = variable.type in {*_UNSIGNED.values(), *_SIGNED.values()}
    if whole and (big or variable.order == "little" or variable.length == 1):
        return [variable]
    if variable.length == 1:
        return [replace(variable, type="u8", order="little")]
    return [
        Variable(name=f"{variable.name}.{place}", address=address)
        for place, address in enumerate(variable.addresses)
    ]


def _size_and_sign(variable: Variable) -> str:
    return f"{_SIZE_LETTERS[variable.length]}\t{'s' if variable.type[0] == 'i' else 'u'}"


def _comment(name: str) -> str:
    """A name on one line; FCEUX's Qt window ends a line at #."""
    return re.sub(r"[\s\x00-\x1f]+", " ", name.replace("#", "no. ")).strip()[:200]


def _toml_variable(variable: Variable) -> str:
    key = variable.name
    if not _BARE_KEY.fullmatch(key):
        key = _toml_text(key)
    lines = [
        f"[variables.{key}]", f"address = {variable.address:#06x}",
        f"type = {_toml_text(variable.type)}",
    ]  # fmt: skip
    if variable.type in ("bcd", "digits"):
        lines.append(f"length = {variable.length}")
    if variable.order != ("big" if variable.type == "digits" else "little"):
        lines.append(f"order = {_toml_text(variable.order)}")
    if variable.range is not None:
        lines.append(f"range = {list(variable.range)}")
    lines += [f"kind = {_toml_text(variable.kind)}", f"about = {_toml_text(variable.about)}"]
    return "\n" + "\n".join(lines) + "\n"


def _toml_text(text: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _meaning(variable: Variable) -> tuple[object, ...]:
    order = "" if variable.length == 1 else variable.order
    return variable.address, variable.type, variable.length, order


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GameError(f"{path}: cannot be read: {error}") from error


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise GameError(f"{path}: cannot be written: {error}") from error
