"""What a person can do to a game, without a window: on Grid, with a clock that the test moves."""

from __future__ import annotations

import random
from collections.abc import Generator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest

from copain.backends.grid import GridEmulator, open_grid
from copain.joypad import FrameInput, Held, Joypad
from copain.movie import Command, Movie
from copain.movie import play as play_movie
from copain.play.player import BUDGET, MESSAGE_SECONDS, REPEAT_DELAY, REPEAT_RATE, Player

START = FrameInput((Joypad(start=True),))
RIGHT = FrameInput((Joypad(right=True),))
DOWN = FrameInput((Joypad(down=True),))
IDLE = FrameInput()
SIZE = 265
"""Bytes of a savestate of Grid."""


@dataclass
class Clock:
    """A clock that moves when told to, and by `each` seconds whenever it is looked at."""

    now: float = 1000.0
    each: float = 0.0

    def __call__(self) -> float:
        self.now += self.each
        return self.now


class Bench:
    """A player on Grid, and its clock."""

    def __init__(self, movie: Movie | None = None, rewind_memory: int = 1 << 20) -> None:
        self.clock = Clock()
        self.emulator: GridEmulator = open_grid()
        self.player = Player(self.emulator, movie, rewind_memory=rewind_memory, clock=self.clock)
        self.player.update()

    @property
    def ram(self) -> bytes:
        return self.emulator.ram.read_all().tobytes()

    @property
    def at(self) -> int:
        return self.player.recorder.position

    def turn(self, held: FrameInput = IDLE, times: int = 1) -> None:
        """Wait as long as the player says, and update it; a change of pace takes a wait more."""
        for _ in range(times):
            for _ in range(2):
                self.clock.now += self.player.wait() + 1e-6
                if self.player.update(held):
                    break

    def begin(self) -> None:
        self.turn(times=2)
        self.turn(START)
        self.turn(times=2)

    def replayed(self) -> bytes:
        """The RAM that the movie leads to on a fresh emulator, up to where the player stands."""
        movie = self.player.recorder.movie()
        with open_grid() as fresh:
            cut = Movie(movie.system, movie.inputs[: self.at], movie.commands[: self.at])
            play_movie(cut, fresh)
            return fresh.ram.read_all().tobytes()


@pytest.fixture
def bench() -> Generator[Bench]:
    bench = Bench()
    yield bench
    bench.emulator.close()


def test_every_wait_is_one_frame_and_what_is_held_is_played(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 20)
    assert bench.at == 25
    with open_grid() as plain:
        plain.advance(frames=2)
        plain.advance(START)
        plain.advance(frames=2)
        plain.advance(RIGHT, frames=20)
        assert bench.ram == plain.ram.read_all().tobytes()
    assert bench.player.status.held == FrameInput((Joypad(right=True), Joypad()))


def test_while_paused_nothing_moves_and_a_step_is_one_frame(bench: Bench) -> None:
    bench.begin()
    bench.player.pause()
    bench.turn(RIGHT, 50)
    assert bench.at == 5
    assert bench.player.status.held == RIGHT, "the display shows what the next frame would get"
    bench.player.step(RIGHT)
    assert bench.at == 6
    assert bench.player.paused
    bench.player.pause()
    bench.turn()
    assert bench.at == 7


def test_a_held_step_repeats_after_a_delay(bench: Bench) -> None:
    bench.player.step()
    bench.player.advancing = True
    bench.clock.now += REPEAT_DELAY * 0.9
    bench.player.update()
    assert bench.at == 1
    began = bench.clock.now
    while bench.clock.now < began + 3:
        bench.turn()
    assert bench.at == pytest.approx(1 + float(3 * REPEAT_RATE), abs=2)
    bench.player.advancing = False
    bench.turn(times=20)
    assert bench.at < 65


@pytest.mark.parametrize(("steps", "speed"), [(-2, Fraction(1, 4)), (0, 1), (2, 4), (4, 16)])
def test_speeds_are_kept_to_the_frame(bench: Bench, steps: int, speed: Fraction) -> None:
    bench.player.change_speed(steps)
    assert bench.player.speed == speed
    bench.player.update()
    began = bench.clock.now
    while bench.clock.now < began + 4:
        bench.turn()
    assert bench.at == pytest.approx(float(4 * 60 * speed), abs=1)


def test_unlimited_speed_leaves_the_window_its_time(bench: Bench) -> None:
    bench.player.change_speed(100)
    assert bench.player.speed is None
    assert bench.player.wait() == 0
    bench.clock.each = 0.0001
    began = bench.clock.now
    bench.player.update()
    assert BUDGET <= bench.clock.now - began < 1.5 * BUDGET
    assert bench.at > 50


def test_sound_is_only_for_normal_speed_forwards(bench: Bench) -> None:
    player = bench.player
    assert player.heard
    player.fast = True
    assert not player.heard
    player.fast = False
    player.rewind(True)
    assert not player.heard
    player.rewind(False)
    player.pause()
    assert not player.heard


@pytest.mark.parametrize("memory", [1 << 20, 500 * SIZE])
def test_rewinding_shows_every_frame_again_backwards(memory: int) -> None:
    """With all savestates kept, and with one in 15, between which frames are emulated again."""
    bench = Bench(rewind_memory=memory)
    seen = [(bench.ram, bench.player.picture)]
    chance = random.Random(4)
    for frame in range(200):
        held = START if frame == 3 else FrameInput((Joypad.from_bits(chance.getrandbits(8)),))
        bench.turn(held)
        seen.append((bench.ram, bench.player.picture))
    bench.player.rewind(True)
    for frame in range(199, -1, -1):
        bench.turn()
        assert bench.at == frame
        ram, picture = seen[frame]
        assert bench.ram == ram
        assert np.array_equal(bench.player.picture, picture)  # type: ignore[arg-type]
    bench.turn(times=5)
    assert bench.at == 0
    assert "far back" in bench.player.status.message
    assert bench.player.status.rerecords == 0
    bench.emulator.close()


def test_rewinding_emulates_two_frames_for_one_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(rewind_memory=500 * SIZE)
    bench.turn(times=200)
    emulated: list[int] = []
    advance = bench.emulator.advance

    def counted(held: Held = IDLE, *, frames: int = 1) -> None:
        emulated.append(frames)
        advance(held, frames=frames)

    monkeypatch.setattr(bench.emulator, "advance", counted)
    bench.player.rewind(True)
    bench.turn(times=150)
    assert bench.at == 50
    assert 150 <= sum(emulated) <= 2.2 * 150
    bench.emulator.close()


def test_playing_on_after_rewinding_cuts_the_movie_as_one_rerecord(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 40)
    bench.player.rewind(True)
    bench.turn(times=20)
    assert (bench.at, bench.player.status.movie_frames) == (25, 45), "nothing is cut yet"
    bench.player.rewind(False)
    bench.turn(DOWN, 10)
    status = bench.player.status
    assert (status.frame, status.movie_frames, status.rerecords) == (35, 35, 1)
    assert bench.ram == bench.replayed()


def test_a_rewind_can_be_undone(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 40)
    ram, picture = bench.ram, bench.player.picture
    bench.player.rewind(True)
    bench.turn(times=20)
    bench.player.rewind(False)
    bench.player.undo_load()
    assert bench.at == 45
    assert bench.ram == ram
    assert np.array_equal(bench.player.picture, picture)  # type: ignore[arg-type]


def test_a_slot_loaded_while_recording_cuts_the_movie(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 15)
    ram, picture = bench.ram, bench.player.picture
    bench.player.save_slot(3)
    bench.turn(DOWN, 30)
    bench.player.load_slot(3)
    status = bench.player.status
    assert (status.frame, status.movie_frames, status.rerecords) == (20, 20, 1)
    assert bench.ram == ram
    assert np.array_equal(bench.player.picture, picture)  # type: ignore[arg-type]
    bench.turn(RIGHT, 5)
    assert bench.ram == bench.replayed()


def test_a_slot_loaded_read_only_keeps_the_movie(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 15)
    bench.player.save_slot(3)
    bench.turn(DOWN, 30)
    end = bench.ram
    bench.player.toggle_read_only()
    bench.player.load_slot(3)
    status = bench.player.status
    assert (status.frame, status.movie_frames, status.rerecords) == (20, 50, 0)
    bench.turn(RIGHT, 30)
    assert bench.ram == end, "the movie plays, what is held is ignored"
    bench.turn(RIGHT, 5)
    assert bench.player.paused
    assert "movie ends" in bench.player.status.message
    bench.player.pause(False)
    assert bench.player.paused, "there is nothing to play"


def test_taking_over_records_from_here(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 45)
    movie = bench.player.recorder.movie()
    other = Bench(movie)
    assert other.player.status.read_only
    other.turn(DOWN, 20)
    assert np.array_equal(other.player.recorder.movie().inputs, movie.inputs)
    other.player.toggle_read_only()
    assert "cuts 30 frames" in other.player.status.message
    other.turn(DOWN, 10)
    taken = other.player.recorder.movie()
    assert np.array_equal(taken.inputs[:20], movie.inputs[:20])
    assert taken.frames == 30
    assert (taken.inputs[20:, 0] == Joypad(down=True).bits).all()
    assert taken.rerecords == movie.rerecords + 1
    assert other.ram == other.replayed()
    other.emulator.close()


def test_playing_on_at_the_end_of_a_movie_and_watching_it_again(bench: Bench) -> None:
    bench.begin()
    bench.player.save_slot(1)
    bench.turn(RIGHT, 10)
    bench.player.toggle_read_only()
    bench.player.load_slot(1)
    bench.turn(times=12)
    bench.player.toggle_read_only()
    bench.player.pause(False)
    bench.turn(DOWN, 20)
    end = bench.ram
    assert bench.at == 35
    bench.player.toggle_read_only()
    bench.player.load_slot(1)
    bench.turn(times=30)
    assert bench.at == 35
    assert bench.ram == end


def test_rewinding_past_a_loaded_slot_follows_its_own_timeline(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 40)
    bench.player.save_slot(1)
    first = bench.ram
    bench.player.rewind(True)
    bench.turn(times=30)
    bench.player.rewind(False)
    bench.turn(DOWN, 60)
    bench.player.load_slot(1)
    assert bench.ram == first
    bench.player.rewind(True)
    bench.turn(times=35)
    bench.player.rewind(False)
    assert bench.at <= 15, "the part before the two ways parted is still kept"
    assert bench.ram == bench.replayed()


def test_an_empty_slot_and_a_foreign_timeline_change_nothing(bench: Bench) -> None:
    bench.begin()
    bench.player.load_slot(7)
    assert "empty" in bench.player.status.message
    bench.turn(DOWN, 30)
    bench.player.save_slot(1)
    bench.player.rewind(True)
    bench.turn(times=30)
    bench.player.rewind(False)
    bench.turn(RIGHT, 40)
    bench.player.toggle_read_only()
    before = (bench.ram, bench.at)
    bench.player.load_slot(1)
    assert "read_only" in bench.player.status.message or "part" in bench.player.status.message
    assert (bench.ram, bench.at) == before


def test_reset_and_power_are_in_the_movie_and_can_be_undone(bench: Bench) -> None:
    bench.begin()
    bench.turn(RIGHT, 10)
    bench.player.soft_reset()
    bench.turn(times=3)
    movie = bench.player.recorder.movie()
    assert int(movie.commands[15]) == Command.SOFT_RESET
    assert bench.ram == bench.replayed()
    ram = bench.ram
    bench.player.power_on()
    assert (bench.at, bench.player.status.movie_frames) == (0, 0)
    bench.turn(RIGHT, 5)
    assert bench.ram == bench.replayed()
    bench.player.undo_load()
    assert bench.at == 18
    assert bench.ram == ram


def test_no_reset_while_a_movie_plays(bench: Bench) -> None:
    bench.begin()
    bench.player.toggle_read_only()
    before = bench.ram
    bench.player.soft_reset()
    assert bench.ram == before
    assert "read-only" in bench.player.status.message


def test_the_display_tells_lag_and_messages_go(bench: Bench) -> None:
    bench.begin()
    status, emulator = bench.player.status, bench.emulator
    assert (status.lagged, status.lag_count) == (emulator.lagged, emulator.lag_count)
    bench.player.save_slot(2)
    assert bench.player.status.message == "saved 2"
    bench.clock.now += MESSAGE_SECONDS + 0.1
    assert bench.player.status.message == ""


def test_every_frame_forwards_is_heard_once(bench: Bench) -> None:
    heard: list[int] = []
    bench.player.on_frame = lambda: heard.append(bench.at)
    bench.turn(times=10)
    bench.player.rewind(True)
    bench.turn(times=4)
    bench.player.rewind(False)
    bench.turn(times=2)
    assert heard == [*range(1, 11), 7, 8]


def test_whatever_is_done_the_movie_leads_to_where_the_player_is(seed: int) -> None:
    chance = random.Random(seed)
    bench = Bench(rewind_memory=chance.choice((1 << 20, 500 * SIZE)))
    bench.begin()
    player = bench.player
    for _ in range(150):
        match chance.randrange(9):
            case 0:
                player.save_slot(chance.randint(1, 4))
            case 1:
                player.load_slot(chance.randint(1, 4))
            case 2:
                player.rewind(True)
                bench.turn(times=chance.randint(0, 40))
                player.rewind(False)
            case 3:
                player.toggle_read_only()
            case 4:
                player.undo_load()
            case 5 if chance.random() < 0.3:
                player.soft_reset()
            case 6 if chance.random() < 0.1:
                player.power_on()
            case _:
                player.pause(False)
                bench.turn(FrameInput((Joypad.from_bits(chance.getrandbits(8)),)), 12)
        assert player.recorder.position <= player.recorder.frames
    player.recorder.read_only = False
    bench.player.pause(False)
    bench.turn(RIGHT, 2)
    assert bench.ram == bench.replayed()
    bench.emulator.close()
