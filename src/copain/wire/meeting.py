"""Meeting: how a program that we launch and Python find each other, and end together."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from copain.errors import EmulatorCrashed, EmulatorMissing
from copain.wire.process import Program
from copain.wire.session import Session
from copain.wire.transport import PipeTransport, SocketTransport, Transport

TransportName: TypeAlias = Literal["pipes", "unix", "tcp"]
"""How bytes travel. Pipes need no Lua package; the others need luasocket in the emulator's Lua."""


@dataclass(slots=True)
class Start:
    """A program that runs and is connected, and what must be ended with it.

    `folder`, `program` and `display_name` are None where they are not ours.
    """

    session: Session
    timeout: float
    ending: contextlib.ExitStack
    folder: Path | None = None
    program: Program | None = None
    display_name: str | None = None

    def end(self) -> None:
        """Close the connection; end the program, its display and its folder, if they are ours."""
        self.ending.close()


def find_program(name: str, path: str | os.PathLike[str] | None, variable: str, games: str) -> str:
    """The program `name`: at `path`, or where the environment variable says, or on PATH or in the
    folder `games`, where Debian puts games. Raises EmulatorMissing that says where was looked.
    """
    wanted = path or os.environ.get(variable)
    if wanted:
        found = shutil.which(str(Path(wanted).expanduser()))
        if found is None:
            raise EmulatorMissing(f"{name}: {str(wanted)!r} is not a program that can be run")
        return found
    places = [*os.environ.get("PATH", os.defpath).split(os.pathsep), games]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        raise EmulatorMissing(
            f"{name} is not installed: there is no program {name!r} on PATH or in /usr/games; "
            f"on Debian and Ubuntu: apt install {name}; or say where: {name}='/path/to/{name}' or "
            f"the environment variable {variable}"
        )
    return found


def launch(
    title: str,
    command: Sequence[str],
    environment: dict[str, str],
    folder: Path,
    transport: TransportName,
    stack: contextlib.ExitStack,
    *,
    start_timeout: float,
    timeout: float | None,
    noise: re.Pattern[str],
) -> Start:
    """Run a program whose script calls us, and connect to it.

    What must be ended goes onto `stack`, which the Start takes over; whoever calls ends it when
    this fails. Raises EmulatorMissing, EmulatorCrashed.
    """
    environment["COPAIN_FOLDER"] = str(folder)
    environment["COPAIN_TRANSPORT"] = transport
    meeting = _MEETINGS[transport](folder, environment)
    stack.callback(meeting.close)
    log = folder / f"{title.lower()}.log"
    program = Program(command, environment, log, meeting.inherited)
    stack.callback(program.end)
    limit = start_timeout if timeout is None else min(start_timeout, timeout)
    connected = meeting.meet(program, time.monotonic() + limit)
    if connected is None:
        how = program.how_it_ended() or "it did not connect in time"
        missing = "module 'socket" in program.log_tail()
        raise EmulatorCrashed(
            f"{title} did not start: {how}"
            + ("; this transport needs Debian's lua-socket" if missing else "")
            + f"\nits log ends with:{program.log_tail(noise)}"
        )
    session = Session(connected, timeout)
    stack.callback(session.close, f"{title} was closed")
    return Start(session, limit, stack.pop_all(), folder, program, environment.get("DISPLAY"))


class _Meeting(Protocol):
    """A place where the two meet: told to the program through the environment."""

    inherited: tuple[int, ...]

    def meet(self, program: Program, deadline: float) -> Transport | None: ...
    def close(self) -> None: ...


class _Pipes:
    """Two pipes that the program inherits and opens by their names."""

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
        for number in self.inherited:  # else the end of the program would not be seen
            os.close(number)
        self._open = []
        return PipeTransport(self._in, self._out)

    def close(self) -> None:
        for number in self._open:
            os.close(number)


class _Listener:
    """A socket that the program connects to, and shows its token."""

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

    def meet(self, program: Program, deadline: float) -> Transport | None:
        self._socket.settimeout(0.1)
        while time.monotonic() < deadline:
            try:
                connected, _ = self._socket.accept()
            except TimeoutError:
                if program.exit_status() is None:
                    continue
                return None
            if self._is_ours(connected):
                self.close()
                return SocketTransport(connected)
            connected.close()
        return None

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
