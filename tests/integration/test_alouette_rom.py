"""Alouette: the ROM is what its source says, and plays by its rules on every emulator."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import copain
from conftest import absent
from copain.emulator import Emulator
from copain.games import game_by_name, ram_map_of
from copain.games.alouette.game import (
    BOOT_FRAMES,
    CARD_FRAMES,
    DYING,
    PLAY,
    START_FRAMES,
    Alouette,
)
from copain.joypad import Joypad

SOURCE = Path(__file__).parents[2] / "games-src" / "alouette"
STACK = slice(0x100, 0x200)
TITLE, GAME_OVER = 0, 6
BUTTONS = ("a", "b", "up", "down", "left", "right")


def run_script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SOURCE / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def ram_of(emulator: Emulator) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    """The RAM that is compared: all but the stack page."""
    ram = np.frombuffer(bytes(emulator.ram[0:0x800]), np.uint8).copy()
    ram[STACK] = 0
    return ram


def read(emulator: Emulator, name: str) -> int:
    ram = np.frombuffer(bytes(emulator.ram[0:0x800]), np.uint8)
    return int(ram_map_of("alouette").variables[name].decode(ram))


def begin(emulator: Emulator, *, title_frames: int = BOOT_FRAMES) -> None:
    """Wait on the title, press Start, and come to the first frame of play."""
    emulator.advance(frames=title_frames)
    emulator.advance(Joypad(start=True), frames=START_FRAMES)
    emulator.advance(frames=CARD_FRAMES)
    assert read(emulator, "mode") == PLAY


def random_log(seed: int, frames: int) -> list[Joypad]:
    """Buttons held for a few frames each; never opposite directions, never Start."""
    rng = np.random.default_rng(seed)
    log: list[Joypad] = []
    while len(log) < frames:
        held = {name for name in BUTTONS if rng.random() < (0.7 if name == "a" else 0.35)}
        if {"up", "down"} <= held:
            held -= {"up", "down"}
        if {"left", "right"} <= held:
            held -= {"left", "right"}
        log += [Joypad.of(*sorted(held))] * int(rng.integers(1, 12))
    return log[:frames]


# ---- the source ----


def test_rom_and_ram_map_are_rebuilt_bit_for_bit(tmp_path: Path) -> None:
    if shutil.which("ca65") is None:
        absent("ca65", "apt install cc65")
    done = run_script("build.py", "--check", "--folder", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "agrees" in done.stdout


def test_rom_is_plain_cnrom(alouette: copain.Rom) -> None:
    """NES 2.0: mapper 3, 32 KB and four times 8 KB, vertical mirroring, no RAM or battery, NTSC."""
    assert alouette.data[:16] == b"NES\x1a\x02\x04\x31\x08" + bytes(8)
    assert len(alouette.data) == 16 + 32768 + 4 * 8192


def test_what_every_stage_draws_is_the_same_in_every_bank(alouette: copain.Rom) -> None:
    """Characters, the meter and the bar in the background, the lark's own among the sprites."""
    banks = [alouette.data[16 + 32768 + 8192 * bank :][:8192] for bank in range(4)]
    for bank in banks[1:]:
        assert bank[: 91 * 16] == banks[0][: 91 * 16]
        assert bank[4096 : 4096 + 130 * 16] == banks[0][4096 : 4096 + 130 * 16]
    assert len(set(banks)) == 4


def test_maximum_page_has_the_figures_of_the_tables() -> None:
    done = run_script("maximum.py", "--check")
    assert done.returncode == 0, done.stderr
    for stage in ("29,150", "45,400", "58,100", "132,650"):
        assert f"**{stage}**" in done.stdout


# ---- play ----


def test_start_log_leads_to_the_first_frame_of_play(alouette: copain.Rom, nes_core: str) -> None:
    game = game_by_name("alouette")
    with copain.open(alouette, core=nes_core) as nes:
        modes: list[int] = []
        for held, frames in game.start:
            for _ in range(frames):
                nes.advance(held)
                modes.append(read(nes, "mode"))
        assert modes[-2:] == [2, PLAY]
        assert (read(nes, "lives"), read(nes, "score"), read(nes, "frame")) == (3, 0, 0)


def test_how_long_the_title_was_shown_changes_nothing(alouette: copain.Rom, fceumm: str) -> None:
    """The RAM that the game's logic and sound read; `pause_prev` and such follow from inputs."""
    log = random_log(5, 600)
    seen: list[list[int]] = []
    for title_frames in (BOOT_FRAMES, BOOT_FRAMES + 1, 251):
        with copain.open(alouette, core=fceumm) as nes:
            begin(nes, title_frames=title_frames)
            hashes = [hash(ram_of(nes).tobytes())]
            for held in log:
                nes.advance(held)
                hashes.append(hash(ram_of(nes).tobytes()))
            seen.append(hashes)
    assert seen[0] == seen[1] == seen[2]
    assert len(set(seen[0])) > 550


def test_holding_still_loses_three_lives_and_ends_on_the_title(
    alouette: copain.Rom, fceumm: str
) -> None:
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes)
        lives, modes = [3], [PLAY]
        while modes[-1] != TITLE and nes.frame < 12000:
            nes.advance()
            if read(nes, "lives") != lives[-1]:
                lives.append(read(nes, "lives"))
            if read(nes, "mode") != modes[-1]:
                modes.append(read(nes, "mode"))
        assert lives == [3, 2, 1, 0]
        assert modes == [PLAY, DYING, 2, PLAY, DYING, 2, PLAY, DYING, GAME_OVER, TITLE]


def test_score_goes_back_to_the_checkpoint_on_death(alouette: copain.Rom, fceumm: str) -> None:
    """Points made before the first checkpoint are lost with the life; powers too."""
    powers = ("power", "speed_level", "missile", "laser", "options")
    variables = ram_map_of("alouette").variables
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes)
        for name in powers:
            nes.ram[variables[name].address] = 1
        best = 0
        while read(nes, "lives") == 3:
            nes.advance(Joypad(a=True, up=nes.frame % 64 < 16, down=nes.frame % 64 >= 48))
            best = max(best, read(nes, "score"))
            assert nes.frame < 6000
        assert best > 0
        assert read(nes, "checkpoint") == 0
        while read(nes, "mode") != PLAY:
            nes.advance()
        assert (read(nes, "score"), read(nes, "scroll")) == (0, 0)
        assert [read(nes, name) for name in powers] == [0] * len(powers)


def test_b_takes_what_the_meter_shows_and_only_then_is_allowed(
    alouette: copain.Rom, fceumm: str
) -> None:
    game = Alouette()
    takes = [action.name for action in game.actions].index("a+b")
    kept = ("speed_level", "missile", "double", "laser", "options", "shield")
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes)
        assert game.allowed(ram_of(nes)).tolist() == [index != takes for index in range(takes + 1)]
        for shown, name in enumerate(kept, 1):
            nes.ram[game.variables["power"].address] = shown
            assert game.allowed(ram_of(nes))[takes], name
            before = read(nes, name)
            nes.advance()
            nes.advance(game.actions[takes].held)
            assert (read(nes, name) > before, read(nes, "power")) == (True, 0), name
        assert (read(nes, "double"), read(nes, "laser")) == (0, 1)
        nes.ram[game.variables["power"].address] = 2
        assert not game.allowed(ram_of(nes))[takes], "missile is there already"
        nes.ram[game.variables["mode"].address] = DYING
        assert game.allowed(ram_of(nes)).tolist() == [index == 0 for index in range(takes + 1)]


def test_pausing_changes_nothing(alouette: copain.Rom, fceumm: str) -> None:
    """A pause, whatever is pressed in it, leaves play as if it had not been."""
    log = random_log(11, 300)
    seen: list[bytes] = []
    for pause in (None, 120):
        with copain.open(alouette, core=fceumm) as nes:
            begin(nes)
            for frame, held in enumerate(log):
                if frame == pause:
                    before = read(nes, "frame")
                    nes.advance(Joypad(start=True))
                    for other in random_log(12, 37):
                        nes.advance(other)
                    assert read(nes, "paused") == 1
                    assert read(nes, "frame") == before
                    with_start = {name for name in BUTTONS if getattr(held, name)} | {"start"}
                    nes.advance(Joypad.of(*sorted(with_start)))
                    continue
                nes.advance(held)
            # not the sound ($0700 on), which counts the pause's own effect
            ram = ram_of(nes)
            names = ("frame", "rng", "ship_x", "ship_y", "scroll", "score")
            seen.append(
                ram[0x300:0x700].tobytes() + bytes(str([read(nes, n) for n in names]), "ascii")
            )
    assert seen[0] == seen[1]


def test_no_frame_is_late_and_the_clock_never_skips(alouette: copain.Rom, nes_core: str) -> None:
    with copain.open(alouette, core=nes_core) as nes:
        begin(nes)
        played = 0
        for held in random_log(3, 2500):
            before = read(nes, "frame"), read(nes, "mode")
            nes.advance(held)
            if before[1] == PLAY:
                assert read(nes, "frame") == before[0] + 1
                played += 1
            assert read(nes, "lag_frames") == 0
            assert read(nes, "rows_lost") == 0
        assert played > 1000


@pytest.mark.parametrize("salt", range(3))
def test_same_ram_in_fceumm_and_nestopia(
    alouette: copain.Rom, fceumm: str, nestopia: str, seed: int, salt: int
) -> None:
    """Frame by frame outside the stack page; nestopia boots one frame sooner."""
    log = [Joypad()] * 40 + [Joypad(start=True)] * 2 + random_log(seed + salt, 3000)
    compared = 0
    with copain.open(alouette, core=fceumm) as one, copain.open(alouette, core=nestopia) as two:
        one.advance(log[0])
        for frame, held in enumerate(log[1:], 1):
            one.advance(held)
            two.advance(held)
            different = np.flatnonzero(ram_of(one) != ram_of(two))
            assert different.size == 0, f"frame {frame}: {[hex(a) for a in different[:8]]}"
            compared += 1
    assert compared > 3000


@pytest.mark.parametrize(
    "buttons",
    [
        ("a",), ("up", "a"), ("down", "a"), ("left", "a"), ("right", "a"), ("up", "left", "a"),
        ("up", "right", "a"), ("down", "left", "a"), ("down", "right", "a"), (), "sweep",
    ],
    ids="+".join,
)  # fmt: skip
def test_play_without_looking_does_not_come_to_the_boss(
    alouette: copain.Rom, fceumm: str, buttons: tuple[str, ...] | str
) -> None:
    """Holding any buttons, or firing while going up and down, loses all lives before."""
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes)
        farthest = 0
        while read(nes, "mode") != GAME_OVER:
            sweep = ("a", "up") if nes.frame // 40 % 2 else ("a", "down")
            nes.advance(Joypad.of(*(sweep if buttons == "sweep" else buttons)))
            farthest = max(farthest, read(nes, "scroll"))
            assert nes.frame < 9000
        assert 60 < farthest < 1904


def test_the_first_boss_can_be_beaten_and_the_second_stage_begins(
    alouette: copain.Rom, fceumm: str
) -> None:
    """A player that cannot be hurt comes through: stage, boss, bonus, next stage."""
    game = Alouette(last_stage=1)
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes)
        variables = game.variables
        while read(nes, "mode") == PLAY:
            ram = np.frombuffer(bytes(nes.ram[0:0x800]), np.uint8)
            nes.ram[variables["shield"].address] = 3
            nes.ram[variables["ship_y"].address] = safe_height(game, ram)
            nes.advance(Joypad(a=True))
            assert nes.frame < 6000
        assert read(nes, "boss_hp") == 0
        assert read(nes, "score") > 10000
        kept = [read(nes, name) for name in ("score", "lives", "speed_level", "laser", "options")]
        assert not game.won(ram_of(nes), ram_of(nes))
        while read(nes, "stage") == 0:
            nes.advance()
            assert nes.frame < 6200
        assert game.won(ram_of(nes), ram_of(nes))
        assert not Alouette().won(ram_of(nes), ram_of(nes))
        while read(nes, "mode") != PLAY:
            nes.advance(Joypad(start=True))  # which hurries nothing
            assert nes.frame < 6400
        assert (read(nes, "lag_frames"), read(nes, "rows_lost")) == (0, 0)
        names = ("score", "lives", "speed_level", "laser", "options")
        assert [read(nes, name) for name in names] == kept
        assert (read(nes, "stage"), read(nes, "checkpoint")) == (1, 0)


def safe_height(game: Alouette, ram: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> int:
    """Up to three pixels nearer to where the game definition likes a lark that cannot be hurt."""
    y = int(game.value(ram, "ship_y"))
    heights = np.arange(max(32, y - 3), min(216, y + 3) + 1)
    choices = np.repeat(ram[None], heights.size, axis=0)
    for field in ("bullets.on", "enemies.kind"):
        table, name = field.split(".")
        variable, stride = game.ram_map.tables[table].fields[name]
        rows = variable.address + stride * np.arange(game.ram_map.tables[table].count)
        choices[:, rows] = 0
    choices[:, game.variables["ship_y"].address] = heights
    return int(heights[np.argmax(game.preference(choices))])
