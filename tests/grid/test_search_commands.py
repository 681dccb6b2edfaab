"""``copain search``: one way to say what is searched, for all algorithms."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from copain import CopainError, InputError
from copain.cli import app
from copain.search import digest


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["search", *map(str, words)])
    if isinstance(result.exception, CopainError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


SMALL = {
    "brute-force": ["--frames", "3000", "--lines", "2"],
    "beam": ["--frames", "3000", "--width", "20", "--objective", "points"],
    "go-explore": ["--frames", "3000", "--batch", "32"],
    "random": ["--frames", "3000", "--sticky", "0.5"],
}


@pytest.mark.parametrize("algorithm", SMALL)
def test_each_algorithm_writes_a_run_folder(algorithm: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    status, told = run(algorithm, "grid", *SMALL[algorithm], "--out", folder)
    assert status == 1
    assert "verified from power-on" in told
    assert str(folder / "best.npy") in told
    plan = tomllib.loads((folder / "run.toml").read_text())
    assert (plan["run"]["algorithm"], plan["run"]["game"]) == (algorithm, "grid")


def test_a_file_says_the_same_as_options(tmp_path: Path) -> None:
    config = tmp_path / "search.toml"
    config.write_text('game = "grid"\nwidth = 20\naction-repeat = 4\nobjective = "points"\n')
    options = ["--frames", 3000, "--out"]
    run("beam", "grid", "--width", 20, "--objective", "points", *options, tmp_path / "one")
    run("beam", "--config", config, *options, tmp_path / "two")
    assert digest(tmp_path / "one") == digest(tmp_path / "two")
    plan = (tmp_path / "one" / "run.toml").read_text()
    assert (tmp_path / "two" / "run.toml").read_text() == plan
    run("beam", "--config", config, "--width", 10, *options, tmp_path / "three")
    assert "width = 10\n" in (tmp_path / "three" / "run.toml").read_text()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "widht = 3",
            r"unknown key 'widht'; the keys are action-repeat, and, .*, width, work",
        ),
        ("[width]\na = 3", "width is a table"),
        ("width = ", "Invalid value"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    config = tmp_path / "search.toml"
    config.write_text(text)
    with pytest.raises(InputError, match=rf"--config '.*search.toml': .*{message}"):
        run("beam", "grid", "--config", config, "--out", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_wishes_are_combined(tmp_path: Path) -> None:
    config = tmp_path / "search.toml"
    config.write_text('and = ["fewest-changes"]\nthen = "beat:120"\nends = 3\n')
    wish = ["--objective", "region:x=1..3,y=0..2", "--config", config, "--frames", 1000]
    run("beam", "grid", *wish, "--out", tmp_path / "run")
    plan = tomllib.loads((tmp_path / "run" / "run.toml").read_text())["config"]
    assert plan["ends"] == 3
    assert plan["objective"] == (
        "region:x=1..3,y=0..2 then beat:120:a:0:0 (-32768..32768) and fewest-changes"
    )


def test_what_is_not_known_is_named() -> None:
    with pytest.raises(
        InputError, match=r"--objective 'fun': the objectives are points, .*fastest"
    ):
        run("beam", "grid", "--objective", "fun")
    with pytest.raises(InputError, match=r"--then 'beat:fast': .* is needed"):
        run("beam", "grid", "--then", "beat:fast")
    with pytest.raises(InputError, match=r"--goal 'stage': won, or stage:N"):
        run("go-explore", "grid", "--goal", "stage")


def test_a_mask_is_found_and_used(tmp_path: Path) -> None:
    file = tmp_path / "mask.toml"
    small = ["--states", 16, "--pairs", 20, "--rounds", 20, "--horizon", 20, "--evidence", 2]
    status, told = run("mask", "grid", *small, "--out", file)
    assert status == 0
    assert "bytes may be ignored" in told
    run("beam", "grid", "--mask", file, "--frames", 1000, "--out", tmp_path / "run")
    assert "mask = " in (tmp_path / "run" / "run.toml").read_text()
