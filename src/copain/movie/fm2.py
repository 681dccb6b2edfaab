r"""fm2: FCEUX's movie format, a header of ``key value`` lines and a line a frame.

::

    |0|R....S.A|........||

is command 0 and two joypads, the buttons ``RLDUTSBA`` (T start, S select) from bit 7 to bit 0;
``.`` and space are released, any other character is held; a port without a joypad is empty.
With ``binary 1`` the log is one ``|`` and, for each frame, a byte of commands and one a joypad.
Sources: https://fceux.com/web/FM2.html and FCEUX's src/movie.cpp (MovieData::dump, LoadFM2).

What is read and written again unchanged is bit-identical: order, unknown lines, line ends and
spelling are kept in `Movie.source`. What copain adds are comments, which FCEUX carries along::

    comment copain-emulator libretro:fceumm (SVN) 0123456
    comment copain-rom-sha1 <of the whole ROM file>
    comment copain-ram-hash-of 0000-07ff without 0100-01ff, copain.rollout.ram_hash
    comment copain-ram-hash 600 0123456789abcdef

The hash stands for the RAM after that many frames. A movie that starts from a savestate of copain
is kept in the same way, but FCEUX cannot load its ``savestate``. A four score, a zapper or
another device that logs more than a joypad is refused by name.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import md5
from pathlib import Path

import numpy as np

from copain.errors import MovieError
from copain.joypad import InputLog
from copain.movie.file import read_movie_file, write_movie_file
from copain.movie.movie import (
    MAX_FRAMES,
    CommandLog,
    Movie,
    RomIdentity,
    Source,
    Subtitle,
)
from copain.system import NES

MNEMONICS = "RLDUTSBA"
"""The buttons of a joypad in the order written, bit 7 first; `copain.Button` has the same bits."""

HASH_OF = "0000-07ff without 0100-01ff, copain.rollout.ram_hash"
"""Which bytes a copain-ram-hash stands for, and how: hashes of anything else are not ours."""

MAX_SIZE = 1 << 30
_CODEC = ("utf-8", "surrogateescape")
_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_EMU_VERSION = 20605  # FCEUX 2.6.5, whose format this is
_RELEASED = b". "
_GAMEPAD = 1
_DEVICES = {2: "a zapper", 3: "a power pad", 4: "a power pad", 5: "an Arkanoid paddle"}


def read_fm2(path: str | os.PathLike[str]) -> Movie:
    """The movie in the fm2 file at `path`. Raises MovieError that names file and line."""
    path = Path(path)
    return parse_fm2(read_movie_file(path, MAX_SIZE, "an fm2"), str(path))


def write_fm2(movie: Movie, path: str | os.PathLike[str]) -> None:
    """Write `movie` to the file at `path`, whole or not at all. Raises MovieError."""
    write_movie_file(Path(path), format_fm2(movie))


def parse_fm2(data: bytes, name: str = "fm2") -> Movie:
    """The movie in the bytes of an fm2 file. Raises MovieError that begins with `name`."""
    if not re.match(rb"version 3\r?\n", data):
        raise MovieError(
            f"{name}: this is not an fm2 movie: it begins with {data[:12]!r}, not b'version 3\\n'"
        )
    header = _read_header(data, name)
    read_log = _read_binary if header.binary else _read_text
    inputs, commands, source = read_log(data[header.end :], header, name)
    return _movie(header, inputs, commands, source)


def format_fm2(movie: Movie) -> bytes:
    """The bytes of an fm2 file. Raises MovieError for a movie that fm2 cannot hold."""
    if movie.system is not NES:
        raise MovieError(
            f"fm2 holds movies of the NES; this one is of {movie.system.title} "
            f"({movie.system.name})"
        )
    source = movie.source if movie.source and movie.source.format == "fm2" else None
    header = None if source is None else _read_header("".join(source.header).encode(*_CODEC), "fm2")
    had = (True, True) if header is None else header.gamepads
    ports = (had[0] or bool(movie.inputs[:, 0].any()), had[1] or bool(movie.inputs[:, 1].any()))
    if source is None or header is None:
        source = Source("fm2", ())
        lines = _new_header(movie, ports)
    else:
        lines = _kept_header(movie, ports, source, header)
    log = _binary_log(movie, ports) if source.binary else _text_log(movie, ports, source)
    return "".join(lines).encode(*_CODEC) + log


# Reading


@dataclass
class _Header:
    """The header as far as it is understood, filled line by line."""

    lines: list[str] = field(default_factory=list[str])
    end: int = 0
    binary: bool = False
    ports: list[int] = field(default_factory=lambda: [0, 0])
    rerecords: int = 0
    pal: bool = False
    ram_init: int = 0
    rom_name: str = ""
    rom_md5: str = ""
    rom_sha1: str = ""
    made_by: str = ""
    savestate: bytes | None = None
    authors: list[str] = field(default_factory=list[str])
    comments: list[str] = field(default_factory=list[str])
    subtitles: list[Subtitle] = field(default_factory=list[Subtitle])
    hashes: dict[int, int] = field(default_factory=dict[int, int])
    hashes_are_ours: bool = False

    @property
    def gamepads(self) -> tuple[bool, bool]:
        """Which of the two ports have a joypad."""
        return self.ports[0] == _GAMEPAD, self.ports[1] == _GAMEPAD


def _read_header(data: bytes, name: str) -> _Header:
    header = _Header()
    seen: set[str] = set()
    while header.end < len(data) and data[header.end] != ord("|"):
        match = _LINE.match(data, header.end)
        assert match is not None
        line = match[0].decode(*_CODEC)
        if line.lstrip(" \t").startswith("|"):
            break
        header.lines.append(line)
        header.end = match.end()
        key, value = _key_value(line)
        try:
            _READERS.get(key, _ignore)(header, value)
        except ValueError as error:
            raise MovieError(f"{name}: line {len(header.lines)}: {key}: {error}") from None
        if key in _SINGLE and key in seen:
            raise MovieError(f"{name}: line {len(header.lines)}: {key} is said twice")
        seen.add(key)
    return header


def _movie(header: _Header, inputs: InputLog, commands: CommandLog, source: Source) -> Movie:
    return Movie(
        system=NES,
        inputs=inputs,
        commands=commands,
        rom=RomIdentity(header.rom_name, header.rom_md5, header.rom_sha1),
        rerecords=header.rerecords,
        savestate=header.savestate,
        authors=tuple(header.authors),
        comments=tuple(header.comments),
        subtitles=tuple(header.subtitles),
        hashes=header.hashes,
        made_by=header.made_by,
        region="pal" if header.pal else "ntsc",
        ram_init=header.ram_init,
        source=source,
    )


def _key_value(line: str) -> tuple[str, str]:
    key, _, value = line.strip("\r\n").lstrip(" \t").partition(" ")
    return key, value


def _integer(value: str, low: int = 0, high: int = 2**31 - 1) -> int:
    text = value.strip()
    if not re.fullmatch(r"[0-9]{1,10}", text) or not low <= int(text) <= high:
        raise ValueError(f"found {text[:40]!r}; an integer from {low} to {high} is needed")
    return int(text)


def _bytes(value: str) -> bytes:
    """The value of a field of bytes: ``base64:...`` or ``0x...``."""
    text = value.strip()
    try:
        if text.startswith("base64:"):
            return base64.b64decode(text[7:], validate=True)
        if text.startswith("0x"):
            return bytes.fromhex(text[2:])
    except (ValueError, binascii.Error):
        pass
    raise ValueError(f"found {text[:40]!r}; base64:... or 0x... is needed")


def _ignore(header: _Header, value: str) -> None:
    """A line that is not understood is kept, and means nothing."""


def _read_emu_version(header: _Header, value: str) -> None:
    version = _integer(value)
    if not header.made_by:
        header.made_by = f"fceux {version // 10000}.{version // 100 % 100}.{version % 100}"


def _read_rerecords(header: _Header, value: str) -> None:
    header.rerecords = _integer(value)


def _read_pal(header: _Header, value: str) -> None:
    header.pal = _integer(value) != 0


def _read_rom_name(header: _Header, value: str) -> None:
    header.rom_name = value


def _read_rom_md5(header: _Header, value: str) -> None:
    header.rom_md5 = _bytes(value).hex()


def _read_fourscore(header: _Header, value: str) -> None:
    if _integer(value):
        raise ValueError("the four score (more than two joypads) cannot be played by copain")


def _port_reader(port: int) -> Callable[[_Header, str], None]:
    def read(header: _Header, value: str) -> None:
        device = _integer(value, 0, 255)
        if device > _GAMEPAD:
            what = _DEVICES.get(device, f"device {device}")
            raise ValueError(f"{what} cannot be played by copain; 0 (none) or 1 (joypad) can")
        header.ports[port] = device

    return read


def _read_ram_init(header: _Header, value: str) -> None:
    header.ram_init = _integer(value, 0, 255)


def _read_binary_flag(header: _Header, value: str) -> None:
    header.binary = _integer(value) != 0


def _read_savestate(header: _Header, value: str) -> None:
    header.savestate = _bytes(value)


def _read_subtitle(header: _Header, value: str) -> None:
    frame, _, text = value.partition(" ")
    header.subtitles.append(Subtitle(_integer(frame), text))


def _read_comment(header: _Header, value: str) -> None:
    word, _, rest = value.partition(" ")
    if word == "author":
        header.authors.append(rest)
    elif word == "copain-emulator":
        header.made_by = rest
    elif word == "copain-rom-sha1":
        header.rom_sha1 = rest
    elif word == "copain-ram-hash-of" and rest == HASH_OF:
        header.hashes_are_ours = True
    elif word == "copain-ram-hash" and header.hashes_are_ours:
        found = re.fullmatch(r"([0-9]{1,8}) ([0-9a-f]{16})", rest)
        if not found or not 0 < int(found[1]) <= MAX_FRAMES:
            raise ValueError(f"found {value!r}; copain-ram-hash FRAME HASH is needed")
        header.hashes[int(found[1])] = int(found[2], 16)
    else:
        header.comments.append(value)


_READERS: Mapping[str, Callable[[_Header, str], None]] = {
    "emuVersion": _read_emu_version,
    "rerecordCount": _read_rerecords,
    "palFlag": _read_pal,
    "romFilename": _read_rom_name,
    "romChecksum": _read_rom_md5,
    "fourscore": _read_fourscore,
    "port0": _port_reader(0),
    "port1": _port_reader(1),
    "RAMInitOption": _read_ram_init,
    "binary": _read_binary_flag,
    "savestate": _read_savestate,
    "subtitle": _read_subtitle,
    "comment": _read_comment,
}
_SINGLE = set(_READERS) - {"comment", "subtitle"}


def _read_text(body: bytes, header: _Header, name: str) -> tuple[InputLog, CommandLog, Source]:
    lines = body.splitlines(keepends=True)
    frames = len(lines)
    while frames and not lines[frames - 1].strip():
        frames -= 1
    if frames > MAX_FRAMES:
        raise MovieError(f"{name}: {frames} frames; {MAX_FRAMES} is the most")
    newline = "\r\n" if header.lines[0].endswith("\r\n") else "\n"
    released = " " if frames and b" " in lines[0] and b"." not in lines[0] else "."
    known: dict[bytes, tuple[int, int, int]] = {}
    odd: dict[int, bytes] = {}
    usual: set[bytes] = set()
    rows = np.zeros((frames, 3), np.uint16)
    for frame, line in enumerate(lines[:frames]):
        row = known.get(line)
        if row is None:
            try:
                row = known[line] = _parse_line(line, header.gamepads)
            except ValueError as error:
                at = len(header.lines) + frame + 1
                raise MovieError(f"{name}: line {at}: {error}") from None
            if line == _format_line(row, header.gamepads, released, newline):
                usual.add(line)
        rows[frame] = row
        if line not in usual:
            odd[frame] = line
    tail = b"".join(lines[frames:])
    source = Source("fm2", tuple(header.lines), newline, released, odd=odd, tail=tail)
    return rows[:, 1:], rows[:, 0].astype(np.uint8), source


def _parse_line(line: bytes, ports: tuple[bool, bool]) -> tuple[int, int, int]:
    """Command and bits of both ports. Raises ValueError."""
    line = line.strip()
    fields = line.split(b"|")
    if len(fields) not in (5, 6) or fields[0] or any(fields[4:]):
        raise ValueError(f"found {_shown(line)}; {_pattern(ports)} is needed")
    if not re.fullmatch(rb"[0-9]{1,3}", fields[1]) or int(fields[1]) > 255:
        raise ValueError(f"found the command {_shown(fields[1])}; 0 to 255 is needed")
    bits = [0, 0]
    for port, pad in enumerate(fields[2:4]):
        if len(pad) != (8 if ports[port] else 0):
            raise ValueError(f"found {_shown(line)}; {_pattern(ports)} is needed")
        for character in pad:
            bits[port] = bits[port] << 1 | (character not in _RELEASED)
    return int(fields[1]), bits[0], bits[1]


def _pattern(ports: tuple[bool, bool]) -> str:
    pads = "|".join(MNEMONICS if port else "" for port in ports)
    return f"|command|{pads}||"


def _shown(data: bytes) -> str:
    text = data[:60].decode("ascii", "backslashreplace")
    return repr(text + ("..." if len(data) > 60 else ""))


def _read_binary(body: bytes, header: _Header, name: str) -> tuple[InputLog, CommandLog, Source]:
    if not body.startswith(b"|"):
        raise MovieError(f"{name}: the binary input log begins with '|'; found {body[:1]!r}")
    ports = [port for port in (0, 1) if header.gamepads[port]]
    size = 1 + len(ports)
    frames, rest = divmod(len(body) - 1, size)
    if rest:
        raise MovieError(
            f"{name}: the binary input log is cut short: {len(body) - 1} bytes, {size} a frame"
        )
    if frames > MAX_FRAMES:
        raise MovieError(f"{name}: {frames} frames; {MAX_FRAMES} is the most")
    rows = np.frombuffer(body, np.uint8, offset=1).reshape(frames, size)
    inputs = np.zeros((frames, 2), np.uint16)
    inputs[:, ports] = rows[:, 1:]
    return inputs, rows[:, 0].copy(), Source("fm2", tuple(header.lines), binary=True)


# Writing


def _values(movie: Movie, ports: tuple[bool, bool]) -> dict[str, list[str]]:
    """What a header must say about this movie: the values of each key that we understand."""
    fceux = re.fullmatch(r"fceux (\d{1,3})\.(\d{1,2})\.(\d{1,2})", movie.made_by)
    values = {
        "rerecordCount": [str(movie.rerecords)],
        "palFlag": [str(int(movie.region == "pal"))],
        "romFilename": [_one_line(movie.rom.name)],
        "romChecksum": [_base64(bytes.fromhex(movie.rom.md5))] if movie.rom.md5 else [],
        "port0": [str(int(ports[0]))],
        "port1": [str(int(ports[1]))],
        "RAMInitOption": [str(movie.ram_init)],
        "comment author": [_one_line(author) for author in movie.authors],
        "comment": [_one_line(comment) for comment in movie.comments],
        "comment copain-emulator": [movie.made_by] if movie.made_by and not fceux else [],
        "comment copain-rom-sha1": [movie.rom.sha1] if movie.rom.sha1 else [],
        "comment copain-ram-hash-of": [HASH_OF] if movie.hashes else [],
        "comment copain-ram-hash": [f"{frame} {bits:016x}" for frame, bits in movie.hashes.items()],
        "subtitle": [f"{line.frame} {_one_line(line.text)}" for line in movie.subtitles],
        "savestate": [] if movie.savestate is None else [_base64(movie.savestate)],
    }
    if fceux:
        major, minor, patch = (int(part) for part in fceux.groups())
        values["emuVersion"] = [str(major * 10000 + minor * 100 + patch)]
    return values


def _new_header(movie: Movie, ports: tuple[bool, bool]) -> list[str]:
    """The header of a new file, in the order in which FCEUX writes it."""
    guid = uuid.UUID(bytes=md5(movie.inputs.tobytes() + movie.commands.tobytes()).digest())
    values = _values(movie, ports)
    ordered = {
        "version": ["3"],
        "emuVersion": [str(_EMU_VERSION)],
        "rerecordCount": [], "palFlag": [], "romFilename": [], "romChecksum": [],
        "guid": [str(guid).upper()],
        "fourscore": ["0"],
        "microphone": ["0"],
        "port0": [], "port1": [],
        "port2": ["0"],
        "FDS": ["0"],
        "NewPPU": ["0"],
        "RAMInitOption": [],
        "RAMInitSeed": ["0"],
    } | values  # fmt: skip
    return [f"{key} {value}\n" for key, said in ordered.items() for value in said]


def _kept_header(
    movie: Movie, ports: tuple[bool, bool], source: Source, header: _Header
) -> list[str]:
    """The header that was read, changed only where the movie no longer says the same."""
    empty = np.zeros((0, 2), np.uint16), np.zeros(0, np.uint8)
    was = _values(_movie(header, *empty, source), header.gamepads)
    now = _values(movie, ports)
    changed = {key for key in now if was.get(key) != now[key]}
    left = {key: list(now[key]) for key in changed}
    said = {key: set(values) for key, values in was.items()}
    lines: list[str] = []
    for line in source.header:
        key, value = _kind(line, said)
        if key not in changed:
            lines.append(line)
        elif not _is_list(key) and left[key]:
            lines.append(f"{key} {left[key].pop()}{source.newline}")
        elif left[key] and left[key][0] == value:  # in order: what comes later is added at the end
            left[key].pop(0)
            lines.append(line)
    # Without RAMInitOption FCEUX takes 0: an unchanged header may go without, a changed one not.
    if changed and not any(_key_value(line)[0] == "RAMInitOption" for line in lines):
        left["RAMInitOption"] = now["RAMInitOption"]
    added = [f"{key} {value}{source.newline}" for key in now if key in left for value in left[key]]
    if added and not lines[-1].endswith(("\r", "\n")):
        lines[-1] += source.newline
    return lines + added


def _kind(line: str, said: Mapping[str, set[str]]) -> tuple[str, str]:
    """The key in `_values` that a header line stands for, and its value."""
    key, value = _key_value(line)
    word, _, rest = value.partition(" ")
    special = f"{key} {word}"
    return (special, rest) if rest in said.get(special, ()) else (key, value)


def _is_list(key: str) -> bool:
    return key.startswith("comment") or key == "subtitle"


def _base64(data: bytes) -> str:
    return "base64:" + base64.b64encode(data).decode()


def _one_line(text: str) -> str:
    """Text as it fits into a header line."""
    return text.replace("\r", " ").replace("\n", " ")


def _text_log(movie: Movie, ports: tuple[bool, bool], source: Source) -> bytes:
    rows = [(int(row[0]), int(row[1]), int(row[2])) for row in _rows(movie)]
    spelled = {row: _format_line(row, ports, source.released, source.newline) for row in set(rows)}
    lines = [spelled[row] for row in rows]
    for frame, line in source.odd.items():
        whole = line.endswith((b"\r", b"\n")) or frame == len(rows) - 1
        if frame < len(rows) and whole and _means(line, ports) == rows[frame]:
            lines[frame] = line
    return b"".join(lines) + source.tail


def _rows(movie: Movie) -> InputLog:
    return np.column_stack([movie.commands.astype(np.uint16), movie.inputs])


def _means(line: bytes, ports: tuple[bool, bool]) -> tuple[int, int, int] | None:
    """What an oddly spelled line says, or None where its joypads are no longer the movie's."""
    try:
        return _parse_line(line, ports)
    except ValueError:
        return None


def _format_line(
    row: tuple[int, int, int], ports: tuple[bool, bool], released: str, newline: str
) -> bytes:
    fields = [str(row[0]), "", ""]
    for port in (0, 1):
        if ports[port]:
            bits = row[1 + port]
            fields[1 + port] = "".join(
                mnemonic if bits >> (7 - place) & 1 else released
                for place, mnemonic in enumerate(MNEMONICS)
            )
    return f"|{'|'.join(fields)}||{newline}".encode()


def _binary_log(movie: Movie, ports: tuple[bool, bool]) -> bytes:
    used = [0] + [1 + port for port in (0, 1) if ports[port]]
    return b"|" + _rows(movie)[:, used].astype(np.uint8).tobytes()
