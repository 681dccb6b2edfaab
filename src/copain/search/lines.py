"""Lines: all ways that a search went, as links from each to the one it went on from.

A search knows millions of lines, so they are rows of a table: 30 bytes each, no objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from copain.joypad import InputLog

Rows = npt.NDArray[np.int64]
Table = npt.NDArray[Any]
"""Rows of `LINE`."""

LINE = np.dtype(
    [("parent", "<i8"), ("action", "<u2"), ("frames", "<u4"), ("hash", "<u8"), ("score", "<i8")]
)
"""A line: the one it goes on from (-1: power-on), with which action, held for so many frames, the
hash of the RAM it comes to and the score it has there (0 in the middle of several actions).
"""


class Lines:
    """A growing table; the first rows are the lines that were there at the beginning, from
    power-on.

    Each other row goes on from its `parent` with one action of the table, held for `frames`.
    """

    def __init__(self, starts: Sequence[InputLog], actions: npt.NDArray[np.uint16]) -> None:
        """`starts` are ``uint16 (frames, ports)``, `actions` is ``uint16 (actions, ports)``."""
        self._starts, self._actions = starts, actions
        self._used = len(starts)
        self._table = np.zeros(max(1024, len(starts)), LINE)
        self._table["parent"][: len(starts)] = -1
        self._table["frames"][: len(starts)] = [len(start) for start in starts]

    def __len__(self) -> int:
        return self._used

    def add(self, parents: Rows, actions: Rows, frames: Rows) -> Rows:
        """Append lines; their rows."""
        new = np.zeros(len(parents), LINE)
        new["parent"], new["action"], new["frames"] = parents, actions, frames
        return self.append(new)

    def append(self, new: Table) -> Rows:
        """Append rows as `since` gave them; their numbers."""
        first, end = self._used, self._used + len(new)
        if end > len(self._table):
            larger = np.zeros(max(end, 2 * len(self._table)), LINE)
            larger[:first] = self._table[:first]
            self._table = larger
        self._table[first:end] = new
        self._used = end
        return np.arange(first, end)

    def come_to(self, rows: Rows, hashes: npt.NDArray[np.uint64], scores: Rows) -> None:
        """Note where these lines have come to."""
        self._table["hash"][rows] = hashes
        self._table["score"][rows] = scores

    def since(self, row: int) -> Table:
        """All rows from `row` on, a copy."""
        return self._table[row : self._used].copy()

    def add_steps(self, parents: Rows, actions: Rows, frames: Rows, action_repeat: int) -> Rows:
        """Append lines of several actions each; the rows they end with.

        `actions` is ``int64 (lines, steps)``, each held for `action_repeat` frames, of which
        `frames` in all count.
        """
        for step in range(actions.shape[1]):
            held = np.clip(frames - step * action_repeat, 0, action_repeat)
            going = np.flatnonzero(held)
            rows = self.add(parents[going], actions[going, step], held[going])
            parents = parents.copy()
            parents[going] = rows
        return parents

    def inputs(self, row: int) -> InputLog:
        """The inputs of a line from power-on: ``uint16 (frames, ports)``."""
        way, start = self._way(row)
        links = self._table[way]
        held = np.repeat(self._actions[links["action"]], links["frames"], axis=0)
        return np.concatenate([self._starts[start], held])

    def hashes(self, row: int) -> dict[int, int]:
        """The hashes that were noted along a line, by frames since power-on."""
        way, start = self._way(row)
        links = self._table[way]
        frames = len(self._starts[start]) + np.cumsum(links["frames"], dtype=np.int64)
        noted = links["hash"] != 0
        hashes: list[int] = links["hash"][noted].tolist()
        return dict(zip(frames[noted].tolist(), hashes, strict=True))

    def _way(self, row: int) -> tuple[list[int], int]:
        """The rows that lead to this one, in order, and the start that they go on from."""
        way: list[int] = []
        while row >= len(self._starts):
            way.append(row)
            row = int(self._table[row]["parent"])
        return way[::-1], row
