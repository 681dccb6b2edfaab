"""ROMs: what they are told by, and what is refused. No real game is needed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copain import Rom, RomError
from copain.rom import MAX_ROM_SIZE, as_rom
from copain.system import GAME_BOY, GAME_BOY_COLOR, NES, SYSTEMS


def ines(program: int = 1, picture: int = 1, flags6: int = 0, size: int | None = None) -> bytes:
    header = b"NES\x1a" + bytes([program, picture, flags6]) + bytes(9)
    body = bytes((512 if flags6 & 4 else 0) + program * 16384 + picture * 8192)
    return (header + body)[:size]


def game_boy(colour: int = 0) -> bytes:
    rom = bytearray(0x8000)
    rom[0x104:0x108] = b"\xce\xed\x66\x66"
    rom[0x143] = colour
    return bytes(rom)


def sega() -> bytes:
    return bytes(0x100) + b"SEGA MEGA DRIVE " + bytes(0x400)


@pytest.mark.parametrize(
    ("data", "system"),
    [
        (ines(), "nes"), (ines(picture=0), "nes"), (ines(flags6=4), "nes"),
        (b"UNIF" + bytes(40), "nes"), (game_boy(), "gb"), (game_boy(0x80), "gbc"),
        (game_boy(0xC0), "gbc"), (sega(), "genesis"), (b"copain grid 1\nSG\n", "grid"),
    ],
)  # fmt: skip
def test_the_content_tells_the_system(data: bytes, system: str) -> None:
    rom = Rom.from_bytes(data)
    assert rom.system.name == system
    assert rom.data == data
    assert rom.sha1 == hashlib.sha1(data).hexdigest()
    assert rom.md5 == hashlib.md5(data).hexdigest()
    assert rom.path is None
    assert rom.name == rom.sha1[:12]


@pytest.mark.parametrize(
    "ending", [ending for system in SYSTEMS if system is not NES for ending in system.extensions]
)
def test_the_ending_tells_the_system_where_the_content_does_not(
    tmp_path: Path, ending: str
) -> None:
    path = tmp_path / f"Some Game.{ending.upper()}"
    path.write_bytes(bytes(4096))
    rom = Rom.read(path)
    assert ending in rom.system.extensions
    assert rom.name == "Some Game"
    assert rom.path == path


def test_the_content_is_believed_before_the_ending(tmp_path: Path) -> None:
    path = tmp_path / "game.gb"
    path.write_bytes(ines())
    assert Rom.read(path).system is NES


def test_a_cartridge_for_both_game_boys_plays_as_either() -> None:
    assert Rom.from_bytes(game_boy(0x80), system="gb").system is GAME_BOY
    assert Rom.from_bytes(game_boy(0x80), system="gbc").system is GAME_BOY_COLOR
    with pytest.raises(RomError, match="this is a gbc ROM, gb was asked for"):
        Rom.from_bytes(game_boy(0xC0), system="gb")


def test_one_may_say_the_system_of_bytes_that_do_not() -> None:
    assert Rom.from_bytes(bytes(4096), system="a2600").system.name == "a2600"
    with pytest.raises(RomError, match="this is a nes ROM, snes was asked for"):
        Rom.from_bytes(ines(), system="snes")
    with pytest.raises(RomError, match="no system is called 'n64'"):
        Rom.from_bytes(ines(), system="n64")
    with pytest.raises(RomError, match=r"not an NES ROM: it begins with b'\\x00"):
        Rom.from_bytes(bytes(100), system=NES)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"hello, I am a text", "neither the content nor the ending tells.*nes.*or say system="),
        (b"NES\x1a", "the iNES header has 16 bytes, the file only 4"),
        (ines(size=15), "the file only 15"),
        (ines(program=0, picture=0), "the ROM has no program"),
        (ines(program=2, size=16 + 16384), "cut short: its header says 40976 bytes, it has 16400"),
        (ines(size=-1), "cut short"),
        (ines(flags6=4, size=16 + 16384 + 8192), "cut short: its header says 25104 bytes"),
    ],
)
def test_what_is_no_whole_rom_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(RomError, match=message) as refusal:
        Rom.from_bytes(data)
    assert str(refusal.value).startswith("Rom.from_bytes: ")


def test_nes_2_sizes() -> None:
    header = bytearray(b"NES\x1a" + bytes(12))
    header[7], header[4], header[9] = 0x08, 14 << 2 | 0, 0x0F  # 2^14 bytes of program
    rom = Rom.from_bytes(bytes(header) + bytes(1 << 14))
    assert rom.system is NES
    with pytest.raises(RomError, match="cut short: its header says 16400 bytes, it has 16399"):
        Rom.from_bytes(bytes(header) + bytes((1 << 14) - 1))


def test_an_nes_file_without_its_signature_says_so(tmp_path: Path) -> None:
    path = tmp_path / "game.nes"
    path.write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(RomError, match=r"game\.nes.*not an NES ROM: it begins with b'PK"):
        Rom.read(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "none.nes", "there is no such file"),
        (tmp_path, "this is a directory"),
        (Path("/dev/zero"), "this is a device or a pipe"),
        ("~nobody-here/x.nes", "cannot be read"),
        ("a\0b.nes", "cannot be read"),
        ("x" * 5000, "cannot be read"),
        (tmp_path / "none.nes" / "x.nes", "there is no such file"),
    ):
        with pytest.raises(RomError, match=message) as refusal:
            Rom.read(path)
        assert str(refusal.value).startswith("Rom.read(")


def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.nes"
    os.mkfifo(pipe)
    with pytest.raises(RomError, match="a device or a pipe"):
        Rom.read(pipe)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.nes"
    with path.open("wb") as file:
        file.truncate(MAX_ROM_SIZE + 1)  # sparse: takes no room
    with pytest.raises(RomError, match=f"{MAX_ROM_SIZE + 1} bytes; a ROM has at most"):
        Rom.read(path)


def test_a_path_or_a_rom_is_a_rom(tmp_path: Path) -> None:
    path = tmp_path / "game.nes"
    path.write_bytes(ines())
    rom = as_rom(str(path))
    assert rom.data == as_rom(path).data
    assert as_rom(rom) is rom


signatures = st.sampled_from(
    [b"", b"NES\x1a", b"UNIF", b"FDS\x1a", b"copain grid ", game_boy()[:0x130], sega()[:0x104]]
)
endings = st.sampled_from(["nes", "gb", "bin", "sfc", "grid", "", "xyz"])


@given(signatures, st.binary(max_size=600), endings, st.none() | st.sampled_from(SYSTEMS))
def test_any_bytes_are_a_rom_or_a_rom_error(
    begin: bytes, rest: bytes, ending: str, system: object
) -> None:
    path = Path(f"game.{ending}") if ending else None
    try:
        rom = Rom.from_bytes(begin + rest, system=system, path=path)  # type: ignore[arg-type]
    except RomError:
        return
    assert rom.data == begin + rest
    assert system in (None, rom.system)


@pytest.mark.parametrize("given", [None, 3, b"bytes"])
def test_what_is_neither_a_rom_nor_a_path_is_refused(given: object) -> None:
    with pytest.raises(RomError, match="a Rom or the path of one is needed"):
        as_rom(given)  # type: ignore[arg-type]
