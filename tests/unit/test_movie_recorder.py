"""Recorder: what is played becomes a movie, whatever is loaded on the way."""

from __future__ import annotations

import gc
import random
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from copain.backends.grid import GridEmulator, open_grid
from copain.emulator import HasAudio, HasLagFrames, HasLiveRam, HasScreen, HasSoftReset
from copain.errors import InputError, MovieError, SavestateError
from copain.joypad import FrameInput, Joypad
from copain.movie import Command, Movie, Recorder, play
from copain.rollout import HasFleet, HasRollout
from copain.savestate import Savestate
from copain.testing import check_emulator

RIGHT, DOWN, START = Joypad(right=True), Joypad(down=True), Joypad(start=True)


def grid() -> GridEmulator:
    return open_grid()


def begun() -> Recorder:
    """A recorder on Grid, two frames in: one idle, one with start."""
    recorder = Recorder(grid())
    recorder.advance()
    recorder.advance(START)
    return recorder


def test_what_is_played_becomes_the_movie() -> None:
    recorder = begun()
    recorder.advance(RIGHT, frames=2)
    recorder.advance(FrameInput((Joypad(), DOWN)))
    recorder.advance(RIGHT, frames=0)
    movie = recorder.movie(author="me")
    assert movie.inputs.tolist() == [[0, 0], [8, 0], [128, 0], [128, 0], [0, 32]]
    assert movie.anchor == "power-on"
    assert movie.authors == ("me",)
    assert movie.made_by == "grid 1"
    assert movie.rom.sha1 == recorder.rom.sha1
    assert movie.rerecords == 0
    assert recorder.position == recorder.frames == 5


def test_the_movie_leads_to_the_same_ram() -> None:
    recorder = begun()
    rng = random.Random(5)
    for _ in range(200):
        recorder.advance(Joypad.from_bits(rng.getrandbits(8)))
    with grid() as fresh:
        play(recorder.movie(), fresh)
        assert np.array_equal(fresh.ram.read_all(), recorder.ram.read_all())


def test_a_refused_input_is_not_recorded() -> None:
    recorder = begun()
    with pytest.raises(InputError):
        recorder.advance(Joypad(x=True))
    with pytest.raises(InputError):
        recorder.advance(frames=-1)
    assert recorder.movie().frames == 2


def test_soft_reset_is_a_command_of_the_next_frame() -> None:
    recorder = begun()
    assert isinstance(recorder, HasSoftReset)
    recorder.soft_reset()
    recorder.advance(RIGHT)
    recorder.advance(RIGHT)
    movie = recorder.movie()
    assert movie.commands.tolist() == [0, 0, Command.SOFT_RESET, 0]
    with grid() as fresh:
        play(movie, fresh)
        assert np.array_equal(fresh.ram.read_all(), recorder.ram.read_all())


def test_power_on_begins_another_recording() -> None:
    recorder = begun()
    recorder.load_state(recorder.save_state())
    recorder.power_on()
    recorder.advance(START)
    movie = recorder.movie()
    assert movie.inputs.tolist() == [[8, 0]]
    assert movie.rerecords == 0


def test_loading_a_savestate_cuts_the_movie_and_counts_a_rerecord() -> None:
    recorder = begun()
    here = recorder.save_state()
    recorder.advance(RIGHT, frames=3)
    later = recorder.save_state()
    recorder.load_state(here)
    assert recorder.movie().inputs.tolist() == [[0, 0], [8, 0]]
    recorder.advance(DOWN)
    assert recorder.movie().inputs.tolist() == [[0, 0], [8, 0], [32, 0]]
    assert recorder.movie().rerecords == 1
    # A savestate carries its movie, also one of a line that was left.
    assert recorder.movie_of(later).inputs.tolist() == [[0, 0], [8, 0]] + [[128, 0]] * 3
    recorder.load_state(later)
    assert recorder.movie().inputs.tolist() == [[0, 0], [8, 0]] + [[128, 0]] * 3
    assert recorder.movie().rerecords == 2


def test_a_savestate_between_the_reset_and_its_frame_keeps_the_reset() -> None:
    recorder = begun()
    assert isinstance(recorder, HasSoftReset)
    recorder.soft_reset()
    here = recorder.save_state()
    recorder.advance(RIGHT)
    recorder.load_state(here)
    recorder.advance(DOWN)
    assert recorder.movie().commands.tolist() == [0, 0, Command.SOFT_RESET]


def test_a_recording_that_does_not_start_at_power_on_has_a_savestate() -> None:
    emulator = grid()
    emulator.advance(START, frames=2)
    recorder = Recorder(emulator)
    recorder.advance(RIGHT)
    movie = recorder.movie()
    assert movie.anchor == "savestate"
    assert movie.inputs.tolist() == [[128, 0]]
    with grid() as fresh:
        play(movie, fresh)
        assert np.array_equal(fresh.ram.read_all(), recorder.ram.read_all())


def test_a_savestate_from_elsewhere_begins_a_recording() -> None:
    recorder = begun()
    foreign = Savestate.from_bytes(recorder.save_state().to_bytes())
    recorder.load_state(foreign)
    recorder.advance(DOWN)
    assert recorder.movie().anchor == "savestate"
    assert recorder.movie().frames == 1
    with pytest.raises(SavestateError, match="not made by this recorder"):
        recorder.movie_of(foreign)


def test_a_refused_savestate_changes_nothing() -> None:
    recorder = begun()
    state = recorder.save_state()
    wrong = Savestate(replace(state.header, version="other"), state.payload)
    with pytest.raises(SavestateError):
        recorder.load_state(wrong)
    assert recorder.movie().frames == 2
    assert recorder.movie().rerecords == 0


def test_it_has_the_capabilities_of_what_it_wraps() -> None:
    recorder = begun()
    assert isinstance(recorder, Recorder)
    for has in (HasScreen, HasAudio, HasSoftReset, HasLagFrames, HasLiveRam, HasRollout, HasFleet):
        assert isinstance(recorder, has) == isinstance(recorder.emulator, has), has
    assert isinstance(recorder, HasScreen)
    assert np.array_equal(recorder.screen, cast(HasScreen, recorder.emulator).screen)
    with pytest.raises(AttributeError):
        _ = recorder.no_such_member


def test_a_rollout_is_recorded() -> None:
    recorder = begun()
    here = recorder.save_state()
    recorder.advance(DOWN, frames=5)
    assert isinstance(recorder, HasRollout)
    played = recorder.rollout(here, np.array([[128, 0], [128, 0]]))
    recorder.advance(DOWN)
    assert recorder.movie().inputs.tolist() == [[0, 0], [8, 0], [128, 0], [128, 0], [32, 0]]
    recorder.load_state(played.savestate)
    assert recorder.movie().frames == 4


def test_it_passes_the_conformance_suite() -> None:
    assert check_emulator(lambda: Recorder(grid()), frames=120, seeds=(1,)).exact


def test_hashes_are_of_what_was_played() -> None:
    recorder = begun()
    recorder.advance(RIGHT, frames=10)
    before = recorder.ram.read_all()
    movie = recorder.movie(hashes_every=5)
    assert list(movie.hashes) == [5, 10, 12]
    assert recorder.frame == 12
    assert np.array_equal(recorder.ram.read_all(), before)
    recorder.advance(RIGHT)
    assert recorder.movie().frames == 13


def test_memory_written_while_recording_is_found_out() -> None:
    recorder = begun()
    recorder.ram[0x80] = recorder.ram[0x80] ^ 1
    with pytest.raises(MovieError, match="do not end in the same RAM"):
        recorder.movie(hashes_every=5)


# Read-only


def test_read_only_plays_the_movie_whatever_is_held() -> None:
    recorder = begun()
    here = recorder.save_state()
    recorder.advance(RIGHT, frames=3)
    end = recorder.ram.read_all()
    recorder.read_only = True
    recorder.load_state(here)
    assert (recorder.position, recorder.frames, recorder.rerecords) == (2, 5, 0)
    recorder.advance(DOWN, frames=3)
    assert np.array_equal(recorder.ram.read_all(), end)
    with pytest.raises(MovieError, match="0 frames left; clear read_only"):
        recorder.advance()
    assert recorder.movie().inputs.tolist() == [[0, 0], [8, 0]] + [[128, 0]] * 3


def test_read_only_does_not_press_reset_twice() -> None:
    recorder = begun()
    assert isinstance(recorder, HasSoftReset)
    resets: list[int] = []
    press = recorder.emulator.soft_reset  # type: ignore[attr-defined]
    recorder.emulator.soft_reset = lambda: (resets.append(recorder.position), press())  # type: ignore[attr-defined]
    recorder.soft_reset()
    pressed = recorder.save_state()
    recorder.advance(RIGHT, frames=2)
    recorder.read_only = True
    recorder.load_state(pressed)
    recorder.advance(frames=2)
    assert resets == [2]
    recorder.power_on()
    recorder.advance(frames=4)
    assert resets == [2, 2]


def test_clearing_read_only_goes_on_recording_there() -> None:
    recorder = begun()
    recorder.advance(RIGHT, frames=3)
    recorder.read_only = True
    recorder.power_on()
    recorder.advance(frames=3)
    recorder.read_only = False
    assert recorder.frames == 5
    recorder.advance(DOWN)
    movie = recorder.movie()
    assert movie.inputs.tolist() == [[0, 0], [8, 0], [128, 0], [32, 0]]
    assert movie.rerecords == 1


def test_read_only_refuses_a_savestate_of_another_line() -> None:
    recorder = begun()
    here = recorder.save_state()
    recorder.advance(RIGHT, frames=3)
    later = recorder.save_state()
    recorder.load_state(here)
    recorder.advance(DOWN, frames=4)
    recorder.read_only = True
    with pytest.raises(SavestateError, match="parts from the one being played at frame 2"):
        recorder.load_state(later)
    with pytest.raises(SavestateError, match="carries no movie"):
        recorder.load_state(Savestate.from_bytes(here.to_bytes()))
    recorder.load_state(here)
    assert (recorder.position, recorder.frames) == (2, 6)


def test_a_movie_is_taken_up_read_only() -> None:
    recorder = begun()
    assert isinstance(recorder, HasSoftReset)
    recorder.soft_reset()
    recorder.advance(RIGHT, frames=4)
    movie = recorder.movie(author="me", hashes_every=3)
    end = recorder.ram.read_all()
    other = Recorder(grid())
    other.advance(DOWN, frames=9)
    other.open(movie)
    assert (other.position, other.frames, other.read_only) == (0, 6, True)
    other.advance(frames=6)
    assert np.array_equal(other.ram.read_all(), end)
    assert other.movie() == movie
    other.read_only = False
    other.advance(DOWN)
    assert other.movie().frames == 7
    assert other.movie().hashes == {}
    assert other.movie().authors == ("me",)


# The boot offset


class ShortBoot(GridEmulator):
    """A Grid that says its boot is one frame shorter than FCEUX's."""

    boot_offset = -1


def short() -> Recorder:
    return Recorder(ShortBoot(grid().rom))


def test_a_movie_is_in_the_time_of_fceux() -> None:
    recorder = short()
    recorder.advance(START)
    recorder.advance(RIGHT)
    movie = recorder.movie()
    assert movie.inputs.tolist() == [[0, 0], [8, 0], [128, 0]]
    with ShortBoot(grid().rom) as fresh:
        play(movie, fresh)
        assert fresh.frame == 2
        assert np.array_equal(fresh.ram.read_all(), recorder.ram.read_all())
    other = short()
    play(movie, other)
    assert other.movie() == movie
    again = short()
    again.open(movie)
    again.advance(frames=2)
    assert again.movie() == movie


# Against a plain model


@given(st.lists(st.tuples(st.sampled_from(["play", "save", "load", "reset"]), st.integers(0, 255)),
                max_size=40))  # fmt: skip
def test_any_order_of_saving_and_loading(steps: list[tuple[str, int]]) -> None:
    recorder = Recorder(grid())
    assert isinstance(recorder, HasSoftReset)
    rows: list[list[int]] = []
    commands: list[int] = []
    pending = rerecords = 0
    kept: list[tuple[Savestate, list[list[int]], list[int], int]] = []
    for what, number in steps:
        if what == "play":
            recorder.advance(Joypad.from_bits(number), frames=1 + number % 3)
            rows += [[number, 0]] * (1 + number % 3)
            commands += [pending, 0, 0][: 1 + number % 3]
            pending = 0
        elif what == "save":
            kept.append((recorder.save_state(), list(rows), list(commands), pending))
        elif what == "load" and kept:
            state, old_rows, old_commands, pending = kept[number % len(kept)]
            rows, commands = list(old_rows), list(old_commands)
            recorder.load_state(state)
            rerecords += 1
        elif what == "reset":
            recorder.soft_reset()
            pending = 1
    movie = recorder.movie()
    assert movie.inputs.tolist() == rows
    assert movie.commands.tolist() == commands
    assert movie.rerecords == rerecords
    for state, old_rows, old_commands, _ in kept:
        assert recorder.movie_of(state).inputs.tolist() == old_rows
        assert recorder.movie_of(state).commands.tolist() == old_commands


def test_savestates_share_one_log() -> None:
    recorder = begun()
    recorder.advance(RIGHT, frames=10_000)
    gc.collect()
    before = len(gc.get_objects())
    states = [recorder.save_state() for _ in range(100)]
    # A savestate, a moment, a header and a closure each; not ten thousand rows.
    assert len(gc.get_objects()) - before < 1000
    assert recorder.movie_of(states[-1]).frames == 10_002


def test_many_rerecords_stay_cheap() -> None:
    recorder = begun()
    for _ in range(5_000):
        state = recorder.save_state()
        recorder.advance(DOWN, frames=2)
        recorder.load_state(state)
        recorder.advance(RIGHT)
    movie = recorder.movie()
    assert movie.inputs.tolist() == [[0, 0], [8, 0]] + [[128, 0]] * 5_000
    assert movie.rerecords == 5_000


def test_a_whole_movie_is_a_movie() -> None:
    assert isinstance(begun().movie(), Movie)
