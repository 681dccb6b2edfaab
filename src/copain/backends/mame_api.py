"""MAME's own objects from Python: the machine, its devices, spaces, inputs and screens, typed.

Each is a reference to an object that stays in MAME; each access is a round trip of some 25 us.
Names are those of MAME's Lua reference, https://docs.mamedev.org/luascript/ref-core.html.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar, cast

from copain.backends.lua_namespace import Ask, LuaItself, as_list, table
from copain.emulator import HookFunction
from copain.errors import EmulatorError, WireError
from copain.wire.protocol import LuaObject, Value, as_bytes, as_int

T = TypeVar("T")


class Lua(LuaItself):
    """MAME's Lua from Python: ``lua.machine``, and Lua itself.

    Evaluated code emulates a frame by ``copain.frame()``. Functions of ours that MAME calls (`Tap`)
    may call everything here but what emulates frames, saves or loads; what they raise comes out of
    the call that was running. Values travel as with every emulator: nil, booleans, numbers, strings
    and tables as None, bool, int (or float), str, list and dict; in evaluated Lua
    ``copain.bytes(s)`` makes a string arrive as bytes; other objects stay there and come as
    `LuaObject`.
    """

    __slots__ = ()

    @property
    def machine(self) -> Machine:
        """``manager.machine``: what runs."""
        return Machine(self._ask, _reference(self._ask("machine")[0]))


class MameObject:
    """An object of MAME's Lua; `get`, `set` and `call` reach what has no name in Python."""

    __slots__ = ("_ask", "lua")

    def __init__(self, ask: Ask, lua: LuaObject) -> None:
        self._ask = ask
        self.lua = lua
        """The reference, for `Lua.eval`."""

    def get(self, name: str | int) -> Value:
        """A property, by MAME's name."""
        return self._ask("get", self.lua, name)[0]

    def set(self, name: str, value: Value) -> None:
        """Set a property, by MAME's name."""
        self._ask("set", self.lua, name, value)

    def call(self, method: str, *arguments: Value) -> Value:
        """Call a method, by MAME's name; the result, or a tuple of several."""
        results = self._ask("method", self.lua, method, *arguments)
        return None if not results else results[0] if len(results) == 1 else tuple(results)

    def _text(self, name: str) -> str:
        return str(self.get(name))

    def _int(self, name: str) -> int:
        return as_int(self.get(name))

    def _object(self, name: str) -> LuaObject:
        return _reference(self.get(name))


class Container(Mapping[str, T], Generic[T]):
    """What MAME keeps under names, such as the devices of a machine by their tags."""

    def __init__(self, owner: MameObject, name: str, make: Callable[[Ask, LuaObject], T]) -> None:
        self._ask = owner._ask  # pyright: ignore[reportPrivateUsage]
        self._within = owner.get(name)  # an object of MAME's, or a plain table
        self._make = make

    def __getitem__(self, key: str) -> T:
        if isinstance(self._within, LuaObject):
            found = self._ask("get", self._within, key)[0]
        else:
            found = table(self._within).get(key)
        if not isinstance(found, LuaObject):
            raise KeyError(key)
        return self._make(self._ask, found)

    def __iter__(self) -> Iterator[str]:
        if isinstance(self._within, LuaObject):
            return iter(sorted(map(str, as_list(self._ask("keys", self._within)[0]))))
        return iter(sorted(table(self._within)))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Machine(MameObject):
    """``running_machine``: all that is emulated."""

    __slots__ = ()

    @property
    def time(self) -> float:
        """Seconds of emulated time since power-on."""
        return cast(float, MameObject(self._ask, self._object("time")).call("as_double"))

    @property
    def paused(self) -> bool:
        """Whether it stands still."""
        return self.get("paused") is True

    @property
    def devices(self) -> Container[Device]:
        """All devices by tag, such as ``":maincpu"``."""
        return Container(self, "devices", Device)

    @property
    def screens(self) -> Container[Screen]:
        """All screens by tag."""
        return Container(self, "screens", Screen)

    @property
    def ioport(self) -> IoPorts:
        """Its inputs."""
        return IoPorts(self._ask, self._object("ioport"))

    @property
    def memory(self) -> MemoryRegions:
        """Its regions (ROMs), shares and banks."""
        return MemoryRegions(self._ask, self._object("memory"))


class Device(MameObject):
    """``device_t``: a chip, a board, a slot or what is plugged into it."""

    __slots__ = ()

    @property
    def tag(self) -> str:
        """Where it is in the machine."""
        return self._text("tag")

    @property
    def name(self) -> str:
        """Its name in full."""
        return self._text("name")

    @property
    def shortname(self) -> str:
        """Its name in short, such as ``"rp2a03g"``."""
        return self._text("shortname")

    @property
    def spaces(self) -> Container[AddressSpace]:
        """Its address spaces by name, such as ``"program"``; none where it has no bus."""
        return Container(self, "spaces", AddressSpace)

    @property
    def state(self) -> Container[StateEntry]:
        """Its registers by name, such as ``"PC"``."""
        return Container(self, "state", StateEntry)


class StateEntry(MameObject):
    """``device_state_entry``: a register."""

    __slots__ = ()

    @property
    def value(self) -> int:
        """What it holds."""
        return self._int("value")

    @value.setter
    def value(self, value: int) -> None:
        self.set("value", value)


class AddressSpace(MameObject):
    """``address_space``: what a device sees on its bus. Reading and writing have their effects."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """``"program"``, ``"io"`` ..."""
        return self._text("name")

    @property
    def address_mask(self) -> int:
        """The highest address."""
        return self._int("address_mask")

    @property
    def data_width(self) -> int:
        """Bits of its data bus."""
        return self._int("data_width")

    @property
    def endianness(self) -> str:
        """``"little"`` or ``"big"``."""
        return self._text("endianness")

    def read(self, address: int, bits: int = 8) -> int:
        """Unsigned, of 8, 16, 32 or 64 bits."""
        return as_int(self.call(f"read_u{bits}", address))

    def write(self, address: int, value: int, bits: int = 8) -> None:
        """Of 8, 16, 32 or 64 bits."""
        self.call(f"write_u{bits}", address, value)

    def read_range(self, first: int, last: int) -> bytes:
        """The bytes from `first` to `last`, both included."""
        return as_bytes(self._ask("bytes", self.lua, "read_range", first, last, 8)[0])


class IoPorts(MameObject):
    """``ioport_manager``."""

    __slots__ = ()

    @property
    def ports(self) -> Container[IoPort]:
        """All ports by tag, such as ``":ctrl1:joypad:JOYPAD"``."""
        return Container(self, "ports", IoPort)


class IoPort(MameObject):
    """``ioport_port``: some bits that the machine reads at once."""

    __slots__ = ()

    @property
    def fields(self) -> Container[IoField]:
        """Its buttons, switches and axes by name, such as ``"P1 A"``."""
        return Container(self, "fields", IoField)

    def read(self) -> int:
        """Its value as the machine reads it."""
        return as_int(self.call("read"))


class IoField(MameObject):
    """``ioport_field``: one button, switch or axis."""

    __slots__ = ()

    @property
    def name(self) -> str:
        """Such as ``"P1 A"``."""
        return self._text("name")

    @property
    def mask(self) -> int:
        """Its bits in the port."""
        return self._int("mask")

    @property
    def is_analog(self) -> bool:
        """Whether it is an axis."""
        return self.get("is_analog") is True

    def set_value(self, value: int) -> None:
        """Hold it (1), let go (0), or set an axis, from the next frame on."""
        self.call("set_value", value)

    def clear_value(self) -> None:
        """Leave it to the person at the window again."""
        self.call("clear_value")


class Screen(MameObject):
    """``screen_device``."""

    __slots__ = ()

    @property
    def width(self) -> int:
        """Of the bitmap, in pixels."""
        return self._int("width")

    @property
    def height(self) -> int:
        """Of the bitmap, in pixels."""
        return self._int("height")

    @property
    def refresh(self) -> float:
        """Frames a second."""
        return cast(float, self.get("refresh"))

    @property
    def frame_number(self) -> int:
        """Frames since power-on, as MAME counts them."""
        return as_int(self.call("frame_number"))


class MemoryRegions(MameObject):
    """``memory_manager``."""

    __slots__ = ()

    @property
    def regions(self) -> Container[MemoryBlock]:
        """ROMs and what is like them, by tag."""
        return Container(self, "regions", MemoryBlock)

    @property
    def shares(self) -> Container[MemoryBlock]:
        """RAM that several devices reach, by tag."""
        return Container(self, "shares", MemoryBlock)


class MemoryBlock(MameObject):
    """``memory_region`` or ``memory_share``: bytes by offset."""

    __slots__ = ()

    @property
    def size(self) -> int:
        """In bytes."""
        return self._int("size")

    def read(self, offset: int, bits: int = 8) -> int:
        """Unsigned, of 8, 16, 32 or 64 bits."""
        return as_int(self.call(f"read_u{bits}", offset))

    def write(self, offset: int, value: int, bits: int = 8) -> None:
        """Of 8, 16, 32 or 64 bits."""
        self.call(f"write_u{bits}", offset, value)


class Tap:
    """A memory tap: a function that is called at reads or writes, until `remove`."""

    __slots__ = ("_ask", "_function", "_tap", "where")

    def __init__(self, ask: Ask, kind: str, where: range, function: HookFunction) -> None:
        self._ask = ask
        self._function: HookFunction | None = function
        self.where = where
        self._tap: Value = ask("tap", kind, where[0], where[-1], self._run)[0]

    @property
    def active(self) -> bool:
        """Whether it is still there."""
        return self._function is not None

    def remove(self) -> None:
        """Call it no more. May be called again, by the function itself, and after `close`."""
        if self._function is not None:
            self._function = None
            with contextlib.suppress(EmulatorError):  # with MAME it is gone, too
                self._ask("untap", self._tap)

    def _run(self, address: int, value: int) -> None:
        if self._function is not None:
            self._function(address, value)


def _reference(value: Value) -> LuaObject:
    if not isinstance(value, LuaObject):
        raise WireError(f"MAME gave {value!r:.80} where an object was due")
    return value
