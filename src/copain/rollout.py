"""Rollouts: many frames played from a savestate in one call, and what was seen on the way.

`rollout` works on any emulator; its reference is `rollout_by_loop`, a plain loop over
`Emulator.advance`. A backend that does it faster (the capability `HasRollout`, or a `Fleet`)
gives the same RAM.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator
from copain.errors import InputError, MemoryRangeError, SavestateError
from copain.joypad import FrameInput, InputLog, Joypad, check_input_log
from copain.memory import Bytes
from copain.rom import Rom
from copain.savestate import Savestate
from copain.system import System


@dataclass(frozen=True, slots=True)
class Trajectory:
    """The record of one rollout.

    `watched` is ``uint8 (frames, watched addresses)``, the bytes after each frame; `ram` is
    ``uint8 (ram_size,)`` at the end; `savestate` is the end. All owned by the caller.
    """

    watched: Bytes
    ram: Bytes
    savestate: Savestate


@dataclass(frozen=True, slots=True)
class RolloutBatch:
    """The records of a batch of B rollouts of T frames.

    `ram`: ``uint8 (B, ram_size)`` at the end. `watched`: ``uint8 (B, T, watched addresses)``
    after each frame (no addresses when nothing was watched). `slots`: ``int32 (B,)``, where in
    the pool each end was kept, or -1. `hashes`: ``uint64 (B,)``, of the RAM at the end, under
    the mask when one was given (see `ram_hash`).
    """

    ram: Bytes
    watched: Bytes
    slots: npt.NDArray[np.int32]
    hashes: npt.NDArray[np.uint64]


@runtime_checkable
class HasRollout(Protocol):
    """The emulator plays a whole rollout in one call."""

    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory: ...


class Pool(Protocol):
    """Savestates of one game as numbered slots, so that one parent has many children."""

    @property
    def capacity(self) -> int: ...
    @property
    def used(self) -> int: ...
    def put(self, savestate: Savestate) -> int:
        """Store a savestate; its slot. Raises SavestateError if it is not ours, or when full."""
        ...

    def get(self, slot: int) -> Savestate:
        """The savestate in a slot, with bytes of its own."""
        ...

    def free(self, slots: npt.ArrayLike) -> None:
        """Give slots back. Raises SavestateError for one that is not in use."""
        ...


@runtime_checkable
class PacksSavestates(Protocol):
    """The pool packs many savestates at once, as differences to one: a twentieth of the bytes."""

    def pack(self, slots: npt.ArrayLike, reference: Savestate) -> Bytes:
        """The savestates in these slots: ``uint8 (n,)``. Raises SavestateError as `Pool.get`."""
        ...

    def unpack(self, packed: Bytes, reference: Savestate) -> npt.NDArray[np.int32]:
        """Put them back: their slots, in order.

        Raises SavestateError, and puts nothing, for bytes or a reference that are not of this
        game, and when the pool cannot take them all.
        """
        ...


class Fleet(Protocol):
    """Many copies of one game on one kind of emulator."""

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
    def workers(self) -> int:
        """How many rollouts run at the same time."""
        ...

    def new_pool(self, capacity: int) -> Pool:
        """A pool that holds up to `capacity` savestates."""
        ...

    def root(self) -> Savestate:
        """The savestate of power-on: frame 0."""
        ...

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
        """Play ``inputs[b]`` (``uint16 (B, T, ports)``) from slot ``parents[b]``, for each b.

        With `keep` the ends get slots of the same pool (all or none: SavestateError when the
        pool cannot take them all, before a frame is played). `watch` are addresses in RAM to
        record after each frame. The result does not depend on the number of workers.
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
class HasFleet(Protocol):
    """The emulator can make a fleet of copies of itself in this process."""

    def open_fleet(self, workers: int) -> Fleet: ...


def rollout(
    emulator: Emulator,
    savestate: Savestate,
    inputs: npt.ArrayLike,
    watch: Sequence[int] = (),
) -> Trajectory:
    """Play `inputs` (``uint16 (frames, ports)``) from `savestate`, in one call where possible.

    `watch` are addresses in RAM to record after each frame. The emulator stands at the end of
    the rollout. Raises InputError, MemoryRangeError or SavestateError before the first frame.
    """
    if isinstance(emulator, HasRollout):
        return emulator.rollout(savestate, inputs, watch)
    return rollout_by_loop(emulator, savestate, inputs, watch)


def rollout_by_loop(
    emulator: Emulator,
    savestate: Savestate,
    inputs: npt.ArrayLike,
    watch: Sequence[int] = (),
) -> Trajectory:
    """What a rollout is: a plain loop over `Emulator.advance`."""
    log = check_input_log(inputs, emulator.system.ports, emulator.system.button_bits, "rollout")
    addresses = check_watch(watch, len(emulator.ram), "rollout")
    watched = np.zeros((len(log), len(addresses)), np.uint8)
    emulator.load_state(savestate)
    for frame, held in enumerate(frame_inputs(log)):
        emulator.advance(held)
        if len(addresses):
            watched[frame] = emulator.ram.read_all()[addresses]
    return Trajectory(watched, emulator.ram.read_all(), emulator.save_state())


def frame_inputs(log: InputLog) -> list[FrameInput]:
    """The rows of an input log as FrameInputs."""
    return [FrameInput(tuple(Joypad.from_bits(int(bits)) for bits in row)) for row in log]


def input_log(inputs: Sequence[FrameInput], ports: int) -> InputLog:
    """FrameInputs as an input log, ``uint16 (frames, ports)``."""
    log = np.zeros((len(inputs), ports), np.uint16)
    for frame, held in enumerate(inputs):
        log[frame] = held.bits(ports)
    return log


def check_watch(watch: Sequence[int] | None, ram_size: int, what: str) -> npt.NDArray[np.int64]:
    """Watched addresses as ``int64``. Raises MemoryRangeError that begins with `what`."""
    try:
        addresses = np.asarray([] if watch is None else watch)
    except ValueError as error:
        raise MemoryRangeError(f"{what}: watch is a sequence of addresses: {error}") from None
    if addresses.size == 0:
        return np.zeros(0, np.int64)
    if addresses.ndim != 1 or addresses.dtype.kind not in "iu":
        raise MemoryRangeError(f"{what}: watch is a sequence of addresses, not {watch!r}")
    low, high = int(addresses.min()), int(addresses.max())
    if low < 0 or high >= ram_size:
        raise MemoryRangeError(
            f"{what}: watched addresses {low:#x} to {high:#x}; RAM is 0 to {ram_size - 1:#x}"
        )
    return addresses.astype(np.int64)


def check_jobs(parents: npt.ArrayLike, jobs: int, what: str) -> npt.NDArray[np.int32]:
    """Parents as ``int32 (jobs,)``. Raises InputError, or SavestateError for no possible slot."""
    try:
        slots = np.asarray(parents)
    except ValueError as error:
        raise InputError(f"{what}: parents is a sequence of slots: {error}") from None
    if slots.shape != (jobs,) or (jobs and slots.dtype.kind not in "iu"):
        raise InputError(
            f"{what}: parents of shape {slots.shape} and type {slots.dtype}; "
            f"one slot for each of the {jobs} input logs is needed"
        )
    if jobs and not 0 <= int(slots.min()) <= int(slots.max()) < 1 << 31:
        raise SavestateError(
            f"{what}: parents from {slots.min()} to {slots.max()}; slots count from 0"
        )
    return np.ascontiguousarray(slots, np.int32)


def ram_hash(ram: Bytes, mask: Bytes | None = None) -> npt.NDArray[np.uint64]:
    """64-bit hashes of a batch of RAM, ``uint8 (..., size)`` to ``uint64 (...)``.

    RAM is taken as little-endian 64-bit words, the last one filled with zeros, each word ANDed
    with the mask's. Word i is multiplied by an odd constant of its own, the products are folded
    and added, the sum is mixed (the finaliser of SplitMix64,
    https://prng.di.unimi.it/splitmix64.c). The native host computes the same number.
    """
    size = ram.shape[-1]
    words_count = (size + 7) // 8
    data = ram if mask is None else ram & mask
    if size % 8:
        padded = np.zeros((*ram.shape[:-1], words_count * 8), np.uint8)
        padded[..., :size] = data
        data = padded
    words = np.ascontiguousarray(data).view("<u8").astype(np.uint64)
    with np.errstate(over="ignore"):
        product = (words ^ (words >> np.uint64(32))) * _multipliers(words_count)
        product ^= product >> np.uint64(29)
        total = product.sum(axis=-1, dtype=np.uint64) + np.uint64(size)
        return _mix(total)


def _multipliers(count: int) -> npt.NDArray[np.uint64]:
    """Odd constants, one a word: SplitMix64 of the word's number, made odd."""
    with np.errstate(over="ignore"):
        seed = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return _mix(seed) | np.uint64(1)


def _mix(z: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
