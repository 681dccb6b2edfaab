"""Seen: which places a search has been to, and the best score that it came there with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from copain import _native

Hashes = npt.NDArray[np.uint64]
Scores = npt.NDArray[np.int64]

PLACE = np.dtype([("hash", "<u8"), ("score", "<i8")])
"""A place that was noted, and the score that it was come to with."""


class Seen:
    """Places by their hash. Comes by in batches; the result depends on the batches' order alone.

    A native table, some 25 bytes a place.
    """

    def __init__(self) -> None:
        self._table = _native.SeenTable()
        self._news: list[npt.NDArray[Any]] = []

    def __len__(self) -> int:
        return len(self._table)

    @property
    def bytes(self) -> int:
        """The memory that the places take."""
        return self._table.bytes

    def improve(self, hashes: Hashes, scores: Scores) -> npt.NDArray[np.bool_]:
        """Which rows are at a new place, or at a known one with a higher score; they are noted.

        Of rows of one batch at the same place the best is taken, of equal ones the first.
        """
        hashes = np.ascontiguousarray(hashes, np.uint64)
        scores = np.ascontiguousarray(scores, np.int64)
        improved = np.zeros(len(hashes), np.bool_)
        self._table.improve(hashes, scores, improved)
        if improved.any():
            noted = np.empty(int(improved.sum()), PLACE)
            noted["hash"], noted["score"] = hashes[improved], scores[improved]
            self._news.append(noted)
        return improved

    def news(self) -> npt.NDArray[Any]:
        """What was noted since the last time, as rows of `PLACE` that `improve` takes again."""
        news, self._news = self._news, []
        return np.concatenate([np.zeros(0, PLACE), *news])
