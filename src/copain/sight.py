"""What is seen of a frame: RAM as numbers and as features, pictures in grey and smaller.

These functions on numpy arrays are the reference; the native module computes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from copain.emulator import Picture
from copain.errors import GameError
from copain.memory import Bytes, Variable

Numbers = npt.NDArray[np.int64]
Features = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Feature:
    """A number between -1 and 1, made of the number at `index`.

    With `equals` it is 1 where the number is that, and else -1. Otherwise it is the number on
    the line from `low` (-1) to `high` (1), cut at both ends.
    """

    name: str
    index: int
    low: float = 0.0
    high: float = 1.0
    equals: int | None = None


class RamSight:
    """Which numbers of RAM are seen, and what features they become.

    `variables` are the numbers; the first `kept` of them are given as they are, too.
    """

    def __init__(
        self, variables: Sequence[Variable], features: Sequence[Feature] = (), kept: int = 0
    ) -> None:
        """Raises GameError for a feature of no number."""
        self.variables = tuple(variables)
        self.features = tuple(features)
        self.kept = kept
        self.size = len(self.features)
        wrong = [f.name for f in self.features if not 0 <= f.index < len(self.variables)]
        if wrong or not 0 <= kept <= len(self.variables):
            raise GameError(
                f"RamSight: {wrong[0] if wrong else kept} is of none of the "
                f"{len(self.variables)} numbers"
            )
        self.ram_size = max((max(v.addresses) + 1 for v in self.variables), default=0)
        self.index = np.array([f.index for f in self.features], np.int32)
        self.equals = np.array([f.equals is not None for f in self.features], np.bool_)
        self.low = np.array(
            [f.low if f.equals is None else f.equals for f in self.features], np.float64
        )
        widths = [1.0 if f.equals is not None else f.high - f.low for f in self.features]
        self.scale = 2.0 / np.array(widths, np.float64)

    def numbers(self, ram: Bytes) -> Numbers:
        """All numbers in a batch of RAM: ``uint8 (..., ram_size)`` to ``int64 (..., numbers)``."""
        if not self.variables:
            return np.zeros((*ram.shape[:-1], 0), np.int64)
        return np.stack([variable.decode(ram) for variable in self.variables], axis=-1)

    def features_of(self, numbers: Numbers) -> Features:
        """What the numbers become: ``float32 (..., size)``."""
        value = numbers[..., self.index].astype(np.float64) - self.low
        line = np.clip(value * self.scale - 1.0, -1.0, 1.0)
        return np.where(self.equals, np.where(value == 0, 1.0, -1.0), line).astype(np.float32)


def grey_of(picture: Picture) -> Bytes:
    """How bright each pixel is: ``uint8 (height, width)``.

    By the weights of ITU-R BT.601 in 256ths: 77 red, 150 green, 29 blue, rounded.
    """
    return ((picture @ _LUMA + 128) >> 8).astype(np.uint8)


_LUMA = np.array([77, 150, 29], np.uint32)


def shrunk(grey: Bytes, height: int, width: int) -> Bytes:
    """A grey picture in another size, each pixel the mean of the area it covers, rounded.

    Weights are in 128ths, first of the lines, then of the columns.
    """
    down, across = area_weights(grey.shape[0], height), area_weights(grey.shape[1], width)
    lines = down.astype(np.int64) @ grey  # 128ths
    return ((lines @ across.T.astype(np.int64) + (1 << 13)) >> 14).astype(np.uint8)


@cache
def area_weights(size: int, to: int) -> npt.NDArray[np.int32]:
    """How much each of `size` pixels counts in each of `to`, in 128ths: ``int32 (to, size)``.

    The weights of a pixel add up to 128: what rounding leaves goes to the largest.
    """
    low = np.arange(to)[:, None] * size  # in units of 1/to of a pixel
    pixel = np.arange(size)[None] * to
    covered = np.clip(np.minimum(low + size, pixel + to) - np.maximum(low, pixel), 0, None)
    weights = ((256 * covered + size) // (2 * size)).astype(np.int32)
    weights[np.arange(to), weights.argmax(axis=1)] += 128 - weights.sum(axis=1)
    return weights


def fitted(picture: Picture, height: int, width: int) -> Picture:
    """A picture cut, or filled up with black, at its right and its lower edge."""
    if picture.shape[:2] == (height, width):
        return picture
    result = np.zeros((height, width, 3), np.uint8)
    part = picture[:height, :width]
    result[: part.shape[0], : part.shape[1]] = part
    return result
