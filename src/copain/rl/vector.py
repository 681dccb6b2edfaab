"""CopainVectorEnv: many copies of a game as one environment, all played in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from gymnasium import error
from gymnasium.spaces import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from copain.copies import Rows, check_rows
from copain.emulator import Picture
from copain.errors import InputError
from copain.games import Game
from copain.rl.env import check_render_mode, starts_of
from copain.rl.episodes import Episodes
from copain.rl.infos import Infos
from copain.rl.task import Options, Task
from copain.savestate import Savestate

Array = npt.NDArray[Any]


class CopainVectorEnv(VectorEnv[Any, Any, Array]):
    """`num_envs` copies of a game, all played in one call, on threads where the emulator can.

    `game` and `options` are those of `copain.rl.Task`. Copy i plays as a `CopainEnv` does that is
    reset with ``seed + i``. `autoreset_mode` says what happens to an episode that is over: the
    next step resets it (and ignores its action), the same step does (and tells the last of it in
    ``final_obs`` and ``final_info``), or you do, with ``reset(options={"reset_mask": ...})``.

    Observations are copies, unless `copy` is False: then they are the environment's own arrays,
    and the next step or reset writes over them.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 15}

    def __init__(
        self,
        game: Game | str | None = None,
        *,
        num_envs: int = 1,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        copy: bool = True,
        workers: int | None = None,
        render_mode: str | None = None,
        **options: Unpack[Options],
    ) -> None:
        """`workers` is how many threads play, by default one for each processor.

        Raises GameError, RomError, InputError or EmulatorMissing for what there is not.
        """
        super().__init__()
        check_render_mode(render_mode)
        if render_mode == "human":
            raise InputError("render_mode='human': a vector environment has no window")
        try:
            self.autoreset_mode = AutoresetMode(autoreset_mode)
        except ValueError:
            allowed = ", ".join(repr(mode.value) for mode in AutoresetMode)
            raise InputError(f"autoreset_mode={autoreset_mode!r}; {allowed} are allowed") from None
        self.task = Task.of(game, **options)
        self.render_mode = render_mode
        self.num_envs = num_envs
        self.copy = copy
        self._episodes = Episodes(
            self.task, num_envs, workers=workers, renders=render_mode is not None
        )
        self.metadata = {
            **self.metadata,
            "autoreset_mode": self.autoreset_mode,
            "render_fps": self._episodes.steps_a_second,
        }
        self.single_action_space = self._episodes.actions.space
        self.single_observation_space: Space[Any] = self._episodes.observations.space
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self._infos = Infos(self._episodes)
        self._begun = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin episodes, of all copies or of those in ``options["reset_mask"]`` (``bool (N,)``).

        Where, is drawn, or is ``options["start"]`` for all of them, or ``options["starts"]``, one
        for each: a `Start` or a savestate.
        """
        given = dict(options or {})
        rows = self._rows_of(given.pop("reset_mask", None))
        if not self._begun and len(rows) < self.num_envs:
            raise error.ResetNeeded("reset: the first reset is one of all copies")
        seeds = self._seeds(seed)
        places = self._episodes.places(starts_of(given, len(rows)))
        for row in [int(row) for row in rows]:
            self._episodes.seed(row, seeds[row])
        self._episodes.begin(rows, places)
        self._begun = True
        return self._episodes.observations.all(copy=self.copy), self._told(rows)

    def step(self, actions: Any) -> tuple[Any, Array, Array, Array, dict[str, Any]]:
        """Play a step of all copies.

        Raises InputError for actions outside of the space, and Gymnasium's ResetNeeded before
        `reset` and, where you reset, after an episode's end.
        """
        episodes, count = self._episodes, self.num_envs
        over = ~episodes.running
        if not self._begun or (over.any() and self.autoreset_mode is AutoresetMode.DISABLED):
            raise error.ResetNeeded(
                f"step: the episodes of copies {np.flatnonzero(over).tolist()} are over, or have "
                "not begun; call reset()"
            )
        actions = np.asarray(actions)
        rows = episodes.all_rows if not over.any() else np.flatnonzero(~over).astype(np.int32)
        reward = np.zeros(count, np.float64)
        dead, won, terminated, truncated = np.zeros((4, count), np.bool_)
        if self.copy:
            episodes.observations.prepare()
        if len(rows):
            episodes.actions.check_count(actions, count)
            outcome = episodes.step(rows, actions[rows])
            reward[rows] = outcome.reward
            dead[rows], won[rows] = outcome.dead, outcome.won
            terminated[rows], truncated[rows] = outcome.terminated, outcome.truncated
        if over.any():
            episodes.begin(np.flatnonzero(over).astype(np.int32))
        infos: dict[str, Any] = {}
        if self.autoreset_mode is AutoresetMode.SAME_STEP and (terminated | truncated).any():
            infos = self._finish(np.flatnonzero(terminated | truncated).astype(np.int32), dead, won)
            # What a new episode has not come to.
            dead, won = np.zeros((2, count), np.bool_)
        infos = {**self._told(episodes.all_rows, dead, won), **infos}
        observation = episodes.observations.all(copy=self.copy)
        return observation, reward, terminated, truncated, infos

    def _finish(self, rows: Rows, dead: Array, won: Array) -> dict[str, Any]:
        """Begin anew where an episode is over; the last of it, as infos."""
        there = np.zeros(self.num_envs, np.bool_)
        there[rows] = True
        final = np.full(self.num_envs, None, object)
        for row in rows.tolist():
            final[row] = self._episodes.observations.of(row)
        infos = {
            "final_obs": final,
            "_final_obs": there,
            "final_info": self._told(rows, dead, won),
            "_final_info": there.copy(),
        }
        self._episodes.begin(rows)
        return infos

    def _told(self, rows: Rows, *ends: Array) -> dict[str, Any]:
        there = np.zeros(self.num_envs, np.bool_)
        there[rows] = True
        infos: dict[str, Any] = {}
        for key, column in self._infos.columns(*ends).items():
            infos[key], infos[f"_{key}"] = column, there
        return infos

    # Savestates

    def savestates(self, rows: npt.ArrayLike | None = None) -> list[Savestate]:
        """The savestates of all copies, or of those in `rows`.

        ``reset(options={"starts": them})`` begins episodes there.
        """
        return self._episodes.savestates(
            self._episodes.all_rows
            if rows is None
            else check_rows(rows, self.num_envs, "savestates")
        )

    @property
    def ram(self) -> npt.NDArray[np.uint8]:
        """The RAM of all copies now: a copy, ``uint8 (num_envs, ram_size)``."""
        return self._episodes.ram.copy()

    @property
    def inputs(self) -> npt.NDArray[np.uint16]:
        """What was held in each frame of the last step, stickiness and all: a copy,
        ``uint16 (num_envs, action_repeat, ports)``.
        """
        return self._episodes.inputs.copy()

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Which actions of the table are possible now: ``bool (num_envs, actions)``."""
        return self._episodes.allowed()

    def render(self) -> tuple[Picture, ...] | None:
        """The pictures of the last frame of each copy, ``uint8 (height, width, 3)``."""
        if self.render_mode is None:
            return None
        return tuple(self._episodes.observations.picture(row) for row in range(self.num_envs))

    def close_extras(self, **kwargs: Any) -> None:
        """Close the emulators."""
        self._episodes.close()

    # What is given to reset

    def _rows_of(self, mask: Any) -> Rows:
        if mask is None:
            return self._episodes.all_rows
        given = np.asarray(mask)
        if given.shape != (self.num_envs,) or given.dtype != np.bool_ or not given.any():
            raise InputError(
                f"reset: reset_mask={mask!r}; an array bool ({self.num_envs},) with at least one "
                "True is needed"
            )
        return np.flatnonzero(given).astype(np.int32)

    def _seeds(self, seed: int | Sequence[int | None] | None) -> Sequence[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, int | np.integer):
            return [int(seed) + row for row in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise InputError(
                f"reset: {len(seed)} seeds for {self.num_envs} copies; one each is needed"
            )
        return seed
