"""``copain verify``: does a movie still play?"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from copain.backends import EMULATOR_NAMES, open_emulator
from copain.cli.progress import frame_progress
from copain.emulator import Emulator
from copain.errors import CopainError
from copain.games import variables_of
from copain.movie import Comparison, Movie, Verdict
from copain.movie import verify as verify_movie
from copain.rom import Rom

SHOWN_DIFFERENCES = 16


def verify(
    movie: Annotated[Path, typer.Argument(help="The movie, an .fm2 file.")],
    rom: Annotated[Path, typer.Option(help="The ROM that it was made on.")],
    emulator: Annotated[
        str | None, typer.Option(help=f"The emulator: {', '.join(EMULATOR_NAMES)}.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="The libretro core, by name or by path.")] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="A second emulator or core (fceumm, libretro:nestopia, ...) to compare with "
            "after every frame."
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option(help="Play it even if it says another ROM, region or power-on RAM.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Play a movie on a fresh emulator and compare it with what it was.

    It is compared with the RAM hashes that it carries and, with --against, with a second
    emulator after every frame. Where the hashes differ or are missing, the emulator that made it
    is asked, if it is here and another one. Exit status 0: in sync; 1: desync; 2: it could not be
    verified.
    """
    run = Movie.read(movie)
    game = Rom.read(rom, system=run.system)

    def judge(reference: str | None) -> Verdict:
        with frame_progress("verifying", run.frames, quiet=as_json) as advance:
            return verify_movie(
                run,
                lambda: open_one(game, emulator, core),
                None if reference is None else lambda: open_named(game, reference),
                variables_of(game),
                on_frame=advance,
                strict=not force,
            )

    proves_itself = run.frames in run.hashes
    reference = against or (None if proves_itself else maker_of(run, game, emulator, core))
    verdict = judge(reference)
    if verdict.first is not None and reference is None:
        # Hashes tell that it differs; beside the emulator that made it we see where.
        maker = maker_of(run, game, emulator, core)
        verdict = verdict if maker is None else judge(maker)
    if as_json:
        print(json.dumps(verdict_facts(verdict), indent=2))
    else:
        show(verdict, Console())
    if not verdict.in_sync:
        raise typer.Exit(1)


def open_one(rom: Rom, emulator: str | None, core: str | None) -> Emulator:
    """The emulator that the options --emulator and --core name."""
    options = {} if core is None else {"core": core}
    return open_emulator(rom, emulator, **options)


def open_named(rom: Rom, name: str, **options: object) -> Emulator:
    """The emulator that one name means: an emulator's, a core's, or both as ``libretro:core``."""
    emulator, colon, core = name.partition(":")
    if not colon and name in EMULATOR_NAMES:
        return open_emulator(rom, name, **options)
    if not colon:
        emulator, core = "libretro", name
    return open_emulator(rom, emulator, core=core, **options)


def maker_of(movie: Movie, rom: Rom, emulator: str | None, core: str | None) -> str | None:
    """The emulator that made the movie, if it is here and another than the one that plays it."""
    name = movie.made_by.partition(" ")[0]
    with open_one(rom, emulator, core) as chosen:
        if chosen.name == name:
            return None
    try:
        with open_named(rom, name) as maker:
            return name if maker.name == name else None
    except CopainError:
        return None


def verdict_facts(verdict: Verdict) -> dict[str, object]:
    """The verdict as what JSON can hold."""
    return {"in_sync": verdict.in_sync, "first": verdict.first, **asdict(verdict)}


def show(verdict: Verdict, console: Console) -> None:
    """Print the verdict: one line that says it, then what was compared."""
    if verdict.in_sync:
        console.print(f"[bold green]in sync, {verdict.frames} frames[/]", highlight=False)
    elif verdict.first is None:
        console.print("[bold red]not proven to the end[/]", highlight=False)
    else:
        console.print(
            f"[bold red]desync at frame {verdict.first}[/] of {verdict.frames}", highlight=False
        )
    for comparison in verdict.comparisons:
        for line in lines_of(comparison):
            console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)


def lines_of(found: Comparison) -> list[str]:
    """What one comparison found, in words."""
    lines = [
        f"{found.emulator} and {found.reference}: compared {found.bytes_compared:,} bytes in "
        f"{found.compared:,} frames"
    ]
    if found.first is None:
        lines[0] += ", all equal"
        return lines
    lines.append(f"first difference in frame {found.first}, the last equal one is {found.since}")
    lines += [f"  {difference}" for difference in found.differences[:SHOWN_DIFFERENCES]]
    more = len(found.differences) - SHOWN_DIFFERENCES
    if more > 0:
        lines.append(f"  and {more} more")
    many = f"{found.differing:,} frame{' differs' if found.differing == 1 else 's differ'}"
    if found.healed is None:
        lines.append(f"the difference lasts: {many}, up to the end")
    else:
        lines.append(f"the difference heals: {many}, all are equal "
                     f"from frame {found.healed} on")  # fmt: skip
    return lines
