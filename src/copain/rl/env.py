"""CopainEnv: a game as an environment of Gymnasium."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, SupportsFloat, Unpack

import gymnasium
import numpy as np
from gymnasium import error

from copain.emulator import Picture
from copain.errors import InputError
from copain.games import Game, Start
from copain.rl.episodes import Episodes
from copain.rl.infos import Infos
from copain.rl.task import Options, Task
from copain.rl.window import Window
from copain.savestate import Savestate

RENDER_MODES = ("rgb_array", "human")


class CopainEnv(gymnasium.Env[Any, Any]):
    """A game as an environment: one copy of what `CopainVectorEnv` is many of.

    `game` and `options` are those of `copain.rl.Task`. Observations are copies. `info` holds
    ``action_mask`` (int8, of the action table), ``dead``, ``won``, ``frame`` (since power-on) and
    the game's variables by name; what was learned of a table is in the observation only.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 15}

    def __init__(
        self,
        game: Game | str | None = None,
        *,
        render_mode: str | None = None,
        **options: Unpack[Options],
    ) -> None:
        """Raises GameError, RomError, InputError or EmulatorMissing for what there is not."""
        check_render_mode(render_mode)
        self.render_mode = render_mode
        task = Task.of(game, **options)
        self._episodes = Episodes(task, 1, workers=1, renders=render_mode is not None)
        self.task = task
        self.action_space = self._episodes.actions.space
        self.observation_space = self._episodes.observations.space
        self.metadata = {**self.metadata, "render_fps": self._episodes.steps_a_second}
        self._infos = Infos(self._episodes)
        self._window: Window | None = None
        self._rows = self._episodes.all_rows

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; where, is drawn, or is ``options["start"]``: a `Start` or savestate.

        Raises InputError for other options.
        """
        super().reset(seed=seed)
        places = self._episodes.places(starts_of(options, 1))
        self._episodes.generators[0] = self.np_random
        self._episodes.begin(self._rows, places)
        return self._told()

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play `action_repeat` frames with what the action holds.

        Raises InputError for an action outside of the space, and Gymnasium's ResetNeeded before
        `reset` and after an episode's end.
        """
        if not self._episodes.running[0]:
            raise error.ResetNeeded("step: this episode is over, or none has begun; call reset()")
        outcome = self._episodes.step(self._rows, np.asarray(action)[None])
        observation, info = self._told(outcome.dead, outcome.won)
        return (
            observation,
            float(outcome.reward[0]),
            bool(outcome.terminated[0]),
            bool(outcome.truncated[0]),
            info,
        )

    def render(self) -> Picture | None:  # type: ignore[override] - what Gymnasium's users expect
        """The picture of the last frame, ``uint8 (height, width, 3)``, or, in a window, None."""
        if self.render_mode != "rgb_array":
            return None
        return self._episodes.observations.picture(0)

    def action_masks(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which actions of the table are possible now: ``bool (actions,)``."""
        return self._episodes.allowed()[0]

    def save_state(self) -> Savestate:
        """The savestate of where the episode is; ``reset(options={"start": it})`` begins there."""
        return self._episodes.savestates(self._rows)[0]

    @property
    def ram(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The RAM now: a copy, ``uint8 (ram_size,)``."""
        return self._episodes.ram[0].copy()

    def close(self) -> None:
        """Close the emulator, and the window."""
        self._episodes.close()
        if self._window is not None:
            self._window.close()
            self._window = None

    def _told(self, *ends: Any) -> tuple[Any, dict[str, Any]]:
        if self.render_mode == "human":
            self._window = self._window or Window(self.task.game.name)
            picture = self._episodes.observations.picture(0)
            self._window.show(picture, self.metadata["render_fps"])
        info = {key: column[0] for key, column in self._infos.columns(*ends).items()}
        return self._episodes.observations.of(0), info


def check_render_mode(mode: str | None) -> None:
    """Raise InputError for a way of rendering that there is not."""
    if mode is not None and mode not in RENDER_MODES:
        raise InputError(f"render_mode={mode!r}; {', '.join(RENDER_MODES)} or None is allowed")


def starts_of(options: dict[str, Any] | None, count: int) -> Sequence[Start | Savestate] | None:
    """The places that `reset` is asked for by its options, one for each of `count` copies."""
    if not options:
        return None
    known = {"start", "starts"}
    unknown = sorted(set(options) - known)
    if unknown or len(options) > 1:
        raise InputError(
            f"reset(options={options!r}): 'start' (one for all), or 'starts' (one for each), is "
            "allowed"
        )
    if "start" in options:
        return [options["start"]] * count
    starts = list(options["starts"])
    if len(starts) != count:
        raise InputError(f"reset: {len(starts)} starts for {count} copies; one each is needed")
    return starts
