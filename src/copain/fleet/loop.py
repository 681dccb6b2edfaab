"""LoopFleet: several emulators, each job of a batch played by a plain loop on one of them.

The reference of what `Fleet` means, and the way to a fleet for every emulator that has none of
its own. Each worker is a thread with its own emulator: worth it where an emulator runs in another
process, harmless where it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator, OfOneKind
from copain.errors import InputError, SavestateError
from copain.joypad import check_input_log
from copain.memory import Bytes
from copain.rollout import (
    Pool,
    RolloutBatch,
    Trajectory,
    check_jobs,
    check_watch,
    ram_hash,
    rollout,
)
from copain.savestate import Savestate, SavestateHeader, check_savestate


class LoopPool:
    """Savestates in numbered slots, the lowest free slot first; see `copain.rollout.Pool`."""

    def __init__(self, capacity: int, header: SavestateHeader) -> None:
        """A pool for savestates that go with `header`."""
        if capacity < 1:
            raise InputError(f"new_pool(capacity={capacity}): at least 1 is needed")
        self.capacity = capacity
        self._header = header
        self._held: dict[int, Savestate] = {}
        self._makers: dict[int, int] = {}

    @property
    def used(self) -> int:
        """How many savestates it holds."""
        return len(self._held)

    def put(self, savestate: Savestate) -> int:
        """Store a savestate; its slot."""
        check_savestate(savestate, self._header)
        (slot,) = self.allot(1, "Pool.put")
        self._held[slot] = savestate
        return slot

    def get(self, slot: int) -> Savestate:
        """The savestate in a slot."""
        if slot not in self._held:
            raise SavestateError(f"Pool.get({slot}): this slot is not in use")
        return self._held[slot]

    def free(self, slots: npt.ArrayLike) -> None:
        """Give slots back."""
        given: list[int] = np.atleast_1d(np.asarray(slots)).tolist()
        for slot in given:
            if slot not in self._held or given.count(slot) > 1:
                raise SavestateError(f"Pool.free: slot {slot} is not in use, or named twice")
        for slot in given:
            del self._held[slot]
            self._makers.pop(slot, None)

    def allot(self, count: int, call: str) -> list[int]:
        """Slots for `count` savestates to come. Raises SavestateError when they do not fit."""
        if self.used + count > self.capacity:
            raise SavestateError(
                f"{call}: {count} more savestates do not fit: "
                f"{self.used} of {self.capacity} slots are in use"
            )
        free = (slot for slot in range(self.capacity) if slot not in self._held)
        return [next(free) for _ in range(count)]

    def fill(self, slots: Sequence[int], made: Sequence[tuple[Savestate, int]]) -> None:
        """Store savestates, each with the worker that made it, in the slots that `allot` gave."""
        for slot, (savestate, worker) in zip(slots, made, strict=True):
            self._held[slot], self._makers[slot] = savestate, worker

    def maker(self, slot: int) -> int | None:
        """The worker that made the savestate in a slot, or None when it was put there."""
        return self._makers.get(slot)


class LoopFleet(OfOneKind[Emulator]):
    """A fleet on any emulator, by plain loops over `Emulator`; see `copain.rollout.Fleet`."""

    def __init__(
        self, factory: Callable[[], Emulator], workers: int, first: Emulator | None = None
    ) -> None:
        """`workers` emulators from `factory`; `first`, when given, is one of them, and owned."""
        self._threads = ThreadPoolExecutor(workers) if workers > 1 else None
        self._emulators = [factory() if first is None else first]
        try:
            while len(self._emulators) < workers:
                self._emulators.append(factory())
        except BaseException:
            self.close()
            raise

    @property
    def ram_size(self) -> int:
        """Bytes of work RAM."""
        return len(self._emulators[0].ram)

    @property
    def workers(self) -> int:
        """Emulators that play at the same time."""
        return len(self._emulators)

    def new_pool(self, capacity: int) -> LoopPool:
        """A pool for up to `capacity` savestates."""
        return LoopPool(capacity, self.root().header)

    def root(self) -> Savestate:
        """The savestate of power-on."""
        self._emulators[0].power_on()
        return self._emulators[0].save_state()

    def rollout(
        self,
        pool: Pool,
        parents: npt.ArrayLike,
        inputs: npt.ArrayLike,
        *,
        keep: bool = True,
        watch: Sequence[int] | None = None,
        hash_mask: Bytes | None = None,
    ) -> RolloutBatch:
        """Play a batch; see `copain.rollout.Fleet.rollout`."""
        call = "Fleet.rollout"
        log = check_input_log(inputs, self.system.ports, self.system.button_bits, call, 3)
        jobs = len(log)
        if not isinstance(pool, LoopPool):
            raise SavestateError(f"{call}: this pool is not of this fleet; see Fleet.new_pool")
        origins: list[int] = check_jobs(parents, jobs, call).tolist()
        starts = [pool.get(slot) for slot in origins]
        addresses = check_watch(watch, self.ram_size, call)
        if hash_mask is not None and np.shape(hash_mask) != (self.ram_size,):
            raise InputError(
                f"{call}: a hash mask of shape {np.shape(hash_mask)}; ({self.ram_size},) is needed"
            )
        slots = pool.allot(jobs, call) if keep else []
        watched = addresses.tolist()

        shares = self._shares(starts, [pool.maker(slot) for slot in origins])

        def play(worker: int) -> list[Trajectory]:
            emulator = self._emulators[worker]
            return [rollout(emulator, starts[job], log[job], watched) for job in shares[worker]]

        ends: dict[int, Trajectory] = {}
        makers: dict[int, int] = {}
        everyone = range(self.workers)
        all_played = self._threads.map(play, everyone) if self._threads else map(play, everyone)
        for worker, played in enumerate(all_played):
            ends.update(zip(shares[worker], played, strict=True))
            makers.update(dict.fromkeys(shares[worker], worker))
        ram = np.zeros((jobs, self.ram_size), np.uint8)
        record = np.zeros((jobs, log.shape[1], len(addresses)), np.uint8)
        for job, end in ends.items():
            ram[job], record[job] = end.ram, end.watched
        if keep:
            pool.fill(slots, [(ends[job].savestate, makers[job]) for job in range(jobs)])
        return RolloutBatch(
            ram=ram,
            watched=record,
            slots=np.array(slots if keep else [-1] * jobs, np.int32),
            hashes=ram_hash(ram, hash_mask),
        )

    def _shares(self, starts: list[Savestate], makers: list[int | None]) -> list[list[int]]:
        """Which jobs each worker plays: evenly, and from its own savestates where possible.

        A savestate may be no more than a handle inside the emulator that made it. The bytes of
        those that another worker plays from are fetched here, while nobody plays.
        """
        most = -(-len(starts) // self.workers)
        shares: list[list[int]] = [[] for _ in range(self.workers)]
        others: list[int] = []
        for job, maker in enumerate(makers):
            own = maker is not None and len(shares[maker]) < most
            (shares[maker] if own and maker is not None else others).append(job)
        for job in others:
            worker = min(range(self.workers), key=lambda each: len(shares[each]))
            shares[worker].append(job)
            if worker != makers[job] and self.workers > 1:
                _ = starts[job].payload
        return shares

    def close(self) -> None:
        """Close all emulators."""
        if self._threads:
            self._threads.shutdown()
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
