"""Work on many ROMs in processes of their own, so that an emulator that dies takes none along."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Generic, TypeVar

from rich.console import Console

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_apart(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int, time_limit: float
) -> Iterator[tuple[Item, Result | None, str]]:
    """Do `work` on each of `items` in `jobs` processes; give (item, result, "") as they end.

    Where a process died or took more than `time_limit` seconds, the result is None and the last
    says how; the other items are done all the same. `work`, items and results are pickled.
    """
    waiting = list(reversed(items))
    workers = [_Worker(work) for _ in range(min(jobs, len(items)))]
    try:
        for worker in workers:
            worker.give(waiting.pop())
        while busy := [worker for worker in workers if worker.item is not None]:
            late = max(0.0, min(worker.since + time_limit for worker in busy) - time.monotonic())
            told = set(wait([worker.pipe for worker in busy], late))
            for worker in busy:
                expired = time.monotonic() - worker.since >= time_limit
                if worker.pipe not in told and not expired:
                    continue
                ended = worker.take(f"did not end within {time_limit:.0f} s")
                if waiting:
                    worker.give(waiting.pop())
                yield ended
    finally:
        for worker in workers:
            worker.end()


def wide_console() -> Console:
    """A console for wide tables: lines of files and pipes are as long as they are."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, 200))


@contextlib.contextmanager
def cores_on_stderr() -> Generator[None]:
    """Within the block what cores print to standard output, as gambatte does, goes to standard
    error: tables and JSON stay clean.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what lies in the C library's buffers
        os.dup2(kept, 1)
        os.close(kept)


class _Worker(Generic[Item, Result]):
    """One process, started anew when it has died."""

    def __init__(self, work: Callable[[Item], Result]) -> None:
        self._work = work
        self.item: Item | None = None
        self.since = 0.0
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_serve, args=(other, self._work), daemon=True
        )
        self._process.start()
        other.close()

    def give(self, item: Item) -> None:
        self.item, self.since = item, time.monotonic()
        self.pipe.send(item)

    def take(self, late: str) -> tuple[Item, Result | None, str]:
        """What came of the item; `late` is said where nothing did."""
        item = self.item
        assert item is not None
        self.item = None
        try:
            if self.pipe.poll():
                return item, self.pipe.recv(), ""
            reason = late
            self._process.kill()
            self._process.join()
        except EOFError:
            self._process.join()
            code = self._process.exitcode or 0
            reason = f"died of signal {-code}" if code < 0 else f"ended with exit status {code}"
        self.pipe.close()
        self._start()
        return item, None, reason

    def end(self) -> None:
        self.pipe.close()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, work: Callable[[Item], Result]) -> None:
    with cores_on_stderr():
        while True:
            try:
                item = pipe.recv()
            except (EOFError, KeyboardInterrupt):
                return
            pipe.send(work(item))
