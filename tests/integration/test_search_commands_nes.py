"""``copain search`` on the real game."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

import copain
from copain.cli import app
from copain.movie import Movie, verify


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["search", *map(str, words)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_a_random_line_is_polished(alouette: copain.Rom, tmp_path: Path) -> None:
    options = ["--emulator", "colibri", "--goal", "stage:0"]
    status, _ = run("random", "alouette", *options, "--frames", 20_000, "--out", tmp_path / "one")
    assert status == 1
    poor = tmp_path / "one" / "best.fm2"
    status, told = run(
        "polish", poor, "--game", "alouette", "--objective", "points", *options,
        "--action-repeat", 8, "--drop", 0, "--frames", 40_000, "--out", tmp_path / "two",
    )  # fmt: skip
    assert status == 1
    assert "verified from power-on" in told
    better = Movie.read(tmp_path / "two" / "best.fm2")
    assert better.frames <= Movie.read(poor).frames
    assert verify(better, lambda: copain.open(alouette, emulator="colibri")).in_sync
