"""FCEUX's ``memory``: what the processor sees, its registers, and hooks on addresses."""

from __future__ import annotations

from typing import Literal, TypeAlias, overload

from copain.backends.fceux_api.hooks import MemoryFunction, MemoryHook
from copain.backends.lua_namespace import Ask, Namespace, given

Register: TypeAlias = Literal["a", "x", "y", "s", "p", "pc"]


class Memory(Namespace):
    """``nes.lua.memory``: addresses are the processor's, 0 to 0xFFFF.

    Reading a register of the hardware has no effect here, unlike what the game's reading does. For
    many bytes `readbyterange`, or `nes.ram`, takes one round trip instead of one each.
    """

    __slots__ = ("_exec", "_write")
    lua_name = "memory"

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self._write = MemoryHook(ask, "memory.registerwrite")
        self._exec = MemoryHook(ask, "memory.registerexec")

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

    def readword(self, address: int, high: int | None = None) -> int:
        """Two bytes, low byte first, 0 to 65535; `high` is the high byte's own address."""
        return self._int("readword", *given(address, high))

    readwordunsigned = readword

    def readwordsigned(self, address: int, high: int | None = None) -> int:
        """Two bytes, low byte first, -32768 to 32767; `high` is the high byte's own address."""
        return self._int("readwordsigned", *given(address, high))

    def writebyte(self, address: int, value: int) -> None:
        """Write as a store instruction does: a register of the hardware acts. No hook is called."""
        self._do("writebyte", address, value)

    def legacywritebyte(self, address: int, value: int) -> None:
        """Write as a cheat does: into memory only, and not where there is none."""
        self._do("legacywritebyte", address, value)

    def getregister(self, register: Register) -> int:
        """A register of the processor: ``a x y s p`` (8 bits), ``pc`` (16)."""
        return self._int("getregister", register)

    def setregister(self, register: Register, value: int) -> None:
        """Set a register of the processor; higher bits are cut off."""
        self._do("setregister", register, value)

    @overload
    def registerwrite(self, address: int, function: MemoryFunction | None, /) -> None: ...
    @overload
    def registerwrite(
        self, address: int, size: int, function: MemoryFunction | None, /
    ) -> None: ...
    def registerwrite(
        self,
        address: int,
        size: int | MemoryFunction | None,
        function: MemoryFunction | None = None,
        /,
    ) -> None:
        """Call `function(address, size, value)` when the game writes there; None takes it away.

        One address, or `size` of them from `address` on. `size` in the call is always 1 and memory
        holds `value` already. Mirrors are other addresses: 0x0800 is not 0x0000. A Python function
        takes about 30 us.
        """
        self._write.register(address, size, function)

    register = registerwrite

    @overload
    def registerexec(self, address: int, function: MemoryFunction | None, /) -> None: ...
    @overload
    def registerexec(self, address: int, size: int, function: MemoryFunction | None, /) -> None: ...
    def registerexec(
        self,
        address: int,
        size: int | MemoryFunction | None,
        function: MemoryFunction | None = None,
        /,
    ) -> None:
        """Call `function(address, 1, 0)` before the instruction there runs; None takes it away.

        One address, or `size` of them from `address` on, of instructions' first bytes. A wide range
        makes FCEUX slower than half, and calls at 60,000 instructions a frame.
        """
        self._exec.register(address, size, function)

    registerrun = registerexec
    registerexecute = registerexec
