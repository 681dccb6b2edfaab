"""What is written on a console's screen, as text.

Test ROMs write in ASCII: a tile's number is its character. Emulators that show the nametables are
read there. Of others the picture is read: a character is found by its shape, without knowing the
font, because the font lies in the ROM in the order of ASCII.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator, HasScreen
from copain.memory import Bytes

_COLUMNS, _ROWS = 32, 30
_WORDS = re.compile(r"pass|fail|error|test|press|reset|\bok\b", re.IGNORECASE)
_NUMBERS = re.compile(r"\b(?:[0-9A-F]{2}|[0-9A-F]{8})\b")


def read_screen_text(emulator: Emulator) -> str:
    """The screen's text, lines without the empty ones; empty when none can be read."""
    tiles = _nametable(emulator)
    if tiles is not None:
        return _lines(tiles)
    if not isinstance(emulator, HasScreen):
        return ""
    return _lines_of_picture(emulator.screen, emulator.rom.data)


def _nametable(emulator: Emulator) -> Bytes | None:
    """The first nametable that has text in it: ``uint8 (30, 32)``."""
    for name, start in (("nametables", 0), ("ppu", 0x2000)):
        if name not in emulator.memory:
            continue
        domain = emulator.memory[name]
        for table in range(min(4, (len(domain) - start) // 0x400)):
            at = start + 0x400 * table
            tiles = np.frombuffer(bytes(domain[at : at + 960]), np.uint8).reshape(_ROWS, _COLUMNS)
            if len(np.unique(tiles)) > 3:
                return tiles
        return np.zeros((_ROWS, _COLUMNS), np.uint8)
    return None


def _lines(codes: npt.NDArray[np.uint8]) -> str:
    lines = [
        "".join(chr(code) if 32 < code < 127 else " " for code in row.tolist()).rstrip()
        for row in codes
    ]
    return "\n".join(line for line in lines if line.strip())


def _lines_of_picture(picture: npt.NDArray[np.uint8], rom: bytes) -> str:
    """The text of an unscrolled picture, by the shapes of the ROM's own font."""
    if picture.shape[:2] != (240, 256):
        return ""
    colours = picture.astype(np.uint32) @ np.array([0x10000, 0x100, 1], np.uint32)
    cells = colours.reshape(_ROWS, 8, _COLUMNS, 8).swapaxes(1, 2)
    background = np.bincount(np.unique(colours, return_inverse=True)[1].ravel()).argmax()
    lit = cells != np.unique(colours)[background]
    packed: Bytes = np.packbits(lit, axis=-1)
    shapes = [packed[row, column].tobytes() for row in range(_ROWS) for column in range(_COLUMNS)]
    best, text = 0, ""
    for font in _fonts(rom, [shape for shape in shapes if any(shape)]):
        codes = np.array([font.get(shape, 0) if any(shape) else 0 for shape in shapes], np.uint8)
        found = _lines(codes.reshape(_ROWS, _COLUMNS))
        score = 4 * len(_WORDS.findall(found)) + len(_NUMBERS.findall(found))
        if score > best:
            best, text = score, found
    return text


def _fonts(rom: bytes, shapes: list[bytes]) -> Iterator[dict[bytes, int]]:
    """Fonts that the ROM may have, by where the most frequent shapes are: shape to character.

    A font is 8 bytes a character, or 16 where the second plane follows, and its space is empty.
    """
    frequent = [shape for shape, _ in Counter(shapes).most_common(6)]
    tried: set[tuple[int, int]] = set()
    for shape in frequent:
        at = rom.find(shape, 16)
        while at >= 0:
            for stride in (8, 16):
                for code in range(48, 123):
                    start = at - stride * code
                    space = start + stride * 32
                    if (stride, start) in tried or space < 16 or any(rom[space : space + 8]):
                        continue
                    tried.add((stride, start))
                    font = _font(rom, start, stride)
                    if sum(other in font for other in frequent) > len(frequent) // 2:
                        yield font
            at = rom.find(shape, at + 8)


def _font(rom: bytes, start: int, stride: int) -> dict[bytes, int]:
    font: dict[bytes, int] = {}
    for code in range(33, 127):
        at = start + stride * code
        font.setdefault(rom[at : at + 8], code)
    return font
