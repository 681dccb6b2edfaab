"""The search of Debian's efp, as its guide has it: the game is read from the page.

That the page prints what it says is a test of the documents; here is what it promises: any number
of workers finds the same, and the movies play on other cores.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import copain
from copain.games import Game
from copain.movie import verify
from copain.search import Fastest, Found, GoExplore, go_explore, stage_cleared

PAGE = Path(__file__).parents[2] / "docs/guides/search-efp.md"
FIRST_LEVEL = 0x8385


@pytest.fixture
def game(efp: copain.Rom) -> Game:
    """The game that the page defines."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"rom": efp, "copain": copain, "Joypad": copain.Joypad}
    exec(next(block for block in blocks if "class EscapeFromPong" in block), names)
    game = names["game"]
    assert isinstance(game, Game)
    return game


def search(game: Game, efp: copain.Rom, level: int, before: list[Found], workers: int) -> Found:
    return go_explore(
        lambda: copain.open(efp),
        Fastest(game, stage_cleared(game, level)),
        GoExplore(action_repeat=8, batch=64, frames=100_000),
        starts=[found.movie for found in before],
        workers=workers,
    )


def test_levels_are_cleared_and_the_movie_plays_elsewhere(
    game: Game, efp: copain.Rom, nestopia: str
) -> None:
    level, found = FIRST_LEVEL, list[Found]()
    for _ in range(2):
        found.append(search(game, efp, level, found[-1:], workers=1))
        assert found[-1].outcome == "won"
        assert found[-1].line.progress > level
        level = found[-1].line.progress
    first, second = found
    assert second.movie.frames <= 400
    np.testing.assert_array_equal(second.movie.inputs[: first.movie.frames], first.movie.inputs)
    assert verify(second.movie, lambda: copain.open(efp, core=nestopia)).in_sync
    with copain.open(efp) as nes:
        end = copain.rollout(nes, nes.save_state(), second.movie.inputs).ram
    assert int(game.stage(end)) == level


def test_workers_change_nothing(game: Game, efp: copain.Rom) -> None:
    one, two = (search(game, efp, FIRST_LEVEL, [], workers) for workers in (1, 2))
    np.testing.assert_array_equal(one.movie.inputs, two.movie.inputs)
    assert one.line.hashes == two.line.hashes
