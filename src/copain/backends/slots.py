"""Savestates that stay inside another process: numbered slots, free when nobody holds them."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable

from copain.errors import CopainError, EmulatorClosed

Fetch = Callable[[int], bytes]


class Slot:
    """A savestate inside an emulator; when this object is gone, its number is used again."""

    __slots__ = ("__weakref__", "bytes", "number", "slots")

    def __init__(self, slots: Slots, number: int) -> None:
        self.slots = slots
        self.number = number
        self.bytes: bytes | None = None

    def read(self) -> bytes:
        """What the emulator wrote. Raises EmulatorClosed when it is gone and none asked before."""
        if self.bytes is None:
            self.bytes = self.slots.fetch(self.number)
        return self.bytes

    @property
    def is_lost(self) -> bool:
        """Whether its emulator is gone."""
        return self.slots.ended

    def __del__(self) -> None:
        self.slots.free.append(self.number)


class Slots:
    """The savestates inside one emulator."""

    def __init__(self, title: str, fetch: Fetch) -> None:
        """Of the emulator called `title`; `fetch` gets the bytes of a slot."""
        self._title = title
        self.free: deque[int] = deque()  # appended to by finalisers, on any thread
        self._fetch: Fetch | None = fetch
        self._given_back: list[int] = []
        self._next = 1  # 0 is the script's own
        self._held: dict[int, weakref.ref[Slot]] = {}

    def new(self) -> Slot:
        """A slot that nobody holds."""
        try:
            number = self.free.popleft()
        except IndexError:
            if self._given_back:
                number = self._given_back.pop()
            else:
                number = self._next
                self._next += 1
        slot = Slot(self, number)
        self._held[number] = weakref.ref(slot)
        return slot

    def surplus(self, keep: int) -> list[int]:
        """Numbers that nobody holds, beyond the first `keep`: their room can be given back.

        They will be used again, after those that are kept.
        """
        surplus: list[int] = []
        while len(self.free) > keep:
            surplus.append(self.free.pop())
        self._given_back.extend(surplus)
        return surplus

    @property
    def made(self) -> int:
        """How many slots were ever made."""
        return self._next - 1

    @property
    def ended(self) -> bool:
        """Whether the emulator is gone."""
        return self._fetch is None

    def has(self, handle: object) -> bool:
        """Whether a savestate's handle is one of these, inside an emulator that runs."""
        return isinstance(handle, Slot) and handle.slots is self and self._fetch is not None

    def fetch(self, number: int) -> bytes:
        """The bytes of a slot."""
        if self._fetch is None:
            raise EmulatorClosed(
                f"this savestate was inside {self._title}, which is gone; close() fetches the "
                "bytes of all that are held, kill() and a crash do not: call to_bytes() before"
            )
        return self._fetch(number)

    def rescue(self) -> None:
        """Fetch the bytes of all slots that are held, before the emulator ends."""
        for held in list(self._held.values()):
            slot = held()
            if slot is not None:
                try:
                    slot.read()
                except CopainError:
                    return  # it failed: nothing can be fetched any more

    def lose(self) -> None:
        """The emulator is gone."""
        self._fetch = None
