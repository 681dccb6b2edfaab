"""Mask: which bytes of RAM matter when two places are compared, in a file with its evidence.

::

    [mask]
    game = "alouette"
    rom_sha1 = "..."
    ram_size = 2048
    ignored = ["0x000b", "0x0300-0x03ff"]   # all other bytes matter

    [evidence]                              # how it was found; see `copain.search.find_mask`
    pairs = 3000
    false_merges = 0
    bound = 0.001

    [pairs]                                 # of those pairs, how many differ in each ignored byte
    0x000b = 2713
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from copain.errors import GameError
from copain.memory import Bytes
from copain.rom import Rom

Fact: TypeAlias = str | int | float | list[str]


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """A mask of a game's RAM: `matters` is ``uint8 (ram_size,)``, FF where a byte counts."""

    game: str
    rom_sha1: str
    matters: Bytes
    evidence: Mapping[str, Fact] = field(default_factory=dict[str, Fact])
    pairs: Mapping[int, int] = field(default_factory=dict[int, int])

    @property
    def ignored(self) -> list[int]:
        """The addresses that do not count."""
        return np.flatnonzero(self.matters == 0).tolist()

    def check(self, rom: Rom) -> None:
        """Raise GameError unless the mask is of this ROM."""
        if self.rom_sha1 != rom.sha1:
            raise GameError(
                f"the mask is of {self.game} (SHA-1 {self.rom_sha1}), not of {rom.name} (SHA-1 "
                f"{rom.sha1}); find one for it: copain search mask"
            )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the mask to a TOML file."""
        lines = [
            "[mask]",
            f"game = {json.dumps(self.game)}",
            f"rom_sha1 = {json.dumps(self.rom_sha1)}",
            f"ram_size = {len(self.matters)}",
            f"ignored = {json.dumps(_ranges(self.ignored))}",
            "",
            "[evidence]",
            *(f"{name} = {json.dumps(fact)}" for name, fact in self.evidence.items()),
            "",
            "[pairs]",
            *(f"{address:#06x} = {count}" for address, count in self.pairs.items()),
        ]
        Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Mask:
        """The mask in a file. Raises GameError that names the file and what is wrong."""
        try:
            document: dict[str, Any] = tomllib.loads(Path(path).read_text(encoding="utf-8"))
            mask = document["mask"]
            matters = np.full(mask["ram_size"], 0xFF, np.uint8)
            for text in mask["ignored"]:
                first, _, last = text.partition("-")
                low, high = int(first, 16), int(last or first, 16)
                if not 0 <= low <= high < len(matters):
                    raise ValueError(f"ignored {text!r}: RAM is 0 to {len(matters) - 1:#x}")
                matters[low : high + 1] = 0
            pairs = {int(address, 16): int(n) for address, n in document.get("pairs", {}).items()}
            return cls(
                str(mask["game"]),
                str(mask["rom_sha1"]),
                matters,
                document.get("evidence", {}),
                pairs,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise GameError(f"the mask {str(path)!r}: {error!r}") from error


def _ranges(addresses: list[int]) -> list[str]:
    """Addresses as texts, those that follow each other as ``first-last``."""
    ranges: list[list[int]] = []
    for address in addresses:
        if ranges and ranges[-1][1] == address - 1:
            ranges[-1][1] = address
        else:
            ranges.append([address, address])
    return [f"{a:#06x}" if a == b else f"{a:#06x}-{b:#06x}" for a, b in ranges]
