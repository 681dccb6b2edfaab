"""How FCEUX is found, started, connected to and ended."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from copain.errors import EmulatorMissing, InputError, MovieError
from copain.rom import Rom
from copain.wire import meeting
from copain.wire.meeting import Start, TransportName, find_program
from copain.wire.process import Folder, VirtualDisplay
from copain.wire.session import Session
from copain.wire.transport import SocketTransport

START_TIMEOUT = 20.0
"""Seconds within which FCEUX must say its first word; it never does when a ROM does not load."""

GAMES = "/usr/games"
"""Where Debian puts games; PATH does not always look there."""

SCRIPT = Path(__file__).with_name("fceux.lua")
NOISE = re.compile(
    r"^(error: XDG_RUNTIME_DIR|SDL |\[SDL\]|Initialized SDL|Using Video|Qt Warning:|Running on)"
)
"""What FCEUX writes each time it starts, and says nothing about a failure."""
_REGIONS = {"ntsc": 0, "pal": 1, "dendy": 2}
_RAM_INITS = {"default": 0, "ff": 1, "00": 2, "random": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How to start FCEUX; see `FceuxEmulator`."""

    display: str
    sound: bool
    new_ppu: bool
    region: str
    ram_init: str
    four_score: bool
    movie: str | os.PathLike[str] | None
    transport: TransportName
    fceux: str | os.PathLike[str] | None
    timeout: float | None


def find_fceux(path: str | os.PathLike[str] | None = None) -> str:
    """FCEUX's program. Raises EmulatorMissing that says where was looked."""
    return find_program("fceux", path, "COPAIN_FCEUX", GAMES)


def launch(call: str, rom: Rom, how: Launch) -> Start:
    """Start FCEUX with a ROM and connect to it; nothing is left behind if that fails."""
    command = [find_fceux(how.fceux), "--loadlua", str(SCRIPT)]
    if how.movie is not None:
        movie = Path(how.movie).expanduser().resolve()
        if not movie.is_file():
            raise MovieError(f"{call}: movie={str(how.movie)!r}: there is no such file")
        command += ["--playmov", str(movie)]
    if shutil.which("stdbuf"):
        # Else its last words are lost in a buffer when it is killed.
        command[:0] = ["stdbuf", "-oL"]
    with contextlib.ExitStack() as stack:
        folder = Folder("copain-fceux-")
        stack.callback(folder.remove)
        environment = _environment(call, how, folder.path)
        if how.display == "xvfb":
            display = VirtualDisplay(folder.path / "xvfb.log")
            stack.callback(display.end)
            environment["DISPLAY"] = display.name
        game = folder.path / (re.sub(r"[^\w .()\[\]-]", "_", rom.name)[:100] + ".nes")
        game.write_bytes(rom.data)
        (folder.path / "fceux.cfg").write_text(_config(how))
        start = meeting.launch(
            "FCEUX", [*command, str(game)], environment, folder.path, how.transport, stack,
            start_timeout=START_TIMEOUT, timeout=how.timeout, noise=NOISE,
        )  # fmt: skip
        if how.display == "offscreen":
            start.display_name = None
        return start


def connect(call: str, address: str, token: str | None, timeout: float | None) -> Start:
    """Connect to a FCEUX whose script waits on a port."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f"{call}: attach={address!r}; '127.0.0.1:PORT' is needed")
    token = token or os.environ.get("COPAIN_TOKEN")
    if not token:
        raise InputError(f"{call}: attach needs token=, which FCEUX's Lua window shows")
    limit = START_TIMEOUT if timeout is None else min(START_TIMEOUT, timeout)
    try:
        connected = socket.create_connection((host or "127.0.0.1", int(port)), limit)
    except OSError as error:
        raise EmulatorMissing(
            f"{call}: nobody answers at {address}: {error}; load {SCRIPT} in FCEUX's menu "
            "(File, Load Lua Script), which shows the address"
        ) from None
    transport = SocketTransport(connected)
    transport.send(token.encode() + b"\n", time.monotonic() + limit)
    session = Session(transport, timeout)
    stack = contextlib.ExitStack()
    stack.callback(session.close, "the connection to FCEUX was closed")
    return Start(session, limit, stack)


def _environment(call: str, how: Launch, folder: Path) -> dict[str, str]:
    environment = dict(os.environ)
    environment["FCEUX_CONFIG_DIR"] = str(folder)
    environment["TMPDIR"] = str(folder)
    if not environment.get("XDG_RUNTIME_DIR"):
        # Else Qt makes one of its own in the temporary folder, and leaves it there.
        (folder / "run").mkdir(mode=0o700)
        environment["XDG_RUNTIME_DIR"] = str(folder / "run")
    # Else SDL swallows the signals that should end it.
    environment["SDL_NO_SIGNAL_HANDLERS"] = "1"
    if how.display == "offscreen":
        environment["QT_QPA_PLATFORM"] = "offscreen"
        environment.pop("DISPLAY", None)
        environment.pop("WAYLAND_DISPLAY", None)
    elif how.display == "xvfb":
        environment["QT_QPA_PLATFORM"] = "xcb"
        environment.pop("WAYLAND_DISPLAY", None)
    elif not environment.get("DISPLAY"):
        raise EmulatorMissing(
            f"{call}: there is no display to show a window on: DISPLAY is not set; "
            "leave visible out, or use display='xvfb'"
        )
    return environment


def _config(how: Launch) -> str:
    """FCEUX's configuration: what the options say, and nothing that is asked, saved or shown."""
    shown = how.display == "visible"
    settings: dict[str, int | str] = {
        "SDL.Sound": int(how.sound),
        "SDL.PAL": _REGIONS[how.region],
        "SDL.AutoDetectPAL": 0,  # else the ROM's name decides
        "SDL.NewPPU": int(how.new_ppu),
        "SDL.RamInitMethod": _RAM_INITS[how.ram_init],
        "SDL.FourScore": int(how.four_score),
        # OpenGL crashes without a real display; the window's picture is then drawn by Qt.
        "SDL.VideoDriver": 0 if shown else 1,
        "SDL.ShowGuiMessages": int(shown),  # they would be in the picture
        "SDL.AutoSaveCDL": 0,
        "SDL.AutoLoadCDL": 0,
        "SDL.AutoLoadDebugFiles": 0,
        "SDL.PauseAfterMoviePlayback": 0,
        "SDL.SuggestReadOnlyReplay": 1,
    }
    if how.display == "offscreen" and sys.platform == "linux":
        # The thread of the window, which nobody sees, copies each picture: 50 us a frame. It skips
        # those that it comes too late for, so it gives way; it does end FCEUX, so not for ever.
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        settings |= {
            "SDL.SetSchedParam": 1, "SDL.EmuSchedNice": nice, "SDL.GuiSchedNice": min(nice + 15, 19)
        }  # fmt: skip
    return "".join(f"{name} = {value}\n" for name, value in settings.items())
