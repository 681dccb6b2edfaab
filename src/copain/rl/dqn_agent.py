"""DqnAgent: learns what actions are worth, beside the runners of a `CopainRun`.

It answers all waiting runners in one batch, from a network of its own; its learner has a process
of its own, and hands over better networks as they come.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from copain.errors import InputError
from copain.fleet import Transition
from copain.games.game import Flags
from copain.rl.dqn_settings import DqnSettings
from copain.rl.learner_process import Learned, LearnerProcess
from copain.rl.q_network import QNetwork
from copain.rl.ram_view import Features
from copain.rl.replay import Row, Steps, rows_of

_ROWS_AT_ONCE = 64  # of one message to the learner


class DqnAgent:
    """Double DQN with a target network and n-step returns; give it to ``CopainRun(agent=...)``.

    Runners ask and tell with whatever `encode` understands: a batch of observations becomes
    ``float32 (batch, features)`` and which actions are allowed, ``bool (batch, actions)``; see
    `RamSight`. What a runner tells as the next observation is what it asks with next.
    """

    patience = 0.002
    """Seconds that answers wait for more runners to ask, so that one batch serves them all."""

    def __init__(
        self,
        encode: Callable[[Sequence[Any]], tuple[Features, Flags]],
        features: int,
        actions: int,
        settings: DqnSettings | None = None,
        *,
        game: str = "",
        most_steps: int | None = None,
        folder: Path | None = None,
        on_learned: Callable[[int, Learned], None] | None = None,
    ) -> None:
        """An agent for so many features and actions.

        - `most_steps`: steps of all runners after which `finished` is set, and what it has
          learned is written; None for no end.
        - `folder`: for its checkpoint, ``checkpoint.npz``, from which it goes on when it is there
          and of the same `game`. Else nothing is written.
        - `on_learned`: called with the steps so far whenever the learner has told something.
        """
        if features < 1 or actions < 1:
            raise InputError(f"DqnAgent(features={features}, actions={actions}): 1 or more")
        self.encode, self.features, self.actions = encode, features, actions
        self.settings = settings or DqnSettings()
        self.game, self.most_steps, self.on_learned = game, most_steps, on_learned
        self.checkpoint = None if folder is None else Path(folder) / "checkpoint.npz"
        self.network = QNetwork(features, actions, self.settings.hidden)
        """What it answers with: what the learner told last."""
        self.steps = 0
        """Steps of all runners so far, those before it was resumed too."""
        self.learned = Learned()
        self.finished = threading.Event()
        """Set when `most_steps` were made; loops look at it."""
        self._learner: LearnerProcess | None = None
        self._luck = np.random.default_rng(self.settings.seed)
        self._steps: list[Steps] = []
        self._seen: list[tuple[Any, Features] | None] = []
        self._expected: list[Any] = []
        self._rows: list[Row] = []
        self._due_told = self._saved_at = 0

    def start(self, runners: int) -> None:
        """Start the learner. Raises CheckpointError for a checkpoint that is not this agent's."""
        settings = self.settings
        checkpoint = self.checkpoint
        self._learner = LearnerProcess(
            settings, self.features, self.actions,
            checkpoint if checkpoint is not None and checkpoint.exists() else None, self.game,
        )  # fmt: skip
        self.steps = self._saved_at = int(self._learner.counts.get("steps", 0))
        self._luck = np.random.default_rng((settings.seed, self.steps))
        self._steps = [Steps(settings.steps, settings.discount) for _ in range(runners)]
        self._seen = [None] * runners
        self._expected = [None] * runners
        self._look(wait=int(self._learner.counts.get("updates", 0)))
        self._end_if_due()

    def ask(self, observations: Sequence[Any], runners: Sequence[int]) -> Sequence[int]:
        """The best action for each, or a random one in the course of exploring."""
        features, allowed = self.encode(observations)
        for row, runner in enumerate(runners):
            self._see(runner, observations[row], features[row], allowed[row])
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._hand_over()
        self._keep_in_step()
        actions = self.network.best(features, allowed)
        curious = self._luck.random(len(runners)) < self.epsilon
        for row in np.flatnonzero(curious):
            actions[row] = self._luck.choice(np.flatnonzero(allowed[row]))
        return actions.tolist()

    def tell(self, transition: Transition) -> None:
        """Learn from a step: now or when what comes after it is seen."""
        runner, steps = transition.runner, self._steps[transition.runner]
        seen = self._seen[runner]
        if seen is None or seen[0] is not transition.observation:
            seen = (transition.observation, self.encode([transition.observation])[0][0])
        steps.add(seen[1], int(transition.action), transition.reward)
        self.steps += 1
        self._expected[runner] = transition.next_observation
        if transition.terminated or transition.truncated:
            self._break_off(runner, terminated=transition.terminated)
        self._end_if_due()

    def stop(self) -> None:
        """End the learner. What it learned since the last checkpoint is written."""
        learner = self._learner
        if learner is None:
            return
        try:
            if not self.finished.is_set():
                self.save()
        finally:
            learner.close()

    def kill(self) -> None:
        """End the learner at once; what it learned since the last checkpoint is lost."""
        if self._learner is not None:
            self._learner.kill()

    def save(self) -> None:
        """Write the checkpoint, if there is a folder. Raises CheckpointError."""
        if self.checkpoint is not None and self._learner is not None:
            self._hand_over()
            counts = {"steps": self.steps, "updates": self.learned.updates}
            self._learner.save(self.checkpoint, counts)
        self._saved_at = self.steps

    @property
    def epsilon(self) -> float:
        """How likely an action is random now."""
        settings = self.settings
        way = min(1.0, self.steps / settings.epsilon_steps)
        return 1.0 + way * (settings.epsilon - 1.0)

    def _see(self, runner: int, observation: Any, features: Features, allowed: Flags) -> None:
        """A runner sees this: rows that waited for it are complete."""
        steps = self._steps[runner]
        if len(steps):
            if self._expected[runner] is observation:
                self._rows += steps.complete(features, allowed)
            else:  # it began anew without saying so, after a failure for example
                self._break_off(runner, terminated=False)
        self._seen[runner] = (observation, features)

    def _break_off(self, runner: int, *, terminated: bool) -> None:
        features, allowed = self.encode([self._expected[runner]])
        self._rows += self._steps[runner].end(features[0], allowed[0], terminated=terminated)

    def _hand_over(self) -> None:
        rows, self._rows = self._rows, []
        if rows or self._due > self._due_told:
            self._due_told = self._due
            self._learning.learn(rows_of(rows) if rows else None, self._due_told)

    def _keep_in_step(self) -> None:
        """Take what was learned; wait while the learner is behind."""
        self._look(wait=self._due_told - self.settings.slack)
        if self.steps - self._saved_at >= self.settings.checkpoint_every:
            self.save()

    def _look(self, wait: int) -> None:
        learner = self._learning
        learner.wait(wait)
        learned = learner.learned()
        if learned is not None:
            self.network.take(learned.weights)
            self.learned = learned
            if self.on_learned is not None:
                self.on_learned(self.steps, learned)

    def _end_if_due(self) -> None:
        """After the last step: make the updates that are due, write, and say so."""
        if self.most_steps is None or self.steps < self.most_steps or self.finished.is_set():
            return
        self._hand_over()
        self._look(wait=self._due_told)
        self.save()
        self.finished.set()

    @property
    def _due(self) -> int:
        """Updates that are due by now."""
        settings = self.settings
        return max(0, int((self.steps - settings.learn_from) * settings.updates_per_step))

    @property
    def _learning(self) -> LearnerProcess:
        assert self._learner is not None
        return self._learner
