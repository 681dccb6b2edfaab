"""Masks: found on Grid, whose every byte is known, and kept in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import copain
from copain import Emulator, GameError, Rom
from copain.games.grid.game import Grid
from copain.games.grid.rules import HELD, X
from copain.search import Beam, Fastest, Mask, MaskSearch, beam, find_mask

SMALL = MaskSearch(states=24, pairs=60, rounds=60, trials=4, horizon=24, evidence=5)


@pytest.fixture
def factory(grid_rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(grid_rom)


def test_what_changes_nothing_is_ignored_and_what_moves_the_player_is_not(
    factory: Callable[[], Emulator], tmp_path: Path
) -> None:
    found = find_mask(factory, Grid(), SMALL)
    assert HELD in found.ignored
    assert not {0, X, X + 1, 3, 4, 8} & {*found.ignored}  # mode, place, wait, clock, score
    pairs = int(str(found.evidence["pairs"]))
    assert pairs >= 20
    assert found.evidence["bound"] == pytest.approx(3 / pairs, abs=1e-6)
    assert min(found.pairs.values()) >= 5
    found.write(tmp_path / "mask.toml")
    again = Mask.read(tmp_path / "mask.toml")
    np.testing.assert_array_equal(again.matters, found.matters)
    assert (again.evidence, again.pairs) == (found.evidence, found.pairs)
    assert find_mask(factory, Grid(), SMALL, workers=2).evidence == found.evidence


def test_false_merges_are_met_and_their_bytes_matter(factory: Callable[[], Emulator]) -> None:
    """The luck is watched; what it comes from must matter, whatever was proposed."""
    free = find_mask(factory, Grid(), SMALL)
    assert 6 in free.ignored  # of what is watched without chests, nothing depends on it
    watched = find_mask(factory, Grid(), SMALL, watch=["x", "y", "luck"])
    assert 6 not in watched.ignored
    with pytest.raises(GameError, match="grid has no variable 'fun'; it has mode"):
        find_mask(factory, Grid(), SMALL, watch=["fun"])


def test_no_evidence_no_mask(factory: Callable[[], Emulator]) -> None:
    found = find_mask(factory, Grid(), replace(SMALL, evidence=10_000))
    assert found.ignored == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "KeyError"),
        ("[mask]\ngame='g'\nrom_sha1=''\nram_size=16\nignored=['0x10']", "RAM is 0 to 0xf"),
        ("[mask", "TOMLDecodeError"),
    ],
)
def test_files_that_are_no_masks_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mask.toml").write_text(text)
    with pytest.raises(GameError, match=message):
        Mask.read(tmp_path / "mask.toml")


def test_a_mask_is_of_one_rom(grid_rom: Rom) -> None:
    with pytest.raises(GameError, match="not of grid"):
        Mask("grid", "00", np.zeros(256, np.uint8)).check(grid_rom)


def test_states_come_from_movies_too(factory: Callable[[], Emulator]) -> None:
    won = beam(factory, Fastest(Grid()), Beam(width=8, action_repeat=4, per_cell=1))
    along = find_mask(factory, Grid(), replace(SMALL, pairs=20, rounds=10), movies=[won.movie])
    assert along.evidence["frames"] != 0
    assert 8 not in along.ignored
