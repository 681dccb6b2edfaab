"""Episodes: N of them side by side, each on a copy of the game. What all environments stand on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium.utils import seeding

from copain.copies import Rows, Seen
from copain.games import Start
from copain.games.objective import judged, won
from copain.rl.actions import Actions
from copain.rl.observations import Observations
from copain.rl.ram_features import need_features, sight_of
from copain.rl.rewards import Rewarding, reward_of
from copain.rl.starts import StartingPlaces
from copain.rl.task import Task
from copain.savestate import Savestate

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step of B episodes came to: ``float64 (B,)`` and ``bool (B,)``.

    `reward` is that of the frames up to the one in which the episode ended. `terminated` is
    `dead` or `won`; the time limit alone makes `truncated`.
    """

    reward: npt.NDArray[np.float64]
    dead: Flags
    won: Flags
    truncated: Flags

    @property
    def terminated(self) -> Flags:
        """Whether the game ended it."""
        return self.dead | self.won


class Episodes:
    """N episodes of a task. Each is drawn from a generator of its own, and so is the same
    whatever the others do, and however many they are.
    """

    def __init__(
        self, task: Task, count: int, *, workers: int | None = None, renders: bool = False
    ) -> None:
        """`renders`: the last frame of each step is kept as a picture, too."""
        self.task, self.count = task, count
        self.game = task.game
        self._rewarding = Rewarding(task.reward or reward_of(task.game), count)
        objective = self._rewarding.objective
        self._goal = task.goal or (won(task.game) if objective is None else objective.goal)
        self._sight = sight_of(task.game)
        if "ram" in task.kinds:
            need_features(task.game, self._sight)
        self._emulator = task.open_emulator()
        try:
            self.actions = Actions(task.actions, task.game, self._emulator.system)
            self._starts = StartingPlaces(task.starts, task.game, self._emulator)
            self.copies = task.open_copies(self._emulator, count, workers)
        except BaseException:
            self._emulator.close()
            raise
        size = None
        if renders or {"screen", "screen84"} & set(task.kinds):
            try:
                size = self.copies.picture_size(self._starts.savestate(0))
            except BaseException:
                self.close()
                raise
        self._ram = np.zeros((task.action_repeat + 1, count, self.copies.ram_size), np.uint8)
        self.observations = Observations(task, self._sight.size, self.ram, size, renders=renders)
        self.numbers = np.zeros((count, self._sight.kept), np.int64)
        self.names = [variable.name for variable in self._sight.variables[: self._sight.kept]]
        self._held = np.zeros((count, self._emulator.system.ports), np.uint16)
        self.inputs = np.repeat(self._held[:, None], task.action_repeat, axis=1)
        """What was held in each frame of the last step: ``uint16 (N, action_repeat, ports)``."""
        self.frame = np.zeros(count, np.int64)
        self.steps = np.zeros(count, np.int64)
        self.running = np.zeros(count, np.bool_)
        self._key = np.zeros(count, np.uint64)
        self.generators: list[np.random.Generator | None] = [None] * count
        self.all_rows = np.arange(count, dtype=np.int32)
        self.steps_a_second = float(self._emulator.frame_rate) / task.action_repeat

    @property
    def ram(self) -> npt.NDArray[np.uint8]:
        """The RAM of each copy now: a view, ``uint8 (N, ram_size)``."""
        return self._ram[-1]

    @property
    def start_names(self) -> Sequence[str]:
        """The names of the places where episodes begin."""
        return self._starts.names

    # Beginning

    def places(self, starts: Sequence[Start | Savestate] | None) -> list[Savestate] | None:
        """The savestates of starts; None for None. Raises InputError for what is none."""
        if starts is None:
            return None
        return [self._starts.reach(start) for start in starts]

    def begin(self, rows: Rows, places: Sequence[Savestate] | None = None) -> None:
        """Begin new episodes on these copies, at the places given, or drawn ones.

        What is observed of them is written where the last observation was.
        """
        noops = np.zeros(len(rows), np.int64)
        drawn: list[Savestate] = []
        for job, row in enumerate(rows.tolist()):
            generator = self._generator(row)
            # Always the same draws, so that other options leave the rest of them as it is.
            place = int(generator.integers(len(self._starts)))
            noops[job] = generator.integers(self.task.noops + 1)
            self._key[row] = generator.integers(1 << 63)
            if places is None:
                drawn.append(self._starts.savestate(place))
        if places is not None:
            drawn, noops[:] = list(places), 0
        self.copies.load(rows, drawn)
        self.frame[rows] = [savestate.frame for savestate in drawn]
        self._wait(rows, noops, drawn)
        self._look(rows, np.zeros((len(rows), 0, self._held.shape[1]), np.uint16), fresh=True)
        self._held[rows] = 0
        self.steps[rows] = 0
        self.running[rows] = True
        self._rewarding.begin(rows, self.ram[rows], self.frame[rows])

    def seed(self, row: int, seed: int | None) -> None:
        """Give a copy a new generator, if it has none or `seed` is given."""
        if seed is not None or self.generators[row] is None:
            self.generators[row], _ = seeding.np_random(seed)

    def _generator(self, row: int) -> np.random.Generator:
        self.seed(row, None)
        generator = self.generators[row]
        assert generator is not None
        return generator

    def _wait(self, rows: Rows, noops: Numbers, places: Sequence[Savestate]) -> None:
        """Play the frames of waiting; none for who would not survive them."""
        for frames in np.unique(noops[noops > 0]).tolist():
            jobs = np.flatnonzero(noops == frames)
            waiting = rows[jobs]
            ram = np.empty((frames + 1, self.count, self._ram.shape[2]), np.uint8)
            idle = np.zeros((len(jobs), frames, self._held.shape[1]), np.uint16)
            self.copies.play(waiting, idle, Seen(ram))
            dead, there = self._ends(ram[:, waiting])
            lost = (dead | there).any(axis=0)
            self.frame[waiting[~lost]] += frames
            if lost.any():
                self.copies.load(waiting[lost], [places[int(job)] for job in jobs[lost]])

    # Playing

    def step(self, rows: Rows, actions: npt.ArrayLike) -> Outcome:
        """Play a step of the episodes on these copies, all at once.

        Raises InputError for actions outside of the space.
        """
        chosen = self.actions.held(actions, len(rows))
        inputs = self._inputs(rows, chosen)
        before = self.frame.copy()
        self._look(rows, inputs, fresh=False)
        # All copies are judged, also those that were not played: it is quicker than to pick some.
        dead, there = self._ends(self._ram)
        reward = self._rewarding.of(self._ram, self._of_all(rows, inputs), before)
        ended = dead | there
        ended_before = np.zeros_like(ended)
        np.logical_or.accumulate(ended[:-1], axis=0, out=ended_before[1:])
        first = ended & ~ended_before
        lost: Flags = np.logical_or.reduce(first & dead, axis=0)[rows]
        reached: Flags = np.logical_or.reduce(first & there, axis=0)[rows]
        self.inputs[rows] = inputs
        self._held[rows] = inputs[:, -1]
        self.frame[rows] += inputs.shape[1]
        self.steps[rows] += 1
        limit = self.task.max_episode_steps
        over = np.zeros(len(rows), np.bool_) if limit is None else self.steps[rows] >= limit
        outcome = Outcome(
            np.where(ended_before, 0.0, reward).sum(axis=0)[rows],
            lost,
            reached & ~lost,
            over,
        )
        self.running[rows] = ~(outcome.terminated | over)
        return outcome

    def _inputs(self, rows: Rows, chosen: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        """What is held in each frame: from some frame on what was chosen, until then as before."""
        frames = self.task.action_repeat
        inputs = np.repeat(chosen[:, None], frames, axis=1)
        if self.task.sticky > 0:
            frame = self.steps[rows].astype(np.uint64)[:, None] * np.uint64(frames)
            odds = _uniform(self._key[rows][:, None], frame + np.arange(frames, dtype=np.uint64))
            kept = np.logical_and.accumulate(odds < self.task.sticky, axis=1)
            inputs = np.where(kept[..., None], self._held[rows][:, None], inputs)
        return np.ascontiguousarray(inputs, np.uint16)

    def _of_all(self, rows: Rows, inputs: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        """The inputs of all copies, of which some were not played."""
        if len(rows) == self.count:
            return inputs
        every = np.zeros((self.count, *inputs.shape[1:]), np.uint16)
        every[rows] = inputs
        return every

    def _ends(self, ram: npt.NDArray[np.uint8]) -> tuple[Flags, Flags]:
        """In which frames (T, B) the player was lost, and where the goal was reached."""
        prev, now = ram[:-1], ram[1:]
        dead = judged(f"{self.game.name}: Game.dead", self.game.dead, prev, now)
        return dead, judged(f"{self.game.name}: Goal.reached", self._goal.reached, prev, now)

    def _look(self, rows: Rows, inputs: npt.NDArray[np.uint16], *, fresh: bool) -> None:
        """Play frames, and take in what is seen."""
        observed = self.observations
        self.copies.play(
            rows,
            inputs,
            Seen(
                self._ram if inputs.shape[1] else self._ram[-1:],
                self._sight,
                self.numbers,
                observed.stack("ram"),
                observed.stack("screen84"),
                observed.screen,
                fresh,
            ),
        )
        observed.seen(rows)

    # Looking

    def allowed(self) -> Flags:
        """Which actions of the table are possible now, of each copy: ``bool (N, actions)``."""
        name = f"{self.game.name}: Game.allowed"
        return judged(name, self.game.allowed, self.ram, each=len(self.game.actions))

    def savestates(self, rows: Rows) -> list[Savestate]:
        """The savestates of these copies."""
        return self.copies.save(rows)

    def close(self) -> None:
        """Close all emulators. May be called again."""
        copies: Any = getattr(self, "copies", None)
        if copies is not None:
            copies.close()
        self._emulator.close()


def _uniform(key: npt.NDArray[np.uint64], frame: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1) that look random, one for each key and frame.

    The finaliser of SplitMix64 (https://prng.di.unimi.it/splitmix64.c), its upper 53 bits.
    """
    with np.errstate(over="ignore"):
        z = key + (frame + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) * 2.0**-53
