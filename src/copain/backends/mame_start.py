"""How MAME is found and started, and what it means when it ends before it said a word."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from copain.errors import CopainError, EmulatorMissing, InputError, RomError
from copain.rom import Rom
from copain.system import ARCADE
from copain.wire import meeting
from copain.wire.meeting import Start, TransportName, find_program
from copain.wire.process import Folder, Program, VirtualDisplay

START_TIMEOUT = 60.0
"""Seconds within which MAME must say its first word: it is large, and machines are busy."""

GAMES = "/usr/games"
"""Where Debian puts games; PATH does not always look there."""

SCRIPT = Path(__file__).with_name("mame.lua")
NOISE = re.compile(
    r"^(error: XDG_RUNTIME_DIR|Warning: -video none|ALSA lib|Average speed:|Ignoring MAME)"
)
"""What MAME writes each time it starts, and says nothing about a failure."""

MACHINES = {
    "nes": "nes", "genesis": "genesis", "a2600": "a2600", "pce": "pce", "snes": "snes",
    "gb": "gameboy", "gbc": "gbcolor", "gba": "gba",
}  # fmt: skip
"""The machine of each system, unless another is asked for."""

BOOT_OFFSETS = {"nes": -1}
"""Frames that a machine's boot is longer than FCEUX's, where FCEUX plays the same."""

_ENDINGS = {"genesis": "bin", "a2600": "bin", "snes": "sfc"}
_NEEDS_FILES, _BAD_MEDIUM, _NO_SUCH_MACHINE, _BAD_OPTION = 2, 4, 5, 6
"""MAME's exit statuses (src/frontend/mame/mame.h: EMU_ERR_...)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start MAME; see `MameEmulator`."""

    machine: str
    display: str
    throttle: bool
    sound: bool
    rompath: tuple[str, ...]
    slots: Mapping[str, str]
    transport: TransportName
    mame: str | os.PathLike[str] | None
    timeout: float | None


def find_mame(path: str | os.PathLike[str] | None = None) -> str:
    """MAME's program. Raises EmulatorMissing that says where was looked."""
    return find_program("mame", path, "COPAIN_MAME", GAMES)


def machine_for(call: str, rom: Rom, wanted: str | None) -> str:
    """The name of the machine that plays a ROM. Raises InputError when it must be said."""
    if wanted is not None:
        if not re.fullmatch(r"[a-z0-9_]+", wanted):
            raise InputError(f"{call}: machine={wanted!r} is no name of a machine, such as 'nes'")
        return wanted
    if rom.system is ARCADE:
        if rom.path is None:
            raise InputError(f"{call}: say which machine this is: machine='pacman'")
        return rom.path.stem.lower()
    machine = MACHINES.get(rom.system.name)
    if machine is None:
        raise RomError(
            f"{call}: this is a {rom.system} ROM; MAME is known to play "
            f"{', '.join(MACHINES)} and arcade sets; else say machine="
        )
    return machine


def launch(call: str, rom: Rom, how: Launch) -> Start:
    """Start MAME with a ROM and connect to it; nothing is left behind if that fails."""
    program = find_mame(how.mame)
    with contextlib.ExitStack() as stack:
        folder = Folder("copain-mame-")
        stack.callback(folder.remove)
        environment = _environment(call, how, folder.path)
        if how.display == "xvfb":
            display = VirtualDisplay(folder.path / "xvfb.log")
            stack.callback(display.end)
            environment["DISPLAY"] = display.name
        command = [
            program,
            how.machine,
            *_media(rom, how, folder.path),
            *_options(how, folder.path),
        ]
        if shutil.which("stdbuf"):
            command[:0] = ["stdbuf", "-oL"]  # else its last words are lost when it is killed
        start = meeting.launch(
            "MAME", command, environment, folder.path, how.transport, stack,
            start_timeout=START_TIMEOUT, timeout=how.timeout, noise=NOISE,
        )  # fmt: skip
        if how.display == "offscreen":
            start.display_name = None
        return start


def why_it_ended(call: str, rom: Rom, machine: str, program: Program) -> CopainError | None:
    """What MAME's exit status means, when it ended before its script ran; else None.

    Where it crashes on its way out, its last words say it.
    """
    status = program.exit_status()
    tail = program.log_tail(NOISE)
    said = f"\nMAME said:{tail}" if tail else ""
    if re.search(r"Fatal error: Device .* load .*failed", tail):
        status = _BAD_MEDIUM
    if status == _NO_SUCH_MACHINE:
        return InputError(
            f"{call}: MAME knows no machine {machine!r}; `mame -listfull` lists them{said}"
        )
    if status == _NEEDS_FILES and rom.system is ARCADE:
        return RomError(f"{call}: this is not all that the machine {machine!r} needs{said}")
    if status == _NEEDS_FILES:
        return EmulatorMissing(
            f"{call}: the machine {machine!r} needs the files of its BIOS, which MAME did not "
            f"find; put them into a folder as {machine}.zip and say rompath='that/folder'{said}"
        )
    if status == _BAD_MEDIUM:
        return RomError(f"{call}: MAME's {machine} does not play this ROM{said}")
    if status == _BAD_OPTION:
        return InputError(f"{call}: MAME refused an option{said}")
    return None


def _media(rom: Rom, how: Launch, folder: Path) -> list[str]:
    """The game, written where MAME finds it, and the options that name it."""
    places = [str(folder), *how.rompath]
    if rom.system is ARCADE:
        (folder / f"{how.machine}.zip").write_bytes(rom.data)
        if rom.path is not None:
            places.append(str(rom.path.parent))  # the set of which this one is a clone
        return ["-rompath", ";".join(places)]
    ending = _ENDINGS.get(rom.system.name, rom.system.extensions[0])
    if rom.path is not None and rom.path.suffix.lower() == ".smd":
        ending = "smd"  # its bytes are in another order
    game = folder / f"{re.sub(r'[^A-Za-z0-9_-]', '_', rom.name)[:100]}.{ending}"
    game.write_bytes(rom.data)
    return ["-cart", str(game), "-rompath", ";".join(places)]


def _options(how: Launch, folder: Path) -> list[str]:
    options = [
        "-autoboot_script", str(SCRIPT), "-autoboot_delay", "0",
        # Nothing of the user's own settings, and nothing left behind.
        "-noreadconfig", "-noplugins", "-skip_gameinfo", "-snapview", "native",
        "-sound", "auto" if how.sound else "none",
        "-throttle" if how.throttle else "-nothrottle",
    ]  # fmt: skip
    for name in ("cfg", "nvram", "state", "input", "diff", "comment", "snapshot"):
        options += [f"-{name}_directory", str(folder)]
    options += ["-homepath", str(folder)]
    if how.display == "offscreen":
        options += ["-video", "none"]
    else:
        options += ["-video", "soft", "-window", "-nomaximize"]
        # With a window MAME shows what it knows of a machine's flaws, and waits for a key, before
        # any script runs; not so with its debugger, which is told to be silent.
        options += ["-debug", "-debugger", "none"]
    for slot, card in how.slots.items():
        options += [f"-{slot}", card]
    return options


def _environment(call: str, how: Launch, folder: Path) -> dict[str, str]:
    environment = dict(os.environ)
    environment["HOME"] = environment["TMPDIR"] = str(folder)
    environment.setdefault("XDG_RUNTIME_DIR", str(folder))
    if how.display == "offscreen":
        # Else SDL opens OpenGL, with two threads and 60 MB, for a picture that nobody sees.
        environment["SDL_VIDEODRIVER"] = "dummy"
        environment.pop("DISPLAY", None)
        environment.pop("WAYLAND_DISPLAY", None)
    elif how.display == "visible" and not environment.get("DISPLAY"):
        raise EmulatorMissing(
            f"{call}: there is no display to show a window on: DISPLAY is not set; "
            "leave visible out, or use display='xvfb'"
        )
    else:
        environment.pop("WAYLAND_DISPLAY", None)
        environment["SDL_VIDEODRIVER"] = "x11"
    if not how.sound:
        environment["SDL_AUDIODRIVER"] = "dummy"
    return environment
