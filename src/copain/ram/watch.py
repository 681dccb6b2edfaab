"""RamWatch: named variables, followed while something plays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from copain.errors import InputError, MemoryRangeError
from copain.memory import Memory, Variable

LINE_HEIGHT = 9
"""Pixels from one line to the next of what `RamWatch.draw` writes."""


class RamWatch:
    """Follows named variables of `ram`: what they are, and which have changed.

    `names` are names that `ram` or `variables` know; without them all of `variables`, or else all
    that `ram` knows. Raises InputError for a name that is unknown, MemoryRangeError for a
    variable outside of `ram`. ::

        watch = RamWatch(nes.ram, ["score", "lives"])
        nes.advance(frames=60)
        print(watch)                          # score 100  lives 3
    """

    def __init__(
        self,
        ram: Memory,
        names: Iterable[str] | None = None,
        variables: Mapping[str, Variable] | None = None,
    ) -> None:
        known = {**ram.variables, **(variables or {})}
        wanted = list(names) if names is not None else list(variables or known)
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise InputError(
                f"RamWatch: no variable is called {unknown[0]!r}; "
                f"known are {', '.join(known) or 'none: give variables'}"
            )
        for name in wanted:
            variable = known[name]
            if variable.address + variable.length > len(ram):
                raise MemoryRangeError(
                    f"RamWatch: {name} lies at {variable.address:#x}, "
                    f"{ram.name} ends at {len(ram):#x}"
                )
        self.variables: Mapping[str, Variable] = {name: known[name] for name in wanted}
        self._ram = ram
        self._last = self.read()

    def read(self) -> dict[str, int]:
        """The values now, by name; the RAM is read once."""
        ram = self._ram.read_all()
        return {name: int(variable.decode(ram)) for name, variable in self.variables.items()}

    def changes(self) -> dict[str, tuple[int, int]]:
        """What has changed since this was last called (or the start): (then, now) by name."""
        last, now = self._last, self.read()
        self._last = now
        return {name: (last[name], now[name]) for name in now if now[name] != last[name]}

    def lines(self) -> list[str]:
        """A line a variable: ``lives 3``."""
        return [f"{name} {value}" for name, value in self.read().items()]

    def draw(self, text: Callable[[int, int, str], object], x: int = 8, y: int = 8) -> None:
        """Write the lines with a function that draws `text` at pixel (x, y), one below the other.

        Such a function is FCEUX's own ``gui.text``, or one of Pillow.
        """
        for row, line in enumerate(self.lines()):
            text(x, y + row * LINE_HEIGHT, line)

    def __str__(self) -> str:
        return "  ".join(self.lines())
