"""MAME, an emulator of arcade games, consoles and computers, in a process of its own.

Each instance has a private folder, shows no window unless asked and needs no X server. What its
savestates cost, and why it is told to do things the way it is: docs/guides/mame.md.
"""

from __future__ import annotations

import dataclasses
import os
import zlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias, cast

import numpy as np

from copain.backends.lua_emulator import LuaEmulator, check_choices
from copain.backends.lua_namespace import as_list
from copain.backends.mame_api import Lua, Tap
from copain.backends.mame_start import (
    BOOT_OFFSETS,
    NOISE,
    Launch,
    launch,
    machine_for,
    why_it_ended,
)
from copain.emulator import HookFunction, Picture, Where
from copain.errors import CopainError, InputError, MemoryRangeError, SavestateError
from copain.rom import Rom
from copain.system import ARCADE, NES, Button, System
from copain.wire import protocol
from copain.wire.meeting import TransportName
from copain.wire.protocol import Value

__all__ = ["Display", "MameEmulator", "RamInit", "TransportName"]

Display: TypeAlias = Literal["offscreen", "xvfb", "visible"]
RamInit: TypeAlias = Literal["default", "mame", "ff", "00"]

_STATE_HEAD = 32
"""Bytes of a savestate that are not packed: ``MAMESAVE``, version, flags, machine, signature
(src/emu/save.cpp). They are the same in all savestates of one machine."""
_SPARE_FILES = 16
"""Files of savestates that nobody holds any more, kept to be written again."""

_FCEUX_RAM = b"\0\0\0\0\xff\xff\xff\xff"

_RAM: dict[str, tuple[int, int]] = {
    "nes": (0, 0x7FF),
    "genesis": (0xFF0000, 0xFFFFFF),  # of its mirrors the one that games use
    "a2600": (0x80, 0xFF),
    "pce": (0x1F0000, 0x1F1FFF),
}
"""First and last address of work RAM on the main processor's bus; elsewhere it is looked for."""

_STICK = {
    "JOYSTICK_UP": Button.UP, "JOYSTICK_DOWN": Button.DOWN,
    "JOYSTICK_LEFT": Button.LEFT, "JOYSTICK_RIGHT": Button.RIGHT,
    "START": Button.START, "SELECT": Button.SELECT,
}  # fmt: skip
_B_A = {"BUTTON1": Button.B, "BUTTON2": Button.A}
_ABC_XYZ = {
    f"BUTTON{number}": button
    for number, button in enumerate(
        (Button.A, Button.B, Button.C, Button.X, Button.Y, Button.Z, Button.L, Button.R), start=1
    )
}
_TOKENS: dict[str, dict[str, Button]] = {
    "nes": _B_A, "gb": _B_A, "gbc": _B_A, "pce": _B_A,
    "gba": _B_A | {"BUTTON3": Button.L, "BUTTON4": Button.R},
    "snes": _B_A | {"BUTTON3": Button.Y, "BUTTON4": Button.X, "BUTTON5": Button.L,
                    "BUTTON6": Button.R},
}  # fmt: skip
"""Which of MAME's input types is which button, by system; for others in the order of _ABC_XYZ."""
_SWITCHES = {"Reset Game": Button.START, "Select Game": Button.SELECT}
"""Fields of a console's own, by name; they are joypad 1's."""


class MameEmulator(LuaEmulator):
    """MAME with one game in it.

    An `Emulator` that also has a screen, a reset button (MAME's F3) and rollouts. It tells no lag
    frames, and has no hooks on what is executed: `on_read` and `on_write` are memory taps.

    Its memory domains: ``ram``; ``cpu``, all that the main processor sees; and every address space
    of every device by its tag, such as ``"ppu:videoram"``. Reading is what a load instruction
    does, with its effects on the chips; writing what a store does.
    """

    name, title, noise = "mame", "MAME", NOISE
    slowest = 1.0

    def __init__(
        self,
        rom: Rom,
        machine: str | None = None,
        visible: bool = False,
        display: Display | None = None,
        throttle: bool | None = None,
        sound: bool = False,
        ram: range | None = None,
        ram_init: RamInit = "default",
        slots: Mapping[str, str] | None = None,
        rompath: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] = (),
        transport: TransportName = "pipes",
        timeout: float | None = None,
        mame: str | os.PathLike[str] | None = None,
    ) -> None:
        """Start MAME with this ROM.

        - `machine`: MAME's name of the machine, such as ``"nespal"``; guessed from the ROM's
          system, for arcade sets from the file's name.
        - `visible`: show its window; the same as ``display="visible"``.
        - `display`: ``"offscreen"`` (no window and no X server), ``"xvfb"`` (a window on a virtual
          display of its own, see `display_name`), ``"visible"``.
        - `throttle`: run at the console's speed; as fast as possible unless visible.
        - `sound`: play it.
        - `ram`: where work RAM is on the main processor's bus, for a machine of which copain does
          not know it. `ram_init`: what it holds at power-on: for the NES FCEUX's pattern (four 00,
          four FF) and for others MAME's own; MAME's own; all FF; all 00.
        - `slots`: what is plugged in where, such as ``{"ctrl1": "zapper"}``: `mame nes -listslots`.
        - `rompath`: folders in which MAME finds BIOS files and parents of clones.
        - `transport`: how bytes travel; ``"unix"`` and ``"tcp"`` need Debian's lua-socket.
        - `timeout`: seconds of silence after which MAME counts as hung; 30, or none when visible
          (a person may have paused it).
        - `mame`: the program's path.

        Raises EmulatorMissing, EmulatorCrashed, RomError, InputError.
        """
        call = f"copain.open({rom.name!r}, emulator='mame')"
        check_choices(
            call, display=(display, Display), ram_init=(ram_init, RamInit),
            transport=(transport, TransportName),
        )  # fmt: skip
        if visible and display not in (None, "visible"):
            raise InputError(f"{call}: visible=True and display={display!r}: say one")
        shown: Display = display or ("visible" if visible else "offscreen")
        super().__init__(call, rom, rom.system)
        self._machine = machine_for(call, rom, machine)
        self._lua: Lua | None = None
        self._state_head = b""
        self._state_size = 0
        if timeout is None and shown != "visible":
            timeout = 30.0
        folders = [rompath] if isinstance(rompath, (str, os.PathLike)) else rompath
        start = launch(
            call,
            rom,
            Launch(
                machine=self._machine, display=shown,
                throttle=shown == "visible" if throttle is None else throttle, sound=sound,
                rompath=tuple(str(Path(folder).expanduser().resolve()) for folder in folders),
                slots=slots or {}, transport=transport, mame=mame, timeout=timeout,
            ),
        )  # fmt: skip
        with self._starting(start):
            self._greet(ram, ram_init)
        payload = self._root.payload
        self._state_head = payload[:_STATE_HEAD]
        self._state_size = len(zlib.decompress(payload[_STATE_HEAD:]))

    # What it is

    @property
    def machine(self) -> str:
        """MAME's name of the machine."""
        return self._machine

    @property
    def boot_offset(self) -> int | None:
        """Frames that its boot is longer than FCEUX's; None for what FCEUX does not play.

        MAME's NES is a frame ahead: a movie's first line is dropped.
        """
        return BOOT_OFFSETS.get(self._machine)

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second of the machine's first screen, as it was at power-on."""
        self._check_open("frame_rate")
        return self._frame_rate

    @property
    def screen(self) -> Picture:
        """The last frame's picture, ``uint8 (height, width, 3)``, as MAME draws it for snapshots.

        Right after a load it is still that of the last frame emulated.
        """
        width, height, data = self._ask("screen", [("screen",)])[0]
        pixels = np.frombuffer(protocol.as_bytes(data), np.uint8)
        shape = (protocol.as_int(height), protocol.as_int(width), 4)
        return pixels.reshape(shape)[:, :, 2::-1].copy()

    @property
    def lua(self) -> Lua:
        """MAME's own objects (the machine and all that is in it), and Lua itself."""
        self._check_open("lua")
        if self._lua is None:
            self._lua = Lua(self._asker())
        return self._lua

    # Taps

    def on_read(self, where: Where, function: HookFunction) -> Tap:
        """Call ``function(address, value)`` at each read of `where` by the main processor.

        A function may read memory, not emulate frames; what it raises comes out of `advance`.
        Where a cartridge switches banks it may take taps on its own addresses away.
        """
        return self._tap("read", where, function)

    def on_write(self, where: Where, function: HookFunction) -> Tap:
        """Call ``function(address, value)`` at each write to `where` by the main processor."""
        return self._tap("write", where, function)

    # Inside

    def _tap(self, kind: Literal["read", "write"], where: Where, function: HookFunction) -> Tap:
        self._check_open(f"on_{kind}")
        if isinstance(where, str):
            variable = self.ram.variables.get(where)
            if variable is None:
                raise MemoryRangeError(f"on_{kind}({where!r}): RAM has no variable of this name")
            first = self._ram.start + variable.address
            where = range(first, first + variable.length)
        elif isinstance(where, int):
            where = range(where, where + 1)
        if not self._is_on_bus(where):
            raise MemoryRangeError(
                f"on_{kind}({where!r}): addresses 0 to {self._program_size - 1:#x}, without gaps"
            )
        return Tap(self._asker(), kind, where, function)

    def _greet(self, ram: range | None, ram_init: RamInit) -> None:
        answer = self._hello()
        attoseconds = answer.get("frame_attoseconds")
        if isinstance(attoseconds, int):
            self._frame_rate = Fraction(10**18, attoseconds)
        else:
            self._frame_rate = self._system.frame_rate
        self._program_size = protocol.as_int(answer["program_size"])
        self._spaces = {
            str(name): protocol.as_int(size)
            for name, size in map(as_list, as_list(answer["spaces"]))
        }
        self._ram = self._find_ram(ram, answer["ram"])
        self._session.call("ram_lies", self._ram.start, self._ram.stop - 1)
        if ram_init != "mame" and (ram_init != "default" or self._system is NES):
            pattern = {"ff": b"\xff", "00": b"\0", "default": _FCEUX_RAM}[ram_init]
            filled = pattern * (len(self._ram) // len(pattern))
            for first in range(0, len(filled), 0x1000):
                self._session.call("write", "ram", first, filled[first : first + 0x1000])
        joypads = _joypads(self._system, as_list(answer["fields"]))
        buttons = {button for joypad in joypads for button, _, _ in joypad}
        system = dataclasses.replace(
            self._system,
            buttons=tuple(button for button in self._system.buttons if button in buttons),
            ports=max(1, len(joypads)),
        )
        if system != self._system:
            self._system = system
        lists: list[Value] = [
            [part for button, tag, name in joypad for part in (int(button), tag, name)]
            for joypad in joypads or [[]]
        ]
        self._session.call("joypads", lists)

    def _find_ram(self, wanted: range | None, found: Value) -> range:
        if wanted is not None:
            if (
                not wanted
                or wanted.step != 1
                or not 0 <= wanted[0] <= wanted[-1] < self._program_size
            ):
                raise InputError(
                    f"{self._call}: ram={wanted!r}; the main processor of {self._machine} sees "
                    f"addresses 0 to {self._program_size - 1:#x}"
                )
            return wanted
        known = _RAM.get(self._system.name)
        if known is not None:
            return range(known[0], known[1] + 1)
        places = [
            range(protocol.as_int(first), protocol.as_int(last) + 1)
            for first, last in map(as_list, as_list(found))
        ]
        return max(places, key=len, default=range(0))

    def _is_on_bus(self, where: range) -> bool:
        return bool(where) and where.step == 1 and 0 <= where[0] <= where[-1] < self._program_size

    def _domain_sizes(self) -> dict[str, int]:
        return {"ram": len(self._ram), "cpu": self._program_size, **self._spaces}

    def _fetch(self, number: int) -> bytes:
        """The bytes of a slot: what MAME wrote into its file."""
        self._ask("savestate", [("status",)])  # by then it has
        assert self._start.folder is not None
        return (self._start.folder / f"state-{number}").read_bytes()

    def _check_payload(self, payload: bytes) -> None:
        """Raise SavestateError unless MAME would load these bytes, which it ignores if not."""
        if payload[:_STATE_HEAD] != self._state_head:
            raise SavestateError(
                f"load_state: this is no savestate of MAME's machine {self._machine}: it begins "
                f"with {payload[:_STATE_HEAD]!r}"
            )
        try:
            size = len(zlib.decompress(payload[_STATE_HEAD:]))
        except zlib.error as error:
            raise SavestateError(f"load_state: the savestate is damaged: {error}") from None
        if size != self._state_size:
            raise SavestateError(
                f"load_state: the savestate is damaged: {size} bytes, not {self._state_size}"
            )

    def _post(self, call: str, operation: bytes, number: int) -> None:
        super()._post(call, operation, number)
        surplus = self._slots.surplus(_SPARE_FILES)
        if surplus:
            self._ask("savestate", [("free", cast("list[Value]", surplus))])

    def _why_ended(self) -> CopainError | None:
        program = self._start.program
        assert program is not None
        return why_it_ended(self._call, self._rom, self._machine, program)


def _joypads(system: System, fields: Sequence[Value]) -> list[list[tuple[Button, str, str]]]:
    """For each joypad its buttons, and the port and name of the field that each of them is."""
    types = _STICK | _TOKENS.get(system.name, _ABC_XYZ)
    joypads: list[list[tuple[Button, str, str]]] = []
    for tag, name, token in map(as_list, fields):
        player, kind = _player_of(str(token))
        button = types.get(kind) or (_SWITCHES.get(str(name)) if kind == "OTHER" else None)
        if kind == "COIN" and system is ARCADE:
            button = Button.SELECT
        if button is None or button not in system.buttons:
            continue
        while len(joypads) < player:
            joypads.append([])
        joypads[player - 1].append((button, str(tag), str(name)))
    return [sorted(joypad) for joypad in joypads]


def _player_of(token: str) -> tuple[int, str]:
    """``P2_BUTTON1`` is (2, BUTTON1); ``START2`` and ``COIN2`` are 2's too; all others are 1's."""
    if token[:1] == "P" and token[1:2].isdigit() and "_" in token:
        number, kind = token[1:].split("_", 1)
        return int(number), kind
    kind = token.rstrip("0123456789")
    if kind in ("START", "COIN") and kind != token:
        return int(token[len(kind) :]), kind
    return 1, token
