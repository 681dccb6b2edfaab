"""Verification: does a movie still play, and where does it part?

A movie is played from its anchor on a fresh emulator and compared with what it claims, the RAM
hashes that it carries, and, where a second emulator is given, with that one after every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from copain.emulator import Emulator
from copain.errors import MovieError
from copain.memory import Bytes, Variable
from copain.movie.movie import Movie
from copain.movie.playback import check_playable, hash_ram, play_frames, ram_mask

Factory = Callable[[], Emulator]
"""Makes a fresh emulator; the one who calls it closes it."""

MAX_DIFFERENCES = 64
"""How many differing bytes a comparison lists."""

A_SECOND = 60
"""Frames of equal RAM after which a difference counts as healed; and the longest that a difference
may last that comes and goes, as where a game is seen in mid-work when a frame ends."""


class Status(StrEnum):
    """How a movie plays on an emulator; the worst comes last."""

    IN_SYNC = "in sync"
    """Equal in all that was compared, to the end."""
    HEALS = "heals"
    """Different now and then, each time for a second at most; or once, and equal for the last
    second and to the end."""
    DESYNC = "desync"
    """Different, and not equal again for good."""
    REFUSED = "refused"
    """Not played: the emulator did not open the game, or died, or nothing was compared."""

    @property
    def rank(self) -> int:
        """From 0 (in sync) to 3 (refused)."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Difference:
    """A variable, or a byte without a name, that differs: what was expected and what was found."""

    address: int
    name: str
    expected: int
    found: int

    def __str__(self) -> str:
        named = f" {self.name}" if self.name else ""
        return f"{self.address:#06x}{named}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One emulator against one reference, over a whole movie.

    `first` is the first differing frame (frames count from 1), None when there is none; `since`
    the last frame before it that was compared and equal; `differences` what differed in `first`
    (empty against hashes, which do not say); `differing` how many of the `compared` frames
    differed; `healed` the frame from which all were equal again, None when it lasts to the end.
    `bytes_compared` counts a byte once a frame. `last` is the last frame compared. `longest` is
    the longest difference in frames, from its first frame to the first that was equal again, of
    all the `times` that it came.
    """

    emulator: str
    reference: str
    compared: int
    bytes_compared: int
    last: int
    first: int | None = None
    since: int = 0
    differing: int = 0
    healed: int | None = None
    differences: tuple[Difference, ...] = ()
    longest: int = 0
    times: int = 0

    @property
    def in_sync(self) -> bool:
        """Whether something was compared and nothing differed."""
        return self.compared > 0 and self.bytes_compared > 0 and self.first is None

    @property
    def status(self) -> Status:
        """In sync, healed, or a desync."""
        if self.first is None:
            return Status.IN_SYNC if self.in_sync else Status.REFUSED
        brief = self.longest <= A_SECOND and 2 * self.differing <= self.compared
        if self.healed is None:  # it ends in a difference, which has healed each time before
            return Status.HEALS if brief and self.times > 1 else Status.DESYNC
        long_equal = self.last - self.healed + 1 >= A_SECOND
        return Status.HEALS if brief or long_equal else Status.DESYNC


@dataclass(frozen=True, slots=True)
class Verdict:
    """What `verify` found: `frames` played, and one comparison for each reference."""

    frames: int
    comparisons: tuple[Comparison, ...]

    @property
    def in_sync(self) -> bool:
        """Whether all comparisons agree, and one of them reaches the movie's last frame."""
        return all(comparison.in_sync for comparison in self.comparisons) and any(
            comparison.last == self.frames for comparison in self.comparisons
        )

    @property
    def status(self) -> Status:
        """The worst of the comparisons; refused where none reaches the movie's last frame."""
        if not any(comparison.last == self.frames for comparison in self.comparisons):
            return Status.REFUSED
        return max((comparison.status for comparison in self.comparisons), key=lambda s: s.rank)

    @property
    def first(self) -> int | None:
        """The first frame known to differ, over all comparisons."""
        firsts = [found.first for found in self.comparisons if found.first is not None]
        return min(firsts, default=None)


@dataclass
class Tally:
    """A comparison in the making."""

    emulator: str
    reference: str
    compared: int = 0
    bytes_compared: int = 0
    last: int = 0
    first: int | None = None
    since: int = 0
    differing: int = 0
    healed: int | None = None
    differences: tuple[Difference, ...] = field(default=())
    longest: int = 0
    times: int = 0
    _began: int | None = None

    def add(self, frame: int, size: int, equal: bool) -> bool:
        """Count a comparison of `size` bytes; whether this is the first difference."""
        self.compared += 1
        self.bytes_compared += size
        self.last = frame
        if equal:
            if self.first is None:
                self.since = frame
            elif self.healed is None:
                self.healed = frame
            self._lasted(frame)
            self._began = None
            return False
        self.differing += 1
        self.healed = None
        if self._began is None:
            self._began = frame
            self.times += 1
        if self.first is None:
            self.first = frame
            return True
        return False

    def _lasted(self, until: int) -> None:
        if self._began is not None:
            self.longest = max(self.longest, until - self._began)

    def done(self) -> Comparison:
        """What was counted."""
        self._lasted(self.last + 1)
        return Comparison(
            self.emulator, self.reference, self.compared, self.bytes_compared, self.last,
            self.first, self.since, self.differing, self.healed, self.differences,
            self.longest, self.times,
        )  # fmt: skip


def verify(
    movie: Movie,
    factory: Factory,
    reference: Factory | None = None,
    variables: Mapping[str, Variable] | None = None,
    on_frame: Callable[[int], None] | None = None,
    *,
    strict: bool = True,
) -> Verdict:
    """Play `movie` on a fresh emulator and say whether it still is what it was.

    Compared are all RAM outside the stack page and the bytes of the named `variables`: with the
    movie's own hashes at their frames (those leave the stack page out altogether), and after
    every frame with the emulator that `reference` makes. Frames that the boot offset of one
    of them drops are not compared. `on_frame` is told how many frames were played.

    Raises MovieError when nothing would prove the movie to its end: no reference, and no hash
    of its last frame. Raises as `play` does.
    """
    if movie.frames == 0:
        raise MovieError("verify: the movie has no frames, so there is nothing to prove")
    if reference is None and movie.frames not in movie.hashes:
        upto = f"end at frame {max(movie.hashes)}" if movie.hashes else "are missing"
        raise MovieError(
            f"verify: the movie has {movie.frames} frames and its RAM hashes {upto}, so the rest "
            "cannot be proven by itself; compare it with a second emulator, or give it hashes "
            "(copain.movie.record_hashes)"
        )
    with factory() as emulator:
        check_playable(movie, emulator, strict=strict)
        if reference is None:
            return _verify_alone(movie, emulator, on_frame, strict)
        with reference() as second:
            return _verify_beside(movie, emulator, second, variables or {}, on_frame, strict)


def _verify_alone(
    movie: Movie, emulator: Emulator, on_frame: Callable[[int], None] | None, strict: bool
) -> Verdict:
    tally = _hash_tally(emulator)
    for frame, emulated in play_frames(movie, emulator, strict=strict):
        if emulated:
            _compare_hash(tally, movie, frame, emulator)
        if on_frame is not None:
            on_frame(frame)
    return Verdict(movie.frames, (tally.done(),))


def _verify_beside(
    movie: Movie,
    emulator: Emulator,
    reference: Emulator,
    variables: Mapping[str, Variable],
    on_frame: Callable[[int], None] | None,
    strict: bool,
) -> Verdict:
    own = [(_hash_tally(machine), machine) for machine in (emulator, reference)]
    tally = Tally(called(emulator), called(reference))
    size = len(emulator.ram)
    if len(reference.ram) != size:
        raise MovieError(
            f"verify: {tally.emulator} has {size} bytes of RAM, {tally.reference} "
            f"{len(reference.ram)}; they cannot be compared"
        )
    mask = ram_mask(movie.system, size)
    for variable in variables.values():
        mask[variable.address : variable.address + variable.length] = 0xFF
    counted = int(np.count_nonzero(mask))
    pairs = zip(
        play_frames(movie, emulator, strict=strict),
        play_frames(movie, reference, strict=strict),
        strict=True,
    )
    for (frame, first), (_, second) in pairs:
        for (hashes, machine), emulated in zip(own, (first, second), strict=True):
            if emulated:
                _compare_hash(hashes, movie, frame, machine)
        if first and second:
            found, expected = emulator.ram.read_all() & mask, reference.ram.read_all() & mask
            if tally.add(frame, counted, bool(np.array_equal(found, expected))):
                tally.differences = differences(expected, found, variables)
        if on_frame is not None:
            on_frame(frame)
    told = [hashes.done() for hashes, _ in own if movie.hashes]
    return Verdict(movie.frames, (*told, tally.done()))


def _hash_tally(emulator: Emulator) -> Tally:
    return Tally(called(emulator), "the movie's own RAM hashes")


def _compare_hash(tally: Tally, movie: Movie, frame: int, emulator: Emulator) -> None:
    expected = movie.hashes.get(frame)
    if expected is not None:
        ram = emulator.ram.read_all()
        size = int(np.count_nonzero(ram_mask(movie.system, len(ram))))
        tally.add(frame, size, hash_ram(ram, movie.system) == expected)


def called(emulator: Emulator) -> str:
    """An emulator's name and version."""
    return f"{emulator.name} {emulator.version}"


def differences(
    expected: Bytes, found: Bytes, variables: Mapping[str, Variable]
) -> tuple[Difference, ...]:
    """What differs between two RAMs: variables by name, other bytes by address, at most
    `MAX_DIFFERENCES`, in the order of addresses.
    """
    unequal = expected != found
    named: list[Difference] = []
    for name, variable in variables.items():
        bytes_of = slice(variable.address, variable.address + variable.length)
        if unequal[bytes_of].any():
            values = int(variable.decode(expected)), int(variable.decode(found))
            named.append(Difference(variable.address, name, *values))
    for variable in variables.values():
        unequal[variable.address : variable.address + variable.length] = False
    plain = [
        Difference(int(address), "", int(expected[address]), int(found[address]))
        for address in np.flatnonzero(unequal)
    ]
    return tuple(sorted(named + plain, key=lambda one: one.address)[:MAX_DIFFERENCES])
