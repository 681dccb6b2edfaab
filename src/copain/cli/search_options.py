"""What the commands of ``copain search`` share: their options, once, and how a search is run."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, TypeAlias

import typer
from rich.console import Console
from rich.markup import escape

from copain.backends import EMULATOR_NAMES
from copain.cli.verify import open_one
from copain.cli.watch import SearchWatch
from copain.emulator import Emulator
from copain.errors import GameError, InputError, RunError
from copain.games import GAME_NAMES, Game, game_by_name, game_of, rom_path
from copain.memory import Bytes
from copain.movie import Movie
from copain.rom import Rom
from copain.search import (
    Fastest,
    FewestChanges,
    Found,
    Goal,
    InRegion,
    Mask,
    Objective,
    OnBeat,
    Pareto,
    Perfect,
    Points,
    Preferred,
    Progress,
    Then,
    fork,
    stage_cleared,
    won,
)

_PLAIN: dict[str, type[Objective]] = {
    each.name: each for each in (Points, Perfect, Fastest, Preferred, FewestChanges)
}
_OBJECTIVES = (*_PLAIN, "region:NAME=LOW..HIGH,...", "beat:BPM[:BUTTON[:OFFSET]]")


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Make the values in a TOML file the defaults of the command's options."""
    if path is None:
        return None
    call = f"--config {str(path)!r}"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{call}: {error}") from error
    # Keys are spelled as the options are, or with _ for -.
    known = {
        spelling.lstrip("-"): param.name
        for param in context.command.params
        for spelling in param.opts
        if param.name not in (None, "help", "_config")
    }
    defaults: dict[str, object] = {}
    for key, value in values.items():
        name = known.get(key.replace("_", "-"))
        if name is None:
            allowed = ", ".join(sorted(known))
            raise InputError(f"{call}: unknown key {key!r}; the keys are {allowed}")
        if isinstance(value, dict):
            raise InputError(f"{call}: {key} is a table; a value is needed, as after --{key}")
        defaults[name] = value
    context.default_map = defaults
    return path


GameName: TypeAlias = Annotated[
    str, typer.Argument(help=f"A game ({', '.join(GAME_NAMES)}), or the ROM of one.")
]
YourRom: TypeAlias = Annotated[
    Path | None, typer.Option(help="Your ROM of the game, where copain ships none.")
]
ObjectiveName: TypeAlias = Annotated[
    str, typer.Option(help=f"What is wished: {', '.join(_OBJECTIVES)}.")
]
ThenName: TypeAlias = Annotated[
    str | None, typer.Option(help="Of equally good lines: the objective that decides.")
]
AndNames: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--and", help="Another objective: all trades of one for the other are kept (see --ends)."
    ),
]
Ends: TypeAlias = Annotated[
    int, typer.Option(help="Lines to the goal that are kept, each at another place, in RUN/ends.")
]
Starts: TypeAlias = Annotated[
    list[Path] | None,
    typer.Option("--from", help="A movie that the search goes on from; may be given again."),
]
Forked: TypeAlias = Annotated[
    Path | None,
    typer.Option("--fork", help="The run folder of another search: go on from what it holds."),
]
GoalName: TypeAlias = Annotated[
    str, typer.Option(help="Where a line ends: won, or stage:N when stage N, from 0, is cleared.")
]
Seconds: TypeAlias = Annotated[float | None, typer.Option(help="Stop after so many seconds.")]
Frames: TypeAlias = Annotated[
    int | None, typer.Option(help="Stop after so many emulated frames, all tries counted.")
]
Seed: TypeAlias = Annotated[
    int, typer.Option(help="Of the random numbers; another finds another run.")
]
ActionRepeat: TypeAlias = Annotated[
    int, typer.Option(help="Frames that each action is held; 1 is exact to the frame.")
]
Sticky: TypeAlias = Annotated[
    float, typer.Option(help="How likely an action is the same as the one before, 0 to 1.")
]
Linger: TypeAlias = Annotated[
    int, typer.Option(help="Steps played on after the goal was first reached.")
]
Batch: TypeAlias = Annotated[int, typer.Option(help="Jobs played at once.")]
Workers: TypeAlias = Annotated[
    int | None, typer.Option(help="Emulators at once; the result does not depend on it.")
]
EmulatorName: TypeAlias = Annotated[
    str | None, typer.Option(help=f"The emulator: {', '.join(EMULATOR_NAMES)}.")
]
CoreName: TypeAlias = Annotated[
    str | None, typer.Option(help="The libretro core, by name or by path.")
]
Out: TypeAlias = Annotated[
    Path | None, typer.Option(help="The run folder; runs/GAME-DATE by default.")
]
MaskFile: TypeAlias = Annotated[
    Path | None,
    typer.Option("--mask", help="A file that says which RAM matters; see copain search mask."),
]


def memory_of(text: str | None) -> int | None:
    """The bytes that ``--memory`` says: 2G, 500M, 64K, or a plain number."""
    if text is None:
        return None
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in "KMG" else (text, "")
    try:
        return int(float(number) * 1024 ** " KMG".index(unit or " "))
    except ValueError:
        raise InputError(f"--memory {text!r}: a size is needed, such as 2G or 500M") from None


Memory: TypeAlias = Annotated[
    str | None,
    typer.Option(help="Memory the search may take, such as 2G; the rest is on disk."),
]


Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="A TOML file with options of this command, such as width = 400; those given here "
        "come before it.",
        callback=_read_config,
        is_eager=True,
    ),
]


@dataclass(frozen=True, slots=True)
class Searched:
    """What a command searches: a game in an emulator, and where the run goes."""

    game: Game
    rom: Rom
    emulator: str | None
    core: str | None
    folder: Path

    @classmethod
    def of(
        cls, name: str, rom: Path | None, emulator: str | None, core: str | None, out: Path | None
    ) -> Searched:
        """From the options of a command."""
        game, loaded = game_and_rom(name, rom)
        return cls(game, loaded, emulator, core, out or new_folder(game))

    def open(self) -> Emulator:
        """A new emulator."""
        return open_one(self.rom, self.emulator, self.core)

    def starts(
        self, movies: Sequence[Path] | None, forked: Path | None, most: int | None = None
    ) -> list[Movie]:
        """What ``--from`` and ``--fork`` name; of a fork the first lines, `most` of them."""
        found = [Movie.read(path) for path in movies or ()]
        if forked is not None:
            with self.open() as emulator:
                found += fork(forked, self.game, emulator, most)
        return found

    def mask(self, path: Path | None) -> Bytes | None:
        """The mask in a file of ``copain search mask``, if one is given."""
        if path is None:
            return None
        mask = Mask.read(path)
        mask.check(self.rom)
        return mask.matters

    def objective(
        self, name: str, goal: str, then: str | None = None, also: Sequence[str] | None = None
    ) -> Objective:
        """The objective that ``--objective``, ``--goal``, ``--then`` and ``--and`` name."""
        where = _goal(self.game, goal)
        wish = _objective(self.game, name, where, "--objective")
        if then is not None:
            wish = Then(wish, _objective(self.game, then, where, "--then"))
        others = [_objective(self.game, other, where, "--and") for other in also or ()]
        return Pareto(wish, *others) if others else wish

    def run(self, search: Callable[[Callable[[Progress], None]], Found]) -> None:
        """Search with a display, tell what was found; exit with status 1 if it is not the goal."""
        console = Console()
        title = f"copain searches {self.game.ram_map.title}"
        with self.open() as screen, SearchWatch(title, console, screen) as watch:
            found = search(watch)
        console.print(summary(found), highlight=False, soft_wrap=True)
        best = next(path for path in self.folder.glob("best.*") if path.suffix != ".json")
        console.print(f"  {escape(str(best))}", highlight=False, soft_wrap=True)
        if not found.won:
            raise typer.Exit(1)


def new_folder(game: Game) -> Path:
    """Where a run of this game goes when nobody says where."""
    return Path("runs") / f"{game.name}-{datetime.now():%Y%m%d-%H%M%S}"


def _objective(game: Game, text: str, goal: Goal, option: str) -> Objective:
    """The objective of this name, with what follows its colon."""
    kind, _, rest = text.partition(":")
    try:
        if kind == "region":
            region: dict[str, tuple[int, int]] = {}
            for part in rest.split(","):
                name, _, limits = part.partition("=")
                low, _, high = limits.partition("..")
                region[name] = (int(low), int(high))
            return InRegion(game, region, goal)
        if kind == "beat":
            bpm, button, offset = [*rest.split(":"), "a", "0"][:3] if rest else ("", "a", "0")
            offset = offset if rest.count(":") == 2 else "0"
            return OnBeat(game, Fraction(bpm), goal, button=button, offset=int(offset))
    except (ValueError, KeyError) as error:
        raise InputError(
            f"{option} {text!r}: {error}; {_OBJECTIVES[-2]} or {_OBJECTIVES[-1]} is needed"
        ) from error
    if text not in _PLAIN:
        raise InputError(
            f"{option} {text!r}: the objectives are {', '.join(_OBJECTIVES)}; one of your own is "
            "searched for from Python: copain.search.beam"
        )
    return _PLAIN[text](game, goal)


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


def searched_in(folder: Path, rom: Path | None) -> tuple[Game, Rom, str]:
    """What was searched in this run folder: the game, its ROM (yours, where copain ships none),
    and the emulator's name.
    """
    call = f"search report {str(folder)!r}"
    try:
        run = tomllib.loads((folder / "run.toml").read_text(encoding="utf-8"))["run"]
        name, emulator = str(run["game"]), str(run["emulator"])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise RunError(f"{call}: it is no run folder: {error}") from error
    if name not in GAME_NAMES:
        raise GameError(
            f"{call}: copain has no game called {name!r}; a search of a game of your own is "
            "reported from Python: copain.search.report.write_report(folder, factory, game)"
        )
    game, loaded = game_and_rom(name, rom)
    return game, loaded, emulator


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
