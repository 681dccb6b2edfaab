"""bk2 on real emulators: recorded on every system, and what stable-retro records; boot offsets."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import copain
from copain.backends.cores import find_cores
from copain.cli.targets import find_targets
from copain.cli.verify import open_named
from copain.errors import CopainError, MovieError, SavestateError
from copain.movie import Movie, Recorder, Status, play, record_hashes, verify, verify_on
from copain.movie.playback import boot_offset, play_frames
from copain.testing import random_inputs

BOOT_OFFSETS = {"fceux": 0, "colibri": 0, "libretro:fceumm": 0, "libretro:nestopia": -1, "mame": -1}
"""What each backend says of its boot beside FCEUX's."""

PRESSED = np.array([1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 1, 1], np.uint8)
"""stable-retro's Genesis buttons but for Down and Right, which Up and Left oppose."""


def absent(what: str) -> None:
    (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{what} is not on this machine")


def rom_for(game: str) -> copain.Rom:
    paths = [target.rom for target in find_targets() if target.game == game]
    if not paths:
        absent(f"the game {game}")
    return copain.Rom.read(paths[0])


def opener(rom: copain.Rom, name: str) -> Callable[[], copain.Emulator]:
    try:
        open_named(rom, name).close()
    except CopainError as error:
        absent(f"{name} ({error})")
    return lambda: open_named(rom, name)


@pytest.mark.parametrize(
    ("game", "core"),
    [("alouette", "fceumm"), ("airstriker", "picodrive"), ("space_invaders", "stella")],
)
def test_what_is_recorded_is_read_and_still_plays(game: str, core: str, tmp_path: Path) -> None:
    rom = rom_for(game)
    factory = opener(rom, f"libretro:{core}")
    with Recorder(factory()) as recorder:
        for row in random_inputs(rom.system, 240, 1)[:, 0]:
            recorder.advance(copain.Joypad.from_bits(int(row)))
        movie = recorder.movie()
    with factory() as fresh:  # picodrive's power-on after a play is not its first one
        movie = record_hashes(movie, fresh, 40)
    movie.write(tmp_path / "run.bk2")
    again = Movie.read(tmp_path / "run.bk2")
    assert again == movie
    assert verify(again, factory).in_sync


def test_what_stable_retro_records_plays_frame_for_frame(tmp_path: Path) -> None:
    retro = pytest.importorskip("stable_retro")
    if "genesis_plus_gx" not in {core.name for core in find_cores()}:
        absent("genesis_plus_gx")
    rom = rom_for("airstriker")
    name = next(game for game in retro.data.list_games() if game.startswith("Airstriker"))
    env = retro.make(name, record=str(tmp_path), render_mode=None)
    env.reset()
    random = np.random.default_rng(1)
    expected = [env.get_ram().copy()]
    for _ in range(120):
        env.step(
            random.integers(0, 2, 12).astype(np.uint8) & np.array([1] * 4 + [1, 0] * 2 + [1] * 4)
        )
        expected.append(env.get_ram().copy())
    env.stop_record()
    env.close()
    (path,) = tmp_path.glob("*.bk2")
    movie = Movie.read(path)
    assert (movie.made_by, movie.anchor, movie.frames) == ("stable-retro", "savestate", 121)
    movie.write(tmp_path / "again.bk2")
    assert Movie.read(tmp_path / "again.bk2") == movie
    with copain.open(rom, core="genesis_plus_gx") as machine:
        size = len(machine.ram)
        frames = [
            frame
            for frame, _ in play_frames(movie, machine)
            if (machine.ram.read_all() == expected[frame - 1][:size]).all()
        ]
    assert frames == list(range(1, 122))
    with copain.open(rom, core="picodrive") as other, pytest.raises(SavestateError):
        play(movie, other)


def test_a_savestate_of_bizhawk_is_refused_by_name(alouette: copain.Rom) -> None:
    made_by = "bizhawk:NesHawk 2.9.1"
    movie = Movie(alouette.system, np.zeros((1, 2), int), savestate=b"x", made_by=made_by)
    message = "a savestate that BizHawk wrote, which colibri cannot"
    with (
        copain.open(alouette, emulator="colibri") as colibri,
        pytest.raises(MovieError, match=message),
    ):
        play(movie, colibri)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", list(BOOT_OFFSETS))
def test_a_boot_offset_is_what_it_says(name: str, alouette: copain.Rom) -> None:
    """Beside FCEUX the offset fits; a frame more or less does not."""
    fceux, factory = opener(alouette, "fceux"), opener(alouette, name)
    log = random_inputs(alouette.system, 400, 1)
    movie = Movie(alouette.system, log)
    with factory() as emulator:
        assert boot_offset(emulator) == BOOT_OFFSETS[name]
    assert verify_on(movie, {"fceux": fceux, "other": factory}).status is Status.IN_SYNC

    def shifted(by: int) -> Callable[[], copain.Emulator]:
        def make() -> copain.Emulator:
            emulator = Recorder(factory())
            emulator.boot_offset = BOOT_OFFSETS[name] + by  # type: ignore[attr-defined]
            return emulator

        return make

    for by in (-1, 1):
        found = verify_on(movie, {"fceux": fceux, "other": shifted(by)}).rows[1]
        assert found.status is not Status.IN_SYNC, by
        assert found.comparison is not None
        assert found.comparison.differing > 50
