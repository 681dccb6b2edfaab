"""Build alouette.nes, ram.toml and script.toml from source.

    python build.py            build, write them into src/copain/games/alouette
    python build.py --check    build elsewhere, and say whether they agree with what is there

Needs ca65 and ld65 (Debian: cc65) and Python 3.11. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import screens
from pictures import TileSet, cut, read_sheet
from stages import FIRST_TARGET, Game, Row, Stage, load_game

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "copain" / "games" / "alouette"
BULLET_SPEED = 1.75
SINE_HEIGHT = 26
BANKS, BANK_BYTES = 4, 8192


class BuildError(RuntimeError):
    """The ROM cannot be built; the message says which tool said what."""


# ---- assembler text ----


def byte_lines(data: bytes | list[int]) -> str:
    values = [f"${value & 0xFF:02X}" for value in data]
    return "\n".join(
        "    .byte " + ", ".join(values[i : i + 16]) for i in range(0, len(values), 16)
    )


def table(label: str, data: bytes | list[int]) -> str:
    return f"{label}:\n{byte_lines(data)}"


def split_words(label: str, words: list[str]) -> str:
    listed = ", ".join(words)
    return f"{label}_lo: .lobytes {listed}\n{label}_hi: .hibytes {listed}"


def packed_tens(points: int) -> tuple[int, int]:
    """Points as packed decimal tens, high byte and low byte."""
    if points % 10 or not 0 <= points <= 99990:
        raise BuildError(f"{points} points: multiples of 10 up to 99,990 are allowed")
    digits = f"{points // 10:04d}"
    return int(digits[:2], 16), int(digits[2:], 16)


def fixed(speed: float) -> int:
    """8.8 fixed point, two's complement."""
    return round(speed * 256) & 0xFFFF


def split_table(label: str, pairs: list[tuple[int, int]]) -> str:
    return (
        table(f"{label}_hi", [p[0] for p in pairs])
        + "\n"
        + table(f"{label}_lo", [p[1] for p in pairs])
    )


def split_fixed(label: str, speeds: list[float]) -> str:
    values = [fixed(speed) for speed in speeds]
    return table(f"{label}h", [v >> 8 for v in values]) + "\n" + table(f"{label}l", values)


# ---- tables ----


def kind_tables(game: Game, sprites: dict[str, int]) -> str:
    kinds = [None, *game.kinds]
    return "\n".join(
        [
            table("kind_hp", [k.hp if k else 0 for k in kinds]),
            split_table("kind_points", [packed_tens(k.points if k else 0) for k in kinds]),
            split_fixed("kind_vx", [k.speed if k else 0.0 for k in kinds]),
            table("kind_timer", [k.timer if k else 0 for k in kinds]),
            table("kind_tile", [sprites[k.sprite] if k else 0 for k in kinds]),
            table("kind_attr", [k.palette if k else 0 for k in kinds]),
            table("kind_anim", [k.anim if k else 0 for k in kinds]),
        ]
    )


def script_row(row: Row) -> bytes:
    code = {"checkpoint": 0xF0, "boss": 0xF1}.get(row.what) or (row.kind.number if row.kind else 0)
    flags = row.wave | (0x80 if row.red else 0)
    return row.at.to_bytes(2, "little") + bytes([code, row.y, flags, row.variant])


def pack_column(tiles: bytes) -> bytes:
    """Runs (count, tile) and literals (128 + count, tiles), a 0 at the end."""
    out, literal, i = bytearray(), bytearray(), 0

    def flush() -> None:
        if literal:
            out.append(0x80 | len(literal))
            out.extend(literal)
            literal.clear()

    while i < len(tiles):
        run = 1
        while i + run < len(tiles) and tiles[i + run] == tiles[i]:
            run += 1
        if run > 2:
            flush()
            out.extend((run, tiles[i]))
        else:
            literal.extend(tiles[i : i + run])
        i += run
    flush()
    return bytes(out) + b"\0"


def stage_tables(stage: Stage, numbers: dict[str, int]) -> str:
    name = f"stage{stage.number}"
    columns: list[bytes] = []
    order: list[int] = []
    for column in stage.columns:
        outline = bytes([column.ceiling, column.floor, column.island_top, column.island_bottom])
        packed = outline + pack_column(bytes(numbers[tile] for tile in column.tiles))
        if packed not in columns:
            columns.append(packed)
        order.append(columns.index(packed))
    labels = [f"{name}_c{i}" for i in range(len(columns))]
    script = b"".join(map(script_row, stage.rows)) + b"\xff\xff\0\0\0\0"
    parts = [table(f"{name}_script", script), table(f"{name}_map", order)]
    parts += [f"{name}_cols:"]
    for half in (".lobytes", ".hibytes"):
        padded = labels + [labels[0]] * (256 - len(labels))
        parts += [f"    {half} {', '.join(padded[i : i + 16])}" for i in range(0, 256, 16)]
    parts += [table(label, data) for label, data in zip(labels, columns, strict=True)]
    palette = " ".join(stage.palettes)
    parts.append(table(f"{name}_palette", bytes.fromhex(palette)))
    parts.append(table(f"{name}_attributes", screens.field_attributes(stage.bands)))
    lines = (
        (12, "card", f"STAGE {stage.number}"),
        (15, "name", stage.name),
        (19, "story", stage.story),
    )
    for line, label, text in lines:
        address = 0x2000 + line * 32 + (32 - len(text)) // 2
        parts.append(table(f"{name}_{label}", address.to_bytes(2, "big") + text.encode() + b"\0"))
    return "\n".join(parts)


def game_tables(game: Game, pictures: Pictures) -> str:
    stages = game.stages
    names = [f"stage{stage.number}" for stage in stages]
    waves: list[tuple[int, int, int]] = []
    for stage in stages:
        by_number = {wave.number: wave for wave in stage.waves}
        for number in range(32):
            wave = by_number.get(number)
            waves.append((wave.count, wave.points, wave.capsule) if wave else (0, 0, False))
    return "\n".join(
        [
            *(
                stage_tables(stage, numbers)
                for stage, numbers in zip(stages, pictures.terrain, strict=True)
            ),
            table("stage_bank", pictures.stage_bank),
            table("stage_bank_b", pictures.stage_bank_later),
            split_words("stage_script", [f"{name}_script" for name in names]),
            split_words("stage_map", [f"{name}_map" for name in names]),
            split_words("stage_cols", [f"{name}_cols" for name in names]),
            split_words("stage_palette", [f"{name}_palette" for name in names]),
            split_words("stage_card", [f"{name}_card" for name in names]),
            split_words("stage_name", [f"{name}_name" for name in names]),
            split_words("stage_story", [f"{name}_story" for name in names]),
            split_words("stage_attributes", [f"{name}_attributes" for name in names]),
            table("stage_sky", [colour for stage in stages for colour in stage.sky]),
            table("stage_storm", [stage.storm for stage in stages]),
            # stages of 256 columns never loop by this comparison; 255 is the longest
            table("stage_columns", [len(stage.columns) for stage in stages]),
            table("stage_loop", [len(stage.columns) - stage.loop for stage in stages]),
            "stage_tune: .byte " + ", ".join(stage.tune for stage in stages),
            "boss_tune: .byte " + ", ".join(stage.boss.tune for stage in stages),
            table("boss_full_hp", [stage.boss.hp for stage in stages]),
            split_table(
                "boss_points", [packed_tens(p) for stage in stages for p in stage.boss.points]
            ),
            table("wave_size", [size for size, _, _ in waves]),
            split_table("wave_points", [packed_tens(points) for _, points, _ in waves]),
            table("wave_capsule", [0x80 if capsule else 0 for _, _, capsule in waves]),
            split_words(
                "boss_pictures",
                [
                    f"{stage.boss.name}_{min(pose, poses - 1)}"
                    for stage, poses in zip(stages, pictures.boss_poses, strict=True)
                    for pose in range(4)
                ],
            ),
        ]
    )


def motion_tables() -> str:
    """Directions are 32nds of a circle, 0 to the right, 8 down."""
    angles: list[int] = []
    for dy in range(16):
        for dx in range(16):
            angle = math.atan2(dy + 0.5, dx + 0.5) if dx or dy else math.pi / 4
            angles.append(round(angle / (math.pi / 2) * 8))
    turns = [2 * math.pi * i / 32 for i in range(32)]
    sine = [round(SINE_HEIGHT * math.sin(2 * math.pi * i / 64)) for i in range(64)]
    return "\n".join(
        [
            table("aim_angle", angles),
            split_fixed("bullet_vx", [BULLET_SPEED * math.cos(t) for t in turns]),
            split_fixed("bullet_vy", [BULLET_SPEED * math.sin(t) for t in turns]),
            table("sine", sine),
        ]
    )


# ---- pictures ----


def add_sprites(tiles: TileSet, sheet: str) -> dict[str, int]:
    """Add a sheet of sprites; 8 by 16 sprites name their tiles by odd numbers, from 3 on."""
    numbers: dict[str, int] = {}
    for name, frames in read_sheet(sheet).items():
        numbers[name] = len(tiles.tiles) + 1
        for frame in frames:
            for x in range(0, len(frame[0]), 8):
                for y in (0, 8):
                    tiles.add(cut(frame, x, y), reuse=False)
    return numbers


def sprite_tiles(stage: int) -> tuple[TileSet, dict[str, int]]:
    """The sprites' pattern table of a stage: those of all stages, then its own."""
    tiles = TileSet(f"sprite (stage {stage})")
    for _ in range(2):
        tiles.add(("0" * 8,) * 8, reuse=False)
    numbers = add_sprites(tiles, "sprites")
    if stage > 1:
        numbers |= add_sprites(tiles, f"sprites{stage}")
    return tiles, numbers


MIRRORED = 0x40


def boss_lists(name: str, tiles: TileSet) -> tuple[str, int]:
    """The boss's pictures as lists of sprites, and how many they are.

    A list is its length in bytes, then dx, dy, tile, attributes of each sprite. Equal ones and
    mirror images are stored once.
    """
    sheet = read_sheet(name)
    palettes = sheet["palettes"]
    cells: dict[tuple[str, ...], int] = {}
    parts: list[str] = []
    for number, picture in enumerate(sheet[name]):
        data: list[int] = []
        for row, line in enumerate(palettes[number % len(palettes)]):
            for column, palette in enumerate(line):
                cell = cut(picture, column * 8, row * 16, 8, 16)
                if all(set(pixels) == {"0"} for pixels in cell):
                    continue
                mirror = tuple(pixels[::-1] for pixels in cell)
                flipped = 0
                if cell not in cells and mirror in cells:
                    cell, flipped = mirror, MIRRORED
                if cell not in cells:
                    cells[cell] = len(tiles.tiles) + 1
                    for half in (cell[:8], cell[8:]):
                        tiles.add(half, reuse=False)
                data += [column * 8, row * 16, cells[cell], int(palette) | flipped]
        parts.append(table(f"{name}_{number}", [len(data), *data]))
    return "\n".join(parts), len(parts)


MOVED = " b"
COMMON_TILES = ("taken", "bar", "life")


def background_tiles(sheet: str) -> tuple[TileSet, TileSet | None, dict[str, int], int]:
    """A stage's background tiles, the same a moment later, numbers by name, the meter's first.

    The characters, the meter and the bar have the same numbers in every stage.
    """
    tiles = TileSet(f"background ({sheet})")
    screens.font_tiles(tiles)
    meter = screens.meter_tiles(tiles)
    numbers = {"sky": 0}
    common = read_sheet("tiles")
    pictures = {name: common[name] for name in COMMON_TILES} | read_sheet(sheet)
    moving = {name: frames for name, frames in pictures.items() if name + MOVED in pictures}
    for name, frames in pictures.items():
        if name.endswith(MOVED):
            continue
        for variant in range(4):
            frame = frames[variant % len(frames)]
            numbers[f"{name} {variant}"] = tiles.add(frame, reuse=name not in moving)
        numbers[name] = numbers[f"{name} 0"]
    if not moving:
        return tiles, None, numbers, meter
    later = TileSet(tiles.name + MOVED)
    later.tiles = list(tiles.tiles)
    for name, frames in moving.items():
        for variant in range(4):
            moved = pictures[name + MOVED]
            later.tiles[numbers[f"{name} {variant}"]] = moved[variant % len(frames)]
    return tiles, later, numbers, meter


def resolve(stage: Stage, numbers: dict[str, int]) -> dict[str, int]:
    """Numbers for every tile name the terrain uses (its variants run to 255)."""
    resolved = dict(numbers)
    for column in stage.columns:
        for tile in column.tiles:
            if tile not in resolved:
                name, variant = tile.rsplit(" ", 1)
                resolved[tile] = numbers[f"{name} {int(variant) % 4}"]
    return resolved


# ---- the build ----


@dataclass
class Pictures:
    """All pictures as the ROM holds them: banks of a background and a sprite pattern table."""

    banks: list[tuple[TileSet, TileSet]]
    stage_bank: list[int]
    stage_bank_later: list[int]
    sprites: dict[str, int]
    terrain: list[dict[str, int]]
    """Of each stage, the tiles' numbers by name."""
    bosses: list[str]
    boss_poses: list[int]
    meter: int


def draw_pictures(game: Game) -> Pictures:
    """Fill the banks, stage by stage; one whose background moves takes two."""
    pictures = Pictures([], [], [], {}, [], [], [], 0)
    for stage in game.stages:
        sprites, numbers = sprite_tiles(stage.number)
        pictures.sprites |= numbers
        boss, poses = boss_lists(stage.boss.name, sprites)
        pictures.bosses.append(boss)
        pictures.boss_poses.append(poses)
        tiles, later, numbers, pictures.meter = background_tiles(stage.tiles)
        pictures.terrain.append(resolve(stage, numbers))
        pictures.stage_bank.append(len(pictures.banks))
        pictures.banks.append((tiles, sprites))
        if later is not None:
            pictures.banks.append((later, sprites))
        pictures.stage_bank_later.append(len(pictures.banks) - 1)
    if len(pictures.banks) > BANKS:
        raise BuildError(f"the pictures fill {len(pictures.banks)} banks of {BANKS}")
    return pictures


def write_tables(folder: Path) -> None:
    """Write tables.inc, tables.s and alouette.chr."""
    game = load_game()
    pictures = draw_pictures(game)
    tiles, numbers = pictures.banks[0][0], pictures.terrain[0]
    ground = game.stages[0].columns
    title = screens.title_screen(tiles, numbers, ground[20:52], game.version)
    ending = screens.ending_screen(tiles, numbers, ground)
    loops = {stage.loop for stage in game.stages}
    if len(loops) != 1:
        raise BuildError(f"the stages' loops differ in length: {loops}")
    limit = {len(stage.boss.points) for stage in game.stages}
    if len(limit) != 1:
        raise BuildError(f"the bosses' points are lists of different length: {limit}")
    capsule = packed_tens(game.capsule_points)
    constants = {
        "STAGES": len(game.stages),
        "LOOP_COLUMNS": loops.pop(),
        "BOSS_LIMIT": limit.pop(),
        "CAPSULE_POINTS": capsule[0] << 8 | capsule[1],
        "CARD_FRAMES": 96,
        "ROW_CHECKPOINT": 0xF0,
        "Y_CEILING": 254,
        "FIRST_TARGET": game.kind(FIRST_TARGET).number,
        "TILE_METER": pictures.meter,
        "TILE_METER_TAKEN": numbers["taken"],
        **{f"KIND_{kind.name.upper()}": kind.number for kind in game.kinds},
        **{f"SPRITE_{name.upper()}": number for name, number in pictures.sprites.items()},
    }
    (folder / "tables.inc").write_text(
        "".join(f"{name} = {value}\n" for name, value in constants.items())
    )
    palettes = {
        "title_palette": "0F 00 10 30 0F 17 27 38 0F 00 10 37 0F 08 18 28"
        " 0F 17 27 30 0F 11 2C 30 0F 16 27 38 0F 09 2A 38",
        "ending_palette": "02 00 10 30 02 14 25 37 02 00 10 37 02 08 18 28"
        " 02 17 27 30 02 11 2C 30 02 16 27 38 02 09 2A 38",
    }
    (folder / "tables.s").write_text(
        "\n".join(
            [
                ".rodata",
                kind_tables(game, pictures.sprites),
                game_tables(game, pictures),
                motion_tables(),
                *pictures.bosses,
                table("title_screen", title.data()),
                table("ending_screen", ending.data()),
                table("status_screen", screens.status_rows(numbers)),
                *(table(name, bytes.fromhex(text)) for name, text in palettes.items()),
                ".code",
                "",
            ]
        )
    )
    (folder / "alouette.chr").write_bytes(
        b"".join(tiles.chr() + sprites.chr() for tiles, sprites in pictures.banks).ljust(
            BANKS * BANK_BYTES, b"\0"
        )
    )


def run_tool(*command: str) -> None:
    if shutil.which(command[0]) is None:
        raise BuildError(f"{command[0]} is not there; on Debian: apt-get install cc65")
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def build(folder: Path) -> tuple[bytes, dict[str, int]]:
    """Build in the folder; return the ROM and the address of every symbol."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tables(folder)
    where = str(folder)
    objects: list[str] = []
    for source in ("asm/alouette.s", "sound.s"):
        output = str(folder / (Path(source).stem + ".o"))
        run_tool(
            "ca65", "-g", "-I", where, "-I", "asm", "-I", ".", "--bin-include-dir", where,
            "-o", output, source,
        )  # fmt: skip
        objects.append(output)
    rom, labels = folder / "alouette.nes", folder / "alouette.labels"
    run_tool(
        "ld65", "-C", "alouette.cfg", "-o", str(rom), "-Ln", str(labels),
        "-m", str(folder / "alouette.map"), *objects,
    )  # fmt: skip
    symbols: dict[str, int] = {}
    for line in labels.read_text().splitlines():
        _, address, name = line.split()
        symbols[name.removeprefix(".")] = int(address, 16)
    return rom.read_bytes(), symbols


def ram_text(rom: bytes, symbols: dict[str, int]) -> str:
    """Write ram.toml out of ram_source.toml and the symbols' addresses."""
    source = tomllib.loads((HERE / "ram_source.toml").read_text())
    game = load_game()
    lines = [
        "# Written by games-src/alouette/build.py from ram_source.toml and the symbols.",
        "[game]",
        'title = "Alouette"',
        f'version = "{game.version}"',
        'system = "nes"',
        f'sha1 = "{hashlib.sha1(rom).hexdigest()}"',
    ]

    def address(symbol: str) -> str:
        if symbol not in symbols:
            raise BuildError(f"ram_source.toml: no symbol {symbol!r} in the program")
        return f"0x{symbols[symbol]:04x}"

    def value(v: object) -> str:
        return (
            str(cast(object, v))
            if isinstance(v, (int, list))
            else '"' + str(v).replace('"', "'") + '"'
        )

    for name, entry in source["variables"].items():
        entry = dict(entry)
        lines += ["", f"[variables.{name}]", f"address = {address(entry.pop('symbol', name))}"]
        lines += [f"{key} = {value(v)}" for key, v in entry.items()]
    for name, entry in source["tables"].items():
        lines += ["", f"[tables.{name}]", f"count = {entry['count']}"]
        lines += [f"about = {value(entry['about'])}"]
        for field, details in entry["fields"].items():
            details = dict(details)
            lines += ["", f"[tables.{name}.fields.{field}]"]
            lines += [f"address = {address(details.pop('symbol'))}", "stride = 1"]
            lines += [f"{key} = {value(v)}" for key, v in details.items()]
    return "\n".join(lines) + "\n"


def script_text(game: Game) -> str:
    """Write script.toml: what the stages hold, for whoever counts points."""
    kinds = [None, *game.kinds]
    young = [game.kind(k.hatches).points if k and k.hatches else 0 for k in kinds]
    lines = [
        "# Written by games-src/alouette/build.py from kinds.toml and stages/*.toml.",
        f'version = "{game.version}"',
        f"capsule_points = {game.capsule_points}",
        "# by the number of the kind: its name, hits, points, and those of each it hatches",
        f"kinds = {json.dumps(['free', *(kind.name for kind in game.kinds)])}",
        f"hits = {[k.hp if k else 0 for k in kinds]}",
        f"points = {[k.points if k else 0 for k in kinds]}",
        f"young_points = {young}",
    ]
    for stage in game.stages:
        waves = {wave.number: wave for wave in stage.waves}
        numbers = range(1, len(waves) + 1)
        lines += [
            "",
            "[[stages]]",
            f"boss_hits = {stage.boss.hp}",
            f"boss_points = {list(stage.boss.points)}",
            "# by the number of the wave, 0 is none: members, points, whether it leaves a capsule",
            f"wave_sizes = {[0, *(waves[n].count for n in numbers)]}",
            f"wave_points = {[0, *(waves[n].points for n in numbers)]}",
            f"wave_capsules = {[0, *(int(waves[n].capsule) for n in numbers)]}",
            "# position, kind, wave, red, young",
            "rows = [",
        ]
        for row in stage.rows:
            if row.kind is not None:
                hatches = row.variant if row.kind.hatches else 0
                numbers_of = [row.at, row.kind.number, row.wave, int(row.red), hatches]
                lines.append(f"    {numbers_of},  # {row.kind.name}")
        lines.append("]")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Build alouette.nes, ram.toml and script.toml.")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    parser.add_argument("--folder", type=Path, default=HERE / "build", help="for what lies between")
    options = parser.parse_args()
    try:
        rom, symbols = build(options.folder.resolve())
        ram = ram_text(rom, symbols)
        script = script_text(load_game())
    except (BuildError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    made = {"alouette.nes": rom, "ram.toml": ram.encode(), "script.toml": script.encode()}
    if options.check:
        paths = {PACKAGE / name: want for name, want in made.items()}
        wrong = [
            str(path)
            for path, want in paths.items()
            if not path.exists() or path.read_bytes() != want
        ]
        print("differs from its source: " + ", ".join(wrong) if wrong else "agrees with its source")
        return 1 if wrong else 0
    PACKAGE.mkdir(parents=True, exist_ok=True)
    for name, data in made.items():
        (PACKAGE / name).write_bytes(data)
    print(f"alouette.nes: SHA-1 {hashlib.sha1(rom).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
