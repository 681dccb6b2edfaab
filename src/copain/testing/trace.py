"""Traces: what was seen after each frame, and how two of them differ."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator, HasScreen
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.rollout import frame_inputs
from copain.testing.report import Finding, Outcome

SHORTEST_TAIL = 30
"""A difference has healed when at least so many frames, and a quarter of all, are equal after."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What was seen after each frame: RAM, ``uint8 (frames, ram_size)``, and the picture's hash.

    `pictures` is empty for an emulator without a screen.
    """

    ram: Bytes
    pictures: tuple[int, ...] = ()

    def part(self, first: int, last: int) -> Trace:
        """The frames from `first` up to, not including, `last`."""
        return Trace(self.ram[first:last], self.pictures[first:last])


def record(emulator: Emulator, log: InputLog, before: Callable[[int], None] | None = None) -> Trace:
    """Play `log` from where the emulator stands; `before` is called ahead of each frame."""
    seen = isinstance(emulator, HasScreen)
    ram = np.empty((len(log), len(emulator.ram)), np.uint8)
    pictures: list[int] = []
    for frame, held in enumerate(frame_inputs(log)):
        if before is not None:
            before(frame)
        emulator.advance(held)
        ram[frame] = emulator.ram.read_all()
        if seen:
            pictures.append(picture_hash(emulator))
    return Trace(ram, tuple(pictures))


def picture_hash(emulator: Emulator) -> int:
    """A hash of the picture and its shape."""
    assert isinstance(emulator, HasScreen)
    picture = emulator.screen
    return zlib.crc32(picture.tobytes(), zlib.crc32(repr(picture.shape).encode()))


def compare(expected: Trace, found: Trace, first_frame: int = 0, detail: str = "") -> Finding:
    """How `found` differs from `expected`; `first_frame` is the number of their first frame."""
    frames, ram_size = expected.ram.shape
    if found.ram.shape != expected.ram.shape:
        return Finding(
            Outcome.WRONG,
            detail=f"{found.ram.shape[0]} frames of {found.ram.shape[1]} bytes where "
            f"{frames} of {ram_size} are expected",
        )
    differs = (expected.ram != found.ram).any(axis=1)
    pictures = np.array(
        [a != b for a, b in zip(expected.pictures, found.pictures, strict=True)] or [False] * frames
    )
    frames_that_differ = np.flatnonzero(differs | pictures)
    size = frames * ram_size
    if not len(frames_that_differ):
        return Finding(Outcome.EXACT, frames, size)
    first, last = int(frames_that_differ[0]), int(frames_that_differ[-1])
    tail = frames - 1 - last
    healed = tail >= max(SHORTEST_TAIL, frames // 4)
    addresses = np.flatnonzero(expected.ram[first] != found.ram[first])
    notes = [detail] if detail else []
    notes.append(f"{len(addresses)} bytes of ram differ" if len(addresses) else "the picture")
    notes.append(f"{len(frames_that_differ)} of {frames} frames")
    if healed:
        notes.append(f"equal for the last {tail}")
    return Finding(
        Outcome.HEALS if healed else Outcome.DIVERGES,
        frames,
        size,
        first_frame + first,
        tuple(int(address) for address in addresses[:8]),
        ", ".join(notes),
    )
