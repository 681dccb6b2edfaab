"""Determinism: how far an emulator does the same again, told check by check.

Most are checks of the conformance suite. Two are here: a savestate in a process that has played
nothing yet (made in one process, followed in another), and a long run done twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from copain.emulator import Emulator
from copain.errors import CopainError
from copain.joypad import InputLog
from copain.memory import Bytes
from copain.rollout import frame_inputs
from copain.savestate import Savestate
from copain.testing.conformance import check_emulator
from copain.testing.inputs import random_inputs
from copain.testing.report import Finding, Outcome, worst
from copain.testing.trace import Trace, compare

CHECKS: Mapping[str, str] = {
    "twice": "determinism",
    "power on": "power on",
    "save/load": "save/load",
    "fresh": "fresh load",
    "history": "history",
    "soft reset": "soft reset",
}
"""What the audit calls them, and the checks of the suite that they are."""

FRESH_PROCESS, LONG_RUN = "fresh process", "long run"
AUDIT_CHECKS = (*CHECKS, FRESH_PROCESS, LONG_RUN)
"""All checks of the audit, in the order of its table."""

FRAMES, LONG_FRAMES = 400, 3000
"""Long enough for games that show their titles first, such as Airstriker with 355 frames."""
FOLLOWED = 130
"""How far a savestate is followed."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A savestate as bytes, and the RAM after each of the `inputs` that were played from it."""

    data: bytes
    inputs: InputLog
    ram: Bytes


@dataclass(frozen=True, slots=True)
class Determinism:
    """What the audit of one emulator with one game found, by check; `error` if it did not end."""

    emulator: str
    version: str
    game: str
    findings: Mapping[str, Finding]
    error: str = ""

    @property
    def outcome(self) -> Outcome:
        """The worst of the findings; wrong where it did not end."""
        if self.error or not self.findings:
            return Outcome.WRONG
        return max((one.outcome for one in self.findings.values()), key=lambda one: one.rank)


def audit_determinism(
    factory: Callable[[], Emulator], game: str, long_frames: int = LONG_FRAMES, seed: int = 1
) -> tuple[Determinism, Moment]:
    """All checks but that of a fresh process, and the moment to follow there.

    Where the inputs make no difference to the game, nothing was shown: `error` says so.
    Raises what `factory` raises.
    """
    report = check_emulator(
        factory, frames=FRAMES, seeds=(seed,), checks=("alive", *CHECKS.values())
    )  # fmt: skip
    alive = report.findings["alive"]
    error = "" if alive.outcome is Outcome.EXACT else alive.detail
    findings = {name: report.findings[check] for name, check in CHECKS.items()}
    moment = make_moment(factory, seed)
    findings[LONG_RUN] = long_run(factory, long_frames, seed)
    return Determinism(report.emulator, report.version, game, findings, error), moment


def make_moment(factory: Callable[[], Emulator], seed: int) -> Moment:
    """A savestate of the middle of a short play, and what follows it where it was made."""
    with factory() as emulator:
        log = random_inputs(emulator.system, FRAMES, seed)
        middle = FRAMES - FOLLOWED
        for held in frame_inputs(log[:middle]):
            emulator.advance(held)
        data = emulator.save_state().to_bytes()
        return Moment(data, log[middle:], _played(emulator, log[middle:]))


def follow_moment(factory: Callable[[], Emulator], moment: Moment) -> Finding:
    """Whether the savestate leads to the same RAM here, in what should be another process."""
    try:
        with factory() as emulator:
            emulator.load_state(Savestate.from_bytes(moment.data))
            found = _played(emulator, moment.inputs)
    except CopainError as error:
        return Finding(Outcome.WRONG, detail=f"{type(error).__name__}: {error}")
    return compare(Trace(moment.ram), Trace(found))


def long_run(factory: Callable[[], Emulator], frames: int, seed: int) -> Finding:
    """The same inputs for long, twice; RAM after every frame is compared by its hash."""
    runs: list[list[int]] = []
    size = 0
    for _ in range(2):
        with factory() as emulator:
            size = len(emulator.ram)
            run: list[int] = []
            for held in frame_inputs(random_inputs(emulator.system, frames, seed)):
                emulator.advance(held)
                run.append(hash(emulator.ram.read_all().tobytes()))
            runs.append(run)
    unequal = np.flatnonzero(np.array(runs[0]) != np.array(runs[1]))
    if not len(unequal):
        return Finding(Outcome.EXACT, frames, frames * size)
    healed = frames - 1 - int(unequal[-1]) >= 60
    outcome = Outcome.HEALS if healed else Outcome.DIVERGES
    return Finding(outcome, frames, frames * size, int(unequal[0]))


def with_fresh_process(found: Determinism, finding: Finding) -> Determinism:
    """The same with what was found in a fresh process."""
    findings = {**found.findings, FRESH_PROCESS: worst([finding])}
    ordered = {name: findings[name] for name in AUDIT_CHECKS if name in findings}
    return Determinism(found.emulator, found.version, found.game, ordered, found.error)


def _played(emulator: Emulator, log: InputLog) -> Bytes:
    ram = np.empty((len(log), len(emulator.ram)), np.uint8)
    for frame, held in enumerate(frame_inputs(log)):
        emulator.advance(held)
        ram[frame] = emulator.ram.read_all()
    return ram
