"""Which key does what: the bindings, their file, and what the keys held mean.

Keys are named by their place on a US keyboard, so that bindings suit every layout: on a French
keyboard ``q`` is the key that says A. The names are SDL's scancodes in lower case, without a
prefix: ``a``, ``1``, ``f1``, ``left``, ``return``, ``kp_enter``, ``leftbracket``.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, cast

from copain.errors import InputError
from copain.joypad import BUTTON_NAMES, Button, FrameInput, Joypad
from copain.system import System

SLOTS = range(1, 10)
"""The savestate slots."""


class PlayCommand(Enum):
    """What a key can do besides pressing a button; the value is what the help says."""

    PAUSE = "pause, go on"
    ADVANCE = "one frame, hold to repeat"
    REWIND = "rewind while held"
    FAST_FORWARD = "fast forward while held"
    SLOWER = "slower"
    FASTER = "faster"
    NORMAL_SPEED = "normal speed"
    UNDO_LOAD = "undo a load, rewind, power-on"
    READ_ONLY = "read-only on, off"
    RECORD = "write the movie to a file"
    SOFT_RESET = "press the reset button"
    POWER_ON = "power off and on"
    SCREENSHOT = "screenshot"
    HUD = "show frame, input, speed"
    VARIABLES = "show the game's variables"
    SOUND = "sound on, off"
    FULL_SCREEN = "full screen on, off"
    HELP = "these keys"
    LEAVE = "leave help, full screen"
    QUIT = "close"

    @property
    def key(self) -> str:
        """Its name in the bindings file."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class SlotCommand:
    """Save to, or load from, one of the savestate slots."""

    slot: int
    load: bool

    @property
    def key(self) -> str:
        """Its name in the bindings file."""
        return f"{'load' if self.load else 'save'}_{self.slot}"


Order = PlayCommand | SlotCommand
"""What a key press orders."""

MODIFIERS = ("ctrl", "alt", "shift")
_MODIFIER_KEYS = {"lshift": "shift", "rshift": "shift", "lctrl": "ctrl", "rctrl": "ctrl",
                  "lalt": "alt", "ralt": "alt"}  # fmt: skip

PAD_BUTTONS = (
    "a", "b", "x", "y", "back", "guide", "start", "leftstick", "rightstick",
    "leftshoulder", "rightshoulder", "up", "down", "left", "right",
)  # fmt: skip
"""A gamepad's buttons by SDL's names and in its order; ``a`` is the lowest of the four."""

_ORDERS: dict[str, Order] = {
    order.key: order
    for order in (
        *PlayCommand,
        *(SlotCommand(slot, load) for load in (False, True) for slot in SLOTS),
    )
}
_DEFAULT_COMMANDS: dict[str, tuple[str, ...]] = {
    "pause": ("space", "pause"),
    "advance": ("f", "backslash"),
    "rewind": ("r", "backspace"),
    "fast_forward": ("tab",),
    "slower": ("minus",),
    "faster": ("equals",),
    "normal_speed": ("home",),
    "undo_load": ("0",),
    "help": ("f1",),
    "hud": ("f2",),
    "variables": ("f3",),
    "sound": ("f4",),
    "record": ("f5",),
    "screenshot": ("f6",),
    "soft_reset": ("f7",),
    "power_on": ("ctrl+f7",),
    "read_only": ("f8",),
    "full_screen": ("f11", "alt+return"),
    "leave": ("escape",),
    "quit": ("ctrl+q",),
} | {f"save_{slot}": (f"shift+{slot}",) for slot in SLOTS} | {
    f"load_{slot}": (str(slot),) for slot in SLOTS
}  # fmt: skip
_DEFAULT_PORT1: dict[str, tuple[str, ...]] = {
    "up": ("up",), "down": ("down",), "left": ("left",), "right": ("right",),
    "a": ("x",), "b": ("z",), "x": ("s",), "y": ("a",), "c": ("c",), "l": ("q",), "r": ("w",),
    "z": ("d",), "select": ("rshift",), "start": ("return",),
}  # fmt: skip
_NONE: dict[str, tuple[str, ...]] = {}
# By place, as on a Super Nintendo pad: A is right, B is below, X above, Y left.
_DEFAULT_GAMEPAD: dict[str, tuple[str, ...]] = {
    "up": ("up",), "down": ("down",), "left": ("left",), "right": ("right",),
    "a": ("b",), "b": ("a",), "x": ("y",), "y": ("x",), "c": ("rightstick",),
    "l": ("leftshoulder",), "r": ("rightshoulder",), "z": ("leftstick",),
    "select": ("back",), "start": ("start",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bindings:
    """A frozen table of what keys and gamepad buttons do.

    `commands` maps an order's name to its chords (``"f1"``, ``"ctrl+q"``); `ports` maps button
    names to keys, a mapping for each port; `gamepad` maps button names to `PAD_BUTTONS`, the
    same for all gamepads. Raises InputError for unknown names and for keys bound twice.
    """

    commands: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _DEFAULT_COMMANDS)
    ports: tuple[Mapping[str, tuple[str, ...]], ...] = (_DEFAULT_PORT1,)
    gamepad: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _DEFAULT_GAMEPAD)

    def __post_init__(self) -> None:
        _check_names(self.commands, _ORDERS, "[commands]", "command")
        taken: dict[str, str] = {}
        for name, chords in self.commands.items():
            for chord in chords:
                *modifiers, _ = chord.split("+")
                if any(modifier not in MODIFIERS for modifier in modifiers):
                    raise InputError(
                        f"[commands] {name} = {chord!r}: a key, or one behind "
                        f"{', '.join(m + '+' for m in MODIFIERS)} is allowed"
                    )
                _take(taken, "+".join((*sorted(modifiers), chord.split("+")[-1])), name)
        for port, buttons in enumerate(self.ports, 1):
            _check_names(buttons, BUTTON_NAMES, f"[port{port}]", "button")
            for name, keys in buttons.items():
                for key in keys:
                    _take(taken, key, f"{name} of port {port}")
        _check_names(self.gamepad, BUTTON_NAMES, "[gamepad]", "button")
        for name, buttons in self.gamepad.items():
            for button in buttons:
                if button not in PAD_BUTTONS:
                    raise InputError(
                        f"[gamepad] {name} = {button!r}: no gamepad button is called so; "
                        f"the names are {', '.join(PAD_BUTTONS)}"
                    )

    @property
    def keys(self) -> set[str]:
        """The names of all keys that are bound."""
        chords = [*self.commands.values(), *(keys for port in self.ports for keys in port.values())]
        return {chord.split("+")[-1] for several in chords for chord in several}

    def order(self, key: str, held: Collection[str]) -> Order | None:
        """What pressing `key` orders while the keys `held` are down, or None."""
        modifiers = {
            _MODIFIER_KEYS[name] for name in held if name in _MODIFIER_KEYS and name != key
        }
        for name, chords in self.commands.items():
            for chord in chords:
                *needed, last = chord.split("+")
                if last == key and set(needed) == modifiers:
                    return _ORDERS[name]
        return None

    def is_held(self, command: PlayCommand, held: Collection[str]) -> bool:
        """Whether a key of `command` is down."""
        chords = self.commands.get(command.key, ())
        return any(chord.split("+")[-1] in held for chord in chords)

    def held_input(
        self, system: System, held: Sequence[str], pads: Sequence[Collection[str]] = ()
    ) -> FrameInput:
        """What is held on the joypads of `system`.

        `held` are the keys that are down, in the order in which they were pressed; `pads` the
        buttons that are down on each gamepad, the first one plays on port 1. Of two opposite
        directions, which no joypad lets a hand press together, the one pressed last counts.
        """
        joypads: list[Joypad] = []
        allowed = set(system.buttons)
        for port in range(system.ports):
            keys = self.ports[port] if port < len(self.ports) else _NONE
            pad = pads[port] if port < len(pads) else ()
            pressed: dict[Button, int] = {}
            for button in allowed:
                name = str(button.name).lower()
                times = [held.index(key) for key in keys.get(name, ()) if key in held]
                if any(wanted in pad for wanted in self.gamepad.get(name, ())):
                    times.append(-1)
                if times:
                    pressed[button] = max(times)
            for one, other in ((Button.LEFT, Button.RIGHT), (Button.UP, Button.DOWN)):
                if one in pressed and other in pressed:
                    del pressed[one if pressed[one] < pressed[other] else other]
            joypads.append(Joypad.from_bits(sum(int(button) for button in pressed)))
        return FrameInput(tuple(joypads))

    def help(self, system: System) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Lines for people, (keys, what they do): of the buttons of `system`, of the commands."""
        lines: list[tuple[str, str]] = []
        pressed = lines
        for port, buttons in enumerate(self.ports[: system.ports], 1):
            for button in system.buttons:
                name = str(button.name).lower()
                if buttons.get(name):
                    where = f", player {port}" if len(self.ports) > 1 else ""
                    title = name.capitalize() + ("" if len(name) > 1 else " button")
                    lines.append((shown(buttons[name]), title + where))
        lines = []
        for name, chords in self.commands.items():
            order = _ORDERS[name]
            if isinstance(order, PlayCommand) and chords:
                lines.append((shown(chords), order.value))
        for load, what in ((True, "load a savestate slot"), (False, "save to a slot")):
            chords = [self.commands.get(SlotCommand(slot, load).key, ()) for slot in SLOTS]
            if chords[0] and chords[-1]:
                lines.append((f"{shown(chords[0][:1])} .. {shown(chords[-1][:1])}", what))
        return pressed, lines

    def to_toml(self) -> str:
        """The bindings as the text of a bindings file."""
        text = (
            "# The keys of copain play. Save as keys.toml where `copain play --help` says.\n"
            "# Keys are named by their place on a US keyboard; what is left out stays as it is.\n"
        )
        tables = [("commands", self.commands)]
        tables += [(f"port{port}", buttons) for port, buttons in enumerate(self.ports, 1)]
        for title, table in [*tables, ("gamepad", self.gamepad)]:
            lines = [f"{name} = {json.dumps(list(chords))}" for name, chords in table.items()]
            text += "\n".join((f"\n[{title}]", *lines)) + "\n"
        return text


_SHOWN = {
    "return": "Enter", "space": "Space bar", "minus": "-", "equals": "=", "backslash": "\\",
    "comma": ",", "period": ".", "semicolon": ";", "slash": "/", "grave": "`",
    "lshift": "Left Shift", "rshift": "Right Shift", "lctrl": "Left Ctrl", "rctrl": "Right Ctrl",
}  # fmt: skip


def shown(chords: Sequence[str]) -> str:
    """Chords as people read them: ``Ctrl+Q, Pause``."""
    return ", ".join(
        "+".join(_SHOWN.get(part, part.replace("_", " ").capitalize()) for part in chord.split("+"))
        for chord in chords
    )


def bindings_path() -> Path:
    """Where the bindings file of this user lies, whether or not it is there."""
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "copain" / "keys.toml"


def read_bindings(path: str | os.PathLike[str] | None = None) -> Bindings:
    """The bindings in a file; of this user's file when none is given, which may be absent.

    What the file does not name keeps its default. Raises InputError that names file and line.
    """
    file = bindings_path() if path is None else Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is None:
            return Bindings()
        raise InputError(
            f"{file}: there is no such file; `copain play --keys` prints one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the file cannot be read: {error}") from error
    try:
        return parse_bindings(text)
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def parse_bindings(text: str) -> Bindings:
    """The bindings in the text of a bindings file. Raises InputError that says what is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"this is not TOML: {error}") from None
    titles = ("commands", "port1", "port2", "gamepad")
    _check_names(tables, titles, "the file", "table")
    port1 = _DEFAULT_PORT1 | _chords(tables, "port1")
    port2 = _chords(tables, "port2")
    return Bindings(
        _DEFAULT_COMMANDS | _chords(tables, "commands"),
        (port1, port2) if port2 else (port1,),
        _DEFAULT_GAMEPAD | _chords(tables, "gamepad"),
    )


def _chords(tables: Mapping[str, Any], title: str) -> dict[str, tuple[str, ...]]:
    table = tables.get(title, {})
    if not isinstance(table, dict):
        raise InputError(f"[{title}]: a table is needed, found {table!r}")
    chords: dict[str, tuple[str, ...]] = {}
    for name, value in cast(dict[str, object], table).items():
        several = cast(list[object], value) if isinstance(value, list) else [value]
        if not all(isinstance(chord, str) and chord for chord in several):
            raise InputError(f"[{title}] {name} = {value!r}: names of keys are needed")
        chords[name] = tuple(str(chord).lower().replace(" ", "") for chord in several)
    return chords


def _check_names(found: Collection[str], allowed: Collection[str], where: str, what: str) -> None:
    for name in found:
        if name not in allowed:
            raise InputError(
                f"{where}: no {what} is called {name!r}; the {what}s are {', '.join(allowed)}"
            )


def _take(taken: dict[str, str], chord: str, name: str) -> None:
    if chord in taken:
        raise InputError(
            f"the key {chord} does two things: {taken[chord]} and {name}; bind one of them anew"
        )
    taken[chord] = name
