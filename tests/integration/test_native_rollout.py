"""Batches of rollouts on real cores against the plain loop."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest
from native_cores import NES_CORES, RAM, START, open_core, read_ram, some_inputs

from copain import _native
from copain.rollout import ram_hash

NO_ADDRESSES = np.zeros(0, np.int64)
SIZE = 0x800


@dataclass
class Batch:
    """Arrays for B jobs of T frames with W watched addresses, and what a rollout wrote there."""

    jobs: int
    frames: int
    width: int = 0
    ram: npt.NDArray[np.uint8] = field(init=False)
    watched: npt.NDArray[np.uint8] = field(init=False)
    slots: npt.NDArray[np.int32] = field(init=False)
    hashes: npt.NDArray[np.uint64] = field(init=False)

    def __post_init__(self) -> None:
        self.ram = np.zeros((self.jobs, SIZE), np.uint8)
        self.watched = np.zeros((self.jobs, self.frames, self.width), np.uint8)
        self.slots = np.zeros(self.jobs, np.int32)
        self.hashes = np.zeros(self.jobs, np.uint64)

    def play(
        self,
        cores: list[_native.Core],
        pool: _native.Pool,
        parents: npt.NDArray[np.int32],
        inputs: npt.NDArray[np.uint16],
        keep: bool = True,
        watch: npt.NDArray[np.int64] = NO_ADDRESSES,
        mask: npt.NDArray[np.uint8] | None = None,
    ) -> None:
        _native.rollout(
            cores, pool, parents, inputs, keep, watch, mask,
            self.ram, self.watched, self.slots, self.hashes,
        )  # fmt: skip


@pytest.fixture(params=NES_CORES)
def cores(request: pytest.FixtureRequest) -> list[_native.Core]:
    """Two instances of each NES core."""
    return [open_core(request.param), open_core(request.param)]


@pytest.fixture
def pool(cores: list[_native.Core]) -> _native.Pool:
    """A pool with two savestates: the title in slot 0, the game in slot 1."""
    pool = _native.Pool(cores[0].serialize_size + 4096, 100)
    cores[0].advance((0, 0), 60)
    pool.put(cores[0].save_state(), 60)
    cores[0].advance((START, 0), 4)
    cores[0].advance((0, 0), 400)
    pool.put(cores[0].save_state(), 464)
    return pool


PARENTS = np.arange(24, dtype=np.int32) % 2


def test_gives_what_the_plain_loop_gives(cores: list[_native.Core], pool: _native.Pool) -> None:
    inputs = some_inputs((24, 30, 2))
    watch = np.array([0, 0x20, 0x7FF, 0x20], np.int64)
    batch = Batch(24, 30, 4)
    batch.play(cores, pool, PARENTS, inputs, watch=watch)
    assert batch.slots.tolist() == list(range(2, 26))
    assert pool.used == 26
    loop = cores[1]
    for job, parent in enumerate(PARENTS):
        state, frame = pool.get(int(parent))
        loop.load_state(state)
        for t in range(30):
            loop.advance(inputs[job, t].tolist(), 1)
            ram = np.frombuffer(read_ram(loop), np.uint8)
            assert batch.watched[job, t].tolist() == ram[watch].tolist()
        assert batch.ram[job].tobytes() == read_ram(loop)
        end, end_frame = pool.get(int(batch.slots[job]))
        assert end_frame == frame + 30
        # A savestate is what it leads to.
        loop.advance((1, 0), 5)
        ram = read_ram(loop)
        loop.load_state(end)
        loop.advance((1, 0), 5)
        assert read_ram(loop) == ram
    assert len(set(batch.hashes.tolist())) > 2


def test_does_not_depend_on_the_threads(cores: list[_native.Core], pool: _native.Pool) -> None:
    inputs = some_inputs((24, 6, 2))
    one, two = Batch(24, 6), Batch(24, 6)
    one.play(cores[:1], pool, PARENTS, inputs)
    pool.free(one.slots)
    two.play(cores, pool, PARENTS, inputs)
    assert (one.ram == two.ram).all()
    assert (one.slots == two.slots).all()
    assert (one.hashes == two.hashes).all()


def test_hashes_are_those_of_copain(cores: list[_native.Core], pool: _native.Pool) -> None:
    inputs = some_inputs((24, 3, 2))
    mask = np.random.default_rng(4).integers(0, 256, SIZE, dtype=np.uint8)
    batch = Batch(24, 3)
    batch.play(cores, pool, PARENTS, inputs, keep=False)
    assert (batch.hashes == ram_hash(batch.ram)).all()
    batch.play(cores, pool, PARENTS, inputs, keep=False, mask=mask)
    assert (batch.hashes == ram_hash(batch.ram, mask)).all()


def test_keeping_nothing(cores: list[_native.Core], pool: _native.Pool) -> None:
    batch = Batch(24, 2)
    batch.play(cores, pool, PARENTS, some_inputs((24, 2, 2)), keep=False)
    assert batch.slots.tolist() == [-1] * 24
    assert pool.used == 2


def test_one_port_is_the_first(cores: list[_native.Core], pool: _native.Pool) -> None:
    inputs = some_inputs((24, 8, 2))
    inputs[:, :, 1] = 0
    both, first = Batch(24, 8), Batch(24, 8)
    both.play(cores, pool, PARENTS, inputs, keep=False)
    first.play(cores, pool, PARENTS, np.ascontiguousarray(inputs[:, :, :1]), keep=False)
    assert (both.ram == first.ram).all()


def test_no_jobs_and_no_frames(cores: list[_native.Core], pool: _native.Pool) -> None:
    Batch(0, 5).play(cores, pool, PARENTS[:0], np.zeros((0, 5, 2), np.uint16))
    batch = Batch(2, 0)
    batch.play(cores, pool, PARENTS[:2], np.zeros((2, 0, 2), np.uint16))
    cores[0].load_state(pool.get(1)[0])
    assert batch.ram[1].tobytes() == read_ram(cores[0])
    assert pool.get(int(batch.slots[1]))[1] == 464


def test_one_job_leaves_its_picture(cores: list[_native.Core], pool: _native.Pool) -> None:
    inputs = some_inputs((1, 9, 2))
    Batch(1, 9).play(cores[:1], pool, PARENTS[:1], inputs, keep=False)
    cores[1].load_state(pool.get(0)[0])
    for held in inputs[0].tolist():
        cores[1].advance(held, 1)
    assert (cores[0].screen == cores[1].screen).all()


def test_a_pool_gives_back_what_was_put(pool: _native.Pool) -> None:
    for length in (0, 1, 5000, pool.slot_size):
        slot = pool.put(bytes(length), length + 2**40)
        assert pool.get(slot) == (bytes(length), length + 2**40)


def test_the_lowest_free_slot_comes_first(pool: _native.Pool) -> None:
    slots = [pool.put(b"x", 0) for _ in range(5)]
    assert slots == [2, 3, 4, 5, 6]
    pool.free(np.array([5, 3], np.int32))
    assert [pool.put(b"y", 0) for _ in range(3)] == [3, 5, 7]


class TestRefusals:
    """What is refused leaves the pool as it was."""

    def test_bad_parents(self, cores: list[_native.Core], pool: _native.Pool) -> None:
        inputs = some_inputs((24, 2, 2))
        for wrong in (2, -1, 100, 2**31 - 1, -(2**31)):
            parents = PARENTS.copy()
            parents[7] = wrong
            with pytest.raises(_native.CoreError, match="parent"):
                Batch(24, 2).play(cores, pool, parents, inputs)
        assert pool.used == 2

    def test_a_full_pool(self, cores: list[_native.Core], pool: _native.Pool) -> None:
        for _ in range(80):
            pool.put(b"", 0)
        with pytest.raises(_native.CoreError, match="full: 82 of its 100"):
            Batch(24, 2).play(cores, pool, PARENTS, some_inputs((24, 2, 2)))
        assert pool.used == 82

    def test_a_refused_savestate(self, cores: list[_native.Core], pool: _native.Pool) -> None:
        parents = np.full(24, pool.put(b"not a savestate", 0), np.int32)
        batch = Batch(24, 2)
        with pytest.raises(_native.CoreError, match="refuses this savestate of 15 bytes"):
            batch.play(cores, pool, parents, some_inputs((24, 2, 2)))
        assert pool.used == 3
        assert batch.slots.tolist() == [-1] * 24

    def test_addresses_outside_of_ram(self, cores: list[_native.Core], pool: _native.Pool) -> None:
        for wrong in (-1, SIZE, 2**62, -(2**62)):
            with pytest.raises(_native.CoreError, match="outside of RAM"):
                Batch(24, 2, 1).play(
                    cores, pool, PARENTS, some_inputs((24, 2, 2)), watch=np.array([wrong])
                )

    def test_arrays_that_do_not_fit(self, cores: list[_native.Core], pool: _native.Pool) -> None:
        inputs = some_inputs((24, 2, 2))
        for other in (Batch(23, 2), Batch(24, 3), Batch(24, 2, 1), Batch(25, 2)):
            with pytest.raises(_native.CoreError, match="do not fit"):
                other.play(cores, pool, PARENTS, inputs)
        with pytest.raises(_native.CoreError, match="do not fit"):
            Batch(24, 2).play(cores, pool, PARENTS[:3], inputs)
        with pytest.raises(_native.CoreError, match="do not fit"):
            Batch(24, 2).play(cores, pool, PARENTS, inputs, mask=np.zeros(5, np.uint8))
        short = Batch(24, 2)
        short.ram = np.zeros((24, 5), np.uint8)
        with pytest.raises(_native.CoreError, match="2048 bytes of RAM"):
            short.play(cores, pool, PARENTS, inputs)
        with pytest.raises(_native.CoreError, match="at most 8"):
            Batch(24, 2).play(cores, pool, PARENTS, np.zeros((24, 2, 9), np.uint16))
        assert pool.used == 2

    def test_arrays_of_other_types(self, cores: list[_native.Core], pool: _native.Pool) -> None:
        inputs = some_inputs((24, 2, 2))
        with pytest.raises(TypeError):
            Batch(24, 2).play(cores, pool, PARENTS, inputs.astype(np.int64))  # pyright: ignore
        with pytest.raises(TypeError):
            Batch(24, 2).play(cores, pool, PARENTS, inputs[:, ::-1])
        fixed = Batch(24, 2)
        fixed.ram.flags.writeable = False
        with pytest.raises(TypeError):
            fixed.play(cores, pool, PARENTS, inputs)
        with pytest.raises(TypeError):
            Batch(24, 2).play([cores[0], "core"], pool, PARENTS, inputs)  # pyright: ignore

    def test_cores(self, cores: list[_native.Core], pool: _native.Pool) -> None:
        inputs = some_inputs((24, 2, 2))
        with pytest.raises(_native.CoreError, match="at least one core"):
            Batch(24, 2).play([], pool, PARENTS, inputs)
        with pytest.raises(_native.CoreError, match="in use"):
            Batch(24, 2).play([cores[0], cores[0]], pool, PARENTS, inputs)
        cores[1].close()
        with pytest.raises(_native.CoreError, match="closed"):
            Batch(24, 2).play(cores, pool, PARENTS, inputs)
        assert pool.used == 2

    def test_slots(self, pool: _native.Pool) -> None:
        for wrong in ([0, 5], [1, 1], [-1], [100]):
            with pytest.raises(_native.CoreError, match="not in use"):
                pool.free(np.array(wrong, np.int32))
        assert pool.used == 2
        with pytest.raises(_native.CoreError, match="not in use"):
            pool.get(2)
        with pytest.raises(_native.CoreError, match="does not fit"):
            pool.put(bytes(pool.slot_size + 1), 0)

    def test_pools_too_large_for_this_world(self) -> None:
        for size, capacity in ((2**40, 1), (1, 2**40), (2**31 - 1, 2**31 - 1)):
            with pytest.raises(_native.CoreError, match="pool"):
                _native.Pool(size, capacity)
        nothing = _native.Pool(0, 0)
        with pytest.raises(_native.CoreError, match="full"):
            nothing.put(b"", 0)


def test_ram_of_another_size_is_refused(cores: list[_native.Core]) -> None:
    with pytest.raises(_native.CoreError, match="outside of this memory"):
        cores[0].read_memory(RAM, SIZE - 1, 2)


def test_rollouts_without_drawing_give_the_same_ram(
    cores: list[_native.Core], pool: _native.Pool
) -> None:
    inputs = some_inputs((24, 6, 2))
    drawn, dark = Batch(24, 6), Batch(24, 6)
    drawn.play(cores, pool, PARENTS, inputs, keep=False)
    for core in cores:
        assert core.draws_in_rollouts
        core.draws_in_rollouts = False
    dark.play(cores, pool, PARENTS, inputs, keep=False)
    assert (drawn.ram == dark.ram).all()
