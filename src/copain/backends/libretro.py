"""Libretro cores in this process, through the native host.

Every instance has its own copy of the core's library, so any number live beside each other, on
any threads. Power-on is the same bytes for all of them: memory is filled before the core loads,
an NES gets FCEUX's power-on RAM (four 00, four FF, repeated), and `power_on` comes back to the
savestate taken there.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Generator, Mapping, Sequence
from fractions import Fraction
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.backends.cores import CoreFile, find_core, systems_of
from copain.backends.libretro_copies import LibretroCopies
from copain.emulator import OfOneKind, Picture, check_frames
from copain.errors import (
    EmulatorClosed,
    EmulatorCrashed,
    InputError,
    RomError,
    SavestateError,
)
from copain.joypad import IDLE, Button, Held, check_input_log, held_bits
from copain.memory import Bytes, Domains, Memory
from copain.rollout import RolloutBatch, Trajectory, check_jobs, check_watch
from copain.rom import Rom
from copain.savestate import Savestate, SavestateHeader, check_savestate
from copain.system import ATARI2600, GENESIS, NES, System

# libretro.h, RETRO_DEVICE_ID_JOYPAD_*: the numbers of the RetroPad's buttons.
_B, _Y, _SELECT, _START, _UP, _DOWN, _LEFT, _RIGHT, _A, _X, _L, _R = range(12)
_RETROPAD: dict[Button, int] = {
    Button.A: _A, Button.B: _B, Button.X: _X, Button.Y: _Y, Button.L: _L, Button.R: _R,
    Button.SELECT: _SELECT, Button.START: _START,
    Button.UP: _UP, Button.DOWN: _DOWN, Button.LEFT: _LEFT, Button.RIGHT: _RIGHT,
}  # fmt: skip
# https://docs.libretro.com/library/genesis_plus_gx/ and /picodrive/: A is the RetroPad's Y ...
_RETROPAD_GENESIS = _RETROPAD | {
    Button.A: _Y, Button.B: _B, Button.C: _A, Button.X: _L, Button.Y: _X, Button.Z: _R,
}  # fmt: skip
# https://docs.libretro.com/library/stella/: the fire button is the RetroPad's B.
_RETROPAD_ATARI2600 = _RETROPAD | {Button.A: _B}

_JOYPAD = 1  # RETRO_DEVICE_JOYPAD

_MAX_SLOTS = 2**31 - 1  # slots are int32

# retro_get_memory_data: RETRO_MEMORY_*.
_SYSTEM_RAM = 2
_DOMAINS = {"ram": _SYSTEM_RAM, "save_ram": 0, "rtc": 1, "video_ram": 3}


class LibretroEmulator:
    """A libretro core in this process, with one game in it.

    An `Emulator` that also has a screen, sound, a reset button, a live view of its RAM, rollouts
    and fleets. An instance may be used from any thread, by one at a time.
    """

    def __init__(
        self,
        rom: Rom,
        core: str | os.PathLike[str] | None = None,
        options: Mapping[str, str] | None = None,
        devices: Mapping[int, str | int] | None = None,
    ) -> None:
        """Load `core` (a name, a path, or the best one found) and the ROM into it.

        `options` are the core's own, by key; `devices` puts a controller on a port (counted from
        0), by the name or number that `controllers` lists. Raises EmulatorMissing when there is
        no such core, RomError when it does not play this system, EmulatorCrashed when it is not
        a core or refuses the game, InputError for options or devices that do not exist.
        """
        self._file = find_core(core, rom.system)
        self._rom = rom
        # Kept, as `advance` needs them on every frame.
        self._ports, self._button_bits = rom.system.ports, rom.system.button_bits
        self._options = dict(options or {})
        self._devices = dict(devices or {})
        self._frame = 0
        self._folder = tempfile.TemporaryDirectory(prefix="copain-core-")
        self._open: _native.Core | None = None
        try:
            self._open = self._load()
            self._start()
        except BaseException:
            self.close()
            raise

    def _load(self) -> _native.Core:
        call = f"copain.open({self._rom.name!r}, core={self._file.name!r})"
        with _crashes(call):
            core = _native.Core(str(self._file.path), self._folder.name, self._folder.name)
        self._version = core.info.version.strip()
        systems = systems_of(self._file, core.info.extensions)
        if self._rom.system not in systems:
            raise RomError(
                f"{call}: the core plays {', '.join(s.title for s in systems) or 'other systems'}"
                f", not {self._rom.system.title}"
            )
        declared = {option.key: option for option in core.options}
        preset: Mapping[str, str] = self._file.known.options if self._file.known else {}
        for key, value in preset.items():
            # Versions of a core differ in the options they have.
            if key in declared and value in declared[key].values:
                core.set_option(key, value)
        if declared:  # else the core declares them as it loads, and the native host checks them
            self._check_options(declared, call)
        for key, value in self._options.items():
            core.set_option(key, value)
        pads = {GENESIS: _RETROPAD_GENESIS, ATARI2600: _RETROPAD_ATARI2600}
        pad = pads.get(self._rom.system, _RETROPAD)
        core.set_buttons([pad.get(button, -1) for button in Button])
        sizes: Mapping[str, int] = self._file.known.ram_sizes if self._file.known else {}
        if self._rom.system.name in sizes:
            core.limit_ram(sizes[self._rom.system.name])
        path = self._rom.path
        with _crashes(call, core):
            core.load_game("" if path is None else str(path), self._rom.data)
        return core

    def _start(self) -> None:
        core = self.native
        for port, device in self._devices.items():
            core.set_device(port, self._device(port, device))
        for port in set(range(self._rom.system.ports)) - set(self._devices):
            core.set_device(port, _JOYPAD)  # nestopia plugs nothing in by itself
        self._memory = self._domains(core)
        if self._rom.system is NES and len(self.ram) == 0x800:
            core.write_memory(_SYSTEM_RAM, 0, b"\0\0\0\0\xff\xff\xff\xff" * 0x100)
        with _crashes("power_on"):
            self._root = core.save_state()
            self._first_picture = self._undrawn(core)
        self._pool: _native.Pool | None = None

    # What it is

    @property
    def name(self) -> str:
        """``libretro:`` and the core's short name."""
        return f"libretro:{self._file.name}"

    @property
    def version(self) -> str:
        """The version that the core's library gives."""
        return self._version

    @property
    def core(self) -> CoreFile:
        """The core's library."""
        return self._file

    @property
    def system(self) -> System:
        """The ROM's system."""
        return self._rom.system

    @property
    def rom(self) -> Rom:
        """The game."""
        return self._rom

    @property
    def boot_offset(self) -> int | None:
        """Frames that its boot is longer than FCEUX's; None where that is not known."""
        return self._file.known.boot_offset if self._file.known else None

    @property
    def frame(self) -> int:
        """Frames emulated since `power_on`."""
        self._check_open()
        return self._frame

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second: the system's exact rate, or the core's own in another region."""
        rate = self.native.frame_rate
        exact = self._rom.system.frame_rate
        # Cores give rounded figures; a PAL game is 10 away, a rounded NTSC one less than 0.1.
        return exact if abs(rate - exact) < 0.2 else Fraction(rate).limit_denominator(1_000_000)

    @property
    def region(self) -> str:
        """``ntsc`` or ``pal``."""
        return self.native.region

    @property
    def options(self) -> dict[str, _native.CoreOption]:
        """The core's options by key: description, values, default, value."""
        return {option.key: option for option in self.native.options}

    @property
    def controllers(self) -> list[list[tuple[str, int]]]:
        """For each port, the devices that the core offers: (name, number)."""
        return self.native.controllers

    @property
    def log(self) -> list[str]:
        """The last lines that the core logged."""
        return self.native.log

    # Memory

    @property
    def ram(self) -> Memory:
        """The work RAM."""
        self._check_open()
        return self._memory["ram"]

    @property
    def memory(self) -> Mapping[str, Memory]:
        """``ram``, and where the core has them ``save_ram``, ``rtc``, ``video_ram``, and the
        regions of its memory map as ``map:`` and their address, such as ``map:0x6000``.
        """
        self._check_open()
        return self._memory

    def live_ram(self) -> Bytes:
        """A read-only view of the work RAM, ``uint8 (ram_size,)``, without copying.

        The core owns the memory. The view keeps the core loaded, also after `close`, when it no
        longer changes. Take a new one after `load_state` on cores that move their RAM.
        """
        return self.native.view_memory(_SYSTEM_RAM)

    # Picture and sound

    @property
    def screen(self) -> Picture:
        """The last emulated frame's picture, a copy: ``uint8 (height, width, 3)``.

        Before the first frame it is black; `load_state` leaves it as it was.
        """
        picture = self.native.screen
        if self._frame == 1 and self._first_picture is not None:
            return self._first_picture.copy()
        return picture

    @property
    def audio(self) -> npt.NDArray[np.int16]:
        """The samples of the last `advance`, a copy: ``int16 (samples, 2)``."""
        return self.native.audio

    @property
    def sample_rate(self) -> float:
        """Samples a second."""
        return self.native.sample_rate

    @property
    def aspect_ratio(self) -> float:
        """Width over height as the picture is meant to be shown."""
        return self.native.aspect_ratio

    # The clock

    def power_on(self) -> None:
        """Come back to frame 0; the same bytes each time, in every instance."""
        with _crashes("power_on"):
            self.native.load_state(self._root)
        self._frame = 0

    def soft_reset(self) -> None:
        """Press the reset button. `frame` goes on counting."""
        with _crashes("soft_reset"):
            self.native.reset()

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        """Emulate `frames` frames with the same buttons held."""
        core = self.native
        bits = held_bits(held, self._ports, self._button_bits)
        frames = check_frames(frames)
        try:  # not `with _crashes`: this is the hot path
            core.advance(bits, frames)
        except _native.CoreError as error:
            raise EmulatorCrashed(f"advance: {error}") from None
        except BaseException:  # Ctrl-C ends a long advance between two frames
            self._frame += core.frames_run
            raise
        self._frame += frames

    def save_state(self) -> Savestate:
        """A savestate with bytes of its own."""
        with _crashes("save_state"):
            payload = self.native.save_state()
        return Savestate(self.savestate_header(self._frame), payload)

    def load_state(self, state: Savestate) -> None:
        """Come back to a savestate of this ROM, core and version."""
        core = self.native
        check_savestate(state, self.savestate_header(0))
        with _refusals("load_state"):
            core.load_state(state.payload)
        self._frame = state.frame

    # Many frames in one call

    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory:
        """Play `inputs` from `savestate` in one native call; see `copain.rollout`."""
        core = self.native
        system = self._rom.system
        log = check_input_log(inputs, system.ports, system.button_bits, "rollout")
        addresses = check_watch(watch, len(self.ram), "rollout")
        check_savestate(savestate, self.savestate_header(0))
        if self._pool is None:
            self._pool = _native.Pool(_slot_size(core), 2)
        with _refusals("rollout"):
            slot = self._pool.put(savestate.payload, savestate.frame)
            parents = np.array([slot], np.int32)
            try:
                batch = _rollout([core], self._pool, parents, log[None], addresses, len(self.ram))
                payload, frame = self._pool.get(int(batch.slots[0]))
                self._pool.free(batch.slots)
            finally:
                self._pool.free(parents)
        self._frame = frame
        return Trajectory(
            batch.watched[0], batch.ram[0], Savestate(self.savestate_header(frame), payload)
        )

    def open_fleet(self, workers: int) -> LibretroFleet:
        """`workers` new instances of the same core and game, for batches of rollouts."""
        self._check_open()
        if workers < 1:
            raise InputError(f"open_fleet(workers={workers}): at least 1 is needed")
        return LibretroFleet([self._again() for _ in range(workers)])

    def open_copies(self, count: int, workers: int) -> LibretroCopies:
        """`count` new instances of the same core and game, that play on together."""
        self._check_open()
        return LibretroCopies([self._again() for _ in range(count)], workers)

    def _again(self) -> LibretroEmulator:
        return LibretroEmulator(self._rom, self._file.path, self._options, self._devices)

    # The end

    def close(self) -> None:
        """Unload the core. Views of its memory stay readable."""
        if self._open is not None:
            self._open.close()
            self._open = None
        self._folder.cleanup()

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._open is None else f"frame {self._frame}"
        return f"<{self.name} {self._rom.name} {state}>"

    @property
    def native(self) -> _native.Core:
        """The native core, for benchmarks. Raises EmulatorClosed after `close`."""
        if self._open is None:
            raise EmulatorClosed(f"{self.name} ({self._rom.name}) was closed; open it again")
        return self._open

    def _check_open(self) -> None:
        _ = self.native

    def _undrawn(self, core: _native.Core) -> Picture | None:
        """The picture of frame 1, on a core that leaves there what it drew before."""
        if self._file.known is None or not self._file.known.first_frame_undrawn:
            return None
        core.advance([0] * self._rom.system.ports, 1)
        picture = core.screen
        core.load_state(self._root)
        return picture

    def savestate_header(self, frame: int) -> SavestateHeader:
        """The header that a savestate of this game and core has at `frame`."""
        return SavestateHeader(
            self._rom.system.name, self._rom.sha1, self.name, self._version, frame
        )

    def _check_options(self, declared: Mapping[str, _native.CoreOption], call: str) -> None:
        for key, value in self._options.items():
            option = declared.get(key)
            if option is None:
                raise InputError(
                    f"{call}: the core has no option {key!r}; "
                    f"its options are {', '.join(declared) or 'none'}"
                )
            if option.values and value not in option.values:
                raise InputError(
                    f"{call}: option {key} = {value!r}; allowed are {', '.join(option.values)}"
                )

    def _device(self, port: int, device: str | int) -> int:
        offered = self.native.controllers
        if not 0 <= port < max(len(offered), self._rom.system.ports):
            raise InputError(
                f"devices: there is no port {port}; ports are 0 to "
                f"{max(len(offered), self._rom.system.ports) - 1}"
            )
        if isinstance(device, int):
            return device
        names = dict(offered[port]) if port < len(offered) else {}
        if device not in names:
            raise InputError(
                f"devices: no {device!r} on port {port}; it takes {', '.join(names) or 'none'}"
            )
        return names[device]

    def _domains(self, core: _native.Core) -> Domains:
        domains = Domains(
            (name, Memory(name, core.memory_size(region), _Region(self, region)))
            for name, region in _DOMAINS.items()
            if name == "ram" or core.memory_size(region) > 0
        )
        for index, region in enumerate(core.memory_map):
            name = f"map:{region.address_space}{region.start:#x}"
            name = name if name not in domains else f"{name}:{index}"
            domains[name] = Memory(name, region.length, _MapRegion(self, index))
        return domains


class LibretroFleet(OfOneKind[LibretroEmulator]):
    """Many copies of one game on one core, batches of rollouts on threads; see `Fleet`."""

    def __init__(self, emulators: Sequence[LibretroEmulator]) -> None:
        """A fleet that owns these emulators, all alike."""
        self._emulators = list(emulators)
        self._first = emulators[0]
        self._ram_size = len(self._first.ram)

    @property
    def ram_size(self) -> int:
        """Bytes of work RAM."""
        return self._ram_size

    @property
    def workers(self) -> int:
        """Threads that play."""
        return len(self._emulators)

    def new_pool(self, capacity: int) -> LibretroPool:
        """A native pool for up to `capacity` savestates, its memory taken as it fills."""
        if capacity < 1:
            raise InputError(f"new_pool(capacity={capacity}): at least 1 is needed")
        if capacity > _MAX_SLOTS:
            raise InputError(f"new_pool(capacity={capacity}): {_MAX_SLOTS} is the most")
        return LibretroPool(self._first, capacity)

    def root(self) -> Savestate:
        """The savestate of power-on."""
        self._first.power_on()
        return self._first.save_state()

    def rollout(
        self,
        pool: LibretroPool,
        parents: npt.ArrayLike,
        inputs: npt.ArrayLike,
        *,
        keep: bool = True,
        watch: Sequence[int] | None = None,
        hash_mask: Bytes | None = None,
    ) -> RolloutBatch:
        """Play a batch on all threads; see `copain.rollout.Fleet.rollout`."""
        system = self.system
        log = check_input_log(inputs, system.ports, system.button_bits, "Fleet.rollout", 3)
        slots = check_jobs(parents, len(log), "Fleet.rollout")
        addresses = check_watch(watch, self._ram_size, "Fleet.rollout")
        mask = None if hash_mask is None else np.ascontiguousarray(hash_mask, np.uint8)
        if mask is not None and mask.shape != (self._ram_size,):
            raise InputError(
                f"Fleet.rollout: a hash mask of shape {mask.shape}; ({self._ram_size},) is needed"
            )
        cores = [emulator.native for emulator in self._emulators]
        with _refusals("Fleet.rollout"):
            return _rollout(
                cores, pool.native, slots, log, addresses, self._ram_size, keep=keep, mask=mask
            )

    def close(self) -> None:
        """Close all emulators of the fleet."""
        for emulator in self._emulators:
            emulator.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class LibretroPool:
    """Savestates of one game on one core as slots in native memory; see `Pool`."""

    def __init__(self, emulator: LibretroEmulator, capacity: int) -> None:
        """A pool for savestates of this emulator's game and core."""
        self.native = _native.Pool(_slot_size(emulator.native), capacity)
        self._emulator = emulator

    @property
    def capacity(self) -> int:
        """How many savestates it can hold."""
        return self.native.capacity

    @property
    def used(self) -> int:
        """How many it holds."""
        return self.native.used

    def put(self, savestate: Savestate) -> int:
        """Store a savestate; its slot."""
        header = self._emulator.savestate_header(0)
        check_savestate(savestate, header)
        with _refusals("Pool.put"):
            return self.native.put(savestate.payload, savestate.frame)

    def get(self, slot: int) -> Savestate:
        """The savestate in a slot, with bytes of its own."""
        with _refusals("Pool.get"):
            payload, frame = self.native.get(slot)
        return Savestate(self._emulator.savestate_header(frame), payload)

    def free(self, slots: npt.ArrayLike) -> None:
        """Give slots back."""
        given = np.atleast_1d(np.asarray(slots))
        with _refusals("Pool.free"):
            self.native.free(np.ascontiguousarray(given, np.int32))

    def pack(self, slots: npt.ArrayLike, reference: Savestate) -> Bytes:
        """Savestates as differences to one; see `copain.rollout.PacksSavestates`."""
        given = np.atleast_1d(np.asarray(slots))
        with _refusals("Pool.pack"):
            return _native.pack(
                self.native, np.ascontiguousarray(given, np.int32), reference.payload
            )

    def unpack(self, packed: Bytes, reference: Savestate) -> npt.NDArray[np.int32]:
        """Put back what `pack` gave; the slots."""
        check_savestate(reference, self._emulator.savestate_header(0))
        with _refusals("Pool.unpack"):
            return _native.unpack(self.native, packed, reference.payload)

    def put_on(
        self,
        shelf: _native.Shelf,
        slots: npt.NDArray[np.int32],
        ram: Bytes,
        rows: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Pack these rows of savestates and RAM onto a search's shelf: their numbers there."""
        with _refusals("Pool.put_on"):
            return shelf.put(self.native, slots, ram, rows)

    def take_from(
        self, shelf: _native.Shelf, numbers: npt.NDArray[np.int64], ram: Bytes
    ) -> npt.NDArray[np.int32]:
        """Unpack places of a shelf; their slots."""
        with _refusals("Pool.take_from"):
            return shelf.take(self.native, numbers, ram)


def _slot_size(core: _native.Core) -> int:
    # Savestates of some cores grow and shrink as the game goes on (nestopia: by tens of bytes).
    return core.serialize_size * 9 // 8 + 1024


class _Region:
    """Access to one of the core's memories by libretro's number."""

    __slots__ = ("_emulator", "_region")

    def __init__(self, emulator: LibretroEmulator, region: int) -> None:
        self._emulator = emulator
        self._region = region

    def read(self, address: int, length: int) -> bytes:
        return self._emulator.native.read_memory(self._region, address, length)

    def write(self, address: int, data: bytes) -> None:
        self._emulator.native.write_memory(self._region, address, data)


class _MapRegion:
    """Access to one region of the core's memory map."""

    __slots__ = ("_emulator", "_index")

    def __init__(self, emulator: LibretroEmulator, index: int) -> None:
        self._emulator = emulator
        self._index = index

    def read(self, address: int, length: int) -> bytes:
        return self._emulator.native.read_map(self._index, address, length)

    def write(self, address: int, data: bytes) -> None:
        self._emulator.native.write_map(self._index, address, data)


def _rollout(
    cores: Sequence[_native.Core],
    pool: _native.Pool,
    parents: npt.NDArray[np.int32],
    log: npt.NDArray[np.uint16],
    addresses: npt.NDArray[np.int64],
    ram_size: int,
    *,
    keep: bool = True,
    mask: Bytes | None = None,
) -> RolloutBatch:
    jobs, frames = len(log), int(log.shape[1])
    batch = RolloutBatch(
        ram=np.empty((jobs, ram_size), np.uint8),
        watched=np.empty((jobs, frames, len(addresses)), np.uint8),
        slots=np.full(jobs, -1, dtype=np.int32),
        hashes=np.empty(jobs, np.uint64),
    )
    _native.rollout(
        cores, pool, parents, log, keep, addresses, mask,
        batch.ram, batch.watched, batch.slots, batch.hashes,
    )  # fmt: skip
    return batch


def library_info(core: CoreFile) -> _native.LibraryInfo:
    """What a core's library says of itself. Raises EmulatorCrashed if it is not a core."""
    with tempfile.TemporaryDirectory(prefix="copain-core-") as folder, _crashes(core.name):
        loaded = _native.Core(str(core.path), folder, folder)
        info = loaded.info
        loaded.close()
        return info


@contextlib.contextmanager
def _crashes(call: str, core: _native.Core | None = None) -> Generator[None]:
    """The native host's errors as EmulatorCrashed, with the tail of the core's log."""
    try:
        yield
    except _native.CoreError as error:
        tail = "".join(f"\n  {line}" for line in (core.log[-5:] if core is not None else []))
        raise EmulatorCrashed(
            f"{call}: {error}" + (f"\nthe core said:{tail}" if tail else "")
        ) from None


@contextlib.contextmanager
def _refusals(call: str) -> Generator[None]:
    """The native host's errors about savestates as SavestateError."""
    try:
        yield
    except _native.CoreError as error:
        raise SavestateError(f"{call}: {error}") from None
