"""Savestate: a moment of one game in one emulator, to come back to.

A savestate is a handle: where an emulator can keep its savestates inside, the bytes are only
fetched when they are asked for. Its file format, all integers little endian::

    8 bytes  b"COPAINS1"
    u32      length of the header
    header   JSON, UTF-8: system, rom_sha1, emulator, version, frame
    u64      length of the payload
    payload  what the emulator itself wrote
    u32      CRC-32 of everything before
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from copain.errors import SavestateError

MAGIC = b"COPAINS1"


@dataclass(frozen=True, slots=True)
class SavestateHeader:
    """What a savestate belongs to.

    `emulator` is an emulator's `name` (such as ``libretro:fceumm``), `version` its version,
    `frame` the frame count to come back to.
    """

    system: str
    rom_sha1: str
    emulator: str
    version: str
    frame: int

    def check_loads_into(self, other: SavestateHeader) -> None:
        """Raise SavestateError, naming both, unless `other` is of the same game and emulator.

        `other` is a header as the emulator that shall load would write it; the frame may differ.
        """
        for name, what in (
            ("system", "system"),
            ("rom_sha1", "ROM (SHA-1)"),
            ("emulator", "emulator"),
            ("version", "version of the emulator"),
        ):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs:
                raise SavestateError(
                    f"load_state: this savestate is of another {what}: "
                    f"{mine}, and {theirs} is running"
                )


def check_savestate(state: object, running: SavestateHeader) -> None:
    """Raise SavestateError unless `state` is a Savestate that loads where `running` runs."""
    if not isinstance(state, Savestate):
        raise SavestateError(
            f"load_state: a Savestate is needed, from save_state or Savestate.from_bytes, "
            f"not {type(state).__name__}"
        )
    state.header.check_loads_into(running)


class Savestate:
    """A handle on a moment of one game in one emulator.

    `payload` is what the emulator wrote, fetched on first use and kept. Equality is identity:
    equal machines may write different bytes.
    """

    __slots__ = ("__weakref__", "_payload", "handle", "header")

    def __init__(
        self,
        header: SavestateHeader,
        payload: bytes | Callable[[], bytes],
        handle: object = None,
    ) -> None:
        """A savestate with its bytes, or with the function that fetches them when asked.

        `handle` is the backend's own: what it needs to load this savestate without its bytes.
        """
        self.header = header
        self._payload = payload
        self.handle = handle

    @property
    def frame(self) -> int:
        """The frame count to come back to."""
        return self.header.frame

    @property
    def payload(self) -> bytes:
        """What the emulator wrote. Raises what the emulator raises if it is gone by now."""
        if not isinstance(self._payload, bytes):
            self._payload = self._payload()
        return self._payload

    def __repr__(self) -> str:
        header = self.header
        return f"<Savestate {header.emulator} {header.rom_sha1[:8]} frame {header.frame}>"

    def to_bytes(self) -> bytes:
        """The savestate as bytes with its header, for `from_bytes`."""
        header = json.dumps(asdict(self.header), separators=(",", ":")).encode()
        payload = self.payload
        body = b"".join(
            (
                MAGIC,
                struct.pack("<I", len(header)),
                header,
                struct.pack("<Q", len(payload)),
                payload,
            )
        )
        return body + struct.pack("<I", zlib.crc32(body))

    @classmethod
    def from_bytes(cls, data: bytes) -> Savestate:
        """The savestate with these bytes. Raises SavestateError if they are cut or damaged."""
        if data[: len(MAGIC)] != MAGIC:
            raise SavestateError(
                f"Savestate.from_bytes: this is not a savestate of copain: it begins with "
                f"{bytes(data[:8])!r}, not {MAGIC!r}"
            )
        try:
            (header_length,) = struct.unpack_from("<I", data, 8)
            (payload_length,) = struct.unpack_from("<Q", data, 12 + header_length)
        except struct.error:
            raise SavestateError(
                f"Savestate.from_bytes: the savestate is cut short: only {len(data)} bytes"
            ) from None
        start = 20 + header_length
        if len(data) != start + payload_length + 4:
            raise SavestateError(
                f"Savestate.from_bytes: {len(data)} bytes where the header says "
                f"{start + payload_length + 4}: the savestate is cut short or damaged"
            )
        (crc,) = struct.unpack_from("<I", data, len(data) - 4)
        if zlib.crc32(data[:-4]) != crc:
            raise SavestateError(
                "Savestate.from_bytes: the checksum does not match: the savestate is damaged"
            )
        header = _read_header(bytes(data[12 : 12 + header_length]))
        return cls(header, bytes(data[start : start + payload_length]))

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the savestate to a file, whole or not at all. Raises SavestateError."""
        target = Path(path)
        partial = target.with_name(target.name + ".partial")
        data = self.to_bytes()
        try:
            partial.write_bytes(data)
            partial.replace(target)
        except OSError as error:
            raise SavestateError(f"Savestate.write({str(path)!r}): {error.strerror}") from error

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Savestate:
        """The savestate in a file. Raises SavestateError if it cannot be read."""
        try:
            data = Path(path).read_bytes()
        except OSError as error:
            raise SavestateError(f"Savestate.read({str(path)!r}): {error.strerror}") from error
        return cls.from_bytes(data)


def _read_header(data: bytes) -> SavestateHeader:
    try:
        fields = json.loads(data)
        header = SavestateHeader(**fields)
    except (ValueError, TypeError, RecursionError) as error:
        raise SavestateError(f"Savestate.from_bytes: the header is wrong: {error}") from error
    texts = (value for name, value in fields.items() if name != "frame")
    if not all(isinstance(text, str) for text in texts) or not (
        type(header.frame) is int and 0 <= header.frame < 1 << 63
    ):
        raise SavestateError(f"Savestate.from_bytes: the header is wrong: {fields}")
    return header
