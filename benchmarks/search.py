"""How much of an emulator's speed a search keeps, and how fast the engine itself is.

- ``beam_ratio``: states expanded per second by a whole beam search of Alouette (one frame an
  action, an objective in Python, a run folder on disk), over the bare `fleet.rollout` of the very
  same jobs, in batches of the same size, on two threads; with FCEUmm and with Colibri. Searched
  and played in turns, the median of the turns' ratios, in time of the clock and of the processors.
- ``ceiling``: the same search on a fleet that costs next to nothing: 2 KB of RAM and 13 KB of
  savestate, and a frame is a recorded difference that is played back.

Expanded states per second, and those of them that were new; per second of the processors too,
which a busy machine leaves as it is: two idle processors do twice that. And the bytes that the RAM
and savestate of a place take when they are committed, against what they have.

    python benchmarks/search.py [--json] [--save] [--check] [--turns N] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import numpy.typing as npt
from measuring import circumstances, save
from synthetic import Recorded, SyntheticEmulator, SyntheticGame

import copain
from copain.fleet import open_fleet
from copain.games import game_by_name, rom_path
from copain.rollout import Fleet, Pool, RolloutBatch
from copain.runs import Archive
from copain.savestate import Savestate
from copain.search import Beam, Found, Points, beam

THREADS = 2
BATCH = 1024
AT_LEAST = {
    "fceumm": {"beam_ratio": 0.90},
    "colibri": {"beam_ratio": 0.60},
    "ceiling": {"expanded_per_second": 120_000.0},
}
FRAMES = {"fceumm": 60_000, "colibri": 150_000, "ceiling": 300_000}
"""States that a search of each turn expands."""

Figures = dict[str, float]


@dataclass(slots=True)
class Spent:
    """What something took: seconds of the clock and of the processors."""

    clock: float
    processors: float

    @classmethod
    def by(cls, function: Callable[[], Any]) -> Spent:
        """Call it."""
        clock, processors = perf_counter(), process_time()
        function()
        return cls(perf_counter() - clock, process_time() - processors)


@dataclass(slots=True)
class Jobs:
    """One batch as a search played it: savestates, which of them each job starts at, inputs."""

    states: list[Savestate]
    parents: npt.NDArray[np.int64]
    inputs: npt.NDArray[np.uint16]


@dataclass(slots=True)
class Recording:
    """A fleet that notes what it plays."""

    fleet: Fleet
    played: list[Jobs] = field(default_factory=list[Jobs])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fleet, name)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *error: object) -> None:
        self.fleet.close()

    def rollout(self, pool: Any, parents: Any, inputs: Any, **options: Any) -> RolloutBatch:
        """As the fleet."""
        slots, rows = np.unique(parents, return_inverse=True)
        states = [pool.get(slot) for slot in slots.tolist()]
        self.played.append(Jobs(states, rows, np.array(inputs)))
        return self.fleet.rollout(pool, parents, inputs, **options)


class RecordedEmulator:
    """An emulator whose fleets note what they play."""

    def __init__(self, emulator: Any, played: list[Jobs]) -> None:
        self._emulator, self._played = emulator, played

    def __getattr__(self, name: str) -> Any:
        return getattr(self._emulator, name)

    def __enter__(self) -> RecordedEmulator:
        return self

    def __exit__(self, *error: object) -> None:
        self._emulator.close()

    def open_fleet(self, workers: int) -> Any:
        """Its fleet, which notes."""
        return Recording(self._emulator.open_fleet(workers), self._played)


def main() -> int:
    """Measure, print, and save if asked to."""
    parser = argparse.ArgumentParser(description="How much of an emulator's speed a search keeps.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--save", action="store_true", help="write to benchmarks/results/")
    parser.add_argument("--check", action="store_true", help="fail when a target is missed")
    parser.add_argument("--turns", type=int, default=5, help="turns of each (default 5)")
    parser.add_argument("--width", type=int, default=4096, help="of the beam (default 4096)")
    parser.add_argument("--only", nargs="*", choices=FRAMES, default=list(FRAMES), help="which")
    arguments = parser.parse_args()
    around = circumstances()
    results = {name: measure(name, arguments.turns, arguments.width) for name in arguments.only}
    missed = [
        f"{of}: {name} is {results[of][name]:.3f}"
        for of, targets in AT_LEAST.items()
        if of in results
        for name, target in targets.items()
        if results[of][name] < target
    ]
    report: dict[str, Any] = {
        "turns": arguments.turns,
        "width": arguments.width,
        "batch": BATCH,
        "threads": THREADS,
        **around,
        "results": {
            of: {name: round(value, 4) for name, value in figures.items()}
            for of, figures in results.items()
        },
        "targets": {"at_least": AT_LEAST},
        "missed": missed,
    }
    print(json.dumps(report, indent=2) if arguments.json else table(report))
    if arguments.save:
        save("search", report)
    return 1 if arguments.check and missed else 0


def measure(name: str, turns: int, width: int) -> Figures:
    """All figures with one kind of emulator."""
    game = SyntheticGame() if name == "ceiling" else game_by_name("alouette")
    recorded = Recorded() if name == "ceiling" else None

    def opened() -> Any:
        if recorded is not None:
            return SyntheticEmulator(recorded)
        if name == "colibri":
            return copain.open(rom_path("alouette"), emulator="colibri")
        return copain.open(rom_path("alouette"), emulator="libretro", core=name)

    sizes: Figures = {}
    mask = None if recorded is None else np.full(2048, 255, np.uint8)

    def search(factory: Callable[[], Any] = opened) -> Found:
        config = Beam(width=width, action_repeat=1, batch=BATCH, frames=FRAMES[name])
        with tempfile.TemporaryDirectory() as parent:
            folder = Path(parent) / "run"
            found = beam(factory, Points(game), config, mask=mask, workers=THREADS, folder=folder)
            if not sizes:
                sizes.update(stored(folder))
        return found

    played: list[Jobs] = []
    search(lambda: RecordedEmulator(opened(), played))
    jobs = sum(len(batch.inputs) for batch in played)
    searched: list[Spent] = []
    bare: list[Spent] = []
    with open_fleet(opened, THREADS) as fleet:
        pool = fleet.new_pool(2 * BATCH)
        again: list[Callable[[], object]] = [
            lambda: searched.append(Spent.by(search)),
            lambda: bare.append(play(fleet, pool, played)),
        ]
        for turn in range(turns + 1):
            # Forwards and backwards, so that nobody always comes after the other.
            for each in again if turn % 2 else again[::-1]:
                each()
    searched, bare = searched[1:], bare[1:]  # the first turn was for warming up
    middle = statistics.median
    return {
        "beam_ratio": middle(b.clock / s.clock for s, b in zip(searched, bare, strict=True)),
        "beam_ratio_of_processors": middle(
            b.processors / s.processors for s, b in zip(searched, bare, strict=True)
        ),
        "expanded_per_second": middle(jobs / s.clock for s in searched),
        "expanded_per_processor_second": middle(jobs / s.processors for s in searched),
        "bare_per_second": middle(jobs / s.clock for s in bare),
        "new_per_second": middle(sizes["new"] / s.clock for s in searched),
        "expanded": jobs,
        **sizes,
        "raw_bytes": len(played[-1].states[0].payload) + int(fleet.ram_size),
    }


def stored(folder: Path) -> Figures:
    """How many places a search has noted as new, how many it held at its end, and the bytes that
    RAM and savestate of each take when packed, and on disk, where all of it is compressed.
    """
    archive = Archive(folder / "archive")
    arrays = archive.read()
    held = len(arrays["held/lines"])
    packed = sum(arrays[name].nbytes for name in ("held/packed", "held/ram", "held/savestates"))
    checkpoint = (archive.folder / "checkpoint.npz").stat().st_size
    return {
        "new": len(arrays["seen"]),
        "held": held,
        "packed_bytes": packed / held,
        "checkpoint_bytes": checkpoint / held,
    }


def play(fleet: Fleet, pool: Pool, played: Sequence[Jobs]) -> Spent:
    """The same jobs, and nothing else."""
    total = Spent(0, 0)
    for batch in played:
        slots = np.array([pool.put(state) for state in batch.states], np.int32)
        parents, inputs = slots[batch.parents], batch.inputs
        clock, processors = perf_counter(), process_time()
        ends = fleet.rollout(pool, parents, inputs)
        total.clock += perf_counter() - clock
        total.processors += process_time() - processors
        pool.free(np.concatenate([slots, ends.slots]))
    return total


def table(report: dict[str, Any]) -> str:
    """The report for people."""
    results: dict[str, Figures] = report["results"]
    lines = [
        f"commit {report['commit']}, {report['machine']['processor']}, load before "
        f"{report['load_before']}, medians of {report['turns']} turns",
        f"{'':34}" + "".join(f"{of:>14}" for of in results),
    ]
    for name in {name: None for figures in results.values() for name in figures}:
        values = [figures.get(name) for figures in results.values()]
        digits = 3 if "ratio" in name else 0
        row = "".join(f"{'-' if v is None else f'{v:.{digits}f}':>14}" for v in values)
        lines.append(f"{name:34}{row}")
    lines += [f"missed: {miss}" for miss in report["missed"]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
