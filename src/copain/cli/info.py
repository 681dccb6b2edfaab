"""``copain info``: what a ROM is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from copain.backends.cores import find_core
from copain.errors import EmulatorMissing
from copain.games import game_of
from copain.rom import Rom, ines_header


def info(
    rom: Annotated[Path, typer.Argument(help="The ROM file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what a ROM is: system, hashes, header, the game and the core that plays it."""
    loaded = Rom.read(rom)
    game = game_of(loaded)
    try:
        core: str | None = find_core(None, loaded.system).name
    except EmulatorMissing:
        core = None
    facts: dict[str, object] = {
        "file": str(loaded.path),
        "bytes": len(loaded.data),
        "system": loaded.system.name,
        "sha1": loaded.sha1,
        "md5": loaded.md5,
    }
    header = ines_header(loaded.data)
    if header is not None:
        facts |= {
            "format": header.format,
            "mapper": header.mapper,
            "program_bytes": header.program_size,
            "picture_bytes": header.picture_size,
            "mirroring": header.mirroring,
            "battery": header.battery,
            "sha1_without_header": header.sha1,
            "md5_without_header": header.md5,
        }
    facts |= {
        "game": game.name if game else None,
        "variables": sorted(game.variables) if game else [],
        "buttons": [str(button.name).lower() for button in loaded.system.buttons],
        "frame_rate": float(loaded.system.frame_rate),
        "core": core,
    }
    if as_json:
        print(json.dumps(facts, indent=2))
        return
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        table.add_row(
            f"[bold]{name.replace('_', ' ')}[/]", text if value not in (None, []) else "-"
        )
    Console().print(table)
