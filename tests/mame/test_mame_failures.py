"""What goes wrong with MAME: each failure has its name, in time, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mame_games import Open, mame, opened, pacman

import copain
from copain.backends import mame_start
from copain.errors import (
    CopainError,
    EmulatorClosed,
    EmulatorCrashed,
    EmulatorMissing,
    InputError,
    RomError,
)

__all__ = ["mame", "opened", "pacman"]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the private folders are made."""
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def fails(
    call: Callable[[], object], match: str, within: float, kind: type[CopainError] = EmulatorCrashed
) -> CopainError:
    began = time.monotonic()
    with pytest.raises(kind, match=match) as caught:
        call()
    assert time.monotonic() - began < within, "the error came late"
    return caught.value


def test_killed(opened: Open, folders: Path) -> None:
    nes = opened()
    nes.advance(frames=10)
    assert nes.pid is not None
    os.kill(nes.pid, signal.SIGKILL)
    fails(nes.advance, "^advance: MAME is gone: it was ended by SIGKILL", 5)
    with pytest.raises(EmulatorClosed, match="it failed earlier: MAME is gone"):
        nes.advance()
    assert not list(folders.iterdir())


def test_it_crashes_and_its_last_words_are_told(opened: Open) -> None:
    nes = opened()
    error = fails(
        lambda: nes.lua.eval("emu.print_error('the last words') os.exit(7)"),
        "MAME is gone: it ended with exit status 7",
        5,
    )
    assert "the last words" in str(error)


def test_it_hangs(opened: Open) -> None:
    nes = opened(timeout=0.8)
    fails(lambda: nes.lua.eval("while true do end"), "^eval: MAME hangs", 4)
    with pytest.raises(EmulatorClosed, match="hangs"):
        nes.advance()
    assert not Path(f"/proc/{nes.pid}").exists()


def test_it_hangs_while_frames_run(opened: Open) -> None:
    nes = opened(timeout=0.5)
    assert nes.pid is not None
    os.kill(nes.pid, signal.SIGSTOP)
    time.sleep(0.05)
    fails(nes.advance, "^advance: MAME hangs", 6)


def test_it_is_not_installed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    fails(lambda: opened(mame="/no/such/mame"), "not a program", 1, EmulatorMissing)
    monkeypatch.setenv("PATH", "/no/such/folder")
    monkeypatch.setattr(mame_start, "GAMES", "/no/such/folder/either")
    fails(opened, "apt install mame", 1, EmulatorMissing)


def test_a_program_that_is_not_mame(opened: Open) -> None:
    error = fails(lambda: opened(mame="/bin/cat"), "exit status 1", 8)
    assert "unrecognized option" in str(error) or "invalid option" in str(error)


def test_a_machine_that_there_is_not(opened: Open, folders: Path) -> None:
    error = fails(lambda: opened(machine="nosuchmachine"), "-listfull", 30, InputError)
    assert "MAME knows no machine 'nosuchmachine'" in str(error)
    assert not list(folders.iterdir())


def test_a_machine_whose_bios_is_missing(opened: Open, folders: Path) -> None:
    game = bytearray(0x8000)
    game[0x104:0x108] = b"\xce\xed\x66\x66"
    rom = copain.Rom.from_bytes(bytes(game))
    assert rom.system.name == "gb"
    error = fails(lambda: opened(rom), "needs the files of its BIOS", 30, EmulatorMissing)
    assert "gameboy.zip" in str(error)
    assert "dmg_boot.bin NOT FOUND" in str(error)
    assert not list(folders.iterdir())


def test_a_rom_that_mame_does_not_play(opened: Open) -> None:
    board = b"UNIF" + bytes(28) + b"MAPR\x08\0\0\0NOSUCHXX"
    fails(lambda: opened(copain.Rom.from_bytes(board)), "MAME", 40, CopainError)


def test_a_medium_that_the_machine_refuses(opened: Open) -> None:
    rom = copain.Rom.from_bytes(b"no cartridge", system="a2600")
    error = fails(lambda: opened(rom), "does not play this ROM|needs", 30, RomError)
    assert "Fatal error" in str(error)


def test_a_set_of_another_arcade_game(pacman: Path) -> None:
    error = fails(
        lambda: copain.open(pacman, emulator="mame", machine="galaga"),
        "not all that the machine 'galaga' needs", 30, RomError,
    )  # fmt: skip
    assert "NOT FOUND" in str(error)


def test_an_arcade_set_without_a_name(mame: str) -> None:
    rom = copain.Rom.from_bytes(b"PK", system="arcade")
    fails(lambda: copain.open(rom, emulator="mame"), "say which machine", 1, InputError)


@pytest.mark.parametrize(
    ("script", "message"),
    [("this is not Lua", "near 'is'|syntax error"), ("error('early')", "early")],
)
def test_a_script_that_fails(
    opened: Open, script: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "mame.lua"
    broken.write_text(script)
    monkeypatch.setattr(mame_start, "SCRIPT", broken)
    fails(lambda: opened(timeout=4), message, 20)


def test_ctrl_c_in_a_long_run_leaves_it_usable(opened: Open) -> None:
    nes = opened()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    try:
        with pytest.raises(KeyboardInterrupt):
            nes.advance(frames=1_000_000)
    finally:
        signal.signal(signal.SIGALRM, before)
    frame = nes.frame  # waits for what was under way
    assert frame > 0
    nes.advance()
    assert nes.frame == frame + 1


END = """
import copain, sys, time
nes = copain.open(sys.argv[1], emulator="mame")
state = nes.save_state()
print(nes.pid, flush=True)
"""


@pytest.mark.parametrize(
    ("last_words", "end"),
    [
        ("while True: nes.advance(frames=600)", signal.SIGKILL),
        ("time.sleep(100)", signal.SIGTERM),
        ("raise RuntimeError", None),
        ("del nes, state; import gc; gc.collect(); time.sleep(100)", None),
    ],
)
@pytest.mark.usefixtures("mame")
def test_the_end_of_python_is_the_end_of_mame(
    alouette: copain.Rom, folders: Path, last_words: str, end: signal.Signals | None, tmp_path: Path
) -> None:
    rom = tmp_path / "game.nes"
    rom.write_bytes(alouette.data)
    python = subprocess.Popen(
        [sys.executable, "-c", END + last_words, str(rom)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert python.stdout is not None
        pid = python.stdout.readline().strip()
        python.stdout.close()
        assert pid
        if end is not None:
            time.sleep(0.2)
            assert len(list(folders.glob("copain-mame-*"))) == 1
            python.send_signal(end)
        deadline = time.monotonic() + 15
        left = True
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = is_alive(pid) or bool(list(folders.iterdir()))
        assert not left
    finally:
        python.kill()
        python.wait()


def is_alive(pid: str) -> bool:
    """Whether the process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
