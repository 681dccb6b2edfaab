"""Copies on libretro cores: an instance of the core for each, so that nothing is loaded or saved
from one step to the next. Some cores do not survive that: see docs/reference/determinism.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.backends.native_seen import native_seen
from copain.copies import Rows, Seen, check_play, check_rows, check_savestates
from copain.emulator import OfOneKind
from copain.errors import EmulatorClosed, EmulatorCrashed, InputError, SavestateError
from copain.savestate import Savestate, SavestateHeader

if TYPE_CHECKING:
    from copain.backends.libretro import LibretroEmulator


class LibretroCopies(OfOneKind["LibretroEmulator"]):
    """Many copies of one game, each on a core of its own; see `copain.copies.Copies`."""

    def __init__(self, emulators: Sequence[LibretroEmulator], workers: int) -> None:
        """Copies that own these emulators, all alike, played by `workers` threads."""
        if not emulators or workers < 1:
            raise InputError(
                f"open_copies: {len(emulators)} copies on {workers} threads; at least 1 of each "
                "is needed"
            )
        self._emulators, self._workers = list(emulators), workers
        self._first = emulators[0]
        self._ram_size = len(self._first.ram)
        self._frames = np.zeros(len(emulators), np.int64)
        self._cores: list[_native.Core] | None = [emulator.native for emulator in emulators]

    @property
    def ram_size(self) -> int:
        """Bytes of work RAM."""
        return self._ram_size

    @property
    def count(self) -> int:
        """How many copies there are."""
        return len(self._emulators)

    @property
    def native(self) -> list[_native.Core]:
        """The native cores. Raises EmulatorClosed after `close`."""
        if self._cores is None:
            raise EmulatorClosed(f"these copies of {self.name} were closed; open them again")
        return self._cores

    def picture_size(self, savestate: Savestate) -> tuple[int, int]:
        """Height and width of the picture at a savestate. Takes copy 0 there."""
        self.load(np.zeros(1, np.int32), [savestate])
        core = self.native[0]
        core.advance([0] * self.system.ports, 1)
        height, width, _ = core.screen.shape
        self.load(np.zeros(1, np.int32), [savestate])
        return height, width

    def load(self, rows: Rows, savestates: Sequence[Savestate]) -> None:
        """Take each of these copies to a savestate."""
        cores = self.native
        rows = check_rows(rows, self.count, "Copies.load")
        check_savestates(rows, savestates, self._header(0))
        before: list[tuple[_native.Core, bytes]] = []
        try:
            for row, savestate in zip(rows, savestates, strict=True):
                core = cores[int(row)]
                if len(savestates) > 1:
                    before.append((core, core.save_state()))
                core.load_state(savestate.payload)
        except _native.CoreError as error:
            for core, payload in before:
                core.load_state(payload)
            raise SavestateError(f"Copies.load: {error}") from None
        self._frames[rows] = [savestate.frame for savestate in savestates]

    def save(self, rows: Rows) -> list[Savestate]:
        """The savestates of these copies."""
        cores, saved = self.native, list[Savestate]()
        for row in check_rows(rows, self.count, "Copies.save"):
            with _crashes("Copies.save"):
                payload = cores[int(row)].save_state()
            saved.append(Savestate(self._header(int(self._frames[row])), payload))
        return saved

    def play(self, rows: Rows, inputs: npt.NDArray[np.uint16], seen: Seen) -> None:
        """Play on, all in one call."""
        cores = self.native
        rows, logs = check_play(rows, inputs, seen, self)
        with _crashes("Copies.play"):
            _native.play_copies(cores, self._workers, rows, logs, native_seen(seen))
        self._frames[rows] += logs.shape[1]

    def close(self) -> None:
        """Close all emulators. May be called again."""
        self._cores = None
        for emulator in self._emulators:
            emulator.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _header(self, frame: int) -> SavestateHeader:
        return self._first.savestate_header(frame)


@contextlib.contextmanager
def _crashes(call: str) -> Generator[None]:
    """The native host's errors as EmulatorCrashed."""
    try:
        yield
    except _native.CoreError as error:
        raise EmulatorCrashed(f"{call}: {error}") from None
