"""Checks of the fast ways: rollouts and fleets give what the plain loop gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator
from copain.errors import CopainError, InputError, MemoryRangeError, SavestateError
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.rollout import Fleet, HasFleet, HasRollout, Pool, RolloutBatch, ram_hash
from copain.rollout import rollout_by_loop as by_loop
from copain.savestate import Savestate
from copain.testing.bench import Bench, require
from copain.testing.inputs import random_inputs
from copain.testing.report import Finding, Outcome, worst
from copain.testing.trace import Trace, compare, record

WORKERS = (1, 2, 3)
ROLLOUT_FRAMES = 40
"""Longer than the longest that is needed for a difference to heal."""
JOBS = 12


def rollout(bench: Bench) -> Finding:
    """A rollout equals the plain loop: RAM on the way and at the end, and what its end leads to."""
    fast = bench.fresh()
    if not isinstance(fast, HasRollout):
        return Finding(Outcome.ABSENT)
    everything = range(len(fast.ram))
    findings: list[Finding] = []
    for frame, state in bench.checkpoints.items():
        log = bench.inputs[frame : frame + 2 * ROLLOUT_FRAMES]
        loop = bench.fresh()
        expected = by_loop(loop, state, log, everything)
        found = fast.rollout(state, log, everything)
        end = frame + len(log)
        require(
            found.watched.shape == (len(log), len(fast.ram)) and found.watched.dtype == np.uint8,
            f"watched is {found.watched.dtype} {found.watched.shape}",
        )
        require(
            fast.frame == end == found.savestate.frame,
            f"after a rollout to frame {end} the emulator stands at {fast.frame} "
            f"and the savestate at {found.savestate.frame}",
        )
        findings.append(compare(Trace(expected.watched), Trace(found.watched), frame))
        findings.append(compare(Trace(expected.ram[None]), Trace(found.ram[None]), end))
        findings.append(
            compare(Trace(found.ram[None]), Trace(fast.ram.read_all()[None]), end, "standing there")
        )
        loop.load_state(found.savestate)
        tail = record(loop, bench.inputs[:ROLLOUT_FRAMES])
        loop.load_state(expected.savestate)
        findings.append(compare(record(loop, bench.inputs[:ROLLOUT_FRAMES]), tail, end, "its end"))
    state = next(iter(bench.checkpoints.values()))
    empty = fast.rollout(state, bench.inputs[:0])
    require(empty.watched.shape == (0, 0), f"no frames, no watch: shape {empty.watched.shape}")
    _refuses_rollout(fast, state)
    return worst(findings)


def fleet(bench: Bench) -> Finding:
    """Batches equal the plain loop, whatever the number of workers and the order of the jobs."""
    emulator = bench.fresh()
    if not isinstance(emulator, HasFleet):
        return Finding(Outcome.ABSENT)
    batch = _Batch.of(bench, emulator)
    loop = bench.fresh()
    expected = [
        by_loop(loop, batch.states[parent], log, batch.watch)
        for parent, log in zip(batch.parents, batch.inputs, strict=True)
    ]
    watched = np.stack([trajectory.watched for trajectory in expected])
    ram = np.stack([trajectory.ram for trajectory in expected])
    findings: list[Finding] = []
    for workers in WORKERS:
        with emulator.open_fleet(workers) as many:
            require(many.workers == workers, f"{many.workers} workers where {workers} were asked")
            pool = many.new_pool(len(batch.states) + 2 * JOBS)
            for order in (np.arange(JOBS), np.arange(JOBS)[::-1]):
                got, slots = batch.play(many, pool, order)
                what = f"{workers} workers"
                findings.append(_rows(watched[order], got.watched, what))
                findings.append(compare(Trace(ram[order]), Trace(got.ram), 0, what))
                for job, slot in zip(order, got.slots, strict=True):
                    end = pool.get(int(slot))
                    require(
                        end.frame == expected[job].savestate.frame,
                        f"a kept end is at frame {end.frame}, not {expected[job].savestate.frame}",
                    )
                    loop.load_state(end)
                    findings.append(
                        compare(Trace(ram[job][None]), Trace(loop.ram.read_all()[None]), 0, what)
                    )
                pool.free(got.slots)
                pool.free(slots)
                require(pool.used == 0, f"{pool.used} slots are in use after all were given back")
            _refuses_jobs(many, pool, batch)
    return worst(findings)


def hashes(bench: Bench) -> Finding:
    """A fleet's hashes are those of `ram_hash`, with a mask and without."""
    emulator = bench.fresh()
    if not isinstance(emulator, HasFleet):
        return Finding(Outcome.ABSENT)
    batch = _Batch.of(bench, emulator)
    random = np.random.Generator(np.random.PCG64(bench.seed))
    size = len(emulator.ram)
    masks: list[Bytes | None] = [None, np.zeros(size, np.uint8)]
    masks.append(random.integers(0, 256, size, dtype=np.uint8))
    with emulator.open_fleet(2) as many:
        pool = many.new_pool(len(batch.states) + JOBS)
        for mask in masks:
            got, slots = batch.play(many, pool, np.arange(JOBS), mask=mask, keep=False)
            require(bool((got.slots == -1).all()), "ends have slots although keep=False")
            require(
                bool((got.hashes == ram_hash(got.ram, mask)).all()),
                f"the hashes {'under a mask ' if mask is not None else ''}are not ram_hash",
            )
            pool.free(slots)
    return Finding(Outcome.EXACT, JOBS * len(masks), JOBS * len(masks) * size)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Jobs for a fleet: several from each parent, parents mixed."""

    states: list[Savestate]
    parents: list[int]
    inputs: InputLog
    watch: list[int]

    @classmethod
    def of(cls, bench: Bench, emulator: Emulator) -> _Batch:
        states = list(bench.checkpoints.values())
        parents = [job * 5 % len(states) for job in range(JOBS)]
        log = random_inputs(emulator.system, JOBS * ROLLOUT_FRAMES, bench.seed + 77)
        shape = (JOBS, ROLLOUT_FRAMES, emulator.system.ports)
        watch = list(range(0, len(emulator.ram), max(1, len(emulator.ram) // 64)))
        return cls(states, parents, log.reshape(shape), watch)

    def play(
        self,
        fleet: Fleet,
        pool: Pool,
        order: np.ndarray[tuple[int], np.dtype[np.int64]],
        mask: Bytes | None = None,
        keep: bool = True,
    ) -> tuple[RolloutBatch, list[int]]:
        """The batch's records, and the slots of its parents."""
        slots = [pool.put(state) for state in self.states]
        got = fleet.rollout(
            pool,
            [slots[self.parents[job]] for job in order],
            self.inputs[order],
            keep=keep,
            watch=self.watch,
            hash_mask=mask,
        )
        require(
            got.ram.dtype == np.uint8 and got.ram.shape == (JOBS, fleet.ram_size),
            f"ram is {got.ram.dtype} {got.ram.shape}",
        )
        require(got.hashes.dtype == np.uint64 and got.hashes.shape == (JOBS,), "hashes' shape")
        return got, slots


def _rows(expected: Bytes, found: Bytes, detail: str) -> Finding:
    """Watched bytes, ``uint8 (jobs, frames, addresses)``, job by job."""
    require(found.shape == expected.shape, f"watched is {found.shape}, not {expected.shape}")
    return worst(
        [compare(Trace(a), Trace(b), 0, detail) for a, b in zip(expected, found, strict=True)]
    )


def _refuses_rollout(emulator: Emulator, state: Savestate) -> None:
    """Bad rollouts are refused before a frame is played."""
    assert isinstance(emulator, HasRollout)
    ports = emulator.system.ports
    size = len(emulator.ram)
    good = np.zeros((2, ports), np.uint16)
    frame, ram = emulator.frame, emulator.ram.read_all()
    for inputs, watch, error in (
        (np.zeros((2, ports + 1), np.uint16), (), InputError),
        (np.zeros((1, 2, ports), np.uint16), (), InputError),
        (np.full((2, ports), 0xFFFF, np.uint16), (), InputError),
        (np.full((2, ports), -1), (), InputError),
        (np.full((2, ports), 0.5), (), InputError),
        (good, [size], MemoryRangeError),
        (good, [-1], MemoryRangeError),
    ):
        try:
            emulator.rollout(state, inputs, watch)
        except error:
            continue
        except CopainError as other:
            require(False, f"a bad rollout raised {type(other).__name__}, not {error.__name__}")
        require(False, f"rollout took inputs {inputs.dtype} {inputs.shape}, watch {watch}")
    require(
        emulator.frame == frame and bool((emulator.ram.read_all() == ram).all()),
        "a refused rollout changed the emulator",
    )


def _refuses_jobs(fleet: Fleet, pool: Pool, batch: _Batch) -> None:
    """Bad batches are refused whole, and take no slots."""
    slot = pool.put(batch.states[0])
    free = next(number for number in range(pool.capacity) if number != slot)
    one = batch.inputs[:1]
    many = np.repeat(one, pool.capacity, axis=0)
    for what, parents, inputs, error in (
        ("a slot that is not in use", [free], one, SavestateError),
        ("a slot beyond the pool", [pool.capacity], one, SavestateError),
        ("a negative slot", [-1], one, SavestateError),
        ("too many parents", [slot, slot], one, InputError),
        ("a parent that is a fraction", [0.5], one, InputError),
        ("inputs of two dimensions", [slot], one[0], InputError),
        ("unknown buttons", [slot], np.full_like(one, 0xFFFF), InputError),
        ("more ends than the pool takes", [slot] * len(many), many, SavestateError),
    ):
        try:
            fleet.rollout(pool, parents, inputs)
        except error:
            pass
        except CopainError as other:
            require(False, f"{what}: {type(other).__name__} was raised, not {error.__name__}")
        else:
            require(False, f"Fleet.rollout took {what}")
        require(pool.used == 1, f"{what}: the refused batch left {pool.used - 1} slots in use")
    nothing = fleet.rollout(pool, [], batch.inputs[:0])
    require(nothing.ram.shape == (0, fleet.ram_size), f"no jobs: ram is {nothing.ram.shape}")
    pool.free([slot])
    for what, call in (("free", pool.free), ("get", pool.get)):
        try:
            call(slot)
        except SavestateError:
            continue
        require(False, f"Pool.{what} took a slot that is not in use")
