"""RamSearch: a list of addresses that shrinks with every comparison."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import index
from typing import Literal, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from copain.errors import InputError, MemoryRangeError
from copain.memory import VARIABLE_TYPES, Bytes, Memory, Variable, VariableType

Order: TypeAlias = Literal["little", "big"]
Since: TypeAlias = Literal["previous", "original"]
Comparison: TypeAlias = Literal[
    "equal", "not_equal", "greater", "less", "at_least", "at_most",
    "greater_by", "less_by", "different_by",
]  # fmt: skip

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_AGAINST: dict[Comparison, Callable[[Integers, Integers], Flags]] = {
    "equal": lambda now, then: now == then,
    "not_equal": lambda now, then: now != then,
    "greater": lambda now, then: now > then,
    "less": lambda now, then: now < then,
    "at_least": lambda now, then: now >= then,
    "at_most": lambda now, then: now <= then,
}
_BY: dict[Comparison, Callable[[Integers, Integers, int], Flags]] = {
    "greater_by": lambda now, then, by: now - then == by,
    "less_by": lambda now, then, by: then - now == by,
    "different_by": lambda now, then, by: np.abs(now - then) == by,
}

UNDO_STEPS = 100
"""Steps that `RamSearch.undo` can take back: a script may compare after every frame."""

SHOWN = 20
"""Candidates that `str` lists."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that is still possible: its value now, when last compared, and at the start."""

    address: int
    value: int
    previous: int
    original: int


@dataclass(frozen=True, slots=True)
class _Place:
    """All that a search is between two comparisons; undo goes back to one."""

    kind: Variable
    addresses: Integers
    previous: Bytes
    original: Bytes


class RamSearch:
    """The addresses of `ram` whose values have behaved as the comparisons said.

    It starts with every address and a look at the whole RAM: value unknown. A comparison reads
    the RAM again, keeps the addresses that agree, makes what it read the *previous* values, and
    returns how many are left. Without a value it compares with the previous values, or, with
    ``since="original"``, with those of the start (or of the last `reset`). ::

        search = RamSearch(nes.ram)
        search.equal(3)                     # the value is known
        search.less_by(1)                   # one life was lost
        search.undo()                       # no, that was something else

    `type`, `length` and `order` say how bytes make a value, as in `copain.Variable`: ``u8 i8 u16
    i16 u24 u32 i32``, packed decimal digits (``bcd``), or one decimal digit a byte
    (``digits``); digits lie big end first unless said otherwise, the rest little end first.
    Bytes that are no decimal digits are never a candidate of the last two. With `aligned` only
    addresses that are multiples of the length count.
    """

    def __init__(
        self,
        ram: Memory,
        type: VariableType = "u8",
        *,
        length: int | None = None,
        order: Order | None = None,
        aligned: bool = False,
    ) -> None:
        self._ram = ram
        self._aligned = aligned
        self._undo: deque[_Place] = deque(maxlen=UNDO_STEPS)
        self._redo: deque[_Place] = deque(maxlen=UNDO_STEPS)
        self._at = self._start(_kind(type, length, order), ram.read_all())

    # What is left

    @property
    def ram(self) -> Memory:
        """The memory that is searched."""
        return self._ram

    @property
    def kind(self) -> Variable:
        """How bytes make a value: a variable at address 0."""
        return self._at.kind

    @property
    def addresses(self) -> Integers:
        """The addresses left, rising, ``int64 (left,)``, a copy."""
        return self._at.addresses.copy()

    @property
    def values(self) -> Integers:
        """The values there now, ``int64 (left,)``."""
        return self._decode(self._ram.read_all(), self._at)

    def candidates(self, most: int | None = None) -> list[Candidate]:
        """The first `most` addresses left (all without it), with their values."""
        at = replace(self._at, addresses=self._at.addresses[:most])
        columns = (
            self._decode(ram, at) for ram in (self._ram.read_all(), at.previous, at.original)
        )
        return [
            Candidate(*row)
            for row in zip(at.addresses.tolist(), *(c.tolist() for c in columns), strict=True)
        ]

    def __len__(self) -> int:
        return len(self._at.addresses)

    def __iter__(self) -> Iterator[Candidate]:
        return iter(self.candidates())

    def __contains__(self, address: object) -> bool:
        return address in self._at.addresses

    def __str__(self) -> str:
        return self.table(SHOWN)

    def table(self, most: int) -> str:
        """The first `most` candidates as lines of text: address, value, previous, original."""
        digits = max(2, len(f"{max(0, len(self._ram) - 1):x}"))
        rows = [("address", "now", "previous", "original")] + [
            (f"{c.address:0{digits}x}", str(c.value), str(c.previous), str(c.original))
            for c in self.candidates(most)
        ]
        if len(self) == 0:
            return "nothing is left"
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))
            for row in rows
        ]
        more = len(self) - len(lines) + 1
        return "\n".join(lines + ([f"and {more:,} more"] if more > 0 else []))

    # Comparisons

    def equal(self, value: int | None = None, *, since: Since = "previous") -> int:
        """Keep what is `value`; without one, what is as before."""
        return self.compare("equal", value, since=since)

    def not_equal(self, value: int | None = None, *, since: Since = "previous") -> int:
        """Keep what is not `value`; without one, what is not as before."""
        return self.compare("not_equal", value, since=since)

    def unchanged(self, *, since: Since = "previous") -> int:
        """Keep what is as before."""
        return self.compare("equal", since=since)

    def changed(self, *, since: Since = "previous") -> int:
        """Keep what is not as before."""
        return self.compare("not_equal", since=since)

    def greater(self, value: int | None = None, *, since: Since = "previous") -> int:
        """Keep what is greater than `value`; without one, than before."""
        return self.compare("greater", value, since=since)

    def less(self, value: int | None = None, *, since: Since = "previous") -> int:
        """Keep what is less than `value`; without one, than before."""
        return self.compare("less", value, since=since)

    def at_least(self, value: int | None = None, *, since: Since = "previous") -> int:
        """Keep what is `value` or greater; without one, as before or greater."""
        return self.compare("at_least", value, since=since)

    def at_most(self, value: int | None = None, *, since: Since = "previous") -> int:
        """Keep what is `value` or less; without one, as before or less."""
        return self.compare("at_most", value, since=since)

    def greater_by(self, value: int, *, since: Since = "previous") -> int:
        """Keep what is greater than before by exactly `value`; there is no wrapping around."""
        return self.compare("greater_by", value, since=since)

    def less_by(self, value: int, *, since: Since = "previous") -> int:
        """Keep what is less than before by exactly `value`; there is no wrapping around."""
        return self.compare("less_by", value, since=since)

    def different_by(self, value: int, *, since: Since = "previous") -> int:
        """Keep what is greater or less than before by exactly `value`."""
        return self.compare("different_by", value, since=since)

    def compare(
        self, how: Comparison, value: int | None = None, *, since: Since = "previous"
    ) -> int:
        """Keep the addresses that agree; how many are left.

        Raises InputError for an unknown comparison or a missing value, and MemoryRangeError for
        a value that the type cannot have.
        """
        at, ram = self._at, self._ram.read_all()
        if since not in ("previous", "original"):
            raise InputError(f"RamSearch.{how}(since={since!r}): previous or original is allowed")
        now = self._decode(ram, at)
        then = self._decode(at.previous if since == "previous" else at.original, at)
        if how in _BY:
            if value is None:
                raise InputError(f"RamSearch.{how}: by how much? A value is needed")
            kept = _BY[how](now, then, value)
        elif how in _AGAINST:
            if value is not None:
                replace(at.kind, name=f"RamSearch.{how}: value").encode(value)  # or it says why not
                then = np.full(now.shape, value, np.int64)
            kept = _AGAINST[how](now, then)
        else:
            known = ", ".join((*_AGAINST, *_BY))
            raise InputError(f"RamSearch.compare({how!r}): the comparisons are {known}")
        kept &= _decimal(ram, at)
        return self._go(replace(at, addresses=at.addresses[kept], previous=ram))

    # By hand

    def look(self) -> int:
        """Make the values of now the previous ones, and keep all addresses."""
        return self._go(replace(self._at, previous=self._ram.read_all()))

    def eliminate(self, *addresses: int) -> int:
        """Drop these addresses. Raises InputError for one that is not on the list."""
        absent = sorted(set(addresses) - set(self._at.addresses.tolist()))
        if absent:
            raise InputError(
                f"RamSearch.eliminate: {absent[0]:#x} is not among the {len(self):,} addresses left"
            )
        kept = ~np.isin(self._at.addresses, list(addresses))
        return self._go(replace(self._at, addresses=self._at.addresses[kept]))

    def retype(
        self, type: VariableType, *, length: int | None = None, order: Order | None = None
    ) -> int:
        """Read the addresses left as another type; those where it does not fit in are dropped."""
        every = self._start(_kind(type, length, order), self._at.original)
        kept = self._at.addresses[np.isin(self._at.addresses, every.addresses)]
        return self._go(replace(self._at, kind=every.kind, addresses=kept))

    def reset(self) -> int:
        """Begin anew with every address and the values of now."""
        return self._go(self._start(self._at.kind, self._ram.read_all()))

    def undo(self) -> int:
        """Take the last step back, the previous values too. Raises InputError at the start."""
        return self._back(self._undo, self._redo, "undo: nothing was compared yet")

    def redo(self) -> int:
        """Take the last `undo` back. Raises InputError when there is none."""
        return self._back(self._redo, self._undo, "redo: nothing was undone since")

    def variable(
        self, name: str, address: SupportsIndex | None = None, about: str = ""
    ) -> Variable:
        """What was found, as a named variable: the only address left, or `address`.

        Raises InputError when several are left and no address is given, or the address is not
        among them.
        """
        if address is None:
            if len(self) != 1:
                raise InputError(
                    f"RamSearch.variable({name!r}): {len(self):,} addresses are left; say which"
                )
            address = int(self._at.addresses[0])
        elif index(address) not in self._at.addresses:
            raise InputError(
                f"RamSearch.variable({name!r}): {index(address):#x} is not among the "
                f"{len(self):,} addresses left"
            )
        return replace(self._at.kind, name=name, address=index(address), about=about)

    # Within

    def _start(self, kind: Variable, ram: Bytes) -> _Place:
        if kind.length > len(ram):
            raise MemoryRangeError(
                f"RamSearch: {kind.length} bytes make a {kind.type}; "
                f"{self._ram.name} has {len(ram)}"
            )
        step = kind.length if self._aligned else 1
        addresses = np.arange(0, len(ram) - kind.length + 1, step, dtype=np.int64)
        return _Place(kind, addresses, ram, ram)

    def _go(self, place: _Place) -> int:
        self._undo.append(self._at)
        self._redo.clear()
        self._at = place
        return len(self)

    def _back(self, source: deque[_Place], other: deque[_Place], otherwise: str) -> int:
        if not source:
            raise InputError(f"RamSearch.{otherwise}")
        other.append(self._at)
        self._at = source.pop()
        return len(self)

    @staticmethod
    def _decode(ram: Bytes, at: _Place) -> Integers:
        return at.kind.decode(_bytes_at(ram, at))


def _bytes_at(ram: Bytes, at: _Place) -> Bytes:
    """The bytes of each value, ``uint8 (left, length)``."""
    return ram[at.addresses[:, None] + np.arange(at.kind.length)]


def _decimal(ram: Bytes, at: _Place) -> Flags:
    """Where all bytes are decimal digits, for the types that are made of them."""
    data = _bytes_at(ram, at)
    wrong = np.zeros(data.shape, np.bool_)
    if at.kind.type == "bcd":
        wrong = ((data & 15) > 9) | ((data >> 4) > 9)
    elif at.kind.type == "digits":
        wrong = data > 9
    return np.asarray(~wrong.any(axis=1), np.bool_)


def _kind(type: VariableType, length: int | None, order: Order | None) -> Variable:
    return Variable(
        name="RamSearch",
        address=0,
        type=type,
        length=VARIABLE_TYPES.get(type, 0) if length is None else length,
        order=order or ("big" if type == "digits" else "little"),
    )
