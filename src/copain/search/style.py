"""Style: wishes about how a line is played, alone, as tie-breakers, or several at once.

::

    Then(Fastest(game), FewestChanges(game))            # of equally fast lines the calmest
    Pareto(Points(game), FewestChanges(game))           # every trade of the one for the other
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from copain.errors import GameError
from copain.games import Game
from copain.games.game import Numbers
from copain.games.objective import Goal, Objective
from copain.joypad import Button
from copain.memory import Bytes

Inputs = npt.NDArray[np.uint16]

_ONES = np.array([number.bit_count() for number in range(1 << 16)], np.int64)


class FewestChanges(Objective):
    """As few buttons pressed and let go of as can be, on all ports."""

    name = "fewest-changes"

    def __init__(self, game: Game, goal: Goal | None = None) -> None:
        super().__init__(game, goal)
        self.carried = game.ram_map.system.ports + 1  # what is held on each port; the changes

    def step(
        self, prev: Bytes, ram: Bytes, inputs: Inputs, frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The changes so far, negative."""
        held = inputs.astype(np.int64)
        changes = acc[:, -1] + _ONES[held ^ acc[:, :-1]].sum(axis=1)
        return np.column_stack([held, changes]), -changes


class InRegion(Objective):
    """To be where named variables are in their ranges, as many frames as can be."""

    carried = 1

    def __init__(
        self, game: Game, region: Mapping[str, tuple[int, int]], goal: Goal | None = None
    ) -> None:
        """`region` has the lowest and highest value of each variable. Raises GameError for a
        variable that the game does not have.
        """
        super().__init__(game, goal)
        for name, (low, high) in region.items():
            if name not in game.variables:
                known = ", ".join(game.variables) or "none"
                raise GameError(f"InRegion: {game.name} has no variable {name!r}; it has {known}")
            if low > high:
                raise GameError(f"InRegion: {name} from {low} to {high}: that is nowhere")
        self.region = dict(region)
        ranges = (f"{name}={low}..{high}" for name, (low, high) in region.items())
        self.name = f"region:{','.join(ranges)}"

    def step(
        self, prev: Bytes, ram: Bytes, inputs: Inputs, frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The frames outside so far, negative."""
        inside = np.ones(len(ram), np.bool_)
        for name, (low, high) in self.region.items():
            value = self.game.value(ram, name)
            inside &= (value >= low) & (value <= high)
        outside = acc + ~inside[:, None]
        return outside, -outside[:, 0]


class OnBeat(Objective):
    """To press a button on the beats of a tempo and at no other time."""

    carried = 2  # whether it is held; beats hit less presses off the beat

    def __init__(
        self,
        game: Game,
        bpm: int | Fraction,
        goal: Goal | None = None,
        *,
        button: str = "a",
        offset: int = 0,
        port: int = 0,
    ) -> None:
        """`bpm` beats a minute, the first one in frame `offset` after power-on."""
        super().__init__(game, goal)
        if bpm <= 0:
            raise GameError(f"OnBeat(bpm={bpm}): more than 0 is needed")
        self.button, self.offset, self.port = int(Button[button.upper()]), offset, port
        self.beats_a_frame = Fraction(bpm) / 60 / Fraction(game.ram_map.system.frame_rate)
        if self.beats_a_frame > Fraction(1, 2):
            raise GameError(f"OnBeat(bpm={bpm}): a beat needs two frames, to press and to let go")
        self.name = f"beat:{bpm}:{button}:{offset}:{port}"

    def on_beat(self, frame: Numbers) -> npt.NDArray[np.bool_]:
        """Whether a beat falls into these frames, counted since power-on."""
        ratio = self.beats_a_frame
        since = frame - self.offset
        # A beat falls into the frame in which the number of beats so far grows.
        return (since >= 0) & (
            (since * ratio.numerator) // ratio.denominator
            != ((since - 1) * ratio.numerator) // ratio.denominator
        )

    def step(
        self, prev: Bytes, ram: Bytes, inputs: Inputs, frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Beats hit so far, less presses off the beat."""
        held = (inputs[:, self.port] & self.button != 0).astype(np.int64)
        pressed = (held == 1) & (acc[:, 0] == 0)
        hits = acc[:, 1] + np.where(pressed, np.where(self.on_beat(frame), 1, -1), 0)
        return np.column_stack([held, hits]), hits


class Then(Objective):
    """One wish first; of lines equal in it, the second decides. Both in one score.

    The second's score must be within bounds, which are stated: from `least` to `most`.
    """

    def __init__(
        self, first: Objective, second: Objective, *, least: int = -(1 << 15), most: int = 1 << 15
    ) -> None:
        """The game and the goal are those of `first`. Raises GameError for no range at all, and,
        when searched, for scores that leave the bounds or do not fit into 64 bits together.
        """
        super().__init__(first.game, first.goal)
        if most <= least:
            raise GameError(f"Then(least={least}, most={most}): least < most is needed")
        self.first, self.second, self.least, self.most = first, second, least, most
        self.span = most - least + 1
        self.carried = first.carried + second.carried
        self.name = f"{first.name} then {second.name} ({least}..{most})"

    def begin(self, ram: Bytes) -> Numbers:
        """What both carry."""
        return np.concatenate([self.first.begin(ram), self.second.begin(ram)], axis=1)

    def step(
        self, prev: Bytes, ram: Bytes, inputs: Inputs, frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """Both scores in one."""
        cut = self.first.carried
        one, high = self.first.step(prev, ram, inputs, frame, acc[:, :cut])
        two, low = self.second.step(prev, ram, inputs, frame, acc[:, cut:])
        if len(low) and (low.min() < self.least or low.max() > self.most):
            raise GameError(
                f"{self.second.name} gave {low.min()} to {low.max()}, outside of the bounds stated "
                f"in Then(least={self.least}, most={self.most}); give wider ones"
            )
        limit = (1 << 62) // self.span
        if len(high) and (high.min() < -limit or high.max() > limit):
            raise GameError(
                f"{self.first.name} gave {high.min()} to {high.max()}; with {self.span} scores of "
                f"{self.second.name} below, {-limit} to {limit} fit into 64 bits: give narrower "
                "bounds to Then"
            )
        return np.concatenate([one, two], axis=1), high * self.span + (low - self.least)


class Pareto(Objective):
    """Several wishes at once: lines are kept of which no other is better in one and as good in
    all others. The first one leads: its score is what is shown.
    """

    def __init__(self, *objectives: Objective) -> None:
        """The game and the goal are those of the first."""
        super().__init__(objectives[0].game, objectives[0].goal)
        self.objectives = objectives
        self.carried = sum(each.carried for each in objectives) + len(objectives)
        self.name = " and ".join(each.name for each in objectives)

    def begin(self, ram: Bytes) -> Numbers:
        """What all carry, and their scores."""
        scores = np.zeros((len(ram), len(self.objectives)), np.int64)
        return np.concatenate([*(each.begin(ram) for each in self.objectives), scores], axis=1)

    def step(
        self, prev: Bytes, ram: Bytes, inputs: Inputs, frame: Numbers, acc: Numbers
    ) -> tuple[Numbers, Numbers]:
        """The first one's score; all scores are carried."""
        carried: list[Numbers] = []
        scores: list[Numbers] = []
        at = 0
        for each in self.objectives:
            mine, score = each.step(prev, ram, inputs, frame, acc[:, at : at + each.carried])
            at += each.carried
            carried.append(mine)
            scores.append(score)
        return np.concatenate([*carried, np.stack(scores, axis=1)], axis=1), scores[0]

    def wishes(self, score: Numbers, acc: Numbers) -> Numbers:
        """All scores: ``int64 (B, objectives)``."""
        return acc[:, -len(self.objectives) :]
