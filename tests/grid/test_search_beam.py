"""Beam search on Grid, whose best results are known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import copain
from copain import Emulator, GameError, InputError, Rom
from copain.games.game import Flags, Numbers
from copain.games.grid.game import Grid
from copain.games.grid.optimum import fastest_win, highest_score
from copain.games.grid.rules import HELD, KEYS, RAM_SIZE
from copain.memory import Bytes
from copain.movie import verify
from copain.search import Beam, Fastest, Found, Goal, Objective, Points, Preferred, beam

# Everything but the record of the buttons decides what can still come.
MASK = np.full(RAM_SIZE, 255, np.uint8)
MASK[HELD : HELD + 2] = 0


@pytest.fixture
def factory(grid_rom: Rom) -> Callable[[], Emulator]:
    return lambda: copain.open(grid_rom)


def level(*rows: str) -> Callable[[], Emulator]:
    rom = Rom.from_bytes(("copain grid 1\n" + "\n".join(rows) + "\n").encode())
    return lambda: copain.open(rom)


def facts(found: Found) -> tuple[object, ...]:
    at = found.progress
    return (
        found.outcome, found.line.rank, found.line.inputs.tobytes(), dict(found.line.hashes),
        at.frames, at.rerecords, at.deaths, at.savestates,
    )  # fmt: skip


def test_the_fastest_win_is_the_proven_one(factory: Callable[[], Emulator], grid_rom: Rom) -> None:
    best = fastest_win(grid_rom)
    assert best is not None
    config = Beam(width=400, action_repeat=1, per_cell=4)
    found = beam(factory, Fastest(Grid()), config, mask=MASK)
    assert (found.outcome, found.line.frames, found.score) == ("won", best.frames, best.score)
    assert verify(found.movie, factory).in_sync


def test_the_highest_score_of_a_small_level_is_the_proven_one() -> None:
    factory = level("S?o", "##G")
    with factory() as emulator:
        best = highest_score(emulator.rom, 40)
    config = Beam(width=1000, action_repeat=1, linger=40, generations=38)
    found = beam(factory, Points(Grid()), config, mask=MASK)
    assert found.won
    assert found.score == best.score


def test_workers_and_batches_that_run_ahead_change_nothing(
    factory: Callable[[], Emulator],
) -> None:
    config = Beam(width=24, action_repeat=4, batch=16, generations=12)
    first = facts(beam(factory, Points(Grid()), config, workers=1))
    assert facts(beam(factory, Points(Grid()), config, workers=2)) == first
    assert facts(beam(factory, Points(Grid()), config, workers=1)) == first


def test_places_are_spread_over_cells(factory: Callable[[], Emulator]) -> None:
    """With one line a cell, no two lines of the beam are in the same cell."""
    with factory() as emulator:
        cells: list[int] = []

        class Watched(Grid):
            def allowed(self, ram: Bytes) -> Flags:
                cells.append(len(ram) - len(np.unique(self.cell(ram))))
                return super().allowed(ram)

        config = Beam(width=64, action_repeat=4, per_cell=1, generations=8)
        beam(lambda: copain.open(emulator.rom), Points(Watched()), config)
    assert len(cells) == 8
    assert not any(cells)


def test_a_goal_of_ones_own_and_what_a_line_carries(factory: Callable[[], Emulator]) -> None:
    """The fewest changes of the held buttons on the way to a score of 10."""

    class Steady(Objective):
        name = "steady"
        carried = 2  # what was held, and how often that has changed

        def step(
            self, prev: Bytes, ram: Bytes, inputs: np.ndarray, frame: Numbers, acc: Numbers
        ) -> tuple[Numbers, Numbers]:
            held = inputs[:, 0].astype(np.int64)
            changes = acc[:, 1] + (held != acc[:, 0])
            return np.stack([held, changes], axis=1), -changes

    game = Grid()
    goal = Goal("ten points", lambda prev, ram: game.score(ram) >= 10)
    found = beam(factory, Steady(game, goal), Beam(width=500, action_repeat=4), mask=MASK)
    assert found.won
    assert found.score >= 10
    held = found.line.inputs[2:, 0].astype(int)
    changes = int((np.diff(np.concatenate([[0], held])) != 0).sum())
    shorter = beam(factory, Fastest(game, goal), Beam(width=500, action_repeat=4), mask=MASK)
    others = shorter.line.inputs[2:, 0].astype(int)
    assert changes <= int((np.diff(np.concatenate([[0], others])) != 0).sum())


def test_a_level_that_cannot_be_won_ends() -> None:
    config = Beam(width=8, action_repeat=1, generations=20)
    found = beam(level("S#G"), Fastest(Grid()), config, mask=MASK)
    assert (found.outcome, found.won, found.line.frames) == ("generations", False, 22)


def test_when_all_lines_are_lost_the_last_one_is_told() -> None:
    """Nobody but the one who stands still lives here, and the goal is behind a guard."""

    class Restless(Grid):
        def allowed(self, ram: Bytes) -> Flags:
            flags = super().allowed(ram)
            flags[..., 0] = ~flags[..., 1:].any(axis=-1)
            flags[..., -1] = False
            return flags

    found = beam(level("#x#", "xSx", "#x#", "G##"), Fastest(Restless()), Beam(action_repeat=1))
    assert (found.outcome, found.won, found.line.frames) == ("exhausted", False, 2)


def test_budgets_end_it(factory: Callable[[], Emulator]) -> None:
    found = beam(factory, Points(Grid()), Beam(width=8, frames=2_000))
    assert found.outcome == "frames"
    assert 2_000 <= found.progress.frames < 3_000


def divided(ram: Bytes) -> Numbers:
    return np.zeros(1, np.int64) // (len(ram) - len(ram))


def doubled(ram: Bytes) -> Numbers:
    return np.zeros((len(ram), 2), np.int64)


def halved(ram: Bytes) -> Numbers:
    return np.full(len(ram), 0.5)  # pyright: ignore[reportReturnType]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("judgement", "message"),
    [
        (divided, r"mine: Objective.step raised RuntimeWarning: divide by zero"),
        (doubled, r"mine: Objective.step gave an array of shape \(\d+, 2\)"),
        (halved, r"mine: Objective.step gave an array of float64; integers are needed"),
    ],
)
def test_an_objective_that_is_wrong_is_named(
    factory: Callable[[], Emulator], judgement: Callable[[Bytes], Numbers], message: str
) -> None:
    class Mine(Objective):
        name = "mine"

        def step(
            self, prev: Bytes, ram: Bytes, inputs: np.ndarray, frame: Numbers, acc: Numbers
        ) -> tuple[Numbers, Numbers]:
            return acc, judgement(ram)

    with pytest.raises(GameError, match=message):
        beam(factory, Mine(Grid()), Beam(width=8))


def test_settings_are_checked() -> None:
    with pytest.raises(InputError, match=r"Beam\(width=0\): at least 1 is needed"):
        Beam(width=0)
    with pytest.raises(InputError, match=r"Beam\(batch=1.5\): an integer is needed"):
        Beam(batch=1.5)  # pyright: ignore[reportArgumentType]


def test_by_preference_it_goes_where_the_game_likes_to_be(factory: Callable[[], Emulator]) -> None:
    # Grid likes to be near the goal, and to have a key, which points do not tell of.
    config = Beam(width=24, per_cell=2, frames=40_000)
    found = beam(factory, Preferred(Grid()), config)
    assert found.won
    ram = np.zeros((2, RAM_SIZE), np.uint8)
    ram[1, KEYS] = 1
    inputs, frame = np.zeros((2, 1), np.uint16), np.zeros(2, np.int64)
    _, score = Preferred(Grid()).step(ram, ram, inputs, frame, np.zeros((2, 0), np.int64))
    assert score[1] - score[0] == 40 * 100
