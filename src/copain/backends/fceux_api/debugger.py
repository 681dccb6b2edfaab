"""FCEUX's ``debugger``: counters, breakpoints, symbols."""

from __future__ import annotations

from copain.backends.lua_namespace import Namespace, given


class Debugger(Namespace):
    """``nes.lua.debugger``: counters, breakpoints, symbols."""

    __slots__ = ()
    lua_name = "debugger"

    def hitbreakpoint(self) -> None:
        """Stop at the next instruction as a breakpoint does, when the debugger is at work.

        It waits for a person at FCEUX's debugger; without a window LuaError is raised.
        """
        self._do("hitbreakpoint")

    def getcyclescount(self) -> int:
        """Cycles of the processor since `resetcyclescount`; about 29780.5 a frame (NTSC)."""
        return self._int("getcyclescount")

    def getinstructionscount(self) -> int:
        """Instructions since `resetinstructionscount`."""
        return self._int("getinstructionscount")

    def resetcyclescount(self) -> None:
        """Count cycles from 0 again."""
        self._do("resetcyclescount")

    def resetinstructionscount(self) -> None:
        """Count instructions from 0 again."""
        self._do("resetinstructionscount")

    def getsymboloffset(self, name: str, bank: int | None = None) -> int:
        """The address of a debug symbol, or -1; from the ``.nl`` files beside the ROM.

        `bank` is the ROM bank of 16 KB; -1 is RAM; without it any bank is searched. Copain starts
        FCEUX without these files: they are there when a person loads them in the debugger.
        """
        return self._int("getsymboloffset", *given(name, bank))
