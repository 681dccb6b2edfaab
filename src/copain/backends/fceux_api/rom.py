"""FCEUX's ``rom``: the cartridge's file as FCEUX holds it."""

from __future__ import annotations

from typing import Literal

from copain.backends.lua_namespace import Namespace


class Rom(Namespace):
    """``nes.lua.rom``: the file, its header of 16 bytes first.

    Addresses are offsets in the file. Beyond its end 0 is read and writing does nothing.
    """

    __slots__ = ()
    lua_name = "rom"

    def getfilename(self) -> str | None:
        """The ROM's file name without folder and ending."""
        return self._optional_text("getfilename")

    def gethash(self, kind: Literal["md5", "base64"]) -> str:
        """MD5 of the ROM without its header: ``md5`` in hexadecimal, ``base64`` as movies have it.

        Empty text for any other kind.
        """
        return self._text("gethash", kind)

    def readbyte(self, address: int) -> int:
        """One byte, 0 to 255."""
        return self._int("readbyte", address)

    readbyteunsigned = readbyte

    def readbytesigned(self, address: int) -> int:
        """One byte, -128 to 127."""
        return self._int("readbytesigned", address)

    def readbyterange(self, address: int, length: int) -> bytes:
        """`length` bytes."""
        return self._bytes("readbyterange", address, max(length, 0))

    def writebyte(self, address: int, value: int) -> None:
        """Change one byte of the running game, not of the file. Raises LuaError in the header."""
        self._do("writebyte", address, value)
