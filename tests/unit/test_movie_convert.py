"""convert: the same inputs in another format, with all that it depends on said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from copain.errors import MovieError
from copain.joypad import Joypad
from copain.movie import Command, Movie, RomIdentity, Subtitle, convert
from copain.movie.bk2 import OWN_PATTERN, format_bk2, parse_bk2
from copain.movie.fm2 import format_fm2, parse_fm2
from copain.savestate import MAGIC
from copain.system import NES, SNES


@pytest.fixture
def movie() -> Movie:
    inputs = np.array([[0, 0], [Joypad(a=True).bits, Joypad(left=True).bits], [0, 0]])
    return Movie(
        NES, inputs, np.array([0, Command.SOFT_RESET, Command.POWER], np.uint8),
        rom=RomIdentity("game", "ab" * 16, "cd" * 20), rerecords=5, authors=("ann",),
        comments=("a word",), subtitles=(Subtitle(1, "hi"),), hashes={3: 7},
        made_by="libretro:fceumm 1", ram_init=1,
    )  # fmt: skip


def test_there_and_back_nothing_is_lost(movie: Movie) -> None:
    fm2 = parse_fm2(format_fm2(movie))
    there = convert(fm2, "bk2")
    assert there.movie == movie
    assert [lost.partition(" ")[0] for lost in there.lost] == ["FCEUX's"]  # its guid
    settings = {one.name: one.value for one in there.settings}
    assert settings["InitialWRamStatePattern"] == "[255] (FCEUX's RAMInitOption 1 (all FF))"
    assert [one.name for one in there.settings if not one.said] == ["boot"]
    back = convert(there.movie, "fm2")
    assert (back.movie, back.lost[-1]) == (
        movie, "the subtitles' places, durations and colours"
    )  # fmt: skip
    assert ("RAMInitOption", "1 (all FF)") in [(one.name, one.value) for one in back.settings]
    assert convert(fm2, "fm2").lost == ()
    assert format_fm2(convert(fm2, "fm2").movie) == format_fm2(fm2)


def test_what_is_lost_is_named(movie: Movie) -> None:
    header = format_fm2(movie).replace(b"NewPPU 0", b"NewPPU 1")
    lost = convert(parse_fm2(header), "bk2").lost
    assert "FCEUX's NewPPU 1" in lost
    known = replace(movie, rom=RomIdentity("game", content_sha1="ef" * 20), subtitles=())
    bk2 = parse_bk2(format_bk2(known))
    lost = convert(bk2, "fm2").lost
    assert any("the core's setting Controls: {'NesLeftPort'" in one for one in lost)
    assert any(one.startswith("the ROM: ") and "ef" * 20 in one for one in lost)


def test_what_the_format_cannot_hold_is_refused(movie: Movie) -> None:
    with pytest.raises(MovieError, match="fm2 holds movies of the NES"):
        convert(Movie(SNES, np.zeros((1, 2), int)), "fm2")
    with pytest.raises(MovieError, match="power-on RAM of its own"):
        convert(replace(movie, ram_init=OWN_PATTERN), "fm2")
    with pytest.raises(MovieError, match="cannot say frame 1 of this movie: command 4"):
        convert(replace(movie, commands=np.array([0, 4, 0], np.uint8)), "bk2")
    with pytest.raises(MovieError, match=r"a savestate of fceux 2\.6\.5, which no emulator of bk2"):
        convert(replace(movie, savestate=b"FCSX", made_by="fceux 2.6.5"), "bk2")
    ours = convert(replace(movie, savestate=MAGIC + b"x"), "bk2")
    assert "only the emulator that made it loads it" in ours.lost[-1]


def test_other_systems_say_that_the_cores_defaults_are_meant() -> None:
    done = convert(Movie(SNES, np.zeros((1, 2), int)), "bk2")
    assert [(one.name, one.said) for one in done.settings] == [
        ("PAL", False), ("the core's own sync settings", False)
    ]  # fmt: skip
