"""Random search: sticky random actions from the start, again and again: what all must be better
than.

Many lines are played at once. Each plays an allowed action at random, likely the one before; a
line that is lost, or reaches the goal, begins anew. Nothing is ever gone back to.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator
from copain.games.game import Numbers
from copain.games.objective import Objective, judged
from copain.runs import Arrays, Value
from copain.search.expansion import Places
from copain.search.line import Found, Progress
from copain.search.line_search import Budget, LineSearch, Opened, run_search
from copain.search.options import check_options, plan_of


@dataclass(frozen=True, slots=True)
class RandomSearch:
    """How a random search is made. All but the budgets decide what is found; workers never do.

    - `seed`: of the random numbers.
    - `action_repeat`: frames that each action is held.
    - `sticky`: how likely each is the same as the one before.
    - `batch`: lines played at once.
    - `linger`: actions played on after the goal was first reached, in case a later line is better.

    Budgets, None for none: `frames` emulated in all; `seconds` of the clock (a search ended by
    the clock may end elsewhere the next time). Without any it goes on until the goal is reached.
    """

    seed: int = 0
    action_repeat: int = 4
    sticky: float = 0.8
    batch: int = 64
    linger: int = 0
    frames: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_options(self, from_zero=("seed", "linger"), odds=("sticky",))

    @property
    def plan(self) -> dict[str, Value]:
        """The options that decide what is found."""
        return plan_of(self)


def random_search(
    factory: Callable[[], Emulator],
    objective: Objective,
    config: RandomSearch | None = None,
    *,
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Play at random; the best line to the objective's goal, or the best of all, is found.

    The parameters and errors are those of `copain.search.beam`.
    """
    config = config or RandomSearch()
    return run_search(
        factory, objective, "random", config.plan,
        lambda opened: _RandomLines(opened, objective, config),
        workers=workers, folder=folder, on_progress=on_progress,
    )  # fmt: skip


class _RandomLines(LineSearch):
    """One search: `batch` lines, and the start, which is the last row of what is held."""

    def __init__(self, opened: Opened, objective: Objective, config: RandomSearch) -> None:
        super().__init__(
            opened, objective, action_repeat=config.action_repeat, steps=1,
            batch=config.batch, capacity=config.batch + 1,
            linger=config.linger, budget=Budget(config.frames, config.seconds),
        )  # fmt: skip
        self.config = config
        self.batches = 0
        self._stand(self.root)

    def held(self) -> Places:
        """The lines that go on, and the start."""
        return self.places

    def step(self) -> None:
        """One action for each line."""
        chance = np.random.default_rng([self.config.seed, self.batches])
        self.batches += 1
        going: list[Places] = []
        known = [self.farthest]
        for children in self.expansion.play(self.places, self.rows, self._actions(chance)[:, None]):
            if children.reached.any():
                self.take_ends(self.settle(children.places.take(children.reached)))
            lives = self.settle(self.expansion.keep(children, children.live))
            best = np.lexsort((lives.lines, lives.frame, -lives.score))[:1]
            known.append(self.expansion.with_ram(lives.take(best)))
            going.append(lives)
            self.new += len(lives)
        start = self.places.take(np.array([len(self.places) - 1]))
        self.expansion.let_go(self.places.slots[:-1])
        self._stand(Places.join([*going, start]))
        best = Places.join(known)
        self.farthest = best.take(np.lexsort((best.lines, best.frame, -best.score))[:1])

    def remember(self) -> tuple[Arrays, Arrays]:
        """The number of batches."""
        return {"batches": np.array(self.batches)}, {}

    def recall(self, held: Places, arrays: Arrays) -> None:
        """The places, and the number of batches."""
        self.batches = int(arrays["batches"])
        self._stand(held)

    def _stand(self, places: Places) -> None:
        """The lines stand there; those of which there is no place stand at the start."""
        self.places = places
        self.rows = np.minimum(np.arange(self.config.batch), len(places) - 1)

    def _actions(self, chance: np.random.Generator) -> Numbers:
        """An allowed action for each line: the one before, or any."""
        game = self.objective.game
        places = self.places.take(self.rows)
        what = f"{game.name}: Game.allowed"
        ram = self.expansion.with_ram(places).ram
        allowed = judged(what, game.allowed, ram, each=len(game.actions))
        lottery = np.where(allowed, chance.random(allowed.shape), -1.0)
        before = places.actions[:, 0]
        sticks = chance.random(len(before)) < self.config.sticky
        sticks &= (places.counted > 0) & allowed[np.arange(len(before)), before]
        return np.where(sticks, before, lottery.argmax(axis=1))
