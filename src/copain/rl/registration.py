"""The names by which Gymnasium knows copain's environments.

A game's version goes up when its ROM, or what copain says of it, changes: figures of one version
say nothing of another. `VERSIONS` pins each version to what it was.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import gymnasium

from copain.errors import GameError
from copain.games import GAME_NAMES, ram_map_of

MAX_EPISODE_STEPS = 4500
"""Steps after which episodes of registered environments are truncated: with four frames a step,
five minutes, as in https://arxiv.org/abs/1312.5602."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a version of a game's environment is of: the ROM and the game's files, by SHA-1."""

    rom: str
    files: str


VERSIONS: dict[str, tuple[Version, ...]] = {
    "alouette": (
        Version(
            rom="cd64a1ce93dfb6cfa831da78554d28ff15e5b0aa",
            files="701aa9d06f7c80a7c42576f26c7f89dd5bfb10f5",
        ),
    ),
    "gradius": (
        Version(
            rom="92645fe142861c3d3fda209bb906ad2b0e353988",
            files="af957221b83c5d6ab33771f11ef829e66d7dbee6",
        ),
    ),
    "grid": (
        Version(
            rom="6baa2262d5643d7f3500328f4f8e23f986e4ed80",
            files="92cbceadb85460c7961c0e599207184161059d8a",
        ),
    ),
}
"""Each game's versions from 0; the last is the one that is registered."""


def version_now(name: str) -> Version:
    """What the game called `name` is now: its ROM, and its ``ram.toml``, ``*.py`` and starts."""
    folder = Path(str(resources.files("copain.games") / name))
    total = hashlib.sha1(usedforsecurity=False)
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".toml", ".py") or path.parent.name == "starts":
            total.update(f"{path.relative_to(folder).as_posix()}\0".encode())
            total.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return Version(ram_map_of(name).sha1, total.hexdigest())


def env_id(name: str) -> str:
    """The name of a game's environment, such as ``copain/Alouette-v0``. Raises GameError."""
    if name not in VERSIONS:
        raise GameError(f"no game is called {name!r}; the games are {', '.join(GAME_NAMES)}")
    return f"copain/{name.capitalize()}-v{len(VERSIONS[name]) - 1}"


def register() -> None:
    """Tell Gymnasium of all environments; once is enough."""
    ids = {env_id(name): {"game": name} for name in VERSIONS}
    for name, kwargs in {**ids, "copain/Rom-v0": {}, "copain/StableRetro-v0": {}}.items():
        if name not in gymnasium.registry:
            gymnasium.register(  # pyright: ignore[reportUnknownMemberType]
                name,
                entry_point="copain.rl.env:CopainEnv",
                vector_entry_point="copain.rl.vector:CopainVectorEnv",
                max_episode_steps=MAX_EPISODE_STEPS,
                kwargs=kwargs,
            )
