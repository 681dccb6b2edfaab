"""The demo: one command finds a run of a real game, proves it and shows it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import copain
from copain.cli import app
from copain.games.alouette.game import Alouette
from copain.movie import Movie, play


@pytest.mark.timeout(600)
def test_it_clears_the_stage_and_proves_it(
    tmp_path: Path, alouette: copain.Rom, fceumm: str, nestopia: str
) -> None:
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path), "--seconds", "400"])
    assert done.exit_code == 0, done.output
    assert "won: score" in done.output
    assert "in sync" in done.output
    assert "nestopia" in done.output
    movie = Movie.read(tmp_path / "run.fm2")
    game = Alouette(last_stage=1)
    with copain.open(alouette, core=fceumm) as emulator:
        play(movie, emulator)
        ram = emulator.ram.read_all()
        assert game.won(ram, ram)
        assert emulator.ram["lives"] == 3
        assert f"score {emulator.ram['score']:,}" in done.output
    for name in ("run.mp4", "run.gif"):
        assert (tmp_path / name).stat().st_size > 100_000
        assert str(tmp_path / name) in done.output
    (folder,) = (tmp_path / "runs").iterdir()
    best = json.loads((folder / "best.json").read_text())
    assert best["verified"]
    assert best["rank"][0] == 1


def test_without_success_the_status_says_so(
    tmp_path: Path, alouette: copain.Rom, fceumm: str
) -> None:
    done = CliRunner().invoke(
        app, ["demo", "--out", str(tmp_path), "--seconds", "1", "--no-pictures"]
    )
    assert done.exit_code == 1, done.output
    assert "not won: the seconds are used up" in done.output
    assert "in sync" in done.output
    assert Movie.read(tmp_path / "run.fm2").frames > 200


def test_the_command_search(tmp_path: Path) -> None:
    runner = CliRunner()
    command = ["search", "brute-force", "grid", "--out", str(tmp_path / "run")]
    done = runner.invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "won: score" in done.output
    assert (tmp_path / "run" / "best.npy").is_file()
    stopped = runner.invoke(app, [*command[:-1], str(tmp_path / "short"), "--frames", "500"])
    assert stopped.exit_code == 1, stopped.output
    assert "not won: the frames are used up" in stopped.output
    refused = runner.invoke(app, [*command, "--seed", "7"])
    assert isinstance(refused.exception, copain.RunError)
    assert "option seed is 0 there and 7 here" in str(refused.exception)
    for name in (str(tmp_path / "none.nes"), "alouete"):
        unknown = runner.invoke(app, ["search", "brute-force", name])
        assert isinstance(unknown.exception, copain.GameError)
        assert "the games are alouette, gradius, grid" in str(unknown.exception)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(app, ["demo", "--out", str(tmp_path / "file")])
    assert isinstance(done.exception, copain.RunError)
    assert "File exists" in str(done.exception)
