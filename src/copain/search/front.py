"""Pareto fronts: which of many lines are worth keeping when several things are wished."""

from __future__ import annotations

import numpy as np

from copain.games.game import Numbers

_ROWS = 512


def dominators(wishes: Numbers) -> Numbers:
    """For each row of ``int64 (B, wishes)``, how many others are as good in all and better in
    one: 0 on the front.
    """
    different, which, times = np.unique(wishes, axis=0, return_inverse=True, return_counts=True)
    found = np.zeros(len(different), np.int64)
    for first in range(0, len(different), _ROWS):  # bounds memory
        these = different[first : first + _ROWS, None]
        as_good = np.all(different[None] >= these, axis=-1)
        as_good[np.arange(len(these)), first + np.arange(len(these))] = False  # itself
        found[first : first + _ROWS] = as_good @ times
    return found[which.reshape(-1)]


def spread(rows: Numbers, most: int) -> Numbers:
    """At most so many of `rows`, evenly spread, the first and the last one among them."""
    if len(rows) <= most:
        return rows
    if most == 1:
        return rows[:1]
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
