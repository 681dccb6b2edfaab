"""The MAME backend against the real MAME: the same protocol, several systems, its options."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from mame_games import Open, airstriker, joypad_pce, mame, opened, pacman, space_invaders

import copain
from conftest import TESTS, absent
from copain.backends.fceux_start import find_fceux
from copain.cli.targets import find_targets, targets_for
from copain.emulator import HasAudio, HasHooks, HasLagFrames, HasScreen, HasSoftReset
from copain.errors import EmulatorClosed, EmulatorMissing, InputError, SavestateError
from copain.movie import Movie, Recorder, verify
from copain.rollout import HasFleet, HasRollout, frame_inputs, rollout_by_loop
from copain.savestate import Savestate
from copain.system import Button
from copain.testing import Outcome, check_emulator, random_inputs

__all__ = ["airstriker", "joypad_pce", "mame", "opened", "pacman", "space_invaders"]

FRAMES = 300
Trace = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


def ram_of(emulator: copain.Emulator, inputs: copain.InputLog) -> Trace:
    """Work RAM after each frame, ``uint8 (frames, ram_size)``."""
    ram = np.empty((len(inputs), len(emulator.ram)), np.uint8)
    for frame, held in enumerate(frame_inputs(inputs)):
        emulator.advance(held)
        ram[frame] = emulator.ram.read_all()
    return ram


# The protocol ------------------------------------------------------------------------------------


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("game", "frames"),
    # Airstriker shows its titles first: in MAME, genesis_plus_gx and picodrive alike it takes no
    # notice of the joypad for some 355 frames.
    [("alouette", 160), ("efp", 120), ("airstriker", 400), ("space_invaders", 160)],
)
@pytest.mark.usefixtures("mame")
def test_it_conforms_exactly(game: str, frames: int, request: pytest.FixtureRequest) -> None:
    rom: copain.Rom = request.getfixturevalue(game)
    report = check_emulator(lambda: copain.open(rom, emulator="mame"), frames=frames, seeds=[1])
    absent_here = {"fleet", "hashes", "sound", "lag"}
    for name, finding in report.findings.items():
        expected = Outcome.ABSENT if name in absent_here else Outcome.EXACT
        assert finding.outcome is expected, f"{name}: {finding}\n{report}"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("game", ["joypad_pce", "pacman"])
@pytest.mark.usefixtures("mame")
def test_other_systems_keep_their_promises_with_a_program_of_our_own(
    game: str, request: pytest.FixtureRequest
) -> None:
    rom: copain.Rom | Path = request.getfixturevalue(game)
    report = check_emulator(
        lambda: copain.open(rom, emulator="mame"), frames=120, seeds=[1],
        checks=["alive", "save/load", "fresh load"],
    )  # fmt: skip
    assert report.exact, str(report)


@pytest.mark.usefixtures("mame")
def test_copain_conformance_checks_it_with_every_game(alouette: copain.Rom) -> None:
    games = {target.game for target in find_targets() if target.emulator == "mame"}
    assert games == {
        "alouette", "efp", "airstriker", "space_invaders", "joypad-pce", "pacman",
    }  # fmt: skip
    assert alouette.path is not None
    names = [target.name for target in targets_for(alouette.path)]
    assert {"colibri", "mame", "libretro:fceumm"} <= set(names)


@pytest.mark.usefixtures("mame")
def test_copain_open_gives_it_with_its_capabilities(alouette: copain.Rom) -> None:
    with copain.open(alouette, emulator="mame") as nes:
        assert (nes.name, nes.system.name, nes.machine) == ("mame", "nes", "nes")
        assert re.fullmatch(r"0\.\d+", nes.version)
        for capability in (HasScreen, HasSoftReset, HasRollout):
            assert isinstance(nes, capability)
        for capability in (HasLagFrames, HasAudio, HasFleet, HasHooks):
            assert not isinstance(nes, capability), "it claims what it has not"
        assert nes.frame_rate == pytest.approx(60.0988, abs=1e-4)
        assert nes.ram["lives"] >= 0, "a known game's variables are not there"
        assert "alouette" in repr(nes)


def test_rollouts_are_what_a_loop_of_advances_gives(opened: Open, airstriker: copain.Rom) -> None:
    for emulator in (opened(), opened(airstriker)):
        emulator.advance(frames=40)
        start = emulator.save_state()
        inputs = random_inputs(emulator.system, 700, 5)
        watch = [*range(0x100), *range(len(emulator.ram) - 1, 0x700, -3)]
        one = emulator.rollout(start, inputs, watch)
        other = rollout_by_loop(emulator, start, inputs, watch)
        assert (one.watched == other.watched).all()
        assert (one.ram == other.ram).all()
        assert one.savestate.frame == other.savestate.frame == 740
        assert len(np.unique(one.watched, axis=0)) > 1, "what was watched never changed"


# The same story as FCEUX -------------------------------------------------------------------------


@pytest.mark.timeout(300)
@pytest.mark.parametrize("game", ["alouette", "efp"])
def test_its_boot_offset_against_fceux(
    opened: Open, game: str, request: pytest.FixtureRequest
) -> None:
    try:
        find_fceux()
    except EmulatorMissing:
        absent("fceux", "apt install fceux")
    rom: copain.Rom = request.getfixturevalue(game)
    nes = opened(rom)
    inputs = random_inputs(nes.system, 2 * FRAMES, 3)
    with copain.open(rom, emulator="fceux") as other:
        theirs = ram_of(other, inputs)
    assert nes.boot_offset == -1
    dropped = 1
    differs = ram_of(nes, inputs[dropped:]) != theirs[dropped:]
    if game == "efp":  # its wait loops leave torn bytes on the stack
        differs[:, 0x100:0x200] = False
    assert not differs.any(), f"from frame {int(np.flatnonzero(differs.any(axis=1))[0])} on"
    nes.power_on()
    off = (ram_of(nes, inputs) != theirs).any(axis=1)
    assert off.sum() > 30, "another offset does as well: this game shows nothing"


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("mame")
def test_a_movie_recorded_here_verifies_here_and_in_fceumm(
    opened: Open, alouette: copain.Rom, fceumm: str, tmp_path: Path
) -> None:
    recorder = Recorder(opened())
    for held in frame_inputs(random_inputs(recorder.emulator.system, FRAMES, 5)):
        recorder.advance(held)
    path = tmp_path / "run.fm2"
    recorder.movie(hashes_every=60).write(path)
    movie = Movie.read(path)
    assert verify(movie, opened).in_sync
    assert verify(movie, lambda: copain.open(alouette, core=fceumm)).in_sync


# Memory ------------------------------------------------------------------------------------------


def test_memory_domains(opened: Open, airstriker: copain.Rom, alouette: copain.Rom) -> None:
    nes = opened()
    nes.advance(frames=60)
    cpu = nes.memory["cpu"]
    assert (len(nes.ram), len(cpu), len(nes.memory["ppu:videoram"])) == (2048, 0x10000, 0x20000)
    assert (cpu[0x800:0x1000] == nes.ram[:]).all(), "the mirror is not the RAM"
    assert cpu[0x8000:0x8010].tobytes() == alouette.data[16:32]
    nes.ram[0x300:0x304] = [1, 2, 3, 4]
    assert cpu[0x300:0x304].tolist() == [1, 2, 3, 4]
    cpu[0x300] = 9
    assert nes.ram[0x300] == 9
    genesis = opened(airstriker)
    genesis.advance(frames=60)
    assert (genesis.memory["cpu"][0xFF0000:0x1000000] == genesis.ram[:]).all()
    assert genesis.memory["cpu"][0x100:0x104].tobytes() == b"SEGA", "its bytes are swapped"
    assert {"genesis_snd_z80:program", "gen_vdp:videoram"} <= set(genesis.memory)


@pytest.mark.parametrize(
    ("ram_init", "first"),
    [
        ("default", [0, 0, 0, 0, 255, 255, 255, 255]),
        ("mame", [0, 255, 0, 255, 0, 255, 0, 255]),
        ("ff", [255] * 8),
        ("00", [0] * 8),
    ],
)
def test_what_ram_holds_at_power_on(opened: Open, ram_init: str, first: list[int]) -> None:
    nes = opened(ram_init=ram_init)
    for _ in range(2):
        assert nes.frame == 0
        assert nes.ram.read_all().reshape(-1, 8).tolist() == [first] * 256
        nes.advance(frames=30)
        assert nes.ram.read_all().reshape(-1, 8).tolist() != [first] * 256
        nes.power_on()


def test_where_ram_is_can_be_said(opened: Open) -> None:
    nes = opened(ram=range(0x200, 0x300))
    nes.advance(frames=60)
    assert len(nes.ram) == 0x100
    assert (nes.ram[:] == nes.memory["cpu"][0x200:0x300]).all()


# Inputs ------------------------------------------------------------------------------------------


def test_each_button_reaches_its_joypad(
    opened: Open, airstriker: copain.Rom, space_invaders: copain.Rom
) -> None:
    for rom in (None, airstriker, space_invaders):
        emulator = opened() if rom is None else opened(rom)
        emulator.advance(frames=2)
        ports = emulator.lua.machine.ioport.ports
        idle = {tag: port.read() for tag, port in ports.items()}
        seen: dict[tuple[int, int], dict[str, int]] = {}
        for joypad in range(emulator.system.ports):
            for button in emulator.system.buttons:
                held = [copain.Joypad()] * 2
                held[joypad] = copain.Joypad.from_bits(int(button))
                emulator.advance(copain.FrameInput(tuple(held)))
                changed = {
                    tag: port.read() ^ idle[tag]
                    for tag, port in ports.items()
                    if port.read() != idle[tag]
                }
                switches = rom is space_invaders and button in (Button.START, Button.SELECT)
                assert bool(changed) is (joypad == 0 or not switches), (rom, joypad, button)
                if changed:
                    assert changed not in seen.values(), f"{button} is another button, too"
                    seen[joypad, int(button)] = changed
        emulator.advance()
        assert {tag: port.read() for tag, port in ports.items()} == idle, "a button stuck"


def test_buttons_that_the_machine_has_not_are_refused(opened: Open, airstriker: copain.Rom) -> None:
    genesis = opened(airstriker)  # its pads have three buttons
    assert Button.X not in genesis.system.buttons
    with pytest.raises(InputError, match="no button x"):
        genesis.advance(copain.Joypad(x=True))


# Savestates --------------------------------------------------------------------------------------


def test_a_savestate_loads_in_another_mame(opened: Open) -> None:
    one, other = opened(), opened()
    inputs = random_inputs(one.system, FRAMES, 8)
    one.advance(frames=100)
    data = one.save_state().to_bytes()
    expected = ram_of(one, inputs)
    other.advance(frames=7)
    other.load_state(Savestate.from_bytes(data))
    assert other.frame == 100
    assert (ram_of(other, inputs) == expected).all()


def test_savestates_come_back_in_any_order_and_mean_their_moment(opened: Open) -> None:
    nes = opened()
    states: list[Savestate] = []
    rows: list[Trace] = []
    times: list[float] = []
    for frame in range(12):
        nes.advance(copain.Joypad(right=True, start=frame < 4), frames=5)
        states += [nes.save_state(), nes.save_state()]
        nes.ram[0x10] = frame  # after the savestate: not part of it
        rows.append(nes.ram.read_all())
        times.append(nes.lua.machine.time)
    for turn in (3, 11, 0, 7, 7, 1):
        nes.load_state(states[2 * turn + turn % 2])
        assert nes.lua.machine.time == times[turn], "the machine's own clock did not come back"
        ram = nes.ram.read_all()
        assert np.flatnonzero(ram != rows[turn]).tolist() in ([], [0x10])
        assert nes.frame == 5 * (turn + 1)


def test_files_of_savestates_go_with_their_objects(opened: Open) -> None:
    nes = opened()
    folder = Path(str(nes.lua.eval("return os.getenv('COPAIN_FOLDER')")))
    held = [nes.save_state() for _ in range(40)]
    assert nes.lua.eval("return 1") == 1  # by then all are written
    assert len(list(folder.glob("state-*"))) == 41, "40, and that of power-on"
    assert nes.lua.eval("return 1") == 1
    del held
    kept = nes.save_state()
    assert nes.lua.eval("return 1") == 1
    assert len(list(folder.glob("state-*"))) <= 20
    nes.load_state(kept)
    nes.advance()
    more = [nes.save_state() for _ in range(30)]
    assert nes.slots_made <= 45, "slots that were given back are not used again"
    nes.load_state(more[-1])
    assert nes.frame == 1
    nes.close()
    assert not folder.exists()
    assert len(more[0].to_bytes()) > 500, "close did not fetch what is still held"


def test_a_killed_mame_takes_its_savestates_with_it(opened: Open) -> None:
    nes = opened()
    state = nes.save_state()
    nes.kill()
    with pytest.raises(EmulatorClosed, match="inside MAME, which is gone"):
        state.to_bytes()


def test_bytes_that_mame_would_ignore_are_refused(opened: Open, airstriker: copain.Rom) -> None:
    nes = opened()
    nes.advance(frames=20)
    state = nes.save_state()
    ram = nes.ram.read_all()
    genesis = opened(airstriker).save_state()
    for payload, message in (
        (b"", "no savestate of MAME's machine nes"),
        (genesis.payload, "no savestate of MAME's machine nes"),
        (state.payload[:-9], "damaged"),
        (state.payload[:32] + genesis.payload[32:], "damaged: .* bytes, not"),
    ):
        with pytest.raises(SavestateError, match=message):
            nes.load_state(Savestate(state.header, payload))
    assert (nes.ram.read_all() == ram).all()
    assert nes.frame == 20


def test_soft_reset_is_no_power_on(opened: Open) -> None:
    nes = opened()
    nes.advance(frames=50)
    nes.ram[0x7F0] = 0x5A  # Alouette leaves it alone
    begun = nes.lua.machine.time
    nes.soft_reset()
    nes.advance()
    pc = nes.lua.machine.devices[":maincpu"].state["PC"].value
    nes.advance(frames=9)
    assert nes.frame == 60
    assert nes.lua.machine.time > begun, "the machine was started anew"
    assert pc != 0
    with_reset = nes.ram.read_all()
    nes.power_on()
    nes.advance(frames=60)
    assert (nes.ram.read_all() != with_reset).any(), "the reset button did nothing"


# Options -----------------------------------------------------------------------------------------


def test_another_machine_for_the_same_rom(opened: Open) -> None:
    pal = opened(machine="nespal")
    assert pal.machine == "nespal"
    assert pal.frame_rate == pytest.approx(Fraction(50), abs=0.1)
    state = pal.save_state()
    with pytest.raises(SavestateError, match="machine nes:"):
        opened().load_state(Savestate(state.header, state.payload))


@pytest.mark.parametrize("transport", ["unix", "tcp"])
def test_other_transports(opened: Open, transport: str) -> None:
    if not list(Path("/usr/lib").glob("*/lua/5.3/socket/core.so")):
        absent("luasocket for Lua 5.3", "apt install lua-socket")
    nes, piped = opened(transport=transport), opened()
    inputs = random_inputs(nes.system, 60, 2)
    assert (ram_of(nes, inputs) == ram_of(piped, inputs)).all()


def test_a_window_on_a_virtual_display(opened: Open) -> None:
    if shutil.which("Xvfb") is None:
        absent("Xvfb", "apt install xvfb")
    shown, unseen = opened(display="xvfb"), opened()
    assert shown.display_name is not None
    assert unseen.display_name is None
    for emulator in (shown, unseen):
        emulator.advance(copain.Joypad(start=True), frames=60)
        emulator.load_state(emulator.save_state())
        emulator.advance(frames=20)
    assert (shown.ram.read_all() == unseen.ram.read_all()).all()
    assert (shown.screen == unseen.screen).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"display": "window"}, "display='window'; allowed are offscreen, xvfb, visible"),
        ({"ram_init": "ee"}, "ram_init='ee'; allowed are default, mame, ff, 00"),
        ({"visible": True, "display": "offscreen"}, "say one"),
        ({"machine": "N E S"}, "is no name of a machine"),
        ({"ram": range(0xFFF0, 0x10010)}, "sees addresses 0 to 0xffff"),
        ({"slots": {"no_such_slot": "card"}}, "refused an option"),
    ],
)
def test_options_that_make_no_sense(opened: Open, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        opened(**options)


# PC Engine and arcade ----------------------------------------------------------------------------


@pytest.mark.usefixtures("mame")
def test_the_pc_engine(joypad_pce: copain.Rom) -> None:
    """With a program of our own: it counts, and copies both halves of the joypad to RAM."""
    with copain.open(joypad_pce, emulator="mame") as pce:
        assert (pce.machine, pce.system.ports, len(pce.ram)) == ("pce", 1, 8192)
        pce.advance(frames=4)
        state, count = pce.save_state(), pce.ram[0]

        def press_all() -> dict[str, tuple[int, int]]:
            seen: dict[str, tuple[int, int]] = {}
            for button in pce.system.buttons:
                pce.advance(copain.Joypad.from_bits(int(button)), frames=2)
                seen[str(button.name)] = (15 - (pce.ram[1] & 15), 15 - (pce.ram[2] & 15))
            return seen

        # Up, right, down, left; I, II, select, run: in this order from bit 0, and low when pressed.
        assert press_all() == {
            "UP": (1, 0), "RIGHT": (2, 0), "DOWN": (4, 0), "LEFT": (8, 0),
            "A": (0, 1), "B": (0, 2), "SELECT": (0, 4), "START": (0, 8),
        }  # fmt: skip
        end = pce.ram.read_all()
        pce.load_state(state)
        assert pce.ram[0] == count
        press_all()
        assert (pce.ram.read_all() == end).all()


@pytest.mark.usefixtures("mame")
def test_an_arcade_set(pacman: Path) -> None:
    with copain.open(pacman, emulator="mame") as arcade:
        assert (arcade.machine, arcade.system.name, arcade.system.ports) == ("pacman", "arcade", 2)
        assert arcade.frame_rate == pytest.approx(60.606, abs=1e-3)
        assert arcade.screen.shape == (288, 224, 3), "the picture does not stand upright"
        assert set(arcade.system.buttons) == {
            Button.SELECT, Button.START, Button.UP, Button.DOWN, Button.LEFT, Button.RIGHT
        }  # fmt: skip
        arcade.advance(frames=4)
        state, count = arcade.save_state(), arcade.ram[2]
        seen: dict[str, tuple[int, int]] = {}
        for name in ("up", "left", "right", "down", "select", "start"):
            arcade.advance(copain.Joypad(**{name: True}), frames=2)
            seen[name] = (255 - arcade.ram[0], 255 - arcade.ram[1])
        # https://github.com/mamedev/mame/blob/master/src/mame/pacman/pacman.cpp, PORT_START
        assert seen == {
            "up": (1, 0), "left": (2, 0), "right": (4, 0), "down": (8, 0),
            "select": (32, 0), "start": (0, 32),
        }  # fmt: skip
        assert arcade.ram[2] != count
        arcade.load_state(state)
        assert arcade.ram[2] == count


# The guide ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("mame", "alouette")
def test_the_code_of_the_guide_runs(tmp_path: Path) -> None:
    guide = (TESTS.parent / "docs" / "guides" / "mame.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```py\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 2
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "".join(blocks)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"^4 ", done.stdout), done.stdout
