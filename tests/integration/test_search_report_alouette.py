"""The report of a search of the real game: its map, and its best movie in pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

import copain
from copain.games.alouette.game import Alouette
from copain.movie import play
from copain.search import BruteForce, Points, brute_force
from copain.search.report import write_report
from copain.search.report.replay import png


def test_the_page_shows_the_stage_that_was_searched(alouette: copain.Rom, tmp_path: Path) -> None:
    def opened() -> copain.Emulator:
        return copain.open(alouette, emulator="colibri")

    game = Alouette(first_stage=2, last_stage=2)
    found = brute_force(opened, Points(game), BruteForce(frames=20_000), folder=tmp_path)
    # Nothing in the folder says at which stage it began but the movie itself.
    path = write_report(tmp_path, opened, Alouette())
    begin = len(game.start_log(1))
    shots = sorted(path.parent.glob("best-*.png"), key=lambda each: int(each.stem[5:]))
    frames = [int(each.stem.removeprefix("best-")) for each in shots]
    assert (len(frames), frames[0], frames[-1]) == (8, begin + 1, found.movie.frames)
    with opened() as nes:
        play(found.movie, nes)
        assert isinstance(nes, copain.HasScreen)
        last = np.asarray(Image.open(io.BytesIO(png(nes.screen))))
    np.testing.assert_array_equal(np.asarray(Image.open(shots[-1])), last)
    with Image.open(path.parent / "best.gif") as film:
        assert getattr(film, "n_frames", 0) > 50
    page = path.read_text()
    assert f"best.fm2: {found.movie.frames:,} frames, {found.score:,} points" in page
    for figure in ("score", "time", "map"):
        assert (path.parent / f"{figure}.png").stat().st_size > 10_000
