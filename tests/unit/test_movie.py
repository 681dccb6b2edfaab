"""Movie: a frozen value that cannot hold what cannot be played."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from copain.errors import InputError, MovieError
from copain.joypad import Joypad
from copain.movie import Movie, RomIdentity
from copain.movie.movie import MAX_FRAMES, content_md5s
from copain.rom import Rom
from copain.system import GAME_BOY, GRID, NES


def test_a_movie_is_a_value() -> None:
    inputs = np.zeros((4, 2), np.uint16)
    movie = Movie(NES, inputs, rerecords=2)
    inputs[0] = 1
    assert movie.inputs.tolist() == [[0, 0]] * 4
    with pytest.raises(ValueError, match="read-only"):
        movie.inputs[0] = 1
    with pytest.raises(FrozenInstanceError):
        movie.rerecords = 3  # type: ignore[misc]
    same = Movie(NES, np.zeros(4, int), rerecords=2)
    assert same == movie
    assert hash(same) == hash(movie)
    assert replace(movie, hashes={1: 2}) != movie
    assert replace(movie, commands=np.array([0, 1, 0, 0])) != movie
    assert len(movie) == movie.frames == 4
    assert repr(movie) == "<Movie of an unknown ROM (nes) from power-on, 4 frames, 2 rerecords>"


def test_its_inputs_are_joypads() -> None:
    movie = Movie(NES, np.array([[0, 1], [8, 0]]))
    assert movie.held()[0].joypads == (Joypad(), Joypad(a=True))
    assert movie.held(1, 2)[0].joypads[0] == Joypad(start=True)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="no button x"):
        Movie(NES, np.array([[1 << 8, 0]]))
    with pytest.raises(InputError, match="1 to 1 ports"):
        Movie(GAME_BOY, np.zeros((3, 2), int))
    with pytest.raises(MovieError, match="one a frame"):
        Movie(NES, np.zeros((3, 2), int), np.zeros(2, np.uint8))
    with pytest.raises(MovieError, match="-1 rerecords"):
        Movie(NES, np.zeros((3, 2), int), rerecords=-1)
    with pytest.raises(MovieError, match="after frame 0"):
        Movie(NES, np.zeros((3, 2), int), hashes={0: 1})
    with pytest.raises(MovieError, match=f"{MAX_FRAMES} is the most"):
        Movie(NES, np.zeros((MAX_FRAMES + 1, 2), np.uint16))


def test_endings_that_are_not_known_are_refused_by_name(tmp_path: Path) -> None:
    movie = Movie(GRID, np.zeros((3, 2), int))
    with pytest.raises(MovieError, match=r"'\.vbm' are not known; known are \.fm2 .* and \.bk2"):
        movie.write(tmp_path / "run.vbm")
    with pytest.raises(MovieError, match="'nothing' are not known"):
        Movie.read(tmp_path / "run")
    with pytest.raises(MovieError, match="there is no such movie"):
        Movie.read(tmp_path / "run.fm2")
    with pytest.raises(MovieError, match="of Grid"):
        movie.write(tmp_path / "run.fm2")
    with pytest.raises(MovieError, match="cannot be written"):
        Movie(NES, np.zeros((3, 2), int)).write(tmp_path / "no folder" / "run.fm2")


def ines(program: bytes, picture: bytes, flags: int = 0, trainer: bytes = b"") -> Rom:
    header = b"NES\x1a" + bytes([len(program) // 16384, len(picture) // 8192, flags]) + bytes(9)
    return Rom.from_bytes(header + trainer + program + picture)


def test_a_rom_is_known_by_its_content_as_fceux_counts_it() -> None:
    import hashlib

    program, picture = b"\x12" * 16384 * 3, b"\x34" * 8192
    rom = ines(program, picture, 4, b"\x56" * 512)
    filled = program + b"\xff" * 16384 + picture
    assert content_md5s(rom) == (
        hashlib.md5(filled).hexdigest(),
        hashlib.md5(program + picture).hexdigest(),
    )
    assert RomIdentity.of(rom).is_of(rom)
    assert RomIdentity(md5=hashlib.md5(filled).hexdigest()).is_of(rom)
    assert RomIdentity().is_of(rom)
    other = ines(program, b"\x35" * 8192)
    assert not RomIdentity.of(rom).is_of(other)
    assert not RomIdentity(md5=hashlib.md5(filled).hexdigest()).is_of(other)
