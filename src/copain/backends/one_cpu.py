"""Where an emulator's threads run, next to the Python thread that waits for them.

In lock-step Python and the emulator take turns. On two CPUs each of them falls asleep while the
other works, and a CPU must be woken twice a frame; on one CPU the turn is passed on by a task
switch.
What that costs: docs/decisions/0010-taking-turns-on-one-cpu.md.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

from copain.errors import InputError

_RUNS_ON = 36
"""Where /proc/PID/stat tells the CPU, counted after the name: proc(5), field 39."""


@contextlib.contextmanager
def on_one_cpu(
    call: str, pid: int | None, cpu: int | None, thread: str | None = None
) -> Generator[None]:
    """Keep the emulation in the process `pid` and the calling thread on one CPU.

    `thread` is the name of the thread that emulates (15 characters are kept), None for the first;
    where it is another, the first thread, that of the window, is kept off the CPU.
    Afterwards all may run where they could before. Raises InputError for a CPU that this thread
    may not use.
    """
    if sys.platform != "linux" or pid is None:
        yield
        return
    allowed = os.sched_getaffinity(0)
    if cpu is None:
        cpu = _current_cpu()
    if cpu not in allowed:
        raise InputError(f"{call}: cpu={cpu!r}; this thread may use {sorted(allowed)}")
    emulation = pid if thread is None else _thread_called(thread, pid)
    placed = {0: {cpu}}
    if emulation is not None:
        placed |= {pid: allowed - {cpu} or {cpu}, emulation: {cpu}}
    before: dict[int, Iterable[int]] = {}
    try:
        for number, cpus in placed.items():
            with contextlib.suppress(ProcessLookupError):  # it may have ended
                before[number] = os.sched_getaffinity(number)
                os.sched_setaffinity(number, cpus)
        yield
    finally:
        for number, cpus in before.items():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(number, cpus)


def _thread_called(name: str, pid: int) -> int | None:
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
    return None


def _current_cpu() -> int:
    stat = Path("/proc/thread-self/stat").read_text()
    return int(stat[stat.rindex(")") + 2 :].split()[_RUNS_ON])
