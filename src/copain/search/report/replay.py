"""What is seen when the lines of a search are played again: where they went, and pictures."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator, HasScreen, Picture
from copain.errors import MissingExtra
from copain.fleet import open_fleet
from copain.games import Game
from copain.games.game import Numbers
from copain.games.objective import judged
from copain.joypad import InputLog
from copain.movie import Movie, play
from copain.search.report.facts import Known

_AT_ONCE = 32
_CHUNK = 64
"""Lines and frames that are played together: 4 MB of a NES's RAM."""


@dataclass(frozen=True, slots=True)
class Went:
    """Places that lines have been to, frame by frame: stage, x and y, ``int64 (n,)`` each."""

    stage: Numbers
    x: Numbers
    y: Numbers


def where_lines_went(
    factory: Callable[[], Emulator],
    game: Game,
    known: Known,
    chosen: Numbers,
    starts: Mapping[int, InputLog],
    actions: InputLog,
) -> Went | None:
    """Play these lines from power-on; where they were in each frame of the search. None for a game
    that has no map, and where no line can be played.

    `starts` are the input logs of the rows that begin at power-on, `actions` what an action holds.
    """
    if known.action.max(initial=0) >= len(actions) or not len(chosen):
        return None  # a polished movie may hold what no action does
    parts: list[Numbers] = []
    with open_fleet(factory, None) as fleet:
        for first in range(0, len(chosen), _AT_ONCE):
            rows = chosen[first : first + _AT_ONCE]
            logs = [_inputs(known, row, starts, actions) for row in rows.tolist()]
            begins = np.array([begin for _, begin in logs])
            ends = np.array([len(log) for log, _ in logs])
            longest = int(ends.max())
            inputs = np.zeros((len(logs), longest, actions.shape[1]), np.uint16)
            for row, (log, _) in enumerate(logs):
                inputs[row, : len(log)] = log
            pool = fleet.new_pool(2 * len(logs) + 1)
            origin = pool.put(fleet.root())
            slots = np.full(len(logs), origin, np.int32)
            for frame in range(0, longest, _CHUNK):
                played = fleet.rollout(
                    pool, slots, inputs[:, frame : frame + _CHUNK], watch=range(fleet.ram_size)
                )
                if frame:
                    pool.free(slots)
                slots = played.slots
                at = np.array(range(frame + 1, frame + 1 + played.watched.shape[1]))
                ram = played.watched[(at > begins[:, None]) & (at <= ends[:, None])]
                if not len(ram):
                    continue
                place = game.place(ram)
                if place is None:
                    return None
                stage = judged(f"{game.name}: Game.stage", game.stage, ram)
                parts.append(np.column_stack([stage, place]))
    stage, x, y = np.concatenate(parts).T
    return Went(stage, x, y)


def _inputs(
    known: Known, row: int, starts: Mapping[int, InputLog], actions: InputLog
) -> tuple[InputLog, int]:
    """The inputs of a line from power-on, and after how many frames its search began."""
    way: list[int] = []
    while known.parent[row] >= 0:
        way.append(row)
        row = int(known.parent[row])
    way.reverse()
    held = np.repeat(actions[known.action[way]], known.frames[way], axis=0)
    return np.concatenate([starts[row], held]), len(starts[row])


def strip(movie: Movie, emulator: Emulator, begin: int, count: int) -> list[tuple[int, Picture]]:
    """So many pictures of a movie, evenly from frame `begin` to its end: frame and picture, ``uint8
    (height, width, 3)`` each. None of them for an emulator that shows no picture.
    """
    if not isinstance(emulator, HasScreen) or not movie.frames:
        return []
    wanted = np.linspace(min(begin + 1, movie.frames), movie.frames, count).round().astype(int)
    frames: set[int] = set(wanted.tolist())
    pictures: list[tuple[int, Picture]] = []

    def look(frame: int) -> None:
        if frame in frames:
            pictures.append((frame, emulator.screen.copy()))

    play(movie, emulator, look)
    return pictures


def png(picture: Picture, scale: int = 1) -> bytes:
    """A picture as a PNG file, its pixels `scale` times as large. Raises MissingExtra."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra.needed("a report with pictures", "pillow", "report") from None
    data = io.BytesIO()
    larger = np.ascontiguousarray(picture.repeat(scale, 0).repeat(scale, 1))
    Image.fromarray(larger).save(data, "png", optimize=True)
    return data.getvalue()
