"""DqnSettings: how a `DqnAgent` learns."""

from __future__ import annotations

from dataclasses import dataclass

from copain.errors import InputError


@dataclass(frozen=True, slots=True)
class DqnSettings:
    """How a `DqnAgent` learns.

    - `discount`: what a reward one step later counts.
    - `steps`: steps of one row; a shot that hits later is credited sooner with more.
    - `batch`: rows of one update; `updates_per_step`: updates for each step of all runners, the
      replay ratio. Runners wait for the learner rather than outrun it by more than `slack`.
    - `replay`: rows kept; `learn_from`: steps after which learning begins.
    - `epsilon`, `epsilon_steps`: how often an action is random in the end, and the steps until
      then; it begins at 1.
    - `hidden`: widths of the layers. `target_every`: updates after which the target follows.
    - `checkpoint_every`: steps. `device`: as torch names it.
    """

    discount: float = 0.99
    steps: int = 5
    batch: int = 128
    updates_per_step: float = 0.25
    slack: int = 200
    replay: int = 200_000
    learn_from: int = 10_000
    epsilon: float = 0.02
    epsilon_steps: int = 150_000
    learning_rate: float = 3e-4
    hidden: tuple[int, ...] = (256, 256)
    target_every: int = 500
    checkpoint_every: int = 100_000
    device: str = "cpu"
    seed: int = 0

    def __post_init__(self) -> None:
        positive = (
            "steps", "batch", "updates_per_step", "replay", "learning_rate", "target_every",
            "checkpoint_every", "epsilon_steps",
        )  # fmt: skip
        for name in positive:
            if getattr(self, name) <= 0:
                raise InputError(f"DqnSettings({name}={getattr(self, name)}): above 0 is needed")
        for name in ("discount", "epsilon"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"DqnSettings({name}={getattr(self, name)}): 0 to 1 is needed")
