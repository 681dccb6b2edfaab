"""Replay: what was lived through, to be learned from again, and how many steps become one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from copain.errors import InputError
from copain.games.game import Flags
from copain.rl.ram_view import Features

Floats = npt.NDArray[np.float32]


Row = tuple[Features, int, float, float, Features, Flags]
"""One row of `Rows`."""


@dataclass(slots=True)
class Rows:
    """Steps to learn from, n at once; each from one observation to a later one.

    `reward` is what the steps in between gave, discounted; `discount` what the value of `after`
    counts, 0 where the game ended before it. `allowed` are the actions possible there.
    """

    before: npt.NDArray[np.floating[Any]]
    """``float (n, features)``."""
    action: npt.NDArray[np.int64]
    reward: Floats
    discount: Floats
    after: npt.NDArray[np.floating[Any]]
    allowed: Flags
    """``bool (n, actions)``."""

    def __len__(self) -> int:
        return len(self.action)


class Replay:
    """The last `capacity` rows. Observations are kept as float16: they are scaled, and many."""

    def __init__(self, capacity: int, features: int, actions: int) -> None:
        """Its memory is taken as it fills. Raises InputError for a capacity below 1."""
        if capacity < 1:
            raise InputError(f"Replay(capacity={capacity}): at least 1 is needed")
        self.capacity, self.size = capacity, 0
        self._next = 0
        self._kept = Rows(
            before=np.zeros((capacity, features), np.float16),
            action=np.zeros(capacity, np.int64),
            reward=np.zeros(capacity, np.float32),
            discount=np.zeros(capacity, np.float32),
            after=np.zeros((capacity, features), np.float16),
            allowed=np.zeros((capacity, actions), np.bool_),
        )

    def add(self, rows: Rows) -> None:
        """Keep these, in place of the oldest when it is full."""
        at = (self._next + np.arange(len(rows))) % self.capacity
        for name in Rows.__slots__:
            getattr(self._kept, name)[at] = getattr(rows, name)
        self._next = (self._next + len(rows)) % self.capacity
        self.size = min(self.capacity, self.size + len(rows))

    def sample(self, luck: np.random.Generator, count: int) -> Rows:
        """So many rows at random; observations as float32. There must be some."""
        at = luck.integers(self.size, size=count)
        kept = self._kept
        return Rows(
            kept.before[at].astype(np.float32), kept.action[at], kept.reward[at],
            kept.discount[at], kept.after[at].astype(np.float32), kept.allowed[at],
        )  # fmt: skip

    def to_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What it holds, to be written to a file."""
        held = {name: getattr(self._kept, name)[: self.size] for name in Rows.__slots__}
        return {**held, "next": np.array(self._next)}

    def recall(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Hold what `to_arrays` gave of a replay like this one."""
        self.size = len(arrays["action"])
        self._next = int(arrays["next"]) % self.capacity
        for name in Rows.__slots__:
            getattr(self._kept, name)[: self.size] = arrays[name]


class Steps:
    """The steps of one runner that are still to become rows, n steps each.

    A row is complete when the observation n steps later is seen, or when the episode ends.
    """

    def __init__(self, steps: int, discount: float) -> None:
        self.steps, self.discount = steps, discount
        self._open: list[tuple[Features, int, float]] = []

    def __len__(self) -> int:
        return len(self._open)

    def add(self, before: Features, action: int, reward: float) -> None:
        """One step more."""
        self._open.append((before, action, reward))

    def complete(self, after: Features, allowed: Flags) -> list[Row]:
        """The rows that are complete now that `after` is seen."""
        rows: list[Row] = []
        while len(self._open) >= self.steps:
            rows.append(self._row(after, allowed, ended=False))
        return rows

    def end(self, after: Features, allowed: Flags, *, terminated: bool) -> list[Row]:
        """The rows of all that is open: the episode ended, by the game itself or broken off."""
        rows: list[Row] = []
        while self._open:
            rows.append(self._row(after, allowed, ended=terminated))
        return rows

    def _row(self, after: Features, allowed: Flags, *, ended: bool) -> Row:
        rewards = [reward for _, _, reward in self._open]
        total = sum(self.discount**at * reward for at, reward in enumerate(rewards))
        before, action, _ = self._open.pop(0)
        later = 0.0 if ended else self.discount ** len(rewards)
        return before, action, total, later, after, allowed


def rows_of(rows: list[Row]) -> Rows:
    """Rows that `Steps` made, together; at least one."""
    before, action, reward, discount, after, allowed = zip(*rows, strict=True)
    return Rows(
        np.stack(before), np.array(action, np.int64), np.array(reward, np.float32),
        np.array(discount, np.float32), np.stack(after), np.stack(allowed),
    )  # fmt: skip
