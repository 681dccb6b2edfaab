"""Baselines: policies that see nothing. What is learned must do better than the best of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from copain.games import Game
from copain.games.game import Flags
from copain.rl.evaluation import Policy
from copain.rl.learning_envs import Seen

_SWEEP = 20
"""Steps that a sweep goes each way."""


def baselines(game: Game, seed: int = 0) -> Mapping[str, Policy]:
    """The policies by name: random; each action held; and holding fire up and down, in turn, where
    the game's table has ``up+a`` and ``down+a``.

    To hold fire is the constant action ``a`` among them. A sweep begins when it is made: make it
    anew for each evaluation.
    """
    luck = np.random.default_rng(seed)
    names = [action.name for action in game.actions]

    def at_random(seen: Seen, allowed: Flags) -> npt.NDArray[np.int64]:
        return luck.integers(len(names), size=len(seen))

    found: dict[str, Policy] = {"random": at_random}
    for number, name in enumerate(names):
        found[f"hold {name}"] = _Constant(number)
    if "up+a" in names and "down+a" in names:
        found["hold fire and sweep"] = _Sweep(names.index("up+a"), names.index("down+a"))
    return found


class _Constant:
    def __init__(self, action: int) -> None:
        self._action = action

    def __call__(self, seen: Seen, allowed: Flags) -> npt.NDArray[np.int64]:
        return np.full(len(seen), self._action)


class _Sweep:
    def __init__(self, up: int, down: int) -> None:
        self._ways, self._steps = (up, down), 0

    def __call__(self, seen: Seen, allowed: Flags) -> npt.NDArray[np.int64]:
        way = self._ways[self._steps // _SWEEP % 2]
        self._steps += 1
        return np.full(len(seen), way)
