"""Alouette's later stages: where they start, what is in them, and a run through all of them."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import copain
from copain import Emulator, GameError
from copain.games import ram_map_of
from copain.games.alouette import game as game_module
from copain.games.alouette.game import BOOT_FRAMES, ENDING, PLAY, STAGES, Alouette
from copain.joypad import Joypad
from copain.memory import Bytes
from copain.movie import Movie, play, verify

PACKAGE = Path(game_module.__file__).parent
RUNS = sorted((PACKAGE / "movies").glob("*.fm2"))
STACK = slice(0x100, 0x200)
MINE, GHOST, ROCKET = 15, 17, 20
GUARDED = 0x80
FIGHT = 2


def read(emulator: Emulator, name: str) -> int:
    return int(ram_map_of("alouette").variables[name].decode(emulator.ram.read_all()))


def ram_of(emulator: Emulator) -> Bytes:
    """The RAM that is compared: all but the stack page."""
    ram = emulator.ram.read_all().copy()
    ram[STACK] = 0
    return ram


def begin(emulator: Emulator, stage: int) -> None:
    for held, frames in Alouette(first_stage=stage).start:
        emulator.advance(held, frames=frames)
    assert (read(emulator, "mode"), read(emulator, "stage")) == (PLAY, stage - 1)


def put_enemy(emulator: Emulator, **fields: int) -> None:
    """Make the first enemy that of these fields, and all the others free."""
    table = ram_map_of("alouette").tables["enemies"]
    for row in range(table.count):
        emulator.ram[table.fields["kind"][0].address + row] = 0
    for name, value in fields.items():
        emulator.ram[table.fields[name][0].address] = value


def enemy(emulator: Emulator, name: str) -> int:
    return emulator.ram[ram_map_of("alouette").tables["enemies"].fields[name][0].address]


def bullets(emulator: Emulator) -> int:
    table = ram_map_of("alouette").tables["bullets"]
    return int(table.decode(emulator.ram.read_all(), "on").sum())


# ---- where stages start ----


@pytest.mark.parametrize("stage", range(1, STAGES + 1))
def test_a_start_leads_to_the_first_frame_of_play_of_its_stage(
    alouette: copain.Rom, nes_core: str, stage: int
) -> None:
    with copain.open(alouette, core=nes_core) as nes:
        *before, (held, frames) = Alouette(first_stage=stage).start
        for other, count in before:
            nes.advance(other, frames=count)
        nes.advance(held, frames=frames - 1)
        assert read(nes, "mode") != PLAY
        nes.advance(held)
        assert (read(nes, "mode"), read(nes, "stage")) == (PLAY, stage - 1)
        assert (read(nes, "scroll"), read(nes, "checkpoint"), read(nes, "lives")) == (0, 0, 3)
        assert (read(nes, "score") > 0) == (stage > 1)


def test_stages_that_there_are_not() -> None:
    for first, last in ((0, 3), (1, 4), (3, 2)):
        with pytest.raises(GameError, match="stages are 1 to 3, the first one not after the last"):
            Alouette(first_stage=first, last_stage=last)


@pytest.mark.parametrize("stage", range(2, STAGES + 1))
def test_same_ram_in_fceumm_and_nestopia_and_no_frame_late(
    alouette: copain.Rom, fceumm: str, nestopia: str, seed: int, stage: int
) -> None:
    """At random from a later stage's start, through deaths and what is drawn after them."""
    rng = np.random.default_rng(seed)
    game = Alouette()
    with copain.open(alouette, core=fceumm) as one, copain.open(alouette, core=nestopia) as two:
        for nes in (one, two):
            begin(nes, stage)
        late = 0
        for _ in range(150):
            held = game.actions[int(rng.integers(len(game.actions)))].held
            for _ in range(10):
                one.advance(held)
                two.advance(held)
                different = np.flatnonzero(ram_of(one) != ram_of(two))
                assert different.size == 0, [hex(address) for address in different]
                late += read(one, "lag_frames") + read(one, "rows_lost")
        assert late == 0


# ---- what is in them: put into the first stage, before anything comes ----


@pytest.mark.parametrize("guarded", [False, True])
def test_shots_do_nothing_to_what_is_guarded(
    alouette: copain.Rom, fceumm: str, guarded: bool
) -> None:
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes, 1)
        nes.advance(Joypad())
        state = GUARDED if guarded else 0
        put_enemy(nes, kind=GHOST, x=150, y=read(nes, "ship_y"), hp=3, state=state, timer=60)
        for _ in range(30):
            nes.advance(Joypad(a=True))
        if guarded:
            assert (enemy(nes, "kind"), enemy(nes, "hp")) == (GHOST, 3)
        else:
            assert enemy(nes, "kind") != GHOST or enemy(nes, "hp") < 3


def test_a_mine_scatters_when_it_is_shot(alouette: copain.Rom, fceumm: str) -> None:
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes, 1)
        nes.advance(Joypad())
        before = read(nes, "score")
        put_enemy(nes, kind=MINE, x=160, base=read(nes, "ship_y"), hp=1, state=0, timer=0)
        while enemy(nes, "kind") == MINE:
            assert bullets(nes) == 0
            nes.advance(Joypad(a=True))
        assert bullets(nes) == 6
        assert read(nes, "score") == before + 200


def test_a_firework_goes_off_by_itself_without_points(alouette: copain.Rom, fceumm: str) -> None:
    with copain.open(alouette, core=fceumm) as nes:
        begin(nes, 1)
        nes.advance(Joypad())
        before = read(nes, "score")
        put_enemy(nes, kind=ROCKET, x=read(nes, "ship_x") + 90, y=200, hp=1, state=0)
        heights: list[int] = []
        seen = 0
        for _ in range(140):
            if enemy(nes, "kind") == ROCKET:
                heights.append(enemy(nes, "y"))
            nes.advance(Joypad())
            seen = max(seen, bullets(nes))
        assert heights[0] == 200
        assert heights == sorted(heights, reverse=True)
        assert 70 < heights[-1] < 90
        assert seen == 5
        assert read(nes, "score") == before


# ---- a run through all of them ----


class Frame(NamedTuple):
    """What is noted of each frame of the run."""

    mode: int
    stage: int
    score: int
    boss_state: int
    boss_phase: int
    boss_open: int
    boss_hp: int
    boss_x: int


def test_there_are_runs() -> None:
    assert len(RUNS) >= 1


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_the_run_is_in_sync_on_both_cores(
    alouette: copain.Rom, fceumm: str, nestopia: str, path: Path
) -> None:
    movie = Movie.read(path)
    assert movie.rom.is_of(alouette)
    assert f"Alouette {ram_map_of('alouette').version}" in " ".join(movie.comments)
    verdict = verify(
        movie,
        lambda: copain.open(alouette, core=fceumm),
        lambda: copain.open(alouette, core=nestopia),
    )
    assert verdict.in_sync


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_the_run_goes_from_power_on_to_the_ending(
    alouette: copain.Rom, fceumm: str, path: Path
) -> None:
    game = Alouette()
    frames: list[Frame] = []
    with copain.open(alouette, core=fceumm) as nes:

        def note(frame: int) -> None:
            if frame > BOOT_FRAMES:  # until then RAM is what it was at power-on
                frames.append(Frame(*(read(nes, name) for name in Frame._fields)))

        play(Movie.read(path), nes, note)
        assert read(nes, "mode") == ENDING
        assert game.won(ram_of(nes), ram_of(nes))
        assert (read(nes, "lives"), read(nes, "lag_frames"), read(nes, "rows_lost")) == (3, 0, 0)
    # the stages' points, against what is proven
    page = (PACKAGE / "MAXIMUM.md").read_text()
    found = re.findall(r"^\| \d \|.*\*\*([\d,]+)\*\* \|$", page, re.MULTILINE)
    bounds = [int(figure.replace(",", "")) for figure in found]
    assert len(bounds) == STAGES
    scores = [
        max(f.score for f in frames if f.stage == stage and f.mode == PLAY)
        for stage in range(STAGES)
    ]
    for points, bound in zip(np.diff([0, *scores]), bounds, strict=True):
        assert 0 < points <= bound
    # stages of 25 to 40 seconds, boss included
    for stage in range(STAGES):
        played = sum(f.stage == stage and f.mode == PLAY for f in frames)
        assert 25 * 60 < played <= 41 * 60
    # the later bosses can be hit in two of their phases, and only then
    for stage, phases, home in ((1, {1, 3}, 192), (2, {0, 3}, 188)):
        fight = [f for f in frames if f.stage == stage and f.boss_state == FIGHT]
        assert {f.boss_phase for f in fight if f.boss_open} <= phases
        assert all(f.boss_open for f in fight[1:] if f.boss_phase in phases)
        for before, after in itertools.pairwise(fight):
            if after.boss_hp < before.boss_hp:
                assert after.boss_open or before.boss_open
        assert fight[0].boss_x == home
