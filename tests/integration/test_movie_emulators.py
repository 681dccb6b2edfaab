"""Movies across emulators: fceumm, nestopia and FCEUX itself tell the same story."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import copain
from copain.emulator import Emulator, HasSoftReset
from copain.errors import MovieError, SavestateError
from copain.games import variables_of
from copain.joypad import Button
from copain.movie import Movie, Recorder, play, verify
from copain.movie.playback import play_frames, ram_mask
from copain.system import NES
from copain.testing import check_emulator

FRAMES = 600

# FCEUX plays a movie and writes its RAM after each frame, or records one; the first
# frameadvance of a script emulates nothing.
PLAY = """
emu.speedmode("maximum")
emu.frameadvance()
movie.play(os.getenv("COPAIN_MOVIE"), true)
local out = io.open(os.getenv("COPAIN_RAM"), "wb")
for i = 1, tonumber(os.getenv("COPAIN_FRAMES")) do
  emu.frameadvance()
  out:write(memory.readbyterange(0, 0x800))
end
out:close()
os.exit(0)
"""
RECORD = """
emu.speedmode("maximum")
emu.frameadvance()
movie.record(os.getenv("COPAIN_MOVIE"), 0, "copain")
local out = io.open(os.getenv("COPAIN_RAM"), "wb")
for i = 1, tonumber(os.getenv("COPAIN_FRAMES")) do
  if i == 300 then emu.softreset() end
  joypad.set(1, {start = i % 100 > 60 and i % 100 < 64, A = i % 6 < 3, right = i % 40 < 20,
                 up = i % 32 < 8, down = i % 45 > 35})
  joypad.set(2, {B = i % 11 == 0, left = i % 13 == 0})
  emu.frameadvance()
  out:write(memory.readbyterange(0, 0x800))
end
out:close()
movie.stop()
os.exit(0)
"""

Fceux = Callable[[str, copain.Rom, Path], npt.NDArray[np.uint8]]
Opener = Callable[[str], Callable[[], Emulator]]


@pytest.fixture
def fceux(tmp_path: Path) -> Fceux:
    """Runs a script in FCEUX on a movie; gives the RAM it wrote, ``uint8 (frames, 2048)``."""
    program = shutil.which("fceux") or shutil.which("fceux", path="/usr/games")
    if program is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing("FCEUX is not on this machine: apt install fceux")

    def run(script: str, rom: copain.Rom, movie: Path) -> npt.NDArray[np.uint8]:
        lua, ram = tmp_path / "script.lua", tmp_path / "ram"
        lua.write_text(script, encoding="utf-8")
        settings = {
            "QT_QPA_PLATFORM": "offscreen", "SDL_NO_SIGNAL_HANDLERS": "1",
            "FCEUX_CONFIG_DIR": str(tmp_path / "config"), "COPAIN_MOVIE": str(movie),
            "COPAIN_RAM": str(ram), "COPAIN_FRAMES": str(FRAMES),
        }  # fmt: skip
        subprocess.run(
            [program, "--sound", "0", "--videoDriver", "1", "--loadlua", str(lua), str(rom.path)],
            env=os.environ | settings, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return np.fromfile(ram, np.uint8).reshape(-1, 0x800)

    return run


@pytest.fixture
def opener(alouette: copain.Rom) -> Opener:
    """Alouette on a core: ``opener("fceumm")()``."""
    return lambda core: lambda: copain.open(alouette, core=core)


def played(factory: Callable[[], Emulator], seed: int, hashes_every: int | None = 60) -> Movie:
    """Ten seconds of Alouette played at random, from power-on through the title."""
    rng = random.Random(seed)
    with Recorder(factory()) as recorder:
        recorder.advance(frames=40)
        recorder.advance(copain.Joypad(start=True), frames=4)
        while recorder.position < FRAMES:
            direction = rng.choice([0, Button.UP, Button.DOWN, Button.LEFT, Button.RIGHT])
            buttons = rng.choice([0, Button.A, Button.B, Button.A | Button.B])
            left = FRAMES - recorder.position
            recorder.advance(
                copain.Joypad.from_bits(direction | buttons), frames=min(left, rng.randint(1, 12))
            )
        return recorder.movie(hashes_every=hashes_every)


def compare(movie: Movie, emulator: Emulator, expected: npt.NDArray[np.uint8]) -> int:
    """Assert the same RAM outside the stack page after every frame; how many were compared."""
    assert len(expected) == movie.frames
    mask = ram_mask(NES, 0x800)
    compared = 0
    for frame, emulated in play_frames(movie, emulator):
        if emulated:
            unequal = np.flatnonzero((emulator.ram.read_all() ^ expected[frame - 1]) & mask)
            assert not len(unequal), f"frame {frame}: {[hex(at) for at in unequal[:8]]}"
            compared += 1
    return compared


@pytest.mark.parametrize("made_on", ["fceumm", "nestopia"])
def test_a_movie_holds_on_both_cores(
    opener: Opener, fceumm: str, nestopia: str, alouette: copain.Rom, made_on: str, seed: int
) -> None:
    movie = played(opener(made_on), seed)
    assert movie.frames == (FRAMES if made_on == fceumm else FRAMES + 1)
    verdict = verify(movie, opener(fceumm), opener(nestopia), variables_of(alouette))
    assert verdict.in_sync, verdict
    assert [found.compared for found in verdict.comparisons][-1] == movie.frames - 1


def test_what_copain_writes_fceux_plays(
    opener: Opener, fceumm: str, nestopia: str, fceux: Fceux, alouette: copain.Rom,
    tmp_path: Path, seed: int,
) -> None:  # fmt: skip
    movie = played(opener(fceumm), seed)
    movie.write(tmp_path / "run.fm2")
    ram = fceux(PLAY, alouette, tmp_path / "run.fm2")
    for core, lines in ((fceumm, FRAMES), (nestopia, FRAMES - 1)):
        with opener(core)() as emulator:
            assert compare(movie, emulator, ram) == lines


def test_what_fceux_records_copain_plays(
    opener: Opener, fceumm: str, fceux: Fceux, alouette: copain.Rom, tmp_path: Path
) -> None:
    path = tmp_path / "fceux.fm2"
    ram = fceux(RECORD, alouette, path)
    movie = Movie.read(path)
    assert movie.rom.is_of(alouette)
    assert movie.made_by.startswith("fceux ")
    assert np.flatnonzero(movie.commands).tolist() == [299]
    with opener(fceumm)() as emulator:
        assert compare(movie, emulator, ram) == FRAMES
    movie.write(tmp_path / "again.fm2")
    assert (tmp_path / "again.fm2").read_bytes() == path.read_bytes()


def test_the_first_desync_is_found_to_the_frame(
    opener: Opener, fceumm: str, alouette: copain.Rom
) -> None:
    movie = played(opener(fceumm), 4)  # the lark lives at frame 400, so that Start pauses
    inputs = movie.inputs.copy()
    inputs[400, 0] ^= Button.START  # the pause: what follows is another story
    other = replace(movie, inputs=inputs)
    alone = verify(other, opener(fceumm))
    assert not alone.in_sync
    assert 400 < (alone.first or 0) <= 480

    class Deaf:
        """Plays the first movie's input in that one frame."""

        def __init__(self) -> None:
            self.emulator = opener(fceumm)()

        def __getattr__(self, name: str) -> object:
            return getattr(self.emulator, name)

        def __enter__(self) -> Deaf:
            return self

        def __exit__(self, *_: object) -> None:
            self.emulator.close()

        def advance(self, held: object) -> None:
            first = movie.held(400, 401)[0]
            self.emulator.advance(first if self.emulator.frame == 400 else held)  # type: ignore[arg-type]

    variables = variables_of(alouette)
    verdict = verify(other, opener(fceumm), Deaf, variables)  # type: ignore[arg-type]
    assert verdict.comparisons[-1].first == 401
    assert verdict.comparisons[-1].since == 400
    assert any(found.name in variables for found in verdict.comparisons[-1].differences)
    assert not verdict.comparisons[0].in_sync
    assert verdict.comparisons[1].in_sync


def test_soft_reset_is_recorded_and_played(opener: Opener, nes_core: str) -> None:
    with Recorder(opener(nes_core)()) as recorder:
        assert isinstance(recorder, HasSoftReset)
        recorder.advance(copain.Joypad(start=True), frames=50)
        recorder.soft_reset()
        recorder.advance(frames=30)
        movie = recorder.movie(hashes_every=10)
    assert verify(movie, opener(nes_core)).in_sync


def test_a_movie_from_a_savestate_belongs_to_its_core(
    opener: Opener, fceumm: str, nestopia: str
) -> None:
    with opener(fceumm)() as emulator:
        emulator.advance(frames=100)
        recorder = Recorder(emulator)
        recorder.advance(copain.Joypad(start=True), frames=60)
        movie = recorder.movie(hashes_every=20)
    assert verify(movie, opener(fceumm)).in_sync
    with opener(nestopia)() as other, pytest.raises(SavestateError, match="another emulator"):
        play(movie, other)


def test_the_recorder_passes_the_conformance_suite(opener: Opener, fceumm: str) -> None:
    report = check_emulator(lambda: Recorder(opener(fceumm)()), frames=120, seeds=(1,))
    assert report.exact, str(report)


def test_a_movie_of_another_rom_is_refused(
    opener: Opener, fceumm: str, efp: copain.Rom, seed: int
) -> None:
    movie = played(opener(fceumm), seed, hashes_every=None)
    with copain.open(efp, core=fceumm) as emulator:
        with pytest.raises(MovieError, match="another ROM than efp"):
            play(movie, emulator)
        play(movie, emulator, strict=False)
