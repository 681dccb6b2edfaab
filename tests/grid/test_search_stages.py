"""Searches in stages: several ends of one are the starts of the next."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import copain
from copain import Emulator, MovieError, Rom, RunError
from copain.games.grid.game import Grid
from copain.games.grid.optimum import fastest_win
from copain.movie import Movie, verify
from copain.search import Beam, Fastest, Goal, GoExplore, beam, go_explore
from copain.system import system_by_name


@pytest.fixture
def factory(grid_rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(grid_rom)


def with_a_key(game: Grid) -> Goal:
    return Goal("a key", lambda prev, ram: game.value(ram, "keys") > 0)


def test_ends_are_at_different_places_and_each_is_kept(
    factory: Callable[[], Emulator], tmp_path: Path
) -> None:
    game = Grid()
    config = Beam(width=100, action_repeat=1, per_cell=4, linger=8, ends=3)
    found = beam(factory, Fastest(game, with_a_key(game)), config, folder=tmp_path)
    assert len(found.ends) == 3
    assert found.ends[0].movie == found.movie
    ranks = [end.line.rank for end in found.ends]
    assert ranks == sorted(ranks, reverse=True)
    assert len({end.line.hashes[end.line.frames] for end in found.ends}) == 3
    for end in found.ends:
        assert verify(end.movie, factory).in_sync
    told = json.loads((tmp_path / "ends" / "ends.json").read_text())
    for entry, end in zip(told, found.ends, strict=True):
        kept = np.load(tmp_path / "ends" / entry["movie"])
        np.testing.assert_array_equal(kept, end.movie.inputs)
        assert tuple(entry["rank"]) == end.line.rank


@pytest.mark.parametrize("second", ["beam", "go-explore"])
def test_stages_are_joined(
    factory: Callable[[], Emulator], grid_rom: Rom, second: str, tmp_path: Path
) -> None:
    game = Grid()
    config = Beam(width=200, action_repeat=1, per_cell=4, linger=8, ends=4)
    first = beam(factory, Fastest(game, with_a_key(game)), config)
    starts = [end.movie for end in first.ends]
    if second == "beam":
        whole = beam(
            factory, Fastest(game), Beam(width=200, action_repeat=1, per_cell=4),
            starts=starts, folder=tmp_path,
        )  # fmt: skip
    else:
        config = GoExplore(batch=64, frames=200_000)
        whole = go_explore(factory, Fastest(game), config, starts=starts, folder=tmp_path)
    assert whole.won
    assert verify(whole.movie, factory).in_sync
    logs = [start.inputs.tobytes() for start in starts]
    assert any(whole.movie.inputs.tobytes().startswith(log) for log in logs)
    best = fastest_win(grid_rom)
    assert best is not None
    assert whole.line.frames >= best.frames
    with pytest.raises(RunError, match=r"holds another run: (option starts|algorithm) is"):
        beam(factory, Fastest(game), Beam(width=200, action_repeat=1, per_cell=4), folder=tmp_path)


def test_movies_that_cannot_be_gone_on_from_are_refused(
    factory: Callable[[], Emulator], grid_rom: Rom
) -> None:
    with factory() as emulator:
        state = emulator.save_state().to_bytes()
    movie = Movie(system_by_name("grid"), np.zeros((4, 2), np.uint16))
    with pytest.raises(MovieError, match="from power-on; this one starts from a savestate"):
        beam(factory, Fastest(Grid()), starts=[replace(movie, savestate=state)])
    reset = replace(movie, commands=np.array([0, 0, 1, 0], np.uint8))
    with pytest.raises(MovieError, match="a command in frame 2"):
        beam(factory, Fastest(Grid()), starts=[reset])
