"""The progress bar of commands that play a movie."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def frame_progress(
    what: str, frames: int, *, quiet: bool = False
) -> Generator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal, while the block runs; call what it gives
    with the frames played.
    """
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("frames"), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    console.quiet = quiet or not console.is_terminal  # else a bar that is gone leaves an empty line
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=frames)

        def advance(frame: int) -> None:
            if frame % 16 == 0 or frame == frames:  # drawing must not cost more than playing
                progress.update(task, completed=frame)

        yield advance
