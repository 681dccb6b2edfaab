"""An emulator that costs next to nothing, to see what a search itself costs.

A machine is 13 KB, the first 2 KB of it are RAM. A frame is a difference that was recorded in
Alouette, XORed into it: which one depends on the frame and on what is held. Half of the actions
do the same as another one, so that a search meets places again.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

import copain
from copain import _native
from copain.backends.colibri import ColibriEmulator
from copain.errors import SavestateError
from copain.games import game_by_name, ram_map_of, rom_path
from copain.games.game import Action, Flags, Game, Numbers
from copain.joypad import IDLE, FrameInput, Held, Joypad, held_bits
from copain.memory import Bytes, Memory
from copain.rollout import RolloutBatch
from copain.rom import as_rom
from copain.savestate import Savestate, SavestateHeader
from copain.system import NES

RAM_SIZE, STATE_SIZE = 2048, 13 * 1024
ACTIONS = 8
KINDS = ACTIONS // 2
WORDS = STATE_SIZE // 8
RAM_WORDS = RAM_SIZE // 8
SPARE, FRAME, HASH = WORDS - 3, WORDS - 2, WORDS - 1
"""Words of a machine: one that never changes, its frame, and the hash of its RAM."""
MOST_WORDS = 96
"""Words that differ after a frame, at most."""

Words = npt.NDArray[np.uint64]


class Recorded:
    """Differences between a frame and the next one: `at` and `words` (differences, MOST_WORDS)."""

    def __init__(self, count: int = 512) -> None:
        chance = np.random.default_rng(1)
        states = np.zeros((count + 1, SPARE), np.uint64)
        with copain.open(rom_path("alouette"), emulator="colibri") as nes:
            assert isinstance(nes, ColibriEmulator)
            for held, frames in game_by_name("alouette").start:
                nes.advance(held, frames=frames)
            for row in range(count + 1):
                nes.advance(Joypad.from_bits(int(chance.integers(16)) << 4))
                payload = nes.ram.read_all().tobytes() + nes.save_state().payload
                whole = np.frombuffer(payload[: 8 * (SPARE)].ljust(8 * (SPARE), b"\0"), "<u8")
                states[row] = whole
        changes = states[1:] ^ states[:-1]
        # Where fewer differ, the rest changes nothing in a word that nobody else changes.
        self.at = np.full((count, MOST_WORDS), SPARE)
        self.words = np.zeros((count, MOST_WORDS), np.uint64)
        self.hashes = chance.integers(0, 2**64, count, np.uint64)
        for row, change in enumerate(changes):
            at = np.flatnonzero(change)[:MOST_WORDS]
            self.at[row, : len(at)] = at
            self.words[row, : len(at)] = change[at]
        self.first = states[0]

    def __len__(self) -> int:
        return len(self.at)


class SyntheticEmulator:
    """One such machine."""

    name, version, system, frame_rate = "synthetic", "1", NES, NES.frame_rate

    def __init__(self, recorded: Recorded) -> None:
        """Powered on."""
        self.rom = as_rom(rom_path("alouette"))
        self.recorded = recorded
        self.ram = Memory("ram", RAM_SIZE, self)
        self.power_on()

    @property
    def frame(self) -> int:
        """Frames since power-on."""
        return int(self._state[FRAME])

    def read(self, address: int, length: int) -> bytes:
        """RAM."""
        return self._state.view(np.uint8)[address : address + length].tobytes()

    def write(self, address: int, data: bytes) -> None:
        """RAM."""
        raise NotImplementedError("nothing writes here")

    def power_on(self) -> None:
        """The first machine."""
        self._state = np.zeros(WORDS, np.uint64)
        self._state[:SPARE] = self.recorded.first

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        """Frames with the same buttons held."""
        bits = held_bits(held, NES.ports, NES.button_bits)[0]
        for _ in range(frames):
            play(self.recorded, self._state[None], np.array([bits]))

    def save_state(self) -> Savestate:
        """A savestate."""
        return Savestate(self.header(self.frame), self._state.tobytes())

    def load_state(self, state: Savestate) -> None:
        """Come back to it."""
        self._state = np.frombuffer(state.payload, np.uint64).copy()

    def header(self, frame: int) -> SavestateHeader:
        """A savestate's header."""
        return SavestateHeader(NES.name, self.rom.sha1, self.name, self.version, frame)

    def open_fleet(self, workers: int) -> SyntheticFleet:
        """Many of them."""
        return SyntheticFleet(self, workers)

    def close(self) -> None:
        """Nothing to end."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def play(recorded: Recorded, states: Words, held: npt.NDArray[np.integer]) -> None:
    """A frame of each machine, in place."""
    which = (states[:, FRAME].astype(np.int64) * KINDS + held % KINDS) % len(recorded)
    flat = states.reshape(-1)
    at = recorded.at[which] + np.arange(len(states))[:, None] * WORDS
    flat[at] ^= recorded.words[which]
    states[:, FRAME] += np.uint64(1)
    states[:, HASH] ^= recorded.hashes[which]


class SyntheticPool:
    """Machines as rows."""

    def __init__(self, emulator: SyntheticEmulator, capacity: int) -> None:
        """Room for `capacity`."""
        self.emulator, self.capacity = emulator, capacity
        self.states = np.empty((capacity, WORDS), np.uint64)
        self._free = np.arange(capacity, dtype=np.int32)[::-1].copy()
        self._left = capacity

    @property
    def used(self) -> int:
        """How many there are."""
        return self.capacity - self._left

    def allot(self, count: int) -> npt.NDArray[np.int32]:
        """Slots."""
        if count > self._left:
            raise SavestateError(f"the pool is full: {self.used} of {self.capacity}")
        self._left -= count
        return self._free[self._left : self._left + count][::-1].copy()

    def put(self, savestate: Savestate) -> int:
        """Store one."""
        slot = int(self.allot(1)[0])
        self.states[slot] = np.frombuffer(savestate.payload, np.uint64)
        return slot

    def get(self, slot: int) -> Savestate:
        """One of them."""
        state = self.states[slot]
        return Savestate(self.emulator.header(int(state[FRAME])), state.tobytes())

    def free(self, slots: npt.ArrayLike) -> None:
        """Give slots back."""
        given = np.atleast_1d(np.asarray(slots, np.int32))
        self._free[self._left : self._left + len(given)] = given
        self._left += len(given)

    def pack(self, slots: npt.ArrayLike, reference: Savestate) -> Bytes:
        """Savestates as differences: rows, as RAM is."""
        rows = self.states[np.asarray(slots)].view(np.uint8)
        return _native.pack_rows(rows)

    def unpack(self, packed: Bytes, reference: Savestate) -> npt.NDArray[np.int32]:
        """Not needed to measure."""
        raise NotImplementedError

    def put_on(
        self,
        shelf: _native.Shelf,
        slots: npt.NDArray[np.int32],
        ram: Bytes,
        rows: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Pack machines onto a shelf."""
        return shelf.put(self.states.view(np.uint8), slots, ram, rows)

    def take_from(
        self, shelf: _native.Shelf, numbers: npt.NDArray[np.int64], ram: Bytes
    ) -> npt.NDArray[np.int32]:
        """Unpack them."""
        slots = self.allot(len(numbers))
        shelf.take(self.states.view(np.uint8), slots, numbers, ram)
        return slots


class SyntheticFleet:
    """Many machines on threads; NumPy's large operations run at the same time."""

    name, version, system, ram_size = "synthetic", "1", NES, RAM_SIZE

    def __init__(self, emulator: SyntheticEmulator, workers: int) -> None:
        """A fleet."""
        self.emulator, self.workers, self.rom = emulator, workers, emulator.rom
        self._threads = ThreadPoolExecutor(workers)

    def new_pool(self, capacity: int) -> SyntheticPool:
        """A pool."""
        return SyntheticPool(self.emulator, capacity)

    def root(self) -> Savestate:
        """Power-on."""
        return SyntheticEmulator(self.emulator.recorded).save_state()

    def rollout(
        self,
        pool: SyntheticPool,
        parents: npt.ArrayLike,
        inputs: npt.ArrayLike,
        *,
        keep: bool = True,
        watch: Sequence[int] | None = None,
        hash_mask: Bytes | None = None,
    ) -> RolloutBatch:
        """Play a batch."""
        assert keep
        assert watch is None
        # Its hashes are its own, which only a masked search does not compare along its line.
        assert hash_mask is None or hash_mask.all()
        log, slots = np.asarray(inputs), np.asarray(parents)
        batch = RolloutBatch(
            ram=np.empty((len(log), RAM_SIZE), np.uint8),
            watched=np.empty((len(log), log.shape[1], 0), np.uint8),
            slots=pool.allot(len(log)),
            hashes=np.empty(len(log), np.uint64),
        )

        def run(jobs: slice) -> None:
            states = pool.states[slots[jobs]]
            for frame in range(log.shape[1]):
                play(self.emulator.recorded, states, log[jobs, frame, 0].astype(np.int64))
            pool.states[batch.slots[jobs]] = states
            batch.ram[jobs] = states[:, :RAM_WORDS].view(np.uint8)
            batch.hashes[jobs] = states[:, HASH]

        each = -(-len(log) // self.workers)
        list(self._threads.map(run, [slice(at, at + each) for at in range(0, len(log), each)]))
        return batch

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class SyntheticGame(Game):
    """What its RAM is taken to mean: some lines die, none wins, all actions are allowed."""

    name = "synthetic"
    actions = tuple(
        Action(str(bits), FrameInput((Joypad.from_bits(bits),))) for bits in range(ACTIONS)
    )
    start = ((IDLE, 1),)

    def __init__(self) -> None:
        self.ram_map = ram_map_of("alouette")

    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """About one in sixteen."""
        return (ram[..., 0x33] ^ prev[..., 0x20] ^ ram[..., 0x40]) & 15 == 15

    def won(self, prev: Bytes, ram: Bytes) -> Flags:
        """Never."""
        return np.zeros(ram.shape[:-1], np.bool_)

    def score(self, ram: Bytes) -> Numbers:
        """Digits, as games have them."""
        return self.value(ram, "score")
