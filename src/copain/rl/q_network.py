"""QNetwork: what each action is worth, and one step of learning it.

Double DQN (https://arxiv.org/abs/1509.06461) with a duelling head
(https://arxiv.org/abs/1511.06581), for vectors.
"""

# pyright: reportUnknownMemberType=false
# torch types its functions in part.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from copain.errors import CheckpointError, LearningError
from copain.games.game import Flags
from copain.rl.ram_view import Features
from copain.rl.replay import Rows

Weights = dict[str, npt.NDArray[np.float32]]
"""A network's numbers by name."""

_NEVER = -1e9
"""The worth of an action that is not allowed."""


class QNetwork(nn.Module):
    """Layers of ReLU, then a value and each action's advantage over the mean."""

    def __init__(self, features: int, actions: int, hidden: Sequence[int] = (256, 256)) -> None:
        super().__init__()
        widths = [features, *hidden]
        layers: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            layers += [nn.Linear(wide, narrow), nn.ReLU()]
        self.body = nn.Sequential(*layers)
        self.value = nn.Linear(widths[-1], 1)
        self.advantage = nn.Linear(widths[-1], actions)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """``float (n, features)`` to the worth of each action, ``float (n, actions)``."""
        body = self.body(features)
        advantage = self.advantage(body)
        return self.value(body) + advantage - advantage.mean(dim=1, keepdim=True)

    def best(self, features: Features, allowed: Flags) -> npt.NDArray[np.int64]:
        """The best allowed action of each row."""
        with torch.inference_mode():
            worth = self(torch.from_numpy(features)).numpy()
        return np.where(allowed, worth, _NEVER).argmax(axis=1)

    def weights(self) -> Weights:
        """A copy of all its numbers."""
        return {name: tensor.cpu().numpy().copy() for name, tensor in self.state_dict().items()}

    def take(self, weights: Weights) -> None:
        """Take over the numbers of a network like this one."""
        self.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})


class QLearner:
    """A network, its target, and Adam."""

    def __init__(
        self,
        features: int,
        actions: int,
        *,
        hidden: Sequence[int] = (256, 256),
        learning_rate: float = 3e-4,
        target_every: int = 500,
        device: str = "cpu",
    ) -> None:
        """`target_every`: updates after which the target becomes as the network is."""
        self.device = torch.device(device)
        self.network = QNetwork(features, actions, hidden).to(self.device)
        self.target = QNetwork(features, actions, hidden).to(self.device)
        self.target.load_state_dict(self.network.state_dict())
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=learning_rate)
        self.target_every = target_every
        self.updates = 0

    def learn(self, rows: Rows) -> float:
        """One update; the loss. Raises LearningError when that is no number."""
        before, after = self._tensor(rows.before), self._tensor(rows.after)
        action = self._tensor(rows.action)[:, None]
        with torch.no_grad():
            best = self.network(after).masked_fill(~self._tensor(rows.allowed), _NEVER)
            later = self.target(after).gather(1, best.argmax(dim=1, keepdim=True))[:, 0]
            wanted = self._tensor(rows.reward) + self._tensor(rows.discount) * later
        worth = self.network(before).gather(1, action)[:, 0]
        loss = nn.functional.smooth_l1_loss(worth, wanted)
        told = float(loss.item())
        if not np.isfinite(told):
            raise LearningError(
                f"the loss is {told} after {self.updates:,} updates: the learning diverged; the "
                "last checkpoint is as it was. Smaller rewards or a lower learning rate may help"
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        self.updates += 1
        if self.updates % self.target_every == 0:
            self.target.load_state_dict(self.network.state_dict())
        return told

    def to_dict(self) -> dict[str, Any]:
        """All that it has learned, for torch.save."""
        return {
            "network": self.network.state_dict(),
            "target": self.target.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "updates": self.updates,
        }

    def recall(self, stored: Mapping[str, Any]) -> None:
        """Go on from what `to_dict` gave. Raises CheckpointError for another network's."""
        try:
            self.network.load_state_dict(stored["network"])
            self.target.load_state_dict(stored["target"])
            self.optimizer.load_state_dict(stored["optimizer"])
            self.updates = int(stored["updates"])
        except (KeyError, RuntimeError, ValueError) as error:
            raise CheckpointError(f"the checkpoint is of another network: {error}") from error

    def _tensor(self, array: npt.NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(array).to(self.device)
