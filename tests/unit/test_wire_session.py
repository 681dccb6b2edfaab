"""The session against peers that behave badly: each failure has its name, within its deadline."""

from __future__ import annotations

import contextlib
import signal
import struct
import threading
import time
from collections.abc import Callable, Generator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copain.errors import EmulatorError, LuaError, WireClosed, WireError, WireTimeout
from copain.wire import protocol
from copain.wire.session import Session
from copain.wire.transport import SocketTransport, memory_pair

Peer = Callable[[SocketTransport], None]


def message(kind: bytes, body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + kind + body


NOTHING = message(b"R", b"\0")


@pytest.fixture
def against() -> Generator[Callable[[Peer], Session]]:
    """A session against a peer that is a Python function on a thread."""
    threads: list[threading.Thread] = []
    sessions: list[Session] = []

    def connect(peer: Peer, timeout: float = 0.5) -> Session:
        ours, theirs = memory_pair()

        def run() -> None:
            try:
                peer(theirs)
            except WireError:
                pass
            finally:
                theirs.close()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        sessions.append(Session(ours, timeout))
        return sessions[-1]

    yield connect
    for session in sessions:
        session.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def hears(theirs: SocketTransport) -> bytes:
    return theirs.receive(time.monotonic() + 5)


def says(theirs: SocketTransport, data: bytes) -> None:
    theirs.send(data, time.monotonic() + 5)


Against = Callable[[Peer], Session]


def test_an_answer_is_read_in_pieces(against: Against) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        for byte in message(b"R", b"\1" + protocol.encode("hello")):
            says(theirs, bytes([byte]))
        hears(theirs)

    assert against(peer).call("x") == "hello"


def test_a_peer_that_stalls_is_a_timeout_and_the_session_is_over(against: Against) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        says(theirs, NOTHING[:4])
        hears(theirs)

    session = against(peer)
    began = time.monotonic()
    with pytest.raises(WireTimeout):
        session.call("x")
    assert 0.4 < time.monotonic() - began < 3
    assert session.closed
    with pytest.raises(WireClosed):
        session.call("x")


def test_a_peer_that_dies_in_mid_message_is_gone(against: Against) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        says(theirs, message(b"R", b"\1S" + struct.pack("<I", 1000))[:-3])

    with pytest.raises(WireClosed, match="gone"):
        against(peer).call("x")


def test_a_peer_that_floods_with_callbacks_still_meets_the_deadline(against: Against) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        for _ in range(100_000):
            says(theirs, message(b"F", b"\1endless"))
            time.sleep(0.001)

    session = against(peer)
    began = time.monotonic()
    with pytest.raises(WireTimeout):
        session.call("x")
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"\0\0\0\0Z", "no message of copain"),
        (struct.pack("<I", 0xFFFFFFFF) + b"R", "no message of copain"),
        (message(b"R", b""), "cut short"),
        (message(b"R", b"\1Q"), "unknown kind"),
        (message(b"R", b"\0\0"), "too many"),
        (message(b"K", struct.pack("<I", 7) + b"\0"), "Python function 7"),
    ],
)
def test_nonsense_is_a_wire_error_and_ends_the_session(
    against: Against, answer: bytes, told: str
) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        says(theirs, answer)
        hears(theirs)

    session = against(peer)
    with pytest.raises(WireError, match=told):
        session.call("x")
    assert session.closed


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(min_size=1, max_size=60))
def test_no_answer_crashes_or_hangs_the_session(against: Against, answer: bytes) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        says(theirs, answer)

    with contextlib.suppress(EmulatorError):
        against(peer).call("x")


def test_a_post_that_failed_comes_out_of_the_next_call(against: Against) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        says(theirs, message(b"F", b"\1posted in vain"))
        hears(theirs)
        says(theirs, NOTHING)
        hears(theirs)
        says(theirs, NOTHING)
        hears(theirs)

    session = against(peer)
    session.post(protocol.message(protocol.POST, protocol.encode_bundle([("x",)])))
    time.sleep(0.2)
    with pytest.raises(LuaError, match="posted in vain"):
        session.call("y")
    assert session.call("z") is None


def test_an_interrupt_does_not_lose_step(against: Against) -> None:
    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        time.sleep(0.4)
        says(theirs, message(b"R", b"\1" + protocol.encode("late")))
        hears(theirs)
        says(theirs, message(b"R", b"\1" + protocol.encode("next")))
        hears(theirs)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    session = against(peer)
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            session.call("slow")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not session.closed
    assert session.call("next") == "next"


def test_objects_of_lua_are_given_back(against: Against) -> None:
    heard: list[bytes] = []

    def peer(theirs: SocketTransport) -> None:
        hears(theirs)
        says(theirs, message(b"R", b"\1o" + struct.pack("<I", 9) + b"\x08userdata"))
        while len(heard) < 1 or b"echo" not in heard[-1]:
            heard.append(hears(theirs))
        says(theirs, NOTHING)
        hears(theirs)

    session = against(peer)
    thing = session.call("make")
    assert repr(thing) == "<Lua userdata 9>"
    del thing
    session.call("echo")
    assert b"release\1l\1\0\0\0j\t" in b"".join(heard)
