"""bk2: BizHawk's movies, read and written."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from copain.errors import MovieError
from copain.joypad import Joypad
from copain.movie import Movie, RomIdentity, Subtitle
from copain.movie.bk2 import OWN_PATTERN, format_bk2, parse_bk2, sync_settings
from copain.movie.bk2_columns import PLATFORMS
from copain.movie.fm2 import format_fm2, parse_fm2
from copain.movie.movie import Command
from copain.rom import Rom
from copain.system import ATARI2600, GAME_BOY_COLOR, GBA, GENESIS, NES, PC_ENGINE, SNES, System

HEADER = (
    "MovieVersion BizHawk v2.0.0\r\nAuthor ann, bob\r\nemuVersion Version 2.9.1\r\n"
    "OriginalEmuVersion Version 2.8\r\nPlatform NES\r\nGameName A game\r\n"
    "SHA1 AA11AA11AA11AA11AA11AA11AA11AA11AA11AA11\r\nCore NesHawk\r\nrerecordCount 42\r\n\r\n"
)
SETTINGS = (
    '{"o":{"$type":"BizHawk.Emulation.Cores.Nintendo.NES.NES+NESSyncSettings, '
    'BizHawk.Emulation.Cores","BoardProperties":{},"InitialWRamStatePattern":null}}\r\n'
)
LOG = (
    "[Input]\r\n"
    "LogKey:#Reset|Power|#P1 Up|P1 Down|P1 Left|P1 Right|P1 Start|P1 Select|P1 B|P1 A|"
    "#P2 Up|P2 Down|P2 Left|P2 Right|P2 Start|P2 Select|P2 B|P2 A|\r\n"
    "|.P|........|........|\r\n"
    "|..|...R.s..|.D....B.|\r\n"
    "|r.|UDLRSsBA|........|\r\n"
    "|..|..x.....|........|\r\n"
    "[/Input]\r\n"
)


def parts(**changed: str) -> dict[str, str]:
    """The texts of a bk2 of the NES, some of them others."""
    return {
        "BizVersion.txt": "Version 2.9.1\r\n", "Header.txt": HEADER, "Comments.txt": "hi\r\n\r\n",
        "Subtitles.txt": "subtitle 10 5 -6 90 FFAABBCC hello you\r\n\r\n",
        "SyncSettings.json": SETTINGS, "Input Log.txt": LOG,
    } | {name.replace("_", " ") + (".json" if name == "SyncSettings" else ".txt"): text
         for name, text in changed.items()}  # fmt: skip


def packed(texts: Mapping[str, str | bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in texts.items():
            file.writestr(name, text)
    return data.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_a_movie_of_bizhawk_is_read() -> None:
    movie = parse_bk2(packed(parts()))
    assert (movie.system, movie.frames, movie.rerecords, movie.anchor) == (NES, 4, 42, "power-on")
    assert movie.authors == ("ann", "bob")
    assert movie.comments == ("hi",)
    assert movie.subtitles == (Subtitle(10, "hello you"),)
    assert movie.made_by == "bizhawk:NesHawk 2.9.1"
    assert movie.rom == RomIdentity("A game", content_sha1="aa11" * 10)
    assert (movie.region, movie.ram_init) == ("ntsc", 0)
    held = [tuple(str(pad) for pad in frame.joypads) for frame in movie.held()]
    assert held == [
        ("idle", "idle"), ("select+right", "b+down"),
        ("a+b+select+start+up+down+left+right", "idle"), ("left", "idle"),
    ]  # fmt: skip
    assert movie.commands.tolist() == [Command.POWER, 0, Command.SOFT_RESET, 0]
    assert sync_settings(movie)["BoardProperties"] == {}


def test_what_is_read_and_written_again_is_the_same_in_every_part() -> None:
    texts = parts(Unknown="not ours") | {"Branches/x": "y"}
    movie = parse_bk2(packed(texts))
    written = unpacked(format_bk2(movie))
    assert written == {name: text.encode() for name, text in texts.items()}
    assert list(written) == list(texts)
    assert format_bk2(movie) == format_bk2(parse_bk2(format_bk2(movie)))


def test_only_what_changed_is_written_anew() -> None:
    movie = parse_bk2(packed(parts(Unknown="not ours")))
    inputs = movie.inputs.copy()
    inputs[1, 1] = Joypad(a=True).bits
    changed = replace(
        movie, inputs=inputs, rerecords=43, authors=("ann",), hashes={4: 0xAB}, ram_init=1,
        subtitles=(*movie.subtitles, Subtitle(20, "more")), region="pal",
    )  # fmt: skip
    written = unpacked(format_bk2(changed))
    header = HEADER.replace("ann, bob", "ann").replace("rerecordCount 42", "rerecordCount 43")
    assert written["Header.txt"].decode() == header.removesuffix("\r\n") + "PAL 1\r\n"
    assert written["Input Log.txt"].decode() == LOG.replace(".D....B.|", ".......A|")
    assert written["Subtitles.txt"].decode() == (
        "subtitle 10 5 -6 90 FFAABBCC hello you\r\nsubtitle 20 0 0 120 FFFFFFFF more\r\n"
    )
    assert b"hi\r\n" in written["Comments.txt"]
    settings = json.loads(written["SyncSettings.json"])["o"]
    assert settings["InitialWRamStatePattern"] == [255]
    assert settings["BoardProperties"] == {}
    assert written["Unknown.txt"] == b"not ours"
    assert parse_bk2(format_bk2(changed)) == changed


def test_columns_that_are_not_ours_stay_as_they_are() -> None:
    log = (
        "[Input]\n"
        "LogKey:#Tilt X|Light Sensor|Up|Down|Left|Right|Start|Select|B|A|L|R|Power|\n"
        "|    0, -100,U..........|\n"
        "|    0, -100,.......AlrP|\n"
    )
    header = "MovieVersion BizHawk v2.0\nPlatform GBA\nCore mGBA\n"
    movie = parse_bk2(packed({"Header.txt": header, "Input Log.txt": log}))
    assert (movie.system, movie.frames) == (GBA, 2)
    assert [str(frame.joypads[0]) for frame in movie.held()] == ["up", "a+l+r"]
    assert movie.commands.tolist() == [0, Command.POWER]
    inputs = movie.inputs.copy()
    inputs[0] = Joypad(left=True).bits
    written = unpacked(format_bk2(replace(movie, inputs=inputs)))["Input Log.txt"].decode()
    assert written == log.replace("|    0, -100,U..........|", "|    0, -100,..L........|")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"Header": "GameName x\r\n"}, r"Header.txt: the Platform is not said; copain knows NES, "),
        ({"Header": HEADER.replace("NES", "PSX", 1)}, "the Platform is PSX"),
        ({"Header": HEADER.replace("42", "many")}, "line 9: rerecordCount is 'many'"),
        ({"Header": HEADER + "Core QuickNes\r\n"}, "line 11: Core is said twice"),
        ({"Header": HEADER + "StartsFromSaveRam True\r\n"}, "starts from battery RAM"),
        ({"Header": HEADER + "StartsFromSavestate True\r\n"}, "there is no Core.bin"),
        ({"Input_Log": "[Input]\r\n|..|\r\n"}, r"Input Log.txt: there is no LogKey .* line 2"),
        ({"Input_Log": LOG.replace("P2 Up", "P1 Up")}, "line 2: the log key has 'P1 Up' twice"),
        ({"Input_Log": "LogKey:\r\n"}, "line 1: the log key is empty"),
        ({"Input_Log": LOG.replace(".D....B.|", ".D....B|")}, r"line 4: found '\|\.\.\|\.\.\.R"),
        ({"Input_Log": LOG.replace("..x.....|", "..x......|")}, "line 6: found"),
        ({"Input_Log": LOG.replace("|r.|", "\r\n|r.|")}, "line 5: found '' between frames"),
        ({"Input_Log": LOG.replace("P2 Up", "P3 Up").replace("|.D....", "|UD....")},
         "line 4: P3 Up is held, which cannot be played"),
        ({"Input_Log": "LogKey:#P1 X Axis|\r\n|    0,|\r\n|   -1,|\r\n"},
         "line 3: P1 X Axis moves, which cannot be played"),
        ({"Subtitles": "subtitle ten hello\r\n"}, "Subtitles.txt: line 1: found 'subtitle ten"),
        ({"SyncSettings": "{"}, "SyncSettings.json: this is not JSON"),
        ({"Comments": "x\ncopain-ram-hash-of 0000-07ff without 0100-01ff, copain.rollout.ram_hash"
                      "\ncopain-ram-hash 1 2\n"}, "Comments.txt: line 3: found '1 2'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(changed: Mapping[str, str], message: str) -> None:
    with pytest.raises(MovieError, match=f"^run.bk2: .*{message}"):
        parse_bk2(packed(parts(**changed)), "run.bk2")


def test_a_zip_that_is_none_or_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    good = packed(parts())
    for bad in (b"", b"PK", good[: len(good) // 2], good.replace(b"PK\x03\x04", b"PK\x03\x05")):
        with pytest.raises(MovieError, match="not a bk2 movie"):
            parse_bk2(bad)
    with pytest.raises(MovieError, match=r"the zip has no 'Header.txt' but 'x'"):
        parse_bk2(packed({"x": "y"}))
    twice = io.BytesIO(good)
    with zipfile.ZipFile(twice, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("Header.txt", HEADER)
    with pytest.raises(MovieError, match=r"'Header\.txt' is there twice"):
        parse_bk2(twice.getvalue())
    bomb = packed({**parts(), "Greenzone": bytes(3_000_000)})
    assert len(bomb) < 10_000
    parse_bk2(bomb)
    monkeypatch.setattr("copain.movie.bk2.MAX_SIZE", 1_000_000)
    with pytest.raises(MovieError, match="the parts hold more than 1000000 bytes"):
        parse_bk2(bomb)
    monkeypatch.setattr("copain.movie.bk2.MAX_PARTS", 3)
    with pytest.raises(MovieError, match="6 parts; a bk2 has at most 3"):
        parse_bk2(good)


@pytest.mark.parametrize("system", [platform.system for platform in PLATFORMS], ids=str)
def test_every_system_is_written_and_read(system: System, seed: int) -> None:
    random = np.random.default_rng(seed)
    inputs = random.integers(0, 1 << 14, (50, system.ports)).astype(np.uint16)
    inputs &= system.button_bits
    if system is ATARI2600:  # the console has one Reset and one Select
        inputs[:, 1] &= system.button_bits ^ Joypad(start=True, select=True).bits
    movie = Movie(
        system, inputs, (np.arange(50) % 9 == 0) * np.uint8(Command.POWER),
        rom=RomIdentity("game", "ab" * 16, "cd" * 20), rerecords=7, authors=("ann",),
        comments=("one", "two"), subtitles=(Subtitle(1, "x"),), hashes={50: 12},
        made_by="libretro:a core 1",
    )  # fmt: skip
    again = parse_bk2(format_bk2(movie))
    assert again == movie
    assert again.inputs.any()
    # What no button means is seen: one character changed in the log changes the movie.
    texts = unpacked(format_bk2(movie))
    line = texts["Input Log.txt"].splitlines()[2]
    for at, character in enumerate(line):
        if character not in b"|" and (system is not ATARI2600 or at not in (4, 5)):
            other = line[:at] + (b"." if character != ord(".") else b"x") + line[at + 1 :]
            changed = texts | {"Input Log.txt": texts["Input Log.txt"].replace(line, other)}
            assert parse_bk2(packed(changed)) != movie


def test_the_buttons_have_the_names_that_bizhawk_gives_them() -> None:
    def key(system: System, held: Joypad) -> list[str]:
        inputs = np.full((1, 1), held.bits)
        log = unpacked(format_bk2(Movie(system, inputs)))["Input Log.txt"].decode()
        return log.splitlines()[1:3]

    assert key(NES, Joypad(a=True, start=True)) == [
        LOG.splitlines()[1], "|..|....S..A|........|"
    ]  # fmt: skip
    assert key(SNES, Joypad(y=True, l=True))[1] == "|..|......Y...l.|............|"
    assert key(GENESIS, Joypad(c=True))[1] == "|..|......C.|........|"
    six = key(GENESIS, Joypad(select=True, z=True))
    assert six[1] == "|..|..........ZM|............|"
    assert "P1 X|P1 Y|P1 Z|P1 Mode|" in six[0]
    assert key(ATARI2600, Joypad(start=True, a=True)) == [
        "LogKey:#Reset|Select|Power|Toggle Left Difficulty|Toggle Right Difficulty|"
        "#P1 Up|P1 Down|P1 Left|P1 Right|P1 Button|#P2 Up|P2 Down|P2 Left|P2 Right|P2 Button|",
        "|r....|....B|.....|",
    ]
    assert key(GAME_BOY_COLOR, Joypad(b=True)) == [
        "LogKey:#Up|Down|Left|Right|Start|Select|B|A|Power|", "|......B..|"
    ]  # fmt: skip
    assert key(PC_ENGINE, Joypad(start=True, a=True))[1] == "|.....R.1|........|"


def test_what_bk2_cannot_say_is_refused() -> None:
    from copain.system import GRID

    with pytest.raises(MovieError, match=r"bk2 holds movies of .*; this one is of Grid"):
        format_bk2(Movie(GRID, np.zeros((1, 2), int)))
    start = Joypad(start=True).bits
    with pytest.raises(MovieError, match=r"cannot say frame 0 .* buttons 0x0, 0x8"):
        format_bk2(Movie(ATARI2600, np.array([[0, start]])))
    with pytest.raises(MovieError, match="cannot say frame 1 of this movie: command 4"):
        format_bk2(Movie(NES, np.zeros((2, 2), int), np.array([0, 4], np.uint8)))
    with pytest.raises(MovieError, match="cannot say power-on RAM 3"):
        format_bk2(Movie(NES, np.zeros((2, 2), int), ram_init=3))


@pytest.mark.parametrize(
    ("pattern", "ram_init"),
    [([], 0), ([255], 1), ([0, 0], 2), ([0] * 4 + [255] * 4, 0), ([1, 2], OWN_PATTERN),
     ("/w==", 1), ("!", OWN_PATTERN), ({"a": 1}, OWN_PATTERN)],
)  # fmt: skip
def test_power_on_ram_is_said_in_fceux_numbers(pattern: object, ram_init: int) -> None:
    settings = json.dumps({"o": {"InitialWRamStatePattern": pattern}})
    assert parse_bk2(packed(parts(SyncSettings=settings))).ram_init == ram_init


def test_a_movie_goes_through_both_formats(tmp_path: Path) -> None:
    movie = parse_bk2(packed(parts()))
    there = parse_fm2(format_fm2(movie))
    back = parse_bk2(format_bk2(there))
    assert (back.inputs == movie.inputs).all()
    assert back.commands.tolist() == movie.commands.tolist()
    assert (back.rerecords, back.authors, back.made_by) == (42, movie.authors, movie.made_by)
    back.write(tmp_path / "run.bk2")
    assert Movie.read(tmp_path / "run.bk2") == back
    assert not list(tmp_path.glob("*.partial"))


def test_a_savestate_is_kept_with_the_movie() -> None:
    movie = Movie(SNES, np.zeros((2, 2), int), savestate=b"moment")
    written = unpacked(format_bk2(movie))
    assert written["Core.bin"] == b"moment"
    assert b"StartsFromSavestate True\r\n" in written["Header.txt"]
    assert parse_bk2(format_bk2(movie)) == movie
    without = replace(parse_bk2(format_bk2(movie)), savestate=None)
    assert "Core.bin" not in unpacked(format_bk2(without))
    assert parse_bk2(format_bk2(without)).anchor == "power-on"


def test_a_rom_is_known_without_its_header() -> None:
    import hashlib

    content = b"\x12" * 16384 + b"\x34" * 8192
    rom = Rom.from_bytes(b"NES\x1a\x01\x01" + bytes(10) + content)
    assert RomIdentity(content_sha1=hashlib.sha1(content).hexdigest()).is_of(rom)
    assert not RomIdentity(content_sha1="00" * 20).is_of(rom)
    copied = Rom.from_bytes(bytes(512) + b"\x01" * 2048, system=SNES)
    assert RomIdentity(content_sha1=hashlib.sha1(b"\x01" * 2048).hexdigest()).is_of(copied)
