"""An emulator in a process of its own, driven through its Lua: what all of them share.

A subclass says how its emulator is started and what it can do beside this. The operations of its
script that are used here, and what they give:

- ``play(frames, with_ram, bits...)``: four bytes of the emulator's own, and work RAM if wanted;
- ``rollout(inputs, ports, ranges)``: the bytes of these ranges of work RAM after each frame;
- ``status()``: frames emulated for this session, and what else `_tell` is given; ``ram()``;
- ``read(domain, address, length)``, ``write(domain, address, bytes)``;
- ``save(slot)``, ``load(slot)``, ``load_file(slot)``: savestates inside the emulator.

See docs/guides/port-an-emulator.md.
"""

from __future__ import annotations

import contextlib
import re
import struct
import weakref
from collections.abc import Callable, Generator, Mapping, Sequence
from types import MappingProxyType, TracebackType
from typing import ClassVar, NoReturn, Self, get_args

import numpy as np
import numpy.typing as npt

from copain.backends.lua_namespace import Ask
from copain.backends.one_cpu import on_one_cpu
from copain.backends.slots import Slot, Slots
from copain.emulator import check_frames
from copain.errors import (
    CopainError,
    EmulatorClosed,
    EmulatorCrashed,
    InputError,
    LuaError,
    WireError,
    WireTimeout,
)
from copain.joypad import IDLE, FrameInput, Held, Joypad, check_input_log, held_bits
from copain.memory import Domains, Memory
from copain.rollout import Trajectory, check_watch
from copain.rom import Rom
from copain.savestate import Savestate, SavestateHeader, check_savestate
from copain.system import System
from copain.wire import protocol
from copain.wire.meeting import Start
from copain.wire.protocol import Call, Value
from copain.wire.session import Session

CHUNK = 600
"""Frames of one message: long runs are cut, so that Ctrl-C and deadlines come soon enough."""

_MOST_PACKED = 4096
_ANSWER = 1 << 17  # bytes of an answer that the caches hold: larger ones cost a rollout 3 %
_PLAYED, _PLAYED_AT = struct.Struct("<I"), 6


class LuaEmulator:
    """An emulator in another process, with one game in it; an `Emulator` with rollouts.

    Work RAM that was read after one frame comes along with the next, so that a script that looks
    at RAM on every frame pays one round trip a frame.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """Its name in messages."""
    noise: ClassVar[re.Pattern[str]]
    """Lines that it writes each time, and that say nothing about a failure."""
    slowest: ClassVar[float] = 0.1
    """Seconds that a frame may take before silence counts."""
    emulation_thread: ClassVar[str | None] = None
    """The name of the thread that emulates; None for the first."""
    button_type: ClassVar[np.dtype[np.unsignedinteger]] = np.dtype("<u2")
    """The buttons of a joypad and frame, as ``rollout`` is given them."""

    def __init__(self, call: str, rom: Rom, system: System) -> None:
        """Nothing runs yet: `_started` starts it. `call` is the public call, for errors."""
        self._call = call
        self._rom = rom
        self._system = system
        self._version = ""
        self._closed: str | None = "it did not start"
        self._frame: int = 0
        self._is_started = False
        self._told: int | None = None  # the four bytes of the last play, while they are true
        self._frame_known = True  # as the emulator has it
        self._peer_frames: int = 0  # all frames that it has emulated for this session
        self._ram_bytes: bytes | None = None  # what has work RAM as it is now in it
        self._ram_at = 0  # from here on
        self._ram_wanted = False  # and whether it was looked at since the last frame
        self._packed: dict[tuple[int | tuple[int, ...], int, bool] | None, bytes] = {}
        self._slots = Slots(self.title, self._fetch)
        self._memory: dict[str, Memory] = {}

    @contextlib.contextmanager
    def _starting(self, start: Start) -> Generator[None]:
        """Own what was started. Within the block it is greeted; afterwards it is at frame 0.

        Whatever is raised within ends it, and comes out as the error of the public call.
        """
        self._closed = None
        self._start: Start = start
        self._session: Session = start.session
        self._session.before_callback = _forgetter(self)
        self._finish = weakref.finalize(self, start.end)
        try:
            yield
            self._is_started = True
            self._memory = Domains(
                (name, Memory(name, size, _Domain(self, name)))
                for name, size in self._domain_sizes().items()
            )
            self.forget()
            self._refresh()
            self._frame = 0
            self._root = self.save_state()
        except BaseException as error:
            try:
                if isinstance(error, CopainError):
                    self._fail(self._call, error)
                raise
            finally:
                self.kill()

    # What a subclass says

    def _domain_sizes(self) -> dict[str, int]:
        """Bytes of each memory domain; ``ram`` is among them."""
        raise NotImplementedError

    def _fetch(self, number: int) -> bytes:
        """The bytes of a slot."""
        raise NotImplementedError

    def _check_payload(self, payload: bytes) -> None:
        """Raise SavestateError unless the emulator would load these bytes."""
        raise NotImplementedError

    def _tell(self, *more: Value) -> None:
        """What the operation status gave beside the frames."""

    def _why_silent(self) -> str:
        """What it means when the script never said a word."""
        return (
            f"its script said nothing within {self._start.timeout} seconds: the ROM did not load, "
            "or this machine is very busy"
        )

    def _why_ended(self) -> CopainError | None:
        """What it means that the program has ended before it said a word, where that is known."""
        return None

    def _leave(self) -> None:
        """What is called before `close` ends it."""

    # What it is

    @property
    def version(self) -> str:
        """The emulator's version."""
        return self._version

    @property
    def system(self) -> System:
        """The console, with the ports and buttons that it has here."""
        return self._system

    @property
    def rom(self) -> Rom:
        """The game."""
        return self._rom

    @property
    def display_name(self) -> str | None:
        """The X display of the window (such as ``":99"``), or None when offscreen."""
        return self._start.display_name

    @property
    def pid(self) -> int | None:
        """The emulator's process number, or None when attached."""
        return None if self._start.program is None else self._start.program.pid

    @property
    def slots_made(self) -> int:
        """How many savestates the emulator holds, or once held: their room is used again."""
        return self._slots.made

    @property
    def log(self) -> str:
        """The last lines that it wrote."""
        return "" if self._start.program is None else self._start.program.log_tail(self.noise)

    @property
    def session(self) -> Session:
        """The connection, for those who add operations. Raises EmulatorClosed after `close`."""
        self._check_open("session")
        return self._session

    # Where it stands

    @property
    def frame(self) -> int:
        """Frames emulated since `power_on`."""
        self._check_open("frame")
        self._refresh()
        return self._frame

    @property
    def ram(self) -> Memory:
        """The work RAM."""
        self._check_open("ram")
        return self._memory["ram"]

    @property
    def memory(self) -> Mapping[str, Memory]:
        """All memory domains by name; ``ram`` is among them."""
        self._check_open("memory")
        return MappingProxyType(self._memory)

    # The clock

    def power_on(self) -> None:
        """Come back to frame 0; the same bytes each time."""
        self.load_state(self._root)

    def soft_reset(self) -> None:
        """Press the reset button. `frame` goes on counting."""
        self._ask("soft_reset", [("soft_reset",)])
        self._ram_bytes = None

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        """Emulate `frames` frames with the same buttons held."""
        wanted = self._ram_wanted
        if type(frames) is int:
            # The hot path: what was once checked and packed is looked up.
            if type(held) is Joypad:
                key = (held.bits, frames, wanted)
            elif type(held) is FrameInput:
                key = (tuple([joypad.bits for joypad in held.joypads]), frames, wanted)
            else:
                key = None
            message = self._packed.get(key)
            if message is not None:
                self._play(message, frames, wanted)
                return
        else:
            key = None
        self._check_open("advance")
        bits = held_bits(held, self._system.ports, self._system.button_bits)
        frames = check_frames(frames)
        if frames > CHUNK:
            key = None  # what is packed below is only the end of it
        while frames > CHUNK:
            self._play(self._pack_play(CHUNK, bits, False), CHUNK, False)
            frames -= CHUNK
        if frames:
            message = self._pack_play(frames, bits, wanted)
            if key is not None:
                self._packed[key] = message
            self._play(message, frames, wanted)

    def on_one_cpu(self, cpu: int | None = None) -> contextlib.AbstractContextManager[None]:
        """Within a ``with`` block, keep the emulation and the calling thread on one CPU.

        For loops that look at each frame: the emulator and Python take turns then, and passing the
        turn within a CPU is cheaper than waking another, where there is none to spare. `cpu` is its
        number (this thread's present one, unless given): give instances that run at the same time
        different ones. Threads that are started within the block stay on that CPU too. Only on
        Linux, and not when attached; elsewhere it has no effect. Raises InputError for a CPU that
        this thread may not use, EmulatorClosed.
        """
        self._check_open("on_one_cpu")
        return on_one_cpu("on_one_cpu", self.pid, cpu, self.emulation_thread)

    def save_state(self) -> Savestate:
        """A handle on this moment; it stays with the emulator until its bytes are asked for."""
        self._check_open("save_state")
        if not self._frame_known:
            self._refresh()
        slot = self._slots.new()
        self._post("save_state", b"\4save\1", slot.number)
        return Savestate(self._header(self._frame), slot.read, slot)

    def load_state(self, state: Savestate) -> None:
        """Come back to a savestate of this ROM and version of the emulator."""
        self._check_open("load_state")
        check_savestate(state, self._header(0))
        if not self._frame_known:
            self._refresh()
        handle = state.handle
        if isinstance(handle, Slot) and self._slots.has(handle):
            self._post("load_state", b"\4load\1", handle.number)
        else:
            payload = state.payload
            self._check_payload(payload)
            slot = self._slots.new()
            self._put(slot.number, payload)
            if not isinstance(handle, Slot) or handle.is_lost:
                state.handle = slot  # from now on it comes back without its bytes
        self._ram_bytes = None
        self._frame = state.header.frame
        self._frame_known, self._told = True, None

    # Many frames in one call

    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory:
        """Play `inputs` from `savestate`, up to 600 frames a round trip; see `copain.rollout`."""
        self._check_open("rollout")
        ports = self._system.ports
        log = check_input_log(inputs, ports, self._system.button_bits, "rollout")
        addresses = check_watch(watch, len(self.ram), "rollout")
        ordered = np.unique(addresses)
        ranges = _ranges(ordered)
        self.load_state(savestate)
        buttons = log.astype(self.button_type)
        seen = np.empty((len(log), len(ordered)), np.uint8)
        at_once = max(1, min(CHUNK, _ANSWER // max(1, len(ordered))))
        for first in range(0, len(log), at_once):
            chunk = buttons[first : first + at_once]
            calls: list[Call] = [("rollout", chunk.tobytes(), ports, ranges)]
            if first + at_once >= len(log):
                calls += [("ram",), ("status",)]
            self.forget()
            results = self._ask("rollout", calls, frames=len(chunk))
            part = np.frombuffer(protocol.as_bytes(results[0][0]), np.uint8)
            seen[first : first + at_once] = part.reshape(len(chunk), len(ordered))
            if len(results) > 1:
                self._ram_bytes, self._ram_at = protocol.as_bytes(results[1][0]), 0
                self._know(*results[2])
        if len(addresses) != len(ordered) or (addresses != ordered).any():
            seen = seen[:, np.searchsorted(ordered, addresses)]
        return Trajectory(seen, self.ram.read_all(), self.save_state())

    # The end

    def close(self) -> None:
        """End it. Savestates that are still held fetch their bytes before, and stay usable."""
        try:
            if self._closed is None:
                with contextlib.suppress(EmulatorCrashed):
                    self._leave()
        finally:
            if self._closed is None:
                self._slots.rescue()
            self.kill()

    def kill(self) -> None:
        """End it at once; savestates whose bytes were not fetched are lost with it."""
        self._end("it was closed; open it again")

    def __enter__(self) -> Self:
        self._check_open("with")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = f"frame {self._frame}" if self._closed is None else "closed"
        return f"<{self.name} {self._rom.name} {state}>"

    # For what is built on this session

    def call(self, operation: str, *arguments: Value, timeout: float | None = -1) -> Value:
        """The result of an operation of the emulator's script, by its name.

        It may do anything: what is known of RAM, frame and lag is forgotten. `frame` follows the
        frames that it emulates, not the savestates that it loads. Raises LuaError, EmulatorCrashed,
        or what a Python function raised that it called.
        """
        results = self.results(operation, *arguments, timeout=timeout)
        return None if not results else results[0] if len(results) == 1 else results

    def results(self, operation: str, *arguments: Value, timeout: float | None = -1) -> list[Value]:
        """All results of an operation; what `call` does otherwise."""
        self._check_open(operation)
        try:
            return self._session.request([(operation, *arguments)], timeout=timeout)[0]
        except CopainError as error:
            self._fail(operation, error)
        finally:
            self.forget()

    def forget(self) -> None:
        """Know nothing of RAM, frame and lag: other code may have changed them."""
        self._ram_bytes = None
        self._frame_known, self._told = False, None

    # Inside

    def _pack_play(self, count: int, bits: tuple[int, ...], with_ram: bool) -> bytes:
        if len(self._packed) > _MOST_PACKED:
            self._packed.clear()
        call: Call = ("play", count, with_ram, *bits)
        return protocol.message(protocol.CALL, protocol.encode_bundle([call]))

    def _play(self, message: bytes, count: int, with_ram: bool) -> None:
        """Send a packed call of the operation play."""
        if self._closed is not None:
            self._check_open("advance")
        self._ram_bytes = None
        frame_known, self._frame_known, self._told = self._frame_known, False, None
        peer_frames = self._peer_frames
        session = self._session
        timeout = session.timeout
        try:
            body = session.ask(
                message, timeout=None if timeout is None else timeout + count * self.slowest
            )
            # One result, of bytes: four of the emulator's own, and RAM.
            (told,) = _PLAYED.unpack_from(body, _PLAYED_AT)
        except CopainError as error:
            self._fail("advance", error)
        if self._peer_frames == peer_frames:
            self._frame += count
            self._peer_frames += count
        else:  # a callback asked for the frame meanwhile
            frame_known = False
        self._frame_known, self._told = frame_known, told
        self._ram_wanted = False
        if with_ram:
            self._ram_bytes, self._ram_at = body, _PLAYED_AT + _PLAYED.size

    def _ask(self, call: str, calls: Sequence[Call], *, frames: int = 0) -> list[list[Value]]:
        self._check_open(call)
        timeout = self._session.timeout
        try:
            return self._session.request(
                calls, timeout=None if timeout is None else timeout + frames * self.slowest
            )
        except CopainError as error:
            self._fail(call, error)

    def _post(self, call: str, operation: bytes, number: int) -> None:
        body = b"\1" + operation + protocol.encode(number)
        try:
            self._session.post(protocol.message(protocol.POST, body))
        except CopainError as error:
            self._fail(call, error)

    def _refresh(self) -> None:
        if not self._frame_known:
            self._know(*self._ask("status", [("status",)])[0])

    def _know(self, frames: Value, *more: Value) -> None:
        """Take what the operation status gives."""
        total = protocol.as_int(frames)
        if not self._frame_known:
            self._frame += total - self._peer_frames
        self._peer_frames = total
        self._frame_known = True
        self._tell(*more)

    def read_memory(self, domain: str, address: int, length: int) -> bytes:
        """Bytes of a memory domain; the range is within it."""
        self._check_open(domain)
        if domain != "ram":
            return protocol.as_bytes(self._ask(domain, [("read", domain, address, length)])[0][0])
        if self._ram_bytes is None:
            self._ram_bytes = protocol.as_bytes(self._ask("ram", [("ram",)])[0][0])
            self._ram_at = 0
        self._ram_wanted = True
        address += self._ram_at
        return self._ram_bytes[address : address + length]

    def write_memory(self, domain: str, address: int, data: bytes) -> None:
        """Write bytes of a memory domain; the range is within it."""
        self._check_open(domain)
        self._ram_bytes = None
        for first in range(0, len(data), 0x1000):
            part = data[first : first + 0x1000]
            self._ask(domain, [("write", domain, address + first, part)])

    def _put(self, number: int, payload: bytes) -> None:
        """Load a savestate by its bytes, and keep it in this slot: through its file."""
        assert self._start.folder is not None
        (self._start.folder / f"state-{number}").write_bytes(payload)
        self._post("load_state", b"\x09load_file\1", number)

    def _header(self, frame: int) -> SavestateHeader:
        return SavestateHeader(self._system.name, self._rom.sha1, self.name, self._version, frame)

    def _hello(self) -> Mapping[Value, Value]:
        """What the script says of itself. Raises WireError when it is another emulator's."""
        answer = protocol.as_table(
            self._session.call("hello", protocol.VERSION, timeout=self._start.timeout)
        )
        if answer.get("emulator") != self.name:
            raise WireError(
                f"this is not {self.title} with copain's script: it said {answer!r:.200}"
            )
        self._version = str(answer["version"])
        return answer

    def _asker(self) -> Ask:
        """How namespaces call operations, without keeping the emulator alive."""
        reference = weakref.ref(self)
        name = self.name

        def ask(operation: str, *arguments: Value, timeout: float | None = -1) -> list[Value]:
            held = reference()
            if held is None:
                raise EmulatorClosed(
                    f"{name}: {operation}: nobody held the emulator, so it was closed"
                )
            return held.results(operation, *arguments, timeout=timeout)

        return ask

    def _end(self, why: str) -> None:
        if self._closed is None:
            self._closed = why
            self._slots.lose()
            self._finish()

    def _fail(self, call: str, error: CopainError) -> NoReturn:
        """Raise `error` as the error of `call`; what ends the session ends the emulator too."""
        if isinstance(error, LuaError):
            raise LuaError(f"{call}: {error}") from None
        if not isinstance(error, WireError):
            raise error
        program = self._start.program
        hangs = isinstance(error, WireTimeout)
        ended = None if program is None else program.how_it_ended(0.0 if hangs else 1.0)
        if ended is not None:
            window = self._start.display_name is not None and program and not program.exit_status()
            what = f"{self.title} is gone: " + ("its window was closed" if window else ended)
        elif hangs and self._is_started:
            what = f"{self.title} hangs: {error} within {self._session.timeout} seconds"
        elif hangs:
            what = f"{self.title} runs, and yet {self._why_silent()}"
        else:
            what = f"the connection to {self.title} failed: {error}"
            if program is None and not self._is_started:
                what += "; is the token right?"
        tail = self.log
        known = self._why_ended() if ended is not None and not self._is_started else None
        self._end(f"it failed earlier: {what}")
        if known is not None:
            raise known from None
        said = f"\nits log ends with:{tail}" if tail else ""
        raise EmulatorCrashed(f"{call}: {what}{said}") from None

    def _check_open(self, member: str) -> None:
        if self._closed is not None:
            raise EmulatorClosed(f"{self.name} ({self._rom.name}): {member}: {self._closed}")


# The session and its callbacks must not keep the emulator alive: it ends when nobody holds it.


def _forgetter(emulator: LuaEmulator) -> Callable[[], None]:
    reference = weakref.ref(emulator)

    def forget() -> None:
        held = reference()
        if held is not None:
            held.forget()

    return forget


class _Domain:
    """How `Memory` reaches one of the emulator's memories."""

    __slots__ = ("_emulator", "_name")

    def __init__(self, emulator: LuaEmulator, name: str) -> None:
        self._emulator = emulator
        self._name = name

    def read(self, address: int, length: int) -> bytes:
        return self._emulator.read_memory(self._name, address, length)

    def write(self, address: int, data: bytes) -> None:
        self._emulator.write_memory(self._name, address, data)


def check_choices(call: str, **choices: tuple[object, object]) -> None:
    """Raise InputError for an option that is none of its Literal: ``name=(value, Literal)``."""
    for name, (value, kind) in choices.items():
        allowed = get_args(kind)
        if value is not None and value not in allowed:
            raise InputError(f"{call}: {name}={value!r}; allowed are {', '.join(allowed)}")


def _ranges(addresses: npt.NDArray[np.int64]) -> list[Value]:
    """Start, length, start, length ... of the runs in sorted addresses."""
    if not len(addresses):
        return []
    breaks = np.flatnonzero(np.diff(addresses) != 1) + 1
    runs = np.split(addresses, breaks)
    return [number for run in runs for number in (int(run[0]), len(run))]
