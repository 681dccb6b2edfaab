"""RAM search finds what Alouette's screen shows, by playing and comparing alone.

The names that copain knows are used for two things: the number that a person would read off the
screen, and to judge what was found.
"""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

import copain
from conftest import absent, core
from copain import Joypad, Savestate
from copain.backends.fceux_start import find_fceux
from copain.cli import main
from copain.games import variables_of
from copain.movie import Recorder
from copain.ram import RamSearch, read_watches

FIRE, UP, DOWN = Joypad(a=True), Joypad(up=True), Joypad(down=True)
LEFT, RIGHT = Joypad(left=True), Joypad(right=True)

Run = Callable[..., tuple[int, str]]


def start_play(nes: copain.Emulator) -> Savestate:
    """From the title to the first stage, where the ship flies."""
    nes.advance(frames=40)
    nes.advance(Joypad(start=True), frames=2)
    nes.advance(frames=175)
    return nes.save_state()


@pytest.fixture(params=["fceumm", "nestopia", "fceux"])
def nes(request: pytest.FixtureRequest, alouette: copain.Rom) -> Generator[copain.Emulator]:
    """Alouette in play on each emulator there is for it, without its names."""
    if request.param == "fceux":
        try:
            find_fceux()
        except copain.EmulatorMissing:
            absent("fceux", "apt install fceux")
        emulator = copain.open(alouette, "fceux")
    else:
        emulator = copain.open(alouette, core=core(request.param))
    with emulator:
        start_play(emulator)
        yield emulator


def test_the_ships_position(nes: copain.Emulator) -> None:
    """It grows to the right and downwards, and stands still otherwise; a poke tells it from the
    copies of it that the picture is made of.
    """
    for towards, away, others, name in (
        (RIGHT, LEFT, (UP, DOWN), "ship_x"), (DOWN, UP, (LEFT, RIGHT), "ship_y"),
    ):  # fmt: skip
        search = RamSearch(nes.ram)
        nes.advance(towards, frames=8)
        search.greater()
        nes.advance(frames=2)
        search.look()
        for still in others:
            nes.advance(still, frames=8)
            search.unchanged()
        nes.advance(away, frames=8)
        search.less()
        assert 1 <= len(search) <= 4, search
        kept = [address for address in search.addresses.tolist() if stays(nes, address)]
        assert kept == [nes.ram.variables[name].address]


def stays(nes: copain.Emulator, address: int) -> bool:
    """Whether the game keeps what is written there."""
    before = nes.save_state()
    value = nes.ram[address] + 5
    nes.ram[address] = value
    nes.advance()
    kept = nes.ram[address] == value
    nes.load_state(before)
    return kept


def test_the_lives(nes: copain.Emulator) -> None:
    """Three; still three after a while of play; two after a loss; one after another."""
    search = RamSearch(nes.ram)
    search.equal(3)
    for lives in (3, 2, 1):
        while nes.ram["lives"] > lives:  # as the screen shows
            nes.advance(FIRE, frames=30)
        nes.advance(FIRE, frames=150)
        search.equal(lives)
    assert search.addresses.tolist() == [nes.ram.variables["lives"].address]


def test_the_score(nes: copain.Emulator) -> None:
    """Seven digits, a byte each: the number on the screen, three times."""
    search = RamSearch(nes.ram, "digits", length=7)
    shown: list[int] = []
    for frames in (0, 320, 60):
        nes.advance(FIRE, frames=frames)
        shown.append(nes.ram["score"])
        search.equal(shown[-1])
    assert 0 == shown[0] < shown[1] < shown[2]
    found = search.variable("score")
    known = nes.ram.variables["score"]
    assert (found.address, found.length, found.order) == (known.address, 7, known.order)


def test_the_score_when_its_number_is_unknown(nes: copain.Emulator) -> None:
    """Greater when something was hit, unchanged in between: its digits in order remain."""
    search = RamSearch(nes.ram, "digits", length=7)
    for _ in range(3):
        nes.advance(frames=30)
        search.unchanged()
    for _ in range(3):
        shown = nes.ram["score"]
        while nes.ram["score"] == shown:
            nes.advance(FIRE, frames=10)
        search.greater()
        nes.advance(frames=1)
        search.unchanged()
    assert nes.ram.variables["score"].address in search
    assert len(search) < 20


# The commands


@pytest.fixture
def movie(alouette: copain.Rom, fceumm: str, tmp_path: Path) -> Path:
    """Alouette played with fire held, until two ships are lost."""
    path = tmp_path / "run.fm2"
    with Recorder(copain.open(alouette, core=fceumm)) as recorder:
        start_play(recorder)
        recorder.advance(FIRE, frames=1700)
        assert recorder.ram["lives"] == 1
        recorder.movie(author="me").write(path)
    return path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs ``copain ...`` with a text on standard input; its exit status and what it prints."""

    def copain_(*words: str | Path, typed: str = "") -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["copain", *map(str, words)])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out + err

    return copain_


def test_a_movie_and_a_script_find_the_lives_and_write_them_down(
    run: Run, movie: Path, tmp_path: Path, alouette: copain.Rom
) -> None:
    known = variables_of(alouette)["lives"]
    files = [tmp_path / name for name in ("ram.toml", "fceux.wch", "bizhawk.wch")]
    status, out = run(
        "ram", "search", "alouette", "--movie", movie,
        "--at", "300", "equal", "3", "--at", "800", "equal", "3", "--at", "1000", "equal", "2",
        "--at", "1500", "less-by", "1", "--at", "1500", "name", "lives", "Lives", "left.",
        "--at", "1500", "write", files[0], "--at", "1500", "write", files[1],
        "--at", "1500", "write", files[2], "bizhawk",
    )  # fmt: skip
    assert status == 0, out
    assert out.splitlines()[-2:] == [
        "address  now  previous  original",
        f"    {known.address:03x}    1         1         0",
    ]
    for file in files:
        assert read_watches(file).variables["lives"].address == known.address
    assert read_watches(files[0]).variables["lives"].about == "Lives left."


def test_typed_commands_find_them_too(run: Run) -> None:
    typed = "at 40\nadvance 2 start\nadvance 175\n= 3\nadvance 400 a\n= 3\n"
    typed += "advance 500 a\n= 2  # lost\nquit\n"
    status, out = run("ram", "search", "alouette", typed=typed)
    assert status == 0
    assert "> = 2  # lost\nframe 1117: 1 left\n" in out
    assert "    00a    2         2         0" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--at", "10", "jump"], "'jump' is no command; help lists them"),
        (["--at", "9999999", "list"], "the movie ends at frame 1917"),
        (["600", "equal"], "--at FRAME COMMAND is needed, found '600'"),
        (["--domain", "vram"], "has ram"),
        (["--type", "u9"], "the types are u8"),
        (["--names", "none.wch"], "none.wch: cannot be read"),
    ],
)
def test_what_cannot_be_done_is_said(words: list[str], message: str, run: Run, movie: Path) -> None:
    status, out = run("ram", "search", "alouette", "--movie", movie, *words)
    assert status == 2
    assert message in out.replace("\n", " ")


def test_watch_prints_each_change_of_a_movie(run: Run, movie: Path) -> None:
    status, out = run("ram", "watch", "alouette", "--movie", movie, "--watch", "lives,score")
    assert status == 0
    lines = out.splitlines()
    lives = [line.split("lives ")[1] for line in lines if "lives" in line]
    assert lives == ["0 -> 3", "3 -> 2", "2 -> 1"]
    assert "frame 495: score 0 -> 100" in lines
    assert len([line for line in lines if "score" in line]) > 20


def test_watch_takes_names_of_a_watch_file(run: Run, movie: Path, tmp_path: Path) -> None:
    names = tmp_path / "x.wch"
    names.write_text("SystemID NES\n00A\tb\tu\t0\tRAM\tships\n000\tb\tu\t0\tVRAM\tpicture\n")
    status, out = run(
        "ram", "watch", "alouette", "--movie", movie, "--names", names, "--frames", "400"
    )
    assert status == 0
    assert "left out: line 3: picture: in VRAM, not in the work RAM" in out
    assert [line for line in out.splitlines() if line.startswith("frame")] == [
        "frame 81: ships 0 -> 3"
    ]


def test_watch_asks_who_plays(run: Run) -> None:
    status, out = run("ram", "watch", "alouette")
    assert status == 2
    assert "who plays?" in out
    status, out = run("ram", "watch", "alouette", "--visible")
    assert status == 2
    assert "--emulator fceux" in out


def test_a_movie_of_another_rom_is_refused(
    run: Run, movie: Path, tmp_path: Path, alouette: copain.Rom
) -> None:
    other = tmp_path / "other.fm2"
    other.write_text(movie.read_text().replace(alouette.sha1, "0" * 40))
    status, out = run("ram", "search", "alouette", "--movie", other)
    assert status == 2
    assert "was made on another ROM" in out.replace("\n", " ")


def test_a_person_plays_with_the_names_of_a_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copain's window gets the variables of the watch file."""
    names = tmp_path / "x.wch"
    names.write_text("\n1\n00000\t000A\tb\tu\t0\tships\n")
    opened: list[tuple[list[str], int]] = []

    def window(emulator: copain.Emulator, *, movie: object, watch: list[str]) -> None:
        start_play(emulator)
        opened.append((watch, emulator.ram["ships"]))

    monkeypatch.setattr("copain.play.play", window)
    status, out = run("ram", "watch", "alouette", "--names", names, "--play")
    assert status == 0, out
    assert opened == [(["ships"], 3)]


def test_the_prompt_goes_on_after_a_mistake() -> None:
    """On a terminal: what is wrong is said, and the next line is asked for."""
    leader, follower = pty.openpty()
    with os.fdopen(leader, "wb", buffering=0) as keys:
        started = subprocess.Popen(
            [Path(sys.prefix) / "bin" / "copain", "ram", "search", "alouette"],
            stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        os.close(follower)
        keys.write(b"at 40\njump\nadvance 2 start\nadvance 175\n= 3\nquit\n")
        out, _ = started.communicate(timeout=60)
    assert started.returncode == 0, out
    assert "2,048 addresses, values unknown" in out
    assert "'jump' is no command; help lists them" in out
    assert "frame 217: 9 left" in out
