"""Packed savestates: what a search writes of the places it holds, and takes up again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from native_cores import absent

import copain
from copain import Emulator, EmulatorMissing, SavestateError
from copain.backends.cores import find_core
from copain.fleet import open_fleet
from copain.games import game_by_name, rom_path
from copain.rollout import Fleet, PacksSavestates, Pool
from copain.search import Beam, Points, beam, digest
from copain.system import NES

EMULATORS = ("colibri", "fceumm", "nestopia")


def opened(name: str) -> Emulator:
    if name == "colibri":
        return copain.open(rom_path("alouette"), emulator="colibri")
    try:
        find_core(name, NES)
    except EmulatorMissing:
        absent(f"the core {name}")
    return copain.open(rom_path("alouette"), emulator="libretro", core=name)


@pytest.fixture(params=EMULATORS)
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    with open_fleet(lambda: opened(request.param), 2) as fleet:
        yield fleet


def played(fleet: Fleet, count: int, seed: int) -> tuple[Pool, npt.NDArray[np.int32]]:
    """A pool with so many savestates of play, all different."""
    pool = fleet.new_pool(4 * count + 8)
    origin = pool.put(fleet.root())
    log = np.zeros((count, 260, 2), np.uint16)
    log[:, :190] = game_by_name("alouette").start_log(2)
    chance = np.random.default_rng(seed)
    log[:, 190:, 0] = chance.integers(0, 2**8, (count, 70)) & 0xF1
    slots = fleet.rollout(pool, np.full(count, origin), log).slots
    pool.free([origin])
    return pool, slots


def test_what_is_unpacked_plays_on_as_what_was_packed(fleet: Fleet, seed: int) -> None:
    pool, slots = played(fleet, 40, seed)
    assert isinstance(pool, PacksSavestates)
    reference = pool.get(int(slots[0]))
    packed = pool.pack(slots, reference)
    raw = sum(len(pool.get(slot).payload) for slot in slots.tolist())
    assert len(packed) < raw / 4
    again = pool.unpack(packed, reference)
    for old, new in zip(slots.tolist(), again.tolist(), strict=True):
        one, other = pool.get(old), pool.get(new)
        assert one.payload == other.payload
        assert one.header == other.header
    log = np.random.default_rng(seed).integers(0, 2**8, (40, 30, 2)).astype(np.uint16) & 0xF1
    on, on_again = (fleet.rollout(pool, of, log).ram for of in (slots, again))
    assert np.array_equal(on, on_again)


def test_damaged_bytes_put_nothing(fleet: Fleet, seed: int) -> None:
    pool, slots = played(fleet, 8, seed)
    assert isinstance(pool, PacksSavestates)
    reference = pool.get(int(slots[0]))
    packed = pool.pack(slots, reference)
    used = pool.used
    whole = {len(pool.pack(slots[:count], reference)) for count in range(9)}
    cuts = [cut for cut in range(1, len(packed), 97) if cut not in whole]
    assert len(cuts) > 8
    for cut in cuts:
        with pytest.raises(SavestateError, match=r"Pool\.unpack.*damaged"):
            pool.unpack(packed[:cut].copy(), reference)
        assert pool.used == used


def test_other_references_and_a_full_pool_are_refused(fleet: Fleet, seed: int) -> None:
    pool, slots = played(fleet, 8, seed)
    assert isinstance(pool, PacksSavestates)
    reference = pool.get(int(slots[0]))
    packed = pool.pack(slots, reference)
    with copain.open(rom_path("grid")) as grid, pytest.raises(SavestateError, match="grid"):
        pool.unpack(packed, grid.save_state())
    small = fleet.new_pool(7)
    assert isinstance(small, PacksSavestates)
    with pytest.raises(SavestateError, match="full"):
        small.unpack(packed, reference)
    assert small.used == 0
    with pytest.raises(SavestateError, match="not in use"):
        pool.pack([10_000], reference)


@pytest.mark.parametrize("name", EMULATORS)
def test_a_search_that_is_taken_up_again_finds_the_same(name: str, tmp_path: Path) -> None:
    def search(folder: str, generations: int) -> None:
        config = Beam(width=24, batch=64, action_repeat=2, frames=generations * 24 * 11 * 2)
        game = game_by_name("alouette")
        beam(lambda: opened(name), Points(game), config, folder=tmp_path / folder, workers=1)

    search("whole", 8)
    for generations in (2, 5, 8):
        search("parts", generations)
    assert digest(tmp_path / "parts") == digest(tmp_path / "whole")
