"""Programs of a few bytes that play the joypad, for systems without a free game at hand.

Each reads the joypad again and again: what it reads lies in RAM, its sum too (so that what was
pressed is never forgotten), and a count; the sum is a colour on the screen. They are enough to see
whether frames, inputs, savestates, RAM and pictures keep their promises; they make no sound.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_GAME_BOY = bytes.fromhex(
    "f3"  # di
    "3e20 e000 f000 f000 ea01c0"  # again: directions to c001
    "3e10 e000 f000 f000 ea02c0"  # buttons to c002
    "2103c0 86 77"  # ld hl,c003; add a,(hl); ld (hl),a
    "fa01c0 2104c0 86 77"  # the same of the directions to c004
    "e047"  # ldh (BGP),a: the background's colours
    "2100c0 34 18d5"  # inc (c000); jr again
)
_GBA = (
    0xE3A00402, 0xE3A01301, 0xE2811E13,  # r0 = 2000000, work RAM; r1 = 4000130, the buttons
    0xE3A04405, 0xE3A05301, 0xE3A06000, 0xE1C560B0,  # r4 = 5000000, palette; the picture on
    0xE1D120B0, 0xE1C020B2,  # again: r2 = buttons; [r0 + 2] = r2
    0xE5903004, 0xE0833002, 0xE5803004, 0xE1C430B0,  # [r0 + 4] += r2; the background's colour
    0xE5D03000, 0xE2833001, 0xE5C03000,  # [r0] += 1, a byte
    0xEAFFFFF5,  # b again
)  # fmt: skip
_SNES = bytes.fromhex(
    "78 a901 8d0042 a90f 8d0021"  # sei; let the console read the joypads; the picture on
    "ad1842 8d0100 ad1942 8d0200"  # again: joypad 1 to 1 and 2
    "18 6d0300 8d0300"  # add its second half to 3
    "a900 8d2121 ad0300 8d2221 8d2221"  # which is the background's colour
    "ee0000 80da"  # inc 0; bra again
)
_PC_ENGINE = bytes.fromhex(
    "78 a9ff 5301 a9f8 5302"  # sei; the chips to page 0, RAM to page 1
    "ee0020 a903 8d0010"  # again: inc 2000; a multitap to its first joypad
    "a901 8d0010 ad0010 8d0120"  # directions to 2001
    "a900 8d0010 ad0010 8d0220"  # buttons to 2002
    "18 ad0320 6d0220 8d0320"  # add them to 2003
    "a900 8d0204 8d0304 ad0320 8d0404 a900 8d0504"  # colour 0
    "a901 8d0304 a900 8d0204 ad0320 8d0404 a900 8d0504"  # and 100, the border's
    "80ae"  # bra again
)
_PACMAN = bytes.fromhex(
    "f3"  # di
    "3a0050 32004c"  # again: ld a,(IN0); ld (4c00),a: coin slot and joystick 1
    "3a4050 32014c"  # ld a,(IN1); ld (4c01),a: start and joystick 2
    "21034c 86 77 324046"  # ld hl,4c03; add a,(hl); ld (hl),a; ld (4640),a: a tile's colours
    "21024c 34"  # ld hl,4c02; inc (hl)
    "32c050 18e3"  # ld (watchdog),a; jr again
)


def game_boy() -> bytes:
    """A cartridge of the Game Boy, 32 KB."""
    rom = bytearray(0x8000)
    rom[0x100:0x104] = b"\x00\xc3\x50\x01"  # nop; jp 0150
    rom[0x104:0x108] = b"\xce\xed\x66\x66"  # by which it is known
    rom[0x150 : 0x150 + len(_GAME_BOY)] = _GAME_BOY
    rom[0x14D] = -sum(rom[0x134:0x14D]) - 25 & 0xFF
    return bytes(rom)


def game_boy_advance() -> bytes:
    """A cartridge of the Game Boy Advance."""
    rom = bytearray(0x400)
    rom[0:4] = (0xEA00002E).to_bytes(4, "little")  # b 0c0
    rom[0xB2] = 0x96
    rom[0xBD] = -sum(rom[0xA0:0xBD]) - 0x19 & 0xFF
    code = b"".join(word.to_bytes(4, "little") for word in _GBA)
    rom[0xC0 : 0xC0 + len(code)] = code
    return bytes(rom)


def snes() -> bytes:
    """A cartridge of the Super Nintendo, 32 KB."""
    rom = bytearray(0x8000)
    rom[: len(_SNES)] = _SNES
    rom[0x7FC0:0x7FD5] = b"COPAIN JOYPAD".ljust(21)
    rom[0x7FD5:0x7FDA] = b"\x20\x00\x05\x00\x01"
    rom[0x7FFC:0x7FFE] = b"\x00\x80"
    total = sum(rom) + 2 * 0xFF & 0xFFFF
    rom[0x7FDC:0x7FE0] = (total ^ 0xFFFF).to_bytes(2, "little") + total.to_bytes(2, "little")
    return bytes(rom)


def pc_engine() -> bytes:
    """A card of the PC Engine, 8 KB."""
    return _PC_ENGINE.ljust(0x1FFE, b"\0") + b"\x00\xe0"


def pacman_set() -> bytes:
    """An arcade set of MAME's machine ``pacman``; MAME warns that it is another one, and runs."""
    chips = {f"pacman.6{place}": 4096 for place in "efhj"} | {
        "pacman.5e": 4096, "pacman.5f": 4096, "82s123.7f": 32, "82s126.4a": 256,
        "82s126.1m": 256, "82s126.3m": 256,
    }  # fmt: skip
    contents = {
        "pacman.6e": _PACMAN,
        "82s123.7f": bytes(8 * number & 0xFF for number in range(32)),  # colours
        "82s126.4a": bytes(number >> 2 & 15 for number in range(256)),  # which of them a tile has
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, size in chips.items():
            archive.writestr(name, contents.get(name, b"").ljust(size, b"\0"))
    return data.getvalue()


def write_small_games(folder: Path) -> list[Path]:
    """Write all of them into `folder`, each with its system's ending; gives their paths."""
    games = {
        "joypad-gb.gb": game_boy(), "joypad-gba.gba": game_boy_advance(),
        "joypad-snes.sfc": snes(), "joypad-pce.pce": pc_engine(), "pacman.zip": pacman_set(),
    }  # fmt: skip
    for name, data in games.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in games]
