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
        self._can_read, self._can_write = select.poll(), select.poll()
        self._can_read.register(reading, select.POLLIN)
        self._can_write.register(writing, select.POLLOUT)
        self._closed = False

    def send(self, data: bytes, deadline: float | None) -> None:
        """Write all."""
        if self._closed:
            raise WireClosed("the connection is closed")
        view: bytes | memoryview = data
        while True:
            try:
                sent = os.write(self._writing, view)
            except BlockingIOError:
                sent = 0
            except OSError as error:
                raise WireClosed(f"the other side is gone: {error.strerror}") from None
            if sent == len(view):
                return
            view = memoryview(view)[sent:]
            if not self._can_write.poll(_milliseconds(deadline)):
                raise WireTimeout("the other side does not read what is sent to it")

    def receive(self, deadline: float | None, size: int = CHUNK) -> bytes:
        """Read what is there."""
        if self._closed:
            raise WireClosed("the connection is closed")
        if not self._can_read.poll(_milliseconds(deadline)):
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

    def send(self, data: bytes, deadline: float | None) -> None:
        """Send all."""
        try:
            self._socket.settimeout(_seconds(deadline))
            self._socket.sendall(data)
        except TimeoutError:
            raise WireTimeout("the other side does not read what is sent to it") from None
        except OSError as error:
            raise WireClosed(f"the other side is gone: {error.strerror}") from None

    def receive(self, deadline: float | None, size: int = CHUNK) -> bytes:
        """Receive what is there."""
        try:
            self._socket.settimeout(_seconds(deadline))
            data = self._socket.recv(size)
        except TimeoutError:
            raise WireTimeout("the other side does not answer") from None
        except OSError as error:
            raise WireClosed(f"the other side is gone: {error.strerror}") from None
        if not data:
            raise WireClosed("the other side is gone")
        return data

    def close(self) -> None:
        """Close the socket."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def memory_pair() -> tuple[SocketTransport, SocketTransport]:
    """Two transports, connected to each other inside this process."""
    one, other = socket.socketpair()
    return SocketTransport(one), SocketTransport(other)


def _seconds(deadline: float | None) -> float | None:
    # A timeout of zero would mean "do not block", another error.
    return None if deadline is None else max(deadline - time.monotonic(), 1e-3)


def _milliseconds(deadline: float | None) -> float | None:
    return None if deadline is None else max(deadline - time.monotonic(), 0.0) * 1000
