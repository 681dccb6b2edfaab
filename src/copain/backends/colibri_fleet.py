"""Colibri's fleets: machines that run in the slots of a pool of savestates, on threads.

A child is a copy of its parent's few kilobytes, and a machine runs in that copy: nothing is
saved, loaded or copied out but what was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.errors import EmulatorClosed, InputError, SavestateError
from copain.joypad import check_input_log
from copain.memory import Bytes
from copain.rollout import RolloutBatch, check_jobs, check_watch
from copain.rom import Rom
from copain.savestate import Savestate, SavestateHeader, check_savestate
from copain.system import NES, System

NAME = "colibri"
VERSION = _native.COLIBRI_VERSION
RAM_SIZE = 0x800
_MAX_SLOTS = 2**31 - 1  # slots are int32


@dataclass(frozen=True, slots=True)
class Game:
    """What all machines of a fleet have in common: the cartridge and its options."""

    rom: Rom
    system: System
    cartridge: _native.Cartridge
    region: int
    four_score: bool
    ram: int
    ram_seed: int

    def header(self, frame: int) -> SavestateHeader:
        """The header that a savestate of this game has at `frame`."""
        return SavestateHeader(NES.name, self.rom.sha1, NAME, VERSION, frame)

    def new_machine(self) -> _native.Machine:
        """A machine that was just powered on."""
        return _native.Machine(
            self.cartridge, self.region, self.four_score, self.ram, self.ram_seed
        )


class ColibriFleet:
    """Many machines of one game, batches of rollouts on threads; see `copain.Fleet`."""

    def __init__(self, game: Game, workers: int) -> None:
        """A fleet of `workers` threads. Raises InputError for less than one."""
        if workers < 1:
            raise InputError(f"open_fleet(workers={workers}): at least 1 is needed")
        self._game = game
        self._open: _native.MachineFleet | None = _native.MachineFleet(
            game.cartridge, workers, game.region, game.four_score, game.ram, game.ram_seed
        )

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
    def workers(self) -> int:
        """Threads that play."""
        return self.native.workers

    @property
    def native(self) -> _native.MachineFleet:
        """The native fleet, for benchmarks. Raises EmulatorClosed after `close`."""
        if self._open is None:
            raise EmulatorClosed(f"this fleet of {self.name} was closed; open it again")
        return self._open

    def new_pool(self, capacity: int) -> ColibriPool:
        """A native pool for up to `capacity` savestates, its memory taken as it fills."""
        if not 1 <= capacity <= _MAX_SLOTS:
            raise InputError(f"new_pool(capacity={capacity}): 1 to {_MAX_SLOTS} is allowed")
        return ColibriPool(self._game, capacity)

    def root(self) -> Savestate:
        """The savestate of power-on."""
        _ = self.native
        return Savestate(self._game.header(0), self._game.new_machine().save_state())

    def rollout(
        self,
        pool: ColibriPool,
        parents: npt.ArrayLike,
        inputs: npt.ArrayLike,
        *,
        keep: bool = True,
        watch: Sequence[int] | None = None,
        hash_mask: Bytes | None = None,
    ) -> RolloutBatch:
        """Play a batch on all threads; see `copain.rollout.Fleet.rollout`."""
        fleet, system = self.native, self._game.system
        log = check_input_log(inputs, system.ports, system.button_bits, "Fleet.rollout", 3)
        slots = check_jobs(parents, len(log), "Fleet.rollout")
        addresses = check_watch(watch, RAM_SIZE, "Fleet.rollout")
        mask = None if hash_mask is None else np.ascontiguousarray(hash_mask, np.uint8)
        if mask is not None and mask.shape != (RAM_SIZE,):
            raise InputError(
                f"Fleet.rollout: a hash mask of shape {mask.shape}; ({RAM_SIZE},) is needed"
            )
        jobs, frames = len(log), int(log.shape[1])
        batch = RolloutBatch(
            ram=np.empty((jobs, RAM_SIZE), np.uint8),
            watched=np.empty((jobs, frames, len(addresses)), np.uint8),
            slots=np.empty(jobs, np.int32),
            hashes=np.empty(jobs, np.uint64),
        )
        try:
            fleet.rollout(
                pool.native, slots, log, keep, addresses, mask,
                batch.ram, batch.watched, batch.slots, batch.hashes,
            )  # fmt: skip
        except _native.CoreError as error:
            raise SavestateError(f"Fleet.rollout: {error}") from None
        return batch

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


class ColibriPool:
    """Savestates of one game as slots in native memory; see `copain.rollout.Pool`."""

    def __init__(self, game: Game, capacity: int) -> None:
        """A pool for savestates of this game."""
        self._game = game
        try:
            self.native = _native.StatePool(game.cartridge, capacity, game.region, game.four_score)
        except _native.CoreError as error:
            raise SavestateError(f"new_pool(capacity={capacity}): {error}") from None

    @property
    def capacity(self) -> int:
        """How many savestates it can hold."""
        return self.native.capacity

    @property
    def used(self) -> int:
        """How many it holds."""
        return self.native.used

    def put(self, savestate: Savestate) -> int:
        """Store a savestate; its slot."""
        check_savestate(savestate, self._game.header(0))
        try:
            return self.native.put(savestate.payload)
        except _native.CoreError as error:
            raise SavestateError(f"Pool.put: {error}") from None

    def get(self, slot: int) -> Savestate:
        """The savestate in a slot, with bytes of its own."""
        try:
            payload, frame = self.native.get(slot)
        except _native.CoreError as error:
            raise SavestateError(f"Pool.get: {error}") from None
        return Savestate(self._game.header(frame), payload)

    def free(self, slots: npt.ArrayLike) -> None:
        """Give slots back."""
        given = np.ascontiguousarray(np.atleast_1d(np.asarray(slots)), np.int32)
        try:
            self.native.free(given)
        except _native.CoreError as error:
            raise SavestateError(f"Pool.free: {error}") from None

    def pack(self, slots: npt.ArrayLike, reference: Savestate) -> Bytes:
        """Savestates as differences to one; see `copain.rollout.PacksSavestates`."""
        given = np.ascontiguousarray(np.atleast_1d(np.asarray(slots)), np.int32)
        try:
            return _native.pack(self.native, given, reference.payload)
        except _native.CoreError as error:
            raise SavestateError(f"Pool.pack: {error}") from None

    def unpack(self, packed: Bytes, reference: Savestate) -> npt.NDArray[np.int32]:
        """Put back what `pack` gave; the slots."""
        check_savestate(reference, self._game.header(0))
        try:
            return _native.unpack(self.native, packed, reference.payload)
        except _native.CoreError as error:
            raise SavestateError(f"Pool.unpack: {error}") from None

    def put_on(
        self,
        shelf: _native.Shelf,
        slots: npt.NDArray[np.int32],
        ram: Bytes,
        rows: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Pack these rows of savestates and RAM onto a search's shelf: their numbers there."""
        try:
            return shelf.put(self.native, slots, ram, rows)
        except _native.CoreError as error:
            raise SavestateError(f"Pool.put_on: {error}") from None

    def take_from(
        self, shelf: _native.Shelf, numbers: npt.NDArray[np.int64], ram: Bytes
    ) -> npt.NDArray[np.int32]:
        """Unpack places of a shelf; their slots."""
        try:
            return shelf.take(self.native, numbers, ram)
        except _native.CoreError as error:
            raise SavestateError(f"Pool.take_from: {error}") from None
