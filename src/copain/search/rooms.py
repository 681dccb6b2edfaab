"""Rooms: how a search shares out the memory that it may take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from copain.errors import InputError
from copain.rollout import Fleet
from copain.search.expansion import SIDES
from copain.search.shelf import Room, ShelvesSavestates

_LEAST = 8 << 20
"""Bytes that are left for what a search knows, at least."""
_COLUMNS = 12
"""Numbers that go with each place, besides its actions and what it carries."""


@dataclass(frozen=True, slots=True)
class Rooms:
    """For the places that are held, for those that were seen, for lines; None for no limit.

    What is not shared out is for a commit, which has all places that are held packed once more.
    """

    shelf: Room | None = None
    seen: Room | None = None
    lines: Room | None = None
    playing: int = 0
    """Bytes that batches take, and the columns of places."""

    @classmethod
    def within(
        cls,
        memory: int | None,
        fleet: Fleet,
        folder: Path,
        *,
        batch: int,
        frames: int,
        capacity: int,
        columns: int,
    ) -> Self:
        """Share out `memory` bytes, after what batches of so many jobs and frames take.

        Raises InputError that says how much is needed at least.
        """
        place = len(fleet.root().payload) + fleet.ram_size
        played = fleet.ram_size * (frames + 1 if frames > 1 else 1)
        needed = SIDES * batch * (2 * place + played) + 2 * capacity * 8 * (_COLUMNS + columns)
        if not isinstance(fleet.new_pool(1), ShelvesSavestates):
            needed += capacity * place  # nothing is packed
        if memory is None:
            return cls(playing=needed)
        left = memory - needed
        if left < _LEAST:
            raise InputError(
                f"memory={memory}: batches of {batch} jobs and {capacity} places take {needed} "
                f"bytes; at least {needed + _LEAST} are needed, or smaller batches"
            )
        shares = (Room(left // parts, folder) for parts in (4, 2, 8))
        return cls(*shares, playing=needed)
