"""The window in which a person plays any game that an emulator runs.

`Player` is the logic, without a window; `play` opens one around it. pygame is imported only when
a window opens.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import threading
from collections.abc import Generator, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from copain.emulator import Emulator
from copain.errors import CopainError, InputError, MissingExtra, MovieError
from copain.movie.movie import Movie
from copain.play.keys import Bindings
from copain.play.player import Player, Status
from copain.system import NES

if TYPE_CHECKING:
    from copain.play.window import Window

__all__ = ["Bindings", "Player", "Status", "play"]

HASHES_EVERY = 60
"""Frames from one RAM hash of a recording to the next."""


def play(
    emulator: Emulator,
    *,
    movie: Movie | None = None,
    record: Path | None = None,
    bindings: Bindings | None = None,
    scale: int | None = None,
    full_screen: bool = False,
    sound: bool = True,
    watch: Sequence[str] = (),
    author: str = "",
) -> Path | None:
    """Open a window and play until it is closed; the file of the recording, if there is one.

    A `movie` is played read-only until the person takes over. With `record`, the movie of what
    was played is written to that file at the end, whole or not at all, also when an error ends
    it. `scale` is how many pixels wide a pixel of the picture is; `watch` are names of variables
    to show; `author` is written into the recording. The emulator stays the caller's.

    Raises MissingExtra without pygame-ce, MovieError for a movie or recording that cannot be,
    InputError for unknown variables, and CopainError where no window can be opened.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    try:
        importlib.import_module("pygame")
    except ImportError:
        raise MissingExtra.needed("copain play", "pygame-ce", "play") from None
    from copain.play.window import Window

    if record is not None:
        _check_recording(record, emulator)
    unknown = [name for name in watch if name not in emulator.ram.variables]
    if unknown:
        known = ", ".join(emulator.ram.variables) or "none"
        raise InputError(f"copain play: no variable is called {unknown[0]!r}; known are {known}")
    player = Player(emulator, movie)
    window = Window(
        player, bindings or Bindings(), record=record, scale=scale, full_screen=full_screen,
        sound=sound, watch=watch,
    )  # fmt: skip
    with _hangup_closes(window):
        try:
            window.run()
        finally:
            window.close()
            if window.record is not None:
                player.recorder.movie(author).write(window.record)
        if window.record is not None:
            _add_hashes(player, window.record, author)
    return window.record


@contextlib.contextmanager
def _hangup_closes(window: Window) -> Generator[None]:
    """Closing the terminal closes the window: unheeded, the signal would end Python without a
    word, and the recording with it. SIGTERM needs nothing: SDL makes it a request to quit.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    before = signal.getsignal(signal.SIGHUP)
    if before != signal.SIG_DFL:  # nohup, or a program that has its own way
        yield
        return

    def close(_number: int, _frame: FrameType | None) -> None:
        # No exception: a shell says it a second time, while the recording is being written.
        window.closing = True

    signal.signal(signal.SIGHUP, close)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


def _check_recording(path: Path, emulator: Emulator) -> None:
    """Say at the start, not after an hour, that a recording cannot be written."""
    call = f"copain play --record {str(path)!r}"
    if emulator.system is not NES or path.suffix.lower() != ".fm2":
        raise MovieError(
            f"{call}: a recording is an .fm2 of an NES game; this is {path.suffix or 'nothing'!r} "
            f"and a game of the {emulator.system.title}"
        )
    if path.exists():
        raise MovieError(
            f"{call}: there is such a file already; choose another name, or go on from it with "
            f"--movie {path} and another --record"
        )
    if not path.absolute().parent.is_dir():
        raise MovieError(f"{call}: there is no folder {path.absolute().parent}; make it first")


def _add_hashes(player: Player, path: Path, author: str) -> None:
    """Play the recording again, without a window, for the hashes that `copain verify` compares.

    Where that does not end in the same RAM the file stays as it is, and the error says so.
    """
    try:
        player.recorder.movie(author, hashes_every=HASHES_EVERY).write(path)
    except MovieError:
        raise
    except CopainError as error:
        raise MovieError(f"{path} is written, but without RAM hashes: {error}") from error
