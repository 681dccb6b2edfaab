"""What RAM means: the games that copain knows, one folder each.

A game's folder holds ``ram.toml`` (the names), ``game.py`` (the judgements, with a function
``game()``) and its ROM, where it is ours to ship.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib import import_module, resources
from pathlib import Path

from copain.errors import GameError
from copain.games.game import Action, Bounded, Game, RamMap, Start, Table
from copain.games.ram_toml import parse_ram_map, read_ram_map
from copain.games.stable_retro import StableRetroGame, from_stable_retro, stable_retro_names
from copain.memory import Variable
from copain.rom import Rom

__all__ = [
    "GAME_NAMES", "Action", "Bounded", "Game", "RamMap", "StableRetroGame", "Start", "Table",
    "from_stable_retro", "game_by_name", "game_of", "parse_ram_map", "ram_map_of", "read_ram_map",
    "rom_path", "stable_retro_names", "variables_of",
]  # fmt: skip

GAME_NAMES: tuple[str, ...] = tuple(
    sorted(
        folder.name
        for folder in resources.files("copain.games").iterdir()
        if folder.joinpath("ram.toml").is_file()
    )
)
"""The games that copain knows: every folder here with a ``ram.toml``."""


def game_by_name(name: str) -> Game:
    """The game called `name`. Raises GameError that lists the games there are."""
    _check(name)
    game = import_module(f"copain.games.{name}.game").game()
    assert isinstance(game, Game)
    return game


def game_of(rom: Rom) -> Game | None:
    """The game that this ROM is, by its checksum, or None."""
    for name in GAME_NAMES:
        if ram_map_of(name).is_of(rom):
            return game_by_name(name)
    return None


@cache
def ram_map_of(name: str) -> RamMap:
    """The RAM map of the game called `name`."""
    _check(name)
    path = resources.files("copain.games") / name / "ram.toml"
    return parse_ram_map(path.read_text(encoding="utf-8"), f"games/{name}/ram.toml")


def variables_of(rom: Rom) -> Mapping[str, Variable]:
    """The names of this ROM's RAM: those of the game it is, or none."""
    for name in GAME_NAMES:
        if ram_map_of(name).is_of(rom):
            return ram_map_of(name).variables
    return {}


def rom_path(name: str) -> Path:
    """Where the ROM of a game lies: the one that copain ships, or yours.

    Yours is named by the environment, such as ``COPAIN_GRADIUS_ROM``. Raises GameError if there
    is none.
    """
    _check(name)
    setting = f"COPAIN_{name.upper()}_ROM"
    if os.environ.get(setting):
        return Path(os.environ[setting]).expanduser()
    folder = Path(str(resources.files("copain.games") / name))
    for ending in ram_map_of(name).system.extensions:
        path = folder / f"{name}.{ending}"
        if path.is_file():
            return path
    raise GameError(f"copain ships no ROM of {name}; give the path of yours, or set {setting}")


def _check(name: str) -> None:
    if name not in GAME_NAMES:
        raise GameError(f"no game is called {name!r}; the games are {', '.join(GAME_NAMES)}")
