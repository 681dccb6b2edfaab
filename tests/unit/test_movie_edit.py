"""Movies cut, put together, compared."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from copain.cli import main
from copain.errors import MovieError
from copain.movie import Change, Movie, RomIdentity, Subtitle, cut, diff, splice
from copain.system import GAME_BOY, NES


def movie(rows: list[int], **more: object) -> Movie:
    inputs = np.zeros((len(rows), 2), np.uint16)
    inputs[:, 0] = rows
    return Movie(NES, inputs, **more)  # pyright: ignore[reportArgumentType]


def rebuilt(one: Movie, two: Movie, changes: list[Change]) -> np.ndarray:
    """`two`, from `one` and the changes alone."""
    parts: list[np.ndarray] = []
    at = 0
    for change in changes:
        parts += [one.inputs[at : change.start], two.inputs[change.other_start : change.other_stop]]
        at = change.stop
    return np.concatenate([*parts, one.inputs[at:]])


def test_cut_leaves_frames_out_and_what_was_claimed_of_the_later_ones() -> None:
    whole = movie(
        list(range(8)), hashes={2: 20, 6: 60}, subtitles=(Subtitle(1, "a"), Subtitle(7, "b")),
        commands=np.array([0, 0, 0, 1, 0, 0, 2, 0]),
    )  # fmt: skip
    shorter = cut(whole, 3, 5)
    assert shorter.inputs[:, 0].tolist() == [0, 1, 2, 5, 6, 7]
    assert shorter.commands.tolist() == [0, 0, 0, 0, 2, 0]
    assert dict(shorter.hashes) == {2: 20}
    assert shorter.subtitles == (Subtitle(1, "a"),)
    assert cut(whole, 3).inputs[:, 0].tolist() == [0, 1, 2]
    assert cut(whole, 8) == whole
    for wrong in ((-1, 2), (5, 3), (0, 9)):
        with pytest.raises(MovieError, match="the movie has 8 frames"):
            cut(whole, *wrong)


def test_splice_goes_on_with_another_movie() -> None:
    one = movie([1, 2, 3, 4], rerecords=5, authors=("ann",), hashes={2: 1, 4: 2})
    two = movie([9, 8, 7], rerecords=2, authors=("ann", "bob"))
    both = splice(one, 2, two, 1)
    assert both.inputs[:, 0].tolist() == [1, 2, 8, 7]
    assert (both.rerecords, both.authors, dict(both.hashes)) == (7, ("ann", "bob"), {2: 1})
    assert splice(one, 4, two).frames == 7
    with pytest.raises(MovieError, match="movies have 4 and 3 frames"):
        splice(one, 5, two)
    with pytest.raises(MovieError, match=r"two ROMs: one .* and two"):
        splice(
            movie([1], rom=RomIdentity("one", sha1="aa")), 1,
            movie([1], rom=RomIdentity("two", sha1="bb")),
        )  # fmt: skip
    with pytest.raises(MovieError, match="Game Boy"):
        splice(one, 1, Movie(GAME_BOY, np.zeros((2, 1), np.uint16)))


def test_diff_finds_what_was_changed_put_in_and_left_out(seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows = chance.integers(0, 256, 3000)
    other = np.concatenate([rows[:500], [1, 2, 3], rows[500:1200], rows[1240:]])
    other[100] ^= 1
    changes = diff(movie(rows.tolist()), movie(other.tolist()))
    assert changes == [
        Change(100, 101, 100, 101),
        Change(500, 500, 500, 503),
        Change(1200, 1240, 1203, 1203),
    ]
    assert not diff(movie(rows.tolist()), movie(rows.tolist(), rerecords=4))


def test_a_movie_can_be_made_of_the_other_and_the_differences(seed: int) -> None:
    chance = np.random.default_rng(seed)
    for _ in range(60):
        rows = chance.integers(0, 3, int(chance.integers(0, 200)))
        other = rows.copy()
        for _ in range(int(chance.integers(0, 4))):
            at = int(chance.integers(0, len(other) + 1))
            put_in = chance.integers(0, 3, int(chance.integers(0, 9)))
            other = np.concatenate([other[:at], put_in, other[at + int(chance.integers(0, 9)) :]])
        one, two = movie(rows.tolist()), movie(other.tolist())
        assert np.array_equal(rebuilt(one, two, diff(one, two)), two.inputs)


def test_another_play_is_one_difference_and_found_in_no_time() -> None:
    chance = np.random.default_rng(0)
    one, two = movie(chance.integers(0, 256, 40_000).tolist()), movie([0] * 30_000)
    assert diff(one, two) == [Change(0, 40_000, 0, 30_000)]


def test_the_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str | int | Path) -> tuple[int, str]:
        monkeypatch.setenv("COLUMNS", "160")
        monkeypatch.setattr(sys, "argv", ["copain", "movie", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out + err

    one, two, three = (tmp_path / name for name in ("one.fm2", "two.fm2", "three.fm2"))
    movie([0] * 30 + [1] * 5 + [0] * 30).write(one)
    assert run("cut", one, "--from", 30, "--to", 33, "-o", two)[0] == 0
    assert Movie.read(two).inputs[:, 0].tolist() == [0] * 30 + [1] * 2 + [0] * 30
    status, told = run("diff", one, two)
    assert status == 1
    assert "none at" in told
    assert "a x3" in told
    assert run("diff", one, one) == (0, "the inputs are alike, 65 frames\n")
    assert run("splice", two, 10, one, "--from", 30, "-o", three)[0] == 0
    assert Movie.read(three).frames == 45
    status, told = run("cut", one, "--from", 90, "-o", two)
    assert status == 2
    assert "the movie has 65 frames" in told
