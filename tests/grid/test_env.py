"""Environments on the emulator that needs no ROM: what Gymnasium asks for, and what copain adds."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from copain.errors import GameError, InputError
from copain.games import GAME_NAMES, RamMap, Start, game_by_name
from copain.games.objective import Fastest, Points, stage_cleared
from copain.rl import CopainEnv, CopainVectorEnv, Parts
from copain.rl.registration import VERSIONS, version_now


@pytest.fixture(autouse=True)
def no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of render_mode="human" are drawn nowhere."""
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/tmp")


@pytest.mark.parametrize("name", GAME_NAMES)
def test_a_version_is_pinned_to_its_rom_and_files(name: str) -> None:
    assert VERSIONS[name][-1] == version_now(name), (
        f"the ROM or the files of {name} changed: add the new Version to VERSIONS, at the end"
    )


@pytest.mark.parametrize(
    "observation", ["ram", "ram_bytes", "screen", "screen84", ("ram", "screen")]
)
@pytest.mark.parametrize("actions", ["table", "multi_binary", "multi_discrete"])
def test_gymnasiums_checker_finds_nothing(observation: str, actions: str) -> None:
    env = gymnasium.make(
        "copain/Grid-v0", observation=observation, actions=actions, render_mode="rgb_array"
    )
    check_env(env.unwrapped)
    env.close()


def steps_of(env: gymnasium.Env[Any, Any], actions: list[int], seed: int) -> list[Any]:
    """All that an environment gives for these actions."""
    observation, info = env.reset(seed=seed)
    told: list[Any] = [(observation.copy(), info)]
    for action in actions:
        *step, info = env.step(action)
        told.append((*step, info))
        if step[2] or step[3]:
            break
    return told


def test_the_same_seed_gives_the_same_episode_and_another_one_another() -> None:
    with_chance = {"sticky": 0.5, "noops": 6, "max_episode_steps": 40}
    actions = [4, 4, 2, 2, 4, 1, 3, 4, 2, 4] * 5
    told: list[list[Any]] = []
    for seed in (7, 7, 8):
        env = CopainEnv("grid", **with_chance)  # pyright: ignore[reportArgumentType]
        told.append(steps_of(env, actions, seed))
        env.close()
    frames = [[step[-1]["frame"] for step in run] for run in told]
    seen = [np.array([step[0] for step in run]) for run in told]
    assert frames[0] == frames[1]
    np.testing.assert_array_equal(seen[0], seen[1])
    assert frames[0] != frames[2] or not np.array_equal(seen[0], seen[2])


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_copy_i_plays_as_one_environment_does(mode: AutoresetMode) -> None:
    count = 3
    options: dict[str, Any] = {"sticky": 0.3, "noops": 4, "max_episode_steps": 25}
    vector = CopainVectorEnv("grid", num_envs=count, autoreset_mode=mode, **options)
    alone = gymnasium.vector.SyncVectorEnv(
        [lambda: CopainEnv("grid", **options) for _ in range(count)], autoreset_mode=mode
    )
    chance = np.random.default_rng(5)
    told: tuple[Any, ...] = vector.reset(seed=11)
    expected: tuple[Any, ...] = alone.reset(seed=11)
    ended = 0
    for _ in range(70):
        np.testing.assert_array_equal(told[0], expected[0])
        for ours, theirs in zip(told[1:-1], expected[1:-1], strict=True):
            np.testing.assert_array_equal(ours, theirs)
        compare_infos(told[-1], expected[-1])
        over = np.zeros(count, np.bool_)
        if len(told) > 2:
            over = told[2] | told[3]
            ended += int(over.sum())
        if mode is AutoresetMode.DISABLED and over.any():
            told = vector.reset(options={"reset_mask": over})
            expected = alone.reset(options={"reset_mask": over})
            continue
        actions = chance.integers(0, 6, count)
        told, expected = vector.step(actions), alone.step(actions)
    assert ended >= 2 * count
    vector.close()
    alone.close()


def compare_infos(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Where Gymnasium's own vector environment says something, ours says the same."""
    assert set(theirs) <= set(ours)
    for key, value in theirs.items():
        if key.startswith("_"):
            np.testing.assert_array_equal(ours[key], value)
        elif isinstance(value, dict):
            compare_infos(ours[key], value)  # pyright: ignore[reportUnknownArgumentType]
        elif key == "final_obs":
            for mine, other in zip(ours[key], value, strict=True):
                assert (mine is None) == (other is None)
                if mine is not None:
                    np.testing.assert_array_equal(mine, other)
        else:
            there = theirs[f"_{key}"]
            np.testing.assert_array_equal(ours[key][there], value[there])


def test_make_vec_gives_the_native_one() -> None:
    envs = gymnasium.make_vec("copain/Grid-v0", num_envs=2, max_episode_steps=10)
    assert isinstance(envs.unwrapped, CopainVectorEnv)
    assert envs.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    envs.reset(seed=1)
    for _ in range(9):
        *_, truncated, _ = envs.step(np.zeros(2, np.int64))
        assert not truncated.any()
    *_, terminated, truncated, _ = envs.step(np.zeros(2, np.int64))
    assert truncated.all()
    assert not terminated.any()
    envs.close()


def test_observations_are_copies_unless_reused() -> None:
    for copy in (True, False):
        envs = CopainVectorEnv("grid", num_envs=2, copy=copy)
        first, _ = envs.reset(seed=1)
        kept = np.array(first)
        given = [envs.step(np.array([4, 2]))[0] for _ in range(3)]
        assert np.array_equal(first, kept) == copy
        assert np.shares_memory(given[0], given[1]) != copy
        envs.close()


def test_savestates_come_back_for_a_subset() -> None:
    envs = CopainVectorEnv("grid", num_envs=3, observation="ram_bytes")
    envs.reset(seed=1)
    for _ in range(4):
        envs.step(np.array([4, 2, 0]))
    there = envs.savestates([0, 2])
    ram = envs.ram
    for _ in range(3):
        envs.step(np.array([2, 2, 2]))
    moved = envs.ram
    mask = np.array([True, False, True])
    observation, infos = envs.reset(options={"reset_mask": mask, "starts": there})
    np.testing.assert_array_equal(observation[mask], ram[mask])
    np.testing.assert_array_equal(observation[1], moved[1])
    np.testing.assert_array_equal(infos["_frame"], mask)
    assert (infos["frame"][mask] == [state.frame for state in there]).all()
    envs.close()


def test_a_reset_begins_where_it_is_told() -> None:
    env = CopainEnv("grid", starts="power-on")
    _, info = env.reset(seed=1)
    assert info["frame"] == 0
    game = game_by_name("grid")
    _, info = env.reset(options={"start": game.starts("test")[0]})
    assert info["frame"] == len(game.start_log(2))
    env.step(4)
    there = env.save_state()
    env.step(4)
    _, info = env.reset(options={"start": there})
    assert info["frame"] == there.frame
    with pytest.raises(InputError, match="'start'"):
        env.reset(options={"begin": there})
    with pytest.raises(InputError, match="a Start or a Savestate"):
        env.reset(options={"start": 3})
    env.close()


def test_the_game_alone_terminates_and_rewards_stop_there() -> None:
    game = game_by_name("grid")
    env = CopainEnv(game, reward=Parts(game, dead=-1.0, won=5.0, progress=0.25))
    chance = np.random.default_rng(1)
    ended: set[str] = set()
    for episode in range(12):
        _, info = env.reset(seed=episode)
        total, left = 0.0, game.progress(env.ram)
        for _ in range(150):
            allowed = np.flatnonzero(info["action_mask"])
            _, reward, terminated, truncated, info = env.step(chance.choice(allowed))
            total += float(reward)
            assert not truncated
            assert terminated == (info["dead"] or info["won"])
            if terminated:
                ended.add("dead" if info["dead"] else "won")
                break
        else:
            assert total == 0.25 * (game.progress(env.ram) - left)
    assert "dead" in ended
    env.close()


@pytest.mark.parametrize("objective", [Points, Fastest])
def test_an_objectives_reward_is_what_its_score_rises_by(objective: type[Points | Fastest]) -> None:
    game = game_by_name("grid")
    wish = objective(game)
    env = CopainEnv(game, reward=wish, observation="ram_bytes")
    _, info = env.reset(seed=2)
    score = lambda: int(  # noqa: E731
        wish.step(
            env.ram[None],
            env.ram[None],
            np.zeros((1, 2), np.uint16),
            np.array([info["frame"]]),
            np.zeros((1, 0), np.int64),
        )[1][0]
    )
    total, before = 0.0, score()
    for action in [4, 4, 2, 2, 4, 4, 2, 2, 4, 4]:
        _, reward, terminated, _, info = env.step(action)
        total += float(reward)
        assert not terminated
    assert total == score() - before
    env.close()


def test_an_objectives_goal_ends_the_episode() -> None:
    game = game_by_name("grid")
    env = CopainEnv(game, reward=Points(game, stage_cleared(game, -1)))  # at once
    env.reset(seed=1)
    _, _, terminated, _, info = env.step(0)
    assert terminated
    assert info["won"]
    env.close()


def test_sticky_actions_hold_on_as_often_as_asked() -> None:
    """Of all frames after a change of action, half still hold the action before."""
    envs = CopainVectorEnv("grid", num_envs=256, sticky=0.5, action_repeat=8, starts="power-on")
    held: list[np.ndarray[Any, Any]] = []
    episodes = envs._episodes  # pyright: ignore[reportPrivateUsage]
    play = episodes.copies.play

    def listen(rows: Any, inputs: Any, seen: Any) -> None:
        if inputs.shape[1]:
            held.append(inputs[..., 0])
        play(rows, inputs, seen)

    episodes.copies.play = listen  # type: ignore[method-assign]
    envs.reset(seed=3)
    for step in range(5):
        envs.step(np.full(256, 1 + step % 2))
    runs = np.stack(held)  # (steps, copies, frames)
    changes = (np.diff(runs, axis=2) != 0).sum(axis=2)
    assert changes.max() == 1  # from what was held before to what was chosen, once
    kept = runs[1:, :, 0] == runs[:-1, :, -1]
    assert 0.45 < kept.mean() < 0.55
    envs.close()


def test_errors_are_named() -> None:
    with pytest.raises(GameError, match="no game is called 'tetris'; the games are alouette"):
        CopainEnv("tetris")
    with pytest.raises(InputError, match="observation='smell'; ram, ram_bytes"):
        CopainEnv("grid", observation="smell")
    with pytest.raises(InputError, match="actions='dance'; table, multi_binary"):
        CopainEnv("grid", actions="dance")
    with pytest.raises(GameError, match="the sets are train, validation, test"):
        CopainEnv("grid", starts="exam")
    with pytest.raises(InputError, match="action_repeat=0; 1 to 600"):
        CopainEnv("grid", action_repeat=0)
    with pytest.raises(InputError, match=r"sticky=1\.5; 0 to 1"):
        CopainEnv("grid", sticky=1.5)
    with pytest.raises(InputError, match="no option of an environment is called 'colour'"):
        CopainEnv("grid", colour=3)  # pyright: ignore[reportCallIssue]
    with pytest.raises(InputError, match="autoreset_mode='never'"):
        CopainVectorEnv("grid", num_envs=2, autoreset_mode="never")
    with pytest.raises(InputError, match="render_mode='ascii'; rgb_array, human"):
        CopainEnv("grid", render_mode="ascii")
    env = CopainEnv("grid")
    with pytest.raises(gymnasium.error.ResetNeeded):
        env.step(0)
    env.reset(seed=1)
    with pytest.raises(InputError, match=r"the action 6 is outside of Discrete\(6\)"):
        env.step(6)
    with pytest.raises(InputError, match="integers of shape"):
        env.step(1.5)
    env.close()


def test_a_game_without_names_says_what_else_to_observe() -> None:
    game = game_by_name("grid")
    game.ram_map = RamMap("Grid", "1", game.ram_map.system, game.ram_map.sha1, {}, {})
    with pytest.raises(GameError, match="names no variables to observe"):
        CopainEnv(game)
    env = CopainEnv(
        game,
        observation="ram_bytes",
        actions="multi_binary",
        starts=Start("here"),
        reward=Parts(game),
    )
    _, info = env.reset()
    assert set(info) == {"dead", "won", "frame"}
    env.close()
