"""Turn the text pictures of art/ into NES tiles.

A picture is lines of the digits 0-3 (a dot is 0). A sheet is a file of named pictures; the frames
of an animation stand side by side, parted by blanks.
"""

from __future__ import annotations

from pathlib import Path

ART = Path(__file__).parent / "art"

Picture = tuple[str, ...]
"""Lines of equal length over the characters "0123"."""

TILE_BYTES = 16


class ArtError(ValueError):
    """A picture that cannot be read; the message names the file, the picture and the line."""


def read_sheet(name: str) -> dict[str, list[Picture]]:
    """Return the frames of every picture of art/<name>.txt, in the order of the file."""
    sheet: dict[str, list[Picture]] = {}
    block: list[list[str]] = []

    def close(title: str | None) -> None:
        if title is None:
            return
        frames = [tuple(line) for line in zip(*block, strict=True)]
        for frame in frames:
            if len({len(line) for line in frame}) != 1:
                raise ArtError(f"{name}.txt: the lines of {title!r} differ in length")
        sheet[title] = frames

    title: str | None = None
    for number, raw in enumerate((ART / f"{name}.txt").read_text().splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("# "):
            continue
        if line.startswith("= "):
            close(title)
            title, block = line[2:], []
            continue
        if set(line) - set(".0123 "):
            raise ArtError(f"{name}.txt:{number}: only . 0 1 2 3 and blanks are allowed: {raw!r}")
        block.append(line.replace(".", "0").split())
    close(title)
    return sheet


def read_font(name: str) -> dict[str, Picture]:
    """Return the glyphs of a font file: a line of characters, then the glyphs side by side."""
    glyphs: dict[str, Picture] = {}
    characters, block = "", list[list[str]]()

    def close() -> None:
        for character, *lines in zip(characters, *block, strict=True):
            glyphs[character] = tuple(lines)

    for line in (ART / f"{name}.txt").read_text().splitlines():
        if line.startswith("# "):
            continue
        words = line.split()
        if len(words) == 1:
            close()
            characters, block = words[0], []
        else:
            block.append([word.replace(".", "0").replace("#", "1") for word in words])
    close()
    return glyphs


def cut(picture: Picture, x: int, y: int, width: int = 8, height: int = 8) -> Picture:
    """Return the part of a picture at (x, y); what lies outside is 0."""
    rows: list[str] = []
    for row in range(y, y + height):
        line = picture[row] if 0 <= row < len(picture) else ""
        rows.append("".join(line[c] if 0 <= c < len(line) else "0" for c in range(x, x + width)))
    return tuple(rows)


def tile_bytes(tile: Picture) -> bytes:
    """Encode 8 by 8 pixels: eight bytes of low bits, then eight of high bits.

    Source: https://www.nesdev.org/wiki/PPU_pattern_tables
    """
    low = bytes(int("".join(str(int(p) & 1) for p in line), 2) for line in tile)
    high = bytes(int("".join(str(int(p) >> 1) for p in line), 2) for line in tile)
    return low + high


def smooth_double(picture: Picture) -> Picture:
    """Return the picture twice as large with its diagonals smoothed (the EPX rule).

    Source: https://en.wikipedia.org/wiki/Pixel-art_scaling_algorithms
    """
    height, width = len(picture), len(picture[0])

    def at(x: int, y: int) -> str:
        return picture[y][x] if 0 <= x < width and 0 <= y < height else "0"

    rows: list[str] = []
    for y in range(height):
        upper, lower = "", ""
        for x in range(width):
            p, a, b, c, d = at(x, y), at(x, y - 1), at(x + 1, y), at(x - 1, y), at(x, y + 1)
            upper += a if c == a and c != d and a != b else p
            upper += b if a == b and a != c and b != d else p
            lower += c if d == c and d != b and c != a else p
            lower += d if b == d and b != a and d != c else p
        rows += [upper, lower]
    return tuple(rows)


class TileSet:
    """A pattern table of at most 256 tiles; equal tiles are stored once."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tiles: list[Picture] = []

    def add(self, tile: Picture, *, reuse: bool = True) -> int:
        """Return the number of the tile, which is appended unless it is there already."""
        if reuse and tile in self.tiles:
            return self.tiles.index(tile)
        if len(self.tiles) == 256:
            raise ArtError(f"the {self.name} tiles are more than 256")
        self.tiles.append(tile)
        return len(self.tiles) - 1

    def chr(self) -> bytes:
        """Return the 4 KB of the pattern table."""
        return b"".join(map(tile_bytes, self.tiles)).ljust(256 * TILE_BYTES, b"\0")
