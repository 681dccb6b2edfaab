"""GridEmulator: an emulator without a ROM to hunt for, whose game has a known optimum.

It is what the tests of everything above the emulators run on: deterministic, fast to open, with
savestates of 265 bytes. The game is in `copain.games.grid.rules`, levels are text files.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType, TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from copain.emulator import Picture, check_frames
from copain.errors import EmulatorClosed, RomError, SavestateError
from copain.games import rom_path, variables_of
from copain.games.grid import rules
from copain.joypad import IDLE, Held, check_input_log, held_bits
from copain.memory import Bytes, Domains, Memory
from copain.rollout import Trajectory, check_watch
from copain.rom import Rom, RomLike, as_rom
from copain.savestate import Savestate, SavestateHeader, check_savestate
from copain.system import GRID, System

VERSION = "1"
_PAYLOAD = struct.Struct(f"<II?{rules.RAM_SIZE}s")
_CELL = 8


def open_grid(rom: RomLike | None = None) -> GridEmulator:
    """Open a level of Grid, copain's own when none is given."""
    return GridEmulator(as_rom(rom_path("grid") if rom is None else rom))


class GridEmulator:
    """A console that plays Grid. Has a screen, lag frames, a soft reset and a live view of RAM."""

    name = "grid"
    version = VERSION

    def __init__(self, rom: Rom) -> None:
        if rom.system is not GRID:
            raise RomError(f"grid: this is a {rom.system} ROM; a level of Grid is needed")
        try:
            self._level = rules.read_level(rom.data)
        except RomError as error:
            raise RomError(f"grid: {rom.path or rom.name}: {error}") from None
        self._rom = rom
        self._bytes = bytearray(rules.RAM_SIZE)
        self._ram = Memory("ram", rules.RAM_SIZE, _Access(self), variables_of(rom))
        self._memory: Mapping[str, Memory] = MappingProxyType(Domains(ram=self._ram))
        self._closed = False
        self.power_on()

    @property
    def system(self) -> System:
        """The system of Grid."""
        return GRID

    @property
    def rom(self) -> Rom:
        """The level."""
        return self._rom

    @property
    def frame(self) -> int:
        """Frames emulated since `power_on`."""
        self._check_open("frame")
        return self._frame

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second."""
        self._check_open("frame_rate")
        return GRID.frame_rate

    @property
    def ram(self) -> Memory:
        """The work RAM, 256 bytes."""
        self._check_open("ram")
        return self._ram

    @property
    def memory(self) -> Mapping[str, Memory]:
        """The one memory domain, ``ram``."""
        self._check_open("memory")
        return self._memory

    def power_on(self) -> None:
        """Cold boot: the title screen."""
        self._check_open("power_on")
        rules.title(self._level, self._bytes)
        self._frame = self._lag_count = 0
        self._lagged = False

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        """Play frames with the same buttons held."""
        self._check_open("advance")
        first, second = held_bits(held, GRID.ports, GRID.button_bits)
        for _ in range(check_frames(frames)):
            self._tick(first, second)

    def soft_reset(self) -> None:
        """Back to the title screen; the frame count goes on."""
        self._check_open("soft_reset")
        rules.title(self._level, self._bytes)

    def save_state(self) -> Savestate:
        """A savestate, with its bytes."""
        self._check_open("save_state")
        payload = _PAYLOAD.pack(self._frame, self._lag_count, self._lagged, self._bytes)
        return Savestate(self._header(), payload)

    def load_state(self, state: Savestate) -> None:
        """Come back to a savestate of this level."""
        self._check_open("load_state")
        check_savestate(state, self._header())
        try:
            frame, lag_count, lagged, ram = _PAYLOAD.unpack(state.payload)
        except struct.error:
            raise SavestateError(
                f"load_state: the savestate has {len(state.payload)} bytes, "
                f"{_PAYLOAD.size} are needed"
            ) from None
        self._frame, self._lag_count, self._lagged = frame, lag_count, lagged
        self._bytes[:] = ram

    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory:
        """Play inputs from a savestate in one call; see `copain.rollout.rollout`."""
        self._check_open("rollout")
        log = check_input_log(inputs, GRID.ports, GRID.button_bits, "rollout")
        addresses = check_watch(watch, rules.RAM_SIZE, "rollout")
        self.load_state(savestate)
        view = self.live_ram()
        watched = np.zeros((len(log), len(addresses)), np.uint8)
        for frame, (first, second) in enumerate(log.tolist()):
            self._tick(first, second)
            watched[frame] = view[addresses]
        return Trajectory(watched, view.copy(), self.save_state())

    @property
    def lagged(self) -> bool:
        """Whether the last frame was a lag frame."""
        self._check_open("lagged")
        return self._lagged

    @property
    def lag_count(self) -> int:
        """Lag frames since `power_on`."""
        self._check_open("lag_count")
        return self._lag_count

    @property
    def screen(self) -> Picture:
        """The map, the guards and the player as they are in RAM, 96 rows of 128 pixels."""
        self._check_open("screen")
        ram = self.live_ram()
        tiles = ram[rules.MAP :].reshape(rules.HEIGHT, rules.WIDTH)
        picture = _TILE_PIXELS[tiles]
        if ram[rules.MODE] != rules.TITLE:
            figures = [
                (int(ram[at]), int(ram[at + 1]), _GUARD_PIXELS)
                for at in range(rules.GUARDS, rules.GUARDS + 2 * len(self._level.rounds), 2)
            ]
            player = _GONE_PIXELS if ram[rules.MODE] == rules.DEAD else _PLAYER_PIXELS
            figures.append((int(ram[rules.X]), int(ram[rules.Y]), player))
            for x, y, pixels in figures:
                if x < rules.WIDTH and y < rules.HEIGHT:
                    shape = pixels.any(axis=-1)
                    picture[y, x][shape] = pixels[shape]
        else:
            picture = picture // 2
        rows = picture.transpose(0, 2, 1, 3, 4)
        return np.ascontiguousarray(rows.reshape(rules.HEIGHT * _CELL, rules.WIDTH * _CELL, 3))

    def live_ram(self) -> Bytes:
        """A read-only view of the RAM; after `close` it stays as it was."""
        self._check_open("live_ram")
        view = np.frombuffer(self._bytes, np.uint8)
        view.flags.writeable = False
        return view

    def close(self) -> None:
        """End; may be called again."""
        self._closed = True

    def __enter__(self) -> Self:
        self._check_open("with")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _tick(self, first: int, second: int) -> None:
        self._lagged = not rules.tick(self._level, self._bytes, first, second)
        self._lag_count += self._lagged
        self._frame += 1

    def _header(self) -> SavestateHeader:
        return SavestateHeader(GRID.name, self._rom.sha1, self.name, self.version, self._frame)

    def _check_open(self, member: str) -> None:
        if self._closed:
            raise EmulatorClosed(f"grid: {member} was used after close(); open it again")


class _Access:
    """How `Memory` reaches the RAM of a GridEmulator."""

    def __init__(self, emulator: GridEmulator) -> None:
        self._emulator = emulator

    def read(self, address: int, length: int) -> bytes:
        self._emulator._check_open("ram")  # pyright: ignore[reportPrivateUsage]
        return bytes(self._emulator._bytes[address : address + length])  # pyright: ignore[reportPrivateUsage]

    def write(self, address: int, data: bytes) -> None:
        self._emulator._check_open("ram")  # pyright: ignore[reportPrivateUsage]
        self._emulator._bytes[address : address + len(data)] = data  # pyright: ignore[reportPrivateUsage]


def _drawn(colour: int, shape: str) -> Bytes:
    """A tile, ``uint8 (8, 8, 3)``, from eight rows of two hexadecimal digits, a bit a pixel."""
    rows = np.frombuffer(bytes.fromhex(shape), np.uint8)
    on = np.unpackbits(rows[:, None], axis=1).astype(np.uint8)
    rgb = np.frombuffer(colour.to_bytes(3, "big"), np.uint8)
    return on[..., None] * rgb


def _tile_pixels() -> Bytes:
    """A picture for each byte that the map can hold: ``uint8 (256, 8, 8, 3)``."""
    floor = _drawn(0x202838, "00 00 00 00 00 00 00 00") | np.uint8(0x18)
    pixels = np.empty((256, _CELL, _CELL, 3), np.uint8)
    pixels[:] = _drawn(0xFF40FF, "AA 55 AA 55 AA 55 AA 55")  # a byte that is no tile
    pixels[rules.FLOOR] = floor
    pixels[rules.WALL] = _drawn(0x6878A0, "7F 7F 7F 00 F7 F7 F7 00") | np.uint8(0x28)
    for tile, colour, shape in (
        (rules.GOAL, 0x50E080, "00 40 7C 7C 40 40 40 E0"),
        (rules.COIN, 0xF8D048, "00 18 3C 34 34 3C 18 00"),
        (rules.KEY, 0xF0B030, "00 70 50 7F 55 00 00 00"),
        (rules.PIT, 0xE05038, "00 00 82 44 28 54 AA 00"),
        (rules.DOOR, 0xB07040, "7E 5A 5A 5A 72 5A 5A 7E"),
        (rules.CHEST, 0xD08828, "00 00 7E 42 7E 66 7E 00"),
    ):
        shown = _drawn(colour, shape)
        pixels[tile] = np.where(shown.any(axis=-1, keepdims=True), shown, floor)
    return pixels


_TILE_PIXELS = _tile_pixels()
_PLAYER_PIXELS = _drawn(0x60C8F8, "3C 3C 18 7E 5A 3C 24 66")
_GUARD_PIXELS = _drawn(0xF06060, "3C 7E 5A 7E 7E 7E 5A 00")
_GONE_PIXELS = _drawn(0xA0A0A0, "00 42 24 18 18 24 42 00")
