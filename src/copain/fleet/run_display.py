"""What a `CopainRun` looks like while it runs: a table on a terminal, or a line now and then."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

_DRAWN_EVERY = 0.2  # seconds; drawing takes time from the runners
_LINE_EVERY = 5.0  # seconds between lines where there is no terminal


@dataclass(frozen=True, slots=True)
class Line:
    """What one runner shows: the newest value of everything that it told."""

    runner: int
    visible: bool
    restarts: int
    facts: Mapping[str, object] = field(default_factory=dict[str, object])


class Display(Protocol):
    """Shows the runners; used as a context around the run, in the thread that called `run`."""

    def show(self, lines: Sequence[Line], /) -> None:
        """Show these, one for each runner. Called several times a second."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class RunDisplay:
    """The display on standard error."""

    def __init__(self, title: str = "", *, quiet: bool = False) -> None:
        self._title, self._quiet = title, quiet
        self._began = time.monotonic()
        self._drawn = float("-inf")
        self._console: Any = None
        self._live: Any = None

    def show(self, lines: Sequence[Line]) -> None:
        """Draw, unless the last was drawn a moment ago."""
        now = time.monotonic()
        if self._quiet or now - self._drawn < (_LINE_EVERY if self._live is None else _DRAWN_EVERY):
            return
        if not any(line.facts for line in lines):
            return
        self._drawn = now
        if self._live is None:
            told = "; ".join(f"{line.runner}: {_words(line)}" for line in lines if line.facts)
            self._console.print(f"{now - self._began:5.0f} s  {told}", highlight=False)
        else:
            self._live.update(self._table(lines), refresh=True)

    def __enter__(self) -> Self:
        if not self._quiet:
            # Here, so that who shows nothing need not wait for it.
            from rich.console import Console
            from rich.live import Live

            self._began = time.monotonic()
            self._console = Console(stderr=True, soft_wrap=True)
            if self._console.is_terminal and not self._console.is_dumb_terminal:
                self._live = Live(console=self._console, auto_refresh=False, transient=True)
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
            self._live = None

    def _table(self, lines: Sequence[Line]) -> Any:
        from rich.table import Table

        names = list(dict.fromkeys(name for line in lines for name in line.facts))
        table = Table(title=self._title or None, title_justify="left", title_style="bold")
        table.add_column("runner", justify="right")
        for name in names:
            table.add_column(name.replace("_", " "), justify="right", style="cyan")
        if any(line.restarts for line in lines):
            table.add_column("restarts", justify="right", style="red")
        for line in lines:
            cells = [f"{line.runner}{' (shown)' if line.visible else ''}"]
            cells += [_word(line.facts.get(name, "")) for name in names]
            if len(table.columns) > len(cells):
                cells.append(str(line.restarts or ""))
            table.add_row(*cells)
        return table


def _words(line: Line) -> str:
    facts = [f"{name.replace('_', ' ')} {_word(fact)}" for name, fact in line.facts.items()]
    return ", ".join(facts)


def _word(fact: object) -> str:
    if isinstance(fact, float):
        return f"{fact:,.2f}"
    return f"{fact:,}" if isinstance(fact, int) else str(fact)
