"""Colibri as an emulator: what costs nothing changes nothing, and what it opens is true."""

from __future__ import annotations

import gc
import os
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import copain
from copain import Joypad, Rom, _native
from copain.backends.colibri import ColibriEmulator
from copain.emulator import HasHooks, HasRegisters, HasTrace
from copain.errors import InputError, MemoryRangeError, RomError, SavestateError
from copain.rollout import frame_inputs
from copain.system import NES
from copain.testing import random_inputs

FRAMES = 300


@pytest.fixture(params=["alouette", "efp"])
def rom(request: pytest.FixtureRequest) -> Rom:
    """Each of the two NES games at hand."""
    found: Rom = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def nes(alouette: Rom) -> ColibriEmulator:
    """Alouette in Colibri, in its first stage."""
    nes = copain.open(alouette, "colibri")
    nes.advance(frames=60)
    nes.advance(Joypad(start=True), frames=4)
    nes.advance(frames=400)
    return nes


def states(nes: ColibriEmulator, seed: int, look: Callable[[int], object]) -> list[bytes]:
    """The savestate after each frame of random inputs; `look` is called after each frame."""
    found: list[bytes] = []
    for number, held in enumerate(frame_inputs(random_inputs(NES, FRAMES, seed))):
        nes.advance(held)
        look(number)
        found.append(nes.save_state().payload)
    return found


def test_a_game_of_the_nes_opens_in_colibri(alouette: Rom) -> None:
    with copain.open(alouette) as nes:
        assert nes.name == "colibri"
        assert isinstance(nes, ColibriEmulator)
        assert (nes.mapper, nes.region, nes.frame_rate) == ((3, "CNROM"), "ntsc", NES.frame_rate)
        assert isinstance(nes, HasHooks)
        assert isinstance(nes, HasRegisters)
        assert isinstance(nes, HasTrace)


# What is looked at does not change what is emulated


def test_seen_heard_and_skipped_or_not_the_savestates_are_the_same(rom: Rom, seed: int) -> None:
    rng = np.random.default_rng(seed)
    plain = copain.open(rom, "colibri", idle_skip=False)
    expected = states(plain, seed, lambda _: None)
    seen = copain.open(rom, "colibri")
    assert states(seen, seed, lambda _: (seen.screen, seen.audio)) == expected

    some = copain.open(rom, "colibri")

    def look(_: int) -> None:
        some.native.skips_idle = bool(rng.integers(2))
        if rng.integers(3) == 0:
            assert some.screen.size
        if rng.integers(3) == 0:
            assert len(some.audio)

    assert states(some, seed, look) == expected


def test_a_picture_asked_for_late_is_the_one_drawn_at_once(rom: Rom, seed: int) -> None:
    always, seldom = copain.open(rom, "colibri"), copain.open(rom, "colibri")
    different: set[bytes] = set()
    for number, held in enumerate(frame_inputs(random_inputs(NES, FRAMES, seed))):
        always.advance(held)
        seldom.advance(held)
        picture = always.native.picture  # drawn as the frame runs, from the second on
        different.add(picture.tobytes())
        if number % 17 == 0:
            assert (seldom.native.picture == picture).all()  # made now
            assert (seldom.native.picture == picture).all()
    assert len(different) > 10


def test_a_picture_is_of_the_frame_not_of_what_was_written_after_it(nes: ColibriEmulator) -> None:
    nes.advance()
    twin = copain.open(nes.rom, "colibri")
    twin.load_state(nes.save_state())
    nes.memory["palette"][0:32] = 0x16
    nes.memory["ram"][0:] = 0
    before = nes.screen
    assert len(np.unique(before.reshape(-1, 3), axis=0)) > 3
    nes.load_state(nes.save_state())
    assert (nes.screen == before).all()
    nes.power_on()
    assert not nes.screen.any()


def test_sound_asked_for_late_is_that_of_the_last_advance(nes: ColibriEmulator) -> None:
    start = nes.save_state()
    nes.advance(frames=30)
    rate = nes.sample_rate / float(nes.frame_rate)
    late = nes.audio
    assert abs(len(late) - 30 * rate) < 2
    assert late.dtype == np.int16
    assert (late == nes.audio).all()
    assert late.std() > 10  # the stage has music
    nes.load_state(start)
    parts: list[np.ndarray[tuple[int, ...], np.dtype[np.int16]]] = []
    for _ in range(30):
        nes.advance()
        parts.append(nes.audio)
    joined = np.concatenate(parts)[:, 0].astype(int)
    assert abs(len(joined) - 30 * rate) < 2
    assert abs(len(parts[10]) - rate) <= 2
    # No seams: the steps between frames are no larger than those within.
    steps = np.abs(np.diff(joined))
    ends = np.cumsum([len(part) for part in parts])[1:-1] - 1
    assert steps[ends].max() <= np.delete(steps, ends).max()
    nes.advance(frames=0)
    assert len(nes.audio) == 0
    nes.rollout(start, np.zeros((5, 2), np.uint16))
    assert len(nes.audio) == 0


def test_of_a_long_advance_the_last_twenty_seconds_are_heard(alouette: Rom) -> None:
    nes = copain.open(alouette, "colibri")
    nes.advance(frames=3000)
    seconds = len(nes.audio) / nes.sample_rate
    assert 19 < seconds < 21
    assert nes.screen.any()


# Savestates


def test_a_savestate_is_small_and_equal_for_equal_machines(alouette: Rom, seed: int) -> None:
    one, two = copain.open(alouette, "colibri"), copain.open(alouette, "colibri")
    two.advance(frames=100)
    two.power_on()
    assert one.save_state().payload == two.save_state().payload
    assert states(one, seed, lambda _: None)[-1] == states(two, seed, lambda _: None)[-1]
    assert len(one.save_state().payload) < 5_000


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a byte short": lambda data: data[:-1],
    "a byte long": lambda data: data + b"\0",
    "empty": lambda data: b"",
    "another magic": lambda data: b"XXXX" + data[4:],
    "another version": lambda data: data[:4] + b"\xff\xff" + data[6:],
    "another game": lambda data: data[:8] + bytes(8) + data[16:],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_garbage_is_refused_with_the_reason(nes: ColibriEmulator, damage: str) -> None:
    before = nes.save_state().payload
    damaged = DAMAGES[damage](before)
    with pytest.raises(_native.CoreError) as refusal:
        nes.native.load_state(damaged)
    assert str(refusal.value)
    assert nes.save_state().payload == before
    pool = _native.StatePool(_native.Cartridge(nes.rom.data), 2)
    with pytest.raises(_native.CoreError):
        pool.put(damaged)
    assert pool.used == 0


def test_savestates_of_other_options_are_refused(alouette: Rom, nes: ColibriEmulator) -> None:
    with copain.open(alouette, "colibri", region="pal") as pal:
        with pytest.raises(SavestateError, match=r"load_state: .+"):
            pal.load_state(nes.save_state())
        assert pal.frame_rate < 51
    with copain.open(alouette, "colibri", four_score=True) as four:
        with pytest.raises(SavestateError):
            four.load_state(nes.save_state())
        assert four.system.ports == 4
        four.advance(copain.FrameInput((Joypad(), Joypad(), Joypad(), Joypad(a=True))))


def test_power_on_ram_is_as_fceux_has_it(alouette: Rom) -> None:
    def ram(**options: object) -> bytes:
        nes = copain.open(alouette, emulator="colibri", **options)
        assert isinstance(nes, ColibriEmulator)
        return nes.ram.read_all().tobytes()

    assert ram() == bytes([0, 0, 0, 0, 255, 255, 255, 255]) * 256
    assert ram(ram_init="ff") == b"\xff" * 2048
    assert ram(ram_init="00") == bytes(2048)
    assert ram(ram_init="random", ram_seed=1) == ram(ram_init="random", ram_seed=1)
    assert len({ram(ram_init="random", ram_seed=seed) for seed in range(3)}) == 3


def test_what_it_cannot_open_is_refused_by_name(alouette: Rom) -> None:
    with pytest.raises(InputError, match="region='ntcs'; ntsc, pal, dendy are allowed"):
        copain.open(alouette, emulator="colibri", region="ntcs")  # type: ignore[call-overload]
    with pytest.raises(InputError, match="ram_init=7"):
        copain.open(alouette, emulator="colibri", ram_init=7)  # type: ignore[call-overload]
    with pytest.raises(InputError, match="ram_seed=-1"):
        copain.open(alouette, emulator="colibri", ram_seed=-1)
    strange = bytearray(alouette.data)
    strange[6:8] = 0xF0, 0xF0
    with pytest.raises(RomError, match="mapper 255"):
        copain.open(Rom.from_bytes(bytes(strange)), "colibri")


# Memory


def test_all_memory_is_open(nes: ColibriEmulator) -> None:
    assert {"ram", "nametables", "palette", "oam", "cpu", "ppu"} <= set(nes.memory)
    rom = nes.rom.data
    assert nes.memory["cpu"][0x8000:0x10000].tobytes() == rom[16 : 16 + 0x8000]
    assert nes.memory["ppu"][0:0x2000].tobytes() == rom[16 + 0x8000 : 16 + 0xA000]
    assert (nes.memory["cpu"][0:0x800] == nes.ram[:]).all()
    assert (nes.memory["cpu"][0x800:0x1000] == nes.ram[:]).all()
    nes.memory["cpu"][0x10] = 0xAB
    assert nes.ram[0x10] == 0xAB
    nes.memory["ppu"][0x3F01] = 0x21
    assert nes.memory["palette"][1] == 0x21
    nes.memory["oam"][3] = 0x80
    assert nes.ppu.sprites[0].x == 0x80
    with pytest.raises(MemoryRangeError, match="no memory to write"):
        nes.memory["cpu"][0x8000] = 1
    before = nes.save_state().payload
    for memory in nes.memory.values():
        memory.read_all()
    assert nes.save_state().payload == before


def test_the_live_view_outlives_the_emulator(alouette: Rom) -> None:
    nes = copain.open(alouette, "colibri")
    view = nes.live_ram()
    nes.advance(frames=100)
    assert (view == nes.ram[:]).all()
    kept = view.copy()
    nes.close()
    del nes
    gc.collect()
    assert (view == kept).all()


# The PPU


def test_nametables_and_patterns_show_what_the_screen_shows(nes: ColibriEmulator) -> None:
    tables = nes.ppu.nametables
    assert (tables.shape, tables.dtype) == ((480, 512, 3), np.uint8)
    # The status bar does not scroll: the top rows of the screen are those of a nametable.
    assert (tables[8:24, 8:248] == nes.screen[8:24, 8:248]).all()
    patterns = nes.ppu.pattern_tables(1)
    assert (patterns.shape, patterns.dtype) == ((128, 256, 3), np.uint8)
    assert len(np.unique(patterns.reshape(-1, 3), axis=0)) > 2
    with pytest.raises(InputError, match=r"pattern_tables\(palette=8\)"):
        nes.ppu.pattern_tables(8)
    assert nes.ppu.palette.shape == (8, 4)
    assert nes.ppu.registers.mask & 0x18
    assert len(nes.ppu.sprites) == 64


def test_the_picture_is_that_of_fceumm_up_to_the_palette(alouette: Rom, fceumm: str) -> None:
    """Wherever Colibri shows one colour, so does fceumm, and the other way round."""
    pairs: set[tuple[int, int]] = set()
    with copain.open(alouette, "colibri") as ours, copain.open(alouette, core=fceumm) as theirs:
        for number, held in enumerate(frame_inputs(random_inputs(NES, 900, 3))):
            ours.advance(held)
            theirs.advance(held)
            if number >= 20 and number % 20 == 0:
                rgb = theirs.screen.astype(np.int64) @ [1 << 16, 1 << 8, 1]
                both = np.stack([ours.native.picture.ravel().astype(np.int64), rgb.ravel()])
                pairs |= {(int(a), int(b)) for a, b in np.unique(both, axis=1).T}
    black = {a for a, _ in pairs if a & 15 > 13 or a == 0x1D}  # many numbers, one black
    assert len({a for a, _ in pairs}) == len(pairs)
    assert len({b for a, b in pairs if a not in black}) == len(pairs) - len(black)
    assert len(pairs) > 8


# Many at once


def test_ten_thousand_machines_cost_their_state_only(alouette: Rom) -> None:
    nes = copain.open(alouette, "colibri")
    size = nes.native.state_size
    gc.collect()
    before = _resident()
    many = [copain.open(alouette, "colibri") for _ in range(1_000)]
    began = time.monotonic()
    machines = [_native.Machine(_cartridge(nes)) for _ in range(10_000)]
    assert time.monotonic() - began < 20
    machines[9_999].advance([0, 0], 3)
    assert machines[0].frame == 0
    each = (_resident() - before) / 11_000
    assert each < size + 16_384, f"{each:.0f} bytes each, of which the state is {size}"
    assert many[999].ram[0:8].tolist() == [0, 0, 0, 0, 255, 255, 255, 255]


def _cartridge(nes: ColibriEmulator) -> _native.Cartridge:
    return nes._game.cartridge  # pyright: ignore[reportPrivateUsage]


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_machines_run_on_threads_side_by_side(alouette: Rom, seed: int) -> None:
    expected = states(copain.open(alouette, "colibri"), seed, lambda _: None)
    found: list[list[bytes]] = []

    def run() -> None:
        found.append(states(copain.open(alouette, "colibri"), seed, lambda _: None))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_a_second_thread_inside_is_refused(alouette: Rom) -> None:
    nes = copain.open(alouette, "colibri")
    inside = threading.Event()
    ended = threading.Event()

    def hold(address: int, value: int) -> None:
        inside.set()
        ended.wait(10)

    nes.on_execute(range(0x8000, 0x10000), hold)
    thread = threading.Thread(target=lambda: nes.advance(frames=1))
    thread.start()
    assert inside.wait(10)
    with pytest.raises(_native.CoreError, match="another thread is inside"):
        nes.native.save_state()
    ended.set()
    thread.join()


def test_rollouts_do_not_depend_on_the_threads(rom: Rom, seed: int) -> None:
    rng = np.random.default_rng(seed)
    inputs = rng.integers(0, 256, (60, 7, 2)).astype(np.uint16)
    results: list[tuple[bytes, ...]] = []
    for workers in (1, 2, 5):
        with copain.open(rom, "colibri").open_fleet(workers) as fleet:
            pool = fleet.new_pool(100)
            root = pool.put(fleet.root())
            first = fleet.rollout(pool, [root] * 30, np.repeat(inputs[:30], 20, 1))
            parents = rng.permutation(30)[:1].repeat(60) * 0 + first.slots[0]
            batch = fleet.rollout(pool, parents, inputs, watch=[0, 0x10], keep=workers != 2)
            results.append((batch.ram.tobytes(), batch.watched.tobytes(), batch.hashes.tobytes()))
            assert pool.used == 31 + (60 if workers != 2 else 0)
    assert results[0] == results[1] == results[2]


def test_threads_serve_batch_after_batch(alouette: Rom) -> None:
    inputs = random_inputs(NES, 64 * 4, 1).reshape(64, 4, 2)
    seen: list[bytes] = []

    def play(workers: int) -> None:
        with copain.open(alouette, "colibri").open_fleet(workers) as fleet:
            pool = fleet.new_pool(65)
            root = pool.put(fleet.root())
            for _ in range(20):
                batch = fleet.rollout(pool, [root] * 64, inputs)
                pool.free(batch.slots)
                seen.append(batch.ram.tobytes())

    play(3)
    before = len(list(Path("/proc/self/task").iterdir()))
    play(3)
    assert len(list(Path("/proc/self/task").iterdir())) == before
    callers = [threading.Thread(target=play, args=(workers,)) for workers in (2, 3)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert len(seen) == 80
    assert len(set(seen)) == 1


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own(alouette: Rom) -> None:
    inputs = random_inputs(NES, 64, 1).reshape(64, 1, 2)
    with copain.open(alouette, "colibri").open_fleet(3) as fleet:
        pool = fleet.new_pool(65)
        root = pool.put(fleet.root())
        ram = fleet.rollout(pool, [root] * 64, inputs, keep=False).ram
        child = os.fork()
        if not child:
            same = False
            try:
                again = fleet.rollout(pool, [root] * 64, inputs, keep=False)
                same = bool(np.array_equal(again.ram, ram))
            finally:
                os._exit(0 if same else 1)
        give_up = time.monotonic() + 20
        while not (ended := os.waitpid(child, os.WNOHANG))[0] and time.monotonic() < give_up:
            time.sleep(0.01)
        if not ended[0]:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        assert ended == (child, 0)
        assert np.array_equal(fleet.rollout(pool, [root] * 64, inputs, keep=False).ram, ram)


def test_a_pool_takes_savestates_of_its_game_only(alouette: Rom, efp: Rom) -> None:
    with copain.open(alouette, "colibri") as nes, nes.open_fleet(1) as fleet:
        pool = fleet.new_pool(3)
        slot = pool.put(nes.save_state())
        other = copain.open(efp, "colibri")
        with pytest.raises(SavestateError, match="another ROM"):
            pool.put(other.save_state())
        strangers = other.open_fleet(1).new_pool(2)
        with pytest.raises(SavestateError, match="another game"):
            fleet.rollout(
                strangers, [strangers.put(other.save_state())], np.zeros((1, 1, 2), np.uint16)
            )
        with pytest.raises(SavestateError, match="full"):
            fleet.rollout(pool, [slot] * 3, np.zeros((3, 1, 2), np.uint16))
        assert pool.used == 1
        with pytest.raises(SavestateError, match="not a slot"):
            fleet.rollout(pool, [2], np.zeros((1, 1, 2), np.uint16))
