"""Checks of manners: memory, picture and sound are what they say; bad calls are refused by name
and change nothing; a closed emulator says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from copain.emulator import (
    Emulator,
    HasAudio,
    HasLagFrames,
    HasLiveRam,
    HasScreen,
    HasSoftReset,
)
from copain.errors import CopainError, EmulatorClosed, InputError, MemoryRangeError, SavestateError
from copain.joypad import IDLE, FrameInput, Joypad
from copain.rollout import HasFleet, HasRollout
from copain.savestate import Savestate
from copain.testing.bench import Bench, frame_input, require
from copain.testing.report import Finding, Outcome
from copain.testing.trace import compare, record

PROBES = 20
"""How often memory is written and read back."""


def memory(bench: Bench) -> Finding:
    """What is written is read, nothing else changes, and the live view shows the same."""
    emulator = bench.fresh()
    size = len(emulator.ram)
    random = np.random.Generator(np.random.PCG64(bench.seed))
    for probe in range(PROBES):
        emulator.advance(frame_input(bench.inputs[probe * bench.frames // PROBES]), frames=5)
        before = emulator.ram.read_all()
        require(before.dtype == np.uint8 and before.shape == (size,), "read_all is not all bytes")
        address = int(random.integers(size))
        value = int(before[address]) ^ int(random.integers(1, 256))
        emulator.ram[address] = value
        found = emulator.ram[address]
        require(found == value, f"ram[{address:#x}] = {value} was written, {found} is read")
        after = emulator.memory["ram"].read_all()
        require(
            np.flatnonzero(before != after).tolist() == [address],
            f"writing ram[{address:#x}] changed other bytes, or none",
        )
        first = int(random.integers(address + 1))
        last = int(random.integers(address, size)) + 1
        part = emulator.ram[first:last]
        require(bool((part == after[first:last]).all()), "a slice is not what read_all gives")
        part[:] = 0xA5  # a copy, the caller's own
        emulator.ram[first:last] = before[first:last]
        require(bool((emulator.ram[:] == before).all()), "ram did not take back what it had")
        if isinstance(emulator, HasLiveRam):
            view = emulator.live_ram()
            require(not view.flags.writeable, "the live view can be written")
            emulator.ram[address] = value
            require(view[address] == value, "the live view does not show what was written")
            emulator.advance()
            require(bool((view == emulator.ram[:]).all()), "the live view did not follow a frame")
    for bad in (size, -1, 1 << 40, slice(0, size + 1), slice(-1, None), slice(3, 1), "no such"):
        _refused(lambda key=bad: emulator.ram[key], MemoryRangeError, f"ram[{bad!r}]")
    for bad in (256, -1, [1, 2], 0.5):
        _refused(
            lambda value=bad: emulator.ram.__setitem__(0, value),
            MemoryRangeError,
            f"ram[0] = {bad!r}",
        )
    return Finding(Outcome.EXACT, PROBES, PROBES * size)


def screen(bench: Bench) -> Finding:
    """The picture is ``uint8 (height, width, 3)``, a copy, and changes as the game goes on."""
    emulator = bench.fresh()
    if not isinstance(emulator, HasScreen):
        return Finding(Outcome.ABSENT)
    kept: list[tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], int]] = []
    frames = 0
    for row in bench.inputs:
        emulator.advance(frame_input(row))
        frames += 1
        picture = emulator.screen
        require(
            picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3,
            f"the picture is {picture.dtype} {picture.shape}, not uint8 (height, width, 3)",
        )
        if frames % 50 == 0:
            kept.append((picture, int(picture.sum(dtype=np.int64))))
            again = emulator.screen
            again[:] = 255 - again  # a copy, the caller's own
            require(bool((emulator.screen == picture).all()), "writing a picture changed the next")
    require(
        all(int(picture.sum(dtype=np.int64)) == total for picture, total in kept),
        "a picture changed after it was given: it is a view, not a copy",
    )
    seen = len(set(bench.reference.pictures))
    require(seen > 1, f"the picture never changed in {frames} frames")
    return Finding(Outcome.EXACT, frames, sum(picture.size for picture, _ in kept))


def sound(bench: Bench) -> Finding:
    """The samples of each advance are ``int16 (samples, 2)``, as many as the rates say."""
    emulator = bench.fresh()
    if not isinstance(emulator, HasAudio):
        return Finding(Outcome.ABSENT)
    samples = 0
    for row in bench.inputs:
        emulator.advance(frame_input(row))
        audio = emulator.audio
        require(
            audio.dtype == np.int16 and audio.ndim == 2 and audio.shape[1] == 2,
            f"the samples are {audio.dtype} {audio.shape}, not int16 (samples, 2)",
        )
        samples += len(audio)
    expected = float(emulator.sample_rate / emulator.frame_rate) * bench.frames
    require(
        abs(samples - expected) <= 0.02 * expected,
        f"{samples} samples in {bench.frames} frames where the rates say {expected:.0f}",
    )
    return Finding(Outcome.EXACT, bench.frames, 4 * samples)


def lag(bench: Bench) -> Finding:
    """Lag frames are counted as they are told, the same on each run, and come back with a load."""
    emulator = bench.fresh()
    if not isinstance(emulator, HasLagFrames):
        return Finding(Outcome.ABSENT)
    told: list[list[bool]] = []
    for _ in range(2):
        emulator.power_on()
        require(emulator.lag_count == 0, f"lag_count is {emulator.lag_count} after power_on")
        told.append([])
        for number, row in enumerate(bench.inputs):
            if number == bench.frames // 2:
                state, count = emulator.save_state(), emulator.lag_count
                record(emulator, bench.other_inputs[:60])
                emulator.load_state(state)
                require(emulator.lag_count == count, "lag_count does not come back with a load")
            emulator.advance(frame_input(row))
            told[-1].append(emulator.lagged)
            require(
                emulator.lag_count == sum(told[-1]),
                f"lag_count is {emulator.lag_count}, {sum(told[-1])} lag frames were told",
            )
    require(told[0] == told[1], "the lag frames were others on the second run")
    return Finding(Outcome.EXACT, 2 * bench.frames, 0, detail=f"{sum(told[0])} lag frames")


def bad_input(bench: Bench) -> Finding:
    """Buttons, ports and counts that do not exist are refused, and nothing changes."""
    emulator = bench.fresh()
    ports, allowed = emulator.system.ports, emulator.system.button_bits
    foreign = [bit for bit in range(16) if not allowed & 1 << bit]
    record(emulator, bench.inputs[: bench.frames // 2])
    calls: list[tuple[str, Callable[[], None]]] = [
        ("advance(8)", lambda: emulator.advance(8)),  # pyright: ignore[reportArgumentType]
        ('advance("a")', lambda: emulator.advance("a")),  # pyright: ignore[reportArgumentType]
        ("advance(frames=-1)", lambda: emulator.advance(IDLE, frames=-1)),
        (
            f"{ports + 1} joypads",
            lambda: emulator.advance(FrameInput((Joypad(),) * (ports + 1))),
        ),
    ]
    calls += [
        (f"bit {bit} on port {port}", lambda held=held: emulator.advance(held))
        for bit in foreign
        if bit < 14
        for port, held in ((1, Joypad.from_bits(1 << bit)), (ports, _last(ports, 1 << bit)))
    ]
    return _all_refused(bench, emulator, calls, InputError)


def bad_savestate(bench: Bench) -> Finding:
    """Savestates that are cut, damaged or of another game, core or version are refused."""
    emulator = bench.fresh()
    record(emulator, bench.inputs[: bench.frames // 2])
    state = next(iter(bench.checkpoints.values()))
    data = state.to_bytes()
    random = np.random.Generator(np.random.PCG64(bench.seed))
    calls: list[tuple[str, Callable[[], None]]] = []
    for length in (0, 4, 8, 12, 40, len(data) // 2, len(data) - 1):
        calls.append((f"cut to {length} bytes", lambda cut=data[:length]: _load(emulator, cut)))
    for place in random.integers(0, len(data) * 8, 60):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << int(place % 8)
        calls.append((f"bit {place} flipped", lambda bad=bytes(flipped): _load(emulator, bad)))
    calls.append(("a byte too many", lambda: _load(emulator, data + b"\0")))
    for name, value in (
        ("rom_sha1", "0" * 40),
        ("system", "gb" if emulator.system.name != "gb" else "nes"),
        ("emulator", "another"),
        ("version", "another"),
    ):
        header = dataclasses.replace(state.header, **{name: value})
        foreign = Savestate(header, state.payload)
        calls.append((f"of another {name}", lambda bad=foreign: emulator.load_state(bad)))
    return _all_refused(bench, emulator, calls, SavestateError)


def closed(bench: Bench) -> Finding:
    """After `close` every member says so; closing twice is fine, and views stay readable."""
    emulator = bench.fresh()
    record(emulator, bench.inputs[:120])
    ram, state = emulator.ram, emulator.save_state()
    members: dict[str, Callable[[], object]] = {
        "frame": lambda: emulator.frame,
        "frame_rate": lambda: emulator.frame_rate,
        "ram": lambda: emulator.ram,
        "memory": lambda: emulator.memory,
        "power_on": emulator.power_on,
        "advance": emulator.advance,
        "save_state": emulator.save_state,
        "load_state": lambda: emulator.load_state(state),
        "with": emulator.__enter__,
        "reading ram": lambda: ram[0],
        "writing ram": lambda: ram.__setitem__(0, 1),
    }
    view = None
    if isinstance(emulator, HasLiveRam):
        view = emulator.live_ram()
        members["live_ram"] = emulator.live_ram
    if isinstance(emulator, HasScreen):
        members["screen"] = lambda: emulator.screen
    if isinstance(emulator, HasAudio):
        members["audio"] = lambda: emulator.audio
        members["sample_rate"] = lambda: emulator.sample_rate
    if isinstance(emulator, HasSoftReset):
        members["soft_reset"] = emulator.soft_reset
    if isinstance(emulator, HasLagFrames):
        members["lagged"] = lambda: emulator.lagged
        members["lag_count"] = lambda: emulator.lag_count
    if isinstance(emulator, HasRollout):
        members["rollout"] = lambda: emulator.rollout(state, bench.inputs[:2])
    if isinstance(emulator, HasFleet):
        members["open_fleet"] = lambda: emulator.open_fleet(1)
    before = None if view is None else view.copy()
    emulator.close()
    emulator.close()
    for name, use in members.items():
        _refused(use, EmulatorClosed, f"{name} after close()")
    if view is not None:
        require(bool((view == before).all()), "a live view changed after close()")
    names = (emulator.name, emulator.version, emulator.system.name, emulator.rom.sha1)
    require(all(names), "a closed emulator no longer says what it is")
    another = bench.fresh()
    another.load_state(Savestate.from_bytes(state.to_bytes()))
    require(another.frame == 120, "a savestate did not outlive the emulator that made it")
    return Finding(Outcome.EXACT, len(members), len(ram))


def _all_refused(
    bench: Bench,
    emulator: Emulator,
    calls: list[tuple[str, Callable[[], None]]],
    error: type[CopainError],
) -> Finding:
    """Every call raises `error`, and the emulator, half way through, plays on unharmed."""
    middle = bench.frames // 2
    for what, call in calls:
        ram = emulator.ram.read_all()
        _refused(call, error, what)
        require(
            emulator.frame == middle and bool((emulator.ram.read_all() == ram).all()),
            f"{what} was refused, and yet changed the emulator",
        )
    rest = record(emulator, bench.inputs[middle:])
    found = compare(bench.reference.part(middle, bench.frames), rest, middle, "after refusals")
    return found if found.outcome is not Outcome.EXACT else dataclasses.replace(
        found, detail=f"{len(calls)} refused"
    )  # fmt: skip


def _refused(call: Callable[[], object], error: type[CopainError], what: str) -> None:
    try:
        call()
    except error as refusal:
        require(len(str(refusal)) > 10, f"{what}: the error says nothing")
        return
    except Exception as other:
        require(False, f"{what} raised {type(other).__name__} ({other}), not {error.__name__}")
    require(False, f"{what} was taken; {error.__name__} is expected")


def _last(ports: int, bits: int) -> FrameInput:
    return FrameInput((*(Joypad(),) * (ports - 1), Joypad.from_bits(bits)))


def _load(emulator: Emulator, data: bytes) -> None:
    emulator.load_state(Savestate.from_bytes(data))
