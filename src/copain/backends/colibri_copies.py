"""Colibri's copies: states of a few kilobytes, and a machine a thread that goes from one to the
next. Nothing is saved, loaded or copied but what is looked at; nothing drawn that nobody sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.backends.colibri_fleet import NAME, RAM_SIZE, VERSION, Game
from copain.backends.colibri_palette import PALETTE
from copain.backends.native_seen import native_seen
from copain.copies import Rows, Seen, check_play, check_rows, check_savestates
from copain.errors import EmulatorClosed, SavestateError
from copain.rom import Rom
from copain.savestate import Savestate
from copain.system import System

HEIGHT, WIDTH = 240, 256


class ColibriCopies:
    """Many copies of one game, each where it was left; see `copain.copies.Copies`."""

    def __init__(self, game: Game, count: int, workers: int) -> None:
        """`count` copies at power-on, played by `workers` threads."""
        self._game, self._count = game, count
        self._open: _native.MachineCopies | None = _native.MachineCopies(
            game.cartridge, count, workers, PALETTE, game.region, game.four_score, game.ram,
            game.ram_seed,
        )  # fmt: skip

    @property
    def name(self) -> str:
        """``colibri``."""
        return NAME

    @property
    def version(self) -> str:
        """The version of its savestates."""
        return VERSION

    @property
    def system(self) -> System:
        """The NES."""
        return self._game.system

    @property
    def rom(self) -> Rom:
        """The game."""
        return self._game.rom

    @property
    def ram_size(self) -> int:
        """Bytes of work RAM."""
        return RAM_SIZE

    @property
    def count(self) -> int:
        """How many copies there are."""
        return self._count

    @property
    def native(self) -> _native.MachineCopies:
        """The native copies. Raises EmulatorClosed after `close`."""
        if self._open is None:
            raise EmulatorClosed(f"these copies of {self.name} were closed; open them again")
        return self._open

    def picture_size(self, savestate: Savestate) -> tuple[int, int]:
        """Height and width of every picture."""
        return HEIGHT, WIDTH

    def load(self, rows: Rows, savestates: Sequence[Savestate]) -> None:
        """Take each of these copies to a savestate."""
        native = self.native
        rows = check_rows(rows, self.count, "Copies.load")
        check_savestates(rows, savestates, self._game.header(0))
        try:
            native.load(rows, [savestate.payload for savestate in savestates])
        except _native.CoreError as error:
            raise SavestateError(f"Copies.load: {error}") from None

    def save(self, rows: Rows) -> list[Savestate]:
        """The savestates of these copies."""
        native, saved = self.native, list[Savestate]()
        for row in check_rows(rows, self.count, "Copies.save"):
            payload, frame = native.save(int(row))
            saved.append(Savestate(self._game.header(frame), payload))
        return saved

    def play(self, rows: Rows, inputs: npt.NDArray[np.uint16], seen: Seen) -> None:
        """Play on, all in one call."""
        native = self.native
        rows, logs = check_play(rows, inputs, seen, self)
        native.play(rows, logs, native_seen(seen))

    def close(self) -> None:
        """End. May be called again."""
        self._open = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
