"""Brute force on the real game, on a real core."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import copain
from copain import Emulator
from copain.games import game_by_name
from copain.movie import Movie, verify
from copain.search import BruteForce, Fastest, Found, brute_force


@pytest.fixture
def factory(alouette: copain.Rom, fceumm: str) -> Callable[[], Emulator]:
    return lambda: copain.open(alouette, core=fceumm)


def facts(found: Found) -> tuple[object, ...]:
    at = found.progress
    return found.line.inputs.tobytes(), dict(found.line.hashes), at.frames, at.deaths, at.savestates


def test_workers_change_nothing(factory: Callable[[], Emulator]) -> None:
    config = BruteForce(frames=6000)
    alone = brute_force(factory, Fastest(game_by_name("alouette")), config, workers=1)
    assert alone.outcome == "frames"
    assert alone.line.frames > 300
    assert facts(
        brute_force(factory, Fastest(game_by_name("alouette")), config, workers=2)
    ) == facts(alone)


def test_what_is_on_disk_plays(
    factory: Callable[[], Emulator], alouette: copain.Rom, tmp_path: Path
) -> None:
    found = brute_force(
        factory, Fastest(game_by_name("alouette")), BruteForce(frames=8000), folder=tmp_path / "run"
    )
    movie = Movie.read(tmp_path / "run" / "best.fm2")
    np.testing.assert_array_equal(movie.inputs, found.movie.inputs)
    assert movie.rerecords == found.progress.rerecords
    assert movie.rom.is_of(alouette)
    assert verify(movie, factory).in_sync


def test_a_search_on_another_core_gives_a_movie_in_fceux_time(
    factory: Callable[[], Emulator], alouette: copain.Rom, nestopia: str
) -> None:
    # nestopia boots a frame sooner than FCEUX: its line is a frame shorter than the movie.
    def second() -> Emulator:
        return copain.open(alouette, core=nestopia)

    found = brute_force(second, Fastest(game_by_name("alouette")), BruteForce(frames=8000))
    assert found.movie.frames == found.line.frames + 1
    assert verify(found.movie, second, reference=factory).in_sync
