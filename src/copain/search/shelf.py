"""Shelf: where a search keeps the places that it holds, each under a number.

A place is a savestate and the RAM that goes with it. They come from a pool in which they were
played, and go back into one when they are played on. Where the fleet's pools can, places are
packed as differences to each other: a twentieth of the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.errors import RunError, SavestateError
from copain.games.game import Numbers
from copain.memory import Bytes
from copain.rollout import PacksSavestates, Pool

Slots = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of memory that something may take, and the folder for what does not fit into them."""

    most: int
    folder: Path


@runtime_checkable
class ShelvesSavestates(PacksSavestates, Protocol):
    """Its savestates go onto a shelf, packed together with the RAM that goes with them."""

    def put_on(
        self,
        shelf: _native.Shelf,
        slots: npt.NDArray[np.int32],
        ram: Bytes,
        rows: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Pack the savestates of these rows of `slots` and `ram`; their numbers on the shelf."""
        ...

    def take_from(
        self, shelf: _native.Shelf, numbers: npt.NDArray[np.int64], ram: Bytes
    ) -> npt.NDArray[np.int32]:
        """Unpack places of the shelf: slots, in order; their RAM is written into `ram`.

        Raises SavestateError, and takes no slots, when the pool cannot take them all.
        """
        ...


class Shelf(Protocol):
    """Numbered places. One thread at a time."""

    @property
    def bytes(self) -> int:
        """The memory that the places take."""
        ...

    @property
    def spilled(self) -> int:
        """What of them is on disk, in bytes."""
        ...

    def put(self, pool: Pool, slots: Slots, ram: Bytes, rows: Numbers) -> Numbers:
        """Keep these rows of a batch that was played in `pool`; their numbers."""
        ...

    def take(self, pool: Pool, numbers: Numbers) -> tuple[Slots, Bytes]:
        """Put places into `pool`: their slots, and ``uint8 (n, ram_size)``."""
        ...

    def put_back(self, pool: Pool, slots: Slots) -> None:
        """What `take` put there is not needed any more."""
        ...

    def free(self, pool: Pool, slots: Slots) -> None:
        """Give back slots of `pool` in which a batch was played, but for what was kept."""
        ...

    def ram(self, numbers: Numbers) -> Bytes:
        """The RAM of places: ``uint8 (n, ram_size)``."""
        ...

    def drop(self, numbers: Numbers) -> None:
        """Places that are not needed any more."""
        ...


class PackedShelf:
    """Places packed in native memory; beyond a limit, in a file without a name."""

    def __init__(self, ram_size: int, room: Room | None = None) -> None:
        """With `room` no more memory is taken than that."""
        self._ram_size = ram_size
        most, folder = (0, "") if room is None else (room.most, str(room.folder))
        self._packed = _native.Shelf(ram_size, most, folder)

    @property
    def bytes(self) -> int:
        """The memory that the places take."""
        return self._packed.bytes

    @property
    def spilled(self) -> int:
        """What of them is on disk, in bytes."""
        return self._packed.spilled

    def put(self, pool: Pool, slots: Slots, ram: Bytes, rows: Numbers) -> Numbers:
        """Pack these rows. Raises RunError when they do not fit on the disk."""
        try:
            return _shelves(pool).put_on(self._packed, slots, ram, rows)
        except SavestateError as error:
            raise RunError(f"places that are held: {error}") from error

    def take(self, pool: Pool, numbers: Numbers) -> tuple[Slots, Bytes]:
        """Unpack places into `pool`."""
        ram = np.empty((len(numbers), self._ram_size), np.uint8)
        return _shelves(pool).take_from(self._packed, numbers, ram), ram

    def put_back(self, pool: Pool, slots: Slots) -> None:
        """They were copies."""
        pool.free(slots)

    def free(self, pool: Pool, slots: Slots) -> None:
        """Give back all slots."""
        pool.free(slots)

    def ram(self, numbers: Numbers) -> Bytes:
        """Unpack the RAM of places."""
        ram = np.empty((len(numbers), self._ram_size), np.uint8)
        self._packed.ram(numbers, ram)
        return ram

    def drop(self, numbers: Numbers) -> None:
        """Places that are not needed any more."""
        self._packed.drop(numbers)


def _shelves(pool: Pool) -> ShelvesSavestates:
    """The pool, which can: that was looked at once, looking takes its time."""
    return cast(ShelvesSavestates, pool)


class SlotShelf:
    """Places that stay where they were played, in the slots of one pool."""

    spilled = 0

    def __init__(self, pool: Pool, ram_size: int) -> None:
        """`pool` is where all batches are played."""
        self._pool = pool
        self._held = np.zeros(pool.capacity, np.bool_)
        self._played = np.zeros(pool.capacity, np.bool_)  # of a batch that is not freed yet
        self._ram = np.empty((pool.capacity, ram_size), np.uint8)

    @property
    def bytes(self) -> int:
        """The RAM; what a savestate takes only its emulator knows."""
        return int(self._held.sum()) * self._ram.shape[1]

    def put(self, pool: Pool, slots: Slots, ram: Bytes, rows: Numbers) -> Numbers:
        """Their slots are their numbers."""
        kept = slots[rows]
        self._played[kept] = True
        self._held[kept] = True
        self._ram[kept] = ram[rows]
        return kept.astype(np.int64)

    def take(self, pool: Pool, numbers: Numbers) -> tuple[Slots, Bytes]:
        """They are there."""
        return numbers.astype(np.int32), self._ram[numbers]

    def put_back(self, pool: Pool, slots: Slots) -> None:
        """They never left."""

    def free(self, pool: Pool, slots: Slots) -> None:
        """Give back the slots that hold no place."""
        self._played[slots] = False
        pool.free(slots[~self._held[slots]])

    def ram(self, numbers: Numbers) -> Bytes:
        """The RAM of places."""
        return self._ram[numbers]

    def drop(self, numbers: Numbers) -> None:
        """Their slots are free, or will be with their batch."""
        self._held[numbers] = False
        self._pool.free(numbers[~self._played[numbers]].astype(np.int32))
