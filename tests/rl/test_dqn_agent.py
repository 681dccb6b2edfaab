"""The agent beside the runners: it learns, keeps its replay ratio, and goes on after a stop."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from copain.errors import CheckpointError, LearningError
from copain.fleet import CopainRun, Transition
from copain.games import game_by_name, rom_path
from copain.rl.checkpoint import read_checkpoint
from copain.rl.dqn_agent import DqnAgent
from copain.rl.dqn_settings import DqnSettings
from copain.rl.episode_loop import Episode, EpisodeLoop
from copain.rl.ram_view import RamView

Floats = npt.NDArray[np.float32]

WAY = 4
"""Places of a way along which only one action leads on, each time another one."""
QUICK = DqnSettings(
    steps=2, batch=32, updates_per_step=0.5, slack=20, replay=2000, learn_from=100,
    epsilon_steps=600, hidden=(32,), learning_rate=3e-3, target_every=50, discount=0.9, seed=3,
)  # fmt: skip


def encode(observations: Sequence[int]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """A place as one feature each; the third action is never allowed."""
    allowed = np.ones((len(observations), 3), np.bool_)
    allowed[:, 2] = False
    return np.eye(WAY, dtype=np.float32)[list(observations)], allowed


@contextmanager
def started(agent: DqnAgent, runners: int = 2) -> Generator[DqnAgent]:
    agent.start(runners)
    try:
        yield agent
    finally:
        agent.kill()


def walk(agent: DqnAgent, steps: int, reward: float = 1.0) -> float:
    """Two runners walk side by side; the share of the last 100 walks that reached the end."""
    places, walks = [0, 0], [0.0]
    made = 0
    while made < steps:
        for action, runner in zip(agent.ask(list(places), [0, 1]), (0, 1), strict=True):
            assert action != 2
            here = places[runner]
            right = action == here % 2
            end = not right or here == WAY - 1
            after = 0 if end else here + 1
            won = right and here == WAY - 1
            agent.tell(Transition(runner, here, action, reward * won, after, terminated=end))
            places[runner] = after
            if end:
                walks.append(float(won))
            made += 1
    return float(np.mean(walks[-100:]))


def test_learns_the_way_keeps_its_replay_ratio_and_goes_on_with_its_buffer(tmp_path: Path) -> None:
    with started(
        DqnAgent(encode, WAY, 3, QUICK, game="way", most_steps=1500, folder=tmp_path)
    ) as a:
        assert walk(a, 1500) > 0.8
        assert a.finished.is_set()
        assert a.learned.updates == (1500 - 100) * 0.5
        answers = a.network.best(*encode(range(WAY)))
        assert answers.tolist() == [0, 1, 0, 1]
    stored = read_checkpoint(tmp_path / "checkpoint.npz")
    assert stored.counts["steps"] == 1500
    assert len(stored.arrays["action"]) > 1000
    again = DqnAgent(encode, WAY, 3, QUICK, game="way", most_steps=1600, folder=tmp_path)
    with started(again):
        assert again.steps == 1500
        assert again.epsilon == pytest.approx(QUICK.epsilon)
        assert again.network.best(*encode(range(WAY))).tolist() == answers.tolist()
        assert again.learned.rows == len(stored.arrays["action"])
        assert walk(again, 100) > 0.8
        assert again.learned.updates == (1600 - 100) * 0.5


def test_rewards_of_later_steps_are_discounted_up_to_the_end_of_the_episode(tmp_path: Path) -> None:
    settings = DqnSettings(steps=3, discount=0.5, learn_from=10_000)
    agent = DqnAgent(encode, WAY, 3, settings, game="way", folder=tmp_path)
    with started(agent, 1):
        for here, reward in ((0, 1.0), (1, 2.0), (2, 4.0), (3, 8.0)):
            agent.ask([here], [0])
            agent.tell(Transition(0, here, 0, reward, min(here + 1, 3), terminated=here == 3))
        agent.ask([0], [0])
        agent.tell(Transition(0, 0, 1, 16.0, 1, truncated=True))
        agent.stop()
    rows = read_checkpoint(tmp_path / "checkpoint.npz").arrays
    assert rows["reward"].tolist() == [3.0, 6.0, 8.0, 8.0, 16.0]
    # After three steps a quarter of a half; nothing after the end; the value where it broke off.
    assert rows["discount"].tolist() == [0.125, 0.0, 0.0, 0.0, 0.5]
    assert rows["before"].argmax(axis=1).tolist() == [0, 1, 2, 3, 0]
    assert rows["after"].argmax(axis=1)[[0, 4]].tolist() == [3, 1]


def test_refuses_a_checkpoint_of_another_game(tmp_path: Path) -> None:
    with started(DqnAgent(encode, WAY, 3, QUICK, game="way", folder=tmp_path)) as agent:
        walk(agent, 10)
        agent.save()
    other = DqnAgent(encode, WAY, 3, QUICK, game="another", folder=tmp_path)
    with pytest.raises(CheckpointError, match="it is of way, not of another"):
        other.start(1)
    (tmp_path / "checkpoint.npz").write_bytes(b"PK no archive")
    with pytest.raises(CheckpointError, match=r"cannot be read.*remove it"):
        DqnAgent(encode, WAY, 3, QUICK, game="way", folder=tmp_path).start(1)


def test_stops_when_the_loss_is_no_number_and_the_checkpoint_stays(tmp_path: Path) -> None:
    with started(DqnAgent(encode, WAY, 3, QUICK, game="way", folder=tmp_path)) as agent:
        walk(agent, 200)
        agent.save()
        before = (tmp_path / "checkpoint.npz").read_bytes()
        with pytest.raises(LearningError, match=r"the loss is (nan|inf) after"):
            walk(agent, 2000, reward=float("nan"))
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def test_a_full_disk_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    with started(DqnAgent(encode, WAY, 3, QUICK, game="way", folder=tmp_path)) as agent:
        walk(agent, 200)
        agent.save()
        before = (tmp_path / "checkpoint.npz").read_bytes()
        (tmp_path / "checkpoint.partial").symlink_to("/dev/full")
        walk(agent, 200)
        with pytest.raises(CheckpointError, match="No space left on device"):
            agent.save()
        assert (tmp_path / "checkpoint.npz").read_bytes() == before
        agent.save()
        assert (tmp_path / "checkpoint.npz").read_bytes() != before


def test_runners_of_a_run_play_episodes_for_it() -> None:
    game = game_by_name("alouette")
    view = RamView(game)
    settings = DqnSettings(learn_from=100, epsilon_steps=1000, replay=2000)
    agent = DqnAgent(view.encode, view.size, len(game.actions), settings, most_steps=600)
    episodes: list[Episode] = []

    def reward(prev: npt.NDArray[np.uint8], ram: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        return (game.score(ram) - game.score(prev)) / 100

    loop = EpisodeLoop(
        game, game.starts("train"), reward, practice=0.5, finished=agent.finished,
        on_episode=episodes.append,
    )  # fmt: skip
    outcome = CopainRun(rom_path("alouette"), loop, 4, agent=agent, display=False).run()
    assert sum(outcome.results) == len(episodes) >= 3
    assert 600 <= agent.steps < 610
    assert agent.learned.updates == (600 - 100) // 4
    assert all(episode.dead and not episode.won for episode in episodes)
    starts = [episode for episode in episodes if not episode.practised]
    assert all(episode.reward * 100 == pytest.approx(episode.score) for episode in starts)
