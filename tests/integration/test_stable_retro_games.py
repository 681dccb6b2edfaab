"""The integrations that stable-retro carries; Airstriker, whose ROM it carries too, is searched."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import copain
from conftest import absent, core
from copain import IDLE, Emulator, EmulatorError, FrameInput, GameError, Joypad, SavestateError
from copain.games import Action, StableRetroGame, from_stable_retro, stable_retro_names
from copain.movie import verify
from copain.search import BruteForce, Points, brute_force

REASONS = (
    "copain reads those of", "Lua script", "rewards several players", "outside of the work RAM",
    "scenario.json cannot be read", "rom.sha is empty",
)  # fmt: skip
AIRSTRIKER = "Airstriker-Genesis-v0"
FRAMES = 700


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if importlib.util.find_spec("stable_retro") is None:
        absent("stable-retro", "pip install 'copain[cores]'")


def read(name: str) -> StableRetroGame | str:
    """The integration as a game, or why it is none."""
    try:
        return from_stable_retro(name)
    except GameError as error:
        return str(error)


def test_nearly_all_integrations_are_games() -> None:
    games = 0
    refused: Counter[str] = Counter()
    for name in stable_retro_names():
        game = read(name)
        if isinstance(game, str):
            reasons = [reason for reason in REASONS if reason in game]
            assert game.startswith(f"from_stable_retro({name!r}): ")
            assert len(reasons) == 1, game
            refused[reasons[0]] += 1
            continue
        games += 1
        ram = np.zeros((2, game.platform.size), np.uint8)
        assert game.dead(ram, ram).shape == game.won(ram, ram).shape == (2,)
        assert game.reward(ram, ram).shape == game.score(ram).shape == (2,)
        assert game.default_savestate in game.savestates
    assert games >= 850
    assert games / (games + refused.total()) > 0.82, refused
    assert refused["Lua script"] <= 42


def test_a_name_that_there_is_not() -> None:
    with pytest.raises(GameError, match=r"called 'Airstriker'; spelt alike are .*Airstriker-Gen"):
        from_stable_retro("Airstriker")
    with pytest.raises(GameError, match="its scenario is a Lua script, which copain does not run"):
        from_stable_retro("1942-Nes-v0")


@pytest.fixture
def airstriker() -> StableRetroGame:
    """The game, begun from power-on, with the few actions that matter."""
    game = from_stable_retro(AIRSTRIKER)

    def press(*names: str) -> FrameInput:
        return FrameInput((Joypad.of(*names),))

    choose = [(press("b"), 6), (IDLE, 24)]
    game.start = [(IDLE, 420), (press("start"), 6), (IDLE, 30), *choose, *choose]
    wanted = ("idle", "b", "left", "right", "left+b", "right+b")
    game.actions = [Action(name, press(*name.split("+")) if name != "idle" else IDLE)
                    for name in wanted]  # fmt: skip
    assert set(wanted) <= {action.name for action in from_stable_retro(AIRSTRIKER).actions}
    return game


def opener(game: StableRetroGame, name: str) -> Callable[[], Emulator]:
    options = dict(game.platform.options) if name == game.platform.core else None
    return lambda: copain.open(game.rom, core=core(name), options=options)


def test_its_savestate_loads_in_its_core_only(airstriker: StableRetroGame) -> None:
    (start,) = airstriker.starts("Level1")
    with opener(airstriker, "genesis_plus_gx")() as console:
        savestate = start.reach(console)
        ram = console.ram.read_all()
        assert savestate.frame == 0
    assert [int(airstriker.value(ram, name)) for name in ("lives", "score")] == [3, 0]
    with (
        opener(airstriker, "picodrive")() as console,
        pytest.raises(SavestateError, match=r"a savestate of libretro:genesis_plus_gx, and"),
    ):
        start.reach(console)


# Its environment takes one step after it has loaded the savestate (retro_env.py, reset).
ORACLE = """
import json, stable_retro
env = stable_retro.make({name!r}, state="Level1", render_mode=None)
env.reset()
for held in json.loads({held!r}):
    names = [{{"MODE": "SELECT"}}.get(name, name).lower() for name in env.buttons]
    _, reward, ends, _, info = env.step([name in held for name in names])
    print(json.dumps([info, reward, ends]))
"""


def test_it_is_judged_as_stable_retro_does(seed: int) -> None:
    game = from_stable_retro(AIRSTRIKER)
    chance = np.random.default_rng(seed)
    picked = chance.integers(0, len(game.actions), FRAMES // 10).repeat(10).tolist()
    actions = [game.actions[index] for index in picked]
    names = [action.name.split("+") for action in actions]
    script = ORACLE.format(name=AIRSTRIKER, held=json.dumps(names))
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True
    )
    expected = [json.loads(line) for line in told.stdout.splitlines() if line.startswith("[")]
    assert len(expected) == FRAMES
    with opener(game, "genesis_plus_gx")() as console:
        game.starts("Level1")[0].reach(console)
        console.advance()
        prev = console.ram.read_all()
        for frame, action in enumerate(actions):
            console.advance(action.held)
            ram = console.ram.read_all()
            info = {name: int(game.value(ram, name)) for name in game.variables}
            judged = [info, float(game.reward(prev, ram)), bool(game.dead(prev, ram))]
            assert judged == expected[frame], f"frame {frame}"
            prev = ram
    assert expected[-1][0]["lives"] < 3  # it has seen a loss


def test_airstriker_is_searched_and_the_movie_is_verified(
    airstriker: StableRetroGame, tmp_path: Path
) -> None:
    factory = opener(airstriker, "genesis_plus_gx")
    config = BruteForce(frames=10_000)
    found = brute_force(factory, Points(airstriker), config, workers=1, folder=tmp_path / "run")
    assert found.progress.best_score >= 40
    assert verify(found.movie, factory).in_sync
    with factory() as console:
        copain.rollout(console, console.save_state(), found.movie.inputs)
        assert int(airstriker.score(console.ram.read_all())) == found.progress.best_score


def test_a_core_that_does_not_come_back_is_refused(airstriker: StableRetroGame) -> None:
    # A few bytes of its stack differ after a savestate was loaded, and heal.
    with pytest.raises(EmulatorError, match=r"libretro:picodrive .* cannot be searched with"):
        brute_force(
            opener(airstriker, "picodrive"), Points(airstriker), BruteForce(frames=2000), workers=1
        )
