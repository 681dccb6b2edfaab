"""One backend an emulator; `open_emulator` is the table that says which.

A backend's module is imported only when its emulator is opened. Backends never import each
other, and only the command line, `copain.open` and scripts name one.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, overload

from copain.backends.cores import KNOWN_CORES
from copain.emulator import Emulator
from copain.errors import EmulatorMissing, InputError, RomError
from copain.games import variables_of
from copain.rom import Rom, RomLike, as_rom
from copain.system import ARCADE, GRID, NES

if TYPE_CHECKING:
    from copain.backends.colibri import ColibriEmulator, RamInit, Region
    from copain.backends.fceux import Display, FceuxEmulator, Speed, TransportName
    from copain.backends.grid import GridEmulator
    from copain.backends.libretro import LibretroEmulator
    from copain.backends.mame import Display as MameDisplay
    from copain.backends.mame import MameEmulator
    from copain.backends.mame import RamInit as MameRamInit

EMULATOR_NAMES: tuple[str, ...] = ("colibri", "libretro", "fceux", "mame", "grid")
"""The emulators that `open_emulator` knows."""

_LIBRETRO_OPTIONS = {"core", "options", "devices"}


@overload
def open_emulator(rom: RomLike) -> ColibriEmulator | LibretroEmulator: ...
@overload
def open_emulator(
    rom: RomLike,
    emulator: Literal["colibri"],
    *,
    region: Region | None = None,
    ram_init: RamInit = "default",
    ram_seed: int = 0,
    four_score: bool = False,
    idle_skip: bool = True,
) -> ColibriEmulator: ...
@overload
def open_emulator(
    rom: RomLike,
    emulator: None = None,
    *,
    core: str | os.PathLike[str],
    options: Mapping[str, str] | None = None,
    devices: Mapping[int, str | int] | None = None,
) -> LibretroEmulator: ...
@overload
def open_emulator(
    rom: RomLike,
    emulator: Literal["libretro"],
    *,
    core: str | os.PathLike[str] | None = None,
    options: Mapping[str, str] | None = None,
    devices: Mapping[int, str | int] | None = None,
) -> LibretroEmulator: ...
@overload
def open_emulator(
    rom: RomLike,
    emulator: Literal["fceux"],
    *,
    visible: bool = False,
    display: Display | None = None,
    speed: Speed | None = None,
    sound: bool = False,
    new_ppu: bool = False,
    region: Region = "ntsc",
    ram_init: RamInit = "default",
    game_genie: Sequence[str] = (),
    four_score: bool = False,
    person_plays: bool = False,
    movie: str | os.PathLike[str] | None = None,
    transport: TransportName = "pipes",
    timeout: float | None = None,
    fceux: str | os.PathLike[str] | None = None,
    attach: str | None = None,
    token: str | None = None,
) -> FceuxEmulator: ...
@overload
def open_emulator(
    rom: RomLike,
    emulator: Literal["mame"],
    *,
    machine: str | None = None,
    visible: bool = False,
    display: MameDisplay | None = None,
    throttle: bool | None = None,
    sound: bool = False,
    ram: range | None = None,
    ram_init: MameRamInit = "default",
    slots: Mapping[str, str] | None = None,
    rompath: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
    transport: TransportName = "pipes",
    timeout: float | None = None,
    mame: str | os.PathLike[str] | None = None,
) -> MameEmulator: ...
@overload
def open_emulator(rom: RomLike, emulator: Literal["grid"]) -> GridEmulator: ...
@overload
def open_emulator(rom: RomLike, emulator: str | None = None, **options: object) -> Emulator: ...
def open_emulator(rom: RomLike, emulator: str | None = None, **options: object) -> Emulator:
    """Open a ROM in an emulator; in the best embedded one unless `emulator` says another.

    That is Colibri for a game of the NES whose mapper it knows, else a libretro core. `rom` is a
    `Rom` or a path. The other arguments belong to the emulator:

    - ``colibri``: copain's own NES; `region`, `ram_init`, `ram_seed`, `four_score`, `idle_skip`,
      see `copain.backends.colibri.ColibriEmulator`.
    - ``libretro``: `core`, a core's name or the path of its library (default: the best one found
      for the ROM's system, see ``copain cores``); `options`, core options by key; `devices`, a
      controller for a port (from 0) by name or number.
    - ``fceux``: FCEUX in a process of its own, with or without a window; its options are those of
      `copain.backends.fceux.FceuxEmulator`.
    - ``mame``: MAME in a process of its own; `rom` may be an arcade set, ``"pacman.zip"``; its
      options are those of `copain.backends.mame.MameEmulator`.
    - ``grid``: the game without a ROM; none.

    When the ROM is of a game that copain knows, ``emulator.ram["name"]`` knows its variables.
    Raises RomError, EmulatorMissing, EmulatorCrashed or InputError.
    """
    loaded = _arcade_set(rom) if emulator == "mame" else None
    loaded = loaded or as_rom(rom)
    opened = _open(emulator, loaded, options) if emulator else _open_best(loaded, options)
    opened.ram.variables = variables_of(loaded)
    return opened


def _arcade_set(rom: RomLike) -> Rom | None:
    """The arcade set at this path, or None. Only MAME says that a zip file is one."""
    if isinstance(rom, (str, os.PathLike)) and str(rom).lower().endswith(".zip"):
        return Rom.read(rom, system=ARCADE)
    return None


def _open_best(rom: Rom, options: Mapping[str, object]) -> Emulator:
    """Open a ROM in the emulator for it, or in the one that has these options."""
    if rom.system is GRID:
        return _open("grid", rom, options)
    if rom.system is not NES or _LIBRETRO_OPTIONS & set(options):
        return _open("libretro", rom, options)
    try:
        return _open("colibri", rom, options)
    except RomError as error:
        refused = error
    try:
        return _open("libretro", rom, options)
    except EmulatorMissing as error:
        raise EmulatorMissing(f"{error} Copain's own NES cannot play it: {refused}") from None


def _open(name: str, rom: Rom, options: Mapping[str, object]) -> Emulator:
    if name == "colibri":
        from copain.backends.colibri import ColibriEmulator as opener
    elif name == "libretro":
        from copain.backends.libretro import LibretroEmulator as opener
    elif name == "grid":
        from copain.backends.grid import GridEmulator as opener
    elif name == "fceux":
        from copain.backends.fceux import FceuxEmulator as opener
    elif name == "mame":
        from copain.backends.mame import MameEmulator as opener
    else:
        raise EmulatorMissing(
            f"copain.open: no emulator is called {name!r}; "
            f"the emulators are {', '.join(EMULATOR_NAMES)}"
            + (f". It is a core: core={name!r} (--core {name})" if name in KNOWN_CORES else "")
        )
    allowed = list(inspect.signature(opener).parameters)[1:]
    unknown = [option for option in options if option not in allowed]
    if unknown:
        raise InputError(
            f"copain.open: {name} has no option {unknown[0]!r}; "
            f"its options are {', '.join(allowed) or 'none'}"
        )
    return opener(rom, **options)  # type: ignore[arg-type] - the names are checked above
