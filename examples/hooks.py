"""Hooks: which instruction takes the lives, and when? Colibri calls back as it happens."""

import copain
from copain.games import rom_path

with copain.open(rom_path("alouette"), "colibri") as nes:
    nes.advance(frames=60)  # the title screen comes up
    lives: list[int] = []

    def written(address: int, value: int) -> None:
        """Called at each write to the byte of the lives, amid the instruction that does it."""
        (by,) = nes.disassemble(nes.registers.pc)
        print(f"frame {nes.frame}, cycle {nes.cycles}: {by.address:04X} {by.text} writes {value}")
        lives.append(value)

    nes.on_write("lives", written)
    nes.advance(copain.Joypad(start=True), frames=2)
    while (not lives or lives[-1] > 0) and nes.frame < 6000:
        nes.advance(frames=10)
    told = ", ".join(str(value) for value in lives)
    print(f"frame {nes.frame}: lives {told}; {nes.instructions:,} instructions")
