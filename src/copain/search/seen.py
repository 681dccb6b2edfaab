"""Seen: which places a search has been to, and the best score that it came there with."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Scores = npt.NDArray[np.int64]


class Seen:
    """Places by their hash. Comes by in batches; the result depends on the batches' order alone.

    The hashes lie in sorted runs, each more than twice as long as the next one, so that looking
    up is a few binary searches and adding moves each entry a few times in all.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Hashes, Scores]] = []

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
        for run, noted in self._runs:
            at = np.minimum(np.searchsorted(run, keys), len(run) - 1)
            known = np.where(run[at] == keys, np.maximum(known, noted[at]), known)
        better = (values > known) | (known == np.iinfo(np.int64).min)
        if better.any():
            self._add(keys[better], values[better])
        improved = np.zeros(len(hashes), np.bool_)
        improved[best[better]] = True
        return improved

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
