"""Demonstrations: what somebody else played, a search for example, to begin episodes along it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import copain
from copain.errors import RunError
from copain.games import rom_path
from copain.movie import Movie
from copain.rl.learning_envs import Lesson
from copain.rollout import frame_inputs
from copain.savestate import Savestate
from copain.search.proof import inputs_of

_EVERY = 64  # frames between two places
_LEAST_LEFT = 64  # frames before the end of the movie, in which there is no place


def places_along(
    paths: Sequence[Path], lesson: Lesson, emulator: str | None = None
) -> Iterator[Savestate]:
    """Savestates along the best runs in these run folders, and along these movies, of `emulator`
    (by default the lesson's).

    From the first frame of play on. Raises RunError for a folder without a best run, and
    MovieError for a movie that is not of this game, or not from power-on.
    """
    game = lesson.game
    for path in paths:
        movie = Movie.read(_movie_in(path))
        with copain.open(lesson.rom or rom_path(game.name), emulator or lesson.emulator) as nes:
            inputs = inputs_of(movie, nes)
            first = len(game.start_log(nes.system.ports))
            for held in frame_inputs(inputs[: len(inputs) - _LEAST_LEFT]):
                nes.advance(held)
                if nes.frame >= first and (nes.frame - first) % _EVERY == 0:
                    # As bytes: they outlive the emulator.
                    yield Savestate.from_bytes(nes.save_state().to_bytes())


def _movie_in(path: Path) -> Path:
    if not path.is_dir():
        return path
    movie = path / "best.fm2"
    if not movie.exists():
        raise RunError(f"--from {str(path)!r}: there is no best.fm2 in this folder; has it run?")
    return movie
