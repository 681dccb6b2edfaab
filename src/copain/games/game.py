"""Game: what a game's RAM means, as pure functions on batches.

A batch of RAM is ``uint8 (..., ram_size)``; the functions give arrays with the leading shape.
Where a function takes `prev` too, it is the RAM one frame earlier.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator
from copain.errors import GameError, RomError
from copain.joypad import IDLE, FrameInput, InputLog
from copain.memory import Bytes, Variable
from copain.rom import Rom, ines_header
from copain.savestate import Savestate
from copain.system import System

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Table:
    """An object table in RAM: `count` rows, each field a `Variable` of row 0 and its stride."""

    name: str
    count: int
    fields: Mapping[str, tuple[Variable, int]]

    def decode(self, ram: Bytes, name: str) -> Numbers:
        """One field of all rows: ``uint8 (..., ram_size)`` to ``int64 (..., count)``."""
        first, stride = self.fields[name]
        if first.type == "u8":  # by far the most: one slice instead of a decode for each row
            last = first.address + (self.count - 1) * stride
            return ram[..., first.address : last + 1 : stride].astype(np.int64)
        rows = [replace(first, address=first.address + row * stride) for row in range(self.count)]
        return np.stack([row.decode(ram) for row in rows], axis=-1)


@dataclass(frozen=True, slots=True)
class RamMap:
    """The names of a game's RAM, read from its ``ram.toml``, and the ROM that they are of.

    Headers of NES ROMs differ where games do not: the checksums without header tell such a game.
    """

    title: str
    version: str
    system: System
    sha1: str
    variables: Mapping[str, Variable]
    tables: Mapping[str, Table] = field(default_factory=dict[str, Table])
    md5: str = ""
    sha1_without_header: str = ""
    md5_without_header: str = ""

    def is_of(self, rom: Rom) -> bool:
        """Whether this is the RAM map of that ROM."""
        if rom.sha1 == self.sha1:
            return True
        header = ines_header(rom.data) if self.sha1_without_header else None
        return header is not None and header.sha1 == self.sha1_without_header

    def check(self, rom: Rom) -> None:
        """Raise RomError, with the checksums, unless this is the RAM map of that ROM."""
        if self.is_of(rom):
            return
        header = ines_header(rom.data)
        lines = [
            f"{rom.path or rom.name} is not {self.title} ({self.version}):",
            f"  it has    SHA-1 {rom.sha1}, MD5 {rom.md5}",
            f"  needed is SHA-1 {self.sha1}" + (f", MD5 {self.md5}" if self.md5 else ""),
        ]
        if header is not None and self.sha1_without_header:
            lines += [
                "or, without the 16 bytes of the header:",
                f"  it has    SHA-1 {header.sha1}, MD5 {header.md5}",
                f"  needed is SHA-1 {self.sha1_without_header}, MD5 {self.md5_without_header}",
            ]
        raise RomError("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Action:
    """An entry of a game's action table: a name and the input it means."""

    name: str
    held: FrameInput


Presses = Sequence[tuple[FrameInput, int]]
"""An input log as pairs: what is held, and for how many frames."""

SPLITS = ("train", "validation", "test")
"""The sets of starts that every game has."""


@dataclass(frozen=True, slots=True)
class Start:
    """A place where play begins: a name, and the input log that leads there from power-on."""

    name: str
    held: Presses = ()

    def log(self, ports: int) -> InputLog:
        """The input log: ``uint16 (frames, ports)``."""
        held = [
            np.tile(np.array(held.bits(ports), np.uint16), (frames, 1))
            for held, frames in self.held
        ]
        return np.concatenate([np.zeros((0, ports), np.uint16), *held])

    def reach(self, emulator: Emulator) -> Savestate:
        """Bring `emulator` to this place; its savestate there."""
        emulator.power_on()
        for held, frames in self.held:
            emulator.advance(held, frames=frames)
        return emulator.save_state()


class Game(ABC):
    """What a game's RAM means. Subclasses say `dead` and `won`; the rest has sensible defaults.

    `ram_map` names the RAM; `actions` is the action table, `actions[0]` is idle; `start` is the
    input log from power-on to the first frame of play, as ``(held, frames)`` pairs.
    """

    name: str = ""
    ram_map: RamMap
    actions: Sequence[Action] = (Action("idle", IDLE),)
    start: Presses = ()
    relative_to: Mapping[str, str] = {}
    """Positions that only mean something beside another: from the name of a variable or of a
    table's field to the variable that it is counted from, such as ``x`` to ``ship_x``.
    """

    @property
    def variables(self) -> Mapping[str, Variable]:
        """The named variables."""
        return self.ram_map.variables

    def start_log(self, ports: int) -> InputLog:
        """The input log from power-on to the first frame of play: ``uint16 (frames, ports)``."""
        return Start(self.name, self.start).log(ports)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of its sets of starts."""
        return SPLITS

    def starts(self, split: str) -> Sequence[Start]:
        """The starts of a set, at least one.

        To learn from, ``train``; to choose by, ``validation``; to report, ``test``: three sets
        that share no start, for a game that says so, and are the one start otherwise. Raises
        GameError that lists the sets there are.
        """
        self.check_split(split)
        return [Start("start", self.start)]

    def check_split(self, split: str) -> None:
        """Raise GameError that lists the sets there are, unless `split` is one."""
        if split not in self.splits:
            raise GameError(
                f"{self.name}: no set of starts is called {split!r}; "
                f"the sets are {', '.join(self.splits)}"
            )

    def value(self, ram: Bytes, name: str) -> Numbers:
        """The variable called `name` in a batch of RAM."""
        return self.variables[name].decode(ram)

    @abstractmethod
    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the player was lost between the two frames."""

    @abstractmethod
    def won(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the game's end was reached by this frame."""

    def score(self, ram: Bytes) -> Numbers:
        """The score that the game shows; 0 where it has none."""
        return np.zeros(ram.shape[:-1], np.int64)

    def stage(self, ram: Bytes) -> Numbers:
        """The stage being played, from 0."""
        return np.zeros(ram.shape[:-1], np.int64)

    def progress(self, ram: Bytes) -> Numbers:
        """A number that grows as the game goes on, such as stage and scroll position."""
        return np.zeros(ram.shape[:-1], np.int64)

    def preference(self, ram: Bytes) -> npt.NDArray[np.float64]:
        """How much a player likes to be here: higher is better. For search by preference."""
        return np.zeros(ram.shape[:-1], np.float64)

    def rows(self, ram: Bytes, table: str) -> Numbers:
        """Which rows of an object table an agent sees, in which order: ``(..., rows)``.

        As many at any moment; -1 is a row that is not there. All of them, as they lie, by default.
        """
        count = self.ram_map.tables[table].count
        return np.broadcast_to(np.arange(count), (*ram.shape[:-1], count))

    def cell(self, ram: Bytes) -> Numbers:
        """A small number that places which are alike share."""
        return self.progress(ram)

    def place(self, ram: Bytes) -> Numbers | None:
        """Where on a map the player is: x, and y downwards, ``(..., 2)``; None without a map.

        By default the first two variables that are positions.
        """
        positions = [each for each in self.variables.values() if each.kind == "position"][:2]
        if len(positions) < 2:
            return None
        return np.stack([each.decode(ram) for each in positions], axis=-1)

    def allowed(self, ram: Bytes) -> Flags:
        """Which actions are possible now: ``(..., actions)``."""
        return np.ones((*ram.shape[:-1], len(self.actions)), np.bool_)


@runtime_checkable
class Bounded(Protocol):
    """What some games know: how many points are within reach."""

    def bound(self, ram: Bytes) -> Numbers:
        """The most that the score can still become, if no life is lost from here on.

        Never too small: along a line it stays or falls, and where it falls, points were lost.
        """
        ...

    def promise(self, ram: Bytes) -> npt.NDArray[np.float64]:
        """Which of places with the same bound is better, in points: what of it is at risk."""
        ...
