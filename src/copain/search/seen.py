"""Seen: which places a search has been to, and the best score that it came there with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Scores = npt.NDArray[np.int64]

PLACE = np.dtype([("hash", "<u8"), ("score", "<i8")])
"""A place that was noted, and the score that it was come to with."""


class Seen:
    """Places by their hash. Comes by in batches; the result depends on the batches' order alone.

    The hashes lie in sorted runs, each more than twice as long as the next one, so that looking
    up is a few binary searches and adding moves each entry a few times in all.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Scores]] = []
        self._news: list[npt.NDArray[Any]] = []

    def __len__(self) -> int:
        return sum(len(hashes) for hashes, _ in self._runs)

    def improve(self, hashes: Hashes, scores: Scores) -> npt.NDArray[np.bool_]:
        """Which rows are at a new place, or at a known one with a higher score; they are noted.

        Of rows of one batch at the same place the best is taken, of equal ones the first.
        """
        order = np.lexsort((np.arange(len(hashes)), -scores, hashes))
        first = np.ones(len(order), np.bool_)
        first[1:] = hashes[order[1:]] != hashes[order[:-1]]
        best = order[first]
        keys, values = hashes[best], scores[best]
        known = np.full(len(best), np.iinfo(np.int64).min)
        for run, best_there in self._runs:
            at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            known = np.where(run[at] == keys, np.maximum(known, best_there[at]), known)
        better = (values > known) | (known == np.iinfo(np.int64).min)
        if better.any():
            self._add(keys[better], values[better])
            noted = np.zeros(int(better.sum()), PLACE)
            noted["hash"], noted["score"] = keys[better], values[better]
            self._news.append(noted)
        improved = np.zeros(len(hashes), np.bool_)
        improved[best[better]] = True
        return improved

    def news(self) -> npt.NDArray[Any]:
        """What was noted since the last time, as rows of `PLACE` that `improve` takes again."""
        news, self._news = self._news, []
        return np.concatenate([np.zeros(0, PLACE), *news])

    def _add(self, hashes: Hashes, scores: Scores) -> None:
        while self._runs and len(self._runs[-1][0]) <= 2 * len(hashes):
            older, noted = self._runs.pop()
            hashes, scores = np.concatenate([older, hashes]), np.concatenate([noted, scores])
            order = np.lexsort((-scores, hashes))
            hashes, scores = hashes[order], scores[order]
            keep = np.ones(len(hashes), np.bool_)
            keep[1:] = hashes[1:] != hashes[:-1]
            hashes, scores = hashes[keep], scores[keep]
        self._runs.append((hashes, scores))
