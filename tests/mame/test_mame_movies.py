"""Movies in MAME: on each system, and Alouette's best ones on five emulators side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mame_games import Open, airstriker, joypad_pce, mame, opened, space_invaders

import copain
from conftest import absent
from copain.cli.verify import open_named
from copain.errors import CopainError, MovieError
from copain.games import variables_of
from copain.games.alouette import game as game_module
from copain.joypad import Joypad
from copain.movie import Movie, Recorder, Status, verify, verify_on
from copain.testing import random_inputs

__all__ = ["airstriker", "joypad_pce", "mame", "opened", "space_invaders"]

FOLDER = Path(game_module.__file__).parent / "movies"
MOVIES = sorted(path for path in FOLDER.iterdir() if path.suffix in (".fm2", ".bk2"))
EMULATORS = ("fceux", "mame", "colibri", "libretro:fceumm", "libretro:nestopia")


def opener(rom: copain.Rom, name: str) -> Callable[[], copain.Emulator]:
    try:
        open_named(rom, name).close()
    except CopainError as error:
        absent(name, str(error))
    return lambda: open_named(rom, name)


@pytest.mark.timeout(900)
@pytest.mark.usefixtures("mame")
@pytest.mark.parametrize("path", MOVIES, ids=lambda path: path.stem)
def test_the_best_movies_of_alouette_are_in_sync_on_five_emulators(
    path: Path, alouette: copain.Rom
) -> None:
    movie = Movie.read(path)
    factories = {name: opener(alouette, name) for name in EMULATORS}
    table = verify_on(movie, factories, variables_of(alouette))
    assert table.frames == movie.frames > 300
    assert [row.name for row in table.rows] == list(EMULATORS)
    for row in table.rows:
        assert row.status is Status.IN_SYNC, row
        assert row.story.same is True, row
        assert row.story.values == table.reference.story.values != {}
        assert row.hashes is None or row.hashes.first is None, row


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("game", "frames"), [("airstriker", 420), ("space_invaders", 240), ("joypad_pce", 120)]
)
def test_what_is_recorded_on_another_system_still_plays(
    opened: Open, game: str, frames: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    rom: copain.Rom = request.getfixturevalue(game)
    recorder = Recorder(opened(rom))
    for row in random_inputs(recorder.emulator.system, frames, 1)[:, 0]:
        recorder.advance(Joypad.from_bits(int(row)))
    recorder.movie(hashes_every=60).write(tmp_path / "run.bk2")
    movie = Movie.read(tmp_path / "run.bk2")
    assert movie.system is rom.system
    assert movie.frames == frames, "a boot offset against FCEUX was used"
    assert len(movie.hashes) == frames // 60
    assert verify(movie, lambda: opened(rom)).in_sync
    idle = replace(movie, inputs=np.zeros_like(movie.inputs))
    assert not verify(idle, lambda: opened(rom)).in_sync
    if game == "joypad_pce":
        inputs = movie.inputs.copy()
        inputs[5, 1] = Joypad(a=True).bits
        with pytest.raises(MovieError, match="on port 2 and later; mame has 1 here"):
            verify(replace(movie, inputs=inputs), lambda: opened(rom))
