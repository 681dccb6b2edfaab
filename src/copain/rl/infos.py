"""What an environment tells beside the observation: masks, how it ended, the game's variables."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from copain.errors import GameError
from copain.rl.episodes import Episodes

OWN = ("action_mask", "dead", "won", "frame", "final_obs", "final_info", "episode")
"""What copain and Gymnasium tell themselves. A variable of such a name gets an underscore."""


def variable_keys(names: list[str]) -> list[str]:
    """The keys that variables have in an info. Raises GameError where two would be one."""
    keys = [f"{name}_" if name in OWN else name for name in names]
    twice = [key for key in keys if keys.count(key) > 1]
    if twice:
        raise GameError(f"two variables would be {twice[0]!r} in the info of an environment")
    return keys


class Infos:
    """The infos of N copies, as arrays, in the way of Gymnasium's vector environments."""

    def __init__(self, episodes: Episodes) -> None:
        self._episodes = episodes
        self._keys = variable_keys(episodes.names)
        self._has_table = episodes.task.actions == "table"

    def columns(
        self, dead: npt.NDArray[np.bool_] | None = None, won: npt.NDArray[np.bool_] | None = None
    ) -> dict[str, npt.NDArray[Any]]:
        """Each key and its values of all copies, arrays of their own."""
        episodes = self._episodes
        none = np.zeros(episodes.count, np.bool_)
        columns: dict[str, npt.NDArray[Any]] = {}
        if self._has_table:
            columns["action_mask"] = episodes.allowed().astype(np.int8)
        columns["dead"] = none if dead is None else dead
        columns["won"] = none if won is None else won
        columns["frame"] = episodes.frame.copy()
        columns.update(zip(self._keys, episodes.numbers.T.copy(), strict=True))
        return columns
