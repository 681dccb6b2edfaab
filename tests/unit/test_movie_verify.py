"""verify: the first frame and the bytes that differ, and nothing proven that was not compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from copain.backends.grid import GridEmulator, open_grid
from copain.emulator import Emulator
from copain.errors import MovieError
from copain.joypad import IDLE, Held, Joypad
from copain.movie import Command, Movie, Recorder, Verdict, hash_ram, play, record_hashes, verify
from copain.movie.playback import ram_mask
from copain.movie.verdict import differences
from copain.system import GRID, NES

UNUSED = 0x30  # a byte of Grid's RAM that the game neither reads nor writes
FRAMES = 40


class Bent(GridEmulator):
    """A Grid in which a byte of RAM is another from the first frame named to the second, ..."""

    def __init__(self, address: int, *frames: int) -> None:
        super().__init__(open_grid().rom)
        self._bent = address
        self._when = frames

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        for _ in range(frames):
            super().advance(held)
            if self.frame in self._when:
                self.ram[self._bent] = self.ram[self._bent] ^ 0xFF


def bent(address: int, *frames: int) -> Callable[[], Emulator]:
    return lambda: Bent(address, *frames)


@pytest.fixture(scope="module")
def movie() -> Movie:
    with Recorder(open_grid()) as recorder:
        recorder.advance(Joypad(start=True))
        for frame in range(FRAMES - 1):
            recorder.advance(Joypad(right=frame % 3 == 0, down=frame % 5 == 0))
        return recorder.movie(hashes_every=10)


def only(verdict: Verdict) -> tuple[int | None, int, int, int | None]:
    """First, since, differing and healed of the last comparison."""
    found = verdict.comparisons[-1]
    return found.first, found.since, found.differing, found.healed


def test_a_movie_proves_itself(movie: Movie) -> None:
    verdict = verify(movie, open_grid)
    assert verdict.in_sync
    assert verdict.first is None
    (found,) = verdict.comparisons
    assert (found.compared, found.bytes_compared, found.last) == (4, 4 * 256, FRAMES)
    assert found.reference == "the movie's own RAM hashes"


def test_a_desync_lies_between_two_hashes(movie: Movie) -> None:
    verdict = verify(movie, bent(UNUSED, 17))
    assert not verdict.in_sync
    assert only(verdict) == (20, 10, 3, None)


def test_a_desync_can_heal_between_hashes(movie: Movie) -> None:
    assert only(verify(movie, bent(UNUSED, 17, 23))) == (20, 10, 1, 30)


def test_with_a_reference_the_frame_and_the_bytes_are_exact(movie: Movie) -> None:
    verdict = verify(movie, bent(UNUSED, 17, 23), open_grid)
    assert not verdict.in_sync
    assert verdict.first == 17
    assert only(verdict) == (17, 16, 6, 23)
    (difference,) = verdict.comparisons[-1].differences
    assert (difference.address, difference.name) == (UNUSED, "")
    assert (difference.expected, difference.found) == (0, 0xFF)
    # The movie's own hashes say which of the two follows the movie.
    assert [found.in_sync for found in verdict.comparisons] == [False, True, False]


def test_what_differs_again_has_not_healed(movie: Movie) -> None:
    assert only(verify(movie, bent(UNUSED, 5, 8, 20, 22), open_grid)) == (5, 4, 5, 22)
    assert only(verify(movie, bent(UNUSED, 5, 8, 20), open_grid)) == (5, 4, 3 + 21, None)


def test_with_a_reference_no_hashes_are_needed(movie: Movie) -> None:
    bare = replace(movie, hashes={})
    verdict = verify(bare, open_grid, open_grid)
    assert verdict.in_sync
    assert verdict.comparisons[0].compared == FRAMES
    assert verdict.comparisons[0].bytes_compared == FRAMES * 256
    assert not verify(bare, open_grid, bent(UNUSED, FRAMES)).in_sync


def test_variables_are_named(movie: Movie) -> None:
    variables = open_grid().ram.variables
    verdict = verify(movie, bent(variables["luck"].address, 8), open_grid, variables)
    named = {found.name: found for found in verdict.comparisons[-1].differences}
    assert verdict.first == 8
    assert named["luck"].found == named["luck"].expected ^ 0xFF
    assert str(named["luck"]).startswith("0x0006 luck: expected ")


def test_variables_of_several_bytes_are_one_difference() -> None:
    variables = open_grid().ram.variables
    ram = np.zeros(256, np.uint8)
    other = ram.copy()
    score = variables["score"]
    other[score.address : score.address + 2] = (1, 2)
    other[UNUSED] = 9
    first, second = differences(ram, other, variables)
    assert (first.name, first.expected, first.found) == ("score", 0, 0x201)
    assert (second.name, second.address, second.found) == ("", UNUSED, 9)


def test_nothing_compared_is_no_proof(movie: Movie) -> None:
    with pytest.raises(MovieError, match="40 frames and its RAM hashes are missing"):
        verify(replace(movie, hashes={}), open_grid)
    with pytest.raises(MovieError, match="hashes end at frame 30"):
        verify(replace(movie, hashes={30: movie.hashes[30]}), open_grid)
    with pytest.raises(MovieError, match="no frames"):
        verify(Movie(GRID, np.zeros((0, 2), int)), open_grid, open_grid)
    assert not Verdict(FRAMES, ()).in_sync
    part = verify(movie, open_grid).comparisons[0]
    assert not Verdict(FRAMES, (replace(part, last=30),)).in_sync
    assert not replace(part, compared=0).in_sync
    assert not replace(part, bytes_compared=0).in_sync


def test_both_emulators_are_fresh_and_closed(movie: Movie) -> None:
    opened: list[GridEmulator] = []

    def factory() -> Emulator:
        opened.append(open_grid())
        return opened[-1]

    assert verify(movie, factory, factory).in_sync
    assert len(opened) == 2
    for emulator in opened:
        with pytest.raises(Exception, match="after close"):
            emulator.advance()


class ShortBoot(GridEmulator):
    """A Grid whose boot is one frame shorter than FCEUX's: it starts after its first frame."""

    boot_offset = -1

    def power_on(self) -> None:
        super().power_on()
        super().advance()
        self._frame = 0


def test_the_boot_offset_lines_two_emulators_up(movie: Movie) -> None:
    idle_first = replace(movie, inputs=np.vstack([[[0, 0]], movie.inputs[1:]]), hashes={})
    verdict = verify(idle_first, lambda: ShortBoot(open_grid().rom), open_grid)
    assert verdict.in_sync
    assert verdict.comparisons[0].compared == FRAMES - 1
    hashed = record_hashes(idle_first, open_grid(), every=7)
    assert verify(hashed, lambda: ShortBoot(open_grid().rom)).in_sync


def test_power_and_reset_are_played(movie: Movie) -> None:
    commands = np.zeros(FRAMES, np.uint8)
    commands[10], commands[20] = Command.SOFT_RESET, Command.POWER
    other = replace(movie, commands=commands)
    with open_grid() as emulator, open_grid() as plain:
        play(other, emulator)
        assert emulator.frame == FRAMES - 20
        for held in other.held(20):
            plain.advance(held)
        assert np.array_equal(emulator.ram.read_all(), plain.ram.read_all())


def test_what_cannot_be_played_is_refused_by_name(movie: Movie) -> None:
    with open_grid() as emulator:
        with pytest.raises(MovieError, match="command INSERT_COIN in frame 3"):
            play(replace(movie, commands=[0, 0, 0, 16] + [0] * (FRAMES - 4)), emulator)
        with pytest.raises(MovieError, match="another ROM than grid"):
            play(replace(movie, rom=replace(movie.rom, sha1="00" * 20)), emulator)
        with pytest.raises(MovieError, match="region pal, grid runs ntsc"):
            play(replace(movie, region="pal"), emulator)
        with pytest.raises(MovieError, match="power-on RAM 1"):
            play(replace(movie, ram_init=1), emulator)
        with pytest.raises(MovieError, match="for the Nintendo Entertainment System, grid runs"):
            play(Movie(NES, movie.inputs), emulator)
        with pytest.raises(MovieError, match="a savestate that FCEUX wrote"):
            play(replace(movie, savestate=b"FCSX..."), emulator)
        assert emulator.frame == 0
        play(replace(movie, region="pal"), emulator, strict=False)
        assert emulator.frame == FRAMES


def test_on_frame_sees_every_frame(movie: Movie) -> None:
    seen: list[int] = []
    with open_grid() as emulator:
        play(movie, emulator, seen.append)
    assert seen == list(range(1, FRAMES + 1))


def test_the_stack_page_is_left_out_on_the_nes() -> None:
    ram = np.arange(0x800, dtype=np.uint8)
    for address in range(0x800):
        other = ram.copy()
        other[address] ^= 1
        stack = 0x100 <= address < 0x200
        assert (hash_ram(other, NES) == hash_ram(ram, NES)) == stack
    assert int(np.count_nonzero(ram_mask(NES, 0x800))) == 0x700
    assert ram_mask(GRID, 256).all()
