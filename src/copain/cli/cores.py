"""``copain cores``: the libretro cores on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from copain.backends.cores import CoreFile, find_cores, how_to_get_cores, systems_of
from copain.backends.libretro import library_info
from copain.errors import CopainError


@dataclass(frozen=True, slots=True)
class CoreRow:
    """One line of the listing; `error` is why a library that was found cannot be used."""

    core: str
    version: str
    systems: list[str]
    source: str
    path: str
    licence: str
    error: str | None = None


def cores(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the libretro cores found on this machine."""
    rows = [core_row(core) for core in find_cores()]
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    console = Console()
    if not rows:
        console.print(f"No cores were found. {how_to_get_cores()}", highlight=False)
        return
    table = Table(box=None)
    for heading in ("core", "version", "systems", "licence", "from"):
        table.add_column(heading, no_wrap=heading in ("core", "licence", "from"), overflow="fold")
    for row in rows:
        systems = ", ".join(row.systems) or "[dim]none of copain's[/]"
        if row.error is not None:
            # Without "core: the library PATH cannot be loaded: PATH: ...": both are shown beside.
            systems = f"[red]{escape(row.error.rsplit(': ', 1)[-1])}[/]"
        table.add_row(f"[bold]{row.core}[/]", row.version, systems, row.licence, row.source)
    console.print(table)
    for source, folder in dict.fromkeys((core.source, core.path.parent) for core in find_cores()):
        console.print(f"[dim]{source}: {folder}[/]", highlight=False, soft_wrap=True)


def core_row(core: CoreFile) -> CoreRow:
    """What is known of a core that was found; loads its library for its version."""
    licence = core.known.licence if core.known else "unknown"
    try:
        info = library_info(core)
    except CopainError as error:
        return CoreRow(core.name, "", [], core.source, str(core.path), licence, str(error))
    systems = [system.name for system in systems_of(core, info.extensions)]
    return CoreRow(core.name, info.version, systems, core.source, str(core.path), licence)
