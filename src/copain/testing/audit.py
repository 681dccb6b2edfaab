"""The audit: the same inputs on an emulator and on a reference, RAM compared after every frame.

Two emulators of one console agree when RAM is equal at the end of every frame, their boots being
as long as they say (`copain.movie.boot_offset`). Where they do not, the audit says from which
frame and in which bytes, whether it heals, and whether another boot offset would have fitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator, HasScreen, Picture
from copain.errors import EmulatorError
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.movie.playback import boot_offset, ram_mask
from copain.rollout import frame_inputs
from copain.testing.inputs import random_inputs
from copain.testing.trace import SHORTEST_TAIL

OFFSETS = (-3, -2, -1, 0, 1, 2, 3)
"""Boot offsets that are tried where the known one does not fit."""

FIRST_PICTURE = 60
"""Before this frame pictures are not compared: a game has not set its palette yet, and what a
console's palette holds at power-on is each console's own."""

A_SECOND = 60
"""Frames within which a difference that comes back now and then must have healed."""

MOST_ADDRESSES = 8
"""How many differing bytes a result lists."""


class Agreement(StrEnum):
    """How far two emulators agree; the worst comes last."""

    EXACT = "exact"
    """Equal in every byte after every frame."""
    OUTSIDE_STACK = "exact outside the stack"
    """Equal after every frame but for the stack page."""
    HEALS = "heals"
    """Different outside the stack for some frames, then equal again: over a long tail, or each
    time within a second (a game that is at work when a frame ends is seen in mid-work)."""
    DIVERGES = "diverges"
    """Different outside the stack, and not equal for long at the end."""
    REFUSED = "refused"
    """One of the two did not open the ROM, or died."""

    @property
    def rank(self) -> int:
        """From 0 (exact) to 4 (refused)."""
        return list(Agreement).index(self)


@dataclass(frozen=True, slots=True)
class AuditResult:
    """What the audit of one ROM found, over all seeds the worst.

    `first` is the first frame (from 1) that differs outside the stack page (anywhere, where only
    the stack differs), `addresses` the first bytes that do, `different` how many of the `frames`
    differ outside the stack, `seed` the inputs' that were worst. `offset` is the boot offset by
    which the two were compared; `better` another one that fits in more frames, if there is one.
    """

    name: str
    mapper: int
    emulator: str
    reference: str
    agreement: Agreement
    frames: int = 0
    seeds: int = 0
    first: int | None = None
    addresses: tuple[int, ...] = ()
    different: int = 0
    seed: int | None = None
    offset: int = 0
    better: int | None = None
    error: str = ""


def audit(
    emulator: Emulator, reference: Emulator, frames: int, seeds: Sequence[int], name: str = ""
) -> AuditResult:
    """Compare two emulators that have the same ROM open, with random inputs of each seed.

    Raises EmulatorError when their RAM is not of the same size, and what they raise themselves.
    """
    size = len(emulator.ram)
    if len(reference.ram) != size:
        raise EmulatorError(
            f"audit: {emulator.name} has {size} bytes of RAM, {reference.name} "
            f"{len(reference.ram)}; they cannot be compared"
        )
    results: list[AuditResult] = []
    offset = boot_offset(emulator) - boot_offset(reference)
    counts = ram_mask(emulator.system, size) != 0
    for seed in seeds:
        log = random_inputs(emulator.system, frames, seed)
        expected = ram_trace(reference, log, boot_offset(reference))
        found = ram_trace(emulator, log, boot_offset(emulator))
        result = _judge(expected, found, counts)
        if result.agreement is Agreement.DIVERGES and result.different > frames // 2:
            result = replace(
                result, better=_better(emulator, expected, log, counts, result.different)
            )
        results.append(replace(result, seed=seed))
    worst = max(results, key=lambda result: (result.agreement.rank, result.different))
    return replace(
        worst, name=name, mapper=mapper_of(emulator.rom.data), emulator=emulator.name,
        reference=reference.name, seeds=len(seeds), frames=frames, offset=offset,
    )  # fmt: skip


def ram_trace(emulator: Emulator, log: InputLog, offset: int) -> Bytes:
    """RAM after each line of `log` from power-on: ``uint8 (lines, ram_size)``.

    `offset` frames run before the first line; negative, that many lines are dropped, and their
    rows are those of the first frame that was emulated.
    """
    dropped = _power_on(emulator, offset)
    ram = np.empty((len(log), len(emulator.ram)), np.uint8)
    for frame, held in enumerate(frame_inputs(log[dropped:]), dropped):
        emulator.advance(held)
        ram[frame] = emulator.ram.read_all()
    ram[:dropped] = ram[dropped : dropped + 1]
    return ram


def _power_on(emulator: Emulator, offset: int) -> int:
    """Boot, and make up for a longer one; how many lines to drop for a shorter one."""
    emulator.power_on()
    if offset > 0:
        emulator.advance(frames=offset)
    return max(0, -offset)


def _judge(expected: Bytes, found: Bytes, counts: npt.NDArray[np.bool_]) -> AuditResult:
    unequal = expected != found
    outside = unequal[:, counts].any(axis=1)
    anywhere = unequal.any(axis=1)
    frames = len(expected)
    blank = AuditResult("", 0, "", "", Agreement.EXACT)
    if not anywhere.any():
        return blank
    if not outside.any():
        first = int(np.flatnonzero(anywhere)[0])
        addresses = np.flatnonzero(unequal[first])
        agreement = Agreement.OUTSIDE_STACK
    else:
        wrong = np.flatnonzero(outside)
        first, last = int(wrong[0]), int(wrong[-1])
        addresses = np.flatnonzero(unequal[first] & counts)
        tail = frames - 1 - last
        healed = tail >= max(SHORTEST_TAIL, frames // 4) or _longest_run(outside) <= A_SECOND
        agreement = Agreement.HEALS if healed else Agreement.DIVERGES
    return replace(
        blank, agreement=agreement, first=first + 1, different=int(outside.sum()),
        addresses=tuple(addresses[:MOST_ADDRESSES].tolist()),
    )  # fmt: skip


def _longest_run(mask: npt.NDArray[np.bool_]) -> int:
    """The most true values in a row."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _better(
    emulator: Emulator, expected: Bytes, log: InputLog, counts: npt.NDArray[np.bool_], worst: int
) -> int | None:
    """A boot offset by which fewer frames differ than half of `worst`, or None."""
    best: tuple[int, int | None] = (worst // 2, None)
    for offset in OFFSETS:
        if offset == boot_offset(emulator):
            continue
        found = ram_trace(emulator, log, offset)
        different = int((expected != found)[:, counts].any(axis=1).sum())
        if different < best[0]:
            best = different, offset
    return best[1]


def mapper_of(rom: bytes) -> int:
    """The mapper number in an iNES header."""
    clean = not any(rom[12:16]) or rom[7] & 0x0C == 0x08  # else bytes 7-15 hold a ripper's name
    high = rom[7] & 0xF0 if clean else 0
    if rom[7] & 0x0C == 0x08:
        high |= (rom[8] & 0x0F) << 8
    return rom[6] >> 4 | high


# Pictures ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PictureResult:
    """How two emulators' pictures agree up to their palettes.

    `pixels` of `compared` differ, `pictures` of `frames` have one that does; `first` is the first
    of these frames (from 1), `lines` its lines that differ.
    """

    name: str
    emulator: str
    reference: str
    frames: int = 0
    compared: int = 0
    pixels: int = 0
    pictures: int = 0
    first: int | None = None
    lines: tuple[int, ...] = ()
    error: str = ""

    @property
    def equal(self) -> bool:
        """Whether something was compared, and every pixel is equal."""
        return self.compared > 0 and self.pixels == 0


def audit_pictures(
    emulator: Emulator, reference: Emulator, frames: int, seed: int, every: int = 1, name: str = ""
) -> PictureResult:
    """Compare two emulators' pictures after each `every` frames, with random inputs.

    Palettes differ between emulators, colours do not: over the whole run a colour of one must
    always be the same colour of the other, and the other way round.
    """
    if not isinstance(emulator, HasScreen) or not isinstance(reference, HasScreen):
        raise EmulatorError("audit_pictures: an emulator without a screen has no pictures")
    log = random_inputs(emulator.system, frames, seed)
    pairs: list[tuple[int, npt.NDArray[np.uint32], npt.NDArray[np.uint32]]] = []
    dropped = [
        (machine, _power_on(machine, boot_offset(machine))) for machine in (emulator, reference)
    ]
    for frame, held in enumerate(frame_inputs(log), 1):
        for machine, lines_dropped in dropped:
            if frame > lines_dropped:
                machine.advance(held)
        if frame >= FIRST_PICTURE and frame % every == 0:
            pairs.append((frame, _colours(emulator.screen), _colours(reference.screen)))
    there = _mapping([(one, other) for _, one, other in pairs])
    back = _mapping([(other, one) for _, one, other in pairs])
    result = PictureResult(name, emulator.name, reference.name, frames)
    pixels = pictures = compared = 0
    first: int | None = None
    lines: tuple[int, ...] = ()
    for frame, one, other in pairs:
        wrong = (_mapped(one, there) != other) | (_mapped(other, back) != one)
        compared += wrong.size
        if wrong.any():
            pixels += int(wrong.sum())
            pictures += 1
            if first is None:
                first = frame
                lines = tuple(np.flatnonzero(wrong.any(axis=1))[:MOST_ADDRESSES].tolist())
    return replace(
        result, compared=compared, pixels=pixels, pictures=pictures, first=first, lines=lines
    )


def _colours(picture: Picture) -> npt.NDArray[np.uint32]:
    return picture.astype(np.uint32) @ np.array([0x10000, 0x100, 1], np.uint32)


def _mapping(
    pairs: Sequence[tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]],
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """For each colour of the first pictures, the colour that it mostly is in the second."""
    votes: dict[tuple[int, int], int] = {}
    for one, other in pairs:
        both = one.ravel().astype(np.uint64) << np.uint64(32) | other.ravel()
        kinds, counts = np.unique(both, return_counts=True)
        for kind, count in zip(kinds.tolist(), counts.tolist(), strict=True):
            key = kind >> 32, kind & 0xFFFFFFFF
            votes[key] = votes.get(key, 0) + count
    best: dict[int, tuple[int, int]] = {}
    for (colour, other), count in votes.items():
        if count > best.get(colour, (0, 0))[0]:
            best[colour] = count, other
    colours = sorted(best)
    return np.array(colours, np.uint32), np.array([best[c][1] for c in colours], np.uint32)


def _mapped(
    picture: npt.NDArray[np.uint32],
    mapping: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]],
) -> npt.NDArray[np.uint32]:
    colours, others = mapping
    return others[np.searchsorted(colours, picture)]
