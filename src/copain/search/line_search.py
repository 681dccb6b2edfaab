"""LineSearch: what every search over lines of play is; beam search and Go-Explore say how.

A search has a fleet that plays, an objective, all lines it knows, the best line to the goal, and
a run folder. An algorithm is one step after the other until it is over.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator
from copain.fleet import open_fleet
from copain.games import Game
from copain.games.game import Numbers
from copain.games.objective import Objective
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.movie import Movie
from copain.rollout import Fleet, ram_hash
from copain.runs import Arrays, Plan, RunFolder, Value
from copain.search.expansion import Expansion, Places, restore, store
from copain.search.front import dominators, spread
from copain.search.history import check_history_independence
from copain.search.journal import Journal
from copain.search.line import End, Found, Line, Outcome, Progress
from copain.search.lines import Lines
from copain.search.proof import inputs_of, prove
from copain.search.rooms import Rooms
from copain.search.seen import Hashes, Seen


@dataclass(frozen=True, slots=True)
class Budget:
    """When a search ends at the latest; None for no limit.

    `frames` emulated in all; `seconds` of the clock (a search ended by the clock may end
    elsewhere the next time).
    """

    frames: int | None = None
    seconds: float | None = None


_ROWS = 1 << 20
"""Lines that are taken up together."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a search works with: the fleet that plays, where it writes, and the input logs from
    power-on that it goes on from (None: the game's start); and the folder for what does not fit
    into memory.
    """

    fleet: Fleet
    journal: Journal
    starts: Sequence[InputLog] | None = None
    spills_to: Path = Path(tempfile.gettempdir())


class LineSearch(ABC):
    """One search. Subclasses take steps; `run` leads them to a verified result."""

    def __init__(
        self,
        opened: Opened,
        objective: Objective,
        *,
        action_repeat: int,
        steps: int,
        batch: int,
        capacity: int,
        budget: Budget,
        linger: int = 0,
        ends: int = 1,
        mask: Bytes | None = None,
        actions: InputLog | None = None,
        memory: int | None = None,
    ) -> None:
        """Play the starts; `root` is where they lead. See `Expansion` for the sizes.

        `linger` is how many steps are taken after the goal was first reached, `ends` how many
        lines that reached it are kept. `actions` are the game's own by default. `memory` is how
        many bytes the search may take; what it knows beyond that is on disk. Raises InputError
        when that is too little.
        """
        fleet, self.journal, starts = opened.fleet, opened.journal, opened.starts
        self.objective, self.budget, self.linger = objective, budget, linger
        self.most_ends, self.mask = ends, mask
        self.began = time.monotonic()
        game, ports = objective.game, fleet.system.ports
        actions = action_bits(game, ports) if actions is None else actions
        starts = [game.start_log(ports)] if starts is None else starts
        self.rooms = Rooms.within(
            memory, fleet, opened.spills_to, batch=batch, frames=steps * action_repeat,
            capacity=capacity, columns=steps + objective.carried,
        )  # fmt: skip
        self.lines = Lines(starts, actions, self.rooms.lines)
        self.expansion = Expansion(
            fleet, objective, actions, action_repeat=action_repeat, steps=steps,
            batch=batch, capacity=capacity, mask=mask, room=self.rooms.shelf,
        )  # fmt: skip
        roots = [self.expansion.root(start, line) for line, start in enumerate(starts)]
        self.root = Places.join(roots)
        # The best line of those that go on.
        self.farthest = self.expansion.with_ram(self.root.take(np.zeros(1, np.int64)))
        self.ends: Places | None = None  # the best of those that reached the goal
        self.new = 0  # places come to that were not known, since this search was begun or taken up
        self._lines_committed = 0
        self._between_steps = True
        self.steps_taken = 0

    @abstractmethod
    def step(self) -> None:
        """Play on, all that is between two looks at the budget."""

    @abstractmethod
    def held(self) -> Places:
        """The places that are held now, the one to be shown first."""

    @property
    def count(self) -> int:
        """How many places are held."""
        return len(self.held())

    def newest(self) -> Places:
        """The place to be shown, one row, or none; by default the first that is held."""
        held = self.held()
        return held.take(np.arange(min(1, len(held))))

    def known(self) -> Seen | None:
        """The places that were seen, where an algorithm remembers them."""
        return None

    def over(self) -> Outcome | None:
        """Why the search is over, if it is."""
        if self.budget.frames is not None and self.expansion.frames >= self.budget.frames:
            return "frames"
        if self.budget.seconds is not None and self.seconds >= self.budget.seconds:
            return "seconds"
        return None

    @property
    def seconds(self) -> float:
        """Since the search began."""
        return time.monotonic() - self.began

    @abstractmethod
    def remember(self) -> tuple[Arrays, Arrays]:
        """What this algorithm knows, besides lines and held places, to go on from: arrays, and
        rows that are new since the last time, by name.
        """

    @abstractmethod
    def recall(self, held: Places, arrays: Arrays) -> None:
        """Go on from what `held` and `remember` gave; the rows are whole here."""

    def settle(self, places: Places) -> Places:
        """The places, with the lines that lead to them noted."""
        places.lines = self.lines.add_steps(
            places.from_lines, places.actions, places.counted, self.expansion.action_repeat
        )
        self.lines.come_to(places.lines, places.hashes, places.score)
        return places

    def wishes(self, places: Places) -> Numbers:
        """What is wished, for each place: ``int64 (B, wishes)``."""
        return self.objective.wishes(places.score, places.acc)

    def identity(self, places: Places, hashes: Hashes) -> Hashes:
        """What tells places apart: their RAM, and when several things are wished what they are
        at, since a place may be worth coming to for either.
        """
        wishes = self.wishes(places)
        if wishes.shape[1] == 1:
            return hashes
        both = np.column_stack([hashes, wishes.astype(np.uint64)])
        return ram_hash(np.ascontiguousarray(both).view(np.uint8))

    def take_ends(self, ends: Places) -> None:
        """Lines that reached the goal: the highest score is kept, of equal ones the shortest; or
        so many, each at another place. When several things are wished, the front of them.
        """
        if self.ends is not None:
            ends = Places.join([self.ends, ends])
        order = np.lexsort((ends.lines, ends.frame, -ends.score))
        wishes = self.wishes(ends)[order]
        if wishes.shape[1] > 1:
            front = dominators(wishes) == 0
            order, wishes = order[front], wishes[front]
            _, firsts = np.unique(wishes, axis=0, return_index=True)
            order = spread(order[np.sort(firsts)], self.most_ends)
        elif self.most_ends > 1:
            _, firsts = np.unique(ram_hash(ends.ram[order], self.mask), return_index=True)
            order = order[np.sort(firsts)]
        self.ends = ends.take(order[: self.most_ends])

    # From the first step to the result

    def run(self, fresh: Emulator, on_progress: Callable[[Progress], None] | None) -> Found:
        """Search to the end, and verify what was found on a `fresh` emulator."""
        again = self._take_up()
        self.journal.event("resume" if again else "begin", frames=self.expansion.frames)
        try:
            outcome = self._until_the_end(on_progress)
        except BaseException:
            self._keep(self.best_line())
            raise
        self.journal.note(self.progress(), self.new)
        self._commit()
        self.journal.flush()
        line = self.best_line()
        self._keep(line)
        movie = prove(line, fresh, self.expansion.rerecords)
        self._keep(line, movie)
        ends = self._prove_ends(line, movie, fresh)
        progress = self.progress()
        self.journal.event(
            "end", outcome=outcome, won=line.won, score=line.score, progress=line.progress,
            length=line.frames, frames=progress.frames, rerecords=progress.rerecords,
            deaths=progress.deaths, seconds=round(progress.seconds, 3),
        )  # fmt: skip
        return Found(outcome, line, movie, progress, ends)

    def _prove_ends(self, best: Line, movie: Movie, fresh: Emulator) -> tuple[End, ...]:
        """All lines to the goal that were kept, each verified; the best one is already."""
        if self.ends is None:
            return ()
        ends = [End(best, movie)]
        for row in range(1, len(self.ends)):
            line = self.line(self.ends, row)
            ends.append(End(line, prove(line, fresh, self.expansion.rerecords)))
        self.journal.keep_ends(ends)
        return tuple(ends)

    def _until_the_end(self, on_progress: Callable[[Progress], None] | None) -> Outcome:
        over: Outcome | None = None
        try:
            while not (self.ends is not None and self.linger < 0) and (over := self.over()) is None:
                self._between_steps = False
                self.step()
                self._between_steps = True
                self.steps_taken += 1
                if self.ends is not None:
                    self.linger -= 1
                self.lines.spill()
                if on_progress is not None:
                    on_progress(self.progress())
                if self.journal.note_due:
                    self.journal.note(self.progress(), self.new)
                if self.journal.due:
                    self._keep(self.best_line())
                if self.journal.commit_due:
                    self._commit()
        except KeyboardInterrupt:
            over = "interrupted"
        return over if self.ends is None and over is not None else "won"

    def _commit(self) -> None:
        """Store all that the search knows, between two steps."""
        if not self._between_steps:
            return  # Ctrl-C came in the middle of a step: the last commit stands
        parts = {"held": self.expansion.store(self.held()), "farthest": store(self.farthest)}
        if self.ends is not None:
            parts["ends"] = store(self.ends)
        arrays: dict[str, npt.NDArray[Any]] = {
            f"{name}/{key}": array for name, part in parts.items() for key, array in part.items()
        }
        counts = (self.linger, *self.expansion.counters)
        arrays["steps"] = np.array(self.steps_taken)
        mine, rows = self.remember()
        arrays |= {**mine, "counts": np.array(counts, np.int64)}
        starts = self.lines.starts[: None if self._lines_committed == 0 else 0]
        new = {**rows, "lines": self.lines.since(self._lines_committed), "starts": starts}
        self.journal.commit(arrays, new)
        at = self.progress()
        self.journal.event(
            "commit", depth=at.depth, frames=at.frames, rerecords=at.rerecords, held=at.savestates,
            lines=len(self.lines), score=at.best_score, progress=at.best_progress,
            memory=at.memory, spilled=at.spilled,
        )  # fmt: skip
        self._lines_committed = len(self.lines)

    def _take_up(self) -> bool:
        """Go on where an earlier run of the same search was; whether there was one."""
        archive = self.journal.archive
        if archive is None:
            return False
        arrays = archive.read()
        parts = {
            part: {
                key.removeprefix(f"{part}/"): array
                for key, array in arrays.items()
                if key.startswith(f"{part}/")
            }
            for part in ("held", "farthest", "ends")
        }
        self.expansion.let_go(self.root.slots)
        for first in range(len(self.lines), len(arrays["lines"]), _ROWS):
            self.lines.append(arrays["lines"][first : first + _ROWS])
            self.lines.spill()
        self._lines_committed = len(self.lines)
        self.linger, *counters = arrays["counts"].tolist()
        self.expansion.counters = tuple(counters)
        self.steps_taken = int(arrays.get("steps", np.zeros((), np.int64)))
        self.farthest = restore(parts["farthest"])
        self.ends = restore(parts["ends"]) if parts["ends"] else None
        self.recall(self.expansion.restore(parts["held"]), arrays)
        return True

    def _keep(self, line: Line, proven: Movie | None = None) -> None:
        self.journal.keep(line, self.expansion.frames, self.expansion.rerecords, proven)

    def best_line(self) -> Line:
        """The best line to the goal; if none is there, the best of those that go on."""
        return self.line(self.farthest if self.ends is None else self.ends, 0)

    def line(self, places: Places, row: int) -> Line:
        """The line that leads to one of these places."""
        game, ram = self.objective.game, places.ram[row : row + 1]
        number = int(places.lines[row])
        inputs = self.lines.inputs(number)
        # Hashes under a mask are not of all RAM, so they say nothing to who plays the line.
        hashes = self.lines.hashes(number) if self.mask is None else {}
        return Line(
            inputs,
            self.ends is not None,
            int(game.progress(ram)[0]),
            int(game.score(ram)[0]),
            {**hashes, len(inputs): int(ram_hash(ram[0]))},
            wish=int(places.score[row]),
            wishes=tuple(self.wishes(places.take(np.array([row])))[0].tolist()),
        )

    def progress(self) -> Progress:
        """What the search is at."""
        newest, game, seen = self.newest(), self.objective.game, self.known()
        best = self.farthest if self.ends is None else self.ends
        slot = int(newest.slots[0]) if len(newest) else -1
        return Progress(
            seconds=self.seconds,
            frames=self.expansion.frames,
            rerecords=self.expansion.rerecords,
            savestates=self.count,
            deaths=self.expansion.deaths,
            steps_back=0,
            frame=int(newest.frame[0]) if len(newest) else 0,
            best_frame=int(best.frame[0]),
            best_progress=int(game.progress(best.ram[:1])[0]),
            best_score=int(game.score(best.ram[:1])[0]),
            won=self.ends is not None,
            savestate=lambda: None if slot < 0 else self.expansion.savestate(slot),
            depth=self.steps_taken,
            noted=None if seen is None else seen.noted,
            memory=self.memory,
            spilled=self.expansion.shelf.spilled
            + self.lines.spilled
            + (0 if seen is None else seen.spilled),
            frames_left=None
            if self.budget.frames is None
            else max(0, self.budget.frames - self.expansion.frames),
        )

    @property
    def memory(self) -> int:
        """The bytes that the search takes: what it holds, what it has seen, its lines, and what
        is played now.
        """
        seen = self.known()
        known = self.expansion.shelf.bytes + self.lines.bytes + (0 if seen is None else seen.bytes)
        return known + self.rooms.playing

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.expansion.close()
        self.lines.close()


def action_bits(game: Game, ports: int) -> InputLog:
    """The game's action table as inputs: ``uint16 (actions, ports)``."""
    return np.array([action.held.bits(ports) for action in game.actions], np.uint16)


def digest_of_logs(logs: Sequence[InputLog]) -> str:
    """A short name for input logs, in hexadecimal."""
    total = hashlib.sha256()
    for log in logs:
        total.update(repr(log.shape).encode() + log.tobytes())
    return total.hexdigest()[:16]


def run_search(
    factory: Callable[[], Emulator],
    objective: Objective,
    algorithm: str,
    plan: Mapping[str, Value],
    make: Callable[[Opened], LineSearch],
    *,
    mask: Bytes | None = None,
    starts: Sequence[Movie] = (),
    workers: int | None,
    folder: str | os.PathLike[str] | None,
    on_progress: Callable[[Progress], None] | None,
) -> Found:
    """Open everything that a search needs, `make` it, run it, close everything.

    Raises EmulatorError for an emulator that is not independent of its history.
    """
    check_history_independence(factory, objective.game)
    with ExitStack() as opened:
        fleet = opened.enter_context(open_fleet(factory, workers))
        fresh = opened.enter_context(factory())
        logs = [inputs_of(movie, fresh) for movie in starts]
        run = None
        if folder is not None:
            facts = {**plan, "objective": objective.name, "goal": objective.goal.name}
            if mask is not None:
                facts["mask"] = f"{int(ram_hash(mask)):016x}"
            if logs:
                facts["starts"] = digest_of_logs(logs)
            whole = Plan.of(objective.game.name, fleet, algorithm, facts)
            run = opened.enter_context(RunFolder(folder, whole))
        spills_to = Path(tempfile.gettempdir() if folder is None else folder)
        journal = Journal(run, fresh)
        opened.callback(journal.close)
        search = opened.enter_context(make(Opened(fleet, journal, logs or None, spills_to)))
        return search.run(fresh, on_progress)
