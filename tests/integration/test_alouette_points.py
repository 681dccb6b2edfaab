"""Alouette's points: the bound at any moment, what was lost, and the run that loses nothing."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import copain
from copain.errors import GameError
from copain.games import Bounded, game_by_name, ram_map_of, rom_path
from copain.games.alouette import game as game_module
from copain.games.alouette.game import ENDING, PLAY, STAGES, Alouette
from copain.games.alouette.ledger import losses
from copain.games.alouette.script import script
from copain.memory import Bytes
from copain.movie import Movie
from copain.search import Beam, Perfect, beam, stage_cleared
from copain.testing.audit import ram_trace

PACKAGE = Path(game_module.__file__).parent
MOVIES = sorted((PACKAGE / "movies").glob("*.fm2"))
CARD = 1
PERFECT = ("perfect", "fastest")
GAME = Alouette()


@cache
def trace_of(path: Path) -> Bytes:
    """RAM after each frame of a movie, in Colibri."""
    with copain.open(rom_path("alouette"), "colibri") as nes:
        return ram_trace(nes, Movie.read(path).inputs, 0)


def movie(name: str) -> Path:
    return next(path for path in MOVIES if path.stem == name)


def proven() -> list[int]:
    """The maximum of each stage, as MAXIMUM.md has it."""
    page = (PACKAGE / "MAXIMUM.md").read_text()
    found = re.findall(r"^\| \d \|.*\*\*([\d,]+)\*\* \|$", page, re.MULTILINE)
    return [int(figure.replace(",", "")) for figure in found]


def field_at(name: str, slot: int) -> int:
    return ram_map_of("alouette").tables["enemies"].fields[name][0].address + slot


def frame_with(trace: Bytes, kind: str, *, red: bool, wave: bool) -> tuple[Bytes, int]:
    """RAM of a frame in which such an enemy lives, and the enemy's slot."""
    table = ram_map_of("alouette").tables["enemies"]
    flags = table.decode(trace, "flags")
    found = (table.decode(trace, "kind") == script().number(kind)) & (flags & 0x80 == red * 0x80)
    found &= (flags & 0x1F > 0) == wave
    frame, slot = np.argwhere(found)[0]
    return trace[frame].copy(), int(slot)


# ---- the bound ----


def test_the_script_counts_what_is_proven() -> None:
    assert [script().stage_points(stage) for stage in script().stages] == proven()
    assert len(proven()) == STAGES


@pytest.mark.parametrize("path", MOVIES, ids=lambda path: path.stem)
def test_the_bound_begins_with_the_maximum_never_rises_and_ends_with_the_score(path: Path) -> None:
    trace = trace_of(path)
    bound = GAME.bound(trace)
    assert bound[0] == sum(proven())
    assert (np.diff(bound) <= 0).all()
    assert GAME.value(trace[-1], "mode") == ENDING
    assert bound[-1] == GAME.score(trace[-1]) > 0
    # and at every moment what is still to be had is at least what the run goes on to score
    playing = np.flatnonzero(GAME.value(trace, "mode") == PLAY)
    assert (bound[playing] >= GAME.score(trace[-1])).all()
    assert len(playing) > 6000


@pytest.mark.parametrize("stage", range(1, STAGES + 1))
def test_the_bound_never_rises_in_random_play(stage: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    game = Alouette(first_stage=stage)
    lived = 0
    with copain.open(rom_path("alouette"), "colibri") as nes:
        ports = nes.system.ports
        before = game.start_log(ports)
        table = np.array([action.held.bits(ports) for action in game.actions], np.uint16)
        for _ in range(4):
            actions = rng.integers(len(table), size=40)
            log = np.concatenate([before, np.repeat(table[actions], 12, axis=0)])
            trace = ram_trace(nes, log, 0)[len(before) - 1 :]
            dead = np.flatnonzero(GAME.value(trace, "mode") != PLAY)
            trace = trace[: dead[0]] if len(dead) else trace
            bound = GAME.bound(trace)
            assert (np.diff(bound) <= 0).all()
            assert (bound >= GAME.score(trace[-1])).all()
            lost = sum(loss.points for loss in losses(trace))
            assert lost == bound[0] - bound[-1]
            lived += len(trace)
    assert lived > 300


@pytest.mark.parametrize(
    ("kind", "red", "wave", "points"),
    [
        ("moth", False, True, 100 + 500 + 200),  # and the wave is no longer whole
        ("crow", True, False, 300 + 200),
        ("toad", False, False, 200),
        ("nest", False, False, 500 + 4 * 100),
        ("capsule", False, False, 200),
        ("ghost", False, True, 400 + 500 + 200),
    ],
)
def test_what_is_gone_is_lost(kind: str, red: bool, wave: bool, points: int) -> None:
    ram, slot = frame_with(trace_of(movie("perfect")), kind, red=red, wave=wave)
    before = int(GAME.bound(ram))
    ram[field_at("kind", slot)] = 0
    assert before - int(GAME.bound(ram)) == points


def test_the_boss_is_worth_less_with_time() -> None:
    trace = trace_of(movie("perfect"))
    fights = np.flatnonzero(GAME.value(trace, "boss_state") == 2)
    ram = trace[fights[0]].copy()
    clock = GAME.variables["boss_clock"].address
    bounds: list[int] = []
    for high in range(9):
        ram[clock + 1] = high
        bounds.append(int(GAME.bound(ram)))
    assert np.diff(bounds).tolist() == [0, -2000, -2000, -2000, -2000, -1000, -500, 0]


# ---- the ledger ----


@pytest.mark.parametrize("path", MOVIES, ids=lambda path: path.stem)
def test_the_ledger_tells_every_point_that_a_run_lost(path: Path) -> None:
    trace = trace_of(path)
    found = losses(trace)
    assert all(loss.points > 0 for loss in found)
    assert sum(loss.points for loss in found) == sum(proven()) - GAME.score(trace[-1])


def test_the_ledger_says_what_it_was() -> None:
    found = losses(trace_of(movie("all-stages")))
    first = [(loss.stage, loss.scroll, loss.points, loss.what) for loss in found[:2]]
    # the red crow of stage 1, which comes at 160 and hovers for 80 frames
    assert first == [
        (1, 335, 300, "crow got away"),
        (1, 335, 200, "capsule of that crow"),
    ]
    what = [loss.what for loss in found]
    assert {"nest got away", "capsule not caught", "skipper of wave 9 got away"} <= set(what)
    assert what[what.index("skipper of wave 9 got away") + 1] == "bonus and capsule of the wave"


# ---- the run that loses nothing ----


@pytest.mark.parametrize("name", PERFECT)
def test_the_perfect_run_scores_what_is_proven_to_be_the_most_in_every_stage(name: str) -> None:
    trace = trace_of(movie(name))
    stage, score = GAME.stage(trace), GAME.score(trace)
    playing = GAME.value(trace, "mode") == PLAY
    ends = [int(score[playing & (stage == number)].max()) for number in range(STAGES)]
    assert np.diff([0, *ends]).tolist() == proven()
    assert (GAME.bound(trace) == sum(proven())).all()
    assert (GAME.value(trace[-1], "lives"), GAME.value(trace[-1], "deaths")) == (3, 0)
    assert losses(trace) == []


# ---- the fastest run ----

UNTIL_THE_CARD = 54
"""Frames from power-on to the first stage's card, when Start is held from the beginning."""
BESIDES_THE_FIGHTS = 6908
"""Frames from there to the ending in which nothing can vary, as MAXIMUM.md has it."""
CLOCKS_AT_LEAST = (73, 106, 18)
FASTEST = 7204


def clocks(trace: Bytes) -> list[int]:
    """The clock of each boss when it was beaten."""
    stage, state = GAME.stage(trace), GAME.value(trace, "boss_state")
    clock = GAME.value(trace, "boss_clock")
    return [int(clock[(stage == number) & (state == 3)][0]) for number in range(STAGES)]


@pytest.mark.parametrize("path", MOVIES, ids=lambda path: path.stem)
def test_nothing_but_the_start_and_the_fights_takes_more_or_less_time(path: Path) -> None:
    trace = trace_of(path)
    mode = GAME.value(trace, "mode")
    card, ending = (int(np.flatnonzero(mode == number)[0]) for number in (CARD, ENDING))
    assert ending + 1 - card - sum(clocks(trace)) == BESIDES_THE_FIGHTS
    assert card >= UNTIL_THE_CARD
    assert all(found >= least for found, least in zip(clocks(trace), CLOCKS_AT_LEAST, strict=True))


def test_the_fastest_run() -> None:
    trace = trace_of(movie("fastest"))
    assert len(trace) == Movie.read(movie("fastest")).frames == FASTEST
    assert UNTIL_THE_CARD + BESIDES_THE_FIGHTS + sum(clocks(trace)) == FASTEST
    assert (GAME.value(trace, "mode") == ENDING).nonzero()[0].tolist() == [FASTEST - 1]
    assert min(Movie.read(path).frames for path in MOVIES) == FASTEST
    page = (PACKAGE / "MAXIMUM.md").read_text()
    least = UNTIL_THE_CARD + BESIDES_THE_FIGHTS + sum(CLOCKS_AT_LEAST)
    assert f"| **{least:,}** | **{FASTEST:,}** |" in page


def test_no_start_is_read_before_the_one_that_is_held_from_power_on() -> None:
    for first in (1, 20):  # held from a later frame on it is read later, or at the same time
        with copain.open(rom_path("alouette"), "colibri") as nes:
            if first > 1:
                nes.advance(frames=first - 1)
            while nes.frame <= UNTIL_THE_CARD:
                assert nes.ram["mode"] != CARD or nes.frame < 4
                nes.advance(copain.Joypad(start=True))
            assert (nes.ram["mode"] == CARD) == (first == 1)


# ---- searching for it ----


def test_a_search_for_the_perfect_run_loses_nothing() -> None:
    """Six seconds of play, in which waves, red enemies and capsules come and go."""
    game = Alouette(last_stage=1)
    objective = Perfect(game, stage_cleared(game, 0))
    config = Beam(width=64, per_cell=4, generations=100)
    found = beam(lambda: copain.open(rom_path("alouette"), "colibri"), objective, config)
    with copain.open(rom_path("alouette"), "colibri") as nes:
        last = ram_trace(nes, found.movie.inputs, 0)[-1]
    assert game.value(last, "scroll") == 400
    assert game.score(last) > 3000
    assert int(game.bound(last)) == sum(proven())


def test_a_game_without_a_bound_is_refused() -> None:
    grid = game_by_name("grid")
    assert isinstance(GAME, Bounded)
    with pytest.raises(GameError, match="Perfect: grid does not say how many points"):
        Perfect(grid)
