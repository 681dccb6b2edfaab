"""Copies: one game many times over, each copy playing on from where it is, all in one call.

A fleet plays rollouts from savestates; copies are for who plays on and on, as a player does. What
is seen of them is written into arrays of the caller, a row for each copy. `play_by_loop` and the
functions in `copain.sight` are the reference; a backend that does it faster gives the same arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from copain.errors import InputError
from copain.joypad import InputLog, check_input_log
from copain.memory import Bytes
from copain.rom import Rom
from copain.savestate import Savestate, SavestateHeader, check_savestate
from copain.sight import RamSight
from copain.system import System

Rows = npt.NDArray[np.int32]
"""Which copies, by number from 0: ``int32 (B,)``, none twice."""


@dataclass(frozen=True, slots=True)
class Stack:
    """What was seen last of each of N copies, in order: K items, the newest at the end.

    ``kept``, ``(N, K, ...)``, moves on with each call: the oldest goes, the newest comes. With
    `Seen.fresh` all K items become the newest. `given`, of the same shape, gets a copy.
    """

    kept: npt.NDArray[Any]
    given: npt.NDArray[Any] | None = None

    def push(self, row: int, new: npt.NDArray[Any], *, fresh: bool) -> None:
        """Take in what is new of one copy."""
        mine = self.kept[row]
        if not fresh:
            mine[:-1] = mine[1:].copy()
        mine[slice(None) if fresh else -1] = new
        if self.given is not None:
            self.given[row] = mine


@dataclass(frozen=True, slots=True)
class Seen:
    """What is to be seen of N copies in T frames, and where it goes: arrays of the caller.

    `ram` is ``uint8 (T + 1, N, ram_size)``: before the first frame, and after each. By `sight`
    the RAM of the last frame becomes `numbers`, ``int64 (N, sight.kept)``, and `features`,
    a stack of ``float32 (N, K, sight.size)``. `grey` is a stack of ``uint8 (N, K, height,
    width)``: the brighter of the last two frames' pictures in each pixel (of the last one's, if T
    is 1), in grey, shrunk by area. `screen` is ``uint8 (N, height, width, 3)``, the last frame's
    picture; one of another size is cut, or filled up with black, at its right and its lower edge.

    With T = 0 the pictures are those of a frame that is played with nothing held, and taken back.
    """

    ram: Bytes
    sight: RamSight | None = None
    numbers: npt.NDArray[np.int64] | None = None
    features: Stack | None = None
    grey: Stack | None = None
    screen: Bytes | None = None
    fresh: bool = False


class Copies(Protocol):
    """N copies of one game on one kind of emulator."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def system(self) -> System: ...
    @property
    def rom(self) -> Rom: ...
    @property
    def ram_size(self) -> int: ...
    @property
    def count(self) -> int:
        """How many there are: N."""
        ...

    def picture_size(self, savestate: Savestate) -> tuple[int, int]:
        """Height and width of the picture at a savestate. Takes copy 0 there."""
        ...

    def load(self, rows: Rows, savestates: Sequence[Savestate]) -> None:
        """Take each of these copies to a savestate. Raises SavestateError, and changes none."""
        ...

    def save(self, rows: Rows) -> list[Savestate]:
        """The savestates of these copies, with bytes of their own."""
        ...

    def play(self, rows: Rows, inputs: npt.NDArray[np.uint16], seen: Seen) -> None:
        """Play ``inputs[b]`` (``uint16 (B, T, ports)``) on copy ``rows[b]``, for each b.

        Of what is to be seen only these rows are written. Raises InputError for arrays that do
        not fit each other.
        """
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class HasCopies(Protocol):
    """The emulator can make many copies of itself in this process, which play on together."""

    def open_copies(self, count: int, workers: int) -> Copies:
        """`count` new copies, at power-on, played by `workers` threads."""
        ...


def check_rows(rows: npt.ArrayLike, count: int, what: str) -> Rows:
    """Numbers of copies as ``int32 (B,)``. Raises InputError that begins with `what`."""
    given = np.asarray(rows)
    if given.size == 0:
        return np.zeros(0, np.int32)
    if given.ndim != 1 or given.dtype.kind not in "iu":
        raise InputError(f"{what}: rows is a sequence of numbers of copies, not {rows!r}")
    inside = given.min() >= 0 and given.max() < count
    if not inside or np.bincount(given, minlength=count).max() > 1:
        raise InputError(
            f"{what}: rows {given.tolist()}; each is one of the copies 0 to {count - 1}, once"
        )
    return np.ascontiguousarray(given, np.int32)


def check_savestates(rows: Rows, savestates: Sequence[Savestate], header: SavestateHeader) -> None:
    """Raise unless there is a savestate for each of these copies, of the game in `header`."""
    if len(savestates) != len(rows):
        raise InputError(
            f"Copies.load: {len(savestates)} savestates for {len(rows)} copies; one each is needed"
        )
    for savestate in savestates:
        check_savestate(savestate, header)


def check_play(
    rows: Rows, inputs: npt.ArrayLike, seen: Seen, copies: Copies
) -> tuple[Rows, InputLog]:
    """The arguments of `Copies.play`, checked: rows, and inputs ``uint16 (B, T, ports)``."""
    what, system = "Copies.play", copies.system
    rows = check_rows(rows, copies.count, what)
    logs = check_input_log(inputs, system.ports, system.button_bits, what, 3)
    if len(logs) != len(rows):
        raise InputError(
            f"{what}: {len(logs)} input logs for {len(rows)} copies; one each is needed"
        )
    check_seen(seen, copies.count, logs.shape[1], copies.ram_size, what)
    return rows, logs


def check_seen(seen: Seen, count: int, frames: int, ram_size: int, what: str) -> None:
    """Raise InputError that begins with `what`, unless the arrays fit N copies and T frames."""
    wrong = _misfit(seen, count, frames, ram_size)
    if wrong:
        raise InputError(f"{what}: {wrong}")


def _misfit(seen: Seen, count: int, frames: int, ram_size: int) -> str:
    if seen.ram.shape != (frames + 1, count, ram_size):
        return f"ram has the shape {seen.ram.shape}; {(frames + 1, count, ram_size)} is needed"
    if seen.sight is None and (seen.numbers is not None or seen.features is not None):
        return "numbers and features need a sight that says what they are"
    if seen.sight is not None and seen.sight.ram_size > ram_size:
        return f"the sight looks at {seen.sight.ram_size} bytes of RAM; there are {ram_size}"
    if seen.numbers is not None and seen.sight is not None:
        needed = (count, seen.sight.kept)
        if seen.numbers.shape != needed:
            return f"numbers has the shape {seen.numbers.shape}; {needed} is needed"
    for name, stack, size in (("features", seen.features, 3), ("grey", seen.grey, 4)):
        if stack is None:
            continue
        kept, given = stack.kept, stack.given
        if kept.ndim != size or len(kept) != count or not kept.shape[1]:
            return f"{name} has the shape {kept.shape}; ({count}, depth, ...) is needed"
        if given is not None and given.shape != kept.shape:
            return f"{name}: what is given has the shape {given.shape}, what is kept {kept.shape}"
    if seen.screen is not None and (
        seen.screen.ndim != 4 or len(seen.screen) != count or seen.screen.shape[-1] != 3
    ):
        return f"screen has the shape {seen.screen.shape}; ({count}, height, width, 3) is needed"
    return ""
