"""Evaluation: the same again, proven from power-on, from starts that training never sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import copain
from copain.games import game_by_name, rom_path
from copain.games.game import Flags
from copain.games.objective import stage_cleared
from copain.rl.evaluation import evaluate, movie_of
from copain.rl.learning_envs import Lesson, Seen
from copain.rl.statistics import better_by_chance, bootstrap_interval, interquartile_mean

GAME = game_by_name("alouette")
LESSON = Lesson(GAME, goal=stage_cleared(GAME, 0))


def fickle(seen: Seen, allowed: Flags) -> npt.NDArray[np.int64]:
    """Another action almost every step, each row by itself."""
    return (np.abs(seen).sum(axis=1) * 64).astype(np.int64) % len(GAME.actions)


def test_episodes_are_the_same_however_many_play_at_once_and_are_proven() -> None:
    starts = GAME.starts("test")
    one, many = (evaluate(fickle, LESSON, starts, 5, seed=3, at_once=n) for n in (2, 5))
    for a, b in zip(one, many, strict=True):
        assert (a.start, a.reward, a.steps, a.score) == (b.start, b.reward, b.steps, b.score)
        np.testing.assert_array_equal(a.inputs, b.inputs)
    assert [each.start for each in one] == list(starts[:5])
    # Sticky: a quarter of the steps, or a little less, begin with what was held before.
    held = one[0].inputs.reshape(one[0].steps, 4, 2)
    late = (held != held[:, -1:]).any(axis=(1, 2)).mean()
    assert 0.05 < late < 0.3
    with copain.open(rom_path("alouette")) as nes:
        movie = movie_of(one[0], LESSON, nes)
        assert movie.frames == len(starts[0].log(2)) + len(one[0].inputs)
        assert nes.ram["score"] == one[0].score


def test_train_validation_and_test_share_no_start() -> None:
    names = ("train", "validation", "test")
    logs = [{start.log(2).tobytes() for start in GAME.starts(split)} for split in names]
    assert [len(log) for log in logs] == [len(GAME.starts(name)) for name in names]
    assert len({each for log in logs for each in log}) == sum(len(log) for log in logs)


def test_figures() -> None:
    assert interquartile_mean([0, 1, 2, 3, 4, 5, 6, 100]) == pytest.approx(3.5)
    assert interquartile_mean([1, 2]) == pytest.approx(1.5)
    low, high = bootstrap_interval(np.arange(100.0))
    assert 35 < low < 49.5 < high < 65
    assert better_by_chance(np.arange(30) + 30, np.arange(30)) < 0.001
    assert better_by_chance(np.arange(30), np.arange(30)) > 0.3
