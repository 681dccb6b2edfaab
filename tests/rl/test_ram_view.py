"""What of a game's RAM an agent sees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

import copain
from copain.errors import InputError
from copain.games import game_by_name, rom_path
from copain.rl.ram_view import RamView


@pytest.fixture(scope="module")
def seen() -> tuple[RamView, npt.NDArray[np.uint8]]:
    """A view, and two moments of play four frames apart with enemies about."""
    game = game_by_name("alouette")
    with copain.open(rom_path("alouette")) as nes:
        for held, frames in game.start:
            nes.advance(held, frames=frames)
        nes.advance(copain.Joypad(a=True), frames=140)
        nes.advance(copain.Joypad(a=True, up=True), frames=2)
        before = nes.ram.read_all()
        nes.advance(copain.Joypad(a=True, up=True), frames=4)
        return RamView(game), np.stack([before, nes.ram.read_all()])[None]


def test_each_number_is_told_by_its_kind(seen: tuple[RamView, npt.NDArray[np.uint8]]) -> None:
    view, ram = seen
    told = dict(zip(view.names, view(ram)[0].tolist(), strict=True))
    game = view.game
    assert [name for name in told if name.startswith("mode=") and told[name]] == ["mode=3"]
    assert not any(name.startswith(("rng", "lag_frames", "waves")) for name in told)
    y = int(game.value(ram[0, 1], "ship_y"))
    assert told["ship_y"] == pytest.approx((y - 32) / (216 - 32))
    assert told["ship_y moved in 1"] == pytest.approx(
        (y - int(game.value(ram[0, 0], "ship_y"))) / 8
    )
    assert told["ship_y moved in 1"] < 0
    assert all(np.isfinite(list(told.values())))


def test_the_nearest_enemy_comes_first_as_a_distance(
    seen: tuple[RamView, npt.NDArray[np.uint8]],
) -> None:
    view, ram = seen
    told = dict(zip(view.names, view(ram)[0].tolist(), strict=True))
    enemies = view.game.ram_map.tables["enemies"]
    x, y, kind = (enemies.decode(ram[0, 1], name) for name in ("x", "y", "kind"))
    dx = x - view.game.value(ram[0, 1], "ship_x")
    dy = y - view.game.value(ram[0, 1], "ship_y")
    there = np.flatnonzero(kind)
    assert len(there) >= 2
    nearest = there[np.argmin((np.abs(dx) + np.abs(dy))[there])]
    assert told["enemies[0].x"] == pytest.approx(dx[nearest] / 64)
    assert told["enemies[0].y"] == pytest.approx(dy[nearest] / 64)
    assert told[f"enemies[0].kind={kind[nearest]}"] == 1
    last = len(view.game.rows(ram[0, 1], "enemies")) - 1
    assert not any(told[name] for name in told if name.startswith(f"enemies[{last}]"))


@pytest.mark.parametrize("name", ["alouette", "gradius", "grid"])
def test_a_batch_is_told_row_by_row_for_every_game(name: str) -> None:
    view = RamView(game_by_name(name), 3)
    luck = np.random.default_rng(1)
    ram = luck.integers(256, size=(5, 3, 0x800), dtype=np.uint8)
    whole = view(ram)
    assert whole.shape == (5, view.size)
    for row in range(5):
        np.testing.assert_array_equal(whole[row], view(ram[row : row + 1])[0])


def test_refuses_another_number_of_frames() -> None:
    view = RamView(game_by_name("alouette"))
    with pytest.raises(InputError, match=r"\(batch, 2, ram_size\) is needed"):
        view(np.zeros((1, 3, 0x800), np.uint8))
    with pytest.raises(InputError, match="at least 1"):
        RamView(game_by_name("alouette"), 0)
