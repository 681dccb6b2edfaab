"""Style on Grid: compared with every way there is to play a small level."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import copain
from copain import Emulator, GameError, Rom
from copain.games.grid.game import Grid
from copain.games.grid.optimum import fastest_win
from copain.games.grid.rules import CLOCK, MODE, SCORE, WON, read_level, tick, title
from copain.movie import verify
from copain.search import (
    Beam,
    Fastest,
    FewestChanges,
    Found,
    Goal,
    InRegion,
    Objective,
    OnBeat,
    Pareto,
    Points,
    Then,
    beam,
)
from copain.search.front import dominators, spread

LEVEL = Rom.from_bytes(b"copain grid 1\nS?o\n#.G\n")
BUTTONS = (0, 16, 32, 64, 128, 1)
GAME = Grid()


def opener(rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(rom)


def wins(rom: Rom, frames: int) -> Iterator[tuple[int, int, int]]:
    """Every win there is in so many frames: (frames, score, fewest changes)."""
    level = read_level(rom.data)
    ram = bytearray(256)
    title(level, ram)
    for bits in (8, 0):
        tick(level, ram, bits)
    games = {(bytes(ram), 0): 0}
    for frame in range(3, frames + 1):
        after: dict[tuple[bytes, int], int] = {}
        for (before, held), changes in games.items():
            allowed = Grid().allowed(np.frombuffer(before, np.uint8))
            for bits, possible in zip(BUTTONS, allowed.tolist(), strict=True):
                if possible:
                    ram = bytearray(before)
                    tick(level, ram, bits)
                    more = changes + (bits ^ held).bit_count()
                    if ram[MODE] == WON:
                        yield frame, ram[SCORE], more
                    else:
                        key = bytes(ram), bits
                        after[key] = min(after.get(key, more), more)
        games = after


def search(
    objective: Objective, generations: int, ends: int = 1, folder: Path | None = None
) -> Found:
    """A beam so wide that it holds all there is."""
    config = Beam(
        width=600, action_repeat=1, linger=100, generations=generations, ends=ends, batch=1020
    )
    return beam(opener(LEVEL), objective, config, folder=folder)


def changes_of(found: Found) -> int:
    held = found.line.inputs[1:].astype(int)  # from the frame after Start on
    return sum(int(bits).bit_count() for bits in (held[1:] ^ held[:-1]).ravel())


def test_the_fewest_changes_are_the_proven_ones() -> None:
    found = search(FewestChanges(GAME), 20)
    assert found.won
    assert -(found.line.wish or 0) == min(changes for _, _, changes in wins(LEVEL, 22))
    assert verify(found.movie, opener(LEVEL)).in_sync


def test_of_the_fastest_lines_the_calmest_is_found() -> None:
    best = fastest_win(LEVEL)
    assert best is not None
    found = search(Then(Fastest(GAME), FewestChanges(GAME)), 20)
    assert found.line.frames == best.frames
    calmest = min(changes for frames, _, changes in wins(LEVEL, 22) if frames == best.frames)
    assert changes_of(found) == calmest


def test_the_whole_pareto_front_is_found_and_kept(tmp_path: Path) -> None:
    found = search(Pareto(Points(GAME), FewestChanges(GAME)), 24, 20, tmp_path)
    all_wins = np.array([(score, -changes) for _, score, changes in wins(LEVEL, 26)])
    front = {(a, b) for a, b in all_wins[dominators(all_wins) == 0].tolist()}
    assert len(front) > 2
    assert {end.line.wishes for end in found.ends} == front
    assert len(list((tmp_path / "ends").glob("*.npy"))) == len(front)
    for end in found.ends:
        assert verify(end.movie, opener(LEVEL)).in_sync
    few = search(Pareto(Points(GAME), FewestChanges(GAME)), 24, 2)
    assert len(few.ends) == 2


def test_staying_in_a_region() -> None:
    goal = Goal("12 frames", lambda prev, ram: ram[..., CLOCK] >= 12)
    found = search(InRegion(GAME, {"x": (1, 2), "y": (0, 0)}, goal), 20)
    assert found.line.wish == 0  # the first step is at once
    assert found.won


def test_pressing_on_the_beat() -> None:
    goal = Goal("a while", lambda prev, ram: ram[..., CLOCK] >= 40)
    wish = OnBeat(GAME, 600, goal, offset=1)
    found = beam(opener(LEVEL), wish, Beam(width=200, action_repeat=1))
    frames = np.arange(3, found.line.frames + 1)
    assert found.line.wish == int(wish.on_beat(frames).sum()) > 4
    pressed = np.flatnonzero(np.diff((found.line.inputs[:, 0] & 1).astype(int)) == 1) + 2
    assert wish.on_beat(pressed).all()


def test_beats_are_exact() -> None:
    rate = GAME.ram_map.system.frame_rate
    wish = OnBeat(GAME, Fraction(301, 2), offset=7)
    frames = np.arange(0, int(rate * 600))
    beats = np.flatnonzero(wish.on_beat(frames))
    assert beats[0] == 7
    assert abs(len(beats) - 1505) <= 1
    assert set(np.diff(beats).tolist()) <= {int(rate * 60 * 2 / 301), int(rate * 60 * 2 / 301) + 1}


def test_bounds_are_kept_or_told() -> None:
    narrow = Then(Fastest(GAME), FewestChanges(GAME), least=-1, most=0)
    with pytest.raises(GameError, match=r"outside of the bounds stated in Then\(least=-1, most=0"):
        search(narrow, 20)
    wide = Then(Fastest(GAME), FewestChanges(GAME), least=-(1 << 60), most=0)
    with pytest.raises(GameError, match="give narrower bounds to Then"):
        search(wide, 20)
    with pytest.raises(GameError, match="least < most"):
        Then(Fastest(GAME), FewestChanges(GAME), least=1, most=0)
    with pytest.raises(GameError, match="grid has no variable 'z'; it has mode, x, y"):
        InRegion(GAME, {"z": (0, 1)})
    with pytest.raises(GameError, match="a beat needs two frames"):
        OnBeat(GAME, 10_000)


def test_fronts_by_hand() -> None:
    wishes = np.array([[3, 0], [2, 2], [2, 1], [0, 3], [2, 2], [1, 1]])
    assert dominators(wishes).tolist() == [0, 0, 2, 0, 0, 3]
    assert spread(np.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert spread(np.arange(3), 4).tolist() == [0, 1, 2]
