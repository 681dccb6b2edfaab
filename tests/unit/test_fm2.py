"""fm2: what FCEUX writes is read, and written again to the byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from copain.errors import MovieError
from copain.movie import Command, Movie, RomIdentity, Subtitle
from copain.movie.fm2 import format_fm2, parse_fm2
from copain.system import GENESIS, NES

GOLDEN = Path(__file__).parents[1] / "golden"
TWO_PLAYERS = (GOLDEN / "fceux-two-players.fm2").read_bytes()
SAVESTATE = (GOLDEN / "fceux-savestate.fm2").read_bytes()

OLD = (
    b"version 3\r\nemuVersion 9816\r\nrerecordCount 31\r\npalFlag 0\r\n"
    b"romFilename Some Game (U) [!]\r\nromChecksum base64:jjYwGG411HcjG/j9UOVM3Q==\r\n"
    b"guid 01234567-89AB-CDEF-0123-456789ABCDEF\r\nfourscore 0\r\nport0 1\r\nport1 0\r\nport2 0\r\n"
    b"comment author An\xc3\xafs\r\ncomment not utf-8: \xff\r\nunknownKey of another version\r\n"
    b"subtitle 120 hello\r\ncomment last\r\n"
    b"|0|........|||\r\n|0|R      A|||\r\n|1|RLDUTSBA|||\r\n|0|xxxx....|||\r\n"
)


def lines_changed(before: bytes, after: bytes) -> tuple[list[bytes], list[bytes]]:
    """The lines gone, and the lines that came."""
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TWO_PLAYERS, id="fceux"),
        pytest.param(SAVESTATE, id="fceux, from a savestate"),
        pytest.param(TWO_PLAYERS.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(TWO_PLAYERS.replace(b".", b" "), id="spaces for released"),
        pytest.param(TWO_PLAYERS.rstrip(b"\n"), id="no line end at the end"),
        pytest.param(TWO_PLAYERS + b"\n\n", id="empty lines at the end"),
        pytest.param(OLD, id="old, odd spelling, not UTF-8"),
        pytest.param(OLD.replace(b"\r\n|0|R", b"\n|0|R"), id="mixed line ends"),
        pytest.param(TWO_PLAYERS[: TWO_PLAYERS.index(b"|")], id="no frames"),
        pytest.param(TWO_PLAYERS[: TWO_PLAYERS.index(b"|") - 1], id="cut in the header"),
        pytest.param(b"version 3\n", id="only the version"),
    ],
)
def test_what_was_read_is_written_to_the_byte(data: bytes) -> None:
    assert format_fm2(parse_fm2(data)) == data


def test_a_file_is_read_and_written_to_the_byte(tmp_path: Path) -> None:
    Movie.read(GOLDEN / "fceux-two-players.fm2").write(tmp_path / "again.fm2")
    assert (tmp_path / "again.fm2").read_bytes() == TWO_PLAYERS
    assert [path.name for path in tmp_path.iterdir()] == ["again.fm2"]


def test_what_fceux_wrote_is_understood() -> None:
    movie = parse_fm2(TWO_PLAYERS)
    assert movie.system is NES
    assert movie.frames == 240
    assert movie.anchor == "power-on"
    assert movie.authors == ("copain",)
    assert movie.made_by == "fceux 2.6.5"
    assert movie.rom.name == "alouette"
    assert len(bytes.fromhex(movie.rom.md5)) == 16
    assert movie.region == "ntsc"
    # The script that FCEUX ran: start in frames 61 to 63, A in the first half of each six frames,
    # on port 2 B every 11 frames; a soft reset before frame 150, the power before frame 200.
    frame = np.arange(1, 241)
    assert np.array_equal(movie.inputs[:, 0] & 8 != 0, (frame > 60) & (frame < 64))
    assert np.array_equal(movie.inputs[:, 0] & 1 != 0, frame % 6 < 3)
    assert np.array_equal(movie.inputs[:, 1] & 2 != 0, frame % 11 == 0)
    assert {int(at) + 1: Command(int(movie.commands[at])) for at in np.flatnonzero(movie.commands)}\
        == {150: Command.SOFT_RESET, 200: Command.POWER}  # fmt: skip


def test_an_old_file_is_understood() -> None:
    movie = parse_fm2(OLD)
    assert movie.inputs.tolist() == [[0, 0], [0x81, 0], [0xFF, 0], [0xF0, 0]]
    assert movie.commands.tolist() == [0, 0, 1, 0]
    assert movie.rerecords == 31
    assert movie.authors == ("Anïs",)
    assert movie.comments[-1] == "last"
    assert movie.subtitles == (Subtitle(120, "hello"),)


def test_a_savestate_is_the_anchor() -> None:
    movie = parse_fm2(SAVESTATE)
    assert movie.anchor == "savestate"
    assert movie.savestate is not None
    assert movie.savestate.startswith(b"FCSX")


def test_only_what_was_changed_changes_in_the_file() -> None:
    movie = parse_fm2(TWO_PLAYERS)
    changed = replace(movie, rerecords=7, comments=("hello",), hashes={60: 0xABC})
    gone, came = lines_changed(TWO_PLAYERS, format_fm2(changed))
    assert gone == [b"rerecordCount 0"]
    assert came == [
        b"rerecordCount 7", b"comment hello",
        b"comment copain-ram-hash-of 0000-07ff without 0100-01ff, copain.rollout.ram_hash",
        b"comment copain-ram-hash 60 0000000000000abc",
    ]  # fmt: skip
    assert parse_fm2(format_fm2(changed)) == changed


def test_a_changed_header_says_the_power_on_ram() -> None:
    movie = parse_fm2(OLD)
    gone, came = lines_changed(OLD, format_fm2(replace(movie, rerecords=32)))
    assert gone == [b"rerecordCount 31"]
    assert came == [b"rerecordCount 32", b"RAMInitOption 0"]


def test_what_is_taken_away_goes() -> None:
    movie = replace(parse_fm2(OLD), comments=(), subtitles=())
    gone, _ = lines_changed(OLD, format_fm2(movie))
    assert gone == [b"comment not utf-8: \xff", b"subtitle 120 hello", b"comment last"]
    hashes = replace(parse_fm2(TWO_PLAYERS), hashes={1: 1, 2: 2})
    again = parse_fm2(format_fm2(hashes))
    assert format_fm2(replace(again, hashes={})) == TWO_PLAYERS


def test_oddly_spelled_lines_stay_where_inputs_stay() -> None:
    movie = parse_fm2(OLD)
    inputs = movie.inputs.copy()
    inputs[2] = (0x01, 0)
    changed = format_fm2(replace(movie, inputs=inputs))
    assert lines_changed(OLD, changed) == ([b"|1|RLDUTSBA|||"], [b"|1|.......A|||"])


def test_new_lines_are_spelled_as_the_others() -> None:
    data = TWO_PLAYERS.replace(b".", b" ").replace(b"\n", b"\r\n")
    movie = parse_fm2(data)
    inputs = movie.inputs.copy()
    inputs[239] = (0x80, 1)
    assert format_fm2(replace(movie, inputs=inputs)).endswith(b"|0|R       |       A||\r\n")


def test_the_second_joypad_appears_when_it_is_used() -> None:
    movie = parse_fm2(OLD)
    changed = format_fm2(replace(movie, inputs=np.add(movie.inputs, [0, 1])))
    assert b"port1 1\r\n" in changed
    assert b"|0|R......A|.......A||\r\n" in changed
    assert parse_fm2(changed).inputs.tolist() == [[0, 1], [0x81, 1], [0xFF, 1], [0xF0, 1]]


def test_a_new_file_is_as_fceux_would_write_it() -> None:
    movie = Movie(
        NES,
        np.array([[0x81, 0], [0, 0x40]]),
        np.array([0, 1]),
        rom=RomIdentity("game", "8e363018 6e35d477 231bf8fd 50e54cdd".replace(" ", ""), "ab" * 20),
        rerecords=3,
        authors=("me",),
        comments=("for fun",),
        subtitles=(Subtitle(1, "go"),),
        hashes={2: 5},
        made_by="libretro:fceumm 1.0",
    )
    data = format_fm2(movie)
    keys = [line.split(b" ")[0] for line in data.splitlines()]
    fceux = [line.split(b" ")[0] for line in TWO_PLAYERS.splitlines()]
    assert keys[:16] == fceux[:16]
    assert data.endswith(
        b"RAMInitOption 0\nRAMInitSeed 0\ncomment author me\ncomment for fun\n"
        b"comment copain-emulator libretro:fceumm 1.0\ncomment copain-rom-sha1 "
        + b"ab"
        * 20
        + b"\ncomment copain-ram-hash-of 0000-07ff without 0100-01ff, copain.rollout.ram_hash\n"
        b"comment copain-ram-hash 2 0000000000000005\nsubtitle 1 go\n"
        b"|0|R......A|........||\n|1|........|.L......||\n"
    )
    assert b"romChecksum base64:jjYwGG411HcjG/j9UOVM3Q==\n" in data
    assert parse_fm2(data) == movie


def test_hashes_of_other_bytes_are_not_taken_for_ours() -> None:
    data = TWO_PLAYERS.replace(
        b"comment author copain\n",
        b"comment author copain\ncomment copain-ram-hash-of 0000-ffff, another hash\n"
        b"comment copain-ram-hash 60 0000000000000005\n",
    )
    assert parse_fm2(data).hashes == {}
    assert format_fm2(parse_fm2(data)) == data


def test_a_binary_log_is_read_and_written_to_the_byte() -> None:
    text = parse_fm2(TWO_PLAYERS)
    log = b"".join(
        bytes((command, *pads))
        for command, pads in zip(text.commands.tolist(), text.inputs.tolist(), strict=True)
    )
    data = TWO_PLAYERS[: TWO_PLAYERS.index(b"|")] + b"binary 1\n|" + log
    movie = parse_fm2(data)
    assert movie == text
    assert format_fm2(movie) == data
    with pytest.raises(MovieError, match="cut short: 719 bytes, 3 a frame"):
        parse_fm2(data[:-1])


def header_with(old: bytes, new: bytes) -> bytes:
    assert old in TWO_PLAYERS
    return TWO_PLAYERS.replace(old, new, 1)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an fm2 movie"),
        (b"version 2\n", "not an fm2 movie"),
        (b"PK\x03\x04", "not an fm2 movie"),
        (header_with(b"fourscore 0", b"fourscore 1"), "line 8: fourscore: the four score"),
        (header_with(b"port1 1", b"port1 2"), "line 11: port1: a zapper"),
        (header_with(b"port0 1", b"port0 77"), "line 10: port0: device 77"),
        (header_with(b"rerecordCount 0", b"rerecordCount -1"), "line 3: rerecordCount: found '-1'"),
        (header_with(b"palFlag 0", b"palFlag"), "line 4: palFlag: found ''"),
        (header_with(b"base64:gOSq", b"base64:!OSq"), "line 6: romChecksum: found"),
        (header_with(b"FDS 0", b"port0 1"), "line 13: port0 is said twice"),
        (header_with(b"|0|R..U...A", b"|0|R..U..A"), "line 18: found '|0|R..U..A|"),
        (header_with(b"|1|.", b"|x|."), "line 167: found the command 'x'"),
        (header_with(b"|1|.", b"|256|."), "line 167: found the command '256'"),
        (header_with(b"|1|.", b"comment late\n|1|."), "line 167: found 'comment late'"),
        (header_with(b"port1 1", b"port1 0"), r"line 18: .*\|command\|RLDUTSBA\|\|\| is needed"),
        (header_with(b"comment author copain\n",
                     b"comment copain-ram-hash-of 0000-07ff without 0100-01ff, "
                     b"copain.rollout.ram_hash\ncomment copain-ram-hash 1 xyz\n"),
         "line 18: comment: found 'copain-ram-hash 1 xyz'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(MovieError, match=message.replace("|0|R", r"\|0\|R")):
        parse_fm2(data, "run.fm2")


def test_another_system_is_refused_by_name(tmp_path: Path) -> None:
    movie = Movie(GENESIS, np.zeros((3, 2), np.uint16))
    with pytest.raises(MovieError, match="Sega Genesis"):
        movie.write(tmp_path / "run.fm2")
    assert list(tmp_path.iterdir()) == []
