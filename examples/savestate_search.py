"""Search by hand: from each place try many random ways, and go on from the best that survives."""

import numpy as np

import copain
from copain.games import game_by_name, rom_path

WAYS, FRAMES, HOLD = 30, 64, 16

with copain.open(rom_path("alouette")) as nes:
    game = game_by_name("alouette")
    for held, frames in game.start:
        nes.advance(held, frames=frames)
    luck = np.random.default_rng(0)
    buttons = np.array([action.held.bits(1) for action in game.actions], np.uint16)

    here, ram = nes.save_state(), nes.ram.read_all()
    for _ in range(10):
        # Each way holds FRAMES / HOLD random actions, one after the other: (ways, frames, ports).
        choices = luck.integers(len(buttons), size=(WAYS, FRAMES // HOLD))
        ways = buttons[choices].repeat(HOLD, axis=1)
        ends = [copain.rollout(nes, here, way) for way in ways]
        alive = [end for end in ends if not game.dead(ram, end.ram)]
        if not alive:
            break
        best = max(alive, key=lambda end: int(game.score(end.ram)))
        here, ram = best.savestate, best.ram
        print(f"frame {here.frame}: {game.score(ram)} points, {len(alive)} of {WAYS} ways survive")
