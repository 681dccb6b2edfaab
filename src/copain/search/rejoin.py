"""Rejoining: when a changed line may be taken to have come back to the old one."""

from __future__ import annotations

import numpy as np

from copain.games import Game
from copain.games.game import Flags
from copain.memory import Bytes


def rejoin_mask(game: Game, ram: Bytes) -> Bytes:
    """What of RAM two lines must share to be in the same place: all but clocks and the score.

    `ram` is ``uint8 (frames, ram_size)``, of a line that was played; the mask is
    ``uint8 (ram_size,)``. A proposal only: what counts is how a line plays to its end.
    """
    mask = np.full(ram.shape[1], 0xFF, np.uint8)
    mask[clocks(ram) | score_bytes(game, ram)] = 0
    return mask


def clocks(ram: Bytes) -> Flags:
    """Which bytes tell the time: they step by one in most frames, or when such a byte beside
    them wraps. ``uint8 (frames, ram_size)`` to ``bool (ram_size,)``.
    """
    steps = ram[1:] - ram[:-1]  # modulo 256
    found = np.zeros(ram.shape[1], np.bool_)
    if not len(steps):
        return found
    for step, first in ((1, 0), (255, 255)):
        telling = np.flatnonzero((steps == step).mean(axis=0) > 0.5)
        found[telling] = True
        for byte in telling.tolist():
            wraps = (steps[:, byte] == step) & (ram[1:, byte] == first)
            for beside in (byte - 1, byte + 1):
                if 0 <= beside < len(found):
                    moves = steps[:, beside] != 0
                    carries = (steps[moves, beside] == step).all() and not (moves & ~wraps).any()
                    found[beside] |= bool(moves.any() and carries)
    return found


def score_bytes(game: Game, ram: Bytes) -> Flags:
    """Which bytes the game's score is read from: ``bool (ram_size,)``."""
    size = ram.shape[1]
    found = np.zeros(size, np.bool_)
    for row in np.unique(np.linspace(0, len(ram) - 1, 4).astype(np.int64)).tolist():
        for flip in (1, 0xFF):
            changed = np.repeat(ram[row : row + 1], size, axis=0)
            changed[np.arange(size), np.arange(size)] ^= np.uint8(flip)
            found |= game.score(changed) != game.score(ram[row : row + 1])
    return found
