"""Agent: what learns beside the runners of a `CopainRun`.

The runners play; the agent sits in a thread of its own (or, as an `AgentProcess`, in a process of
its own), answers what they ask, many at a time, and learns from what they tell. It is never called
by two threads at once, so it needs no locks.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from copain.errors import InputError, RunnerError

Observation: TypeAlias = Any
"""What a runner sees of its game: whatever loop and agent agree on."""

Action: TypeAlias = Any
"""What an agent answers: whatever loop and agent agree on, such as an index of `Game.actions`."""

MOST_UNREAD = 4096
"""Transitions that wait for the agent; runners that tell more wait until it has caught up."""


class RunStopped(BaseException):
    """The run is over: raised in a loop that still plays, to unwind it.

    As KeyboardInterrupt it is no Exception: a loop that catches its game's errors does not catch
    the end of the run.
    """


@dataclass(frozen=True, slots=True)
class Transition:
    """One step of one runner: from `observation`, `action` led to `next_observation`.

    `terminated`: the game itself ended here; `truncated`: the loop broke off.
    """

    runner: int
    observation: Observation
    action: Action
    reward: float
    next_observation: Observation
    terminated: bool = False
    truncated: bool = False


class Agent(Protocol):
    """Something that chooses actions, and may learn. One thread calls all of it.

    An agent that has an attribute ``patience``, in seconds, is asked when all runners wait, or
    when the first has waited so long: larger batches, for networks. Without it whoever waits is
    answered at once.
    """

    def start(self, runners: int, /) -> None:
        """The run begins, with so many runners."""
        ...

    def ask(
        self, observations: Sequence[Observation], runners: Sequence[int], /
    ) -> Sequence[Action]:
        """An action for each observation; `runners` says whose they are, each at most once.

        These are all the runners that wait at this moment: from one to all of them.
        """
        ...

    def tell(self, transition: Transition, /) -> None:
        """A runner made this step. Each runner's come in order, before what it asks next."""
        ...

    def stop(self) -> None:
        """The run is over; everything that was told came before."""
        ...


class RandomAgent:
    """An agent that chooses among `actions` at random and learns nothing."""

    def __init__(self, actions: int, seed: int | None = None) -> None:
        """Actions are 0 to `actions` - 1."""
        if actions < 1:
            raise InputError(f"RandomAgent(actions={actions}): at least 1 is needed")
        self.actions = actions
        self._luck = np.random.default_rng(seed)

    def start(self, runners: int) -> None:
        """Nothing to prepare."""

    def ask(self, observations: Sequence[Observation], runners: Sequence[int]) -> list[int]:
        """A random action for each."""
        return self._luck.integers(self.actions, size=len(observations)).tolist()

    def tell(self, transition: Transition) -> None:
        """Nothing is learned."""

    def stop(self) -> None:
        """Nothing to end."""


class _Question:
    """One runner's observation, and the place where the answer comes."""

    __slots__ = ("action", "answered", "observation", "ready", "runner")

    def __init__(self, observation: Observation, runner: int) -> None:
        self.observation, self.runner = observation, runner
        self.action: Action = None
        self.answered = False
        self.ready = threading.Event()


class AgentDesk:
    """Where the runners' questions wait, and the thread that takes them to the agent."""

    def __init__(
        self, agent: Agent, runners: int, on_failure: Callable[[BaseException], None]
    ) -> None:
        """A desk for `runners`; `on_failure` is called, once, with what the agent raised."""
        self._agent, self._runners, self._on_failure = agent, runners, on_failure
        self._changed = threading.Condition()
        self._asked: list[_Question] = []
        self._answering: list[_Question] = []  # those that the agent has in hand
        self._told: deque[Transition] = deque()
        self._open = True
        self._thread = threading.Thread(target=self._serve, name="copain agent", daemon=True)
        self._thread.start()

    def ask(self, runner: int, observation: Observation) -> Action:
        """The agent's action. Raises RunStopped when the run ends first."""
        question = _Question(observation, runner)
        with self._changed:
            if not self._open:
                raise RunStopped
            self._asked.append(question)
            self._changed.notify_all()
        question.ready.wait()
        if not question.answered:
            raise RunStopped
        return question.action

    def tell(self, transition: Transition) -> None:
        """Hand a transition over; waits while too many are unread. Raises RunStopped."""
        with self._changed:
            while self._open and len(self._told) >= MOST_UNREAD:
                self._changed.wait()
            if not self._open:
                raise RunStopped
            self._told.append(transition)
            self._changed.notify_all()

    def close(self, seconds: float | None = None) -> bool:
        """Take no more questions, let the agent read what was told, and end it.

        Who waits for an answer gets RunStopped. False when the agent did not end in `seconds`.
        """
        with self._changed:
            self._open = False
            self._dismiss()
            self._changed.notify_all()
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _serve(self) -> None:
        try:
            self._agent.start(self._runners)
            try:
                while self._serve_once():
                    pass
            finally:
                self._agent.stop()
        except BaseException as error:
            self._on_failure(error)
        finally:
            with self._changed:
                self._open = False
                self._told.clear()
                self._dismiss()
                self._changed.notify_all()

    def _serve_once(self) -> bool:
        """Wait for something to do, and do it; False when there is nothing more to come."""
        with self._changed:
            while self._open and not self._asked and not self._told:
                self._changed.wait()
            self._wait_for_more()
            if not self._asked and not self._told:
                return False
            asked, self._asked = self._asked, []
            self._answering = asked
            told, self._told = self._told, deque()
            self._changed.notify_all()
        try:
            for transition in told:
                self._agent.tell(transition)
            if asked and self._open:
                self._answer(asked)
        finally:
            for question in asked:
                question.ready.set()
        return True

    def _wait_for_more(self) -> None:
        """Until all runners ask, or the first has waited as long as the agent lets it."""
        patience: float = getattr(self._agent, "patience", 0.0)
        if not patience or not self._asked:
            return
        deadline = time.monotonic() + patience
        while self._open and len(self._asked) < self._runners:
            if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                return

    def _answer(self, asked: Sequence[_Question]) -> None:
        actions = self._agent.ask(
            [question.observation for question in asked], [question.runner for question in asked]
        )
        if len(actions) != len(asked):
            raise RunnerError(
                f"{type(self._agent).__name__}.ask gave {len(actions)} actions for {len(asked)} "
                "observations: one for each is needed"
            )
        for question, action in zip(asked, actions, strict=True):
            question.action, question.answered = action, True

    def _dismiss(self) -> None:
        for question in (*self._asked, *self._answering):
            question.ready.set()
        self._asked = []


class AgentLink:
    """What a runner has of the agent: ``run.agent``."""

    __slots__ = ("_desk", "_runner")

    def __init__(self, desk: AgentDesk, runner: int) -> None:
        self._desk, self._runner = desk, runner

    def ask(self, observation: Observation) -> Action:
        """The agent's action for what this runner sees; waits for it.

        Observations are handed over as they are: give a copy of what changes later.
        """
        return self._desk.ask(self._runner, observation)

    def tell(
        self,
        observation: Observation,
        action: Action,
        reward: float,
        next_observation: Observation,
        terminated: bool = False,
        truncated: bool = False,
    ) -> None:
        """Let the agent learn from a step; see `Transition`. Does not wait for it."""
        self._desk.tell(
            Transition(
                self._runner, observation, action, reward, next_observation, terminated, truncated
            )
        )
