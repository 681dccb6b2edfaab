"""Many emulators at once: one batch of rollouts, whoever runs where.

`open_fleet` gives the best fleet there is for an emulator: its own, in one process, when it has
one, else `LoopFleet`. What is built on a fleet gets the same results on either.

`CopainRun` plays a loop of your own on many emulators, with an `Agent` that learns beside them.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from copain.emulator import Emulator
from copain.errors import InputError
from copain.fleet.agent import Agent, AgentLink, RandomAgent, RunStopped, Transition
from copain.fleet.agent_process import AgentProcess
from copain.fleet.copain_run import CopainRun, Outcome, Run
from copain.fleet.loop import LoopFleet, LoopPool
from copain.fleet.random_play import Played, RandomPlay
from copain.fleet.run_display import Display, Line, RunDisplay
from copain.rollout import Fleet, HasFleet

__all__ = [
    "Agent", "AgentLink", "AgentProcess", "CopainRun", "Display", "Line", "LoopFleet", "LoopPool",
    "Outcome", "Played", "RandomAgent", "RandomPlay", "Run", "RunDisplay", "RunStopped",
    "Transition", "open_fleet",
]  # fmt: skip


def open_fleet(factory: Callable[[], Emulator], workers: int | None = None) -> Fleet:
    """A fleet of `workers` copies (default: one for each processor this process may use).

    `factory` opens one emulator; every call gives the same game in the same emulator. Raises
    InputError for less than one worker, and what `factory` raises.
    """
    count = len(os.sched_getaffinity(0)) if workers is None else workers
    if count < 1:
        raise InputError(f"open_fleet(workers={workers}): at least 1 is needed")
    first = factory()
    if not isinstance(first, HasFleet):
        return LoopFleet(factory, count, first)
    with first:
        return first.open_fleet(count)
