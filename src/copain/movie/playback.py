"""Playback: a movie's inputs given to an emulator, from its anchor on.

A movie from power-on is written in FCEUX's time: its first line is FCEUX's first frame. An
emulator whose boot is shorter or longer than FCEUX's says so (`boot_offset`); that many lines
are dropped, or idle frames added, whenever the power comes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from copain.emulator import Emulator, HasSoftReset
from copain.errors import MovieError
from copain.joypad import FrameInput, Joypad
from copain.memory import Bytes
from copain.movie.movie import STABLE_RETRO, Command, Movie, RomIdentity
from copain.rollout import ram_hash
from copain.savestate import MAGIC, Savestate, SavestateHeader
from copain.system import NES, System


def boot_offset(emulator: Emulator) -> int:
    """How many frames this emulator's boot is longer than FCEUX's: its own attribute
    ``boot_offset``, or 0 where it has none or does not know.
    """
    offset: int | None = getattr(emulator, "boot_offset", None)
    return offset or 0


def play(
    movie: Movie,
    emulator: Emulator,
    on_frame: Callable[[int], None] | None = None,
    *,
    strict: bool = True,
) -> None:
    """Play `movie` from its anchor to its end; the emulator stands after the last frame.

    `on_frame` is called after each emulated frame with the number of movie frames played so
    far. With `strict` a movie of another ROM, region or power-on RAM is refused. Raises
    MovieError for these and for commands that the emulator does not have, before the first
    frame, and SavestateError when the anchor is not of this emulator.
    """
    for frame, emulated in play_frames(movie, emulator, strict=strict):
        if emulated and on_frame is not None:
            on_frame(frame)


def play_frames(
    movie: Movie, emulator: Emulator, *, strict: bool = True
) -> Iterator[tuple[int, bool]]:
    """`play` a frame at a time: movie frames played so far, and whether one was emulated.

    A line that the boot offset drops is a movie frame that is not emulated.
    """
    check_playable(movie, emulator, strict=strict)
    go_to_anchor(movie, emulator)
    commands = movie.commands.tolist()
    rows = map(tuple, movie.inputs[:, : emulator.system.ports].tolist())
    skip = _boot(emulator) if movie.savestate is None else 0
    for frame, (command, row) in enumerate(zip(commands, rows, strict=True), start=1):
        if command & Command.POWER:
            emulator.power_on()
            skip = _boot(emulator)
        if command & Command.SOFT_RESET and isinstance(emulator, HasSoftReset):
            emulator.soft_reset()
        if skip:
            skip -= 1
            yield frame, False
        else:
            emulator.advance(_held(row))
            yield frame, True


def _boot(emulator: Emulator) -> int:
    """Make up for a boot longer than FCEUX's; how many lines to drop for a shorter one."""
    offset = boot_offset(emulator)
    if offset > 0:
        emulator.advance(frames=offset)
    return max(0, -offset)


@cache
def _held(row: tuple[int, ...]) -> FrameInput:
    return FrameInput(tuple(Joypad.from_bits(bits) for bits in row))


def check_playable(movie: Movie, emulator: Emulator, *, strict: bool = True) -> None:
    """Raise MovieError, by name, when `movie` is not for this emulator."""
    what = f"this movie of {movie.rom.name or movie.system.title}"
    if movie.system.name != emulator.system.name:  # an emulator may lack some of its buttons
        raise MovieError(
            f"{what} is for the {movie.system.title}, {emulator.name} runs a game of the "
            f"{emulator.system.title}"
        )
    ports = emulator.system.ports
    if movie.inputs[:, ports:].any():
        raise MovieError(
            f"{what} holds buttons on port {ports + 1} and later; {emulator.name} has {ports} here"
        )
    used = Command(int(np.bitwise_or.reduce(movie.commands, initial=0)))
    unknown = used & ~(Command.SOFT_RESET | Command.POWER)
    if unknown:
        frame = int(np.flatnonzero(movie.commands & int(unknown))[0])
        raise MovieError(
            f"{what} has the command {unknown.name or int(unknown)} in frame {frame}; copain plays "
            "SOFT_RESET and POWER"
        )
    if used & Command.SOFT_RESET and not isinstance(emulator, HasSoftReset):
        raise MovieError(f"{what} presses the reset button, which {emulator.name} does not have")
    if not strict:
        return
    if not movie.rom.is_of(emulator.rom):
        raise MovieError(
            f"{what} was made on another ROM than {emulator.rom.name} (SHA-1 "
            f"{emulator.rom.sha1}): the movie says " + _checksum(movie.rom)
        )
    region = "pal" if emulator.frame_rate < 55 else "ntsc"
    if movie.region != region:
        raise MovieError(
            f"{what} is for a console of the region {movie.region}, {emulator.name} runs {region}"
        )
    if movie.ram_init and movie.savestate is None:
        raise MovieError(
            f"{what} starts with power-on RAM {movie.ram_init} (RAMInitOption); copain's emulators "
            "start with 0 (four 00, four FF)"
        )


def _checksum(rom: RomIdentity) -> str:
    if rom.sha1:
        return f"SHA-1 {rom.sha1}"
    if rom.content_sha1:
        return f"SHA-1 {rom.content_sha1}, without a header"
    return f"MD5 {rom.md5}"


def go_to_anchor(movie: Movie, emulator: Emulator) -> None:
    """Bring `emulator` to where `movie` starts. Raises SavestateError if it cannot."""
    if movie.savestate is None:
        emulator.power_on()
    else:
        emulator.load_state(anchor_savestate(movie.savestate, emulator, movie.made_by))


def anchor_savestate(data: bytes, emulator: Emulator, made_by: str = "") -> Savestate:
    """The savestate in an anchor's bytes: one of copain, or what another emulator itself wrote.

    That is FCEUX, or a libretro core in stable-retro: only they load theirs.
    """
    if data.startswith(MAGIC):
        return Savestate.from_bytes(data)
    if made_by == STABLE_RETRO:
        maker, loads = "a libretro core of stable-retro", emulator.name.startswith("libretro:")
    elif made_by.startswith("bizhawk"):
        maker, loads = "BizHawk", False
    else:
        maker, loads = "FCEUX", emulator.name == "fceux"
    if not loads:
        raise MovieError(
            f"this movie starts from a savestate that {maker} wrote, which {emulator.name} cannot "
            "load; play it where it was made, or make it start from power-on"
        )
    header = SavestateHeader(
        emulator.system.name, emulator.rom.sha1, emulator.name, emulator.version, 0
    )
    return Savestate(header, data)


# What is compared


def ram_mask(system: System, size: int) -> Bytes:
    """The bytes of RAM that movies are compared by, ``uint8 (size,)``: FF where they count.

    On the NES the stack page is left out: how deep an interrupt finds the stack differs between
    emulators that agree in everything the game sees.
    """
    mask = np.full(size, 0xFF, np.uint8)
    if system is NES:
        mask[0x100:0x200] = 0
    return mask


def hash_ram(ram: Bytes, system: System) -> int:
    """The 64-bit hash of a movie's RAM, ``uint8 (ram_size,)``, without the stack page."""
    return int(ram_hash(ram, ram_mask(system, len(ram))))


def record_hashes(
    movie: Movie, emulator: Emulator, every: int = 60, *, strict: bool = True
) -> Movie:
    """Play `movie` and give it the hashes of its RAM after each `every` frames and the last.

    The new movie also says which emulator and ROM they are from. Raises as `play` does.
    """
    if every < 1:
        raise MovieError(f"record_hashes(every={every}): 1 or more frames are needed")
    hashes: dict[int, int] = {}
    for frame, emulated in play_frames(movie, emulator, strict=strict):
        if emulated and (frame % every == 0 or frame == movie.frames):
            hashes[frame] = hash_ram(emulator.ram.read_all(), movie.system)
    return replace(
        movie,
        hashes=hashes,
        made_by=f"{emulator.name} {emulator.version}",
        rom=RomIdentity.of(emulator.rom),
    )
