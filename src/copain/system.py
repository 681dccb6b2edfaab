"""System: a kind of console, its buttons, frame rate and picture.

Frame rates are exact fractions of the console's clocks; the sources are named beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag
from fractions import Fraction
from functools import cache

from copain.errors import RomError


class Button(IntFlag):
    """One bit a button; which of them a system has is said by `System.buttons`."""

    A = 1 << 0
    B = 1 << 1
    SELECT = 1 << 2
    START = 1 << 3
    UP = 1 << 4
    DOWN = 1 << 5
    LEFT = 1 << 6
    RIGHT = 1 << 7
    X = 1 << 8
    Y = 1 << 9
    L = 1 << 10
    R = 1 << 11
    C = 1 << 12
    Z = 1 << 13


@dataclass(frozen=True, slots=True)
class System:
    """A kind of console.

    `name` is the short name used in commands and files; `ports` is how many joypads an input
    log holds; `buttons` are those of one joypad; `frame_rate` is in frames per second (an
    emulator of another region says its own, `Emulator.frame_rate`); `extensions` are the file
    name endings of its ROMs, without the dot.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    buttons: tuple[Button, ...]
    frame_rate: Fraction
    ports: int = 2

    @property
    def button_bits(self) -> int:
        """All bits that an input of this system may hold."""
        return _bits_of(self.buttons)

    def __str__(self) -> str:
        return self.name


@cache
def _bits_of(buttons: tuple[Button, ...]) -> int:
    return sum(int(button) for button in buttons)  # not a Button: its ~ knows no other bits


_PAD = (Button.UP, Button.DOWN, Button.LEFT, Button.RIGHT)
_GAME_BOY = (Button.A, Button.B, Button.SELECT, Button.START, *_PAD)

# NTSC NES: master clock 236.25/11 MHz, 341*262 - 1/2 dots a frame with rendering on, 4 clocks
# a dot: 39375000/655171 (https://www.nesdev.org/wiki/Cycle_reference_chart).
NES = System("nes", "Nintendo Entertainment System", ("nes", "unf", "unif"),
             _GAME_BOY, Fraction(39375000, 655171))  # fmt: skip
# https://problemkaputt.de/fullsnes.htm: 21477270 / (262 * 1364 - 2) with short scanlines.
SNES = System("snes", "Super Nintendo", ("sfc", "smc"),
              (*_GAME_BOY, Button.X, Button.Y, Button.L, Button.R),
              Fraction(39375000 * 2, 655171 * 2))  # fmt: skip
# https://gbdev.io/pandocs/Specifications.html: 4194304 Hz, 70224 clocks a frame.
GAME_BOY = System("gb", "Game Boy", ("gb",), _GAME_BOY, Fraction(4194304, 70224), ports=1)
GAME_BOY_COLOR = System(
    "gbc", "Game Boy Color", ("gbc",), _GAME_BOY, Fraction(4194304, 70224), ports=1
)
# https://problemkaputt.de/gbatek.htm: 16777216 Hz, 280896 clocks a frame.
GBA = System("gba", "Game Boy Advance", ("gba",), (*_GAME_BOY, Button.L, Button.R),
             Fraction(16777216, 280896), ports=1)  # fmt: skip
# NTSC Mega Drive: 53693175 Hz, 3420 clocks a line, 262 lines (https://segaretro.org).
GENESIS = System("genesis", "Sega Genesis / Mega Drive", ("md", "gen", "smd", "bin68k"),
                 (Button.A, Button.B, Button.C, Button.X, Button.Y, Button.Z,
                  Button.SELECT, Button.START, *_PAD),
                 Fraction(53693175, 3420 * 262))  # fmt: skip
# Stella programmer's guide: 3579545 Hz colour clock, 228 clocks a line, 262 lines.
ATARI2600 = System("a2600", "Atari 2600", ("a26",),
                   (Button.A, Button.SELECT, Button.START, *_PAD),
                   Fraction(3579545, 228 * 262))  # fmt: skip
# PC Engine: 21477270 Hz, 1365 clocks a line, 263 lines (Mednafen documentation).
PC_ENGINE = System("pce", "PC Engine / TurboGrafx-16", ("pce",), _GAME_BOY,
                   Fraction(21477270, 1365 * 263))  # fmt: skip
# A set of MAME: each game is a machine of its own, which says its own rate and what it has.
# Select is the coin slot. The fire buttons 1 to 8 are A B C X Y Z L R.
ARCADE = System("arcade", "Arcade", (),
                (Button.A, Button.B, Button.C, Button.X, Button.Y, Button.Z, Button.L, Button.R,
                 Button.SELECT, Button.START, *_PAD),
                Fraction(60))  # fmt: skip
# The game without a ROM (backends/grid.py); its rate is a convention.
GRID = System("grid", "Grid", ("grid",), _GAME_BOY, Fraction(60), ports=2)

SYSTEMS: tuple[System, ...] = (
    NES, SNES, GAME_BOY, GAME_BOY_COLOR, GBA, GENESIS, ATARI2600, PC_ENGINE, ARCADE, GRID,
)  # fmt: skip


def system_by_name(name: str) -> System:
    """The system called `name`. Raises RomError that lists the names there are."""
    for system in SYSTEMS:
        if system.name == name:
            return system
    raise RomError(
        f"no system is called {name!r}; the systems are {', '.join(s.name for s in SYSTEMS)}"
    )
