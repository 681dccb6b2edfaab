"""Digest: one number for everything that a search found, to compare two runs of it.

It is of all lines in the order in which they were found (parent, action, frames, hash of the RAM,
score), of the places held at the end, of the best lines, and of what it took in frames,
rerecords and deaths. Not of the bytes of savestates, in which some cores leave what depends on
what they played before, nor of times.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from copain.errors import RunError
from copain.runs import Archive


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of a search: `sha256` in hexadecimal; how many `lines` and `held` places."""

    sha256: str
    lines: int
    held: int


def digest(folder: str | os.PathLike[str]) -> Digest:
    """The digest of the search in this run folder, as of its last commit.

    Raises RunError when there is none, or it is damaged.
    """
    archive = Archive(Path(folder) / "archive")
    if not archive.exists:
        raise RunError(f"digest({str(folder)!r}): no search has left an archive in this folder")
    arrays = archive.read()
    total = hashlib.sha256()
    for name in ("lines", "held/lines", "farthest/lines", "ends/lines", "counts"):
        if name in arrays:
            total.update(name.encode() + b"\0")
            total.update(np.ascontiguousarray(arrays[name]).view(np.uint8).data)
    return Digest(total.hexdigest(), len(arrays["lines"]), len(arrays["held/lines"]))
