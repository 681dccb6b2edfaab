"""Sb3Envs: `LearningEnvs` as Stable-Baselines3 wants them, with practice.

Arrays are new in each step: Stable-Baselines3 keeps references to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from stable_baselines3.common.vec_env import VecEnv

from copain.rl.learning_envs import LearningEnvs, Seen
from copain.rl.practice import Practice


@dataclass(frozen=True, slots=True)
class Ended:
    """An episode that ended in training; `practised`: it did not begin at a start."""

    reward: float
    steps: int
    won: bool
    score: int
    practised: bool


class Sb3Envs(VecEnv):
    """Copies that begin anew by themselves, at starts or at places to practise."""

    def __init__(
        self,
        envs: LearningEnvs,
        practice: Practice,
        seed: int = 0,
        on_end: Callable[[Ended], None] | None = None,
    ) -> None:
        """`on_end` is called with each episode that ends."""
        super().__init__(envs.count, envs.space, envs.actions)  # pyright: ignore[reportUnknownMemberType]
        self.envs, self.practice, self.on_end = envs, practice, on_end
        self._seed = seed
        self._actions: npt.NDArray[np.int64] = np.zeros(envs.count, np.int64)
        self._steps = np.zeros(envs.count, np.int64)
        self._total = np.zeros(envs.count, np.float64)
        self._practised = np.zeros(envs.count, np.bool_)

    def reset(self) -> Seen:
        """Begin all episodes."""
        self._steps[:], self._total[:], self._practised[:] = 0, 0, False
        return self.envs.begin(seeds=[self._seed + row for row in range(self.num_envs)])

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """What is to be done next."""
        self._actions = np.asarray(actions, np.int64)

    def step_wait(self) -> tuple[Seen, npt.NDArray[np.float32], npt.NDArray[np.bool_], Any]:
        """Play a step; where an episode ended, what is seen is the first of the next one."""
        game = self.envs.lesson.game
        due = self.practice.due(self._steps)
        if len(due):
            for row, savestate in zip(due.tolist(), self.envs.savestates(due), strict=True):
                self.practice.note(row, int(self._steps[row]), savestate)
        stepped = self.envs.step(self._actions)
        self._steps += 1
        self._total += stepped.reward
        over = stepped.terminated | stepped.truncated
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        seen = stepped.seen
        if over.any():
            rows = np.flatnonzero(over)
            scores = game.score(self.envs.ram[rows])
            for row, score in zip(rows.tolist(), scores.tolist(), strict=True):
                won = bool(stepped.won[row])
                infos[row] = {
                    "terminal_observation": seen[row].copy(),
                    "TimeLimit.truncated": bool(
                        stepped.truncated[row] and not stepped.terminated[row]
                    ),
                    "episode": {"r": self._total[row], "l": int(self._steps[row]), "t": 0.0},
                }
                self.practice.end(
                    row, int(self._steps[row]), lost=bool(stepped.terminated[row]) and not won
                )
                if self.on_end is not None:
                    self.on_end(
                        Ended(
                            float(self._total[row]), int(self._steps[row]), won, score,
                            bool(self._practised[row]),
                        )
                    )  # fmt: skip
            seen = self._begin_anew(rows)
        return seen, stepped.reward, over, infos

    def _begin_anew(self, rows: npt.NDArray[np.int64]) -> Seen:
        places = self.practice.draw(len(rows))
        self._steps[rows], self._total[rows] = 0, 0
        self._practised[rows] = [place is not None for place in places]
        practised, others = rows[self._practised[rows]], rows[~self._practised[rows]]
        seen: Seen | None = None
        if len(practised):
            seen = self.envs.begin(practised, [place for place in places if place is not None])
        if len(others):
            seen = self.envs.begin(others)
        assert seen is not None
        return seen

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Which actions are allowed now: ``bool (num_envs, actions)``."""
        return self.envs.allowed()

    def close(self) -> None:
        """Close the emulators."""
        self.envs.close()

    # What Stable-Baselines3 asks of environments in other processes

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """The same for all copies."""
        return [getattr(self, attr_name, None) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Of all copies."""
        setattr(self, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """``action_masks`` of each copy; there are no others."""
        if method_name != "action_masks":
            raise AttributeError(f"Sb3Envs has no method {method_name!r} of each copy")
        return [self.action_masks()[row] for row in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Nothing is."""
        return [False for _ in self._get_indices(indices)]

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """The seed of the next `reset`."""
        self._seed = self._seed if seed is None else seed
        return [self._seed + row for row in range(self.num_envs)]
