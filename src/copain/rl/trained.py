"""What was trained, by its run folder."""

from __future__ import annotations

from pathlib import Path

from copain.errors import CheckpointError
from copain.rl.checkpoint import read_weights
from copain.rl.dqn_settings import DqnSettings
from copain.rl.dqn_training import greedy
from copain.rl.evaluation import Policy
from copain.rl.learning_envs import Lesson
from copain.rl.q_network import QNetwork
from copain.rl.ram_view import RamView
from copain.rl.sb3_training import ALGORITHMS, load_model, policy_of

BESIDE_RUNNERS = "dqn beside runners"
"""The algorithm of a run in which a `DqnAgent` learned."""


def policy_in(run: Path, algorithm: str, lesson: Lesson) -> Policy:
    """The best policy in a run folder. Raises CheckpointError where there is none yet, or one
    that is not of this game.
    """
    if algorithm == BESIDE_RUNNERS:
        best = run / "best.npz"
        _check(best)
        view = RamView(lesson.game, lesson.stack)
        network = QNetwork(view.size, len(lesson.game.actions), DqnSettings().hidden)
        network.take(read_weights(best, lesson.game.name))
        return greedy(network)
    for known in ALGORITHMS:
        if algorithm == known:
            best = run / "checkpoints" / "best.zip"
            _check(best)
            return policy_of(load_model(known, best))
    raise CheckpointError(f"{str(run)!r}: this is a run of {algorithm!r}; it trained no policy")


def _check(best: Path) -> None:
    if not best.exists():
        raise CheckpointError(
            f"{str(best.parent)!r}: there is no {best.name} yet; the first comes with the first "
            "evaluation"
        )
