"""``copain random``: random inputs, on as many emulators as you like."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from copain.backends import EMULATOR_NAMES
from copain.cli.search_options import game_and_rom
from copain.errors import InputError
from copain.fleet import CopainRun, RandomPlay, Run
from copain.games import GAME_NAMES

PLANES = {
    "all": (True, True), "sprites": (True, False), "background": (False, True),
    "none": (False, False),
}  # fmt: skip


def random(
    game: Annotated[
        str, typer.Argument(help=f"A game ({', '.join(GAME_NAMES)}), or the ROM of one.")
    ] = "alouette",
    rom: Annotated[
        Path | None, typer.Option(help="Your ROM of the game, where copain ships none.")
    ] = None,
    emulator: Annotated[
        str | None, typer.Option(help=f"The emulator: {', '.join(EMULATOR_NAMES)}.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="The libretro core, by name or by path.")] = None,
    runners: Annotated[
        int | None, typer.Option(min=1, help="Emulators at once; one a processor by default.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="Stop after so many seconds; else by Ctrl-C.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the random numbers.")] = 0,
    hold: Annotated[int, typer.Option(min=1, help="Frames that each action is held.")] = 12,
    autofire: Annotated[
        bool, typer.Option("--autofire/--hold-fire", help="Press fire again and again, or hold it.")
    ] = True,
    visible: Annotated[
        int, typer.Option(min=0, help="How many show a window on your display (fceux).")
    ] = 0,
    speed: Annotated[
        str | None,
        typer.Option(help="Of the visible ones: normal, turbo, nothrottle or maximum (fceux)."),
    ] = None,
    sound: Annotated[bool, typer.Option("--sound", help="Of the visible ones (fceux).")] = False,
    planes: Annotated[
        str, typer.Option(help=f"What the visible ones draw: {', '.join(PLANES)} (fceux).")
    ] = "all",
    xvfb: Annotated[
        bool, typer.Option("--xvfb", help="The others on virtual displays, not on none (fceux).")
    ] = False,
    restarts: Annotated[
        int, typer.Option(min=0, help="How often a runner that fails is started again.")
    ] = 0,
    log: Annotated[Path | None, typer.Option(help="Write the runners' log to this file.")] = None,
) -> None:
    """Play with random inputs and autofire: start, hold fire, move at random, reset when dead.

    Exit status 0: played, also when Ctrl-C ended it; 2: a runner failed.
    """
    if planes not in PLANES:
        raise InputError(f"copain random: --planes {planes}; allowed are {', '.join(PLANES)}")
    played_game, loaded = game_and_rom(game, rom)
    play = RandomPlay(played_game, seed, hold=hold, autofire=autofire)

    def loop(nes: Any, run: Run) -> None:
        if run.visible and planes != "all":
            nes.lua.emu.setrenderplanes(*PLANES[planes])
        play(nes, run)

    options: dict[str, object] = {} if core is None else {"core": core}
    if xvfb:
        options["display"] = "xvfb"
    shown: dict[str, object] = {} if speed is None else {"speed": speed}
    if sound:
        shown["sound"] = True
    console = Console()
    run = CopainRun(
        loaded, loop, runners or len(os.sched_getaffinity(0)), emulator, visible,
        options=options, shown=shown, restarts=restarts, seconds=seconds, log=log, display=True,
    )  # fmt: skip
    try:
        with suppress(KeyboardInterrupt):
            run.run()
    except ExceptionGroup as failures:
        for failure in failures.exceptions:
            Console(stderr=True).print(f"[bold red]error:[/] {escape(str(failure))}")
        raise typer.Exit(2) from None
    for number, played in sorted(play.played.items()):
        console.print(
            f"runner {number}: {played.games:,} games in {played.frames:,} frames, "
            f"best score {played.best_score:,}",
            highlight=False,
        )
