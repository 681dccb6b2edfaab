"""``copain ram``: find what RAM means, and watch it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from copain.backends import EMULATOR_NAMES, open_emulator
from copain.emulator import Emulator
from copain.errors import CopainError, InputError
from copain.games import GAME_NAMES, rom_path
from copain.memory import Variable
from copain.movie import Movie
from copain.movie.playback import play_frames
from copain.ram import Dialogue, RamWatch, read_watches
from copain.ram.dialogue import script_lines
from copain.ram.live import LiveWatch
from copain.rom import Rom

ram = typer.Typer(
    name="ram",
    help="Find which bytes of RAM hold what the screen shows, and watch them.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RomOption = Annotated[
    str, typer.Argument(help=f"The ROM file, or a game of copain's own ({', '.join(GAME_NAMES)}).")
]
MovieOption = Annotated[Path | None, typer.Option(help="Play this movie.")]
EmulatorOption = Annotated[
    str | None, typer.Option(help=f"The emulator: {', '.join(EMULATOR_NAMES)}.")
]
CoreOption = Annotated[str | None, typer.Option(help="The libretro core, by name or by path.")]


@ram.command("search", context_settings={"ignore_unknown_options": True})
def search(
    rom: RomOption,
    steps: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[--at FRAME COMMAND]...",
            help="What to do at which frame, such as --at 600 equal 3 --at 900 less-by 1.",
        ),
    ] = None,
    movie: MovieOption = None,
    kind: Annotated[
        str, typer.Option("--type", help="The type to look for, such as u16, 'bcd 3', 'u16 big'.")
    ] = "u8",
    domain: Annotated[str, typer.Option(help="The memory domain to search.")] = "ram",
    names: Annotated[
        Path | None, typer.Option(help="Begin with the names in this ram.toml or .wch.")
    ] = None,
    emulator: EmulatorOption = None,
    core: CoreOption = None,
) -> None:
    """Search RAM for what the screen shows: a prompt, or the commands given with --at.

    The list of addresses shrinks with each comparison. `help` at the prompt lists the commands;
    commands can also come from standard input. Numbers are decimal (0x0a and $0a hexadecimal),
    addresses hexadecimal.
    """
    lines = script_lines(steps or [])
    played = None if movie is None else Movie.read(movie)
    with open_one(rom, emulator, core) as opened:
        dialogue = Dialogue(opened, played, domain)
        if names is not None:
            print(dialogue.do(f"read {names}"))
        if kind != "u8":
            dialogue.do(f"type {kind}")
        if lines:
            run_script(dialogue, lines)
        elif sys.stdin.isatty():
            converse(dialogue)
        else:
            run_script(dialogue, sys.stdin.read().splitlines())


def run_script(dialogue: Dialogue, lines: list[str]) -> None:
    """Carry out `lines` and print what they say, then what is left; an error ends it."""
    for line in lines:
        words = line.split("#", 1)[0].split()
        if words[:1] in (["quit"], ["exit"]):
            break
        said = dialogue.do(line)
        if said and words[0] != "at":
            print(f"> {line.strip()}\n{said}")
    print(f"\n{dialogue.search}")


def converse(dialogue: Dialogue) -> None:
    """Ask for commands until `quit` or the end of the input; an error is said and it goes on."""
    with suppress(ImportError):
        import_module("readline")  # gives `input` its line editing and history
    console = Console()
    print(f"{len(dialogue.search):,} addresses, values unknown; help lists the commands")
    while True:
        try:
            line = input(f"frame {dialogue.frame}, {len(dialogue.search):,} left> ").strip()
            if line in ("quit", "exit", "q"):
                return
            said = dialogue.do(line)
        except EOFError:
            print()
            return
        except KeyboardInterrupt:
            print()
            continue
        except CopainError as error:
            console.print(f"[bold red]{escape(str(error))}[/]", highlight=False, soft_wrap=True)
            continue
        if said:
            print(said)


@ram.command("watch")
def watch(
    rom: RomOption,
    movie: MovieOption = None,
    watch: Annotated[
        str, typer.Option(help="The variables, such as score,lives; all when not given.")
    ] = "",
    names: Annotated[
        Path | None, typer.Option(help="Names from this ram.toml or .wch (FCEUX, BizHawk).")
    ] = None,
    play: Annotated[
        bool, typer.Option("--play", help="You play, in copain's window, with the variables in it.")
    ] = False,
    visible: Annotated[
        bool, typer.Option("--visible", help="You play in the emulator's own window (fceux).")
    ] = False,
    frames: Annotated[int | None, typer.Option(min=1, help="End after so many frames.")] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0, help="1 is the console's own, 0 as fast as it goes (when not on a terminal)."
        ),
    ] = None,
    emulator: EmulatorOption = None,
    core: CoreOption = None,
) -> None:
    """Watch named variables while a movie or a person plays.

    On a terminal it is a live table, elsewhere a line for each change.
    """
    if not (movie or play or visible or frames):
        raise InputError(
            "copain ram watch: who plays? Give --movie FILE, --play, --visible with --emulator "
            "fceux, or --frames N to play with nothing held"
        )
    played = None if movie is None else Movie.read(movie)
    variables: dict[str, Variable] = {}
    if names is not None:
        read = read_watches(names)
        variables |= read.variables
        for line in read.left_out:
            print(f"left out: {line}", file=sys.stderr)
    chosen = [name.strip() for name in watch.split(",") if name.strip()]
    with open_one(rom, emulator, core, visible=visible) as opened:
        table = RamWatch(opened.ram, chosen or None, variables or None)
        if play:
            from copain.play import play as open_window

            opened.ram.variables = {**opened.ram.variables, **table.variables}
            open_window(opened, movie=played, watch=list(table.variables))
            return
        console = Console()
        if speed is None:
            speed = 0 if visible or not console.is_terminal else 1
        title = f"{opened.rom.name} on {opened.name}"
        with LiveWatch(table, title, console) as show, suppress(KeyboardInterrupt):
            for frame in follow(opened, played, frames, speed):
                show(frame)


def follow(
    emulator: Emulator, movie: Movie | None, frames: int | None, speed: float
) -> Iterator[int]:
    """Play the movie, or with nothing held, at `speed`; the frames as they were played."""
    if movie is None:
        numbers = (_advance(emulator) for _ in repeat(None))
    else:
        numbers = (frame for frame, _ in play_frames(movie, emulator))
    began = time.monotonic()
    for count, frame in enumerate(numbers, 1):
        if speed:
            due = began + count / (float(emulator.frame_rate) * speed)
            time.sleep(max(0.0, due - time.monotonic()))
        yield frame
        if count == frames:
            return


def _advance(emulator: Emulator) -> int:
    emulator.advance()
    return emulator.frame


def open_one(
    rom: str, emulator: str | None, core: str | None, *, visible: bool = False
) -> Emulator:
    """The emulator that the options name, with the ROM at this path or of this game."""
    options: dict[str, object] = {} if core is None else {"core": core}
    if visible:
        if emulator != "fceux":
            raise InputError("copain ram watch --visible: that is for --emulator fceux; or --play")
        options |= {"visible": True, "person_plays": True}
    loaded = Rom.read(rom_path(rom) if rom in GAME_NAMES else rom)
    return open_emulator(loaded, emulator, **options)
