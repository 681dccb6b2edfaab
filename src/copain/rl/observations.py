"""What is observed of N copies: the space of each, and the arrays it is in."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from copain.copies import Rows
from copain.rl.task import Task

Arrays: TypeAlias = "dict[str, npt.NDArray[Any]]"
Observation: TypeAlias = "npt.NDArray[Any] | dict[str, npt.NDArray[Any]]"

SIDE = 84
"""Lines and columns of ``screen84``, as many as in https://arxiv.org/abs/1312.5602."""


class Observations:
    """The observations of N copies, in two sets of arrays that take turns.

    What is observed in a step is made of what was observed before, and what is new.
    """

    def __init__(
        self,
        task: Task,
        count: int,
        features: int,
        ram_size: int,
        picture: tuple[int, int] | None,
        *,
        renders: bool,
    ) -> None:
        """`picture` is the height and width of the screen, where it is looked at."""
        self._kinds = task.kinds
        self._is_dict = not isinstance(task.observation, str)
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
        shapes = {kind: box.shape for kind, box in chosen.items()}
        if "ram" in shapes:
            shapes["ram"] = (task.stack, features)
        if renders:
            shapes["screen"] = boxes["screen"].shape
        self._sets: list[Arrays] = [
            {kind: np.zeros((count, *shape), boxes[kind].dtype) for kind, shape in shapes.items()}
            for _ in range(2)
        ]

    def turn(self, rows: Rows, *, fresh: bool) -> tuple[Arrays, Arrays]:
        """The arrays of before, and those to fill now.

        They take turns, and copies that are not in `rows` keep what was observed of them; but for
        what is `fresh`, which is written over the last.
        """
        if fresh:
            return self._sets[1], self._sets[1]
        self._sets.reverse()
        before, after = self._sets
        for kind, array in after.items():
            if len(rows) < len(array):
                rest = np.ones(len(array), np.bool_)
                rest[rows] = False
                array[rest] = before[kind][rest]
        return before, after

    @property
    def pictures(self) -> npt.NDArray[np.uint8]:
        """The pictures of the last frame, ``uint8 (N, height, width, 3)``, if they are kept."""
        return self._sets[1]["screen"]

    def all(self, *, copy: bool) -> Observation:
        """What was observed last of all copies; a copy, or else arrays that will change."""
        return self._given({kind: self._sets[1][kind] for kind in self._kinds}, copy)

    def of(self, row: int) -> Observation:
        """What was observed last of one copy, as an array of its own."""
        one = {kind: self._sets[1][kind][row : row + 1] for kind in self._kinds}
        given = self._given(one, copy=True)
        return {k: v[0] for k, v in given.items()} if isinstance(given, dict) else given[0]

    def _given(self, arrays: Arrays, copy: bool) -> Observation:
        given = {
            kind: (array.copy() if copy else array).reshape(len(array), -1)
            if kind == "ram"
            else (array.copy() if copy else array)
            for kind, array in arrays.items()
        }
        return given if self._is_dict else given[self._kinds[0]]
