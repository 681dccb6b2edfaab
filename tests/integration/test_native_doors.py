"""What is wrong is refused by name, and the process lives on."""

from __future__ import annotations

import _thread
import signal
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from native_cores import RAM, library, nes_rom, open_core, read_ram

import copain
from copain import _native
from copain.system import GENESIS

FCEUMM = "fceumm"


class TestLibraries:
    """Files that are not cores."""

    def refused(self, path: Path | str, why: str) -> None:
        with pytest.raises(_native.CoreError, match=why) as caught:
            _native.Core(str(path), "", "")
        assert str(path) in str(caught.value)

    def test_not_there(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "none.so", "No such file")

    def test_a_folder(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "not a regular file")

    def test_empty_or_text(self, tmp_path: Path) -> None:
        for content in (b"", b"hello", b"\x7fELF", b"#!/bin/sh\n" * 100):
            (tmp_path / "core.so").write_bytes(content)
            self.refused(tmp_path / "core.so", "not a shared library")

    def test_a_library_without_retro_functions(self) -> None:
        self.refused(_native.__file__ or "", "not a libretro core: it has no function retro_")

    def test_cut_short(self, tmp_path: Path) -> None:
        whole = Path(library(FCEUMM)).read_bytes()
        for length in (64, 100, 700, 5000, len(whole) // 2, len(whole) * 3 // 4):
            (tmp_path / "core.so").write_bytes(whole[:length])
            self.refused(tmp_path / "core.so", "cut short")

    def test_a_name_with_a_zero_byte(self) -> None:
        with pytest.raises(_native.CoreError):
            _native.Core("/tmp/\0core.so", "", "")


class TestGames:
    """Games that a core refuses."""

    def test_garbage(self, tmp_path: Path) -> None:
        for content in (b"x", bytes(40_000), b"NES"):
            core = _native.Core(library(FCEUMM), "", "")
            with pytest.raises(_native.CoreError, match="game is empty"):
                core.load_game(str(nes_rom()), b"")
            with pytest.raises(
                _native.CoreError, match=r"refuses this game; .* ROM loading failed"
            ):
                core.load_game(str(tmp_path / "game.nes"), content)
            # Nothing is lost: the same core takes a good one.
            core.load_game(str(nes_rom()), nes_rom().read_bytes())
            core.advance((0, 0), 3)

    def test_a_core_that_reads_files_itself(self, tmp_path: Path) -> None:
        core = _native.Core(library("genesis_plus_gx", GENESIS), "", "")
        assert core.info.needs_path
        for path in ("", str(tmp_path / "none.md")):
            with pytest.raises(_native.CoreError, match="reads games from files only"):
                core.load_game(path, bytes(1000))

    def test_a_second_game(self) -> None:
        core = open_core(FCEUMM)
        core.advance((0, 0), 5)
        with pytest.raises(_native.CoreError, match="has a game already"):
            core.load_game(str(nes_rom()), nes_rom().read_bytes())
        core.advance((0, 0), 5)

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=400), st.integers(0, 16))
    def test_any_bytes(self, noise: bytes, keep: int) -> None:
        """Headers at random before and into a real game: taken or refused, never worse."""
        game = bytearray(nes_rom().read_bytes())
        game[keep : keep + len(noise)] = noise
        core = _native.Core(library(FCEUMM), "", "")
        try:
            core.load_game("noise.nes", bytes(game))
        except _native.CoreError:
            return
        core.advance((0, 0), 1)

    def test_before_a_game(self) -> None:
        core = _native.Core(library(FCEUMM), "", "")
        for call in (
            lambda: core.advance((0, 0), 1),
            core.reset,
            core.save_state,
            lambda: core.load_state(b"x"),
            lambda: core.memory_size(RAM),
            lambda: core.view_memory(RAM),
            lambda: core.set_device(0, 1),
            lambda: core.serialize_size,
        ):
            with pytest.raises(_native.CoreError, match="no game is loaded"):
                call()
        assert core.screen.shape == (0, 0, 3)


class TestClosed:
    def test_every_door(self) -> None:
        core = open_core(FCEUMM)
        core.close()
        core.close()
        assert core.closed
        for call in (
            lambda: core.advance((0, 0), 1),
            lambda: core.read_byte(RAM, 0),
            lambda: core.screen,
            lambda: core.audio,
            lambda: core.info,
            lambda: core.log,
            lambda: core.options,
            lambda: core.memory_map,
            core.save_state,
        ):
            with pytest.raises(_native.CoreError, match="closed"):
                call()


class TestCalls:
    """Numbers out of range."""

    def test_memory(self) -> None:
        core = open_core(FCEUMM)
        big = 2**63 - 1
        for address, length in ((0, 0x801), (0x800, 1), (big, 1), (1, big), (big, big)):
            with pytest.raises(_native.CoreError, match="outside"):
                core.read_memory(RAM, address, length)
        with pytest.raises(_native.CoreError, match="outside"):
            core.write_memory(RAM, 0x7FF, b"xy")
        with pytest.raises(_native.CoreError, match="outside"):
            core.read_byte(RAM, 0x800)
        with pytest.raises(_native.CoreError, match="regions"):
            core.read_map(10_000, 0, 1)
        with pytest.raises(TypeError):
            core.read_memory(RAM, -1, 1)

    def test_the_memory_map_holds_the_ram(self) -> None:
        core = open_core(FCEUMM)
        core.advance((0, 0), 30)
        for index, region in enumerate(core.memory_map):
            data = core.read_map(index, 0, region.length)
            if region.start + region.length <= 0x800:
                assert data == core.read_memory(RAM, region.start, region.length)
            with pytest.raises(_native.CoreError, match="outside"):
                core.read_map(index, region.length, 1)
            with pytest.raises(_native.CoreError, match="outside"):
                core.write_map(index, region.length - 1, b"xy")
        core.write_map(0, 0x20, b"\x5a")
        assert core.read_byte(RAM, 0x20) == 0x5A

    def test_inputs(self) -> None:
        core = open_core(FCEUMM)
        with pytest.raises(_native.CoreError, match="at most 8"):
            core.advance([0] * 9, 1)
        for wrong in ([-1], [65536], ["a"], [None]):
            with pytest.raises((TypeError, RuntimeError, OverflowError)):
                core.advance(wrong, 1)  # pyright: ignore[reportArgumentType]
        with pytest.raises(TypeError):
            core.advance((0, 0), -1)
        with pytest.raises(_native.CoreError, match="ports"):
            core.set_device(8, 1)

    def test_savestates(self) -> None:
        core = open_core(FCEUMM)
        core.advance((0, 0), 30)
        state = core.save_state()
        for wrong in (b"", b"x", state[:-1], state + b"x"):
            with pytest.raises(_native.CoreError, match="refuses"):
                core.load_state(wrong)
        core.load_state(state)
        core.advance((0, 0), 30)

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 20_000), st.binary(min_size=1, max_size=64))
    def test_damaged_savestates_do_not_end_the_process(self, at: int, noise: bytes) -> None:
        core = open_core(FCEUMM)
        core.advance((0, 0), 2)
        state = bytearray(core.save_state())
        at %= len(state) - len(noise)
        state[at : at + len(noise)] = noise
        try:
            core.load_state(bytes(state))
        except _native.CoreError:
            return
        core.advance((0, 0), 1)

    def test_ctrl_c_ends_a_long_advance_between_frames(self) -> None:
        core = open_core(FCEUMM)
        threading.Timer(0.3, _thread.interrupt_main, (signal.SIGINT,)).start()
        with pytest.raises(KeyboardInterrupt):
            core.advance((0, 0), 10**9)
        frames = core.frames_run
        assert 0 < frames < 10**9
        again = open_core(FCEUMM)
        again.advance((0, 0), frames)
        assert read_ram(again) == read_ram(core)

    def test_ctrl_c_leaves_the_frame_count_right(self) -> None:
        with copain.open(nes_rom(), emulator="libretro", core=FCEUMM) as nes:
            threading.Timer(0.3, _thread.interrupt_main, (signal.SIGINT,)).start()
            with pytest.raises(KeyboardInterrupt):
                nes.advance(frames=1_000_000)
            frame, ram = nes.frame, nes.ram.read_all()
            nes.power_on()
            nes.advance(frames=frame)
            assert frame > 0
            assert (nes.ram.read_all() == ram).all()

    def test_ctrl_c_ends_a_long_rollout(self) -> None:
        core = open_core(FCEUMM)
        pool = _native.Pool(core.serialize_size, 1)
        jobs = 200_000
        parents = np.full(jobs, pool.put(core.save_state(), 0), np.int32)
        threading.Timer(0.3, _thread.interrupt_main, (signal.SIGINT,)).start()
        with pytest.raises(KeyboardInterrupt):
            _native.rollout(
                [core], pool, parents, np.zeros((jobs, 4, 1), np.uint16), False,
                np.zeros(0, np.int64), None, np.zeros((jobs, 0x800), np.uint8),
                np.zeros((jobs, 4, 0), np.uint8), np.zeros(jobs, np.int32),
                np.zeros(jobs, np.uint64),
            )  # fmt: skip
        assert pool.used == 1


HARDWARE_CORE = r"""
// A core that wants OpenGL, and then one that shuts itself down in its second frame.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
typedef _Bool (*environment_t)(unsigned, void *);
static environment_t environment;
static int frames;
static uint8_t ram[16];
struct info { const char *name, *version, *extensions; _Bool path, archive; };
struct game { const char *path; const void *data; size_t size; const char *meta; };
void retro_set_environment(environment_t e) { environment = e; }
void retro_set_video_refresh(void *f) { (void)f; }
void retro_set_audio_sample(void *f) { (void)f; }
void retro_set_audio_sample_batch(void *f) { (void)f; }
void retro_set_input_poll(void *f) { (void)f; }
void retro_set_input_state(void *f) { (void)f; }
void retro_init(void) {}
void retro_deinit(void) {}
unsigned retro_api_version(void) { return 1; }
void retro_get_system_info(struct info *i) { i->name = "Probe"; i->version = "1"; }
void retro_get_system_av_info(void *i) { (void)i; }
void retro_set_controller_port_device(unsigned p, unsigned d) { (void)p; (void)d; }
void retro_reset(void) {}
void retro_run(void) { if (++frames == 2) environment(7, NULL); ram[0] = (uint8_t)frames; }
size_t retro_serialize_size(void) { return 0; }
_Bool retro_serialize(void *d, size_t n) { (void)d; (void)n; return 0; }
_Bool retro_unserialize(const void *d, size_t n) { (void)d; (void)n; return 0; }
_Bool retro_load_game(const struct game *g) {
    int context[32] = {1};
    return g->size != 1 || environment(14, context);
}
void retro_unload_game(void) {}
unsigned retro_get_region(void) { return 1; }
void *retro_get_memory_data(unsigned r) { return r == 2 ? ram : NULL; }
size_t retro_get_memory_size(unsigned r) { return r == 2 ? sizeof ram : 0; }
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A core of our own that does what the host has to refuse."""
    folder = tmp_path_factory.mktemp("core")
    source, target = folder / "probe.c", folder / "probe_libretro.so"
    source.write_text(HARDWARE_CORE)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-w", "-o", str(target), str(source)],
        check=True,
    )
    return str(target)


class TestWhatCoresDo:
    """Refusals inside callbacks come out after the call."""

    def test_hardware_rendering_is_refused_by_name(self, probe: str) -> None:
        core = _native.Core(probe, "", "")
        with pytest.raises(
            _native.CoreError, match=r"Probe refuses .* hardware rendering \(OpenGL"
        ):
            core.load_game("game", b"1")

    def test_a_shutdown_ends_the_advance(self, probe: str) -> None:
        core = _native.Core(probe, "", "")
        core.load_game("game", b"22")
        with pytest.raises(_native.CoreError, match="shuts itself down"):
            core.advance((0,), 5)
        assert core.frames_run == 2
        assert core.read_byte(RAM, 0) == 2
        core.advance((0,), 1)

    def test_no_savestates_and_no_picture(self, probe: str) -> None:
        core = _native.Core(probe, "", "")
        core.load_game("game", b"22")
        core.advance((0,), 1)
        with pytest.raises(_native.CoreError, match="no savestates"):
            core.save_state()
        assert core.screen.shape == (0, 0, 3)
        assert core.audio.shape == (0, 2)
        assert core.region == "pal"
        assert core.controllers == []
