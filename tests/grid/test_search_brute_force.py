"""Brute force on Grid, whose best results are known."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import copain
from copain import Emulator, GameError, InputError, Joypad, RunError
from copain.games.grid.game import Grid
from copain.games.grid.optimum import fastest_win
from copain.games.grid.rules import CLOCK, KEYS, LUCK
from copain.memory import Bytes
from copain.movie import verify
from copain.search import BruteForce, Fastest, Found, Goal, Points, Progress, brute_force


@pytest.fixture
def factory(grid_rom: copain.Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(grid_rom)


def facts(found: Found) -> tuple[object, ...]:
    at = found.progress
    return (
        found.outcome, found.line.rank, found.line.inputs.tobytes(), dict(found.line.hashes),
        at.frames, at.rerecords, at.deaths, at.steps_back, at.savestates,
    )  # fmt: skip


def wins(factory: Callable[[], Emulator], found: Found) -> bool:
    """Whether the found inputs win, played by hand on a fresh emulator."""
    with factory() as emulator:
        for row in found.line.inputs:
            assert emulator.ram["mode"] != 3, "the game was won before"
            emulator.advance(Joypad.from_bits(int(row[0])))
        return emulator.ram["mode"] == 3 and emulator.ram["score"] == found.score


@pytest.mark.parametrize("repeat", [4, 8])
def test_it_wins(factory: Callable[[], Emulator], repeat: int, seed: int) -> None:
    found = brute_force(
        factory, Fastest(Grid()), BruteForce(seed=seed, action_repeat=repeat, frames=400_000)
    )
    assert found.outcome == "won"
    assert found.won
    assert wins(factory, found)
    assert verify(found.movie, factory).in_sync
    assert found.movie.rerecords == found.progress.rerecords
    assert found.progress.won
    assert found.progress.best_frame == found.line.frames


def test_it_comes_near_the_proven_optimum(
    factory: Callable[[], Emulator], grid_rom: copain.Rom
) -> None:
    best = fastest_win(grid_rom)
    assert best is not None
    lengths = [
        brute_force(
            factory,
            Fastest(Grid()),
            BruteForce(seed=seed, action_repeat=4, lines=16, frames=400_000),
        ).line.frames
        for seed in range(4)
    ]
    assert best.frames <= min(lengths) <= best.frames * 1.25


def test_workers_and_repetition_change_nothing(factory: Callable[[], Emulator]) -> None:
    config = BruteForce(seed=1, frames=400_000)
    first = facts(brute_force(factory, Fastest(Grid()), config, workers=1))
    assert facts(brute_force(factory, Fastest(Grid()), config, workers=2)) == first
    assert facts(brute_force(factory, Fastest(Grid()), config, workers=1)) == first
    other = facts(
        brute_force(factory, Fastest(Grid()), BruteForce(seed=2, frames=400_000), workers=1)
    )
    assert other != first


class Homebody(Grid):
    """Likes to be far from the goal, where the ways end: everything leads astray."""

    def preference(self, ram: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return -super().preference(ram)


def test_it_steps_back_out_of_dead_ends(factory: Callable[[], Emulator]) -> None:
    config = BruteForce(action_repeat=4, lines=1, patience=16, frames=2_000_000)
    found = brute_force(factory, Fastest(Homebody()), config)
    assert found.outcome == "won"
    assert found.progress.steps_back > 0
    assert wins(factory, found)


def steps_of(
    factory: Callable[[], Emulator], game: Grid, config: BruteForce
) -> tuple[list[int], list[int]]:
    """For each step of a search that wins: actions forward (or back), and jobs played."""
    seen: list[tuple[int, int]] = []
    found = brute_force(
        factory, Fastest(game), config, on_progress=lambda at: seen.append((at.frame, at.rerecords))
    )
    assert found.won
    steps = list(itertools.pairwise(seen))
    forward = [(after[0] - before[0]) // config.action_repeat for before, after in steps]
    return forward, [after[1] - before[1] for before, after in steps]


def test_losses_take_it_farther_back_and_make_it_look_wider(
    factory: Callable[[], Emulator],
) -> None:
    config = BruteForce(action_repeat=4, lines=1, patience=32, frames=2_000_000)
    forward, jobs = steps_of(factory, Homebody(), config)
    back = [-step for step in forward if step <= 0]
    assert back[0] <= 1
    assert max(back) >= 8
    assert max(jobs[:4]) <= len(Grid.actions)
    assert max(jobs) >= 8 * len(Grid.actions)


def test_good_going_makes_it_bold_again(factory: Callable[[], Emulator]) -> None:
    _, jobs = steps_of(factory, Grid(), BruteForce(seed=1, patience=60, frames=2_000_000))
    assert jobs[0] <= 24
    assert max(jobs) > 48
    assert max(jobs[-4:]) <= 48


class Lemming(Grid):
    """Thinks most of being dead."""

    def progress(self, ram: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        return np.where(ram[..., 0] == 2, 10_000, super().progress(ram))

    def preference(self, ram: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.where(ram[..., 0] == 2, 10_000.0, super().preference(ram))


def test_what_dies_is_cut(factory: Callable[[], Emulator]) -> None:
    found = brute_force(factory, Fastest(Lemming()), BruteForce(frames=20_000, lines=16))
    assert found.progress.deaths > 0
    assert found.line.progress < 10_000
    with factory() as emulator:
        for row in found.line.inputs:
            emulator.advance(Joypad.from_bits(int(row[0])))
            assert emulator.ram["mode"] != 2


def test_it_ends_when_nothing_is_left(factory: Callable[[], Emulator]) -> None:
    # Nobody is patient enough to walk around a corner.
    found = brute_force(factory, Fastest(Homebody()), BruteForce(patience=8))
    assert found.outcome == "exhausted"
    assert not found.won
    assert found.progress.savestates == 0


class Indifferent(Grid):
    """Likes all places alike, as games do that say nothing of it."""

    def preference(self, ram: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.zeros(ram.shape[:-1])


def test_without_preferred_places_chance_decides(factory: Callable[[], Emulator]) -> None:
    def search(game: Grid, **options: Any) -> Found:
        return brute_force(factory, Fastest(game), BruteForce(frames=20_000, **options))

    by_chance = facts(search(Grid(), preferred=False))
    assert by_chance == facts(search(Homebody(), preferred=False))
    assert by_chance != facts(search(Grid(), preferred=False, seed=1))
    # What a game likes leads there sooner; what scores does, where it likes nothing.
    assert search(Grid()).line.frames < search(Grid(), preferred=False).line.frames
    assert search(Indifferent()).progress.frames < search(Grid(), preferred=False).progress.frames


def test_it_goes_on_past_the_first_win_for_a_better_one(factory: Callable[[], Emulator]) -> None:
    config = BruteForce(action_repeat=4, lines=1, seed=1, preferred=False)
    first = brute_force(factory, Points(Grid()), config)
    later = brute_force(factory, Points(Grid()), replace(config, linger=200))
    assert first.won
    assert later.score > first.score
    assert wins(factory, later)


def test_it_goes_on_from_the_ends_of_movies(
    factory: Callable[[], Emulator], tmp_path: Path
) -> None:
    # A key is half of the way: whoever has it goes on from there.
    with_key = Goal("a key", lambda prev, ram: ram[..., KEYS] > 0)
    config = BruteForce(ends=3, linger=20, frames=60_000)
    half = brute_force(factory, Fastest(Grid(), with_key), config)
    assert len(half.ends) == 3
    starts = [end.movie for end in half.ends]
    found = brute_force(factory, Fastest(Grid()), starts=starts, folder=tmp_path / "run")
    assert found.won
    begun = [found.line.inputs[: end.line.frames].tobytes() for end in half.ends]
    assert any(log == end.line.inputs.tobytes() for log, end in zip(begun, half.ends, strict=True))


def test_a_mask_makes_places_one(factory: Callable[[], Emulator]) -> None:
    # Clocks make each moment another place; without them a way back is seen to be one.
    game = Homebody()
    with factory() as emulator:
        mask = np.full(len(emulator.ram), 255, np.uint8)
    mask[[CLOCK, CLOCK + 1, LUCK]] = 0
    config = BruteForce(action_repeat=4, patience=32, frames=100_000)
    plain = brute_force(factory, Fastest(game), config)
    masked = brute_force(factory, Fastest(game), config, mask=mask)
    assert masked.progress.frames < plain.progress.frames
    assert verify(masked.movie, factory).in_sync


@pytest.mark.parametrize(
    ("budget", "outcome"),
    [
        ({"frames": 500}, "frames"),
        ({"tries": 60}, "tries"),
        ({"seconds": 0.0}, "seconds"),
        ({"frames": 0}, "frames"),
    ],
)
def test_a_budget_ends_it_with_a_proven_line(
    factory: Callable[[], Emulator], budget: dict[str, Any], outcome: str
) -> None:
    found = brute_force(factory, Fastest(Grid()), BruteForce(**budget))
    assert found.outcome == outcome
    assert not found.won
    assert verify(found.movie, factory).in_sync
    most = 4 * 6  # lines and actions: it stops within one step
    assert found.progress.frames <= budget.get("frames", 10_000) + most * 8
    assert found.progress.rerecords <= budget.get("tries", 10_000) + most


def test_few_savestates_are_enough(factory: Callable[[], Emulator]) -> None:
    most = 0

    def watch(at: Progress) -> None:
        nonlocal most
        most = max(most, at.savestates)

    found = brute_force(
        factory, Fastest(Grid()), BruteForce(savestates=20, frames=400_000), on_progress=watch
    )
    assert found.won
    assert 0 < most <= 20


def test_ctrl_c_keeps_the_best(factory: Callable[[], Emulator], tmp_path: Path) -> None:
    steps = 0

    def stop(at: Progress) -> None:
        nonlocal steps
        steps += 1
        if steps == 5:
            savestate = at.savestate()
            assert savestate is not None
            assert savestate.frame == at.frame
            raise KeyboardInterrupt

    found = brute_force(factory, Fastest(Grid()), folder=tmp_path / "run", on_progress=stop)
    assert found.outcome == "interrupted"
    assert found.line.progress > 0
    np.testing.assert_array_equal(np.load(tmp_path / "run" / "best.npy"), found.movie.inputs)
    best = json.loads((tmp_path / "run" / "best.json").read_text())
    assert best["verified"]
    assert tuple(best["rank"]) == found.line.rank
    events = (tmp_path / "run" / "events.jsonl").read_text().splitlines()
    kinds = [json.loads(event)["event"] for event in events]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    assert json.loads(events[-1])["outcome"] == "interrupted"


def test_the_folder_is_taken_up_again(factory: Callable[[], Emulator], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    # A budget is no part of the plan: with a larger one it goes on where it was.
    part = brute_force(factory, Fastest(Grid()), BruteForce(frames=500), folder=folder)
    assert part.outcome == "frames"
    whole = brute_force(factory, Fastest(Grid()), folder=folder)
    assert facts(whole) == facts(brute_force(factory, Fastest(Grid())))
    assert json.loads((folder / "best.json").read_text())["frames"] == whole.line.frames
    with pytest.raises(RunError, match="option lines is 4 there and 5 here"):
        brute_force(factory, Fastest(Grid()), BruteForce(lines=5), folder=folder)


class Broken(Grid):
    """Fails after some judgements."""

    def __init__(self) -> None:
        super().__init__()
        self.left = 20

    def preference(self, ram: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        self.left -= 1
        if not self.left:
            raise ZeroDivisionError("a mistake in the game's definition")
        return super().preference(ram)


def test_a_game_that_fails_loses_nothing(factory: Callable[[], Emulator], tmp_path: Path) -> None:
    with pytest.raises(GameError, match=r"Game.preference raised ZeroDivisionError: a mistake"):
        brute_force(factory, Fastest(Broken()), folder=tmp_path / "run")
    assert len(np.load(tmp_path / "run" / "best.npy")) > 50


class Scalar(Grid):
    """Judges a batch as if it were one."""

    def preference(self, ram: Bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.float64(1.0)  # pyright: ignore[reportReturnType]


def test_a_judgement_of_the_wrong_shape_is_named(factory: Callable[[], Emulator]) -> None:
    with pytest.raises(GameError, match=r"Game\.preference gave an array of shape \(\)"):
        brute_force(factory, Fastest(Scalar()))


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"lines": 0}, "lines=0"),
        ({"lines": 64}, "most_lines=32"),
        ({"action_repeat": 2.5}, "an integer is needed"),
        ({"frames": -1}, "frames=-1"),
        ({"shake": float("nan")}, "shake=nan"),
        ({"preferred": 1}, "True or False is needed"),
        ({"seed": None}, "seed=None"),
        ({"seconds": "soon"}, "a number is needed"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        BruteForce(**options)
