"""Another program: its private folder, display and log, and its certain end.

What is launched here ends with this Python process, however that ends: see `guard`.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from copain.errors import EmulatorCrashed, EmulatorMissing
from copain.wire import guard

LOG_READ, LOG_LINES = 16384, 12
"""How many bytes at the end of a log are looked at, and how many lines are shown."""


class _Guard:
    """The connection of this process to its guard, which is started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the garbage collector may come in between
        self._process: subprocess.Popen[bytes] | None = None
        self._held: set[str] = set()

    def hold(self, what: str | int) -> None:
        """Kill this process, or remove this folder, when Python is gone."""
        with self._lock:
            self._held.add(str(what))
            self._tell(f"+ {what}\n")

    def release(self, what: str | int) -> None:
        """It is gone already."""
        with self._lock:
            self._held.discard(str(what))
            self._tell(f"- {what}\n")

    def forget(self) -> None:
        """Leave the guard to the parent, after a fork: what is held is the parent's."""
        self._lock = threading.RLock()
        self._held.clear()
        if self._process is not None and self._process.stdin is not None:
            os.close(self._process.stdin.fileno())  # not close(): nothing is to be flushed
            self._process.returncode = 0  # not our child: no waiting, no warning
        self._process = None

    def _tell(self, line: str) -> None:
        for _ in range(2):
            if self._process is None or self._process.poll() is not None:
                self._process = _start_guard()
                line = "".join(f"+ {what}\n" for what in self._held)
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(line.encode("utf-8", "surrogateescape"))
                return
            except BrokenPipeError:
                continue


def _start_guard() -> subprocess.Popen[bytes]:
    # Its own session: a Ctrl-C or a signal to our process group must not end it before us.
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(guard.__file__)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        cwd="/",
        start_new_session=True,
    )


_guard = _Guard()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_guard.forget)


class Folder:
    """A private folder (mode 0700), gone at the end: in TMPDIR if that is set, else in memory."""

    def __init__(self, prefix: str) -> None:
        """A new folder whose name begins with `prefix`."""
        memory = Path("/dev/shm")
        place = os.environ.get("TMPDIR")
        if not place and memory.is_dir() and os.access(memory, os.W_OK | os.X_OK):
            place = str(memory)
        self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        _guard.hold(str(self.path))

    def remove(self) -> None:
        """Remove it with all that is in it. May be called again."""
        shutil.rmtree(self.path, ignore_errors=True)
        _guard.release(str(self.path))


class Program:
    """A program that was launched, in a session of its own, its output in a log."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        pass_fds: Sequence[int] = (),
    ) -> None:
        """Launch `command`. Raises EmulatorMissing when it cannot be run."""
        self.command = list(command)
        self.log = log
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    self.command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(environment),
                    pass_fds=tuple(pass_fds),
                    start_new_session=True,
                )
            except OSError as error:
                raise EmulatorMissing(f"{command[0]} cannot be run: {error.strerror}") from error
        _guard.hold(self.pid)

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def exit_status(self, wait: float = 0.0) -> int | None:
        """Its exit status (negative: the signal that ended it), or None while it runs."""
        try:
            return self._process.wait(wait) if wait else self._process.poll()
        except subprocess.TimeoutExpired:
            return None

    def how_it_ended(self, wait: float = 0.0) -> str | None:
        """Its end in words, or None while it runs."""
        status = self.exit_status(wait)
        if status is None:
            return None
        if status >= 0:
            return f"it ended with exit status {status}"
        try:
            return f"it was ended by {signal.Signals(-status).name}"
        except ValueError:
            return f"it was ended by signal {-status}"

    def log_tail(self, noise: re.Pattern[str] | None = None) -> str:
        """Its last lines, indented, without those that `noise` matches; or nothing."""
        try:
            with self.log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - LOG_READ))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return ""
        lines = [line.rstrip() for line in text.splitlines() if line.strip()]
        told = [line for line in lines if noise is None or not noise.search(line)]
        return "".join(f"\n  {line}" for line in told[-LOG_LINES:])

    def end(self, grace: float = 0.0) -> None:
        """Wait `grace` seconds for it to end by itself, then kill its whole process group."""
        if grace:
            self.exit_status(grace)
        if self._process.poll() is None:  # else its number may be another's by now
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        _guard.release(self.pid)


class VirtualDisplay:
    """An X server without a screen (Xvfb), for pictures of windows."""

    def __init__(self, log: Path, width: int = 640, height: int = 560) -> None:
        """Start one of this size in pixels. Raises EmulatorMissing or EmulatorCrashed."""
        command = shutil.which("Xvfb")
        if command is None:
            raise EmulatorMissing(
                "display='xvfb' needs the program Xvfb, which is not installed: "
                "apt install xvfb; or use display='offscreen', which needs no X server"
            )
        reading, writing = os.pipe()
        try:
            self._program = Program(
                [command, "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24",
                 "-nolisten", "tcp", "-noreset"],
                os.environ, log, (writing,),
            )  # fmt: skip
        finally:
            os.close(writing)
        with os.fdopen(reading, "rb", buffering=0) as numbers:
            text = _line_before(numbers.fileno(), time.monotonic() + 10)
        if not re.fullmatch(rb"\d+", text):
            self.end()
            raise EmulatorCrashed(f"Xvfb did not start{self._program.log_tail()}")
        self.name = f":{text.decode()}"
        """What the environment variable DISPLAY must be."""

    def end(self) -> None:
        """End it."""
        self._program.end()


def _line_before(reading: int, deadline: float) -> bytes:
    text = b""
    while not text.endswith(b"\n"):
        ready, _, _ = select.select([reading], [], [], max(0.0, deadline - time.monotonic()))
        part = os.read(reading, 100) if ready else b""
        if not part:
            return b""
        text += part
    return text.strip()
