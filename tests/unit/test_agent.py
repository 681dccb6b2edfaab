"""Agents: what the desk between runners and agent promises, and the agent in another process."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from copain import InputError, RunnerError
from copain.fleet import AgentProcess, RandomAgent, Transition
from copain.fleet.agent import MOST_UNREAD, AgentDesk, AgentLink, RunStopped


class Clerk:
    """An agent that notes all that is done with it; its answer is the observation, doubled."""

    def __init__(self) -> None:
        self.notes: list[Any] = []
        self.batches: list[list[int]] = []
        self.threads: set[str] = set()
        self.let_go = threading.Event()
        self.let_go.set()

    def start(self, runners: int) -> None:
        self.note(("start", runners))

    def ask(self, observations: Sequence[Any], runners: Sequence[int]) -> list[Any]:
        self.let_go.wait(10)
        self.batches.append(list(runners))
        self.note(("ask", *zip(runners, observations, strict=True)))
        return [2 * seen for seen in observations]

    def tell(self, transition: Transition) -> None:
        self.let_go.wait(10)
        self.note(("tell", transition.runner, transition.observation))

    def stop(self) -> None:
        self.note("stop")

    def note(self, what: Any) -> None:
        self.threads.add(threading.current_thread().name)
        self.notes.append(what)


class Desk:
    """A desk with four runners, and the errors it reported."""

    def __init__(self, agent: Any) -> None:
        self.errors: list[BaseException] = []
        self.desk = AgentDesk(agent, 4, self.errors.append)
        self.links = [AgentLink(self.desk, runner) for runner in range(4)]


Open = Callable[[Any], Desk]


@pytest.fixture
def open_desk() -> Generator[Open]:
    opened: list[Desk] = []

    def open_it(agent: Any) -> Desk:
        opened.append(Desk(agent))
        return opened[-1]

    yield open_it
    for each in opened:
        assert each.desk.close(10)


def test_runners_that_wait_are_asked_for_together(open_desk: Open) -> None:
    clerk = Clerk()
    desk = open_desk(clerk)
    clerk.let_go.clear()
    with ThreadPoolExecutor(4) as runners:
        first = runners.submit(desk.links[0].ask, 10)
        while not clerk.notes:  # the agent is busy with the first ...
            time.sleep(0.001)
        time.sleep(0.05)
        others = [runners.submit(desk.links[runner].ask, 10 + runner) for runner in (1, 2, 3)]
        while len(desk.desk._asked) < 3:  # pyright: ignore[reportPrivateUsage]
            time.sleep(0.001)
        clerk.let_go.set()
        assert [first.result(), *(other.result() for other in others)] == [20, 22, 24, 26]
    assert [sorted(batch) for batch in clerk.batches] == [[0], [1, 2, 3]]
    assert len(clerk.threads) == 1


def test_what_a_runner_tells_is_learned_before_it_is_answered(open_desk: Open) -> None:
    clerk = Clerk()
    desk = open_desk(clerk)
    for at in range(50):
        desk.links[2].tell(at, 0, 1.0, at + 1)
        assert desk.links[2].ask(at) == 2 * at
    assert clerk.notes[1:] == [
        note for at in range(50) for note in (("tell", 2, at), ("ask", (2, at)))
    ]


def test_the_end_reads_what_was_told_and_lets_nobody_wait(open_desk: Open) -> None:
    clerk = Clerk()
    desk = open_desk(clerk)
    clerk.let_go.clear()
    with ThreadPoolExecutor(2) as runners:
        for at in range(100):
            desk.links[0].tell(at, 0, 0.0, at)
        waiting = runners.submit(desk.links[1].ask, 5)
        time.sleep(0.05)
        closing = runners.submit(desk.desk.close, 10)
        with pytest.raises(RunStopped):
            waiting.result(5)
        clerk.let_go.set()
        assert closing.result()
    assert clerk.notes == [("start", 4), *(("tell", 0, at) for at in range(100)), "stop"]
    for use in (lambda: desk.links[0].ask(1), lambda: desk.links[0].tell(1, 1, 1.0, 1)):
        with pytest.raises(RunStopped):
            use()


def test_a_slow_agent_holds_up_who_tells_too_much(open_desk: Open) -> None:
    clerk = Clerk()
    desk = open_desk(clerk)
    clerk.let_go.clear()
    told = 0

    def tell() -> None:
        nonlocal told
        for at in range(2 * MOST_UNREAD + 10):
            desk.links[0].tell(at, 0, 0.0, at)
            told = at + 1

    teller = threading.Thread(target=tell)
    teller.start()
    time.sleep(0.3)
    # One batch may be with the agent, one waits; the rest is with the runner.
    assert MOST_UNREAD <= told <= 2 * MOST_UNREAD
    clerk.let_go.set()
    teller.join(10)
    assert told == 2 * MOST_UNREAD + 10


@pytest.mark.parametrize("fails_in", ["start", "ask", "tell", "stop"])
def test_what_an_agent_raises_is_reported_once(open_desk: Open, fails_in: str) -> None:
    def fail(*_: Any) -> None:
        raise ValueError(fails_in)

    clerk = Clerk()
    setattr(clerk, fails_in, fail)
    desk = open_desk(clerk)
    if fails_in == "tell":
        desk.links[0].tell(1, 1, 1.0, 1)
    if fails_in != "stop":
        with pytest.raises(RunStopped):
            desk.links[0].ask(1)
    assert desk.desk.close(10)
    assert [str(error) for error in desk.errors] == [fails_in]


def test_an_agent_that_answers_too_little_is_told_so(open_desk: Open) -> None:
    clerk = Clerk()
    clerk.ask = lambda observations, runners: []  # type: ignore[method-assign]
    desk = open_desk(clerk)
    with pytest.raises(RunStopped):
        desk.links[0].ask(1)
    assert desk.desk.close(10)
    assert "Clerk.ask gave 0 actions for 1 observations" in str(desk.errors[0])


def test_the_random_agent_uses_all_actions_and_repeats_with_its_seed() -> None:
    one, other = RandomAgent(5, seed=3), RandomAgent(5, seed=3)
    drawn = [one.ask([None] * 3, [0, 1, 2]) for _ in range(40)]
    assert drawn == [other.ask([None] * 3, [0, 1, 2]) for _ in range(40)]
    assert {action for batch in drawn for action in batch} == set(range(5))
    with pytest.raises(InputError, match="at least 1"):
        RandomAgent(0)


class Counter:
    """An agent for another process: answers how much it was told, and where it is."""

    def __init__(self) -> None:
        self.told, self.pid = 0, 0
        self.ended = False

    def start(self, runners: int) -> None:
        self.pid = os.getpid()

    def ask(self, observations: Sequence[Any], runners: Sequence[int]) -> list[tuple[int, int]]:
        if observations[0] == "fail":
            raise ValueError("this agent fails")
        if observations[0] == "die":
            os._exit(3)
        return [(self.told, self.pid) for _ in observations]

    def tell(self, transition: Transition) -> None:
        self.told += 1

    def stop(self) -> None:
        self.ended = True


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_an_agent_in_another_process_comes_back_as_it_has_become(open_desk: Open) -> None:
    agent = AgentProcess(Counter())
    desk = open_desk(agent)
    assert desk.links[0].ask(0) == (0, agent.pid)
    for at in range(1000):
        desk.links[0].tell(at, 0, 0.0, at)
    assert desk.links[0].ask(0) == (1000, agent.pid)
    desk.links[0].tell(1, 0, 0.0, 1)
    assert desk.desk.close(10)
    assert isinstance(agent.agent, Counter)
    assert (agent.agent.told, agent.agent.ended) == (1001, True)
    assert agent.pid not in (None, os.getpid())
    assert agent.pid is not None
    assert gone(agent.pid)
    assert desk.errors == []


@pytest.mark.parametrize(
    ("observation", "message"),
    [("fail", "ValueError: this agent fails"), ("die", "exit status 3")],
)
def test_an_agent_in_another_process_that_fails_says_how(
    open_desk: Open, observation: str, message: str
) -> None:
    agent = AgentProcess(Counter())
    desk = open_desk(agent)
    with pytest.raises(RunStopped):
        desk.links[0].ask(observation)
    assert desk.desk.close(10)
    (error,) = desk.errors
    assert isinstance(error, RunnerError)
    assert message in str(error)
    assert agent.pid is not None
    assert gone(agent.pid)
