"""Task: a game, and all that makes an environment of it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import copain
from copain.copies import Copies, HasCopies
from copain.emulator import Emulator
from copain.errors import GameError, InputError
from copain.games import (
    GAME_NAMES,
    Game,
    StableRetroGame,
    from_stable_retro,
    game_by_name,
    game_of,
    rom_path,
)
from copain.games.objective import Goal
from copain.rl.emulator_copies import EmulatorCopies
from copain.rl.rewards import Reward
from copain.rl.starts import Starts
from copain.rom import Rom, RomLike, as_rom

OBSERVATIONS = ("ram", "ram_bytes", "screen", "screen84")
"""The kinds of observations."""


class Options(TypedDict, total=False):
    """What an environment may be asked for, with `Task`'s meaning and defaults."""

    rom: RomLike | None
    emulator: str | None
    emulator_options: Mapping[str, Any]
    observation: str | Sequence[str]
    stack: int
    actions: str
    action_repeat: int
    sticky: float
    noops: int
    starts: Starts
    reward: Reward | None
    goal: Goal | None
    max_episode_steps: int | None


@dataclass(frozen=True, kw_only=True)
class Task:
    """A game, and all that makes an environment of it.

    - `game`: what RAM means. `rom`: the ROM, by default the game's own.
    - `emulator`, `emulator_options`: as in `copain.open`; the best embedded one by default.
    - `observation`: one of `OBSERVATIONS`, or several, which make a dict. ``ram``: the game's
      variables and tables as features (`copain.rl.ram_features`) of the last `stack` steps,
      ``float32 (stack * features,)``; ``ram_bytes``: the RAM, ``uint8 (ram_size,)``; ``screen``:
      the picture, ``uint8 (height, width, 3)``; ``screen84``: the brighter of the last two
      frames, grey, of the last `stack` steps, ``uint8 (stack, 84, 84)``.
    - `actions`: ``table``, ``multi_binary`` or ``multi_discrete`` (`copain.rl.actions`).
    - `action_repeat`: frames a step. `sticky`: the odds, in each frame, that what was held before
      is held on instead (as in https://arxiv.org/abs/1709.06009). `noops`: the most frames of
      waiting after the start, drawn for each episode.
    - `starts`: where episodes begin: the name of a set (`Game.starts`), ``power-on``, a start, a
      savestate, or several, of which each episode draws one.
    - `reward`: an objective (what its score rises by), a function of (prev, ram), or None for
      the game's own. An objective's goal ends the episode as winning does.
    - `goal`: where an episode is won, if not where the objective or the game says.
    - `max_episode_steps`: steps after which an episode is truncated, None for never.
    """

    game: Game
    rom: Rom
    emulator: str | None = None
    emulator_options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    observation: str | Sequence[str] = "ram"
    stack: int = 4
    actions: str = "table"
    action_repeat: int = 4
    sticky: float = 0.0
    noops: int = 0
    starts: Starts = "train"
    reward: Reward | None = None
    goal: Goal | None = None
    max_episode_steps: int | None = None

    def __post_init__(self) -> None:
        kinds = self.kinds
        unknown = [kind for kind in kinds if kind not in OBSERVATIONS]
        if unknown or not kinds or len(set(kinds)) < len(kinds):
            found = unknown[0] if unknown else self.observation
            raise InputError(
                f"observation={found!r}; {', '.join(OBSERVATIONS)} or several of them are allowed"
            )
        for name, least, most in (
            ("stack", 1, 64),
            ("action_repeat", 1, 600),
            ("noops", 0, 10_000),
            ("sticky", 0, 1),
        ):
            value = getattr(self, name)
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or (not least <= value <= most or (name != "sticky" and value != int(value)))
            ):
                raise InputError(f"{name}={value!r}; {least} to {most} is allowed")
        steps = self.max_episode_steps
        if steps is not None and steps < 1:
            raise InputError(f"max_episode_steps={steps!r}; 1 or more, or None, is allowed")

    @classmethod
    def of(cls, game: Game | str | None, **options: Unpack[Options]) -> Task:
        """The task of a game: its definition, its name, the name of a stable-retro integration,
        or None for the game that `rom` is.

        Raises GameError, RomError or InputError for what there is not.
        """
        given: dict[str, Any] = {**options}
        unknown = sorted(set(given) - set(Options.__annotations__))
        if unknown:
            raise InputError(
                f"no option of an environment is called {unknown[0]!r}; the options are "
                f"{', '.join(Options.__annotations__)}"
            )
        named = given.pop("rom", None)
        rom = None if named is None else as_rom(named)
        found = _game(game, rom)
        if rom is None:
            own = isinstance(found, StableRetroGame)
            rom = found.rom if own else Rom.read(rom_path(found.name))
        if not isinstance(found, StableRetroGame):
            found.ram_map.check(rom)
        elif not {"emulator", "emulator_options"} & set(given):
            core, settings = found.platform.core, dict(found.platform.options)
            given["emulator"] = "libretro"  # its savestates are of one core
            given["emulator_options"] = {"core": core, "options": settings}
        return cls(game=found, rom=rom, **given)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of observations."""
        seen = self.observation
        return (seen,) if isinstance(seen, str) else tuple(seen)

    def open_emulator(self) -> Emulator:
        """An emulator with the game in it."""
        return copain.open(self.rom, self.emulator, **self.emulator_options)

    def open_copies(self, emulator: Emulator, count: int, workers: int | None) -> Copies:
        """`count` copies of `emulator`, on `workers` threads (default: one a processor)."""
        threads = len(os.sched_getaffinity(0)) if workers is None else workers
        if count < 1 or threads < 1:
            raise InputError(f"{count} copies on {threads} threads; at least 1 of each is needed")
        if isinstance(emulator, HasCopies):
            return emulator.open_copies(count, min(threads, count))
        return EmulatorCopies(self.open_emulator, count, count)


def _game(game: Game | str | None, rom: Rom | None) -> Game:
    if isinstance(game, Game):
        return game
    if game is None:
        found = None if rom is None else game_of(rom)
        if found is None:
            raise GameError(
                "no game definition: name a game, or give the ROM of one that copain knows "
                f"({', '.join(GAME_NAMES)}), or your own Game"
                + ("" if rom is None else f"; {rom.path or rom.name} is none of them")
            )
        return found
    if not isinstance(game, str):  # pyright: ignore[reportUnnecessaryIsInstance] - who knows
        raise GameError(f"game={game!r}; a Game, or the name of one, is needed")
    if game in GAME_NAMES:
        return game_by_name(game)
    try:
        return from_stable_retro(game, rom)
    except GameError as error:
        raise GameError(
            f"no game is called {game!r}; the games are {', '.join(GAME_NAMES)}. "
            f"Of stable-retro's: {error}"
        ) from None
