"""Objective: what is wished of a run, as pure functions on batches.

A game says what its RAM means, an objective what is to be reached in it and how well it goes.
A batch has B rows; see `copain.games.Game` for batches of RAM.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from copain.errors import GameError
from copain.games.game import Flags, Game, Numbers
from copain.memory import Bytes

_Array = TypeVar("_Array", bound=npt.NDArray[Any])


class Objective(ABC):
    """What is wished of a run of `game`: a goal, and a score that says how well a line does.

    A search keeps the lines of the highest score and, of equal ones, those of fewer frames.
    `carried` is how many integers a line carries along (`acc`), for wishes about its history.
    """

    name: str = ""
    carried: int = 0

    def __init__(self, game: Game, goal: Goal | None = None) -> None:
        """`goal` is where a line ends, by default where the game is won."""
        self.game = game
        self.goal: Goal = goal or won(game)

    def begin(self, ram: Bytes) -> Numbers:
        """What lines that start at `ram` carry: ``int64 (B, carried)``."""
        return np.zeros((len(ram), self.carried), np.int64)

    @abstractmethod
    def step(
        self, prev: Bytes, ram: Bytes, inputs: npt.NDArray[np.uint16], frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """One frame of each line: what it carries now, and its score, ``int64 (B,)``.

        `inputs` is ``uint16 (B, ports)``, what was held in the frame; `frame` is ``int64 (B,)``,
        frames since power-on; `acc` is what was carried before, never to be changed in place.
        """

    def wishes(self, score: Numbers, acc: Numbers) -> Numbers:
        """All that is wished at once, ``int64 (B, wishes)``: the score, unless it is several."""
        return score[:, None]


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a line ends: its name, and whether it is reached, from (prev, ram)."""

    name: str
    reached: Callable[[Bytes, Bytes], Flags]


def won(game: Game) -> Goal:
    """The goal of winning the game."""
    return Goal("won", game.won)


def stage_cleared(game: Game, stage: int) -> Goal:
    """The goal of getting past a stage, from 0, or of winning the game in it."""

    def reached(prev: Bytes, ram: Bytes) -> Flags:
        return (game.stage(ram) > stage) | game.won(prev, ram)

    return Goal(f"stage {stage} cleared", reached)


class Points(Objective):
    """The highest score that the game shows."""

    name = "points"

    def step(
        self, prev: Bytes, ram: Bytes, inputs: npt.NDArray[np.uint16], frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The points so far."""
        return acc, self.game.score(ram)


class Preferred(Objective):
    """To be where the game prefers to be, the points so far in it for whoever says so there."""

    name = "preferred"

    def step(
        self, prev: Bytes, ram: Bytes, inputs: npt.NDArray[np.uint16], frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The preference, in whole hundredths."""
        return acc, (100 * self.game.preference(ram)).astype(np.int64)


MOST_FRAMES = 1 << 22
"""The longest line that `Fastest` tells from others, in frames: 19 hours."""


class Fastest(Objective):
    """The goal in the fewest frames: on the way, the most progress, then the fewest frames."""

    name = "fastest"

    def step(
        self, prev: Bytes, ram: Bytes, inputs: npt.NDArray[np.uint16], frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The progress so far, and the frames since power-on against it."""
        return acc, self.game.progress(ram) * MOST_FRAMES - frame


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of B lines in T frames that were played on.

    A line ends in the first frame in which it is lost or reaches the goal: `frames` is how many
    of the T count (1 to T), `dead` and `reached` say how it ended, or neither. `score`
    (``int64 (B,)``) and `acc` (``int64 (B, carried)``) are those of its last frame that counts.
    """

    frames: Numbers
    dead: Flags
    reached: Flags
    score: Numbers
    acc: Numbers


def judge(
    objective: Objective,
    before: Bytes,
    ram: Bytes,
    inputs: npt.NDArray[np.uint16],
    frame: Numbers,
    acc: Numbers,
) -> Judged:
    """Judge every frame of B lines: `ram` is ``uint8 (B, T, ram_size)`` after each frame.

    `before` is ``uint8 (B, ram_size)``, `inputs` ``uint16 (B, T, ports)``, `frame` ``int64 (B,)``
    frames since power-on and `acc` what was carried, both before the first. Raises GameError for
    a judgement of the wrong shape, and when the game or the objective raises: the message says
    where.
    """
    jobs, frames = ram.shape[:2]
    game = objective.game
    lengths = np.full(jobs, frames, np.int64)
    dead, reached = np.zeros(jobs, np.bool_), np.zeros(jobs, np.bool_)
    score = np.zeros(jobs, np.int64)
    prev = before
    for t in range(frames):
        now = ram[:, t]
        running = ~(dead | reached)
        lost = judged(f"{game.name}: Game.dead", game.dead, prev, now, kinds="b")
        there = judged(
            f"{objective.name}: Goal.reached", objective.goal.reached, prev, now, kinds="b"
        )
        carried, gained = stepped(objective, prev, now, inputs[:, t], frame + t + 1, acc)
        if running.all():
            acc, score = carried, gained
        else:
            acc = np.where(running[:, None], carried, acc)
            score = np.where(running, gained, score)
        ends = running & (lost | there)
        if ends.any():
            # Who is lost in the very frame that reaches the goal has not reached it.
            dead |= ends & lost
            reached |= ends & ~lost
            lengths[ends] = t + 1
        prev = now
    return Judged(lengths, dead, reached, score, acc)


def stepped(
    objective: Objective,
    prev: Bytes,
    ram: Bytes,
    inputs: npt.NDArray[np.uint16],
    frame: Numbers,
    acc: Numbers,
) -> tuple[Numbers, Numbers]:
    """`Objective.step`, checked. Raises GameError when it raises, or gives another shape."""
    what = f"{objective.name}: Objective.step"
    try:
        carried, score = objective.step(prev, ram, inputs, frame, acc)
    except Exception as error:
        raise GameError(f"{what} raised {type(error).__name__}: {error}") from error
    checked(what, score, (len(ram),), "iu")
    checked(what + " (acc)", carried, (len(ram), objective.carried), "iu")
    return carried, score


def judged(
    what: str, judgement: Callable[..., _Array], *ram: Bytes, each: int = 0, kinds: str = "biuf"
) -> _Array:
    """What a game's function says of a batch, one judgement (or `each` many) for each RAM.

    Raises GameError that begins with `what` when it raises, or gives another shape.
    """
    try:
        result = judgement(*ram)
    except Exception as error:
        raise GameError(f"{what} raised {type(error).__name__}: {error}") from error
    shape = ram[-1].shape[:-1]
    return checked(what, result, (*shape, each) if each else shape, kinds)


def checked(what: str, result: _Array, shape: tuple[int, ...], kinds: str = "biuf") -> _Array:
    """`result`, if it is an array of this shape, and of these kinds of numbers (NumPy's letters).

    Raises GameError that begins with `what`.
    """
    if getattr(result, "shape", None) != shape:
        raise GameError(
            f"{what} gave an array of shape {np.shape(result)}; for this batch {shape} is "
            "needed: one judgement for each RAM"
        )
    if result.dtype.kind not in kinds:
        needed = "integers" if kinds == "iu" else "truth values" if kinds == "b" else "numbers"
        raise GameError(f"{what} gave an array of {result.dtype}; {needed} are needed")
    return result
