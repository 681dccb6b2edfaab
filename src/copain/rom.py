"""Rom: a game's bytes, where they came from, their SHA-1 and their System."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from copain.errors import RomError
from copain.system import (
    ATARI2600,
    GAME_BOY,
    GAME_BOY_COLOR,
    GENESIS,
    GRID,
    NES,
    SYSTEMS,
    System,
)
from copain.system import system_by_name as _system_by_name

RomLike: TypeAlias = "Rom | str | os.PathLike[str]"
"""What functions that need a ROM take: a Rom, or the path of its file."""

MAX_ROM_SIZE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rom:
    """A game's bytes and what they are.

    `data` is the whole file, header included; `sha1` is of `data`, in hexadecimal; `path` is
    None for a ROM made from bytes.
    """

    data: bytes = field(repr=False)
    system: System
    path: Path | None = None
    sha1: str = field(init=False)
    md5: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha1", hashlib.sha1(self.data).hexdigest())
        object.__setattr__(self, "md5", hashlib.md5(self.data).hexdigest())

    @property
    def name(self) -> str:
        """The file's name without folder and ending, or the start of the SHA-1."""
        return self.path.stem if self.path is not None else self.sha1[:12]

    @classmethod
    def read(cls, path: str | os.PathLike[str], system: System | str | None = None) -> Rom:
        """The ROM in the file at `path`; its system is told by content and ending unless given.

        Raises RomError when the file is missing, a directory, empty, too large, cut short, or
        of no system that copain knows.
        """
        call = f"Rom.read({os.fspath(path)!r})"
        try:
            path = Path(path).expanduser()
            if path.is_dir():
                raise RomError(f"{call}: this is a directory; the path of a ROM file is needed")
            size = path.stat().st_size
            if not path.is_file():
                raise RomError(f"{call}: this is a device or a pipe; a file is needed")
            if size > MAX_ROM_SIZE:
                raise RomError(f"{call}: {size} bytes; a ROM has at most {MAX_ROM_SIZE}")
            data = path.read_bytes()
        except FileNotFoundError:
            raise RomError(f"{call}: there is no such file") from None
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: nobody's ~
            raise RomError(f"{call}: the file cannot be read: {error}") from error
        return cls.from_bytes(data, system=system, path=path.resolve(), call=call)

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        system: System | str | None = None,
        path: Path | None = None,
        call: str = "Rom.from_bytes",
    ) -> Rom:
        """The ROM with these bytes. Raises RomError as `read` does."""
        if not data:
            raise RomError(f"{call}: the file is empty; a ROM is needed")
        if isinstance(system, str):
            system = _system_by_name(system)
        told = _system_of(data, path)
        if system is None and told is None:
            endings = sorted(ending for known in SYSTEMS for ending in known.extensions)
            raise RomError(
                f"{call}: neither the content nor the ending tells which system this is for; "
                f"known endings are {', '.join(endings)}; or say system="
            )
        if told is GAME_BOY_COLOR and system is GAME_BOY and not data[0x143] & 0x40:
            told = GAME_BOY  # made for both
        if system is not None and told is not None and system != told:
            raise RomError(f"{call}: this is a {told} ROM, {system} was asked for")
        found = system or told
        assert found is not None
        if found is NES:
            _check_ines(data, call)
        return cls(data=bytes(data), system=found, path=path)


def as_rom(rom: RomLike) -> Rom:
    """`rom` itself, or the Rom in the file at that path. Raises RomError for anything else."""
    if isinstance(rom, Rom):
        return rom
    if not isinstance(rom, (str, os.PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise RomError(
            f"a Rom or the path of one is needed, not {type(rom).__name__}; "
            "of bytes, Rom.from_bytes makes a Rom"
        )
    return Rom.read(rom)


def _system_of(data: bytes, path: Path | None) -> System | None:
    """The system told by the content where it has a signature, else by the ending."""
    if data[:4] == b"NES\x1a" or data[:4] == b"UNIF":
        return NES
    if data[:12] == b"copain grid ":
        return GRID
    # The logo's first bytes, checked by the boot ROM (https://gbdev.io/pandocs).
    if data[0x104:0x108] == b"\xce\xed\x66\x66" and len(data) > 0x143:
        return GAME_BOY_COLOR if data[0x143] & 0x80 else GAME_BOY
    if data[0x100:0x104] == b"SEGA":
        return GENESIS
    ending = path.suffix.lower().lstrip(".") if path is not None else ""
    for system in SYSTEMS:
        if ending in system.extensions:
            return system
    if ending == "bin" and len(data) in (2048, 4096, 8192, 16384, 32768):
        return ATARI2600
    return None


@dataclass(frozen=True, slots=True)
class InesHeader:
    """The header of an iNES or NES 2.0 file.

    Sizes are in bytes; `sha1` and `md5` are of everything behind the header and trainer, as ROM
    databases and FCEUX count them. https://www.nesdev.org/wiki/INES,
    https://www.nesdev.org/wiki/NES_2.0
    """

    format: str
    mapper: int
    program_size: int
    picture_size: int
    mirroring: str
    battery: bool
    trainer: bool
    sha1: str
    md5: str


INES_HEADER_SIZE = 16


def ines_header(data: bytes) -> InesHeader | None:
    """The header of an iNES or NES 2.0 file, or None when this is not one."""
    if data[:4] != b"NES\x1a" or len(data) < INES_HEADER_SIZE:
        return None
    nes2 = data[7] & 0x0C == 0x08
    trainer = bool(data[6] & 4)
    content = data[INES_HEADER_SIZE + (512 if trainer else 0) :]
    return InesHeader(
        format="NES 2.0" if nes2 else "iNES",
        mapper=data[6] >> 4 | data[7] & 0xF0 | (data[8] & 0x0F) << 8
        if nes2
        else data[6] >> 4 | data[7] & 0xF0,
        program_size=_nes2_size(data[4], data[9] & 0x0F, 16384) if nes2 else data[4] * 16384,
        picture_size=_nes2_size(data[5], data[9] >> 4, 8192) if nes2 else data[5] * 8192,
        mirroring="four screens" if data[6] & 8 else "vertical" if data[6] & 1 else "horizontal",
        battery=bool(data[6] & 2),
        trainer=trainer,
        sha1=hashlib.sha1(content).hexdigest(),
        md5=hashlib.md5(content).hexdigest(),
    )


def _check_ines(data: bytes, call: str) -> None:
    """Refuse an NES file that is no NES file, or shorter than its header says."""
    if data[:4] != b"NES\x1a":
        if data[:4] == b"UNIF":
            return
        raise RomError(
            f"{call}: this is not an NES ROM: it begins with {data[:4]!r}, not b'NES\\x1a'"
        )
    header = ines_header(data)
    if header is None:
        raise RomError(f"{call}: the iNES header has 16 bytes, the file only {len(data)}")
    if header.program_size == 0:
        raise RomError(f"{call}: the header says the ROM has no program")
    needed = (
        INES_HEADER_SIZE
        + (512 if header.trainer else 0)
        + header.program_size
        + header.picture_size
    )
    if len(data) < needed:
        raise RomError(
            f"{call}: the ROM is cut short: its header says {needed} bytes, it has {len(data)}"
        )


def _nes2_size(low: int, high: int, unit: int) -> int:
    """A size of NES 2.0: plain, or exponent and multiplier when the high nibble is 15."""
    if high == 0x0F:
        return (1 << (low >> 2)) * ((low & 3) * 2 + 1)
    return (high << 8 | low) * unit
