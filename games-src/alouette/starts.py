"""Cut a movie into the starts of the later stages, which the game's package keeps as text.

    python starts.py RUN.fm2    write src/copain/games/alouette/starts/stage2.txt and stage3.txt

RUN.fm2 plays the game from power-on through all stages; a start is its input log up to the
stage's first frame of play. Needs copain.
"""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

import copain
from copain.games import ram_map_of, rom_path
from copain.games.alouette.game import PLAY
from copain.joypad import FrameInput, Joypad
from copain.movie import Movie, play

STARTS = Path(__file__).parents[2] / "src" / "copain" / "games" / "alouette" / "starts"


def text_of(held: list[FrameInput], version: str, stage: int) -> str:
    """Return lines of a number of frames and the buttons held in them."""
    lines = [f"# Alouette {version}: from power-on to the first frame of play of stage {stage}."]
    for what, group in groupby(held):
        pad = what.joypads[0] if what.joypads else Joypad()
        buttons = "+".join(name for name in BUTTONS if getattr(pad, name))
        lines.append(f"{len(list(group))} {buttons}".rstrip())
    return "\n".join(lines) + "\n"


BUTTONS = ("up", "down", "left", "right", "start", "a", "b")


def main(path: str) -> None:
    """Play the movie and write what came before each later stage."""
    movie, game = Movie.read(path), ram_map_of("alouette")
    first: dict[int, int] = {}
    with copain.open(rom_path("alouette")) as nes:
        variables = game.variables

        def note(frame: int) -> None:
            ram = nes.ram.read_all()
            if int(variables["mode"].decode(ram)) == PLAY:
                first.setdefault(int(variables["stage"].decode(ram)) + 1, frame)

        play(movie, nes, note)
    held = list(movie.held())
    STARTS.mkdir(exist_ok=True)
    for stage, frame in first.items():
        if stage > 1:
            text = text_of(held[:frame], game.version, stage)
            (STARTS / f"stage{stage}.txt").write_text(text)
            print(f"stage{stage}.txt: {frame} frames")


if __name__ == "__main__":
    main(sys.argv[1])
