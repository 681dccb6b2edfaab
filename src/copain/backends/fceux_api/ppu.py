"""FCEUX's ``ppu``: the picture processor's memory."""

from __future__ import annotations

from copain.backends.lua_namespace import Namespace


class Ppu(Namespace):
    """``nes.lua.ppu``: patterns 0x0000, name tables 0x2000, palettes 0x3F00; read only."""

    __slots__ = ()
    lua_name = "ppu"

    def readbyte(self, address: int) -> int:
        """One byte, 0 to 255; addresses wrap at 0x4000."""
        return self._int("readbyte", address)

    def readbyterange(self, address: int, length: int) -> bytes:
        """`length` bytes."""
        return self._bytes("readbyterange", address, max(length, 0))
