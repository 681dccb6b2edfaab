"""The proven best results of Grid: they replay, and an independent search finds no better."""

from __future__ import annotations

import itertools

import pytest

import copain
from copain import Joypad, Rom
from copain.games.grid.optimum import Optimum, fastest_win, highest_score
from copain.games.grid.rules import MODE, WON


def replay(rom: Rom, best: Optimum) -> copain.Emulator:
    emulator = copain.open(rom)
    for row in best.inputs:
        emulator.advance(Joypad.from_bits(int(row[0])))
    return emulator


def level(*rows: str) -> Rom:
    return Rom.from_bytes(("copain grid 1\n" + "\n".join(rows) + "\n").encode())


def test_the_fastest_win_of_our_level(grid_rom: Rom) -> None:
    best = fastest_win(grid_rom)
    assert best is not None
    assert (best.frames, best.score) == (90, 70)
    assert best.positions > 100_000
    emulator = replay(grid_rom, best)
    assert (emulator.frame, emulator.ram[MODE], emulator.ram["score"]) == (90, WON, 70)


def test_the_highest_score_of_our_level_in_100_frames(grid_rom: Rom) -> None:
    best = highest_score(grid_rom, 100)
    assert (best.score, best.frames) == (80, 99)
    assert replay(grid_rom, best).ram["score"] == 80


def test_a_level_that_cannot_be_won() -> None:
    assert fastest_win(level("S#G"), limit=50) is None


@pytest.mark.parametrize(
    "rom", [level("S.G", "o#?"), level("S?o", "-#G"), level("kS.", "##D", "##G")]
)
def test_playing_everything_by_hand_finds_the_same(rom: Rom) -> None:
    """Every sequence of choices, through the public API alone."""
    depth = 7
    fastest, highest = 999, 0
    buttons = [Joypad.of(name) for name in ("up", "down", "left", "right", "a")] + [Joypad()]
    game = copain.open(rom)
    game.advance(Joypad(start=True), frames=2)
    start = game.save_state()
    layer = {game.ram[:].tobytes(): start}
    for frame in range(1, 4 * depth - 1):
        following: dict[bytes, copain.Savestate] = {}
        for state, held in itertools.product(layer.values(), buttons):
            game.load_state(state)
            game.advance(held)
            if game.ram[MODE] == WON:
                fastest = min(fastest, frame + 2)
            highest = max(highest, game.ram[8] + 256 * game.ram[9])
            game.ram[0x20] = 0
            following.setdefault(game.ram[:].tobytes(), game.save_state())
        layer = following
    best = fastest_win(rom, 4 * depth)
    assert fastest == (best.frames if best else 999)
    assert highest == highest_score(rom, 4 * depth).score


def test_waiting_for_the_guard_is_part_of_the_optimum() -> None:
    free = fastest_win(level("S......G", "########"))
    guarded = fastest_win(level("#######", "S..|..G", "###.###"))
    assert free is not None
    assert guarded is not None
    assert free.frames == 3 + 4 * 6
    assert guarded.frames >= 3 + 4 * 5
