"""Memory: one region of a console's memory, the same on every emulator.

``nes.ram[0x20]`` is an int, ``nes.ram[0x300:0x310]`` a copy as ``uint8``, ``nes.ram["lives"]``
a named variable; each can be written too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import index as as_integer
from typing import Literal, Protocol, SupportsIndex, TypeAlias, cast, overload

import numpy as np
import numpy.typing as npt

from copain.errors import GameError, MemoryRangeError

Bytes: TypeAlias = npt.NDArray[np.uint8]
"""Bytes of memory: ``uint8``."""

VariableType: TypeAlias = Literal[
    "u8", "i8", "u16", "i16", "u24", "u32", "i32", "bcd", "digits"
]  # fmt: skip
VARIABLE_TYPES: dict[str, int] = {
    "u8": 1, "i8": 1, "u16": 2, "i16": 2, "u24": 3, "u32": 4, "i32": 4, "bcd": 1, "digits": 1,
}  # fmt: skip
"""Each type and its length in bytes (for bcd and digits: the least)."""

VARIABLE_KINDS = ("position", "counter", "timer", "random", "flag", "table", "state")


@dataclass(frozen=True, slots=True)
class Variable:
    """A named number in a console's RAM.

    `type` is an integer of one to four bytes, ``bcd`` (two packed decimal digits a byte) or
    ``digits`` (one decimal digit a byte, in its lower four bits); `length` is in bytes; `order`
    says which byte comes first, the "little" (least significant) or the "big" one; `range` is the
    lowest and highest value the game gives it; `kind` is one of `VARIABLE_KINDS`.

    With `swapped` the memory holds each pair of bytes the other way round, as libretro cores hold
    the RAM of the Mega Drive: what the console has at address n lies at n ^ 1. `mask` are the bits
    that count, None for all; a variable with a mask can be read only.
    """

    name: str
    address: int
    type: VariableType = "u8"
    length: int = 1
    order: Literal["little", "big"] = "little"
    range: tuple[int, int] | None = None
    kind: str = "state"
    about: str = ""
    swapped: bool = False
    mask: int | None = None

    def __post_init__(self) -> None:
        least = VARIABLE_TYPES.get(self.type)
        if least is None:
            raise GameError(
                f"variable {self.name}: no type is called {self.type!r}; "
                f"the types are {', '.join(VARIABLE_TYPES)}"
            )
        decimal = self.type in ("bcd", "digits")
        if self.length != least and not (decimal and 1 <= self.length <= 8):
            raise GameError(
                f"variable {self.name}: a {self.type} of {self.length} bytes; "
                + ("1 to 8" if decimal else str(least))
                + " is allowed"
            )
        if self.order not in ("little", "big"):
            raise GameError(
                f"variable {self.name}: order = {self.order!r}; little or big is allowed"
            )
        if self.range is not None and self.range[0] > self.range[1]:
            raise GameError(
                f"variable {self.name}: range = {list(self.range)}; [lowest, highest] is needed"
            )
        if self.address < 0:
            raise GameError(f"variable {self.name}: the address {self.address} is negative")

    @property
    def addresses(self) -> range:
        """The addresses of its bytes; swapped, whole pairs."""
        first, end = self.address, self.address + self.length
        return range(first & ~1, end + 1 & ~1) if self.swapped else range(first, end)

    def decode(self, ram: Bytes) -> npt.NDArray[np.int64]:
        """The values in a batch of RAM: ``uint8 (..., ram_size)`` to ``int64 (...)``."""
        if self.swapped:
            where = np.arange(self.address, self.address + self.length) ^ 1
            data = ram[..., where].astype(np.int64)
        else:
            data = ram[..., self.address : self.address + self.length].astype(np.int64)
        if self.order == "big":
            data = data[..., ::-1]
        value = np.zeros(data.shape[:-1], np.int64)
        for index in range(self.length):
            byte = data[..., index]
            if self.type == "bcd":
                value += ((byte >> 4) * 10 + (byte & 15)) * 100**index
            elif self.type == "digits":
                value += (byte & 15) * 10**index
            else:
                value += byte << (8 * index)
        if self.type in ("i8", "i16", "i32"):
            half = 1 << (8 * self.length - 1)
            value = (value + half) % (2 * half) - half
        return value if self.mask is None else value & self.mask

    def encode(self, value: int) -> bytes:
        """The bytes of `value`, not swapped. Raises MemoryRangeError when it does not fit."""
        if self.mask is not None:
            raise MemoryRangeError(
                f"{self.name} = {value}: some bits of a byte cannot be written; write the byte at "
                f"{self.address:#x}"
            )
        low, high = self.limits
        if not low <= value <= high:
            raise MemoryRangeError(f"{self.name} = {value}: {low} to {high} fits a {self.type}")
        if self.type in ("bcd", "digits"):
            base = 100 if self.type == "bcd" else 10
            digits = [value // base**index % base for index in range(self.length)]
            data = bytes(
                digit // 10 << 4 | digit % 10 if self.type == "bcd" else digit for digit in digits
            )
        else:
            data = (value % (1 << 8 * self.length)).to_bytes(self.length, "little")
        return data if self.order == "little" else data[::-1]

    @property
    def limits(self) -> tuple[int, int]:
        """The lowest and highest number that its bytes can say."""
        if self.type == "bcd":
            return 0, 100**self.length - 1
        if self.type == "digits":
            return 0, 10**self.length - 1
        if self.type in ("i8", "i16", "i32"):
            half = 1 << (8 * self.length - 1)
            return -half, half - 1
        return 0, (1 << 8 * self.length) - 1


class MemoryAccess(Protocol):
    """How a backend reaches one region of memory. Addresses are checked before it is called."""

    def read(self, address: int, length: int) -> bytes: ...
    def write(self, address: int, data: bytes) -> None: ...


class Memory:
    """One region of a console's memory, by address, slice or name.

    Reading a slice gives a copy, ``uint8 (length,)``, owned by the caller. Addresses count from
    the region's start, 0 to ``len(memory) - 1``; anything else raises MemoryRangeError.
    `variables` are the names that ``memory["name"]`` knows.
    """

    __slots__ = ("_access", "_size", "name", "variables")

    def __init__(
        self,
        name: str,
        size: int,
        access: MemoryAccess,
        variables: Mapping[str, Variable] | None = None,
    ) -> None:
        self.name = name
        self.variables: Mapping[str, Variable] = variables or {}
        self._size = size
        self._access = access

    def __len__(self) -> int:
        return self._size

    def __contains__(self, name: object) -> bool:
        """Whether `name` is one of the variables."""
        return name in self.variables

    def __repr__(self) -> str:
        return f"<Memory {self.name} of {self._size} bytes>"

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> Bytes: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> int | Bytes:
        if isinstance(key, str):
            variable = self._variable(key)
            at = variable.addresses
            whole = np.zeros(at.stop, np.uint8)
            whole[at.start :] = np.frombuffer(self._access.read(at.start, len(at)), np.uint8)
            return int(variable.decode(whole))
        if isinstance(key, slice):
            start, stop, step = self._range(key)
            data = self._access.read(start, stop - start)
            return np.frombuffer(data, np.uint8)[::step].copy()
        return self._access.read(self._address(key), 1)[0]

    def __setitem__(self, key: SupportsIndex | slice | str, value: int | npt.ArrayLike) -> None:
        if isinstance(key, str):
            variable = self._variable(key)
            try:
                number = as_integer(cast(int, value))
            except TypeError:
                raise MemoryRangeError(
                    f"{self.name}[{key!r}] = {value!r}: an integer is needed"
                ) from None
            data = variable.encode(number)
            if variable.swapped:
                for address, byte in enumerate(data, variable.address):
                    self._access.write(address ^ 1, bytes([byte]))
            else:
                self._access.write(variable.address, data)
            return
        if isinstance(key, slice):
            start, stop, step = self._range(key)
            if step != 1:
                raise MemoryRangeError(f"{self.name}[{_text(key)}]: writing needs a step of 1")
            self._access.write(start, self._bytes(value, stop - start, _text(key)))
            return
        address = self._address(key)
        self._access.write(address, self._bytes(value, 1, hex(address)))

    def read_all(self) -> Bytes:
        """A copy of the whole region, ``uint8 (size,)``."""
        return np.frombuffer(bytearray(self._access.read(0, self._size)), np.uint8)

    def _address(self, key: SupportsIndex) -> int:
        try:
            address = as_integer(key)
        except TypeError:
            raise MemoryRangeError(
                f"{self.name}[{key!r}]: an address, a slice or a name is needed"
            ) from None
        if not 0 <= address < self._size:
            raise MemoryRangeError(f"{self.name}[{address:#x}]: {self._addresses()}")
        return address

    def _addresses(self) -> str:
        return f"addresses are 0 to {self._size - 1:#x}" if self._size else "it has no bytes"

    def _range(self, key: slice) -> tuple[int, int, int]:
        try:
            start = 0 if key.start is None else as_integer(key.start)
            stop = self._size if key.stop is None else as_integer(key.stop)
            step = 1 if key.step is None else as_integer(key.step)
        except TypeError:
            raise MemoryRangeError(
                f"{self.name}[{_text(key)}]: the ends of a slice are integers"
            ) from None
        if not (0 <= start <= stop <= self._size and step >= 1):
            raise MemoryRangeError(
                f"{self.name}[{_text(key)}]: a slice lies within 0 to {self._size:#x}, forwards"
            )
        return start, stop, step

    def _bytes(self, value: int | npt.ArrayLike, length: int, where: str) -> bytes:
        try:
            if isinstance(value, (bytes, bytearray)):
                values = np.frombuffer(value, np.uint8)
            else:
                values = np.atleast_1d(np.asarray(value))
        except ValueError as error:
            raise MemoryRangeError(f"{self.name}[{where}]: these are not bytes: {error}") from None
        if values.size == 1 and length != 1:
            values = np.repeat(values, length)
        if values.shape != (length,) or (length and values.dtype.kind not in "iub"):
            raise MemoryRangeError(
                f"{self.name}[{where}] = {value!r}: {length} integers are needed"
            )
        if length and (values.min() < 0 or values.max() > 255):
            raise MemoryRangeError(f"{self.name}[{where}] = {value!r}: bytes are 0 to 255")
        return values.astype(np.uint8).tobytes()

    def _variable(self, name: str) -> Variable:
        variable = self.variables.get(name)
        if variable is None:
            known = ", ".join(self.variables) or "none: this game's RAM has no names here"
            raise MemoryRangeError(f"{self.name}[{name!r}]: the known names are {known}")
        if variable.addresses.stop > self._size:
            raise MemoryRangeError(
                f"{self.name}[{name!r}]: it lies at {variable.address:#x}, "
                f"{self.name} ends at {self._size:#x}"
            )
        return variable


def _text(key: slice) -> str:
    def part(value: object) -> str:
        return "" if value is None else hex(value) if isinstance(value, int) else repr(value)

    text = f"{part(key.start)}:{part(key.stop)}"
    return text if key.step is None else f"{text}:{key.step}"


class Domains(dict[str, Memory]):
    """The memory domains of one emulator by name; a name that is none raises with those there are.

    ``in`` and ``get`` are those of any mapping. Raises MemoryRangeError.
    """

    def __missing__(self, name: object) -> Memory:
        raise MemoryRangeError(
            f"memory[{name!r}]: this emulator and cartridge have {', '.join(self)}"
        )
