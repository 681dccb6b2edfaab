"""Session: one live connection to a peer; asks, waits, and answers the peer's callbacks."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import cast

from copain.errors import LuaError, WireClosed, WireError, WireTimeout
from copain.wire import protocol
from copain.wire.protocol import Call, Decoder, LuaFunction, LuaObject, MessageBuffer, Value
from copain.wire.transport import Transport

TIMEOUT = 30.0
"""Seconds that an answer may take."""


class Session:
    """One live connection to a peer, for one thread at a time.

    A call waits for its answer; a post does not, and if it fails, the next call raises its error.
    While a call is answered, Lua may call Python functions that were given to it; these may make
    calls of their own. What such a function raises comes out of the call. A timeout or nonsense
    from the peer ends the session; an interrupt (Ctrl-C) does not: the answer that comes late is
    dropped.
    """

    def __init__(self, transport: Transport, timeout: float | None = TIMEOUT) -> None:
        """A session that owns `transport`; `timeout` is in seconds, None for no limit."""
        self.timeout = timeout
        self.functions = 0
        """How many Python functions Lua may call."""
        self.before_callback: Callable[[], object] | None = None
        """Called before each Python function that Lua calls."""
        self._transport = transport
        self._buffer = MessageBuffer()
        self._functions: dict[int, LuaFunction] = {}
        self._numbers: dict[int, int] = {}
        self._freed: deque[int] = deque()
        self._owed = 0  # answers to come that nobody waits for any more
        self._ended: str | None = None
        self._post_failure: LuaError | None = None
        self._raised: list[BaseException] = []

    # Asking

    def request(self, calls: Sequence[Call], *, timeout: float | None = -1) -> list[list[Value]]:
        """The results of each of `calls`, made in order in one round trip.

        Raises LuaError when one fails (those after it are not made), what a Python function
        raised that was called meanwhile, WireTimeout after `timeout` seconds (this session's
        unless given), WireClosed or WireError.
        """
        message = protocol.message(protocol.CALL, protocol.encode_bundle(calls, self))
        answer = Decoder(self.ask(message, timeout=timeout), self)
        with self._sound():
            results = [answer.values() for _ in calls]
            answer.end()
        return results

    def call(self, name: str, *arguments: Value, timeout: float | None = -1) -> Value:
        """The result of one operation: a value, or a list of them if it gives several."""
        (results,) = self.request([(name, *arguments)], timeout=timeout)
        return None if not results else results[0] if len(results) == 1 else results

    def ask(self, message: bytes, *, timeout: float | None = -1) -> bytes:
        """The packed results of a packed call (`protocol.message`); raises as `request` does.

        For hot paths, which do not need what `request` does around it.
        """
        if timeout == -1:
            timeout = self.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._freed:
            self._release()
        if self._owed or self._post_failure:
            self._send(message, deadline)
            return self._wait(deadline)
        try:
            self._send(message, deadline)
            found = self._receive(deadline)
        except BaseException:
            self._owed = 1  # interrupted: the answer still comes, later
            raise
        # Nearly always it is the answer.
        return found[1] if found[0] == protocol.RESULTS else self._wait(deadline, found)

    def post(self, message: bytes) -> None:
        """Send a packed post and do not wait. Its error, if any, comes out of the next call."""
        self._send(message, None if self.timeout is None else time.monotonic() + self.timeout)

    def close(self, why: str = "the session was closed") -> None:
        """End the session; the peer sees the end of its input."""
        if self._ended is None:
            self._ended = why
        self._transport.close()

    @property
    def closed(self) -> bool:
        """Whether it ended."""
        return self._ended is not None

    # References (see protocol.References)

    def lua_object(self, number: int, kind: str) -> LuaObject:
        """The object that stays in Lua under this number."""
        return LuaObject(number, kind, self._freed.append)

    def python_function(self, function: LuaFunction) -> int:
        """A number under which Lua can call `function`, as long as the session lives."""
        number = self._numbers.get(id(function))
        if number is None:
            number = len(self._functions) + 1
            self._numbers[id(function)] = number
            self._functions[number] = function
            self.functions = number
        return number

    # Waiting

    def _wait(self, deadline: float | None, found: tuple[int, bytes] | None = None) -> bytes:
        """The answer to the last call, which may begin with a message that was `found`."""
        mine = self._owed + 1
        try:
            while True:
                kind, body = found or self._receive(deadline)
                found = None
                if kind == protocol.CALLBACK:
                    began = time.monotonic()
                    self._answer_callback(body)
                    if deadline is not None:
                        deadline += time.monotonic() - began
                    continue
                if kind == protocol.POST_ERROR:
                    self._post_failure = self._post_failure or _lua_error(body)
                    continue
                mine -= 1
                if self._owed:
                    self._owed -= 1
                if mine:
                    continue
                break
        except BaseException:
            # Interrupted while waiting: the answer still comes, later.
            if self._ended is None:
                self._owed = mine
            raise
        if self._raised:
            raised = self._raised.pop(0)
            self._raised.clear()
            raise raised
        if self._post_failure is not None:
            failure, self._post_failure = self._post_failure, None
            raise failure
        if kind == protocol.ERROR:
            raise _lua_error(body)
        return body

    def _answer_callback(self, body: bytes) -> None:
        with self._sound():
            decoder = Decoder(body, self)
            number = decoder.u32()
            arguments = decoder.values()
            decoder.end()
            function = self._functions.get(number)
            if function is None:
                raise WireError(f"the peer called a Python function {number} that does not exist")
        if self.before_callback is not None:
            self.before_callback()
        try:
            result = protocol.encode(cast(Value, function(*arguments)), self)
            answer = protocol.message(protocol.RETURN, b"\1" + result)
        except BaseException as error:
            # Lua must be told before anything else is done, else the two lose step.
            if self._ended is not None:
                raise
            self._raised.append(error)
            text = f"{type(error).__name__}: {error}"
            answer = protocol.message(protocol.RAISE, text.encode("utf-8", "surrogateescape"))
        self._send(answer, None if self.timeout is None else time.monotonic() + self.timeout)

    # Bytes

    def _send(self, message: bytes, deadline: float | None) -> None:
        if self._ended is not None:
            raise WireClosed(self._ended)
        try:
            self._transport.send(message, deadline)
        except WireError as error:
            # A peer that ends says why first: what it sent is worth more than "gone".
            if isinstance(error, WireTimeout):
                self.close(str(error))
            raise
        except BaseException:
            self.close("a message was interrupted half way")
            raise

    def _receive(self, deadline: float | None) -> tuple[int, bytes]:
        if self._ended is not None:
            raise WireClosed(self._ended)
        buffer = self._buffer
        try:  # not `with self._sound()`: this is the hot path
            found = buffer.next()
            while found is None:
                found = buffer.next(self._transport.receive(deadline, buffer.room))
        except WireError as error:
            self.close(str(error))
            raise
        return found

    @contextlib.contextmanager
    def _sound(self) -> Generator[None]:
        """An error of the wire within ends the session."""
        try:
            yield
        except WireError as error:
            self.close(str(error))
            raise

    def _release(self) -> None:
        numbers: list[Value] = []
        while self._freed:
            numbers.append(self._freed.popleft())
        call: Call = ("release", numbers)
        self.post(protocol.message(protocol.POST, protocol.encode_bundle([call])))


def _lua_error(body: bytes) -> LuaError:
    return LuaError(body[1:].decode("utf-8", "replace").rstrip())
