"""The whole Lua API of FCEUX from Python: ``nes.lua``, one module for each of Lua's tables."""

from __future__ import annotations

import os
from pathlib import Path

from copain.backends.fceux_api.bit import Bit
from copain.backends.fceux_api.cdlog import CdLog
from copain.backends.fceux_api.colours import Colour, Image
from copain.backends.fceux_api.debugger import Debugger
from copain.backends.fceux_api.emu import Emu
from copain.backends.fceux_api.gui import Gui
from copain.backends.fceux_api.hooks import Function
from copain.backends.fceux_api.input import Input
from copain.backends.fceux_api.joypad import Joypad
from copain.backends.fceux_api.memory import Memory
from copain.backends.fceux_api.movie import Movie
from copain.backends.fceux_api.ppu import Ppu
from copain.backends.fceux_api.rom import Rom
from copain.backends.fceux_api.savestate import Savestate
from copain.backends.fceux_api.sound import Sound
from copain.backends.fceux_api.taseditor import TasEditor
from copain.backends.fceux_api.zapper import Zapper
from copain.backends.lua_namespace import Ask, LuaItself
from copain.errors import InputError
from copain.wire.protocol import LuaObject, Value

__all__ = ["Ask", "Colour", "Function", "Image", "Lua", "LuaScript"]


class Lua(LuaItself):
    """FCEUX's Lua from Python: its tables by their names, its globals, and Lua itself.

    Evaluated code emulates a frame by ``emu.frameadvance()``.

    Each call is a round trip of some 25 us. Functions of ours that FCEUX calls (registered by
    `emu.registerbefore` and its like) may call everything here but what emulates frames; what they
    raise comes out of the call that was running, `advance` for example, which ends with that frame,
    and everything goes on working.

    Values: nil, booleans, numbers, strings and tables travel as None, bool, int (or float), str (or
    bytes), list and dict. An empty table arrives as an empty list. Strings arrive as text, UTF-8
    with surrogate escapes; in evaluated Lua, ``copain.bytes(s)`` makes one arrive as bytes. Python
    functions become Lua functions; Lua functions and objects stay there and come as `LuaObject`.
    """

    __slots__ = (
        "bit", "cdlog", "debugger", "emu", "gui", "input", "joypad", "memory", "movie",
        "ppu", "rom", "savestate", "sound", "taseditor", "zapper",
    )  # fmt: skip

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self.emu = Emu(ask)
        self.rom = Rom(ask)
        self.memory = Memory(ask)
        self.ppu = Ppu(ask)
        self.debugger = Debugger(ask)
        self.joypad = Joypad(ask)
        self.zapper = Zapper(ask)
        self.input = Input(ask)
        self.savestate = Savestate(ask)
        self.movie = Movie(ask)
        self.gui = Gui(ask)
        self.sound = Sound(ask)
        self.taseditor = TasEditor(ask)
        self.cdlog = CdLog(ask)
        self.bit = Bit(ask)

    @property
    def FCEU(self) -> Emu:
        """The same as `emu`, by its old name."""
        return self.emu

    # Lua itself

    def load(self, path: str | os.PathLike[str], argument: str | None = None) -> LuaScript:
        """Run a Lua script that was written for FCEUX beside this session.

        It runs at once until its first ``emu.frameadvance()``, and goes on after each frame that
        `advance` emulates. What its ``joypad.set`` holds wins over what `advance` holds. Relative
        names of files mean files beside it. `argument` is its ``arg``. Raises LuaError; errors that
        come later come out of the `advance` in which they happen, and end the script only.
        """
        file = Path(path).absolute()
        if not file.is_file():
            raise InputError(f"lua.load({str(path)!r}): there is no such file")
        number = self._ask("lua.load", str(file), argument)[0]
        return LuaScript(self._ask, file, number)

    def leave(self) -> None:
        """Call what `emu.registerexit` registered, as FCEUX does when it ends; `close` does it."""
        self._ask("lua.leave")

    # Lua's globals

    def print(self, *values: Value) -> None:
        """Write to FCEUX's Lua window, tables with what is in them."""
        self._do("print", *values)

    def tostring(self, value: Value) -> str:
        """A value as FCEUX's print shows it, tables with what is in them."""
        return self._text("tostring", value)

    def tobitstring(self, value: int) -> str:
        """A byte as eight binary digits: ``"0000 1010"``."""
        return self._text("tobitstring", value)

    def gethash(self, data: bytes | str, size: int) -> int:
        """CRC-32 of the first `size` bytes, which must be there: FCEUX does not check. Signed."""
        length = len(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))
        if not 0 <= size <= length:
            raise InputError(f"gethash: {size} bytes of {length}")
        return self._int("gethash", data, size)

    def addressof(self, value: LuaObject) -> int:
        """Where a Lua object is in FCEUX's memory."""
        return self._int("addressof", value)

    def copytable(self, table: Value) -> Value:
        """A copy of a table; what travels is a copy already."""
        return self._value("copytable", table)

    def AND(self, x: int, *more: int) -> int:
        """The same as `bit.band`."""
        return self._int("AND", x, *more)

    def OR(self, x: int, *more: int) -> int:
        """The same as `bit.bor`."""
        return self._int("OR", x, *more)

    def XOR(self, x: int, *more: int) -> int:
        """The same as `bit.bxor`."""
        return self._int("XOR", x, *more)

    def SHIFT(self, x: int, count: int) -> int:
        """Shifted right by `count` bits, or left when it is negative; zeros come in."""
        return self._int("SHIFT", x, count)

    def BIT(self, *numbers: int) -> int:
        """A number with these bits set, 0 to 31."""
        return self._int("BIT", *numbers)


class LuaScript:
    """A Lua script that runs beside the session; see `Lua.load`."""

    __slots__ = ("_ask", "_number", "path")

    def __init__(self, ask: Ask, path: Path, number: Value) -> None:
        self._ask = ask
        self._number = number
        self.path = path

    @property
    def running(self) -> bool:
        """Whether it waits for the next frame; False when it came to its end or failed."""
        return self._ask("lua.running", self._number)[0] is True

    def stop(self) -> None:
        """Never go on with it. What it registered stays registered."""
        self._ask("lua.stop", self._number)

    def __repr__(self) -> str:
        return f"<Lua script {self.path.name}>"
