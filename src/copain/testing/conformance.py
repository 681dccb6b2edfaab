"""The conformance suite: what every emulator must do, and how far one does it.

Compared is all of RAM, and the picture where there is one, after every frame. Savestate bytes are
not compared: cores leave dead bytes in them. What counts is what a savestate leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from copain.emulator import Emulator
from copain.errors import CopainError
from copain.testing import manners, moments, rollouts
from copain.testing.bench import Bench, Wrong
from copain.testing.report import Finding, Outcome, Report, worst

FRAMES = 400
SEEDS = (1, 2)

_CHECKS: dict[str, Callable[[Bench], Finding]] = {
    "alive": moments.alive,
    "determinism": moments.determinism,
    "power on": moments.power_on,
    "save": moments.save,
    "save/load": moments.save_load,
    "rerecord": moments.rerecord,
    "full cycle": moments.full_cycle,
    "fresh load": moments.fresh_load,
    "history": moments.history,
    "soft reset": moments.soft_reset,
    "frames": moments.frames,
    "rollout": rollouts.rollout,
    "fleet": rollouts.fleet,
    "hashes": rollouts.hashes,
    "memory": manners.memory,
    "screen": manners.screen,
    "sound": manners.sound,
    "lag": manners.lag,
    "bad input": manners.bad_input,
    "bad savestate": manners.bad_savestate,
    "closed": manners.closed,
}
CHECK_NAMES: tuple[str, ...] = tuple(_CHECKS)
"""The checks, in the order of the report."""


def check_emulator(
    factory: Callable[[], Emulator],
    *,
    frames: int = FRAMES,
    seeds: Sequence[int] = SEEDS,
    checks: Sequence[str] = CHECK_NAMES,
    on_check: Callable[[str, Finding], None] | None = None,
) -> Report:
    """Check every emulator that `factory` opens: a new one on each call, all of the same game.

    Inputs are random, from `seeds`, `frames` of them each (at least 120). `checks` are some of
    `CHECK_NAMES`; `on_check` is called as each one ends. An error that an emulator raises where it
    should not is a finding too, not an error of this function.
    """
    if frames < 120 or not seeds:
        raise ValueError(
            f"check_emulator(frames={frames}, seeds={list(seeds)}): "
            "at least 120 frames and one seed are needed, else the checks say nothing"
        )
    findings: dict[str, Finding] = {}
    benches = [Bench(factory, frames, seed) for seed in seeds]
    try:
        first = benches[0].fresh()
        emulator, version, rom = first.name, first.version, first.rom
        for name in checks:
            findings[name] = worst([_run(_CHECKS[name], bench) for bench in benches])
            if on_check is not None:
                on_check(name, findings[name])
    finally:
        for bench in benches:
            bench.close()
    return Report(emulator, version, rom.name, rom.sha1, frames, tuple(seeds), findings)


def _run(check: Callable[[Bench], Finding], bench: Bench) -> Finding:
    try:
        found = check(bench)
    except Wrong as wrong:
        found = Finding(Outcome.WRONG, detail=str(wrong))
    except (CopainError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
            RuntimeError, OSError) as error:  # fmt: skip
        found = Finding(Outcome.WRONG, detail=f"{type(error).__name__}: {error}")
    finally:
        bench.close_all()
    if found.outcome is Outcome.EXACT and found.frames <= 0:
        found = Finding(Outcome.WRONG, detail="nothing was compared")
    return Finding(
        found.outcome, found.frames, found.size, found.first_frame, found.addresses,
        found.detail, bench.seed,
    )  # fmt: skip
