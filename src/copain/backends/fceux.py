"""FCEUX, an NES emulator in a process of its own, driven through its Lua.

Each instance has a private configuration folder, shows no window unless asked and needs no X
server. What speed it has, and why it is told to do things the way it is: docs/guides/fceux.md.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import struct
import weakref
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, NoReturn, Self, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from copain.backends.fceux_api import Ask, Lua
from copain.backends.fceux_cpu import on_one_cpu
from copain.backends.fceux_start import NOISE, Launch, Start, connect, launch
from copain.backends.fceux_states import Slot, Slots
from copain.emulator import Picture, check_frames
from copain.errors import (
    CopainError,
    EmulatorClosed,
    EmulatorCrashed,
    InputError,
    LuaError,
    MemoryRangeError,
    RomError,
    SavestateError,
    WireError,
    WireTimeout,
)
from copain.joypad import IDLE, FrameInput, Held, Joypad, check_input_log, held_bits
from copain.memory import Memory
from copain.rollout import Trajectory, check_watch
from copain.rom import INES_HEADER_SIZE, Rom, RomLike, as_rom, ines_header
from copain.savestate import Savestate, SavestateHeader, check_savestate
from copain.system import NES, System
from copain.wire import protocol
from copain.wire.protocol import Call, Value
from copain.wire.session import Session

Display: TypeAlias = Literal["offscreen", "xvfb", "visible"]
Speed: TypeAlias = Literal["normal", "turbo", "nothrottle", "maximum"]
Region: TypeAlias = Literal["ntsc", "pal", "dendy"]
RamInit: TypeAlias = Literal["default", "ff", "00", "random"]
TransportName: TypeAlias = Literal["pipes", "unix", "tcp"]

RAM_SIZE = 0x800
CHUNK = 600
"""Frames of one message: long runs are cut, so that Ctrl-C and deadlines come soon enough."""

_DOMAINS = {"cpu": 0x10000, "ppu": 0x4000}
_HEIGHT, _WIDTH, _GD_HEADER = 240, 256, 11
_STATE_HEAD = struct.Struct("<4sIII")
_CHUNK_HEAD = struct.Struct("<BI")
_UNCOMPRESSED = 0xFFFFFFFF
_MOST_PACKED = 4096
_ANSWER = 1 << 17  # bytes of an answer that the caches hold: larger ones cost a rollout 3 %
_PLAYED, _PLAYED_AT = struct.Struct("<I"), 6
_SLOWEST = 0.1  # seconds that a frame may take before silence counts
# https://www.nesdev.org/wiki/Cycle_reference_chart: PAL and Dendy have a master clock of
# 26.6017125 MHz, 5 clocks a dot, 341 dots, 312 lines, and no short line.
_FRAME_RATES: dict[str, Fraction] = {
    "ntsc": NES.frame_rate,
    "pal": Fraction(266017125, 10 * 5 * 341 * 312),
    "dendy": Fraction(266017125, 10 * 5 * 341 * 312),
}


class FceuxEmulator:
    """FCEUX with one game in it.

    An `Emulator` that also has a screen, lag frames, a reset button and rollouts. Work RAM that
    was read after one frame comes along with the next, so that a script that looks at RAM on every
    frame pays one round trip a frame.
    """

    name = "fceux"
    boot_offset = 0
    """Frames after which a movie's first line is played: FCEUX's own movies have none."""

    def __init__(
        self,
        rom: Rom,
        visible: bool = False,
        display: Display | None = None,
        speed: Speed | None = None,
        sound: bool = False,
        new_ppu: bool = False,
        region: Region = "ntsc",
        ram_init: RamInit = "default",
        game_genie: Sequence[str] = (),
        four_score: bool = False,
        person_plays: bool = False,
        movie: str | os.PathLike[str] | None = None,
        transport: TransportName = "pipes",
        timeout: float | None = None,
        fceux: str | os.PathLike[str] | None = None,
        attach: str | None = None,
        token: str | None = None,
    ) -> None:
        """Start FCEUX with this ROM.

        - `visible`: show its window; the same as ``display="visible"``.
        - `display`: ``"offscreen"`` (no window and no X server), ``"xvfb"`` (a window on a virtual
          display of its own, see `display_name`), ``"visible"``.
        - `speed`: FCEUX's speed mode; ``"normal"`` when visible, else ``"nothrottle"``, which draws
          every frame as fast as it can. ``"maximum"`` and ``"turbo"`` leave out pictures.
        - `sound`: play it. `new_ppu`: the slower, more exact PPU.
        - `region`: the console's. `ram_init`: what RAM holds at power-on: FCEUX's own pattern (four
          00, four FF), all FF, all 00, or random bytes.
        - `game_genie`: codes that are in force from power-on. `four_score`: four joypads.
        - `person_plays`: what is pressed at the window counts beside what `advance` holds.
        - `movie`: the path of an fm2 that FCEUX plays from the start; while it plays, it gives the
          inputs.
        - `transport`: how bytes travel; ``"unix"`` and ``"tcp"`` need Debian's lua-socket.
        - `timeout`: seconds of silence after which FCEUX counts as hung; 30, or none when visible
          (a person may have paused it).
        - `fceux`: the program's path. `attach`, `token`: see `attach`.

        Raises EmulatorMissing, EmulatorCrashed, RomError, InputError.
        """
        self._closed: str | None = None
        self._call = f"copain.open({rom.name!r}, emulator='fceux')"
        _check_choices(
            self._call, display=(display, Display), speed=(speed, Speed),
            region=(region, Region), ram_init=(ram_init, RamInit),
            transport=(transport, TransportName),
        )  # fmt: skip
        if rom.system is not NES:
            raise RomError(f"{self._call}: this is a {rom.system} ROM; FCEUX plays the NES")
        if visible and display not in (None, "visible"):
            raise InputError(f"{self._call}: visible=True and display={display!r}: say one")
        shown: Display = display or ("visible" if visible else "offscreen")
        self._rom = rom
        self._system = dataclasses.replace(NES, ports=4) if four_score else NES
        self._region: Region = region
        self._frame: int = 0
        self._lag_count: int = 0
        self._lagged = False
        self._started = False
        self._frame_known = self._lag_known = True  # as FCEUX has them
        self._peer_frames: int = 0  # all frames that FCEUX has emulated for this session
        self._ram_bytes: bytes | None = None  # work RAM as it is now
        self._ram_wanted = False  # and whether it was looked at since the last frame
        self._packed: dict[tuple[int | tuple[int, ...], int, bool] | None, bytes] = {}
        if timeout is None and shown != "visible" and attach is None:
            timeout = 30.0
        if attach is not None:
            start = connect(self._call, attach, token, timeout)
        else:
            start = launch(
                self._call,
                rom,
                Launch(
                    display=shown, sound=sound, new_ppu=new_ppu, region=region, ram_init=ram_init,
                    four_score=four_score, movie=movie, transport=transport, fceux=fceux,
                    timeout=timeout,
                ),
            )  # fmt: skip
        self._start: Start = start
        self._session: Session = start.session
        self._session.before_callback = _forgetter(self)
        self._lua: Lua | None = None
        self._slots = Slots(self._fetch)
        self._finish = weakref.finalize(self, start.end)
        try:
            self._greet()
            self._session.call("speed", speed or ("normal" if shown == "visible" else "nothrottle"))
            if person_plays:
                self._session.call("person_plays", True)
            for code in game_genie:
                self._add_code(code)
            if game_genie:
                self._session.call("power_cycle")
            self._started = True
            self._memory = self._domains()
            self._frame_known = self._lag_known = False
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

    # What it is

    @property
    def version(self) -> str:
        """FCEUX's version."""
        return self._version

    @property
    def system(self) -> System:
        """The NES; with a four-score, of four ports."""
        return self._system

    @property
    def rom(self) -> Rom:
        """The game."""
        return self._rom

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second of the region."""
        self._check_open("frame_rate")
        return _FRAME_RATES[self._region]

    @property
    def display_name(self) -> str | None:
        """The X display of the window (such as ``":99"``), or None when offscreen."""
        return self._start.display_name

    @property
    def pid(self) -> int | None:
        """The process number of FCEUX, or None when attached."""
        return None if self._start.program is None else self._start.program.pid

    @property
    def slots_made(self) -> int:
        """How many savestates FCEUX holds, or once held: their room is used again."""
        return self._slots.made

    @property
    def log(self) -> str:
        """The last lines that FCEUX wrote."""
        return "" if self._start.program is None else self._start.program.log_tail(NOISE)

    @property
    def lua(self) -> Lua:
        """FCEUX's whole Lua API, and Lua itself."""
        self._check_open("lua")
        if self._lua is None:
            self._lua = Lua(_asker(self))
        return self._lua

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
    def lagged(self) -> bool:
        """Whether the last frame was a lag frame."""
        self._check_open("lagged")
        self._refresh()
        return self._lagged

    @property
    def lag_count(self) -> int:
        """Lag frames since `power_on`."""
        self._check_open("lag_count")
        self._refresh()
        return self._lag_count

    @property
    def ram(self) -> Memory:
        """The work RAM, 2048 bytes."""
        self._check_open("ram")
        return self._memory["ram"]

    @property
    def memory(self) -> Mapping[str, Memory]:
        """``ram``; ``cpu``, all that the processor sees; ``ppu`` and ``rom``, which are read-only.

        Reading ``cpu`` has no effects; writing it is what a store instruction does. ``rom`` is the
        file with its header, as FCEUX holds it.
        """
        self._check_open("memory")
        return MappingProxyType(self._memory)

    @property
    def screen(self) -> Picture:
        """The last frame's picture with what was drawn on it, ``uint8 (240, 256, 3)``."""
        data = protocol.as_bytes(self._ask("screen", [("screen",)])[0][0])
        pixels = np.frombuffer(data, np.uint8, offset=_GD_HEADER).reshape(_HEIGHT, _WIDTH, 4)
        return pixels[:, :, 1:].copy()

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
        """Within a ``with`` block, keep FCEUX's emulation and the calling thread on one CPU.

        For loops that look at each frame: FCEUX and Python take turns then, and passing the turn
        within a CPU is some 30 microseconds a frame cheaper than waking another. `cpu` is its
        number (this thread's present one, unless given): give instances that run at the same time
        different ones. Threads that are started within the block stay on that CPU too. Only on
        Linux, and not when attached; elsewhere it has no effect. Raises InputError for a CPU that
        this thread may not use, EmulatorClosed.
        """
        self._check_open("on_one_cpu")
        return on_one_cpu("on_one_cpu", self.pid, cpu)

    def save_state(self) -> Savestate:
        """A handle on this moment; it stays inside FCEUX until its bytes are asked for."""
        self._check_open("save_state")
        if not self._frame_known:
            self._refresh()
        slot = self._slots.new()
        self._post("save_state", b"\4save\1", slot.number)
        return Savestate(self._header(self._frame), slot.read, slot)

    def load_state(self, state: Savestate) -> None:
        """Come back to a savestate of this ROM and version of FCEUX."""
        self._check_open("load_state")
        check_savestate(state, self._header(0))
        if not self._frame_known:
            self._refresh()
        handle = state.handle
        if isinstance(handle, Slot) and self._slots.has(handle):
            self._post("load_state", b"\4load\1", handle.number)
        else:
            self._put(state)
        self._ram_bytes = None
        self._frame = state.header.frame
        self._frame_known, self._lag_known = True, False

    # Many frames in one call

    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory:
        """Play `inputs` from `savestate`, up to 600 frames a round trip; see `copain.rollout`."""
        self._check_open("rollout")
        ports = self._system.ports
        log = check_input_log(inputs, ports, self._system.button_bits, "rollout")
        addresses = check_watch(watch, RAM_SIZE, "rollout")
        ordered = np.unique(addresses)
        ranges = _ranges(ordered)
        self.load_state(savestate)
        buttons = log.astype(np.uint8)  # the NES has eight
        seen = np.empty((len(log), len(ordered)), np.uint8)
        at_once = max(1, min(CHUNK, _ANSWER // max(1, len(ordered))))
        for first in range(0, len(log), at_once):
            chunk = buttons[first : first + at_once]
            calls: list[Call] = [("rollout", chunk.tobytes(), ports, ranges)]
            if first + at_once >= len(log):
                calls += [("ram",), ("status",)]
            self._ram_bytes = None
            self._frame_known = self._lag_known = False
            results = self._ask("rollout", calls, frames=len(chunk))
            part = np.frombuffer(protocol.as_bytes(results[0][0]), np.uint8)
            seen[first : first + at_once] = part.reshape(len(chunk), len(ordered))
            if len(results) > 1:
                self._ram_bytes = protocol.as_bytes(results[1][0])
                self._know(*results[2])
        if len(addresses) != len(ordered) or (addresses != ordered).any():
            seen = seen[:, np.searchsorted(ordered, addresses)]
        return Trajectory(seen, self.ram.read_all(), self.save_state())

    # The end

    def close(self) -> None:
        """End FCEUX. Savestates that are still held fetch their bytes before, and stay usable."""
        try:
            if self._closed is None and self._lua is not None:
                with contextlib.suppress(EmulatorCrashed):
                    self._lua.leave()
        finally:
            if self._closed is None:
                self._slots.rescue()
            self.kill()

    def kill(self) -> None:
        """End FCEUX at once; savestates whose bytes were not fetched are lost with it."""
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
        """The result of an operation of FCEUX's script, by its name.

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
        self._frame_known = self._lag_known = False

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
        frame_known, self._frame_known, self._lag_known = self._frame_known, False, False
        peer_frames = self._peer_frames
        session = self._session
        timeout = session.timeout
        try:
            body = session.ask(
                message, timeout=None if timeout is None else timeout + count * _SLOWEST
            )
            # One result, of bytes: a 24-bit lag count, whether the last frame lagged, and RAM.
            (status,) = _PLAYED.unpack_from(body, _PLAYED_AT)
        except CopainError as error:
            self._fail("advance", error)
        if self._peer_frames == peer_frames:
            self._frame += count
            self._peer_frames += count
        else:  # a callback asked for the frame meanwhile
            frame_known = False
        self._lag_count = status & 0xFFFFFF
        self._lagged = status > 0xFFFFFF
        self._frame_known, self._lag_known = frame_known, True
        self._ram_wanted = False
        self._ram_bytes = body[_PLAYED_AT + _PLAYED.size :] if with_ram else None

    def _ask(self, call: str, calls: Sequence[Call], *, frames: int = 0) -> list[list[Value]]:
        self._check_open(call)
        timeout = self._session.timeout
        try:
            return self._session.request(
                calls, timeout=None if timeout is None else timeout + frames * _SLOWEST
            )
        except CopainError as error:
            self._fail(call, error)

    def _post(self, call: str, operation: bytes, number: int) -> None:
        body = b"\1" + operation + protocol.encode(number)
        try:
            self._session.post(protocol.message(protocol.POST, body))
        except CopainError as error:
            self._fail(call, error)

    def _refresh(self, *, lag: bool = True) -> None:
        if self._frame_known and (self._lag_known or not lag):
            return
        self._know(*self._ask("status", [("status",)])[0])

    def _know(self, frames: Value, lag_count: Value, lagged: Value) -> None:
        """Take what the operation status gives."""
        total = protocol.as_int(frames)
        if not self._frame_known:
            self._frame += total - self._peer_frames
        self._peer_frames = total
        self._lag_count, self._lagged = protocol.as_int(lag_count), bool(lagged)
        self._frame_known = self._lag_known = True

    def read_memory(self, domain: str, address: int, length: int) -> bytes:
        """Bytes of a memory domain; the range is within it."""
        self._check_open(domain)
        if domain != "ram":
            return protocol.as_bytes(self._ask(domain, [("read", domain, address, length)])[0][0])
        if self._ram_bytes is None:
            self._ram_bytes = protocol.as_bytes(self._ask("ram", [("ram",)])[0][0])
        self._ram_wanted = True
        return self._ram_bytes[address : address + length]

    def write_memory(self, domain: str, address: int, data: bytes) -> None:
        """Write bytes of a memory domain; the range is within it."""
        self._check_open(domain)
        if domain not in ("ram", "cpu"):
            raise MemoryRangeError(f"{domain}[{address:#x}]: FCEUX lets {domain} only be read")
        self._ram_bytes = None
        for first in range(0, len(data), 0x1000):
            self._ask(domain, [("write", address + first, data[first : first + 0x1000])])

    # Savestates

    def _fetch(self, number: int) -> bytes:
        """The bytes of a slot: through its file where we share FCEUX's folder, which is faster."""
        folder = self._start.folder
        if folder is None:
            return protocol.as_bytes(self._ask("savestate", [("state_bytes", number)])[0][0])
        self._ask("savestate", [("state_to_file", number)])
        path = folder / f"state-{number}"
        data = path.read_bytes()
        path.unlink()
        return data

    def _put(self, state: Savestate) -> None:
        """Load a savestate by its bytes, and keep it in a slot of its own."""
        payload = state.payload
        check_payload(payload)
        slot = self._slots.new()
        if self._start.folder is None:
            self._ask("load_state", [("load_bytes", slot.number, payload)])
        else:
            (self._start.folder / f"state-{slot.number}").write_bytes(payload)
            self._post("load_state", b"\x09load_file\1", slot.number)
        if not isinstance(state.handle, Slot) or state.handle.is_lost:
            state.handle = slot  # from now on it comes back without its bytes

    def _header(self, frame: int) -> SavestateHeader:
        return SavestateHeader(NES.name, self._rom.sha1, self.name, self._version, frame)

    # Start and end

    def _greet(self) -> None:
        answer = protocol.as_table(
            self._session.call("hello", protocol.VERSION, timeout=self._start.timeout)
        )
        if answer.get("emulator") != "fceux":
            raise WireError(f"this is not FCEUX with copain's script: it said {answer!r:.200}")
        self._version = str(answer["version"])
        if not self._version.startswith("2."):
            raise EmulatorCrashed(
                f"{self._call}: this is FCEUX {self._version}; copain knows 2.x (made with 2.6.5)"
            )
        self._check_rom(str(answer.get("rom_name")), str(answer.get("rom_md5")))

    def _check_rom(self, name: str, md5: str) -> None:
        """Raise RomError unless FCEUX holds the bytes of our ROM."""
        header = ines_header(self._rom.data)
        if header is None or header.md5 == md5:
            return
        # FCEUX's sum is of what the header promises, padded; a file may have more.
        start = INES_HEADER_SIZE + (512 if header.trainer else 0)
        size = header.program_size + header.picture_size
        theirs = protocol.as_bytes(self._session.call("read", "rom", INES_HEADER_SIZE, size))
        if theirs != self._rom.data[start : start + size]:
            raise RomError(
                f"{self._call}: FCEUX runs another ROM, {name!r} with MD5 {md5}; "
                f"{self._rom.name!r} has {header.md5}"
            )

    def _add_code(self, code: str) -> None:
        try:
            self._session.call("game_genie", code)
        except LuaError:
            raise InputError(
                f"{self._call}: {code!r} is not a Game Genie code: six or eight of the letters "
                "APZLGITYEOXUKSVN"
            ) from None

    def _domains(self) -> dict[str, Memory]:
        sizes = {"ram": RAM_SIZE, **_DOMAINS, "rom": len(self._rom.data)}
        return {name: Memory(name, size, _Domain(self, name)) for name, size in sizes.items()}

    def _end(self, why: str) -> None:
        if self._closed is None:
            self._closed = why
            self._slots.lose()
            self._finish()

    def _fail(self, call: str, error: CopainError) -> NoReturn:
        """Raise `error` as the error of `call`; what ends the session ends FCEUX too."""
        if isinstance(error, LuaError):
            raise LuaError(f"{call}: {error}") from None
        if not isinstance(error, WireError):
            raise error
        program = self._start.program
        hangs = isinstance(error, WireTimeout)
        ended = None if program is None else program.how_it_ended(0.0 if hangs else 1.0)
        if ended is not None:
            window = self._start.display_name is not None and program and not program.exit_status()
            what = "FCEUX is gone: " + ("its window was closed" if window else ended)
        elif hangs and self._started:
            what = f"FCEUX hangs: {error} within {self._session.timeout} seconds"
        elif hangs:
            what = (
                f"FCEUX runs, and yet its script said nothing within {self._start.timeout} "
                "seconds: the ROM did not load (FCEUX does not play every board), or this machine "
                "is very busy"
            )
        else:
            what = f"the connection to FCEUX failed: {error}"
            if program is None and not self._started:
                what += "; is the token right?"
        tail = self.log
        self._end(f"it failed earlier: {what}")
        said = f"\nits log ends with:{tail}" if tail else ""
        raise EmulatorCrashed(f"{call}: {what}{said}") from None

    def _check_open(self, member: str) -> None:
        if self._closed is not None:
            raise EmulatorClosed(f"fceux ({self._rom.name}): {member}: {self._closed}")


# The session and its callbacks must not keep the emulator alive: it ends when nobody holds it.


def _forgetter(emulator: FceuxEmulator) -> Callable[[], None]:
    reference = weakref.ref(emulator)

    def forget() -> None:
        held = reference()
        if held is not None:
            held.forget()

    return forget


def _asker(emulator: FceuxEmulator) -> Ask:
    reference = weakref.ref(emulator)

    def ask(operation: str, *arguments: Value, timeout: float | None = -1) -> list[Value]:
        held = reference()
        if held is None:
            raise EmulatorClosed(f"fceux: {operation}: nobody held the emulator, so it was closed")
        return held.results(operation, *arguments, timeout=timeout)

    return ask


class _Domain:
    """How `Memory` reaches one of FCEUX's memories."""

    __slots__ = ("_emulator", "_name")

    def __init__(self, emulator: FceuxEmulator, name: str) -> None:
        self._emulator = emulator
        self._name = name

    def read(self, address: int, length: int) -> bytes:
        return self._emulator.read_memory(self._name, address, length)

    def write(self, address: int, data: bytes) -> None:
        self._emulator.write_memory(self._name, address, data)


def check_payload(payload: bytes) -> None:
    """Raise SavestateError unless FCEUX would load these bytes, which it ignores silently if not.

    A header (``FCSX``, size, version, compressed size), then chunks: u8 kind, u32 size, bytes.
    """
    if len(payload) < _STATE_HEAD.size:
        raise SavestateError(f"load_state: {len(payload)} bytes are no savestate of FCEUX")
    magic, size, _, compressed = _STATE_HEAD.unpack_from(payload)
    if magic != b"FCSX" or compressed != _UNCOMPRESSED:
        raise SavestateError(
            f"load_state: this is no savestate of FCEUX as copain keeps them: "
            f"it begins with {payload[:16]!r}"
        )
    at, end = _STATE_HEAD.size, len(payload)
    while at + _CHUNK_HEAD.size <= end:
        at += _CHUNK_HEAD.size + _CHUNK_HEAD.unpack_from(payload, at)[1]
    if at != end or size != end - _STATE_HEAD.size:
        raise SavestateError(
            f"load_state: the savestate is damaged: its parts do not add up to {end} bytes"
        )


def attach(
    address: str = "127.0.0.1:0",
    rom: RomLike | None = None,
    *,
    port: int | None = None,
    token: str | None = None,
    timeout: float | None = None,
) -> FceuxEmulator:
    """Drive a FCEUX that a person started, with fceux.lua loaded by hand.

    The script shows address and token in FCEUX's Lua window. `rom` is the game that runs there: a
    Rom or a path; it is checked against what FCEUX runs. Closing leaves FCEUX running.
    """
    if port is not None:
        address = f"{address.rpartition(':')[0]}:{port}"
    if rom is None:
        raise InputError("attach: say which game runs there: rom='game.nes'")
    return FceuxEmulator(as_rom(rom), attach=address, token=token, timeout=timeout)


def script_path() -> Path:
    """Where fceux.lua is, for FCEUX's menu (File, Load Lua Script)."""
    return Path(__file__).with_name("fceux.lua")


def _ranges(addresses: npt.NDArray[np.int64]) -> list[Value]:
    """Start, length, start, length ... of the runs in sorted addresses."""
    if not len(addresses):
        return []
    breaks = np.flatnonzero(np.diff(addresses) != 1) + 1
    runs = np.split(addresses, breaks)
    return [number for run in runs for number in (int(run[0]), len(run))]


def _check_choices(call: str, **choices: tuple[object, object]) -> None:
    for name, (value, kind) in choices.items():
        allowed = get_args(kind)
        if value is not None and value not in allowed:
            raise InputError(f"{call}: {name}={value!r}; allowed are {', '.join(allowed)}")
