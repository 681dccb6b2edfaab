"""What a search looks like on a terminal, and without one."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

import copain
from copain import Emulator
from copain.cli.watch import SearchWatch
from copain.search import Progress

AT = Progress(
    seconds=90.0, frames=180_000, rerecords=2345, savestates=67, deaths=89, steps_back=1,
    frame=1200, best_frame=1300, best_progress=50, best_score=13_700, won=False,
    savestate=lambda: None,
)  # fmt: skip


def console(height: int = 40, width: int = 120, *, terminal: bool) -> tuple[Console, io.StringIO]:
    written = io.StringIO()
    made = Console(
        file=written, width=width, height=height, color_system="truecolor",
        _environ={"TERM": "xterm-256color"}, force_terminal=terminal,
    )  # fmt: skip
    return made, written


@pytest.fixture
def at(grid: Emulator) -> Progress:
    grid.advance(copain.Joypad(start=True), frames=4)
    state = grid.save_state()
    return replace(AT, savestate=lambda: state)


@pytest.mark.parametrize(("height", "terminal"), [(40, False), (10, True)])
def test_without_a_terminal_or_room_it_prints_lines(
    grid: Emulator, height: int, terminal: bool
) -> None:
    plain, written = console(height, terminal=terminal)
    with SearchWatch("a search", plain, grid, lambda at: at.best_progress / 100) as watch:
        watch(AT)
        watch(AT)  # a moment later: not again
    (line,) = written.getvalue().splitlines()
    for fact in (
        "90 s",
        "50% of the way",
        "13,700",
        "1,300",
        "2,345",
        "67",
        "89",
        "2,000 frames/s",
    ):
        assert fact in line


@pytest.mark.parametrize(
    ("height", "width", "rows"), [(40, 120, 12), (24, 80, 12), (40, 62, 6), (18, 50, 0)]
)
def test_on_a_terminal_it_shows_the_screen(
    at: Progress, grid: Emulator, height: int, width: int, rows: int
) -> None:
    screen, written = console(height, width, terminal=True)
    with SearchWatch("a search", screen, grid, lambda at: 0.5) as watch:
        watch(at)
        shown = written.getvalue()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    for fact in ("a search", "13,700", "2,345", "2,000", "1:30", "50%", "Ctrl-C"):
        assert fact in text
    assert sum("▀" in line for line in text.splitlines()) == rows


def test_the_picture_is_that_of_the_screen(at: Progress, grid: Emulator) -> None:
    # Grid's player is blue: in the half blocks there is a pixel of his colour.
    with SearchWatch("a search", *console(terminal=True)[:1], grid) as watch:
        blocks = pictures(watch)(at)
    player = np.array([0x60, 0xC8, 0xF8])
    assert (blocks == player).all(axis=-1).any()


def pictures(
    watch: SearchWatch,
) -> Callable[[Progress], np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    def picture(at: Progress) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        blocks = watch._picture(at)  # pyright: ignore[reportPrivateUsage]
        assert blocks is not None
        return blocks._picture  # pyright: ignore[reportPrivateUsage]

    return picture
