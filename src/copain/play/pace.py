"""Pace: how many frames are due, counted against a clock so that no error adds up."""

from __future__ import annotations

from fractions import Fraction

LATE = 0.25
"""Seconds of backlog after which it is forgotten: the window was dragged, the machine slept."""


class Pace:
    """Counts the frames that are due at a rate that may change.

    The n-th frame after a start is due n / rate after it, whatever the earlier ones did. Times
    are in seconds of any clock that does not go back.
    """

    def __init__(self) -> None:
        self._rate: Fraction | None = None
        self._start = 0.0
        self._done = 0

    def due(self, now: float, rate: Fraction) -> int:
        """Frames that should have been played by `now` at `rate` a second, and were not yet."""
        if rate != self._rate:
            self._rate, self._start, self._done = rate, now, 0
        due = int((now - self._start) * rate) - self._done
        if due > max(1, LATE * rate):
            self._start, self._done = now, 0
            due = 1
        return due

    def played(self, frames: int = 1) -> None:
        """Count frames that were played."""
        self._done += frames

    def stop(self) -> None:
        """Forget the start: the next `due` begins anew."""
        self._rate = None

    def wait(self, now: float) -> float:
        """Seconds from `now` until the next frame is due; 0 when it already is."""
        if self._rate is None:
            return 0.0
        return max(0.0, self._start + float((self._done + 1) / self._rate) - now)
