"""Proof: a line is played from power-on on a fresh emulator before it is a result."""

from __future__ import annotations

from collections.abc import Callable

from copain.emulator import Emulator
from copain.errors import EmulatorError
from copain.movie import Movie, RomIdentity
from copain.rollout import Fleet, frame_inputs, ram_hash
from copain.search.line import Line


def prove(factory: Callable[[], Emulator], line: Line) -> None:
    """Play `line` from power-on on a fresh emulator, frame by frame, without savestates.

    Raises EmulatorError, naming the frame, when RAM is not what the search saw at one of the
    line's savestates: then this emulator's savestates do not hold all of the machine.
    """
    checks = dict(line.hashes)
    if line.frames not in checks:
        raise EmulatorError(f"prove: the line's end, frame {line.frames}, has no hash to compare")
    with factory() as emulator:
        emulator.power_on()
        for held in frame_inputs(line.inputs):
            emulator.advance(held)
            seen = checks.get(emulator.frame)
            if seen is not None and int(ram_hash(emulator.ram.read_all())) != seen:
                raise EmulatorError(
                    f"prove: played from power-on, RAM after frame {emulator.frame} is not what "
                    f"the search saw; savestates of {emulator.name} {emulator.version} do not "
                    "bring back all of this game, so search cannot trust them"
                )


def movie_of(line: Line, emulator: Fleet, rerecords: int) -> Movie:
    """The movie of a line that was searched on this emulator and game."""
    return Movie(
        system=emulator.system,
        inputs=line.inputs,
        rom=RomIdentity.of(emulator.rom),
        rerecords=rerecords,
        authors=("copain",),
        made_by=f"{emulator.name} {emulator.version}",
    )
