"""What an agent's actions press: from what it gives to what is held on each port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from copain.errors import InputError
from copain.games import Game
from copain.system import Button, System

ActionKind: TypeAlias = Literal["table", "multi_binary", "multi_discrete"]
ACTION_KINDS = ("table", "multi_binary", "multi_discrete")

Held = npt.NDArray[np.uint16]
"""What is held, of each copy on each port: ``uint16 (B, ports)``."""

Space: TypeAlias = "spaces.Discrete | spaces.MultiBinary | spaces.MultiDiscrete"

_AXES = ((Button.UP, Button.DOWN), (Button.LEFT, Button.RIGHT))


class Actions:
    """The actions of an environment: their space, and what each of them holds.

    ``table``: an index of the game's action table. ``multi_binary``: a flag for each button of
    port 1, in the order of `System.buttons`; all combinations, also left with right.
    ``multi_discrete``: nothing, up or down; nothing, left or right; and for each other button
    whether it is held.
    """

    def __init__(self, kind: str, game: Game, system: System) -> None:
        """Raises InputError for a kind that there is not."""
        if kind not in ACTION_KINDS:
            raise InputError(f"actions={kind!r}; {', '.join(ACTION_KINDS)} are allowed")
        self.kind: ActionKind = kind
        self._game, self._ports = game, system.ports
        self._buttons = np.array(system.buttons, np.uint16)
        self._others = [b for b in system.buttons if not any(b in axis for axis in _AXES)]
        self._table = np.array([a.held.bits(self._ports) for a in game.actions], np.uint16)
        self.space: Space
        self._held_of: Callable[[npt.NDArray[Any]], npt.NDArray[np.uint16]]
        if kind == "table":
            self.space, self._held_of = spaces.Discrete(len(self._table)), self._of_table
        elif kind == "multi_binary":
            self.space, self._held_of = spaces.MultiBinary(len(self._buttons)), self._of_flags
        else:
            choices = [3, 3, *(2 for _ in self._others)]
            self.space, self._held_of = spaces.MultiDiscrete(choices), self._of_choices
            self._choices = self._choice_bits()

    def __len__(self) -> int:
        return len(self._table)

    def held(self, actions: npt.ArrayLike, count: int) -> Held:
        """What `count` actions hold. Raises InputError for those outside of the space."""
        given = np.asarray(actions)
        self.check_count(given, count)
        if given.size:
            most = self._most()
            wrong = (given < 0) | (given > most)
            if wrong.any():
                raise InputError(
                    f"step: the action {given[wrong][0]} is outside of {self.space}" + self._names()
                )
        return self._held_of(given)

    def check_count(self, actions: npt.NDArray[Any], count: int) -> None:
        """Raise InputError unless these are integers, for `count` copies."""
        shape = (count, *(self.space.shape or ()))
        if actions.shape != shape or actions.dtype.kind not in "iub":
            raise InputError(
                f"step: actions of shape {actions.shape} and type {actions.dtype}; integers of "
                f"shape {shape} are needed, of {self.space}"
            )

    def _most(self) -> npt.NDArray[np.int64]:
        if isinstance(self.space, spaces.MultiDiscrete):
            return np.asarray(self.space.nvec, np.int64) - 1
        return np.array(1 if self.kind == "multi_binary" else len(self._table) - 1, np.int64)

    def _names(self) -> str:
        if self.kind != "table":
            return ""
        return "; the actions are " + ", ".join(
            f"{number} {action.name}" for number, action in enumerate(self._game.actions)
        )

    def _of_table(self, given: npt.NDArray[Any]) -> Held:
        return self._table[given.astype(np.intp)]

    def _of_flags(self, given: npt.NDArray[Any]) -> Held:
        return self._on_port_1((given.astype(np.uint16) @ self._buttons).astype(np.uint16))

    def _of_choices(self, given: npt.NDArray[Any]) -> Held:
        columns = np.arange(len(self._choices))
        pressed = self._choices[columns, given.astype(np.intp)]
        return self._on_port_1(np.bitwise_or.reduce(pressed, axis=-1))

    def _on_port_1(self, bits: npt.NDArray[np.uint16]) -> Held:
        held = np.zeros((len(bits), self._ports), np.uint16)
        held[:, 0] = bits
        return held

    def _choice_bits(self) -> npt.NDArray[np.uint16]:
        rows = [(0, *axis) for axis in _AXES] + [(0, button, 0) for button in self._others]
        return np.array(rows, np.uint16)
