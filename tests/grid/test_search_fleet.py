"""LoopFleet: what a fleet means, on any emulator."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest

import copain
from copain import InputError, SavestateError
from copain.fleet import LoopFleet, open_fleet
from copain.rollout import Fleet, ram_hash, rollout_by_loop


@pytest.fixture(params=[1, 3])
def fleet(request: pytest.FixtureRequest, grid_rom: copain.Rom) -> Generator[Fleet]:
    with open_fleet(lambda: copain.open(grid_rom), request.param) as opened:
        assert opened.workers == request.param
        yield opened


def inputs(seed: int, jobs: int, frames: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint16]]:
    chosen = np.random.default_rng(seed).choice([0, 1, 16, 32, 64, 128], (jobs, frames // 4))
    return np.repeat(chosen, 4, axis=1).astype(np.uint16)[..., None]


def test_a_rollout_is_the_plain_loop(fleet: Fleet, grid: copain.Emulator, seed: int) -> None:
    grid.advance(copain.Joypad(start=True))
    start = grid.save_state()
    pool = fleet.new_pool(50)
    parent = pool.put(start)
    log = inputs(seed, 20, 40)
    batch = fleet.rollout(pool, [parent] * 20, log, watch=[1, 2, 4])
    assert len({*batch.hashes.tolist()}) > 1
    for job in range(20):
        expected = rollout_by_loop(grid, start, log[job], [1, 2, 4])
        np.testing.assert_array_equal(batch.ram[job], expected.ram)
        np.testing.assert_array_equal(batch.watched[job], expected.watched)
        assert batch.hashes[job] == ram_hash(expected.ram)
        grid.load_state(pool.get(int(batch.slots[job])))
        np.testing.assert_array_equal(grid.ram.read_all(), expected.ram)
    assert (fleet.name, fleet.rom) == (grid.name, grid.rom)


def test_slots_are_taken_in_order_and_given_back(fleet: Fleet) -> None:
    pool = fleet.new_pool(4)
    parent = pool.put(fleet.root())
    batch = fleet.rollout(pool, [parent] * 3, inputs(0, 3, 8))
    assert (parent, batch.slots.tolist(), pool.used) == (0, [1, 2, 3], 4)
    pool.free([2])
    again = fleet.rollout(pool, [3], inputs(1, 1, 8))
    assert again.slots.tolist() == [2]
    unkept = fleet.rollout(pool, [3], inputs(1, 1, 8), keep=False)
    assert unkept.slots.tolist() == [-1]
    np.testing.assert_array_equal(unkept.ram, again.ram)


def test_misuse_is_refused_and_changes_nothing(fleet: Fleet, grid_rom: copain.Rom) -> None:
    pool = fleet.new_pool(2)
    parent = pool.put(fleet.root())
    with pytest.raises(SavestateError, match="2 more savestates do not fit"):
        fleet.rollout(pool, [parent] * 2, inputs(0, 2, 8))
    with pytest.raises(SavestateError, match="not in use"):
        fleet.rollout(pool, [1], inputs(0, 1, 8))
    with pytest.raises(SavestateError, match="not in use"):
        pool.free([parent, 1])
    with pytest.raises(InputError, match="one slot for each"):
        fleet.rollout(pool, [parent], inputs(0, 2, 8))
    with pytest.raises(InputError, match="hash mask"):
        fleet.rollout(pool, [parent], inputs(0, 1, 8), hash_mask=np.zeros(3, np.uint8))
    assert (pool.used, pool.capacity) == (1, 2)
    with pytest.raises(InputError, match="at least 1"):
        open_fleet(lambda: copain.open(grid_rom), 0)


def test_a_failing_factory_leaves_nothing_open(grid_rom: copain.Rom) -> None:
    opened: list[copain.Emulator] = []

    def factory() -> copain.Emulator:
        if len(opened) == 2:
            raise copain.EmulatorMissing("no more of these")
        opened.append(copain.open(grid_rom))
        return opened[-1]

    with pytest.raises(copain.EmulatorMissing):
        LoopFleet(factory, 3)
    for emulator in opened:
        with pytest.raises(copain.EmulatorClosed):
            emulator.advance()
