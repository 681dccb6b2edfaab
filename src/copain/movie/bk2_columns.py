"""The columns of a bk2's input log: which button, on which port, each of them means.

An input log says its columns once, in groups, each name ended by ``|``::

    LogKey:#Reset|Power|#P1 Up|P1 Down|P1 Left|P1 Right|P1 Start|P1 Select|P1 B|P1 A|
    |..|U......A|

A column is one character (``.`` is released), or, for an axis such as a stick, a number that ends
with a comma. Names and characters: BizHawk's src/BizHawk.Client.Common/movie/bk2/
Bk2LogEntryGenerator.cs and Bk2MnemonicLookup.cs, and its cores' ControllerDefinitions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from copain.movie.movie import Command
from copain.system import (
    ATARI2600,
    GAME_BOY,
    GAME_BOY_COLOR,
    GBA,
    GENESIS,
    NES,
    PC_ENGINE,
    SNES,
    Button,
    System,
)

_PAD = {"Up": Button.UP, "Down": Button.DOWN, "Left": Button.LEFT, "Right": Button.RIGHT}


@dataclass(frozen=True, slots=True)
class Platform:
    """What BizHawk calls a system, and how its input log is written.

    `names` are the header's ``Platform``, ours first and others that mean the same; `core` is the
    core that a new file names. `buttons` are those of a joypad in the order written, `also` other
    names that mean the same, `more` buttons that are columns only of a movie that holds them.
    `console` are the console's own columns; `joypads_named` whether a joypad's have ``P1``.
    """

    system: System
    names: tuple[str, ...]
    core: str
    buttons: Mapping[str, Button]
    also: Mapping[str, Button]
    more: Mapping[str, Button]
    console: tuple[str, ...] = ()
    joypads_named: bool = True


_TWO = {"Start": Button.START, "Select": Button.SELECT, "B": Button.B, "A": Button.A}

PLATFORMS: tuple[Platform, ...] = (
    Platform(NES, ("NES", "Nes"), "NesHawk", _PAD | _TWO, {}, {}, ("Reset", "Power")),
    Platform(
        SNES, ("SNES", "Snes"), "Snes9x",
        _PAD | {"Select": Button.SELECT, "Start": Button.START, "Y": Button.Y, "B": Button.B,
                "X": Button.X, "A": Button.A, "L": Button.L, "R": Button.R},
        {}, {}, ("Reset", "Power"),
    ),
    Platform(
        GENESIS, ("GEN", "Genesis"), "Genplus-gx",
        _PAD | {"A": Button.A, "B": Button.B, "C": Button.C, "Start": Button.START},
        {}, {"X": Button.X, "Y": Button.Y, "Z": Button.Z, "Mode": Button.SELECT},
        ("Power", "Reset"),
    ),
    # The console's switches Reset and Select are copain's Start and Select of the first joypad.
    Platform(
        ATARI2600, ("A26", "Atari2600"), "Atari2600Hawk", _PAD | {"Button": Button.A},
        {"Select": Button.SELECT}, {},
        ("Reset", "Select", "Power", "Toggle Left Difficulty", "Toggle Right Difficulty"),
    ),
    Platform(GAME_BOY, ("GB", "GameBoy"), "Gambatte", _PAD | _TWO, {}, {},
             ("Power",), False),
    Platform(GAME_BOY_COLOR, ("GBC", "GbColor"), "Gambatte", _PAD | _TWO, {}, {},
             ("Power",), False),
    Platform(
        GBA, ("GBA", "GbAdvance"), "mGBA", _PAD | _TWO | {"L": Button.L, "R": Button.R},
        {}, {}, ("Power",), False,
    ),
    Platform(
        PC_ENGINE, ("PCE", "PCEngine"), "PCEHawk",
        _PAD | {"Select": Button.SELECT, "Run": Button.START, "B2": Button.B, "B1": Button.A},
        {"II": Button.B, "I": Button.A, "Start": Button.START, "B": Button.B, "A": Button.A}, {},
    ),
)  # fmt: skip

_CHARACTERS = {
    "Up": "U", "Down": "D", "Left": "L", "Right": "R", "Start": "S", "Select": "s", "Run": "R",
    "L": "l", "R": "r", "Mode": "M", "Button": "B", "B1": "1", "B2": "2", "I": "1", "II": "2",
    "Reset": "r", "Power": "P", "Toggle Left Difficulty": "l", "Toggle Right Difficulty": "r",
}  # fmt: skip
_COMMANDS = {"Power": Command.POWER, "Reset": Command.SOFT_RESET}
_SWITCHES = {"Reset": Button.START, "Select": Button.SELECT}
_AXIS = re.compile(rb" *-?[0-9]+,")
_NUMBERED = re.compile(r"P([0-9]{1,2}) (.+)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `bits` of `port` (from 0), or of the commands (port -1), or none that we know."""

    name: str
    character: str
    port: int = -1
    bits: int = 0

    @property
    def known(self) -> bool:
        """Whether copain knows what it means."""
        return self.bits != 0


Groups = tuple[tuple[Column, ...], ...]
"""The columns of a log key, group by group."""

Row = tuple[int, ...]
"""What a line says: the command, then the bits of each port."""


def parse_log_key(text: str, platform: Platform) -> Groups:
    """The columns that ``LogKey:`` says, `text` being what follows. Raises ValueError."""
    groups = tuple(
        tuple(_column(name, platform) for name in group.split("|") if name)
        for group in text.split("#")
        if group.strip("|")
    )
    names = [column.name for group in groups for column in group]
    if not names or len(names) != len(set(names)):
        twice = next((name for name in names if names.count(name) > 1), "")
        what = f"has {twice[:40]!r} twice" if twice else "is empty"
        raise ValueError(f"the log key {what}; names are needed, each once")
    return groups


def retro_log_key(text: str) -> str:
    """What stable-retro meant: it writes the joypads' names over the key's first characters.

    (src/movie-bk2.cpp, writeHeader: ``headerText.str("LogKey:#Reset|Power|#")`` leaves the stream
    at its beginning.) Each joypad is a group of its own.
    """
    names = [name for name in text.split("|") if name]
    players = dict.fromkeys(name.partition(" ")[0] for name in names)
    joypads = [[name for name in names if name.partition(" ")[0] == one] for one in players]
    return "#Reset|Power|" + "".join(
        "#" + "".join(f"{name}|" for name in joypad) for joypad in joypads
    )


def new_columns(platform: Platform, used: Sequence[int], command: int) -> Groups:
    """The columns to write for a movie that uses these bits of each port, and these commands."""
    pad = dict(platform.buttons)
    pad |= platform.more if any(bits & sum(platform.more.values()) for bits in used) else {}
    console = [*platform.console]
    console += [name for name, bit in _COMMANDS.items() if command & bit and name not in console]
    if not platform.joypads_named:
        return (tuple(_column(name, platform) for name in (*pad, *console)),)
    joypads = [[f"P{port + 1} {name}" for name in pad] for port in range(platform.system.ports)]
    return tuple(
        tuple(_column(name, platform) for name in group) for group in (console, *joypads) if group
    )


def log_key(groups: Groups) -> str:
    """The line that says the columns, without its end."""
    return "LogKey:" + "".join(
        "#" + "".join(f"{column.name}|" for column in group) for group in groups
    )


def _column(name: str, platform: Platform) -> Column:
    system = platform.system
    numbered = _NUMBERED.fullmatch(name)
    key = numbered[2] if numbered else name
    character = _CHARACTERS.get(key, key if len(key) == 1 else "!")
    if numbered is None:
        if system is ATARI2600 and name in _SWITCHES:
            return Column(name, character, 0, int(_SWITCHES[name]))
        if name in _COMMANDS:
            return Column(name, character, -1, int(_COMMANDS[name]))
    port = int(numbered[1]) - 1 if numbered else 0
    named = {**platform.buttons, **platform.also, **platform.more}
    if (numbered or not platform.joypads_named) and key in named and 0 <= port < system.ports:
        return Column(name, character, port, int(named[key]))
    return Column(name, character)


class LineReader:
    """Reads the lines of one input log."""

    def __init__(self, groups: Groups, ports: int) -> None:
        """A reader of lines with these columns, for a system with so many ports."""
        self._groups = groups
        self._columns = [column for group in groups for column in group]
        self._ports = ports
        self._axes: dict[str, bytes] = {}

    def read(self, line: bytes) -> Row:
        """What a line says. Raises ValueError for wrong columns, and for what cannot be played:

        a column that we do not know is held, or an axis that moves.
        """
        line = line.strip()
        cells = line.replace(b"|", b"")
        row = [0] * (1 + self._ports)
        at = 0
        for column in self._columns:
            axis = _AXIS.match(cells, at)
            if axis is not None:
                at = axis.end()
                if self._axes.setdefault(column.name, axis[0]) != axis[0]:
                    raise ValueError(f"{column.name} moves, which cannot be played by copain")
                continue
            if at >= len(cells):
                break
            if cells[at : at + 1] != b".":
                if not column.known:
                    raise ValueError(f"{column.name} is held, which cannot be played by copain")
                row[1 + column.port] |= column.bits
            at += 1
        else:
            if at == len(cells) and line.startswith(b"|"):
                return tuple(row)
        text = line[:60].decode("ascii", "backslashreplace")
        raise ValueError(f"found {text!r}; {self.pattern} is needed")

    @property
    def pattern(self) -> str:
        """A line that holds everything."""
        return format_pattern(self._groups)

    def neutral(self, column: Column) -> str:
        """How a column is written that is not held."""
        return self._axes.get(column.name, b".").decode("ascii")


def format_pattern(groups: Groups) -> str:
    """A line that holds everything."""
    return "|" + "".join("".join(c.character for c in group) + "|" for group in groups)


def format_row(row: Row, groups: Groups, reader: LineReader | None) -> str | None:
    """The line for a row, without its end, or None where a button of it has no column.

    Columns that we do not know are neutral: as in the lines that `reader` has read.
    """
    left = list(row)
    text = "|"
    for group in groups:
        for column in group:
            if column.known and row[1 + column.port] & column.bits == column.bits:
                text += column.character
                left[1 + column.port] &= ~column.bits
            else:
                text += "." if reader is None else reader.neutral(column)
        text += "|"
    return None if any(left) else text


def platform_named(name: str, colour: bool = False) -> Platform | None:
    """The platform that a header's ``Platform`` names, or None.

    `colour` says that a Game Boy is a Game Boy Color: older BizHawks call both GB.
    """
    if colour and name == "GB":
        name = "GBC"
    return next((platform for platform in PLATFORMS if name in platform.names), None)


def platform_of(system: System) -> Platform | None:
    """The platform of a system, or None where BizHawk has none that copain knows."""
    return next((platform for platform in PLATFORMS if platform.system is system), None)
