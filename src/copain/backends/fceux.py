"""FCEUX, an NES emulator in a process of its own, driven through its Lua.

Each instance has a private configuration folder, shows no window unless asked and needs no X
server. What speed it has, and why it is told to do things the way it is: docs/guides/fceux.md.
"""

from __future__ import annotations

import dataclasses
import os
import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from copain.backends.fceux_api import Lua
from copain.backends.fceux_start import NOISE, Launch, connect, launch
from copain.backends.lua_emulator import LuaEmulator, check_choices
from copain.emulator import Picture
from copain.errors import (
    EmulatorCrashed,
    InputError,
    LuaError,
    MemoryRangeError,
    RomError,
    SavestateError,
)
from copain.rom import INES_HEADER_SIZE, Rom, RomLike, as_rom, ines_header
from copain.system import NES
from copain.wire import protocol
from copain.wire.meeting import TransportName
from copain.wire.protocol import Value

__all__ = [
    "Display", "FceuxEmulator", "RamInit", "Region", "Speed", "TransportName", "attach",
    "check_payload", "script_path",
]  # fmt: skip

Display: TypeAlias = Literal["offscreen", "xvfb", "visible"]
Speed: TypeAlias = Literal["normal", "turbo", "nothrottle", "maximum"]
Region: TypeAlias = Literal["ntsc", "pal", "dendy"]
RamInit: TypeAlias = Literal["default", "ff", "00", "random"]

RAM_SIZE = 0x800

_DOMAINS = {"cpu": 0x10000, "ppu": 0x4000}
_HEIGHT, _WIDTH, _GD_HEADER = 240, 256, 11
_STATE_HEAD = struct.Struct("<4sIII")
_CHUNK_HEAD = struct.Struct("<BI")
_UNCOMPRESSED = 0xFFFFFFFF
_LAG_COUNT = 0xFFFFFF
# https://www.nesdev.org/wiki/Cycle_reference_chart: PAL and Dendy have a master clock of
# 26.6017125 MHz, 5 clocks a dot, 341 dots, 312 lines, and no short line.
_FRAME_RATES: dict[str, Fraction] = {
    "ntsc": NES.frame_rate,
    "pal": Fraction(266017125, 10 * 5 * 341 * 312),
    "dendy": Fraction(266017125, 10 * 5 * 341 * 312),
}


class FceuxEmulator(LuaEmulator):
    """FCEUX with one game in it.

    An `Emulator` that also has a screen, lag frames, a reset button and rollouts.

    Its memory domains: ``ram``; ``cpu``, all that the processor sees; ``ppu`` and ``rom``, which
    are read-only. Reading ``cpu`` has no effects; writing it is what a store instruction does.
    ``rom`` is the file with its header, as FCEUX holds it.
    """

    name, title, noise = "fceux", "FCEUX", NOISE
    emulation_thread = "emulatorThread_"  # what Qt calls it; the other draws
    button_type = np.dtype(np.uint8)  # the NES has eight
    boot_offset = 0
    """Frames after which a movie's first line is played: FCEUX's own movies have none."""

    def __init__(
        self,
        rom: Rom,
        visible: bool = False,
        display: Display | None = None,
        speed: Speed | None = None,
        sound: bool = False,
        new_ppu: bool = False,
        region: Region = "ntsc",
        ram_init: RamInit = "default",
        game_genie: Sequence[str] = (),
        four_score: bool = False,
        person_plays: bool = False,
        movie: str | os.PathLike[str] | None = None,
        transport: TransportName = "pipes",
        timeout: float | None = None,
        fceux: str | os.PathLike[str] | None = None,
        attach: str | None = None,
        token: str | None = None,
    ) -> None:
        """Start FCEUX with this ROM.

        - `visible`: show its window; the same as ``display="visible"``.
        - `display`: ``"offscreen"`` (no window and no X server), ``"xvfb"`` (a window on a virtual
          display of its own, see `display_name`), ``"visible"``.
        - `speed`: FCEUX's speed mode; ``"normal"`` when visible, else ``"nothrottle"``, which draws
          every frame as fast as it can. ``"maximum"`` and ``"turbo"`` leave out pictures.
        - `sound`: play it. `new_ppu`: the slower, more exact PPU.
        - `region`: the console's. `ram_init`: what RAM holds at power-on: FCEUX's own pattern (four
          00, four FF), all FF, all 00, or random bytes.
        - `game_genie`: codes that are in force from power-on. `four_score`: four joypads.
        - `person_plays`: what is pressed at the window counts beside what `advance` holds.
        - `movie`: the path of an fm2 that FCEUX plays from the start; while it plays, it gives the
          inputs.
        - `transport`: how bytes travel; ``"unix"`` and ``"tcp"`` need Debian's lua-socket.
        - `timeout`: seconds of silence after which FCEUX counts as hung; 30, or none when visible
          (a person may have paused it).
        - `fceux`: the program's path. `attach`, `token`: see `attach`.

        Raises EmulatorMissing, EmulatorCrashed, RomError, InputError.
        """
        call = f"copain.open({rom.name!r}, emulator='fceux')"
        check_choices(
            call, display=(display, Display), speed=(speed, Speed),
            region=(region, Region), ram_init=(ram_init, RamInit),
            transport=(transport, TransportName),
        )  # fmt: skip
        if rom.system is not NES:
            raise RomError(f"{call}: this is a {rom.system} ROM; FCEUX plays the NES")
        if visible and display not in (None, "visible"):
            raise InputError(f"{call}: visible=True and display={display!r}: say one")
        shown: Display = display or ("visible" if visible else "offscreen")
        super().__init__(call, rom, dataclasses.replace(NES, ports=4) if four_score else NES)
        self._region: Region = region
        self._lua: Lua | None = None
        if timeout is None and shown != "visible" and attach is None:
            timeout = 30.0
        if attach is not None:
            start = connect(call, attach, token, timeout)
        else:
            start = launch(
                call,
                rom,
                Launch(
                    display=shown, sound=sound, new_ppu=new_ppu, region=region, ram_init=ram_init,
                    four_score=four_score, movie=movie, transport=transport, fceux=fceux,
                    timeout=timeout,
                ),
            )  # fmt: skip
        with self._starting(start):
            self._greet()
            self._session.call("speed", speed or ("normal" if shown == "visible" else "nothrottle"))
            if person_plays:
                self._session.call("person_plays", True)
            for code in game_genie:
                self._add_code(code)
            if game_genie:
                self._session.call("power_cycle")

    # What it is

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second of the region."""
        self._check_open("frame_rate")
        return _FRAME_RATES[self._region]

    @property
    def lua(self) -> Lua:
        """FCEUX's whole Lua API, and Lua itself."""
        self._check_open("lua")
        if self._lua is None:
            self._lua = Lua(self._asker())
        return self._lua

    # Where it stands

    @property
    def lagged(self) -> bool:
        """Whether the last frame was a lag frame."""
        return self._lag("lagged") > _LAG_COUNT

    @property
    def lag_count(self) -> int:
        """Lag frames since `power_on`."""
        return self._lag("lag_count") & _LAG_COUNT

    @property
    def screen(self) -> Picture:
        """The last frame's picture with what was drawn on it, ``uint8 (240, 256, 3)``."""
        data = protocol.as_bytes(self._ask("screen", [("screen",)])[0][0])
        pixels = np.frombuffer(data, np.uint8, offset=_GD_HEADER).reshape(_HEIGHT, _WIDTH, 4)
        return pixels[:, :, 1:].copy()

    def write_memory(self, domain: str, address: int, data: bytes) -> None:
        """Write bytes of a memory domain; the range is within it."""
        self._check_open(domain)
        if domain not in ("ram", "cpu"):
            raise MemoryRangeError(f"{domain}[{address:#x}]: FCEUX lets {domain} only be read")
        super().write_memory(domain, address, data)

    # Inside

    def _domain_sizes(self) -> dict[str, int]:
        return {"ram": RAM_SIZE, **_DOMAINS, "rom": len(self._rom.data)}

    def _lag(self, member: str) -> int:
        """The lag count in 24 bits; above them, whether the last frame lagged."""
        self._check_open(member)
        if self._told is None:
            self._know(*self._ask("status", [("status",)])[0])
        assert self._told is not None
        return self._told

    def _tell(self, *more: Value) -> None:
        lag_count, lagged = more
        self._told = protocol.as_int(lag_count) | (_LAG_COUNT + 1 if lagged else 0)

    def _why_silent(self) -> str:
        return (
            f"its script said nothing within {self._start.timeout} seconds: the ROM did not load "
            "(FCEUX does not play every board), or this machine is very busy"
        )

    def _leave(self) -> None:
        if self._lua is not None:
            self._lua.leave()

    def _fetch(self, number: int) -> bytes:
        """The bytes of a slot: through its file where we share FCEUX's folder, which is faster."""
        folder = self._start.folder
        if folder is None:
            return protocol.as_bytes(self._ask("savestate", [("state_bytes", number)])[0][0])
        self._ask("savestate", [("state_to_file", number)])
        path = folder / f"state-{number}"
        data = path.read_bytes()
        path.unlink()
        return data

    def _put(self, number: int, payload: bytes) -> None:
        if self._start.folder is None:
            self._ask("load_state", [("load_bytes", number, payload)])
        else:
            super()._put(number, payload)

    def _check_payload(self, payload: bytes) -> None:
        check_payload(payload)

    def _greet(self) -> None:
        answer = self._hello()
        if not self._version.startswith("2."):
            raise EmulatorCrashed(
                f"{self._call}: this is FCEUX {self._version}; copain knows 2.x (made with 2.6.5)"
            )
        self._check_rom(str(answer.get("rom_name")), str(answer.get("rom_md5")))

    def _check_rom(self, name: str, md5: str) -> None:
        """Raise RomError unless FCEUX holds the bytes of our ROM."""
        header = ines_header(self._rom.data)
        if header is None or header.md5 == md5:
            return
        # FCEUX's sum is of what the header promises, padded; a file may have more.
        start = INES_HEADER_SIZE + (512 if header.trainer else 0)
        size = header.program_size + header.picture_size
        theirs = protocol.as_bytes(self._session.call("read", "rom", INES_HEADER_SIZE, size))
        if theirs != self._rom.data[start : start + size]:
            raise RomError(
                f"{self._call}: FCEUX runs another ROM, {name!r} with MD5 {md5}; "
                f"{self._rom.name!r} has {header.md5}"
            )

    def _add_code(self, code: str) -> None:
        try:
            self._session.call("game_genie", code)
        except LuaError:
            raise InputError(
                f"{self._call}: {code!r} is not a Game Genie code: six or eight of the letters "
                "APZLGITYEOXUKSVN"
            ) from None


def check_payload(payload: bytes) -> None:
    """Raise SavestateError unless FCEUX would load these bytes, which it ignores silently if not.

    A header (``FCSX``, size, version, compressed size), then chunks: u8 kind, u32 size, bytes.
    """
    if len(payload) < _STATE_HEAD.size:
        raise SavestateError(f"load_state: {len(payload)} bytes are no savestate of FCEUX")
    magic, size, _, compressed = _STATE_HEAD.unpack_from(payload)
    if magic != b"FCSX" or compressed != _UNCOMPRESSED:
        raise SavestateError(
            f"load_state: this is no savestate of FCEUX as copain keeps them: "
            f"it begins with {payload[:16]!r}"
        )
    at, end = _STATE_HEAD.size, len(payload)
    while at + _CHUNK_HEAD.size <= end:
        at += _CHUNK_HEAD.size + _CHUNK_HEAD.unpack_from(payload, at)[1]
    if at != end or size != end - _STATE_HEAD.size:
        raise SavestateError(
            f"load_state: the savestate is damaged: its parts do not add up to {end} bytes"
        )


def attach(
    address: str = "127.0.0.1:0",
    rom: RomLike | None = None,
    *,
    port: int | None = None,
    token: str | None = None,
    timeout: float | None = None,
) -> FceuxEmulator:
    """Drive a FCEUX that a person started, with fceux.lua loaded by hand.

    The script shows address and token in FCEUX's Lua window. `rom` is the game that runs there: a
    Rom or a path; it is checked against what FCEUX runs. Closing leaves FCEUX running.
    """
    if port is not None:
        address = f"{address.rpartition(':')[0]}:{port}"
    if rom is None:
        raise InputError("attach: say which game runs there: rom='game.nes'")
    return FceuxEmulator(as_rom(rom), attach=address, token=token, timeout=timeout)


def script_path() -> Path:
    """Where fceux.lua is, for FCEUX's menu (File, Load Lua Script)."""
    return Path(__file__).with_name("fceux.lua")
