"""Training with Stable-Baselines3: PPO or DQN, in a run folder, to be taken up after a kill.

::

    run.toml              the plan, as every run folder has it
    events.jsonl          begin, resume, evaluation, end
    checkpoints/last.zip  where training goes on; last.json: the steps in it, the best evaluation
    checkpoints/best.zip  the policy that played best from the validation starts
    tensorboard/          curves
    test.json             how the best one plays from the test starts
    best.fm2, best.mp4    its best episode there, proven from power-on
"""

# pyright: reportUnknownMemberType=false
# Stable-Baselines3 types its classes in part.

from __future__ import annotations

import json
import os
import zipfile
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv

from copain.errors import CheckpointError, InputError, LearningError
from copain.games.game import Flags
from copain.rl.demonstrations import places_along
from copain.rl.evaluation import Policy, evaluate, report
from copain.rl.learning_envs import LearningEnvs, Lesson, Seen
from copain.rl.practice import Practice
from copain.rl.sb3_envs import Ended, Sb3Envs
from copain.rl.statistics import interquartile_mean
from copain.runs import RunFolder

Algorithm = Literal["ppo", "dqn"]
ALGORITHMS: tuple[Algorithm, ...] = ("ppo", "dqn")
_CLASSES: dict[Algorithm, type[BaseAlgorithm]] = {"ppo": PPO, "dqn": DQN}


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long, and how, is trained.

    - `steps`: environment steps in all. `copies`: environments at once.
    - `practice`: see `Practice`.
    - `validate_every`: steps between two evaluations from `validation` starts, of
      `validation_episodes` each; the best policy there is kept.
    - `device`: ``auto`` is CUDA where it is there.
    """

    steps: int = 1_500_000
    copies: int = 64
    practice: float = 0.6
    validate_every: int = 100_000
    validation_episodes: int = 36
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        for name in ("steps", "copies", "validate_every", "validation_episodes"):
            if getattr(self, name) < 1:
                raise InputError(f"Schedule({name}={getattr(self, name)}): at least 1 is needed")


def settings_of(algorithm: Algorithm, seen: str) -> dict[str, Any]:
    """Sensible settings of an algorithm for what is seen, as Stable-Baselines3 names them.

    Of the learning rate, the first one: it falls to 0 as the steps are used up.
    """
    of_ram = seen == "ram"
    if algorithm == "ppo":
        # Rollouts of a few seconds of play. Little entropy: sticky actions explore too.
        return {
            "learning_rate": 7e-4 if of_ram else 2.5e-4,
            "n_steps": 64 if of_ram else 128,
            "batch_size": 1024 if of_ram else 256,
            "n_epochs": 4,
            "gamma": 0.99,
            "gae_lambda": 0.95,
            "clip_range": 0.2 if of_ram else 0.1,
            "ent_coef": 0.003 if of_ram else 0.01,
            "vf_coef": 0.5,
            "max_grad_norm": 0.5,
        }
    return {
        "learning_rate": 5e-4 if of_ram else 1e-4,
        "buffer_size": 200_000 if of_ram else 50_000,
        "learning_starts": 10_000,
        "batch_size": 128,
        "gamma": 0.99,
        "train_freq": 4,
        "gradient_steps": 8,
        "target_update_interval": 10_000,
        "exploration_fraction": 0.1,
        "exploration_final_eps": 0.02,
    }


def _policy_settings(algorithm: Algorithm, seen: str) -> tuple[str, dict[str, Any]]:
    if seen != "ram":
        return "CnnPolicy", {}
    layers = {"pi": [128, 128], "vf": [128, 128]} if algorithm == "ppo" else [128, 128]
    return "MlpPolicy", {"net_arch": layers, "activation_fn": torch.nn.ReLU}


@dataclass(frozen=True, slots=True)
class At:
    """Where training is: steps so far of how many, and of the last 100 episodes that began at a
    start the mean of each; `best` is the best evaluation so far.
    """

    steps: int
    most: int
    episodes: int
    reward: float
    length: float
    won: float
    score: float
    best: float


class Sb3Training:
    """One training, in an open run folder."""

    def __init__(
        self,
        algorithm: Algorithm,
        lesson: Lesson,
        schedule: Schedule,
        folder: RunFolder,
        *,
        workers: int | None = None,
        demonstrations: Sequence[Path] = (),
        on_progress: Callable[[At], None] | None = None,
    ) -> None:
        """Begin, or go on where a checkpoint is. Raises CheckpointError for a damaged one."""
        self.algorithm: Algorithm = algorithm
        self.lesson, self.schedule = lesson, schedule
        self.folder, self.on_progress = folder, on_progress
        self.checkpoints = folder.path / "checkpoints"
        self.ended: deque[Ended] = deque(maxlen=100)
        self.episodes = 0
        self.best = float("-inf")
        self._workers = workers
        # A torch of many threads gains nothing with networks this small, and disturbs the copies.
        torch.set_num_threads(1 if lesson.seen == "ram" else torch.get_num_threads())
        last = self.checkpoints / "last.zip"
        steps = self._read_last() if last.exists() else 0
        seed = schedule.seed + 1_000_003 * (steps > 0) + steps
        self.envs = Sb3Envs(
            LearningEnvs(lesson, schedule.copies, "train", workers),
            Practice(schedule.copies, schedule.practice, seed), seed, self._note,
        )  # fmt: skip
        try:
            for savestate in places_along(demonstrations, lesson):
                self.envs.practice.add(savestate, keep=True)
            self.model = self._load(last) if last.exists() else self._new(self.envs)
        except BaseException:
            self.envs.close()
            raise

    @property
    def steps(self) -> int:
        """Environment steps so far."""
        return self.model.num_timesteps

    def run(self) -> None:
        """Train until the steps are used up; a checkpoint is written after every evaluation.

        Ctrl-C writes one too, and comes out. Raises LearningError when the loss is no number, and
        CheckpointError when one cannot be written: the last one then is as it was.
        """
        again = self.steps > 0
        self.folder.event("resume" if again else "begin", steps=self.steps)
        left = self.schedule.steps - self.steps
        try:
            if left > 0:
                self.model.learn(
                    left, callback=_Watch(self), reset_num_timesteps=not again,
                    tb_log_name=self.algorithm,
                )  # fmt: skip
        except KeyboardInterrupt:
            self.save()
            raise
        except ValueError:  # torch refuses odds that are no numbers
            check_numbers(self.model)
            raise
        finally:
            self.envs.close()
        self._validate()

    def save(self) -> None:
        """Write the checkpoint that training goes on from."""
        _write(self.model, self.checkpoints / "last.zip")
        about = {"steps": self.steps, "best": self.best, "episodes": self.episodes}
        _write_text(self.checkpoints / "last.json", json.dumps(about))

    def policy(self) -> Policy:
        """What is being learned, as it is now, without exploring."""
        return policy_of(self.model)

    def _validate(self) -> None:
        """Evaluate from the validation starts; keep the policy if it is the best."""
        starts = self.lesson.game.starts("validation")
        played = evaluate(
            self.policy(), self.lesson, starts, self.schedule.validation_episodes,
            seed=1, workers=self._workers,
        )  # fmt: skip
        reward = interquartile_mean([each.reward for each in played])
        won = float(np.mean([each.won for each in played]))
        best = (won + reward / 1000) > self.best
        self.folder.event(
            "evaluation", steps=self.steps, reward=round(reward, 4), won=round(won, 4),
            score=float(np.mean([each.score for each in played])), best=best,
        )  # fmt: skip
        if best:
            _write(self.model, self.checkpoints / "best.zip")
            self.best = won + reward / 1000
        self.save()

    def _note(self, ended: Ended) -> None:
        self.episodes += 1
        if not ended.practised:
            self.ended.append(ended)

    def at(self) -> At:
        """Where it is."""
        ended = list(self.ended) or [Ended(0.0, 0, False, 0, False)]
        mean: Callable[[str], float] = lambda name: float(  # noqa: E731
            np.mean([getattr(each, name) for each in ended])
        )
        return At(
            self.steps, self.schedule.steps, self.episodes,
            mean("reward"), mean("steps"), mean("won"), mean("score"), self.best,
        )  # fmt: skip

    def _new(self, envs: VecEnv) -> BaseAlgorithm:
        settings = settings_of(self.algorithm, self.lesson.seen)
        first = settings.pop("learning_rate")
        if "n_steps" in settings:  # whole minibatches, of few copies too
            settings["batch_size"] = gcd(
                settings["batch_size"], settings["n_steps"] * self.schedule.copies
            )
        policy, policy_settings = _policy_settings(self.algorithm, self.lesson.seen)
        return _CLASSES[self.algorithm](
            policy, envs, learning_rate=_Falling(first), **settings,
            policy_kwargs=policy_settings, seed=self.schedule.seed, device=self.schedule.device,
            tensorboard_log=str(self.folder.path / "tensorboard"),
        )  # fmt: skip

    def _load(self, path: Path) -> BaseAlgorithm:
        model = load_model(self.algorithm, path, self.schedule.device, self.envs)
        model.tensorboard_log = str(self.folder.path / "tensorboard")
        return model

    def _read_last(self) -> int:
        path = self.checkpoints / "last.json"
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            self.best, self.episodes = float(about["best"]), int(about["episodes"])
            return int(about["steps"])
        except (OSError, ValueError, KeyError) as error:
            raise CheckpointError(
                f"checkpoint {str(path)!r}: it cannot be read: {error}"
            ) from error


@dataclass(frozen=True, slots=True)
class _Falling:
    """A learning rate that falls to 0 in a line; a class, so that it can be pickled."""

    first: float

    def __call__(self, left: float) -> float:
        return self.first * left


class _Watch(BaseCallback):
    """Tells progress, validates, and sees whether the loss is still a number."""

    def __init__(self, training: Sb3Training) -> None:
        super().__init__()
        self._training = training
        self._next = training.steps + training.schedule.validate_every

    def _on_step(self) -> bool:
        return True

    def _on_rollout_end(self) -> None:
        training = self._training
        check_numbers(training.model)
        if training.on_progress is not None:
            training.on_progress(training.at())
        at = training.at()
        for name in ("reward", "length", "won", "score"):
            self.logger.record(f"copain/{name}", getattr(at, name))
        if training.steps >= self._next:
            self._next = training.steps + training.schedule.validate_every
            training._validate()  # pyright: ignore[reportPrivateUsage] - its other half


def check_numbers(model: BaseAlgorithm) -> None:
    """Raise LearningError if a weight of the policy is no number any more."""
    for name, weight in model.policy.named_parameters():
        if not bool(torch.isfinite(weight).all()):
            raise LearningError(
                f"{name} is no number after {model.num_timesteps:,} steps: the learning diverged; "
                "the last checkpoint is as it was. Smaller rewards or a lower learning rate may "
                "help"
            )


def policy_of(model: BaseAlgorithm, seed: int = 0) -> Policy:
    """A model as a policy that does not explore.

    PPO learned odds and plays by them, by a generator of its own: the likeliest action alone is
    another policy, and a worse one while it still learns. DQN takes the action of most worth.
    """
    luck = np.random.default_rng((seed, 9))

    def best(seen: Seen, allowed: Flags) -> npt.NDArray[np.int64]:
        actions, _ = model.predict(seen, deterministic=True)
        return np.asarray(actions, np.int64)

    def drawn(seen: Seen, allowed: Flags) -> npt.NDArray[np.int64]:
        policy: Any = model.policy
        with torch.inference_mode():
            observation, _ = policy.obs_to_tensor(seen)
            odds = policy.get_distribution(observation).distribution.probs.cpu().numpy()
        limits = odds.cumsum(axis=1)
        return (limits < luck.random((len(odds), 1)) * limits[:, -1:]).sum(axis=1)

    return drawn if isinstance(model, PPO) else best


def load_model(
    algorithm: Algorithm, path: Path, device: str = "auto", envs: VecEnv | None = None
) -> BaseAlgorithm:
    """The model in a checkpoint. Raises CheckpointError for a damaged one, or another game's."""
    call = f"checkpoint {str(path)!r}"
    try:
        return _CLASSES[algorithm].load(path, env=envs, device=device)
    except (OSError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{call}: it cannot be read: {error}") from error


def _write(model: BaseAlgorithm, path: Path) -> None:
    """Write a model, whole or not at all."""
    partial = path.with_suffix(".partial.zip")
    try:
        path.parent.mkdir(exist_ok=True)
        with partial.open("wb") as file:
            model.save(file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except (OSError, RuntimeError) as error:  # torch's writer raises RuntimeError on a full disk
        partial.unlink(missing_ok=True)
        raise CheckpointError(
            f"checkpoint {str(path)!r}: it cannot be written: {error}; the last one, if there was "
            "one, is as it was"
        ) from error


def _write_text(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise CheckpointError(f"checkpoint {str(path)!r}: it cannot be written: {error}") from error


def finish(training: Sb3Training, episodes: int, *, video: bool = True) -> None:
    """Evaluate the best policy from the test starts; see `report`."""
    best = training.checkpoints / "best.zip"
    model = load_model(training.algorithm, best, training.schedule.device)
    report(policy_of(model), training.lesson, training.folder, episodes, video=video)
