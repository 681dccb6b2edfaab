"""LearningEnvs: many copies of a game, as an agent that is trained or evaluated sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from copain.errors import InputError
from copain.games import Game, Start
from copain.games.game import Flags
from copain.games.objective import Goal, won
from copain.memory import Bytes
from copain.rl.ram_view import RamView
from copain.rl.rewards import RewardFunction
from copain.rl.vector import CopainVectorEnv
from copain.rom import RomLike
from copain.savestate import Savestate

SEEN = ("ram", "screen84")
"""What an agent can be trained to see: the game's RAM by `RamView`, or its picture."""

Seen = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learned: a game, and how it is seen and played.

    - `seen`: one of `SEEN`, of the last `stack` steps.
    - `action_repeat`: frames of a step. `sticky`: see `copain.rl.Task`.
    - `most_steps`: steps after which an episode is truncated.
    - `goal`: where an episode is won; where the game is, by default.
    - `reward`: ``reward(prev, ram)``; a `ShapedReward` by default.
    - `rom`, `emulator`: yours, where not the game's own ROM in the embedded emulator.
    """

    game: Game
    seen: str = "ram"
    stack: int = 2
    action_repeat: int = 4
    sticky: float = 0.25
    most_steps: int = 2000
    goal: Goal | None = None
    reward: RewardFunction | None = None
    rom: RomLike | None = None
    emulator: str | None = None

    def __post_init__(self) -> None:
        if self.seen not in SEEN:
            raise InputError(f"seen={self.seen!r}: {' or '.join(SEEN)} is allowed")

    @property
    def rewarded(self) -> RewardFunction:
        """The reward function."""
        return self.reward or ShapedReward(self.game, self.goal or won(self.game))


@dataclass(frozen=True, slots=True)
class ShapedReward:
    """What points, a loss and the goal are worth to an agent."""

    game: Game
    goal: Goal
    point: float = 1 / 500
    loss: float = 1.0
    win: float = 5.0

    def __call__(self, prev: Bytes, ram: Bytes) -> npt.NDArray[np.float64]:
        """The reward of each frame. Points that a loss takes back cost nothing more."""
        gained = np.maximum(self.game.score(ram) - self.game.score(prev), 0)
        there = self.goal.reached(prev, ram) & ~self.goal.reached(prev, prev)
        return self.point * gained - self.loss * self.game.dead(prev, ram) + self.win * there


@dataclass(frozen=True, slots=True)
class Stepped:
    """What a step of all copies came to: arrays of one row each. `inputs` are
    ``uint16 (count, action_repeat, ports)``, what was held.
    """

    seen: Seen
    reward: npt.NDArray[np.float32]
    terminated: Flags
    truncated: Flags
    won: Flags
    inputs: npt.NDArray[np.uint16]


class LearningEnvs:
    """`count` copies. Who uses them begins each episode: nothing is reset by itself."""

    def __init__(
        self,
        lesson: Lesson,
        count: int,
        starts: str | Sequence[Start | Savestate],
        workers: int | None = None,
    ) -> None:
        """Of `lesson`; episodes begin at `starts`. Raises what `CopainVectorEnv` raises."""
        self.lesson, self.count = lesson, count
        of_ram = lesson.seen == "ram"
        self._envs = CopainVectorEnv(
            lesson.game, num_envs=count, autoreset_mode=AutoresetMode.DISABLED, workers=workers,
            observation="ram_bytes" if of_ram else lesson.seen, stack=lesson.stack,
            action_repeat=lesson.action_repeat, sticky=lesson.sticky, starts=starts,
            reward=lesson.rewarded, goal=lesson.goal, max_episode_steps=lesson.most_steps,
            rom=lesson.rom, emulator=lesson.emulator,
        )  # fmt: skip
        self._view = RamView(lesson.game, lesson.stack) if of_ram else None
        self._last: npt.NDArray[np.uint8] | None = None

    @property
    def space(self) -> spaces.Box[Any]:
        """The space of what is seen of one copy."""
        if self._view is not None:
            return spaces.Box(-np.inf, np.inf, (self._view.size,), np.float32)
        space = self._envs.single_observation_space
        assert isinstance(space, spaces.Box)
        return cast("spaces.Box[Any]", space)

    @property
    def actions(self) -> spaces.Discrete[Any]:
        """The space of one action."""
        return spaces.Discrete(len(self.lesson.game.actions))

    @property
    def ram(self) -> npt.NDArray[np.uint8]:
        """The RAM of all copies: ``uint8 (count, ram_size)``."""
        return self._envs.ram

    def allowed(self) -> Flags:
        """Which actions are allowed now: ``bool (count, actions)``."""
        return self._envs.action_masks()

    def savestates(self, rows: npt.NDArray[np.int64]) -> list[Savestate]:
        """The savestates of these copies."""
        return self._envs.savestates(rows)

    def begin(
        self,
        rows: npt.NDArray[np.int64] | None = None,
        starts: Sequence[Start | Savestate] | None = None,
        seeds: Sequence[int | None] | None = None,
    ) -> Seen:
        """Begin episodes on these copies, by default all; what is seen of all of them.

        `starts` and `seeds`, one for each of `rows`; where nothing is given, they are drawn.
        """
        chosen = np.arange(self.count) if rows is None else rows
        mask = np.zeros(self.count, np.bool_)
        mask[chosen] = True
        every_seed: list[int | None] = [None] * self.count
        for row, seed in zip(chosen.tolist(), seeds or (), strict=False):
            every_seed[row] = seed
        options: dict[str, Any] = {} if mask.all() else {"reset_mask": mask}
        if starts is not None:
            options["starts"] = list(starts)
        seen, _ = self._envs.reset(seed=every_seed, options=options)
        if self._view is None:
            return np.asarray(seen)
        if self._last is None:
            self._last = np.repeat(np.asarray(seen)[:, None], self.lesson.stack, axis=1)
        self._last[chosen] = np.asarray(seen)[chosen, None]
        return self._view(self._last)

    def step(self, actions: npt.NDArray[np.int64]) -> Stepped:
        """Play a step of all copies, whose episodes must have begun."""
        seen, reward, terminated, truncated, infos = self._envs.step(actions)
        seen = np.asarray(seen)
        if self._view is not None:
            assert self._last is not None
            self._last[:, :-1] = self._last[:, 1:]
            self._last[:, -1] = seen
            seen = self._view(self._last)
        return Stepped(
            seen, reward.astype(np.float32), terminated, truncated,
            np.asarray(infos["won"], np.bool_), self._envs.inputs,
        )  # fmt: skip

    def close(self) -> None:
        """Close the emulators."""
        self._envs.close()
