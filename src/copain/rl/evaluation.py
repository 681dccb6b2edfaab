"""Evaluation: how well a policy plays from given starts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

import copain
from copain.emulator import Emulator
from copain.games import Start, rom_path
from copain.games.game import Flags
from copain.joypad import InputLog
from copain.movie import Movie
from copain.movie.render import render
from copain.rl.learning_envs import LearningEnvs, Lesson, Seen
from copain.rl.statistics import interquartile_mean
from copain.rollout import ram_hash
from copain.runs import RunFolder
from copain.search.line import Line
from copain.search.proof import prove

Policy: TypeAlias = Callable[[Seen, Flags], npt.NDArray[np.int64]]
"""``policy(seen, allowed)``: an action for each copy, ``int64 (count,)``."""

EVALUATION_STICKY = 0.25
"""How sticky actions are in evaluation (https://arxiv.org/abs/1709.06009)."""


@dataclass(frozen=True, slots=True)
class Played:
    """An episode that was evaluated. `inputs` are those from its start, ``(frames, ports)``."""

    start: Start
    reward: float
    steps: int
    score: int
    progress: int
    won: bool
    inputs: InputLog = field(repr=False)
    ram_hash: int = 0

    @property
    def rank(self) -> tuple[int, float, int]:
        """How good it is, the larger the better."""
        return int(self.won), self.reward, -self.steps


def evaluate(
    policy: Policy,
    lesson: Lesson,
    starts: Sequence[Start],
    episodes: int,
    *,
    seed: int = 0,
    at_once: int = 32,
    workers: int | None = None,
) -> list[Played]:
    """Play so many episodes, the starts in turn, with sticky actions; what each came to, in order.

    Episode i is the same with the same policy and seed, whatever `at_once` is, if the policy acts
    row by row.
    """
    lesson = replace(lesson, sticky=EVALUATION_STICKY)
    count = min(at_once, episodes)
    envs = LearningEnvs(lesson, count, list(starts), workers)
    try:
        return _play(policy, envs, list(starts), episodes, seed)
    finally:
        envs.close()


def _play(
    policy: Policy, envs: LearningEnvs, starts: list[Start], episodes: int, seed: int
) -> list[Played]:
    game, count = envs.lesson.game, envs.count
    luck = np.random.default_rng((seed, 4))
    seeds: list[int] = luck.integers(1 << 31, size=episodes).tolist()
    number = list(range(count))  # the episode that each copy plays
    following = count
    seen = envs.begin(starts=[starts[n % len(starts)] for n in number], seeds=seeds[:count])
    total, steps = np.zeros(count), np.zeros(count, np.int64)
    inputs: list[list[InputLog]] = [[] for _ in range(count)]
    played: dict[int, Played] = {}
    resting = np.zeros(count, np.bool_)  # copies for which no episode is left play on, unseen
    while len(played) < episodes:
        stepped = envs.step(policy(seen, envs.allowed()))
        seen, ram = stepped.seen, envs.ram
        total += stepped.reward
        steps += 1
        for row in range(count):
            if not resting[row]:
                inputs[row].append(stepped.inputs[row])
        over = np.flatnonzero(stepped.terminated | stepped.truncated)
        if not len(over):
            continue
        for row in over.tolist():
            if not resting[row]:
                n = number[row]
                played[n] = Played(
                    starts[n % len(starts)], float(total[row]), int(steps[row]),
                    int(game.score(ram[row])), int(game.progress(ram[row])),
                    bool(stepped.won[row]), np.concatenate(inputs[row]), int(ram_hash(ram[row])),
                )  # fmt: skip
            resting[row] = following >= episodes
            number[row] = min(following, episodes - 1)
            following += 1
        total[over], steps[over] = 0, 0
        for row in over.tolist():
            inputs[row] = []
        begun = [number[row] for row in over.tolist()]
        seen = envs.begin(over, [starts[n % len(starts)] for n in begun], [seeds[n] for n in begun])
    return [played[n] for n in range(episodes)]


def movie_of(played: Played, lesson: Lesson, emulator: Emulator) -> Movie:
    """The movie of an episode, proven from power-on on a fresh emulator.

    Raises EmulatorError where the emulator does not come to the same RAM.
    """
    start = played.start.log(emulator.system.ports)
    line = Line(
        np.concatenate([start, played.inputs]), played.won, played.progress, played.score,
        {len(start) + len(played.inputs): played.ram_hash},
    )  # fmt: skip
    return prove(line, emulator)


def report(
    policy: Policy, lesson: Lesson, folder: RunFolder, episodes: int, *, video: bool = True
) -> dict[str, Any]:
    """Evaluate from the test starts and write what came of it into the run folder:
    ``test.json``, and the best episode as ``best.fm2`` and, with `video`, as ``best.mp4``.

    Raises EmulatorError when that episode cannot be proven from power-on.
    """
    starts = lesson.game.starts("test")
    played = evaluate(policy, lesson, starts, episodes, seed=2)
    told: dict[str, Any] = {
        "episodes": len(played),
        "won": sum(each.won for each in played),
        "reward_iqm": interquartile_mean([each.reward for each in played]),
        "reward": [round(each.reward, 4) for each in played],
        "score": [each.score for each in played],
        "steps": [each.steps for each in played],
        "start": [each.start.name for each in played],
    }
    (folder.path / "test.json").write_text(json.dumps(told), encoding="utf-8")
    best = max(played, key=lambda each: each.rank)
    with copain.open(lesson.rom or rom_path(lesson.game.name), lesson.emulator) as nes:
        movie = movie_of(best, lesson, nes)
        folder.keep_best(
            movie, (int(best.won), round(1000 * best.reward), -best.steps), verified=True
        )
        if video:
            render(movie, nes, folder.path / "best.mp4")
    folder.event("test", won=told["won"], episodes=len(played), reward=told["reward_iqm"])
    return told
