"""Editing: parts of movies, movies put together, and where two movies differ.

An edited movie is a new one: what a movie claims of its frames (RAM hashes, subtitles) is kept
where the frames before them are as they were, and left out elsewhere, because what comes after
a change is another story until it was played (`copain.movie.record_hashes`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from copain.errors import MovieError
from copain.joypad import InputLog
from copain.movie.movie import Movie


@dataclass(frozen=True, slots=True)
class Change:
    """Frames `start` to `stop` (exclusive) of the first movie, and those of the second that stand
    in their place: one of the two may be empty.
    """

    start: int
    stop: int
    other_start: int
    other_stop: int


def cut(movie: Movie, start: int = 0, stop: int | None = None) -> Movie:
    """`movie` without frames `start` to `stop` (exclusive; None: to the end).

    Later frames come so much sooner. Raises MovieError for frames that are not there.
    """
    stop = movie.frames if stop is None else stop
    if not 0 <= start <= stop <= movie.frames:
        raise MovieError(
            f"cut({start}, {stop}): the movie has {movie.frames} frames; "
            f"0 <= start <= stop <= {movie.frames} is needed"
        )
    keep = np.r_[0:start, stop : movie.frames]
    return _edited(movie, movie.inputs[keep], movie.commands[keep], start)


def splice(
    movie: Movie, frame: int, other: Movie, start: int = 0, stop: int | None = None
) -> Movie:
    """`movie` up to `frame`, then frames `start` to `stop` (None: to the end) of `other`.

    Raises MovieError for frames that are not there, and for movies of two systems or ROMs.
    """
    stop = other.frames if stop is None else stop
    _check_alike(movie, other, "splice")
    if not 0 <= frame <= movie.frames or not 0 <= start <= stop <= other.frames:
        raise MovieError(
            f"splice(frame={frame}, start={start}, stop={stop}): the movies have {movie.frames} "
            f"and {other.frames} frames"
        )
    inputs = np.concatenate([movie.inputs[:frame], other.inputs[start:stop]])
    commands = np.concatenate([movie.commands[:frame], other.commands[start:stop]])
    spliced = _edited(movie, inputs, commands, frame)
    authors = (*movie.authors, *(name for name in other.authors if name not in movie.authors))
    return replace(spliced, authors=authors, rerecords=movie.rerecords + other.rerecords)


def diff(movie: Movie, other: Movie) -> list[Change]:
    """Where the inputs (and commands) of two movies differ, in the order of the frames.

    Frames that were put in or left out shift the rest: the differences are the fewest that make
    one movie of the other, where 16 frames in a row that are alike end a difference. Raises
    MovieError for movies of two systems or ROMs.
    """
    _check_alike(movie, other, "diff")
    mine, theirs = _rows(movie), _rows(other)
    found: list[Change] = []
    at = there = 0
    while at < len(mine) or there < len(theirs):
        alike = _run(mine[at:], theirs[there:])
        at, there = at + alike, there + alike
        if at == len(mine) and there == len(theirs):
            break
        more, others = _rejoined(mine[at:], theirs[there:])
        found.append(Change(at, at + more, there, there + others))
        at, there = at + more, there + others
    return found


_ALIKE = 16
"""So many frames in a row that are alike are taken for the same play."""
_SHIFTS, _FARTHEST = 600, 4_000
"""How many frames may be put in or left out at once, and how many may differ, before the rest is
called another play."""


def _rows(movie: Movie) -> InputLog:
    """One number a frame that stands for all of its inputs and its command."""
    both = np.column_stack([movie.inputs, movie.commands.astype(np.uint16)])
    return np.ascontiguousarray(both).view([("", np.uint16)] * both.shape[1])[:, 0]


def _run(mine: InputLog, theirs: InputLog) -> int:
    """How many frames are alike from the first on."""
    length = min(len(mine), len(theirs))
    unlike = np.flatnonzero(mine[:length] != theirs[:length])
    return int(unlike[0]) if len(unlike) else length


def _rejoined(mine: InputLog, theirs: InputLog) -> tuple[int, int]:
    """How many frames of each differ until both are alike again: the fewest in all."""
    best = (len(mine) + len(theirs), 0, len(mine), len(theirs))
    for shift in range(-min(len(mine), _SHIFTS), min(len(theirs), _SHIFTS) + 1):
        first = max(0, -shift)  # frame `more` of mine stands beside frame `more + shift`
        length = min(len(mine) - first, len(theirs) - first - shift, _FARTHEST + _ALIKE)
        same = mine[first : first + length] == theirs[first + shift : first + shift + length]
        ends_both = first + length == len(mine) and first + shift + length == len(theirs)
        at = _first_run(same, _ALIKE, ends_both)
        if at is not None:
            more, others = first + at, first + shift + at
            best = min(best, (more + others, abs(shift), more, others))
    return best[2], best[3]


def _first_run(same: np.ndarray, wanted: int, ends_both: bool) -> int | None:
    """Where the first `wanted` True in a row begin; at the movies' common end fewer will do."""
    unlike = np.flatnonzero(~np.concatenate([[False], same, [False]]))
    for before, after in zip(unlike[:-1].tolist(), unlike[1:].tolist(), strict=True):
        if after - before > wanted or (ends_both and after == len(same) + 1 and after - before > 1):
            return before
    return len(same) if ends_both else None


def _edited(movie: Movie, inputs: InputLog, commands: np.ndarray, same: int) -> Movie:
    """`movie` with other frames, of which the first `same` are as they were."""
    return replace(
        movie,
        inputs=inputs,
        commands=commands,
        hashes={frame: value for frame, value in movie.hashes.items() if frame <= same},
        subtitles=tuple(line for line in movie.subtitles if line.frame <= same),
        source=None,
    )


def _check_alike(movie: Movie, other: Movie, call: str) -> None:
    if movie.system is not other.system:
        raise MovieError(
            f"{call}: one movie is for the {movie.system.title}, the other for the "
            f"{other.system.title}"
        )
    for kind in ("sha1", "md5"):
        one, two = getattr(movie.rom, kind), getattr(other.rom, kind)
        if one and two and one != two:
            raise MovieError(
                f"{call}: the movies were made on two ROMs: {movie.rom.name} ({kind} {one}) and "
                f"{other.rom.name} ({kind} {two})"
            )
