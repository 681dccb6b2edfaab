"""Lines: all ways that a search went, as links from each to the one it went on from.

A search knows millions of lines, so they are rows of a table: 30 bytes each, no objects. Beyond
a limit of memory the older rows are in a file without a name.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from copain.errors import RunError
from copain.joypad import InputLog
from copain.search.shelf import Room

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

    def __init__(
        self,
        starts: Sequence[InputLog],
        actions: npt.NDArray[np.uint16],
        room: Room | None = None,
    ) -> None:
        """`starts` are ``uint16 (frames, ports)``, `actions` is ``uint16 (actions, ports)``.

        With `room`, `spill` keeps the table within it.
        """
        self._starts, self._actions, self._room = starts, actions, room
        self._used = len(starts)
        self._first = 0  # the rows before it are in the file
        self._file: IO[bytes] | None = None
        self._table = np.zeros(max(1024, len(starts)), LINE)
        self._table["parent"][: len(starts)] = -1
        self._table["frames"][: len(starts)] = [len(start) for start in starts]

    def __len__(self) -> int:
        return self._used

    @property
    def starts(self) -> npt.NDArray[np.uint16]:
        """The inputs of the first rows, one after the other: ``uint16 (frames * ports,)``."""
        return np.concatenate([start.reshape(-1) for start in self._starts])

    @property
    def bytes(self) -> int:
        """The memory that they take."""
        return self._table.nbytes

    @property
    def spilled(self) -> int:
        """What of them is on disk, in bytes."""
        return self._first * LINE.itemsize

    def spill(self) -> None:
        """Write the rows to disk if they take more memory than there is room for.

        Raises RunError when the disk is full; nothing is lost then.
        """
        rows = self._used - self._first
        if self._room is None or 2 * rows * LINE.itemsize <= self._room.most:
            return
        folder = self._room.folder
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115
            self._file.seek(self._first * LINE.itemsize)
            left = memoryview(self._table[:rows].tobytes())
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise RunError(f"what a search spills to {folder}: {error.strerror}") from error
        self._first = self._used
        self._table = np.zeros(1024, LINE)

    def close(self) -> None:
        """The file is not needed any more."""
        if self._file is not None:
            self._file.close()

    def add(self, parents: Rows, actions: Rows, frames: Rows) -> Rows:
        """Append lines; their rows."""
        new = np.zeros(len(parents), LINE)
        new["parent"], new["action"], new["frames"] = parents, actions, frames
        return self.append(new)

    def append(self, new: Table) -> Rows:
        """Append rows as `since` gave them; their numbers."""
        first, end = self._used, self._used + len(new)
        at, after = first - self._first, end - self._first
        if after > len(self._table):
            larger = np.zeros(max(after, 2 * len(self._table)), LINE)
            larger[:at] = self._table[:at]
            self._table = larger
        self._table[at:after] = new
        self._used = end
        return np.arange(first, end)

    def come_to(self, rows: Rows, hashes: npt.NDArray[np.uint64], scores: Rows) -> None:
        """Note where these lines have come to: lines since the last `spill`."""
        self._table["hash"][rows - self._first] = hashes
        self._table["score"][rows - self._first] = scores

    def since(self, row: int) -> Table:
        """All rows from `row` on, a copy."""
        new = self._table[max(0, row - self._first) : self._used - self._first]
        return np.concatenate([self._read(row, max(0, self._first - row)), new])

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
        links, start = self._way(row)
        held = np.repeat(self._actions[links["action"]], links["frames"], axis=0)
        return np.concatenate([self._starts[start], held])

    def hashes(self, row: int) -> dict[int, int]:
        """The hashes that were noted along a line, by frames since power-on."""
        links, start = self._way(row)
        frames = len(self._starts[start]) + np.cumsum(links["frames"], dtype=np.int64)
        noted = links["hash"] != 0
        hashes: list[int] = links["hash"][noted].tolist()
        return dict(zip(frames[noted].tolist(), hashes, strict=True))

    def _way(self, row: int) -> tuple[Table, int]:
        """The rows that lead to this one, in order, and the start that they go on from."""
        way: list[Any] = []
        while row >= len(self._starts):
            link = self._table[row - self._first] if row >= self._first else self._read(row, 1)[0]
            way.append(link)
            row = int(link["parent"])
        return np.array(way[::-1], LINE), row

    def _read(self, row: int, count: int) -> Table:
        """Rows of the file."""
        if self._file is None or not count:
            return np.zeros(0, LINE)
        data = os.pread(self._file.fileno(), count * LINE.itemsize, row * LINE.itemsize)
        return np.frombuffer(data, LINE)
