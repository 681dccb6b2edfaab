"""The sets of starts of a game: where they lead, and that no two of them are the same."""

from __future__ import annotations

import numpy as np
import pytest

import copain
from copain import GameError
from copain.games import Start, game_by_name
from copain.games.alouette.game import PLAY, Alouette
from copain.games.game import SPLITS


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_alouettes_sets_share_no_start(alouette: copain.Rom, stage: int) -> None:
    game = Alouette(first_stage=stage)
    seen: dict[bytes, str] = {}
    with copain.open(alouette) as nes:
        begin = game.start_log(nes.system.ports)
        there = copain.rollout(nes, nes.save_state(), begin).savestate
        for split in SPLITS:
            for start in game.starts(split):
                log = start.log(nes.system.ports)
                np.testing.assert_array_equal(log[: len(begin)], begin)
                ram = copain.rollout(nes, there, log[len(begin) :]).ram
                assert int(game.value(ram, "mode")) == PLAY, f"{split}: {start.name}"
                assert int(game.stage(ram)) == stage - 1
                key = ram[0x200:].tobytes()  # what the stack leaves in its page is not play
                assert key not in seen, f"{split}: {start.name} is {seen[key]}"
                seen[key] = f"{split}: {start.name}"
    assert len(seen) >= 60


def test_each_stage_of_alouette_is_a_set(alouette: copain.Rom) -> None:
    game = Alouette()
    assert game.splits == ("train", "validation", "test", "stage 1", "stage 2", "stage 3")
    with copain.open(alouette) as nes:
        for stage in range(3):
            (start,) = game.starts(f"stage {stage + 1}")
            start.reach(nes)
            ram = nes.ram.read_all()
            assert (int(game.stage(ram)), int(game.value(ram, "mode"))) == (stage, PLAY)


def test_a_start_is_its_input_log(alouette: copain.Rom) -> None:
    start = Alouette().starts("validation")[3]
    with copain.open(alouette) as nes:
        log = start.log(nes.system.ports)
        end = copain.rollout(nes, nes.save_state(), log)
        savestate = start.reach(nes)
        assert (nes.frame, savestate.frame) == (len(log), len(log))
        np.testing.assert_array_equal(nes.ram.read_all(), end.ram)


def test_a_game_that_says_nothing_starts_where_it_starts() -> None:
    grid = game_by_name("grid")
    assert grid.splits == SPLITS
    for split in SPLITS:
        (start,) = grid.starts(split)
        np.testing.assert_array_equal(start.log(2), grid.start_log(2))
    assert Start("power-on").log(2).shape == (0, 2)
    with pytest.raises(GameError, match=r"called 'tests'; the sets are train, validation, test$"):
        grid.starts("tests")
