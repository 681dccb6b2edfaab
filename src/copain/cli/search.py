"""``copain search``: find a run of a game."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from copain.backends import EMULATOR_NAMES
from copain.cli.verify import open_one
from copain.cli.watch import SearchWatch
from copain.errors import GameError, InputError
from copain.games import GAME_NAMES, Game, game_by_name, game_of, rom_path
from copain.rom import Rom
from copain.search import (
    Beam,
    BruteForce,
    Fastest,
    Found,
    Goal,
    Objective,
    Points,
    stage_cleared,
    won,
)
from copain.search import beam as search_by_beam
from copain.search import brute_force as search_by_brute_force
from copain.search import digest as digest_of

search = typer.Typer(
    name="search",
    help="Find a run of a game that nobody played.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_DEFAULT = BruteForce()
_BEAM = Beam()
_OBJECTIVES: dict[str, type[Objective]] = {each.name: each for each in (Points, Fastest)}


@search.command("brute-force")
def brute_force(
    game: Annotated[
        str, typer.Argument(help=f"A game ({', '.join(GAME_NAMES)}), or the ROM of one.")
    ],
    rom: Annotated[
        Path | None, typer.Option(help="Your ROM of the game, where copain ships none.")
    ] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    frames: Annotated[
        int | None, typer.Option(help="Stop after so many emulated frames, all tries counted.")
    ] = None,
    tries: Annotated[int | None, typer.Option(help="Stop after so many rerecords.")] = None,
    seed: Annotated[
        int, typer.Option(help="Of the random numbers; another finds another run.")
    ] = 0,
    action_repeat: Annotated[
        int, typer.Option(help="Frames that each action is held.")
    ] = _DEFAULT.action_repeat,
    lines: Annotated[int, typer.Option(help="Ways followed at once.")] = _DEFAULT.lines,
    workers: Annotated[
        int | None, typer.Option(help="Emulators at once; the result does not depend on it.")
    ] = None,
    emulator: Annotated[
        str | None, typer.Option(help=f"The emulator: {', '.join(EMULATOR_NAMES)}.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="The libretro core, by name or by path.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder; runs/GAME-DATE by default.")
    ] = None,
) -> None:
    """Die and retry over savestates until the game is won. Ctrl-C keeps the best so far.

    Exit status 0: won; 1: not won; 2: the search could not be made.
    """
    played, loaded = game_and_rom(game, rom)
    config = BruteForce(
        seed=seed, action_repeat=action_repeat, lines=lines,
        most_lines=max(lines, _DEFAULT.most_lines), frames=frames, tries=tries, seconds=seconds,
    )  # fmt: skip
    folder = out or new_folder(played)
    console = Console()
    with (
        open_one(loaded, emulator, core) as screen,
        SearchWatch(f"copain searches {played.ram_map.title}", console, screen) as watch,
    ):
        found = search_by_brute_force(
            lambda: open_one(loaded, emulator, core), played, config,
            workers=workers, folder=folder, on_progress=watch,
        )  # fmt: skip
    _tell(console, found, folder)


@search.command("beam")
def beam(
    game: Annotated[
        str, typer.Argument(help=f"A game ({', '.join(GAME_NAMES)}), or the ROM of one.")
    ],
    objective: Annotated[
        str, typer.Option(help=f"What is wished: {', '.join(_OBJECTIVES)}.")
    ] = Fastest.name,
    goal: Annotated[
        str,
        typer.Option(help="Where a line ends: won, or stage:N when stage N, from 0, is cleared."),
    ] = "won",
    rom: Annotated[
        Path | None, typer.Option(help="Your ROM of the game, where copain ships none.")
    ] = None,
    width: Annotated[int, typer.Option(help="Lines that go on together.")] = _BEAM.width,
    action_repeat: Annotated[
        int, typer.Option(help="Frames that each action is held; 1 is exact to the frame.")
    ] = _BEAM.action_repeat,
    per_cell: Annotated[
        int, typer.Option(help="Lines at most in places that are alike; 0: any number.")
    ] = _BEAM.per_cell,
    linger: Annotated[
        int, typer.Option(help="Generations played on after the goal was first reached.")
    ] = _BEAM.linger,
    generations: Annotated[
        int, typer.Option(help="Stop after so many generations.")
    ] = _BEAM.generations,
    seconds: Annotated[float | None, typer.Option(help="Stop after so many seconds.")] = None,
    frames: Annotated[
        int | None, typer.Option(help="Stop after so many emulated frames, all lines counted.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Emulators at once; the result does not depend on it.")
    ] = None,
    emulator: Annotated[
        str | None, typer.Option(help=f"The emulator: {', '.join(EMULATOR_NAMES)}.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="The libretro core, by name or by path.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder; runs/GAME-DATE by default.")
    ] = None,
) -> None:
    """Play all actions from many lines at once; the best go on. Ctrl-C keeps the best so far.

    Exit status 0: the goal is reached; 1: it is not; 2: the search could not be made.
    """
    played, loaded = game_and_rom(game, rom)
    if objective not in _OBJECTIVES:
        raise InputError(
            f"--objective {objective!r}: the objectives are {', '.join(_OBJECTIVES)}; one of your "
            "own is searched for from Python: copain.search.beam"
        )
    wish = _OBJECTIVES[objective](played, _goal(played, goal))
    config = Beam(
        width=width, action_repeat=action_repeat, per_cell=per_cell, linger=linger,
        generations=generations, frames=frames, seconds=seconds,
    )  # fmt: skip
    folder = out or new_folder(played)
    console = Console()
    with (
        open_one(loaded, emulator, core) as screen,
        SearchWatch(f"copain searches {played.ram_map.title}", console, screen) as watch,
    ):
        found = search_by_beam(
            lambda: open_one(loaded, emulator, core), wish, config,
            workers=workers, folder=folder, on_progress=watch,
        )  # fmt: skip
    _tell(console, found, folder)


def new_folder(game: Game) -> Path:
    """Where a run of this game goes when nobody says where."""
    return Path("runs") / f"{game.name}-{datetime.now():%Y%m%d-%H%M%S}"


def _tell(console: Console, found: Found, folder: Path) -> None:
    """Say what was found and where it lies; end with status 1 if the goal was not reached."""
    console.print(summary(found), highlight=False, soft_wrap=True)
    best = next(path for path in folder.glob("best.*") if path.suffix != ".json")
    console.print(f"  {escape(str(best))}", highlight=False, soft_wrap=True)
    if not found.won:
        raise typer.Exit(1)


@search.command("digest")
def digest(
    folder: Annotated[Path, typer.Argument(help="The run folder.", metavar="RUN")],
) -> None:
    """Print one number for all that a search found; equal searches have equal ones."""
    found = digest_of(folder)
    print(found.sha256)
    Console(stderr=True).print(
        f"{found.lines:,} lines, {found.held:,} places held", highlight=False
    )


def _goal(game: Game, text: str) -> Goal:
    """The goal that ``--goal`` names."""
    if text == "won":
        return won(game)
    kind, _, number = text.partition(":")
    if kind == "stage" and number.isdecimal():
        return stage_cleared(game, int(number))
    raise InputError(f"--goal {text!r}: won, or stage:N (such as stage:0), is needed")


def game_and_rom(name: str, path: Path | None = None) -> tuple[Game, Rom]:
    """The game of this name and its ROM: the one at `path`, yours, or the one copain ships; or,
    when the name is the path of a ROM, that and its game.
    """
    if name in GAME_NAMES:
        rom = Rom.read(rom_path(name) if path is None else path)
        played = game_by_name(name)
        played.ram_map.check(rom)
        return played, rom
    if not Path(name).exists():
        raise GameError(
            f"{name!r} is neither a game nor a ROM file that is there; "
            f"the games are {', '.join(GAME_NAMES)}"
        )
    rom = Rom.read(name)
    found = game_of(rom)
    if found is None:
        raise GameError(
            f"no game definition is for this ROM (SHA-1 {rom.sha1}), so nothing says when it is "
            f"won or lost; the games are {', '.join(GAME_NAMES)}. A game of your own is searched "
            "from Python: give copain.search.brute_force a copain.games.Game"
        )
    return found, rom


def summary(found: Found) -> str:
    """What was found and what it took, in two lines."""
    why = {
        "won": "[bold green]won[/]",
        "exhausted": "[bold yellow]not won: nothing is left to try[/]",
        "interrupted": "[bold yellow]interrupted[/]",
    }.get(found.outcome, f"[bold yellow]not won: the {found.outcome} are used up[/]")
    at = found.progress
    return (
        f"{why}: score {found.score:,} in {found.movie.frames:,} frames, verified from power-on\n"
        f"  {at.seconds:.1f} s, {at.frames:,} frames emulated ({at.frames_per_second:,.0f}/s), "
        f"{at.rerecords:,} rerecords, {at.deaths:,} deaths, {at.steps_back:,} steps back"
    )
