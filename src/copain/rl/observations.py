"""What is observed of N copies: the space of each, and the arrays it is in."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from copain.copies import Rows, Stack
from copain.emulator import Picture
from copain.memory import Bytes
from copain.rl.task import Task

Arrays: TypeAlias = "dict[str, npt.NDArray[Any]]"
Observation: TypeAlias = "npt.NDArray[Any] | dict[str, npt.NDArray[Any]]"

SIDE = 84
"""Lines and columns of ``screen84``, as many as in https://arxiv.org/abs/1312.5602."""


class Observations:
    """The observations of N copies: arrays that are kept, and copies of them that are given."""

    def __init__(
        self,
        task: Task,
        features: int,
        ram: Bytes,
        picture: tuple[int, int] | None,
        *,
        renders: bool,
    ) -> None:
        """`ram` is where the RAM of the copies is seen, ``uint8 (N, ram_size)``; `picture` the
        height and width of the screen, where it is looked at.
        """
        self._kinds = task.kinds
        self._is_dict = not isinstance(task.observation, str)
        count, ram_size = ram.shape
        height, width = picture or (0, 0)
        boxes = {
            "ram": spaces.Box(-1.0, 1.0, (task.stack * features,), np.float32),
            "ram_bytes": spaces.Box(0, 255, (ram_size,), np.uint8),
            "screen": spaces.Box(0, 255, (height, width, 3), np.uint8),
            "screen84": spaces.Box(0, 255, (task.stack, SIDE, SIDE), np.uint8),
        }
        chosen = {kind: boxes[kind] for kind in self._kinds}
        self.space: spaces.Space[Any] = (
            spaces.Dict(dict(chosen)) if self._is_dict else chosen[self._kinds[0]]
        )
        self._kept: Arrays = {}
        if "ram" in chosen:
            self._kept["ram"] = np.zeros((count, task.stack, features), np.float32)
        if "ram_bytes" in chosen:
            self._kept["ram_bytes"] = ram
        if "screen" in chosen or renders:
            self._kept["screen"] = np.zeros((count, height, width, 3), np.uint8)
        if "screen84" in chosen:
            self._kept["screen84"] = np.zeros((count, task.stack, SIDE, SIDE), np.uint8)
        self._given: Arrays = {}
        self._stale = np.ones(count, np.bool_)  # which rows of what is given are not written

    def stack(self, kind: str) -> Stack | None:
        """Where observations that are stacked go, if they are of this kind."""
        kept = self._kept.get(kind)
        return None if kept is None else Stack(kept, self._given.get(kind))

    def picture(self, row: int) -> Picture:
        """The picture of a copy's last frame, where it is kept: an array of its own."""
        return self._kept["screen"][row].copy()

    @property
    def screen(self) -> Bytes | None:
        """The pictures of the last frame, ``uint8 (N, height, width, 3)``, if they are kept."""
        return self._kept.get("screen")

    def prepare(self) -> None:
        """Have arrays to give ready, so that they are written as the copies are played."""
        self._given = {
            kind: np.empty_like(self._kept[kind]) for kind in _STACKED if kind in self._kinds
        }
        self._stale[:] = True

    def seen(self, rows: Rows) -> None:
        """What goes into the stacks, and is given, was written for these copies."""
        self._stale[rows] = False

    def all(self, *, copy: bool) -> Observation:
        """What was observed last of all copies; a copy, or else arrays that will change."""
        arrays: Arrays = {}
        for kind in self._kinds:
            kept = self._kept[kind]
            if not copy:
                arrays[kind] = kept
            elif kind not in self._given:
                arrays[kind] = kept.copy()
            else:
                arrays[kind] = self._given[kind]
                arrays[kind][self._stale] = kept[self._stale]
        self._given = {}
        return self._told(arrays)

    def of(self, row: int) -> Observation:
        """What was observed last of one copy, as an array of its own."""
        told = self._told({kind: self._kept[kind][row : row + 1].copy() for kind in self._kinds})
        return {k: v[0] for k, v in told.items()} if isinstance(told, dict) else told[0]

    def _told(self, arrays: Arrays) -> Observation:
        if "ram" in arrays:
            arrays["ram"] = arrays["ram"].reshape(len(arrays["ram"]), -1)
        return arrays if self._is_dict else arrays[self._kinds[0]]


_STACKED = ("ram", "screen84")
