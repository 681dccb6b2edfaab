"""A search is forked: another one, of another wish, goes on from where it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import copain
from copain import Emulator, Rom, RunError
from copain.cli import app
from copain.games import rom_path
from copain.games.grid.game import Grid
from copain.movie import verify
from copain.rollout import ram_hash
from copain.runs import Archive
from copain.search import (
    Beam,
    BruteForce,
    Fastest,
    GoExplore,
    Points,
    beam,
    brute_force,
    digest,
    fork,
    go_explore,
)  # fmt: skip
from copain.system import system_by_name


@pytest.fixture
def factory(grid_rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(grid_rom)


@pytest.fixture
def run(factory: Callable[[], Emulator], tmp_path: Path) -> Path:
    """A beam for points, ended on its way."""
    folder = tmp_path / "points"
    beam(factory, Points(Grid()), Beam(width=12, action_repeat=2, generations=9), folder=folder)
    return folder


def test_the_lines_of_a_fork_lead_to_the_places_that_were_held(
    factory: Callable[[], Emulator], run: Path
) -> None:
    with factory() as emulator:
        movies = fork(run, Grid(), emulator)
        assert [one.inputs.tolist() for one in fork(run, Grid(), emulator, most=3)] == [
            one.inputs.tolist() for one in movies[:3]
        ]
    held = Archive(run / "archive").read()["held/hashes"]
    assert len(movies) == len(held) == 12
    for movie, place in zip(movies, held.tolist(), strict=True):
        with factory() as emulator:
            for row in movie.inputs:
                emulator.advance(copain.Joypad.from_bits(int(row[0])))
            assert int(ram_hash(emulator.ram.read_all())) == place


def test_another_search_goes_on_from_there(
    factory: Callable[[], Emulator], run: Path, tmp_path: Path
) -> None:
    before = digest(run)
    with factory() as emulator:
        starts = fork(run, Grid(), emulator)
    folder = tmp_path / "fastest"
    found = beam(factory, Fastest(Grid()), Beam(width=64), starts=starts, folder=folder)
    assert found.won
    assert verify(found.movie, factory).in_sync
    begins = [start.inputs.tolist() for start in starts]
    assert any(found.movie.inputs[: len(one)].tolist() == one for one in begins)
    assert digest(run) == before, "a fork changed what it was taken from"
    # What was forked can be forked.
    with factory() as emulator:
        assert fork(folder, Grid(), emulator, most=2)


@pytest.mark.parametrize("algorithm", ["brute-force", "go-explore"])
def test_other_algorithms_are_forked_too(
    factory: Callable[[], Emulator], algorithm: str, tmp_path: Path
) -> None:
    if algorithm == "brute-force":
        brute_force(factory, Points(Grid()), BruteForce(frames=4_000), folder=tmp_path)
    else:
        go_explore(factory, Points(Grid()), GoExplore(frames=4_000), folder=tmp_path)
    with factory() as emulator:
        starts = fork(tmp_path, Grid(), emulator, most=8)
    assert starts
    assert beam(factory, Fastest(Grid()), Beam(width=64), starts=starts).won


def test_what_cannot_be_forked_is_named(
    factory: Callable[[], Emulator], run: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with factory() as emulator:
        with pytest.raises(RunError, match="no run folder"):
            fork(tmp_path / "empty", Grid(), emulator)
        text = (run / "run.toml").read_text()
        for what, other in (("game", "gradius"), ("emulator", "fceux"), ("algorithm", "polish")):
            line = next(line for line in text.splitlines() if line.startswith(f"{what} = "))
            (run / "run.toml").write_text(text.replace(line, f'{what} = "{other}"'))
            with pytest.raises(RunError, match=other):
                fork(run, Grid(), emulator)
        (run / "run.toml").write_text(text)
        (run / "archive" / "starts.log").write_bytes(b"")
        with pytest.raises(RunError, match=r"starts\.log is damaged"):
            fork(run, Grid(), emulator)
        shutil.rmtree(run / "archive")
        with pytest.raises(RunError, match="no search has left"):
            fork(run, Grid(), emulator)


def test_the_command_forks(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "forked"
    done = CliRunner().invoke(
        app,
        ["search", "beam", "grid", "--width", "64", "--fork", str(run), "--out", str(out)],
    )
    assert done.exit_code == 0, done.output
    starts = np.load(out / "best.npy")
    with copain.open(Rom.read(rom_path("grid"))) as emulator:
        begins = [one.inputs.tolist() for one in fork(run, Grid(), emulator)]
    assert any(starts[: len(one)].tolist() == one for one in begins)
    assert system_by_name("grid").ports == starts.shape[1]
