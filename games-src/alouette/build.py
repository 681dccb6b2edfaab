"""Build alouette.nes and ram.toml from source.

    python build.py            build, write both into src/copain/games/alouette
    python build.py --check    build elsewhere, and say whether both agree with what is there

Needs ca65 and ld65 (Debian: cc65) and Python 3.11. The same sources give the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import cast

import screens
from pictures import TileSet, cut, read_sheet
from stages import FIRST_TARGET, Game, Row, Stage, load_game

HERE = Path(__file__).parent
PACKAGE = HERE.parents[1] / "src" / "copain" / "games" / "alouette"
BULLET_SPEED = 1.75
SINE_HEIGHT = 26


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
    for line, (label, text) in enumerate((("card", f"STAGE {stage.number}"), ("name", stage.name))):
        address = 0x2000 + (12 + 3 * line) * 32 + (32 - len(text)) // 2
        parts.append(table(f"{name}_{label}", address.to_bytes(2, "big") + text.encode() + b"\0"))
    return "\n".join(parts)


def game_tables(game: Game, numbers: dict[str, int]) -> str:
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
            *(stage_tables(stage, numbers) for stage in stages),
            split_words("stage_script", [f"{name}_script" for name in names]),
            split_words("stage_map", [f"{name}_map" for name in names]),
            split_words("stage_cols", [f"{name}_cols" for name in names]),
            split_words("stage_palette", [f"{name}_palette" for name in names]),
            split_words("stage_card", [f"{name}_card" for name in names]),
            split_words("stage_name", [f"{name}_name" for name in names]),
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
            split_words("boss_shut", [f"{stage.boss.name}_shut" for stage in stages]),
            split_words("boss_open", [f"{stage.boss.name}_open" for stage in stages]),
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


def sprite_tiles() -> tuple[TileSet, dict[str, int]]:
    """The sprites' pattern table; 8 by 16 sprites name it by odd numbers, from 3 on."""
    tiles = TileSet("sprite")
    for _ in range(2):
        tiles.add(("0" * 8,) * 8, reuse=False)
    numbers: dict[str, int] = {}
    for name, frames in read_sheet("sprites").items():
        numbers[name] = len(tiles.tiles) + 1
        for frame in frames:
            for x in range(0, len(frame[0]), 8):
                for y in (0, 8):
                    tiles.add(cut(frame, x, y), reuse=False)
    return tiles, numbers


def boss_lists(name: str, tiles: TileSet) -> str:
    """The boss's pictures as lists of sprites: dx, dy, tile, attributes; equal ones stored once."""
    sheet = read_sheet(name)
    palettes = sheet["palettes"][0]
    cells: dict[tuple[str, ...], int] = {}
    parts: list[str] = []
    for label, picture in zip(("shut", "open"), sheet[name], strict=True):
        data: list[int] = []
        for row, line in enumerate(palettes):
            for column, palette in enumerate(line):
                cell = cut(picture, column * 8, row * 16, 8, 16)
                if all(set(pixels) == {"0"} for pixels in cell):
                    continue
                if cell not in cells:
                    cells[cell] = len(tiles.tiles) + 1
                    for half in (cell[:8], cell[8:]):
                        tiles.add(half, reuse=False)
                data += [column * 8, row * 16, cells[cell], int(palette)]
        parts.append(table(f"{name}_{label}", [*data, 0, 0, 0, 0]))
    return "\n".join(parts)


def background_tiles() -> tuple[TileSet, dict[str, int], int]:
    """The background's tiles, their numbers by name, and where the meter's words begin."""
    tiles = TileSet("background")
    screens.font_tiles(tiles)
    meter = screens.meter_tiles(tiles)
    numbers = {"sky": 0}
    for name, frames in read_sheet("tiles").items():
        for variant in range(4):
            frame = frames[variant % len(frames)]
            numbers[f"{name} {variant}"] = tiles.add(frame)
        numbers[name] = numbers[f"{name} 0"]
    return tiles, {**numbers}, meter


def resolve(game: Game, numbers: dict[str, int]) -> dict[str, int]:
    """Numbers for every tile name the terrain uses (its variants run to 255)."""
    resolved = dict(numbers)
    for stage in game.stages:
        for column in stage.columns:
            for tile in column.tiles:
                if tile not in resolved:
                    name, variant = tile.split()
                    resolved[tile] = numbers[f"{name} {int(variant) % 4}"]
    return resolved


# ---- the build ----


def write_tables(folder: Path) -> None:
    """Write tables.inc, tables.s and alouette.chr."""
    game = load_game()
    sprites, sprite_numbers = sprite_tiles()
    bosses = [boss_lists(stage.boss.name, sprites) for stage in game.stages]
    tiles, numbers, meter = background_tiles()
    numbers = resolve(game, numbers)
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
        "TILE_METER": meter,
        "TILE_METER_TAKEN": numbers["taken"],
        **{f"KIND_{kind.name.upper()}": kind.number for kind in game.kinds},
        **{f"SPRITE_{name.upper()}": number for name, number in sprite_numbers.items()},
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
                kind_tables(game, sprite_numbers),
                game_tables(game, numbers),
                motion_tables(),
                *bosses,
                table("title_screen", title.data()),
                table("ending_screen", ending.data()),
                table("card_screen", screens.Screen().data()),
                table("status_screen", screens.status_rows(numbers)),
                table("field_attributes", screens.field_attributes()),
                *(table(name, bytes.fromhex(text)) for name, text in palettes.items()),
                ".code",
                "",
            ]
        )
    )
    (folder / "alouette.chr").write_bytes(tiles.chr() + sprites.chr())


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


def main() -> int:
    parser = argparse.ArgumentParser(description="Build alouette.nes and ram.toml.")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    parser.add_argument("--folder", type=Path, default=HERE / "build", help="for what lies between")
    options = parser.parse_args()
    try:
        rom, symbols = build(options.folder.resolve())
        ram = ram_text(rom, symbols)
    except (BuildError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    rom_path, ram_path = PACKAGE / "alouette.nes", PACKAGE / "ram.toml"
    if options.check:
        wrong = [
            str(path)
            for path, want in ((rom_path, rom), (ram_path, ram.encode()))
            if not path.exists() or path.read_bytes() != want
        ]
        print("differs from its source: " + ", ".join(wrong) if wrong else "agrees with its source")
        return 1 if wrong else 0
    PACKAGE.mkdir(parents=True, exist_ok=True)
    rom_path.write_bytes(rom)
    ram_path.write_text(ram)
    print(f"{rom_path.name}: SHA-1 {hashlib.sha1(rom).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
