"""Polish on Grid, whose best results are known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import copain
from copain import Emulator, InputError, MovieError, Rom
from copain.games.grid.game import Grid
from copain.games.grid.optimum import fastest_win, highest_score
from copain.movie import Movie, RomIdentity, verify
from copain.search import Beam, Fastest, Points, Polish, beam, digest, polish
from copain.search.rejoin import clocks, rejoin_mask

UP, DOWN, LEFT, RIGHT, A, START = 16, 32, 64, 128, 1, 8


def rom_of(*rows: str) -> Rom:
    return Rom.from_bytes(("copain grid 1\n" + "\n".join(rows) + "\n").encode())


def movie_of(rom: Rom, *steps: tuple[int, int]) -> Movie:
    """A movie: start, then each button for so many frames (0: idle)."""
    held = [START, 0, *(bits for bits, frames in steps for _ in range(frames))]
    inputs = np.zeros((len(held), 2), np.uint16)
    inputs[:, 0] = held
    return Movie(rom.system, inputs, rom=RomIdentity.of(rom))


ROOM = rom_of("S....", ".##..", "..o.G")
# Back and forth, against a wall, and standing about; it wins all the same.
WASTEFUL = (
    (0, 9), (DOWN, 4), (UP, 4), (0, 6), (RIGHT, 9), (0, 13), (LEFT, 4), (UP, 8), (RIGHT, 12),
    (0, 5), (A, 4), (DOWN, 12), (UP, 8), (0, 21), (DOWN, 9), (RIGHT, 12),
)  # fmt: skip


def opener(rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(rom)


def test_a_wasteful_win_becomes_the_proven_fastest() -> None:
    best = fastest_win(ROOM)
    assert best is not None
    movie = movie_of(ROOM, *WASTEFUL)
    found = polish(opener(ROOM), movie, Fastest(Grid()), Polish(batch=64))
    assert (found.outcome, found.line.frames) == ("won", best.frames)
    assert found.line.frames < movie.frames - 80
    assert verify(found.movie, opener(ROOM)).in_sync


def test_a_poor_score_becomes_the_proven_highest() -> None:
    rom = rom_of("S?o", "##G")
    best = highest_score(rom, 60)
    movie = movie_of(rom, (RIGHT, 8), (0, 30), (DOWN, 4))
    found = polish(opener(rom), movie, Points(Grid()))
    assert found.won
    assert found.score == best.score


def test_a_movie_of_the_shipped_level_becomes_the_proven_fastest(grid_rom: Rom) -> None:
    best = fastest_win(grid_rom)
    assert best is not None
    won = beam(opener(grid_rom), Fastest(Grid()), Beam(width=8, action_repeat=4, per_cell=1))
    assert won.line.frames > best.frames
    found = polish(opener(grid_rom), won.movie, Fastest(Grid()), Polish(window=256, width=256))
    assert found.line.frames == best.frames


def test_what_is_held_that_no_action_holds_is_kept() -> None:
    """People press more than an action table has: here the second joypad, and two at once."""
    movie = movie_of(ROOM, *WASTEFUL)
    inputs = movie.inputs.copy()
    inputs[5:30, 1] = 3
    inputs[40:50, 0] |= LEFT | RIGHT
    movie = replace(movie, inputs=inputs)
    found = polish(opener(ROOM), movie, Points(Grid()), Polish(frames=100))  # before any change
    assert found.movie.frames > 60
    np.testing.assert_array_equal(found.movie.inputs, inputs[: found.movie.frames])


def test_only_what_comes_after_the_start_is_changed() -> None:
    movie = movie_of(ROOM, *WASTEFUL)
    found = polish(opener(ROOM), movie, Fastest(Grid()), start=60)
    np.testing.assert_array_equal(found.movie.inputs[:60], movie.inputs[:60])
    assert found.movie.frames < movie.frames


def test_workers_and_cuts_change_nothing(tmp_path: Path) -> None:
    movie = movie_of(ROOM, (0, 9), (RIGHT, 24), (0, 6), (DOWN, 8))

    def digest_of(name: str, workers: int, *budgets: int | None) -> str:
        for frames in budgets:
            polish(
                opener(ROOM), movie, Fastest(Grid()),
                Polish(batch=32, drop=4, horizon=32, window=16, width=16, frames=frames),
                workers=workers, folder=tmp_path / name,
            )  # fmt: skip
        return digest(tmp_path / name).sha256

    first = digest_of("one", 1, None)
    assert digest_of("two", 2, None) == first
    assert digest_of("cut", 1, 500, 4_000, 9_000, None) == first


def test_movies_that_cannot_be_polished_are_refused() -> None:
    lost = movie_of(rom_of("Sx.", "..G"), (RIGHT, 4), (0, 4))
    with pytest.raises(MovieError, match="the line is lost in frame 3; cut the movie before it"):
        polish(opener(rom_of("Sx.", "..G")), lost, Fastest(Grid()))
    movie = movie_of(ROOM, *WASTEFUL)
    with pytest.raises(InputError, match=r"polish\(start=142\): 0 to 141 is needed"):
        polish(opener(ROOM), movie, Fastest(Grid()), start=142)
    with pytest.raises(MovieError, match="made on another ROM"):
        polish(opener(rom_of("SG")), movie, Fastest(Grid()))
    with pytest.raises(InputError, match=r"Polish\(tries=9\): at most batch=8"):
        Polish(tries=9, batch=8)


def test_clocks_and_the_score_are_left_out_of_what_lines_must_share() -> None:
    ram = np.zeros((600, 256), np.uint8)
    count = np.arange(600)
    ram[:, 4], ram[:, 5] = count & 255, count >> 8  # Grid's clock, 16 bits
    ram[:, 7] = 255 - (count & 255)
    ram[:, 1] = np.minimum(count, 40)  # walks, then stands
    ram[:, 30] = count // 2
    assert np.flatnonzero(clocks(ram)).tolist() == [4, 5, 7]
    assert np.flatnonzero(rejoin_mask(Grid(), ram) == 0).tolist() == [4, 5, 7, 8, 9]


def test_events_tell_each_best_line_once(tmp_path: Path) -> None:
    config = Polish(batch=32, drop=4, horizon=32, window=16, width=16)
    polish(opener(ROOM), movie_of(ROOM, *WASTEFUL), Fastest(Grid()), config, folder=tmp_path)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    told = [(event["length"], event["verified"]) for event in events if event["event"] == "best"]
    assert told
    assert len(told) == len(set(told))
