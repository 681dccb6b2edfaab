"""Polish: take a movie that there is, and make it better.

Four kinds of change are tried all along the line: frames are dropped, inputs are shifted by a
frame, single inputs are changed, and windows are searched again by a small beam. After a change
the old inputs go on. Where the changed line comes to a place of the old one (RAM under a mask that
leaves out clocks and the score) sooner, or with a better score, this proposes that the rest of the
old line follows; playing all the rest decides. What is better becomes the line, until no change
makes it better.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from copain.emulator import Emulator
from copain.errors import InputError, MovieError
from copain.games.game import Numbers
from copain.games.objective import Objective, judged, stepped
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.movie import Movie
from copain.rollout import Fleet, ram_hash
from copain.runs import Arrays, Value
from copain.search.expansion import Places
from copain.search.line import Found, Outcome, Progress
from copain.search.line_search import (
    Budget,
    LineSearch,
    Opened,
    action_bits,
    digest_of_logs,
    run_search,
)
from copain.search.lines import LINE
from copain.search.options import check_options, plan_of
from copain.search.proof import inputs_of
from copain.search.rejoin import rejoin_mask
from copain.search.seen import Seen

_CHUNK = 16
"""Frames between two savestates along the line, and between two looks at changed lines."""
_DROPS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
_SHIFTED = (1, 2, 4, 8, 16)
_HELD = (1, 2, 4, 8)
_KINDS = ("drop", "shift", "change", "window")


@dataclass(frozen=True, slots=True)
class Polish:
    """How a movie is polished. All but the budgets decide what is found; workers never do.

    - `drop`: the most frames dropped at once.
    - `horizon`: frames that a changed line has to come back to the old one.
    - `window`: frames that are searched again at once.
    - `width`: lines that go on together in a window.
    - `action_repeat`: frames that each action is held in a window.
    - `tries`: changed lines that are played to the end at each place.
    - `batch`: jobs played at once.

    Budgets, None for none: `frames` emulated in all; `seconds` of the clock (a search ended by
    the clock may end elsewhere the next time). Without any it goes on until nothing is better.
    """

    drop: int = 32
    horizon: int = 64
    window: int = 48
    width: int = 64
    action_repeat: int = 1
    tries: int = 4
    batch: int = 256
    frames: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_options(self, from_zero=("drop",))
        if self.tries > self.batch:
            raise InputError(f"Polish(tries={self.tries}): at most batch={self.batch} is needed")
        if self.action_repeat > _CHUNK:
            raise InputError(
                f"Polish(action_repeat={self.action_repeat}): at most {_CHUNK} is needed"
            )

    @property
    def plan(self) -> dict[str, Value]:
        """The options that decide what is found."""
        return plan_of(self)


def polish(
    factory: Callable[[], Emulator],
    movie: Movie,
    objective: Objective,
    config: Polish | None = None,
    *,
    start: int | None = None,
    mask: Bytes | None = None,
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Make `movie`, from power-on, better: the goal, then a higher score, then fewer frames.

    Nothing before frame `start` is changed or judged: by default the game's start, where the
    movie begins with it. `mask` (``uint8 (ram_size,)``) says which bits of RAM two lines must
    share to be in the same place; by default all but clocks and the score. The other parameters
    and errors are those of `copain.search.beam`; MovieError is raised for a movie that does not
    play here, or that is lost on its way.
    """
    config = config or Polish()
    with factory() as emulator:
        inputs = inputs_of(movie, emulator)
        ports = emulator.system.ports
    begun = objective.game.start_log(ports)
    if start is None:
        start = len(begun) if np.array_equal(inputs[: len(begun)], begun) else 0
    if not 0 <= start < len(inputs):
        raise InputError(
            f"polish(start={start}): 0 to {len(inputs) - 1} is needed, a frame of the movie"
        )
    facts = {**config.plan, "start": start, "movie": digest_of_logs([inputs])}
    return run_search(
        factory, objective, "polish", facts,
        lambda opened: _Polishing(opened, objective, config, inputs, start, mask),
        mask=mask, workers=workers, folder=folder, on_progress=on_progress,
    )  # fmt: skip


class Change(NamedTuple):
    """From frame `start` on, `length` frames of the line are replaced by the actions `new`."""

    start: int
    length: int
    new: Numbers


class Proposal(NamedTuple):
    """A line that may be better: by how much (score, frames), and its actions, from the mark."""

    gain: tuple[int, int]
    actions: Numbers


class _Polishing(LineSearch):
    """One search: the line, marks along it, and where in the line it tries changes now.

    The line is a sequence of actions, one a frame, from the root on; frames count from there.
    """

    def __init__(
        self,
        opened: Opened,
        objective: Objective,
        config: Polish,
        inputs: InputLog,
        start: int,
        mask: Bytes | None,
    ) -> None:
        game, fleet = objective.game, opened.fleet
        # A person's movie may hold what the game's action table does not.
        table = action_bits(game, fleet.system.ports)
        more = np.unique(inputs[start:], axis=0)
        known = (more[:, None] == table[None]).all(axis=-1).any(axis=1)
        actions = np.concatenate([table, more[~known]])
        same = (inputs[start:, None] == actions[None]).all(axis=-1)
        self.way: Numbers = same.argmax(axis=1)
        self.most_frames = 2 * len(self.way)
        ram = _ram_along(fleet, inputs)
        super().__init__(
            Opened(fleet, opened.journal, [inputs[:start]]), objective,
            action_repeat=1, steps=_CHUNK, batch=config.batch,
            capacity=self.most_frames // _CHUNK + 3 * (config.batch + config.width) + 8,
            linger=1 << 62, budget=Budget(config.frames, config.seconds),
            mask=rejoin_mask(game, ram[start:]) if mask is None else mask, actions=actions,
        )  # fmt: skip
        self.config = config
        self.kind = self.found = 0
        self.marks: list[Places] = [self.root]
        self.scores, self.hashes = np.zeros(1, np.int64), np.zeros(1, np.uint64)
        self.where = dict[int, int]()
        self._take_line(0)
        self.mark = len(self.marks) - 1  # from the end on: what comes after a change is short

    def held(self) -> Places:
        """The mark that changes are tried from, and the root."""
        return Places.join([self.marks[self.mark], self.root])

    def over(self) -> Outcome | None:
        """Also when nothing made the line better all the way."""
        return "exhausted" if self.kind == len(_KINDS) else super().over()

    def remember(self) -> tuple[Arrays, Arrays]:
        """The line, and what is tried next."""
        return {"way": self.way, "next": np.array([self.kind, self.mark, self.found])}, {}

    def recall(self, held: Places, arrays: Arrays) -> None:
        """The line is played again, without counting it twice."""
        for mark in self.marks[1:]:
            self.expansion.let_go(mark.slots)
        self.expansion.let_go(held.slots[:1])
        self.root = held.take(np.array([1]))
        self.marks, self.way = [self.root], np.array(arrays["way"])
        counted = self.expansion.counters
        self._walk(0)
        self.expansion.counters = counted
        self.kind, self.mark, self.found = arrays["next"].tolist()

    def step(self) -> None:
        """All changes of one kind at one mark; what is better is taken."""
        kind = _KINDS[self.kind]
        proposals: list[Proposal] = []
        if kind == "window":
            proposals = self._search_again()
        else:
            changes = list(self._changes(kind))
            for tried, plans in self._plans(changes):
                proposals += self._try(tried, plans)
        if self._take_best(proposals):
            self.found += 1
            self.mark = min(self.mark, len(self.marks) - 1)
            return  # and again here
        self.mark -= max(1, self.config.window // 2 // _CHUNK) if kind == "window" else 1
        if self.mark < 0:
            self.kind += 1
            if self.kind == len(_KINDS) and self.found:
                self.kind = self.found = 0
            self.mark = len(self.marks) - 1

    # The line

    def _take_line(self, mark: int) -> None:
        """The line is as `way` says, new from this mark on."""
        end, reached = self._walk(mark)
        end.lines = self._note(self.way)
        self.lines.come_to(end.lines, end.hashes, end.score)
        if reached:
            self.take_ends(end)
        else:
            self.farthest = end

    def _walk(self, mark: int) -> tuple[Places, bool]:
        """Play the line from this mark on: marks, scores, and where it has been, anew. Gives its
        end, and whether the goal is reached there.
        """
        for gone in self.marks[mark + 1 :]:
            self.expansion.let_go(gone.slots)
        del self.marks[mark + 1 :]
        at = mark * _CHUNK
        objective = self.objective
        end = self.expansion.with_ram(self.marks[mark])
        scores, hashes = self.scores[: at + 1].tolist(), self.hashes[: at + 1].tolist()
        reached = False
        while at < len(self.way) and not reached:
            actions = self.way[None, at : at + _CHUNK]
            frame, prev, acc, every_frame = int(end.frame[0]), end.ram, end.acc, end.ram[:0]
            for children in self.expansion.play(self.marks[-1], np.zeros(1, np.int64), actions):
                end, reached = children.places, bool(children.reached[0])
                counted = int(end.counted[0])
                at += counted
                every_frame = children.every_frame[0, :counted]
                if children.dead[0]:
                    raise MovieError(
                        f"polish: {objective.game.name}: the line is lost in frame "
                        f"{frame + counted}; cut the movie before it (copain movie cut), or give "
                        "start= after it"
                    )
                if not reached and at < len(self.way):
                    self.marks.append(self.expansion.keep(children, np.zeros(1, np.int64)))
            hashes += ram_hash(every_frame, self.expansion.mask).tolist()
            for now, ram in enumerate(every_frame[:, None]):
                held = self.expansion.actions[actions[:, now]]
                moment = np.array([frame + now + 1])
                acc, score = stepped(objective, prev, ram, held, moment, acc)
                scores.append(int(score[0]))
                prev = ram
        self.way, self.scores = self.way[:at], np.array(scores, np.int64)
        self.hashes = np.array(hashes, np.uint64)
        self.where = {value: frame for frame, value in enumerate(hashes)}
        return end, reached

    def _note(self, way: Numbers) -> Numbers:
        """Note the whole line among the lines, a row for each input that is held: its row."""
        begins = np.flatnonzero(np.r_[True, way[1:] != way[:-1]])
        rows = np.zeros(len(begins), LINE)
        rows["parent"] = np.r_[0, len(self.lines) + np.arange(len(begins) - 1)]
        rows["action"] = way[begins]
        rows["frames"] = np.diff(np.r_[begins, len(way)])
        return self.lines.append(rows)[-1:]

    @property
    def rank(self) -> tuple[int, int, int]:
        """How good the line is."""
        return int(self.ends is not None), int(self.scores[-1]), -len(self.way)

    # Changes

    def _changes(self, kind: str) -> Iterator[Change]:
        """All changes of a kind that begin between this mark and the next."""
        way, begin = self.way, self.mark * _CHUNK
        for at in range(begin, min(begin + _CHUNK, len(way))):
            if kind == "drop":
                for length in _DROPS:
                    if length <= self.config.drop and at + length <= len(way):
                        yield Change(at, length, way[:0])
            elif kind == "shift":
                for length in _SHIFTED:
                    moved = way[at : at + length + 1]
                    if len(moved) > 1:
                        yield Change(at, len(moved), np.r_[way[max(0, at - 1)], moved[:-1]])
                        yield Change(at, len(moved), np.r_[moved[1:], moved[-1]])
            else:
                for action in range(len(self.objective.game.actions)):
                    for length in _HELD:
                        if at + length <= len(way):
                            yield Change(at, length, np.full(length, action))

    def _plans(self, changes: list[Change]) -> Iterator[tuple[list[Change], Numbers]]:
        """Changes, each line once and a batch at a time, and the actions of the changed lines
        from the mark to the horizon; beyond the end of the old line they are idle.
        """
        begin = self.mark * _CHUNK
        longest = -(-(2 * _CHUNK + self.config.horizon) // _CHUNK) * _CHUNK
        plans = np.zeros((len(changes) + 1, longest), np.int64)
        for row, change in enumerate([*changes, Change(begin, 0, self.way[:0])]):
            plan = self._whole(change)[:longest]
            plans[row, : len(plan)] = plan
        _, rows = np.unique(plans, axis=0, return_index=True)
        rows = np.sort(rows[(plans[rows] != plans[-1]).any(axis=1)])
        for first in range(0, len(rows), self.config.batch):
            these = rows[first : first + self.config.batch]
            yield [changes[row] for row in these.tolist()], plans[these]

    def _whole(self, change: Change) -> Numbers:
        """A changed line from the mark to the end of the old one."""
        begin, after = self.mark * _CHUNK, change.start + change.length
        return np.concatenate([self.way[begin : change.start], change.new, self.way[after:]])

    def _try(self, changes: list[Change], plans: Numbers) -> list[Proposal]:
        """Play changed lines from the mark to the horizon; what may be better."""
        proposals: list[Proposal] = []
        begin = self.mark * _CHUNK
        places, rows = self.marks[self.mark], np.arange(len(plans))
        parents = np.zeros(len(rows), np.int64)
        frames = 0
        while len(rows) and frames < plans.shape[1]:
            actions = plans[rows, frames : frames + _CHUNK]
            before, kept, live = places, places, rows[:0]
            for children in self.expansion.play(before, parents, actions):
                live, places = children.live, children.places
                kept = self.expansion.keep(children, live)
                for job in np.flatnonzero(children.reached).tolist():
                    length = frames + int(places.counted[job])
                    gain = self._gain(places, job, begin + length, len(self.way))
                    proposals.append(Proposal(gain, plans[rows[job], :length]))
            if frames:
                self.expansion.let_go(before.slots)
            places, rows = kept, rows[live]
            going = np.ones(len(rows), np.bool_)
            frames += _CHUNK
            for job in range(len(rows)):
                row = int(rows[job])
                joins = self.where.get(int(places.hashes[job]))
                if joins is None or changes[row].start + len(changes[row].new) > begin + frames:
                    continue
                gain = self._gain(places, job, begin + frames, joins)
                if gain > (0, 0):
                    actions = np.concatenate([plans[row, :frames], self.way[joins:]])
                    proposals.append(Proposal(gain, actions))
                else:
                    going[job] = False  # from here on it plays as the old line does, no better
            self.expansion.let_go(places.slots[~going])
            places, rows = places.take(going), rows[going]
            parents = np.arange(len(rows))
        now = min(begin + frames, len(self.way))
        for job, row in enumerate(rows.tolist()):
            gain = self._gain(places, job, now, now)
            if gain > (0, 0):
                proposals.append(Proposal(gain, self._whole(changes[row])))
        if frames:
            self.expansion.let_go(places.slots)
        return proposals

    def _search_again(self) -> list[Proposal]:
        """A small beam from the mark; what comes back to the line, and what is best at its end."""
        config, game, held = self.config, self.objective.game, self.config.action_repeat
        proposals: list[Proposal] = []
        beam, paths = self.marks[self.mark], np.zeros((1, 0), np.int64)
        begin, frames, seen = self.mark * _CHUNK, 0, Seen()
        most = config.window if self.ends is not None else len(self.way) - begin
        what = f"{game.name}: Game.allowed"
        while len(beam) and frames < min(config.window, most):
            ram = self.expansion.with_ram(beam).ram
            allowed = judged(what, game.allowed, ram, each=len(game.actions))
            parents, actions = np.nonzero(allowed)
            before = frames
            frames += held
            kept: list[Places] = []
            ways: list[Numbers] = []
            first = 0
            for children in self.expansion.play(
                beam, parents, np.repeat(actions[:, None], held, axis=1)
            ):
                places = children.places
                jobs = slice(first, first + len(places))
                first += len(places)
                steps = np.repeat(actions[jobs, None], held, axis=1)
                path = np.concatenate([paths[parents[jobs]], steps], axis=1)
                for job in np.flatnonzero(children.reached).tolist():
                    length = before + int(places.counted[job])
                    gain = self._gain(places, job, begin + length, len(self.way))
                    proposals.append(Proposal(gain, path[job, :length]))
                lives = children.live
                for job in lives.tolist():
                    joins = self.where.get(int(places.hashes[job]))
                    if joins is not None:
                        gain = self._gain(places, job, begin + frames, joins)
                        if gain > (0, 0):
                            rest = self.way[joins:]
                            proposals.append(Proposal(gain, np.r_[path[job], rest]))
                new = lives[seen.improve(places.hashes[lives], places.score[lives])]
                kept.append(self.expansion.keep(children, new))
                ways.append(path[new])
                if sum(map(len, kept)) > 2 * config.width:
                    both, path = self._cut(Places.join(kept), np.concatenate(ways))
                    kept, ways = [both], [path]
            if before:
                self.expansion.let_go(beam.slots)
            if not kept:
                return proposals
            beam, paths = self._cut(Places.join(kept), np.concatenate(ways))
        now = min(begin + frames, len(self.way))
        for job in range(min(len(beam), config.tries)):
            gain = self._gain(beam, job, now, now)
            if gain > (0, 0):
                proposals.append(Proposal(gain, np.r_[paths[job], self.way[now:]]))
        if frames:
            self.expansion.let_go(beam.slots)
        return proposals

    def _cut(self, places: Places, paths: Numbers) -> tuple[Places, Numbers]:
        """The best `width` places and their paths, each place once."""
        order = np.lexsort((np.arange(len(places)), places.hashes, -places.score))
        _, firsts = np.unique(places.hashes[order], return_index=True)
        keep = order[np.sort(firsts)][: self.config.width]
        self.expansion.let_go(places.slots[np.setdiff1d(np.arange(len(places)), keep)])
        return places.take(keep), paths[keep]

    def _gain(self, places: Places, row: int, frame: int, old: int) -> tuple[int, int]:
        """How much better it is to be here at `frame` than the old line is at `old`."""
        return int(places.score[row] - self.scores[old]), old - frame

    # What is better is taken

    def _take_best(self, proposals: list[Proposal]) -> bool:
        """Play the most promising lines to their ends; take the best if it is better."""
        begin = self.mark * _CHUNK
        different = {each.actions.tobytes(): each for each in reversed(proposals)}
        proposals = [
            each
            for _, each in sorted(
                different.items(), key=lambda item: (item[1].gain, item[0]), reverse=True
            )
            if len(each.actions) <= self.most_frames - begin
        ][: self.config.tries]
        if not proposals:
            return False
        length = max(len(self.way) - begin, *(len(each.actions) for each in proposals))
        plans = np.zeros((len(proposals), length), np.int64)  # idle after their ends
        for row, each in enumerate(proposals):
            plans[row, : len(each.actions)] = each.actions
        best, rank = None, self.rank
        for row, (reached, score, frames) in enumerate(self._to_the_end(plans)):
            if frames and (reached, score, -begin - frames) > rank:
                best, rank = plans[row, :frames], (reached, score, -begin - frames)
        if best is None:
            return False
        self.way = np.concatenate([self.way[:begin], best])
        self._take_line(self.mark)
        return True

    def _to_the_end(self, plans: Numbers) -> list[tuple[int, int, int]]:
        """Play lines from the mark to their ends: whether the goal is reached, score, frames.

        The frames of a line that is lost are 0.
        """
        told = [(0, 0, 0)] * len(plans)
        places, rows = self.marks[self.mark], np.arange(len(plans))
        parents = np.zeros(len(rows), np.int64)
        for frames in range(0, plans.shape[1], _CHUNK):
            if not len(rows):
                break
            actions = plans[rows, frames : frames + _CHUNK]
            before, live = places, rows[:0]
            for children in self.expansion.play(before, parents, actions):
                live, ends = children.live, children.places
                places = self.expansion.keep(children, live)
                for job in np.flatnonzero(~children.dead).tolist():
                    length = frames + int(ends.counted[job])
                    told[rows[job]] = (int(children.reached[job]), int(ends.score[job]), length)
                for job in np.flatnonzero(children.dead).tolist():
                    told[rows[job]] = (0, 0, 0)
            if frames:
                self.expansion.let_go(before.slots)
            rows = rows[live]
            parents = np.arange(len(rows))
        if plans.shape[1]:
            self.expansion.let_go(places.slots)
        return told


def _ram_along(fleet: Fleet, inputs: InputLog) -> Bytes:
    """The RAM after each frame of a line from power-on: ``uint8 (frames, ram_size)``."""
    pool = fleet.new_pool(2)
    at = pool.put(fleet.root())
    parts: list[Bytes] = []
    for first in range(0, len(inputs), 256):
        played = fleet.rollout(
            pool, [at], inputs[None, first : first + 256], watch=range(fleet.ram_size)
        )
        pool.free([at])
        at = int(played.slots[0])
        parts.append(played.watched[0])
    return np.concatenate(parts)
