"""Compose the full screens (title, stage card, ending) and the status bar out of tiles."""

from __future__ import annotations

from collections.abc import Mapping

from pictures import Picture, TileSet, cut, read_font, smooth_double
from stages import Column, speckle

COLUMNS, ROWS = 32, 30
METER_WORDS = ("SPEED", "MISSILE", "DOUBLE", "LASER", "OPTION", "SHIELD")
BOX_TILES = 4


class Screen:
    """A name table of 32 by 30 tiles and its palettes, one for every 16 by 16 pixels."""

    def __init__(self) -> None:
        self.tiles = [[0] * COLUMNS for _ in range(ROWS)]
        self.palettes = [[0] * (COLUMNS // 2) for _ in range(ROWS // 2 + 1)]

    def text(self, row: int, text: str, column: int | None = None) -> None:
        """Write capitals, in the middle unless a column is given."""
        start = (COLUMNS - len(text)) // 2 if column is None else column
        for offset, character in enumerate(text):
            self.tiles[row][start + offset] = ord(character) - 32

    def paint(self, tiles: TileSet, picture: Picture, row: int, column: int) -> None:
        """Put a picture whose size is a multiple of 8; clear tiles of it leave what is there."""
        for y in range(len(picture) // 8):
            for x in range(len(picture[0]) // 8):
                tile = cut(picture, x * 8, y * 8)
                if any(set(line) != {"0"} for line in tile):
                    self.tiles[row + y][column + x] = tiles.add(tile)

    def colour(self, first_row: int, last_row: int, palette: int) -> None:
        """Give rows of tiles (in pairs) a palette."""
        for row in range(first_row // 2, last_row // 2 + 1):
            self.palettes[row] = [palette] * (COLUMNS // 2)

    def attributes(self) -> bytes:
        """Encode the palettes. Source: https://www.nesdev.org/wiki/PPU_attribute_tables"""
        p = self.palettes
        return bytes(
            p[y][x] | p[y][x + 1] << 2 | p[y + 1][x] << 4 | p[y + 1][x + 1] << 6
            for y in range(0, 16, 2)
            for x in range(0, 16, 2)
        )

    def data(self) -> bytes:
        """Return the 1,024 bytes of the name table."""
        return bytes(tile for row in self.tiles for tile in row) + self.attributes()


def pad(picture: Picture, width: int, height: int) -> Picture:
    """Return the picture with 0 to the right and below."""
    return cut(picture, 0, 0, width, height)


def font_tiles(tiles: TileSet) -> None:
    """Tiles 0-63: the characters from blank to underscore."""
    glyphs = read_font("font")
    for code in range(32, 96):
        glyph = glyphs.get(chr(code))
        lines = pad(glyph, 8, 8) if glyph else ("0" * 8,) * 8
        tiles.add(tuple(line.replace("1", "3") for line in lines), reuse=False)


def meter_tiles(tiles: TileSet) -> int:
    """Six words of four tiles each, in small letters; the first one's number is returned."""
    glyphs = read_font("small_font")
    first = len(tiles.tiles)
    for word in METER_WORDS:
        line_of = ["0".join(glyphs[letter][y] for letter in word) for y in range(5)]
        width = BOX_TILES * 8
        left = (width - len(line_of[0])) // 2
        picture = ("0" * width, *(("0" * left + line).ljust(width, "0") for line in line_of))
        picture = pad(tuple(line.replace("1", "3") for line in picture), width, 8)
        for x in range(BOX_TILES):
            tiles.add(cut(picture, x * 8, 0), reuse=False)
    return first


def logo() -> Picture:
    """The title in large smooth letters, lit from above, with a shadow: 192 by 32."""
    glyphs = read_font("font")
    rows = [["0"] * 192 for _ in range(32)]
    for number, letter in enumerate("ALOUETTE"):
        small = tuple("0" + line + "0" for line in glyphs[letter])
        large = smooth_double(smooth_double(small))
        for shift, shade in ((2, "1"), (0, "")):
            for y, line in enumerate(large):
                for x, pixel in enumerate(line[4:24]):
                    if pixel != "0":
                        band = "3" if y < 11 else "2"
                        rows[y + shift + 1][number * 24 + x + shift] = shade or band
    return tuple("".join(row) for row in rows)


def disc(radius: int, craters: bool) -> Picture:
    """A moon or sun of twice the radius, which is a multiple of 4."""
    size = radius * 2
    rows: list[str] = []
    for y in range(size):
        line = ""
        for x in range(size):
            dx, dy = x + 0.5 - radius, y + 0.5 - radius
            inside = dx * dx + dy * dy <= radius * radius
            shade = dx * dx + (dy + 3) ** 2 > (radius - 2) ** 2 if craters else False
            spots = ((-5, -4, 3), (4, 3, 4), (6, -7, 2))
            hole = craters and any((dx - u) ** 2 + (dy - v) ** 2 < r * r for u, v, r in spots)
            line += "0" if not inside else "2" if shade or hole else "3"
        rows.append(line)
    return tuple(rows)


def hills(screen: Screen, columns: tuple[Column, ...], numbers: Mapping[str, int]) -> None:
    """Draw a stretch of a stage's floor along the bottom of a screen."""
    for x in range(COLUMNS):
        for row in range(20, ROWS):
            tile = columns[x].tiles[row - 4]
            if not tile.startswith("sky"):
                screen.tiles[row][x] = numbers[tile]


def stars(screen: Screen, numbers: Mapping[str, int], first: int, last: int) -> None:
    """Scatter stars where a screen is empty."""
    for row in range(first, last):
        for x in range(COLUMNS):
            if screen.tiles[row][x] == 0 and speckle(x, row, 41) < 14:
                screen.tiles[row][x] = numbers[f"sky_star {speckle(x, row) & 1}"]


def title_screen(
    tiles: TileSet, numbers: Mapping[str, int], columns: tuple[Column, ...], version: str
) -> Screen:
    """The title: best score and version, logo, moon, the fields below."""
    screen = Screen()
    screen.colour(0, 3, 0)
    screen.colour(4, 11, 1)
    screen.colour(12, 21, 2)
    screen.colour(22, 30, 3)
    screen.text(2, "BEST", 9)
    screen.text(2, "V" + version, 26)
    screen.paint(tiles, logo(), 6, 4)
    screen.paint(tiles, disc(16, craters=True), 12, 23)
    screen.text(11, "A LARK AGAINST THE NIGHT")
    hills(screen, columns, numbers)
    stars(screen, numbers, 4, 22)
    for x in range(10, 22):
        screen.tiles[20][x] = 0
    return screen


def dawn(width: int, height: int, sun: int) -> Picture:
    """The sky above the fields, dithered from clear (0) over 1 to 2, and a half sun of colour 3."""
    bayer = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))
    rows: list[str] = []
    for y in range(height):
        level = 2 * y / (height - 1)
        line = ""
        for x in range(width):
            dx, dy = x + 0.5 - width / 2, y + 0.5 - height
            if dx * dx + dy * dy <= sun * sun:
                line += "3"
            else:
                line += str(min(2, int(level + (bayer[y % 4][x % 4] + 0.5) / 16)))
        rows.append(line)
    return tuple(rows)


def ending_screen(
    tiles: TileSet, numbers: Mapping[str, int], columns: tuple[Column, ...]
) -> Screen:
    """The ending: morning over the wheat, and the final score."""
    screen = Screen()
    screen.colour(0, 11, 0)
    screen.colour(12, 19, 1)
    screen.colour(20, 30, 3)
    screen.text(3, "MORNING COMES,")
    screen.text(5, "AND THE LARK SINGS.")
    screen.text(8, "SCORE", 9)
    screen.text(10, "THANK YOU FOR PLAYING")
    screen.paint(tiles, dawn(COLUMNS * 8, 64, 40), 12, 0)
    for x in range(COLUMNS):
        for row in range(20, ROWS):
            kind = "under" if row < 22 else "body"
            screen.tiles[row][x] = numbers[f"{kind} {speckle(x, row) % 4}"]
    return screen


def status_rows(numbers: Mapping[str, int]) -> bytes:
    """The four rows of the status bar, without what changes."""
    screen = Screen()
    screen.text(1, "STAGE", 13)
    screen.tiles[1][27] = numbers["life"]
    screen.tiles[1][28] = ord("-") - 32
    screen.tiles[3] = [numbers["bar"]] * COLUMNS
    return bytes(tile for row in screen.tiles[:4] for tile in row)


def field_attributes(bands: tuple[tuple[int, int], ...]) -> bytes:
    """Palettes of a stage's field by height: (first row, palette); the bar's is 0."""
    screen = Screen()
    for first_row, palette in bands:
        screen.colour(first_row, 30, palette)
    return screen.attributes()
