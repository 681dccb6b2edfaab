"""The protocol: values and messages as bytes, and what is refused."""

from __future__ import annotations

import contextlib
import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copain.errors import WireError
from copain.wire import protocol
from copain.wire.protocol import Decoder, MessageBuffer, Value

SCALARS: st.SearchStrategy[Value] = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 63) + 1, (1 << 63) - 1),
    st.floats(allow_nan=False), st.text(), st.binary(max_size=600),
)  # fmt: skip
VALUES: st.SearchStrategy[Value] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(), st.integers(-5, 500)), inner, min_size=1, max_size=4),
    ),
    max_leaves=12,
)  # fmt: skip


@given(VALUES)
def test_a_value_comes_back_as_it_was(value: Value) -> None:
    decoder = Decoder(protocol.encode(value))
    found = decoder.value()
    decoder.end()
    assert found == value
    assert type(found) is type(value)


def test_a_string_that_is_no_text_survives() -> None:
    data = bytes(range(256))
    found = Decoder(b"S" + struct.pack("<I", 256) + data).value()
    assert isinstance(found, str)
    assert Decoder(protocol.encode(found)).value() == found
    assert found.encode("utf-8", "surrogateescape") == data


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, 0.1, 5e-324, 1.7976931348623157e308]
)
def test_numbers_are_exact(value: float) -> None:
    found = Decoder(protocol.encode(value)).value()
    assert repr(found) == repr(value)


@pytest.mark.parametrize("value", [1 << 63, -(1 << 63), {1, 2}, object(), lambda: None])
def test_what_cannot_travel_is_refused_by_name(value: object) -> None:
    with pytest.raises(WireError, match=r"does not fit|cannot be given to Lua"):
        protocol.encode(value)  # type: ignore[arg-type]


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: list[Value] = []
    endless.append(endless)
    with pytest.raises(WireError, match="contains itself"):
        protocol.encode(endless)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(data: bytes) -> None:
    with contextlib.suppress(WireError):
        Decoder(data).value()


def test_a_table_that_promises_too_much_costs_no_memory() -> None:
    with pytest.raises(WireError, match="cut short"):
        Decoder(b"l\xff\xff\xff\xff").value()
    with pytest.raises(WireError, match="deep"):
        Decoder(b"l\x01\0\0\0" * 100 + b"N").value()


MESSAGES = st.lists(
    st.tuples(st.sampled_from(sorted(b"REFK")), st.binary(max_size=50)), min_size=1, max_size=6
)


@given(MESSAGES, st.lists(st.integers(1, 20), min_size=1))
def test_messages_are_found_however_they_are_cut(
    messages: list[tuple[int, bytes]], cuts: list[int]
) -> None:
    stream = b"".join(protocol.message(kind, body) for kind, body in messages)
    buffer = MessageBuffer()
    found: list[tuple[int, bytes]] = []
    turn = 0
    while stream:
        size = cuts[turn % len(cuts)]
        turn += 1
        message = buffer.next(stream[:size])
        stream = stream[size:]
        while message is not None:
            found.append(message)
            message = buffer.next()
    assert found == messages


@given(st.binary(max_size=100))
def test_no_bytes_crash_the_buffer(data: bytes) -> None:
    buffer = MessageBuffer()
    with contextlib.suppress(WireError):
        found = buffer.next(data)
        while found is not None:
            found = buffer.next()


def test_nonsense_is_recognised() -> None:
    for data in (b"HTTP/1.1 400 Bad Request", struct.pack("<IB", 1 << 31, ord("R"))):
        with pytest.raises(WireError, match="no message of copain"):
            MessageBuffer().next(data)


def test_a_bundle_has_a_size() -> None:
    with pytest.raises(WireError, match="1 to 255 operations"):
        protocol.encode_bundle([])
    with pytest.raises(WireError, match="1 to 255 operations"):
        protocol.encode_bundle([("x",)] * 256)
    with pytest.raises(WireError, match="at most 255"):
        protocol.encode_bundle([("x" * 256,)])
