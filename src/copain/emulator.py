"""The Emulator protocol: one frame clock, no policy; and the capabilities beside it.

Everything in copain that plays, searches, learns or proves is written against `Emulator`.
What only some emulators can do is a capability: a small protocol that an emulator has or has
not, found with ``isinstance``; an emulator never has a member that only raises.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import index
from types import TracebackType
from typing import Generic, Protocol, Self, SupportsIndex, TypeAlias, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from copain.errors import InputError
from copain.joypad import IDLE, Held
from copain.memory import Bytes, Memory
from copain.rom import Rom
from copain.savestate import Savestate
from copain.system import System

Picture: TypeAlias = npt.NDArray[np.uint8]
"""A picture: ``uint8 (height, width, 3)``, red, green, blue."""


MAX_FRAMES = 10_000_000
"""The most frames of one `advance`: 46 hours of an NES."""


@runtime_checkable
class Emulator(Protocol):
    """A console with one game in it, advanced frame by frame.

    Equality of two emulators, or of two runs of one, means RAM, picture and what a savestate
    leads to. Savestate bytes may differ. After `close` all members raise EmulatorClosed, but for
    `close` itself and what says what it is: `name`, `version`, `system`, `rom`. An emulator may be
    used from any thread, by one thread at a time.
    """

    @property
    def name(self) -> str:
        """Which emulator this is, such as ``libretro:fceumm`` or ``fceux``."""
        ...

    @property
    def version(self) -> str:
        """The emulator's own version. Savestates belong to one version."""
        ...

    @property
    def system(self) -> System: ...
    @property
    def rom(self) -> Rom: ...
    @property
    def frame(self) -> int:
        """Frames emulated since `power_on`; `load_state` brings back the savestate's."""
        ...

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second of the emulated console and region."""
        ...

    @property
    def ram(self) -> Memory:
        """The work RAM."""
        ...

    @property
    def memory(self) -> Mapping[str, Memory]:
        """All memory domains by name; ``memory["ram"]`` is `ram`."""
        ...

    def power_on(self) -> None:
        """Cold boot: frame 0, the same bytes on every call and on every machine."""
        ...

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        """Emulate `frames` frames (0 to `MAX_FRAMES`) with the same buttons held.

        Raises InputError for buttons or ports that the system does not have.
        """
        ...

    def save_state(self) -> Savestate:
        """A handle on this moment."""
        ...

    def load_state(self, state: Savestate) -> None:
        """Come back to a moment. Raises SavestateError, and changes nothing, if it is not ours."""
        ...

    def close(self) -> None:
        """End the emulator and free what it holds. May be called again."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


@runtime_checkable
class HasScreen(Protocol):
    """The last frame's picture can be read."""

    @property
    def screen(self) -> Picture:
        """The last frame's picture, a copy owned by the caller: ``uint8 (height, width, 3)``."""
        ...


@runtime_checkable
class HasAudio(Protocol):
    """The sound of the last frames can be read."""

    @property
    def audio(self) -> npt.NDArray[np.int16]:
        """The samples of the last `advance`, a copy: ``int16 (samples, 2)``, left and right."""
        ...

    @property
    def sample_rate(self) -> float:
        """Samples a second."""
        ...


@runtime_checkable
class HasSoftReset(Protocol):
    """The console has a reset button."""

    def soft_reset(self) -> None:
        """Press the reset button; the next frame is the first after it. `frame` goes on."""
        ...


@runtime_checkable
class HasLagFrames(Protocol):
    """The emulator tells lag frames: those in which the game did not poll its input."""

    @property
    def lagged(self) -> bool:
        """Whether the last frame was a lag frame."""
        ...

    @property
    def lag_count(self) -> int:
        """Lag frames since `power_on`."""
        ...


@runtime_checkable
class HasLiveRam(Protocol):
    """The work RAM can be seen without copying."""

    def live_ram(self) -> Bytes:
        """A read-only view of the work RAM, ``uint8 (ram_size,)``, that changes as frames run.

        The emulator owns the memory; the view keeps it alive, also after `close`, when it no
        longer changes. A core that moves its RAM is copied instead of viewed: see the backend.
        """
        ...


# What looks into the console ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Registers:
    """A 6502's registers: program counter, A, X, Y, stack pointer, and the flags NV-BDIZC."""

    pc: int
    a: int
    x: int
    y: int
    s: int
    p: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """An instruction in memory: where it is, its bytes, and its text, such as ``LDA ($20),Y``."""

    address: int
    data: bytes
    text: str


Where: TypeAlias = int | range | str
"""Addresses on the CPU's bus: one, a range (without gaps), or those of a named variable of RAM."""

HookFunction: TypeAlias = Callable[[int, int], object]
"""What a hook calls: ``function(address, value)``; of an instruction, its address and opcode."""


class Hook(Protocol):
    """A function that is called as the console runs, until `remove`."""

    @property
    def active(self) -> bool: ...
    def remove(self) -> None:
        """Call it no more. May be called again, and by the function itself."""
        ...


class Trace(Protocol):
    """A log of all instructions as they run, until `close`."""

    @property
    def lines(self) -> int:
        """How many instructions were logged."""
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
class HasHooks(Protocol):
    """Python functions are called on what the processor does.

    A function may read and write memory and registers, load a savestate and remove hooks; what it
    sets of the processor, or loads, is taken over before the next instruction. What it raises
    comes out of `advance`. Addresses are those on the CPU's bus, mirrors apart.
    """

    def on_execute(self, where: Where, function: HookFunction) -> Hook:
        """Call `function` before each instruction that begins at `where`."""
        ...

    def on_read(self, where: Where, function: HookFunction) -> Hook:
        """Call `function` at each read of data at `where`; instructions are executed, not read."""
        ...

    def on_write(self, where: Where, function: HookFunction) -> Hook:
        """Call `function` at each write to `where`."""
        ...


@runtime_checkable
class HasRegisters(Protocol):
    """The processor's registers and counters can be seen, and its registers set."""

    @property
    def registers(self) -> Registers: ...
    def set_registers(
        self,
        *,
        pc: int | None = None,
        a: int | None = None,
        x: int | None = None,
        y: int | None = None,
        s: int | None = None,
        p: int | None = None,
    ) -> None:
        """Set those that are given. Raises InputError for values that do not fit."""
        ...

    @property
    def cycles(self) -> int:
        """CPU cycles since `power_on`."""
        ...

    @property
    def instructions(self) -> int:
        """Instructions since `power_on`."""
        ...


@runtime_checkable
class HasTrace(Protocol):
    """Instructions can be logged as they run, and read where they lie."""

    def trace(self, to: str | os.PathLike[str] | Callable[[str], object]) -> Trace:
        """Log every instruction from now on, a line each, to a file or a function."""
        ...

    def disassemble(self, address: int, count: int = 1) -> list[Instruction]:
        """The `count` instructions that lie from `address` on."""
        ...


OneKind = TypeVar("OneKind", bound=Emulator)


class OfOneKind(Generic[OneKind]):
    """What emulators of one kind with one game have in common, as the first of them tells it.

    For fleets and copies that are made of `_emulators`.
    """

    _emulators: list[OneKind]

    @property
    def name(self) -> str:
        """Which emulator this is."""
        return self._emulators[0].name

    @property
    def version(self) -> str:
        """The emulator's version."""
        return self._emulators[0].version

    @property
    def system(self) -> System:
        """The ROM's system."""
        return self._emulators[0].system

    @property
    def rom(self) -> Rom:
        """The game."""
        return self._emulators[0].rom


def check_frames(frames: SupportsIndex) -> int:
    """The `frames` of an `advance`, checked. Raises InputError for no integer, or too many."""
    try:
        count = index(frames)
    except TypeError:
        count = -1
    if not 0 <= count <= MAX_FRAMES:
        raise InputError(f"advance(frames={frames!r}): 0 to {MAX_FRAMES} frames are allowed")
    return count
