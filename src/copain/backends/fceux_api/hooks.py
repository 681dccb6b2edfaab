"""Python functions as FCEUX's callbacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from copain.backends.lua_namespace import Ask
from copain.errors import InputError
from copain.wire.protocol import LuaFunction, LuaObject, Value

Function: TypeAlias = Callable[[], object] | LuaObject
"""What FCEUX can call: a Python function, or a Lua function that `Lua.eval` gave."""

SlotFunction: TypeAlias = LuaFunction | LuaObject
"""The same, for savestate slots: called with the slot's number and what was kept beside it."""

MemoryFunction: TypeAlias = Callable[[int, int, int], object] | LuaObject
"""The same, for memory hooks: called with address, size and value."""


class Hook:
    """A place where FCEUX calls one function.

    Lua is given one function of ours, once, and we look up whose turn it is: what stands here can
    change on every frame and nothing piles up.
    """

    __slots__ = ("_ask", "_entry", "_function", "_operation")

    def __init__(self, ask: Ask, operation: str) -> None:
        self._ask = ask
        self._operation = operation
        self._function: SlotFunction | None = None
        self._entry = self._run

    def register(self, function: SlotFunction | None, *more: Value) -> SlotFunction | None:
        """Put a function here, or None to take it away; what stood here before."""
        check_function(self._operation, function)
        of_lua = function is None or isinstance(function, LuaObject)
        results = self._ask(self._operation, function if of_lua else self._entry, *more)
        before = results[0] if results else None
        previous, self._function = self._function, function
        if isinstance(before, LuaObject):
            return before  # a script put it there
        return previous if before is True else None

    def _run(self, *arguments: Value) -> object:
        function = self._function
        if function is None or isinstance(function, LuaObject):
            return None
        return function(*arguments)


class MemoryHook:
    """The addresses at which FCEUX calls functions, for writing or for executing."""

    __slots__ = ("_ask", "_entry", "_functions", "_operation")

    def __init__(self, ask: Ask, operation: str) -> None:
        self._ask = ask
        self._operation = operation
        self._functions: dict[int, Callable[[int, int, int], object]] = {}
        self._entry = self._run

    def register(
        self, address: int, size: int | MemoryFunction | None, function: MemoryFunction | None
    ) -> None:
        """Put a function at `size` addresses from `address` on, or None to take it away."""
        if not isinstance(size, int):
            if function is not None:
                raise InputError(f"{self._operation}: the size {size!r} is not a number")
            size, function = 1, size
        check_function(self._operation, function)
        if size < 0:  # FCEUX's own meaning: the addresses before
            address, size = address + size, -size
        if not 0 <= address <= address + size <= 0x10000:
            raise InputError(
                f"{self._operation}: {size} addresses from {address:#x} on; the CPU has 0 to 0xFFFF"
            )
        addresses = range(address, address + size)
        if function is None or isinstance(function, LuaObject):
            self._ask(self._operation, address, size, function)
            for at in addresses:
                self._functions.pop(at, None)
        else:
            self._ask(self._operation, address, size, self._entry)
            self._functions.update(dict.fromkeys(addresses, function))

    def _run(self, address: int, size: int, value: int) -> object:
        function = self._functions.get(address)
        return None if function is None else function(address, size, value)


def check_function(operation: str, function: object) -> None:
    """Raise InputError unless this can be called back."""
    if function is None or callable(function):
        return
    if isinstance(function, LuaObject) and function.kind == "function":
        return
    raise InputError(
        f"{operation}: {function!r} is no function; a Python function, a Lua function from "
        "nes.lua.eval, or None to take it away"
    )
