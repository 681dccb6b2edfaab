"""Training a `DqnAgent` beside the runners of a `CopainRun`, in a run folder.

The folder is that of `copain.rl.sb3_training`; its checkpoint is ``checkpoint.npz``, the replay in
it, and ``best.npz`` what played best from the validation starts.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from copain.errors import LearningError
from copain.fleet import CopainRun
from copain.games.game import Flags
from copain.rl.checkpoint import read_counts, read_weights, write_weights
from copain.rl.demonstrations import places_along
from copain.rl.dqn_agent import DqnAgent
from copain.rl.dqn_settings import DqnSettings
from copain.rl.episode_loop import Episode, EpisodeLoop
from copain.rl.evaluation import Policy, evaluate, report
from copain.rl.learner_process import Learned
from copain.rl.learning_envs import Lesson, Seen
from copain.rl.q_network import QNetwork
from copain.rl.ram_view import RamView
from copain.rl.sb3_training import At
from copain.rl.statistics import interquartile_mean
from copain.rom import Rom
from copain.runs import RunFolder


class RunnersTraining:
    """One training of a `DqnAgent`, in the run folder that is given."""

    def __init__(
        self,
        lesson: Lesson,
        rom: Rom,
        folder: RunFolder,
        *,
        steps: int,
        runners: int,
        emulator: str | None = None,
        visible: int = 0,
        practice: float = 0.6,
        validate_every: int = 100_000,
        validation_episodes: int = 36,
        settings: DqnSettings | None = None,
        demonstrations: Sequence[Path] = (),
        on_progress: Callable[[At], None] | None = None,
    ) -> None:
        """Begin, or go on where a checkpoint is. `emulator` is the runners'; `lesson` says what
        the evaluations are played on.
        """
        game = lesson.game
        self.lesson, self.folder, self.on_progress = lesson, folder, on_progress
        self.validate_every, self.validation_episodes = validate_every, validation_episodes
        self.ended: deque[Episode] = deque(maxlen=100)
        self.episodes = 0
        self.best, self.validated = self._read_best()
        self._lock = threading.Lock()
        self._view = RamView(game, lesson.stack)
        self.agent = DqnAgent(
            self._view.encode, self._view.size, len(game.actions), settings or DqnSettings(),
            game=game.name, most_steps=steps, folder=folder.path, on_learned=self._learned,
        )  # fmt: skip
        loop = EpisodeLoop(
            game, game.starts("train"), lesson.rewarded, goal=lesson.goal, frames=lesson.stack,
            action_repeat=lesson.action_repeat, sticky=lesson.sticky, most_steps=lesson.most_steps,
            seed=self.agent.settings.seed, practice=practice, finished=self.agent.finished,
            places=list(places_along(demonstrations, lesson, emulator)), on_episode=self._ended,
        )  # fmt: skip
        self._run = CopainRun(
            rom, loop, runners, emulator, visible, agent=self.agent, restarts=None, display=False
        )

    def run(self) -> None:
        """Train until the steps are made. Ctrl-C leaves the last checkpoint, to go on from.

        Raises LearningError, CheckpointError or RunnerError.
        """
        self.folder.event("begin")
        try:
            self._run.run()
        except Exception as error:
            cause = error.__cause__
            raise cause if isinstance(cause, LearningError) else error from None
        self._validate(self.agent.steps, self.agent.network)

    def finish(self, episodes: int, *, video: bool = True) -> None:
        """Evaluate what played best from the test starts; see `report`."""
        network = QNetwork(
            self._view.size, len(self.lesson.game.actions), self.agent.settings.hidden
        )
        network.take(read_weights(self.best_path, self.lesson.game.name))
        report(greedy(network), self.lesson, self.folder, episodes, video=video)

    @property
    def best_path(self) -> Path:
        """The weights that played best from the validation starts."""
        return self.folder.path / "best.npz"

    def _learned(self, steps: int, learned: Learned) -> None:
        """In the agent's thread, whenever there is a newer network: runners wait meanwhile."""
        if steps - self.validated >= self.validate_every:
            self._validate(steps, self.agent.network)
        if self.on_progress is not None:
            self.on_progress(self.at(steps))

    def _validate(self, steps: int, network: QNetwork) -> None:
        starts = self.lesson.game.starts("validation")
        played = evaluate(greedy(network), self.lesson, starts, self.validation_episodes, seed=1)
        reward = interquartile_mean([each.reward for each in played])
        won = float(np.mean([each.won for each in played]))
        rank = won + reward / 1000
        self.folder.event(
            "evaluation", steps=steps, reward=round(reward, 4), won=round(won, 4),
            score=float(np.mean([each.score for each in played])), best=rank > self.best,
        )  # fmt: skip
        self.validated = steps
        if rank > self.best:
            self.best = rank
            counts = {"steps": steps, "rank": rank}
            write_weights(self.best_path, self.lesson.game.name, network.weights(), counts)

    def _read_best(self) -> tuple[float, int]:
        if not self.best_path.exists():
            return float("-inf"), 0
        counts = read_counts(self.best_path, self.lesson.game.name)
        return float(counts["rank"]), int(counts["steps"])

    def _ended(self, episode: Episode) -> None:
        """In a runner's thread."""
        with self._lock:
            self.episodes += 1
            if not episode.practised:
                self.ended.append(episode)

    def at(self, steps: int) -> At:
        """Where it is."""
        with self._lock:
            ended = list(self.ended)
        table = np.array([(e.reward, e.steps, e.won, e.score) for e in ended] or [(0, 0, 0, 0)])
        reward, length, won, score = table.mean(axis=0).tolist()
        most = self.agent.most_steps or 0
        return At(steps, most, self.episodes, reward, length, won, score, self.best)


def greedy(network: QNetwork) -> Policy:
    """The policy that takes what the network thinks best."""

    def policy(seen: Seen, allowed: Flags) -> npt.NDArray[np.int64]:
        return network.best(np.asarray(seen, np.float32), allowed)

    return policy
