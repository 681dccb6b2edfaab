"""One movie on many emulators side by side: in sync, or where they part, and what is known of why.

All play the movie frame by frame together; RAM is compared with that of the first, the reference.
Besides the bytes it is asked whether they still tell the same story: the game's own variables.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator, HasLagFrames
from copain.errors import CopainError, MovieError
from copain.memory import Bytes, Variable
from copain.movie.movie import Movie
from copain.movie.playback import (
    boot_offset,
    check_playable,
    hash_ram,
    play_frames,
    ram_mask,
)
from copain.movie.verdict import (
    A_SECOND,
    Comparison,
    Factory,
    Status,
    Tally,
    called,
    differences,
)
from copain.system import System

STORY = ("mode", "stage", "loop", "lives", "deaths", "score")
"""Variables that tell a game's story, of those that it names."""

SHIFTS = (-3, -2, -1, 1, 2, 3)
"""Frames by which the boot offset of an emulator that differs is tried."""

SHIFTED_FRAMES = 300
"""Of so many frames at the beginning, before inputs have made it another story."""

_FITS = 0.5
"""An emulator fits when so much of these is equal."""


@dataclass(frozen=True, slots=True)
class StoryEnd:
    """Whether an emulator told the same story as the reference.

    `same`: at the end all variables of `values` are equal, and along the way they were never
    unequal for more than a second; None where the game has no such variables. `values` are this
    emulator's at the end, `expected` the reference's; `first` is the first frame with another one.
    `parted` is the first difference of the `variable` that did not come back, None without one.
    """

    same: bool | None
    values: Mapping[str, int] = field(default_factory=dict[str, int])
    expected: Mapping[str, int] = field(default_factory=dict[str, int])
    first: int | None = None
    parted: int | None = None
    variable: str | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """What is known of why an emulator differs.

    `kind` is ``power-on RAM``, ``boot offset``, ``lag``, ``timing`` or ``unknown``; `measured`
    says whether `text` was seen, or is only what is left.
    """

    kind: str
    measured: bool
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """How the movie plays on one emulator.

    `offset` is its boot offset against FCEUX, None where it is not known (and 0 was used).
    `comparison` is with the reference, None for the reference itself and for one that did not
    play to its end, which `error` explains; `hashes` is with the RAM hashes that the movie carries.
    """

    name: str
    emulator: str = ""
    offset: int | None = None
    comparison: Comparison | None = None
    hashes: Comparison | None = None
    story: StoryEnd = StoryEnd(None)
    causes: tuple[Cause, ...] = ()
    error: str = ""

    @property
    def status(self) -> Status:
        """How the movie plays; of the reference, whether it agrees with the movie's hashes."""
        if self.error:
            return Status.REFUSED
        if self.comparison is not None:
            return self.comparison.status
        return Status.IN_SYNC if self.hashes is None else self.hashes.status


@dataclass(frozen=True, slots=True)
class Table:
    """What `verify_on` found: `frames` played, and a row for each emulator, the reference first."""

    frames: int
    rows: tuple[Row, ...]

    @property
    def reference(self) -> Row:
        """The emulator that the others were compared with."""
        return self.rows[0]

    @property
    def status(self) -> Status:
        """A desync if there is one; else refused if one is; else heals, or in sync."""
        found = {row.status for row in self.rows}
        order = (Status.DESYNC, Status.REFUSED, Status.HEALS)
        return next((status for status in order if status in found), Status.IN_SYNC)


def verify_on(
    movie: Movie,
    factories: Mapping[str, Factory],
    variables: Mapping[str, Variable] | None = None,
    on_frame: Callable[[int], None] | None = None,
    *,
    story: Sequence[str] = STORY,
    strict: bool = True,
) -> Table:
    """Play `movie` on a fresh emulator of each factory, all at once, and compare every frame.

    The first is the reference; with the movie's own hashes all are compared. Compared is RAM
    outside the stack page and the bytes of the named `variables`; `story` are those of them that
    tell the story. One that does not open, is not for this movie or dies becomes a row that says
    so; the others play on. `on_frame` is told how many frames were played.

    Raises MovieError for no frames, fewer than one emulator, or a reference that does not play.
    """
    if movie.frames == 0 or not factories:
        raise MovieError(
            f"verify_on: the movie has {movie.frames} frames and there are {len(factories)} "
            "emulators; one of each at least is needed"
        )
    named = dict(variables or {})
    asked = [name for name in story if name in named]
    with ExitStack() as stack:
        players = [
            _Player(name, factory, movie, stack, strict=strict)
            for name, factory in factories.items()
        ]
        reference, others = players[0], players[1:]
        _check_reference(reference)
        besides = [_Beside(player, reference, movie.system, named, asked) for player in others]
        for frame in range(1, movie.frames + 1):
            for player in players:
                player.advance(frame)
            _check_reference(reference)
            for beside in besides:
                beside.compare(frame)
            if on_frame is not None:
                on_frame(frame)
        rows = [reference.row(reference.told(named, asked)), *(one.row() for one in besides)]
    return Table(movie.frames, tuple(rows))


def _check_reference(reference: _Player) -> None:
    if reference.error:
        raise MovieError(f"verify_on: the reference {reference.name}: {reference.error}")


class _Player:
    """One emulator as it plays the movie; `error` says why it does not."""

    def __init__(
        self, name: str, factory: Factory, movie: Movie, stack: ExitStack, *, strict: bool
    ) -> None:
        self.name, self.error = name, ""
        self.ram: Bytes | None = None  # None too where the boot offset dropped the frame
        self.last = self.power_on_ram = np.zeros(0, np.uint8)
        self.emulator: Emulator | None = None
        self._movie = movie
        self._hashes = Tally("", "the movie's own RAM hashes")
        self._frames: Iterator[tuple[int, bool]] = iter(())
        try:
            self.emulator = emulator = stack.enter_context(factory())
            check_playable(movie, emulator, strict=strict)
            emulator.power_on()
            self.power_on_ram = emulator.ram.read_all()
            self._frames = play_frames(movie, emulator, strict=strict)
            self._hashes = Tally(called(emulator), "the movie's own RAM hashes")
        except CopainError as error:
            self.error = str(error)

    def advance(self, frame: int) -> None:
        """Play one frame."""
        if self.error or self.emulator is None:
            return
        try:
            _, emulated = next(self._frames)
            self.ram = self.emulator.ram.read_all() if emulated else None
        except CopainError as error:
            self.error, self.ram = f"in frame {frame}: {error}", None
            return
        expected = self._movie.hashes.get(frame)
        if self.ram is not None:
            self.last = self.ram
            if expected is not None:
                mask = ram_mask(self._movie.system, len(self.ram))
                equal = hash_ram(self.ram, self._movie.system) == expected
                self._hashes.add(frame, int(np.count_nonzero(mask)), equal)

    @property
    def lagged(self) -> bool | None:
        """Whether the last frame was a lag frame, None where the emulator does not tell."""
        return self.emulator.lagged if isinstance(self.emulator, HasLagFrames) else None

    def told(self, variables: Mapping[str, Variable], story: Sequence[str]) -> StoryEnd:
        """How the story stands, for the reference."""
        values = self.values(variables, story)
        return StoryEnd(True if values else None, values, values)

    def values(self, variables: Mapping[str, Variable], story: Sequence[str]) -> dict[str, int]:
        """The story's variables in the last RAM."""
        return {name: int(variables[name].decode(self.last)) for name in story}

    def row(
        self,
        story: StoryEnd = StoryEnd(None),
        comparison: Comparison | None = None,
        causes: tuple[Cause, ...] = (),
    ) -> Row:
        """What is known of it."""
        if self.error or self.emulator is None:
            return Row(self.name, error=self.error)
        offset: int | None = getattr(self.emulator, "boot_offset", None)
        hashes = self._hashes.done() if self._movie.hashes else None
        return Row(
            self.name, called(self.emulator), offset, comparison, hashes, story, causes
        )  # fmt: skip


class _Beside:
    """One player compared with the reference."""

    def __init__(
        self,
        player: _Player,
        reference: _Player,
        system: System,
        variables: Mapping[str, Variable],
        story: Sequence[str],
    ) -> None:
        self._player, self._reference = player, reference
        self._variables = variables
        size = len(reference.power_on_ram)
        if not player.error and len(player.power_on_ram) != size:
            player.error = (
                f"it has {len(player.power_on_ram)} bytes of RAM, {reference.name} {size}; "
                "they cannot be compared"
            )
        assert reference.emulator is not None
        self._mask = ram_mask(system, size)
        for variable in variables.values():
            self._mask[variable.address : variable.address + variable.length] = 0xFF
        self._counted = int(np.count_nonzero(self._mask))
        self._tally = Tally(
            called(player.emulator) if player.emulator else "", called(reference.emulator)
        )
        self._story = {name: Tally("", "") for name in story}
        self._causes: list[Cause] = []
        self._mine, self._theirs = deque[int](maxlen=4), deque[int](maxlen=4)
        self._shifted = dict.fromkeys(SHIFTS, 0)
        self._unshifted = 0

    def compare(self, frame: int) -> None:
        """Compare this frame's RAM with the reference's."""
        if self._player.ram is None or self._reference.ram is None:
            return
        found, expected = self._player.ram & self._mask, self._reference.ram & self._mask
        equal = bool(np.array_equal(found, expected))
        if self._tally.compared < SHIFTED_FRAMES:
            self._shift(hash(found.tobytes()), hash(expected.tobytes()))
        for name, tally in self._story.items():
            variable = self._variables[name]
            told = equal or int(variable.decode(found)) == int(variable.decode(expected))
            tally.add(frame, variable.length, told)
        if self._tally.add(frame, self._counted, equal):
            self._tally.differences = differences(expected, found, self._variables)
            self._causes = self._first_causes(np.flatnonzero(found != expected))

    def _shift(self, found: int, expected: int) -> None:
        """Count in how many frames each shift of the boot offset would fit."""
        self._mine.append(found)
        self._theirs.append(expected)
        self._unshifted += found == expected
        for shift in SHIFTS:
            late, early = (self._mine, self._theirs) if shift > 0 else (self._theirs, self._mine)
            if len(early) > abs(shift):
                self._shifted[shift] += late[-1] == early[-1 - abs(shift)]

    def _first_causes(self, unequal: npt.NDArray[np.intp]) -> list[Cause]:
        """What the first difference tells of its cause."""
        causes: list[Cause] = []
        mine, theirs = self._player, self._reference
        before = mine.power_on_ram[unequal], theirs.power_on_ram[unequal]
        assert mine.ram is not None
        assert theirs.ram is not None
        untouched = (mine.ram[unequal] == before[0]) & (theirs.ram[unequal] == before[1])
        if untouched.all():
            causes.append(
                Cause("power-on RAM", True, "all bytes that differ first are as at power-on")
            )
        lagged = mine.lagged, theirs.lagged
        if None not in lagged and lagged[0] != lagged[1]:
            which = mine.name if lagged[0] else theirs.name
            causes.append(Cause("lag", True, f"in that frame only {which} lagged"))
        return causes

    def row(self) -> Row:
        """What was found."""
        if self._player.error:
            return self._player.row()
        comparison = self._tally.done()
        return self._player.row(self._story_end(), comparison, tuple(self._all_causes(comparison)))

    def _all_causes(self, found: Comparison) -> list[Cause]:
        if found.first is None:
            return []
        causes = list(self._causes)
        shift, fits = max(self._shifted.items(), key=lambda item: item[1])
        tried = min(found.compared, SHIFTED_FRAMES)
        if fits > tried * _FITS and fits > 2 * self._unshifted:
            assert self._player.emulator is not None
            better = boot_offset(self._player.emulator) + shift
            causes.append(Cause(
                "boot offset", True,
                f"by {better:+d} frames, {fits:,} of the first {tried:,} are equal",
            ))  # fmt: skip
        if causes:
            return causes
        if found.status is Status.HEALS and found.longest <= A_SECOND:
            return [Cause(
                "timing", False,
                f"no difference lasts longer than {found.longest} frames: the game is seen in "
                "mid-work when a frame ends, as where the CPU or PPU is some cycles off",
            )]  # fmt: skip
        return [Cause("unknown", False, "not power-on RAM, boot offset or lag; timing is left")]

    def _story_end(self) -> StoryEnd:
        names = list(self._story)
        if not names:
            return StoryEnd(None)
        values = self._player.values(self._variables, names)
        expected = self._reference.values(self._variables, names)
        told = {name: tally.done() for name, tally in self._story.items()}
        firsts = [one.first for one in told.values() if one.first is not None]
        parted = [
            (one.first or 0, name)
            for name, one in told.items()
            if one.longest > A_SECOND or values[name] != expected[name]
        ]
        first, variable = min(parted, default=(None, None))
        return StoryEnd(not parted, values, expected, min(firsts, default=None), first, variable)
