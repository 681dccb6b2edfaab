"""What the PPU of a Colibri holds: registers, sprites, and its memory as pictures.

All as it is now, at the frame's end as a rule: a game that changes its banks or scrolling amid a
frame shows what it set last. https://www.nesdev.org/wiki/PPU_memory_map
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from copain import _native
from copain.backends.colibri_palette import PALETTE
from copain.emulator import Picture
from copain.errors import InputError
from copain.memory import Bytes


class _HasNative(Protocol):
    @property
    def native(self) -> _native.Machine: ...


@dataclass(frozen=True, slots=True)
class PpuRegisters:
    """The PPU's registers: PPUCTRL, PPUMASK, PPUSTATUS, and the four that scroll.

    https://www.nesdev.org/wiki/PPU_registers, https://www.nesdev.org/wiki/PPU_scrolling
    """

    ctrl: int
    mask: int
    status: int
    v: int
    t: int
    fine_x: int
    w: int


@dataclass(frozen=True, slots=True)
class Sprite:
    """One of the 64 sprites as OAM has it; `y` is the line above its first."""

    y: int
    tile: int
    attributes: int
    x: int


class Ppu:
    """The PPU of one emulator."""

    def __init__(self, emulator: _HasNative) -> None:
        self._emulator = emulator

    @property
    def registers(self) -> PpuRegisters:
        """The registers as they are now; reading them has no effects."""
        return PpuRegisters(*self._emulator.native.ppu_registers[:7])

    @property
    def palette(self) -> Bytes:
        """The 32 colours of background and sprites, each 0 to 63, ``uint8 (8, 4)``, a copy."""
        return self._read(0x3F00, 32).reshape(8, 4) & np.uint8(63)

    @property
    def sprites(self) -> list[Sprite]:
        """The 64 sprites."""
        oam = self._emulator.native.read_memory("oam", 0, 256)
        return [Sprite(*oam[at : at + 4]) for at in range(0, 256, 4)]

    @property
    def nametables(self) -> Picture:
        """All four nametables, as they can be scrolled to: ``uint8 (480, 512, 3)``."""
        base = 0x1000 if self.registers.ctrl & 0x10 else 0
        tiles = self._tiles()[base // 16 :][:256]
        palette = self.palette
        palette[:, 0] = palette[0, 0]
        quarters = [self._nametable(0x2000 + 0x400 * i, tiles, palette) for i in range(4)]
        return np.block([[[quarters[0]], [quarters[1]]], [[quarters[2]], [quarters[3]]]])

    def pattern_tables(self, palette: int = 0) -> Picture:
        """The two pattern tables side by side, ``uint8 (128, 256, 3)``, in one of the 8 palettes.

        Raises InputError for a palette that is none.
        """
        if not 0 <= palette < 8:
            raise InputError(f"pattern_tables(palette={palette}): 0 to 7 is allowed")
        colours = self.palette[palette].copy()
        colours[0] = self.palette[0, 0]
        # Two tables of 16 by 16 tiles of 8 by 8 pixels: to rows of pixels.
        tiles = self._tiles().reshape(2, 16, 16, 8, 8).transpose(1, 3, 0, 2, 4)
        return PALETTE[colours[tiles.reshape(128, 256)]]

    def _nametable(self, address: int, tiles: Bytes, palette: Bytes) -> Picture:
        table = self._read(address, 0x400)
        names, attributes = table[:0x3C0].reshape(30, 32), table[0x3C0:].reshape(8, 8)
        # Two bits for each 2 by 2 tiles, four such in a byte.
        parts = np.stack([attributes >> shift & 3 for shift in (0, 2, 4, 6)])
        which = parts.reshape(2, 2, 8, 8).transpose(2, 0, 3, 1).reshape(16, 16)
        which = which.repeat(2, 0).repeat(2, 1)[:30]
        pixels = palette[which[:, :, None, None], tiles[names]]
        return PALETTE[pixels.transpose(0, 2, 1, 3).reshape(240, 256)]

    def _tiles(self) -> Bytes:
        """The 512 tiles, ``uint8 (512, 8, 8)``, 0 to 3 a pixel."""
        planes = np.unpackbits(self._read(0, 0x2000).reshape(512, 2, 8, 1), axis=-1)
        return planes[:, 0] + planes[:, 1] * np.uint8(2)

    def _read(self, address: int, length: int) -> Bytes:
        return np.frombuffer(
            self._emulator.native.read_memory("ppu", address, length), np.uint8
        ).copy()
