"""The run folder: what it keeps, what it refuses, and that it loses nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from copain import RunError
from copain.movie import Movie
from copain.runs import Plan, RunFolder
from copain.system import GRID, NES

PLAN = Plan(
    game="alouette", rom="alouette", rom_sha1="ab" * 20, emulator="libretro:fceumm",
    emulator_version="1.0", copain="0.1.0", algorithm="brute-force",
    config={"seed": 0, "shake": 0.1, "deep": True, "note": 'a "quoted" \\ word'},
)  # fmt: skip


def movie(frames: int) -> Movie:
    return Movie(NES, np.full((frames, 2), 1, np.uint16), rerecords=frames)


def test_it_says_what_ran_and_what_happened(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "deep" / "run", PLAN) as run:
        run.event("begin", frames=3)
    with RunFolder(tmp_path / "deep" / "run", PLAN) as run:
        run.event("end", won=True)
    PLAN.check_continues((run.path / "run.toml").read_text(), "test")
    lines = (run.path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"event": "begin", "frames": 3},
        {"event": "end", "won": True},
    ]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"rom_sha1": "cd" * 20}, "rom_sha1"),
        ({"emulator": "grid"}, "emulator"),
        ({"emulator_version": "1.1"}, "emulator_version"),
        ({"copain": "0.2.0"}, "copain"),
        ({"config": {**PLAN.config, "seed": 1}}, "option seed"),
        ({"config": {"seed": 0}}, "option shake"),
        ({"config": {**PLAN.config, "newer": 1}}, "option newer"),
    ],
)
def test_a_folder_of_another_run_is_refused_by_name(
    tmp_path: Path, change: dict[str, object], named: str
) -> None:
    RunFolder(tmp_path / "run", PLAN).close()
    with pytest.raises(RunError, match=f"another run: {named} is"):
        RunFolder(tmp_path / "run", replace(PLAN, **change))  # pyright: ignore[reportArgumentType]
    # and it was let go, unharmed
    RunFolder(tmp_path / "run", PLAN).close()


def test_a_renamed_rom_is_the_same_rom(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run", PLAN).close()
    RunFolder(tmp_path / "run", replace(PLAN, rom="renamed")).close()


def test_two_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        RunFolder(tmp_path / "run", PLAN),
        pytest.raises(RunError, match="another process is using it"),
    ):
        RunFolder(tmp_path / "run", PLAN)


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import os, sys\n"
        "from copain.runs import Plan, RunFolder\n"
        f"run = RunFolder(sys.argv[1], {PLAN!r})\n"
        "run.event('begin')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path / "run")], check=False)
    assert killed.returncode == -9
    with RunFolder(tmp_path / "run", PLAN) as run:
        assert (run.path / "events.jsonl").read_text() == '{"event": "begin"}\n'


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("chapter 1")
    with pytest.raises(RunError, match="not empty and holds no run"):
        RunFolder(tmp_path, PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_place_that_cannot_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="File exists"):
        RunFolder(tmp_path / "file", PLAN)


def test_the_best_stays_until_a_better_one_comes(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", PLAN) as run:
        assert run.keep_best(movie(10), (0, 5), verified=False)
        assert not run.keep_best(movie(11), (0, 4), verified=True)
        assert run.keep_best(movie(12), (0, 5), verified=True)
        assert not run.keep_best(movie(13), (0, 5), verified=False)
    with RunFolder(tmp_path / "run", PLAN) as run:
        assert run.best is not None
        assert (run.best.rank, run.best.frames, run.best.verified) == ((0, 5), 12, True)
        assert not run.keep_best(movie(14), (0, 4), verified=True)
        assert Movie.read(run.best_path(movie(1))).frames == 12
        assert run.keep_best(movie(15), (1, 0), verified=False)
        assert Movie.read(run.best_path(movie(1))).frames == 15


def test_a_system_without_a_movie_format_keeps_its_inputs(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", PLAN) as run:
        grid = Movie(GRID, np.arange(8, dtype=np.uint16).reshape(4, 2))
        run.keep_best(grid, (1,), verified=True)
        np.testing.assert_array_equal(np.load(run.path / "best.npy"), grid.inputs)


def test_a_best_run_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = Movie(GRID, np.zeros((4, 2), np.uint16))
    with RunFolder(tmp_path / "run", PLAN) as run:
        run.keep_best(grid, (1,), verified=True)

        def full(descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        longer = Movie(GRID, np.zeros((9, 2), np.uint16))
        with pytest.raises(RunError, match="No space left on device"):
            run.keep_best(longer, (2,), verified=True)
        assert len(np.load(run.path / "best.npy")) == 4
        assert run.best is not None
        assert run.best.rank == (1,)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.toml", "[run"),
        ("run.toml", "[config]\nseed = 1\n"),
        ("run.toml", "run = 1\nconfig = 2\n"),
        ("best.json", "{"),
        ("best.json", '{"rank": ["x"], "frames": 1, "verified": true}'),
        ("best.json", "[]"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: str) -> None:
    RunFolder(tmp_path / "run", PLAN).close()
    (tmp_path / "run" / name).write_text(content)
    with pytest.raises(RunError, match=f"{name} is damaged"):
        RunFolder(tmp_path / "run", PLAN)
