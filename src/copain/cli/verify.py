"""``copain verify``: does a movie still play, here and on other emulators?"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from copain.backends import EMULATOR_NAMES, open_emulator
from copain.cli.apart import wide_console
from copain.cli.progress import frame_progress
from copain.emulator import Emulator
from copain.errors import CopainError, InputError
from copain.games import variables_of
from copain.movie import Comparison, Movie, Row, Status, Table, Verdict, verify_on
from copain.movie import verify as verify_movie
from copain.rom import Rom

SHOWN_DIFFERENCES = 16

EXIT_CODES = {Status.IN_SYNC: 0, Status.HEALS: 0, Status.DESYNC: 1, Status.REFUSED: 2}
"""The exit status of each verdict: a difference that healed is said, but is no failure."""

STYLES = {
    Status.IN_SYNC: "green", Status.HEALS: "yellow", Status.DESYNC: "bold red",
    Status.REFUSED: "red",
}  # fmt: skip


def verify(
    movie: Annotated[Path, typer.Argument(help="The movie, an .fm2 or .bk2 file.")],
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
    on: Annotated[
        list[str] | None,
        typer.Option(
            help="Emulators to play it on side by side (fceux, libretro:nestopia, mame, ...), one "
            "an option; the first is the reference."
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
    is asked, if it is here and another one. With --on, as often as you like, it is played on many
    emulators at once, and a table says how each one fares beside the first.

    In sync: equal to the end. Heals: different now and then for a second at most, or once and
    equal for the last second. Desync: different for good. Exit status 0: in sync, or heals; 1:
    desync; 2: it could not be verified (on one of them).
    """
    run = Movie.read(movie)
    game = Rom.read(rom, system=run.system)
    if on:
        if emulator or core or against:
            raise InputError("copain verify: --on names all emulators; leave out the other options")
        _verify_on(run, game, on, as_json=as_json, strict=not force)
        return

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
    if EXIT_CODES[verdict.status]:
        raise typer.Exit(EXIT_CODES[verdict.status])


def _verify_on(run: Movie, game: Rom, names: list[str], *, as_json: bool, strict: bool) -> None:
    """Play the movie on all the emulators, print the table, and end with its exit status."""
    if len(set(names)) < len(names):
        raise InputError(f"copain verify: --on names an emulator twice: {', '.join(names)}")

    def opener(name: str) -> Callable[[], Emulator]:
        return lambda: open_named(game, name)

    with frame_progress("verifying", run.frames, quiet=as_json) as advance:
        table = verify_on(
            run,
            {name: opener(name) for name in names},
            variables_of(game),
            on_frame=advance,
            strict=strict,
        )
    if as_json:
        print(json.dumps(table_facts(table), indent=2))
    else:
        show_table(table, wide_console())
    if EXIT_CODES[table.status]:
        raise typer.Exit(EXIT_CODES[table.status])


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
    status: dict[str, object] = {"status": str(verdict.status), "in_sync": verdict.in_sync}
    status["first"] = verdict.first
    return status | asdict(verdict)


def table_facts(table: Table) -> dict[str, object]:
    """The table of many emulators as what JSON can hold."""
    rows = [{"status": str(row.status), **asdict(row)} for row in table.rows]
    return {"status": str(table.status), "frames": table.frames, "rows": rows}


def show_table(table: Table, console: Console) -> None:
    """Print the table of many emulators, and below it what differed and why."""
    text = TextTable(box=None, pad_edge=False)
    for heading in ("emulator", "boot", "verdict", "first", "frames", "story", "at the end"):
        text.add_column(heading, overflow="fold")
    for row in table.rows:
        text.add_row(*row_texts(row, table.frames))
    console.print(text)
    for row in table.rows:
        for line in [*row_lines(row), *(f"{row.name}: {row.error}" for _ in row.error[:1])]:
            console.print(escape(line), highlight=False, soft_wrap=True)


def row_texts(row: Row, frames: int) -> list[str]:
    """A row's cells: name, boot offset, verdict, first frame, how many, story, and its end."""
    name = escape(f"{row.name} ({row.emulator.rpartition(' ')[2]})" if row.emulator else row.name)
    verdict = f"[{STYLES[row.status]}]{row.status}[/]"
    if row.error:
        return [name, "", verdict, "", "", "", ""]
    found = row.comparison or row.hashes
    first = "" if found is None or found.first is None else f"{found.first:,}"
    many = "the reference" if row.comparison is None else "all equal"
    if found is not None and found.first is not None:
        many = f"{found.differing:,} of {found.compared:,}"
        many += "" if found.healed is None else f", equal from {found.healed:,}"
    same = {True: "the same", False: f"another from {row.story.parted}", None: "-"}[row.story.same]
    end = ", ".join(f"{name} {value}" for name, value in row.story.values.items())
    boot = "not known, 0" if row.offset is None else f"{row.offset:+d}" if row.offset else "0"
    return [name, boot, verdict, first, many, same, end]


def row_lines(row: Row) -> list[str]:
    """What differed first on one emulator, and what is known of why."""
    lines: list[str] = []
    if row.hashes is not None and row.hashes.first is not None:
        lines.append(f"{row.name}: {row.hashes.differing} of {row.hashes.compared} of the movie's "
                     f"own RAM hashes differ, first at frame {row.hashes.first}")  # fmt: skip
    if row.comparison is not None and row.comparison.first is not None:
        shown = [str(one) for one in row.comparison.differences[:SHOWN_DIFFERENCES]]
        more = len(row.comparison.differences) - len(shown)
        lines.append(f"{row.name}: frame {row.comparison.first}, the last equal one is "
                     f"{row.comparison.since}")  # fmt: skip
        lines += [f"  {one}" for one in shown] + ([f"  and {more} more"] if more > 0 else [])
    for cause in row.causes:
        lines.append(
            f"  {'because of' if cause.measured else 'perhaps'} {cause.kind}: {cause.text}"
        )
    return lines


def show(verdict: Verdict, console: Console) -> None:
    """Print the verdict: one line that says it, then what was compared."""
    if verdict.status is Status.HEALS:
        console.print(
            f"[bold yellow]heals: frame {verdict.first} differs[/] of {verdict.frames}",
            highlight=False,
        )
    elif verdict.in_sync:
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
