"""copain.lua itself, under plain Lua 5.1 and 5.4 with a stub for the emulator."""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_wire_protocol import VALUES

from conftest import absent
from copain import wire
from copain.errors import EmulatorError, LuaError, WireClosed
from copain.wire import protocol
from copain.wire.protocol import LuaObject, Value
from copain.wire.session import Session
from copain.wire.transport import PipeTransport

PEER = Path(__file__).with_name("wire_peer.lua")
SOURCE = Path(str(wire.__file__)).with_name("copain.lua")


class Lua:
    """A peer under plain Lua, and the session with it."""

    def __init__(self, program: str) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self.process = subprocess.Popen(
            [program, str(PEER)],
            pass_fds=(theirs_in, theirs_out),
            env={
                "COPAIN_LUA": str(SOURCE),
                "COPAIN_READ": f"/dev/fd/{theirs_in}",
                "COPAIN_WRITE": f"/dev/fd/{theirs_out}",
            },
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self.transport = PipeTransport(ours_in, ours_out)
        self.session = Session(self.transport, 10)

    def end(self) -> int:
        self.session.close()
        try:
            return self.process.wait(5)
        finally:
            self.process.kill()
            self.process.wait()


@pytest.fixture(params=["lua5.1", "lua5.4"])
def program(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if shutil.which(name) is None:
        absent(name, f"apt install {name}")
    return name


@pytest.fixture
def lua(program: str) -> Generator[Lua]:
    peer = Lua(program)
    yield peer
    peer.end()


def normal(value: object) -> object:
    """What is left of a value in Lua, which has one kind of table, of number and of string."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, list):
        items = list(enumerate(cast(list[object], value), 1))
        return normal(dict(items))
    if isinstance(value, dict):
        table = cast(dict[object, object], value)
        return {normal(key): normal(item) for key, item in table.items() if item is not None}
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)  # 5.1 has no integers beyond 2^53
    return value


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(VALUES)
def test_values_survive_lua(lua: Lua, value: Value) -> None:
    assert normal(lua.session.call("echo", value)) == normal(value)


def test_bytes_and_several_results(lua: Lua) -> None:
    data = bytes(range(256)) * 3
    assert lua.session.call("bytes", data) == data
    assert lua.session.call("echo", 1, None, "x") == [1, None, "x"]
    assert lua.session.call("echo") is None


def test_a_bundle_is_done_in_order_in_one_message(lua: Lua) -> None:
    results = lua.session.request([("play", 3), ("echo", "a", "b"), ("play", 2)])
    assert results == [[3], ["a", "b"], [5]]


def test_an_error_names_itself_has_a_traceback_and_the_session_lives_on(lua: Lua) -> None:
    with pytest.raises(LuaError, match=r"wire_peer.lua:\d+: .*nil") as caught:
        lua.session.request([("play", 1), ("fail",), ("play", 10)])
    assert "stack traceback" in str(caught.value)
    assert lua.session.call("play", 1) == 2, "the operations after the failed one were not done"
    with pytest.raises(LuaError, match='no operation "nonsense"'):
        lua.session.call("nonsense")
    with pytest.raises(LuaError, match="an error object"):
        lua.session.call("fail_with", {"a": 1})
    with pytest.raises(LuaError, match=r"mine:1: .*expected"):
        lua.session.call("eval", "1 +", "=mine")
    with pytest.raises(LuaError, match="deep, or contains itself"):
        lua.session.call("eval", "local t = {} t[1] = t return t", "=x")
    assert lua.session.call("echo", "alive") == "alive"


def test_functions_go_both_ways(lua: Lua) -> None:
    double = lua.session.call("eval", "return function(x) return 2 * x end", "=x")
    assert isinstance(double, LuaObject)
    assert double.kind == "function"
    assert lua.session.call("call", double, 21) == 42
    given: list[object] = []
    code = "local f = ... return f(1, 'a', nil, true)"
    assert lua.session.call("eval", code, "=x", lambda *all: given.extend(all)) is None
    assert given == [1, "a", None, True]
    number = double.number
    del double
    lua.session.call("echo")
    stale = b"\1\4echo\1o" + struct.pack("<I", number)
    with pytest.raises(LuaError, match="there is no object"):
        lua.session.ask(protocol.message(protocol.CALL, stale))


def test_what_a_callback_raises_comes_out(lua: Lua) -> None:
    class Mine(Exception):
        pass

    def raises() -> None:
        raise Mine("from Python")

    with pytest.raises(Mine, match="from Python"):
        lua.session.call("eval", "local f = ... f()", "=x", raises)
    # Lua sees it as an error, and may go on.
    seen: list[object] = []
    with pytest.raises(Mine):
        lua.session.call(
            "eval", "local f, g = ... g(pcall(f))", "=x", raises, lambda *a: seen.extend(a)
        )
    assert seen == [False, "Mine: from Python"]
    assert lua.session.call("echo", 1) == 1


def test_a_callback_may_call_back_also_for_frames(lua: Lua) -> None:
    def plays() -> Value:
        with pytest.raises(LuaError):
            lua.session.call("fail")
        return lua.session.call("play", 2)

    assert lua.session.call("eval", "local f = ... return f() + f()", "=x", plays) == 2 + 4


def test_a_callback_of_the_emulator(lua: Lua) -> None:
    frames: list[object] = []
    lua.session.call("on_frame", frames.append)
    assert lua.session.call("play", 3) == 3
    assert frames == [1, 2, 3]

    def raises(frame: int) -> None:
        if frame == 5:
            raise ValueError("at frame 5")

    lua.session.call("on_frame", raises)
    with pytest.raises(ValueError, match="at frame 5"):
        lua.session.call("play", 4)

    def plays(_: int) -> None:
        lua.session.call("play", 1)

    lua.session.call("on_frame", plays)
    with pytest.raises(LuaError, match="no frame can be emulated inside a callback"):
        lua.session.call("play", 1)
    lua.session.call("on_frame", None)
    lua.session.call("eval", "local a = ... ", "=x", 1)
    assert lua.session.call("play", 1) == 3 + 2 + 1 + 1  # an error ends the run at its frame
    hook = "error('in plain Lua')"
    lua.session.call("on_frame", lua.session.call("eval", f"return function() {hook} end", "=x"))
    with pytest.raises(LuaError, match=r"in plain Lua\nstack traceback"):
        lua.session.call("play", 1)


def test_the_emulator_acts_between_frames_and_no_frame_is_counted(lua: Lua) -> None:
    assert lua.session.call("settle") == [1, 0]
    assert lua.session.call("play", 3) == 3
    assert lua.session.call("settle") == [1, 3]
    # Also for a request that arrives while a Python function is called.
    within = lua.session.call("eval", "return (...)()", "=x", lambda: lua.session.call("settle"))
    assert within == [1, 3]
    frames: list[Value] = []

    def at_frame(_: Value) -> None:
        frames.append(lua.session.call("settle"))

    lua.session.call("on_frame", at_frame)
    with pytest.raises(LuaError, match="cannot be done inside a callback"):
        lua.session.call("play", 1)
    assert not frames
    lua.session.call("on_frame", None)
    assert lua.session.call("settle") == [1, 4]


def test_posts_are_done_in_order_and_their_errors_come_out(lua: Lua) -> None:
    def post(*call: Value) -> None:
        lua.session.post(protocol.message(protocol.POST, protocol.encode_bundle([call])))

    for _ in range(1000):
        post("play", 1)
    assert lua.session.call("play", 1) == 1001
    post("fail")
    with pytest.raises(LuaError, match="nil"):
        lua.session.call("echo")
    assert lua.session.call("echo", 1) == 1


def test_it_ends_when_the_other_side_is_gone(lua: Lua) -> None:
    assert lua.session.call("echo", 1) == 1
    assert lua.end() == 0


def test_it_ends_inside_a_callback_too(lua: Lua) -> None:
    def leaves() -> None:
        lua.session.close("gone on purpose")

    with pytest.raises(WireClosed):
        lua.session.call("eval", "local f = ... f()", "=x", leaves)
    assert lua.process.wait(5) == 3


CALLS = st.one_of(
    st.binary(max_size=80),
    st.binary(max_size=40).map(lambda tail: b"\1\4echo" + tail),
    st.binary(max_size=40).map(lambda tail: b"\1\4echo\1" + tail),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CALLS)
def test_no_bundle_kills_it(lua: Lua, body: bytes) -> None:
    with contextlib.suppress(EmulatorError):
        lua.session.ask(protocol.message(protocol.CALL, body))
    if not lua.session.closed:  # what it answered may be an object whose kind we do not know
        assert lua.session.call("echo", "alive") == "alive"


@settings(max_examples=25)
@given(st.binary(min_size=1, max_size=100))
@pytest.mark.parametrize("name", ["lua5.1", "lua5.4"])
def test_no_bytes_make_it_hang(name: str, data: bytes) -> None:
    if shutil.which(name) is None:
        absent(name, f"apt install {name}")
    peer = Lua(name)
    with contextlib.suppress(EmulatorError):
        peer.transport.send(data, None)
    assert peer.end() == 0


def test_an_operation_may_answer_before_it_ends(lua: Lua) -> None:
    session = lua.session
    assert session.call("early", "first") == "first"
    assert session.call("echo", 1) == 1, "it was answered twice"
    # What fails after the answer comes out of the next call, as of a post.
    assert session.call("early", "fine", "what came after") == "fine"
    with pytest.raises(LuaError, match="what came after"):
        session.call("echo", 2)
    assert session.call("echo", 3) == 3
    # Only one operation that is waited for is answered early: not one of several, nor a post.
    assert session.request([("early", "no"), ("echo", 4)]) == [[False], [4]]
    session.post(protocol.message(protocol.POST, protocol.encode_bundle([("early", "no")])))
    assert session.call("echo", 5) == 5
    # Nor one that a callback asks for while another is answered.
    nested: list[Value] = []
    session.call("eval", "local f = ... f()", "=test", lambda: nested.append(
        session.call("early", "no")
    ))  # fmt: skip
    assert nested == [False]
