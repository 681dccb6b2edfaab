"""``copain demo``: find a run of a real game, prove it, and show it."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from copain.backends import open_emulator
from copain.backends.cores import find_cores
from copain.cli.progress import frame_progress
from copain.cli.search_options import game_and_rom, summary
from copain.cli.verify import show
from copain.cli.watch import SearchWatch
from copain.errors import RunError
from copain.games import variables_of
from copain.games.alouette.game import BOSS_HITS, Alouette
from copain.movie import Movie, record_hashes, verify
from copain.movie.render import render
from copain.rom import Rom
from copain.search import BruteForce, Fastest, Found, Progress, brute_force

_GAME = "alouette"
# For the bar: in Alouette's progress the flight to the boss is so many pixels, and then a hit on
# the boss counts 1024, from so many on.
_FLIGHT, _BOSS_FROM = 1900, 38
_BOOT_FRAMES = 20
"""How many frames pass from power-on until the title is drawn; they are not shown."""
_CARD_FRAMES = 150
"""How long the next stage's card is shown after the stage is cleared."""


def demo(
    out: Annotated[
        Path, typer.Option(help="The folder for run.fm2, run.mp4 and run.gif.")
    ] = Path(),
    seconds: Annotated[float, typer.Option(help="Give up the search after so many seconds.")] = 180,
    seed: Annotated[
        int, typer.Option(help="Of the random numbers; another finds another run.")
    ] = 0,
    workers: Annotated[
        int | None, typer.Option(help="Emulators at once; all processors by default.")
    ] = None,
    pictures: Annotated[
        bool, typer.Option(help="Write run.mp4 and run.gif, which takes some seconds.")
    ] = True,
) -> None:
    """Find a run of a stage of the NES game Alouette, prove it, and write it to watch.

    Exit status 0: the stage is cleared and the run is in sync everywhere; 1: it is not; 2:
    something is missing or cannot be written.
    """
    console = Console()
    _, rom = game_and_rom(_GAME)
    game = Alouette(last_stage=1)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"copain demo --out {out}: {error.strerror}") from error
    folder = out / "runs" / f"demo-{datetime.now():%Y%m%d-%H%M%S}"
    say(console, f"[bold]{game.ram_map.title}[/] is an NES game that comes with copain. Nobody "
        "tells copain how to play it:\nit tries, dies, goes back to a savestate and tries "
        "again, until the first stage is cleared.\n")  # fmt: skip
    with (
        open_emulator(rom) as screen,
        SearchWatch(f"copain plays {game.ram_map.title}", console, screen, _way) as watch,
    ):
        found = brute_force(
            lambda: open_emulator(rom), Fastest(game), BruteForce(seed=seed, seconds=seconds),
            workers=workers, folder=folder, on_progress=watch,
        )  # fmt: skip
    say(console, summary(found))
    run = out / "run.fm2"
    movie = _with_card(found, rom)
    movie.write(run)
    in_sync = _prove(console, run, rom)
    written = [run]
    if pictures:
        written += _show(movie, rom, out)
    say(console, "\n[bold]To watch and to keep[/]")
    for path in written:
        size = path.stat().st_size
        text = f"{size / 1e6:.1f} MB" if size > 99_999 else f"{size / 1e3:.1f} kB"
        say(console, f"  {escape(str(path))}  [dim]{text}[/]")
    say(console, f"  {escape(str(folder))}  [dim]what the search did[/]")
    copain = _program()
    say(console, "\n[bold]What to try next[/]\n"
        f"  [dim]# play it yourself[/]\n  {copain} play\n"
        f"  [dim]# look longer for a better run[/]\n"
        f"  {copain} search brute-force {_GAME} --seed 1 --lines 16\n"
        f"  [dim]# prove it once more[/]\n"
        f"  {copain} verify {escape(str(run))} --rom {escape(str(rom.path))}")  # fmt: skip
    if not (found.won and in_sync):
        raise typer.Exit(1)


def _program() -> str:
    """How this program is started from here: by its name where that is on the PATH."""
    return "copain" if shutil.which("copain") else os.path.relpath(sys.argv[0])


def say(console: Console, text: str) -> None:
    """Print text as it is, not broken into lines, so that paths stay whole."""
    console.print(text, highlight=False, soft_wrap=True)


def _way(at: Progress) -> float:
    """How much of the way to the stage's end is done."""
    if at.best_progress < 1024 * _BOSS_FROM:
        return min(at.best_progress / _FLIGHT, 1.0) * 0.8
    fought = (at.best_progress / 1024 - _BOSS_FROM) / (BOSS_HITS - _BOSS_FROM)
    return 0.8 + min(fought, 1.0) * 0.2


def _with_card(found: Found, rom: Rom) -> Movie:
    """The movie of the run; of one that wins, with the next stage's card shown for a while."""
    if not found.won:
        return found.movie
    movie = found.movie
    idle = np.zeros((_CARD_FRAMES, movie.inputs.shape[1]), np.uint16)
    longer = replace(
        movie,
        inputs=np.concatenate([movie.inputs, idle]),
        commands=np.zeros(0, np.uint8),
        hashes={},
    )
    with open_emulator(rom) as emulator:
        return record_hashes(longer, emulator)


def _prove(console: Console, run: Path, rom: Rom) -> bool:
    """Play the movie from its file on a fresh emulator, and beside a second core."""
    movie = Movie.read(run)
    second = _second_core(rom)
    beside = "" if second is None else f" and frame by frame beside another one, {second}"
    say(console, f"\n[bold]Proof[/]: the movie, from power-on, on a fresh emulator{beside}")
    with frame_progress("verifying", movie.frames) as advance:
        verdict = verify(
            movie,
            lambda: open_emulator(rom),
            None if second is None else lambda: open_emulator(rom, core=second),
            variables_of(rom),
            on_frame=advance,
        )
    show(verdict, console)
    if second is None:
        say(console, "  No second core for the NES was found, so nobody else vouches for this run; "
            "Debian\n  and Ubuntu have one: apt install libretro-nestopia")  # fmt: skip
    return verdict.in_sync


def _second_core(rom: Rom) -> str | None:
    """The name of a core other than the one that searched, from another author."""
    with open_emulator(rom) as emulator:
        first = emulator.name
    names = {core.name for core in find_cores()}
    others = [name for name in ("nestopia", "fceumm") if name in names]
    return next((name for name in others if first != f"libretro:{name}"), None)


def _show(movie: Movie, rom: Rom, out: Path) -> list[Path]:
    """Write the video and the animation."""
    written: list[Path] = []
    for name, scale, frame_skip in (("run.mp4", 2, 1), ("run.gif", 1, 3)):
        with open_emulator(rom) as emulator, frame_progress(name, movie.frames) as advance:
            path = render(
                movie, emulator, out / name, first=min(_BOOT_FRAMES, movie.frames),
                scale=scale, frame_skip=frame_skip,
                on_frame=lambda played, _, advance=advance: advance(played),
            )  # fmt: skip
        written.append(path)
    return written
