"""Random search on Grid."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import copain
from copain import Emulator, InputError, Rom
from copain.games.grid.game import Grid
from copain.games.grid.optimum import fastest_win
from copain.movie import verify
from copain.search import Fastest, Points, RandomSearch, digest, random_search

SMALL = Rom.from_bytes(b"copain grid 1\nS.G\n")


@pytest.fixture
def factory(grid_rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(grid_rom)


def test_it_finds_the_proven_optimum_of_a_tiny_level(seed: int) -> None:
    best = fastest_win(SMALL)
    assert best is not None
    config = RandomSearch(seed=seed, action_repeat=1, sticky=0.0, linger=200)
    found = random_search(lambda: copain.open(SMALL), Fastest(Grid()), config)
    assert (found.outcome, found.line.frames) == ("won", best.frames)
    assert verify(found.movie, lambda: copain.open(SMALL)).in_sync


def test_lines_that_are_lost_begin_anew(factory: Callable[[], Emulator]) -> None:
    found = random_search(factory, Points(Grid()), RandomSearch(frames=60_000))
    assert found.outcome == "frames"
    assert found.progress.deaths > 20
    assert found.score >= 20  # there are two coins within a few steps


def test_workers_and_cuts_change_nothing_and_seeds_do(
    factory: Callable[[], Emulator], tmp_path: Path
) -> None:
    def digest_of(name: str, seed: int, workers: int, *budgets: int) -> str:
        for frames in budgets:
            config = RandomSearch(seed=seed, batch=16, frames=frames)
            random_search(factory, Points(Grid()), config, workers=workers, folder=tmp_path / name)
        return digest(tmp_path / name).sha256

    first = digest_of("one", 1, 1, 6_000)
    assert digest_of("two", 1, 2, 6_000) == first
    assert digest_of("cut", 1, 1, 1_500, 6_000) == first
    assert digest_of("other", 2, 1, 6_000) != first


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match=r"RandomSearch\(sticky=2.0\): at most 1 is needed"):
        RandomSearch(sticky=2.0)
    with pytest.raises(InputError, match=r"RandomSearch\(batch=0\): at least 1 is needed"):
        RandomSearch(batch=0)
