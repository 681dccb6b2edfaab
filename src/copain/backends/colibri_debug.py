"""What of Colibri looks into the console: hooks, registers, counters, traces, and the PPU."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Generator
from functools import cached_property
from types import TracebackType
from typing import Self

from copain import _native
from copain.backends.colibri_fleet import Game
from copain.backends.colibri_viewers import Ppu
from copain.emulator import Hook, HookFunction, Instruction, Registers, Trace, Where
from copain.errors import EmulatorError, InputError, MemoryRangeError
from copain.memory import Memory

_BUS = 0x10000
_REGISTER_BITS = {"pc": 16, "a": 8, "x": 8, "y": 8, "s": 8, "p": 8}


class Debugging:
    """The part of a ColibriEmulator that looks into its machine."""

    def __init__(self, game: Game) -> None:
        self._game = game
        self._hooks: list[_native.Hook] = []
        self._trace: _native.TraceFile | None = None

    @property
    def native(self) -> _native.Machine:
        """The native machine."""
        raise NotImplementedError

    @property
    def ram(self) -> Memory:
        """The work RAM."""
        raise NotImplementedError

    # Hooks

    def on_execute(self, where: Where, function: HookFunction) -> Hook:
        """Call ``function(address, opcode)`` before each instruction that begins at `where`.

        `where` is an address on the CPU's bus, a range of them, or the name of a variable of RAM.
        Raises MemoryRangeError for addresses that are none.
        """
        return self._hook("execute", where, function)

    def on_read(self, where: Where, function: HookFunction) -> Hook:
        """Call ``function(address, value)`` at each read of data at `where`: see `on_execute`.

        Opcodes and operands are executed, not read; dummy reads do not count.
        """
        return self._hook("read", where, function)

    def on_write(self, where: Where, function: HookFunction) -> Hook:
        """Call ``function(address, value)`` at each write to `where`: see `on_execute`."""
        return self._hook("write", where, function)

    def _hook(self, kind: str, where: Where, function: HookFunction) -> Hook:
        _ = self.native
        addresses = self._addresses(f"on_{kind}", where)
        if not callable(function):
            raise InputError(f"on_{kind}({where!r}): a function is needed, not {function!r}")
        hook = _native.Hook(kind, addresses[0], addresses[-1], function)
        return self._add(hook)

    def _add(self, hook: _native.Hook) -> _Hook:
        self._hooks = [*self._hooks, hook]  # a new one: a frame that runs has its own
        return _Hook(self, hook)

    def _addresses(self, call: str, where: Where) -> range:
        if isinstance(where, str):
            variable = self.ram.variables.get(where)
            if variable is None:
                known = ", ".join(self.ram.variables) or "none: this game's RAM has no names here"
                raise MemoryRangeError(f"{call}({where!r}): the known names are {known}")
            return variable.addresses
        addresses = range(where, where + 1) if isinstance(where, int) else where
        if not isinstance(addresses, range) or addresses.step != 1:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise MemoryRangeError(
                f"{call}({where!r}): an address, a range with step 1 or a variable's name is needed"
            )
        if not addresses or not 0 <= addresses[0] <= addresses[-1] < _BUS:
            raise MemoryRangeError(
                f"{call}({where!r}): addresses are 0 to {_BUS - 1:#x}, and at least one"
            )
        return addresses

    # Registers and counters

    @property
    def registers(self) -> Registers:
        """The processor's registers, between two instructions."""
        return Registers(*self.native.registers)

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
        """Set those that are given. Raises InputError for values that do not fit.

        In a hook they are set before the next instruction.
        """
        given = {"pc": pc, "a": a, "x": x, "y": y, "s": s, "p": p}
        changes = {name: value for name, value in given.items() if value is not None}
        for name, value in changes.items():
            if not 0 <= value < 1 << _REGISTER_BITS[name]:
                raise InputError(
                    f"set_registers({name}={value}): 0 to {(1 << _REGISTER_BITS[name]) - 1:#x}"
                    " is allowed"
                )
        self.native.registers = dataclasses.astuple(dataclasses.replace(self.registers, **changes))

    @property
    def cycles(self) -> int:
        """CPU cycles since `power_on`."""
        return self.native.cycles

    @property
    def instructions(self) -> int:
        """Instructions since `power_on`."""
        return self.native.instructions

    # Instructions

    def trace(self, to: str | os.PathLike[str] | Callable[[str], object]) -> Trace:
        """Log every instruction from now on, a line each, to a file or by calling a function.

        ::

            with nes.trace("boot.log"):
                nes.advance(frames=10)

        One file at a time. Raises InputError for a file that cannot be written, or while there
        is one.
        """
        _ = self.native
        if callable(to):
            return _FunctionTrace(self, to)
        if self._trace is not None:
            raise InputError(f"trace({to!r}): a trace is being written; close it first")
        try:
            self._trace = _native.TraceFile(os.fspath(to))
        except _native.CoreError as error:
            raise InputError(f"trace: {error}") from None
        return _FileTrace(self, self._trace)

    def disassemble(self, address: int, count: int = 1) -> list[Instruction]:
        """The `count` instructions that lie from `address` on, as memory is now."""
        if not 0 <= address < _BUS:
            raise MemoryRangeError(f"disassemble({address:#x}): 0 to {_BUS - 1:#x} is allowed")
        found: list[Instruction] = []
        for _ in range(count):
            data, text = self.native.disassemble(address)
            found.append(Instruction(address, data, text))
            address = (address + len(data)) % _BUS
        return found

    # The PPU

    @cached_property
    def ppu(self) -> Ppu:
        """The PPU's registers, and what it holds as pictures."""
        return Ppu(self)

    # For the parts of the emulator

    def _forget(self) -> None:
        """Let go of all hooks and traces."""
        for hook in self._hooks:
            hook.active = False
        self._hooks = []
        if self._trace is not None:
            self._trace.close()
            self._trace = None

    @contextlib.contextmanager
    def _between_frames(self, call: str) -> Generator[None]:
        try:
            yield
        except _native.CoreError as error:
            raise EmulatorError(f"{call}: {error}") from None


class _Hook:
    """A hook of a ColibriEmulator."""

    def __init__(self, owner: Debugging, hook: _native.Hook) -> None:
        self._owner = owner
        self._hook = hook

    @property
    def active(self) -> bool:
        """Whether it is called."""
        return self._hook.active

    def remove(self) -> None:
        """Call it no more."""
        self._hook.active = False
        self._owner._hooks = [hook for hook in self._owner._hooks if hook.active]  # pyright: ignore[reportPrivateUsage]

    def __repr__(self) -> str:
        state = "" if self.active else " removed"
        return f"<hook on {self._hook.first:#06x} to {self._hook.last:#06x}{state}>"


class _FunctionTrace:
    """A trace that calls a function with each line."""

    def __init__(self, owner: Debugging, function: Callable[[str], object]) -> None:
        self._lines = 0

        def on_line(line: str) -> None:
            self._lines += 1
            function(line)

        self._hook = owner._add(_native.Hook("trace", 0, _BUS - 1, on_line))  # pyright: ignore[reportPrivateUsage]

    @property
    def lines(self) -> int:
        """How many instructions were logged."""
        return self._lines

    def close(self) -> None:
        """Log no more."""
        self._hook.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _FileTrace:
    """A trace that is written to a file."""

    def __init__(self, owner: Debugging, file: _native.TraceFile) -> None:
        self._owner = owner
        self._file = file

    @property
    def lines(self) -> int:
        """How many instructions were logged."""
        return self._file.lines

    def close(self) -> None:
        """Log no more, and close the file. Raises InputError when the disk is full."""
        if self._owner._trace is self._file:  # pyright: ignore[reportPrivateUsage]
            self._owner._trace = None  # pyright: ignore[reportPrivateUsage]
        try:
            self._file.close()
        except _native.CoreError as error:
            raise InputError(f"trace: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
