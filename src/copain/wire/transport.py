"""Bytes to and from another process: inherited pipes, sockets, a pair in memory for tests.

A transport is blocking and has deadlines, points on the clock `time.monotonic` (None: no limit).
Partial reads and writes are hidden here.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Protocol

from copain.errors import WireClosed, WireTimeout

CHUNK = 1 << 16


class Transport(Protocol):
    """A stream of bytes in both directions."""

    def send(self, data: bytes, deadline: float | None) -> None:
        """Send all of `data`. Raises WireClosed or WireTimeout; then some may have been sent."""
        ...

    def receive(self, deadline: float | None, size: int = CHUNK) -> bytes:
        """At least one byte and at most `size`. Raises WireClosed or WireTimeout."""
        ...

    def close(self) -> None:
        """Close both directions; the other side sees the end. May be called again."""
        ...


class PipeTransport:
    """Two pipes, which it owns."""

    def __init__(self, reading: int, writing: int) -> None:
        """On the file descriptors that are read from and written to."""
        self._reading, self._writing = reading, writing
        os.set_blocking(writing, False)
        self._can_read, self._can_write = _poll(reading, _IN), _poll(writing, _OUT)
        self._closed = False

    def send(self, data: bytes, deadline: float | None) -> None:
        """Write all."""
        if self._closed:
            raise WireClosed("the connection is closed")
        rest: bytes | memoryview = data
        while True:
            try:
                sent = os.write(self._writing, rest)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise WireClosed(f"the other side is gone: {error.strerror}") from None
            if sent == len(rest):
                return
            rest = memoryview(rest)[sent:]
            if not self._can_write(_milliseconds(deadline)):
                raise WireTimeout("the other side does not read what is sent to it")

    def receive(self, deadline: float | None, size: int = CHUNK) -> bytes:
        """Read what is there."""
        if self._closed:
            raise WireClosed("the connection is closed")
        if not self._can_read(_milliseconds(deadline)):
            raise WireTimeout("the other side does not answer")
        data = os.read(self._reading, size)
        if not data:
            raise WireClosed("the other side is gone")
        return data

    def close(self) -> None:
        """Close both ends."""
        if not self._closed:
            self._closed = True
            os.close(self._reading)
            os.close(self._writing)


class SocketTransport:
    """A connected stream socket, which it owns."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        if connected.family in (socket.AF_INET, socket.AF_INET6):
            # Else the second of two small messages waits for the answer to the first.
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connected.setblocking(False)
        number = connected.fileno()
        self._can_read, self._can_write = _poll(number, _IN), _poll(number, _OUT)
        self._closed = False

    def send(self, data: bytes, deadline: float | None) -> None:
        """Send all."""
        if self._closed:
            raise WireClosed("the connection is closed")
        rest: bytes | memoryview = data
        while True:
            try:
                sent = self._socket.send(rest)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise WireClosed(f"the other side is gone: {error.strerror}") from None
            if sent == len(rest):
                return
            rest = memoryview(rest)[sent:]
            if not self._can_write(_milliseconds(deadline)):
                raise WireTimeout("the other side does not read what is sent to it")

    def receive(self, deadline: float | None, size: int = CHUNK) -> bytes:
        """Receive what is there."""
        if self._closed:
            raise WireClosed("the connection is closed")
        if not self._can_read(_milliseconds(deadline)):
            raise WireTimeout("the other side does not answer")
        try:
            data = self._socket.recv(size)
        except OSError as error:
            raise WireClosed(f"the other side is gone: {error.strerror}") from None
        if not data:
            raise WireClosed("the other side is gone")
        return data

    def close(self) -> None:
        """Close the socket."""
        self._closed = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def memory_pair() -> tuple[SocketTransport, SocketTransport]:
    """Two transports, connected to each other inside this process."""
    one, other = socket.socketpair()
    return SocketTransport(one), SocketTransport(other)


_IN, _OUT = 1, 4  # POLLIN and POLLOUT, where there is poll


def _poll(number: int, event: int) -> Callable[[float | None], object]:
    """A function that waits until a file descriptor is ready; false if it is not in time."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(number, event)
        return poll.poll
    reading, writing = ([number], []) if event == _IN else ([], [number])

    def wait(milliseconds: float | None) -> bool:  # Windows
        seconds = None if milliseconds is None else milliseconds / 1000
        return any(select.select(reading, writing, [], seconds))

    return wait


def _milliseconds(deadline: float | None) -> float | None:
    if deadline is None:
        return None
    left = deadline - time.monotonic()
    return left * 1000 if left > 0 else 0
