"""Savestates: their file format, and that nothing damaged or foreign comes through."""

from __future__ import annotations

import dataclasses
import json
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from copain import Savestate, SavestateError
from copain.savestate import MAGIC, SavestateHeader, check_savestate

HEADER = SavestateHeader("nes", "ab" * 20, "libretro:fceumm", "(SVN) 1.2 é", 1234)
payloads = st.binary(max_size=300)


def packed(header: bytes, payload: bytes = b"payload") -> bytes:
    """A savestate with a right checksum and any header."""
    body = MAGIC + struct.pack("<I", len(header)) + header
    body += struct.pack("<Q", len(payload)) + payload
    return body + struct.pack("<I", zlib.crc32(body))


@given(payloads, st.integers(0, 2**63 - 1))
def test_bytes_come_back_as_they_were(payload: bytes, frame: int) -> None:
    header = dataclasses.replace(HEADER, frame=frame)
    back = Savestate.from_bytes(Savestate(header, payload).to_bytes())
    assert back.header == header
    assert back.frame == frame
    assert back.payload == payload


def test_the_format_is_the_documented_one() -> None:
    data = Savestate(HEADER, b"payload").to_bytes()
    assert data[:8] == b"COPAINS1"
    (length,) = struct.unpack_from("<I", data, 8)
    assert json.loads(data[12 : 12 + length]) == dataclasses.asdict(HEADER)
    assert struct.unpack_from("<Q", data, 12 + length) == (7,)
    assert data[20 + length : -4] == b"payload"
    assert data == packed(data[12 : 12 + length])


def test_the_bytes_are_fetched_once_and_only_when_asked() -> None:
    fetched: list[int] = []

    def fetch() -> bytes:
        fetched.append(1)
        return b"payload"

    state = Savestate(HEADER, fetch)
    assert (state.frame, repr(state)) == (1234, "<Savestate libretro:fceumm abababab frame 1234>")
    assert fetched == []
    assert state.payload == state.payload == b"payload"
    assert fetched == [1]


@given(payloads, st.data())
@example(b"", None)
def test_every_cut_is_refused(payload: bytes, data: st.DataObject | None) -> None:
    whole = Savestate(HEADER, payload).to_bytes()
    length = 0 if data is None else data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(SavestateError, match=r"Savestate\.from_bytes: .*"):
        Savestate.from_bytes(whole[:length])


@given(payloads, st.data())
def test_every_flipped_bit_is_refused(payload: bytes, data: st.DataObject) -> None:
    flipped = bytearray(Savestate(HEADER, payload).to_bytes())
    bit = data.draw(st.integers(0, 8 * len(flipped) - 1))
    flipped[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SavestateError, match=r"Savestate\.from_bytes: .*"):
        Savestate.from_bytes(bytes(flipped))


@given(payloads, st.binary(min_size=1, max_size=20))
def test_bytes_after_the_end_are_refused(payload: bytes, more: bytes) -> None:
    with pytest.raises(SavestateError, match="cut short or damaged"):
        Savestate.from_bytes(Savestate(HEADER, payload).to_bytes() + more)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: MAGIC + tail))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(SavestateError):
        Savestate.from_bytes(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
field_names = [field.name for field in dataclasses.fields(SavestateHeader)]


@given(
    json_values.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries({}, optional=dict.fromkeys(field_names, json_values)).map(
        lambda fields: json.dumps(fields).encode()
    )
    | st.binary(max_size=40)
)
@example(b"[" * 100_000)
@example(json.dumps(dataclasses.asdict(HEADER) | {"frame": -1}).encode())
@example(json.dumps(dataclasses.asdict(HEADER) | {"frame": True}).encode())
@example(json.dumps(dataclasses.asdict(HEADER) | {"frame": 1 << 63}).encode())
@example(json.dumps(dataclasses.asdict(HEADER) | {"system": 7}).encode())
@example(json.dumps(dataclasses.asdict(HEADER) | {"more": 7}).encode())
def test_any_header_under_a_right_checksum_is_right_or_refused(header: bytes) -> None:
    try:
        state = Savestate.from_bytes(packed(header))
    except SavestateError:
        return
    assert json.loads(header) == dataclasses.asdict(state.header)
    assert 0 <= state.frame < 1 << 63


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "one.state"
    Savestate(HEADER, b"payload").write(path)
    assert [file.name for file in tmp_path.iterdir()] == ["one.state"]
    assert Savestate.read(str(path)).payload == b"payload"
    for wrong in (tmp_path / "none.state", tmp_path):
        with pytest.raises(SavestateError, match=r"Savestate\.read\("):
            Savestate.read(wrong)
    with pytest.raises(SavestateError, match=r"Savestate\.write\("):
        Savestate(HEADER, b"payload").write(tmp_path / "no folder" / "one.state")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("system", "gb", "another system: gb, and nes is running"),
        ("rom_sha1", "cd" * 20, "another ROM"),
        ("emulator", "libretro:nestopia", "another emulator: libretro:nestopia, and libretro:fce"),
        ("version", "2", "another version of the emulator: 2, and"),
    ],
)
def test_what_is_foreign_is_named(field: str, value: str, message: str) -> None:
    foreign = dataclasses.replace(HEADER, **{field: value})
    with pytest.raises(SavestateError, match=message):
        foreign.check_loads_into(HEADER)


def test_another_frame_of_the_same_game_loads() -> None:
    dataclasses.replace(HEADER, frame=9).check_loads_into(HEADER)


@pytest.mark.parametrize("given", [None, b"bytes", "path.state"])
def test_what_is_no_savestate_is_refused(given: object) -> None:
    with pytest.raises(SavestateError, match="a Savestate is needed"):
        check_savestate(given, HEADER)
