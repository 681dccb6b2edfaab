"""Go-Explore on Grid, whose best results are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import copain
from copain import Emulator, InputError, Rom
from copain.games.grid.game import Grid
from copain.games.grid.optimum import fastest_win
from copain.movie import verify
from copain.search import Fastest, Found, Goal, GoExplore, Points, go_explore


@pytest.fixture
def factory(grid_rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(grid_rom)


def facts(found: Found) -> tuple[object, ...]:
    at = found.progress
    return (
        found.outcome, found.line.rank, found.line.inputs.tobytes(), dict(found.line.hashes),
        at.frames, at.rerecords, at.deaths,
    )  # fmt: skip


def test_it_wins_and_its_movie_is_in_sync(factory: Callable[[], Emulator], seed: int) -> None:
    config = GoExplore(seed=seed, batch=64, frames=400_000)
    found = go_explore(factory, Fastest(Grid()), config)
    assert found.outcome == "won"
    assert verify(found.movie, factory).in_sync


def test_exploring_on_finds_the_proven_optimum_of_a_small_level() -> None:
    rom = Rom.from_bytes(b"copain grid 1\nS..x\n#k|.\n..DG\n")
    best = fastest_win(rom)
    assert best is not None
    # A lag frame shifts the four frames of a step, so exact play needs single frames.
    config = GoExplore(batch=64, action_repeat=1, explore=16, linger=120)
    found = go_explore(lambda: copain.open(rom), Fastest(Grid()), config)
    assert found.won
    assert found.line.frames == best.frames


def test_workers_change_nothing(factory: Callable[[], Emulator]) -> None:
    config = GoExplore(seed=3, batch=32, frames=20_000)
    first = facts(go_explore(factory, Points(Grid()), config, workers=1))
    assert facts(go_explore(factory, Points(Grid()), config, workers=2)) == first
    assert facts(go_explore(factory, Points(Grid()), config, workers=1)) == first
    other = GoExplore(seed=4, batch=32, frames=20_000)
    assert facts(go_explore(factory, Points(Grid()), other, workers=1)) != first


def test_the_archive_stays_within_its_bound(factory: Callable[[], Emulator]) -> None:
    held: list[int] = []
    config = GoExplore(batch=32, cells=10, frames=20_000)
    goal = Goal("never", lambda prev, ram: Grid().score(ram) < 0)
    found = go_explore(
        factory, Points(Grid(), goal), config, on_progress=lambda at: held.append(at.savestates)
    )
    assert found.outcome == "frames"
    assert 5 < max(held) <= 10


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match=r"GoExplore\(sticky=1.5\): at most 1 is needed"):
        GoExplore(sticky=1.5)
    with pytest.raises(InputError, match=r"GoExplore\(cells=0\): at least 1 is needed"):
        GoExplore(cells=0)
