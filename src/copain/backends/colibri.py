"""Colibri, copain's own NES core, in this process: made for search, and open on all sides.

What it is and when to take another one: docs/guides/colibri.md. Hooks, registers and traces are in
`colibri_debug`, what the PPU holds as pictures in `colibri_viewers`, fleets in `colibri_fleet`.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType, TracebackType
from typing import Literal, Self, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from copain import _native
from copain.backends.colibri_copies import ColibriCopies
from copain.backends.colibri_debug import Debugging
from copain.backends.colibri_fleet import NAME, RAM_SIZE, VERSION, ColibriFleet, Game
from copain.backends.colibri_palette import PALETTE
from copain.emulator import Picture, check_frames
from copain.errors import (
    EmulatorClosed,
    InputError,
    MemoryRangeError,
    RomError,
    SavestateError,
)
from copain.joypad import IDLE, Held, check_input_log, held_bits
from copain.memory import Bytes, Domains, Memory
from copain.rollout import Trajectory, check_watch
from copain.rom import Rom
from copain.savestate import Savestate, check_savestate
from copain.system import NES, System

Region: TypeAlias = Literal["ntsc", "pal", "dendy"]
RamInit: TypeAlias = Literal["default", "ff", "00", "random"]

_REGIONS: tuple[Region, ...] = get_args(Region)  # numbered as the native side does
_RAM_INITS: tuple[RamInit, ...] = get_args(RamInit)  # and as FCEUX's RAMInitOption does
# https://www.nesdev.org/wiki/Cycle_reference_chart: PAL and Dendy have a master clock of
# 26.6017125 MHz, 5 clocks a dot, 341 dots, 312 lines, and no short line.
_PAL_RATE = Fraction(266017125, 10 * 5 * 341 * 312)

_DOMAINS = (
    "ram", "save_ram", "chr_ram", "nametables", "extra_nametables", "palette", "oam", "cpu", "ppu",
)  # fmt: skip

# A ROM is read once and shared by all machines that play it, as long as there is one.
_cartridges: weakref.WeakValueDictionary[str, _native.Cartridge] = weakref.WeakValueDictionary()


def insert_cartridge(rom: Rom) -> _native.Cartridge:
    """The cartridge in a ROM. Raises RomError, which says why, where Colibri cannot play it."""
    if rom.system is not NES:
        raise RomError(f"colibri: this is a {rom.system} ROM; Colibri plays the NES")
    cartridge = _cartridges.get(rom.sha1)
    if cartridge is None:
        try:
            cartridge = _native.Cartridge(rom.data)
        except _native.CartridgeError as error:
            raise RomError(f"colibri: {rom.path or rom.name}: {error}") from None
        _cartridges[rom.sha1] = cartridge
    return cartridge


class ColibriEmulator(Debugging):
    """An NES with one game in it.

    An `Emulator` with all of copain's capabilities. The picture and the sound are made when they
    are asked for, and cost nothing else. An instance may be used from any thread, by one at a
    time.
    """

    name = NAME
    version = VERSION
    boot_offset = 0
    """Frames after which a movie's first line is played: as in FCEUX, none."""

    def __init__(
        self,
        rom: Rom,
        region: Region | None = None,
        ram_init: RamInit = "default",
        ram_seed: int = 0,
        four_score: bool = False,
        idle_skip: bool = True,
    ) -> None:
        """Power an NES on with this ROM.

        - `region`: the console's; as the ROM's header says unless given.
        - `ram_init`: what RAM holds at power-on: FCEUX's pattern (four 00, four FF), all FF, all
          00, or random bytes from `ram_seed` (FCEUX's RAMInitOption 0 to 3).
        - `four_score`: the adapter for four joypads.
        - `idle_skip`: jump over loops that only wait. What is emulated is the same.

        Raises RomError for a ROM it cannot play, InputError for options that do not exist.
        """
        cartridge = insert_cartridge(rom)
        call = f"copain.open({rom.name!r}, emulator='colibri')"
        if region is not None and region not in _REGIONS:
            raise InputError(f"{call}: region={region!r}; {', '.join(_REGIONS)} are allowed")
        if ram_init not in _RAM_INITS:
            raise InputError(f"{call}: ram_init={ram_init!r}; {', '.join(_RAM_INITS)} are allowed")
        if not 0 <= ram_seed < 1 << 32:
            raise InputError(f"{call}: ram_seed={ram_seed}; 0 to {(1 << 32) - 1} is allowed")
        self._rom = rom
        self._system = dataclasses.replace(NES, ports=4) if four_score else NES
        # Kept, as `advance` needs them on every frame.
        self._ports, self._button_bits = self._system.ports, self._system.button_bits
        self._game = Game(
            rom, self._system, cartridge,
            cartridge.region if region is None else _REGIONS.index(region),
            four_score, _RAM_INITS.index(ram_init), ram_seed,
        )  # fmt: skip
        self._machine: _native.Machine | None = self._game.new_machine()
        self._machine.skips_idle = idle_skip
        super().__init__(self._game)
        self._memory: Mapping[str, Memory] = MappingProxyType(
            Domains(
                (name, Memory(name, size, _Domain(self, name)))
                for name in _DOMAINS
                if (size := self._machine.memory_size(name))
            )
        )

    # What it is

    @property
    def system(self) -> System:
        """The NES; with a four-score, of four ports."""
        return self._system

    @property
    def rom(self) -> Rom:
        """The game."""
        return self._rom

    @property
    def region(self) -> Region:
        """``ntsc``, ``pal`` or ``dendy``."""
        return _REGIONS[self.native.region]

    @property
    def mapper(self) -> tuple[int, str]:
        """The number and the name of the cartridge's mapper."""
        return self._game.cartridge.mapper, self._game.cartridge.mapper_name

    @property
    def frame_rate(self) -> Fraction:
        """Frames a second of the region."""
        return NES.frame_rate if self.region == "ntsc" else _PAL_RATE

    # Where it stands

    @property
    def frame(self) -> int:
        """Frames emulated since `power_on`."""
        return self.native.frame

    @property
    def lagged(self) -> bool:
        """Whether the last frame was a lag frame."""
        return self.native.lagged

    @property
    def lag_count(self) -> int:
        """Lag frames since `power_on`."""
        return self.native.lag_count

    @property
    def ram(self) -> Memory:
        """The work RAM, 2048 bytes."""
        return self.memory["ram"]

    @property
    def memory(self) -> Mapping[str, Memory]:
        """All memory: ``ram``; ``save_ram`` (at $6000), ``chr_ram`` and ``extra_nametables`` where
        the cartridge has them; ``nametables``, ``palette`` and ``oam`` of the PPU; and ``cpu`` and
        ``ppu``, what is seen on the two buses.

        Reading has no effects. Of ``cpu`` RAM and save RAM can be written, of ``ppu`` all that is
        no ROM.
        """
        _ = self.native
        return self._memory

    def live_ram(self) -> Bytes:
        """A read-only view of the work RAM; after `close` it stays as it was."""
        return self.native.view_ram()

    @property
    def screen(self) -> Picture:
        """The last frame's picture, a copy: ``uint8 (240, 256, 3)``.

        Before the first frame it is black; `load_state` leaves it as it was.
        """
        return self.native.screen(PALETTE)

    @property
    def audio(self) -> npt.NDArray[np.int16]:
        """The samples of the last `advance`, a copy: ``int16 (samples, 2)``.

        Of a very long one the last twenty seconds; none after a `rollout`. Both sides are the
        same. Who listens after every `advance` hears no seams.
        """
        return self.native.audio

    @property
    def sample_rate(self) -> float:
        """Samples a second."""
        return self.native.sample_rate

    # The clock

    def power_on(self) -> None:
        """Come back to frame 0; the same bytes each time."""
        with self._between_frames("power_on"):
            self.native.power_on()

    def soft_reset(self) -> None:
        """Press the reset button. `frame` goes on counting."""
        with self._between_frames("soft_reset"):
            self.native.soft_reset()

    def advance(self, held: Held = IDLE, *, frames: int = 1) -> None:
        """Emulate `frames` frames with the same buttons held.

        What a hook raises comes out of here, amid the frame; the next `advance` ends that frame.
        A hook that loads a savestate ends its frame there, and the further frames follow.
        """
        machine = self.native
        bits = held_bits(held, self._ports, self._button_bits)
        frames = check_frames(frames)
        if not self._hooks and self._trace is None:  # the hot path
            machine.advance(bits, frames)
        else:
            with self._between_frames("advance"):
                machine.advance(bits, frames, self._hooks, self._trace)

    def save_state(self) -> Savestate:
        """A savestate with bytes of its own. In hooks on a read or write there is none to take."""
        machine = self.native
        try:
            payload = machine.save_state()
        except _native.CoreError as error:
            raise SavestateError(f"save_state: {error}") from None
        return Savestate(self._game.header(machine.frame), payload)

    def load_state(self, state: Savestate) -> None:
        """Come back to a savestate of this ROM and version of Colibri; in a hook, too."""
        machine = self.native
        check_savestate(state, self._game.header(0))
        try:
            machine.load_state(state.payload)
        except _native.CoreError as error:
            raise SavestateError(f"load_state: {error}") from None

    # Many frames in one call

    def rollout(
        self, savestate: Savestate, inputs: npt.ArrayLike, watch: Sequence[int] = ()
    ) -> Trajectory:
        """Play `inputs` from `savestate` in one native call; see `copain.rollout`."""
        machine = self.native
        log = check_input_log(inputs, self._ports, self._button_bits, "rollout")
        addresses = check_watch(watch, RAM_SIZE, "rollout")
        self.load_state(savestate)
        watched = np.empty((len(log), len(addresses)), np.uint8)
        with self._between_frames("rollout"):
            machine.play(log, addresses, watched)
        return Trajectory(watched, self.ram.read_all(), self.save_state())

    def open_fleet(self, workers: int) -> ColibriFleet:
        """Machines of the same game with the same options, for batches of rollouts."""
        _ = self.native
        return ColibriFleet(self._game, workers)

    def open_copies(self, count: int, workers: int) -> ColibriCopies:
        """Copies of the same game with the same options, that play on together."""
        _ = self.native
        return ColibriCopies(self._game, count, workers)

    # The end

    def close(self) -> None:
        """End. Views of its RAM stay readable."""
        if self._machine is not None:
            self._machine.close()
            self._machine = None
            self._forget()

    def __enter__(self) -> Self:
        _ = self.native
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._machine is None else f"frame {self.frame}"
        return f"<{self.name} {self._rom.name} {state}>"

    @property
    def native(self) -> _native.Machine:
        """The native machine, for benchmarks. Raises EmulatorClosed after `close`."""
        if self._machine is None:
            raise EmulatorClosed(f"{self.name} ({self._rom.name}) was closed; open it again")
        return self._machine


class _Domain:
    """Access to one of the machine's memories."""

    __slots__ = ("_emulator", "_name")

    def __init__(self, emulator: ColibriEmulator, name: str) -> None:
        self._emulator = emulator
        self._name = name

    def read(self, address: int, length: int) -> bytes:
        return self._emulator.native.read_memory(self._name, address, length)

    def write(self, address: int, data: bytes) -> None:
        try:
            self._emulator.native.write_memory(self._name, address, data)
        except _native.CoreError as error:
            raise MemoryRangeError(f"{self._name}[{address:#x}]: {error}") from None
