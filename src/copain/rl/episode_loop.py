"""EpisodeLoop: the loop of a `CopainRun` whose runners play episodes for an agent to learn from."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator
from copain.errors import InputError
from copain.fleet import Run
from copain.games import Game, Start
from copain.games.objective import Goal, won
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.rl.practice import Practice
from copain.rollout import rollout
from copain.savestate import Savestate

Reward = Callable[[Bytes, Bytes], np.typing.NDArray[np.float64]]
"""``reward(prev, ram)`` of frames one apart: ``uint8 (frames, ram_size)`` to ``(frames,)``."""


@dataclass(frozen=True, slots=True)
class Episode:
    """An episode that was played: where it began, its return, steps, and how it ended."""

    start: str
    reward: float
    steps: int
    score: int
    progress: int
    won: bool
    dead: bool
    practised: bool = False


class EpisodeLoop:
    """Plays episodes: asks the agent for each action, holds it for some frames, tells what came.

    An observation is the RAM after each of the last `frames` steps, ``uint8 (frames, ram_size)``,
    the newest last; see `RamView.encode`.
    """

    def __init__(
        self,
        game: Game,
        starts: Sequence[Start],
        reward: Reward,
        *,
        frames: int = 2,
        action_repeat: int = 4,
        sticky: float = 0.25,
        most_steps: int = 2000,
        goal: Goal | None = None,
        practice: float = 0.0,
        places: Sequence[Savestate] = (),
        seed: int = 0,
        finished: threading.Event | None = None,
        on_episode: Callable[[Episode], None] | None = None,
    ) -> None:
        """Of `game`, from one of `starts` each time.

        - `sticky`: how likely each frame holds what the one before held, in place of a new action.
        - `most_steps`: after which an episode is truncated.
        - `goal`: where an episode is won; where the game is, by default.
        - `practice`: how likely an episode begins where an earlier one of the same runner came to,
          or at one of `places`; see `Practice`.
        - `finished`: the loops return when it is set; see `DqnAgent.finished`.
        - `on_episode`: called at the end of each, by the runner's thread.
        """
        if not starts or frames < 1 or action_repeat < 1 or most_steps < 1:
            raise InputError(
                f"EpisodeLoop: {len(starts)} starts, frames={frames}, action_repeat="
                f"{action_repeat}, most_steps={most_steps}; at least 1 of each is needed"
            )
        if not 0 <= sticky < 1:
            raise InputError(f"EpisodeLoop(sticky={sticky}): 0 to less than 1 is allowed")
        self.game, self.starts, self.reward = game, starts, reward
        self.frames, self.action_repeat, self.sticky = frames, action_repeat, sticky
        self.most_steps, self.seed = most_steps, seed
        self.goal, self.practice, self.places = goal or won(game), practice, places
        self.finished, self.on_episode = finished, on_episode
        ports = game.ram_map.system.ports
        self._bits = np.array([action.held.bits(ports) for action in game.actions], np.uint16)

    def __call__(self, nes: Emulator, run: Run) -> int:
        """Play until the run stops, or all is learned; how many episodes were ended."""
        luck = np.random.default_rng((self.seed, run.runner, run.attempt))
        places: dict[int, Savestate] = {}
        practice = Practice(1, self.practice, int(luck.integers(1 << 31)))
        for place in self.places:
            practice.add(place, keep=True)
        ended = 0
        while not self._over(run):
            place = practice.draw(1)[0]
            name = "practice"
            if place is None:
                number = int(luck.integers(len(self.starts)))
                name = self.starts[number].name
                if number not in places:
                    places[number] = self.starts[number].reach(nes)
                episode = self._play(nes, run, luck, name, places[number], practice)
            else:
                episode = self._play(nes, run, luck, name, place, practice, practised=True)
            if episode is not None:
                ended += 1
                run.progress(
                    episodes=ended, score=episode.score, won="yes" if episode.won else "no"
                )
                if self.on_episode is not None:
                    self.on_episode(episode)
        return ended

    def _over(self, run: Run) -> bool:
        return run.stop.is_set() or (self.finished is not None and self.finished.is_set())

    def _play(
        self,
        nes: Emulator,
        run: Run,
        luck: np.random.Generator,
        start: str,
        place: Savestate,
        practice: Practice,
        *,
        practised: bool = False,
    ) -> Episode | None:
        """One episode from `place`; None if the run stopped in it."""
        game, agent = self.game, run.agent
        every_byte = range(len(nes.ram))
        nes.load_state(place)
        ram = nes.ram.read_all()
        seen = np.repeat(ram[None], self.frames, axis=0)
        held = 0  # the action whose input was held last
        total = 0.0
        for step in range(1, self.most_steps + 1):
            if self._over(run):
                return None
            if len(practice.due(np.array([step - 1]))):
                practice.note(0, step - 1, place)
            action = int(agent.ask(seen))
            inputs, held = self._inputs(action, held, luck)
            played = rollout(nes, place, inputs, every_byte)
            place, every_frame = played.savestate, np.concatenate([ram[None], played.watched])
            dead = game.dead(every_frame[:-1], every_frame[1:])
            there = self.goal.reached(every_frame[:-1], every_frame[1:])
            ends = np.flatnonzero(dead | there)
            counted = int(ends[0]) + 1 if len(ends) else self.action_repeat
            reward = float(self.reward(every_frame[:counted], every_frame[1 : counted + 1]).sum())
            total += reward
            ram = every_frame[counted]
            after = np.concatenate([seen[1:], ram[None]])
            truncated = step == self.most_steps
            agent.tell(seen, action, reward, after, bool(len(ends)), truncated)
            if len(ends) or truncated:
                practice.end(0, step, lost=bool(dead[counted - 1]))
                return Episode(
                    start, total, step, int(game.score(ram)), int(game.progress(ram)),
                    bool(there[counted - 1] and not dead[counted - 1]), bool(dead[counted - 1]),
                    practised,
                )  # fmt: skip
            seen = after
        return None

    def _inputs(self, action: int, held: int, luck: np.random.Generator) -> tuple[InputLog, int]:
        """What is held in each frame of a step, and the action whose input is held last."""
        first = 0
        while first < self.action_repeat and luck.random() < self.sticky:
            first += 1
        inputs = np.repeat(self._bits[action][None], self.action_repeat, axis=0)
        inputs[:first] = self._bits[held]
        return inputs, held if first == self.action_repeat else action
