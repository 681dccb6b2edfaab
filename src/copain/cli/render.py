"""``copain render``: a movie as a video, an animation or a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from copain.backends import EMULATOR_NAMES
from copain.cli.progress import frame_progress
from copain.cli.verify import open_one
from copain.errors import MovieError
from copain.movie import Movie
from copain.movie.render import GIF_FRAME_SKIP
from copain.movie.render import render as render_movie
from copain.rom import Rom


def render(
    movie: Annotated[Path, typer.Argument(help="The movie, an .fm2 file.")],
    rom: Annotated[Path, typer.Option(help="The ROM that it was made on.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file to write: .mp4, .gif or .png.")
    ],
    emulator: Annotated[
        str | None, typer.Option(help=f"The emulator: {', '.join(EMULATOR_NAMES)}.")
    ] = None,
    core: Annotated[str | None, typer.Option(help="The libretro core, by name or by path.")] = None,
    first: Annotated[int, typer.Option("--from", help="The first frame shown.")] = 1,
    last: Annotated[
        int | None, typer.Option("--to", help="The last frame shown; the movie's last by default.")
    ] = None,
    frame: Annotated[
        int | None, typer.Option(help="The frame of a .png; the movie's last by default.")
    ] = None,
    scale: Annotated[
        int | None, typer.Option(help="How much larger, a whole number (mp4, png 3; gif 2).")
    ] = None,
    frame_skip: Annotated[
        int, typer.Option(help="Of so many frames a .gif shows one.")
    ] = GIF_FRAME_SKIP,
    force: Annotated[
        bool, typer.Option(help="Play it even if it says another ROM, region or power-on RAM.")
    ] = False,
) -> None:
    """Play a movie and write what it looks and sounds like to a file."""
    run = Movie.read(movie)
    game = Rom.read(rom, system=run.system)
    if frame is not None and output.suffix.lower() != ".png":
        raise MovieError("--frame chooses the frame of a .png; for a range say --from and --to")
    if first != 1 and output.suffix.lower() == ".png":
        raise MovieError("--from begins a range; a .png is one frame: say --frame")
    end = frame if frame is not None else last
    with (
        open_one(game, emulator, core) as machine,
        frame_progress(f"rendering {output.name}", end or run.frames) as advance,
    ):
        written = render_movie(
            run,
            machine,
            output,
            first=first,
            last=end,
            scale=scale,
            frame_skip=frame_skip,
            on_frame=lambda played, _: advance(played),
            strict=not force,
        )
    size = written.stat().st_size
    Console().print(f"{escape(str(written))}: {size / 1000:,.0f} kB", highlight=False)
