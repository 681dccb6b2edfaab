"""RewindRing: savestates of the moments just played, as many as a bound of memory holds."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable

from copain.savestate import Savestate

DEFAULT_MEMORY = 128 * 1024 * 1024
"""Bytes of savestates that are kept: some 150 s of an NES, 30 s of a Genesis."""

MAX_SPACING = 16
"""The most frames from one kept savestate to the next; those between are emulated again."""

_GOAL_FRAMES = 60 * 120


class RewindRing:
    """Savestates by their frame in the movie, evenly spaced, all on one timeline.

    The spacing follows from the size of a savestate: every frame where they are small, at most
    `MAX_SPACING` where they are large. When full, the savestate farthest away goes.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY) -> None:
        """A ring of at most `memory` bytes, but at least one savestate."""
        self._memory = memory
        self._frames: list[int] = []
        self._states: dict[int, Savestate] = {}
        self._gap: dict[int, Savestate] = {}
        self._capacity = 1
        self.spacing = 1

    def __len__(self) -> int:
        return len(self._frames)

    def wants(self, frame: int) -> bool:
        """Whether a savestate of `frame` should be kept."""
        return frame % self.spacing == 0 and frame not in self._states

    def keep(self, frame: int, state: Savestate) -> None:
        """Keep the savestate of a frame. The first one's size decides how many there will be."""
        if not self._frames:
            size = max(1, len(state.payload))
            self._capacity = max(1, self._memory // size)
            self.spacing = min(MAX_SPACING, max(1, -(-_GOAL_FRAMES // self._capacity)))
        self._gap.clear()
        if frame in self._states:
            return
        insort(self._frames, frame)
        self._states[frame] = state
        if len(self._frames) > self._capacity:
            newer = self._frames[-1] - frame > frame - self._frames[0]
            del self._states[self._frames.pop(-1 if newer else 0)]

    def fill(self, frame: int, state: Savestate) -> None:
        """Keep a savestate between two kept ones for as long as rewinding stays between them."""
        if frame not in self._states:
            self._gap[frame] = state

    def at_or_before(self, frame: int) -> Savestate | None:
        """The newest savestate that is not after `frame`, or None."""
        if frame in self._gap:
            return self._gap[frame]
        self._gap.clear()
        index = bisect_right(self._frames, frame)
        return self._states[self._frames[index - 1]] if index else None

    def forget_after(self, frame: int) -> None:
        """Forget the savestates after `frame`: another future begins there."""
        self._gap.clear()
        index = bisect_left(self._frames, frame + 1)
        for gone in self._frames[index:]:
            del self._states[gone]
        del self._frames[index:]

    def forget_unless(self, still: Callable[[Savestate], bool]) -> None:
        """Forget the savestates that are not on the timeline any more."""
        self._gap.clear()
        self._frames = [frame for frame in self._frames if still(self._states[frame])]
        self._states = {frame: self._states[frame] for frame in self._frames}
