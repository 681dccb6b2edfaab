"""verify_on: many emulators side by side, and what is said where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from copain.backends.grid import GridEmulator, open_grid
from copain.emulator import Emulator
from copain.errors import EmulatorCrashed, MovieError
from copain.joypad import IDLE, Held, Joypad
from copain.movie import Movie, Recorder, Row, Status, Table, verify, verify_on

UNUSED = 0x30  # a byte of Grid's RAM that the game neither reads nor writes
FRAMES = 200


class Bent(GridEmulator):
    """A Grid in which bytes of RAM are others after some frames."""

    def __init__(self, bend: Callable[[int], bool], address: int = UNUSED) -> None:
        self._bend, self._address = bend, address
        super().__init__(open_grid().rom)

    def power_on(self) -> None:
        super().power_on()
        self.ram[UNUSED] = 0x55 if self._bend(0) else 0

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        for _ in range(frames):
            if self._bend(self.frame):
                self.ram[self._address] ^= 0x55  # the game never sees it
            super().advance(held)
            if self._bend(self.frame):
                self.ram[self._address] ^= 0x55


class Clock(GridEmulator):
    """A Grid that counts frames in RAM, from a number on."""

    start = 0

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        super().advance(held, frames=frames)
        self.ram[UNUSED] = (self.start + self.frame) % 256


class Early(Clock):
    """A Grid whose boot is two frames shorter than it says."""

    start = 2


class Dying(GridEmulator):
    """A Grid that dies in frame 50."""

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        if self.frame == 49:
            raise EmulatorCrashed("it is dead")
        super().advance(held, frames=frames)


@pytest.fixture(scope="module")
def movie() -> Movie:
    with Recorder(open_grid()) as recorder:
        recorder.advance(Joypad(start=True))
        for frame in range(FRAMES - 1):
            recorder.advance(Joypad(right=frame % 3 == 0, down=frame % 5 == 0))
        return recorder.movie(hashes_every=10)


def table(movie: Movie, other: Callable[[], Emulator]) -> Table:
    variables = open_grid().ram.variables
    return verify_on(
        movie, {"grid": open_grid, "other": other}, variables, story=("stage", "score", "luck")
    )


def row(movie: Movie, bend: Callable[[int], bool], address: int = UNUSED) -> Row:
    return table(movie, lambda: Bent(bend, address)).rows[1]


def test_emulators_that_agree_are_in_sync(movie: Movie) -> None:
    found = table(movie, open_grid)
    assert (found.status, found.frames) == (Status.IN_SYNC, FRAMES)
    assert found.reference.name == "grid"
    assert found.reference.comparison is None
    assert found.reference.hashes is not None
    assert found.reference.hashes.compared == FRAMES // 10
    other = found.rows[1].comparison
    assert other is not None
    assert (other.compared, other.bytes_compared) == (FRAMES, FRAMES * 256)
    assert found.rows[1].causes == ()


Bend = Callable[[int], bool]
BENT: list[tuple[Bend, Status, int, int | None]] = [
    (lambda frame: 100 <= frame < 110, Status.HEALS, 100, 110),
    (lambda frame: 20 <= frame < 100, Status.HEALS, 20, 100),
    (lambda frame: 20 <= frame < 160, Status.DESYNC, 20, 160),
    (lambda frame: frame >= 100, Status.DESYNC, 100, None),
    (lambda frame: frame % 50 >= 45, Status.HEALS, 45, 200),
    (lambda frame: 3 <= frame % 50 < 5 or frame == FRAMES, Status.HEALS, 3, None),
    (lambda frame: frame == FRAMES, Status.DESYNC, FRAMES, None),
]


@pytest.mark.parametrize(("bend", "status", "first", "healed"), BENT)
def test_what_heals_is_told_from_what_lasts(
    movie: Movie, bend: Callable[[int], bool], status: Status, first: int, healed: int | None
) -> None:
    found = row(movie, bend)
    assert found.comparison is not None
    assert (found.status, found.comparison.first) == (status, first)
    assert found.comparison.healed == healed
    assert [one.address for one in found.comparison.differences] == [UNUSED]
    assert found.story.same  # a byte that the game does not use tells no story
    # verify says the same of one emulator beside another.
    verdict = verify(movie, lambda: Bent(bend), open_grid)
    assert verdict.comparisons[-1].status is status


def test_the_story_is_told_by_named_variables(movie: Movie) -> None:
    luck = open_grid().ram.variables["luck"].address
    brief = row(movie, lambda frame: 50 <= frame < 60, luck)
    assert (brief.status, brief.story.same, brief.story.first) == (Status.HEALS, True, 50)
    lasting = row(movie, lambda frame: frame >= 50, luck)
    assert lasting.status is Status.DESYNC
    assert not lasting.story.same
    assert (lasting.story.parted, lasting.story.variable) == (50, "luck")
    assert lasting.story.values["luck"] == lasting.story.expected["luck"] ^ 0x55
    assert lasting.story.values["score"] == lasting.story.expected["score"]
    assert lasting.comparison is not None
    assert lasting.comparison.differences[0].name == "luck"
    without = verify_on(movie, {"grid": open_grid, "other": open_grid})
    assert without.rows[1].story.same is None


def test_power_on_ram_is_named_as_the_cause(movie: Movie) -> None:
    found = row(movie, lambda _: True)
    assert found.comparison is not None
    assert found.comparison.first == 1
    assert [(cause.kind, cause.measured) for cause in found.causes] == [("power-on RAM", True)]


def test_a_wrong_boot_offset_is_measured(movie: Movie) -> None:
    idle = replace(movie, inputs=np.zeros_like(movie.inputs), hashes={})
    rom = open_grid().rom
    for one, other, better in ((Clock, Early, -2), (Early, Clock, 2)):
        found = verify_on(idle, {"one": lambda: one(rom), "other": lambda: other(rom)}).rows[1]  # noqa: B023
        assert found.status is Status.DESYNC
        (cause,) = found.causes
        assert (cause.kind, cause.measured) == ("boot offset", True)
        assert f"by {better:+d} frames, 198 of the first 200 are equal" in cause.text


def test_what_comes_and_goes_is_called_timing_and_not_measured(movie: Movie) -> None:
    (cause,) = row(movie, lambda frame: frame % 50 >= 45).causes
    assert (cause.kind, cause.measured) == ("timing", False)
    assert "longer than 5 frames" in cause.text
    (cause,) = row(movie, lambda frame: frame >= 45).causes
    assert (cause.kind, cause.measured) == ("unknown", False)


def test_one_that_dies_takes_none_along(movie: Movie) -> None:
    dying = {"grid": open_grid, "dying": lambda: Dying(open_grid().rom), "third": open_grid}
    found = verify_on(movie, dying)
    assert [one.status for one in found.rows] == [Status.IN_SYNC, Status.REFUSED, Status.IN_SYNC]
    assert found.rows[1].error == "in frame 50: it is dead"
    assert found.status is Status.REFUSED

    def missing() -> Emulator:
        raise EmulatorCrashed("it did not open")

    found = verify_on(movie, {"grid": open_grid, "missing": missing})
    assert found.rows[1].error == "it did not open"
    with pytest.raises(MovieError, match="the reference missing: it did not open"):
        verify_on(movie, {"missing": missing, "grid": open_grid})
    with pytest.raises(MovieError, match="the reference dying: in frame 50: it is dead"):
        verify_on(movie, {"dying": dying["dying"], "grid": open_grid})


def test_the_movies_hashes_judge_the_reference_too(movie: Movie) -> None:
    luck = open_grid().ram.variables["luck"].address
    found = verify_on(movie, {"bent": lambda: Bent(lambda frame: frame > 95, luck)})
    assert found.rows[0].hashes is not None
    assert found.rows[0].hashes.first == 100
    assert found.status is Status.DESYNC


def test_nothing_to_prove_is_refused(movie: Movie) -> None:
    with pytest.raises(MovieError, match="0 emulators"):
        verify_on(movie, {})
    empty = replace(movie, inputs=np.zeros((0, 2), int), commands=np.zeros(0, np.uint8), hashes={})
    with pytest.raises(MovieError, match="0 frames"):
        verify_on(empty, {"grid": open_grid})
