"""The rules of Grid: a level is its ROM, everything that changes is in its RAM.

A level is a text of at most 12 rows of 16 cells, after the line ``copain grid 1``; lines that
begin with ``;`` are comments::

    #  wall     S  start (one)     G  goal       o  coin, 10 points    k  key
    .  floor    x  pit, kills      D  door       ?  chest, 5 points times the luck
    -  guard that walks left and right           |  guard that walks up and down

A step takes 4 frames, a guard moves every 8. Touching a guard kills. Luck is a number from 0 to 7
that each step changes by its direction, and a stamp (A) too: a player can steer it. After
Start, and after something was taken, one frame is a lag frame: nothing moves and the input is not
polled. The goal gives 60 points less 10 for every 64 frames played, down to none; then the game
is over.

RAM holds the map as characters, as a console holds a name table, so that a poke moves a wall.
"""

from __future__ import annotations

from dataclasses import dataclass

from copain.errors import RomError
from copain.joypad import Button

MAGIC = b"copain grid 1"
WIDTH, HEIGHT = 16, 12
RAM_SIZE = 256

# Addresses in RAM; ram.toml says what each one means, and a test that the two agree.
MODE, X, Y, WAIT, CLOCK, LUCK, KEYS, SCORE, PAUSE = 0, 1, 2, 3, 4, 6, 7, 8, 10
GUARDS = 0x10
HELD = 0x20
MAP = 0x40

TITLE, PLAYING, DEAD, WON = range(4)
STEP_FRAMES, GUARD_FRAMES = 4, 8
MAX_GUARDS = 8
COIN_POINTS, CHEST_POINTS = 10, 5
GOAL_POINTS, GOAL_LOSS, GOAL_LOSS_FRAMES = 60, 10, 64

WALL, FLOOR, GOAL, COIN, KEY, PIT, DOOR, CHEST = (ord(tile) for tile in "#.GokxD?")
_TILES = frozenset("#.SGokxD?-|")
# Button, step to the right, step down, what it does to the luck.
_DIRECTIONS = (
    (int(Button.UP), 0, -1, 1),
    (int(Button.DOWN), 0, 1, 2),
    (int(Button.LEFT), -1, 0, 3),
    (int(Button.RIGHT), 1, 0, 4),
)
_STAMP, _START = int(Button.A), int(Button.START)


@dataclass(frozen=True, slots=True)
class Level:
    """A level that was read: its map as RAM holds it, the start, and each guard's round."""

    tiles: bytes
    start: tuple[int, int]
    rounds: tuple[tuple[tuple[int, int], ...], ...]


def read_level(data: bytes) -> Level:
    """The level in the bytes of a ROM. Raises RomError that says which line is wrong."""
    if not data.startswith(MAGIC):
        raise RomError(f"this is not a level of Grid: the first line must be {MAGIC.decode()!r}")
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise RomError(f"a level of Grid is plain ASCII: {error}") from None
    rows = [(number, line) for number, line in enumerate(lines, 1) if not line.startswith(";")]
    rows = [(number, line.rstrip()) for number, line in rows[1:] if line.strip()]
    if not 1 <= len(rows) <= HEIGHT:
        raise RomError(f"a level of Grid has 1 to {HEIGHT} rows, this one {len(rows)}")
    cells = [["#"] * WIDTH for _ in range(HEIGHT)]
    for y, (number, row) in enumerate(rows):
        if len(row) > WIDTH:
            raise RomError(f"line {number}: a row has at most {WIDTH} cells, this one {len(row)}")
        unknown = sorted(set(row) - _TILES)
        if unknown:
            raise RomError(
                f"line {number}: no tile is written {unknown[0]!r}; "
                f"the tiles are {' '.join(sorted(_TILES))}"
            )
        cells[y][: len(row)] = row
    starts = _places(cells, "S")
    if len(starts) != 1 or not _places(cells, "G"):
        raise RomError(f"a level of Grid has one start S (found {len(starts)}) and a goal G")
    guards = [(place, 1, 0) for place in _places(cells, "-")]
    guards += [(place, 0, 1) for place in _places(cells, "|")]
    if len(guards) > MAX_GUARDS:
        raise RomError(f"a level of Grid has at most {MAX_GUARDS} guards, this one {len(guards)}")
    tiles = "".join("".join(row) for row in cells)
    for mark in "S-|":
        tiles = tiles.replace(mark, ".")
    return Level(
        tiles=tiles.encode(),
        start=starts[0],
        rounds=tuple(_round(tiles, *guard) for guard in guards),
    )


def _places(cells: list[list[str]], mark: str) -> list[tuple[int, int]]:
    return [(x, y) for y, row in enumerate(cells) for x, cell in enumerate(row) if cell == mark]


def _round(tiles: str, place: tuple[int, int], dx: int, dy: int) -> tuple[tuple[int, int], ...]:
    """A guard's way: to the wall or door ahead, back to the one behind, and home."""

    def walk(sign: int) -> list[tuple[int, int]]:
        x, y = place
        way: list[tuple[int, int]] = []
        while True:
            x, y = x + sign * dx, y + sign * dy
            if not (0 <= x < WIDTH and 0 <= y < HEIGHT) or tiles[y * WIDTH + x] in "#D":
                return way
            way.append((x, y))

    ahead, behind = walk(1), walk(-1)
    there_and_back = [place, *ahead, *ahead[-2::-1], *([place] if ahead else [])]
    back_and_home = [*behind, *behind[-2::-1]]
    return tuple(there_and_back + back_and_home)


def title(level: Level, ram: bytearray) -> None:
    """Fill RAM as it is on the title screen, after power-on and after a reset."""
    ram[:MAP] = bytes(MAP)
    ram[X], ram[Y] = level.start
    ram[LUCK] = 1
    ram[MAP:] = level.tiles
    _place_guards(level, ram)


def tick(level: Level, ram: bytearray, held: int, held2: int = 0) -> bool:
    """Play one frame in place, with these buttons held; False if it was a lag frame."""
    if ram[PAUSE]:
        ram[PAUSE] = 0
        return False
    ram[HELD], ram[HELD + 1] = held & 0xFF, held2 & 0xFF
    mode = ram[MODE]
    if mode == PLAYING:
        _play(level, ram, held)
    elif mode in (TITLE, DEAD) and held & _START:
        title(level, ram)
        ram[HELD], ram[HELD + 1] = held & 0xFF, held2 & 0xFF
        ram[MODE], ram[PAUSE] = PLAYING, 1
    return True


def _play(level: Level, ram: bytearray, held: int) -> None:
    clock = (ram[CLOCK] | ram[CLOCK + 1] << 8) + 1 & 0xFFFF
    ram[CLOCK], ram[CLOCK + 1] = clock & 0xFF, clock >> 8
    if clock % GUARD_FRAMES == 0:
        _place_guards(level, ram)
    if ram[WAIT]:
        ram[WAIT] -= 1
    elif held:
        _step(ram, held, clock)
    if ram[MODE] != PLAYING:
        return
    x, y = ram[X], ram[Y]
    for guard in range(GUARDS, GUARDS + 2 * len(level.rounds), 2):
        if ram[guard] == x and ram[guard + 1] == y:
            ram[MODE] = DEAD


def _step(ram: bytearray, held: int, clock: int) -> None:
    """A step or a stamp, for a player who stands ready."""
    direction = next((d for d in _DIRECTIONS if held & d[0]), None)
    if direction is None:
        if held & _STAMP:
            ram[LUCK] = ram[LUCK] * 5 + 3 & 7
            ram[WAIT] = STEP_FRAMES - 1
        return
    _, dx, dy, luck = direction
    x, y = ram[X] + dx, ram[Y] + dy
    if not (0 <= x < WIDTH and 0 <= y < HEIGHT):
        return
    place = MAP + y * WIDTH + x
    tile = ram[place]
    if tile == WALL or (tile == DOOR and not ram[KEYS]):
        return
    ram[X], ram[Y] = x, y
    ram[WAIT] = STEP_FRAMES - 1
    ram[LUCK] = ram[LUCK] * 5 + luck & 7
    if tile in (COIN, CHEST, KEY, DOOR):
        ram[place] = FLOOR
        ram[PAUSE] = 1
    if tile == COIN:
        _score(ram, COIN_POINTS)
    elif tile == CHEST:
        _score(ram, CHEST_POINTS * ram[LUCK])
    elif tile == KEY:
        ram[KEYS] = min(ram[KEYS] + 1, 255)
    elif tile == DOOR:
        ram[KEYS] -= 1
    elif tile == PIT:
        ram[MODE] = DEAD
    elif tile == GOAL:
        _score(ram, max(0, GOAL_POINTS - GOAL_LOSS * (clock // GOAL_LOSS_FRAMES)))
        ram[MODE] = WON


def _score(ram: bytearray, points: int) -> None:
    score = min((ram[SCORE] | ram[SCORE + 1] << 8) + points, 0xFFFF)
    ram[SCORE], ram[SCORE + 1] = score & 0xFF, score >> 8


def _place_guards(level: Level, ram: bytearray) -> None:
    beat = (ram[CLOCK] | ram[CLOCK + 1] << 8) // GUARD_FRAMES
    for number, way in enumerate(level.rounds):
        ram[GUARDS + 2 * number], ram[GUARDS + 2 * number + 1] = way[beat % len(way)]
