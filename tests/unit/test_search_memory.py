"""What a search holds stays within its memory: the rest is on disk, or forgotten, as chosen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from copain import _native
from copain.search.lines import LINE, Lines
from copain.search.seen import BYTES_A_PLACE, Seen
from copain.search.shelf import Room

MB = 1 << 20


def resident() -> int:
    """The memory that this process has, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_places_on_disk_are_known_as_those_in_memory(tmp_path: Path, seed: int) -> None:
    chance = np.random.default_rng(seed)
    whole, spilled = Seen(), Seen(room=Room(MB, tmp_path))
    for _ in range(80):
        hashes = chance.integers(0, 90_000, 2000).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        scores = chance.integers(-9, 9, 2000)
        improved = whole.improve(hashes, scores)
        assert np.array_equal(spilled.improve(hashes, scores), improved)
        whole.news()
        spilled.news()
        assert spilled.bytes <= MB
    assert len(spilled) == len(whole) > 60_000
    assert spilled.spilled > MB // 2
    assert list(tmp_path.iterdir()) == []  # nothing is left behind, even after a kill


def test_the_process_does_not_grow_with_what_is_on_disk(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    seen = Seen(room=Room(4 * MB, tmp_path), logged=False)
    before = resident()
    for _ in range(160):
        seen.improve(chance.integers(0, 2**64, 10_000, np.uint64), np.zeros(10_000, np.int64))
    assert len(seen) == 1_600_000
    assert seen.spilled > 20 * MB
    assert resident() - before < 16 * MB


def test_what_was_seen_longest_ago_is_forgotten(seed: int) -> None:
    chance = np.random.default_rng(seed)
    most = 2000
    seen = Seen(most)
    every = np.unique(chance.integers(1, 2**64, 20_000, np.uint64))
    for first in range(0, len(every), 100):
        these = every[first : first + 100]
        assert seen.improve(these, np.zeros(len(these), np.int64)).all()
        assert most // 2 - 100 <= len(seen) <= most or first < most
    zeros = np.zeros(most // 2, np.int64)
    assert not seen.improve(every[-most // 2 :], zeros).any()  # the newest are known
    assert seen.improve(every[: most // 2], zeros).all()  # the oldest are not
    assert most * BYTES_A_PLACE >= seen.bytes - 16 * len(every)


def test_a_memory_that_forgets_is_taken_up_again(seed: int) -> None:
    chance = np.random.default_rng(seed)
    seen, again = Seen(1000), Seen(1000)
    logs: dict[str, list[npt.NDArray[Any]]] = {}
    for _ in range(40):
        seen.improve(chance.integers(0, 5000, 97).astype(np.uint64), chance.integers(-9, 9, 97))
        news = seen.news()
        logs = {name: [*logs.get(name, []), rows] for name, rows in news.items()}
    assert len(logs) == 2
    again.recall({name: np.concatenate(rows) for name, rows in logs.items()})
    for _ in range(40):  # the same answers, and it forgets at the same time
        hashes = chance.integers(0, 5000, 97).astype(np.uint64)
        scores = chance.integers(-9, 9, 97)
        assert np.array_equal(seen.improve(hashes, scores), again.improve(hashes, scores))
        assert len(seen) == len(again)
        assert {name: len(rows) for name, rows in seen.news().items()} == {
            name: len(rows) for name, rows in again.news().items()
        }


@pytest.mark.parametrize("most", [0, 700_000])
def test_a_shelf_gives_back_what_was_put_on_it(most: int, tmp_path: Path, seed: int) -> None:
    chance = np.random.default_rng(seed)
    size, ram_size = 3000, 512
    shelf = _native.Shelf(ram_size, most, str(tmp_path) if most else "")
    held: dict[int, tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]] = {}
    now = chance.integers(0, 256, size + ram_size).astype(np.uint8)
    spilled = 0
    for _ in range(60):
        now[chance.integers(0, len(now), 40)] ^= np.uint8(chance.integers(1, 256))
        states = np.tile(now, (150, 1))
        for state in states:
            state[chance.integers(0, len(now), 60)] ^= np.uint8(chance.integers(1, 256))
        savestates, ram = states[:, :size].copy(), states[:, size:].copy()
        rows = np.sort(chance.choice(150, 100, replace=False))
        numbers = shelf.put(savestates, np.arange(150, dtype=np.int32), ram, rows)
        for number, row in zip(numbers.tolist(), rows.tolist(), strict=True):
            assert number not in held
            held[number] = savestates[row].copy(), ram[row].copy()
        if len(held) > 1500:
            gone = chance.choice(list(held), 900, replace=False)
            shelf.drop(gone)
            for number in gone.tolist():
                del held[number]
        spilled = max(spilled, shelf.spilled)
        if most:
            assert shelf.bytes <= most + 300_000  # a chunk is always in memory
        assert len(shelf) == len(held)
    assert (spilled > 0) == bool(most)
    assert shelf.packed < len(held) * (size + ram_size) / 3
    numbers = np.array(list(held))
    back, memory = np.zeros((len(held), size), np.uint8), np.zeros((len(held), ram_size), np.uint8)
    shelf.take(back, np.arange(len(held), dtype=np.int32), numbers, memory)
    assert np.array_equal(back, np.stack([state for state, _ in held.values()]))
    assert np.array_equal(memory, np.stack([ram for _, ram in held.values()]))
    shelf.drop(numbers)
    assert len(shelf) == shelf.packed == 0
    with pytest.raises(_native.CoreError, match="no place"):
        shelf.drop(numbers[:1])


def test_lines_on_disk_lead_back_to_power_on(tmp_path: Path, seed: int) -> None:
    chance = np.random.default_rng(seed)
    prologue, actions = np.array([[8], [0]], np.uint16), np.arange(5, dtype=np.uint16)[:, None]
    whole, spilled = Lines([prologue], actions), Lines([prologue], actions, Room(40_000, tmp_path))
    for _ in range(100):
        parents = chance.integers(0, len(whole), 50)
        new = parents, chance.integers(0, 5, 50), chance.integers(1, 9, 50)
        for lines in (whole, spilled):
            rows = lines.add(*new)
            lines.come_to(rows, rows.astype(np.uint64), -rows)
        spilled.spill()
        assert spilled.bytes <= 2 * 40_000
    assert spilled.spilled > 100 * LINE.itemsize
    for row in (0, 1, 17, 2500, 5000):
        assert np.array_equal(spilled.inputs(row), whole.inputs(row))
    for row in (0, 30, 4000, 5000):
        assert np.array_equal(spilled.since(row), whole.since(row))
    spilled.close()


FULL = """
import resource, sys
import numpy as np
from pathlib import Path
from copain import RunError, _native
from copain.search.lines import Lines
from copain.search.seen import Seen
from copain.search.shelf import Room

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # as a full disk does
room = Room(50_000, Path(sys.argv[1]))
chance = np.random.default_rng(0)

def places():
    seen = Seen(room=room)
    while True:
        seen.improve(chance.integers(0, 2**64, 5000, np.uint64), np.zeros(5000, np.int64))

def lines():
    lines = Lines([np.zeros((1, 1), np.uint16)], np.zeros((2, 1), np.uint16), room)
    while True:
        lines.add(*(np.zeros(1000, np.int64),) * 3)
        lines.spill()

def held():
    shelf = _native.Shelf(64, room.most, str(room.folder))
    slots, rows = np.arange(1000, dtype=np.int32), np.arange(1000)
    while True:
        states = chance.integers(0, 256, (1000, 900)).astype(np.uint8)
        shelf.put(states, slots, states[:, :64].copy(), rows)

for each in (places, lines, held):
    try:
        each()
    except (RunError, _native.CoreError) as error:
        print(error)
"""


def test_a_full_disk_is_told_and_does_not_kill(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(told) == 3
    for line in told:
        assert line.endswith(f"what a search spills to {tmp_path}: File too large")


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(_native.CoreError, match="nowhere: No such file or directory"):
        _native.SeenTable(1, str(tmp_path / "nowhere")).improve(
            np.ones(1, np.uint64), np.ones(1, np.int64), np.zeros(1, np.bool_)
        )
