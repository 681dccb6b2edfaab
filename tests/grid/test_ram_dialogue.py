"""RAM search in words: playing, comparing, naming; with a movie and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import copain
from copain import CopainError, FrameInput, Joypad
from copain.movie import Movie, Recorder
from copain.ram import Dialogue, read_watches
from copain.ram.dialogue import script_lines

RIGHT, START = Joypad(right=True), Joypad(start=True)


@pytest.fixture
def movie(grid_rom: copain.Rom) -> Movie:
    """Start, then right: 60 frames."""
    with Recorder(copain.open(grid_rom)) as recorder:
        recorder.advance(frames=3)
        recorder.advance(START)
        recorder.advance(frames=2)
        recorder.advance(RIGHT, frames=54)
        return recorder.movie()


@pytest.fixture
def trace(grid: copain.Emulator, movie: Movie) -> list[bytes]:
    """The RAM at power-on and after each frame of the movie."""
    rams = [grid.ram.read_all().tobytes()]
    for held in movie.held():
        grid.advance(held)
        rams.append(grid.ram.read_all().tobytes())
    return rams


def do(dialogue: Dialogue, text: str) -> str:
    """The answers to the lines of `text`."""
    return "\n".join(dialogue.do(line) for line in text.splitlines())


def test_it_finds_the_column_of_the_player(grid: copain.Emulator) -> None:
    dialogue = Dialogue(grid)
    do(dialogue, "advance 3\nadvance start\nadvance 2\nlook\nadvance 8 right\n>\nadvance 8 left")
    do(dialogue, "< \nadvance 20\nlook\nadvance 20\nunchanged")
    assert grid.ram.variables["x"].address in dialogue.search
    assert len(dialogue.search) < 5


def test_advance_holds_what_is_named_on_each_port(grid: copain.Emulator) -> None:
    dialogue, held = Dialogue(grid), list[object]()
    grid.advance = lambda held_=None, *, frames=1: held.append((held_, frames))  # type: ignore[method-assign]
    dialogue.do("advance 5 right+a")
    dialogue.do("advance a 2:start+up")
    dialogue.do("advance 2:b")
    dialogue.do("advance 3")
    dialogue.do("advance 2 idle")
    assert held == [
        (FrameInput((Joypad(right=True, a=True),)), 5),
        (FrameInput((Joypad(a=True), Joypad(start=True, up=True))), 1),
        (FrameInput((Joypad(), Joypad(b=True))), 1),
        (FrameInput(), 3),
        (FrameInput((Joypad(),)), 2),
    ]


def test_a_movie_plays_frame_for_frame(
    trace: list[bytes], movie: Movie, grid_rom: copain.Rom
) -> None:
    with copain.open(grid_rom) as emulator:
        emulator.advance(START, frames=30)  # it begins at its anchor all the same
        dialogue = Dialogue(emulator, movie)
        assert emulator.ram.read_all().tobytes() == trace[0]
        assert [found.original for found in dialogue.search] == list(trace[0])
        for line, frame in (("advance 7", 7), ("at 30", 30), ("advance", 31), ("at 60", 60)):
            dialogue.do(line)
            assert dialogue.frame == frame
            assert emulator.ram.read_all().tobytes() == trace[frame]


def test_a_savestate_takes_the_movie_back_too(
    trace: list[bytes], movie: Movie, grid_rom: copain.Rom
) -> None:
    with copain.open(grid_rom) as emulator:
        dialogue = Dialogue(emulator, movie)
        for frame in (0, 20):
            do(dialogue, f"at {frame}\nsave-state f{frame}")
        do(dialogue, "advance 5 left\nadvance 10")
        assert not dialogue.plays_movie
        assert emulator.ram.read_all().tobytes() != trace[35]
        for frame in (20, 0, 20):
            dialogue.do(f"load-state f{frame}")
            assert dialogue.frame == frame
            assert emulator.ram.read_all().tobytes() == trace[frame]
            dialogue.do("advance 25")
            assert emulator.ram.read_all().tobytes() == trace[frame + 25]
            do(dialogue, "save-state later\nadvance 9\nload-state later\nadvance 5")
            assert emulator.ram.read_all().tobytes() == trace[frame + 30]
        with pytest.raises(CopainError, match="the movie ends at frame 60"):
            dialogue.do("at 61")
        dialogue.do("at 60")
        assert emulator.ram.read_all().tobytes() == trace[60]


def test_after_its_end_nothing_is_held(
    trace: list[bytes], movie: Movie, grid_rom: copain.Rom, grid: copain.Emulator
) -> None:
    grid.advance(frames=10)
    with copain.open(grid_rom) as emulator:
        dialogue = Dialogue(emulator, movie)
        dialogue.do("advance 70")
        assert dialogue.frame == 70
        assert not dialogue.plays_movie
        assert (emulator.ram.read_all() == grid.ram.read_all()).all()


def test_a_savestate_keeps_the_search_as_it_is(grid: copain.Emulator) -> None:
    dialogue = Dialogue(grid)
    do(dialogue, "advance 3\nadvance start\nadvance 2\nsave-state\nadvance 8 right\nchanged")
    kept = dialogue.search.addresses
    do(dialogue, "load-state\nadvance 8 right\nequal")
    assert (dialogue.search.addresses == kept).all()
    assert dialogue.do("load-state").startswith(f"frame 6: {len(kept)} left")


def test_comparisons_in_words_and_signs(grid: copain.Emulator) -> None:
    grid.ram[0:256] = np.arange(256)
    for line, count in (
        ("= 5", 1), ("!= 5", 255), ("> 250", 5), ("< $0a", 10), (">= 0xfa", 6), ("<= 9", 10),
        ("equal 7", 1), ("not-equal 7", 255), ("at-least 250", 6), ("at-most 250", 251),
    ):  # fmt: skip
        dialogue = Dialogue(grid)
        dialogue.do(line)
        assert len(dialogue.search) == count, line
    dialogue = Dialogue(grid)
    grid.ram[16:18] = [17, 20]
    assert do(dialogue, "greater-by 1\nundo\nless-by -3\nundo\ndifferent-by 3") == (
        "frame 0: 1 left\naddress  now  previous  original\n     10   17        17        16\n"
        "frame 0: 256 left\n"
        "frame 0: 1 left\naddress  now  previous  original\n     11   20        20        17\n"
        "frame 0: 256 left\n"
        "frame 0: 1 left\naddress  now  previous  original\n     11   20        20        17"
    )
    do(dialogue, "reset\nlook\nchanged original")
    assert len(dialogue.search) == 0


def test_by_hand(grid: copain.Emulator) -> None:
    grid.ram[0:256] = np.arange(256)
    dialogue = Dialogue(grid)
    do(dialogue, "< 8\neliminate 00 $01 0x02")
    assert dialogue.search.addresses.tolist() == [3, 4, 5, 6, 7]
    assert dialogue.do("list 2").splitlines()[-1] == "and 3 more"
    do(dialogue, "type u16 big\npoke 4 $1234")
    assert (grid.ram[4], grid.ram[5]) == (0x12, 0x34)
    assert dialogue.do("type") == "u16, 2 bytes, big end first"
    assert dialogue.do("= $1234").splitlines()[-1].split()[:2] == ["04", "4660"]
    do(dialogue, "undo\ntype digits 3 little")
    assert (dialogue.search.kind.length, dialogue.search.kind.order) == (3, "little")
    do(dialogue, "undo\nredo\nundo")
    assert dialogue.search.kind.type == "u16"
    do(dialogue, "reset")
    assert len(dialogue.search) == 255


def test_names_are_kept_read_and_written(grid: copain.Emulator, tmp_path: Path) -> None:
    grid.ram[0:256] = np.arange(256)
    dialogue = Dialogue(grid)
    do(dialogue, "< 3\nname low 01 Be careful.\n= 2\nname two\nname deux be it\nname zwei 02 Zwei.")
    assert dialogue.do("values") == "low 1  two 2  deux 2  zwei 2"
    assert dialogue.found["low"].about == "Be careful."
    assert dialogue.found["deux"].about == "be it"
    assert dialogue.found["zwei"].about == "Zwei."
    toml, wch = tmp_path / "ram.toml", tmp_path / "x.wch"
    assert dialogue.do(f"write {toml}") == f"wrote {toml}: low, two, deux, zwei"
    dialogue.do(f"write {wch}")
    assert wch.read_text().startswith("SystemID GRID\n")
    again = Dialogue(grid)
    assert again.do(f"read {toml}") == "4 names read"
    assert again.found == dialogue.found
    assert {n: v.address for n, v in read_watches(wch).variables.items()} == {
        n: v.address for n, v in dialogue.found.items()
    }


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("jump", "'jump' is no command; help lists them"),
        ("equal three", "'three' is no number"),
        ("equal 1 2", "found '1 2'"),
        ("changed 3", "no value is compared with"),
        ("greater-by", "by how much"),
        ("equal 300", "0 to 255 fits a u8"),
        ("advance 3 jump", "no button is called 'jump'"),
        ("advance x:a", "a port is a number"),
        ("advance 0:a", "ports count from 1"),
        ("advance 7:a", "ports"),
        ("advance 99999999", "0 to 10000000 frames are allowed"),
        ("at", "at FRAME"),
        ("at 1", "frame 2 is reached already"),
        ("load-state nowhere", "the savestates are none: save-state makes one"),
        ("save-state two words", "a name is one word"),
        ("eliminate", "which?"),
        ("eliminate xyz", "'xyz' is no address"),
        ("eliminate fff", "0xfff is not among"),
        ("poke 0", "poke ADDRESS VALUE"),
        ("poke 0 256", "0 to 255 fits a u8"),
        ("poke 1000 1", "lies within 0 to 0x100"),
        ("type u9", "the types are u8"),
        ("type u16 3", "a u16 of 3 bytes"),
        ("list much", "list \\[HOW MANY\\]"),
        ("undo it", "nothing follows it, found 'it'"),
        ("redo", "nothing was undone"),
        ("name", "which name"),
        ("name x zz", "'zz' is no address"),
        ("write x.toml", "nothing has a name"),
        ("read", "one file is needed"),
        ("read none.toml", "none.toml: cannot be read"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    line: str, message: str, grid: copain.Emulator
) -> None:
    dialogue = Dialogue(grid)
    dialogue.do("advance 2")
    before = grid.ram.read_all()
    with pytest.raises(CopainError, match=message):
        dialogue.do(line)
    assert (grid.frame, dialogue.frame, len(dialogue.search)) == (2, 2, 256)
    assert (grid.ram.read_all() == before).all()


def test_write_says_which_files_there_are(grid: copain.Emulator) -> None:
    dialogue = Dialogue(grid)
    dialogue.do("name x 01")
    with pytest.raises(CopainError, match=r"ends in \.toml or \.wch"):
        dialogue.do("write x.txt")


def test_help_has_every_command(grid: copain.Emulator) -> None:
    dialogue = Dialogue(grid)
    text = dialogue.do("help")
    for word in ("equal", "changed", "greater-by", "advance", "at FRAME", "write", "undo", "poke"):
        assert word in text
    assert dialogue.do("") == dialogue.do("# only a comment") == ""


def test_another_domain_must_be_there(grid: copain.Emulator) -> None:
    with pytest.raises(CopainError, match="grid has ram"):
        Dialogue(grid, domain="vram")


def test_the_words_of_a_script_are_lines() -> None:
    words = ["--at", "600", "equal", "3", "--at", "900", "--at", "900", "advance", "8", "right+a"]
    assert script_lines(words) == [
        "at 600", "equal 3", "at 900", "", "at 900", "advance 8 right+a",
    ]  # fmt: skip
    assert script_lines(["--at", "5 less-by -3"]) == ["at 5", "less-by -3"]
    assert script_lines([]) == []
    for wrong in (["600"], ["--at"], ["--at", "5", "list", "--at"]):
        with pytest.raises(CopainError, match="--at FRAME COMMAND"):
            script_lines(wrong)
