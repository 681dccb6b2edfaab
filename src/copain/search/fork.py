"""Fork: begin a search where another one is, with another objective or other settings."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import numpy as np

from copain.emulator import Emulator
from copain.errors import RunError
from copain.games import Game
from copain.movie import Movie
from copain.runs import Archive
from copain.search.line import Line
from copain.search.line_search import action_bits
from copain.search.lines import Lines
from copain.search.proof import movie_of

_OF_ACTIONS = ("beam", "brute-force", "go-explore", "random")
"""Algorithms whose lines are made of the game's actions."""


def fork(
    folder: str | os.PathLike[str], game: Game, emulator: Emulator, most: int | None = None
) -> list[Movie]:
    """The lines that the search in a run folder held at its last commit, as movies from power-on.

    They are what another search of `game` takes as `starts`, on any emulator: it goes on from
    where this one was. The first are those that it held first, the best of a beam; `most` is how
    many are taken. `emulator` is of the kind that searched. The folder is only read.

    Raises RunError when there is no such search in it: none has committed, or one of another
    game, ROM, emulator or algorithm, which is named.
    """
    call = f"fork({str(folder)!r})"
    try:
        text = (Path(folder) / "run.toml").read_text(encoding="utf-8")
        run = tomllib.loads(text)["run"]
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise RunError(f"{call}: it is no run folder: {error}") from error
    mine = {"game": game.name, "rom_sha1": emulator.rom.sha1, "emulator": emulator.name}
    for what, value in mine.items():
        if run.get(what) != value:
            raise RunError(f"{call}: its {what} is {run.get(what)!r}, and {value!r} is needed")
    if run.get("algorithm") not in _OF_ACTIONS:
        raise RunError(
            f"{call}: it is of {run.get('algorithm')!r}; the lines of {', '.join(_OF_ACTIONS)} "
            "can be forked"
        )
    archive = Archive(Path(folder) / "archive")
    if not archive.exists:
        raise RunError(f"{call}: no search has left an archive in this folder")
    arrays = archive.read()
    table = arrays["lines"]
    lengths = table["frames"][table["parent"] < 0].astype(np.int64)
    ports = emulator.system.ports
    flat = arrays.get("starts", np.zeros(0, np.uint16))
    if len(flat) != lengths.sum() * ports:
        raise RunError(f"{call}: its archive does not say how its lines begin: an older copain's")
    starts = np.split(flat.reshape(-1, ports), np.cumsum(lengths)[:-1])
    lines = Lines(starts, action_bits(game, ports))
    lines.append(table[len(lengths) :])
    rerecords = int(arrays["counts"][2])
    return [
        movie_of(Line(lines.inputs(row), False, 0, 0, {}), emulator, rerecords)
        for row in arrays["held/lines"][:most].tolist()
    ]
