"""Seen and Lines: what a search remembers."""

from __future__ import annotations

import numpy as np

from copain.search.lines import Lines
from copain.search.seen import Seen


def test_seen_agrees_with_a_dictionary(seed: int) -> None:
    chance = np.random.default_rng(seed)
    seen, known = Seen(), dict[int, int]()
    for _ in range(60):
        count = int(chance.integers(0, 200))
        hashes = chance.integers(0, 900, count).astype(np.uint64)
        scores = chance.integers(-5, 5, count)
        expected = np.zeros(count, np.bool_)
        best: dict[int, int] = {}
        for row, (key, score) in enumerate(zip(hashes.tolist(), scores.tolist(), strict=True)):
            if key not in best or score > scores[best[key]]:
                best[key] = row
        for key, row in best.items():
            if key not in known or int(scores[row]) > known[key]:
                known[key] = int(scores[row])
                expected[row] = True
        assert np.array_equal(seen.improve(hashes, scores), expected)
    assert len(seen) >= len(known)


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
