"""Grid, the game: its rules, its levels, its picture, and what its RAM means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import copain
from copain import Emulator, HasScreen, Joypad, Rom, RomError
from copain.games import game_by_name, game_of, ram_map_of
from copain.games.grid import rules
from copain.memory import Bytes

RIGHT, LEFT, DOWN, UP, A = (Joypad.of(name) for name in ("right", "left", "down", "up", "a"))


def level(*rows: str) -> Rom:
    return Rom.from_bytes(("copain grid 1\n" + "\n".join(rows) + "\n").encode())


def play(rom: Rom, *held: Joypad, wait: int = 3) -> Emulator:
    """A game of `rom` after Start, and each joypad for one frame and `wait` idle ones."""
    emulator = copain.open(rom)
    emulator.ram.variables = ram_map_of("grid").variables
    emulator.advance(Joypad(start=True), frames=2)
    for joypad in held:
        emulator.advance(joypad)
        emulator.advance(frames=wait)
    return emulator


def test_a_step_takes_four_frames() -> None:
    game = play(level("#######", "#S...G#"))
    game.advance(RIGHT, frames=5)
    assert (game.ram["x"], game.ram["y"]) == (3, 1)
    game.advance(RIGHT, frames=3)
    assert game.ram["x"] == 3
    game.advance(RIGHT)
    assert game.ram["x"] == 4


def test_walls_stop_and_the_first_direction_counts() -> None:
    game = play(level("#####", "#S.G#", "#####"), UP | RIGHT, LEFT)
    assert (game.ram["x"], game.ram["mode"]) == (1, 1)
    game.advance(RIGHT)
    assert game.ram["x"] == 2


def test_a_coin_is_ten_points_and_a_lag_frame() -> None:
    game = play(level("S.o..G"), RIGHT, wait=3)
    game.advance(RIGHT)
    assert (game.ram["score"], game.ram["pause"]) == (10, 1)
    assert isinstance(game, copain.HasLagFrames)
    assert (game.lagged, game.lag_count) == (False, 1)
    before = game.ram[:]
    game.advance(LEFT)
    assert (game.lagged, game.lag_count) == (True, 2)
    assert np.flatnonzero(game.ram[:] != before).tolist() == [rules.PAUSE]
    game.advance(LEFT)
    assert (game.lagged, game.lag_count, game.ram["held"]) == (False, 2, LEFT.bits)


def test_a_door_takes_a_key() -> None:
    assert play(level("SDG"), RIGHT).ram["x"] == 0
    game = play(level("kSDG"), LEFT, Joypad(), RIGHT, RIGHT, wait=4)
    assert (game.ram["x"], game.ram["keys"]) == (2, 0)
    game.advance(frames=1)
    game.advance(RIGHT)
    assert game.ram["mode"] == rules.WON


def test_luck_is_steered_by_what_one_does() -> None:
    scores = {
        play(level("....", "S?.G"), *way, RIGHT, wait=3).ram["score"]
        for way in ((), (A,), (A, A), (UP, DOWN), (A, UP, DOWN), (A, A, A))
    }
    assert len(scores) >= 4
    assert all(score % 5 == 0 and 0 <= score <= 35 for score in scores)


def test_waiting_does_not_change_the_luck() -> None:
    game = play(level("S.G"))
    luck = game.ram["luck"]
    game.advance(frames=100)
    assert game.ram["luck"] == luck


def test_pits_and_guards_kill_and_start_begins_anew() -> None:
    game = play(level("SxG", "o##"), DOWN, UP, RIGHT, wait=4)
    assert (game.ram["mode"], game.ram["score"]) == (rules.DEAD, 10)
    game.advance(LEFT, frames=10)
    assert game.ram["mode"] == rules.DEAD
    game.advance(Joypad(start=True), frames=2)
    fresh = play(level("SxG", "o##"))
    assert (game.ram[:] == fresh.ram[:]).all()
    waiting = play(level("S-..", "###G"))
    waiting.advance(frames=100)
    assert waiting.ram["mode"] == rules.DEAD


def test_the_ending_stays() -> None:
    game = play(level("SG"), RIGHT)
    won = game.ram[:]
    game.advance(Joypad(start=True, right=True), frames=50)
    won[rules.HELD] = Joypad(start=True, right=True).bits
    assert (game.ram[:] == won).all()


def test_the_bonus_shrinks_in_steps() -> None:
    def bonus(frames: int) -> int:
        game = play(level("SG"))
        game.advance(frames=frames)
        game.advance(RIGHT)
        return game.ram["score"]

    assert [bonus(wait) for wait in (0, 62, 63, 126, 127, 383, 2000)] == [60, 60, 50, 50, 40, 0, 0]


def test_guards_go_their_rounds() -> None:
    rom = level("S########", "#########", "##.-..###", "#########", "########G")
    (way,) = rules.read_level(rom.data).rounds
    assert way == ((3, 2), (4, 2), (5, 2), (4, 2), (3, 2), (2, 2))
    game = play(rom)
    seen: list[int] = []
    for _ in range(14 * rules.GUARD_FRAMES):
        seen.append(int(game.ram[rules.GUARDS]))
        game.advance()
    assert seen[:: rules.GUARD_FRAMES][:8] == [3, 4, 5, 4, 3, 2, 3, 4]


def test_a_poke_moves_a_wall() -> None:
    game = play(level("S#G"))
    game.ram[rules.MAP + 1] = ord(".")
    game.advance(RIGHT)
    assert game.ram["x"] == 1


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("S.",), r"one start S \(found 1\) and a goal G"),
        (("SSG",), "found 2"),
        (("S.G", "..q"), "line 3: no tile is written 'q'; the tiles are"),
        (("S" + "." * 15 + "G",), "line 2: a row has at most 16 cells, this one 17"),
        (("SG",) * 13, "1 to 12 rows, this one 13"),
        ((), "1 to 12 rows, this one 0"),
        (("SG" + "-" * 9,), "at most 8 guards"),
        (("S\xe9G",), "plain ASCII"),
    ],
)
def test_levels_that_cannot_be(rows: tuple[str, ...], message: str) -> None:
    with pytest.raises(RomError, match=message):
        copain.open(level(*rows))


@given(st.binary(max_size=200) | st.text("#.SGokxD?-|\n;", max_size=120).map(str.encode))
def test_any_level_opens_or_is_a_rom_error(data: bytes) -> None:
    try:
        game = copain.open(Rom.from_bytes(b"copain grid 1\n" + data))
    except RomError:
        return
    game.advance(Joypad(start=True))
    game.advance(RIGHT, frames=20)


@given(st.binary(min_size=256, max_size=256), st.lists(st.integers(0, 255), max_size=6))
def test_any_ram_plays_on(ram: bytes, held: list[int]) -> None:
    """Whatever a script pokes, the game goes on and can be drawn."""
    game = copain.open(level("S.-o?G"))
    game.ram[:] = ram
    for bits in held:
        game.advance(Joypad.from_bits(bits), frames=9)
    assert isinstance(game, HasScreen)
    assert game.screen.shape == (96, 128, 3)


def test_a_file_is_a_level(tmp_path: Path, grid_rom: Rom) -> None:
    path = tmp_path / "mine.grid"
    path.write_text("copain grid 1\n; a remark\nS.G\n", encoding="ascii")
    with copain.open(path) as emulator:
        assert (emulator.name, emulator.system.name, emulator.rom.path) == ("grid", "grid", path)
    (tmp_path / "other.grid").write_text("S.G")
    with pytest.raises(RomError, match=r"grid: .*other\.grid: this is not a level"):
        copain.open(tmp_path / "other.grid")


def test_the_player_walks_on_the_screen(grid: Emulator) -> None:
    assert isinstance(grid, HasScreen)
    title = grid.screen
    grid.advance(Joypad(start=True), frames=2)
    before = grid.screen
    grid.advance(RIGHT)
    changed = np.argwhere((before != grid.screen).any(axis=-1))
    cells = {(int(x) // 8, int(y) // 8) for y, x in changed}
    assert cells == {(1, 1), (2, 1)}
    assert title.sum() < before.sum()


def test_ram_toml_says_where_the_rules_keep_things() -> None:
    names = {name: variable.address for name, variable in ram_map_of("grid").variables.items()}
    assert names == {
        "mode": rules.MODE, "x": rules.X, "y": rules.Y, "wait": rules.WAIT, "clock": rules.CLOCK,
        "luck": rules.LUCK, "keys": rules.KEYS, "score": rules.SCORE, "pause": rules.PAUSE,
        "held": rules.HELD, "held2": rules.HELD + 1,
    }  # fmt: skip
    tables = ram_map_of("grid").tables
    assert tables["guards"].fields["x"][0].address == rules.GUARDS
    assert tables["map"].fields["tile"][0].address == rules.MAP


def test_ranges_of_ram_toml_hold_in_play(grid: Emulator, seed: int) -> None:
    from copain.testing import random_inputs

    for row in random_inputs(grid.system, 2000, seed):
        grid.advance(Joypad.from_bits(int(row[0])))
        for name, variable in grid.ram.variables.items():
            low, high = variable.range or (0, 255)
            assert low <= grid.ram[name] <= high, name


def test_the_game_judges_batches(grid_rom: Rom) -> None:
    game = game_by_name("grid")
    assert type(game_of(grid_rom)) is type(game)
    assert game_of(level("SG")) is None
    emulator = copain.open(grid_rom)
    for held, frames in game.start:
        emulator.advance(held, frames=frames)
    start = emulator.ram[:]
    dead, won = start.copy(), start.copy()
    dead[rules.MODE], won[rules.MODE] = rules.DEAD, rules.WON
    batch = np.stack([start, dead, won])
    before = np.stack([start] * 3)
    assert game.dead(before, batch).tolist() == [False, True, False]
    assert game.won(before, batch).tolist() == [False, False, True]
    assert game.dead(batch, batch).tolist() == [False, False, False]
    assert [action.name for action in game.actions] == ["idle", "up", "down", "left", "right", "a"]
    # At the start there are walls above and to the left.
    assert game.allowed(start).tolist() == [True, False, True, False, True, True]
    assert game.allowed(dead).tolist() == [True] + 5 * [False]
    assert game.allowed(before).shape == (3, 6)


def test_progress_grows_to_the_goal(grid_rom: Rom) -> None:
    from copain.games.grid.optimum import fastest_win

    game = game_by_name("grid")
    best = fastest_win(grid_rom)
    assert best is not None
    emulator = copain.open(grid_rom)
    seen: list[int] = []
    for row in best.inputs:
        emulator.advance(Joypad.from_bits(int(row[0])))
        seen.append(int(game.progress(emulator.ram[:])))
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    assert seen[-1] == max(int(one) for one in game.progress(_every_place(emulator.ram[:])))


def _every_place(ram: Bytes) -> Bytes:
    """RAM with the player on every place in turn: ``uint8 (192, 256)``."""
    batch = np.repeat(ram[None], rules.WIDTH * rules.HEIGHT, axis=0)
    places = np.arange(len(batch))
    batch[:, rules.X], batch[:, rules.Y] = places % rules.WIDTH, places // rules.WIDTH
    return batch


def test_cells_tell_places_apart(grid: Emulator) -> None:
    game = game_by_name("grid")
    grid.advance(Joypad(start=True), frames=2)
    here = int(game.cell(grid.ram[:]))
    grid.advance(RIGHT)
    assert int(game.cell(grid.ram[:])) != here
