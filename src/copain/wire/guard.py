"""The guard: a tiny process that cleans up when Python can not, as after ``kill -9``.

It is run as a script, one for each Python process that launches programs, and reads lines from
its standard input: ``+ pid`` and ``- pid`` of processes, ``+ /folder`` and ``- /folder``. When its
input ends, Python is gone: it kills the processes that are left and removes the folders. Unlike
PR_SET_PDEATHSIG this does not depend on which thread launched a program (that signal comes when
the *thread* ends), and it removes folders too.
"""

import os
import shutil
import signal
import sys
import time

NO_HANDLE = 1 << 30
"""Stands for a process on a system that has no handles on processes: its number is trusted."""


def main() -> None:
    """Read until the end, then clean up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    held: dict[str, int] = {}
    for line in sys.stdin:
        sign, what = line.rstrip("\n").split(" ", 1)
        if sign == "+":
            held[what] = _handle(what)
        else:
            handle = held.pop(what, -1)
            if 0 <= handle < NO_HANDLE:
                os.close(handle)
    for what, handle in held.items():
        if handle >= 0:
            _kill(int(what), handle)
    # A program that is ending may still write into its folder.
    for _ in range(20):
        for what in held:
            if what.startswith("/"):
                shutil.rmtree(what, ignore_errors=True)
        if not any(what.startswith("/") and os.path.exists(what) for what in held):  # noqa: PTH110
            break
        time.sleep(0.05)


def _handle(what: str) -> int:
    """What names the process for good, also after its number was given to another; or -1."""
    if what.startswith("/"):
        return -1
    try:
        return os.pidfd_open(int(what))  # type: ignore[attr-defined,no-any-return] - Linux
    except AttributeError:
        return NO_HANDLE
    except OSError:
        return -1


def _kill(pid: int, handle: int) -> None:
    try:
        if handle == NO_HANDLE:
            os.kill(pid, signal.SIGKILL)
        else:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
    except OSError:
        pass


if __name__ == "__main__":
    main()
