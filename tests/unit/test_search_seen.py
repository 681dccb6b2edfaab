"""Seen and Lines: what a search remembers."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from copain.search.lines import Lines
from copain.search.seen import Seen


class Reference:
    """What Seen does, with a dictionary."""

    def __init__(self) -> None:
        self.known: dict[int, int] = {}

    def improve(self, hashes: list[int], scores: list[int]) -> list[bool]:
        best: dict[int, int] = {}
        for row, (key, score) in enumerate(zip(hashes, scores, strict=True)):
            if key not in best or score > scores[best[key]]:
                best[key] = row
        improved = [False] * len(hashes)
        for key, row in best.items():
            if key not in self.known or scores[row] > self.known[key]:
                self.known[key] = scores[row]
                improved[row] = True
        return improved


LOWEST, HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max


@pytest.mark.parametrize("places", [5, 900, 100_000])
def test_seen_agrees_with_a_dictionary(seed: int, places: int) -> None:
    chance = np.random.default_rng(seed)
    # Spread over all 64 bits, with hash 0, and many that want the same room of the table.
    pool = np.unique(chance.integers(0, 2**64, places, np.uint64))
    pool[: len(pool) // 2] >>= np.uint64(40)
    pool[0] = 0
    extremes = np.array([LOWEST, LOWEST + 1, -1, 0, HIGHEST])
    seen, reference = Seen(), Reference()
    for _ in range(60):
        count = int(chance.integers(0, 2000))
        hashes = chance.choice(pool, count)
        scores = np.where(
            chance.random(count) < 0.1,
            chance.choice(extremes, count),
            chance.integers(-5, 5, count),
        )
        improved = seen.improve(hashes, scores)
        assert improved.tolist() == reference.improve(hashes.tolist(), scores.tolist())
    assert len(seen) == len(reference.known)


def test_the_news_of_seen_are_all_it_knows(seed: int) -> None:
    chance = np.random.default_rng(seed)
    seen, again = Seen(), Seen()
    news: list[npt.NDArray[Any]] = []
    for _ in range(20):
        seen.improve(chance.integers(0, 500, 90).astype(np.uint64), chance.integers(-9, 9, 90))
        news.append(seen.news()["seen"])
    assert len(seen.news()["seen"]) == 0
    rows = np.concatenate(news)
    again.improve(rows["hash"], rows["score"])
    assert len(again) == len(seen)
    hashes = np.arange(500, dtype=np.uint64)
    for score in range(-9, 10):  # the same answers, whatever comes
        scores = np.full(500, score)
        assert np.array_equal(seen.improve(hashes, scores), again.improve(hashes, scores))


def test_seen_takes_little_memory() -> None:
    seen = Seen(logged=False)
    chance = np.random.default_rng(0)
    for _ in range(100):
        seen.improve(chance.integers(0, 2**64, 5000, np.uint64), np.zeros(5000, np.int64))
    assert len(seen) == 500_000
    assert 16 * len(seen) < seen.bytes < 36 * len(seen)


def test_lines_lead_back_to_power_on() -> None:
    prologue = np.array([[8], [8], [0]], np.uint16)
    actions = np.array([[0], [1], [2]], np.uint16)
    lines = Lines([prologue], actions)
    parents = np.zeros(1, np.int64)
    for _ in range(600):  # beyond the first room there is
        parents = lines.add(
            np.repeat(parents, 2), np.array([1, 2] * len(parents)), np.array([4, 3] * len(parents))
        )[:1]
    assert len(lines) == 1201
    assert lines.inputs(0).tolist() == prologue.tolist()
    (row,) = lines.add(np.array([2]), np.array([0]), np.array([1]))
    assert lines.inputs(int(row))[:, 0].tolist() == [8, 8, 0, 2, 2, 2, 0]
