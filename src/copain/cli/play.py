"""``copain play``: a window to play a game in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from copain.backends import open_emulator
from copain.errors import InputError
from copain.games import rom_path
from copain.movie.movie import Movie
from copain.play.keys import bindings_path, read_bindings
from copain.rom import Rom


def play(
    rom: Annotated[
        Path | None, typer.Argument(help="The ROM file; Alouette when none is given.")
    ] = None,
    movie: Annotated[
        Path | None, typer.Option(help="Play this movie, read-only until you take over (F8).")
    ] = None,
    record: Annotated[
        Path | None, typer.Option(help="Write what you play to this movie file (.fm2) at the end.")
    ] = None,
    emulator: Annotated[str | None, typer.Option(help="Which emulator.")] = None,
    core: Annotated[str | None, typer.Option(help="Which core, by name or path.")] = None,
    scale: Annotated[
        int | None, typer.Option(min=1, max=16, help="Size of a pixel; as fits when not given.")
    ] = None,
    full_screen: Annotated[bool, typer.Option("--full-screen", help="Fill the screen.")] = False,
    sound: Annotated[bool, typer.Option("--sound/--no-sound", help="Sound or silence.")] = True,
    watch: Annotated[
        str, typer.Option(help="Variables to show, such as score,lives (F3: all of them).")
    ] = "",
    author: Annotated[str, typer.Option(help="Your name, for the recording.")] = "",
    keys: Annotated[
        bool, typer.Option("--keys", help="Print the keys, as a file of bindings, and end.")
    ] = False,
    keys_from: Annotated[
        Path | None, typer.Option(help=f"Read the keys from this file, not {bindings_path()}.")
    ] = None,
) -> None:
    """Play a game in a window: savestates, rewind, frame advance, recording. F1 shows the keys."""
    bindings = read_bindings(keys_from)
    if keys:
        print(bindings.to_toml(), end="")
        return
    from copain.play import play as open_window

    loaded = Rom.read(rom_path("alouette") if rom is None else rom)
    played = None if movie is None else Movie.read(movie)
    if emulator not in (None, "libretro") and core is not None:
        raise InputError(f"copain play: --core is for the emulator libretro, not {emulator}")
    options = {} if core is None else {"core": core}
    with open_emulator(loaded, emulator, **options) as opened:
        written = open_window(
            opened, movie=played, record=record, bindings=bindings, scale=scale,
            full_screen=full_screen, sound=sound, author=author,
            watch=[name.strip() for name in watch.split(",") if name.strip()],
        )  # fmt: skip
    if written is not None:
        Console().print(f"wrote {written}", highlight=False, soft_wrap=True)
