"""LiveWatch: a table of named variables on the terminal, while something plays."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from copain.ram.watch import RamWatch

_DRAWN_EVERY = 1 / 30  # seconds; drawing takes time from the emulator
_BRIGHT_FRAMES = 30
"""How long a value that has changed stays bright."""


class LiveWatch:
    """Shows a `RamWatch` on a terminal; call it with the frame after each one.

    On a terminal it is a table that stands still, and values that have just changed are bright;
    elsewhere each change is a line. ::

        with LiveWatch(RamWatch(nes.ram, ["score", "lives"])) as show:
            for _ in range(600):
                nes.advance(copain.Joypad(a=True))
                show(nes.frame)
    """

    def __init__(self, watch: RamWatch, title: str = "", console: Console | None = None) -> None:
        self._watch, self._title = watch, title
        self._console = console or Console()
        self._changed: dict[str, int] = {}
        self._drawn = float("-inf")
        self._frame = 0
        self._live: Live | None = None
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, auto_refresh=False)

    def __call__(self, frame: int) -> None:
        """Show the values of `frame`."""
        changes = self._watch.changes()
        if frame < self._frame:  # a savestate was loaded
            self._changed.clear()
        self._frame = frame
        self._changed |= dict.fromkeys(changes, frame)
        if self._live is None:
            if changes:
                told = ", ".join(f"{name} {old} -> {new}" for name, (old, new) in changes.items())
                self._console.print(
                    f"frame {frame}: {told}", highlight=False, markup=False, soft_wrap=True
                )
        elif time.monotonic() - self._drawn >= _DRAWN_EVERY:
            self._draw()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
            self._draw()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            if kind is None:
                self._draw()
            self._live.stop()

    def _draw(self) -> None:
        assert self._live is not None
        self._drawn = time.monotonic()
        width = max(24, len(self._title) + 2)
        table = Table(title=self._title or None, caption=f"frame {self._frame}", min_width=width)
        table.add_column("variable", style="dim")
        table.add_column("value", justify="right", min_width=10)
        rows = max(1, self._console.size.height - 7)
        values = list(self._watch.read().items())
        for name, value in values[:rows]:
            new = self._frame - self._changed.get(name, -_BRIGHT_FRAMES) < _BRIGHT_FRAMES
            table.add_row(Text(name), Text(str(value), "bold bright_yellow" if new else ""))
        if len(values) > rows:
            table.add_row(Text(f"and {len(values) - rows} more"), "")
        self._live.update(table, refresh=True)
