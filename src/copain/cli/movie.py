"""``copain movie``: look at movies, take parts of them, put them together, convert them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from copain.backends.cores import KNOWN_CORES
from copain.backends.mame_start import BOOT_OFFSETS, MACHINES
from copain.errors import MovieError
from copain.joypad import Joypad
from copain.movie import Movie
from copain.movie import convert as convert_movie
from copain.movie import cut as cut_movie
from copain.movie import diff as diff_movies
from copain.movie import splice as splice_movies
from copain.system import NES

movie = typer.Typer(
    name="movie",
    help="Compare movies, cut them, put them together, convert them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_SHOWN_FRAMES = 6
_Output = Annotated[Path, typer.Option("-o", "--output", help="The movie to write.")]


@movie.command("diff")
def diff(
    first: Annotated[Path, typer.Argument(help="A movie.")],
    second: Annotated[Path, typer.Argument(help="Another one of the same game.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Show where the inputs of two movies differ: frames changed, put in, left out.

    Exit status 0: they are alike; 1: they differ; 2: they could not be read or compared.
    """
    one, two = Movie.read(first), Movie.read(second)
    changes = diff_movies(one, two)
    if as_json:
        print(json.dumps([asdict(change) for change in changes]))
    else:
        console = Console()
        if not changes:
            console.print(f"the inputs are alike, {one.frames:,} frames")
        else:
            table = Table("frames of the first", "held", "frames of the second", "held")
            for change in changes:
                table.add_row(
                    _span(change.start, change.stop),
                    _held(one, change.start, change.stop),
                    _span(change.other_start, change.other_stop),
                    _held(two, change.other_start, change.other_stop),
                )
            console.print(table)
    if changes:
        raise typer.Exit(1)


@movie.command("cut")
def cut(
    source: Annotated[Path, typer.Argument(help="The movie.", metavar="MOVIE")],
    output: _Output,
    start: Annotated[int, typer.Option("--from", help="The first frame to leave out.")] = 0,
    stop: Annotated[
        int | None, typer.Option("--to", help="The first frame to keep again; none: the end.")
    ] = None,
) -> None:
    """Leave frames out of a movie: with --from alone, all from there on.

    What comes after the cut has not been played: see `copain verify`.
    """
    _write(cut_movie(Movie.read(source), start, stop), output)


@movie.command("splice")
def splice(
    first: Annotated[Path, typer.Argument(help="The movie to begin with.")],
    frame: Annotated[int, typer.Argument(help="How many of its frames to take.")],
    second: Annotated[Path, typer.Argument(help="The movie to go on with.")],
    output: _Output,
    start: Annotated[int, typer.Option("--from", help="The first of its frames to take.")] = 0,
    stop: Annotated[
        int | None, typer.Option("--to", help="The first not to take; none: the end.")
    ] = None,
) -> None:
    """Put the frames of one movie after the first frames of another."""
    _write(splice_movies(Movie.read(first), frame, Movie.read(second), start, stop), output)


@movie.command("convert")
def convert(
    source: Annotated[Path, typer.Argument(help="The movie, .fm2 or .bk2.", metavar="MOVIE")],
    output: Annotated[Path, typer.Argument(help="The movie to write, .bk2 or .fm2.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Write a movie in another format, and say what its emulator must be told, and what is lost.

    The inputs stay as they are: whether the other emulator stays in sync is another question, see
    `copain verify --on`.
    """
    ending = output.suffix.lower().lstrip(".")
    if ending not in ("fm2", "bk2"):
        raise MovieError(f"{output}: a movie that ends in .fm2 or .bk2 is needed")
    done = convert_movie(Movie.read(source), ending)
    done.movie.write(output)
    needs = _needs(done.movie)
    if as_json:
        facts = {"frames": done.movie.frames, "settings": [asdict(one) for one in done.settings],
                 "emulators": needs, "lost": list(done.lost)}  # fmt: skip
        print(json.dumps(facts, indent=2))
        return
    lines = [f"{output}: {done.movie.frames:,} frames", "It depends on"]
    for one in done.settings:
        unsaid = "" if one.said else ", which the file does not say"
        lines.append(f"  {one.emulator}'s {one.name}: {one.value}{unsaid}")
    lines.append("Played by copain, which sees to the boot itself")
    lines += [f"  {name}: {_told(need)}" for name, need in needs.items()]
    lines.append("Lost are" if done.lost else "Nothing is lost")
    lines += [f"  {what}" for what in done.lost]
    for line in lines:
        Console().print(escape(line), highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class _Need:
    """What one of copain's emulators needs: its boot beside FCEUX's, and options to open it."""

    boot_offset: int | None
    options: dict[str, str]


def _needs(movie: Movie) -> dict[str, dict[str, object]]:
    """What each of copain's emulators of the movie's system needs to stay in sync."""
    pal, system = movie.region == "pal", movie.system.name
    needs: dict[str, _Need] = {}
    if movie.system is NES:
        region = {"region": "pal"} if pal else {}
        needs |= {"colibri": _Need(0, region), "fceux": _Need(0, region)}
    if system in MACHINES:
        machine = {"machine": "nespal"} if pal and movie.system is NES else {}
        needs["mame"] = _Need(BOOT_OFFSETS.get(machine.get("machine", MACHINES[system])), machine)
    needs |= {
        f"libretro:{name}": _Need(core.boot_offset, {})
        for name, core in KNOWN_CORES.items()
        if system in core.systems
    }
    return {name: asdict(need) for name, need in needs.items()}


def _told(need: dict[str, Any]) -> str:
    """The same in words."""
    boot = {None: "boot not measured against FCEUX's", 0: "boots as FCEUX"}.get(
        need["boot_offset"], f"boot {need['boot_offset'] or 0:+d} against FCEUX's: "
        "the first lines are dropped"
    )  # fmt: skip
    options = "".join(
        f"; to be opened with {key}={value!r}" for key, value in need["options"].items()
    )
    return boot + options


def _write(edited: Movie, output: Path) -> None:
    edited.write(output)
    Console().print(
        f"{escape(str(output))}: {edited.frames:,} frames", highlight=False, soft_wrap=True
    )


def _span(start: int, stop: int) -> str:
    """Frames as people count them here: from 0."""
    if start == stop:
        return f"none at {start:,}"
    return f"{start:,}" if stop == start + 1 else f"{start:,} to {stop - 1:,}"


def _held(played: Movie, start: int, stop: int) -> str:
    """The buttons of the first port, run by run."""
    texts: list[str] = []
    at = start
    while at < stop:
        end = at
        while end < stop and (played.inputs[end] == played.inputs[at]).all():
            end += 1
        names = " ".join(str(Joypad.from_bits(int(bits))) for bits in played.inputs[at] if bits)
        texts.append(f"{names or 'idle'}" + (f" x{end - at}" if end - at > 1 else ""))
        at = end
    more = f", ... {len(texts) - _SHOWN_FRAMES} more" if len(texts) > _SHOWN_FRAMES else ""
    return ", ".join(texts[:_SHOWN_FRAMES]) + more
