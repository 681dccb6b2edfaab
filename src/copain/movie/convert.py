"""Conversion: a movie in another format, with what its emulator must be told and what is lost.

Inputs, commands, rerecords, authors, comments, subtitles and RAM hashes go along. What only one
format can say does not, and is named; so is every setting that playback depends on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from copain.errors import MovieError
from copain.movie.bk2 import HEADER, LOG, OWN_PATTERN, format_bk2, parse_bk2, sync_settings
from copain.movie.bk2_columns import platform_of
from copain.movie.fm2 import format_fm2, parse_fm2
from copain.movie.movie import Movie
from copain.savestate import MAGIC
from copain.system import NES

Format = Literal["fm2", "bk2"]

RAM_INITS = {0: "four 00, four FF", 1: "all FF", 2: "all 00", 3: "random"}
"""FCEUX's RAMInitOption in words."""

_FM2_OF_ITS_OWN = ("guid", "NewPPU", "RAMInitSeed", "microphone", "port2", "FDS", "fourscore")
_BK2_ALL = {
    "MovieVersion", "Author", "Platform", "GameName", "SHA1", "MD5", "rerecordCount", "PAL",
    "StartsFromSavestate", "emuVersion", "Core", "",
}  # fmt: skip
_BK2_PARTS = {HEADER, LOG, "Comments.txt", "Subtitles.txt", "SyncSettings.json", "Core.bin"}


@dataclass(frozen=True, slots=True)
class Setting:
    """What an emulator must be told to stay in sync; `said` whether the new file says it."""

    emulator: str
    name: str
    value: str
    said: bool


@dataclass(frozen=True, slots=True)
class Conversion:
    """A movie as the other format says it, the settings it depends on, and what was lost."""

    movie: Movie
    settings: tuple[Setting, ...]
    lost: tuple[str, ...]


def convert(movie: Movie, to: Format) -> Conversion:
    """`movie` as a file of the other format will say it: what reading that file gives.

    Raises MovieError for what the format cannot hold: another system, buttons or commands it has
    no columns for, power-on RAM it has no number for, a savestate of another emulator.
    """
    source = movie.source.format if movie.source else ""
    if movie.savestate is not None and source != to and not movie.savestate.startswith(MAGIC):
        raise MovieError(
            f"convert: the movie starts from a savestate of {movie.made_by or 'its emulator'}, "
            f"which no emulator of {to} loads; make it start from power-on"
        )
    if to == "fm2" and movie.ram_init == OWN_PATTERN:
        raise MovieError(
            "convert: the movie starts with power-on RAM of its own (InitialWRamStatePattern), "
            "for which fm2 has no number"
        )
    bare = movie if source == to else replace(movie, source=None)
    converted = (
        parse_fm2(format_fm2(bare), "convert") if to == "fm2"
        else parse_bk2(format_bk2(bare), "convert")
    )  # fmt: skip
    lost = () if source == to else tuple(_lost(movie, converted))
    return Conversion(converted, tuple(_settings(converted, to)), lost)


def _settings(movie: Movie, to: Format) -> list[Setting]:
    region = "PAL" if movie.region == "pal" else "NTSC"
    init = f"{movie.ram_init} ({RAM_INITS.get(movie.ram_init, 'unknown')})"
    if to == "fm2":
        known = [
            ("RAMInitOption", init), ("palFlag", f"{int(region == 'PAL')} ({region})"),
            ("port0, port1", "1, 1 (joypads)"), ("NewPPU", "0 (the old PPU)"),
        ]  # fmt: skip
        return [Setting("FCEUX", name, value, True) for name, value in known]
    platform = platform_of(movie.system)
    core = platform.core if platform else "BizHawk"
    if movie.system is not NES:
        return [
            Setting(core, "PAL", f"{int(region == 'PAL')} ({region})", region == "PAL"),
            Setting(core, "the core's own sync settings", "its defaults", False),
        ]
    patterns = {1: "[255]", 2: "[0]"}
    return [
        Setting(core, "InitialWRamStatePattern",
                patterns.get(movie.ram_init, "[]") + f" (FCEUX's RAMInitOption {init})", True),
        Setting(core, "RegionOverride", "PAL" if region == "PAL" else "Default (NTSC)", True),
        Setting(core, "NesLeftPort, NesRightPort", "ControllerNES", True),
        Setting(core, "boot", "not measured against FCEUX's: the first line may have to go", False),
    ]  # fmt: skip


def _lost(movie: Movie, converted: Movie) -> list[str]:
    """What the new file does not say."""
    lost: list[str] = []
    if movie.source is not None and movie.source.format == "fm2":
        own = [line.strip() for line in movie.source.header
               if line.partition(" ")[0] in _FM2_OF_ITS_OWN]  # fmt: skip
        lost += [f"FCEUX's {line}" for line in own if not re.fullmatch(r"\w+ 0", line)]
    if movie.source is not None and movie.source.format == "bk2":
        header = movie.source.parts[HEADER].decode("utf-8", "replace").splitlines()
        lost += [f"the header's {line}" for line in header
                 if line.partition(" ")[0] not in _BK2_ALL]  # fmt: skip
        kept = ("$type", "InitialWRamStatePattern", "RegionOverride")
        lost += [f"the core's setting {name}: {value}"
                 for name, value in sync_settings(movie).items() if name not in kept]  # fmt: skip
        lost += [f"the part {name}" for name in movie.source.parts if name not in _BK2_PARTS]
        if movie.subtitles:
            lost.append("the subtitles' places, durations and colours")
    for what, was, now in _facts(movie, converted):
        if was != now:
            lost.append(f"{what}: {was or 'none'} became {now or 'none'}")
    if movie.savestate is not None:
        lost.append("the savestate is one of copain: only the emulator that made it loads it")
    return lost


def _facts(movie: Movie, converted: Movie) -> Sequence[tuple[str, object, object]]:
    return [
        (what, getattr(movie, name), getattr(converted, name))
        for what, name in (
            ("the ROM", "rom"), ("authors", "authors"), ("comments", "comments"),
            ("subtitles", "subtitles"), ("RAM hashes", "hashes"), ("made by", "made_by"),
            ("rerecords", "rerecords"), ("region", "region"), ("power-on RAM", "ram_init"),
        )
    ]  # fmt: skip
