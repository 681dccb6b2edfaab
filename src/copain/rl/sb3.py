"""Environments as Stable-Baselines3 wants them: its `VecEnv`, over copain's vector environment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from copain.errors import InputError, MissingExtra
from copain.games import Game
from copain.rl.task import Options
from copain.rl.vector import CopainVectorEnv

try:
    from stable_baselines3.common.vec_env import VecEnv
except ImportError:
    raise MissingExtra.needed("copain.rl.sb3", "stable-baselines3", "rl") from None


def make_sb3(
    game: Game | str | None = None,
    *,
    num_envs: int = 8,
    workers: int | None = None,
    render_mode: str | None = None,
    **options: Unpack[Options],
) -> CopainVecEnv:
    """`num_envs` copies of a game for a trainer of Stable-Baselines3; see `CopainVectorEnv`."""
    return CopainVecEnv(
        CopainVectorEnv(
            game,
            num_envs=num_envs,
            workers=workers,
            render_mode=render_mode,
            autoreset_mode=AutoresetMode.SAME_STEP,
            **options,
        )
    )


class CopainVecEnv(VecEnv):
    """A `CopainVectorEnv` for Stable-Baselines3.

    The info of an episode's last step holds ``terminal_observation``, ``TimeLimit.truncated``,
    ``is_success`` (whether it was won), and all that the environment tells: ``frame`` and the
    game's variables among it. Of other steps it is empty: a dict a copy and step is slow.
    ``env_method("action_masks")`` is what maskable policies ask for.
    """

    def __init__(self, envs: CopainVectorEnv) -> None:
        """Raises InputError unless episodes are reset in the same step, and observations copied:
        Stable-Baselines3 keeps references to them, and would learn from what comes later.
        """
        if not envs.copy:
            raise InputError(
                "CopainVecEnv: this environment reuses its observations (copy=False), and "
                "Stable-Baselines3 keeps references to them in its buffers, which would then hold "
                "what was observed later; leave copy=True"
            )
        if envs.autoreset_mode is not AutoresetMode.SAME_STEP:
            raise InputError(
                f"CopainVecEnv: autoreset_mode={envs.autoreset_mode.value!r}; Stable-Baselines3 "
                f"needs {AutoresetMode.SAME_STEP.value!r}"
            )
        self.envs = envs
        self.render_mode = envs.render_mode
        self._actions: npt.NDArray[Any] = np.zeros(0, np.int64)
        told: Any = envs  # its spaces are typed in part only
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            envs.num_envs, told.single_observation_space, told.single_action_space
        )

    def reset(self) -> Any:
        """Begin all episodes, by the seeds and options that were set."""
        places = self._options[0] if self._options else {}
        if any(option != places for option in self._options):
            raise InputError("set_options: the same options for all copies are needed")
        observation, infos = self.envs.reset(seed=list(self._seeds), options=places or None)
        self.reset_infos = self._listed(infos, range(self.num_envs))
        self._reset_seeds()
        self._reset_options()
        return observation

    def step_async(self, actions: npt.NDArray[Any]) -> None:
        """Take the actions of the next step."""
        self._actions = actions

    def step_wait(self) -> Any:
        """Play the step."""
        observation, reward, terminated, truncated, infos = self.envs.step(self._actions)
        done = terminated | truncated
        told: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if done.any():
            rows = [int(row) for row in np.flatnonzero(done)]
            finals = self._listed(infos["final_info"], rows)
            for row, final in zip(rows, finals, strict=True):
                told[row] = {
                    **final,
                    "terminal_observation": infos["final_obs"][row],
                    "TimeLimit.truncated": bool(truncated[row] and not terminated[row]),
                    "is_success": bool(final["won"]),
                }
        return observation, reward.astype(np.float32), done, told

    def _listed(self, infos: dict[str, Any], rows: Iterable[int]) -> list[dict[str, Any]]:
        columns = {key: value for key, value in infos.items() if not key.startswith("_")}
        return [{key: column[row] for key, column in columns.items()} for row in rows]

    def close(self) -> None:
        """Close the emulators."""
        self.envs.close()

    def get_images(self) -> Sequence[npt.NDArray[np.uint8] | None]:
        """The pictures of the last frame, where they are kept (``render_mode="rgb_array"``)."""
        return self.envs.render() or [None] * self.num_envs

    # What a wrapper or a trainer asks each copy for

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute, the same for all copies. Raises AttributeError."""
        return [getattr(self.envs, attr_name) for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Raises InputError: the copies are played together, none has attributes of its own."""
        raise InputError(f"set_attr({attr_name!r}): the copies have no attributes of their own")

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """What ``action_masks`` gives for each copy. Raises InputError for other methods."""
        if method_name != "action_masks" or method_args or method_kwargs:
            raise InputError(f"env_method({method_name!r}): 'action_masks' is allowed")
        masks = self.envs.action_masks()
        return [masks[row] for row in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[Any], indices: Any = None) -> list[bool]:
        """No copy is wrapped."""
        return [False for _ in self._get_indices(indices)]

    def has_attr(self, attr_name: str) -> bool:
        """Whether there is such an attribute."""
        return hasattr(self.envs, attr_name)
