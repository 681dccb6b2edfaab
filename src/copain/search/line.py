"""Line, Progress and Found: what a search is at, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from copain.joypad import InputLog
from copain.movie import Movie
from copain.savestate import Savestate

Outcome: TypeAlias = Literal[
    "won", "exhausted", "frames", "tries", "generations", "seconds", "interrupted"
]
"""Why a search ended: the goal is reached, there is nothing left to try, a budget is used up, or
someone pressed Ctrl-C.
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One way to play: its inputs from power-on and what they lead to.

    `inputs` is ``uint16 (frames, ports)``; `hashes` maps frame counts to `ram_hash` of all RAM
    at that moment, as the search saw it, the end among them. `wish` is the score of the search's
    objective, where it has one, `wishes` all that it wishes at once.
    """

    inputs: InputLog = field(repr=False)
    won: bool
    progress: int
    score: int
    hashes: Mapping[int, int] = field(repr=False)
    wish: int | None = None
    wishes: tuple[int, ...] = ()

    @property
    def frames(self) -> int:
        """Its length."""
        return len(self.inputs)

    @property
    def rank(self) -> tuple[int, ...]:
        """How good it is, the larger the better: won, what is wished, few frames.

        Where no objective says what is wished it is progress and score, in this order.
        """
        wished = (self.progress, self.score) if self.wish is None else (self.wish,)
        return (int(self.won), *wished, -self.frames)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a search is at.

    `seconds` since it began; `frames` emulated in all; `rerecords`, savestates loaded;
    `savestates` held now; `deaths`, tries that ended in one; `steps_back`, times that all lines
    were lost and earlier savestates were taken up again; `frame`, the newest savestate's, from
    power-on; the best line so far by its `best_frame`, `best_progress` and `best_score`, and
    whether it `won`. `savestate` gives the newest savestate, if there is one, while the search
    runs. Where a search knows them: `depth`, its steps; `noted`, places that were new
    when a line came there; `memory` and `spilled`, the bytes that it takes, and has on disk;
    `frames_left` of its budget.
    """

    seconds: float
    frames: int
    rerecords: int
    savestates: int
    deaths: int
    steps_back: int
    frame: int
    best_frame: int
    best_progress: int
    best_score: int
    won: bool
    savestate: Callable[[], Savestate | None] = field(repr=False)
    depth: int = 0
    noted: int | None = None
    memory: int = 0
    spilled: int = 0
    frames_left: int | None = None

    @property
    def repeated(self) -> float | None:
        """Which part of all lines that lived came to a place that was known, if that is noted."""
        lived = self.rerecords - self.deaths
        if self.noted is None or lived <= 0:
            return None
        return max(0.0, 1 - self.noted / lived)

    @property
    def rerecords_per_second(self) -> float:
        """Savestates expanded a second so far."""
        return self.rerecords / self.seconds if self.seconds > 0 else 0.0

    @property
    def frames_per_second(self) -> float:
        """Frames emulated a second so far."""
        return self.frames / self.seconds if self.seconds > 0 else 0.0


@dataclass(frozen=True, slots=True)
class End:
    """A line that reached the goal, as a movie, verified from power-on on a fresh emulator."""

    line: Line
    movie: Movie


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the best line as a movie, verified from power-on on a fresh emulator.

    `progress` is the state of the search at its end; `ends` are the lines to the goal that it
    kept, the best first, each verified too.
    """

    outcome: Outcome
    line: Line
    movie: Movie
    progress: Progress
    ends: tuple[End, ...] = ()

    @property
    def won(self) -> bool:
        """Whether the line wins the game."""
        return self.line.won

    @property
    def score(self) -> int:
        """The score that the line reaches."""
        return self.line.score
