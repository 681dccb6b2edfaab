"""Colours and pictures as FCEUX's gui wants them."""

from __future__ import annotations

import re
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from copain.errors import InputError
from copain.wire.protocol import Value

Colour: TypeAlias = str | int | tuple[int, int, int] | tuple[int, int, int, int]
"""A name, ``"#RRGGBB"``, ``"#RRGGBBAA"``, an NES colour ``"P00"`` to ``"P3F"``, 0xRRGGBBAA, or
(red, green, blue) and (red, green, blue, alpha) of 0 to 255."""

Image: TypeAlias = bytes | npt.NDArray[np.uint8]
"""gd's format as bytes, or ``uint8 (height, width, 3 or 4)``: RGB or RGBA."""

# FCEUX 2.6.5, src/lua-engine.cpp, s_colorMapping; "rand" is another colour each time.
NAMES = (
    "white", "black", "clear", "gray", "grey", "red", "orange", "yellow", "chartreuse", "green",
    "teal", "cyan", "blue", "purple", "magenta", "rand",
)  # fmt: skip
_HEX = re.compile(r"#([0-9A-Fa-f]{6}|[0-9A-Fa-f]{8})")
_PALETTE = re.compile(r"P[0-7]?[0-9A-Fa-f]")
_GD_TRUECOLOUR = 0xFFFE


def colour(value: Colour | None, call: str) -> Value:
    """`value` as FCEUX takes it. Raises InputError.

    FCEUX itself draws in its default colour when it does not know one, and takes any name that
    begins with a capital P for a palette number.
    """
    if value is None or (isinstance(value, int) and 0 <= value <= 0xFFFFFFFF):
        return value
    if isinstance(value, str):
        if _HEX.fullmatch(value) or _PALETTE.fullmatch(value):
            return value
        if value.lower() in NAMES:
            return value.lower()
    if isinstance(value, tuple) and len(value) in (3, 4) and all(0 <= p <= 255 for p in value):
        red, green, blue, alpha = (*value, 255)[:4]
        return red << 24 | green << 16 | blue << 8 | alpha
    raise InputError(
        f"{call}: {value!r} is no colour: {', '.join(NAMES)}, '#RRGGBB', '#RRGGBBAA', 'P00' to "
        "'P7F', 0xRRGGBBAA, or (red, green, blue[, alpha])"
    )


def gd_image(image: Image, call: str) -> bytes:
    """`image` in gd's true-colour format, in which alpha goes from 0 (solid) to 127."""
    if isinstance(image, bytes):
        return image
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (3, 4):
        raise InputError(
            f"{call}: the image is {image.dtype} {image.shape}; uint8 (height, width, 3 or 4) is "
            "wanted"
        )
    height, width, depth = image.shape
    pixels = np.zeros((height, width, 4), np.uint8)
    pixels[:, :, 1:] = image[:, :, :3]
    if depth == 4:
        pixels[:, :, 0] = 127 - image[:, :, 3] // 2
    head = np.array([_GD_TRUECOLOUR, width, height], ">u2").tobytes()
    return head + b"\1\xff\xff\xff\xff" + pixels.tobytes()
