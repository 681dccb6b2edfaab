"""LearnerProcess: the learning of a `DqnAgent`, in a process of its own.

What goes over is rows one way, weights the other. The learner makes as many updates as it was
told to, no more, and tells its newest weights now and then and when it has caught up.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from copain import errors
from copain.errors import CopainError, LearningError, RunnerError
from copain.rl.checkpoint import read_checkpoint, write_checkpoint
from copain.rl.dqn_settings import DqnSettings
from copain.rl.replay import Replay, Rows

_PUBLISHED_EVERY = 50  # updates
_AT_ONCE = 8  # updates between two looks at what came
_START = 60.0  # seconds; a spawned Python imports torch
_END = 5.0


@dataclass(slots=True)
class Learned:
    """What the learner has told last."""

    updates: int = 0
    loss: float = 0.0
    rows: int = 0
    weights: Any = None


class LearnerProcess:
    """The other process, as the agent sees it. One thread of the agent's calls everything."""

    def __init__(
        self, settings: DqnSettings, features: int, actions: int, checkpoint: Path | None, game: str
    ) -> None:
        """Start it, from a checkpoint if there is one. Raises what it raises."""
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, settings, features, actions, checkpoint, game),
            name="copain learner", daemon=True,
        )  # fmt: skip
        self._process.start()
        theirs.close()
        self._changed = threading.Condition()
        self._learned = Learned()
        self._news = False
        self._answer: Any = None
        self._failure: CopainError | None = None
        self._reader = threading.Thread(target=self._read, name="copain learned", daemon=True)
        self._reader.start()
        self.counts: dict[str, float] = self._wait_for_answer()
        """What the agent had counted when the checkpoint was written."""

    @property
    def pid(self) -> int | None:
        """The process's number."""
        return self._process.pid

    def learn(self, rows: Rows | None, due: int) -> None:
        """Hand rows over, and say how many updates are to be made in all."""
        self._send("learn", (rows, due))

    def learned(self) -> Learned | None:
        """What it has told since the last call, or None. Raises what it raised."""
        with self._changed:
            self._check()
            told, self._news = (self._learned if self._news else None), False
            return told

    def wait(self, updates: int) -> None:
        """Wait until it has made so many updates. Raises what it raised."""
        with self._changed:
            while self._learned.updates < updates:
                self._check()
                self._changed.wait()
            self._check()

    def save(self, path: Path, counts: dict[str, int]) -> None:
        """Write a checkpoint. Raises CheckpointError: what was there before then still is."""
        self._send("save", (path, counts))
        self._wait_for_answer()

    def close(self) -> None:
        """End it."""
        with suppress(OSError):  # it may have ended
            self._connection.send(("end", None))
        self._process.join(_END)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join(_END)

    def _send(self, what: str, content: object) -> None:
        with self._changed:
            self._check()
        try:
            self._connection.send((what, content))
        except OSError:
            self._process.join(1.0)
            self._reader.join(1.0)
            with self._changed:
                self._check()
            raise

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _wait_for_answer(self) -> Any:
        with self._changed:
            while self._answer is None:
                self._check()
                self._changed.wait()
            answer, self._answer = self._answer, None
        if isinstance(answer, CopainError):
            raise answer
        return answer

    def _read(self) -> None:
        """In a thread, so that both may write at the same time."""
        try:
            while True:
                what, content = self._connection.recv()
                with self._changed:
                    if what == "learned":
                        self._learned, self._news = content, True
                    elif what == "failed":
                        self._failure = _error_of(*content)
                    elif what == "refused":
                        self._answer = _error_of(*content)
                    else:
                        self._answer = content
                    self._changed.notify_all()
        except (EOFError, OSError):
            with self._changed:
                if self._failure is None:
                    self._failure = RunnerError(
                        "the learner's process ended; what it wrote says why"
                    )
                self._changed.notify_all()


def _error_of(name: str, text: str) -> CopainError:
    kind = getattr(errors, name, RunnerError)
    return kind(text)


def _serve(
    connection: Connection,
    settings: DqnSettings,
    features: int,
    actions: int,
    checkpoint: Path | None,
    game: str,
) -> None:
    """What the process does, until it is told to end or the other side is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which then ends this
    try:
        learning = _Learning(settings, features, actions, game)
        connection.send(("started", learning.take_up(checkpoint)))
        learning.serve(connection)
    except (EOFError, BrokenPipeError):
        return
    except CopainError as error:
        connection.send(("failed", (type(error).__name__, str(error))))
    except BaseException:
        connection.send(("failed", ("RunnerError", f"the learner: {traceback.format_exc()}")))


class _Learning:
    """The learner and its replay."""

    def __init__(self, settings: DqnSettings, features: int, actions: int, game: str) -> None:
        import torch

        from copain.rl.q_network import QLearner

        torch.set_num_threads(1)
        torch.manual_seed(settings.seed)  # pyright: ignore[reportUnknownMemberType]
        self.settings, self.game = settings, game
        self.learner = QLearner(
            features, actions, hidden=settings.hidden, learning_rate=settings.learning_rate,
            target_every=settings.target_every, device=settings.device,
        )  # fmt: skip
        self.replay = Replay(settings.replay, features, actions)
        self.luck = np.random.default_rng(settings.seed)
        self.due, self.loss = 0, 0.0

    def take_up(self, checkpoint: Path | None) -> dict[str, float]:
        """Go on from a checkpoint; the agent's counts in it."""
        if checkpoint is None:
            return {}
        stored = read_checkpoint(checkpoint, self.game)
        self.learner.recall(stored.network)
        self.replay.recall(stored.arrays)
        self.luck.bit_generator.state = stored.luck
        self.due = self.learner.updates
        return stored.counts

    def serve(self, connection: Connection) -> None:
        """Learn, and answer."""
        published = -1
        while True:
            behind = self.learner.updates < self.due and self.replay.size > 0
            if not behind and published != self.learner.updates:
                published = self._publish(connection)
            while not behind or connection.poll():
                what, content = connection.recv()
                if what == "end":
                    return
                if what == "save":
                    self._save(connection, *content)
                else:
                    rows, self.due = content
                    if rows is not None:
                        self.replay.add(rows)
                behind = self.learner.updates < self.due and self.replay.size > 0
            for _ in range(min(_AT_ONCE, self.due - self.learner.updates)):
                rows = self.replay.sample(self.luck, self.settings.batch)
                self.loss += 0.01 * (self.learner.learn(rows) - self.loss)
            if self.learner.updates - published >= _PUBLISHED_EVERY:
                published = self._publish(connection)

    def _publish(self, connection: Connection) -> int:
        learner = self.learner
        connection.send(
            ("learned",
             Learned(learner.updates, self.loss, self.replay.size, learner.network.weights()))
        )  # fmt: skip
        return learner.updates

    def _save(self, connection: Connection, path: Path, counts: dict[str, int]) -> None:
        try:
            write_checkpoint(
                path, self.game, self.learner.to_dict(), self.replay.to_arrays(),
                self.luck.bit_generator.state, counts,
            )  # fmt: skip
        except LearningError as error:
            connection.send(("refused", (type(error).__name__, str(error))))
        else:
            connection.send(("saved", counts))
