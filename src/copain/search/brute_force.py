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
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator
from copain.errors import GameError, InputError
from copain.fleet import open_fleet
from copain.games import Game
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.movie import Movie
from copain.rollout import Fleet, ram_hash
from copain.runs import Plan, RunFolder
from copain.savestate import Savestate
from copain.search.history import check_history_independence
from copain.search.journal import Journal
from copain.search.line import Found, Line, Outcome, Progress
from copain.search.proof import prove

_JOBS = 256
"""The most jobs in one batch: bounds memory, and the wait after Ctrl-C."""

_Judged = TypeVar("_Judged", bound=npt.NDArray[Any])
_BUDGETS = ("frames", "tries", "seconds")


@dataclass(frozen=True, slots=True)
class BruteForce:
    """How brute force searches. All but the budgets decide what is found; workers never do.

    - `seed`: of the random numbers that shake the order of equal and nearly equal ways.
    - `action_repeat`: frames that each action is held.
    - `lines`: how many ways are followed at once while all goes well.
    - `most_lines`: how many at most, where ways keep dying.
    - `children`: savestates kept for each line; those not followed wait to be stepped back to.
    - `savestates`: how many are held at most; above that the oldest are forgotten.
    - `patience`: frames after which a line that gained neither progress nor score is cut.
    - `shake`: how much chance there is in the order, against the spread of the game's preference;
      more after losses.
    - `steadiness`: how much better it is to go on with the same action, against the same spread.

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
    shake: float = 0.1
    steadiness: float = 0.1
    frames: int | None = None
    tries: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for option in fields(self):
            value = getattr(self, option.name)
            if value is None and option.name in _BUDGETS:
                continue
            whole = option.name not in ("shake", "steadiness", "seconds")
            least = 1 if whole and option.name not in ("seed", *_BUDGETS) else 0
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise InputError(
                    f"BruteForce({option.name}={value!r}): "
                    f"{'an integer' if whole else 'a number'} is needed"
                )
            if not value >= least:
                raise InputError(f"BruteForce({option.name}={value!r}): at least {least} is needed")
        if self.most_lines < self.lines:
            raise InputError(
                f"BruteForce(most_lines={self.most_lines}): at least lines={self.lines} is needed"
            )

    @property
    def plan(self) -> dict[str, int | float]:
        """The options that decide what is found."""
        return {name: value for name, value in asdict(self).items() if name not in _BUDGETS}


def brute_force(
    factory: Callable[[], Emulator],
    game: Game,
    config: BruteForce | None = None,
    *,
    workers: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Found:
    """Search for a run that wins `game`, on emulators opened by `factory`.

    `workers` play at the same time (default: one a processor); what is found does not depend on
    how many. With `folder` the search writes a run folder, the best line so far in it.
    `on_progress` is called after every step, in this thread. Ctrl-C ends the search with what it
    has. What is found was verified from power-on on a fresh emulator. Raises RunError for a
    folder of another run, GameError for a game definition that cannot be searched, EmulatorError
    when the verification fails.
    """
    config = config or BruteForce()
    check_history_independence(factory, game)
    with open_fleet(factory, workers) as fleet, factory() as fresh:
        if folder is None:
            return _Search(fleet, fresh, game, config, None, on_progress).run()
        plan = Plan.of(game.name, fleet, "brute-force", config.plan)
        with RunFolder(folder, plan) as run:
            return _Search(fleet, fresh, game, config, run, on_progress).run()


@dataclass(slots=True, eq=False)
class _Node:
    """A savestate and how it was reached.

    `slot` and `ram` are let go once it was played on from; `stall` counts the actions since
    (progress, score) was last above `peak`, their best along the line.
    """

    parent: _Node | None
    action: int
    depth: int
    slot: int
    ram: Bytes
    hash: int
    gains: tuple[int, int]
    peak: tuple[int, int]
    stall: int = 0


class _Won(Exception):
    """The search is over: this line wins."""

    def __init__(self, line: Line) -> None:
        self.line = line


class _Search:
    """One search: the stacks, the best line, the counters."""

    def __init__(
        self,
        fleet: Fleet,
        fresh: Emulator,
        game: Game,
        config: BruteForce,
        run: RunFolder | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self.fleet, self.fresh, self.journal = fleet, fresh, Journal(run, fresh)
        self.game, self.config = game, config
        self.on_progress = on_progress
        self.began = time.monotonic()
        ports = fleet.system.ports
        self.actions = np.array([action.held.bits(ports) for action in game.actions], np.uint16)
        self.watch = np.arange(fleet.ram_size)
        room = config.savestates + config.most_lines * (len(self.actions) + 1)
        self.pool = fleet.new_pool(room)
        self.frames = self.tries = self.deaths = self.steps_back = self.batches = 0
        self.prologue, root = self._start()
        # A stack for each depth (actions since the start): the newest and most preferred on top.
        self.waiting: list[list[_Node]] = [[root]]
        self.held = 1
        self.seen = {root.hash}
        self.depth = self.frontier = 0
        self.caution = self.calm = 0
        self.best_node = self.written = root
        self.best: Line | None = None

    def _start(self) -> tuple[InputLog, _Node]:
        """Play the game's start from power-on: its input log and the first savestate."""
        log = self.game.start_log(self.fleet.system.ports)
        origin = self.pool.put(self.fleet.root())
        batch = self.fleet.rollout(self.pool, [origin], log[None])
        self.pool.free([origin])
        self.frames, self.tries = len(log), 1
        ram = batch.ram[0]
        gains = self._gains(batch.ram)[0]
        node = _Node(None, 0, 0, int(batch.slots[0]), ram, int(batch.hashes[0]), gains, gains)
        return log, node

    # The search

    def run(self) -> Found:
        """Search to the end, verify what was found."""
        self.journal.event("begin", frames=self.frames)
        try:
            outcome = self._until_the_end()
        except _Won as won:
            self.best, outcome = won.line, "won"
        except KeyboardInterrupt:
            outcome = "interrupted"
        except BaseException:
            self._keep(self._best_line())
            raise
        line = self._best_line()
        self._keep(line)
        movie = prove(line, self.fresh, self.tries)
        self._keep(line, movie)
        progress = self._progress()
        self.journal.event(
            "end", outcome=outcome, won=line.won, score=line.score, progress=line.progress,
            length=line.frames, frames=self.frames, rerecords=self.tries, deaths=self.deaths,
            seconds=round(progress.seconds, 3),
        )  # fmt: skip
        self._report()
        return Found(outcome, line, movie, progress)

    def _until_the_end(self) -> Outcome:
        while True:
            if (over := self._over()) is not None:
                return over
            nodes = self._take()
            if not nodes:
                return "exhausted"
            if self._play_on(nodes):
                self.depth += 1
                self._gain_ground()
            else:
                self._step_back()
            self._report()

    def _over(self) -> Outcome | None:
        config = self.config
        if config.frames is not None and self.frames >= config.frames:
            return "frames"
        if config.tries is not None and self.tries >= config.tries:
            return "tries"
        if config.seconds is not None and time.monotonic() - self.began >= config.seconds:
            return "seconds"
        return None

    def _width(self) -> int:
        """How many lines are followed at once now."""
        return min(self.config.lines << min(self.caution, 16), self.config.most_lines)

    def _take(self) -> list[_Node]:
        """The savestates to play on from, taken off the stack of the depth where the search is."""
        if not self.waiting[self.depth]:
            self._step_back()
        stack = self.waiting[self.depth]
        width = self._width()
        taken = stack[: -width - 1 : -1]
        del stack[-width:]
        self.held -= len(taken)
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
        depths = [depth for depth, stack in enumerate(self.waiting) if stack]
        back = [depth for depth in depths if depth <= far_enough]
        self.depth = back[-1] if back else depths[0] if depths else 0
        self.caution, self.calm = self.caution + 1, 0
        self.steps_back += 1

    def _play_on(self, nodes: Sequence[_Node]) -> bool:
        """Play all allowed actions from `nodes`; whether anything that lives came of it."""
        allowed = self.game.allowed(np.stack([node.ram for node in nodes]))
        parents, actions = np.nonzero(_checked("allowed", allowed, (len(nodes), len(self.actions))))
        alive: list[_Node] = []
        wins: list[Line] = []
        for start in range(0, len(parents), _JOBS):
            jobs = slice(start, start + _JOBS)
            self._batch([nodes[parent] for parent in parents[jobs]], actions[jobs], alive, wins)
        for node in nodes:
            self.pool.free([node.slot])
            node.ram = node.ram[:0]
        if wins:
            raise _Won(max(wins, key=lambda line: line.rank))
        kept = self._choose(alive, self._width() * self.config.children)
        if not kept:
            return False
        if self.depth + 1 == len(self.waiting):
            self.waiting.append([])
        self.waiting[self.depth + 1].extend(kept[::-1])
        self.held += len(kept)
        self._forget()
        return True

    def _batch(
        self,
        parents: list[_Node],
        actions: npt.NDArray[np.int64],
        alive: list[_Node],
        wins: list[Line],
    ) -> None:
        """Play one batch of (parent, action); add what lives and what wins."""
        repeat = self.config.action_repeat
        inputs = np.repeat(self.actions[actions][:, None], repeat, axis=1)
        slots = np.array([node.slot for node in parents], np.int32)
        batch = self.fleet.rollout(self.pool, slots, inputs, watch=self.watch)  # pyright: ignore[reportArgumentType]
        self.batches += 1
        self.tries += len(parents)
        self.frames += inputs.shape[0] * repeat
        before = np.stack([node.ram for node in parents])[:, None]
        prev = np.concatenate([before, batch.watched[:, :-1]], axis=1)
        shape = (len(parents), repeat)
        dies = _first(_checked("dead", self.game.dead(prev, batch.watched), shape))
        winner = _first(_checked("won", self.game.won(prev, batch.watched), shape))
        dead, won = dies < repeat, winner < np.minimum(dies, repeat)
        self.deaths += int((dead & ~won).sum())
        for job in np.flatnonzero(won):
            ends = int(winner[job]) + 1
            wins.append(self._line(parents[job], inputs[job, :ends], batch.watched[job, ends - 1]))
        lost = list(np.flatnonzero(dead | won))
        gains = self._gains(batch.ram)
        for job in np.flatnonzero(~dead & ~won):
            parent, digest = parents[job], int(batch.hashes[job])
            rises = gains[job] > parent.peak
            stall = 0 if rises else parent.stall + 1
            if digest in self.seen or stall * repeat >= self.config.patience:
                lost.append(job)
                continue
            self.seen.add(digest)
            node = _Node(
                parent, int(actions[job]), parent.depth + 1, int(batch.slots[job]),
                batch.ram[job].copy(), digest, gains[job], max(gains[job], parent.peak), stall,
            )  # fmt: skip
            alive.append(node)
            if node.gains > self.best_node.gains:
                self.best_node = node
        self.pool.free(batch.slots[lost])

    def _choose(self, alive: list[_Node], room: int) -> list[_Node]:
        """The `room` most preferred, one of each cell before the second of any."""
        if not alive:
            return []
        ram = np.stack([node.ram for node in alive])
        shape = (len(alive),)
        liking = _checked("preference", self.game.preference(ram), shape).astype(np.float64)
        cells: list[int] = _checked("cell", self.game.cell(ram), shape).tolist()
        spread = float(liking.std())
        chance = np.random.default_rng([self.config.seed, self.batches])
        liking += chance.normal(size=len(alive)) * spread * self.config.shake * (1 + self.caution)
        steady = [node.parent is not None and node.action == node.parent.action for node in alive]
        liking += np.array(steady) * spread * self.config.steadiness
        firsts: list[_Node] = []
        others: list[_Node] = []
        crowded: set[int] = set()
        order: list[int] = np.argsort(-liking, kind="stable").tolist()
        for index in order:
            (others if cells[index] in crowded else firsts).append(alive[index])
            crowded.add(cells[index])
        ordered = firsts + others
        self.pool.free(np.array([node.slot for node in ordered[room:]], np.int32))
        return ordered[:room]

    def _forget(self) -> None:
        """Let the oldest and least preferred savestates go while there are too many."""
        for stack in self.waiting:
            surplus = min(max(0, self.held - self.config.savestates), len(stack))
            if surplus:
                self.pool.free(np.array([node.slot for node in stack[:surplus]], np.int32))
                del stack[:surplus]
                self.held -= surplus

    # What was reached

    def _gains(self, ram: Bytes) -> list[tuple[int, int]]:
        """(progress, score) of a batch of RAM."""
        progress = _checked("progress", self.game.progress(ram), ram.shape[:1])
        score = _checked("score", self.game.score(ram), ram.shape[:1])
        return list(zip(progress.tolist(), score.tolist(), strict=True))

    def _best_line(self) -> Line:
        """The winning line, or the one that got farthest."""
        return self.best or self._line(self.best_node)

    def _line(self, node: _Node, more: InputLog | None = None, ram: Bytes | None = None) -> Line:
        """The line that leads to `node`; with `more` inputs and the RAM at their end, it wins."""
        repeat = self.config.action_repeat
        start = len(self.prologue)
        hashes: dict[int, int] = {}
        actions: list[int] = []
        progress, score = node.gains
        at: _Node | None = node
        while at is not None:
            hashes[start + at.depth * repeat] = at.hash
            if at.parent is not None:
                actions.append(at.action)
            at = at.parent
        log = np.repeat(self.actions[actions[::-1]], repeat, axis=0)
        inputs = np.concatenate([self.prologue, log])
        if more is not None and ram is not None:
            inputs = np.concatenate([inputs, more])
            hashes[len(inputs)] = int(ram_hash(ram))
            progress, score = self._gains(ram[None])[0]
        return Line(inputs, ram is not None, progress, score, hashes)

    # What the outside sees

    def _progress(self) -> Progress:
        if self.best is None:
            best_progress, best_score = self.best_node.gains
            best_frame = len(self.prologue) + self.best_node.depth * self.config.action_repeat
        else:
            best_progress, best_score = self.best.progress, self.best.score
            best_frame = self.best.frames
        return Progress(
            seconds=time.monotonic() - self.began,
            frames=self.frames,
            rerecords=self.tries,
            savestates=self.held,
            deaths=self.deaths,
            steps_back=self.steps_back,
            frame=len(self.prologue) + self.depth * self.config.action_repeat,
            best_frame=best_frame,
            best_progress=best_progress,
            best_score=best_score,
            won=self.best is not None,
            savestate=self._newest,
        )

    def _newest(self) -> Savestate | None:
        stack = self.waiting[self.depth]
        return self.pool.get(stack[-1].slot) if stack else None

    def _report(self) -> None:
        """Tell who watches; write the best line now and then."""
        if self.on_progress is not None:
            self.on_progress(self._progress())
        if self.best_node is not self.written and self.journal.due:
            self.written = self.best_node
            self._keep(self._best_line())

    def _keep(self, line: Line, proven: Movie | None = None) -> None:
        self.journal.keep(line, self.frames, self.tries, proven)


def _first(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """For each row the index of its first True, or the row's length: ``(jobs, frames)``."""
    frames: npt.NDArray[np.int64] = np.argmax(flags, axis=1)
    frames[~flags.any(axis=1)] = flags.shape[1]
    return frames


def _checked(name: str, judged: _Judged, shape: tuple[int, ...]) -> _Judged:
    """What a game's function gave. Raises GameError when its shape is not that of the batch."""
    if getattr(judged, "shape", None) != shape:
        raise GameError(
            f"Game.{name} gave an array of shape {np.shape(judged)}; for this batch {shape} is "
            "needed: one judgement for each RAM"
        )
    return judged
