"""Brute force: die and retry over savestates.

The search holds a stack of savestates in time order. From the newest ones it plays every allowed
action for a few frames, in one batch. Ways that die are cut; of the rest, those in the places
that the game prefers are kept and played on, the others wait on the stack. When all of the newest
die, it steps back and takes up what waits there: one savestate back, and after each further loss
twice as far and with twice as many ways at once, since what kills may have been decided a second
ago. Where the going is good again it becomes as bold as before.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from copain.emulator import Emulator
from copain.errors import InputError
from copain.games.game import Flags, Numbers
from copain.games.objective import Objective, judged
from copain.memory import Bytes
from copain.movie import Movie
from copain.runs import Arrays
from copain.search.expansion import Children, Places
from copain.search.line import Found, Outcome, Progress
from copain.search.line_search import Budget, LineSearch, Opened, run_search
from copain.search.options import check_options, plan_of
from copain.search.seen import Seen


@dataclass(frozen=True, slots=True)
class BruteForce:
    """How brute force searches. All but the budgets decide what is found; workers never do.

    - `seed`: of the random numbers that shake the order of equal and nearly equal ways.
    - `action_repeat`: frames that each action is held.
    - `lines`: how many ways are followed at once while all goes well.
    - `most_lines`: how many at most, where ways keep dying.
    - `children`: savestates kept for each line; those not followed wait to be stepped back to.
    - `savestates`: how many are held at most; above that the oldest are forgotten.
    - `patience`: frames after which a line whose score did not rise is cut.
    - `preferred`: whether the places that the game prefers come first, and, where it prefers
      none, those of a higher score; else chance decides.
    - `shake`: how much chance there is in the order, against the spread of the game's preference;
      more after losses.
    - `steadiness`: how much better it is to go on with the same action, against the same spread.
    - `batch`: jobs played at once.
    - `linger`: steps taken after the goal was first reached, in case a later line is better.
    - `ends`: lines to the goal that are kept, each at another place.

    Budgets, None for none: `frames` emulated in all, `tries` (savestates loaded) in all,
    `seconds` of the clock (a search ended by the clock may end elsewhere the next time).
    """

    seed: int = 0
    action_repeat: int = 8
    lines: int = 4
    most_lines: int = 32
    children: int = 4
    savestates: int = 4096
    patience: int = 1800
    preferred: bool = True
    shake: float = 0.1
    steadiness: float = 0.1
    batch: int = 256
    linger: int = 0
    ends: int = 1
    frames: int | None = None
    tries: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        check_options(self, from_zero=("seed", "shake", "steadiness", "linger"))
        if self.most_lines < self.lines:
            raise InputError(
                f"BruteForce(most_lines={self.most_lines}): at least lines={self.lines} is needed"
            )

    @property
    def plan(self) -> dict[str, int | float]:
        """The options that decide what is found."""
        return plan_of(self)


def brute_force(
    factory: Callable[[], Emulator],
    objective: Objective,
    config: BruteForce | None = None,
    *,
    mask: Bytes | None = None,
    starts: Sequence[Movie] = (),
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Search for a line to the objective's goal: the first that is found, or, with `linger`, the
    best of some.

    The objective's score says which line is best and which one gets nowhere; the order in which
    ways are tried is the game's preference. `on_progress` is called after every step. The
    parameters and errors are those of `copain.search.beam`.
    """
    config = config or BruteForce()
    return run_search(
        factory, objective, "brute-force", config.plan,
        lambda opened: _DieAndRetry(opened, objective, config, mask),
        mask=mask, starts=starts, workers=workers, folder=folder, on_progress=on_progress,
    )  # fmt: skip


@dataclass(slots=True)
class _Ways:
    """Places that lines have come to.

    `peak` is the best score along each line, `risen` the frame in which it last rose, `steady`
    whether the line came there with the action before.
    """

    places: Places
    peak: Numbers
    risen: Numbers
    steady: Flags

    def __len__(self) -> int:
        return len(self.places)

    def take(self, rows: Numbers | Flags) -> _Ways:
        """These rows, in this order."""
        places = self.places.take(rows)
        return _Ways(places, self.peak[rows], self.risen[rows], self.steady[rows])

    @classmethod
    def join(cls, parts: Sequence[_Ways]) -> _Ways:
        """All rows of several."""
        return cls(
            Places.join([part.places for part in parts]),
            np.concatenate([part.peak for part in parts]),
            np.concatenate([part.risen for part in parts]),
            np.concatenate([part.steady for part in parts]),
        )


class _DieAndRetry(LineSearch):
    """One search: the stacks, where in them it is, and the places that were seen."""

    def __init__(
        self, opened: Opened, objective: Objective, config: BruteForce, mask: Bytes | None
    ) -> None:
        most_children = config.most_lines * len(objective.game.actions)
        super().__init__(
            opened, objective, action_repeat=config.action_repeat, steps=1, batch=config.batch,
            capacity=config.savestates + config.most_lines + most_children,
            linger=config.linger, ends=config.ends, mask=mask,
            budget=Budget(config.frames, config.seconds),
        )  # fmt: skip
        self.config = config
        root = self.root
        least = np.full(len(root), np.iinfo(np.int64).min)
        begin = _Ways(root, least, root.frame, np.zeros(len(root), np.bool_))
        # A stack for each depth (actions since the start): the newest and most preferred last.
        self.waiting = [begin]
        self.none = begin.take(np.zeros(0, np.int64))
        self.seen = Seen(logged=self.journal.writes)
        self.seen.improve(self.identity(root, root.hashes), root.score)
        self.waiting_count, self.oldest = len(root), 0  # no stack before the oldest holds any
        self.depth = self.frontier = self.caution = self.calm = self.steps_back = self.turns = 0

    @property
    def count(self) -> int:
        """How many savestates are held."""
        return self.waiting_count

    def known(self) -> Seen:
        """The places that were seen."""
        return self.seen

    def held(self) -> Places:
        """All that waits, the oldest first."""
        return _Ways.join(self.waiting).places

    def newest(self) -> Places:
        """The place that is played on from next."""
        places = self.waiting[self.depth].places
        return places.take(np.arange(len(places))[-1:])

    def progress(self) -> Progress:
        """What the search is at."""
        return replace(super().progress(), steps_back=self.steps_back)

    def over(self) -> Outcome | None:
        """Also when nothing waits, and after so many tries."""
        if self.config.tries is not None and self.expansion.rerecords >= self.config.tries:
            return "tries"
        return super().over() if self.count else "exhausted"

    def remember(self) -> tuple[Arrays, Arrays]:
        """The stacks' depths, where the search is, and the places that were seen."""
        ways = _Ways.join(self.waiting)
        depths = np.repeat(np.arange(len(self.waiting)), [len(stack) for stack in self.waiting])
        at = (self.depth, self.frontier, self.caution, self.calm, self.steps_back, self.turns)
        mine = {"peak": ways.peak, "risen": ways.risen, "steady": ways.steady, "depths": depths}
        return {**mine, "at": np.array(at)}, self.seen.news()

    def recall(self, held: Places, arrays: Arrays) -> None:
        """The stacks, where the search was, and the places that were seen."""
        ways = _Ways(held, *(np.array(arrays[name]) for name in ("peak", "risen", "steady")))
        at = arrays["at"].tolist()
        self.depth, self.frontier, self.caution, self.calm, self.steps_back, self.turns = at
        self.waiting = [ways.take(arrays["depths"] == depth) for depth in range(self.frontier + 1)]
        self.waiting_count, self.oldest = len(held), 0
        self.seen = Seen(logged=self.journal.writes)
        self.seen.recall(arrays)

    # One step

    def step(self) -> None:
        """Play all allowed actions from the newest savestates; go on, or step back."""
        if not len(self.waiting[self.depth]):
            self._step_back()
        children = self._play_on(self._take())
        self.turns += 1
        if not len(children):
            self._step_back()
            return
        kept = self._choose(children)
        self.depth += 1
        if self.depth == len(self.waiting):
            self.waiting.append(self.none)
        self.waiting[self.depth] = _Ways.join([self.waiting[self.depth], kept])
        self.waiting_count += len(kept)
        self._forget()
        self._gain_ground()

    def _width(self) -> int:
        """How many lines are followed at once now."""
        return min(self.config.lines << min(self.caution, 16), self.config.most_lines)

    def _take(self) -> _Ways:
        """The ways to play on, taken off the stack of the depth where the search is."""
        stack, width = self.waiting[self.depth], self._width()
        rows = np.arange(len(stack))
        self.waiting[self.depth] = stack.take(rows[:-width])
        taken = stack.take(rows[-width:][::-1])
        self.waiting_count -= len(taken)
        return taken

    def _gain_ground(self) -> None:
        """Take note of a step forward; after some on new ground, be bolder."""
        if self.depth > self.frontier:
            self.frontier = self.depth
            self.calm += 1
            if self.calm == 8:
                self.caution, self.calm = max(0, self.caution - 1), 0

    def _step_back(self) -> None:
        """Go to the newest savestate that is far enough back; be more careful from there."""
        far_enough = self.depth - (1 << min(self.caution, 30)) + 1
        depths = [depth for depth, stack in enumerate(self.waiting) if len(stack)]
        back = [depth for depth in depths if depth <= far_enough]
        self.depth = back[-1] if back else depths[0] if depths else 0
        self.caution, self.calm = self.caution + 1, 0
        self.steps_back += 1

    def _play_on(self, ways: _Ways) -> _Ways:
        """Play all allowed actions from `ways`; what lives, is new, and gets somewhere."""
        game, places = self.objective.game, ways.places
        what = f"{game.name}: Game.allowed"
        ram = self.expansion.with_ram(places).ram
        allowed = judged(what, game.allowed, ram, each=len(game.actions))
        parents, actions = np.nonzero(allowed)
        alive = [self.none]
        first = 0
        for children in self.expansion.play(places, parents, actions[:, None]):
            if children.reached.any():
                self.take_ends(self.settle(children.places.take(children.reached)))
            jobs = slice(first, first + len(children.places))
            first = jobs.stop
            alive.append(self._new(ways.take(parents[jobs]), children))
        self.expansion.let_go(places.slots)
        return _Ways.join(alive)

    def _new(self, parents: _Ways, children: Children) -> _Ways:
        """The children that live, are at a new place, and have not stood still for too long."""
        places = children.places
        rises = places.score > parents.peak
        ways = _Ways(
            places.without_ram(),
            np.maximum(places.score, parents.peak),
            np.where(rises, places.frame, parents.risen),
            places.actions[:, 0] == parents.places.actions[:, 0],
        )
        patient = places.frame - ways.risen < self.config.patience
        going = children.live[patient[children.live]]
        hashes = self.identity(places, places.hashes)
        new = going[self.seen.improve(hashes[going], places.score[going])]
        kept = ways.take(new)
        kept.places = self.expansion.keep(children, new)
        self.new += len(new)
        return kept

    def _choose(self, alive: _Ways) -> _Ways:
        """Those that are kept, the most preferred last; the best line is noted in any case."""
        places = alive.places
        order = self._order(alive)[: self._width() * self.config.children]
        best = np.lexsort((places.frame, -places.score))[:1]
        better = places.score[best] > self.farthest.score[0]
        noted = self.settle(places.take(np.r_[order, best[better & ~np.isin(best, order)]]))
        if better:
            best = np.lexsort((noted.frame, -noted.score))[:1]
            self.farthest = self.expansion.with_ram(noted.take(best))
        lost = np.ones(len(places), np.bool_)
        lost[order] = False
        self.expansion.let_go(places.slots[lost])
        kept = alive.take(order)
        kept.places.lines = noted.lines[: len(order)]
        return kept.take(np.arange(len(order))[::-1])

    def _order(self, ways: _Ways) -> Numbers:
        """The rows, the most preferred first; one of each cell before the second of any."""
        config, game = self.config, self.objective.game
        ram = self.expansion.with_ram(ways.places).ram
        liking = np.zeros(len(ways))
        if config.preferred:
            what = f"{game.name}: Game.preference"
            liking += judged(what, game.preference, ram).astype(np.float64)
            if not np.ptp(liking):
                liking += ways.places.score  # a game that says nothing of it
        cells = judged(f"{game.name}: Game.cell", game.cell, ram)
        spread = float(liking.std()) or 1.0
        chance = np.random.default_rng([config.seed, self.turns])
        shake = config.shake * (1 + self.caution)
        liking += chance.normal(size=len(ways)) * spread * shake
        liking += ways.steady * spread * config.steadiness
        order = np.argsort(-liking, kind="stable")
        _, firsts = np.unique(cells[order], return_index=True)
        others = np.ones(len(order), np.bool_)
        others[firsts] = False
        return np.r_[order[np.sort(firsts)], order[others]]

    def _forget(self) -> None:
        """Let the oldest and least preferred savestates go while there are too many."""
        self.oldest = min(self.oldest, self.depth)
        while (surplus := self.count - self.config.savestates) > 0:
            stack = self.waiting[self.oldest]
            surplus = min(surplus, len(stack))
            self.expansion.let_go(stack.places.slots[:surplus])
            self.waiting[self.oldest] = stack.take(np.arange(surplus, len(stack)))
            self.waiting_count -= surplus
            if surplus == len(stack):
                self.oldest += 1
