"""One instance of a real core through the native host."""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from native_cores import (
    NES_CORES,
    RAM,
    efp_rom,
    library,
    nes_rom,
    open_core,
    other_rom,
    other_systems,
    read_ram,
    some_inputs,
)

from copain import _native
from copain.system import System

HALF_A_MEGABYTE = 1 << 19


@pytest.fixture(params=NES_CORES)
def name(request: pytest.FixtureRequest) -> str:
    """Each of the NES cores."""
    return request.param


def play(core: _native.Core, frames: int, seed: int = 1) -> None:
    for held in some_inputs((frames, 2), seed).tolist():
        core.advance(held, 1)


class TestPlaying:
    def test_says_what_it_is(self, name: str) -> None:
        core = open_core(name)
        assert name in core.info.name.lower()
        assert "nes" in core.info.extensions
        assert not core.info.needs_path
        assert core.region == "ntsc"
        assert 59.9 < core.frame_rate < 60.2
        assert core.sample_rate > 8000
        assert core.base_size[1] in (224, 240)

    def test_frames_change_ram_picture_and_sound(self, name: str) -> None:
        core = open_core(name)
        before = read_ram(core)
        assert not core.screen.any()
        play(core, 120)
        assert read_ram(core) != before
        screen = core.screen
        assert screen.dtype == np.uint8
        assert screen.shape[2] == 3
        assert len(np.unique(screen.reshape(-1, 3), axis=0)) >= 2
        one_frame = core.sample_rate / core.frame_rate
        assert abs(len(core.audio) - one_frame) < 0.1 * one_frame

    def test_the_picture_is_the_same_however_many_frames_one_call_runs(self, name: str) -> None:
        one, many = open_core(name), open_core(name)
        for _ in range(90):
            one.advance((8, 0), 1)
        many.advance((8, 0), 90)
        assert (one.screen == many.screen).all()
        assert read_ram(one) == read_ram(many)
        assert many.frames_run == 90
        assert len(many.audio) > 80 * many.sample_rate / many.frame_rate

    def test_no_frames_change_nothing(self, name: str) -> None:
        core = open_core(name)
        play(core, 10)
        ram, screen = read_ram(core), core.screen
        core.advance((255, 255), 0)
        assert read_ram(core) == ram
        assert (core.screen == screen).all()
        assert core.frames_run == 0

    def test_comes_back_to_a_savestate(self, name: str) -> None:
        core = open_core(name)
        play(core, 60)
        state = core.save_state()
        play(core, 60, seed=2)
        after, screen = read_ram(core), core.screen
        core.load_state(state)
        play(core, 60, seed=2)
        assert read_ram(core) == after
        assert (core.screen == screen).all()

    def test_savestate_on_every_frame_changes_nothing(self, name: str) -> None:
        plain, saving = open_core(name), open_core(name)
        for held in some_inputs((200, 2)).tolist():
            plain.advance(held, 1)
            saving.load_state(saving.save_state())
            saving.advance(held, 1)
            assert read_ram(plain) == read_ram(saving)

    def test_buttons_are_those_that_were_set(self, name: str) -> None:
        # Copain's first bit as the RetroPad's Start; Alouette leaves its title with it.
        core, other = open_core(name), open_core(name)
        core.set_buttons([3])
        other.set_buttons([-1, 3])
        core.advance((0,), 60)
        other.advance((0,), 60)
        core.advance((1,), 60)
        other.advance((1,), 60)
        assert read_ram(core) != read_ram(other)
        with pytest.raises(_native.CoreError, match="0 to 15"):
            core.set_buttons([16])

    def test_memory_is_written(self, name: str) -> None:
        core = open_core(name)
        core.write_memory(RAM, 0x7F0, bytes(range(16)))
        assert core.read_memory(RAM, 0x7F0, 16) == bytes(range(16))
        assert core.read_byte(RAM, 0x7F5) == 5

    def test_reset_is_a_warm_one(self, name: str) -> None:
        core = open_core(name)
        play(core, 60)
        core.reset()
        play(core, 60)
        assert core.memory_size(RAM) == 0x800

    def test_options_are_listed_and_set(self, name: str) -> None:
        core = _native.Core(library(name), "", "")
        option = next(o for o in core.options if o.key == f"{name}_nospritelimit")
        assert option.values == ["disabled", "enabled"]
        assert option.value == option.default == "disabled"
        core.set_option(option.key, "enabled")
        assert {o.key: o.value for o in core.options}[option.key] == "enabled"
        with pytest.raises(_native.CoreError, match="disabled, enabled"):
            core.set_option(option.key, "perhaps")
        core.set_option("no_such_option", "1")
        with pytest.raises(_native.CoreError, match="no option called no_such_option"):
            core.load_game(str(nes_rom()), nes_rom().read_bytes())

    def test_a_core_draws_more_with_an_option(self) -> None:
        core = _native.Core(library("fceumm"), "", "")
        for option in core.options:
            if "overscan" in option.key and "disabled" in option.values:
                core.set_option(option.key, "disabled")
        core.load_game(str(nes_rom()), nes_rom().read_bytes())
        core.advance((0, 0), 2)
        assert core.screen.shape == (240, 256, 3)


class TestSameRoot:
    """Every instance starts from the same bytes, whatever the process did before."""

    def test_instances_agree(self, name: str) -> None:
        states: list[bytes] = []
        ends: list[bytes] = []
        for turn in range(4):
            dirt = [os.urandom(size) for size in range(16, 60_000, 61 + turn)]
            del dirt
            core = open_core(name, efp_rom())
            states.append(core.save_state())
            play(core, 100)
            ends.append(core.save_state())
        assert len(set(states)) == 1
        assert len(set(ends)) == 1

    def test_processes_agree(self, name: str) -> None:
        """Address space and heap differ from process to process; the savestate does not."""
        script = (
            "import hashlib, sys; sys.path.insert(0, sys.argv[1]); import native_cores as n\n"
            "core = n.open_core(sys.argv[2]); first = core.save_state()\n"
            "core.advance((9, 0), 100)\n"
            "print(hashlib.sha1(first + core.save_state()).hexdigest())"
        )
        folder = str(Path(__file__).parent)
        outputs = {
            subprocess.run(
                [sys.executable, "-c", script, folder, name],
                env=os.environ | {"MALLOC_PERTURB_": fill, "TZ": zone},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for fill, zone in (("0", "UTC"), ("85", "Asia/Tokyo"), ("170", "America/Lima"))
        }
        assert len(outputs) == 1

    @pytest.mark.parametrize(("other", "system"), other_systems())
    def test_other_systems_agree_on_ram_and_picture(self, other: str, system: System) -> None:
        rom = other_rom(system)
        first, second = open_core(other, rom, system), open_core(other, rom, system)
        assert read_ram(first) == read_ram(second)
        first.advance((0, 0), 30)
        dirt = [os.urandom(size) for size in range(16, 60_000, 61)]
        del dirt
        second.advance((0, 0), 30)
        play(first, 100)
        play(second, 100)
        assert read_ram(first) == read_ram(second)
        assert (first.screen == second.screen).all()
        assert len(np.unique(first.screen.reshape(-1, 3), axis=0)) > 2

    @pytest.mark.parametrize(("other", "system"), other_systems())
    def test_a_savestate_goes_to_another_instance(self, other: str, system: System) -> None:
        rom = other_rom(system)
        first = open_core(other, rom, system)
        first.advance((0, 0), 60)
        state, ram = first.save_state(), read_ram(first)
        del first
        second = open_core(other, rom, system)
        second.load_state(state)
        assert read_ram(second) == ram
        second.advance((0, 0), 60)


class TestViews:
    def test_a_view_is_live_and_read_only(self, name: str) -> None:
        core = open_core(name)
        view = core.view_memory(RAM)
        play(core, 30)
        assert view.tobytes() == read_ram(core)
        with pytest.raises(ValueError, match="read-only"):
            view[0] = 1

    def test_a_view_outlives_its_core(self, name: str) -> None:
        core = open_core(name)
        play(core, 30)
        ram = read_ram(core)
        view, part = core.view_memory(RAM), core.view_memory(RAM)[0x300:0x310]
        core.close()
        del core
        gc.collect()
        others = [open_core(name) for _ in range(3)]
        play(others[0], 30, seed=3)
        assert view.tobytes() == ram
        del view
        gc.collect()
        assert part.tobytes() == ram[0x300:0x310]

    def test_a_region_that_is_not_there_is_empty(self, name: str) -> None:
        core = open_core(name)
        assert core.memory_size(99) == 0
        assert core.view_memory(99).size == 0


class TestThreads:
    def test_a_core_may_wander_between_threads(self, name: str) -> None:
        here, there = open_core(name), open_core(name)
        play(here, 60)
        thread = threading.Thread(target=play, args=(there, 60))
        thread.start()
        thread.join()
        assert read_ram(here) == read_ram(there)

    def test_two_threads_in_one_core_are_refused_and_harm_nothing(self) -> None:
        core, lonely = open_core("fceumm"), open_core("fceumm")
        refusals: list[str] = []

        def advance() -> None:
            while core.frames_run != 400:
                with contextlib.suppress(_native.CoreError):
                    core.advance((0, 0), 400)

        thread = threading.Thread(target=advance)
        thread.start()
        while thread.is_alive():
            try:
                core.read_byte(RAM, 0)
            except _native.CoreError as error:
                refusals.append(str(error))
        lonely.advance((0, 0), 400)
        assert refusals
        assert all("another thread" in refusal for refusal in refusals)
        assert read_ram(core) == read_ram(lonely)

    def test_closing_while_another_thread_runs(self) -> None:
        core = open_core("fceumm")
        thread = threading.Thread(target=core.advance, args=((0, 0), 200))
        thread.start()
        core.close()
        thread.join()
        assert core.closed

    def test_thirty_two_instances_on_two_threads(self, name: str) -> None:
        alone = open_core(name)
        play(alone, 40)
        cores = [open_core(name) for _ in range(32)]

        def play_all(part: list[_native.Core]) -> None:
            for core in part:
                play(core, 40)

        halves = [
            threading.Thread(target=play_all, args=(part,)) for part in (cores[:16], cores[16:])
        ]
        for thread in halves:
            thread.start()
        for thread in halves:
            thread.join()
        assert {read_ram(core) for core in cores} == {read_ram(alone)}


class TestMemoryOfTheProcess:
    @staticmethod
    def resident() -> int:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError("no VmRSS")

    @staticmethod
    def open_files() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    def test_opening_and_closing_leaks_nothing(self, name: str) -> None:
        def turn() -> None:
            core = open_core(name)
            core.advance((0, 0), 2)
            core.load_state(core.save_state())
            core.close()

        for _ in range(15):
            turn()
        files, memory = self.open_files(), self.resident()
        for _ in range(60):
            turn()
        assert self.open_files() == files
        assert self.resident() - memory < 60 * HALF_A_MEGABYTE // 10

    def test_a_further_instance_is_small(self) -> None:
        cores = [open_core("fceumm")]
        cores[0].advance((0, 0), 60)
        before = self.resident()
        for _ in range(8):
            cores.append(open_core("fceumm"))
            cores[-1].advance((0, 0), 60)
        assert (self.resident() - before) / 8 < 4 * 2**20
