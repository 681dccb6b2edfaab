"""Programs that are launched: they end with us, however we end, and leave nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copain.errors import EmulatorMissing
from copain.wire.process import Folder, Program


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and waits for its parent does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def wait_until_gone(pid: int, folder: Path, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while (alive(pid) or folder.exists()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not alive(pid)
    assert not folder.exists()


def test_a_program_ends_and_says_how(tmp_path: Path) -> None:
    program = Program(["sh", "-c", "echo out; echo err >&2; exit 3"], os.environ, tmp_path / "log")
    assert program.exit_status(5) == 3
    assert program.how_it_ended() == "it ended with exit status 3"
    assert program.log_tail() == "\n  out\n  err"
    program.end()


def test_end_kills_the_whole_group(tmp_path: Path) -> None:
    program = Program(["sh", "-c", "sleep 100 & echo $!; wait"], os.environ, tmp_path / "log")
    while not (text := program.log_tail().strip()):
        time.sleep(0.01)
    child = int(text)
    assert program.exit_status() is None
    assert alive(child)
    program.end()
    program.end()
    assert program.how_it_ended() == "it was ended by SIGKILL"
    wait_until_gone(child, tmp_path / "nothing")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EmulatorMissing, match="cannot be run: No such file"):
        Program(["/no/such/program"], os.environ, tmp_path / "log")


def test_a_folder_is_private_and_goes() -> None:
    folder = Folder("copain-test-")
    assert folder.path.stat().st_mode & 0o777 == 0o700
    (folder.path / "inside").mkdir()
    folder.remove()
    folder.remove()
    assert not folder.path.exists()


LAUNCH = """
import os, sys, threading
from pathlib import Path
from copain.wire.process import Folder, Program

folder = Folder("copain-test-")
made = []
# On a thread that ends: what is launched must not end with the thread.
thread = threading.Thread(
    target=lambda: made.append(Program(["sleep", "100"], os.environ, folder.path / "log"))
)
thread.start()
thread.join()
"""


def launch(rest: str) -> tuple[subprocess.Popen[str], int, Path]:
    """A Python process that launched a program and holds a folder, and then does `rest`."""
    code = LAUNCH + "print(made[0].pid, folder.path, flush=True)\n" + rest
    python = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert python.stdout is not None
    pid, path = python.stdout.readline().split()
    python.stdout.close()
    return python, int(pid), Path(path)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
class TestTheEndOfPython:
    def test_killed(self) -> None:
        python, pid, folder = launch("import time; time.sleep(100)")
        time.sleep(0.2)
        assert alive(pid)
        assert folder.is_dir()
        python.send_signal(signal.SIGKILL)
        python.wait()
        wait_until_gone(pid, folder)

    def test_left_without_closing_anything(self) -> None:
        python, pid, folder = launch("os._exit(0)")
        python.wait()
        wait_until_gone(pid, folder)

    def test_a_fork_does_not_keep_it_alive_nor_end_it(self) -> None:
        # The child ends first: nothing must happen. Then the parent is killed, while another
        # child that it forked lives on.
        python, pid, folder = launch(
            "import time\n"
            "child = os.fork()\n"
            "if not child: os._exit(0)\n"
            "os.waitpid(child, 0)\n"
            "child = os.fork()\n"
            "time.sleep(100 if child else 3)\n"
            "os._exit(0)\n"
        )
        time.sleep(0.5)
        assert alive(pid)
        python.send_signal(signal.SIGKILL)
        python.wait()
        wait_until_gone(pid, folder, 2.5)
