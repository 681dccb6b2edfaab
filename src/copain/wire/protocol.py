"""Messages and values as bytes; no I/O.

All integers are little endian. A message is::

    u32    length of the body
    u8     kind
    body

Python sends ``C`` (a call), ``P`` (a post: a call whose results nobody wants), ``V`` (what a Python
function returned) and ``X`` (that it raised, and the text). The peer sends ``R`` (the results of a
call), ``E`` (its error: u8 number of the operation, text), ``F`` (the error of a post) and ``K``
(call a Python function: u32 number, u8 count, arguments).

The body of ``C`` and ``P`` is a bundle: u8 count of operations, and for each its name (u8 length,
text), u8 count of arguments, arguments. ``R`` holds for each of them u8 count of results, results.
``V`` holds the same for one.

A value is a byte that says its kind, and::

    N T F      nil, true, false
    j          u8: an integer from 0 to 255
    i          i32
    d          u8 length, decimal text: any other number, exact
    s S        u8 or u32 length, bytes: a string; text in Python (UTF-8, surrogateescape)
    b          u32 length, bytes: a string; bytes in Python
    l          u32 count, values: a table that is a list
    t          u32 count, keys and values: any other table
    o          u32 number: an object that stays in Lua; from the peer also u8 length, its type
    p          u32 number: a function that stays in Python; only to the peer
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, Union, cast

from copain.errors import WireError

VERSION = 1
MAX_MESSAGE = 256 * 1024 * 1024
"""The longest body: longer ones are nonsense."""
MAX_DEPTH = 32
"""How deep tables may be nested."""
HEAD = struct.Struct("<IB")

CALL, POST, RETURN, RAISE = b"CPVX"
RESULTS, ERROR, POST_ERROR, CALLBACK = _FROM_PEER = b"REFK"

LuaFunction: TypeAlias = Callable[..., object]
Value: TypeAlias = Union[
    bool, int, float, str, bytes, "LuaObject", LuaFunction,
    "Sequence[Value]", "Mapping[Any, Value]", None,
]  # fmt: skip
"""What travels: Python's own types, objects that stay in Lua, functions that stay in Python."""

Call: TypeAlias = "tuple[Value, ...]"
"""One operation: its name and its arguments."""


class LuaObject:
    """Something that stays in Lua (a function, a savestate): a reference that can be sent back.

    `kind` is its type in Lua. When the Python object is gone, Lua may free it too.
    """

    __slots__ = ("_release", "kind", "number")

    def __init__(self, number: int, kind: str, release: Callable[[int], None]) -> None:
        self.number = number
        self.kind = kind
        self._release = release

    def __repr__(self) -> str:
        return f"<Lua {self.kind} {self.number}>"

    def __del__(self) -> None:
        self._release(self.number)


class References(Protocol):
    """Who keeps the objects that cannot travel."""

    def lua_object(self, number: int, kind: str) -> LuaObject:
        """The object that stays in Lua under this number."""
        ...

    def python_function(self, function: LuaFunction) -> int:
        """A number for a function that stays in Python."""
        ...


_READ = 1 << 16
_U32 = struct.Struct("<I")
_I32 = struct.Struct("<i")


def encode(value: Value, references: References | None = None, depth: int = 1) -> bytes:
    """One value. Raises WireError for what cannot travel."""
    if value is None:
        return b"N"
    if value is True:
        return b"T"
    if value is False:
        return b"F"
    if isinstance(value, int):
        if 0 <= value < 256:
            return b"j" + value.to_bytes(1, "little")
        if -(1 << 31) <= value < 1 << 31:
            return b"i" + _I32.pack(value)
        if abs(value) >= 1 << 63:
            raise WireError(f"{value} does not fit a Lua number")
        return _number(str(value))
    if isinstance(value, bytes):
        return b"b" + _U32.pack(len(value)) + value
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
        if len(data) < 256:
            return b"s" + len(data).to_bytes(1, "little") + data
        return b"S" + _U32.pack(len(data)) + data
    if isinstance(value, float):
        return _number("nan" if value != value else repr(value))
    if depth > MAX_DEPTH:
        raise WireError(f"a value is nested more than {MAX_DEPTH} deep, or contains itself")
    if isinstance(value, (list, tuple)):
        sequence = cast("Sequence[Value]", value)
        items = [encode(item, references, depth + 1) for item in sequence]
        return b"l" + _U32.pack(len(items)) + b"".join(items)
    if isinstance(value, dict):
        table = cast("Mapping[Value, Value]", value)
        parts = [
            encode(key, references, depth + 1) + encode(item, references, depth + 1)
            for key, item in table.items()
        ]
        return b"t" + _U32.pack(len(parts)) + b"".join(parts)
    if isinstance(value, LuaObject):
        return b"o" + _U32.pack(value.number)
    if callable(value) and references is not None:
        return b"p" + _U32.pack(references.python_function(value))
    raise WireError(
        f"a {type(value).__name__} cannot be given to Lua; None, bool, int, float, str, bytes, "
        "list, dict, functions and Lua's own objects can"
    )


def _number(text: str) -> bytes:
    return b"d" + len(text).to_bytes(1, "little") + text.encode()


class Decoder:
    """Reads values from one message's body."""

    __slots__ = ("at", "data", "references")

    def __init__(self, data: bytes, references: References | None = None, at: int = 0) -> None:
        self.data = data
        self.at = at
        self.references = references

    def byte(self) -> int:
        """The next byte."""
        at = self.at
        if at >= len(self.data):
            raise WireError("the peer sent a message that is cut short")
        self.at = at + 1
        return self.data[at]

    def u32(self) -> int:
        """The next four bytes, as an integer."""
        return _U32.unpack(self.take(4))[0]

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        start = self.at
        stop = start + length
        if stop > len(self.data):
            raise WireError("the peer sent a message that is cut short")
        self.at = stop
        return self.data[start:stop]

    def value(self, depth: int = 1) -> Value:
        """The next value. Raises WireError for nonsense."""
        kind = self.byte()
        if kind == 0x6A:  # j
            return self.byte()
        if kind == 0x62:  # b
            return self.take(self.u32())
        if kind == 0x46:  # F
            return False
        if kind == 0x54:  # T
            return True
        if kind == 0x4E:  # N
            return None
        if kind == 0x69:  # i
            return _I32.unpack(self.take(4))[0]
        if kind == 0x73:  # s
            return self.take(self.byte()).decode("utf-8", "surrogateescape")
        if kind == 0x53:  # S
            return self.take(self.u32()).decode("utf-8", "surrogateescape")
        if kind == 0x64:  # d
            return self._number()
        if depth > MAX_DEPTH:
            raise WireError(f"the peer sent a value nested more than {MAX_DEPTH} deep")
        if kind == 0x6C:  # l
            return [self.value(depth + 1) for _ in range(self._count(1))]
        if kind == 0x74:  # t
            return dict(self._pair(depth) for _ in range(self._count(2)))
        if kind == 0x6F and self.references is not None:  # o
            number = self.u32()
            return self.references.lua_object(number, self.take(self.byte()).decode("latin-1"))
        raise WireError(f"the peer sent a value of the unknown kind {kind:#x}")

    def values(self) -> list[Value]:
        """A count and so many values."""
        return [self.value() for _ in range(self.byte())]

    def end(self) -> None:
        """Raise WireError unless the message is read to its end."""
        if self.at != len(self.data):
            raise WireError(f"the peer sent {len(self.data) - self.at} bytes too many")

    def _count(self, least: int) -> int:
        count = self.u32()
        if count * least > len(self.data) - self.at:
            raise WireError("the peer sent a table that is cut short")
        return count

    def _pair(self, depth: int) -> tuple[Value, Value]:
        key = self.value(depth + 1)
        if isinstance(key, (list, dict)) or key is None:
            raise WireError(f"the peer sent a table with the key {key!r}")
        return key, self.value(depth + 1)

    def _number(self) -> int | float:
        text = self.take(self.byte())
        try:
            return int(text) if text.lstrip(b"-").isdigit() else float(text)
        except ValueError:
            raise WireError(f"the peer sent {text[:40]!r} as a number") from None


def as_bytes(value: Value) -> bytes:
    """`value`, which the peer should have sent as bytes. Raises WireError if it did not."""
    if not isinstance(value, bytes):
        raise WireError(f"the peer sent {value!r:.80} where bytes were expected")
    return value


def as_int(value: Value) -> int:
    """`value`, which should be an integer (or a truth value). Raises WireError if it is not."""
    if not isinstance(value, int):
        raise WireError(f"the peer sent {value!r:.80} where an integer was expected")
    return value


def as_table(value: Value) -> Mapping[Value, Value]:
    """`value`, which should be a table with keys. Raises WireError if it is not."""
    if not isinstance(value, dict):
        raise WireError(f"the peer sent {value!r:.80} where a table was expected")
    return cast("Mapping[Value, Value]", value)


def encode_bundle(calls: Sequence[Call], references: References | None = None) -> bytes:
    """The body of a call or a post."""
    if not 1 <= len(calls) <= 255:
        raise WireError(f"a message holds 1 to 255 operations, not {len(calls)}")
    parts = [len(calls).to_bytes(1, "little")]
    for name, *arguments in calls:
        text = str(name).encode()
        if len(text) > 255 or len(arguments) > 255:
            raise WireError(f"{text[:40]!r}: names and argument lists are at most 255 long")
        parts.append(len(text).to_bytes(1, "little") + text + len(arguments).to_bytes(1, "little"))
        parts += [encode(argument, references) for argument in arguments]
    return b"".join(parts)


def message(kind: int, body: bytes) -> bytes:
    """A whole message. Raises WireError if it is too long."""
    if len(body) > MAX_MESSAGE:
        raise WireError(f"a message of {len(body)} bytes; at most {MAX_MESSAGE} are allowed")
    return HEAD.pack(len(body), kind) + body


class MessageBuffer:
    """Finds the messages in the bytes that arrive."""

    __slots__ = ("_length", "_needed", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []  # joined once: long messages come in many pieces
        self._length = 0
        self._needed = HEAD.size

    @property
    def room(self) -> int:
        """How many bytes to read at once: what a long message still lacks, or some."""
        return max(_READ, self._needed - self._length)

    def next(self, arrived: bytes = b"") -> tuple[int, bytes] | None:
        """The next whole message (kind, body), or None until more has `arrived`.

        Raises WireError for what is no message.
        """
        if arrived and not self._length and len(arrived) >= HEAD.size:
            # Nearly always: one message, whole, and nothing else.
            length, kind = HEAD.unpack_from(arrived)
            if len(arrived) == HEAD.size + length and kind in _FROM_PEER:
                return kind, arrived[HEAD.size :]
        if arrived:
            self._parts.append(arrived)
            self._length += len(arrived)
        if self._length < self._needed:
            return None
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = [data]
        length, kind = HEAD.unpack_from(data)
        if length > MAX_MESSAGE or kind not in _FROM_PEER:
            raise WireError(f"the peer sent no message of copain: it begins with {data[:16]!r}")
        stop = HEAD.size + length
        if len(data) < stop:
            self._needed = stop
            return None
        rest = data[stop:]
        self._parts = [rest] if rest else []
        self._length = len(rest)
        self._needed = HEAD.size
        return kind, data[HEAD.size : stop]
