"""Seen: which places a search has been to, and the best score that it came there with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.errors import RunError
from copain.search.shelf import Room

Hashes = npt.NDArray[np.uint64]
Scores = npt.NDArray[np.int64]

PLACE = np.dtype([("hash", "<u8"), ("score", "<i8")])
"""A place that was noted, and the score that it was come to with."""

BYTES_A_PLACE = 32
"""What a place takes in memory at most: 16 bytes, in a table that is half full."""


class Seen:
    """Places by their hash. Comes by in batches; the result depends on the batches' order alone.

    A native table, some 25 bytes a place. With `most` it remembers the newest places only, from
    half of `most` to `most` of them: when the half is noted, what was noted before it is
    forgotten.
    """

    def __init__(self, most: int = 0, room: Room | None = None, *, logged: bool = True) -> None:
        """`most` is 0 for all places; with `room`, what does not fit into it is on disk. `news`
        are gathered unless nobody asks for them (`logged`).
        """
        self._most, self._room, self._logged = most, room, logged
        self._table = self._new_table()
        self._older: _native.SeenTable | None = None
        self._forgotten = 0  # how often the older half was
        self.noted = 0
        """Places that were new, those among them that are forgotten."""
        self._news: dict[str, list[npt.NDArray[Any]]] = {"seen": []}

    def __len__(self) -> int:
        return len(self._table) + (0 if self._older is None else len(self._older))

    @property
    def bytes(self) -> int:
        """The memory that the places take."""
        news = sum(noted.nbytes for parts in self._news.values() for noted in parts)
        older = 0 if self._older is None else self._older.bytes
        return self._table.bytes + older + news

    @property
    def spilled(self) -> int:
        """What of them is on disk, in bytes."""
        return self._table.spilled

    def improve(self, hashes: Hashes, scores: Scores) -> npt.NDArray[np.bool_]:
        """Which rows are at a new place, or at a known one with a higher score; they are noted.

        Of rows of one batch at the same place the best is taken, of equal ones the first. Raises
        RunError when the disk is full.
        """
        full = len(self._table) + len(hashes) > self._most // 2
        if self._most and full and len(self._table):
            self._forget()
        return self._improve(hashes, scores)

    def news(self) -> dict[str, npt.NDArray[Any]]:
        """What was noted since the last time, as rows of `PLACE`, by the log that they belong to.

        There is one log, or two: of the older half and of the newer one.
        """
        news = {
            name: np.concatenate([np.zeros(0, PLACE), *new]) for name, new in self._news.items()
        }
        self._news = {name: [] for name in self._news}
        return news

    def recall(self, logs: Mapping[str, npt.NDArray[Any]]) -> None:
        """Be as when these logs were written."""
        logged, self._logged = self._logged, False
        numbers = sorted(_number(name) for name in logs if name == "seen" or name[:5] == "seen-")
        for position, number in enumerate(numbers):
            if position:
                self._older, self._table = self._table, self._new_table()
            self._forgotten = number
            log = logs[_name(number)]
            for first in range(0, len(log), 1 << 16):
                part = log[first : first + (1 << 16)]
                self._improve(np.array(part["hash"]), np.array(part["score"]))
        self._logged = logged
        self._news = {_name(number): [] for number in numbers}

    def _improve(self, hashes: Hashes, scores: Scores) -> npt.NDArray[np.bool_]:
        hashes = np.ascontiguousarray(hashes, np.uint64)
        scores = np.ascontiguousarray(scores, np.int64)
        improved = np.zeros(len(hashes), np.bool_)
        known = len(self._table)
        try:
            self._table.improve(hashes, scores, improved, self._older)
        except _native.CoreError as error:
            raise RunError(f"places that were seen: {error}") from error
        self.noted += len(self._table) - known
        if self._logged and improved.any():
            noted = np.empty(int(improved.sum()), PLACE)
            noted["hash"], noted["score"] = hashes[improved], scores[improved]
            self._news[_name(self._forgotten)].append(noted)
        return improved

    def _forget(self) -> None:
        """The older half; the newer one is the older one now."""
        self._older, self._table = self._table, self._new_table()
        last = _name(self._forgotten)
        self._forgotten += 1
        self._news = {last: self._news[last], _name(self._forgotten): []}

    def _new_table(self) -> _native.SeenTable:
        if self._room is None:
            return _native.SeenTable()
        return _native.SeenTable(self._room.most, str(self._room.folder))


def _name(number: int) -> str:
    """The log of the places noted after the older half was forgotten so often."""
    return f"seen-{number}" if number else "seen"


def _number(name: str) -> int:
    return int(name.removeprefix("seen").removeprefix("-") or 0)
