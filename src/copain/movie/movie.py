"""Movie: what was played, from where, and what its RAM was on the way.

A Movie is a frozen value and knows no file format: `copain.movie.fm2` and `copain.movie.bk2`
read and write files, another format is another module with the same two functions.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import numpy.typing as npt

from copain.errors import MovieError
from copain.joypad import FrameInput, InputLog, check_input_log
from copain.rollout import frame_inputs
from copain.rom import INES_HEADER_SIZE, Rom, ines_header
from copain.system import NES, SYSTEMS, System

MAX_FRAMES = 10_000_000
"""The longest movie: 46 hours of NES."""

STABLE_RETRO = "stable-retro"
"""What made a movie (`Movie.made_by`) that stable-retro recorded."""


class Command(IntFlag):
    """What happens to the console just before a frame, in the bits of fm2.

    Only the first two are played; a movie that needs another is refused by name at playback.
    https://fceux.com/web/FM2.html
    """

    SOFT_RESET = 1
    POWER = 2
    FDS_INSERT = 4
    FDS_SELECT = 8
    INSERT_COIN = 16


CommandLog = npt.NDArray[np.uint8]
"""The commands of consecutive frames: ``uint8 (frames,)`` of `Command`."""


@dataclass(frozen=True, slots=True)
class Subtitle:
    """A line of text shown from `frame` on."""

    frame: int
    text: str


@dataclass(frozen=True, slots=True)
class RomIdentity:
    """Which ROM a movie was made on; what is not known is empty.

    `name` is the file's name, `md5` that of the ROM's content (without its file header where it
    has one), `sha1` that of the whole file, `content_sha1` that of the content; all of them in
    hexadecimal.
    """

    name: str = ""
    md5: str = ""
    sha1: str = ""
    content_sha1: str = ""

    @classmethod
    def of(cls, rom: Rom) -> RomIdentity:
        """The identity of this ROM."""
        return cls(rom.name, content_md5s(rom)[0], rom.sha1)

    def is_of(self, rom: Rom) -> bool:
        """Whether this can be that ROM: nothing that is known speaks against it."""
        if self.sha1:
            return self.sha1 == rom.sha1
        if self.content_sha1:
            return self.content_sha1 in content_sha1s(rom)
        return not self.md5 or self.md5 in content_md5s(rom)


def content_md5s(rom: Rom) -> tuple[str, ...]:
    """The MD5s that `rom` goes by in movies, in hexadecimal, the usual one first.

    FCEUX takes the program, filled with FF to a power of two, and the picture data, without the
    iNES header and trainer (src/ines.cpp, iNESLoad); a few boards are not filled.
    """
    return _content_md5s(rom.data, rom.system is NES)


@lru_cache(maxsize=8)
def _content_md5s(data: bytes, nes: bool) -> tuple[str, ...]:
    header = ines_header(data) if nes else None
    if header is None:
        return (hashlib.md5(data).hexdigest(),)
    start = INES_HEADER_SIZE + (512 if header.trainer else 0)
    middle = start + header.program_size
    program, picture = data[start:middle], data[middle : middle + header.picture_size]
    filled = program.ljust(1 << max(0, len(program) - 1).bit_length(), b"\xff")
    both = (hashlib.md5(filled + picture).hexdigest(), hashlib.md5(program + picture).hexdigest())
    return tuple(dict.fromkeys(both))


COPIER_HEADER = 512
"""Bytes that copiers put before the ROMs of some systems, beyond a multiple of 1024."""


def content_sha1s(rom: Rom) -> tuple[str, ...]:
    """The SHA-1s that `rom` goes by in movies: of the whole file, and without a header."""
    return _content_sha1s(rom.data, rom.system is NES)


@lru_cache(maxsize=8)
def _content_sha1s(data: bytes, nes: bool) -> tuple[str, ...]:
    contents = [data]
    if nes and ines_header(data) is not None:
        contents.append(data[INES_HEADER_SIZE:])
    if not nes and len(data) % 1024 == COPIER_HEADER:
        contents.append(data[COPIER_HEADER:])
    return tuple(hashlib.sha1(content).hexdigest() for content in contents)


@dataclass(frozen=True, slots=True)
class Source:
    """How the file that a movie was read from was written, so that it can be written so again.

    `header` holds the header lines as they stood, line ends included, those not understood among
    them; `odd` the frames whose lines were not spelled as usual, with their spelling; `tail`
    what followed the last line.
    """

    format: str
    header: tuple[str, ...]
    newline: str = "\n"
    released: str = "."
    binary: bool = False
    odd: Mapping[int, bytes] = field(default_factory=dict[int, bytes])
    tail: bytes = b""
    parts: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Movie:
    """An input log with where it starts and what it claims.

    `inputs` is ``uint16 (frames, ports)`` of `Joypad.bits`, `commands` ``uint8 (frames,)`` of
    `Command`; both become read-only. `savestate` is None for a movie from power-on, else the
    bytes of the anchor: a `Savestate` of copain, or what the emulator that made it wrote.
    `hashes` maps frame counts to 64-bit hashes of the RAM after that many frames (see
    `copain.movie.playback.hash_ram`). `made_by` is an emulator's name and version. `ram_init`
    is the power-on RAM in FCEUX's numbers (0: four 00, four FF), `region` the console's.
    Movies are equal when all but their `source` is. Raises MovieError for what cannot be a movie.
    """

    system: System
    inputs: InputLog
    commands: CommandLog = field(default_factory=lambda: np.zeros(0, np.uint8))
    rom: RomIdentity = RomIdentity()
    rerecords: int = 0
    savestate: bytes | None = None
    authors: tuple[str, ...] = ()
    comments: tuple[str, ...] = ()
    subtitles: tuple[Subtitle, ...] = ()
    hashes: Mapping[int, int] = field(default_factory=dict[int, int])
    made_by: str = ""
    region: Literal["ntsc", "pal"] = "ntsc"
    ram_init: int = 0
    source: Source | None = None

    def __post_init__(self) -> None:
        # A machine may have fewer buttons and ports than its system; a movie is of the system.
        of = next((known for known in SYSTEMS if known.name == self.system.name), self.system)
        object.__setattr__(self, "system", of)
        inputs = check_input_log(self.inputs, self.system.ports, self.system.button_bits, "Movie")
        frames = len(inputs)
        if frames > MAX_FRAMES:
            raise MovieError(f"Movie: {frames} frames; {MAX_FRAMES} is the most")
        commands = np.array(self.commands, np.uint8)
        if commands.shape == (0,) and frames:
            commands = np.zeros(frames, np.uint8)
        if commands.shape != (frames,):
            raise MovieError(
                f"Movie: commands of shape {commands.shape}; one a frame is needed: ({frames},)"
            )
        if self.rerecords < 0:
            raise MovieError(f"Movie: {self.rerecords} rerecords; 0 or more is allowed")
        hashes = dict(sorted(self.hashes.items()))
        wrong = [frame for frame in hashes if not 0 < frame <= MAX_FRAMES]
        if wrong:
            raise MovieError(f"Movie: a RAM hash after frame {wrong[0]}; frames count from 1")
        inputs = inputs.copy()
        inputs.flags.writeable = False
        commands.flags.writeable = False
        object.__setattr__(self, "inputs", inputs)
        object.__setattr__(self, "commands", commands)
        object.__setattr__(self, "hashes", MappingProxyType(hashes))

    @property
    def frames(self) -> int:
        """How many frames the movie plays."""
        return len(self.inputs)

    @property
    def anchor(self) -> Literal["power-on", "savestate"]:
        """Where the movie starts."""
        return "power-on" if self.savestate is None else "savestate"

    def __len__(self) -> int:
        return len(self.inputs)

    def __repr__(self) -> str:
        return (
            f"<Movie of {self.rom.name or 'an unknown ROM'} ({self.system.name}) from "
            f"{self.anchor}, {self.frames} frames, {self.rerecords} rerecords>"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Movie):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(self._values())

    def _values(self) -> tuple[object, ...]:
        return (
            self.system, self.inputs.tobytes(), self.commands.tobytes(), self.rom,
            self.rerecords, self.savestate, self.authors, self.comments, self.subtitles,
            tuple(self.hashes.items()), self.made_by, self.region, self.ram_init,
        )  # fmt: skip

    def held(self, start: int = 0, stop: int | None = None) -> Sequence[FrameInput]:
        """The inputs of frames `start` to `stop` as FrameInputs."""
        return frame_inputs(self.inputs[start:stop])

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Movie:
        """The movie in a file, by its ending. Raises MovieError that names the line."""
        path = Path(path)
        return _reader(path, f"Movie.read({str(path)!r})")(path)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the movie to a file, whole or not at all, in the format of its ending.

        Raises MovieError for an ending that copain does not write, and for what the format does
        not hold.
        """
        path = Path(path)
        _writer(path, f"Movie.write({str(path)!r})")(self, path)


def _reader(path: Path, call: str) -> Callable[[Path], Movie]:
    if _ending(path, call) == ".bk2":
        from copain.movie.bk2 import read_bk2

        return read_bk2
    from copain.movie.fm2 import read_fm2

    return read_fm2


def _writer(path: Path, call: str) -> Callable[[Movie, Path], None]:
    if _ending(path, call) == ".bk2":
        from copain.movie.bk2 import write_bk2

        return write_bk2
    from copain.movie.fm2 import write_fm2

    return write_fm2


def _ending(path: Path, call: str) -> str:
    ending = path.suffix.lower()
    if ending not in (".fm2", ".bk2"):
        raise MovieError(
            f"{call}: movies that end in {path.suffix or 'nothing'!r} are not known; "
            "known are .fm2 (FCEUX, NES) and .bk2 (BizHawk and stable-retro, many systems)"
        )
    return ending
