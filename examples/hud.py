"""A HUD in FCEUX, drawn from Python: hitboxes, what RAM says, and which writes change the score.

``python examples/hud.py`` plays without a window and saves hud.png; ``python examples/hud.py
--visible`` shows FCEUX's window at the console's speed. Needs FCEUX (Debian: apt install fceux).
"""

import sys

from PIL import Image

import copain
from copain.backends.fceux import FceuxEmulator
from copain.games import rom_path

ENEMY_KIND, ENEMY_X, ENEMY_Y = 0x400, 0x410, 0x420  # 16 of each, see games/alouette/ram.toml
BULLET_ON, BULLET_X, BULLET_Y = 0x540, 0x548, 0x550  # 8 of each
CAPSULE = 2
PLAYING = 3
SCORE = 0x22

# Two boxes of these meet exactly when the game says that lark and enemy touch (ship_hit in
# games-src/alouette/asm/play.s: left edges at most 10 apart, top edges at most 8).
LEFT, TOP, RIGHT, BOTTOM = 3, 4, 13, 12


def draw(nes: FceuxEmulator) -> None:
    """Draw on the picture that FCEUX is about to show."""
    gui, ram = nes.lua.gui, nes.ram
    if ram["mode"] != PLAYING:
        return

    def hitbox(x: int, y: int, colour: str) -> None:
        gui.box(x + LEFT, y + TOP, x + RIGHT, y + BOTTOM, "clear", colour)

    hitbox(ram["ship_x"], ram["ship_y"], "green")
    for i in range(16):
        kind = ram[ENEMY_KIND + i]
        if kind >= CAPSULE:
            colour = "cyan" if kind == CAPSULE else "red"
            hitbox(ram[ENEMY_X + i], ram[ENEMY_Y + i], colour)
    for i in range(8):
        if ram[BULLET_ON + i]:
            x, y = ram[BULLET_X + i] + 4, ram[BULLET_Y + i] + 8
            gui.box(x - 1, y - 1, x + 1, y + 1, "yellow", "yellow")
    place = f"{ram['ship_x']:3},{ram['ship_y']:3}"
    gui.text(
        2, 10, f"{place}  scroll {ram['scroll']}  fire {ram['fire_wait']}", "white", "#000000A0"
    )


visible = "--visible" in sys.argv
with copain.open(rom_path("alouette"), emulator="fceux", visible=visible) as nes:
    points: list[int] = []
    nes.lua.gui.register(lambda: draw(nes))
    nes.lua.memory.registerwrite(SCORE, 7, lambda address, size, value: points.append(nes.frame))

    nes.advance(frames=60)  # the title screen comes up
    nes.advance(copain.Joypad(start=True), frames=2)
    while nes.ram["mode"] != PLAYING:
        nes.advance()
    points.clear()
    while nes.ram["mode"] == PLAYING and nes.frame < 640:
        y = nes.ram["ship_y"]
        nes.advance(copain.Joypad(a=True, up=y > 112, down=y < 112))

    Image.fromarray(nes.screen).save("hud.png")
    print(f"frame {nes.frame}: the score was written in {len(set(points))} frames, see hud.png")
