"""FCEUX's ``bit``: operations on 32 bits (Lua BitOp)."""

from __future__ import annotations

from copain.backends.lua_namespace import Namespace, given


class Bit(Namespace):
    """``nes.lua.bit``: operations on 32 bits, with signed results: -0x80000000 to 0x7FFFFFFF.

    Python's own operators do the same without a round trip; this is for scripts that are moved over
    line by line.
    """

    __slots__ = ()
    lua_name = "bit"

    def tobit(self, x: int) -> int:
        """The low 32 bits, signed."""
        return self._int("tobit", x)

    def tohex(self, x: int, digits: int | None = None) -> str:
        """In hexadecimal with 8 digits, or so many; capitals when `digits` is negative."""
        return self._text("tohex", *given(x, digits))

    def bnot(self, x: int) -> int:
        """All bits turned over."""
        return self._int("bnot", x)

    def band(self, x: int, *more: int) -> int:
        """The bits that all have."""
        return self._int("band", x, *more)

    def bor(self, x: int, *more: int) -> int:
        """The bits that any has."""
        return self._int("bor", x, *more)

    def bxor(self, x: int, *more: int) -> int:
        """The bits that an odd number of them has."""
        return self._int("bxor", x, *more)

    def lshift(self, x: int, count: int) -> int:
        """Shifted left; only the low 5 bits of `count` matter, here and below."""
        return self._int("lshift", x, count)

    def rshift(self, x: int, count: int) -> int:
        """Shifted right, zeros come in."""
        return self._int("rshift", x, count)

    def arshift(self, x: int, count: int) -> int:
        """Shifted right, the sign comes in."""
        return self._int("arshift", x, count)

    def rol(self, x: int, count: int) -> int:
        """Turned left."""
        return self._int("rol", x, count)

    def ror(self, x: int, count: int) -> int:
        """Turned right."""
        return self._int("ror", x, count)

    def bswap(self, x: int) -> int:
        """The four bytes in reverse."""
        return self._int("bswap", x)
