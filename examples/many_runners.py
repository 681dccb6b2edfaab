"""Four emulators at once, each trying its own luck; with FCEUX each is a process of its own."""

import random

import copain
from copain.fleet import CopainRun, Run
from copain.games import game_by_name, rom_path

FRAMES = 1500


def loop(nes: copain.Emulator, run: Run) -> int:
    """Play one game with random buttons; what it returns comes out of the run."""
    game = game_by_name("alouette")
    luck = random.Random(run.runner)
    for held, frames in game.start:
        nes.advance(held, frames=frames)
    best = 0
    while nes.frame < FRAMES and not run.stop.is_set():
        nes.advance(luck.choice(game.actions).held, frames=8)
        best = max(best, nes.ram["score"])
        run.progress(frame=nes.frame, best=best)
    return best


# With FCEUX, and one of its windows on your display: emulator="fceux", visible=1
outcome = CopainRun(rom_path("alouette"), loop, runners=4).run()
for runner, best in enumerate(outcome.results):
    print(f"runner {runner}: {best} points")
winner = max(range(4), key=lambda runner: outcome.results[runner])
print(f"copain {copain.__version__}: runner {winner} was luckiest")
