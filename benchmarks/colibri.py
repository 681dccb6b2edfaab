"""How fast Colibri is, against FCEUmm doing the same in a C loop.

In gameplay of each ROM, everything measured in one run, in short turns one after the other, and
given as medians of the turns' ratios, so that a busy machine slows both sides alike:

- ``plain_ratio``: load a savestate, one frame, copy RAM, save, in Colibri's C++ loop, without
  skipping idle loops, over FCEUmm's C loop doing the same from the same moments;
- ``idle_skip_ratio``: the same with idle loops skipped, as Colibri runs unless told otherwise;
- ``rollout_ratio``: 512 jobs of one frame from Python, over that C++ loop;
- ``threads2_ratio``: rollouts on two threads, over one thread;
- ``two_alone_ratio``: two such rollouts at once that share nothing, on a thread each, over one:
  what the machine has to give;
- ``drawn_ratio``: idle_skip's loop with every frame drawn, over FCEUmm's C loop, which always
  draws;
- ``screen_ratio``: a frame and its `screen` from Python, again and again, over FCEUmm the same way;
- ``quicknes_ratio``: idle_skip's loop over QuickNES's, when ``--quicknes`` names its core.

Also the bytes of a savestate, what one more of ten thousand instances takes, and from
`copain.open` to the first frame.

    python benchmarks/colibri.py [--json] [--save] [--check] [--turns N] [--rom R ...]
        [--quicknes CORE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
from measuring import Contestant, circumstances, ratio, save, some_inputs, take_turns

import copain
from copain import _native
from copain.backends.colibri import ColibriEmulator
from copain.backends.libretro import LibretroEmulator
from copain.games import game_by_name, rom_path

JOBS = 512
MOMENTS = 64
SCREENS = 100  # in a turn of frames that are looked at
INSTANCES = 10_000
AT_LEAST = {
    "plain_ratio": 6.0,
    "idle_skip_ratio": 12.0,
    "threads2_ratio": 1.95,
    "rollout_ratio": 0.95,
    "drawn_ratio": 3.0,
}

Figures = dict[str, float]
Log = npt.NDArray[np.uint16]


def main() -> int:
    """Measure, print, and save if asked to."""
    parser = argparse.ArgumentParser(description="How fast Colibri is.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    parser.add_argument("--turns", type=int, default=21, help="turns of each (default 21)")
    parser.add_argument("--rom", type=Path, nargs="*", help="NES ROMs (default: Alouette, efp)")
    parser.add_argument("--quicknes", help="QuickNES's libretro core, by name or path")
    arguments = parser.parse_args()
    roms: list[Path] = arguments.rom or [rom_path("alouette"), *efp()]
    around = circumstances()
    results = {rom.name: measure(rom, arguments.turns, arguments.quicknes) for rom in roms}
    missed = [
        f"{rom}: {name} is {value:.3f}"
        for rom, figures in results.items()
        for name, value in figures.items()
        if value < AT_LEAST.get(name, value)
    ]
    report: dict[str, Any] = {
        "roms": {rom.name: hashlib.sha1(rom.read_bytes()).hexdigest() for rom in roms},
        "turns": arguments.turns,
        **around,
        "results": {
            rom: {name: round(value, 4) for name, value in figures.items()}
            for rom, figures in results.items()
        },
        "targets": {"at_least": AT_LEAST},
        "missed": missed,
    }
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    if arguments.save:
        save("colibri", report)
    return 1 if arguments.check and missed else 0


def measure(rom: Path, turns: int, quicknes: str | None) -> Figures:
    """All figures of one ROM."""
    inputs = some_inputs((JOBS, 1, 2))
    parents = np.arange(JOBS, dtype=np.int32) % MOMENTS
    with open_colibri(rom) as colibri, open_libretro(rom, "fceumm") as fceumm:
        contestants = [
            *colibri_loops(colibri, rom, parents, inputs),
            ("fceumm", core_loop(fceumm, rom, parents, inputs)),
            ("screen", screens(colibri, rom)),
            ("fceumm_screen", screens(fceumm, rom)),
        ]
        if quicknes is not None:
            other = open_libretro(rom, quicknes)
            contestants.append(("quicknes", core_loop(other, rom, parents, inputs)))
        speeds = take_turns(contestants, turns)
        figures: Figures = {f"{name}_fps": statistics.median(of) for name, of in speeds.items()}
        for name, over, under in (
            ("plain_ratio", "plain", "fceumm"),
            ("idle_skip_ratio", "idle_skip", "fceumm"),
            ("rollout_ratio", "rollout", "idle_skip"),
            ("threads2_ratio", "rollout_2_threads", "rollout_1_thread"),
            ("two_alone_ratio", "two_alone", "rollout_1_thread"),
            ("drawn_ratio", "drawn", "fceumm"),
            ("screen_ratio", "screen", "fceumm_screen"),
            ("quicknes_ratio", "idle_skip", "quicknes"),
        ):
            if over in speeds and under in speeds:
                figures[name] = ratio(speeds, over, under)
        figures["savestate_bytes"] = len(colibri.save_state().payload)
    figures["instance_bytes"] = in_fresh_process("memory_of_an_instance", rom)
    figures["open_seconds"] = statistics.median(
        in_fresh_process("seconds_to_the_first_frame", rom) for _ in range(5)
    )
    return figures


def colibri_loops(
    emulator: ColibriEmulator, rom: Path, parents: npt.NDArray[np.int32], inputs: Log
) -> list[Contestant]:
    """Colibri's C++ loop, plain, skipping and drawing, and rollouts from Python."""
    states = moments(emulator, rom)
    payloads = [state.payload for state in states]
    plain, skipping = emulator.open_fleet(1), emulator.open_fleet(1)
    plain.native.set_skips_idle(False)

    def in_cpp(fleet: Any, drawn: bool = False) -> int:
        fleet.native.time_rollout(payloads, parents, inputs, drawn)
        return JOBS

    loops: list[Contestant] = [
        ("plain", lambda: in_cpp(plain)),
        ("idle_skip", lambda: in_cpp(skipping)),
        ("drawn", lambda: in_cpp(skipping, drawn=True)),
    ]
    for name, workers, frames in (
        ("rollout", 1, 1), ("rollout_1_thread", 1, 8), ("rollout_2_threads", 2, 8),
        ("one_alone", 1, 8), ("other_alone", 1, 8),
    ):  # fmt: skip
        fleet = emulator.open_fleet(workers)
        pool = fleet.new_pool(MOMENTS + JOBS)
        slots = np.array([pool.put(state) for state in states], np.int32)[parents]
        log = some_inputs((JOBS, frames, 2))

        def play(fleet: Any = fleet, pool: Any = pool, slots: Any = slots, log: Log = log) -> int:
            batch = fleet.rollout(pool, slots, log)
            pool.free(batch.slots)
            return log.shape[0] * log.shape[1]

        loops.append((name, play))
    alone = [play for name, play in loops if name.endswith("_alone")]
    shared = [loop for loop in loops if not loop[0].endswith("_alone")]
    return [*shared, ("two_alone", lambda: at_once(alone))]


def at_once(plays: list[Callable[[], int]]) -> int:
    """All of them, each on a thread of its own; their frames."""
    with ThreadPoolExecutor(len(plays)) as threads:
        return sum(each.result() for each in [threads.submit(play) for play in plays])


def core_loop(
    emulator: LibretroEmulator, rom: Path, parents: npt.NDArray[np.int32], inputs: Log
) -> Any:
    """The C loop of load, one frame, copy RAM, save."""
    payloads = [state.payload for state in moments(emulator, rom)]

    def play() -> int:
        _native.time_rollout(emulator.native, payloads, parents, inputs)
        return len(parents)

    return play


def screens(emulator: ColibriEmulator | LibretroEmulator, rom: Path) -> Any:
    """Frames from Python, the picture of each taken."""
    start = moments(emulator, rom)[0]
    held = [copain.Joypad.from_bits(int(bits)) for bits in some_inputs((SCREENS, 1))[:, 0]]

    def play() -> int:
        emulator.load_state(start)
        for each in held:
            emulator.advance(each)
            _ = emulator.screen
        return SCREENS

    return play


def moments(emulator: ColibriEmulator | LibretroEmulator, rom: Path) -> list[copain.Savestate]:
    """The same moments of the game in both: of play, not of its title."""
    emulator.power_on()
    if rom == rom_path("alouette"):
        for held, frames in game_by_name("alouette").start:
            emulator.advance(held, frames=frames)
    else:
        emulator.advance(frames=120)
        for _ in range(4):
            emulator.advance(copain.Joypad(start=True), frames=4)
            emulator.advance(frames=40)
    states: list[copain.Savestate] = []
    for bits in some_inputs((MOMENTS, 1))[:, 0]:
        states.append(emulator.save_state())
        emulator.advance(copain.Joypad.from_bits(int(bits)), frames=8)
    return states


def in_fresh_process(function: str, rom: Path) -> float:
    """What a function of this file gives in a process of its own."""
    command = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"import colibri, pathlib\n"
        f"print(colibri.{function}(pathlib.Path({str(rom)!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def memory_of_an_instance(rom: Path) -> float:
    """Bytes that each of ten thousand takes in a pool, a frame played in each."""

    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with open_colibri(rom) as emulator:
        fleet = emulator.open_fleet(2)
        pool = fleet.new_pool(INSTANCES + 1)
        root = pool.put(fleet.root())
        log = np.zeros((INSTANCES // 20, 1, 2), np.uint16)
        fleet.rollout(pool, np.full(len(log), root), log)
        before, used = resident(), pool.used
        while pool.used + len(log) <= pool.capacity:
            fleet.rollout(pool, np.full(len(log), root), log)
        return (resident() - before) / (pool.used - used)


def seconds_to_the_first_frame(rom: Path) -> float:
    """From `copain.open` to the first frame."""
    start = perf_counter()
    with copain.open(rom, emulator="colibri") as emulator:
        emulator.advance()
        return perf_counter() - start


def open_colibri(rom: Path) -> ColibriEmulator:
    """The emulator that is measured."""
    emulator = copain.open(rom, emulator="colibri")
    assert isinstance(emulator, ColibriEmulator)
    return emulator


def open_libretro(rom: Path, core: str) -> LibretroEmulator:
    """What it is measured against."""
    emulator = copain.open(rom, emulator="libretro", core=core)
    assert isinstance(emulator, LibretroEmulator)
    return emulator


def efp() -> list[Path]:
    """The NES game of Debian's package efp, where it is."""
    places = (Path("/usr/share/nes/efp.nes"), Path(sys.prefix, "share/nes/efp.nes"))
    found = [place for place in places if place.is_file()]
    if not found:
        print("Debian's efp is not here: apt install efp", file=sys.stderr)
    return found[:1]


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    results: dict[str, Figures] = report["results"]
    lines = [
        f"commit {report['commit']}, {report['machine']['processor']}, "
        f"{report['machine']['cores']} cores, medians of {report['turns']} turns",
        f"{'':24}" + "".join(f"{rom[:14]:>16}" for rom in results) + f"{'target':>12}",
    ]
    for name in {name: None for figures in results.values() for name in figures}:
        values = [figures.get(name) for figures in results.values()]
        digits = 3 if name.endswith(("_ratio", "_seconds")) else 0
        row = "".join(f"{'-' if v is None else f'{v:.{digits}f}':>16}" for v in values)
        target = f">= {AT_LEAST[name]}" if name in AT_LEAST else ""
        lines.append(f"{name:24}{row}{target:>12}")
    lines += [f"missed: {miss}" for miss in report["missed"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
