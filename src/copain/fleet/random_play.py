"""RandomPlay: a loop for `CopainRun` that plays a game with random inputs and autofire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator
from copain.errors import InputError
from copain.fleet.copain_run import Run
from copain.games import Game
from copain.joypad import FrameInput, Joypad
from copain.system import Button

FIRE_FRAMES = 2
"""Autofire presses A for so many frames, and lets it go for as many."""


@dataclass(slots=True)
class Played:
    """What one runner has played: games begun, frames, the best score and how far it got."""

    games: int = 0
    frames: int = 0
    best_score: int = 0
    best_progress: int = 0


class RandomPlay:
    """Starts a one-player game, holds fire, moves at random, and begins again when dead.

    Actions come from the game's own table. The same seed plays the same games, each runner its
    own, on emulators that agree about the game.
    """

    def __init__(self, game: Game, seed: int = 0, *, hold: int = 12, autofire: bool = True) -> None:
        """Of `game`; each action is held for `hold` frames. Without `autofire` fire stays down."""
        if hold < 1:
            raise InputError(f"RandomPlay(hold={hold}): at least 1 frame is needed")
        self.game, self.seed, self.hold, self.autofire = game, seed, hold, autofire
        self.played: dict[int, Played] = {}
        """What each runner has played so far; it grows while they play."""

    def __call__(self, nes: Emulator, run: Run) -> Played:
        """Play until the run stops."""
        game = self.game
        luck = np.random.default_rng((self.seed, run.runner, run.attempt))
        played = self.played.setdefault(run.runner, Played())
        for held, frames in game.start:
            nes.advance(held, frames=frames)
        start = nes.save_state()
        actions = [self._presses(action.held) for action in game.actions[1:]]
        while not run.stop.is_set():
            nes.load_state(start)
            before = nes.ram.read_all()
            played.games += 1
            over = False
            while not over and not run.stop.is_set():
                presses = actions[luck.integers(len(actions))]
                for first in range(0, self.hold, FIRE_FRAMES):
                    count = min(FIRE_FRAMES, self.hold - first)
                    nes.advance(presses[first // FIRE_FRAMES % 2], frames=count)
                    played.frames += count
                    ram = nes.ram.read_all()
                    over = bool(game.dead(before, ram)) or bool(game.won(before, ram))
                    before = ram
                    if over:
                        break
                score, progress = int(game.score(before)), int(game.progress(before))
                played.best_score = max(played.best_score, score)
                played.best_progress = max(played.best_progress, progress)
                run.progress(
                    frame=nes.frame, games=played.games, score=score, best=played.best_score
                )
        return played

    def _presses(self, held: FrameInput) -> tuple[FrameInput, FrameInput]:
        """An action as it is and with fire let go; without autofire twice as it is."""
        if not self.autofire or not held.joypads:
            return held, held
        first, *others = held.joypads
        released = Joypad.from_bits(first.bits & ~int(Button.A))
        return held, FrameInput((released, *others))
