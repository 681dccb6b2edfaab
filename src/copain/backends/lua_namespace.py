"""What is called in an emulator's Lua, and what comes back, as types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol, cast

from copain.errors import WireError
from copain.wire.protocol import LuaObject, Value, as_bytes, as_int


class Ask(Protocol):
    """Calls an operation of the emulator's script and gives all its results."""

    def __call__(
        self, operation: str, *arguments: Value, timeout: float | None = -1
    ) -> list[Value]:
        """The results; raises LuaError, EmulatorCrashed, or what a callback raised."""
        ...


class Namespace:
    """One table of the emulator's Lua; its methods have the names of the table's functions."""

    __slots__ = ("_ask",)
    lua_name: ClassVar[str]
    """The table's name in Lua."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def __repr__(self) -> str:
        return f"<Lua's {self.lua_name}>"

    def _results(self, function: str, *arguments: Value) -> list[Value]:
        return self._ask(f"{self.lua_name}.{function}", *arguments)

    def _value(self, function: str, *arguments: Value) -> Value:
        results = self._results(function, *arguments)
        return results[0] if results else None

    def _do(self, function: str, *arguments: Value) -> None:
        self._results(function, *arguments)

    def _int(self, function: str, *arguments: Value) -> int:
        return as_int(self._value(function, *arguments))

    def _ints(self, function: str, *arguments: Value) -> tuple[int, ...]:
        return tuple(as_int(value) for value in self._results(function, *arguments))

    def _bool(self, function: str, *arguments: Value) -> bool:
        return self._value(function, *arguments) not in (None, False)

    def _text(self, function: str, *arguments: Value) -> str:
        text = self._optional_text(function, *arguments)
        if text is None:
            raise WireError(f"{self.lua_name}.{function}: Lua gave nothing where text was due")
        return text

    def _optional_text(self, function: str, *arguments: Value) -> str | None:
        value = self._value(function, *arguments)
        if value is not None and not isinstance(value, str):
            raise WireError(f"{self.lua_name}.{function}: Lua gave {value!r:.80}, not text")
        return value

    def _bytes(self, function: str, *arguments: Value) -> bytes:
        return as_bytes(self._value(function, *arguments))

    def _table(self, function: str, *arguments: Value) -> dict[str, Value]:
        return table(self._value(function, *arguments))


class LuaItself(Namespace):
    """Lua itself, as every emulator has it."""

    __slots__ = ()
    lua_name = "_G"

    def eval(self, code: str, *arguments: Value, timeout: float | None = -1) -> Value:
        """Run Lua code and give what it returns: ``lua.eval("return 1 + 1")``.

        `arguments` are its ``...``. Nothing returned is None, several values are a tuple. The code
        may emulate frames. `timeout`: seconds, the emulator's unless given, None for no limit.
        Raises LuaError with Lua's traceback.
        """
        return _value(self._ask("eval", code, "=nes.lua.eval", *arguments, timeout=timeout))

    def call(self, function: LuaObject, *arguments: Value, timeout: float | None = -1) -> Value:
        """Call a Lua function that `eval` gave; results as those of `eval`."""
        return _value(self._ask("call", function, *arguments, timeout=timeout))


def _value(results: list[Value]) -> Value:
    return None if not results else results[0] if len(results) == 1 else tuple(results)


def table(value: Value) -> dict[str, Value]:
    """A Lua table whose keys are text; an empty one arrives as an empty list."""
    if not value:
        return {}
    if not isinstance(value, Mapping):
        raise WireError(f"Lua gave {value!r:.80} where a table was due")
    return {str(key): item for key, item in cast("Mapping[Value, Value]", value).items()}


def as_list(value: Value) -> list[Value]:
    """`value`, which should be a list. Raises WireError if it is not."""
    if not isinstance(value, list):
        raise WireError(f"Lua gave {value!r:.80} where a list was due")
    return cast("list[Value]", value)


def given(*arguments: Value) -> tuple[Value, ...]:
    """The arguments up to the last that is given: Lua counts them, and nil is one."""
    count = len(arguments)
    while count and arguments[count - 1] is None:
        count -= 1
    return arguments[:count]
