"""The environment of Stable-Baselines3: what a trainer keeps is what was emitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from gymnasium.vector import AutoresetMode
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecMonitor

from copain.errors import InputError
from copain.rl import CopainVectorEnv
from copain.rl.sb3 import CopainVecEnv, make_sb3

torch.set_num_threads(1)  # pyright: ignore[reportUnknownMemberType] - tiny nets


class Emitted(CopainVecEnv):
    """Keeps copies of all that it emits."""

    def __init__(self, envs: CopainVectorEnv) -> None:
        super().__init__(envs)
        self.observations: list[npt.NDArray[Any]] = []
        self.rewards: list[npt.NDArray[Any]] = []

    def reset(self) -> Any:
        observation = super().reset()
        self.observations.append(observation.copy())
        return observation

    def step_wait(self) -> Any:
        observation, reward, done, infos = super().step_wait()
        self.observations.append(observation.copy())
        self.rewards.append(reward.copy())
        return observation, reward, done, infos


class Stored(BaseCallback):
    """Keeps what PPO's rollout buffer holds when a rollout ends."""

    def __init__(self) -> None:
        super().__init__()
        self.observations: list[npt.NDArray[Any]] = []

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        buffer = self.locals["rollout_buffer"]
        self.observations.append(buffer.observations.copy())


@pytest.mark.parametrize("observation", ["ram", "screen84"])
def test_what_ppo_stores_is_what_was_emitted(observation: str) -> None:
    envs = Emitted(
        CopainVectorEnv(
            "alouette",
            num_envs=4,
            observation=observation,
            autoreset_mode=AutoresetMode.SAME_STEP,
            max_episode_steps=13,
        )
    )
    stored = Stored()
    policy = "MlpPolicy" if observation == "ram" else "CnnPolicy"
    model: Any = PPO(policy, envs, n_steps=16, batch_size=64, n_epochs=1, seed=1, device="cpu")
    model.learn(2 * 4 * 16, callback=stored)
    kept = np.concatenate(stored.observations)
    emitted = np.array(envs.observations[: len(kept)])
    np.testing.assert_array_equal(kept, emitted)
    assert len(np.unique(kept.reshape(len(kept), -1), axis=0)) > 16  # they differ: no one buffer
    envs.close()


def test_dqn_finds_the_last_observation_of_an_episode_in_its_buffer() -> None:
    envs = make_sb3("grid", num_envs=2, observation="ram", max_episode_steps=5)
    model: Any = DQN("MlpPolicy", envs, buffer_size=64, learning_starts=1000, seed=1, device="cpu")
    finals: list[npt.NDArray[Any]] = []

    class Finals(BaseCallback):
        def _on_step(self) -> bool:
            finals.extend(
                info["terminal_observation"]
                for info in self.locals["infos"]
                if "terminal_observation" in info
            )
            return True

    model.learn(40, callback=Finals())
    buffer: Any = model.replay_buffer
    ended = buffer.dones[:20].astype(bool)
    assert ended.sum() == len(finals) == 8
    np.testing.assert_array_equal(buffer.next_observations[:20][ended], np.array(finals))
    assert buffer.timeouts[:20][ended].all()
    envs.close()


def test_a_monitor_and_a_success_rate() -> None:
    envs: Any = VecMonitor(
        make_sb3("grid", num_envs=3, max_episode_steps=4), info_keywords=("score",)
    )
    envs.seed(3)
    envs.reset()
    for _ in range(3):
        _, _, done, _ = envs.step(np.zeros(3, np.int64))
        assert not done.any()
    _, _, done, infos = envs.step(np.zeros(3, np.int64))
    assert done.all()
    assert [info["episode"]["l"] for info in infos] == [4, 4, 4]
    assert [info["TimeLimit.truncated"] for info in infos] == [True] * 3
    assert [info["is_success"] for info in infos] == [False] * 3
    assert np.array(envs.env_method("action_masks")).shape == (3, 6)
    envs.close()


def test_buffers_that_are_reused_are_refused() -> None:
    envs = CopainVectorEnv("grid", num_envs=2, copy=False, autoreset_mode=AutoresetMode.SAME_STEP)
    with pytest.raises(InputError, match="keeps references to them"):
        CopainVecEnv(envs)
    envs.close()
    envs = CopainVectorEnv("grid", num_envs=2)
    with pytest.raises(InputError, match="autoreset_mode='NextStep'"):
        CopainVecEnv(envs)
    envs.close()
