"""FCEUX's ``emu`` (also ``FCEU``): the machine, its frames, its speed."""

from __future__ import annotations

import os
from typing import Literal

from copain.backends.fceux_api.hooks import Function, Hook
from copain.backends.lua_namespace import Ask, Namespace
from copain.errors import RomError
from copain.rom import Rom
from copain.system import NES
from copain.wire.protocol import LuaObject


class Emu(Namespace):
    """``nes.lua.emu``: the machine, its frames, its speed."""

    __slots__ = ("_after", "_before", "_exit")
    lua_name = "emu"

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self._before = Hook(ask, "emu.registerbefore")
        self._after = Hook(ask, "emu.registerafter")
        self._exit = Hook(ask, "emu.registerexit")

    def poweron(self) -> None:
        """Switch the console off and on. `nes.frame` goes on counting; see `nes.power_on`."""
        self._do("poweron")

    def softreset(self) -> None:
        """Press the reset button; the game, and FCEUX's `framecount`, start again."""
        self._do("softreset")

    def speedmode(self, mode: Literal["normal", "nothrottle", "turbo", "maximum"]) -> None:
        """Set the speed: ``normal`` is the console's, ``nothrottle`` the fastest with all pictures.

        ``turbo`` leaves most pictures out and ``maximum`` nearly all. Raises LuaError for others.
        """
        self._do("speedmode", mode)

    def frameadvance(self) -> None:
        """Emulate one frame with what `joypad.set` gave; as `nes.advance` with nothing held.

        Raises LuaError inside a callback, where no frame can be emulated.
        """
        self._do("frameadvance")

    def pause(self) -> None:
        """Pause FCEUX: no frame goes on until `unpause`.

        In a visible run a person may unpause it; without a window `advance` raises LuaError.
        """
        self._do("pause")

    def unpause(self) -> None:
        """End the pause."""
        self._do("unpause")

    def paused(self) -> bool:
        """Whether FCEUX is paused."""
        return self._bool("paused")

    def exec_count(self, count: int, function: LuaObject) -> int:
        """Call a Lua function and break it off after `count` instructions of Lua's machine.

        Gives 0, or 2 when it was broken off or failed. Not for Python functions: they would be
        broken off in the middle of a message.
        """
        return self._int("exec_count", count, function)

    def exec_time(self, milliseconds: int, function: LuaObject) -> None:
        """Call a Lua function for a limited time, on Windows; elsewhere nothing is called."""
        self._do("exec_time", milliseconds, function)

    def setrenderplanes(self, sprites: bool, background: bool) -> None:
        """Show or hide sprites and background; the game notices nothing."""
        self._do("setrenderplanes", sprites, background)

    def message(self, text: str) -> None:
        """Show a line on the picture of a visible run for 3 seconds, and write it to the log.

        Otherwise only to the log, so that pictures stay the game's.
        """
        self._do("message", text)

    def framecount(self) -> int:
        """Frames since power-on or since a movie began. FCEUX's own count: savestates move it."""
        return self._int("framecount")

    def lagcount(self) -> int:
        """Lag frames counted so far; part of savestates."""
        return self._int("lagcount")

    def lagged(self) -> bool:
        """Whether the game did not read the joypads in the last frame."""
        return self._bool("lagged")

    def setlagflag(self, lagged: bool) -> None:
        """Say that this frame is a lag frame, or that it is not.

        For games that read joypads in odd ways; call it in a callback during the frame, since the
        frame's start takes it back.
        """
        self._do("setlagflag", lagged)

    def emulating(self) -> bool:
        """Whether a game is loaded; here always so."""
        return self._bool("emulating")

    def registerbefore(self, function: Function | None) -> Function | None:
        """Call `function` before each frame; None takes it away. Gives what stood there before.

        FCEUX has read the joypads by then: `joypad.set` in it acts on the next frame.
        """
        return self._before.register(function)

    def registerafter(self, function: Function | None) -> Function | None:
        """Call `function` after each frame; None takes it away. Gives what stood there before."""
        return self._after.register(function)

    def registerexit(self, function: Function | None) -> Function | None:
        """Call `function` when FCEUX's window closes, at `exit`, or at `nes.close`."""
        return self._exit.register(function)

    def addgamegenie(self, code: str) -> bool:
        """Add a Game Genie code and switch it on. Raises LuaError for what is no code."""
        return self._bool("addgamegenie", code)

    def delgamegenie(self, code: str) -> bool:
        """Take a code away that `addgamegenie` added; true also when it was not there."""
        return self._bool("delgamegenie", code)

    def getscreenpixel(
        self, x: int, y: int, emulator_screen: bool = False
    ) -> tuple[int, int, int, int]:
        """Red, green, blue and palette index of a pixel of the last picture.

        x is 0 to 255, y 0 to 239. `emulator_screen`: without what was drawn on it. The palette
        index is the NES colour, 0 to 63; of what was drawn on it, it says nothing.
        """
        red, green, blue, index = self._ints("getscreenpixel", x, y, emulator_screen)
        return red, green, blue, index

    def readonly(self) -> bool:
        """The same as `movie.readonly`."""
        return self._bool("readonly")

    def setreadonly(self, readonly: bool) -> None:
        """The same as `movie.setreadonly`."""
        self._do("setreadonly", readonly)

    def getdir(self) -> str:
        """The folder FCEUX's program is in."""
        return self._text("getdir")

    def loadrom(self, path: str | os.PathLike[str]) -> str | None:
        """Ask FCEUX to load another ROM; gives the name of the one that is still in.

        It comes some frames later. `nes.rom`, `nes.memory` and `nes.power_on` go on speaking of the
        first: better open another emulator, it takes 50 ms. Raises RomError for what is no NES ROM,
        over which FCEUX would hang.
        """
        rom = Rom.read(path)
        if rom.system is not NES:
            raise RomError(f"emu.loadrom: {rom.name!r} is a {rom.system} ROM; FCEUX plays the NES")
        return self._optional_text("loadrom", str(rom.path))

    def debuggerloop(self) -> None:
        """Wait in the debugger of FCEUX for Windows; elsewhere nothing happens."""
        self._do("debuggerloop")

    def debuggerloopstep(self) -> None:
        """Make one step of the debugger of FCEUX for Windows; elsewhere nothing happens."""
        self._do("debuggerloopstep")

    def print(self, *values: str | int | float | bool | None) -> None:
        """Write to FCEUX's Lua window."""
        self._do("print", *values)

    def exit(self) -> None:
        """Close FCEUX after the next frame; `advance` then raises EmulatorCrashed. See `close`."""
        self._do("exit")
