"""Perfect: lose no point that can be had."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from copain.errors import GameError
from copain.games import Bounded, Game
from copain.games.game import Numbers
from copain.games.objective import Goal, Objective
from copain.memory import Bytes

_PARTS = 16
"""A point of promise has so many parts in a score, which is an integer."""
_OUTWEIGHS = 100
"""So many points of promise are worth one point of the bound: what is lost is lost for certain."""


class Perfect(Objective):
    """The most points that can still be had; of equal lines the more promising.

    A search for points goes wrong where points now cost more points later: it cannot see what
    it lost. The game's bound can: it falls in the very frame in which something gets out of
    reach. So the score of a line is the bound first, and then the promise of where it stands: of
    lines that have lost nothing the more promising go on, and one that lost something is behind
    them all.

    Raises GameError for a game that knows no bound (`copain.games.Bounded`).
    """

    name = "perfect"

    def __init__(self, game: Game, goal: Goal | None = None) -> None:
        super().__init__(game, goal)
        if not isinstance(game, Bounded):
            raise GameError(
                f"Perfect: {game.name} does not say how many points are within reach; it needs "
                "the functions bound and promise of copain.games.Bounded"
            )
        self._bounded: Bounded = game

    def step(
        self, prev: Bytes, ram: Bytes, inputs: npt.NDArray[np.uint16], frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The bound, and what is promised of it."""
        promise = np.rint(self._bounded.promise(ram) * _PARTS).astype(np.int64)
        return acc, self._bounded.bound(ram) * (_OUTWEIGHS * _PARTS) + promise
