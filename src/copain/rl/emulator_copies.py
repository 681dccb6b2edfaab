"""Copies on any emulator: as many instances of it, each played by a plain loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from copain.copies import Rows, Seen, check_play, check_rows
from copain.emulator import Emulator, HasScreen, OfOneKind, Picture
from copain.errors import CopainError, EmulatorError, InputError
from copain.rollout import frame_inputs
from copain.savestate import Savestate
from copain.sight import fitted, grey_of, shrunk


class EmulatorCopies(OfOneKind[Emulator]):
    """N emulators, each in a place of its own; see `copain.copies.Copies`.

    It is what the native copies are compared with, and how FCEUX and MAME are learned in: as many
    processes, that run side by side.
    """

    def __init__(self, factory: Callable[[], Emulator], count: int, workers: int) -> None:
        """`factory` opens one emulator; every call gives the same game in the same emulator."""
        with ExitStack() as opened:
            self._emulators = [opened.enter_context(factory()) for _ in range(count)]
            self._threads = ThreadPoolExecutor(workers)
            opened.callback(self._threads.shutdown)
            self._opened = opened.pop_all()
        self._first = self._emulators[0]

    @property
    def ram_size(self) -> int:
        """Bytes of work RAM."""
        return len(self._first.ram)

    @property
    def count(self) -> int:
        """How many copies there are."""
        return len(self._emulators)

    def picture_size(self, savestate: Savestate) -> tuple[int, int]:
        """Height and width of the picture at a savestate. Takes copy 0 there."""
        self._first.load_state(savestate)
        height, width, _ = _picture_ahead(self._first).shape
        return height, width

    def load(self, rows: Rows, savestates: Sequence[Savestate]) -> None:
        """Take each of these copies to a savestate."""
        rows = check_rows(rows, self.count, "Copies.load")
        if len(savestates) != len(rows):
            raise InputError(
                f"Copies.load: {len(savestates)} savestates for {len(rows)} copies; one each is "
                "needed"
            )
        before: list[tuple[Emulator, Savestate]] = []
        try:
            for row, savestate in zip(rows, savestates, strict=True):
                emulator = self._emulators[int(row)]
                before.append((emulator, emulator.save_state()))
                emulator.load_state(savestate)
        except CopainError:
            for emulator, savestate in before:
                emulator.load_state(savestate)
            raise

    def save(self, rows: Rows) -> list[Savestate]:
        """The savestates of these copies."""
        rows = check_rows(rows, self.count, "Copies.save")
        return [self._emulators[int(row)].save_state() for row in rows]

    def play(self, rows: Rows, inputs: npt.NDArray[np.uint16], seen: Seen) -> None:
        """Play on, a copy a thread."""
        rows, logs = check_play(rows, inputs, seen, self)

        def play(job: int) -> None:
            row = int(rows[job])
            play_by_loop(self._emulators[row], row, logs[job], seen)

        if len(rows) == 1:
            play(0)
        else:
            list(self._threads.map(play, range(len(rows))))

    def close(self) -> None:
        """Close all emulators."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def play_by_loop(emulator: Emulator, row: int, log: npt.NDArray[np.uint16], seen: Seen) -> None:
    """What playing on is, and what is seen of it: a plain loop over `Emulator.advance`."""
    seen.ram[0, row] = emulator.ram.read_all()
    looked_at = 2 if seen.grey is not None else 1 if seen.screen is not None else 0
    pictures: list[Picture] = []
    for frame, held in enumerate(frame_inputs(log)):
        emulator.advance(held)
        seen.ram[frame + 1, row] = emulator.ram.read_all()
        if frame >= len(log) - looked_at:
            pictures.append(_picture(emulator))
    if looked_at and not len(log):
        pictures.append(_picture_ahead(emulator))
    if seen.sight is not None:
        numbers = seen.sight.numbers(seen.ram[-1, row])
        if seen.numbers is not None:
            seen.numbers[row] = numbers[: seen.sight.kept]
        if seen.features is not None:
            seen.features.push(row, seen.sight.features_of(numbers), fresh=seen.fresh)
    if seen.grey is not None:
        size = seen.grey.kept.shape[2:]
        brightest = grey_of(pictures[-1])
        if len(pictures) > 1 and pictures[0].shape == pictures[-1].shape:
            brightest = np.maximum(brightest, grey_of(pictures[0]))
        seen.grey.push(row, shrunk(brightest, *size), fresh=seen.fresh)
    if seen.screen is not None:
        seen.screen[row] = fitted(pictures[-1], *seen.screen.shape[1:3])


def _picture(emulator: Emulator) -> Picture:
    if not isinstance(emulator, HasScreen):
        raise EmulatorError(f"{emulator.name} has no screen; observe the RAM instead")
    return emulator.screen


def _picture_ahead(emulator: Emulator) -> Picture:
    """The picture of the next frame with nothing held; the emulator is where it was."""
    here = emulator.save_state()
    emulator.advance()
    picture = _picture(emulator)
    emulator.load_state(here)
    return picture
