"""Go-Explore: keep a place of every kind, come back to one by savestate, explore from there.

The archive has one place for each of the game's cells, the best that was found: the higher
score, of equal ones the fewer frames. A batch chooses places of the archive, rather those that
were chosen seldom and score high, and plays random actions from each, each one likely to go on
with the action before. The idea: Ecoffet et al., "First return, then explore", Nature 590 (2021).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator
from copain.games.game import Numbers
from copain.games.objective import Objective, judged
from copain.memory import Bytes
from copain.movie import Movie
from copain.runs import Arrays, Value
from copain.search.expansion import Children, Places
from copain.search.line import Found, Outcome, Progress
from copain.search.line_search import Budget, LineSearch, Opened, run_search
from copain.search.options import check_options, plan_of


@dataclass(frozen=True, slots=True)
class GoExplore:
    """How Go-Explore searches. All but the budgets decide what is found; workers never do.

    - `seed`: of the random numbers.
    - `action_repeat`: frames that each action is held.
    - `explore`: the most actions played from a place that is returned to.
    - `sticky`: how likely each is the same as the one before.
    - `promise`: how much places of a high score are preferred: a place of the highest is so many
      times as likely chosen as one of the lowest, at equal novelty.
    - `cells`: the most places kept; above that those of the lowest score are forgotten.
    - `batch`: jobs played at once.
    - `linger`: batches played on after the goal was first reached, in case a later one is better.
    - `ends`: lines to the goal that are kept, each at another place.
    - `memory`: bytes that the search may take, None for any number; what does not fit is spilled
      to the disk, into the run folder or else a temporary one. The same is found.

    Budgets, None for none: `frames` emulated in all; `seconds` of the clock (a search ended by
    the clock may end elsewhere the next time).
    """

    seed: int = 0
    action_repeat: int = 4
    explore: int = 12
    sticky: float = 0.8
    promise: float = 8.0
    cells: int = 20_000
    batch: int = 256
    linger: int = 0
    ends: int = 1
    memory: int | None = None
    frames: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_options(self, from_zero=("seed", "linger", "promise"), odds=("sticky",))

    @property
    def plan(self) -> dict[str, Value]:
        """The options that decide what is found; memory does not."""
        return {name: value for name, value in plan_of(self).items() if name != "memory"}


def go_explore(
    factory: Callable[[], Emulator],
    objective: Objective,
    config: GoExplore | None = None,
    *,
    starts: Sequence[Movie] = (),
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Search for the line to the objective's goal that has the best score, then fewest frames.

    The parameters and errors are those of `copain.search.beam`.
    """
    config = config or GoExplore()
    return run_search(
        factory, objective, "go-explore", config.plan,
        lambda opened: _Exploration(opened, objective, config),
        starts=starts, workers=workers, folder=folder, on_progress=on_progress,
    )  # fmt: skip


class _Exploration(LineSearch):
    """One search: the archive, by cell, and how often each of its places was chosen."""

    def __init__(self, opened: Opened, objective: Objective, config: GoExplore) -> None:
        super().__init__(
            opened, objective, action_repeat=config.action_repeat, steps=config.explore,
            batch=config.batch, capacity=config.cells + 2 * config.batch,
            linger=config.linger, ends=config.ends, budget=Budget(config.frames, config.seconds),
            memory=config.memory,
        )  # fmt: skip
        self.config = config
        self.places = self.root
        self.places.cell = self._cells(self.expansion.with_ram(self.root).ram)
        self.chosen = np.zeros(len(self.root), np.int64)
        self.batches = 0

    def held(self) -> Places:
        """The archive."""
        return self.places

    def over(self) -> Outcome | None:
        """Also when no place is left."""
        return super().over() if len(self.places) else "exhausted"

    def step(self) -> None:
        """One batch: choose, explore, keep what is new or better."""
        chance = np.random.default_rng([self.config.seed, self.batches])
        self.batches += 1
        chosen = self._choose(chance)
        np.add.at(self.chosen, chosen, 1)
        rows, parents = np.unique(chosen, return_inverse=True)

        def choose(ram: Bytes) -> tuple[Numbers, Numbers]:
            return parents.reshape(-1), self._actions(chance, ram[parents.reshape(-1)])

        for children in self.expansion.explore([(self.places.take(rows), choose)]):
            if children.reached.any():
                self.take_ends(self.settle(children.places.take(children.reached)))
            self._archive(children)

    def remember(self) -> tuple[Arrays, Arrays]:
        """How often each place was chosen, and the number of batches."""
        return {"chosen": self.chosen.copy(), "batches": np.array(self.batches)}, {}

    def recall(self, held: Places, arrays: Arrays) -> None:
        """The archive, how often each place was chosen, and the number of batches."""
        self.places = held
        self.chosen, self.batches = np.array(arrays["chosen"]), int(arrays["batches"])

    def _choose(self, chance: np.random.Generator) -> Numbers:
        """Rows of the archive to return to, by novelty and promise."""
        score = self.places.score.astype(np.float64)
        spread = float(np.ptp(score))
        promise = self.config.promise ** ((score - score.min()) / spread if spread else score * 0)
        odds = promise / np.sqrt(1.0 + self.chosen)
        return chance.choice(len(self.places), self.config.batch, p=odds / odds.sum())

    def _actions(self, chance: np.random.Generator, ram: Bytes) -> Numbers:
        """Random sticky actions, the first one allowed in that RAM: ``int64 (jobs, steps)``."""
        # Explorations of all lengths: a place that is best when just reached is met just then.
        length = int(chance.integers(1, self.config.explore + 1))
        game, shape = self.objective.game, (len(ram), length)
        what = f"{game.name}: Game.allowed"
        allowed = judged(what, game.allowed, ram, each=len(game.actions))
        actions = chance.integers(len(game.actions), size=shape)
        lottery = np.where(allowed, chance.random(allowed.shape), -1.0)
        actions[:, 0] = lottery.argmax(axis=1)
        sticks = chance.random(shape) < self.config.sticky
        for step in range(1, shape[1]):
            actions[:, step] = np.where(sticks[:, step], actions[:, step - 1], actions[:, step])
        return actions

    def _archive(self, children: Children) -> None:
        """Keep the children whose cell is new, or that are better than its place."""
        known, live = len(self.places), children.live
        new = children.places.take(live)
        new.cell = self._cells(new.ram)
        places = Places.join([self.places, new.without_ram()])
        age = np.arange(len(places))  # of equals the older one stays
        order = np.lexsort((age, places.frame, -places.score, places.cell))
        cells = places.cell[order]
        keep = order[np.concatenate([[True], cells[1:] != cells[:-1]])]
        if len(keep) > self.config.cells:
            best = np.lexsort((keep, places.frame[keep], -places.score[keep]))
            keep = keep[best[: self.config.cells]]
        keep = np.sort(keep)
        fresh = keep >= known
        kept = self.settle(self.expansion.keep(children, live[keep[fresh] - known]))
        places.slots[keep[fresh]], places.lines[keep[fresh]] = kept.slots, kept.lines
        self.new += len(kept)
        lost = np.ones(known, np.bool_)
        lost[keep[~fresh]] = False
        self.expansion.let_go(self.places.slots[lost])
        chosen = np.concatenate([self.chosen, np.zeros(len(new), np.int64)])
        self.places, self.chosen = places.take(keep), chosen[keep]
        if len(keep):
            best = np.lexsort((keep, self.places.frame, -self.places.score))[:1]
            self.farthest = self.expansion.with_ram(self.places.take(best))

    def _cells(self, ram: Bytes) -> Numbers:
        game = self.objective.game
        return judged(f"{game.name}: Game.cell", game.cell, ram)
