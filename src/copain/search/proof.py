"""Proof: a line is played from power-on on a fresh emulator before it is a result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from copain.emulator import Emulator
from copain.errors import EmulatorError, MovieError
from copain.joypad import InputLog
from copain.movie import Movie, RomIdentity, hash_ram, play
from copain.movie.playback import boot_offset, check_playable
from copain.rollout import ram_hash
from copain.search.line import Line

HASHES_EVERY = 60
"""A proven movie holds a hash of its RAM after each so many frames, and of its end."""


def movie_of(line: Line, emulator: Emulator, rerecords: int) -> Movie:
    """The movie of a line that was searched on such an emulator, not proven yet.

    A movie is in FCEUX's time: what this emulator's boot is shorter is filled with idle frames,
    what it is longer is left out.
    """
    offset = boot_offset(emulator)
    idle = np.zeros((max(0, -offset), line.inputs.shape[1]), np.uint16)
    return Movie(
        system=emulator.system,
        inputs=np.concatenate([idle, line.inputs[max(0, offset) :]]),
        rom=RomIdentity.of(emulator.rom),
        rerecords=rerecords,
        authors=("copain",),
        made_by=f"{emulator.name} {emulator.version}",
    )


def inputs_of(movie: Movie, emulator: Emulator) -> InputLog:
    """The inputs of a movie from power-on in the time of such an emulator: what `movie_of` made
    of a line, back again. ``uint16 (frames, ports)``.

    Raises MovieError for a movie that does not start from power-on, that has commands (resets),
    or that is not for this ROM.
    """
    check_playable(movie, emulator)
    if movie.anchor != "power-on":
        raise MovieError("a search needs a movie from power-on; this one starts from a savestate")
    if movie.commands.any():
        frame = int(np.flatnonzero(movie.commands)[0])
        raise MovieError(
            "a search needs a movie of nothing but buttons; this one has a command in frame "
            f"{frame}"
        )
    offset = boot_offset(emulator)
    idle = np.zeros((max(0, offset), movie.inputs.shape[1]), np.uint16)
    return np.concatenate([idle, movie.inputs[max(0, -offset) :]])


def prove(line: Line, emulator: Emulator, rerecords: int = 0) -> Movie:
    """The movie of `line`, played from power-on on a fresh `emulator`, without savestates.

    RAM was compared with what the search saw at each of the line's savestates and at its end;
    the movie holds hashes of it. Raises EmulatorError, naming the frame, where it differs: then
    this emulator's savestates do not hold all of the machine.
    """
    movie = movie_of(line, emulator, rerecords)
    compared: set[int] = set()
    hashes: dict[int, int] = {}

    def check(frame: int) -> None:
        expected = line.hashes.get(emulator.frame)
        last = frame == movie.frames
        if expected is None and not last and frame % HASHES_EVERY:
            return
        ram = emulator.ram.read_all()
        if expected is not None:
            if int(ram_hash(ram)) != expected:
                raise EmulatorError(
                    f"prove: played from power-on, RAM after frame {emulator.frame} is not what "
                    f"the search saw; savestates of {emulator.name} {emulator.version} do not "
                    "bring back all of this game, so a search cannot trust them"
                )
            compared.add(emulator.frame)
        if last or frame % HASHES_EVERY == 0:
            hashes[frame] = hash_ram(ram, movie.system)

    play(movie, emulator, check)
    if line.frames and line.frames not in compared:
        raise EmulatorError(
            f"prove: the end of the line, frame {line.frames}, was not compared with anything"
        )
    return replace(movie, hashes=hashes)
