"""The FCEUX backend against the real FCEUX: the same protocol, the same frames, its options."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

import copain
from conftest import TESTS, absent
from copain.backends.fceux import FceuxEmulator, TransportName, attach, check_payload, script_path
from copain.backends.fceux_start import find_fceux
from copain.emulator import HasLagFrames, HasScreen, HasSoftReset
from copain.errors import (
    EmulatorClosed,
    EmulatorMissing,
    InputError,
    LuaError,
    MemoryRangeError,
    RomError,
    SavestateError,
)
from copain.movie import Movie, Recorder, verify
from copain.rollout import HasRollout, frame_inputs
from copain.savestate import Savestate
from copain.testing import Outcome, check_emulator, random_inputs

FRAMES = 300
Open = Callable[..., FceuxEmulator]


@pytest.fixture(scope="session")
def fceux() -> str:
    """FCEUX's program, which is here."""
    try:
        return find_fceux()
    except EmulatorMissing:
        absent("fceux", "apt install fceux")


@pytest.fixture
def luasocket() -> None:
    """FCEUX's Lua finds luasocket."""
    if not list(Path("/usr/lib").glob("*/lua/5.1/socket/core.so")):
        absent("luasocket for Lua 5.1", "apt install lua-socket")


@pytest.fixture
def opened(fceux: str, alouette: copain.Rom) -> Generator[Open]:
    """Opens Alouette in FCEUX, with options; closes all at the end."""
    emulators: list[FceuxEmulator] = []

    def open_one(rom: copain.Rom = alouette, **options: object) -> FceuxEmulator:
        emulators.append(FceuxEmulator(rom, fceux=fceux, **options))  # type: ignore[arg-type]
        return emulators[-1]

    yield open_one
    for emulator in emulators:
        emulator.close()


def ram_of(
    emulator: copain.Emulator, inputs: copain.InputLog
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Work RAM after each frame, ``uint8 (frames, 2048)``."""
    ram = np.empty((len(inputs), 2048), np.uint8)
    for frame, held in enumerate(frame_inputs(inputs)):
        emulator.advance(held)
        ram[frame] = emulator.ram.read_all()
    return ram


# The protocol ------------------------------------------------------------------------------------


@pytest.mark.timeout(900)
@pytest.mark.parametrize("game", ["alouette", "efp"])
def test_it_conforms_exactly(fceux: str, game: str, request: pytest.FixtureRequest) -> None:
    rom: copain.Rom = request.getfixturevalue(game)
    report = check_emulator(lambda: copain.open(rom, emulator="fceux"), frames=160, seeds=[1])
    absent_here = {"fleet", "hashes", "sound"}
    for name, finding in report.findings.items():
        expected = Outcome.ABSENT if name in absent_here else Outcome.EXACT
        assert finding.outcome is expected, f"{name}: {finding}\n{report}"


def test_copain_open_gives_it_with_its_capabilities(fceux: str, alouette: copain.Rom) -> None:
    with copain.open(alouette, emulator="fceux") as nes:
        assert (nes.name, nes.system.name, nes.boot_offset) == ("fceux", "nes", 0)
        assert re.fullmatch(r"2\.\d+\.\d+", nes.version)
        for capability in (HasScreen, HasLagFrames, HasSoftReset, HasRollout):
            assert isinstance(nes, capability)
        assert {"ram", "cpu", "ppu", "rom"} <= set(nes.memory)
        assert nes.ram["lives"] >= 0, "a known game's variables are not there"
        assert "alouette" in repr(nes)


@pytest.mark.parametrize("seed_of_inputs", [3, 4])
def test_the_same_ram_as_fceumm_frame_for_frame(
    opened: Open, fceumm: str, alouette: copain.Rom, seed_of_inputs: int
) -> None:
    nes = opened()
    inputs = random_inputs(nes.system, 2 * FRAMES, seed_of_inputs)
    with copain.open(alouette, emulator="libretro", core=fceumm) as other:
        differs = (ram_of(nes, inputs) != ram_of(other, inputs)).any(axis=1)
    assert not differs.any(), f"from frame {int(np.flatnonzero(differs)[0])} on"


def test_a_movie_verifies_and_fceux_plays_it_from_the_start(opened: Open, tmp_path: Path) -> None:
    nes = opened()
    recorder = Recorder(nes)
    for held in frame_inputs(random_inputs(nes.system, FRAMES, 5)):
        recorder.advance(held)
    end = nes.ram.read_all()
    path = tmp_path / "run.fm2"
    recorder.movie(hashes_every=60).write(path)
    assert verify(Movie.read(path), opened).in_sync
    playing = opened(movie=path)
    assert playing.call("movie_mode") == "playback"
    playing.advance(copain.Joypad(a=True, b=True, start=True), frames=FRAMES)  # not heard
    assert (playing.ram.read_all() == end).all()


# Memory ------------------------------------------------------------------------------------------


def test_memory_domains(opened: Open, alouette: copain.Rom) -> None:
    nes = opened()
    nes.advance(frames=60)
    cpu, ppu, rom = nes.memory["cpu"], nes.memory["ppu"], nes.memory["rom"]
    assert (len(cpu), len(ppu), len(rom)) == (0x10000, 0x4000, len(alouette.data))
    assert (cpu[:0x800] == nes.ram[:]).all()
    assert rom[:].tobytes() == alouette.data
    assert cpu[0x8000:].tobytes() == alouette.data[16 : 16 + 0x8000]
    assert ppu[:0x2000].tobytes() == alouette.data[16 + 0x8000 :][:0x2000]
    cpu[0x10] = nes.ram[0x10] ^ 0xFF
    assert nes.ram[0x10] == cpu[0x10]
    for domain in (ppu, rom):
        with pytest.raises(MemoryRangeError, match="only be read"):
            domain[20] = 1


def test_ram_that_came_with_a_frame_is_never_stale(opened: Open) -> None:
    """RAM that is looked at on every frame comes along with it; all that changes it must show."""
    nes, plain = opened(), opened()
    for emulator in (nes, plain):
        emulator.advance(frames=30)
    root = plain.save_state()
    bytes_of_root = root.to_bytes()
    assert (nes.ram[:] == plain.ram[:]).all()
    changes: list[Callable[[FceuxEmulator], object]] = [
        lambda one: one.advance(copain.Joypad(start=True), frames=4),
        lambda one: one.ram.__setitem__(0x300, 0xA5),
        lambda one: one.soft_reset(),
        lambda one: one.advance(frames=7),
        lambda one: one.load_state(Savestate.from_bytes(bytes_of_root)),
        lambda one: one.call("eval", "memory.writebyte(0x301, 0x5A)"),
        lambda one: one.rollout(Savestate.from_bytes(bytes_of_root), np.zeros((5, 2), np.uint16)),
        lambda one: one.power_on(),
        lambda one: one.memory["cpu"].__setitem__(0x302, 7),
    ]
    for number, change in enumerate(changes):
        nes.ram.read_all()
        change(nes)
        change(plain)
        truth = plain.call("eval", "return memory.readbyterange(0, 2048)")
        assert isinstance(truth, str)
        expected = truth.encode("utf-8", "surrogateescape")
        assert nes.ram.read_all().tobytes() == expected, f"after change {number}"
        assert nes.frame == plain.frame


# Savestates --------------------------------------------------------------------------------------


def test_savestates_stay_inside_and_their_slots_are_used_again(opened: Open) -> None:
    nes = opened()
    made = nes.slots_made
    kept = nes.save_state()
    for _ in range(500):
        nes.advance()
        nes.load_state(nes.save_state())
    assert nes.slots_made - made <= 3
    nes.load_state(kept)
    assert nes.frame == 0


def test_memory_does_not_grow_with_savestates_as_bytes(opened: Open) -> None:
    nes = opened()

    def resident() -> int:
        return int(Path(f"/proc/{nes.pid}/statm").read_text().split()[1]) * 4096

    data = nes.save_state().to_bytes()
    for _ in range(100):
        nes.load_state(Savestate.from_bytes(data))
    before = resident()
    for _ in range(1000):
        nes.load_state(Savestate.from_bytes(data))
        nes.save_state().to_bytes()
    assert nes.frame == 0
    assert resident() - before < 20_000_000, "1000 savestates of 79 KB were not given back"


def test_a_savestate_goes_from_one_fceux_to_another(opened: Open) -> None:
    one, other = opened(), opened()
    inputs = random_inputs(one.system, FRAMES, 6)
    ram_of(one, inputs[:150])
    state = one.save_state()
    other.load_state(state)
    assert other.frame == 150
    assert (ram_of(other, inputs[150:]) == ram_of(one, inputs[150:])).all()
    one.kill()
    other.load_state(state)  # its bytes were fetched
    assert other.frame == 150


def test_savestates_that_are_held_outlive_close_and_not_kill(opened: Open) -> None:
    nes, another = opened(), opened()
    nes.advance(frames=20)
    state, lost = nes.save_state(), another.save_state()
    nes.close()
    another.kill()
    third = opened()
    third.load_state(state)
    assert third.frame == 20
    with pytest.raises(EmulatorClosed, match="kill"):
        third.load_state(lost)
    assert third.frame == 20


def test_garbage_is_refused_before_fceux_sees_it(opened: Open) -> None:
    nes = opened()
    nes.advance(frames=40)
    state = nes.save_state()
    payload = state.payload
    ram = nes.ram.read_all()
    size = len(payload)
    endless = payload[:16] + b"\x01\xff\xff\xff\xff" + payload[21:]
    packed = payload[:12] + bytes(4) + payload[16:]
    for bad in (b"", b"FCSX", payload[:-1], payload + b"\0", bytes(size), b"x" + payload[1:],
                endless, packed):  # fmt: skip
        with pytest.raises(SavestateError, match="load_state"):
            nes.load_state(Savestate(state.header, bad))
        assert nes.frame == 40
        assert (nes.ram.read_all() == ram).all()
    check_payload(payload)


# Frames ------------------------------------------------------------------------------------------


def test_the_frame_follows_what_lua_emulates(opened: Open) -> None:
    nes = opened()
    nes.advance(frames=3)
    assert nes.call("eval", "for _ = 1, 5 do coroutine.yield() end return emu.framecount()") == 8
    assert nes.frame == 8
    assert nes.lag_count >= 1


@pytest.mark.parametrize("frames", [1, 3])
def test_an_answer_that_comes_early_says_what_a_late_one_does(
    opened: Open, efp: copain.Rom, frames: int
) -> None:
    """Alone, a frame is answered before FCEUX is done with its picture; with callbacks, after."""
    told: list[list[tuple[bytes, bool, int, int]]] = []
    pictures: list[bytes] = []
    seen: list[int] = []
    for late in (False, True):
        nes = opened(efp)
        if late:
            nes.lua.emu.registerafter(lambda nes=nes: seen.append(nes.lua.emu.framecount()))
        told.append([])
        for held in frame_inputs(random_inputs(nes.system, 150, 4)):
            nes.advance(held, frames=frames)
            ram = nes.ram.read_all().tobytes()
            told[-1].append((ram, nes.lagged, nes.lag_count, nes.frame))
        pictures.append(nes.screen.tobytes())
    assert len(seen) == 150 * frames, "the second was not late"
    assert told[0] == told[1]
    assert pictures[0] == pictures[1]
    lags = [lagged for _, lagged, _, _ in told[0]]
    assert True in lags
    assert False in lags


def test_what_python_does_after_an_early_answer_belongs_to_the_next_frame(opened: Open) -> None:
    nes = opened()
    inputs = random_inputs(nes.system, 200, 6)
    first = ram_of(nes, inputs)
    nes.power_on()
    for frame, held in enumerate(frame_inputs(inputs)):
        nes.advance(held)
        state = nes.save_state()  # right after the answer, while FCEUX is at its picture
        assert (nes.ram.read_all() == first[frame]).all()
        nes.advance(copain.Joypad(a=True, down=True))
        nes.load_state(state)
        assert (nes.ram.read_all() == first[frame]).all()
    before = nes.ram[0x7F0]
    nes.ram[0x7F0] = before ^ 0xFF
    assert nes.ram[0x7F0] == before ^ 0xFF


def test_registerafter_is_free_though_copain_uses_it(opened: Open) -> None:
    nes = opened()
    nes.advance(frames=3)
    calls: list[None] = []
    assert nes.lua.emu.registerafter(lambda: calls.append(None)) is None
    nes.advance(frames=5)
    assert len(calls) == 5
    assert nes.lua.emu.registerafter(None) is not None
    nes.advance(frames=5)
    assert (len(calls), nes.frame) == (5, 13)


def test_long_runs_equal_single_frames(opened: Open) -> None:
    one, other = opened(), opened()
    for turn in (1, 2):  # the second time, what was packed may be used again
        one.advance(copain.Joypad(right=True), frames=700)
        for _ in range(700):
            other.advance(copain.Joypad(right=True))
        assert (one.ram.read_all() == other.ram.read_all()).all()
        assert one.frame == other.frame == 700 * turn
        assert one.call("eval", "return emu.framecount()") == 700 * turn


def test_what_is_held_is_told_apart(opened: Open) -> None:
    """The same buttons as a joypad, for both ports, and with other lengths: each its own."""
    nes = opened()
    code = "return joypad.get(1).A, joypad.get(2).A, emu.framecount()"
    a = copain.Joypad(a=True)
    frame = 0
    for _ in range(2):
        for held, first, second in (
            (a, True, False),
            (copain.FrameInput((a,)), True, False),
            (copain.FrameInput((a, a)), True, True),
            (copain.FrameInput((copain.Joypad(), a)), False, True),
            (copain.FrameInput(), False, False),
        ):
            for length in (1, 3):
                nes.advance(held, frames=length)
                frame += length
                _ = nes.ram[0]
                assert nes.call("eval", code) == [first, second, frame]
    with pytest.raises(InputError):
        nes.advance(a, frames=1.0)  # type: ignore[arg-type] - equal to 1, and yet not allowed


def test_two_ports_and_opposite_directions_reach_the_game(opened: Open) -> None:
    """FCEUX's own memory of the joypads after a frame, by its Lua."""
    nes = opened()
    held = copain.FrameInput(
        (copain.Joypad(left=True, right=True, a=True), copain.Joypad(b=True, up=True))
    )
    nes.advance(held)
    code = "local t = {} for k, v in pairs(joypad.get(...)) do if v then t[#t + 1] = k end end "
    code += "table.sort(t) return t"
    assert nes.call("eval", code, "=x", 1) == ["A", "left", "right"]
    assert nes.call("eval", code, "=x", 2) == ["B", "up"]


def test_lua_errors_have_a_traceback_and_harm_nothing(opened: Open) -> None:
    nes = opened()
    with pytest.raises(LuaError, match=r"eval: mine:1: .*nil value[\s\S]*stack traceback"):
        nes.call("eval", "return nil + 1", "=mine")
    nes.advance()
    assert nes.frame == 1


def test_python_functions_are_called_from_lua_while_frames_run(opened: Open) -> None:
    nes = opened()
    seen: list[object] = []
    code = "local f = ... for i = 1, 3 do f(i, emu.framecount()) coroutine.yield() end"
    nes.call("eval", code, "=x", lambda *given: seen.append(given))
    assert seen == [(1, 0), (2, 1), (3, 2)]


# Options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("region", "cycles"), [("ntsc", 29780), ("pal", 33247), ("dendy", 35463)])
def test_region(opened: Open, region: str, cycles: int) -> None:
    nes = opened(region=region)
    count = "return debugger.getcyclescount()"
    nes.advance(frames=10)
    before = nes.call("eval", count)
    nes.advance(frames=100)
    after = nes.call("eval", count)
    assert isinstance(before, int)
    assert isinstance(after, int)
    assert abs((after - before) / 100 - cycles) < 2
    assert 50 < float(nes.frame_rate) < (60.1 if region == "ntsc" else 50.01)


@pytest.mark.parametrize(
    ("ram_init", "first"),
    [("default", [0, 0, 0, 0, 255, 255, 255, 255]), ("ff", [255] * 8), ("00", [0] * 8)],
)
def test_ram_init(opened: Open, ram_init: str, first: list[int]) -> None:
    assert opened(ram_init=ram_init).ram[:8].tolist() == first


def test_random_ram_is_the_same_at_each_power_on(opened: Open) -> None:
    nes = opened(ram_init="random")
    first = nes.ram.read_all()
    assert len(set(first.tolist())) > 200
    nes.advance(frames=5)
    nes.power_on()
    assert (nes.ram.read_all() == first).all()


def test_game_genie(opened: Open) -> None:
    # Source of code and effect: https://tuxnes.sourceforge.net/gamegenie.html (its formulas).
    assert opened().memory["cpu"][0x91D9] != 0xAD
    assert opened(game_genie=["SXIOPO"]).memory["cpu"][0x91D9] == 0xAD


def test_new_ppu_is_used(opened: Open) -> None:
    """Its savestates hold its own state, which the other's leave at zero."""

    def new_ppu_chunk(nes: FceuxEmulator) -> bytes:
        nes.advance(frames=20)
        data = nes.save_state().payload
        at = 16
        while data[at] != 31:
            at += 5 + int.from_bytes(data[at + 1 : at + 5], "little")
        return data[at : at + 5 + int.from_bytes(data[at + 1 : at + 5], "little")]

    assert new_ppu_chunk(opened(new_ppu=True)) != new_ppu_chunk(opened())


def test_four_score_has_four_joypads(opened: Open) -> None:
    nes = opened(four_score=True)
    assert nes.system.ports == 4
    nes.advance(copain.FrameInput((copain.Joypad(),) * 3 + (copain.Joypad(start=True),)))
    assert nes.call("eval", "return joypad.get(4).start") is True
    with pytest.raises(InputError):
        opened().advance(copain.FrameInput((copain.Joypad(),) * 3))


def test_speed_is_followed(opened: Open) -> None:
    nes = opened(speed="normal")
    nes.advance(frames=10)
    began = time.monotonic()
    nes.advance(frames=60)
    assert 0.8 < time.monotonic() - began < 5, "60 frames take a second"


def test_a_window_on_a_virtual_display(opened: Open) -> None:
    if shutil.which("Xvfb") is None:
        absent("Xvfb", "apt install xvfb")
    nes = opened(display="xvfb")
    nes.advance(frames=30)
    assert nes.display_name is not None
    assert re.fullmatch(r":\d+", nes.display_name)
    assert nes.screen.std() > 5
    hidden = opened()
    hidden.advance(frames=30)
    assert (hidden.screen == nes.screen).all()
    assert hidden.display_name is None


@pytest.mark.parametrize("transport", ["pipes", "unix", "tcp"])
@pytest.mark.usefixtures("luasocket")
def test_every_transport_gives_the_same(opened: Open, transport: TransportName) -> None:
    nes = opened(transport=transport)
    inputs = random_inputs(nes.system, 120, 7)
    ram = ram_of(nes, inputs)
    nes.power_on()
    played = nes.rollout(nes.save_state(), inputs, range(2048))
    assert (played.watched == ram).all()
    assert nes.screen.shape == (240, 256, 3)
    assert len(nes.save_state().to_bytes()) > 70_000


def test_options_that_do_not_exist_are_refused_by_name(
    fceux: str, alouette: copain.Rom, grid_rom: copain.Rom, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(error: type[Exception], match: str, **options: object) -> None:
        with pytest.raises(error, match=match):
            copain.open(alouette, emulator="fceux", **options)  # type: ignore[call-overload]

    refused(InputError, "allowed are ntsc, pal, dendy", region="secam")
    refused(InputError, "say one", visible=True, display="xvfb")
    refused(InputError, "its options are", no_such=1)
    refused(InputError, "not a Game Genie code", game_genie=["HELLO"])
    refused(copain.MovieError, "no such file", movie="/no/such.fm2")
    refused(InputError, "127.0.0.1:PORT", attach="nonsense", token="x")
    refused(InputError, "token=", attach="127.0.0.1:1")
    refused(EmulatorMissing, "nobody answers", attach="127.0.0.1:1", token="x")
    monkeypatch.delenv("DISPLAY", raising=False)
    refused(EmulatorMissing, "DISPLAY is not set", visible=True)
    with pytest.raises(RomError, match="FCEUX plays the NES"):
        copain.open(grid_rom, emulator="fceux")


# Attaching ---------------------------------------------------------------------------------------


@pytest.fixture
def by_hand(
    fceux: str, alouette: copain.Rom, tmp_path: Path, luasocket: None
) -> Generator[tuple[str, str]]:
    """A FCEUX that a person started, with the script loaded: its address and token."""
    log = tmp_path / "log"
    rom = tmp_path / "alouette.nes"
    rom.write_bytes(alouette.data)
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("COPAIN_")
    }
    environment |= {
        "QT_QPA_PLATFORM": "offscreen", "SDL_NO_SIGNAL_HANDLERS": "1",
        "FCEUX_CONFIG_DIR": str(tmp_path),
    }  # fmt: skip
    command = [
        "stdbuf", "-oL", fceux, "--sound", "0", "--videoDriver", "1",
        "--loadlua", str(script_path()), str(rom),
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 20
        while not (found := re.search(r"attach='(.*?)', token='(\w{32})'", log.read_text())):
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield found[1], found[2]
        assert process.poll() is None, "FCEUX ended although it is not ours"
    finally:
        process.kill()
        process.wait()


def test_attach_drives_a_fceux_that_runs_already(
    by_hand: tuple[str, str], alouette: copain.Rom, efp: copain.Rom
) -> None:
    address, token = by_hand
    assert address.startswith("127.0.0.1:")
    with attach(address, alouette, token=token) as nes:
        assert nes.frame == 0
        inputs = random_inputs(nes.system, 60, 8)
        state = nes.save_state()
        first = ram_of(nes, inputs)
        nes.load_state(Savestate.from_bytes(state.to_bytes()))
        assert (ram_of(nes, inputs) == first).all()
    # It goes on alone; another may come, but not without the token, and not for another game.
    with pytest.raises(RomError, match="another ROM"):
        copain.open(efp, emulator="fceux", attach=address, token=token)
    with pytest.raises(copain.EmulatorCrashed, match="is the token right"):
        attach(address, alouette, token="0" * 32)
    with attach(address, alouette, token=token) as nes:
        nes.advance(frames=5)
        assert nes.frame == 5


# The guide ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("fceux", "alouette")
def test_the_code_of_the_guide_runs(tmp_path: Path) -> None:
    guide = (TESTS.parent / "docs" / "guides" / "fceux.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```py\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "".join(blocks)],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    frame, framecount, path = re.findall(r"^(\d+) .*\n(\d+)\n(.*)$", done.stdout)[0]
    assert (frame, framecount) == ("4", "4")
    assert Path(path) == script_path()
    assert script_path().is_file()


def placed(nes: FceuxEmulator) -> dict[str, set[int]]:
    """The CPUs that the window's thread and the emulation may use, and this thread."""
    cpus = {"python": set(os.sched_getaffinity(0))}
    for task in Path(f"/proc/{nes.pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        if name in ("emulatorThread_", "fceux"):
            cpus[name] = set(os.sched_getaffinity(int(task.name)))
    assert set(cpus) == {"python", "emulatorThread_", "fceux"}, "FCEUX's threads have other names"
    return cpus


@pytest.mark.skipif(sys.platform != "linux", reason="CPUs are chosen on Linux")
def test_on_one_cpu_places_who_takes_turns_and_only_within_the_block(opened: Open) -> None:
    nes = opened()
    before = placed(nes)
    allowed = before["python"]
    cpu = max(allowed)
    within: dict[str, set[int]] = {}
    with contextlib.suppress(ZeroDivisionError), nes.on_one_cpu(cpu):
        within |= placed(nes)
        nes.advance(frames=1 // 0)
    assert within == {
        "python": {cpu}, "emulatorThread_": {cpu}, "fceux": allowed - {cpu} or {cpu},
    }  # fmt: skip
    assert placed(nes) == before
    with nes.on_one_cpu():
        assert len(placed(nes)["emulatorThread_"]) == 1
        assert placed(nes)["emulatorThread_"] == placed(nes)["python"] <= allowed
        nes.kill()
    assert set(os.sched_getaffinity(0)) == allowed


@pytest.mark.skipif(sys.platform != "linux", reason="CPUs are chosen on Linux")
def test_on_one_cpu_refuses_a_cpu_that_is_not_there(opened: Open) -> None:
    nes = opened()
    with pytest.raises(InputError, match=r"on_one_cpu: cpu=4096; this thread may use \[0"):
        nes.on_one_cpu(4096).__enter__()
    nes.close()
    with pytest.raises(EmulatorClosed):
        nes.on_one_cpu()


@pytest.mark.skipif(sys.platform != "linux", reason="priorities are read as on Linux")
def test_the_thread_of_the_unseen_window_gives_way_to_the_emulation(opened: Open) -> None:
    nes = opened()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    nice = {
        (task / "comm").read_text().strip(): os.getpriority(os.PRIO_PROCESS, int(task.name))
        for task in Path(f"/proc/{nes.pid}/task").iterdir()
    }
    assert (nice["fceux"], nice["emulatorThread_"]) == (min(ours + 15, 19), ours)
