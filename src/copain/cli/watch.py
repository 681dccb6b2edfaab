"""What a search looks like while it runs: a live display, or a line now and then without one."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby
from types import TracebackType
from typing import Self

import numpy as np
from rich.align import Align
from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.measure import Measurement
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from copain.emulator import Emulator, HasScreen, Picture
from copain.search import Progress

_DRAWN_EVERY = 0.12  # seconds; drawing takes time from the search
_LINE_EVERY = 5.0  # seconds between lines where there is no terminal
_TEXT_COLUMNS = 44
_LEAST_HEIGHT = 18  # lines of a terminal that hold the display


def _known(at: Progress) -> list[tuple[str, str, str]]:
    """What not every search tells."""
    rows = [("depth", f"{at.depth:,}", "")] if at.depth else []
    if at.repeated is not None:
        rows.append(("seen before", f"{at.repeated:.0%}", ""))
    if at.memory:
        disk = f" + {at.spilled / 1e6:,.0f} on disk" if at.spilled else ""
        rows.append(("memory, MB", f"{at.memory / 1e6:,.0f}{disk}", ""))
    if at.frames_left is not None:
        rows.append(("frames left", f"{at.frames_left:,}", ""))
    return rows


class SearchWatch:
    """Shows the progress of a search on a terminal; call it with each `Progress`.

    On a terminal that is high enough it is a live display with the picture of the newest
    savestate, drawn by `emulator`, which is its own; else a plain line every few seconds. `way`
    gives how much of the way a `Progress` has behind it, 0 to 1, for the bar.
    """

    def __init__(
        self,
        title: str,
        console: Console,
        emulator: Emulator | None = None,
        way: Callable[[Progress], float] | None = None,
    ) -> None:
        self._title, self._console, self._emulator, self._way = title, console, emulator, way
        self._drawn = float("-inf")
        self._live: Live | None = None
        terminal = console.is_terminal and not console.is_dumb_terminal
        if terminal and console.size.height >= _LEAST_HEIGHT:
            self._live = Live(console=console, auto_refresh=False, transient=True)

    def __call__(self, progress: Progress) -> None:
        """Show `progress`, unless the last was shown a moment ago."""
        now = time.monotonic()
        if now - self._drawn < (_LINE_EVERY if self._live is None else _DRAWN_EVERY):
            return
        self._drawn = now
        if self._live is None:
            self._console.print(self._line(progress), highlight=False, soft_wrap=True)
        else:
            self._live.update(self._panel(progress), refresh=True)

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _line(self, at: Progress) -> str:
        way = "" if self._way is None else f"{self._way(at):4.0%} of the way, "
        return (
            f"{at.seconds:5.0f} s: {way}score {at.best_score:,}, frame {at.best_frame:,}; "
            f"{at.savestates:,} savestates, {at.rerecords:,} rerecords, {at.deaths:,} deaths, "
            f"{at.frames_per_second:,.0f} frames/s"
        )

    def _panel(self, at: Progress) -> Panel:
        facts = Table.grid(padding=(0, 2))
        facts.add_column(style="dim")
        facts.add_column(justify="right", min_width=12)
        for name, value, style in (
            ("best score", f"{at.best_score:,}", "bold bright_yellow"),
            ("best frame", f"{at.best_frame:,}", "bold"),
            ("now at frame", f"{at.frame:,}", ""),
            ("", "", ""),
            ("savestates", f"{at.savestates:,}", ""),
            ("rerecords", f"{at.rerecords:,}", ""),
            ("deaths", f"{at.deaths:,}", "red"),
            ("steps back", f"{at.steps_back:,}", ""),
            ("", "", ""),
            ("frames played", f"{at.frames:,}", ""),
            ("frames/s", f"{at.frames_per_second:,.0f}", "bright_cyan"),
            ("states/s", f"{at.rerecords_per_second:,.0f}", "bright_cyan"),
            *_known(at),
            ("time", f"{int(at.seconds) // 60}:{int(at.seconds) % 60:02}", ""),
        ):
            facts.add_row(name, Text(value, style))
        body = Table.grid(padding=(0, 2))
        picture = self._picture(at)
        if picture is None:
            body.add_row(facts)
        else:
            body.add_row(picture, Align.center(facts, vertical="middle"))
        outer = Table.grid(padding=(0, 0))
        outer.add_row(body)
        if self._way is not None:
            way = self._way(at)
            width = 40 if picture is None else picture.columns + _TEXT_COLUMNS - 12
            bar = Table.grid(padding=(0, 1))
            bar.add_row(ProgressBar(total=1.0, completed=way, width=width), f"{way:4.0%}")
            outer.add_row(bar)
        return Panel(
            outer, title=f"[bold]{self._title}[/]", subtitle="[dim]Ctrl-C keeps the best so far[/]",
            expand=False, border_style="bright_blue",
        )  # fmt: skip

    def _picture(self, at: Progress) -> Blocks | None:
        """The screen at the newest savestate, as large as the terminal has room for."""
        emulator = self._emulator
        if not isinstance(emulator, HasScreen) or self._console.color_system is None:
            return None
        savestate = at.savestate()
        if savestate is None:
            return None
        emulator.load_state(savestate)
        emulator.advance()  # a core draws a frame when it plays one
        screen = emulator.screen
        rows, columns = self._console.size.height - 5, self._console.size.width - _TEXT_COLUMNS
        for shrink in (4, 6, 8):
            if screen.shape[0] // shrink <= 2 * rows and screen.shape[1] // shrink <= columns:
                return Blocks(_shrunk(screen, shrink))
        return None


class Blocks:
    """A picture in half-block characters, two pixels each."""

    def __init__(self, picture: Picture) -> None:
        self.columns = picture.shape[1]
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The characters, line by line."""
        rows = [[(r, g, b) for r, g, b in row] for row in self._picture.tolist()]
        for upper, lower in zip(rows[::2], rows[1::2], strict=True):
            for (above, below), run in groupby(zip(upper, lower, strict=True)):
                yield Segment("▀" * len(list(run)), _style(above, below))
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Its width, which cannot be changed."""
        return Measurement(self.columns, self.columns)


@lru_cache(maxsize=4096)
def _style(above: tuple[int, int, int], below: tuple[int, int, int]) -> Style:
    return Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))


def _shrunk(screen: Picture, shrink: int) -> Picture:
    """The picture in squares of `shrink` pixels, each as bright as its brightest: shots stay."""
    height, width = screen.shape[0] // (2 * shrink) * 2, screen.shape[1] // shrink
    squares = screen[: height * shrink, : width * shrink].reshape(height, shrink, width, shrink, 3)
    pixels = squares.transpose(0, 2, 1, 3, 4).reshape(height, width, shrink * shrink, 3)
    brightest = pixels.sum(axis=-1, dtype=np.int64).argmax(axis=-1)
    return np.take_along_axis(pixels, brightest[..., None, None], axis=2)[:, :, 0]
