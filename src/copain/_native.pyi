"""The native module: runs frames, copies memory, runs batches on threads. No policy.

Checks only what keeps the process alive; messages for people are made by the callers.
Buttons arrive as copain's bits (`copain.joypad.Button`); `Core.set_buttons` says which RetroPad
button each bit is. Every call that emulates releases the GIL.
"""

from collections.abc import Callable, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

class CoreError(RuntimeError):
    """A library that is not a core, a refused game, a closed core, a failed call."""

class LibraryInfo:
    """What a core says of itself before a game is loaded (retro_get_system_info)."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def extensions(self) -> list[str]: ...
    @property
    def needs_path(self) -> bool: ...

class CoreOption:
    """One option that the core declares, in any of libretro's three formats."""

    @property
    def key(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def values(self) -> list[str]: ...
    @property
    def default(self) -> str: ...
    @property
    def value(self) -> str: ...

class MemoryRegion:
    """One descriptor of the core's memory map (RETRO_ENVIRONMENT_SET_MEMORY_MAPS)."""

    @property
    def address_space(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def length(self) -> int: ...
    @property
    def flags(self) -> int: ...

class Core:
    """One instance of a core with its own copy of the library.

    Any thread may use it, one at a time: a call while another thread is inside raises CoreError.
    Every member but `closed` and `close` raises CoreError after `close`, and those that need a
    game before `load_game`. What an instance does depends on its game, options and inputs alone:
    memory it allocates is zeroed, its C library's ``rand`` starts over at every call, and its
    clock stands still at the first second of 2000, UTC. After `os.fork` a child may use the
    instances it has inherited only if no other thread was inside one at that moment; open new
    ones.
    """

    def __init__(self, library: str, system_directory: str, save_directory: str) -> None:
        """Load a private copy of the library and initialise it. Raises CoreError."""

    @property
    def info(self) -> LibraryInfo: ...
    @property
    def options(self) -> list[CoreOption]:
        """All options declared so far (some cores declare them in load_game)."""

    def set_option(self, key: str, value: str) -> None:
        """Set an option's value; before `load_game` it may name one not declared yet."""

    def set_buttons(self, retropad: Sequence[int]) -> None:
        """For each of copain's 16 button bits, the RetroPad id (0-15) it presses, or -1."""

    def set_device(self, port: int, device: int) -> None:
        """retro_set_controller_port_device, after load_game."""

    def limit_ram(self, bytes: int) -> None:
        """Of system RAM only so many bytes are there, whatever the core claims."""

    def load_game(self, path: str, data: bytes) -> None:
        """Load the game, by path or by memory as the core asks. Raises CoreError if refused."""

    # after load_game
    @property
    def frame_rate(self) -> float: ...
    @property
    def sample_rate(self) -> float: ...
    @property
    def base_size(self) -> tuple[int, int]: ...  # width, height
    @property
    def aspect_ratio(self) -> float: ...
    @property
    def region(self) -> str: ...  # "ntsc" or "pal"
    @property
    def controllers(self) -> list[list[tuple[str, int]]]:
        """For each port, the (name, device id) pairs of RETRO_ENVIRONMENT_SET_CONTROLLER_INFO."""

    def advance(self, held: Sequence[int], frames: int) -> None:
        """Run frames with the same bits held, one integer (0 to 65535) a port, at most 8.

        A Python signal handler that raises (Ctrl-C) ends it between two frames.
        """

    @property
    def frames_run(self) -> int:
        """Frames that the last `advance` ran: fewer than asked for if something ended it."""

    def reset(self) -> None: ...
    def save_state(self) -> bytes: ...
    def load_state(self, data: bytes) -> None:
        """Raises CoreError if the core refuses.

        Most cores look at the length and a few bytes only, and take over what they are given:
        check that the bytes are whole before. After a refusal the machine may be half loaded.
        The screen stays that of the last frame run.
        """

    def memory_size(self, region: int) -> int:
        """Size of retro memory id `region` (0 save RAM, 1 RTC, 2 system RAM, 3 video RAM)."""

    def read_memory(self, region: int, address: int, length: int) -> bytes: ...
    def read_byte(self, region: int, address: int) -> int:
        """One byte, the fast way for `nes.ram[0x20]`."""

    def write_memory(self, region: int, address: int, data: bytes) -> None: ...
    @property
    def memory_map(self) -> list[MemoryRegion]: ...
    def read_map(self, index: int, address: int, length: int) -> bytes: ...
    def write_map(self, index: int, address: int, data: bytes) -> None: ...
    def view_memory(self, region: int) -> npt.NDArray[np.uint8]:
        """A read-only view; it keeps the core's library and memory alive, also after `close`.

        A core that moves its memory leaves the view on the old place: take a new one after
        `load_state`.
        """

    @property
    def screen(self) -> npt.NDArray[np.uint8]:
        """The last frame, uint8 (height, width, 3), a fresh copy; rotation applied.

        Black before the first frame. `rollout` of one job leaves its last frame here, one of
        many jobs nothing.
        """

    @property
    def audio(self) -> npt.NDArray[np.int16]:
        """Samples since the start of the last `advance`, int16 (n, 2), a fresh copy.

        Of a very long one the last twenty seconds at least; none after a `rollout`.
        """

    draws_in_rollouts: bool
    """Whether the core draws and mixes sound in rollouts (at first True).

    Cores that can do without (they ask by GET_AUDIO_VIDEO_ENABLE) are faster when it is False;
    some then skip what games can see, such as the flag for too many sprites.
    """

    @property
    def log(self) -> list[str]:
        """The last 200 lines that the core logged."""

    @property
    def serialize_size(self) -> int: ...
    @property
    def closed(self) -> bool: ...
    def close(self) -> None:
        """Unload, or, while views live or a call runs, as soon as the last one is gone."""

class Pool:
    """Savestates as slots of at most `slot_size` bytes, each with its length and frame.

    Any thread may use it; who comes while a rollout has it waits. Memory is taken as slots are
    first used, and kept.
    """

    def __init__(self, slot_size: int, capacity: int) -> None: ...
    @property
    def capacity(self) -> int: ...
    @property
    def slot_size(self) -> int: ...
    @property
    def used(self) -> int: ...
    def put(self, data: bytes, frame: int) -> int:
        """Store; the slot, lowest free first. Raises CoreError when full or too long."""

    def get(self, slot: int) -> tuple[bytes, int]:
        """The bytes and the frame. Raises CoreError for a slot not in use."""

    def free(self, slots: npt.NDArray[np.int32]) -> None:
        """Raises CoreError, and frees nothing, if one is not in use."""

def rollout(
    cores: Sequence[Core],
    pool: Pool,
    parents: npt.NDArray[np.int32],
    inputs: npt.NDArray[np.uint16],
    keep: bool,
    watch: npt.NDArray[np.int64],
    mask: npt.NDArray[np.uint8] | None,
    ram: npt.NDArray[np.uint8],
    watched: npt.NDArray[np.uint8],
    slots: npt.NDArray[np.int32],
    hashes: npt.NDArray[np.uint64],
) -> None:
    """Play inputs[b] (B, T, ports) from pool slot parents[b] on len(cores) threads.

    Fills ram (B, ram_size), watched (B, T, W), slots (B,), hashes (B,); all arrays C-contiguous
    and of exactly these types (TypeError otherwise). hashes as `copain.rollout.ram_hash`. slots
    are -1 unless `keep`. They are allotted in job order before the first frame, so that the
    result does not depend on the threads. A Python signal handler that raises ends it between
    two jobs. Raises CoreError, and leaves the pool as it was, for shapes that do not fit, a bad
    parent, an address outside of RAM, a full pool, or a core that refuses one of its savestates.
    """

def time_advance(
    core: Core, inputs: npt.NDArray[np.uint16], region: int, address: int
) -> tuple[float, int]:
    """The C loop that benchmarks compare against: for each row of inputs one retro_run, one byte
    of memory read. Seconds, and the sum of the bytes.
    """

def time_rollout(
    core: Core,
    states: Sequence[bytes],
    parents: npt.NDArray[np.int32],
    inputs: npt.NDArray[np.uint16],
) -> tuple[float, int]:
    """The C loop of load, T frames, copy RAM, save, for each job. Seconds, and a checksum."""

# Colibri, our own NES core -------------------------------------------------------------------

COLIBRI_VERSION: str
"""The version of its savestates."""

class CartridgeError(ValueError):
    """A ROM file that is none, is cut short, or asks for a mapper that is not known."""

class Cartridge:
    """A ROM file, read once and shared by all machines that play it."""

    def __init__(self, data: bytes) -> None:
        """Raises CartridgeError."""

    @property
    def mapper(self) -> int: ...
    @property
    def mapper_name(self) -> str: ...
    @property
    def region(self) -> int: ...  # 0 NTSC, 1 PAL, 2 Dendy, as the header says
    @property
    def hash(self) -> int:
        """What names the game in a savestate."""

class Hook:
    """A function called as a machine runs: ``function(address, value)``, or of a trace
    ``function(line)``.
    """

    def __init__(self, kind: str, first: int, last: int, function: Callable[..., object]) -> None:
        """`kind` is execute, read, write or trace; addresses are those on the CPU's bus."""

    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...
    active: bool
    """Whether it is called; may be set at any time."""

class TraceFile:
    """A file of instructions as they run. Raises CoreError where it cannot be written."""

    def __init__(self, path: str) -> None: ...
    @property
    def lines(self) -> int: ...
    def close(self) -> None:
        """Close the file; may be called again."""

class Machine:
    """One NES with a cartridge in it.

    Any thread may use it, one at a time: a call while another thread is inside raises CoreError;
    hooks come back into it. Every member but `closed` and `close` raises CoreError after `close`.
    What is said of picture and sound: native/colibri/console.h.
    """

    def __init__(
        self,
        cartridge: Cartridge,
        region: int | None = None,
        four_score: bool = False,
        ram: int = 0,
        ram_seed: int = 0,
    ) -> None:
        """Power on. `region` as the cartridge says unless given; `ram` is FCEUX's RAMInitOption."""

    def advance(
        self,
        held: Sequence[int],
        frames: int,
        hooks: Sequence[Hook] | None = None,
        trace: TraceFile | None = None,
    ) -> None:
        """Run frames with the same bits held, one integer a port, at most 4.

        What a hook raises comes out, amid the frame; so does what a signal handler raises, between
        two frames. Raises CoreError in a hook.
        """

    def play(
        self,
        inputs: npt.NDArray[np.uint16],
        watch: npt.NDArray[np.int64],
        watched: npt.NDArray[np.uint8],
    ) -> None:
        """Run a frame for each row of inputs (T, ports); fills watched (T, W). No hooks."""

    def power_on(self) -> None: ...
    def soft_reset(self) -> None: ...
    def save_state(self) -> bytes: ...
    def load_state(self, data: bytes) -> None:
        """Raises CoreError, which says why, for what is no savestate of this game and options.

        In a hook it ends the frame.
        """

    @property
    def state_size(self) -> int: ...
    @property
    def frame(self) -> int: ...
    @property
    def lagged(self) -> bool: ...
    @property
    def lag_count(self) -> int: ...
    @property
    def cycles(self) -> int: ...
    @property
    def instructions(self) -> int: ...
    @property
    def region(self) -> int: ...
    skips_idle: bool
    """Whether loops that only wait are jumped over; what is emulated is the same."""

    def memory_size(self, domain: str) -> int:
        """Of ram, save_ram, chr_ram, nametables, extra_nametables, palette, oam, cpu or ppu; 0 for
        what the cartridge has not.
        """

    def read_memory(self, domain: str, address: int, length: int) -> bytes: ...
    def read_byte(self, address: int) -> int:
        """One byte of RAM."""

    def write_memory(self, domain: str, address: int, data: bytes) -> None: ...
    def view_ram(self) -> npt.NDArray[np.uint8]:
        """A read-only view; it keeps the machine alive, also after `close`."""

    def screen(self, palette: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The last frame, uint8 (240, 256, 3), by a palette of uint8 (512, 3)."""

    @property
    def picture(self) -> npt.NDArray[np.uint16]:
        """The last frame, uint16 (240, 256): colour in bits 0-5, emphasis in bits 6-8."""

    @property
    def audio(self) -> npt.NDArray[np.int16]:
        """Samples of the last `advance`, int16 (n, 2); of a long one its last 20 seconds."""

    @property
    def sample_rate(self) -> float: ...
    @property
    def registers(self) -> tuple[int, int, int, int, int, int]: ...  # pc, a, x, y, s, p
    @registers.setter
    def registers(self, values: tuple[int, int, int, int, int, int]) -> None: ...
    @property
    def ppu_registers(self) -> tuple[int, int, int, int, int, int, int, int]:
        """PPUCTRL, PPUMASK, PPUSTATUS, v, t, fine X, w, and the dot in the frame."""

    def disassemble(self, address: int) -> tuple[bytes, str]:
        """The instruction at an address, as memory is now: its bytes, its text."""

    @property
    def closed(self) -> bool: ...
    def close(self) -> None: ...

class StatePool:
    """Savestates of one game with its options as slots, in which machines run.

    Any thread may use it; who comes while a rollout has it waits.
    """

    def __init__(
        self,
        cartridge: Cartridge,
        capacity: int,
        region: int | None = None,
        four_score: bool = False,
    ) -> None: ...
    @property
    def capacity(self) -> int: ...
    @property
    def used(self) -> int: ...
    @property
    def slot_size(self) -> int: ...
    def put(self, data: bytes) -> int:
        """Store; the slot, lowest free first. Raises CoreError when full or no savestate of it."""

    def get(self, slot: int) -> tuple[bytes, int]:
        """The bytes and the frame. Raises CoreError for a slot not in use."""

    def free(self, slots: npt.NDArray[np.int32]) -> None:
        """Raises CoreError, and frees nothing, if one is not in use."""

class RamSight:
    """What is seen of RAM; see `copain.sight.RamSight`."""

    def __init__(
        self,
        numbers: Sequence[tuple[int, int, int, bool, bool, int]],
        features: Sequence[tuple[int, bool, float, float]],
        kept: int,
    ) -> None:
        """Numbers: address, length, type (0 plain, 1 negative, 2 bcd, 3 digits), big, swapped,
        mask (-1: all bits). Features: index, equals, low, scale.
        """

    def look(
        self, ram: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """The numbers that are kept, and the features, of one RAM."""

class Seen:
    """What is to be seen, and where it goes; see `copain.copies.Seen`. Holds the arrays."""

    def __init__(
        self,
        ram: npt.NDArray[np.uint8],
        sight: RamSight | None,
        numbers: npt.NDArray[np.int64] | None,
        features: npt.NDArray[np.float32] | None,
        features_given: npt.NDArray[np.float32] | None,
        grey: npt.NDArray[np.uint8] | None,
        grey_given: npt.NDArray[np.uint8] | None,
        screen: npt.NDArray[np.uint8] | None,
        fresh: bool,
    ) -> None: ...

def shrunk(grey: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """A grey picture in another size; see `copain.sight.shrunk`."""

def play_copies(
    cores: Sequence[Core],
    workers: int,
    rows: npt.NDArray[np.int32],
    inputs: npt.NDArray[np.uint16],
    seen: Seen,
) -> None:
    """Play ``inputs`` (``uint16 (B, T, ports)``) on these of the cores, on threads."""

class MachineCopies:
    """Machines of one game that play on, each in a block of its own. One call at a time."""

    def __init__(
        self,
        cartridge: Cartridge,
        count: int,
        workers: int,
        palette: npt.NDArray[np.uint8],
        region: int | None = None,
        four_score: bool = False,
        ram: int = 0,
        ram_seed: int = 0,
    ) -> None:
        """``palette``: ``uint8 (512, 3)``, see `Machine.screen`."""

    def set_skips_idle(self, skips: bool) -> None: ...
    def load(self, rows: npt.NDArray[np.int32], states: Sequence[bytes]) -> None:
        """Take copies to states; all or none."""

    def save(self, row: int) -> tuple[bytes, int]:
        """A copy's state, and its frame."""

    def play(self, rows: npt.NDArray[np.int32], inputs: npt.NDArray[np.uint16], seen: Seen) -> None:
        """Play ``inputs`` (``uint16 (B, T, ports)``) on these copies, on all threads."""

class MachineFleet:
    """Machines of one game, one a thread. One rollout at a time; others wait."""

    def __init__(
        self,
        cartridge: Cartridge,
        workers: int,
        region: int | None = None,
        four_score: bool = False,
        ram: int = 0,
        ram_seed: int = 0,
    ) -> None: ...
    @property
    def workers(self) -> int: ...
    def set_skips_idle(self, skips: bool) -> None: ...
    def rollout(
        self,
        pool: StatePool,
        parents: npt.NDArray[np.int32],
        inputs: npt.NDArray[np.uint16],
        keep: bool,
        watch: npt.NDArray[np.int64],
        mask: npt.NDArray[np.uint8] | None,
        ram: npt.NDArray[np.uint8],
        watched: npt.NDArray[np.uint8],
        slots: npt.NDArray[np.int32],
        hashes: npt.NDArray[np.uint64],
        drawn: int = 0,
    ) -> None:
        """As the function `rollout` above, on as many threads as there are workers.

        ``drawn``: so many frames at the end are drawn, which nobody sees; for benchmarks.
        """

    def time_rollout(
        self,
        states: Sequence[bytes],
        parents: npt.NDArray[np.int32],
        inputs: npt.NDArray[np.uint16],
        drawn: bool = False,
    ) -> tuple[float, int]:
        """The C++ loop of load, T frames, copy RAM, save, for each job. Seconds, a checksum.

        ``drawn``: every frame is drawn.
        """

class SeenTable:
    """Places by their RAM hash, and the best score that each was come to with."""

    def __init__(self, most: int = 0, folder: str = "") -> None:
        """What does not fit into `most` bytes of memory is in files in `folder`, if given."""

    def __len__(self) -> int: ...
    @property
    def bytes(self) -> int:
        """The memory it takes."""

    @property
    def spilled(self) -> int:
        """What of it is in files, in bytes."""

    def improve(
        self,
        hashes: npt.NDArray[np.uint64],
        scores: npt.NDArray[np.int64],
        improved: npt.NDArray[np.bool_],
        older: SeenTable | None = None,
    ) -> None:
        """Note the rows at a new place, or at a known one with a higher score; say which.

        Of rows of one batch at the same place the best is taken, of equal ones the first. What
        `older` knows as well or better is no news. Raises CoreError when the disk is full.
        """

class Shelf:
    """Savestates with their RAM, packed as differences to each other. One thread at a time.

    All raise CoreError: for a place that is not there, a full pool, a full disk.
    """

    def __init__(self, ram_size: int, most: int = 0, folder: str = "") -> None:
        """What does not fit into `most` bytes of memory is in a file in `folder`, if given."""

    def __len__(self) -> int: ...
    @property
    def bytes(self) -> int:
        """The memory it takes."""

    @property
    def spilled(self) -> int:
        """What of it is in the file, in bytes."""

    @property
    def packed(self) -> int:
        """The bytes of all that is packed."""

    def put(
        self,
        pool: Pool | StatePool | npt.NDArray[np.uint8],
        slots: npt.NDArray[np.int32],
        ram: npt.NDArray[np.uint8],
        rows: npt.NDArray[np.int64],
    ) -> npt.NDArray[np.int64]:
        """Pack these rows of `slots` and `ram`; their numbers. An array has a savestate a row."""

    @overload
    def take(
        self,
        pool: Pool | StatePool,
        numbers: npt.NDArray[np.int64],
        ram: npt.NDArray[np.uint8],
    ) -> npt.NDArray[np.int32]:
        """Unpack into new slots of a pool, in order; `ram` is written."""

    @overload
    def take(
        self,
        states: npt.NDArray[np.uint8],
        slots: npt.NDArray[np.int32],
        numbers: npt.NDArray[np.int64],
        ram: npt.NDArray[np.uint8],
    ) -> None:
        """Unpack into these rows of an array."""

    def ram(self, numbers: npt.NDArray[np.int64], ram: npt.NDArray[np.uint8]) -> None:
        """Unpack RAM alone."""

    def drop(self, numbers: npt.NDArray[np.int64]) -> None:
        """Places that are not needed any more."""

def pack(
    pool: Pool | StatePool, slots: npt.NDArray[np.int32], reference: bytes
) -> npt.NDArray[np.uint8]:
    """The savestates in these slots with their frames, as differences to `reference`.

    ``uint8 (n,)``. Raises CoreError for a slot not in use.
    """

def unpack(
    pool: Pool | StatePool, packed: npt.NDArray[np.uint8], reference: bytes
) -> npt.NDArray[np.int32]:
    """Put back what `pack` gave, with the same reference: the slots, in order.

    Raises CoreError, and puts nothing, when there is no room or the bytes are damaged. What is
    no savestate of the game is found by a StatePool, not by a Pool.
    """

def pack_rows(rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Rows of one size, ``uint8 (rows, size)``, as differences to the first: ``uint8 (n,)``."""

def unpack_rows(packed: npt.NDArray[np.uint8], rows: npt.NDArray[np.uint8]) -> None:
    """Write what `pack_rows` gave into `rows`. Raises CoreError when the bytes are damaged."""
