"""The smallest script: start the game, fly in the middle, shoot, and see how far it goes."""

import copain
from copain.games import rom_path

PLAYING = 3  # what ram["mode"] is during play, see games/alouette/ram.toml

with copain.open(rom_path("alouette")) as nes:
    nes.advance(frames=60)  # the title screen comes up
    nes.advance(copain.Joypad(start=True), frames=2)
    while nes.ram["mode"] != PLAYING:
        nes.advance()

    middle = 112
    while nes.ram["mode"] == PLAYING and nes.frame < 3600:
        y = nes.ram["ship_y"]
        nes.advance(copain.Joypad(a=True, up=y > middle, down=y < middle))

    print(f"frame {nes.frame}: {nes.ram['score']} points, {nes.ram['lives']} lives left")
