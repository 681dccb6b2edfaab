"""Beam search: all actions from every line at once, and the best lines go on.

A generation plays each allowed action for `action_repeat` frames from each line. What dies is
cut, what comes to a place that was seen before with no better a score is cut, and of the rest the
`width` best by the objective's score go on. With `per_cell`, so many of each of the game's cells
at most, so that the beam does not fill with lines that are all alike.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from types import TracebackType
from typing import Self

import numpy as np

from copain.emulator import Emulator
from copain.errors import InputError
from copain.fleet import open_fleet
from copain.games.game import Numbers
from copain.memory import Bytes
from copain.movie import Movie
from copain.rollout import Fleet, ram_hash
from copain.runs import Plan, RunFolder
from copain.search.expansion import Children, Expansion, Places
from copain.search.journal import Journal
from copain.search.line import Found, Line, Outcome, Progress
from copain.search.lines import Lines
from copain.search.objective import Objective, judged
from copain.search.proof import prove
from copain.search.seen import Hashes, Seen

_BUDGETS = ("frames", "seconds")


@dataclass(frozen=True, slots=True)
class Beam:
    """How a beam search is made. All but the budgets decide what is found; workers never do.

    - `width`: lines that go on from each generation.
    - `action_repeat`: frames that each action is held; 1 is exact to the frame.
    - `per_cell`: lines of one cell that go on at most; 0 for any number.
    - `batch`: jobs played at once.
    - `linger`: generations played on after the first line reached the goal, in case a later one
      does better.
    - `generations`: the most there are.

    Budgets, None for none: `frames` emulated in all; `seconds` of the clock (a search ended by
    the clock may end elsewhere the next time).
    """

    width: int = 256
    action_repeat: int = 4
    per_cell: int = 0
    batch: int = 512
    linger: int = 0
    generations: int = 1_000_000
    frames: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if value is None and option.name in _BUDGETS:
                continue
            least = 0 if option.name in ("per_cell", "linger", *_BUDGETS) else 1
            whole = option.name != "seconds"
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise InputError(
                    f"Beam({option.name}={value!r}): {'an integer' if whole else 'a number'} is "
                    "needed"
                )
            if not value >= least:
                raise InputError(f"Beam({option.name}={value!r}): at least {least} is needed")

    @property
    def plan(self) -> dict[str, int]:
        """The options that decide what is found."""
        return {name: value for name, value in asdict(self).items() if name not in _BUDGETS}


def beam(
    factory: Callable[[], Emulator],
    objective: Objective,
    config: Beam | None = None,
    *,
    mask: Bytes | None = None,
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Search for the line to the objective's goal that has the best score, then fewest frames.

    `mask` (``uint8 (ram_size,)``) says which bits of RAM matter when places are compared.
    `workers` play at the same time; what is found does not depend on how many. With `folder` the
    search writes a run folder, the best line so far in it. `on_progress` is called after every
    generation, in this thread. Ctrl-C ends the search with what it has. What is found was
    verified from power-on on a fresh emulator. Raises GameError for a game or an objective that
    cannot be searched, RunError for a folder of another run, EmulatorError when the verification
    fails.
    """
    config = config or Beam()
    with ExitStack() as opened:
        fleet = opened.enter_context(open_fleet(factory, workers))
        fresh = opened.enter_context(factory())
        run = None
        if folder is not None:
            facts = {**config.plan, "objective": objective.name, "goal": objective.goal.name}
            if mask is not None:
                facts["mask"] = f"{int(ram_hash(mask)):016x}"
            plan = Plan.of(objective.game.name, fleet, "beam", facts)
            run = opened.enter_context(RunFolder(folder, plan))
        journal = Journal(run, fresh)
        search = opened.enter_context(_Search(fleet, objective, config, mask, journal))
        return search.run(fresh, on_progress)


class _Search:
    """One search: the beam, all lines, the best end."""

    def __init__(
        self,
        fleet: Fleet,
        objective: Objective,
        config: Beam,
        mask: Bytes | None,
        journal: Journal,
    ) -> None:
        self.objective, self.config, self.journal = objective, config, journal
        game, ports = objective.game, fleet.system.ports
        self.began = time.monotonic()
        actions = np.array([action.held.bits(ports) for action in game.actions], np.uint16)
        # Of one generation the beam, and twice the next one while it is made.
        self.expansion = Expansion(
            fleet, objective, actions, action_repeat=config.action_repeat, batch=config.batch,
            capacity=3 * config.width + config.batch, mask=mask,
        )  # fmt: skip
        prologue = game.start_log(ports)
        self.lines = Lines(prologue, actions)
        self.beam = self.expansion.root(prologue)
        self.seen = Seen()
        self.seen.improve(self.beam.hashes, self.beam.score)
        self.farthest = self.beam  # the best of the last beam that was not empty
        self.ends: Places | None = None
        self.generation = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.expansion.close()

    def run(self, fresh: Emulator, on_progress: Callable[[Progress], None] | None) -> Found:
        """Search to the end, verify what was found."""
        self.journal.event("begin", frames=self.expansion.frames)
        try:
            outcome = self._until_the_end(on_progress)
        except BaseException:
            self._keep(self._best_line())
            raise
        line = self._best_line()
        self._keep(line)
        movie = prove(line, fresh, self.expansion.rerecords)
        self._keep(line, movie)
        progress = self._progress()
        self.journal.event(
            "end", outcome=outcome, won=line.won, score=line.score, progress=line.progress,
            length=line.frames, frames=progress.frames, rerecords=progress.rerecords,
            deaths=progress.deaths, seconds=round(progress.seconds, 3),
        )  # fmt: skip
        return Found(outcome, line, movie, progress)

    def _until_the_end(self, on_progress: Callable[[Progress], None] | None) -> Outcome:
        linger = self.config.linger
        try:
            while (over := self._over()) is None:
                self._next_generation()
                if on_progress is not None:
                    on_progress(self._progress())
                if self.journal.due:
                    self._keep(self._best_line())
                if self.ends is not None:
                    if linger == 0:
                        break
                    linger -= 1
        except KeyboardInterrupt:
            over = "interrupted"
        return over if self.ends is None and over is not None else "won"

    def _keep(self, line: Line, proven: Movie | None = None) -> None:
        self.journal.keep(line, self.expansion.frames, self.expansion.rerecords, proven)

    def _over(self) -> Outcome | None:
        config = self.config
        if not len(self.beam):
            return "exhausted"
        if self.generation == config.generations:
            return "generations"
        if config.frames is not None and self.expansion.frames >= config.frames:
            return "frames"
        if config.seconds is not None and time.monotonic() - self.began >= config.seconds:
            return "seconds"
        return None

    def _next_generation(self) -> None:
        """Play all allowed actions from the beam; what is best becomes the beam."""
        game, beam = self.objective.game, self.beam
        allowed = judged(
            f"{game.name}: Game.allowed", game.allowed, beam.ram, each=len(game.actions)
        )
        parents, actions = np.nonzero(allowed)
        kept: list[Places] = []
        ends: list[Places] = []
        held = 0
        for children in self.expansion.play(beam, parents, actions):
            kept.append(self._new(children))
            held += len(kept[-1])
            if children.reached.any():
                ends.append(self._ends(children))
            if held > 2 * self.config.width:  # cut while they stream, so that memory is bounded
                kept = [self._cut(Places.join(kept))]
                held = len(kept[0])
        self.expansion.let_go(beam.slots)
        self.beam = self._cut(Places.join(kept)) if kept else beam.take(np.zeros(0, np.int64))
        if len(self.beam):
            self.farthest = self.beam.take(np.zeros(1, np.int64))
        self.generation += 1
        if ends:
            self._take_ends(Places.join(ends))

    def _new(self, children: Children) -> Places:
        """The children that live and are at a place that is new, or reached better; with lines."""
        places = children.places
        lives = np.flatnonzero(~(children.dead | children.reached))
        new = lives[self.seen.improve(places.hashes[lives], places.score[lives])]
        old = np.ones(len(places), np.bool_)
        old[new] = False
        self.expansion.let_go(places.slots[old])
        return self._with_lines(children, new)

    def _ends(self, children: Children) -> Places:
        """The children that reached the goal, with lines."""
        return self._with_lines(children, np.flatnonzero(children.reached))

    def _with_lines(self, children: Children, rows: Numbers) -> Places:
        places = children.places.take(rows)
        parents = self.beam.lines[children.parents[rows]]
        places.lines = self.lines.add(parents, children.actions[rows], children.frames[rows])
        return places

    def _cut(self, places: Places) -> Places:
        """The best `width`, the best first; each place once. All others are let go."""
        # Lines are numbered in job order: nothing here depends on which thread was first.
        order = np.lexsort((places.lines, places.hashes, -places.score))
        keep = order[_first_of_each(places.hashes[order], 1)]
        if self.config.per_cell:
            game = self.objective.game
            cells = judged(f"{game.name}: Game.cell", game.cell, places.ram)
            keep = keep[_first_of_each(cells[keep], self.config.per_cell)]
        keep = keep[: self.config.width]
        lost = np.ones(len(places), np.bool_)
        lost[keep] = False
        self.expansion.let_go(places.slots[lost])
        return places.take(keep)

    def _take_ends(self, ends: Places) -> None:
        """Keep the best end: the highest score, then the fewest frames."""
        if self.ends is not None:
            ends = Places.join([self.ends, ends])
        best = np.lexsort((ends.lines, ends.frame, -ends.score))[:1]
        self.ends = ends.take(best)

    # What was reached

    def _best_line(self) -> Line:
        """The best line to the goal; if none is there, the best of the beam."""
        places = self.farthest if self.ends is None else self.ends
        game = self.objective.game
        ram = places.ram[:1]
        inputs = self.lines.inputs(int(places.lines[0]))
        return Line(
            inputs,
            self.ends is not None,
            int(game.progress(ram)[0]),
            int(game.score(ram)[0]),
            {len(inputs): int(ram_hash(ram[0]))},
            wish=int(places.score[0]),
        )

    def _progress(self) -> Progress:
        """What the search is at."""
        line_frames = int(self.beam.frame.max()) if len(self.beam) else 0
        best = self.farthest if self.ends is None else self.ends
        game = self.objective.game
        slot = int(self.beam.slots[0]) if len(self.beam) else None
        return Progress(
            seconds=time.monotonic() - self.began,
            frames=self.expansion.frames,
            rerecords=self.expansion.rerecords,
            savestates=len(self.beam),
            deaths=self.expansion.deaths,
            steps_back=0,
            frame=line_frames,
            best_frame=int(best.frame[0]),
            best_progress=int(game.progress(best.ram[:1])[0]),
            best_score=int(game.score(best.ram[:1])[0]),
            won=self.ends is not None,
            savestate=lambda: None if slot is None else self.expansion.pool.get(slot),
        )


def _first_of_each(keys: Numbers | Hashes, count: int) -> Numbers:
    """The rows, in order, that are among the first `count` of their key."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(keys)]]))
    rank = np.arange(len(keys)) - np.repeat(starts, lengths)
    return np.sort(order[rank < count])
