"""Transports: whole messages through partial reads and writes, deadlines, and the end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

import pytest

from copain.errors import WireClosed, WireTimeout
from copain.wire.transport import PipeTransport, Transport, memory_pair


def pipe_pair() -> tuple[Transport, Transport]:
    a_in, b_out = os.pipe()
    b_in, a_out = os.pipe()
    return PipeTransport(a_in, a_out), PipeTransport(b_in, b_out)


Pair = Callable[[], tuple[Transport, Transport]]
PAIRS = pytest.mark.parametrize("pair", [pipe_pair, memory_pair])
BIG = os.urandom(3_000_000)  # more than any pipe or socket holds


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


def send_often(transport: Transport) -> None:
    """A socket that nobody reads takes a few messages before it notices."""
    for _ in range(3):
        transport.send(b"anybody?", soon())


@PAIRS
def test_what_is_sent_arrives_however_large(pair: Pair) -> None:
    one, other = pair()
    sender = threading.Thread(target=one.send, args=(BIG, soon()))
    sender.start()
    got = b""
    while len(got) < len(BIG):
        part = other.receive(soon(), 70_000)
        assert 1 <= len(part) <= 70_000
        got += part
    sender.join()
    assert got == BIG
    one.close()
    other.close()


@PAIRS
def test_silence_ends_at_the_deadline(pair: Pair) -> None:
    one, other = pair()
    began = time.monotonic()
    with pytest.raises(WireTimeout, match="does not answer"):
        one.receive(began + 0.1)
    assert 0.09 < time.monotonic() - began < 2
    other.close()
    one.close()


@PAIRS
def test_who_does_not_read_is_a_timeout(pair: Pair) -> None:
    one, other = pair()
    with pytest.raises(WireTimeout, match="does not read"):
        one.send(BIG, soon(0.1))
    other.close()
    one.close()


@PAIRS
def test_the_end_is_told_to_both_sides(pair: Pair) -> None:
    one, other = pair()
    other.send(b"last words", soon())
    other.close()
    other.close()
    assert one.receive(soon()) == b"last words"
    with pytest.raises(WireClosed):
        one.receive(soon())
    with pytest.raises(WireClosed):
        send_often(one)
    one.close()
    with pytest.raises(WireClosed):
        one.send(b"x", soon())
    with pytest.raises(WireClosed):
        other.receive(soon())
