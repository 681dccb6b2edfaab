"""The colours of Colibri's pictures: what a decoder makes of the signal that an NTSC PPU puts out.

A pixel is one of 64 colours under one of eight emphases; the PPU makes a square wave of it, whose
phase is the hue and whose two levels are the brightness. Levels and phases are those of
https://www.nesdev.org/wiki/NTSC_video; the decoder is the textbook's, without a knob to turn. The
colours of PAL consoles, and of other emulators, differ a little.
"""

from __future__ import annotations

import numpy as np

from copain.memory import Bytes

# Volts over the sync level: the low and the high level of each brightness ($0D to $3D, $00 to
# $30); black is $1D, white $20. Emphasis brings the signal down to this much of it.
_LOW = (0.350, 0.518, 0.962, 1.550)
_HIGH = (1.090, 1.500, 1.960, 1.960)
_BLACK, _WHITE = 0.518, 1.960
_EMPHASIS = 0.746
_PHASES = np.arange(12)
_BURST = 8  # the hue whose wave is the colour burst's: -U


def _wave(hue: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Where in a colour cycle of twelve phases the wave of this hue is high."""
    return (hue + _PHASES) % 12 < 6


def _signal(pixel: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """One colour cycle of a pixel's signal, 0 at black and 1 at white, ``float64 (12,)``."""
    hue, brightness, emphasis = pixel & 15, pixel >> 4 & 3, pixel >> 6
    if hue > 13:
        return np.zeros(12)
    high = _LOW[brightness] if hue == 13 else _HIGH[brightness]
    low = _HIGH[brightness] if hue == 0 else _LOW[brightness]
    signal = np.where(_wave(hue), high, low)
    # Each bit attenuates while the wave of one hue is high: what is opposite of red, green, blue.
    for bit, opposite in enumerate((0, 4, 8)):
        if emphasis >> bit & 1:
            signal = np.where(_wave(opposite), np.minimum(signal, signal * _EMPHASIS), signal)
    return (signal - _BLACK) / (_WHITE - _BLACK)


def _palette() -> Bytes:
    turn = np.exp(-2j * np.pi * _PHASES / 12)
    burst = complex((_wave(_BURST) * turn).mean())
    colours = np.empty((512, 3))
    for pixel in range(512):
        signal = _signal(pixel)
        y = float(signal.mean())
        chroma = 2 * complex((signal * turn).mean()) * (-abs(burst) / burst)
        u, v = chroma.real, chroma.imag
        # https://en.wikipedia.org/wiki/Y%E2%80%B2UV: from U and V as they are in the signal.
        colours[pixel] = y + 1.140 * v, y - 0.395 * u - 0.581 * v, y + 2.032 * u
    return np.rint(np.clip(colours, 0, 1) * 255).astype(np.uint8)


PALETTE: Bytes = _palette()
"""Red, green and blue of each pixel, ``uint8 (512, 3)``: colour in bits 0-5, emphasis in 6-8."""
PALETTE.flags.writeable = False
