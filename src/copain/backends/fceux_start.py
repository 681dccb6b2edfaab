"""How FCEUX is found, started, connected to and ended."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from copain.errors import EmulatorCrashed, EmulatorMissing, InputError, MovieError
from copain.rom import Rom
from copain.wire.process import Folder, Program, VirtualDisplay
from copain.wire.session import Session
from copain.wire.transport import PipeTransport, SocketTransport, Transport

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
    transport: str
    fceux: str | os.PathLike[str] | None
    timeout: float | None


@dataclass(slots=True)
class Start:
    """A FCEUX that runs, and what must be ended with it."""

    session: Session
    timeout: float
    ending: contextlib.ExitStack
    folder: Path | None = None
    program: Program | None = None
    display_name: str | None = None

    def end(self) -> None:
        """Close the connection; end the program, its display and its folder, if they are ours."""
        self.ending.close()


def find_fceux(path: str | os.PathLike[str] | None = None) -> str:
    """FCEUX's program. Raises EmulatorMissing that says where was looked."""
    wanted = path or os.environ.get("COPAIN_FCEUX")
    if wanted:
        found = shutil.which(str(Path(wanted).expanduser()))
        if found is None:
            raise EmulatorMissing(f"fceux: {str(wanted)!r} is not a program that can be run")
        return found
    places = [*os.environ.get("PATH", os.defpath).split(os.pathsep), GAMES]
    found = shutil.which("fceux", path=os.pathsep.join(places))
    if found is None:
        raise EmulatorMissing(
            "fceux is not installed: there is no program 'fceux' on PATH or in /usr/games; "
            "on Debian and Ubuntu: apt install fceux; or say where: fceux='/path/to/fceux' or "
            "the environment variable COPAIN_FCEUX"
        )
    return found


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
        meeting = _MEETINGS[how.transport](folder.path, environment)
        stack.callback(meeting.close)
        program = Program(
            [*command, str(game)], environment, folder.path / "fceux.log", meeting.inherited
        )
        stack.callback(program.end)
        timeout = START_TIMEOUT if how.timeout is None else min(START_TIMEOUT, how.timeout)
        transport = meeting.meet(program, time.monotonic() + timeout)
        session = Session(transport, how.timeout)
        stack.callback(session.close, "FCEUX was closed")
        return Start(
            session,
            timeout,
            stack.pop_all(),
            folder.path,
            program,
            None if how.display == "offscreen" else environment["DISPLAY"],
        )


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
    environment["COPAIN_FOLDER"] = str(folder)
    environment["COPAIN_TRANSPORT"] = how.transport
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


class _Meeting(Protocol):
    """A place where FCEUX and Python meet: told to FCEUX through the environment."""

    inherited: tuple[int, ...]

    def meet(self, program: Program, deadline: float) -> Transport: ...
    def close(self) -> None: ...


class _Pipes:
    """Two pipes that FCEUX inherits and opens by their names."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        _widen(self._in)
        _widen(self._out)
        self.inherited = (theirs_in, theirs_out)
        environment["COPAIN_READ"] = f"/dev/fd/{theirs_in}"
        environment["COPAIN_WRITE"] = f"/dev/fd/{theirs_out}"
        self._open = [theirs_in, theirs_out, self._in, self._out]

    def meet(self, program: Program, deadline: float) -> Transport:
        for number in self.inherited:  # else the end of FCEUX would not be seen
            os.close(number)
        self._open = []
        return PipeTransport(self._in, self._out)

    def close(self) -> None:
        for number in self._open:
            os.close(number)


class _Listener:
    """A socket that FCEUX connects to, and shows its token."""

    inherited = ()

    def __init__(self, family: int, address: object, token: str) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind(address)  # type: ignore[arg-type]
        self._socket.listen(8)
        self._token = token

    @classmethod
    def unix(cls, folder: Path, environment: dict[str, str]) -> _Listener:
        """In the private folder."""
        environment["COPAIN_SOCKET"] = str(folder / "socket")
        return cls(socket.AF_UNIX, environment["COPAIN_SOCKET"], "")

    @classmethod
    def tcp(cls, folder: Path, environment: dict[str, str]) -> _Listener:
        """On this machine only."""
        token = environment["COPAIN_TOKEN"] = secrets.token_hex(16)
        listener = cls(socket.AF_INET, ("127.0.0.1", 0), token)
        environment["COPAIN_PORT"] = str(listener._socket.getsockname()[1])
        return listener

    def meet(self, program: Program, deadline: float) -> Transport:
        self._socket.settimeout(0.1)
        while time.monotonic() < deadline:
            try:
                connected, _ = self._socket.accept()
            except TimeoutError:
                if program.exit_status() is None:
                    continue
                break
            if self._is_ours(connected):
                self.close()
                return SocketTransport(connected)
            connected.close()
        how = program.how_it_ended() or "it did not connect in time"
        missing = "" if _has_luasocket(program) else "; this transport needs Debian's lua-socket"
        raise EmulatorCrashed(
            f"FCEUX did not start: {how}{missing}\nits log ends with:{program.log_tail(NOISE)}"
        )

    def close(self) -> None:
        self._socket.close()

    def _is_ours(self, connected: socket.socket) -> bool:
        """Whether who connected shows the token: any local process can connect to a port."""
        if not self._token:
            return True
        expected, shown = self._token.encode() + b"\n", b""
        connected.settimeout(2)
        with contextlib.suppress(OSError):
            while len(shown) < len(expected):
                part = connected.recv(len(expected) - len(shown))
                if not part:
                    break
                shown += part
        return secrets.compare_digest(shown, expected)


def _has_luasocket(program: Program) -> bool:
    return "module 'socket" not in program.log_tail()


def _widen(pipe: int) -> None:
    """Let a whole screenshot fit a pipe, so that one is written without waiting."""
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 1 << 20)


_MEETINGS: dict[str, Callable[[Path, dict[str, str]], _Meeting]] = {
    "pipes": _Pipes,
    "unix": _Listener.unix,
    "tcp": _Listener.tcp,
}
