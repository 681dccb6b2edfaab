"""Savestates that stay inside FCEUX: numbered slots, freed when nobody holds them any more."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable

from copain.errors import CopainError, EmulatorClosed

Fetch = Callable[[int], bytes]


class Slot:
    """A savestate inside FCEUX; when this object is gone, its number is used again."""

    __slots__ = ("__weakref__", "bytes", "number", "slots")

    def __init__(self, slots: Slots, number: int) -> None:
        self.slots = slots
        self.number = number
        self.bytes: bytes | None = None

    def read(self) -> bytes:
        """What FCEUX wrote. Raises EmulatorClosed when it is gone and nobody fetched it before."""
        if self.bytes is None:
            self.bytes = self.slots.fetch(self.number)
        return self.bytes

    @property
    def is_lost(self) -> bool:
        """Whether its FCEUX is gone."""
        return self.slots.ended

    def __del__(self) -> None:
        self.slots.free.append(self.number)


class Slots:
    """The savestates inside one FCEUX."""

    def __init__(self, fetch: Fetch) -> None:
        """`fetch` gets the bytes of a slot."""
        self.free: deque[int] = deque()  # appended to by finalisers, on any thread
        self._fetch: Fetch | None = fetch
        self._next = 1  # 0 is the script's own
        self._held: dict[int, weakref.ref[Slot]] = {}

    def new(self) -> Slot:
        """A slot that nobody holds."""
        try:
            number = self.free.popleft()
        except IndexError:
            number = self._next
            self._next += 1
        slot = Slot(self, number)
        self._held[number] = weakref.ref(slot)
        return slot

    @property
    def made(self) -> int:
        """How many slots FCEUX has had to make."""
        return self._next - 1

    @property
    def ended(self) -> bool:
        """Whether FCEUX is gone."""
        return self._fetch is None

    def has(self, handle: object) -> bool:
        """Whether a savestate's handle is one of these, inside a FCEUX that runs."""
        return isinstance(handle, Slot) and handle.slots is self and self._fetch is not None

    def fetch(self, number: int) -> bytes:
        """The bytes of a slot."""
        if self._fetch is None:
            raise EmulatorClosed(
                "this savestate was inside a FCEUX that is gone; close() fetches the bytes of all "
                "that are held, kill() and a crash do not: call to_bytes() before"
            )
        return self._fetch(number)

    def rescue(self) -> None:
        """Fetch the bytes of all slots that are held, before FCEUX ends."""
        for held in list(self._held.values()):
            slot = held()
            if slot is not None:
                try:
                    slot.read()
                except CopainError:
                    return  # it failed: nothing can be fetched any more

    def lose(self) -> None:
        """FCEUX is gone."""
        self._fetch = None
