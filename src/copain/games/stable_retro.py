"""Games of stable-retro's integrations, for whoever has their ROMs.

An integration is a folder: ``data.json`` (names of RAM), ``scenario.json`` (when an episode ends,
and its reward), ``metadata.json`` (the default savestate), ``rom.sha`` (SHA-1 of the ROM),
``*.state`` (savestates of one core, gzip) and, if you have put it there, ``rom.nes`` or the like.
The formats: https://stable-retro.farama.org/integration/; what they mean to the last comparison:
https://github.com/Farama-Foundation/stable-retro, ``src/data.cpp`` and ``src/memory.cpp``.
"""

from __future__ import annotations

import gzip
import importlib.util
import itertools
import json
import os
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from copain.emulator import Emulator
from copain.errors import CopainError, GameError, RomError, SavestateError
from copain.games.game import SPLITS, Action, Flags, Game, Numbers, RamMap, Start
from copain.joypad import IDLE, FrameInput, Joypad
from copain.memory import VARIABLE_TYPES, Bytes, Variable, VariableType
from copain.rom import Rom, RomLike, as_rom, ines_header
from copain.savestate import Savestate, SavestateHeader
from copain.system import ATARI2600, GAME_BOY, GENESIS, NES, SNES, System

COLLECTIONS: Final = ("stable", "experimental", "contrib")
"""The folders of integrations that the package has, in the order they are looked through."""

Rewards = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Platform:
    """What stable-retro calls a kind of console.

    `base` and `size` are where work RAM lies on its bus; `swapped` whether the core holds the
    bytes of each pair the other way round; `core` is the one of its savestates, with `options`
    as stable-retro runs it; `buttons` are those that we call by another name; `choices` is its
    action table, groups of buttons of which each action has one. From the package's
    ``cores/*.json``.
    """

    system: System
    base: int
    size: int
    core: str
    choices: str
    swapped: bool = False
    buttons: Mapping[str, str] = field(default_factory=dict[str, str])
    options: Mapping[str, str] = field(default_factory=dict[str, str])


_CROSS = "- UP DOWN | - LEFT RIGHT | "
PLATFORMS: Final[Mapping[str, Platform]] = {
    "Nes": Platform(NES, 0, 0x800, "fceumm", _CROSS + "- A B A+B"),
    "Snes": Platform(
        SNES, 0x7E0000, 0x20000, "snes9x",
        _CROSS + "- A B X Y A+B B+Y Y+X X+A A+B+Y B+Y+X Y+X+A A+B+Y+X | - L R L+R",
    ),
    "Genesis": Platform(
        GENESIS, 0xFF0000, 0x10000, "genesis_plus_gx",
        _CROSS + "- A B C X Y Z A+B B+C A+X B+Y C+Z X+Y Y+Z",
        swapped=True, buttons={"MODE": "SELECT"},
        # stable-retro answers no core for its options, and the core then reads words at odd
        # addresses; with the option on, as a Mega Drive does, Airstriker halts at its first loss.
        options={"genesis_plus_gx_addr_error": "disabled"},
    ),
    "GameBoy": Platform(
        GAME_BOY, 0xC000, 0x2000, "gambatte",
        _CROSS + "- A B SELECT A+B A+SELECT B+SELECT A+B+SELECT",
    ),
    "Atari2600": Platform(
        ATARI2600, 0x80, 0x80, "stella", _CROSS + "- BUTTON",
        buttons={"BUTTON": "A", "RESET": "START"},
    ),
}  # fmt: skip
"""The consoles whose integrations are read, by the word in their names."""


def from_stable_retro(name: str | os.PathLike[str], rom: RomLike | None = None) -> StableRetroGame:
    """The game of an integration: its name, such as ``Airstriker-Genesis-v0``, or its folder.

    `rom` is yours, where it does not lie in the integration's folder. Raises GameError for
    integrations that there are not (naming those that are spelt alike), of a console copain does
    not play, or that copain cannot judge, such as those whose scenario is a Lua script; RomError
    for the ROM of another game.
    """
    folder = Path(name) if Path(name).is_dir() else _integration(os.fspath(name))
    return StableRetroGame(folder, rom)


def stable_retro_names() -> list[str]:
    """The names of the integrations on this machine, in order."""
    return sorted(_integrations())


class StableRetroGame(Game):
    """A game as its integration describes it, in the folder `folder`.

    `dead` is the end of an episode, however it came about, unless it was won. `won` is an end
    that lies in having got as much as wished of what is rewarded, such as six games of tennis;
    most scenarios say nothing of winning, and are never won. `reward` is the scenario's own;
    `score` its sum since power-on where rewards for more and penalties for less weigh the same,
    and else the closest that one RAM tells.

    `actions` is stable-retro's table, all combinations; a search does better with a few of them:
    assign those. `start` is power-on, and may be assigned, too.
    """

    def __init__(self, folder: Path, rom: RomLike | None = None) -> None:
        """Read the integration in `folder`; see `from_stable_retro`."""
        self.folder, self.name = folder, folder.name
        try:
            self.platform = _platform(folder.name)
            scenario = _read(folder / "scenario.json")
            _refuse_scripts(scenario)
            self.ram_map, self._sums = _ram_map(folder, self.platform)
            self._end = _condition(_part(scenario, "done"), self.variables)
            rewards = _part(scenario, "reward")
            self._rewards = _rewards(rewards, self.variables)
            self._time = float(_part(rewards, "time").get("reward", 0.0))
            self._wins = _wins(self._end, self._rewards)
            self.actions = _actions(scenario.get("actions"), self.platform)
            self.crop = _crop(scenario.get("crop"))
            self.default_savestate = str(_read(folder / "metadata.json").get("default_state", ""))
        except CopainError as error:
            raise GameError(f"from_stable_retro({self.name!r}): {error}") from error
        self._rom = None if rom is None else self._checked(as_rom(rom))

    @property
    def rom(self) -> Rom:
        """The ROM: yours, or the one in the integration's folder.

        Raises GameError when there is none, RomError when it is of another game.
        """
        if self._rom is None:
            paths = [self.folder / f"rom.{ending}" for ending in self.platform.system.extensions]
            found = [path for path in paths if path.is_file()]
            if not found:
                raise GameError(
                    f"{self.name}: no ROM lies in {self.folder}; give the path of yours, "
                    f"from_stable_retro({self.name!r}, rom=...), or put it there as {paths[0].name}"
                )
            self._rom = self._checked(Rom.read(found[0], self.platform.system))
        return self._rom

    def _checked(self, rom: Rom) -> Rom:
        header = ines_header(rom.data)
        sums = {rom.sha1, "" if header is None else header.sha1}
        if not sums & set(self._sums):
            raise RomError(
                f"{rom.path or rom.name} is not the ROM of {self.name}: its SHA-1 is "
                f"{rom.sha1 if header is None else header.sha1}, needed is {self._sums[0]}"
                + (" (of what follows the header)" if header is not None else "")
            )
        return rom

    # Judgements

    def dead(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether the episode ended between the two frames, and was not won."""
        return self._end.holds(prev, ram) & ~self.won(prev, ram)

    def won(self, prev: Bytes, ram: Bytes) -> Flags:
        """Whether as much was got as is wished; never, where the scenario does not say so."""
        won = np.zeros(ram.shape[:-1], np.bool_)
        for win in self._wins:
            won |= win.holds(prev, ram)
        return won

    def reward(self, prev: Bytes, ram: Bytes) -> Rewards:
        """The scenario's reward for the frame between the two: ``float64 (...)``."""
        total = np.full(ram.shape[:-1], self._time, np.float64)
        for reward in self._rewards:
            total += reward.of(prev, ram)
        return total

    def score(self, ram: Bytes) -> Numbers:
        """What is rewarded for having more of it, times its weight, rounded."""
        total = np.zeros(ram.shape[:-1], np.float64)
        for reward in self._rewards:
            if reward.measure.delta and reward.measure.op is None:
                total += reward.measure.variable.decode(ram) * (reward.gain or reward.loss)
        return np.rint(total).astype(np.int64)

    def progress(self, ram: Bytes) -> Numbers:
        """The score: an integration does not say where in the game it is."""
        return self.score(ram)

    # Starts

    @property
    def savestates(self) -> tuple[str, ...]:
        """The names of its savestates, the default one first."""
        names = sorted(path.stem for path in self.folder.glob("*.state"))
        return tuple(sorted(names, key=lambda name: name != self.default_savestate))

    @property
    def splits(self) -> tuple[str, ...]:
        """The sets that every game has, and each savestate by its name."""
        return (*SPLITS, *self.savestates)

    def starts(self, split: str) -> Sequence[Start]:
        """Its savestates, and some frames of waiting after each: others in each set.

        They are of the core that stable-retro runs (`platform.core`); where `start` was assigned,
        the frames of waiting follow it instead, on any emulator. With neither it is power-on.
        """
        self.check_split(split)
        if split in self.savestates:
            return [self._savestate(split)]
        if self.start or not self.savestates:
            begins = [Start("start", self.start)]
        else:
            begins = [self._savestate(name) for name in self.savestates]
        return [
            replace(begin, name=f"{begin.name}, {waits} frames later",
                    held=(*begin.held, (IDLE, waits)))
            for waits in _WAITS[split] for begin in begins
        ]  # fmt: skip

    def _savestate(self, name: str) -> SavestateStart:
        return SavestateStart(name, path=self.folder / f"{name}.state", core=self.platform.core)


_WAITS = {"train": (0, 8, 16, 24), "validation": (4, 20), "test": (12, 28)}
"""Frames of waiting after a savestate, for each set of starts."""


@dataclass(frozen=True, slots=True)
class SavestateStart(Start):
    """A start that an integration's savestate gives, on the core that wrote it."""

    path: Path = Path()
    core: str = ""

    def log(self, ports: int) -> npt.NDArray[np.uint16]:
        """Raises GameError: no input log leads to it from power-on."""
        raise GameError(
            f"{self.name}: this start is a savestate of {self.core}, no input log from power-on "
            "leads there; use reach(emulator), or assign an input log to the game's `start`"
        )

    def reach(self, emulator: Emulator) -> Savestate:
        """Load it and wait; its frames count from 0. Raises SavestateError on another core."""
        needed = f"libretro:{self.core}"
        if emulator.name != needed:
            raise SavestateError(
                f"{self.path}: a savestate of {needed}, and {emulator.name} is running; "
                f"open the game with copain.open(game.rom, core={self.core!r}, "
                "options=game.platform.options)"
            )
        try:
            payload = gzip.decompress(self.path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise SavestateError(f"{self.path}: cannot be read: {error}") from error
        header = SavestateHeader(
            emulator.system.name, emulator.rom.sha1, emulator.name, emulator.version, 0
        )
        emulator.load_state(Savestate(header, payload))
        for held, frames in self.held:
            emulator.advance(held, frames=frames)
        return emulator.save_state()


# Where integrations lie


@cache
def _integrations() -> dict[str, Path]:
    """All integrations of the installed package, by name, found without importing it."""
    spec = importlib.util.find_spec("stable_retro") or importlib.util.find_spec("retro")
    if spec is None or not spec.submodule_search_locations:
        raise GameError(
            "stable-retro is not installed: pip install 'copain[cores]', "
            "or give the folder of an integration"
        )
    data = Path(spec.submodule_search_locations[0]) / "data"
    folders: dict[str, Path] = {}
    for collection in COLLECTIONS:
        for file in sorted((data / collection).glob("*/data.json")):
            folders.setdefault(file.parent.name, file.parent)
    return folders


def _integration(name: str) -> Path:
    folders = _integrations()
    if name not in folders:
        near = get_close_matches(name, folders, 5, 0.5)
        raise GameError(
            f"no integration of stable-retro is called {name!r}; "
            + (f"spelt alike are {', '.join(near)}" if near else f"there are {len(folders)}")
        )
    return folders[name]


def _platform(name: str) -> Platform:
    word = re.sub(r"-v\d+$", "", name).rpartition("-")[2]
    if word not in PLATFORMS:
        raise GameError(f"it is a game of {word!r}; copain reads those of {', '.join(PLATFORMS)}")
    return PLATFORMS[word]


# data.json

_TYPES: Final[Mapping[str, VariableType]] = {
    "u1": "u8", "u2": "u16", "u3": "u24", "u4": "u32", "i1": "i8", "i2": "i16", "i4": "i32",
}  # fmt: skip


def _ram_map(folder: Path, platform: Platform) -> tuple[RamMap, list[str]]:
    """The names of RAM, and the SHA-1 sums of the ROMs that they are of."""
    try:
        sums = (folder / "rom.sha").read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        raise GameError(f"rom.sha cannot be read: {error}") from error
    if not sums:
        raise GameError("rom.sha is empty: which ROM it is of cannot be told")
    variables = {
        name: _variable(name, entry, platform)
        for name, entry in _part(_read(folder / "data.json"), "info").items()
    }
    title, _, version = folder.name.rpartition("-v")
    # Of an NES ROM it is the SHA-1 of what follows the header (retro/data/__init__.py, groom_rom).
    whole, behind_header = ("", sums[0]) if platform.system is NES else (sums[0], "")
    ram_map = RamMap(
        title or folder.name, f"integration {version}", platform.system, whole, variables,
        sha1_without_header=behind_header,
    )  # fmt: skip
    return ram_map, sums


def _variable(name: str, entry: object, platform: Platform) -> Variable:
    """A variable from ``{"address": 16712270, "type": ">u4"}``."""
    described = _dictionary(entry, f"data.json: {name}")
    written, address = described.get("type"), described.get("address")
    if not isinstance(written, str) or type(address) is not int:
        raise GameError(f"data.json: {name} = {described}: an address and a type are needed")
    found = re.fullmatch(r"([<>|=])([uidn])([1-8])", written)
    if found is None:
        raise GameError(f"data.json: {name}: copain does not read the type {written!r}")
    order, letter, length = found[1], found[2], int(found[3])
    kind: VariableType | None = (
        "bcd" if letter == "d" else "digits" if letter == "n" else _TYPES.get(letter + str(length))
    )
    if kind is None:
        raise GameError(f"data.json: {name}: copain does not read the type {written!r}")
    at = address - platform.base
    if not 0 <= at <= platform.size - length:
        raise GameError(f"data.json: {name} lies at {address:#x}, outside of the work RAM")
    mask = described.get("mask")
    return Variable(
        name, at, kind, length if kind in ("bcd", "digits") else VARIABLE_TYPES[kind],
        "big" if order == ">" else "little", swapped=platform.swapped,
        mask=mask if type(mask) is int else None,
    )  # fmt: skip


# scenario.json

_OPERATIONS: Final[Mapping[str, Callable[[Numbers, int], npt.NDArray[Any]]]] = {
    "equal": lambda value, reference: value == reference,
    "negative-equal": lambda value, reference: value == -reference,
    "not-equal": lambda value, reference: value != reference,
    "less-than": lambda value, reference: value < reference,
    "greater-than": lambda value, reference: value > reference,
    "less-or-equal": lambda value, reference: value <= reference,
    "greater-or-equal": lambda value, reference: value >= reference,
    "nonzero": lambda value, _: value != 0,
    "zero": lambda value, _: value == 0,
    "positive": lambda value, _: value > 0,
    "negative": lambda value, _: value < 0,
    "sign": lambda value, _: np.sign(value),
}


@dataclass(frozen=True, slots=True)
class _Measure:
    """A number taken of a variable: its value or how it changed, and what `op` makes of it."""

    variable: Variable
    op: str | None
    reference: int
    delta: bool

    def of(self, prev: Bytes, ram: Bytes) -> Numbers:
        value = self.variable.decode(ram)
        if self.delta:
            value = value - self.variable.decode(prev)
        if self.op is None:
            return value
        return _OPERATIONS[self.op](value, self.reference).astype(np.int64)

    def holds(self, prev: Bytes, ram: Bytes) -> Flags:
        return self.of(prev, ram) > 0


@dataclass(frozen=True, slots=True)
class _Condition:
    """Any or all of its parts; of none it never holds."""

    parts: Sequence[_Measure | _Condition]
    all: bool

    def holds(self, prev: Bytes, ram: Bytes) -> Flags:
        if not self.parts:
            return np.zeros(ram.shape[:-1], np.bool_)
        holds = [part.holds(prev, ram) for part in self.parts]
        return np.logical_and.reduce(holds) if self.all else np.logical_or.reduce(holds)


@dataclass(frozen=True, slots=True)
class _Reward:
    """Rises of a measure are worth `gain` each, falls cost `loss` each."""

    measure: _Measure
    gain: float
    loss: float

    def of(self, prev: Bytes, ram: Bytes) -> Rewards:
        measured = self.measure.of(prev, ram).astype(np.float64)
        return measured * np.where(measured < 0, self.loss, self.gain)


def _refuse_scripts(scenario: Mapping[str, Any]) -> None:
    parts = [_part(scenario, "done"), _part(scenario, "reward")]
    if scenario.get("scripts") or any("script" in part for part in parts):
        raise GameError("its scenario is a Lua script, which copain does not run")
    if "rewards" in scenario:
        raise GameError("its scenario rewards several players, copain one")


def _measure(
    name: str, entry: object, variables: Mapping[str, Variable], *, delta: bool
) -> _Measure:
    described = _dictionary(entry, f"scenario.json: {name}")
    if name not in variables:
        raise GameError(f"scenario.json names {name!r}, which data.json does not")
    op = described.get("op") or None
    if op is not None and op not in _OPERATIONS:
        raise GameError(
            f"scenario.json: {name}: copain does not know the operation {op!r}, "
            f"only {', '.join(_OPERATIONS)}"
        )
    taken = described.get("measurement")
    reference = described.get("reference", 0)
    return _Measure(variables[name], op, int(reference), taken == "delta" if taken else delta)


def _condition(entry: Mapping[str, Any], variables: Mapping[str, Variable]) -> _Condition:
    parts: list[_Measure | _Condition] = [
        _measure(name, described, variables, delta=False)
        for name, described in _part(entry, "variables").items()
    ]
    nodes = _part(entry, "nodes")
    parts += [_condition(_part(nodes, name), variables) for name in nodes]
    return _Condition(parts, entry.get("condition") == "all")


def _rewards(entry: Mapping[str, Any], variables: Mapping[str, Variable]) -> list[_Reward]:
    return [
        _Reward(
            _measure(name, described, variables, delta=True),
            float(described.get("reward", 0.0)),
            float(described.get("penalty", 0.0)),
        )
        for name, described in _part(entry, "variables").items()
    ]


def _wins(end: _Condition, rewards: Sequence[_Reward]) -> list[_Measure]:
    """The parts of an end that lie in having much of what is rewarded."""
    rewarded = {reward.measure.variable.name for reward in rewards if reward.gain > 0}
    return [
        part
        for part in (() if end.all else end.parts)
        if isinstance(part, _Measure)
        and part.variable.name in rewarded
        and (
            part.op in ("positive", "nonzero", "greater-than", "greater-or-equal")
            or (part.op == "equal" and part.reference > 0)
        )
    ]


def _actions(groups: object, platform: Platform) -> list[Action]:
    """The action table: one choice of each group, in all combinations, idle first."""
    if groups is None:
        choices = [
            [[] if choice == "-" else choice.split("+") for choice in group.split()]
            for group in platform.choices.split("|")
        ]
    else:
        choices = cast(list[list[list[str]]], groups)
    actions: list[Action] = []
    for chosen in itertools.product(*choices):
        names = [
            platform.buttons.get(button, button).lower() for group in chosen for button in group
        ]
        held = FrameInput((Joypad.of(*names),)) if names else IDLE
        actions.append(Action("+".join(names) or "idle", held))
    return actions


def _crop(entry: object) -> tuple[int, int, int, int] | None:
    """The part of the picture that is play: left, top, width, height; None for all of it."""
    match entry:
        case [int(x), int(y), int(width), int(height)] if any((x, y, width, height)):
            return x, y, width, height
        case _:
            return None


# JSON


def _read(path: Path) -> dict[str, Any]:
    try:
        return _dictionary(json.loads(path.read_text(encoding="utf-8")), path.name)
    except (OSError, ValueError, RecursionError) as error:
        raise GameError(f"{path.name} cannot be read: {error}") from error


def _part(entry: Mapping[str, Any], key: str) -> dict[str, Any]:
    """The dictionary under `key`; an empty one where there is none."""
    return _dictionary(entry.get(key, {}), key)


def _dictionary(entry: object, where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise GameError(f"{where}: a JSON object is needed, found {entry!r}")
    return cast(dict[str, Any], entry)
