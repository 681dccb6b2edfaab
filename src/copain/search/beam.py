"""Beam search: all actions from every line at once, and the best lines go on.

A generation plays each allowed action for `action_repeat` frames from each line. What dies is
cut, what comes to a place that was seen before with no better a score is cut, and of the rest the
`width` best by the objective's score go on. With `per_cell`, so many of each of the game's cells
at most, so that the beam does not fill with lines that are all alike.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from copain.emulator import Emulator
from copain.games.game import Numbers
from copain.games.objective import Objective, judged
from copain.memory import Bytes
from copain.movie import Movie
from copain.runs import Arrays, Value
from copain.search.expansion import Children, Choice, Places
from copain.search.front import dominators
from copain.search.line import Found, Outcome, Progress
from copain.search.line_search import Budget, LineSearch, Opened, run_search
from copain.search.options import WHEN_FULL, check_options, plan_of
from copain.search.seen import BYTES_A_PLACE, Hashes, Seen


@dataclass(frozen=True, slots=True)
class Beam:
    """How a beam search is made. All but the budgets decide what is found; workers never do.

    - `width`: lines that go on from each generation.
    - `action_repeat`: frames that each action is held; 1 is exact to the frame.
    - `per_cell`: lines of one cell that go on at most; 0 for any number.
    - `batch`: jobs played at once.
    - `linger`: generations played on after the first line reached the goal, in case a later one
      does better.
    - `ends`: lines to the goal that are kept, each at another place; of a `Pareto` objective the
      front of them, at most so many.
    - `generations`: the most there are.
    - `memory`: bytes that the search may take, None for any number.
    - `when_full`: what happens to what does not fit: ``"spill"`` it to the disk, into the run
      folder or else a temporary one, and find the same; or ``"forget"`` which places were seen
      longest ago, and find the same whenever `memory` is the same. Places that are held and
      lines are spilled either way.

    Budgets, None for none: `frames` emulated in all; `seconds` of the clock (a search ended by
    the clock may end elsewhere the next time).
    """

    width: int = 256
    action_repeat: int = 4
    per_cell: int = 0
    batch: int = 512
    linger: int = 0
    ends: int = 1
    generations: int = 1_000_000
    memory: int | None = None
    when_full: Literal["spill", "forget"] = "spill"
    frames: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_options(self, from_zero=("per_cell", "linger"), words={"when_full": WHEN_FULL})

    @property
    def plan(self) -> dict[str, Value]:
        """The options that decide what is found: memory does when places are forgotten."""
        plan = plan_of(self)
        if self.memory is None or self.when_full == "spill":
            plan = {name: plan[name] for name in plan if name not in ("memory", "when_full")}
        return plan


def beam(
    factory: Callable[[], Emulator],
    objective: Objective,
    config: Beam | None = None,
    *,
    mask: Bytes | None = None,
    starts: Sequence[Movie] = (),
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Search for the line to the objective's goal that has the best score, then fewest frames.

    `mask` (``uint8 (ram_size,)``) says which bits of RAM matter when places are compared. With
    `starts`, movies from power-on, the search goes on from their ends: such as the ends that a
    search of the stage before kept.
    `workers` play at the same time; what is found does not depend on how many. With `folder` the
    search writes a run folder, the best line so far in it. `on_progress` is called after every
    generation, in this thread. Ctrl-C ends the search with what it has. What is found was
    verified from power-on on a fresh emulator. Raises GameError for a game or an objective that
    cannot be searched, RunError for a folder of another run, EmulatorError when the verification
    fails.
    """
    config = config or Beam()
    return run_search(
        factory, objective, "beam", config.plan,
        lambda opened: _BeamSearch(opened, objective, config, mask),
        mask=mask, starts=starts, workers=workers, folder=folder, on_progress=on_progress,
    )  # fmt: skip


class _BeamSearch(LineSearch):
    """One search: the beam, and the places that were seen."""

    def __init__(
        self, opened: Opened, objective: Objective, config: Beam, mask: Bytes | None
    ) -> None:
        # Of one generation the beam, and twice the next one while it is made.
        super().__init__(
            opened, objective, action_repeat=config.action_repeat, steps=1,
            batch=config.batch, capacity=3 * config.width + config.batch,
            linger=config.linger, ends=config.ends, mask=mask,
            budget=Budget(config.frames, config.seconds), memory=config.memory,
        )  # fmt: skip
        self.config = config
        self.beam = self.root
        self.seen = self._new_seen()
        self.seen.improve(self.identity(self.beam, self.beam.hashes), self.beam.score)
        self.generation = 0
        self.several = self.wishes(self.beam).shape[1] > 1
        self.parents = max(1, config.batch // len(objective.game.actions))
        # What a line must be better than to go on: score and hash, once there are enough; and
        # how many may be kept twice, since they were reached better afterwards.
        self.bar: tuple[int, int] | None = None
        self.doubles = 0

    def _new_seen(self) -> Seen:
        """Empty: on disk beyond its share of memory, or with a limit in places."""
        room = self.rooms.seen
        if self.config.when_full == "forget" and room is not None:
            return Seen(room.most // BYTES_A_PLACE, logged=self.journal.writes)
        return Seen(room=room, logged=self.journal.writes)

    def known(self) -> Seen:
        """The places that were seen."""
        return self.seen

    def held(self) -> Places:
        """The beam."""
        return self.beam

    def over(self) -> Outcome | None:
        """Also when nobody lives, and after the last generation."""
        if not len(self.beam):
            return "exhausted"
        return "generations" if self.generation == self.config.generations else super().over()

    def step(self) -> None:
        """Play all allowed actions from the beam; what is best becomes the beam."""
        beam = self.beam
        self.bar, self.doubles = None, 0
        kept: list[Places] = []
        held = 0
        for children in self.expansion.explore(self._batches(beam)):
            kept.append(self._new(children))
            held += len(kept[-1])
            self._raise_bar(kept)
            if children.reached.any():
                self.take_ends(self.settle(children.places.take(children.reached)))
            if held > 2 * self.config.width:  # cut while they stream, so that memory is bounded
                kept = [self._cut(Places.join(kept))]
                held = len(kept[0])
        self.expansion.let_go(beam.slots)
        best = self._cut(Places.join(kept)) if kept else beam.take(np.zeros(0, np.int64))
        self.beam = self.settle(best)
        if len(self.beam):
            self.farthest = self.expansion.with_ram(self.beam.take(np.zeros(1, np.int64)))
        self.generation += 1

    def remember(self) -> tuple[Arrays, Arrays]:
        """The generation, and the places that were seen."""
        return {"generation": np.array(self.generation)}, self.seen.news()

    def recall(self, held: Places, arrays: Arrays) -> None:
        """The beam, the generation, and the places that were seen."""
        self.beam, self.generation = held, int(arrays["generation"])
        self.seen = self._new_seen()
        self.seen.recall(arrays)

    def _batches(self, beam: Places) -> Iterator[tuple[Places, Choice]]:
        """So many of the beam at once that their children fit into a batch."""
        for first in range(0, len(beam), self.parents):
            yield beam.take(np.arange(first, min(first + self.parents, len(beam)))), self._all

    def _all(self, ram: Bytes) -> tuple[Numbers, Numbers]:
        """Every allowed action."""
        game = self.objective.game
        what = f"{game.name}: Game.allowed"
        allowed = judged(what, game.allowed, ram, each=len(game.actions))
        parents, actions = np.nonzero(allowed)
        return parents, actions[:, None]

    def _new(self, children: Children) -> Places:
        """The children that live and are at a place that is new, or reached better: kept."""
        places, lives = children.places, children.live
        hashes, score = self.identity(places, places.hashes)[lives], places.score[lives]
        noted = self.seen.noted
        new = self.seen.improve(hashes, score)
        self.new += int(new.sum())
        self.doubles += int(new.sum()) - (self.seen.noted - noted)
        if self.bar is not None:
            least, hash_ = self.bar
            new &= (score > least) | ((score == least) & (hashes < np.uint64(hash_)))
        rows = lives[new]
        if self.config.per_cell:
            game = self.objective.game
            what = f"{game.name}: Game.cell"
            places.cell[rows] = judged(what, game.cell, places.ram[rows])
        return self.expansion.keep(children, rows)

    def _cut(self, places: Places) -> Places:
        """The best `width`, the best first; each place once. All others are let go."""
        # A total order, so that nothing depends on which thread was first.
        hashes, wishes = self.identity(places, places.hashes), self.wishes(places)
        worse = dominators(wishes) if wishes.shape[1] > 1 else np.zeros(len(places), np.int64)
        order = np.lexsort((places.actions[:, 0], places.from_lines, hashes, -places.score, worse))
        keep = order[_first_of_each(hashes[order], 1)]
        if self.config.per_cell:
            keep = keep[_first_of_each(places.cell[keep], self.config.per_cell)]
        keep = keep[: self.config.width]
        lost = np.ones(len(places), np.bool_)
        lost[keep] = False
        self.expansion.let_go(places.slots[lost])
        return places.take(keep)

    def _raise_bar(self, kept: list[Places]) -> None:
        """What is not as good as `width` others is not kept at all: it would be cut."""
        scores = np.concatenate([places.score for places in kept])
        width = self.config.width + self.doubles
        # In cells the order is another one, and with several wishes it depends on all.
        if len(scores) < width or self.config.per_cell or self.several:
            return
        last = len(scores) - width
        least = int(np.partition(scores, last)[last])
        hashes = np.concatenate([places.hashes for places in kept])[scores == least]
        last = width - int((scores > least).sum()) - 1
        self.bar = least, int(np.partition(hashes, last)[last])


def _first_of_each(keys: Numbers | Hashes, count: int) -> Numbers:
    """The rows, in order, that are among the first `count` of their key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(keys)]]))
    rank = np.arange(len(keys)) - np.repeat(starts, lengths)
    return np.sort(order[rank < count])
