"""The report of a search, on Grid: what is drawn is what the search did."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import copain
from copain import CopainError, Emulator, GameError, RunError
from copain.cli import app
from copain.errors import MissingExtra
from copain.games import rom_path
from copain.games.grid.game import Grid
from copain.games.grid.rules import GOAL, WALL, read_level
from copain.search import (
    Beam,
    BruteForce,
    Fastest,
    Found,
    GoExplore,
    Points,
    Polish,
    RandomSearch,
    beam,
    brute_force,
    digest,
    go_explore,
    polish,
    random_search,
)
from copain.search.line_search import action_bits
from copain.search.report import write_report
from copain.search.report.facts import read_facts
from copain.search.report.replay import where_lines_went


def open_grid() -> Emulator:
    return copain.open(rom_path("grid"))


def by_beam(folder: Path) -> Found:
    config = Beam(width=24, linger=8, ends=3)
    return beam(open_grid, Fastest(Grid()), config, folder=folder)


SEARCHES: dict[str, Callable[[Path], Found]] = {
    "beam": by_beam,
    "brute-force": lambda folder: brute_force(
        open_grid, Points(Grid()), BruteForce(frames=4_000), folder=folder
    ),
    "go-explore": lambda folder: go_explore(
        open_grid, Points(Grid()), GoExplore(batch=32, frames=4_000), folder=folder
    ),
    "random": lambda folder: random_search(
        open_grid, Points(Grid()), RandomSearch(frames=4_000), folder=folder
    ),
}


def embedded(page: str) -> list[Image.Image]:
    """All pictures in a page."""
    found = re.findall(r'src="data:image/\w+;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(each))) for each in found]


@pytest.mark.parametrize("name", SEARCHES)
def test_each_search_has_a_page_that_needs_nothing_else(name: str, tmp_path: Path) -> None:
    found = SEARCHES[name](tmp_path / "run")
    path = write_report(tmp_path / "run", open_grid, Grid())
    page = path.read_text()
    assert f"Grid: {name}" in page
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert digest(tmp_path / "run").sha256 in page
    assert f"{found.movie.frames:,} frames, {found.score:,} points" in page
    pictures = embedded(page)
    assert len(pictures) >= 3 + 1 + 8  # the figures, the movie, and pictures of it
    for picture in pictures:
        assert np.asarray(picture.convert("L")).std() > 4, "a picture shows nothing"
    for figure in ("score.png", "time.png", "map.png"):
        with Image.open(path.parent / figure) as picture:
            assert picture.width > 1000


def test_depths_and_scores_are_those_of_the_search(tmp_path: Path) -> None:
    found = by_beam(tmp_path)
    facts = read_facts(tmp_path)
    best = facts.known.best
    assert len(best) == len(found.ends) == 3
    assert facts.known.frame[best].tolist() == [end.line.frames for end in found.ends]
    # Of `fastest` the progress is shown, not the number that it is a part of.
    assert facts.measure == "progress"
    assert facts.known.score[best].tolist() == [end.line.progress for end in found.ends]
    (start,) = np.flatnonzero(facts.known.parent < 0)
    assert facts.known.frame[start] == len(Grid().start_log(1))


def test_what_was_noted_adds_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copain.search.journal._NOTE_EVERY", 0.0)
    beam(open_grid, Points(Grid()), Beam(width=24, frames=4_000), folder=tmp_path)
    before = read_facts(tmp_path).over_time()["seconds"][-1]
    whole = beam(open_grid, Points(Grid()), Beam(width=24, frames=9_000), folder=tmp_path)
    columns = read_facts(tmp_path).over_time()
    assert len(columns["seconds"]) > 20
    assert columns["frames"][-1] == whole.progress.frames
    assert columns["jobs"][-1] == whole.progress.rerecords
    assert columns["score"][-1] == whole.score
    for name in ("seconds", "frames", "jobs", "new", "deaths"):  # also where it was taken up again
        assert (np.diff(columns[name]) >= 0).all(), name
    assert columns["seconds"][-1] > before > 0
    assert 0 < columns["new"][-1] < columns["jobs"][-1] - columns["deaths"][-1]


def test_the_map_shows_where_the_lines_were(tmp_path: Path) -> None:
    found = by_beam(tmp_path)
    known, level = read_facts(tmp_path).known, read_level(rom_path("grid").read_bytes())
    starts = {0: Grid().start_log(1)}
    leaves = np.setdiff1d(np.flatnonzero(known.parent >= 0), known.parent)
    actions = action_bits(Grid(), 1)
    went = where_lines_went(open_grid, Grid(), known, leaves[:40], starts, actions)
    assert went is not None
    tiles = np.frombuffer(level.tiles, np.uint8).reshape(-1, 16)
    assert (tiles[went.y, went.x] != WALL).all()
    assert len(went.x) == (known.frame[leaves[:40]] - len(starts[0])).sum()
    best = where_lines_went(open_grid, Grid(), known, known.best[:1], starts, actions)
    assert best is not None
    assert len(best.x) == found.line.frames - len(starts[0])
    assert abs(best.x[0] - level.start[0]) + abs(best.y[0] - level.start[1]) <= 1  # one step on
    assert tiles[best.y[-1], best.x[-1]] == GOAL


def test_lines_that_began_with_movies_are_played_from_there(tmp_path: Path) -> None:
    half = beam(open_grid, Fastest(Grid()), Beam(width=24, generations=10, action_repeat=4))
    starts = [half.movie]
    found = beam(open_grid, Fastest(Grid()), Beam(width=24), starts=starts, folder=tmp_path / "on")
    assert found.won
    polish(
        open_grid, found.movie, Fastest(Grid()), Polish(frames=4_000), folder=tmp_path / "better"
    )
    for name in ("on", "better"):
        page = write_report(tmp_path / name, open_grid, Grid(), tmp_path / "out" / name)
        assert (page.parent / "map.png").stat().st_size > 10_000


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["search", "report", *map(str, words)])
    if isinstance(result.exception, CopainError):
        raise result.exception
    return result.exit_code, result.output


def test_the_command_writes_where_it_is_told(tmp_path: Path) -> None:
    by_beam(tmp_path / "run")
    status, told = run(tmp_path / "run", "--out", tmp_path / "there", "--lines", 3)
    assert status == 0
    assert told.strip() == str(tmp_path / "there" / "index.html")
    assert "3 of " in (tmp_path / "there" / "index.html").read_text()
    assert not (tmp_path / "run" / "report").exists()


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"search report '.*': it is no run folder"):
        run(tmp_path)
    by_beam(tmp_path / "run")
    other = tmp_path / "other.grid"
    other.write_bytes(b"copain grid 1\nS..G\n")
    with pytest.raises(RunError, match="the run is of another ROM: SHA-1"):
        write_report(tmp_path / "run", lambda: copain.open(other), Grid())
    plan = tmp_path / "run" / "run.toml"
    plan.write_text(plan.read_text().replace('game = "grid"', 'game = "mine"'))
    with pytest.raises(GameError, match=r"no game called 'mine'; .* from Python: .*write_report"):
        run(tmp_path / "run")


def test_a_run_that_is_damaged_or_old_still_has_its_page(tmp_path: Path) -> None:
    by_beam(tmp_path)
    events = tmp_path / "events.jsonl"
    kept = [line for line in events.read_text().splitlines() if '"progress"' not in line[:24]]
    events.write_text("\n".join([*kept, json.dumps({"event": "best"})[:-4]]))
    page = write_report(tmp_path, open_grid, Grid()).read_text()
    assert "The search noted nothing of its course" in page
    (tmp_path / "archive" / "checkpoint.npz").write_bytes(b"nothing")
    with pytest.raises(RunError, match=r"checkpoint\.npz is damaged"):
        write_report(tmp_path, open_grid, Grid())


def test_without_matplotlib_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_beam(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"needs the package matplotlib, .*'copain\[report\]'"):
        write_report(tmp_path, open_grid, Grid())
