"""Practice: places that earlier episodes came to, to begin others at.

An agent that always begins at the start of a stage meets its end, for a long time, seldom or
never. Some of its episodes therefore begin at places where it has been: each stretch of the way
as often as any other, and not just before it was lost. Backplay (https://arxiv.org/abs/1807.06919)
begins so along a good run of somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from copain.errors import InputError
from copain.savestate import Savestate

_EVERY = 12  # steps between two places of an episode
_BEFORE_LOSS = 10  # steps before it was lost, in which an episode was at no place to begin at
_STRETCH = 64  # frames since power-on, that places share
_MOST_OF_A_STRETCH = 6
_MOST_STRETCHES = 4096


class Practice:
    """Keeps places of `count` copies that play, and draws from them."""

    def __init__(self, count: int, odds: float, seed: int = 0) -> None:
        """`odds`: how likely an episode begins at such a place, once there is one."""
        if not 0 <= odds <= 1:
            raise InputError(f"Practice(odds={odds}): 0 to 1 is allowed")
        self.odds = odds
        self.stretches: dict[int, list[Savestate]] = {}
        """The places of each stretch of the way."""
        self._kept: list[Savestate] = []
        self._luck = np.random.default_rng((seed, 77))
        self._passed: list[list[tuple[int, Savestate]]] = [[] for _ in range(count)]

    def due(self, steps: np.typing.NDArray[np.int64]) -> np.typing.NDArray[np.int64]:
        """Which copies, that have made so many steps, are to be noted now."""
        return np.flatnonzero(steps % _EVERY == _EVERY - 1) if self.odds else np.zeros(0, np.int64)

    def note(self, row: int, step: int, savestate: Savestate) -> None:
        """A copy is here, after so many steps of its episode."""
        self._passed[row].append((step, savestate))

    def end(self, row: int, step: int, *, lost: bool) -> None:
        """The copy's episode ended after so many steps: what it passed can be practised."""
        passed, self._passed[row] = self._passed[row], []
        for at, savestate in passed:
            if not lost or at <= step - _BEFORE_LOSS:
                self.add(savestate)

    def add(self, savestate: Savestate, *, keep: bool = False) -> None:
        """A place; of a stretch that has enough, in place of one that is not the newest. With
        `keep` it stays for good.
        """
        if keep:
            self._kept.append(savestate)
            return
        stretch = savestate.frame // _STRETCH
        if stretch not in self.stretches and len(self.stretches) >= _MOST_STRETCHES:
            return
        places = self.stretches.setdefault(stretch, [])
        places.append(savestate)
        if len(places) > _MOST_OF_A_STRETCH:
            places.pop(int(self._luck.integers(len(places) - 1)))

    def draw(self, count: int) -> Sequence[Savestate | None]:
        """Where `count` episodes begin; None where they begin at a start."""
        stretches = [*self.stretches.values(), *([place] for place in self._kept)]
        drawn: list[Savestate | None] = []
        for _ in range(count):
            if not stretches or self._luck.random() >= self.odds:
                drawn.append(None)
            else:
                places = stretches[int(self._luck.integers(len(stretches)))]
                drawn.append(places[int(self._luck.integers(len(places)))])
        return drawn
