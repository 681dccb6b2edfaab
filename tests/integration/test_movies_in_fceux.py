"""Movies in Colibri and in FCEUX: the same RAM after every frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import copain
from conftest import absent
from copain.backends.fceux_start import find_fceux
from copain.cli import app
from copain.errors import EmulatorMissing
from copain.games.alouette import game as game_module
from copain.movie import Movie
from copain.testing.audit import ram_trace

MOVIES = sorted((Path(game_module.__file__).parent / "movies").glob("*.fm2"))


@pytest.fixture(autouse=True)
def fceux() -> None:
    """FCEUX is here."""
    try:
        find_fceux()
    except EmulatorMissing:
        absent("fceux", "apt install fceux")


def check_equal(movie: Movie, rom: copain.Rom) -> None:
    """RAM is equal in every byte, from power-on to the movie's last frame."""
    with copain.open(rom, "colibri") as colibri, copain.open(rom, "fceux") as judge:
        found = ram_trace(colibri, movie.inputs, 0)
        expected = ram_trace(judge, movie.inputs, 0)
    assert len(found) == movie.frames > 300
    frames, addresses = np.nonzero(found != expected)
    assert not len(frames), f"frame {frames[0] + 1}: ${addresses[0]:04X}"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", MOVIES, ids=lambda path: path.stem)
def test_a_movie_of_alouette_is_the_same_frame_by_frame(path: Path, alouette: copain.Rom) -> None:
    check_equal(Movie.read(path), alouette)


@pytest.mark.timeout(600)
def test_the_demos_run_is_the_same_frame_by_frame(tmp_path: Path, alouette: copain.Rom) -> None:
    command = ["demo", "--out", str(tmp_path), "--seconds", "400", "--no-pictures"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    check_equal(Movie.read(tmp_path / "run.fm2"), alouette)
