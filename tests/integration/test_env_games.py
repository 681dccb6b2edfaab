"""Environments of real games: Alouette, one of stable-retro's, and FCEUX underneath."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import copain
from conftest import absent
from copain.errors import EmulatorMissing, GameError, RomError
from copain.games import game_by_name, rom_path
from copain.games.alouette.game import Alouette
from copain.rl import CopainEnv, CopainVectorEnv
from copain.rl.trajectories import from_minari, record, to_minari

AIRSTRIKER = "Airstriker-Genesis-v0"


@pytest.fixture(autouse=True)
def no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of render_mode="human" are drawn nowhere."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")


@pytest.mark.parametrize("observation", ["ram", "screen84", ("ram_bytes", "screen")])
def test_gymnasiums_checker_finds_nothing_in_alouette(observation: str) -> None:
    env = gymnasium.make(
        "copain.rl:copain/Alouette-v0", observation=observation, render_mode="rgb_array"
    )
    check_env(env.unwrapped)
    env.close()


def test_gymnasiums_checker_finds_nothing_in_a_game_of_stable_retro() -> None:
    env = gymnasium.make(
        "copain/StableRetro-v0", game=AIRSTRIKER, observation="screen84", render_mode="rgb_array"
    )
    check_env(env.unwrapped)
    _, info = env.reset(seed=1)
    assert {"score", "lives", "action_mask"} <= set(info)
    env.close()


@pytest.mark.parametrize(
    ("game", "observation"), [("alouette", ("ram", "screen84", "screen")), (AIRSTRIKER, "screen84")]
)
def test_many_copies_play_as_each_alone(game: str, observation: Any) -> None:
    options: dict[str, Any] = {"observation": observation, "sticky": 0.25, "noops": 9}
    count = 3
    vector = CopainVectorEnv(game, num_envs=count, max_episode_steps=30, **options)
    alone = gymnasium.vector.SyncVectorEnv(
        [lambda: CopainEnv(game, max_episode_steps=30, **options) for _ in range(count)]
    )
    chance = np.random.default_rng(2)
    told: tuple[Any, ...] = vector.reset(seed=4)
    expected: tuple[Any, ...] = alone.reset(seed=4)
    for _ in range(70):
        same(told[0], expected[0])
        for ours, theirs in zip(told[1:-1], expected[1:-1], strict=True):
            np.testing.assert_array_equal(ours, theirs)
        actions = chance.integers(0, len(vector.task.game.actions), count)
        told, expected = vector.step(actions), alone.step(actions)
    vector.close()
    alone.close()


def same(ours: Any, theirs: Any) -> None:
    mine, others = [
        cast("dict[str, Any]", one if isinstance(one, dict) else {"": one})
        for one in (ours, theirs)
    ]
    assert set(mine) == set(others)
    for kind, array in mine.items():
        np.testing.assert_array_equal(array, others[kind])


def test_what_is_observed_does_not_change_what_happens() -> None:
    frames: list[list[int]] = []
    for observation in ("ram", "screen84", "screen"):
        env = CopainEnv("alouette", observation=observation, noops=20, sticky=0.1)
        _, info = env.reset(seed=5)
        told = [int(info["frame"])]
        for step in range(40):
            *_, info = env.step(step % 10)
            told += [int(info["scroll"]), int(info["ship_x"]), int(info["ship_y"])]
        frames.append(told)
        env.close()
    assert frames[0] == frames[1] == frames[2]


def test_the_sets_of_starts_differ() -> None:
    seen: dict[str, set[bytes]] = {}
    for split in ("train", "validation", "test"):
        envs = CopainVectorEnv("alouette", num_envs=24, starts=split)
        envs.reset(seed=1)
        seen[split] = {ram.tobytes() for ram in envs.ram}
        assert len(seen[split]) > 4
        envs.close()
    assert not seen["train"] & seen["test"]
    assert not seen["train"] & seen["validation"]
    assert not seen["validation"] & seen["test"]


def test_velocity_shows_in_the_stack() -> None:
    """The lark flies right: its x rises from one item of the stack to the next."""
    env = CopainEnv("alouette", starts="stage 1", action_repeat=2)
    env.reset(seed=1)
    right = [action.name for action in game_by_name("alouette").actions].index("right+a")
    observation = env.reset(seed=1)[0]
    size = len(observation) // 4
    names = [f.name for f in env._episodes._sight.features]  # pyright: ignore[reportPrivateUsage]
    x = names.index("ship_x")
    assert len({float(item[x]) for item in observation.reshape(4, size)}) == 1
    for _ in range(4):
        observation = env.step(right)[0]
    assert (np.diff(observation.reshape(4, size)[:, x]) > 0).all()
    env.close()


def test_fceux_plays_the_same_episode() -> None:
    told: list[list[tuple[int, ...]]] = []
    for emulator in ("colibri", "fceux"):
        try:
            env = CopainEnv("alouette", emulator=emulator, starts="stage 1", noops=5)
        except EmulatorMissing:
            absent("fceux", "apt install fceux")
        _, info = env.reset(seed=3)
        run: list[tuple[int, ...]] = []
        for step in range(60):
            *_, info = env.step(1 + step // 8 % 9)
            run.append(tuple(int(info[k]) for k in ("frame", "scroll", "ship_x", "score")))
        told.append(run)
        env.close()
    assert told[0] == told[1]


def test_two_fceux_side_by_side() -> None:
    try:
        envs = CopainVectorEnv("alouette", num_envs=2, emulator="fceux", starts="stage 1")
    except EmulatorMissing:
        absent("fceux", "apt install fceux")
    alone = CopainVectorEnv("alouette", num_envs=2, emulator="colibri", starts="stage 1")
    for each in (envs, alone):
        each.reset(seed=1)
    for step in range(10):
        told = [each.step(np.array([1, 2 + step % 8]))[0] for each in (envs, alone)]
        np.testing.assert_array_equal(told[0], told[1])
    envs.close()
    alone.close()


def test_a_game_won_at_stage_1_is_a_game_of_its_own() -> None:
    env = CopainEnv(Alouette(last_stage=1), starts="stage 2")
    _, info = env.reset(seed=1)
    assert info["stage"] == 1
    _, _, terminated, truncated, info = env.step(0)
    assert terminated
    assert not truncated
    assert info["won"]
    env.close()


def test_wrong_games_are_named(tmp_path: Path) -> None:
    with pytest.raises(RomError, match="is not Alouette"):
        CopainEnv("alouette", rom=rom_path("grid"))
    with pytest.raises(GameError, match="is none of them"):
        CopainEnv(rom=own_rom(tmp_path))
    env = gymnasium.make("copain/Rom-v0", rom=rom_path("alouette"))
    assert env.unwrapped.task.game.name == "alouette"  # type: ignore[attr-defined]
    env.close()


def own_rom(folder: Path) -> copain.Rom:
    """Alouette with one byte changed: nobody's game."""
    data = bytearray(rom_path("alouette").read_bytes())
    data[-1] ^= 1
    path = folder / "changed.nes"
    path.write_bytes(data)
    return copain.Rom.read(path)


def test_trajectories_go_to_minari_and_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    env = gymnasium.make(
        "copain/Alouette-v0", observation=("ram", "screen84"), max_episode_steps=12
    )
    chance = np.random.default_rng(1)
    played = [record(env, lambda o, i: chance.integers(0, 11), seed=seed) for seed in (3, 4)]
    to_minari("copain/alouette-v0", env, played, algorithm_name="random")
    kept = from_minari("copain/alouette-v0")
    assert [len(one) for one in kept] == [12, 12]
    for one, other in zip(played, kept, strict=True):
        same(one.observations, other.observations)
        np.testing.assert_array_equal(one.actions, other.actions)
        np.testing.assert_array_equal(one.rewards, other.rewards)
        assert (one.terminated, one.truncated) == (other.terminated, other.truncated)
    env.close()
