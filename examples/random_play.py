"""Play games with random buttons, and see how the luck falls. Same seeds, same games."""

import random

import copain
from copain.games import game_by_name, rom_path

GAME_OVER = 6  # what ram["mode"] is then, see games/alouette/ram.toml

with copain.open(rom_path("alouette")) as nes:
    game = game_by_name("alouette")
    for held, frames in game.start:  # from power-on to the first frame of play
        nes.advance(held, frames=frames)
    start = nes.save_state()

    for seed in range(5):
        luck = random.Random(seed)
        nes.load_state(start)
        best = 0
        while nes.ram["mode"] != GAME_OVER and nes.ram["frame"] < 3600:
            nes.advance(luck.choice(game.actions).held, frames=8)
            best = max(best, nes.ram["score"])  # a lost life takes points back
        print(f"seed {seed}: {best} points, game over after {nes.ram['frame']} frames")
