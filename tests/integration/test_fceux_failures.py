"""What goes wrong with FCEUX: each failure has its name, in time, and leaves nothing behind."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

import copain
from conftest import absent
from copain.backends import fceux_start
from copain.backends.fceux import FceuxEmulator
from copain.backends.fceux_start import find_fceux
from copain.errors import CopainError, EmulatorClosed, EmulatorCrashed, EmulatorMissing

Open = Callable[..., FceuxEmulator]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the private folders are made, by us and by what we start."""
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    return place


@pytest.fixture
def opened(alouette: copain.Rom, folders: Path) -> Generator[Open]:
    """Opens Alouette in FCEUX; afterwards no process and no folder of it may be left."""
    try:
        find_fceux()
    except EmulatorMissing:
        absent("fceux", "apt install fceux")
    emulators: list[FceuxEmulator] = []

    def open_one(rom: copain.Rom = alouette, **options: object) -> FceuxEmulator:
        emulators.append(FceuxEmulator(rom, **options))  # type: ignore[arg-type]
        return emulators[-1]

    yield open_one
    pids = [emulator.pid for emulator in emulators]
    for emulator in emulators:
        emulator.close()
    assert not [pid for pid in pids if pid is not None and Path(f"/proc/{pid}").exists()]
    assert not list(folders.iterdir())


def fails(call: Callable[[], object], match: str, within: float) -> CopainError:
    began = time.monotonic()
    with pytest.raises(EmulatorCrashed, match=match) as caught:
        call()
    assert time.monotonic() - began < within, "the error came late"
    return caught.value


def test_killed(opened: Open) -> None:
    nes = opened()
    nes.advance(frames=10)
    assert nes.pid is not None
    os.kill(nes.pid, signal.SIGKILL)
    error = fails(nes.advance, "^advance: FCEUX is gone: it was ended by SIGKILL", 5)
    assert "Power on" in str(error), "the tail of its log is not there"
    with pytest.raises(EmulatorClosed, match="it failed earlier: FCEUX is gone"):
        nes.advance()
    with pytest.raises(EmulatorClosed):
        _ = nes.ram


def test_it_crashes(opened: Open) -> None:
    nes = opened()
    assert nes.pid is not None
    os.kill(nes.pid, signal.SIGSEGV)
    time.sleep(0.3)
    fails(lambda: nes.ram[0], "^ram: FCEUX is gone: it was ended by SIGSEGV", 5)


def test_it_hangs(opened: Open) -> None:
    nes = opened(timeout=0.5)
    fails(lambda: nes.call("eval", "while true do end"), "^eval: FCEUX hangs", 3)
    with pytest.raises(EmulatorClosed, match="hangs"):
        nes.advance()
    assert not Path(f"/proc/{nes.pid}").exists()


def test_it_hangs_while_frames_run(opened: Open) -> None:
    nes = opened(timeout=0.5)
    assert nes.pid is not None
    os.kill(nes.pid, signal.SIGSTOP)
    time.sleep(0.05)
    fails(lambda: nes.advance(frames=5), "^advance: FCEUX hangs", 4)


def test_its_script_ends(opened: Open) -> None:
    nes = opened()
    fails(
        lambda: nes.call("eval", "os.exit(7)"),
        "FCEUX is gone: it (ended with exit status 7|was ended by SIGSEGV)",
        5,
    )


def test_a_rom_that_fceux_does_not_load(opened: Open) -> None:
    board = b"UNIF" + bytes(28) + b"MAPR\x08\0\0\0NOSUCHXX"
    error = fails(
        lambda: opened(copain.Rom.from_bytes(board), timeout=2), "the ROM did not load", 8
    )
    assert "within 2 seconds" in str(error)


@pytest.mark.parametrize(
    ("script", "logged"),
    [("this is not Lua", "Failed to compile"), ("error('early')", "Lua thread bombed out")],
)
def test_a_script_that_fails(
    opened: Open, script: str, logged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "fceux.lua"
    broken.write_text(script)
    monkeypatch.setattr(fceux_start, "SCRIPT", broken)
    error = fails(lambda: opened(timeout=2), "its script", 8)
    assert logged in str(error)


@pytest.mark.parametrize("transport", ["pipes", "tcp"])
def test_a_program_that_is_not_fceux(opened: Open, transport: str) -> None:
    error = fails(lambda: opened(fceux="/bin/cat", transport=transport), "exit status 1", 8)
    assert "unrecognized option" in str(error)


def test_an_unknown_version(opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = fceux_start.SCRIPT.read_text()
    other = tmp_path / "fceux.lua"
    here = fceux_start.SCRIPT.parent.as_posix()
    changed, count = re.subn(r"local here = .*", f'local here = "{here}/"', source)
    assert count == 1
    source, changed = changed, changed.replace("version = version()", 'version = "3.1.0"')
    assert changed != source
    other.write_text(changed)
    monkeypatch.setattr(fceux_start, "SCRIPT", other)
    fails(opened, r"this is FCEUX 3\.1\.0; copain knows 2\.x", 8)


def test_it_is_not_installed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EmulatorMissing, match="not a program"):
        opened(fceux="/no/such/fceux")
    monkeypatch.setenv("PATH", "/no/such/folder")
    monkeypatch.setattr(fceux_start, "GAMES", "/no/such/folder/either")
    with pytest.raises(EmulatorMissing, match="apt install fceux"):
        opened()


def test_its_window_is_closed_by_the_mouse(opened: Open) -> None:
    if shutil.which("Xvfb") is None:
        absent("Xvfb", "apt install xvfb")
    nes = opened(display="xvfb")
    nes.advance(frames=30)
    assert nes.display_name is not None
    deadline = time.monotonic() + 5
    while not close_windows(nes.display_name):  # it is named after it is shown
        assert time.monotonic() < deadline, "FCEUX has no window on its display"
        nes.advance()
    time.sleep(0.3)
    fails(lambda: nes.advance(frames=10_000), "^advance: FCEUX is gone: its window was closed", 20)


def test_ctrl_c_in_a_long_run_leaves_it_usable(opened: Open) -> None:
    nes = opened()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.3)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            nes.advance(frames=1_000_000)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 1
    frame = nes.frame  # waits for what was under way
    assert frame > 0
    assert nes.call("eval", "return emu.framecount()") == frame
    nes.advance()
    assert nes.frame == frame + 1


END = """
import copain, sys, time
nes = copain.open(sys.argv[1], emulator="fceux")
shown = copain.open(sys.argv[1], emulator="fceux", display=sys.argv[2])
state = nes.save_state()
print(nes.pid, shown.pid, nes.session is not None, flush=True)
"""


@pytest.mark.parametrize(
    ("last_words", "end"),
    [
        ("while True: nes.advance(frames=600)", signal.SIGKILL),
        ("time.sleep(100)", signal.SIGKILL),
        ("time.sleep(100)", signal.SIGTERM),
        ("time.sleep(100)", signal.SIGINT),
        ("sys.exit()", None),
        ("raise RuntimeError", None),
        ("import os; os._exit(1)", None),
        ("del nes, shown, state; import gc; gc.collect(); time.sleep(100)", None),
    ],
)
@pytest.mark.usefixtures("opened")
def test_the_end_of_python_is_the_end_of_fceux(
    alouette: copain.Rom,
    folders: Path,
    last_words: str,
    end: signal.Signals | None,
    tmp_path: Path,
) -> None:
    rom = tmp_path / "game.nes"
    rom.write_bytes(alouette.data)
    display = "xvfb" if shutil.which("Xvfb") else "offscreen"
    python = subprocess.Popen(
        [sys.executable, "-c", END + last_words, str(rom), display],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert python.stdout is not None
        pids = python.stdout.readline().split()[:2]
        python.stdout.close()
        assert len(pids) == 2
        if end is not None:
            time.sleep(0.2)
            assert len(list(folders.glob("copain-fceux-*"))) == 2
            python.send_signal(end)
        deadline = time.monotonic() + 10
        left = True
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = [pid for pid in pids if is_alive(pid)] or list(folders.iterdir())
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


def close_windows(display: str) -> int:
    """Ask FCEUX's windows on a display to close, as a click on their cross does; how many."""
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XDefaultRootWindow.restype = x11.XInternAtom.restype = ctypes.c_ulong
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    unsigned, children = ctypes.c_ulong(), ctypes.POINTER(ctypes.c_ulong)()
    count = ctypes.c_uint()
    root = ctypes.c_ulong(x11.XDefaultRootWindow(connection))
    x11.XQueryTree(
        connection, root, ctypes.byref(unsigned), ctypes.byref(unsigned),
        ctypes.byref(children), ctypes.byref(count),
    )  # fmt: skip

    class ClientMessage(ctypes.Structure):
        _fields_ = [
            ("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("sent", ctypes.c_int),
            ("display", ctypes.c_void_p), ("window", ctypes.c_ulong), ("kind", ctypes.c_ulong),
            ("format", ctypes.c_int), ("data", ctypes.c_long * 5), ("rest", ctypes.c_long * 24),
        ]  # fmt: skip

    closed = 0
    for number in range(count.value):
        window, name = children[number], ctypes.c_char_p()
        x11.XFetchName(connection, ctypes.c_ulong(window), ctypes.byref(name))
        if name.value is not None and b"FCEUX" in name.value:
            event = ClientMessage(
                type=33, display=connection, window=window, format=32,
                kind=x11.XInternAtom(connection, b"WM_PROTOCOLS", 0),
            )  # fmt: skip
            event.data[0] = x11.XInternAtom(connection, b"WM_DELETE_WINDOW", 0)
            x11.XSendEvent(connection, ctypes.c_ulong(window), 0, 0, ctypes.byref(event))
            closed += 1
    x11.XSync(connection, 0)
    x11.XCloseDisplay(connection)
    return closed
