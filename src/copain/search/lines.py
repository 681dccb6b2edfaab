"""Lines: all ways that a search has played, as links from each to the one it went on from.

A search knows millions of lines, so they are rows of arrays: 14 bytes each, no objects.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from copain.joypad import InputLog

Rows = npt.NDArray[np.int64]


class Lines:
    """A growing table; row 0 is the line that was there at the beginning, from power-on.

    Each other row goes on from its `parent` with one action of the table, held for `frames`.
    """

    def __init__(self, prologue: InputLog, actions: npt.NDArray[np.uint16]) -> None:
        """`prologue` is ``uint16 (frames, ports)``, `actions` ``uint16 (actions, ports)``."""
        self._prologue, self._actions = prologue, actions
        self._table = np.zeros(1024, [("parent", "<i8"), ("action", "<u2"), ("frames", "<u4")])
        self._table[0]["parent"] = -1
        self._table[0]["frames"] = len(prologue)
        self._used = 1

    def __len__(self) -> int:
        return self._used

    def add(self, parents: Rows, actions: Rows, frames: Rows) -> Rows:
        """Append lines; their rows."""
        first, end = self._used, self._used + len(parents)
        if end > len(self._table):
            larger = np.zeros(max(end, 2 * len(self._table)), self._table.dtype)
            larger[:first] = self._table[:first]
            self._table = larger
        new = self._table[first:end]
        new["parent"], new["action"], new["frames"] = parents, actions, frames
        self._used = end
        return np.arange(first, end)

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

    def way(self, row: int) -> Rows:
        """The rows that lead to `row`, from the one after row 0 to itself."""
        way: list[int] = []
        while row > 0:
            way.append(row)
            row = int(self._table[row]["parent"])
        return np.array(way[::-1], np.int64)

    def inputs(self, row: int) -> InputLog:
        """The inputs of a line from power-on: ``uint16 (frames, ports)``."""
        links = self._table[self.way(row)]
        return np.concatenate(
            [self._prologue, np.repeat(self._actions[links["action"]], links["frames"], axis=0)]
        )
