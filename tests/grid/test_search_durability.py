"""Searches survive: killed at any moment and made again, they find the same."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import copain
from copain import Emulator, RunError
from copain.games import rom_path
from copain.games.grid.game import Grid
from copain.runs import Archive
from copain.search import (
    Beam,
    BruteForce,
    Fastest,
    Found,
    GoExplore,
    Points,
    RandomSearch,
    beam,
    brute_force,
    digest,
    go_explore,
    random_search,
)


def open_grid() -> Emulator:
    return copain.open(rom_path("grid"))


def by_beam(folder: Path, workers: int = 1) -> Found:
    config = Beam(width=16, batch=32, linger=4)
    return beam(open_grid, Points(Grid()), config, folder=folder, workers=workers)


def by_go_explore(folder: Path, workers: int = 1) -> Found:
    config = GoExplore(batch=32, seed=2, linger=40)
    return go_explore(open_grid, Fastest(Grid()), config, folder=folder, workers=workers)


def by_brute_force(folder: Path, workers: int = 1) -> Found:
    config = BruteForce(seed=3, action_repeat=4, linger=150)
    return brute_force(open_grid, Points(Grid()), config, folder=folder, workers=workers)


def by_chance(folder: Path, workers: int = 1) -> Found:
    config = RandomSearch(seed=4, frames=40_000)
    return random_search(open_grid, Points(Grid()), config, folder=folder, workers=workers)


SEARCHES = {
    "beam": by_beam,
    "brute-force": by_brute_force,
    "go-explore": by_go_explore,
    "random": by_chance,
}


@pytest.fixture
def commits_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copain.search.journal._COMMIT_EVERY", 0.0)


CHILD = """
import sys
import copain.search.journal as journal
# After every step, while the next one is taken.
journal.Journal.commit_due = property(lambda self: (self.flush(), self.writes)[1])
sys.path.insert(0, sys.argv[1])
from test_search_durability import SEARCHES
SEARCHES[sys.argv[2]](sys.argv[3])
"""


def killed_after(
    child: subprocess.Popen[bytes], folder: Path, commits: int, seconds: float
) -> bool:
    """Kill the child so long after so many commits; False if it has ended before."""
    checkpoint, seen = folder / "archive" / "checkpoint.npz", set[int]()
    while child.poll() is None:
        if checkpoint.exists():
            seen.add(checkpoint.stat().st_mtime_ns)
        if len(seen) > commits:  # the one that it found is no commit of its own
            time.sleep(seconds)
            child.send_signal(signal.SIGKILL)
            return child.wait() != 0
        time.sleep(0.001)
    return False


@pytest.mark.parametrize("name", SEARCHES)
def test_after_kills_at_any_moment_the_digest_is_the_same(
    name: str, tmp_path: Path, seed: int
) -> None:
    whole = SEARCHES[name](tmp_path / "whole")
    chance = random.Random(seed)
    command = [sys.executable, "-c", CHILD, str(Path(__file__).parent), name, str(tmp_path / "cut")]
    kills, ended = 0, 1
    for most in (3, 3, 8, 20, 50, 120, 1_000_000):
        child = subprocess.Popen(command)
        if killed_after(child, tmp_path / "cut", chance.randint(1, most), chance.uniform(0, 0.02)):
            kills += 1
        else:
            ended = child.returncode
            break
    assert ended == 0
    assert kills >= 1
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")
    again = SEARCHES[name](tmp_path / "cut")  # it is over: nothing is searched again
    assert again.line.inputs.tobytes() == whole.line.inputs.tobytes()
    assert again.progress.frames == whole.progress.frames


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.usefixtures("commits_always")
def test_neither_workers_nor_commits_change_the_digest(name: str, tmp_path: Path) -> None:
    SEARCHES[name](tmp_path / "one", workers=1)
    SEARCHES[name](tmp_path / "two", workers=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    assert digest(tmp_path / "one").lines > 1000


@pytest.mark.usefixtures("commits_always")
def test_another_search_has_another_digest(tmp_path: Path) -> None:
    digests = set[str]()
    for seed in range(3):
        go_explore(
            open_grid, Points(Grid()), GoExplore(seed=seed, batch=32, frames=5_000),
            folder=tmp_path / str(seed),
        )  # fmt: skip
        digests.add(digest(tmp_path / str(seed)).sha256)
    assert len(digests) == 3


def test_a_larger_budget_goes_on(tmp_path: Path) -> None:
    config = Beam(width=40, batch=64)
    for frames in (3_000, 9_000, None):
        part = beam(
            open_grid, Fastest(Grid()), Beam(width=40, batch=64, frames=frames),
            folder=tmp_path / "parts",
        )  # fmt: skip
    whole = beam(open_grid, Fastest(Grid()), config, folder=tmp_path / "whole")
    assert digest(tmp_path / "parts") == digest(tmp_path / "whole")
    assert part.line.rank == whole.line.rank


@pytest.mark.parametrize("file", ["checkpoint.npz", "lines.log", "seen.log"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_damage_is_named_and_nothing_good_is_lost(tmp_path: Path, file: str, damage: str) -> None:
    config = Beam(width=20, batch=64, frames=4_000)
    beam(open_grid, Fastest(Grid()), config, folder=tmp_path)
    best = {path.name: path.read_bytes() for path in tmp_path.glob("best.*")}
    path = tmp_path / "archive" / file
    data = path.read_bytes()
    if damage == "gone" and file != "checkpoint.npz":
        path.unlink()
    else:
        middle = len(data) // 2
        flipped = data[:middle] + bytes([data[middle] ^ 0x40]) + data[middle + 1 :]
        path.write_bytes(data[:middle] if damage != "flip" else flipped)
    with pytest.raises(RunError, match=rf"{file} is damaged: .*; remove the folder"):
        beam(open_grid, Fastest(Grid()), config, folder=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("best.*")} == best


def test_a_bit_that_flips_anywhere_is_named(tmp_path: Path, seed: int) -> None:
    search_for(2_000, tmp_path)
    archive, path = Archive(tmp_path / "archive"), tmp_path / "archive" / "checkpoint.npz"
    data, chance = path.read_bytes(), random.Random(seed)
    for flip in range(400):  # half of them in the directory at the end of the file
        damaged = bytearray(data)
        at = chance.randrange(0 if flip % 2 else len(data) - 4000, len(data))
        damaged[at] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(RunError, match=r"checkpoint\.npz is damaged"):
            archive.read()
    path.write_bytes(data)
    assert len(archive.read()["lines"]) > 100


ON_A_FULL_DISK = """
import resource, sys
sys.path.insert(0, sys.argv[1])
from test_search_durability import search_for
from copain import RunError
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
try:
    search_for(8_000, sys.argv[2])
except RunError as error:
    sys.exit(str(error))
"""


def search_for(frames: int, folder: Path | str) -> None:
    config = Beam(width=20, batch=64, frames=frames)
    beam(open_grid, Fastest(Grid()), config, folder=folder)


@pytest.mark.parametrize("room", [10, 3000, 6000])
def test_a_full_disk_leaves_the_last_commit(tmp_path: Path, room: int) -> None:
    search_for(4_000, tmp_path)
    before = digest(tmp_path)
    best = {path.name: path.read_bytes() for path in tmp_path.glob("best.*")}
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(Path(__file__).parent), str(tmp_path)]
    child = subprocess.run([*command, str(room)], stderr=subprocess.PIPE, text=True, check=False)
    assert child.returncode == 1
    assert child.stderr.startswith((f"archive '{tmp_path}", f"run folder '{tmp_path}"))
    assert child.stderr.rstrip().endswith("File too large")
    assert digest(tmp_path) == before
    assert {path.name: path.read_bytes() for path in tmp_path.glob("best.*")} == best
    search_for(8_000, tmp_path)  # there is room again
    search_for(8_000, tmp_path / "whole")
    assert digest(tmp_path) == digest(tmp_path / "whole")


def test_a_folder_without_a_search_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no search has left an archive"):
        digest(tmp_path)
    assert not Archive(tmp_path).exists
