"""What is rewarded: an objective, the parts of a game, or a function of yours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from copain.errors import GameError
from copain.games import Game, StableRetroGame
from copain.games.objective import Objective, Points, checked, judged, stepped
from copain.memory import Bytes

Numbers = npt.NDArray[np.int64]
RewardArray = npt.NDArray[np.float64]

RewardFunction: TypeAlias = Callable[[Bytes, Bytes], "npt.NDArray[np.float64]"]
"""``reward(prev, ram)`` of two batches ``uint8 (..., ram_size)``, one frame apart: ``(...)``."""

Reward: TypeAlias = "Objective | RewardFunction"


@dataclass(frozen=True)
class Parts:
    """A reward function of what a game tells, each part times its weight.

    More of `score` and of `progress` than a frame before, and having just died or won.
    """

    game: Game
    score: float = 0.0
    progress: float = 0.0
    dead: float = 0.0
    won: float = 0.0

    def __call__(self, prev: Bytes, ram: Bytes) -> RewardArray:
        """The reward of each frame."""
        total = np.zeros(ram.shape[:-1], np.float64)
        if self.score:
            total += self.score * (self.game.score(ram) - self.game.score(prev))
        if self.progress:
            total += self.progress * (self.game.progress(ram) - self.game.progress(prev))
        if self.dead:
            total += self.dead * self.game.dead(prev, ram)
        if self.won:
            total += self.won * (self.game.won(prev, ram) & ~self.game.won(prev, prev))
        return total


def reward_of(game: Game) -> Reward:
    """The reward of a game for which nobody names another.

    A stable-retro integration has its own; else it is the points.
    """
    return game.reward if isinstance(game, StableRetroGame) else Points(game)


class Rewarding:
    """The rewards of N copies, frame by frame; of an objective, what its score rises by."""

    def __init__(self, reward: Reward, count: int) -> None:
        """Raises GameError for what is neither an objective nor a function."""
        if not isinstance(reward, Objective) and not callable(reward):
            raise GameError(
                f"reward={reward!r}; an Objective is needed, or a function of (prev, ram)"
            )
        self._reward = reward
        carried = reward.carried if isinstance(reward, Objective) else 0
        self._acc = np.zeros((count, carried), np.int64)
        self._score = np.zeros(count, np.int64)

    @property
    def objective(self) -> Objective | None:
        """The objective, if it is one."""
        return self._reward if isinstance(self._reward, Objective) else None

    def begin(self, rows: npt.NDArray[np.int32], ram: Bytes, frame: Numbers) -> None:
        """These copies are somewhere else now: at ``ram``, ``uint8 (B, ram_size)``."""
        if not isinstance(self._reward, Objective):
            return
        acc = checked(
            f"{self._reward.name}: Objective.begin",
            self._reward.begin(ram),
            (len(ram), self._reward.carried),
        )
        ports = np.zeros((len(ram), 1), np.uint16)
        # The score of where they are, so that only what is gained from here on counts.
        _, self._score[rows] = stepped(self._reward, ram, ram, ports, frame, acc)
        self._acc[rows] = acc

    def of(self, ram: Bytes, inputs: npt.NDArray[np.uint16], frame: Numbers) -> RewardArray:
        """The reward of each frame of all copies: ``float64 (T, N)``.

        `ram` is ``uint8 (T + 1, N, ram_size)``, `inputs` ``uint16 (N, T, ports)``, and `frame`
        ``int64 (N,)``, frames since power-on before the first.
        """
        if not isinstance(self._reward, Objective):
            return judged("reward", self._reward, ram[:-1], ram[1:]).astype(np.float64)
        frames, count, size = ram.shape[0] - 1, *ram.shape[1:]
        scores = np.empty((frames + 1, count), np.int64)
        scores[0] = self._score
        if self._reward.carried:
            acc = self._acc
            for t in range(frames):
                acc, scores[t + 1] = stepped(
                    self._reward, ram[t], ram[t + 1], inputs[:, t], frame + t + 1, acc
                )
            self._acc = acc
        else:  # nothing depends on the frame before: all at once
            flat = frames * count
            _, gained = stepped(
                self._reward,
                ram[:-1].reshape(flat, size),
                ram[1:].reshape(flat, size),
                inputs.swapaxes(0, 1).reshape(flat, -1),
                np.concatenate([frame + t + 1 for t in range(frames)]),
                np.zeros((flat, 0), np.int64),
            )
            scores[1:] = gained.reshape(frames, count)
        self._score = scores[-1].copy()
        return np.diff(scores, axis=0).astype(np.float64)
