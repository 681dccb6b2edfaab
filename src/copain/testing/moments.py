"""Checks of time: the same inputs give the same frames, however one came there."""

from __future__ import annotations

from copain.emulator import Emulator, HasSoftReset
from copain.joypad import IDLE, Joypad
from copain.savestate import Savestate
from copain.testing.bench import Bench, frame_input, require
from copain.testing.report import Finding, Outcome, worst
from copain.testing.trace import Trace, compare, record

SEGMENT = 130
"""How far a savestate is followed."""

RERECORD_FRAMES = 7
"""A rerecord goes up to so many frames astray."""


def alive(bench: Bench) -> Finding:
    """The game runs and the inputs reach it; else the other checks would compare nothing."""
    ram = bench.reference.ram
    states = len({row.tobytes() for row in ram})
    require(
        states >= bench.frames // 20,
        f"RAM took on only {states} values in {bench.frames} frames",
    )
    idle = bench.fresh()
    idle.advance(IDLE, frames=bench.frames)
    other = record(bench.fresh(), bench.other_inputs)
    require(
        bool((idle.ram.read_all() != ram[-1]).any() or (other.ram != ram).any()),
        f"in {bench.frames} frames the inputs made no difference: play more frames",
    )
    return Finding(Outcome.EXACT, bench.frames, ram.size)


def determinism(bench: Bench) -> Finding:
    """Fresh instances give the same frames; also two that run in turns."""
    one, two = bench.fresh(), bench.fresh()

    def before(frame: int) -> None:
        two.advance(frame_input(bench.other_inputs[frame]))

    first = record(one, bench.inputs, before)
    return worst(
        [
            compare(bench.reference, first, detail="beside another instance"),
            compare(bench.reference, record(bench.fresh(), bench.inputs)),
        ]
    )


def power_on(bench: Bench) -> Finding:
    """`power_on` of an instance that has played equals the first power-on."""
    emulator = bench.fresh()
    first = emulator.ram.read_all()
    record(emulator, bench.other_inputs)
    emulator.power_on()
    require(emulator.frame == 0, f"the frame is {emulator.frame} after power_on, not 0")
    before = compare(
        Trace(first[None]), Trace(emulator.ram.read_all()[None]), detail="before the first frame"
    )
    return worst([before, compare(bench.reference, record(emulator, bench.inputs))])


def save(bench: Bench) -> Finding:
    """Taking a savestate before every frame changes nothing."""
    emulator = bench.fresh()
    found = record(emulator, bench.inputs, lambda _: _keep(emulator.save_state()))
    return compare(bench.reference, found)


def save_load(bench: Bench) -> Finding:
    """Save and load before every frame change nothing."""
    emulator = bench.fresh()

    def before(frame: int) -> None:
        emulator.load_state(emulator.save_state())
        require(emulator.frame == frame, f"frame {emulator.frame} after a load, not {frame}")

    return compare(bench.reference, record(emulator, bench.inputs, before))


def rerecord(bench: Bench) -> Finding:
    """Before every frame: save, play some frames astray, load."""
    emulator = bench.fresh()

    def before(frame: int) -> None:
        state = emulator.save_state()
        for step in range(1 + frame % RERECORD_FRAMES):
            emulator.advance(frame_input(bench.other_inputs[frame - step]))
        emulator.load_state(state)
        require(emulator.frame == frame, f"frame {emulator.frame} after a load, not {frame}")

    return compare(bench.reference, record(emulator, bench.inputs, before))


def full_cycle(bench: Bench) -> Finding:
    """Before every frame: save to bytes, power on, play some frames, load from the bytes."""
    emulator = bench.fresh()

    def before(frame: int) -> None:
        data = emulator.save_state().to_bytes()
        emulator.power_on()
        emulator.advance(frame_input(bench.other_inputs[frame]), frames=1 + frame % RERECORD_FRAMES)
        emulator.load_state(Savestate.from_bytes(data))

    return compare(bench.reference, record(emulator, bench.inputs, before))


def fresh_load(bench: Bench) -> Finding:
    """A savestate loaded by a fresh instance goes on as the one that made it."""
    return worst(
        [
            compare(bench.reference.part(frame, frame + SEGMENT), _from(bench, frame, state), frame)
            for frame, state in bench.checkpoints.items()
        ]
    )


def history(bench: Bench) -> Finding:
    """A savestate leads to the same frames in a fresh instance and in one that has played."""
    used = bench.fresh()
    record(used, bench.other_inputs)
    findings: list[Finding] = []
    for frame, state in bench.checkpoints.items():
        expected = _from(bench, frame, state)
        used.load_state(state)
        found = record(used, bench.inputs[frame : frame + SEGMENT])
        findings.append(compare(expected, found, frame))
    return worst(findings)


def soft_reset(bench: Bench) -> Finding:
    """The reset button does the same on each instance, and the frame count goes on."""
    middle = bench.frames // 3
    traces: list[Trace] = []
    for _ in range(2):
        emulator = bench.fresh()
        if not isinstance(emulator, HasSoftReset):
            return Finding(Outcome.ABSENT)
        record(emulator, bench.inputs[:middle])
        emulator.soft_reset()
        require(
            emulator.frame == middle,
            f"soft_reset: the frame went from {middle} to {emulator.frame}; it must go on",
        )
        traces.append(record(emulator, bench.inputs[middle:]))
    return compare(traces[0], traces[1], middle)


def frames(bench: Bench) -> Finding:
    """Frames are counted, and ``advance(frames=n)`` equals n advances."""
    many, single = bench.fresh(), bench.fresh()
    require(many.frame == 0, f"a fresh emulator is at frame {many.frame}, not 0")
    many.advance(Joypad(right=True), frames=0)
    require(many.frame == 0, "advance(frames=0) counted a frame")
    lengths = [1, 2, 3, 7, 16, 30]
    findings: list[Finding] = []
    frame = turn = 0
    while frame < bench.frames:
        length, held = lengths[turn % len(lengths)], frame_input(bench.inputs[frame])
        many.advance(held, frames=length)
        for _ in range(length):
            single.advance(held)
        frame, turn = frame + length, turn + 1
        require(
            many.frame == single.frame == frame,
            f"frames {many.frame} and {single.frame} are counted after {frame}",
        )
        one, other = (_now(emulator) for emulator in (single, many))
        findings.append(compare(one, other, frame))
    return worst(findings)


def _from(bench: Bench, frame: int, state: Savestate) -> Trace:
    """What a fresh instance shows from a savestate on."""
    emulator = bench.fresh()
    emulator.load_state(state)
    require(emulator.frame == frame, f"frame {emulator.frame} after a load, not {frame}")
    return record(emulator, bench.inputs[frame : frame + SEGMENT])


def _now(emulator: Emulator) -> Trace:
    return Trace(emulator.ram.read_all()[None])


def _keep(state: Savestate) -> None:
    """Ask for the bytes, as someone who keeps a savestate does."""
    require(len(state.payload) > 0, "a savestate has no bytes")
