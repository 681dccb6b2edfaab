"""Trajectories: what was observed, done and rewarded, to keep, and for other people's tools.

Minari (https://minari.farama.org) keeps data sets of them; it is the extra ``minari``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from copain.errors import InputError, MissingExtra
from copain.rl.env import CopainEnv


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode of T steps, or its beginning.

    `observations` are T + 1, an array or a dict of arrays, as `actions` are T; `rewards` is
    ``float64 (T,)``. `terminated` and `truncated` say how it ended, or neither. `seed` is the one
    it was reset with, None where there was none.
    """

    observations: Any
    actions: npt.NDArray[Any]
    rewards: npt.NDArray[np.float64]
    terminated: bool
    truncated: bool
    seed: int | None = None

    def __len__(self) -> int:
        return len(self.rewards)


def record(
    env: gymnasium.Env[Any, Any],
    policy: Callable[[Any, dict[str, Any]], Any],
    *,
    seed: int | None = None,
    most_steps: int = 100_000,
) -> Episode:
    """Play an episode by ``policy(observation, info)``, which gives an action, and keep it."""
    observation, info = env.reset(seed=seed)
    observations, actions, rewards = [observation], list[Any](), list[float]()
    terminated = truncated = False
    while not (terminated or truncated) and len(rewards) < most_steps:
        action = policy(observation, info)
        observation, reward, terminated, truncated, info = env.step(action)
        observations.append(observation)
        actions.append(action)
        rewards.append(float(reward))
    return Episode(
        _stacked(observations),
        np.array(actions, env.action_space.dtype),
        np.array(rewards, np.float64),
        terminated,
        truncated,
        seed,
    )


def to_minari(
    dataset_id: str,
    env: gymnasium.Env[Any, Any],
    trajectories: Iterable[Episode],
    *,
    algorithm_name: str = "",
    description: str = "",
) -> Any:
    """Keep trajectories as a data set of Minari: ``name-v0``; the `MinariDataset`.

    Lies in ``MINARI_DATASETS_PATH``. Pictures are kept without loss. Raises MissingExtra without
    Minari, InputError for no trajectories, and what Minari raises for a name that is taken.
    """
    minari = _minari("to_minari")
    from minari.data_collector import EpisodeBuffer

    buffers: list[Any] = []
    for number, one in enumerate(trajectories):
        ends = np.zeros((2, len(one)), np.bool_)
        if len(one):
            ends[:, -1] = one.terminated, one.truncated
        buffers.append(
            EpisodeBuffer(
                id=number,
                seed=one.seed,
                observations=one.observations,
                actions=one.actions,  # type: ignore[arg-type] - arrays are what it stores
                rewards=one.rewards,  # type: ignore[arg-type]
                terminations=ends[0],  # type: ignore[arg-type]
                truncations=ends[1],  # type: ignore[arg-type]
            )
        )
    if not buffers:
        raise InputError(f"to_minari({dataset_id!r}): there are no trajectories")
    plain = env.unwrapped
    game = plain.task.game.name if isinstance(plain, CopainEnv) else "a game"
    with warnings.catch_warnings():
        # It warns of all that is left out, such as an environment to evaluate in.
        warnings.simplefilter("ignore", UserWarning)
        return minari.create_dataset_from_buffers(
            dataset_id,
            buffers,
            action_space=env.action_space,
            observation_space=env.observation_space,
            algorithm_name=algorithm_name or "unknown",
            description=description or f"Played on {game} by copain.",
            author="unknown",
            author_email="unknown",
            code_permalink="unknown",
            jpeg_encoding=False,
        )


def from_minari(dataset: Any) -> list[Episode]:
    """The trajectories of a data set of Minari: its name, or a `MinariDataset`.

    Raises MissingExtra without Minari, and what it raises for a name that there is not.
    """
    minari = _minari("from_minari")
    if isinstance(dataset, str):
        dataset = minari.load_dataset(dataset)
    return [
        Episode(
            episode.observations,
            np.asarray(episode.actions),
            np.asarray(episode.rewards, np.float64),
            bool(np.any(episode.terminations[-1:])),
            bool(np.any(episode.truncations[-1:])),
            None if getattr(episode, "seed", None) is None else int(episode.seed),
        )
        for episode in dataset.iterate_episodes()
    ]


def _minari(call: str) -> Any:
    try:
        import minari
    except ImportError:
        raise MissingExtra.needed(call, "minari", "minari") from None
    return minari


def _stacked(observations: Sequence[Any]) -> Any:
    first = observations[0]
    if isinstance(first, dict):
        kinds: list[str] = list(first)  # pyright: ignore[reportUnknownArgumentType]
        return {kind: np.array([one[kind] for one in observations]) for kind in kinds}
    return np.array(observations)
