r"""bk2: BizHawk's movie format, a zip of texts; stable-retro records it too.

Header.txt (``key value`` lines), Comments.txt, Subtitles.txt, SyncSettings.json (the core's
settings), Input Log.txt (a line a frame, see `copain.movie.bk2_columns`), and for a movie that
starts from a savestate Core.bin. Sources: BizHawk's src/BizHawk.Client.Common/movie/bk2/
(Bk2Movie.IO.cs, HeaderKeys.cs) and movie/Subtitle.cs; openai/retro's src/movie-bk2.cpp.

What is read and written again unchanged has the same parts, byte for byte; of what is changed
only the parts, lines and columns that say it. What copain adds are comments, as in fm2::

    copain-emulator libretro:fceumm (SVN) 0123456
    copain-rom-sha1 <of the whole ROM file>
    copain-ram-hash-of 0000-07ff without 0100-01ff, copain.rollout.ram_hash
    copain-ram-hash 600 0123456789abcdef

A savestate belongs to the emulator that wrote it: those of BizHawk only BizHawk loads, those of
stable-retro the libretro core that it used, those of copain the emulator that made them.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from copain.errors import MovieError
from copain.joypad import InputLog
from copain.movie.bk2_columns import (
    PLATFORMS,
    Groups,
    LineReader,
    Platform,
    Row,
    format_row,
    log_key,
    new_columns,
    parse_log_key,
    platform_named,
    platform_of,
    retro_log_key,
)
from copain.movie.file import read_movie_file, write_movie_file
from copain.movie.movie import (
    MAX_FRAMES,
    STABLE_RETRO,
    CommandLog,
    Movie,
    RomIdentity,
    Source,
    Subtitle,
)
from copain.system import NES, System

MAX_SIZE = 1 << 28
"""The largest file, and the most that its parts may hold together, in bytes."""
MAX_PARTS = 1000

HEADER, LOG, COMMENTS = "Header.txt", "Input Log.txt", "Comments.txt"
SUBTITLES, SETTINGS, CORE = "Subtitles.txt", "SyncSettings.json", "Core.bin"

OWN_PATTERN = 255
"""The `ram_init` of a movie whose power-on RAM FCEUX has no number for."""

_CODEC = ("utf-8", "surrogateescape")
_PATTERNS: Mapping[int, list[int]] = {0: [], 1: [0xFF], 2: [0]}
"""NesHawk's InitialWRamStatePattern for FCEUX's RAMInitOption; without one it is FCEUX's own."""
_WHEN = (1980, 1, 1, 0, 0, 0)  # the first that zip knows: a file says the same whenever written


def read_bk2(path: str | os.PathLike[str]) -> Movie:
    """The movie in the bk2 file at `path`. Raises MovieError that names file, part and line."""
    path = Path(path)
    return parse_bk2(read_movie_file(path, MAX_SIZE, "a bk2"), str(path))


def write_bk2(movie: Movie, path: str | os.PathLike[str]) -> None:
    """Write `movie` to the file at `path`, whole or not at all. Raises MovieError."""
    write_movie_file(Path(path), format_bk2(movie))


def parse_bk2(data: bytes, name: str = "bk2") -> Movie:
    """The movie in the bytes of a bk2 file. Raises MovieError that begins with `name`."""
    return _parse_parts(_unpack(data, name), name)


def format_bk2(movie: Movie) -> bytes:
    """The bytes of a bk2 file. Raises MovieError for a movie that bk2 cannot hold."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in _format_parts(movie).items():
            part = zipfile.ZipInfo(name, _WHEN)
            part.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(part, data)
    return packed.getvalue()


def sync_settings(movie: Movie) -> Mapping[str, object]:
    """The core's settings in the bk2 that a movie was read from, by name; empty without."""
    try:
        return _settings(movie.source.parts.get(SETTINGS, b"") if movie.source else b"")
    except ValueError:
        return {}


# The zip


def _unpack(data: bytes, name: str) -> dict[str, bytes]:
    """The parts of a bk2 by name. Raises MovieError for what is none, and for too much of it."""
    parts: dict[str, bytes] = {}
    left = MAX_SIZE
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as file:
            infos = file.infolist()
            if len(infos) > MAX_PARTS:
                raise MovieError(f"{name}: {len(infos)} parts; a bk2 has at most {MAX_PARTS}")
            for info in infos:
                if info.filename in parts:
                    raise MovieError(f"{name}: the part {info.filename!r} is there twice")
                with file.open(info) as part:  # what the file claims of sizes may be a lie
                    read = part.read(left + 1)
                if len(read) > left:
                    raise MovieError(
                        f"{name}: the parts hold more than {MAX_SIZE} bytes, the most allowed"
                    )
                left -= len(read)
                parts[info.filename] = read
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
            RuntimeError, OverflowError, struct.error) as error:  # fmt: skip
        raise MovieError(f"{name}: this is not a bk2 movie, or a damaged one: {error}") from error
    for needed in (HEADER, LOG):
        if needed not in parts:
            raise MovieError(
                f"{name}: this is not a bk2 movie: the zip has no {needed!r} but "
                f"{', '.join(map(repr, sorted(parts)[:8])) or 'nothing'}"
            )
    return parts


# Reading


@dataclass
class _Said:
    """Comments as far as they are copain's, and the rest."""

    comments: list[str] = field(default_factory=list[str])
    made_by: str | None = None
    sha1: str = ""
    hash_of: str = ""
    hashes: dict[int, int] = field(default_factory=dict[int, int])


def _parse_parts(parts: Mapping[str, bytes], name: str) -> Movie:
    header = _read_header(parts[HEADER], f"{name}: {HEADER}")
    platform = _platform(header, name)
    inputs, commands = _read_log(parts[LOG], platform, f"{name}: {LOG}")
    said = _read_comments(parts.get(COMMENTS, b""), platform.system, f"{name}: {COMMENTS}")
    try:
        settings = _settings(parts.get(SETTINGS, b""))
    except ValueError as error:
        raise MovieError(f"{name}: {SETTINGS}: {error}") from None
    rerecords = header.get("rerecordCount", "0").strip() or "0"
    if not re.fullmatch("[0-9]{1,18}", rerecords):
        line = _line_of(parts[HEADER], "rerecordCount")
        raise MovieError(f"{name}: {HEADER}: line {line}: rerecordCount is {rerecords[:40]!r}; "
                         "a whole number is needed")  # fmt: skip
    return Movie(
        system=platform.system,
        inputs=inputs,
        commands=commands,
        rom=_rom(header, said.sha1),
        rerecords=int(rerecords),
        savestate=_anchor(header, parts, name),
        authors=_authors(header),
        comments=tuple(said.comments),
        subtitles=_read_subtitles(parts.get(SUBTITLES, b""), f"{name}: {SUBTITLES}"),
        hashes=said.hashes,
        made_by=_maker(header) if said.made_by is None else said.made_by,
        region="pal" if _yes(header.get("PAL", "")) else "ntsc",
        ram_init=_ram_init(settings) if platform.system is NES else 0,
        source=Source("bk2", (), parts=dict(parts)),
    )


def _lines(data: bytes) -> list[str]:
    """The lines of a text, ends included; a byte order mark is left out."""
    return data.decode(*_CODEC).removeprefix("\ufeff").splitlines(keepends=True)


def _key_value(line: str) -> tuple[str, str]:
    key, _, value = line.strip("\r\n").partition(" ")
    return key, value


def _read_header(data: bytes, where: str) -> dict[str, str]:
    header: dict[str, str] = {}
    for number, line in enumerate(_lines(data), 1):
        key, value = _key_value(line)
        if key in header and header[key] != value:
            raise MovieError(f"{where}: line {number}: {key} is said twice")
        if key:
            header[key] = value
    return header


def _line_of(data: bytes, key: str) -> int:
    return [_key_value(line)[0] for line in _lines(data)].index(key) + 1


def _platform(header: Mapping[str, str], name: str) -> Platform:
    said = header.get("Platform", "").strip()
    platform = platform_named(said, _yes(header.get("IsCGBMode", "")))
    if platform is None:
        raise MovieError(
            f"{name}: {HEADER}: the Platform is {said or 'not said'}; copain knows "
            f"{', '.join(known.names[0] for known in PLATFORMS)}"
        )
    if _yes(header.get("StartsFromSaveRam", "")):
        raise MovieError(
            f"{name}: {HEADER}: this movie starts from battery RAM (StartsFromSaveRam), which "
            "copain cannot play; it plays movies from power-on and from a savestate"
        )
    return platform


def _yes(value: str) -> bool:
    return value.strip().lower() in ("1", "true")


def _rom(header: Mapping[str, str], sha1: str) -> RomIdentity:
    """Which ROM it is; a hash may say its kind before it (``SHA1:...``)."""
    found = {"sha1": "", "md5": ""}
    for key in ("SHA1", "MD5"):
        value = header.get(key, "").strip().lower().rpartition(":")[2]
        kind = {40: "sha1", 32: "md5"}.get(len(value))
        if kind is not None and re.fullmatch("[0-9a-f]+", value):
            found[kind] = value
    content = "" if found["sha1"] == sha1 else found["sha1"]
    return RomIdentity(header.get("GameName", ""), found["md5"], sha1, content)


def _authors(header: Mapping[str, str]) -> tuple[str, ...]:
    said = header.get("Author", "").strip()
    return tuple(part for part in said.split(", ") if part) if said != "?" else ()


def _maker(header: Mapping[str, str]) -> str:
    """What the header says of the emulator, its core and version."""
    if header.get("MovieVersion") == "Retro":
        return STABLE_RETRO
    version = header.get("emuVersion", "").removeprefix("Version ").strip()
    if version == "copain":
        return ""
    core = header.get("Core", "").strip()
    return f"bizhawk{':' if core else ''}{core} {version}".strip()


def _anchor(header: Mapping[str, str], parts: Mapping[str, bytes], name: str) -> bytes | None:
    states = [part for part in parts if part.split(".")[0] in ("Core", "CoreText")]
    starts = _yes(header.get("StartsFromSavestate", ""))
    if starts and not states:
        raise MovieError(
            f"{name}: {HEADER}: the movie starts from a savestate, but there is no {CORE}"
        )
    if starts or (states and header.get("MovieVersion") == "Retro"):
        return parts[min(states)]
    return None


def _settings(data: bytes) -> dict[str, object]:
    """The settings in a SyncSettings.json. Raises ValueError."""
    text = data.decode(*_CODEC).removeprefix("\ufeff").strip()
    try:
        whole: Any = json.loads(text) if text else {}
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"this is not JSON: {error}") from None
    settings: Any = cast(dict[str, Any], whole).get("o") if isinstance(whole, dict) else None
    return cast(dict[str, object], settings) if isinstance(settings, dict) else {}


def _ram_init(settings: Mapping[str, object]) -> int:
    """FCEUX's number for NesHawk's power-on RAM."""
    pattern = settings.get("InitialWRamStatePattern")
    if isinstance(pattern, str):
        try:
            pattern = list(base64.b64decode(pattern, validate=True))
        except (binascii.Error, ValueError):
            return OWN_PATTERN
    if not pattern:
        return 0
    if not isinstance(pattern, list):
        return OWN_PATTERN
    values: set[object] = set(map(str, cast(list[object], pattern)))
    if cast(list[object], pattern) == [0] * 4 + [0xFF] * 4:
        return 0
    return (
        {"255": 1, "0": 2}.get(str(values.pop()), OWN_PATTERN) if len(values) == 1 else OWN_PATTERN
    )


def _read_comments(data: bytes, system: System, where: str) -> _Said:
    said = _Said()
    for number, line in enumerate(_lines(data), 1):
        text = line.strip("\r\n")
        word, _, rest = text.partition(" ")
        if word == "copain-emulator":
            said.made_by = rest
        elif word == "copain-rom-sha1":
            said.sha1 = rest
        elif word == "copain-ram-hash-of":
            said.hash_of = rest
        elif word == "copain-ram-hash" and said.hash_of == hash_of(system):
            found = re.fullmatch(r"([0-9]{1,8}) ([0-9a-f]{16})", rest)
            if not found or not 0 < int(found[1]) <= MAX_FRAMES:
                raise MovieError(
                    f"{where}: line {number}: found {rest!r}; copain-ram-hash FRAME HASH is needed"
                )
            said.hashes[int(found[1])] = int(found[2], 16)
        elif text:
            said.comments.append(text)
    return said


def hash_of(system: System) -> str:
    """Which bytes a copain-ram-hash stands for, and how, as a comment says it."""
    what = "0000-07ff without 0100-01ff" if system is NES else "all of RAM"
    return f"{what}, copain.rollout.ram_hash"


def _read_subtitles(data: bytes, where: str) -> tuple[Subtitle, ...]:
    subtitles: list[Subtitle] = []
    for number, line in enumerate(_lines(data), 1):
        if not line.strip():
            continue
        found = _subtitle(line)
        if found is None:
            raise MovieError(
                f"{where}: line {number}: found {line.strip()[:60]!r}; "
                "subtitle FRAME X Y DURATION COLOUR TEXT is needed"
            )
        subtitles.append(found)
    return tuple(subtitles)


def _subtitle(line: str) -> Subtitle | None:
    found = re.fullmatch(
        r"subtitle ([0-9]{1,9}) -?[0-9]+ -?[0-9]+ [0-9]+ [0-9A-Fa-f]+(?: (.*))?",
        line.strip("\r\n"),
    )
    return Subtitle(int(found[1]), found[2] or "") if found else None


# The input log


@dataclass(frozen=True)
class _Log:
    """An input log taken apart: what comes before the frames, their lines, and what follows."""

    head: list[bytes]
    frames: list[bytes]
    tail: list[bytes]
    key: bytes


def _split_log(data: bytes, where: str) -> _Log:
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if line.startswith(b"|")), len(lines))
    keys = [at for at, line in enumerate(lines[:start]) if line.startswith((b"LogKey:", b"P1 "))]
    if len(keys) != 1:
        raise MovieError(
            f"{where}: {'there is no' if not keys else 'there are two'} LogKey before the first "
            f"frame in line {start + 1}; one line that says the columns is needed"
        )
    if not any(line.startswith(b"|") for line in lines):  # nothing was recorded
        start = keys[0] + 1
    stop = next(
        (at for at in range(start, len(lines)) if not lines[at].startswith(b"|")), len(lines)
    )
    late = next((at for at in range(stop, len(lines)) if lines[at].startswith(b"|")), None)
    if late is not None:
        raise MovieError(
            f"{where}: line {stop + 1}: found {_shown(lines[stop])} between frames; a line that "
            "begins with '|' is needed"
        )
    if stop - start > MAX_FRAMES:
        raise MovieError(f"{where}: {stop - start} frames; {MAX_FRAMES} is the most")
    return _Log(lines[:start], lines[start:stop], lines[stop:], lines[keys[0]])


def _read_log(data: bytes, platform: Platform, where: str) -> tuple[InputLog, CommandLog]:
    log = _split_log(data, where)
    _, reader = _columns(log, platform, where)
    known: dict[bytes, Row] = {}
    rows = np.zeros((len(log.frames), 1 + platform.system.ports), np.uint16)
    for frame, line in enumerate(log.frames):
        row = known.get(line)
        if row is None:
            try:
                row = known[line] = reader.read(line)
            except ValueError as error:
                at = len(log.head) + frame + 1
                raise MovieError(f"{where}: line {at}: {error}") from None
        rows[frame] = row
    return rows[:, 1:], rows[:, 0].astype(np.uint8)


def _columns(log: _Log, platform: Platform, where: str) -> tuple[Groups, LineReader]:
    text = log.key.decode(*_CODEC).strip()
    text = text.removeprefix("LogKey:") if text.startswith("LogKey:") else retro_log_key(text)
    try:
        groups = parse_log_key(text, platform)
    except ValueError as error:
        raise MovieError(f"{where}: line {log.head.index(log.key) + 1}: {error}") from None
    return groups, LineReader(groups, platform.system.ports)


def _shown(line: bytes) -> str:
    return repr(line.strip()[:40].decode("ascii", "backslashreplace"))


# Writing


def _format_parts(movie: Movie) -> dict[str, bytes]:
    """The parts of a bk2 that says this movie, in the order in which BizHawk writes them."""
    platform = platform_of(movie.system)
    if platform is None:
        raise MovieError(
            f"bk2 holds movies of {', '.join(known.system.title for known in PLATFORMS)}; "
            f"this one is of {movie.system.title} ({movie.system.name})"
        )
    kept = dict(movie.source.parts) if movie.source and movie.source.format == "bk2" else {}
    was = _parse_parts(kept, "bk2") if kept else None
    if was is not None and was.system is not movie.system:
        kept, was = {}, None
    if was == movie:
        return kept
    parts = {
        HEADER: _format_header(movie, was, kept.get(HEADER, b""), platform),
        COMMENTS: _format_comments(movie, was, kept.get(COMMENTS, b"")),
        SUBTITLES: _format_subtitles(movie, kept.get(SUBTITLES, b"")),
        SETTINGS: _format_settings(movie, was, kept.get(SETTINGS, b"")),
        LOG: _format_log(movie, was, kept.get(LOG, b""), platform),
    }
    states = [name for name in kept if name.split(".")[0] in ("Core", "CoreText", "Framebuffer")]
    if was is None or was.savestate != movie.savestate:
        kept = {name: data for name, data in kept.items() if name not in states}
        if movie.savestate is not None:
            parts[CORE] = movie.savestate
    return parts | {name: data for name, data in kept.items() if name not in parts}


def _header_values(movie: Movie) -> dict[str, str | None]:
    """What the header must say about this movie; None where a line must not be there."""
    rom = movie.rom
    sha1 = rom.content_sha1 or ("" if movie.system is NES else rom.sha1)
    return {
        "Author": _one_line(", ".join(movie.authors)) or None,
        "GameName": _one_line(rom.name) or None,
        "SHA1": sha1.upper() or None,
        "MD5": rom.md5.upper() or None,
        "rerecordCount": str(movie.rerecords),
        "PAL": "1" if movie.region == "pal" else None,
        "StartsFromSavestate": None if movie.savestate is None else "True",
    }


def _format_header(movie: Movie, was: Movie | None, kept: bytes, platform: Platform) -> bytes:
    now = _header_values(movie)
    if was is None:
        core, version = platform.core, "copain"
        told = re.fullmatch(r"bizhawk:(\S+) (.+)", movie.made_by)
        if told:
            core, version = told[1], f"Version {told[2]}"
        ordered = {
            "MovieVersion": "BizHawk v2.0.0", "Author": now.pop("Author"), "emuVersion": version,
            "Platform": platform.names[0], "GameName": now.pop("GameName"), "Core": core, **now,
        }  # fmt: skip
        lines = [f"{key} {value}\r\n" for key, value in ordered.items() if value is not None]
        return "".join(lines).encode(*_CODEC)
    before = _header_values(was)
    changed = {key: value for key, value in now.items() if before[key] != value}
    lines = _lines(kept)
    newline = "\r\n" if any(line.endswith("\r\n") for line in lines) else "\n"
    written: list[str] = []
    for line in lines:
        key = _key_value(line)[0]
        if key not in changed:
            written.append(line)
        elif (value := changed.pop(key)) is not None:
            written.append(f"{key} {value}{newline}")
    while written and not written[-1].strip():  # BizHawk ends the header with an empty line
        written.pop()
    written += [f"{key} {value}{newline}" for key, value in changed.items() if value is not None]
    return "".join(written).encode(*_CODEC)


def _format_comments(movie: Movie, was: Movie | None, kept: bytes) -> bytes:
    told = (
        _maker(_read_header(movie.source.parts[HEADER], HEADER))
        if was is not None and movie.source is not None
        else movie.made_by if movie.made_by.startswith("bizhawk:") else ""
    )  # fmt: skip
    now = _comment_lines(movie, told)
    if was is not None and now == _comment_lines(was, told):
        return kept
    return "".join(f"{line}\r\n" for line in now).encode(*_CODEC)


def _comment_lines(movie: Movie, told: str) -> list[str]:
    lines = [_one_line(comment) for comment in movie.comments]
    lines += [f"copain-emulator {movie.made_by}"] if movie.made_by != told else []
    lines += [f"copain-rom-sha1 {movie.rom.sha1}"] if movie.rom.sha1 else []
    lines += [f"copain-ram-hash-of {hash_of(movie.system)}"] if movie.hashes else []
    return lines + [f"copain-ram-hash {at} {bits:016x}" for at, bits in movie.hashes.items()]


def _format_subtitles(movie: Movie, kept: bytes) -> bytes:
    """Subtitles that were there keep their place, duration and colour."""
    left: dict[Subtitle, list[str]] = {}
    for line in _lines(kept):
        found = _subtitle(line)
        if found is not None:
            left.setdefault(found, []).append(line.strip("\r\n"))
    lines = [
        left[subtitle].pop(0)
        if left.get(subtitle)
        else f"subtitle {subtitle.frame} 0 0 120 FFFFFFFF {_one_line(subtitle.text)}"
        for subtitle in movie.subtitles
    ]
    return "".join(f"{line}\r\n" for line in lines).encode(*_CODEC)


def _format_settings(movie: Movie, was: Movie | None, kept: bytes) -> bytes:
    """NesHawk's settings; of other cores those that were there, else the core's own defaults."""
    if was is not None and was.ram_init == movie.ram_init:
        return kept
    if movie.system is not NES:
        return kept
    pattern = _PATTERNS.get(movie.ram_init)
    if pattern is None:
        raise MovieError(
            f"bk2 cannot say power-on RAM {movie.ram_init} (RAMInitOption); it can say "
            "0 (four 00, four FF), 1 (all FF) and 2 (all 00)"
        )
    namespace = "BizHawk.Emulation.Cores.Nintendo.NES"
    settings = _settings(kept) or {
        "$type": f"{namespace}.NES+NESSyncSettings, BizHawk.Emulation.Cores",
        "BoardProperties": {},
        "RegionOverride": "PAL" if movie.region == "pal" else "Default",
        "Controls": {
            "NesLeftPort": "ControllerNES", "NesRightPort": "ControllerNES",
            "Famicom": False, "FamicomExpPort": "UnpluggedFam",
        },
    }  # fmt: skip
    settings["InitialWRamStatePattern"] = pattern
    return (json.dumps({"o": settings}, separators=(",", ":")) + "\r\n").encode()


def _format_log(movie: Movie, was: Movie | None, kept: bytes, platform: Platform) -> bytes:
    rows = [
        (int(command), *map(int, bits))
        for command, bits in zip(movie.commands, movie.inputs, strict=True)
    ]
    if was is not None:
        kept_log = _kept_log(rows, kept, platform)
        if kept_log is not None:
            return kept_log
    used = [int(np.bitwise_or.reduce(movie.inputs[:, port], initial=0))
            for port in range(platform.system.ports)]  # fmt: skip
    command = int(np.bitwise_or.reduce(movie.commands, initial=0))
    groups = new_columns(platform, used, command)
    spelled = {row: format_row(row, groups, None) for row in set(rows)}
    frame = next((at for at, row in enumerate(rows) if spelled[row] is None), None)
    if frame is not None:
        raise MovieError(
            f"bk2 cannot say frame {frame} of this movie: command {rows[frame][0]}, "
            f"buttons {', '.join(map(hex, rows[frame][1:]))}; its columns are "
            f"{', '.join(column.name for group in groups for column in group)}"
        )
    lines = ["[Input]", log_key(groups), *(spelled[row] for row in rows), "[/Input]"]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _kept_log(rows: Sequence[Row], kept: bytes, platform: Platform) -> bytes | None:
    """The input log that was read with other frames, or None if it lacks a column for one.

    A line that still says its frame stays as it was spelled.
    """
    log = _split_log(kept, LOG)
    groups, reader = _columns(log, platform, LOG)
    old = [reader.read(line) for line in log.frames]
    newline = "\r\n" if log.key.endswith(b"\r\n") else "\n"
    spelled = {row: format_row(row, groups, reader) for row in set(rows)}
    lines: list[bytes] = []
    for frame, row in enumerate(rows):
        text = spelled[row]
        if frame < len(old) and old[frame] == row:
            lines.append(log.frames[frame])
        elif text is None:
            return None
        else:
            lines.append(f"{text}{newline}".encode())
    return b"".join([*log.head, *lines, *log.tail])


def _one_line(text: str) -> str:
    """Text as it fits into a line."""
    return " ".join(text.splitlines())
